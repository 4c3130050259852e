/** A database in memory that behaves like LevelDB, and fails when told: for stores, hosts and benchmarks. */

import type { Database, KeyRange, Operation } from '../../src/node/database.ts'

/** What is on the disk; it survives a "crash", and a second database may be opened over it. */
export type Disk = Map<string, Uint8Array>

/** A stand-in for LevelDB. */
export interface MemoryDatabase extends Database {
  /** Batches written so far. */
  readonly batchCount: number
}

/**
 * Returns a database over a disk.
 *
 * @param options - `failAt`: number of the batch from which on all fail, counted from 1; `delayMs`: how long a sync takes;
 *   `isTorn`: whether the failing batch reaches the disk nevertheless, as after a failed fsync it may
 */
export function createMemoryDatabase(
  disk: Disk,
  options: { readonly failAt?: number; readonly delayMs?: number; readonly isTorn?: boolean } = {},
): MemoryDatabase {
  const { failAt = Infinity, delayMs, isTorn = false } = options
  let batchCount = 0

  function apply(operations: readonly Operation[]): void {
    for (const operation of operations) {
      if (operation.type === 'del') disk.delete(operation.key)
      else disk.set(operation.key, Uint8Array.from(operation.value))
    }
  }

  return {
    get batchCount() {
      return batchCount
    },
    get: (key) => Promise.resolve(disk.get(key)),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *iterator({ gte, lt, reverse = false, limit = Infinity }: KeyRange) {
      const keys = [...disk.keys()].filter((key) => key >= gte && key < lt).sort()
      if (reverse) keys.reverse()
      for (const key of keys.slice(0, limit)) yield [key, disk.get(key) as Uint8Array] as const
    },
    async batch(operations) {
      batchCount += 1
      const number = batchCount
      if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs))
      if (number < failAt || isTorn) apply(operations)
      if (number >= failAt) throw new Error('fsync: input/output error')
    },
    close: () => Promise.resolve(),
  }
}

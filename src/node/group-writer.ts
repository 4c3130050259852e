/**
 * Group commit: while one synced write is under way, what comes next gathers and is written together. One sync then serves
 * many inputs, however slow the disk.
 *
 * After one failed write nothing is written any more: what the disk holds then is not known, and a second sync that
 * succeeds says nothing about the pages that the first one lost.
 */

import { VitalsealError } from '../errors.ts'
import type { Database, Operation } from './database.ts'

/** Writes in order, many at once. */
export interface GroupWriter {
  /**
   * Resolves when the operations are durable. What is written later is never durable earlier.
   *
   * @throws When this write or one before it failed: `ERR_NODE_DISK`. {@link VitalsealError}
   */
  write(operations: readonly Operation[]): Promise<void>
  /** Resolves when nothing is under way, also after a failure. */
  settle(): Promise<void>
}

interface Group {
  readonly operations: Operation[]
  readonly done: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

function createGroup(): Group {
  let settle: Pick<Group, 'resolve' | 'reject'> | undefined
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whoever asked for the write hears of it; nobody else needs to.
  done.catch(() => undefined)
  return { operations: [], done, ...(settle as unknown as Pick<Group, 'resolve' | 'reject'>) }
}

/** Returns a writer of synced batches. */
export function createGroupWriter(database: Pick<Database, 'batch'>): GroupWriter {
  let gathering: Group | undefined
  let running: Promise<void> | undefined
  let failure: VitalsealError | undefined

  async function writeGroups(): Promise<void> {
    // What the same turn of the event loop still brings goes along.
    await Promise.resolve()
    while (gathering !== undefined) {
      const group = gathering
      gathering = undefined
      try {
        await database.batch(group.operations, { sync: true })
        group.resolve()
      } catch (cause) {
        failure = diskFailure(cause)
        group.reject(failure)
        abandon(failure)
      }
    }
    running = undefined
  }

  /** What gathered behind a write that failed fails with it. */
  function abandon(reason: VitalsealError): void {
    gathering?.reject(reason)
    gathering = undefined
  }

  return {
    write(operations) {
      if (failure !== undefined) return Promise.reject(failure)
      gathering ??= createGroup()
      gathering.operations.push(...operations)
      const { done } = gathering
      running ??= writeGroups()
      return done
    },
    settle: () => running ?? Promise.resolve(),
  }
}

function diskFailure(cause: unknown): VitalsealError<'ERR_NODE_DISK'> {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `a write to disk failed (${reason}): nothing was acknowledged since; repair the disk and start again`
  return new VitalsealError('ERR_NODE_DISK', message, { details: {}, cause })
}

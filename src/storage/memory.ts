/**
 * A blockstore in memory: for tests, examples and outboxes that need not survive.
 */

import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { Blockstore } from './blockstore.ts'

/** A blockstore whose answers are at hand. */
export interface MemoryBlockstore extends Blockstore {
  /** Returns a copy of the block, or undefined. */
  get(cid: { toString(): string }): Bytes | undefined
  /** Keeps a copy of the block. */
  put(cid: { toString(): string }, bytes: Uint8Array): void
  /** Forgets the block. */
  delete(cid: { toString(): string }): void
  /** Number of blocks. */
  readonly blockCount: number
}

/** Returns an empty blockstore in memory. It copies what goes in and out. */
export function createMemoryBlockstore(): MemoryBlockstore {
  const blocks = new Map<string, Bytes>()
  return Object.freeze({
    get(cid) {
      const bytes = blocks.get(cid.toString())
      return bytes === undefined ? undefined : copyBytes(bytes)
    },
    put: (cid, bytes) => void blocks.set(cid.toString(), copyBytes(bytes)),
    delete: (cid) => void blocks.delete(cid.toString()),
    get blockCount() {
      return blocks.size
    },
  } satisfies MemoryBlockstore)
}

/**
 * A blockstore in memory: for tests, examples and outboxes that need not survive.
 */

import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { Blockstore } from './blockstore.ts'

/** A blockstore whose answers are at hand. */
export interface MemoryBlockstore extends Blockstore {
  /** Returns the block itself, not to be changed, or undefined. */
  readonly get: (cid: { toString(): string }) => Bytes | undefined
  /** Keeps a copy of the block. */
  readonly put: (cid: { toString(): string }, bytes: Uint8Array) => void
  /** Forgets the block. */
  readonly delete: (cid: { toString(): string }) => void
  /** Number of blocks. */
  readonly blockCount: number
}

/**
 * Returns an empty blockstore in memory. It copies what goes in, and not what comes out: a reader who changes what he got
 * damages the block, and every later reader notices.
 */
export function createMemoryBlockstore(): MemoryBlockstore {
  const blocks = new Map<string, Bytes>()
  return Object.freeze({
    get: (cid) => blocks.get(cid.toString()),
    put: (cid, bytes) => void blocks.set(cid.toString(), copyBytes(bytes)),
    delete: (cid) => void blocks.delete(cid.toString()),
    get blockCount() {
      return blocks.size
    },
  } satisfies MemoryBlockstore)
}

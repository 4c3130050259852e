/**
 * A blockstore in memory: for tests, examples and outboxes that need not survive.
 */

import type { CID } from 'multiformats/cid'

import { copyBytes, type Bytes } from '../primitives/bytes.ts'
import type { Blockstore } from './blockstore.ts'

/** A blockstore whose answers are at hand. */
export interface MemoryBlockstore extends Blockstore {
  /** Returns the block itself, not to be changed, or undefined. */
  readonly get: (cid: CID) => Bytes | undefined
  /** Keeps a copy of the block. */
  readonly put: (cid: CID, bytes: Uint8Array) => void
  /** Forgets the block. */
  readonly delete: (cid: CID) => void
  /** Number of blocks. */
  readonly blockCount: number
}

/** Blocks are the same under either codec; the text of a CID would cost more than hashing a short block. */
function keyOf({ multihash }: CID): string {
  return String.fromCharCode(...multihash.bytes)
}

/**
 * Returns an empty blockstore in memory. It copies what goes in, and not what comes out: a reader who changes what he got
 * damages the block, and every later reader notices.
 */
export function createMemoryBlockstore(): MemoryBlockstore {
  const blocks = new Map<string, Bytes>()
  return Object.freeze({
    get: (cid) => blocks.get(keyOf(cid)),
    put: (cid, bytes) => void blocks.set(keyOf(cid), copyBytes(bytes)),
    delete: (cid) => void blocks.delete(keyOf(cid)),
    get blockCount() {
      return blocks.size
    },
  } satisfies MemoryBlockstore)
}

/**
 * The port behind which blocks are kept, and the store in memory. `append` resolves when the block is durable.
 */

import { VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'

/** A block and its certificate, as they are kept. */
export interface StoredBlock {
  readonly height: number
  /** Canonical bytes of the block. */
  readonly block: Bytes
  /** Canonical bytes of its execution certificate. */
  readonly certificate: Bytes
}

/** Port: keeps blocks in order. */
export interface LedgerStore {
  /** Resolves when the block is durable; blocks come in order of height; one that is kept already changes nothing. */
  append(block: StoredBlock): Promise<void>
  /** The block of a height; undefined when there is none. */
  read(height: number): Promise<StoredBlock | undefined>
  /** Height of the newest block; 0 when there is none. */
  height(): Promise<number>
}

/** Returns a store that forgets when the process ends. */
export function createMemoryLedgerStore(): LedgerStore {
  const blocks: StoredBlock[] = []
  return {
    append(block) {
      const next = blocks.length + 1
      if (block.height > next) return Promise.reject(gap(next, block.height))
      // What came before comes again after a restart.
      if (block.height === next) blocks.push(block)
      return Promise.resolve()
    },
    read: (height) => Promise.resolve(blocks[height - 1]),
    height: () => Promise.resolve(blocks.length),
  }
}

function gap(next: number, found: number): VitalsealError {
  return new VitalsealError('ERR_ARGUMENT_INVALID', `"block.height" expected at most ${next}, found ${found}`, {
    details: { argument: 'block.height', expected: `at most ${next}`, found: `${found}` },
    path: 'block.height',
  })
}

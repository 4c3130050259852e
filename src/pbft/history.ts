/**
 * Executed blocks, kept for a while with their proofs: to certify them, and to serve replicas that are behind.
 *
 * Bounded by a number of blocks and by bytes; the oldest go first, but none above the stable checkpoint.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { Batch } from './batch.ts'
import type { Certificate, Member } from './certificate.ts'
import { HISTORY_BYTES_MAX } from './limits.ts'
import type { CommitCertificate } from './shape.ts'

/** One executed block. */
export interface ExecutedEntry {
  readonly height: number
  /** Without its requests: the application has them, and others get the bytes. */
  readonly batch: Pick<Batch, 'bytes' | 'digest'>
  readonly commit: CommitCertificate
  readonly headerDigest: Digest32
  readonly nextMembers: readonly Member[] | null
  /** As the host stores it; dropped once it is delivered. */
  block: Bytes | undefined
  /** This replica's EXEC-VOTE as sent, or undefined where it gave none. */
  readonly vote: Bytes | undefined
  certificate: Certificate | undefined
}

/** The last executed blocks. */
export class History {
  readonly #entries = new Map<number, ExecutedEntry>()
  readonly #countMax: number
  #bytes = 0

  /** Makes an empty history that keeps so many blocks. */
  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** Adds the next block. */
  add(entry: ExecutedEntry): void {
    this.#entries.set(entry.height, entry)
    this.#bytes += entry.batch.bytes.length
  }

  /** Returns the block of a height if it is kept. */
  find(height: number): ExecutedEntry | undefined {
    return this.#entries.get(height)
  }

  /** Drops the oldest blocks beyond the limits, none above the stable checkpoint. */
  prune(stable: number): void {
    for (const [height, entry] of this.#entries) {
      const fits = this.#entries.size <= this.#countMax && this.#bytes <= HISTORY_BYTES_MAX
      if (fits || height > stable) break
      this.#entries.delete(height)
      this.#bytes -= entry.batch.bytes.length
    }
  }

  /** How many blocks are kept. */
  get size(): number {
    return this.#entries.size
  }
}

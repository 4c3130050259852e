/**
 * An application whose host can rebuild it at any height that it stored: what a ledger on disk is to a ledger node.
 */

import type { Digest32 } from '../../primitives/hash.ts'
import type { ProposedBatch } from '../batch.ts'
import type { Application, Head } from '../types.ts'

type Entry =
  | { readonly kind: 'apply'; readonly height: number; readonly batch: ProposedBatch }
  | {
      readonly kind: 'restore'
      readonly height: number
      readonly chunks: readonly Uint8Array[]
      readonly headerDigest: Digest32
    }

/** Wraps applications of one replica and remembers what made them. */
export class Journal {
  #entries: Entry[] = []
  readonly #make: () => Application
  readonly #watch: (batch: ProposedBatch, height: number, headerDigest: Digest32) => void

  /**
   * Begins with nothing.
   *
   * @param make - a state machine at its beginning
   * @param watch - told of every block that is executed
   */
  constructor(make: () => Application, watch: (batch: ProposedBatch, height: number, headerDigest: Digest32) => void) {
    this.#make = make
    this.#watch = watch
  }

  /** Forgets everything. */
  wipe(): void {
    this.#entries = []
  }

  /** Returns the application as it was at a height, and forgets what came after. */
  rebuild(height: number): Application {
    this.#entries = this.#entries.filter((entry) => entry.height <= height)
    const application = this.#make()
    for (const entry of this.#entries) {
      if (entry.kind === 'apply') application.apply(entry.batch, entry.height)
      else application.restore(entry.chunks, entry)
    }
    return this.#wrap(application)
  }

  #wrap(application: Application): Application {
    return {
      head: () => application.head(),
      check: (request) => application.check(request),
      validate: (batch) => application.validate(batch),
      snapshot: () => application.snapshot(),
      apply: (batch, height) => {
        const applied = application.apply(batch, height)
        this.#entries.push({ kind: 'apply', height, batch })
        this.#watch(batch, height, applied.headerDigest)
        return applied
      },
      restore: (chunks, expected) => {
        const copies = [...chunks]
        const restored = application.restore(copies, expected)
        if (restored.ok) this.#remember(copies, restored.value)
        return restored
      },
    }
  }

  #remember(chunks: readonly Uint8Array[], { height, headerDigest }: Head): void {
    this.#entries = [{ kind: 'restore', height, chunks, headerDigest }]
  }
}

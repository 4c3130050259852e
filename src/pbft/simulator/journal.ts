/**
 * An application whose host can rebuild it at any height that it stored: what a ledger on disk is to a ledger node.
 */

import { toHex } from '../../primitives/bytes.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import type { ProposedBatch } from '../batch.ts'
import type { Application, Head } from '../types.ts'
import type { SimulatedApplication } from './application.ts'
import { nameRequest } from './observe-progress.ts'
import type { ObservedBlock } from './observers.ts'

type Entry =
  | { readonly kind: 'apply'; readonly height: number; readonly batch: ProposedBatch }
  | {
      readonly kind: 'restore'
      readonly height: number
      readonly chunks: readonly Uint8Array[]
      readonly headerDigest: Digest32
    }

/** Who is told what the application of a replica does. */
export interface JournalWatch {
  readonly onExecute: (block: ObservedBlock) => void
  readonly onRestore: (head: Head) => void
}

/** Wraps applications of one replica and remembers what made them. */
export class Journal {
  #entries: Entry[] = []
  readonly #make: () => Application
  readonly #watch: JournalWatch

  /**
   * Begins with nothing.
   *
   * @param make - a state machine at its beginning
   * @param watch - told of every block that is executed, and of snapshots
   */
  constructor(make: () => Application, watch: JournalWatch) {
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
        const before = executedIds(application)?.length
        const applied = application.apply(batch, height)
        this.#entries.push({ kind: 'apply', height, batch })
        const { requests } = batch
        this.#watch.onExecute({
          height,
          header: toHex(applied.headerDigest),
          requests,
          ids: requests.map(nameRequest),
          effective: executedIds(application)?.slice(before),
        })
        return applied
      },
      restore: (chunks, expected) => {
        const copies = [...chunks]
        const restored = application.restore(copies, expected)
        if (!restored.ok) return restored
        this.#remember(copies, restored.value)
        this.#watch.onRestore(restored.value)
        return restored
      },
      ...tellExecuted(application),
    }
  }

  #remember(chunks: readonly Uint8Array[], { height, headerDigest }: Head): void {
    this.#entries = [{ kind: 'restore', height, chunks, headerDigest }]
  }
}

function executedIds(application: Application): readonly string[] | undefined {
  return (application as Partial<SimulatedApplication>).executed?.()
}

/** Observers may ask a simulated application what is in its state. */
function tellExecuted(application: Application): Partial<SimulatedApplication> {
  const { executed } = application as Partial<SimulatedApplication>
  return executed === undefined ? {} : { executed }
}

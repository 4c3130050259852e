/**
 * What was committed, in memory: for followers that wait for the next block, and for views.
 */

import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Header } from './header.ts'
import type { AppliedBlock } from './ledger.ts'
import { collectCommitted, createView, type Committed, type LedgerView } from './view.ts'

/** One block, as a follower sees it. */
export interface FollowedBlock {
  readonly header: Header
  readonly committed: readonly Committed[]
}

/** Keeps blocks and wakes those who wait for the next one. */
export interface Feed {
  /** Adds the next block. */
  commit(applied: AppliedBlock): FollowedBlock
  /** The transaction with this id; undefined when it is in no block. */
  find(id: TransactionId): Committed | undefined
  /** Blocks from a height on, and each new one as it comes. */
  follow(options?: ProgressOptions & { readonly heightFirst?: number }): AsyncIterable<FollowedBlock>
  /** What was committed up to now, of one patient or of all. */
  view(options?: { readonly patient?: Did }): LedgerView
  /** Ends every follower. */
  close(): void
}

/** Returns an empty feed. */
export function createFeed(chain: {
  readonly chainId: ChainId
  readonly timeMs: number
  readonly registrars: readonly Did[]
}): Feed {
  const blocks: FollowedBlock[] = []
  const committed: Committed[] = []
  const byId = new Map<TransactionId, Committed>()
  const waiting = new Set<() => void>()
  let isClosed = false

  const wakeAll = () => {
    for (const wake of waiting) wake()
    waiting.clear()
  }

  return {
    commit(applied) {
      const { header } = applied.block
      const entries = collectCommitted(applied)
      for (const entry of entries) byId.set(entry.transaction.id, entry)
      committed.push(...entries)
      const followed = { header, committed: entries }
      blocks.push(followed)
      wakeAll()
      return followed
    },
    find: (id) => byId.get(id),
    async *follow({ heightFirst = 1, signal } = {}) {
      let next = Math.max(1, heightFirst) - 1
      signal?.addEventListener('abort', wakeAll)
      while (!isClosed && signal?.aborted !== true) {
        const block = blocks[next]
        if (block === undefined) await new Promise<void>((wake) => waiting.add(wake))
        else {
          next++
          yield block
        }
      }
    },
    view({ patient } = {}) {
      const last = blocks.at(-1)?.header
      const isWanted = (entry: Committed) => entry.transaction.kind === 'register' || entry.patient === patient
      return createView({
        chainId: chain.chainId,
        registrars: chain.registrars,
        height: last?.height ?? 0,
        timeMs: last?.timeMs ?? chain.timeMs,
        committed: patient === undefined ? [...committed] : committed.filter(isWanted),
      })
    },
    close() {
      isClosed = true
      wakeAll()
    },
  }
}

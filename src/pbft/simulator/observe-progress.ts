/**
 * What must happen: requests are executed, replicas come back, and without faults latency is exact.
 */

import { toHex } from '../../primitives/bytes.ts'
import type { FinalState, Observer, ObservedGroup, ObserverFactory } from './observers.ts'

function describe({ index, status }: FinalState): string {
  if (status === undefined) return `${index} is down`
  return `${index}: ${status.mode}, view ${status.view}, height ${status.height} of ${status.executedHeight}`
}

/** L1 progress: after the faults stop, every request of an honest client is executed within the patience of the run. */
export function observeLiveness({ acknowledged, report }: ObservedGroup): Observer {
  return {
    finished: ({ replicas, wanted }) => {
      const missing = wanted.filter((id) => !acknowledged.has(id)).length
      const where = replicas.map(describe).join('; ')
      if (missing > 0) report('L1', `${missing} requests are not executed in time; ${where}`)
    },
  }
}

/** L2 recovery: every correct replica, restarted or wiped, reaches the head and votes again. */
export function observeRecovery({ acknowledged, report }: ObservedGroup): Observer {
  return {
    finished: ({ replicas, wanted, isDone }) => {
      if (isDone || wanted.some((id) => !acknowledged.has(id))) return
      report('L2', `not all replicas are back in time; ${replicas.map(describe).join('; ')}`)
    },
  }
}

/**
 * L3 latency: with a constant delay d and no faults a block is executed everywhere 3d after its proposal, certified after 4d,
 * and the client has f + 1 replies 5d after it asked.
 */
export function observeLatency(delayMs: number): ObserverFactory {
  return ({ settings, nowMs, report }) => {
    const asked = new Map<string, number>()
    const proposed = new Map<number, number>()
    const replies = new Map<number, Set<number>>()
    const contents = new Map<number, readonly string[]>()
    const expect = (what: string, since: number | undefined, delays: number): void => {
      const took = since === undefined ? Number.NaN : nowMs() - since
      if (took !== delays * delayMs) report('L3', `${what} took ${took} ms, not ${delays * delayMs} ms`)
    }
    return {
      submitted: (id) => asked.set(id, nowMs()),
      executed: (index, { height, ids }) => {
        contents.set(height, ids)
        expect(`executing block ${height} at replica ${index}`, proposed.get(height), 3)
      },
      delivered: (index, { height }) => {
        expect(`certifying block ${height} at replica ${index}`, proposed.get(height), 4)
      },
      sent: (index, { kind, body }) => {
        // A replica that lacks it gets it again.
        if (kind === 'pre-prepare' && !proposed.has(body.sequence)) proposed.set(body.sequence, nowMs())
        if (kind !== 'exec-vote') return
        const heard = (replies.get(body.sequence) ?? new Set()).add(index)
        replies.set(body.sequence, heard)
        if (heard.size !== settings.weakQuorum) return
        // What leaves now reaches the client one delay later.
        for (const id of contents.get(body.sequence) ?? []) {
          expect(`answering ${id.slice(0, 8)}`, (asked.get(id) ?? Number.NaN) - delayMs, 5)
        }
      },
    }
  }
}

/** Returns the id of a request as observers name it. */
export function nameRequest(request: { readonly id: Uint8Array }): string {
  return toHex(request.id)
}

/**
 * Strategies about view changes and state transfer: forged and old VIEW-CHANGEs, orders that do not follow, lies about blocks.
 */

import { createBatch } from '../batch.ts'
import { sealMessage, type NewView, type ViewChange } from '../message.ts'
import type { PreparedCertificate } from '../shape.ts'
import { everyone, falsify, pass, seal, WRONG, type Means, type Saboteur } from './means.ts'

/** Claims that something was prepared which nobody has proposed, in the newest view there can be. */
function forgeCertificate(means: Means, { view, stable }: ViewChange): PreparedCertificate {
  const body = { view: view - 1, sequence: stable + 1, digest: WRONG }
  const { signature } = sealMessage(means.settings, means.signer, { kind: 'prepare', body })
  const own = signature as NonNullable<typeof signature>
  const prepares = everyone(means).map((signer) => ({ signer, signature: own }))
  return { ...body, prePrepare: own, prepares: prepares.slice(0, means.settings.quorum - 1) }
}

/** Hides what it prepared, or claims to have prepared what nobody proposed. */
export function forgeViewChange(means: Means): Saboteur {
  return falsify((message) => {
    if (message.kind !== 'view-change') return message.bytes
    const prepared = means.draws.chance(0.5) ? [] : [forgeCertificate(means, message.body)]
    return seal(means, { kind: 'view-change', body: { ...message.body, prepared } })
  })
}

/** Tells in each VIEW-CHANGE what was so at its first one, and calls for a new view again and again. */
export function tellOldViewChange(means: Means): Saboteur {
  let first: ViewChange | undefined
  let view = 0
  let ticks = 0
  return {
    send(message, to) {
      if (message.kind !== 'view-change') return pass(message, to)
      first ??= message.body
      view = Math.max(view, message.body.view)
      return [{ to, bytes: seal(means, { kind: 'view-change', body: { ...first, view: message.body.view } }) }]
    },
    receive: (message) => {
      if (message.kind === 'new-view') view = Math.max(view, message.body.view)
    },
    tick() {
      ticks += 1
      if (ticks % 15 > 0) return []
      const { stable, checkpoint, prepared } = first ?? { stable: 0, checkpoint: null, prepared: [] }
      const body = { view: view + 1, stable, checkpoint, prepared }
      return [{ to: everyone(means), bytes: seal(means, { kind: 'view-change', body }) }]
    },
  }
}

function falsifyOrder(means: Means, change: (order: NewView['order']) => NewView['order']): Saboteur {
  return falsify((message) => {
    if (message.kind !== 'new-view') return message.bytes
    return seal(means, { kind: 'new-view', body: { ...message.body, order: change(message.body.order) } })
  })
}

/** As the leader of a view, orders null batches where others have prepared something. */
export function orderNothing(means: Means): Saboteur {
  return falsifyOrder(means, (order) => order.map((entry) => ({ ...entry, digest: null })))
}

/** As the leader of a view, orders other batches, or more than follows. */
export function orderWrong(means: Means): Saboteur {
  return falsifyOrder(means, (order) => {
    if (order.length > 1 && means.draws.chance(0.5)) {
      const digests = order.map(({ digest }) => digest).reverse()
      return order.map(({ sequence }, at) => ({ sequence, digest: digests[at] ?? null }))
    }
    return [...order, { sequence: (order.at(-1)?.sequence ?? 0) + 1, digest: WRONG }]
  })
}

/** Claims to be far ahead, and answers with what does not belong. */
export function lieInTransfer(means: Means): Saboteur {
  return falsify((message) => {
    if (message.kind === 'status') {
      const { executed, certified } = message.body
      const body = { ...message.body, executed: executed + 50, certified: certified + 50 }
      return seal(means, { kind: 'status', body })
    }
    if (message.kind !== 'fetched') return message.bytes
    const { snapshot, commit } = message.body
    if (snapshot === null) {
      const batch = createBatch({ originalView: 0, proposer: 0, timeMs: 1, requests: [] })
      const body = { ...message.body, commit: commit && { ...commit, digest: batch.digest } }
      return seal(means, { kind: 'fetched', body, batch })
    }
    const chunk = Uint8Array.from(snapshot.chunk)
    chunk[means.draws.below(chunk.length)] = 0x30
    return seal(means, { kind: 'fetched', body: { ...message.body, snapshot: { ...snapshot, chunk } } })
  })
}

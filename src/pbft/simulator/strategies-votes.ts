/**
 * Strategies about proposals and votes: two for one number, votes for anything or for nothing, batches that nobody gets.
 */

import { createBatch, type Request } from '../batch.ts'
import type { Ordering } from '../shape.ts'
import { everyone, falsify, pass, seal, WRONG, type Means, type Outgoing, type Saboteur } from './means.ts'

const isVote = (kind: string): boolean => kind === 'pre-prepare' || kind === 'prepare' || kind === 'commit'

/** Leaves some replicas out, of proposals above all. */
export function withhold(means: Means): Saboteur {
  const chosen = new Set(everyone(means).filter(() => means.draws.chance(0.6)))
  return {
    send(message, to) {
      const isSpared = message.kind === 'pre-prepare' || means.draws.chance(0.5)
      return [{ to: isSpared ? to.filter((index) => chosen.has(index)) : to, bytes: message.bytes }]
    },
  }
}

/** Is silent towards some, always the same. */
export function selectiveSilence(means: Means): Saboteur {
  const spoken = new Set(everyone(means).filter(() => means.draws.chance(0.5)))
  return {
    send: (message, to) =>
      pass(
        message,
        to.filter((index) => spoken.has(index)),
      ),
  }
}

/** Proposes by digest and does not hand out the batch, or to one replica only. */
export function withholdBatch(means: Means): Saboteur {
  const favourite = means.draws.pick(everyone(means))
  return {
    send(message, to) {
      if (message.kind === 'fetched') return []
      if (message.kind !== 'pre-prepare' || message.batch === null) return pass(message, to)
      const bytes = seal(means, { kind: 'pre-prepare', body: message.body })
      return [
        { to: to.filter((index) => index !== favourite), bytes },
        { to: to.filter((index) => index === favourite), bytes: message.bytes },
      ]
    },
  }
}

/** Collects what is proposed and voted for, and what is not yet voted for by this replica. */
function createTally(): { learn(body: Ordering): void; due(): readonly Ordering[] } {
  const known = new Map<string, Ordering[]>()
  let due: Ordering[] = []
  return {
    learn(body) {
      const key = `${body.view}/${body.sequence}`
      const digests = known.get(key) ?? []
      const isKnown = digests.some((other) => other.digest.every((byte, at) => byte === body.digest[at]))
      if (isKnown || digests.length > 3) return
      digests.push(body)
      known.set(key, digests)
      due.push(body)
    },
    due() {
      const bodies = due
      due = []
      return bodies
    },
  }
}

function voteFor(means: Means, bodies: readonly Ordering[]): Outgoing[] {
  const to = everyone(means)
  return bodies.flatMap((body) => [
    { to, bytes: seal(means, { kind: 'prepare', body }) },
    { to, bytes: seal(means, { kind: 'commit', body }) },
  ])
}

/** Votes for whatever it hears of, in any view, without a proposal. */
export function voteForAll(means: Means): Saboteur {
  const tally = createTally()
  return {
    send: pass,
    receive(message) {
      if (isVote(message.kind)) tally.learn(message.body as Ordering)
    },
    tick: () => voteFor(means, tally.due()),
  }
}

/** Proposes two batches for one number, each to a part, and votes for whatever it hears of. */
export function equivocate(means: Means): Saboteur {
  const tally = createTally()
  return {
    receive(message) {
      if (isVote(message.kind)) tally.learn(message.body as Ordering)
    },
    send(message, to) {
      if (isVote(message.kind)) tally.learn(message.body as Ordering)
      if (message.kind !== 'pre-prepare' || message.batch === null || to.length < 2) return pass(message, to)
      const { originalView, proposer, timeMs, requests } = message.batch
      const other = createBatch({ originalView, proposer, timeMs: timeMs + 1, requests })
      const body = { ...message.body, digest: other.digest }
      tally.learn(body)
      const order = means.draws.shuffle(to)
      const cut = means.draws.between(1, order.length - 1)
      const bytes = seal(means, { kind: 'pre-prepare', body, batch: other })
      return [
        { to: order.slice(0, cut), bytes: message.bytes },
        { to: order.slice(cut), bytes },
      ]
    },
    tick: () => voteFor(means, tally.due()),
  }
}

/** Votes for a batch that does not exist, to some or to all. */
export function wrongDigest(means: Means): Saboteur {
  return {
    send(message, to) {
      if (message.kind !== 'prepare' && message.kind !== 'commit') return pass(message, to)
      const bytes = seal(means, { kind: message.kind, body: { ...message.body, digest: WRONG } })
      const cut = means.draws.between(0, to.length)
      return [
        { to: to.slice(0, cut), bytes: message.bytes },
        { to: to.slice(cut), bytes },
      ]
    },
  }
}

/** As a proposer, puts requests into a batch that it has proposed before. */
export function proposeAgain(means: Means): Saboteur {
  const old: Request[] = []
  return {
    send(message, to) {
      if (message.kind !== 'pre-prepare' || message.batch === null) return pass(message, to)
      const { originalView, proposer, timeMs, requests } = message.batch
      const again = old.length > 0 ? [means.draws.pick(old)] : []
      if (old.length < 40) old.push(...requests)
      const batch = createBatch({ originalView, proposer, timeMs, requests: [...requests, ...again] })
      const body = { ...message.body, digest: batch.digest }
      return [{ to, bytes: seal(means, { kind: 'pre-prepare', body, batch }) }]
    },
  }
}

/** Signs another header than it executed. */
export function lieAboutCheckpoints(means: Means): Saboteur {
  return falsify((message) => {
    if (message.kind !== 'exec-vote') return message.bytes
    return seal(means, { kind: 'exec-vote', body: { ...message.body, headerDigest: WRONG } })
  })
}

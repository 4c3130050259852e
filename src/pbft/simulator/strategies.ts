/**
 * Byzantine strategies: an unmodified replica whose messages are changed on their way out by someone who has its key and
 * sees all that it is sent. Twins are no strategy of this file: one key runs twice, both unmodified.
 */

import { sha256 } from '../../primitives/hash.ts'
import type { Signer } from '../../primitives/signature.ts'
import { createBatch } from '../batch.ts'
import type { Settings } from '../config.ts'
import { sealMessage, type Draft, type MessageKind, type PeerMessage, type ViewChange } from '../message.ts'
import type { Ordering, PreparedCertificate } from '../shape.ts'
import { createSimulatedRequest } from './application.ts'
import type { Draws } from './random.ts'
import type { Strategy } from './scenario.ts'

/** A message on its way. */
export interface Outgoing {
  readonly to: readonly number[]
  readonly bytes: Uint8Array
  readonly delayMs?: number
}

/** What a faulty replica has at hand. */
export interface Means {
  readonly settings: Settings
  readonly signer: Signer
  readonly index: number
  readonly draws: Draws
  readonly timeoutMs: number
  /** Tells that a client of this replica made a request. */
  readonly submitted: (id: Uint8Array) => void
}

/** A strategy at work. */
export interface Saboteur {
  /** What leaves instead of a message. */
  send(message: PeerMessage, to: readonly number[]): readonly Outgoing[]
  /** Sees what comes in. */
  receive?(message: PeerMessage): void
  /** What leaves without a reason. */
  tick?(): readonly Outgoing[]
}

const pass = (message: PeerMessage, to: readonly number[]): Outgoing[] => [{ to, bytes: message.bytes }]
const WRONG = sha256(Uint8Array.of(0xbad & 0xff))

/** Returns a strategy at work; undefined for twins. */
export function createSaboteur(strategy: Strategy, means: Means): Saboteur | undefined {
  switch (strategy) {
    case 'silent':
      return { send: () => [] }
    case 'delay': {
      const delayMs = means.timeoutMs * (0.4 + 0.5 * means.draws.next())
      return { send: (message, to) => [{ to, bytes: message.bytes, delayMs }] }
    }
    case 'withhold':
      return withhold(means)
    case 'equivocate':
      return equivocate(means)
    case 'replay':
      return replay(means)
    case 'wrong-new-view':
      return { send: (message, to) => [{ to, bytes: falsifyView(means, message) }] }
    case 'lie-in-transfer':
      return { send: (message, to) => [{ to, bytes: falsifyTransfer(means, message) }] }
    case 'checkpoint-liar':
      return { send: (message, to) => [{ to, bytes: falsifyVote(means, message) }] }
    case 'garbage':
      return garbage(means)
    case 'flood':
      return flood(means)
    case 'twins':
      return undefined
  }
}

function seal<K extends MessageKind>(means: Means, draft: Draft<K>): Uint8Array {
  return sealMessage(means.settings, means.signer, draft).bytes
}

function everyone(means: Means): number[] {
  return means.settings.members.flatMap((_, index) => (index === means.index ? [] : [index]))
}

/** Leaves some replicas out, of proposals above all. */
function withhold(means: Means): Saboteur {
  const chosen = new Set(everyone(means).filter(() => means.draws.chance(0.6)))
  return {
    send(message, to) {
      const isSpared = message.kind === 'pre-prepare' || means.draws.chance(0.5)
      return [{ to: isSpared ? to.filter((index) => chosen.has(index)) : to, bytes: message.bytes }]
    },
  }
}

/** Proposes two batches for one number, each to a part, and votes for whatever it hears of. */
function equivocate(means: Means): Saboteur {
  const known = new Map<string, Ordering[]>()
  const due: Ordering[] = []
  const learn = (body: Ordering): void => {
    const key = `${body.view}/${body.sequence}`
    const digests = known.get(key) ?? []
    if (digests.some((other) => other.digest.every((byte, at) => byte === body.digest[at])) || digests.length > 3)
      return
    digests.push(body)
    known.set(key, digests)
    due.push(body)
  }
  const isVote = (kind: string): boolean => kind === 'pre-prepare' || kind === 'prepare' || kind === 'commit'
  return {
    receive(message) {
      if (isVote(message.kind)) learn(message.body as Ordering)
    },
    send(message, to) {
      if (isVote(message.kind)) learn(message.body as Ordering)
      if (message.kind !== 'pre-prepare' || message.batch === null || to.length < 2) return pass(message, to)
      const { originalView, proposer, timeMs, requests } = message.batch
      const other = createBatch({ originalView, proposer, timeMs: timeMs + 1, requests })
      const body = { ...message.body, digest: other.digest }
      learn(body)
      const order = means.draws.shuffle(to)
      const cut = means.draws.between(1, order.length - 1)
      const bytes = seal(means, { kind: 'pre-prepare', body, batch: other })
      return [
        { to: order.slice(0, cut), bytes: message.bytes },
        { to: order.slice(cut), bytes },
      ]
    },
    tick() {
      const bodies = due.splice(0, due.length)
      const to = everyone(means)
      return bodies.flatMap((body) => [
        { to, bytes: seal(means, { kind: 'prepare', body }) },
        { to, bytes: seal(means, { kind: 'commit', body }) },
      ])
    },
  }
}

/** Sends what it ever saw again, to whomever. */
function replay(means: Means): Saboteur {
  const seen: Uint8Array[] = []
  const keep = (message: PeerMessage): void => {
    if (seen.length < 400) seen.push(message.bytes)
    else seen[means.draws.below(400)] = message.bytes
  }
  return {
    receive: keep,
    send(message, to) {
      keep(message)
      return pass(message, to)
    },
    tick() {
      if (seen.length === 0 || !means.draws.chance(0.3)) return []
      return [{ to: [means.draws.pick(everyone(means))], bytes: means.draws.pick(seen) }]
    },
  }
}

/** Hides what it prepared, and orders something else than follows. */
function falsifyView(means: Means, message: PeerMessage): Uint8Array {
  if (message.kind === 'view-change') {
    const prepared = means.draws.chance(0.5) ? [] : [forgeCertificate(means, message.body)]
    return seal(means, { kind: 'view-change', body: { ...message.body, prepared } })
  }
  if (message.kind !== 'new-view') return message.bytes
  const { order } = message.body
  const changed = means.draws.chance(0.9)
    ? order.map((entry) => ({ ...entry, digest: null }))
    : [...order, { sequence: (order.at(-1)?.sequence ?? 0) + 1, digest: WRONG }]
  return seal(means, { kind: 'new-view', body: { ...message.body, order: changed } })
}

/** Claims that something was prepared which nobody has proposed, in the newest view there can be. */
function forgeCertificate(means: Means, { view, stable }: ViewChange): PreparedCertificate {
  const body = { view: view - 1, sequence: stable + 1, digest: WRONG }
  const { signature } = sealMessage(means.settings, means.signer, { kind: 'prepare', body })
  const own = signature as NonNullable<typeof signature>
  const prepares = everyone(means).map((signer) => ({ signer, signature: own }))
  return { ...body, prePrepare: own, prepares: prepares.slice(0, means.settings.quorum - 1) }
}

/** Claims to be far ahead, and answers with what does not belong. */
function falsifyTransfer(means: Means, message: PeerMessage): Uint8Array {
  if (message.kind === 'status') {
    const { executed, certified } = message.body
    return seal(means, {
      kind: 'status',
      body: { ...message.body, executed: executed + 50, certified: certified + 50 },
    })
  }
  if (message.kind !== 'fetched') return message.bytes
  const { snapshot } = message.body
  if (snapshot === null) {
    const batch = createBatch({ originalView: 0, proposer: 0, timeMs: 1, requests: [] })
    const { commit } = message.body
    const body = { ...message.body, commit: commit && { ...commit, digest: batch.digest } }
    return seal(means, { kind: 'fetched', body, batch })
  }
  const chunk = Uint8Array.from(snapshot.chunk)
  chunk[means.draws.below(chunk.length)] = 0x30
  return seal(means, { kind: 'fetched', body: { ...message.body, snapshot: { ...snapshot, chunk } } })
}

function falsifyVote(means: Means, message: PeerMessage): Uint8Array {
  if (message.kind !== 'exec-vote') return message.bytes
  return seal(means, { kind: 'exec-vote', body: { ...message.body, headerDigest: WRONG } })
}

function garbage(means: Means): Saboteur {
  const { draws } = means
  return {
    send(message, to) {
      if (draws.chance(0.5)) return pass(message, to)
      const bytes = Uint8Array.from(message.bytes)
      for (let count = 0; count < 3; count++) bytes[draws.below(bytes.length)] = draws.below(256)
      return [{ to, bytes }]
    },
    tick: () => [{ to: everyone(means), bytes: Uint8Array.from({ length: draws.below(60) }, () => draws.below(256)) }],
  }
}

/** One client sends through it as much as it can; it votes for far numbers, and for ever later views. */
function flood(means: Means): Saboteur {
  let count = 0
  let ticks = 0
  return {
    send: pass,
    tick() {
      ticks += 1
      if (ticks % 8 === 0) {
        const body = { view: 1_000 + ticks, stable: 0, checkpoint: null, prepared: [] }
        return [{ to: everyone(means), bytes: seal(means, { kind: 'view-change', body }) }]
      }
      if (count >= 60) return []
      const request = createSimulatedRequest(9_000 + means.index, `flood ${count++}`)
      means.submitted(request.id)
      const body = { view: means.draws.below(1_000), sequence: means.draws.below(1_000), digest: WRONG }
      const to = everyone(means)
      return [
        { to, bytes: seal(means, { kind: 'request', body: request }) },
        { to, bytes: seal(means, { kind: 'commit', body }) },
      ]
    },
  }
}

/**
 * Strategies that send what nobody asked for: old messages, those of other groups, claims without a signature, garbage, too
 * much of everything.
 */

import { sha256 } from '../../primitives/hash.ts'
import { createId } from '../../primitives/ids.ts'
import type { Signature, Signer } from '../../primitives/signature.ts'
import { settleConfig, type Settings } from '../config.ts'
import { sealMessage, type Draft, type MessageKind, type PeerMessage } from '../message.ts'
import { createSimulatedRequest } from './application.ts'
import { everyone, pass, seal, WRONG, type Means, type Outgoing, type Saboteur } from './means.ts'
import { nameRequest } from './observe-progress.ts'

const REMEMBERED_MAX = 400
/** More than the pool keeps for one client. */
const REQUESTS_MAX = 300

/** Sends what it ever saw again, to whomever: messages of views that are over above all. */
export function replay(means: Means): Saboteur {
  const seen: Uint8Array[] = []
  const keep = (message: PeerMessage): void => {
    if (seen.length < REMEMBERED_MAX) seen.push(message.bytes)
    else seen[means.draws.below(REMEMBERED_MAX)] = message.bytes
  }
  return {
    receive: keep,
    send(message, to) {
      keep(message)
      return pass(message, to)
    },
    tick() {
      if (seen.length === 0 || !means.draws.chance(0.5)) return []
      return [{ to: [means.draws.pick(everyone(means))], bytes: means.draws.pick(seen) }]
    },
  }
}

/** A message of this group whose signature was made for another chain or epoch. */
function transplant<K extends 'prepare' | 'commit' | 'exec-vote'>(
  means: Means,
  elsewhere: Settings,
  vote: { readonly signer: Signer; readonly draft: Draft<K> },
): Uint8Array {
  const { signature } = sealMessage(elsewhere, vote.signer, vote.draft)
  const pretender: Signer = { did: vote.signer.did, sign: () => signature as Signature }
  return sealMessage(means.settings, pretender, vote.draft).bytes
}

/**
 * The same members run another cluster and had another epoch, and voted for other batches there: this one carries their
 * votes over, as they were and with the names of this group.
 */
export function replayElsewhere(means: Means): Saboteur {
  const { config, draws } = means
  const chainId = createId('chain', sha256(Uint8Array.of(1)))
  const others = [
    { ...config, chainId },
    { ...config, memberEpoch: 1 },
  ].map((other) => settleConfig(other))
  const due: Outgoing[] = []
  const copy = (message: PeerMessage): void => {
    const { kind } = message
    if (kind !== 'prepare' && kind !== 'commit' && kind !== 'exec-vote') return
    if (due.length > 20) return
    const signer = means.signers[message.signer] as Signer
    const body = kind === 'exec-vote' ? { ...message.body, headerDigest: WRONG } : { ...message.body, digest: WRONG }
    const draft = { kind, body } as Draft<typeof kind>
    const elsewhere = draws.pick(others)
    const bytes = draws.chance(0.3)
      ? sealMessage(elsewhere, signer, draft).bytes
      : transplant(means, elsewhere, { signer, draft })
    due.push({ to: everyone(means).filter((index) => index !== message.signer), bytes })
  }
  return { send: pass, receive: copy, tick: () => due.splice(0, due.length) }
}

/** Speaks for others with signatures that are not theirs, and hands out blocks that nobody asked for. */
export function claimUnsigned(means: Means): Saboteur {
  const { draws, settings } = means
  const forge = <K extends MessageKind>(did: Signer['did'], draft: Draft<K>, own: Uint8Array | null): Uint8Array => {
    const signature = (own ?? new Uint8Array(65)) as Signature
    return sealMessage(settings, { did, sign: () => signature }, draft).bytes
  }
  return {
    send: pass,
    tick() {
      if (!draws.chance(0.4)) return []
      const to = everyone(means)
      const did = settings.members[draws.pick(to)] as Signer['did']
      const body = { view: draws.below(3), sequence: draws.between(1, 12), digest: WRONG }
      const { signature } = sealMessage(settings, means.signer, { kind: 'commit', body })
      const commits = settings.members.map((_, signer) => ({ signer, signature: signature as Signature }))
      const commit = { ...body, commits }
      const fetched = { height: body.sequence, commit, certificate: null, snapshot: null }
      return [
        { to, bytes: forge(did, { kind: 'commit', body }, draws.chance(0.5) ? signature : null) },
        { to, bytes: forge(did, { kind: 'fetched', body: fetched }, null) },
      ]
    },
  }
}

/** Spoils bytes, and sends what is no message. */
export function garbage(means: Means): Saboteur {
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

/** Votes for far numbers, in any view, and calls for ever later views. */
export function flood(means: Means): Saboteur {
  const { draws } = means
  let ticks = 0
  return {
    send: pass,
    tick() {
      ticks += 1
      const to = everyone(means)
      const body = { view: draws.below(1_000), sequence: draws.below(1_000), digest: WRONG }
      const votes = [
        { to, bytes: seal(means, { kind: 'prepare', body }) },
        { to, bytes: seal(means, { kind: 'commit', body }) },
      ]
      if (ticks % 4 > 0) return votes
      const call = { view: 1_000 + ticks, stable: 0, checkpoint: null, prepared: [] }
      return [...votes, { to, bytes: seal(means, { kind: 'view-change', body: call }) }]
    },
  }
}

/** One client sends through it as much as it can. */
export function floodQuota(means: Means): Saboteur {
  let count = 0
  return {
    send: pass,
    tick() {
      const requests = Array.from({ length: Math.min(6, REQUESTS_MAX - count) }, () =>
        createSimulatedRequest(9_000 + means.index, `flood ${count++}`),
      )
      for (const request of requests) means.submitted(nameRequest(request), request)
      return requests.map((body) => ({ to: everyone(means), bytes: seal(means, { kind: 'request', body }) }))
    },
  }
}

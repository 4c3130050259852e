// Nonsense for one replica behind its inbox: what a faulty member, or anyone on the way, may send, all from one seed. Half of
// it is signed by a member that is faulty, half bears names of others and signatures that do not hold.
import { createBatch } from '../../src/pbft/batch.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import { createInbox } from '../../src/pbft/inbox.ts'
import { entryCountMax } from '../../src/pbft/limits.ts'
import { MESSAGE_KINDS, sealMessage, type Draft, type MessageBodies, type MessageKind } from '../../src/pbft/message.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import { createSimulatedApplication, createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import type { Effect } from '../../src/pbft/types.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { parseId } from '../../src/primitives/ids.ts'
import type { Signature, Signer, Verifier } from '../../src/primitives/signature.ts'
import { unwrap } from '../../src/errors.ts'

export interface Keys {
  readonly signers: readonly Signer[]
  readonly verifier: Verifier
}

/** What came of a flood. */
export interface FloodResult {
  readonly messages: number
  /** Messages that had some effect, that were ignored, and that were rejected; each is one of these. */
  readonly taken: number
  readonly ignored: number
  readonly rejected: number
  /** Votes that an inbox kept for later. */
  readonly waiting: number
  readonly entriesMax: number
  readonly entriesAllowed: number
  readonly inboxMax: number
  readonly inboxAllowed: number
  /** Members against whom there was evidence. */
  readonly accused: ReadonlySet<string>
  readonly signatureChecks: number
}

type Draw = (bound: number) => number

function createDraw(seed: number): Draw {
  let state = (seed % 2_147_483_646) + 1
  return (bound) => (state = (state * 48_271) % 2_147_483_647) % bound
}

const digests: readonly Digest32[] = Array.from({ length: 6 }, (_, at) => sha256(Uint8Array.of(at)))

/** Bodies around what the replica takes: few views and digests, so that much of it meets. */
function drawBody(kind: MessageKind, draw: Draw, signature: () => Signature): MessageBodies[MessageKind] {
  const digest = digests[draw(digests.length)] as Digest32
  const sequence = draw(20) === 0 ? 2 ** 40 : draw(80)
  const view = draw(20) === 0 ? 2 ** 40 : draw(3)
  const votes = Array.from({ length: draw(4) }, (_, signer) => ({ signer, signature: signature() }))
  const proof = {
    kind: 'list',
    signatures: Array.from({ length: 4 }, () => (draw(2) === 0 ? null : signature())),
  } as const
  const certificate = { memberEpoch: 0, height: sequence, headerDigest: digest, proof }
  const prepared = { view, sequence, digest, prePrepare: signature(), prepares: votes }
  switch (kind) {
    case 'request':
      return createSimulatedRequest(draw(4), `nonsense ${draw(1_000)}`)
    case 'exec-vote':
      return { sequence, headerDigest: digest }
    case 'view-change':
      return { view, stable: draw(2) * sequence, checkpoint: draw(2) === 0 ? null : certificate, prepared: [prepared] }
    case 'new-view': {
      const viewChanges = Array.from({ length: draw(6) }, (_, signer) => ({ signer, digest }))
      return { view, order: [{ sequence, digest }], viewChanges }
    }
    case 'status': {
      const checkpoint = draw(4) === 0 ? certificate : null
      return { view, mode: 'normal', stable: sequence, executed: sequence, certified: sequence, checkpoint }
    }
    case 'fetch': {
      const what = (['batch', 'view-change', 'blocks', 'snapshot'] as const)[draw(4)] ?? 'batch'
      return { what, height: sequence, index: draw(4), digest: draw(2) === 0 ? null : digest }
    }
    case 'fetched': {
      const commit = draw(2) === 0 ? null : { view, sequence, digest, commits: votes }
      return { height: sequence, commit, certificate: draw(2) === 0 ? null : certificate, snapshot: null }
    }
    default:
      return { view, sequence, digest }
  }
}

/**
 * Sends so many messages of nonsense to member 1 of four, member 3 being the faulty one, and looks at everything it does.
 *
 * Throws what the replica throws. A tick passes after every hundredth message.
 */
export function flood(keys: Keys, count: number, seed: number): FloodResult {
  const chainId = unwrap(parseId('chain', 'f1'.repeat(32)))
  const members = keys.signers.map(({ did }) => ({ did }))
  const config: ReplicaConfig = { chainId, members, timeoutTicks: 200, batchWaitTicks: 0 }
  const settings = settleConfig(config)
  const signer = keys.signers[1] as Signer
  const replica = createReplica({ config, signer, application: createSimulatedApplication() })
  let signatureChecks = 0
  const verifier: Verifier = {
    verify(item) {
      signatureChecks += 1
      return keys.verifier.verify(item)
    },
  }
  const inbox = createInbox({ config, replica, verifier })
  const draw = createDraw(seed)
  const noise = (): Signature => new Uint8Array(65).fill(draw(256)) as Signature
  const forging = keys.signers.map(({ did }): Signer => ({ did, sign: noise }))
  let nowMs = 1_700_000_000_000
  inbox.step({ kind: 'tick', nowMs })

  const makeBytes = (): Uint8Array => {
    const kind = MESSAGE_KINDS[draw(MESSAGE_KINDS.length)] ?? 'status'
    const isFaulty = draw(2) === 0
    const by = isFaulty ? keys.signers[3] : forging[draw(4)]
    const requests = [createSimulatedRequest(draw(4), `nonsense ${draw(1_000)}`)]
    const fields = { originalView: draw(3), proposer: draw(4), timeMs: nowMs, requests }
    const batch = kind === 'pre-prepare' && draw(2) === 0 ? createBatch(fields) : null
    const body = drawBody(kind, draw, noise)
    const draft = { kind, body: batch === null ? body : { ...body, digest: batch.digest }, batch }
    const { bytes } = sealMessage(settings, by as Signer, draft as Draft<MessageKind>)
    switch (draw(8)) {
      case 0:
        return bytes.subarray(0, draw(bytes.length))
      case 1:
        bytes[draw(bytes.length)] = draw(256)
        return bytes
      default:
        return bytes
    }
  }

  const totals = { taken: 0, ignored: 0, rejected: 0, waiting: 0, entriesMax: 0, inboxMax: 0 }
  const accused = new Set<string>()
  let lastBytes = makeBytes()
  const countEffects = (effects: readonly Effect[], waitedBefore: number): void => {
    for (const effect of effects) if (effect.kind === 'evidence') accused.add(effect.accused)
    const refusals = effects.filter((effect) => effect.kind === 'reject')
    if (inbox.entryCount > waitedBefore) totals.waiting += 1
    else if (effects.length > refusals.length || refusals.length === 0) totals.taken += 1
    else if (refusals.some(({ grade }) => grade === 'rejected')) totals.rejected += 1
    else totals.ignored += 1
    if (refusals.some(({ reason }) => reason.length === 0)) throw new Error('a refusal without a reason')
  }
  for (let at = 0; at < count; at++) {
    if (draw(10) > 0) lastBytes = makeBytes()
    const waitedBefore = inbox.entryCount
    countEffects(inbox.receive(lastBytes), waitedBefore)
    totals.inboxMax = Math.max(totals.inboxMax, inbox.entryCount)
    if (at % 100 !== 0) continue
    totals.entriesMax = Math.max(totals.entriesMax, replica.status().entryCount)
    nowMs += 10
    inbox.step({ kind: 'tick', nowMs })
  }
  return {
    messages: count,
    ...totals,
    entriesAllowed: entryCountMax(settings),
    inboxAllowed: 3 * settings.logSpan * settings.replicaCount,
    accused,
    signatureChecks,
  }
}

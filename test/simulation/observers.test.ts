import { describe, expect, it } from 'vitest'

import { createBatch, type Request } from '../../src/pbft/batch.ts'
import { createCertificate, signExecution, type Certificate } from '../../src/pbft/certificate.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import { accuse } from '../../src/pbft/evidence.ts'
import { sealMessage, type Draft, type MessageKind, type PeerMessage } from '../../src/pbft/message.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import * as blocks from '../../src/pbft/simulator/observe-blocks.ts'
import * as progress from '../../src/pbft/simulator/observe-progress.ts'
import * as replicas from '../../src/pbft/simulator/observe-replicas.ts'
import {
  Observers,
  type ObservedBlock,
  type Observer,
  type ObserverFactory,
} from '../../src/pbft/simulator/observers.ts'
import type { Effect, ReplicaStatus } from '../../src/pbft/types.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import type { Signature, Signer } from '../../src/primitives/signature.ts'
import { chainId } from '../pbft/group.ts'

const { signers, verifier } = createSimulatedKeys(4, 1)
const config: ReplicaConfig = { chainId, members: signers.map(({ did }) => ({ did })), checkpointEvery: 4 }
const settings = settleConfig(config)
const digests = [1, 2, 3].map((byte) => sha256(Uint8Array.of(byte)))
const [DIGEST, OTHER] = digests as [Digest32, Digest32]

type Step = (observers: Observers, at: (ms: number) => void) => void

/** Runs a story past one observer; replica 3 is the faulty one. Returns the properties that it reports. */
function watch(factory: ObserverFactory, ...story: readonly Step[]): string[] {
  let now = 0
  const group = { config, settings, verifier, faulty: new Set([3]), nowMs: () => now }
  const observers = new Observers(group, [factory])
  for (const step of story) {
    step(observers, (ms) => {
      now = ms
    })
  }
  return observers.violations.map(({ property }) => property)
}

function block(height: number, options: Partial<ObservedBlock> = {}): ObservedBlock {
  return { height, header: toHex(DIGEST), requests: [], ids: [], effective: [], ...options }
}

function seal<K extends MessageKind>(signer: number, draft: Draft<K>): PeerMessage {
  return sealMessage(settings, signers[signer] as Signer, draft) as unknown as PeerMessage
}

function status(options: Partial<ReplicaStatus> = {}): ReplicaStatus {
  const place = { memberEpoch: 0, view: 0, mode: 'normal' as const, height: 0, executedHeight: 0, stableHeight: 0 }
  const primary = settings.members[0] as Did
  return { ...place, primary, requestCount: 0, entryCount: 0, warning: null, ...options }
}

function certify(height: number, headerDigest: Digest32, quorum = [0, 1, 2]): Certificate {
  const executed = { chainId, memberEpoch: 0, height, headerDigest }
  const votes = quorum.map((index): [number, Signature] => [
    index,
    signExecution(executed, { signer: signers[index] as Signer }),
  ])
  return createCertificate(executed, new Map(votes), 4)
}

function deliver(height: number, certificate: Certificate): Extract<Effect, { kind: 'deliver' }> {
  return { kind: 'deliver', height, block: new Uint8Array(), certificate, nextMembers: null, after: 0 }
}

const disk = { recordCount: 1, isDurable: true, waitingVotes: 0 }
const ending = { replicas: [], wanted: [], isDone: true }

describe('S1 agreement', () => {
  it.each([
    ['two headers', (tell: Observers) => tell.executed(1, block(1, { header: 'other' }))],
    ['a restored one', (tell) => tell.tell('restored', 1, { height: 1, headerDigest: OTHER, stateRoot: OTHER })],
    ['a certified one', (tell) => tell.delivered(1, deliver(1, certify(1, OTHER)))],
  ] as const satisfies readonly (readonly [string, (tell: Observers) => void])[])('notices %s', (_, second) => {
    const story = (tell: Observers): void => {
      tell.executed(0, block(1))
      tell.executed(1, block(1))
    }
    expect(watch(blocks.observeAgreement, story)).toEqual([])
    expect(watch(blocks.observeAgreement, story, second)).toEqual(['S1'])
  })
})

describe('S2 order', () => {
  it('notices a gap, a step back and other requests, and lets restarts begin lower', () => {
    const executed = (heights: readonly number[]) => (tell: Observers) => {
      for (const height of heights) tell.executed(0, block(height))
    }
    const restarted: Step = (tell) => {
      tell.tell('started', 0)
    }
    const other: Step = (tell) => {
      tell.executed(1, block(1, { ids: ['a'] }))
    }
    expect(watch(blocks.observeOrder, executed([1, 2, 3]))).toEqual([])
    expect(watch(blocks.observeOrder, executed([1, 3]))).toEqual(['S2'])
    expect(watch(blocks.observeOrder, executed([1, 2, 2]))).toEqual(['S2'])
    expect(watch(blocks.observeOrder, executed([1, 2]), restarted, executed([2]))).toEqual([])
    expect(watch(blocks.observeOrder, executed([1]), other)).toEqual(['S2'])
  })
})

describe('S3 validity', () => {
  const request = createSimulatedRequest(0, 'one')
  const id = toHex(request.id)

  it('notices what nobody asked for, and what was asked for otherwise', () => {
    const asked = (tell: Observers): void => {
      tell.tell('submitted', id, request)
    }
    const carriedOut =
      (one: Request): Step =>
      (tell) => {
        tell.executed(0, block(1, { requests: [one], ids: [id] }))
      }
    expect(watch(blocks.observeValidity, asked, carriedOut(request))).toEqual([])
    expect(watch(blocks.observeValidity, carriedOut(request))).toEqual(['S3'])
    const changed = { ...request, bytes: Uint8Array.of(1) }
    expect(watch(blocks.observeValidity, asked, carriedOut(changed))).toEqual(['S3'])
  })
})

describe('S4 once', () => {
  it('notices a request at two heights, and twice in one', () => {
    const executed =
      (height: number, ...effective: string[]) =>
      (tell: Observers) =>
        tell.executed(0, block(height, { effective }))
    expect(watch(blocks.observeOnce, executed(1, 'a'), executed(2, 'b'))).toEqual([])
    expect(watch(blocks.observeOnce, executed(1, 'a'), executed(2, 'a'))).toEqual(['S4'])
    expect(watch(blocks.observeOnce, executed(1, 'a', 'a'))).toEqual(['S4'])
  })
})

describe('S5 lasting', () => {
  it('notices an acknowledged request that is in the state of a replica no more', () => {
    const story =
      (executedHeight: number, ...ids: string[]) =>
      (tell: Observers) => {
        tell.executed(0, block(1, { ids: ['a'] }))
        tell.delivered(0, deliver(1, certify(1, DIGEST)))
        const state = { index: 1, status: status({ executedHeight }), executed: new Set(ids) }
        tell.tell('finished', { ...ending, replicas: [state] })
      }
    expect(watch(blocks.observeLasting, story(1, 'a'))).toEqual([])
    expect(watch(blocks.observeLasting, story(0))).toEqual([])
    expect(watch(blocks.observeLasting, story(1, 'b'))).toEqual(['S5'])
  })
})

describe('S6 certificates', () => {
  it('notices one that does not hold, one of another height, and a second one', () => {
    const delivered =
      (...certificates: Certificate[]) =>
      (tell: Observers) => {
        for (const certificate of certificates) tell.delivered(0, deliver(1, certificate))
      }
    expect(watch(blocks.observeCertificates, delivered(certify(1, DIGEST), certify(1, DIGEST, [1, 2, 3])))).toEqual([])
    expect(watch(blocks.observeCertificates, delivered({ ...certify(1, DIGEST), headerDigest: OTHER }))).toEqual(['S6'])
    expect(watch(blocks.observeCertificates, delivered(certify(2, DIGEST)))).toEqual(['S6'])
    expect(watch(blocks.observeCertificates, delivered(certify(1, DIGEST), certify(1, OTHER)))).toEqual(['S6'])
  })
})

describe('S7 one vote', () => {
  const ordering = (digest: Digest32) => ({ view: 1, sequence: 2, digest })
  const viewChange = (stable: number) => ({ view: 1, stable, checkpoint: null, prepared: [] })

  it.each(['pre-prepare', 'prepare', 'commit'] as const)('notices a second %s', (kind) => {
    const sent =
      (...digests: Digest32[]) =>
      (tell: Observers) => {
        for (const digest of digests) tell.tell('sent', 1, seal(1, { kind, body: ordering(digest) }))
      }
    expect(watch(replicas.observeVotes, sent(DIGEST, DIGEST))).toEqual([])
    expect(watch(replicas.observeVotes, sent(DIGEST, OTHER))).toEqual(['S7'])
  })

  it('notices a second EXEC-VOTE, and a second VIEW-CHANGE unless the disk was lost between', () => {
    const executed: Step = (tell) => {
      for (const headerDigest of [DIGEST, OTHER])
        tell.tell('sent', 1, seal(1, { kind: 'exec-vote', body: { sequence: 1, headerDigest } }))
    }
    expect(watch(replicas.observeVotes, executed)).toEqual(['S7'])
    const change = (stable: number) => seal(1, { kind: 'view-change', body: viewChange(stable) })
    const story = (isWiped: boolean) => (tell: Observers) => {
      tell.tell('sent', 1, change(0))
      if (isWiped) tell.tell('wiped', 1)
      tell.tell('sent', 1, change(4))
    }
    expect(watch(replicas.observeVotes, story(false))).toEqual(['S7'])
    expect(watch(replicas.observeVotes, story(true))).toEqual([])
  })
})

describe('S8 checkpoints', () => {
  it('notices one that goes back, unless it was never durable', () => {
    const inspected =
      (isDurable: boolean, ...heights: number[]) =>
      (tell: Observers) => {
        for (const stableHeight of heights) tell.tell('inspected', 1, status({ stableHeight }), { ...disk, isDurable })
      }
    expect(watch(replicas.observeCheckpoints, inspected(true, 0, 4, 8))).toEqual([])
    expect(watch(replicas.observeCheckpoints, inspected(true, 4, 0))).toEqual(['S8'])
    expect(watch(replicas.observeCheckpoints, inspected(false, 4, 0))).toEqual([])
  })
})

describe('S9 bounds', () => {
  it.each([
    ['entries', { entryCount: 1e6 }, disk],
    ['requests', { requestCount: 1e6 }, disk],
    ['records', {}, { ...disk, recordCount: 1e6 }],
    ['votes that wait', {}, { ...disk, waitingVotes: 1e6 }],
  ] as const)('notices too many %s', (_, kept, found) => {
    expect(watch(replicas.observeBounds, (tell) => tell.tell('inspected', 1, status(), disk))).toEqual([])
    expect(watch(replicas.observeBounds, (tell) => tell.tell('inspected', 1, status(kept), found))).toEqual(['S9'])
  })

  it('notices a message that is too long', () => {
    const message = { ...seal(1, { kind: 'fetch', body: { what: 'blocks', height: 1, index: 0, digest: null } }) }
    const long = { ...message, bytes: new Uint8Array(4 * 1024 * 1024 + 1) } as PeerMessage
    expect(watch(replicas.observeBounds, (tell) => tell.tell('sent', 1, message))).toEqual([])
    expect(watch(replicas.observeBounds, (tell) => tell.tell('sent', 1, long))).toEqual(['S9'])
  })
})

/** Evidence of two PREPAREs of one member. */
function evidenceAgainst(signer: number): Extract<Effect, { kind: 'evidence' }> {
  const effects: Effect[] = []
  const votes = [DIGEST, OTHER].map((digest) =>
    seal(signer, { kind: 'prepare', body: { view: 0, sequence: 1, digest } }),
  )
  const core = { settings, accused: new Set(), view: 0, outbox: { add: (effect: Effect) => effects.push(effect) } }
  accuse(core as never, votes[0] as PeerMessage, votes[1] as PeerMessage)
  return effects[0] as Extract<Effect, { kind: 'evidence' }>
}

describe('S10 evidence', () => {
  it('notices an accusation of a correct member, and one that does not hold', () => {
    const accused = (effect: Extract<Effect, { kind: 'evidence' }>) => (tell: Observers) => {
      tell.tell('accused', 0, effect)
    }
    expect(watch(replicas.observeAccusations, accused(evidenceAgainst(3)))).toEqual([])
    expect(watch(replicas.observeAccusations, accused(evidenceAgainst(2)))).toEqual(['S10'])
    const hollow = { ...evidenceAgainst(3), evidence: Uint8Array.of(0x80) as never }
    expect(watch(replicas.observeAccusations, accused(hollow))).toEqual(['S10'])
  })

  const body = (digest: Digest32, sequence = 1) => ({ view: 0, sequence, digest })

  it('notices silence about two votes that counted', () => {
    const story =
      (votes: readonly PeerMessage[], at = status()) =>
      (tell: Observers) => {
        for (const vote of votes) tell.tell('arrived', 0, vote, () => at)
        tell.tell('finished', ending)
      }
    const commits = [DIGEST, OTHER].map((digest) => seal(3, { kind: 'commit', body: body(digest) }))
    expect(watch(replicas.observeEquivocation, story(commits))).toEqual(['S10'])
    expect(watch(replicas.observeEquivocation, story(commits.slice(0, 1)))).toEqual([])
    expect(watch(replicas.observeEquivocation, story(commits, status({ view: 1 })))).toEqual([])
    expect(watch(replicas.observeEquivocation, story(commits, status({ stableHeight: 4 })))).toEqual([])
    const spoken = (tell: Observers): void => {
      tell.tell('accused', 0, evidenceAgainst(3))
      story(commits)(tell)
    }
    expect(watch(replicas.observeEquivocation, spoken)).toEqual([])
  })

  it('notices silence about a proposal that contradicts the one it voted for', () => {
    const proposed = createBatch({ originalView: 0, proposer: 3, timeMs: 1, requests: [] })
    const proposal = seal(3, { kind: 'pre-prepare', body: body(proposed.digest), batch: proposed })
    const story = (tell: Observers): void => {
      tell.tell('sent', 0, seal(0, { kind: 'prepare', body: body(DIGEST) }))
      tell.tell('arrived', 0, proposal, () => status())
      tell.tell('finished', ending)
    }
    expect(watch(replicas.observeEquivocation, story)).toEqual(['S10'])
  })
})

describe('L1 and L2', () => {
  const late = { index: 0, status: status({ mode: 'recovering' }), executed: undefined }
  const finished = (options: Partial<Parameters<NonNullable<Observer['finished']>>[0]>) => (tell: Observers) => {
    tell.executed(0, block(1, { ids: ['a'] }))
    tell.delivered(0, deliver(1, certify(1, DIGEST)))
    tell.tell('finished', { ...ending, replicas: [late], ...options })
  }

  it('L1 notices a request without an answer', () => {
    expect(watch(progress.observeLiveness, finished({ wanted: ['a'] }))).toEqual([])
    expect(watch(progress.observeLiveness, finished({ wanted: ['a', 'b'] }))).toEqual(['L1'])
  })

  it('L2 notices a replica that is not back', () => {
    expect(watch(progress.observeRecovery, finished({ wanted: ['a'] }))).toEqual([])
    expect(watch(progress.observeRecovery, finished({ wanted: ['a'], isDone: false }))).toEqual(['L2'])
  })
})

describe('L3 latency', () => {
  const vote = (index: number) => seal(index, { kind: 'exec-vote', body: { sequence: 1, headerDigest: DIGEST } })
  const story =
    (times: { readonly executed: number; readonly certified: number }) =>
    (tell: Observers, at: (ms: number) => void) => {
      at(100)
      tell.tell('submitted', 'a', createSimulatedRequest(0, 'one'))
      at(110)
      tell.tell('sent', 0, seal(0, { kind: 'pre-prepare', body: { view: 0, sequence: 1, digest: DIGEST } }))
      at(times.executed)
      tell.executed(0, block(1, { ids: ['a'] }))
      for (const index of [0, 1]) tell.tell('sent', index, vote(index))
      at(times.certified)
      tell.delivered(0, deliver(1, certify(1, DIGEST)))
    }

  it('notices one millisecond too much or too little', () => {
    expect(watch(progress.observeLatency(10), story({ executed: 140, certified: 150 }))).toEqual([])
    expect(watch(progress.observeLatency(10), story({ executed: 141, certified: 150 }))).toEqual(['L3', 'L3'])
    expect(watch(progress.observeLatency(10), story({ executed: 140, certified: 149 }))).toEqual(['L3'])
  })
})

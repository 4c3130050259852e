import { describe, expect, it } from 'vitest'

import { encodeCbor } from '../../src/primitives/codec.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import { verifyEvidence } from '../../src/pbft/evidence.ts'
import { History } from '../../src/pbft/history.ts'
import { POOL_CLIENT_REQUESTS_MAX, POOL_REQUESTS_MAX } from '../../src/pbft/limits.ts'
import { sealMessage, type PeerMessage } from '../../src/pbft/message.ts'
import { Pool } from '../../src/pbft/pool.ts'
import { encodeRecord, readRecord } from '../../src/pbft/record.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import { createSimulatedApplication, createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { VoteGuard } from '../../src/pbft/vote-guard.ts'
import type { Signer } from '../../src/primitives/signature.ts'
import { agreement, authenticate, createGroup, feed, submit } from './group.ts'

const one = sha256(Uint8Array.of(1))
const two = sha256(Uint8Array.of(2))

describe('the vote guard', () => {
  it('lets the same vote be signed again and no other, for each type, view and sequence', () => {
    const guard = new VoteGuard()
    guard.record({ kind: 'prepare', view: 1, sequence: 2, digest: one })
    guard.record({ kind: 'prepare', view: 1, sequence: 2, digest: one })
    guard.record({ kind: 'commit', view: 1, sequence: 2, digest: two })
    guard.record({ kind: 'prepare', view: 2, sequence: 2, digest: two })
    expect(() => guard.record({ kind: 'prepare', view: 1, sequence: 2, digest: two })).toThrow(
      expect.objectContaining({ code: 'ERR_PBFT_HALTED' }),
    )
  })

  it('forgets what is below the checkpoint, and view changes of earlier views', () => {
    const guard = new VoteGuard()
    for (const sequence of [4, 5]) guard.record({ kind: 'commit', view: 2, sequence, digest: one })
    for (const sequence of [4, 5]) guard.record({ kind: 'exec-vote', view: 0, sequence, digest: one })
    for (const view of [1, 2]) guard.record({ kind: 'view-change', view, sequence: 0, digest: one })
    guard.record({ kind: 'commit', view: 1, sequence: 5, digest: one })
    guard.prune(4, 2)
    // The votes for number 5 in view 2 and of its execution, and the change to view 2.
    expect(guard.size).toBe(3)
  })
})

describe('the pool', () => {
  const options = { tick: 0, isOwn: true }
  const limits = { countMax: 2, bytesMax: 1_000 }

  it('holds 256 requests of one client and leaves others unharmed', () => {
    const pool = new Pool()
    for (let index = 0; index < POOL_CLIENT_REQUESTS_MAX; index++)
      pool.add(createSimulatedRequest(1, `${index}`), options)
    expect(pool.add(createSimulatedRequest(1, 'one more'), options)).toBe('client-full')
    expect(pool.add(createSimulatedRequest(2, 'another'), options)).toMatchObject({ arrival: POOL_CLIENT_REQUESTS_MAX })
    pool.settle([createSimulatedRequest(1, '0')])
    expect(pool.add(createSimulatedRequest(1, 'one more'), options)).toMatchObject({ isOwn: true })
  })

  it('holds 50,000 requests, and counts bytes', () => {
    const pool = new Pool()
    const { bytes } = createSimulatedRequest(0, '')
    for (let index = 0; index < POOL_REQUESTS_MAX; index++) {
      const name = Uint8Array.of(index >> 16, index >> 8, index)
      const id = new Uint8Array(32)
      id.set(name)
      pool.add({ id: id as never, client: name, bytes }, options)
    }
    expect(pool.size).toBe(POOL_REQUESTS_MAX)
    expect(pool.byteCount).toBe(POOL_REQUESTS_MAX * bytes.length)
    expect(pool.add(createSimulatedRequest(0, 'x'), options)).toBe('full')
  })

  it('gives requests in order of arrival, none twice until a view fails', () => {
    const pool = new Pool()
    const requests = ['a', 'b', 'c'].map((name) => createSimulatedRequest(0, name))
    for (const request of requests) pool.add(request, options)
    const first = pool.take(limits)
    expect(first).toEqual(requests.slice(0, 2))
    pool.markOrdered(first)
    expect(pool.take(limits)).toEqual(requests.slice(2))
    pool.clearOrdered()
    expect(pool.take(limits)).toEqual(requests.slice(0, 2))
  })

  it('does not take what it knows or what was executed', () => {
    const pool = new Pool()
    const request = createSimulatedRequest(0, 'a')
    pool.add(request, options)
    expect(pool.add(request, options)).toBe('known')
    pool.settle([request])
    expect(pool.size).toBe(0)
    expect(pool.add(request, options)).toBe('executed')
    expect(pool.refusal(request)).toBe('executed')
  })

  it('takes again what was in an executed batch and had no effect', () => {
    const pool = new Pool()
    const [skipped, done] = [createSimulatedRequest(0, 'skipped'), createSimulatedRequest(0, 'done')]
    pool.settle([skipped, done], [0])
    expect([pool.refusal(skipped), pool.refusal(done)]).toEqual([null, 'executed'])
  })

  it('is due when a limit is reached or the oldest has waited', () => {
    const pool = new Pool()
    pool.add(createSimulatedRequest(0, 'a'), { tick: 5, isOwn: true })
    expect([pool.isDue(limits, 4), pool.isDue(limits, 5)]).toEqual([false, true])
    pool.add(createSimulatedRequest(0, 'b'), { tick: 9, isOwn: true })
    expect(pool.isDue(limits, 0)).toBe(true)
  })
})

describe('the history', () => {
  it('keeps the last blocks, and all above the checkpoint', () => {
    const history = new History(2)
    for (let height = 1; height <= 5; height++) {
      history.add({ height, batch: { bytes: new Uint8Array(1) } } as never)
    }
    history.prune(2)
    expect(history.size).toBe(3)
    history.prune(4)
    expect([history.find(3), history.find(4)]).toEqual([undefined, expect.objectContaining({ height: 4 })])
  })
})

describe('records', () => {
  it('come back, and damage is told with the index', () => {
    const bytes = encodeRecord({ kind: 'checkpoint', height: 32, certificate: null })
    expect(readRecord(bytes, 7)).toEqual({ kind: 'checkpoint', height: 32, certificate: null })
    for (const damaged of [bytes.subarray(1), encodeCbor([99]), Uint8Array.of(...bytes, 0)]) {
      expect(() => readRecord(damaged, 7)).toThrow(
        expect.objectContaining({ code: 'ERR_PBFT_LOG_CORRUPT', details: { recordIndex: 7 } }),
      )
    }
  })
})

describe('the configuration', () => {
  const { config } = createGroup(4)
  const signer = createGroup(4).nodes[0]?.signer as Signer
  const application = createSimulatedApplication()

  it.each([
    { timeoutTicks: 3 },
    { windowSize: 0 },
    { checkpointEvery: 257 },
    { batchTransactionsMax: 16_385 },
    { batchBytesMax: 2 ** 20 + 1 },
    { historyBlocks: 63 },
    { members: [] },
    { members: [...config.members, ...config.members.slice(0, 1)] },
  ] satisfies Partial<ReplicaConfig>[])('refuses %j', (change) => {
    const create = () => createReplica({ config: { ...config, ...change }, signer, application })
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('refuses the key of no member, and a first start with a state that somebody made', () => {
    const members = config.members.slice(1)
    expect(() => createReplica({ config: { ...config, members }, signer, application })).toThrow(/"signer"/)
    expect(() => createReplica({ config: { ...config, baseHeight: 1 }, signer, application })).toThrow(/"application"/)
  })

  it('warns where no fault is stood', () => {
    expect(createGroup(3).nodes[0]?.replica.status().warning).toMatch(/stand no fault/)
    expect(createGroup(4).nodes[0]?.replica.status().warning).toBeNull()
  })
})

describe('evidence', () => {
  const group = createGroup(4)
  const settings = settleConfig(group.config)
  const signerOf = (index: number) => group.nodes[index]?.signer as Signer
  const vote = (kind: 'prepare' | 'commit', signer: number, digest: typeof one, sequence = 1) =>
    sealMessage(settings, signerOf(signer), { kind, body: { view: 0, sequence, digest } }) as unknown as PeerMessage
  const pack = (...messages: readonly PeerMessage[]) => encodeCbor(messages.map(({ bytes }) => bytes))
  const proves = (evidence: Uint8Array, accused = 1) =>
    verifyEvidence(evidence, { ...group, accused: signerOf(accused).did })

  it('proves two votes for one sequence number, and nothing else', () => {
    expect(proves(pack(vote('prepare', 1, one), vote('prepare', 1, two)))).toBe(true)
    expect(proves(pack(vote('prepare', 1, one), vote('prepare', 1, two)), 2)).toBe(false)
    expect(proves(pack(vote('prepare', 1, one), vote('prepare', 1, one)))).toBe(false)
    expect(proves(pack(vote('prepare', 1, one), vote('commit', 1, two)))).toBe(false)
    expect(proves(pack(vote('prepare', 1, one), vote('prepare', 1, two, 2)))).toBe(false)
    expect(proves(pack(vote('prepare', 1, one), vote('prepare', 2, two)))).toBe(false)
    expect(proves(pack(vote('prepare', 1, one)))).toBe(false)
    expect(proves(new Uint8Array(5))).toBe(false)
  })

  it('proves a PREPARE by the proposer', () => {
    expect(proves(pack(vote('prepare', 0, one)), 0)).toBe(true)
  })

  it('checks every signature in it', () => {
    const forged = { ...vote('prepare', 1, two) }
    const bytes = Uint8Array.from(forged.bytes)
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] as number) ^ 1
    expect(proves(pack(vote('prepare', 1, one), { ...forged, bytes }))).toBe(false)
  })

  it('is given once for each fault, with the second vote refused', () => {
    const other = createGroup(4)
    const [node] = other.nodes
    const takes = (message: PeerMessage) =>
      feed(other, node as never, { kind: 'message', message: authenticate(other, message.bytes) })
    takes(vote('commit', 1, one))
    const effects = takes(vote('commit', 1, two))
    expect(effects.map(({ kind }) => kind)).toEqual(['evidence', 'reject'])
    expect(takes(vote('commit', 1, sha256(Uint8Array.of(3)))).map(({ kind }) => kind)).toEqual(['reject'])
    const [evidence] = effects
    expect(evidence?.kind === 'evidence' && proves(evidence.evidence)).toBe(true)
  })
})

describe('what a peer may send', () => {
  it('is ignored or rejected with a reason: nonsense of any kind leaves the replica as it is', () => {
    const group = createGroup(4, { checkpointEvery: 4 })
    submit(group, 0, 'one')
    const settings = settleConfig(group.config)
    const [node] = group.nodes
    const before = node?.replica.status()
    const faulty = group.nodes[1]?.signer as Signer
    const bodies = [
      { view: 0, sequence: 1, digest: one },
      { view: 0, sequence: 9, digest: one },
      { view: 5, sequence: 2, digest: one },
    ]
    for (const body of bodies) {
      for (const kind of ['pre-prepare', 'prepare', 'commit'] as const) {
        const { bytes } = sealMessage(settings, faulty, { kind, body })
        const message = authenticate(group, bytes)
        const effects = feed(group, node as never, { kind: 'message', message })
        expect(effects.filter((effect) => effect.kind !== 'evidence' && effect.kind !== 'reject')).toEqual([])
      }
    }
    expect(node?.replica.status()).toEqual(before)
  })

  it('takes no more memory than the window and the members allow, however much it is', () => {
    const group = createGroup(4, { checkpointEvery: 4 })
    const settings = settleConfig(group.config)
    const [node] = group.nodes
    const faulty = group.nodes[3]?.signer as Signer
    for (let count = 0; count < 3_000; count++) {
      const digest = sha256(Uint8Array.of(count, count >> 8))
      const body = { view: count % 7 === 0 ? count : 0, sequence: 1 + (count % 40), digest }
      const kinds = ['pre-prepare', 'prepare', 'commit', 'exec-vote', 'view-change', 'new-view'] as const
      const kind = kinds[count % kinds.length] as (typeof kinds)[number]
      const drafts = {
        'exec-vote': { sequence: body.sequence, headerDigest: digest },
        'view-change': { view: count + 1, stable: 0, checkpoint: null, prepared: [] },
        'new-view': { view: 4 * count + 3, order: [], viewChanges: [{ signer: 3, digest }] },
      }
      const content = kind in drafts ? drafts[kind as keyof typeof drafts] : body
      const { bytes } = sealMessage(settings, faulty, { kind, body: content })
      feed(group, node as never, { kind: 'message', message: authenticate(group, bytes) })
    }
    // For each of 8 sequence numbers a slot, a PREPARE, a COMMIT and an EXEC-VOTE; one VIEW-CHANGE and one NEW-VIEW.
    expect(node?.replica.status().entryCount).toBeLessThanOrEqual(8 * 4 + 2)
    expect(node?.effects.filter(({ kind }) => kind === 'evidence').length).toBeLessThanOrEqual(6)
    group.packets.length = 0
    submit(group, 0, 'as if nothing had been')
    expect(agreement(group)).toMatchObject({ executed: { length: 1 } })
  })
})

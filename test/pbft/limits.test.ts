import { describe, expect, it } from 'vitest'

import { readMessage } from '../../src/pbft/authenticate.ts'
import { createBatch, type Request } from '../../src/pbft/batch.ts'
import { settleConfig, type ReplicaConfig } from '../../src/pbft/config.ts'
import {
  BATCH_REQUESTS_MAX,
  EXECUTED_IDS_MAX,
  FETCH_BLOCKS_MAX,
  FETCHES_PER_TICK_MAX,
  FORWARDS_PER_TICK_MAX,
  HISTORY_BYTES_MAX,
  MEMBERS_MAX,
  MESSAGE_BYTES_MAX,
  PENALISED_SOURCES_MAX,
  PENALTY_TIMEOUTS,
  POOL_BYTES_MAX,
  POOL_CLIENT_REQUESTS_MAX,
  PROPOSAL_SKEW_MS_MAX,
  REQUEST_BYTES_MAX,
  RESENT_SEQUENCES_MAX,
  SNAPSHOT_CHUNK_BYTES_MAX,
  SNAPSHOT_CHUNKS_MAX,
  VIEW_MAX,
  viewChangeBytesMax,
  WINDOW_MAX,
} from '../../src/pbft/limits.ts'
import { History } from '../../src/pbft/history.ts'
import { sealMessage, type Draft, type MessageKind } from '../../src/pbft/message.ts'
import { Pool } from '../../src/pbft/pool.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import { createSimulatedApplication, createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import type { Application, Effect } from '../../src/pbft/types.ts'
import { fail } from '../../src/errors.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { authenticate, chainId, createGroup, feed, settle, submit, tick, type Group, type Node } from './group.ts'

const digest = (number: number): Digest32 => sha256(new Uint8Array(new Uint32Array([number]).buffer))
const signature = new Uint8Array(65) as never
const refused = expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }) as unknown

function request(number: number, length = 8): Request {
  const bytes = new Uint8Array(length)
  new DataView(bytes.buffer).setUint32(0, number)
  return { id: digest(number), client: Uint8Array.of(number >> 8, number & 255), bytes }
}

const list = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

const nodeAt = (group: Group, index: number): Node => group.nodes[index] as Node

/** Writes a message and reads it again. */
function writes<K extends MessageKind>(draft: Draft<K>): boolean {
  const { config, nodes } = createGroup(4)
  const settings = settleConfig(config)
  const { bytes } = sealMessage(settings, (nodes[0] as Node).signer, draft)
  return readMessage(settings, bytes).ok
}

describe('counts on the wire', () => {
  const certificate = (sequence: number) => ({
    view: 0,
    sequence,
    digest: digest(1),
    prePrepare: signature,
    prepares: [],
  })
  const change = (count: number) => ({
    kind: 'view-change' as const,
    body: { view: 1, stable: 0, checkpoint: null, prepared: list(count, (at) => certificate(at + 1)) },
  })
  const newView = (entries: number, named: number) => ({
    kind: 'new-view' as const,
    body: {
      view: 1,
      order: list(entries, (at) => ({ sequence: at + 1, digest: null })),
      viewChanges: list(named, (at) => ({ signer: at % 256, digest: digest(at) })),
    },
  })
  const part = (options: { index?: number; count?: number; bytes?: number }) => {
    const { index = 0, count = 1, bytes = 1 } = options
    const head = {
      memberEpoch: 0,
      height: 1,
      headerDigest: digest(1),
      proof: { kind: 'list', signatures: [] },
    } as never
    const snapshot = { height: 1, index, count, chunk: new Uint8Array(bytes), certificate: head }
    return { kind: 'fetched' as const, body: { height: 1, commit: null, certificate: null, snapshot } }
  }

  it.each([
    ['certificates of a VIEW-CHANGE', change(WINDOW_MAX), change(WINDOW_MAX + 1)],
    ['entries of a NEW-VIEW', newView(WINDOW_MAX, 0), newView(WINDOW_MAX + 1, 0)],
    ['view changes that a NEW-VIEW names', newView(0, MEMBERS_MAX), newView(0, MEMBERS_MAX + 1)],
    ['bytes of a chunk', part({ bytes: SNAPSHOT_CHUNK_BYTES_MAX }), part({ bytes: SNAPSHOT_CHUNK_BYTES_MAX + 1 })],
    ['chunks of a snapshot', part({ count: SNAPSHOT_CHUNKS_MAX }), part({ count: SNAPSHOT_CHUNKS_MAX + 1 })],
    ['the index of a chunk', part({ index: SNAPSHOT_CHUNKS_MAX - 1 }), part({ index: SNAPSHOT_CHUNKS_MAX })],
  ] as [string, Draft<MessageKind>, Draft<MessageKind>][])('%s', (_, within, beyond) => {
    expect(writes(within)).toBe(true)
    expect(() => writes(beyond)).toThrow(refused)
  })

  it('requests of a batch', () => {
    const fields = { originalView: 0, proposer: 0, timeMs: 0 }
    expect(createBatch({ ...fields, requests: list(BATCH_REQUESTS_MAX, request) }).bytes.length).toBeGreaterThan(0)
    const requests = list(BATCH_REQUESTS_MAX + 1, request)
    expect(() => createBatch({ ...fields, requests })).toThrow(refused)
  })
})

describe('settings', () => {
  const config = (count: number, options: Partial<ReplicaConfig> = {}): ReplicaConfig => {
    const did = createSimulatedKeys(count, 1).signers.map((signer) => ({ did: signer.did }))
    return { chainId, members: did, ...options }
  }

  it('take 256 members and a window of 512', () => {
    const checkpointEvery = 8
    expect(settleConfig(config(MEMBERS_MAX, { checkpointEvery })).replicaCount).toBe(MEMBERS_MAX)
    expect(() => settleConfig(config(MEMBERS_MAX + 1, { checkpointEvery }))).toThrow(refused)
    expect(settleConfig(config(4, { checkpointEvery: WINDOW_MAX / 2 })).logSpan).toBe(WINDOW_MAX)
    expect(() => settleConfig(config(4, { checkpointEvery: WINDOW_MAX / 2 + 1 }))).toThrow(refused)
  })
})

describe('a view change', () => {
  it('of a configuration that is taken fits into its message and its record', () => {
    const count = 31
    const { signers } = createSimulatedKeys(count, 1)
    const members = signers.map(({ did }) => ({ did }))
    const settings = settleConfig({ chainId, members })
    const votes = list(count, (signer) => ({ signer, signature }))
    const prepared = list(settings.logSpan, (at) => ({
      view: VIEW_MAX,
      sequence: VIEW_MAX - 1_000 + at,
      digest: digest(at),
      prePrepare: signature,
      prepares: votes,
    }))
    const proof = { kind: 'list' as const, signatures: list(count, () => signature) }
    const checkpoint = { memberEpoch: 2 ** 32 - 1, height: VIEW_MAX, headerDigest: digest(1), proof }
    const body = { view: VIEW_MAX, stable: VIEW_MAX, checkpoint, prepared }
    const { bytes } = sealMessage(settings, signers[0] as (typeof signers)[number], { kind: 'view-change', body })
    expect(bytes.length).toBeLessThanOrEqual(viewChangeBytesMax(settings))
    expect(bytes.length).toBeGreaterThan(0.9 * viewChangeBytesMax(settings))
    for (const [most, checkpointEvery] of [
      [147, 32],
      [51, 256],
    ] as const) {
      const some = createSimulatedKeys(most + 1, 1).signers.map(({ did }) => ({ did }))
      expect(settleConfig({ chainId, checkpointEvery, members: some.slice(0, most) }).replicaCount).toBe(most)
      expect(() => settleConfig({ chainId, checkpointEvery, members: some })).toThrow(refused)
    }
  })
})

describe('what is kept', () => {
  const fill = (pool: Pool, count: number, length: number): unknown[] =>
    list(count, (at) => pool.add(request(at, length), { tick: 0, isOwn: true })).filter(
      (one) => typeof one === 'string',
    )

  it('are 64 MiB of requests', () => {
    const pool = new Pool()
    const fitting = POOL_BYTES_MAX / REQUEST_BYTES_MAX
    expect(fill(pool, fitting, REQUEST_BYTES_MAX)).toEqual([])
    expect(pool.byteCount).toBe(POOL_BYTES_MAX)
    expect(pool.refusal(request(fitting, 4))).toBe('full')
  })

  it('are at most 16,384 ids of executed requests, at least the newest half', () => {
    const pool = new Pool()
    const all = list(EXECUTED_IDS_MAX + EXECUTED_IDS_MAX / 2, request)
    for (const one of all) pool.settle([one])
    const remembered = all.filter((one) => pool.refusal(one) === 'executed')
    expect(remembered.length).toBeLessThanOrEqual(EXECUTED_IDS_MAX)
    expect(remembered.length).toBeGreaterThanOrEqual(EXECUTED_IDS_MAX / 2)
    expect(pool.refusal(all.at(-1) as Request)).toBe('executed')
    expect(pool.refusal(all[0] as Request)).toBeNull()
  })

  it('are 64 MiB of executed batches', () => {
    const history = new History(1_000)
    const bytes = new Uint8Array(1024 * 1024)
    const count = HISTORY_BYTES_MAX / bytes.length
    for (let height = 1; height <= count + 1; height++) {
      const batch = { bytes, digest: digest(height) }
      history.add({
        height,
        batch,
        commit: {} as never,
        headerDigest: digest(1),
        nextMembers: null,
        block: undefined,
        vote: undefined,
        certificate: undefined,
      })
      if (height === count) history.prune(count)
      if (height === count) expect(history.size).toBe(count)
    }
    history.prune(count + 1)
    expect(history.size).toBe(count)
    expect(history.find(1)).toBeUndefined()
  })
})

describe('what is answered', () => {
  const sends = (effects: readonly Effect[], kind: MessageKind): number =>
    effects.filter((effect) => effect.kind === 'send' && readKind(effect.bytes) === kind).length
  const group = createGroup(4, { batchTransactionsMax: 1 })
  const readKind = (bytes: Uint8Array): MessageKind => authenticate(group, bytes).kind

  function send<K extends MessageKind>(to: Group, from: number, draft: Draft<K>): readonly Effect[] {
    const { bytes } = sealMessage(settleConfig(to.config), nodeAt(to, from).signer, draft)
    return feed(to, nodeAt(to, 0), { kind: 'message', message: authenticate(to, bytes) })
  }

  it('are 8 blocks for one FETCH, and 16 FETCHes of one member in one tick', () => {
    submit(group, 0, ...list(20, (at) => `request ${at}`))
    expect(nodeAt(group, 0).replica.status().height).toBe(20)
    const fetch = { kind: 'fetch', body: { what: 'blocks', height: 1, index: 0, digest: null } } as const
    tick(group, 1)
    for (let count = 1; count <= FETCHES_PER_TICK_MAX; count++) {
      expect(sends(send(group, 1, fetch), 'fetched')).toBe(FETCH_BLOCKS_MAX)
    }
    expect(send(group, 1, fetch)).toMatchObject([{ kind: 'reject', grade: 'ignored' }])
    expect(sends(send(group, 2, fetch), 'fetched')).toBe(FETCH_BLOCKS_MAX)
    tick(group, 1)
    expect(sends(send(group, 1, fetch), 'fetched')).toBe(FETCH_BLOCKS_MAX)
  })

  it('are the votes for 16 sequence numbers for one STATUS', () => {
    const open = createGroup(4, { batchTransactionsMax: 1, windowSize: 20 })
    open.fate = () => 0
    submit(open, 0, ...list(20, (at) => `request ${at}`))
    const body = { view: 0, mode: 'normal', stable: 0, executed: 0, certified: 0, checkpoint: null } as const
    expect(sends(send(open, 1, { kind: 'status', body }), 'pre-prepare')).toBe(RESENT_SEQUENCES_MAX)
  })

  it('are 64 requests passed on again in one tick', () => {
    const waiting = createGroup(4, { timeoutTicks: 40, turnaroundTicks: 0 })
    waiting.fate = () => 0
    for (let at = 0; at < FORWARDS_PER_TICK_MAX + 6; at++) {
      feed(waiting, nodeAt(waiting, 1), { kind: 'request', request: createSimulatedRequest(at, `request ${at}`) })
    }
    const forwarded: number[] = []
    for (let turn = 0; turn < 24; turn++) {
      waiting.nowMs += 10
      forwarded.push(sends(feed(waiting, nodeAt(waiting, 1), { kind: 'tick', nowMs: waiting.nowMs }), 'request'))
    }
    expect(forwarded.filter((count) => count > 0)).toEqual([FORWARDS_PER_TICK_MAX, 6])
  })

  it('is a first proposal dated at most 120 s from the clock of the voter', () => {
    for (const [skew, height] of [
      [PROPOSAL_SKEW_MS_MAX, 1],
      [PROPOSAL_SKEW_MS_MAX + 1, 0],
      [-PROPOSAL_SKEW_MS_MAX, 1],
      [-PROPOSAL_SKEW_MS_MAX - 1, 0],
    ] as const) {
      const apart = createGroup(4)
      feed(apart, nodeAt(apart, 0), { kind: 'tick', nowMs: apart.nowMs + skew })
      settle(apart)
      submit(apart, 0, 'dated')
      expect(apart.nodes.map(({ replica }) => replica.status().height)).toEqual([height, height, height, height])
    }
  })
})

describe('clients', () => {
  /** An application that counts what it judges. */
  function createJudge(): { application: Application; judged: () => number } {
    const application = createSimulatedApplication()
    let count = 0
    const check: Application['check'] = (one) => {
      count += 1
      const isForged = one.bytes.every((byte) => byte === 0xff)
      return isForged ? fail('ERR_SIGNATURE_INVALID', 'forged', { details: { signer: '' } }) : application.check(one)
    }
    return { application: { ...application, check }, judged: () => count }
  }

  function createJudging() {
    const { signers } = createSimulatedKeys(4, 1)
    const members = signers.map(({ did }) => ({ did }))
    const { application, judged } = createJudge()
    const config = { chainId, members, timeoutTicks: 10, batchWaitTicks: 0 }
    const replica = createReplica({ config, signer: signers[1] as (typeof signers)[number], application })
    const take = (one: Request, source?: string) =>
      replica.step({ kind: 'request', request: one, ...(source === undefined ? {} : { source }) })
    return { replica, judged, take }
  }

  const forged = (number: number): Request => ({ ...request(number), bytes: new Uint8Array(40).fill(0xff) })

  it('that have 256 requests waiting cost no check, and others are not harmed', () => {
    const { take, judged, replica } = createJudging()
    for (let at = 0; at < POOL_CLIENT_REQUESTS_MAX; at++) take(createSimulatedRequest(1, `request ${at}`))
    expect(judged()).toBe(POOL_CLIENT_REQUESTS_MAX)
    for (let at = 0; at < 50; at++) {
      const effects = take(createSimulatedRequest(1, `more ${at}`))
      expect(effects).toMatchObject([{ kind: 'reject', grade: 'rejected', from: null, reason: 'request: client-full' }])
    }
    expect(judged()).toBe(POOL_CLIENT_REQUESTS_MAX)
    take(createSimulatedRequest(2, 'of another'))
    expect(replica.status().requestCount).toBe(POOL_CLIENT_REQUESTS_MAX + 1)
  })

  it('are not listened to after a forged request, by its connection and for 16 timeouts', () => {
    const { take, judged, replica } = createJudging()
    expect(take(forged(1), 'a')).toMatchObject([{}, { reason: 'request: forged' }])
    expect(take(createSimulatedRequest(1, 'valid'), 'a')).toMatchObject([{ grade: 'ignored' }])
    expect(judged()).toBe(1)
    // The client whose name was used, and other connections, are not to blame.
    take(createSimulatedRequest(1, 'valid'), 'b')
    take(forged(2))
    take(createSimulatedRequest(1, 'without a source'))
    expect(replica.status().requestCount).toBe(2)
    for (let turn = 0; turn < PENALTY_TIMEOUTS * 10 - 1; turn++) replica.step({ kind: 'tick', nowMs: turn })
    expect(take(createSimulatedRequest(1, 'later'), 'a')).toMatchObject([{ grade: 'ignored' }])
    replica.step({ kind: 'tick', nowMs: 1 })
    take(createSimulatedRequest(1, 'later'), 'a')
    expect(replica.status().requestCount).toBe(3)
  })

  it('that forge are remembered, 4,096 of them', () => {
    const { take, judged } = createJudging()
    for (let at = 0; at <= PENALISED_SOURCES_MAX; at++) take(forged(at), `source ${at}`)
    const before = judged()
    take(forged(1), 'source 1')
    expect(judged()).toBe(before)
    // The first was forgotten for the last.
    take(forged(1), 'source 0')
    expect(judged()).toBe(before + 1)
  })
})

it('messages are at most 4 MiB, told before anything is copied', () => {
  const settings = settleConfig(createGroup(4).config)
  expect(readMessage(settings, new Uint8Array(MESSAGE_BYTES_MAX + 1))).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
  expect(readMessage(settings, new Uint8Array(MESSAGE_BYTES_MAX))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
})

import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import type { Signer } from '../../src/primitives/signature.ts'
import { settleConfig } from '../../src/pbft/config.ts'
import { verifyEvidence } from '../../src/pbft/evidence.ts'
import { sealMessage, type PeerMessage, type VerifiedMessage } from '../../src/pbft/message.ts'
import { computeNewView, computeO } from '../../src/pbft/view-change.ts'
import { agreement, authenticate, createGroup, feed, restart, settle, submit, tick, type Group } from './group.ts'

const digest = (byte: number) => sha256(Uint8Array.of(byte))
const certificate = (view: number, sequence: number, byte: number) =>
  ({ view, sequence, digest: digest(byte), prePrepare: new Uint8Array(65), prepares: [] }) as never

describe('computeO', () => {
  it('is empty where nobody prepared anything above the newest checkpoint', () => {
    expect(
      computeO([
        { stable: 4, prepared: [certificate(0, 5, 1)] },
        { stable: 8, prepared: [] },
      ]),
    ).toEqual({
      stable: 8,
      order: [],
    })
  })

  it('takes the certificate of the highest view, whatever the order, and fills gaps with the null batch', () => {
    const one = { stable: 0, prepared: [certificate(0, 1, 1), certificate(2, 4, 4)] }
    const other = { stable: 0, prepared: [certificate(1, 1, 2), certificate(0, 2, 3)] }
    const expected = {
      stable: 0,
      order: [
        { sequence: 1, digest: digest(2) },
        { sequence: 2, digest: digest(3) },
        { sequence: 3, digest: null },
        { sequence: 4, digest: digest(4) },
      ],
    }
    expect(computeO([one, other])).toEqual(expected)
    expect(computeO([other, one])).toEqual(expected)
  })
})

/** The messages of a kind that a node has sent. */
function sent<K extends PeerMessage['kind']>(group: Group, index: number, kind: K): VerifiedMessage<K>[] {
  return (group.nodes[index]?.effects ?? []).flatMap((effect) => {
    const message = effect.kind === 'send' ? authenticate(group, effect.bytes) : undefined
    return message?.kind === kind ? [message as unknown as VerifiedMessage<K>] : []
  })
}

/** A client that asks all replicas, as it does when the primary does not answer: all watch the primary from now on. */
function submitAll(group: Group, ...payloads: readonly string[]): void {
  for (const { index } of group.nodes) submit(group, index, ...payloads)
}

function isolatePrimary(group: Group): void {
  const primary = group.nodes[0]
  if (primary !== undefined) primary.isDown = true
}

describe('a silent primary', () => {
  it('is replaced when all have waited, though its client asked one backup only', () => {
    const group = createGroup(4)
    isolatePrimary(group)
    submit(group, 2, 'one')
    // T / 2 until the backup tells the others, T until they give up.
    tick(group, 63)
    expect(agreement(group)).toMatchObject({ executed: { length: 1 } })
  })

  it('is replaced within its timeout, and requests go on', () => {
    const group = createGroup(4)
    isolatePrimary(group)
    submitAll(group, 'one', 'two')
    tick(group, 39)
    expect(agreement(group).height).toBe(0)
    tick(group, 3)
    expect(agreement(group)).toMatchObject({ executed: { length: 2 } })
    expect(group.nodes[2]?.replica.status()).toMatchObject({ view: 1, mode: 'normal' })
  })

  it.each([4, 5, 6, 7, 10])('is passed over f times in a row in a group of %i', (count) => {
    const faultMax = Math.floor((count - 1) / 3)
    const group = createGroup(count)
    for (const node of group.nodes.slice(0, faultMax)) node.isDown = true
    submitAll(group, 'one')
    tick(group, 42 + 80 * (faultMax - 1) + 160 * Math.max(0, faultMax - 2))
    expect(agreement(group)).toMatchObject({ executed: { length: 1 } })
  })

  it('comes back into the view of the others, and gets what it missed', () => {
    const group = createGroup(4)
    isolatePrimary(group)
    submitAll(group, 'one')
    tick(group, 50)
    const back = group.nodes[0]
    if (back !== undefined) back.isDown = false
    tick(group, 100)
    expect(agreement(group)).toMatchObject({ height: 1 })
    expect(back?.replica.status()).toMatchObject({ view: 1, mode: 'normal' })
  })

  it('is remembered as such after a restart of everyone', () => {
    const group = createGroup(4)
    isolatePrimary(group)
    submitAll(group, 'one')
    tick(group, 50)
    for (const index of [1, 2, 3]) restart(group, index)
    expect(group.nodes[3]?.replica.status().view).toBe(1)
    submit(group, 2, 'two')
    tick(group, 60)
    expect(agreement(group)).toMatchObject({ executed: { length: 2 } })
    expect(group.nodes[1]?.replica.status().view).toBe(1)
  })
})

describe('what one replica committed', () => {
  /** The papers' restart of the PRE-PREPARE phase would let the next leader give number 1 to another batch. */
  it('survives the change of the primary that the others must make', () => {
    const group = createGroup(4)
    // COMMITs reach replica 3 only: it alone commits, executes, and falls silent with the primary.
    group.fate = ({ to }, message) => (message.kind === 'commit' && to !== 3 ? 0 : 1)
    submit(group, 0, 'committed at one replica')
    const [first] = group.nodes[3]?.application.executed() ?? []
    expect(first).toBeDefined()
    for (const index of [1, 2]) expect(group.nodes[index]?.application.executed()).toEqual([])
    group.fate = ({ from, to }) => (from === 0 || to === 0 ? 0 : 1)
    isolatePrimary(group)
    submit(group, 1, 'another request')
    tick(group, 120)
    const { executed } = agreement(group)
    expect(executed[0]).toBe(first)
    expect(executed).toHaveLength(2)
  })

  it('is carried over by a leader that lacks the batch: it asks for it', () => {
    const group = createGroup(4)
    // Replica 1, the next leader, misses the proposal.
    group.fate = ({ to }, message) =>
      message.kind === 'pre-prepare' && to === 1 ? 0 : message.kind === 'commit' ? 0 : 1
    submit(group, 0, 'unknown to the next leader')
    group.fate = () => 1
    isolatePrimary(group)
    tick(group, 120)
    expect(agreement(group)).toMatchObject({ height: 1, executed: { length: 1 } })
    expect(sent(group, 1, 'fetch').some(({ body }) => body.what === 'batch')).toBe(true)
  })
})

describe('a NEW-VIEW', () => {
  function prepared(): Group {
    const group = createGroup(4)
    group.fate = (_packet, message) => (message.kind === 'commit' ? 0 : 1)
    submit(group, 0, 'prepared everywhere')
    group.fate = (_packet, message) => (message.kind === 'new-view' ? 0 : 1)
    isolatePrimary(group)
    submitAll(group, 'another')
    tick(group, 60)
    return group
  }

  it('is what computeNewView says of the VIEW-CHANGEs that it names', () => {
    const group = prepared()
    const [message] = sent(group, 1, 'new-view')
    const proof = [1, 2, 3].flatMap((index) => sent(group, index, 'view-change').slice(0, 1))
    expect(message?.body.order).toHaveLength(1)
    expect(computeNewView(proof, group.config)).toEqual(message?.body.order)
    expect(computeNewView(proof.slice(1), group.config)).toBeUndefined()
    expect(computeNewView([proof[1], proof[1], proof[2]] as never, group.config)).toBeUndefined()
  })

  it('is refused when it orders anything else, and its leader is given up', () => {
    const group = prepared()
    const settings = settleConfig(group.config)
    const [message] = sent(group, 1, 'new-view')
    if (message === undefined) throw new Error('no NEW-VIEW')
    const body = { ...message.body, order: [{ sequence: 1, digest: null }] }
    const forged = sealMessage(settings, group.nodes[1]?.signer as Signer, { kind: 'new-view', body })
    const victim = group.nodes[3]
    const effects = feed(group, victim as never, { kind: 'message', message: authenticate(group, forged.bytes) })
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'reject', grade: 'rejected' }))
    expect(victim?.replica.status()).toMatchObject({ mode: 'view-change', view: 1 })
    feed(group, victim as never, { kind: 'tick', nowMs: group.nowMs })
    expect(victim?.replica.status()).toMatchObject({ mode: 'view-change', view: 2 })
  })

  it('is refused from anyone but the leader of that view', () => {
    const group = prepared()
    const [message] = sent(group, 1, 'new-view')
    const { body } = message as NonNullable<typeof message>
    const settings = settleConfig(group.config)
    const forged = sealMessage(settings, group.nodes[2]?.signer as Signer, { kind: 'new-view', body })
    const effects = feed(group, group.nodes[3] as never, {
      kind: 'message',
      message: authenticate(group, forged.bytes),
    })
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'reject', grade: 'rejected' }))
  })

  it('is entered by a replica that missed the VIEW-CHANGEs: it fetches them by digest', () => {
    const group = createGroup(4)
    group.fate = ({ to }, message) => (message.kind === 'view-change' && to === 3 ? 0 : 1)
    isolatePrimary(group)
    submitAll(group, 'one')
    let wasFetched = false
    group.fate = ({ to }, message) => {
      wasFetched ||= message.kind === 'fetch' && message.body.what === 'view-change'
      return message.kind === 'view-change' && to === 3 && !wasFetched ? 0 : 1
    }
    tick(group, 60)
    expect(wasFetched).toBe(true)
    expect(group.nodes[3]?.replica.status()).toMatchObject({ view: 1, mode: 'normal' })
  })
})

describe('VIEW-CHANGEs', () => {
  it('of fewer than f + 1 replicas move nobody, however high their views', () => {
    const group = createGroup(4)
    const settings = settleConfig(group.config)
    const body = { view: 1_000_000, stable: 0, checkpoint: null, prepared: [] }
    const { bytes } = sealMessage(settings, group.nodes[3]?.signer as Signer, { kind: 'view-change', body })
    feed(group, group.nodes[1] as never, { kind: 'message', message: authenticate(group, bytes) })
    settle(group)
    expect(group.nodes[1]?.replica.status()).toMatchObject({ view: 0, mode: 'normal' })
  })

  it('of f + 1 take a replica along to the smallest of their views', () => {
    const group = createGroup(4)
    const settings = settleConfig(group.config)
    for (const [index, view] of [
      [2, 9],
      [3, 5],
    ] as const) {
      const body = { view, stable: 0, checkpoint: null, prepared: [] }
      const { bytes } = sealMessage(settings, group.nodes[index]?.signer as Signer, { kind: 'view-change', body })
      feed(group, group.nodes[1] as never, { kind: 'message', message: authenticate(group, bytes) })
    }
    expect(group.nodes[1]?.replica.status()).toMatchObject({ view: 5, mode: 'view-change' })
  })

  it('with an invalid certificate are evidence', () => {
    const group = createGroup(4)
    const settings = settleConfig(group.config)
    const accused = group.nodes[2]?.signer as Signer
    const body = { view: 1, stable: 4, checkpoint: null, prepared: [] }
    const { bytes } = sealMessage(settings, accused, { kind: 'view-change', body })
    const effects = feed(group, group.nodes[1] as never, { kind: 'message', message: authenticate(group, bytes) })
    const [effect] = effects
    expect(effect?.kind === 'evidence' && verifyEvidence(effect.evidence, { ...group, accused: accused.did })).toBe(
      true,
    )
  })

  it('are written down before they are sent, and sent again after a restart, the same', () => {
    const group = createGroup(4)
    isolatePrimary(group)
    group.fate = () => 0
    submitAll(group, 'one')
    tick(group, 45)
    const node = group.nodes[1]
    const [before] = sent(group, 1, 'view-change')
    const order = node?.effects.filter((effect) => effect.kind === 'persist' || effect.kind === 'send') ?? []
    const at = order.findIndex(
      (effect) => effect.kind === 'send' && toHex(effect.bytes) === toHex(before?.bytes ?? new Uint8Array()),
    )
    expect(order[at - 1]?.kind).toBe('persist')
    restart(group, 1)
    if (node !== undefined) node.effects.length = 0
    tick(group, 1)
    expect(sent(group, 1, 'view-change')[0]?.bytes).toEqual(before?.bytes)
  })
})

describe('a group that cannot decide', () => {
  it('keeps its log short through any number of failed views, and goes on afterwards', () => {
    const group = createGroup(4, { checkpointEvery: 1, timeoutTicks: 4 })
    submitAll(group, 'one')
    group.fate = (_packet, message) => (message.kind === 'new-view' || message.kind === 'pre-prepare' ? 0 : 1)
    submitAll(group, 'two')
    tick(group, 4_000)
    const node = group.nodes[1]
    expect(node?.replica.status().view).toBeGreaterThan(40)
    expect(node?.log.length).toBeLessThanOrEqual(12 * 2 + 14)
    expect(node?.replica.status().entryCount).toBeLessThan(60)
    for (const { index, application } of group.nodes) restart(group, index, { application })
    group.fate = () => 1
    tick(group, 200)
    submitAll(group, 'three')
    tick(group, 100)
    expect(agreement(group).executed.length).toBeGreaterThanOrEqual(2)
  })
})

it('a new segment of the log holds the batch of a proposal that came by its digest alone, once', () => {
  const group = createGroup(4, { checkpointEvery: 1, timeoutTicks: 4 })
  group.fate = (_, message) => (message.kind === 'commit' ? 0 : 1)
  submit(group, 0, 'carried over')
  const firstIndex = () => group.nodes.map(({ log }) => log[0]?.index ?? 0)
  for (let turn = 0; turn < 100 && Math.min(...firstIndex()) === 0; turn++) tick(group, 10)
  expect(Math.min(...firstIndex())).toBeGreaterThan(0)
  // Nobody knows the batch from elsewhere: all start again from that segment alone.
  group.packets.length = 0
  for (const { index, log } of group.nodes) {
    const last = log.findIndex(({ keepFrom }) => keepFrom === log[0]?.index)
    restart(group, index, { log: log.slice(0, last + 1) })
  }
  group.fate = () => 1
  tick(group, 200)
  expect(agreement(group)).toMatchObject({ height: 1, executed: { length: 1 } })
})

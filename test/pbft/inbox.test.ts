import { describe, expect, it } from 'vitest'

import { settleConfig } from '../../src/pbft/config.ts'
import { verifyEvidence } from '../../src/pbft/evidence.ts'
import { createInbox } from '../../src/pbft/inbox.ts'
import { sealMessage, type MessageKind } from '../../src/pbft/message.ts'
import { deriveQuorum } from '../../src/pbft/quorum.ts'
import type { Ordering } from '../../src/pbft/shape.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { createSimulatedKeys } from '../../src/pbft/simulator/keys.ts'
import type { Effect, Replica } from '../../src/pbft/types.ts'
import { rememberVerified } from '../../src/pbft/verified-memory.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import type { Signature, SignedDigest } from '../../src/primitives/signature.ts'
import {
  countChecks,
  createInboxGroup,
  read,
  receive,
  settle,
  step,
  tick,
  type InboxGroup,
  type InboxNode,
  type Packet,
} from './inbox-group.ts'

const nodeAt = (group: InboxGroup, index: number): InboxNode => group.nodes[index] as InboxNode

function submit(group: InboxGroup, payload: string, index = 0): void {
  step(group, nodeAt(group, index), { kind: 'request', request: createSimulatedRequest(0, payload) })
  settle(group)
}

function clearChecks(group: InboxGroup): void {
  for (const node of group.nodes) node.checked.length = 0
}

const rejections = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.kind === 'reject' ? [`${effect.grade} ${effect.reason}`] : []))

const digestOf = (text: string): Bytes => sha256(new TextEncoder().encode(text))

/** What a node sent of one kind first. */
function sentBytes(group: InboxGroup, index: number, kind: MessageKind): Bytes {
  for (const effect of nodeAt(group, index).effects) {
    if (effect.kind === 'send' && read(group, effect.bytes).kind === kind) return effect.bytes
  }
  throw new Error(`no ${kind} was sent`)
}

function sentBy(group: InboxGroup, index: number, kind: 'pre-prepare'): Ordering {
  return read(group, sentBytes(group, index, kind)).body as Ordering
}

/** A vote as its member signs it, or with a signature that does not hold. */
function vote(
  group: InboxGroup,
  signer: number,
  options: { kind?: 'prepare' | 'commit'; digest: Bytes; sequence?: number; view?: number; forge?: number },
): Bytes {
  const { kind = 'prepare', digest, sequence = 1, view = 0, forge } = options
  const key = group.signers[signer] as (typeof group.signers)[number]
  const forged = { did: key.did, sign: () => new Uint8Array(65).fill(forge ?? 0) as Signature }
  const body = { view, sequence, digest: digest as never }
  return sealMessage(settleConfig(group.config), forge === undefined ? key : forged, { kind, body }).bytes
}

describe('signature checks without faults (P3)', () => {
  it.each([4, 7, 10])('are as few as decide, n = %i', (count) => {
    const group = createInboxGroup(count)
    submit(group, 'first')
    clearChecks(group)
    const blocks = 5
    for (let block = 0; block < blocks; block++) submit(group, `block ${block}`)
    const { quorum } = deriveQuorum(count)
    for (const node of group.nodes) {
      const isPrimary = node.index === 0
      expect(node.replica.status().height).toBe(blocks + 1)
      expect(countChecks(group, node)).toEqual({
        ...(isPrimary ? {} : { 'pre-prepare': blocks }),
        prepare: blocks * (isPrimary ? quorum - 1 : quorum - 2),
        commit: blocks * (quorum - 1),
        'exec-vote': blocks * (quorum - 1),
      })
      expect(node.inbox?.entryCount).toBe(0)
    }
  })

  it('stay near that when messages overtake one another', () => {
    const group = createInboxGroup(7)
    let draw = 1
    group.pick = (count) => (draw = (draw * 48_271) % 2_147_483_647) % count
    for (let block = 0; block < 20; block++) submit(group, `block ${block}`)
    const { quorum } = deriveQuorum(7)
    const ordering = 1 + (quorum - 2) + (quorum - 1)
    for (const node of group.nodes) {
      const counts = countChecks(group, node)
      const checks = (counts['pre-prepare'] ?? 0) + (counts['prepare'] ?? 0) + (counts['commit'] ?? 0)
      expect(checks / 20 / ordering).toBeLessThanOrEqual(1.2)
      expect(node.replica.status().height).toBe(20)
    }
  })
})

describe('a vote', () => {
  /** Replica 1 of n has accepted the proposal of sequence number 1, and nothing else has arrived anywhere. */
  function waiting(count = 4): { group: InboxGroup; node: InboxNode; digest: Bytes } {
    const group = createInboxGroup(count)
    group.fate = ({ from, to }) => (from === 0 && to === 1 ? 1 : 0)
    submit(group, 'first')
    const proposal = sentBy(group, 0, 'pre-prepare')
    clearChecks(group)
    return { group, node: nodeAt(group, 1), digest: proposal.digest }
  }

  const prepared = ({ log }: { log: readonly Effect[] }): boolean =>
    log.some((effect) => effect.kind === 'send' && effect.bytes[1] === 3)

  it('is not checked before it can decide, nor after', () => {
    const { group, node, digest } = waiting(7)
    for (const signer of [2, 3]) expect(receive(group, node, vote(group, signer, { digest }))).toEqual([])
    expect(node.inbox?.entryCount).toBe(2)
    expect(node.checked).toHaveLength(0)
    const decided = receive(group, node, vote(group, 4, { digest }))
    expect(node.checked).toHaveLength(3)
    expect(prepared({ log: decided })).toBe(true)
    expect(rejections(receive(group, node, vote(group, 5, { digest })))).toEqual([
      'ignored prepare: of no use any more',
    ])
    expect(node.checked).toHaveLength(3)
    expect(node.inbox?.entryCount).toBe(0)
  })

  it('waits for a proposal that it overtook', () => {
    const { group, digest } = waiting(4)
    const late = nodeAt(group, 2)
    for (const signer of [1, 3]) expect(receive(group, late, vote(group, signer, { digest }))).toEqual([])
    expect(late.checked).toHaveLength(0)
    const effects = receive(group, late, sentBytes(group, 0, 'pre-prepare'))
    expect(prepared({ log: effects })).toBe(true)
    expect(rejections(effects)).toEqual(['ignored prepare: not needed any more'])
    expect(late.checked).toHaveLength(2)
  })

  it('that is forged is found when it would decide, and the next one is taken', () => {
    const { group, node, digest } = waiting(7)
    receive(group, node, vote(group, 2, { digest, forge: 1 }))
    receive(group, node, vote(group, 3, { digest }))
    const effects = receive(group, node, vote(group, 4, { digest }))
    expect(rejections(effects)).toEqual(['rejected prepare: message: the signature does not hold'])
    expect(prepared({ log: effects })).toBe(false)
    expect(prepared({ log: receive(group, node, vote(group, 5, { digest })) })).toBe(true)
  })

  it('that is forged never displaces the honest one, whichever comes first', () => {
    for (const isForgedFirst of [true, false]) {
      for (const forgedDigest of ['same', 'other']) {
        const { group, node, digest } = waiting(7)
        const forgedFor = forgedDigest === 'same' ? digest : digestOf('other')
        const both = [vote(group, 2, { digest: forgedFor, forge: 1 }), vote(group, 2, { digest })]
        for (const bytes of isForgedFirst ? both : both.toReversed()) receive(group, node, bytes)
        receive(group, node, vote(group, 3, { digest }))
        expect(prepared({ log: receive(group, node, vote(group, 4, { digest })) })).toBe(true)
        expect(node.checked.length).toBeLessThanOrEqual(5)
      }
    }
  })

  it('costs one check each and no memory, however many are forged under one name', () => {
    const { group, node, digest } = waiting(7)
    receive(group, node, vote(group, 2, { digest }))
    for (let forge = 1; forge <= 200; forge++) {
      const effects = receive(group, node, vote(group, 2, { digest: digestOf(`${forge % 3}`), forge }))
      expect(rejections(effects)).toHaveLength(1)
    }
    expect(node.inbox?.entryCount).toBe(1)
    expect(node.checked.length).toBeLessThanOrEqual(200)
    receive(group, node, vote(group, 3, { digest }))
    expect(prepared({ log: receive(group, node, vote(group, 4, { digest })) })).toBe(true)
  })

  it('that comes twice waits once', () => {
    const { group, node, digest } = waiting(7)
    receive(group, node, vote(group, 2, { digest }))
    expect(rejections(receive(group, node, vote(group, 2, { digest })))).toEqual(['ignored prepare: waits already'])
    expect(node.checked).toHaveLength(0)
  })

  it('and another one of its signer for the same place are evidence', () => {
    const { group, node, digest } = waiting(7)
    receive(group, node, vote(group, 2, { digest: digestOf('other') }))
    const effects = receive(group, node, vote(group, 2, { digest }))
    const evidence = effects.find((effect) => effect.kind === 'evidence')
    const accused = group.signers[2]?.did
    expect(evidence).toMatchObject({ accused })
    const { verifier } = createSimulatedKeys(7, 1)
    const options = { config: group.config, verifier, ...(accused === undefined ? {} : { accused }) }
    expect(verifyEvidence((evidence as Extract<Effect, { kind: 'evidence' }>).evidence, options)).toBe(true)
  })

  it('and one that was counted are evidence too', () => {
    const { group, node, digest } = waiting(4)
    receive(group, node, vote(group, 2, { digest }))
    expect(node.checked).toHaveLength(1)
    expect(rejections(receive(group, node, vote(group, 2, { digest })))).toEqual([
      'ignored prepare: of no use any more',
    ])
    const effects = receive(group, node, vote(group, 2, { digest: digestOf('other') }))
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'evidence', accused: group.signers[2]?.did }))
  })

  it('of another view or beyond the window is dropped unverified', () => {
    const { group, node, digest } = waiting(4)
    const { logSpan } = settleConfig(group.config)
    const others = [{ view: 1 }, { sequence: logSpan + 1 }, { sequence: 0 }]
    for (const other of others) {
      const effects = receive(group, node, vote(group, 2, { digest, ...other }))
      expect(rejections(effects)).toEqual(['ignored prepare: of no use any more'])
    }
    receive(group, node, vote(group, 2, { digest, sequence: logSpan }))
    expect(node.inbox?.entryCount).toBe(1)
    expect(node.checked).toHaveLength(0)
  })

  it('is forgotten with its view', () => {
    const { group, node, digest } = waiting(4)
    receive(group, node, vote(group, 2, { kind: 'commit', digest: digestOf('other') }))
    receive(group, node, vote(group, 3, { kind: 'commit', digest }))
    expect(node.inbox?.entryCount).toBe(2)
    tick(group, 100)
    expect(node.replica.status().view).toBeGreaterThan(0)
    expect(node.inbox?.entryCount).toBe(0)
  })
})

describe('EXEC-VOTEs', () => {
  const execVote = (group: InboxGroup, signer: number, sequence: number): Bytes => {
    const key = group.signers[signer] as (typeof group.signers)[number]
    const body = { sequence, headerDigest: digestOf(`header ${sequence}`) as never }
    return sealMessage(settleConfig(group.config), key, { kind: 'exec-vote', body }).bytes
  }

  it('of f + 1 members show that this replica is behind, and no more are checked', () => {
    const group = createInboxGroup(7)
    const node = nodeAt(group, 1)
    for (const signer of [2, 3]) receive(group, node, execVote(group, signer, 5))
    expect(node.checked).toHaveLength(0)
    for (const signer of [4, 5, 6]) receive(group, node, execVote(group, signer, 5))
    expect(node.checked).toHaveLength(3)
    expect(node.inbox?.entryCount).toBe(2)
    group.fate = () => 0
    const before = node.effects.length
    tick(group, 25)
    const sent = node.effects
      .slice(before)
      .flatMap((effect) => (effect.kind === 'send' ? [read(group, effect.bytes)] : []))
    expect(sent).toContainEqual(
      expect.objectContaining({ kind: 'fetch', body: { what: 'blocks', height: 1, index: 0, digest: null } }),
    )
  })

  it('from far ahead tell the same, one in K of each member', () => {
    const group = createInboxGroup(4, { checkpointEvery: 4 })
    const node = nodeAt(group, 1)
    for (let sequence = 9; sequence < 17; sequence++) receive(group, node, execVote(group, 2, sequence))
    expect(node.checked).toHaveLength(2)
    receive(group, node, execVote(group, 3, 16))
    expect(node.replica.status().mode).toBe('syncing')
    expect(node.inbox?.entryCount).toBe(0)
  })
})

it('a proposal that its commits overtook is executed as soon as it comes', () => {
  const group = createInboxGroup(4)
  const late: Packet[] = []
  group.fate = (packet) => {
    const isLate = packet.to === 3 && read(group, packet.bytes).kind === 'pre-prepare'
    if (isLate) late.push(packet)
    return packet.from === 3 || isLate || (packet.to === 3 && read(group, packet.bytes).kind === 'prepare') ? 0 : 1
  }
  submit(group, 'first')
  const node = nodeAt(group, 3)
  expect(nodeAt(group, 0).replica.status().executedHeight).toBe(1)
  expect(node.replica.status().executedHeight).toBe(0)
  receive(group, node, (late[0] as Packet).bytes)
  expect(node.replica.status().executedHeight).toBe(1)
})

describe('an inbox', () => {
  it('refuses bytes that are no message, and blames nobody', () => {
    const group = createInboxGroup(4)
    const node = nodeAt(group, 1)
    for (const bytes of [new Uint8Array(), new Uint8Array(5_000_000), null as never]) {
      expect(receive(group, node, bytes)).toMatchObject([{ kind: 'reject', grade: 'rejected', from: null }])
    }
  })

  it('holds at most 3 L n votes', () => {
    const group = createInboxGroup(4, { checkpointEvery: 2 })
    const node = nodeAt(group, 1)
    const { logSpan } = settleConfig(group.config)
    for (let sequence = 1; sequence <= logSpan + 2; sequence++) {
      for (const signer of [0, 2, 3]) {
        receive(group, node, vote(group, signer, { kind: 'commit', digest: digestOf(`${signer}`), sequence, forge: 1 }))
        receive(group, node, vote(group, signer, { digest: digestOf('one'), sequence, forge: 1 }))
      }
    }
    expect(node.inbox?.entryCount).toBeGreaterThan(logSpan * 3)
    expect(node.inbox?.entryCount).toBeLessThanOrEqual(3 * logSpan * 4)
  })

  it('takes what speaks for its sender alone from that member only, where it is told who brings it', () => {
    const group = createInboxGroup(4)
    const node = nodeAt(group, 1)
    const settings = settleConfig(group.config)
    const [signer, other] = [nodeAt(group, 0).signer, nodeAt(group, 2).signer]
    const status = { view: 0, mode: 'normal', stable: 0, executed: 7, certified: 7, checkpoint: null } as const
    const fetch = { what: 'blocks', height: 1, index: 0, digest: null } as const
    const fetched = { height: 0, commit: null, certificate: null, snapshot: null }
    const direct = [
      sealMessage(settings, signer, { kind: 'status', body: status }),
      sealMessage(settings, signer, { kind: 'fetch', body: fetch }),
      sealMessage(settings, signer, { kind: 'fetched', body: fetched }),
      sealMessage(settings, signer, { kind: 'request', body: createSimulatedRequest(0, 'passed on') }),
    ]
    for (const { bytes } of direct) {
      expect(node.inbox?.receive(bytes, other.did)).toMatchObject([{ kind: 'reject', grade: 'rejected', from: null }])
      expect(node.inbox?.receive(bytes, signer.did)).not.toContainEqual(expect.objectContaining({ grade: 'rejected' }))
    }
    // Whoever lacks a VIEW-CHANGE gets it from anyone.
    const change = { view: 1, stable: 0, checkpoint: null, prepared: [] }
    const { bytes } = sealMessage(settings, signer, { kind: 'view-change', body: change })
    expect(node.inbox?.receive(bytes, other.did)).toEqual([])
  })

  it('drops what is late, and not what waits beside it', () => {
    const group = createInboxGroup(4)
    const { replica } = nodeAt(group, 1)
    const needed = new Map<number, number>()
    const fed: number[] = []
    const spied: Replica = {
      ...replica,
      needs: ({ signer }) => needed.get(signer) ?? Infinity,
      step(input) {
        if (input.kind === 'message') fed.push(input.message.signer)
        return []
      },
    }
    const { verifier } = createSimulatedKeys(4, 1)
    const inbox = createInbox({ config: group.config, replica: spied, verifier })
    for (const signer of [2, 3]) inbox.receive(vote(group, signer, { kind: 'commit', digest: digestOf('one') }))
    // As where one vote for a checkpoint has a share that is wanted, and another one has none.
    needed.set(2, 0).set(3, 1)
    inbox.step({ kind: 'tick', nowMs: 0 })
    expect([fed, inbox.entryCount]).toEqual([[3], 0])
  })

  it('feeds what is no vote at once', () => {
    const group = createInboxGroup(4)
    group.fate = ({ from }) => (from === 0 ? 0 : 1)
    submit(group, 'to a silent primary', 1)
    tick(group, 200)
    for (const node of group.nodes.slice(1)) expect(node.replica.status()).toMatchObject({ height: 1 })
  })
})

describe('a memory of signatures', () => {
  const { signers, verifier } = createSimulatedKeys(2, 1)
  const item = (signer: number, text: string): SignedDigest => {
    const key = signers[signer] as (typeof signers)[number]
    const digest = digestOf(text)
    return { signer: key.did, digest: digest as never, signature: sign(signer, text) }
  }
  const sign = (signer: number, text: string): Signature => new Uint8Array(65).fill(signer + text.length) as Signature

  it('asks once for each that holds, whoever repeats it, and again for each that does not', () => {
    const asked: SignedDigest[] = []
    const holds = (one: SignedDigest): boolean => {
      asked.push(one)
      return one.signature[0] !== 99
    }
    const remembering = rememberVerified({ verify: holds }, 2)
    const bad = { ...item(0, 'bad'), signature: new Uint8Array(65).fill(99) as Signature }
    for (let turn = 0; turn < 2; turn++) {
      expect(remembering.verify(item(0, 'one'))).toBe(true)
      expect(remembering.verify(bad)).toBe(false)
    }
    expect(asked).toHaveLength(3)
    // Another signer, digest or signature is another item.
    expect(remembering.verify(item(1, 'one'))).toBe(true)
    expect(remembering.verify({ ...item(0, 'one'), signature: sign(0, 'longer') })).toBe(true)
    expect(asked).toHaveLength(5)
    // So is the same signature under another name: EXEC-VOTEs of all members have one digest.
    const borrowed = { ...item(0, 'one'), signer: (signers[1] as (typeof signers)[number]).did }
    expect(remembering.verify(borrowed)).toBe(true)
    expect(asked).toHaveLength(6)
    // Only two are remembered.
    remembering.verify(item(0, 'one'))
    expect(asked).toHaveLength(7)
    expect(verifier).toBeDefined()
  })

  it('asks for many at once only what it does not know', () => {
    const sizes: number[] = []
    const remembering = rememberVerified(
      {
        verify: () => true,
        verifyBatch(items) {
          sizes.push(items.length)
          return items.map(({ signature }) => signature[0] !== 99)
        },
      },
      10,
    )
    const bad = { ...item(0, 'bad'), signature: new Uint8Array(65).fill(99) as Signature }
    expect(remembering.verifyBatch?.([item(0, 'a'), bad, item(1, 'b')])).toEqual([true, false, true])
    expect(remembering.verifyBatch?.([item(1, 'b'), bad, item(0, 'c')])).toEqual([true, false, true])
    expect(sizes).toEqual([3, 2])
  })
})

it('needs a configuration in range', () => {
  const group = createInboxGroup(4)
  const options = { config: { ...group.config, checkpointEvery: 0 }, replica: nodeAt(group, 0).replica }
  expect(() => createInbox(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
})

import { describe, expect, it } from 'vitest'

import { settleConfig } from '../../src/pbft/config.ts'
import { verifyEvidence } from '../../src/pbft/evidence.ts'
import { sealMessage, type Draft, type MessageKind, type NewView, type PeerMessage } from '../../src/pbft/message.ts'
import { computeO } from '../../src/pbft/view-change.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import type { Signature, Signer } from '../../src/primitives/signature.ts'
import { authenticate, createGroup, feed, type Group, type Node } from './group.ts'

const group = createGroup(4)
const settings = settleConfig(group.config)
const one = sha256(Uint8Array.of(1))
const two = sha256(Uint8Array.of(2))

const signerOf = (index: number): Signer => (group.nodes[index] as Node).signer

function sealed<K extends MessageKind>(signer: number, draft: Draft<K>): PeerMessage {
  return sealMessage(settings, signerOf(signer), draft) as unknown as PeerMessage
}

const pack = (...messages: readonly Pick<PeerMessage, 'bytes'>[]) => encodeCbor(messages.map(({ bytes }) => bytes))

/** The member that evidence proves guilty, or undefined; nobody else may be. */
function guilty(...messages: readonly Pick<PeerMessage, 'bytes'>[]): number | undefined {
  const evidence = pack(...messages)
  const proven = [0, 1, 2, 3].filter((index) => verifyEvidence(evidence, { ...group, accused: signerOf(index).did }))
  expect(verifyEvidence(evidence, group)).toBe(proven.length > 0)
  expect(proven.length).toBeLessThanOrEqual(1)
  return proven[0]
}

/** With the last bytes of its signature changed. */
function spoil({ bytes }: PeerMessage): Pick<PeerMessage, 'bytes'> {
  const copy = Uint8Array.from(bytes)
  const at = copy.length - 60
  copy[at] = (copy[at] as number) ^ 1
  return { bytes: copy }
}

const ordering = (digest: Digest32, sequence = 1) => ({ view: 0, sequence, digest })
const execVote = (signer: number, headerDigest: Digest32, sequence = 1) =>
  sealed(signer, { kind: 'exec-vote', body: { sequence, headerDigest } })
const viewChange = (signer: number, view = 1) =>
  sealed(signer, { kind: 'view-change', body: { view, stable: 0, checkpoint: null, prepared: [] } })

/** A VIEW-CHANGE that claims something to be prepared, by certificates of signatures that nobody made. */
function falseViewChange(signer: number): PeerMessage {
  const signature = new Uint8Array(65) as Signature
  const prepares = [1, 2].map((index) => ({ signer: index, signature }))
  const prepared = [{ view: 0, sequence: 1, digest: one, prePrepare: signature, prepares }]
  return sealed(signer, { kind: 'view-change', body: { view: 1, stable: 0, checkpoint: null, prepared } })
}

const nameOf = ({ signer, digest }: PeerMessage) => ({ signer, digest: digest as Digest32 })

function newView(
  named: readonly PeerMessage[],
  options: { signer?: number; order?: NewView['order'] } = {},
): PeerMessage {
  const { signer = 1, order = [] } = options
  return sealed(signer, { kind: 'new-view', body: { view: 1, order, viewChanges: named.map(nameOf) } })
}

describe('evidence of one message', () => {
  it('is a PREPARE by the proposer, and a PRE-PREPARE by another', () => {
    expect(guilty(sealed(0, { kind: 'prepare', body: ordering(one) }))).toBe(0)
    expect(guilty(sealed(1, { kind: 'prepare', body: ordering(one) }))).toBeUndefined()
    expect(guilty(sealed(1, { kind: 'pre-prepare', body: ordering(one) }))).toBe(1)
    expect(guilty(sealed(0, { kind: 'pre-prepare', body: ordering(one) }))).toBeUndefined()
  })

  it('is a VIEW-CHANGE with a certificate that does not hold', () => {
    expect(guilty(falseViewChange(2))).toBe(2)
    expect(guilty(viewChange(2))).toBeUndefined()
  })

  it('is a NEW-VIEW by another than the leader, or one that names no quorum', () => {
    const changes = [0, 1, 2].map((signer) => viewChange(signer))
    expect(guilty(newView(changes, { signer: 2 }))).toBe(2)
    expect(guilty(newView(changes.slice(1)))).toBe(1)
    expect(guilty(newView([changes[0], changes[0], changes[1]] as PeerMessage[]))).toBe(1)
    expect(guilty(newView(changes))).toBeUndefined()
  })

  it.each(['commit', 'status', 'fetch', 'exec-vote'] as const)('is no %s', (kind) => {
    const bodies = {
      commit: ordering(one),
      status: { view: 0, mode: 'normal', stable: 0, executed: 0, certified: 0, checkpoint: null },
      fetch: { what: 'batch', height: 0, index: 0, digest: one },
      'exec-vote': { sequence: 1, headerDigest: one },
    } as const
    expect(guilty(sealed(1, { kind, body: bodies[kind] }))).toBeUndefined()
  })
})

describe('evidence of two messages', () => {
  it.each(['pre-prepare', 'prepare', 'commit'] as const)('are two of %s for one place', (kind) => {
    const signer = kind === 'pre-prepare' ? 0 : 1
    const vote = (digest: Digest32, sequence = 1) => sealed(signer, { kind, body: ordering(digest, sequence) })
    expect(guilty(vote(one), vote(two))).toBe(signer)
    expect(guilty(vote(one), vote(one))).toBeUndefined()
    expect(guilty(vote(one), vote(two, 2))).toBeUndefined()
  })

  it('are two EXEC-VOTEs for one height', () => {
    expect(guilty(execVote(3, one), execVote(3, two))).toBe(3)
    expect(guilty(execVote(3, one), execVote(2, two))).toBeUndefined()
    expect(guilty(execVote(3, one), execVote(3, two, 2))).toBeUndefined()
  })

  it('are no more than two, and every signature counts', () => {
    expect(guilty(execVote(3, one), execVote(3, two), execVote(3, one))).toBeUndefined()
    expect(guilty(execVote(3, one), spoil(execVote(3, two)))).toBeUndefined()
    expect(guilty(spoil(execVote(3, one)), execVote(3, two))).toBeUndefined()
  })

  it('are no views that someone wants twice: a lost disk makes an honest member do that', () => {
    const other = sealed(2, { kind: 'view-change', body: { view: 1, stable: 1, checkpoint: null, prepared: [] } })
    expect(guilty(viewChange(2), other)).toBeUndefined()
  })
})

describe('evidence of a NEW-VIEW that does not follow', () => {
  const changes = [0, 2, 3].map((signer) => viewChange(signer))
  const order = [{ sequence: 1, digest: one }]

  it('is it with all VIEW-CHANGEs that it names, in their order', () => {
    const wrong = newView(changes, { order })
    expect(guilty(wrong, ...changes)).toBe(1)
    expect(guilty(wrong, ...changes.toReversed())).toBeUndefined()
    expect(guilty(wrong, ...changes.slice(1))).toBeUndefined()
    expect(guilty(wrong, ...changes, viewChange(1))).toBeUndefined()
    expect(guilty(wrong, ...changes.slice(0, 2), viewChange(3, 2))).toBeUndefined()
    expect(guilty(newView(changes), ...changes)).toBeUndefined()
  })

  it('needs every signature in it', () => {
    const wrong = newView(changes, { order })
    for (let at = 0; at < 4; at++) {
      const messages = [wrong, ...changes].map((message, index) => (index === at ? spoil(message) : message))
      expect(guilty(...messages)).toBeUndefined()
    }
  })

  it('is also one that rests on a VIEW-CHANGE whose certificates do not hold', () => {
    const false1 = [viewChange(0), viewChange(2), falseViewChange(3)]
    const { order: claimed } = computeO(false1.map(({ body }) => body as never))
    expect(guilty(newView(false1, { order: claimed }), ...false1)).toBe(1)
  })
})

describe('a replica', () => {
  const takes = (to: Group, message: PeerMessage) =>
    feed(to, to.nodes[0] as Node, { kind: 'message', message: authenticate(to, message.bytes) })

  function accusations(...messages: readonly PeerMessage[]): number[] {
    const fresh = createGroup(4)
    const accused: number[] = []
    for (const message of messages) {
      for (const effect of takes(fresh, message)) {
        if (effect.kind !== 'evidence') continue
        const at = fresh.config.members.findIndex(({ did }) => did === effect.accused)
        expect(verifyEvidence(effect.evidence, { ...fresh, accused: effect.accused })).toBe(true)
        accused.push(at)
      }
    }
    return accused
  }

  it('accuses whom it catches, of every kind', () => {
    const changes = [1, 2, 3].map((signer) => viewChange(signer))
    const order = [{ sequence: 1, digest: one }]
    expect(accusations(...changes, newView(changes, { order }))).toEqual([1])
    expect(accusations(newView(changes, { signer: 2 }))).toEqual([2])
    expect(accusations(newView(changes.slice(1)))).toEqual([1])
    expect(accusations(falseViewChange(3))).toEqual([3])
    expect(accusations(execVote(2, one), execVote(2, two))).toEqual([2])
    expect(accusations(sealed(2, { kind: 'pre-prepare', body: ordering(one) }))).toEqual([2])
    expect(accusations(...changes, newView(changes))).toEqual([])
  })

  it('leaves the view whose leader misleads', () => {
    const fresh = createGroup(4)
    const changes = [1, 2, 3].map((signer) => viewChange(signer))
    for (const message of [...changes, newView(changes, { order: [{ sequence: 1, digest: one }] })])
      takes(fresh, message)
    expect((fresh.nodes[0] as Node).replica.status().view).toBe(1)
    feed(fresh, fresh.nodes[0] as Node, { kind: 'tick', nowMs: fresh.nowMs })
    expect((fresh.nodes[0] as Node).replica.status().view).toBe(2)
  })
})

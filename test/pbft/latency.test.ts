import { describe, expect, it } from 'vitest'

import { authenticateMessages } from '../../src/pbft/authenticate.ts'
import { createCertificate } from '../../src/pbft/certificate.ts'
import { settleConfig } from '../../src/pbft/config.ts'
import { sealMessage } from '../../src/pbft/message.ts'
import { createReplica } from '../../src/pbft/replica.ts'
import { createSimulatedApplication, createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import type { Bytes } from '../../src/primitives/bytes.ts'
import { agreement, authenticate, createGroup, feed, submit, tick, type Group, type Node } from './group.ts'

/** Delivers what is under way in rounds of one message delay; returns the round in which each kind was first sent. */
function rounds(group: Group): Map<string, number> {
  const first = new Map<string, number>()
  for (let round = 0; group.packets.length > 0; round++) {
    const arriving = group.packets.splice(0)
    for (const { bytes, to } of arriving) {
      const message = authenticate(group, bytes)
      if (!first.has(message.kind)) first.set(message.kind, round)
      feed(group, group.nodes[to] as never, { kind: 'message', message })
    }
    for (const node of group.nodes) {
      if (node.delivered.length > 0 && !first.has('delivered')) first.set('delivered', round + 1)
    }
  }
  return first
}

describe('latency without faults (L3)', () => {
  it.each([4, 5, 6, 7, 10])('is three delays to the commit and four to the certificate, for %i replicas', (count) => {
    const group = createGroup(count)
    feed(group, group.nodes[0] as never, { kind: 'request', request: createSimulatedRequest(0, 'one') })
    const first = rounds(group)
    // An EXEC-VOTE is what a client may take as a reply: one delay to the primary, three to the commit, one back.
    expect([first.get('pre-prepare'), first.get('prepare'), first.get('commit')]).toEqual([0, 1, 2])
    expect(first.get('exec-vote')).toBe(3)
    expect(first.get('delivered')).toBe(4)
  })
})

describe('a group of one', () => {
  it('orders, certifies and delivers within one step', () => {
    const group = createGroup(1)
    const effects = feed(group, group.nodes[0] as never, {
      kind: 'request',
      request: createSimulatedRequest(0, 'one'),
    })
    expect(effects.map(({ kind }) => kind)).toEqual(['persist', 'persist', 'persist', 'deliver'])
  })
})

describe('a block that closes the member epoch', () => {
  it('is delivered with the next members, is a checkpoint, and nothing follows it in this epoch', () => {
    const group = createGroup(4, { batchTransactionsMax: 1 })
    const nextMembers = group.config.members.slice(1)
    for (const node of group.nodes) {
      const apply = node.application.apply.bind(node.application)
      node.application.apply = (batch, height) => ({
        ...apply(batch, height),
        ...(height === 2 ? { nextMembers } : {}),
      })
    }
    for (const name of ['one', 'closing', 'too late']) {
      feed(group, group.nodes[0] as never, { kind: 'request', request: createSimulatedRequest(0, name) })
    }
    rounds(group)
    for (const node of group.nodes) {
      expect(node.delivered.map((block) => block.nextMembers)).toEqual([null, nextMembers])
      expect(node.replica.status()).toMatchObject({ mode: 'closed', height: 2, stableHeight: 2 })
    }
  })

  it('ends state transfer: the state belongs to the next epoch, whatever former members certify later', () => {
    const group = createGroup(4, { batchTransactionsMax: 1 })
    for (const node of group.nodes) {
      const apply = node.application.apply.bind(node.application)
      node.application.apply = (batch, height) => ({
        ...apply(batch, height),
        ...(height === 41 ? { nextMembers: group.config.members.slice(1) } : {}),
      })
    }
    const node = group.nodes[3] as Node
    node.isDown = true
    submit(group, 0, ...Array.from({ length: 40 }, (_, at) => `request ${at}`))
    node.isDown = false
    // It has asked somebody for blocks.
    tick(group, 100)
    submit(group, 0, 'closing')
    tick(group, 10)
    expect(node.replica.status()).toMatchObject({ mode: 'closed', height: 41 })

    const other = createSimulatedApplication()
    for (let height = 1; height <= 50; height++) other.apply({ requests: [], timeMs: 0 }, height)
    const [chunk] = [...other.snapshot()] as [Bytes]
    const block = { chainId: group.config.chainId, memberEpoch: 0, height: 50, headerDigest: other.head().headerDigest }
    const settings = settleConfig(group.config)
    const votes = [0, 1, 2].map((index) => {
      const body = { sequence: 50, headerDigest: block.headerDigest }
      const { signature } = sealMessage(settings, (group.nodes[index] as Node).signer, { kind: 'exec-vote', body })
      return [index, signature as NonNullable<typeof signature>] as const
    })
    const certificate = createCertificate(block, new Map(votes), 4)
    const snapshot = { height: 50, index: 0, count: 1, chunk, certificate }
    for (const { signer } of group.nodes.slice(0, 3)) {
      const body = { height: 50, commit: null, certificate: null, snapshot }
      const { bytes } = sealMessage(settings, signer, { kind: 'fetched', body })
      feed(group, node, { kind: 'message', message: authenticate(group, bytes) })
    }
    expect(node.application.head().height).toBe(41)
  })

  it('is where the next epoch begins: its members go on from there, and votes of the old one count no more', () => {
    const group = createGroup(4)
    submit(group, 0, 'one')
    const config = { ...group.config, memberEpoch: 1, baseHeight: 1 }
    const replicas = group.nodes.map(({ signer, application }) => createReplica({ config, signer, application }))
    expect(replicas.map((replica) => replica.status())).toEqual(
      replicas.map(() => expect.objectContaining({ memberEpoch: 1, view: 0, height: 1, stableHeight: 1 }) as object),
    )
    const [old] = group.nodes[0]?.effects.flatMap((effect) => (effect.kind === 'send' ? [effect.bytes] : [])) ?? []
    const [result] = authenticateMessages([old ?? new Uint8Array()], { config, verifier: group.verifier })
    expect(result).toMatchObject({ ok: false, code: 'ERR_PBFT_NOT_A_MEMBER' })
    group.nodes.forEach((node, index) => {
      node.replica = replicas[index] as (typeof replicas)[number]
    })
    const next = { ...group, config }
    tick(next, 1)
    submit(next, 0, 'two')
    expect(agreement(next)).toMatchObject({ height: 2, executed: { length: 2 } })
  })
})

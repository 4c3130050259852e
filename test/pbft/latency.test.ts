import { describe, expect, it } from 'vitest'

import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { authenticate, createGroup, feed, type Group } from './group.ts'

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
})

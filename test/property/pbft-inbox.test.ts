import fc from 'fast-check'
import { expect, it } from 'vitest'

import { settleConfig } from '../../src/pbft/config.ts'
import { sealMessage } from '../../src/pbft/message.ts'
import { createSimulatedRequest } from '../../src/pbft/simulator/application.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import type { Signature } from '../../src/primitives/signature.ts'
import { createGroup, feed, settle as settleEager, type Node } from '../pbft/group.ts'
import { createInboxGroup, receive, settle, step, tick, type InboxNode } from '../pbft/inbox-group.ts'
import { propertyRuns } from '../support/property.ts'

/** Numbers below a bound, all from one seed. */
function createDraw(seed: number): (bound: number) => number {
  let state = (seed % 2_147_483_646) + 1
  return (bound) => (state = (state * 48_271) % 2_147_483_647) % bound
}

const groups = fc.record({
  count: fc.constantFrom(4, 5, 7),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  requests: fc.integer({ min: 1, max: 12 }),
})

const headsOf = (
  nodes: readonly { application: { head(): { height: number; headerDigest: Uint8Array } } }[],
): string[] => nodes.map(({ application }) => `${application.head().height}/${application.head().headerDigest.join()}`)

it('an inbox leads to the blocks that verifying everything leads to, in whatever order messages arrive', () => {
  fc.assert(
    fc.property(groups, ({ count, seed, requests }) => {
      const one = createGroup(count)
      const other = createInboxGroup(count)
      const draws = [createDraw(seed), createDraw(seed)] as const
      one.pick = draws[0]
      other.pick = draws[1]
      other.fate = () => (draws[1](4) === 0 ? 2 : 1)
      for (let number = 0; number < requests; number++) {
        const request = createSimulatedRequest(0, `request ${number}`)
        feed(one, one.nodes[0] as Node, { kind: 'request', request })
        step(other, other.nodes[0] as InboxNode, { kind: 'request', request })
      }
      settleEager(one)
      settle(other)
      expect(new Set(headsOf(other.nodes))).toEqual(new Set(headsOf(one.nodes)))
      expect(other.nodes.map(({ replica }) => replica.status().height)).toEqual(
        one.nodes.map(({ replica }) => replica.status().height),
      )
    }),
    propertyRuns(60),
  )
})

it('whoever forges, repeats, loses and equivocates, a group of inboxes orders everything and accuses only him', () => {
  fc.assert(
    fc.property(groups, ({ count, seed, requests }) => {
      const group = createInboxGroup(count)
      const draw = createDraw(seed)
      const liar = group.signers[count - 1] as (typeof group.signers)[number]
      const settings = settleConfig(group.config)
      const digests = [0, 1, 2].map((byte) => sha256(Uint8Array.of(byte)))
      let calm = false
      /** A vote under any name; under the liar's own, with a signature that holds. */
      const lie = (): Uint8Array => {
        const signer = draw(count)
        const { did } = group.signers[signer] as (typeof group.signers)[number]
        const forged = { did, sign: () => new Uint8Array(65).fill(draw(256)) as Signature }
        const kind = draw(2) === 0 ? 'prepare' : 'commit'
        const body = { view: draw(2), sequence: 1 + draw(4), digest: digests[draw(3)] as (typeof digests)[number] }
        return sealMessage(settings, signer === count - 1 ? liar : forged, { kind, body }).bytes
      }
      group.pick = draw
      group.fate = ({ to }) => {
        if (!calm && draw(2) === 0) receive(group, group.nodes[to] as InboxNode, lie())
        return calm || draw(6) > 0 ? 1 + draw(2) : 0
      }
      for (let number = 0; number < requests; number++) {
        const request = createSimulatedRequest(0, `request ${number}`)
        const node = group.nodes[draw(count)] as InboxNode
        step(group, node, { kind: 'request', request })
        settle(group)
        tick(group, draw(5))
      }
      calm = true
      tick(group, 400)
      for (const { application, effects } of group.nodes) {
        expect(application.executed()).toHaveLength(requests)
        for (const effect of effects) if (effect.kind === 'evidence') expect(effect.accused).toBe(liar.did)
      }
      expect(new Set(headsOf(group.nodes)).size).toBe(1)
    }),
    propertyRuns(15),
  )
})

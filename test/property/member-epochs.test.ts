import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { replayLedger } from '../../src/chain/index.ts'
import { aggregateShares } from '../../src/pbft/aggregate.ts'
import { signExecutionShare, verifyCertificate } from '../../src/pbft/certificate.ts'
import { deriveQuorum } from '../../src/pbft/quorum.ts'
import { createBlsSigner } from '../../src/primitives/bls-signature.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createBlsVerifier, createMemberBlsKey } from '../../src/primitives/member-bls.ts'
import { createSigner } from '../../src/primitives/signature.ts'
import { secretKey } from '../support/bls.ts'
import {
  addNode,
  askAgain,
  catchUp,
  change,
  createEpochGroup,
  finalReceipts,
  restart,
  seated,
  submit,
  summary,
  tick,
  transfer,
  type EpochGroup,
  type EpochNode,
} from '../support/epoch-group.ts'
import { chainId } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'

const PARTIES = 9

/** What is final anywhere: nobody may take it back. */
function acknowledged(group: EpochGroup): ReadonlySet<string> {
  return new Set(group.nodes.flatMap((node) => [...finalReceipts(node).keys()]))
}

/** Hosts go on until everyone who is named sits in the newest epoch. */
function settleIn(group: EpochGroup, next: readonly number[]): void {
  for (let round = 0; round < 20; round++) {
    tick(group, 60)
    for (const index of next) {
      const node = group.nodes.find((each) => each.index === index)
      if (node === undefined) addNode(group, index)
      else catchUp(group, node)
    }
    if (seated(group).length === next.length) return
  }
}

describe('any sequence of changes, with restarts, on a bad network', () => {
  const changes = fc.array(fc.shuffledSubarray([...Array(PARTIES).keys()], { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  })

  it('leaves one history, with everything that was ever final', async () => {
    const setting = fc.record({
      sets: changes,
      loss: fc.double({ min: 0, max: 0.25, noNaN: true }),
      seed: fc.nat(),
      // Who is stopped and started again while a change is on its way, and after how many ticks.
      restarts: fc.array(fc.record({ who: fc.nat(PARTIES - 1), after: fc.nat(30) }), { maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(setting, async ({ sets, loss, seed, restarts }) => {
        const group = createEpochGroup(4)
        let state = seed
        const lossy = () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
          return state / 2 ** 32 >= loss
        }
        let epochs = 0
        let before: readonly number[] = [0, 1, 2, 3]
        const final = new Set<string>()
        for (const next of sets) {
          if (next.join() === before.join()) continue
          group.arrives = lossy
          const present = (seated(group)[0] as EpochNode).ledger.members
          // One of each sender: of two, a primary that lost the first would order the second for nothing.
          submit(group, seated(group), transfer(group), change(group, { present, next, nonce: epochs + 1 }))
          for (const { who, after } of restarts) {
            tick(group, after)
            const node = group.nodes[who % group.nodes.length] as EpochNode
            restart(group, node)
          }
          // What waited in the pools of those who stopped.
          askAgain(group)
          settleIn(group, next)
          group.arrives = () => true
          settleIn(group, next)
          // A nonce that nobody has any more would stop those behind it.
          askAgain(group)
          tick(group, 100)
          for (const id of acknowledged(group)) final.add(id)
          epochs++
          before = next
        }
        tick(group, 300)
        const { states, missing, refused, epoch, members } = summary(group)
        expect({ states, missing, refused, epoch }).toEqual({ states: 1, missing: 0, refused: [], epoch: epochs })
        expect(members).toEqual([...before].sort())
        const [first] = seated(group) as [EpochNode]
        const known = finalReceipts(first)
        for (const id of final) expect(known.has(id)).toBe(true)
        const { genesis, verifier } = group
        expect((await replayLedger(first.store, { genesis, verifier })).ok).toBe(true)
      }),
      propertyRuns(8),
    )
  })
})

describe('an aggregate', () => {
  const count = 7
  const { quorum } = deriveQuorum(count)
  const blsVerifier = createBlsVerifier()
  const signers = Array.from({ length: count }, (_, index) => createBlsSigner(secretKey(BigInt(index + 9_000))))
  const members = signers.map((signer, index) => {
    const { did } = createSigner(new Uint8Array(32).fill(index + 60))
    return { did, bls: createMemberBlsKey(signer, did) }
  })
  const headerDigest = sha256(new Uint8Array(1))
  const block = { chainId, memberEpoch: 0, height: 5, headerDigest }
  const other = { ...block, height: 6 }

  it('is made exactly when a quorum of shares holds, and names only who spoilt his', () => {
    const kinds = fc.array(fc.constantFrom('good', 'good', 'good', 'other', 'noise', 'none'), {
      minLength: count,
      maxLength: count,
    })
    fc.assert(
      fc.property(kinds, (sent) => {
        const shares = new Map(
          sent.flatMap((kind, index) => {
            if (kind === 'none') return []
            if (kind === 'noise') return [[index, new Uint8Array(48).fill(index)] as const]
            const blsSigner = signers[index] as (typeof signers)[number]
            return [[index, signExecutionShare(kind === 'good' ? block : other, { blsSigner })] as const]
          }),
        )
        const { certificate, invalid } = aggregateShares(block, shares, { members, blsVerifier })
        const good = sent.filter((kind) => kind === 'good').length
        expect(certificate !== undefined).toBe(good >= quorum)
        for (const index of invalid) expect(['other', 'noise']).toContain(sent[index])
        if (certificate !== undefined)
          expect(verifyCertificate(certificate, { members, chainId, headerDigest, blsVerifier })).toBe(true)
      }),
      propertyRuns(8),
    )
  })
})

import { describe, expect, it } from 'vitest'

import { createGenesis, createLedger, hashMembers } from '../../../src/chain/index.ts'
import { unwrap } from '../../../src/errors.ts'
import { createBlsSigner } from '../../../src/primitives/bls-signature.ts'
import { createBlsVerifier, createMemberBlsKey, type BlsVerifier } from '../../../src/primitives/member-bls.ts'
import type { Member } from '../../../src/primitives/member.ts'
import type { Signer } from '../../../src/primitives/signature.ts'
import {
  approveMembers,
  createTransaction,
  encodeTransaction,
  signTransaction,
  type Draft,
  type MemberApproval,
  type MemberChange,
  type Transaction,
} from '../../../src/transactions/index.ts'
import { toDigest } from '../../../src/primitives/ids.ts'
import { secretKey } from '../../support/bls.ts'
import { createChainWorld, registerAll, START_MS, type ChainWorld } from '../../support/chain-world.ts'
import { codeOf } from '../../support/failure.ts'
import { otherChainId, party } from '../../support/parties.ts'

const nodes = Array.from({ length: 9 }, (_, index) => party(`member ${index}`))
const signers = nodes.map(({ signer }) => signer)
const member = (index: number): Member => ({ did: (nodes[index] as (typeof nodes)[number]).did })
const membersOf = (...indexes: readonly number[]): readonly Member[] => indexes.map(member)
const ann = party('ann')

function openWorld(...indexes: readonly number[]): ChainWorld {
  const world = createChainWorld({ members: membersOf(...indexes) })
  registerAll(world, ann)
  return world
}

/** Approvals by these of the present members, all of whom are known by their index in `nodes`. */
function approve(
  world: ChainWorld,
  present: readonly number[],
  by: readonly number[],
  change: Partial<MemberChange> & Pick<MemberChange, 'members'>,
): readonly MemberApproval[] {
  const { chainId } = world.genesis
  const whole = { chainId, memberEpoch: world.ledger.members.memberEpoch, ...change }
  return by.map((index) => ({
    member: index,
    signature: approveMembers(whole, { signer: signers[present[index] as number] as Signer }),
  }))
}

function draftOf(world: ChainWorld, present: readonly number[], by: readonly number[], members: readonly Member[]) {
  const { memberEpoch } = world.ledger.members
  const approvals = approve(world, present, by, { members })
  return { kind: 'config', memberEpoch, members, approvals } as const satisfies Draft<'config'>
}

/** The bytes of a change, sent by the first member. */
function signAlone({ genesis: { chainId } }: ChainWorld, draft: Draft<'config'>) {
  const { did, signer } = nodes[0] as (typeof nodes)[number]
  const unsigned = createTransaction({ ...draft, sender: did, nonce: 0, issuedAtMs: START_MS })
  return encodeTransaction(signTransaction(unsigned, { chainId, signer }))
}

const refused = 'ERR_CHAIN_MEMBERS'

describe('config', () => {
  it.each([
    ['removes the first, who is the primary of view 0', [0, 1, 2, 3], [1, 2, 3], [1, 2, 3, 4]],
    ['makes five of four', [0, 1, 2, 3], [0, 1, 2], [0, 1, 2, 3, 4]],
    ['makes four of five', [0, 1, 2, 3, 4], [0, 1, 2, 4], [0, 1, 2, 3]],
    ['makes four of seven', [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4], [3, 4, 5, 6]],
    ['makes seven of four', [0, 1, 2, 3], [0, 2, 3], [0, 1, 2, 3, 4, 5, 6]],
    ['replaces the key of one', [0, 1, 2, 3], [0, 1, 3], [0, 8, 2, 3]],
    ['puts them into another order', [0, 1, 2, 3], [0, 1, 2], [3, 2, 1, 0]],
  ])('%s, with the quorum of those before', (_, present, by, next) => {
    const world = openWorld(...present)
    const members = membersOf(...next)
    const { height } = world.ledger.head()
    expect(world.send(ann, draftOf(world, present, by.slice(1), members))).toBe(refused)
    expect(world.ledger.members.memberEpoch).toBe(0)
    const transaction = world.sign(ann, draftOf(world, present, by, members))
    const { block, nextMembers } = world.block([transaction])
    expect(nextMembers).toEqual(members)
    expect(block.header).toMatchObject({
      memberEpoch: 0,
      height: height + 2,
      membersHash: hashMembers(membersOf(...present)),
      nextMembersHash: hashMembers(members),
    })
    expect(world.ledger.members).toEqual({ memberEpoch: 1, heightFirst: height + 3, members })
    expect(world.ledger.head().members).toEqual(world.ledger.members)
    const { header } = world.block([]).block
    expect(header).toMatchObject({
      memberEpoch: 1,
      membersHash: hashMembers(members),
      nextMembersHash: hashMembers(members),
    })
  })

  it('is refused with approvals of others, for others, of another epoch or ledger, or twice', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    const members = membersOf(1, 2, 3, 4)
    const base = { kind: 'config', memberEpoch: 0, members } as const
    const wrong: readonly [string, Draft<'config'>][] = [
      ['nobody', { ...base, approvals: [] }],
      ['too few', draftOf(world, present, [0, 1], members)],
      ['next members', { ...base, approvals: approve(world, [1, 2, 3, 4], [0, 1, 2], { members }) }],
      ['of a stranger', { ...base, approvals: approve(world, [0, 1, 7, 3], [0, 1, 2], { members }) }],
      ['beyond the last', { ...base, approvals: approve(world, [0, 1, 2, 3, 4], [0, 1, 2, 4], { members }) }],
      [
        'of other members',
        { ...base, approvals: approve(world, present, [0, 1, 2], { members: membersOf(1, 2, 3, 5) }) },
      ],
      [
        'of another order',
        { ...base, approvals: approve(world, present, [0, 1, 2], { members: membersOf(2, 1, 3, 4) }) },
      ],
      ['of another epoch', { ...base, approvals: approve(world, present, [0, 1, 2], { members, memberEpoch: 1 }) }],
      [
        'of another ledger',
        { ...base, approvals: approve(world, present, [0, 1, 2], { members, chainId: otherChainId }) },
      ],
      [
        'for a later epoch',
        { ...base, memberEpoch: 1, approvals: approve(world, present, [0, 1, 2], { members, memberEpoch: 1 }) },
      ],
      ['of no change', draftOf(world, present, [0, 1, 2], membersOf(...present))],
      [
        'one of four bad',
        {
          ...base,
          approvals: [
            ...approve(world, present, [0, 1, 2], { members }),
            ...approve(world, [0, 1, 2, 7], [3], { members }),
          ],
        },
      ],
    ]
    for (const [name, draft] of wrong) expect(world.send(ann, draft), name).toBe(refused)
    expect(world.send(ann, draftOf(world, present, [0, 1, 2], members))).toBe(null)
    // Whatever else is in the block with it counts; a second change does not, and the first never counts again.
    expect(world.send(ann, draftOf(world, present, [0, 1, 2], membersOf(...present)))).toBe(refused)
    expect(
      world.send(ann, { ...base, approvals: approve(world, present, [0, 1, 2], { members, memberEpoch: 0 }) }),
    ).toBe(refused)
    expect(world.ledger.members.memberEpoch).toBe(1)
  })

  it('has a form: members once each, by no key twice, approvals in order', () => {
    const world = openWorld(0, 1, 2, 3)
    const approvals = approve(world, [0, 1, 2, 3], [0, 1, 2], { members: membersOf(1) })
    const base = { kind: 'config', memberEpoch: 0, members: membersOf(1), approvals } as const
    const bls = createMemberBlsKey(createBlsSigner(secretKey(5n)), nodes[1]?.did as never)
    const wrong: readonly Partial<Draft<'config'>>[] = [
      { members: [] },
      { members: membersOf(1, 2, 1) },
      {
        members: [
          { ...member(1), bls },
          { ...member(2), bls },
        ],
      },
      { members: [{ ...member(1), bls: { ...bls, publicKey: new Uint8Array(95) } }] },
      { approvals: approvals.toReversed() },
      { approvals: [...approvals, approvals[2] as MemberApproval] },
      { approvals: approvals.map((approval) => ({ ...approval, member: 256 })) },
      { memberEpoch: -1 },
    ]
    for (const part of wrong) expect(codeOf(() => world.sign(ann, { ...base, ...part }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('of two in one block the first counts, and what else is there as ever', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    const one = world.sign(ann, draftOf(world, present, [0, 1, 2], membersOf(1, 2, 3, 4)))
    const two = world.sign(ann, draftOf(world, present, [0, 1, 2], membersOf(0, 1, 2, 5)))
    // Signed by those who follow, for the epoch that follows: still only after the next block begins.
    const chained = world.sign(ann, {
      kind: 'config',
      memberEpoch: 1,
      members: membersOf(5, 6, 7, 8),
      approvals: approve(world, [1, 2, 3, 4], [0, 1, 2], { members: membersOf(5, 6, 7, 8), memberEpoch: 1 }),
    })
    const bob = party('bob')
    const joins = world.sign(bob, {
      kind: 'register',
      operation: 'add',
      subject: bob.did,
      keys: bob.keys,
      credentials: [],
      previousSignature: null,
    })
    const { block, nextMembers } = world.block([one, two, chained, joins])
    expect(block.receipts.map(({ code }) => code)).toEqual([null, refused, refused, null])
    expect(nextMembers).toEqual(membersOf(1, 2, 3, 4))
    const again = { ...draftOf(world, [1, 2, 3, 4], [0, 1, 2], membersOf(5, 6, 7, 8)) }
    expect(world.send(ann, again)).toBe(null)
    expect(world.ledger.members).toMatchObject({ memberEpoch: 2, members: membersOf(5, 6, 7, 8) })
  })

  it('may be sent by a member that has no account, once each nonce', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    const [first, , , fourth] = nodes as [typeof ann, typeof ann, typeof ann, typeof ann]
    const draft = draftOf(world, present, [0, 1, 2], membersOf(1, 2, 3, 4))
    expect(world.send(party('nobody'), draft)).toBe('unknown-account')
    expect(world.send(first, draft, { delegate: 1 })).toBe('unknown-account')
    expect(world.send(fourth, { ...draft, approvals: [] })).toBe(refused)
    expect(world.ledger.nonceNext({ sender: fourth.did, delegate: 0 })).toBe(1)
    expect(world.send(first, draft)).toBe(null)
    // Removed: no longer known without an account.
    expect(world.send(first, draftOf(world, [1, 2, 3, 4], [0, 1, 2], membersOf(0, 1, 2, 3)))).toBe('unknown-account')
    // A member sends nothing else without an account.
    expect(world.send(fourth, { kind: 'transfer', payee: ann.did, amount: 1, memo: null })).toBe('unknown-account')
  })

  it('does not enter a pool when it would be refused', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    const admit = (transaction: Transaction) => world.ledger.admit(encodeTransaction(transaction))
    const good = world.sign(ann, draftOf(world, present, [0, 1, 2], membersOf(1, 2, 3, 4)))
    const bad = world.sign(ann, draftOf(world, present, [0, 1], membersOf(1, 2, 3, 4)))
    expect(admit(good).ok).toBe(true)
    expect(admit(bad)).toMatchObject({ ok: false, code: refused })
  })

  it('is seen in a batch without reading it, so that nothing is proposed behind it', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    const requestOf = (transaction: Transaction) => ({
      id: toDigest(transaction.id),
      client: new Uint8Array(1),
      bytes: encodeTransaction(transaction),
    })
    const change = world.sign(ann, draftOf(world, present, [0, 1, 2], membersOf(1, 2, 3, 4)))
    const other = world.sign(ann, { kind: 'transfer', payee: nodes[0]?.did as never, amount: 1, memo: null })
    expect(world.ledger.mayCloseEpoch?.({ timeMs: 0, requests: [other, change].map(requestOf) })).toBe(true)
    expect(world.ledger.mayCloseEpoch?.({ timeMs: 0, requests: [other].map(requestOf) })).toBe(false)
    expect(world.ledger.mayCloseEpoch?.({ timeMs: 0, requests: [] })).toBe(false)
  })

  it('survives a snapshot: the restored ledger knows who comes next', () => {
    const present = [0, 1, 2, 3]
    const world = openWorld(...present)
    expect(world.send(ann, draftOf(world, present, [0, 1, 2], membersOf(1, 2, 3, 4)))).toBe(null)
    const restored = createLedger({ genesis: world.genesis })
    const head = unwrap(restored.restore([...world.ledger.snapshot()], world.ledger.head()))
    expect(head).toEqual(world.ledger.head())
    expect(restored.members).toEqual(world.ledger.members)
    const batch = { transactions: [], timeMs: START_MS + 9 }
    expect(restored.applyBatch(batch).headerDigest).toEqual(world.ledger.applyBatch(batch).headerDigest)
  })
})

describe('BLS keys of members', () => {
  const blsVerifier = createBlsVerifier()
  const withKey = (index: number, of = index): Member => {
    const { did } = member(index)
    const owner = member(of).did
    return { did, bls: createMemberBlsKey(createBlsSigner(secretKey(BigInt(index + 100))), owner) }
  }

  function open(options: { readonly blsVerifier?: BlsVerifier; readonly members: readonly Member[] }) {
    const { members, ...ports } = options
    const genesis = createGenesis({
      preset: 'test',
      kinds: ['config'],
      members,
      timeMs: START_MS,
      salt: new Uint8Array(32),
    })
    return createLedger({ genesis, ...ports })
  }

  it('need a proof of possession in the genesis', () => {
    const good = [withKey(0), withKey(1), member(2)]
    expect(open({ members: good, blsVerifier }).members.members).toEqual(good)
    // Of the same key for another account, and none at all.
    for (const bad of [
      withKey(1, 0),
      { ...withKey(1), bls: { ...(withKey(1).bls as NonNullable<Member['bls']>), proof: new Uint8Array(48) } },
    ]) {
      expect(codeOf(() => open({ members: [withKey(0), bad], blsVerifier }))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  it('need one in a change, which is looked at only when a quorum approves', () => {
    let pairings = 0
    const counting: BlsVerifier = {
      ...blsVerifier,
      verifyPossession(of) {
        pairings++
        return blsVerifier.verifyPossession(of)
      },
    }
    const ledger = open({ members: [withKey(0), member(1), member(2), member(3)], blsVerifier: counting })
    pairings = 0
    const world = { genesis: ledger.genesis, ledger } as unknown as ChainWorld
    const change = (by: readonly number[], members: readonly Member[]) =>
      ledger.admit(signAlone(world, draftOf(world, [0, 1, 2, 3], by, members)))
    const next = [withKey(0), withKey(1), member(2), member(3)]
    expect(change([0, 1], next)).toMatchObject({ code: refused })
    expect(pairings).toBe(0)
    expect(change([0, 1, 2], next.with(1, withKey(1, 0)))).toMatchObject({ code: refused })
    expect(pairings).toBe(1)
    // A key that the member has already was judged when it came.
    expect(change([0, 1, 2], next).ok).toBe(true)
    expect(pairings).toBe(2)
    // Without a verifier no key enters.
    const without = open({ members: [member(0), member(1), member(2), member(3)] })
    const other = { genesis: without.genesis, ledger: without } as unknown as ChainWorld
    const draft = draftOf(other, [0, 1, 2, 3], [0, 1, 2], next)
    expect(without.admit(signAlone(other, draft))).toMatchObject({ code: refused })
  })
})

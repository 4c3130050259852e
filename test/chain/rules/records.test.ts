import { beforeEach, describe, expect, it } from 'vitest'

import { keys, recordShape } from '../../../src/chain/entities.ts'
import type { GrantTerms } from '../../../src/policy/index.ts'
import { createId, type TransactionId } from '../../../src/primitives/ids.ts'
import type { Label } from '../../../src/primitives/label.ts'
import { accountShape } from '../../../src/chain/index.ts'
import { labelNameShape } from '../../../src/chain/entities.ts'
import { transactionId } from '../../../src/primitives/shape.ts'
import { freshRecord } from '../../support/chain-world.ts'
import {
  A,
  B,
  createFastWorld,
  digest,
  envelope,
  keyDraft,
  START_MS,
  terms,
  type FastWorld,
} from '../../support/chain-fast.ts'
import { party } from '../../support/parties.ts'

const [ann, bob, carol, eve] = [party('ann'), party('bob'), party('carol'), party('eve')]
let world: FastWorld

/** Ann's epoch 1 with types A and B; Bob may read and write both and has his envelope. */
beforeEach(() => {
  world = createFastWorld()
  world.send(ann.did, keyDraft({ epoch: 1, listed: [A, B] }))
  const rotated = world.last()
  world.send(ann.did, access(bob.did, [terms([A, B])]))
  const extension = keyDraft({
    mode: 'extend',
    epoch: 1,
    previous: rotated,
    listed: [A, B],
    own: [],
    envelopes: [envelope(1)],
  })
  expect(world.send(ann.did, extension)).toBe(null)
})

const access = (
  grantee: typeof bob.did,
  grants: readonly GrantTerms<Label>[],
  supersedes: TransactionId | null = null,
) => ({ kind: 'access', patient: ann.did, grantee, grants, supersedes }) as const
const iot = (label = A) => ({ kind: 'iot', record: freshRecord(), label, epoch: 1 }) as const
const diagnosis = (causes: readonly TransactionId[]) =>
  ({ kind: 'diagnosis', causes: [...causes].sort(), record: freshRecord(), label: A, epoch: 1 }) as const
const read = (label: Label, more: object = {}) =>
  ({ kind: 'data', mode: 'read', patient: ann.did, label, record: null, purpose: 'TREAT', ...more }) as const

describe('records', () => {
  it('are found by content, label and count', () => {
    const draft = iot()
    world.send(ann.did, draft)
    const id = world.last()
    world.send(ann.did, iot(B))
    const { state } = world.ledger
    expect(state.get(keys.content(ann.did, draft.record), recordShape)).toMatchObject({
      transaction: id,
      label: A,
      epoch: 1,
      author: ann.did,
      kind: 'iot',
      height: world.ledger.head().height - 1,
    })
    expect(state.count(keys.records(ann.did, A))).toBe(1)
    expect(state.entry(keys.records(ann.did, A), 0, transactionId)).toBe(id)
    expect(state.count(keys.records(ann.did, B))).toBe(1)
    const listed = [0, 1].map((n) => state.entry(keys.labels(ann.did), n, labelNameShape))
    expect([...listed].sort()).toEqual([A, B])
    expect(state.count(keys.labels(ann.did))).toBe(2)
  })

  it('are entered once for an owner; another owner may have the same ciphertext', () => {
    const draft = iot()
    expect(world.send(ann.did, draft)).toBe(null)
    expect(world.send(ann.did, draft)).toBe('ERR_CHAIN_CONTENT')
    world.send(carol.did, keyDraft({ epoch: 1, listed: [A] }))
    expect(world.send(carol.did, draft)).toBe(null)
  })

  it('of another patient are written by nobody without a grant', () => {
    const write = { ...iot(), kind: 'data', mode: 'write', patient: ann.did } as const
    expect(world.send(carol.did, write)).toBe('ERR_CHAIN_RECIPIENT')
    expect(world.send(bob.did, write)).toBe(null)
  })
})

describe('diagnoses', () => {
  it('name readings and documents of one patient, which are on the ledger', () => {
    world.send(ann.did, iot())
    const reading = world.last()
    world.send(ann.did, { ...iot(), kind: 'data', mode: 'write', patient: ann.did })
    const document = world.last()
    expect(world.send(bob.did, diagnosis([reading, document]))).toBe(null)
    const diagnosed = world.last()
    world.send(ann.did, read(A))
    const wasRead = world.last()
    world.send(ann.did, { ...iot(), epoch: 2 })
    const refused = world.last()
    for (const cause of [createId('transaction', digest('unknown')), diagnosed, wasRead, refused]) {
      expect(world.send(bob.did, diagnosis([cause]))).toBe('ERR_CHAIN_CAUSE')
    }
    expect(world.send(bob.did, diagnosis([reading, wasRead]))).toBe('ERR_CHAIN_CAUSE')
  })

  it('do not mix patients', () => {
    world.send(ann.did, iot())
    const ours = world.last()
    world.send(carol.did, keyDraft({ epoch: 1, listed: [A] }))
    world.send(carol.did, iot())
    const theirs = world.last()
    expect(world.send(bob.did, diagnosis([ours, theirs]))).toBe('ERR_CHAIN_CAUSE')
    // Of whom Bob has no grant.
    expect(world.send(bob.did, diagnosis([theirs]))).toBe('ERR_CHAIN_RECIPIENT')
    expect(world.send(bob.did, diagnosis([ours]))).toBe(null)
  })
})

describe('reads', () => {
  it('are decided with the owner as a parameter, and committed either way', () => {
    expect(world.send(bob.did, read(A))).toBe(null)
    expect(world.send(carol.did, read(A))).toBe('ERR_POLICY_DENIED')
    expect(world.send(bob.did, read(A, { purpose: 'HRESCH' }))).toBe('ERR_POLICY_DENIED')
    expect(world.send(ann.did, read(A))).toBe(null)
    // What Bob granted to Carol says nothing about Ann's data.
    world.send(bob.did, { ...access(carol.did, [terms('all')]), patient: bob.did })
    expect(world.send(carol.did, read(A))).toBe('ERR_POLICY_DENIED')
    expect(world.send(carol.did, { ...read(A), patient: bob.did })).toBe(null)
  })

  it('get a receipt that says how long the permit counts', () => {
    const made = world.forge(bob.did, read(A))
    expect(world.block([made]).block.receipts[0]?.untilMs).toBe(START_MS + 3_600_000)
    world.nowMs = START_MS + 3_599_999
    expect(world.send(bob.did, read(A))).toBe(null)
    world.nowMs = START_MS + 3_600_000
    expect(world.send(bob.did, read(A))).toBe('ERR_POLICY_DENIED')
  })

  it('name a record under its own label only', () => {
    const draft = iot(B)
    world.send(ann.did, draft)
    expect(world.send(bob.did, read(B, { record: draft.record }))).toBe(null)
    expect(world.send(bob.did, read(A, { record: draft.record }))).toBe('ERR_CHAIN_CONTENT')
    expect(world.send(bob.did, read(A, { record: freshRecord() }))).toBe('ERR_CHAIN_CONTENT')
  })

  it('of data of some time need to say of which record', () => {
    const supersedes = world.ids[world.ids.length - 2] as TransactionId
    const window = { fromMs: START_MS, untilMs: START_MS + 1_000 }
    expect(world.send(ann.did, access(bob.did, [terms([A], { data: window })], supersedes))).toBe(null)
    const rotated = keyDraft({ epoch: 2, previous: world.ids[world.ids.length - 2] as TransactionId, listed: [A] })
    expect(world.send(ann.did, rotated)).toBe(null)
    const [early, late] = [
      { ...iot(), epoch: 2 },
      { ...iot(), epoch: 2 },
    ]
    world.send(ann.did, early)
    world.nowMs = START_MS + 1_000
    world.send(ann.did, late)
    expect(world.send(bob.did, read(A, { record: early.record }))).toBe(null)
    expect(world.send(bob.did, read(A, { record: late.record }))).toBe('ERR_POLICY_DENIED')
    expect(world.send(bob.did, read(A))).toBe('ERR_POLICY_INDETERMINATE')
  })
})

describe('T_access', () => {
  it('comes from the owner, for somebody who has an account', () => {
    expect(world.send(carol.did, access(bob.did, [terms([A])]))).toBe('ERR_CHAIN_GRANTOR')
    expect(world.send(ann.did, access(eve.did, [terms([A])]))).toBe('ERR_CHAIN_ACCOUNT')
  })

  it('names the set that it replaces, unless it takes all away', () => {
    const first = createId('transaction', digest('unknown'))
    expect(world.send(ann.did, access(carol.did, [terms([A])], first))).toBe('ERR_CHAIN_PREVIOUS')
    expect(world.send(ann.did, access(carol.did, [terms([A])]))).toBe(null)
    const current = world.last()
    expect(world.send(ann.did, access(carol.did, [terms([B])]))).toBe('ERR_CHAIN_PREVIOUS')
    expect(world.send(ann.did, access(carol.did, [terms([B])], current))).toBe(null)
    expect(world.send(carol.did, read(A))).toBe('ERR_POLICY_DENIED')
    expect(world.send(carol.did, read(B))).toBe(null)
    expect(world.send(ann.did, access(carol.did, [], first))).toBe(null)
    const emptied = world.last()
    expect(world.send(carol.did, read(B))).toBe('ERR_POLICY_DENIED')
    expect(world.send(ann.did, access(carol.did, [terms([B])]))).toBe('ERR_CHAIN_PREVIOUS')
    expect(world.send(ann.did, access(carol.did, [terms([B])], emptied))).toBe(null)
  })

  it('cannot be replayed after a revocation', () => {
    const nonce = world.ledger.nonceNext({ sender: ann.did, delegate: 0 })
    const granted = world.forge(ann.did, access(carol.did, [terms([A])]), { nonce })
    world.block([granted])
    world.send(ann.did, access(carol.did, []))
    expect(world.block([granted]).skipped).toEqual([{ index: 0, because: 'nonce' }])
    expect(world.send(carol.did, read(A))).toBe('ERR_POLICY_DENIED')
  })

  it('lists grants by grantee; texts that look like keys of the state are no keys', () => {
    const role = (organisation: string) => ({ role: 'clinician', organisation }) as const
    const names = ['x', 'x\n0', 'x\n0\n0', '0']
    for (const organisation of names) {
      const draft = { ...access(bob.did, [terms([A])]), grantee: role(organisation) }
      expect(world.send(ann.did, draft)).toBe(null)
    }
    for (const organisation of names) {
      expect(world.ledger.state.count(keys.grantee(role(organisation)))).toBe(1)
    }
  })
})

describe('acknowledge and complaint', () => {
  const says = (by: typeof bob, answers: TransactionId, kind: 'acknowledge' | 'complaint' = 'acknowledge') =>
    world.send(by.did, { kind, answers })

  it('come once from each recipient of that tx_key, and from nobody else', () => {
    const extension = world.last()
    const rotation = world.ids[world.ids.length - 3] as TransactionId
    expect(says(carol, extension)).toBe('ERR_CHAIN_ANSWER')
    expect(says(ann, extension)).toBe('ERR_CHAIN_ANSWER')
    // Bob holds keys, but none by this one.
    expect(says(bob, rotation)).toBe('ERR_CHAIN_ANSWER')
    expect(says(bob, extension, 'complaint')).toBe(null)
    expect(says(bob, extension)).toBe('ERR_CHAIN_ANSWER')
    expect(says(bob, createId('transaction', digest('unknown')))).toBe('ERR_CHAIN_ANSWER')
  })
})

describe('transfers', () => {
  const pay = (amount: number, payee = bob.did) => ({ kind: 'transfer', payee, amount, memo: null }) as const

  it('move what is there, to the last unit', () => {
    world = createFastWorld({ balances: [{ account: ann.did, amount: 100 }] })
    expect(world.send(ann.did, pay(101))).toBe('ERR_CHAIN_BALANCE')
    expect(world.send(ann.did, pay(60))).toBe(null)
    expect(world.send(ann.did, pay(41))).toBe('ERR_CHAIN_BALANCE')
    expect(world.send(ann.did, pay(40))).toBe(null)
    expect(world.send(bob.did, pay(100, carol.did))).toBe(null)
    expect(world.send(ann.did, pay(1, eve.did))).toBe('ERR_CHAIN_ACCOUNT')
    expect(world.send(bob.did, pay(1, carol.did))).toBe('ERR_CHAIN_BALANCE')
  })

  it('never leave the safe integers', () => {
    const balances = [
      { account: ann.did, amount: Number.MAX_SAFE_INTEGER },
      { account: bob.did, amount: 1 },
    ]
    world = createFastWorld({ balances })
    expect(world.send(bob.did, pay(1, ann.did))).toBe('ERR_CHAIN_BALANCE')
    expect(world.send(ann.did, pay(1))).toBe(null)
    expect(world.send(bob.did, pay(1, ann.did))).toBe(null)
  })
})

it('gives accounts numbers in the order of registration', () => {
  const { state } = world.ledger
  expect([ann, bob, carol].map(({ did }) => state.get(keys.account(did), accountShape)?.index)).toEqual([0, 1, 2])
  expect(state.count(keys.index)).toBe(3)
})

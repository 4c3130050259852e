import { beforeEach, describe, expect, it } from 'vitest'

import { ALL_TYPES_LABEL, type Label } from '../../../src/primitives/label.ts'
import type { GrantTerms } from '../../../src/policy/index.ts'
import { createId, type TransactionId } from '../../../src/primitives/ids.ts'
import { freshRecord } from '../../support/chain-world.ts'
import {
  A,
  B,
  C,
  createFastWorld,
  digest,
  envelope,
  keyDraft,
  label,
  START_MS,
  terms,
  type FastWorld,
} from '../../support/chain-fast.ts'
import { party } from '../../support/parties.ts'

const [ann, bob, carol, phone] = [party('ann'), party('bob'), party('carol'), party('phone')]
// The numbers of the accounts, in the order of their registration.
const [BOB, CAROL] = [1, 2]
let world: FastWorld
let latest: TransactionId | null

beforeEach(() => {
  world = createFastWorld()
  latest = null
})

function key(
  fields: Partial<Parameters<typeof keyDraft>[0]> & { readonly epoch: number },
  delegate = 0,
): string | null {
  const code = world.send(ann.did, keyDraft({ previous: latest, ...fields }), { delegate })
  if (code === null) latest = world.last()
  return code
}

const extend = (fields: Partial<Parameters<typeof keyDraft>[0]>) =>
  key({ mode: 'extend', epoch: 1, own: [], ...fields })

const sets = new Map<string, TransactionId>()
beforeEach(() => {
  sets.clear()
})
function grant(to: typeof bob, grants: readonly GrantTerms<Label>[]): string | null {
  const supersedes = sets.get(to.did) ?? null
  const code = world.send(ann.did, { kind: 'access', patient: ann.did, grantee: to.did, grants, supersedes })
  sets.set(to.did, world.last())
  return code
}

const write = (of: Label, epoch = 1, delegate = 0) =>
  world.send(ann.did, { kind: 'iot', record: freshRecord(), label: of, epoch }, { delegate })
const diagnose = (by: typeof bob, of: Label, epoch = 1) =>
  world.send(by.did, { kind: 'data', mode: 'write', patient: ann.did, record: freshRecord(), label: of, epoch })

describe('epochs follow one another', () => {
  it('takes epoch 1, then 2, each naming the last tx_key', () => {
    expect(key({ epoch: 1, listed: [A] })).toBe(null)
    expect(key({ epoch: 3, listed: [A] })).toBe('ERR_CHAIN_EPOCH')
    expect(key({ epoch: 2, previous: digestId('another') })).toBe('ERR_CHAIN_PREVIOUS')
    expect(extend({ epoch: 2 })).toBe('ERR_CHAIN_EPOCH')
    expect(key({ epoch: 2, listed: [A] })).toBe(null)
    expect(write(A, 1)).toBe('ERR_CHAIN_EPOCH')
    expect(write(A, 2)).toBe(null)
  })

  it('refuses to extend what does not exist', () => {
    expect(extend({ previous: digestId('nothing') })).toBe('ERR_CHAIN_PREVIOUS')
  })

  it('lets the second of two rotations at once be built again', () => {
    key({ epoch: 1, listed: [A] })
    const previous = latest
    const nonce = world.ledger.nonceNext({ sender: ann.did, delegate: 0 })
    const both = [
      world.forge(ann.did, keyDraft({ epoch: 2, previous, listed: [A] }), { nonce }),
      world.forge(ann.did, keyDraft({ epoch: 2, previous, listed: [B] }), { nonce: nonce + 1 }),
    ]
    expect(world.block(both).block.receipts.map(({ code }) => code)).toEqual([null, 'ERR_CHAIN_PREVIOUS'])
  })

  it('refuses a record before epoch 1, under no listed label, and under label zero', () => {
    expect(write(A)).toBe('ERR_CHAIN_EPOCH')
    key({ epoch: 1, listed: [A, ALL_TYPES_LABEL].sort() })
    expect(write(B)).toBe('ERR_CHAIN_LABEL')
    expect(write(ALL_TYPES_LABEL)).toBe('ERR_CHAIN_LABEL')
    expect(write(A)).toBe(null)
    // Of an earlier epoch is not of this one.
    key({ epoch: 2, listed: [B] })
    expect(write(A, 2)).toBe('ERR_CHAIN_LABEL')
  })

  it('refuses a commitment that is repeated differently: of a type, and of a diagnosis key', () => {
    key({ epoch: 1, listed: [A] })
    const other = [{ label: A, commitment: digest('another key') }]
    expect(extend({ labels: other })).toBe('ERR_KEYS_COMMITMENT')
    expect(extend({ listed: [A, B] })).toBe(null)
    grant(bob, [terms([A])])
    expect(extend({ envelopes: [envelope(BOB)] })).toBe(null)
    expect(extend({ envelopes: [envelope(BOB, { commitment: digest('another key') })] })).toBe('ERR_KEYS_COMMITMENT')
    expect(extend({ envelopes: [envelope(BOB)] })).toBe(null)
    // Another epoch has other keys.
    expect(key({ epoch: 2, listed: [A], envelopes: [envelope(BOB, { commitment: digest('next key') })] })).toBe(null)
  })
})

describe('recipients', () => {
  beforeEach(() => {
    key({ epoch: 1, listed: [A, B] })
  })

  it('refuses who has no live grant, is the owner, has no number, or is revoked', () => {
    expect(extend({ envelopes: [envelope(BOB)] })).toBe('ERR_CHAIN_RECIPIENT')
    grant(bob, [terms([A], { access: { fromMs: START_MS + 1_000, untilMs: START_MS + 2_000 } })])
    expect(extend({ envelopes: [envelope(BOB)] })).toBe('ERR_CHAIN_RECIPIENT')
    world.nowMs = START_MS + 1_000
    expect(extend({ envelopes: [envelope(BOB)] })).toBe(null)
    world.nowMs = START_MS + 2_000
    expect(key({ epoch: 2, envelopes: [envelope(BOB)] })).toBe('ERR_CHAIN_RECIPIENT')
    expect(key({ epoch: 2, envelopes: [envelope(0)] })).toBe('ERR_CHAIN_RECIPIENT')
    expect(key({ epoch: 2, envelopes: [envelope(7)] })).toBe('ERR_CHAIN_RECIPIENT')
    grant(carol, [terms([A])])
    world.send(carol.did, {
      kind: 'register',
      operation: 'revoke',
      subject: carol.did,
      keys: null,
      credentials: [],
      previousSignature: null,
    })
    expect(key({ epoch: 2, envelopes: [envelope(CAROL)] })).toBe('ERR_CHAIN_RECIPIENT')
  })

  it('ends the epoch with the first permit of those who hold keys, to the millisecond', () => {
    grant(bob, [terms([A], { forMs: 60_000 })])
    grant(carol, [terms([A], { forMs: 30_000 })])
    extend({ envelopes: [envelope(BOB), envelope(CAROL)] })
    world.nowMs = START_MS + 29_999
    expect(write(A)).toBe(null)
    world.nowMs = START_MS + 30_000
    expect(write(A)).toBe('ERR_CHAIN_EPOCH_ENDED')
    // Nor is the type safe that Carol does not hold: an epoch ends as a whole.
    expect(write(B)).toBe('ERR_CHAIN_EPOCH_ENDED')
    expect(extend({ envelopes: [envelope(BOB)] })).toBe('ERR_CHAIN_EPOCH_ENDED')
    expect(key({ epoch: 2, listed: [A], envelopes: [envelope(BOB)] })).toBe(null)
    expect(write(A, 2)).toBe(null)
  })

  it('ends the epoch where a deny begins', () => {
    const deny = terms([A], { effect: 'deny', access: { fromMs: START_MS + 10_000, untilMs: START_MS + 20_000 } })
    grant(bob, [terms([A]), deny])
    extend({ envelopes: [envelope(BOB)] })
    world.nowMs = START_MS + 9_999
    expect(write(A)).toBe(null)
    world.nowMs = START_MS + 10_000
    expect(write(A)).toBe('ERR_CHAIN_EPOCH_ENDED')
  })

  it('does not let a longer grant lengthen the epoch, and a shorter one shortens it', () => {
    grant(bob, [terms([A], { forMs: 30_000 })])
    extend({ envelopes: [envelope(BOB)] })
    grant(bob, [terms([A], { forMs: 90_000 })])
    world.nowMs = START_MS + 29_999
    expect(write(A)).toBe(null)
    grant(bob, [terms([A], { forMs: 29_999 + 1 })])
    world.nowMs = START_MS + 30_000
    expect(write(A)).toBe('ERR_CHAIN_EPOCH_ENDED')
  })

  it('keeps the records of what a recipient may hold below a limit', () => {
    const many = (start: number) => Array.from({ length: 1_024 }, (_, i) => label(`${start + i}`)).sort()
    // All but one: who has all types would get their key.
    grant(bob, [terms('all'), terms([A], { effect: 'deny' })])
    for (let batch = 0; batch < 4; batch++) {
      expect(extend({ listed: many(batch * 1_024), envelopes: [envelope(BOB)] })).toBe(null)
    }
    expect(extend({ listed: [label('one more')], envelopes: [envelope(BOB)] })).toBe('ERR_CHAIN_LIMIT')
    expect(extend({ listed: [label('one more')] })).toBe(null)
  })
})

describe('what takes away closes the epoch', () => {
  beforeEach(() => {
    key({ epoch: 1, listed: [A, B] })
    grant(bob, [terms([A, B])])
  })

  it.each([
    ['a revocation', []],
    ['a narrower list', [terms([A])]],
    ['a deny', [terms([A, B]), terms([B], { effect: 'deny' })]],
    ['another action', [terms([A, B], { actions: ['write'] })]],
    ['a window that has not begun', [terms([A, B], { access: { fromMs: START_MS + 1, untilMs: START_MS + 2 } })]],
  ])('%s from who holds keys', (_, grants) => {
    extend({ listed: [A, B], envelopes: [envelope(BOB)] })
    expect(write(A)).toBe(null)
    expect(grant(bob, grants)).toBe(null)
    expect(write(A)).toBe('ERR_CHAIN_MUST_ROTATE')
    expect(extend({ listed: [C] })).toBe('ERR_CHAIN_MUST_ROTATE')
    // Nothing but a rotation opens it again.
    expect(grant(bob, [terms('all')])).toBe(null)
    expect(write(A)).toBe('ERR_CHAIN_MUST_ROTATE')
    expect(key({ epoch: 2, listed: [A] })).toBe(null)
    expect(write(A, 2)).toBe(null)
  })

  it('nothing from who holds no keys of the current epoch', () => {
    expect(grant(bob, [])).toBe(null)
    expect(write(A)).toBe(null)
    grant(bob, [terms([A])])
    extend({ listed: [A, B], envelopes: [envelope(BOB)] })
    key({ epoch: 2, listed: [A] })
    grant(bob, [])
    expect(write(A, 2)).toBe(null)
  })

  it('nothing by a change that leaves all that he holds', () => {
    extend({ listed: [A], envelopes: [envelope(BOB)] })
    // Of A and B he got A only, since only A was listed with his envelope.
    grant(bob, [terms([A, C])])
    expect(write(A)).toBe(null)
  })

  it('in any order inside a block', () => {
    extend({ listed: [A, B], envelopes: [envelope(BOB)] })
    const [supersedes, previous] = [sets.get(bob.did) ?? null, latest]
    const revoke = { kind: 'access', patient: ann.did, grantee: bob.did, grants: [], supersedes } as const
    const rotate = keyDraft({ epoch: 2, previous, listed: [A] })
    const codes = (drafts: readonly Parameters<typeof world.forge>[1][], at: FastWorld) => {
      const first = at.ledger.nonceNext({ sender: ann.did, delegate: 0 })
      const made = drafts.map((draft, i) => at.forge(ann.did, draft, { nonce: first + i }))
      return at.block(made).block.receipts.map(({ code }) => code)
    }
    const record = { kind: 'iot', record: freshRecord(), label: A } as const
    expect(codes([rotate, revoke, { ...record, epoch: 2 }], world)).toEqual([null, null, null])
  })

  it('a revocation before the rotation closes, the rotation opens', () => {
    extend({ listed: [A, B], envelopes: [envelope(BOB)] })
    const first = world.ledger.nonceNext({ sender: ann.did, delegate: 0 })
    const supersedes = sets.get(bob.did) ?? null
    const iot = (epoch: number) => ({ kind: 'iot', record: freshRecord(), label: A, epoch }) as const
    const drafts = [
      iot(1),
      { kind: 'access', patient: ann.did, grantee: bob.did, grants: [], supersedes },
      iot(1),
      keyDraft({ epoch: 2, previous: latest, listed: [A] }),
      iot(1),
      iot(2),
    ] as const
    const made = drafts.map((draft, i) => world.forge(ann.did, draft, { nonce: first + i }))
    expect(world.block(made).block.receipts.map(({ code }) => code)).toEqual([
      null,
      null,
      'ERR_CHAIN_MUST_ROTATE',
      null,
      'ERR_CHAIN_EPOCH',
      null,
    ])
  })

  it('a narrowing for a role, whoever holds it; a widening does not', () => {
    const role = { role: 'clinician', organisation: 'hospital.example' } as const
    const set = (grants: readonly GrantTerms<Label>[], supersedes: TransactionId | null) =>
      world.send(ann.did, { kind: 'access', patient: ann.did, grantee: role, grants, supersedes })
    expect(set([terms([A])], null)).toBe(null)
    expect(write(A)).toBe(null)
    expect(set([terms([A, B])], world.ids.at(-2) as TransactionId)).toBe(null)
    expect(write(A)).toBe(null)
    expect(set([terms([B])], world.ids.at(-2) as TransactionId)).toBe(null)
    expect(write(A)).toBe('ERR_CHAIN_MUST_ROTATE')
  })
})

describe('diagnosis keys', () => {
  beforeEach(() => {
    key({ epoch: 1, listed: [A] })
    grant(bob, [terms([A])])
    grant(carol, [terms([A, B])])
    extend({ listed: [A], envelopes: [envelope(BOB), envelope(CAROL)] })
  })

  it('lets no expired grant of another and no offline patient stop a diagnosis', () => {
    grant(carol, [])
    expect(write(A)).toBe('ERR_CHAIN_MUST_ROTATE')
    expect(diagnose(bob, A)).toBe(null)
    world.nowMs = START_MS + 3_599_999
    expect(diagnose(bob, A)).toBe(null)
    world.nowMs = START_MS + 3_600_000
    expect(diagnose(bob, A)).toBe('ERR_POLICY_DENIED')
  })

  it('needs a grant to write, for the type, the current epoch, and an envelope of it', () => {
    expect(diagnose(bob, B)).toBe('ERR_POLICY_DENIED')
    expect(diagnose(carol, B)).toBe(null)
    grant(carol, [terms([A], { actions: ['access'] })])
    expect(diagnose(carol, A)).toBe('ERR_POLICY_DENIED')
    expect(diagnose(bob, A, 2)).toBe('ERR_CHAIN_EPOCH')
    key({ epoch: 2, listed: [A] })
    expect(diagnose(bob, A)).toBe('ERR_CHAIN_EPOCH')
    expect(diagnose(bob, A, 2)).toBe('ERR_CHAIN_RECIPIENT')
  })

  it('holds the key that was handed over to the rule of type keys', () => {
    const handed = [{ epoch: 1, doctorIndex: BOB }]
    expect(extend({ envelopes: [envelope(CAROL, { handed })] })).toBe(null)
    expect(diagnose(bob, A)).toBe(null)
    // Carol keeps the type that she holds, but may have read what Bob writes about another one.
    grant(carol, [terms([A])])
    expect(diagnose(bob, A)).toBe('ERR_CHAIN_MUST_ROTATE')
    expect(diagnose(carol, A)).toBe(null)
  })

  it('stops the doctor whose key was handed over when the epoch ends', () => {
    grant(carol, [terms([A, B], { forMs: 10_000 })])
    expect(extend({ envelopes: [envelope(CAROL, { handed: [{ epoch: 1, doctorIndex: BOB }] })] })).toBe(null)
    world.nowMs = START_MS + 10_000
    expect(diagnose(bob, A)).toBe('ERR_CHAIN_EPOCH_ENDED')
  })

  it('hands over the key of the current epoch only of who has it himself', () => {
    key({ epoch: 2, listed: [A], envelopes: [envelope(CAROL)] })
    const handed = (epoch: number) => [{ epoch, doctorIndex: BOB }]
    expect(extend({ epoch: 2, envelopes: [envelope(CAROL, { handed: handed(2) })] })).toBe('ERR_CHAIN_RECIPIENT')
    expect(extend({ epoch: 2, envelopes: [envelope(CAROL, { handed: handed(1) })] })).toBe(null)
  })
})

describe('type keys that are handed over', () => {
  beforeEach(() => {
    key({ epoch: 1, listed: [A, B] })
    grant(bob, [terms([A, B])])
  })

  it('are held like others', () => {
    expect(extend({ envelopes: [envelope(BOB, { handed: [{ epoch: 1, label: B }] })] })).toBe(null)
    grant(bob, [terms([A])])
    expect(write(B)).toBe('ERR_CHAIN_MUST_ROTATE')
  })

  it('need a grant that covers them; those of earlier epochs seal nothing any more', () => {
    const hand = (epoch: number, of: Label) => ({ envelopes: [envelope(BOB, { handed: [{ epoch, label: of }] })] })
    expect(extend(hand(1, C))).toBe('ERR_CHAIN_RECIPIENT')
    expect(extend(hand(1, ALL_TYPES_LABEL))).toBe('ERR_CHAIN_RECIPIENT')
    key({ epoch: 2, listed: [A] })
    expect(extend({ epoch: 2, ...hand(1, C) })).toBe(null)
  })
})

describe('delegates', () => {
  const fill = (more: object = {}) =>
    world.send(ann.did, {
      kind: 'delegate',
      slot: 1,
      signingKey: phone.did,
      agreement: phone.keys.agreement,
      rights: ['publish', 'rotate'],
      notAfterMs: START_MS + 50_000,
      ...more,
    })
  const empty = () => world.send(ann.did, { kind: 'delegate', slot: 1, signingKey: null })

  beforeEach(() => {
    fill()
    key({ epoch: 1, listed: [A], own: [0, 1] })
  })

  it('end the epoch with their own end', () => {
    world.nowMs = START_MS + 49_999
    expect(write(A, 1, 1)).toBe(null)
    world.nowMs = START_MS + 50_000
    expect(write(A, 1, 1)).toBe('delegate')
    expect(write(A)).toBe('ERR_CHAIN_EPOCH_ENDED')
  })

  it('close the epoch when the slot is emptied or filled again, if a key was in it', () => {
    empty()
    expect(write(A)).toBe('ERR_CHAIN_MUST_ROTATE')
    key({ epoch: 2, listed: [A] })
    fill()
    expect(write(A, 2)).toBe(null)
    empty()
    expect(write(A, 2)).toBe(null)
    fill()
    key({ epoch: 3, listed: [A], own: [0, 1] })
    fill({ rights: ['publish'] })
    expect(write(A, 3)).toBe('ERR_CHAIN_MUST_ROTATE')
  })

  it('get no envelope in an empty slot, after their end, or without an agreement key', () => {
    expect(extend({ own: [2] })).toBe('ERR_CHAIN_SLOT')
    fill({ agreement: null })
    expect(key({ epoch: 2, own: [0, 1] })).toBe('ERR_CHAIN_SLOT')
    fill()
    world.nowMs = START_MS + 50_000
    expect(key({ epoch: 2, own: [0, 1] })).toBe('ERR_CHAIN_SLOT')
    expect(key({ epoch: 2, own: [0] })).toBe(null)
  })

  it('keep the nonces of the slot, whoever is in it', () => {
    write(A, 1, 1)
    expect(world.ledger.nonceNext({ sender: ann.did, delegate: 1 })).toBe(1)
    empty()
    expect(write(A, 1, 1)).toBe('unknown-account')
    fill()
    expect(world.ledger.nonceNext({ sender: ann.did, delegate: 1 })).toBe(1)
  })

  it('do what they have the right to, and no more', () => {
    expect(write(A, 1, 1)).toBe(null)
    expect(key({ epoch: 2, listed: [A], own: [0, 1] }, 1)).toBe(null)
    const grantBob = { kind: 'access', patient: ann.did, grantee: bob.did, grants: [], supersedes: null } as const
    expect(world.send(ann.did, grantBob, { delegate: 1 })).toBe('delegate')
    expect(world.send(ann.did, { kind: 'delegate', slot: 2, signingKey: null }, { delegate: 1 })).toBe('delegate')
    fill({ rights: ['publish'] })
    expect(key({ epoch: 3, listed: [A] }, 1)).toBe('delegate')
  })
})

function digestId(text: string): TransactionId {
  return createId('transaction', digest(text))
}

import { describe, expect, it } from 'vitest'

import { VitalsealError } from '../../src/errors.ts'
import {
  createGrant,
  createPolicyIndex,
  evaluateAccess,
  GRANTORS_MAX,
  GRANTS_PER_SET_MAX,
  unwrap,
  type Grant,
  type GrantSet,
  type PolicyIndex,
} from '../../src/policy/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { Label } from '../../src/primitives/label.ts'
import { ann, ask, bob, cardiology, carol, dave, ECG, eve, GLUCOSE, HEART_RATE, june, party } from './fixtures.ts'

const anyone = { mayGrant: () => true }

function kindOf(index: PolicyIndex, changes: Parameters<typeof ask>[0] = {}): string {
  return evaluateAccess(index, ask(changes)).kind
}

describe('replacement', () => {
  it('keeps the latest set of an owner, grantor and grantee', () => {
    const index = createPolicyIndex([june(), june({ dataTypes: [GLUCOSE] })])
    expect(kindOf(index)).toBe('deny')
    expect(kindOf(index, { dataType: GLUCOSE })).toBe('permit')
    expect(index.grantCount).toBe(1)
  })

  it('leaves the sets of other grantees, grantors and owners', () => {
    const index = createPolicyIndex([
      june(),
      june({ grantee: carol }),
      june({ grantor: dave }),
      june({ grantee: cardiology }),
    ])
    unwrap(index.apply({ patient: ann, grantor: ann, grantee: bob, grants: [] }))
    expect(kindOf(index)).toBe('deny')
    expect(kindOf(index, { requester: carol })).toBe('permit')
    expect(kindOf(index, { patient: dave })).toBe('permit')
    expect(index.grants(ann, cardiology)).toHaveLength(1)
    expect(index.grantCount).toBe(3)
  })

  it('revokes by an empty set, by a grant of no types, and by a set of such', () => {
    const revocations: (Grant | GrantSet)[] = [
      { patient: ann, grantor: ann, grantee: bob, grants: [] },
      june({ dataTypes: [] }),
      { patient: ann, grantor: ann, grantee: bob, grants: [june({ dataTypes: [] })] },
    ]
    for (const revocation of revocations) {
      const index = createPolicyIndex([june(), revocation])
      expect(kindOf(index)).toBe('deny')
      expect(index.grantCount).toBe(0)
    }
    expect(createPolicyIndex(revocations).grantCount).toBe(0)
  })

  it('returns what was replaced', () => {
    const index = createPolicyIndex()
    expect(unwrap(index.apply(june())).grants).toEqual([])
    const { grants, ...parties } = unwrap(index.apply(june({ dataTypes: [GLUCOSE] })))
    expect(parties).toEqual({ patient: ann, grantor: ann, grantee: bob })
    expect(grants).toEqual([createGrant(june())])
  })

  it('keeps the grants of a set in order, and applies a set as one', () => {
    const set: GrantSet = {
      patient: ann,
      grantor: ann,
      grantee: bob,
      grants: [june({ dataTypes: [ECG] }), june(), june({ dataTypes: [GLUCOSE], effect: 'deny' })],
    }
    const index = createPolicyIndex([set])
    expect(index.grants(ann).map(({ dataTypes }) => dataTypes)).toEqual([[ECG], [HEART_RATE], [GLUCOSE]])
    expect(([ECG, HEART_RATE, GLUCOSE] as const).map((dataType) => kindOf(index, { dataType }))).toEqual([
      'permit',
      'permit',
      'deny',
    ])
  })

  it('uses the places of removed grants again', () => {
    const index = createPolicyIndex([june({ grantee: carol })])
    for (let round = 0; round < 1_000; round++) {
      unwrap(index.apply(june({ dataTypes: round % 2 === 0 ? [GLUCOSE] : [] })))
    }
    expect(index.grants(ann)).toEqual([createGrant(june({ grantee: carol }))])
  })
})

describe('what an index gives back', () => {
  it('is equal to what createGrant makes, heights aside, and in the order of names', () => {
    const doctors = Array.from({ length: 40 }, (_, number) => party(100 + number))
    const grants = doctors.map((grantee, number) =>
      createGrant(
        june({
          grantee: number % 5 === 0 ? { role: 'clinician', organisation: `clinic ${String(number)}` } : grantee,
          dataTypes: number % 3 === 0 ? 'all' : [ECG, HEART_RATE],
          effect: number % 4 === 0 ? 'deny' : 'permit',
          obligations: number % 2 === 0 ? [{ kind: 'notify-patient' }] : [],
          ...(number % 7 === 0 && { data: { fromMs: number, untilMs: number + 1 } }),
        }),
      ),
    )
    const index = createPolicyIndex(grants)
    const nameOf = ({ grantee }: Grant): string =>
      typeof grantee === 'string' ? grantee : `role ${grantee.organisation}`
    const sorted = grants.toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))
    expect(index.grants(ann)).toEqual(sorted)
    expect(index.grants(bob)).toEqual([])
    expect(index.grants(ann, eve)).toEqual([])
    expect(createPolicyIndex(grants.toReversed()).grants(ann)).toEqual(sorted)
  })

  it('is not changed by what callers do to what they gave or got', () => {
    const dataTypes: (typeof HEART_RATE)[] = [HEART_RATE]
    const set = { patient: ann, grantor: ann, grantee: bob, grants: [june({ dataTypes })] }
    const index = createPolicyIndex([set])
    dataTypes.length = 0
    set.grants.length = 0
    const [grant] = index.grants(ann)
    expect(() => (grant?.dataTypes as string[]).push(GLUCOSE)).toThrow(TypeError)
    Object.assign(grant?.access ?? {}, { untilMs: 0 })
    expect(kindOf(index)).toBe('permit')
  })

  it('holds labels as well as types', () => {
    const [one, two] = ['00112233445566778899aabbccddeeff', 'ffeeddccbbaa99887766554433221100'] as [Label, Label]
    const index = createPolicyIndex<Label>([createGrant<Label>({ ...june(), dataTypes: [one] })])
    expect(evaluateAccess(index, { ...ask(), dataType: one }).kind).toBe('permit')
    expect(evaluateAccess(index, { ...ask(), dataType: two }).kind).toBe('deny')
  })
})

describe('who may grant', () => {
  it('is only the owner unless told otherwise; a refused set changes nothing', () => {
    const index = createPolicyIndex([june()])
    const theft = june({ patient: ann, grantor: eve, grantee: eve })
    expect(index.apply(theft)).toMatchObject({ ok: false, code: 'ERR_POLICY_GRANTOR', details: { grantor: eve } })
    expect(index.apply(june({ patient: ann, grantor: eve, effect: 'deny' })).ok).toBe(false)
    expect(kindOf(index, { requester: eve })).toBe('deny')
    expect(kindOf(index)).toBe('permit')
    expect(() => createPolicyIndex([theft])).toThrow(VitalsealError)
  })

  it('asks for each pair of owner and grantor', () => {
    const guardians = new Map<Did, Did>([[ann, dave]])
    const index = createPolicyIndex([], { mayGrant: ({ patient, grantor }) => guardians.get(patient) === grantor })
    expect(index.apply(june({ patient: ann, grantor: dave })).ok).toBe(true)
    expect(index.apply(june()).ok).toBe(false)
    expect(kindOf(index)).toBe('permit')
  })
})

describe('limits', () => {
  it(`keeps the sets of ${String(GRANTORS_MAX)} grantors for one owner and grantee, and refuses the next one`, () => {
    const grantors = Array.from({ length: GRANTORS_MAX + 1 }, (_, number) => party(50 + number))
    const grantOf = (grantor: Did): Grant => june({ patient: ann, grantor })
    const [last, ...first] = grantors.toReversed() as [Did, ...Did[]]
    const index = createPolicyIndex(first.map(grantOf), anyone)
    expect(index.apply(grantOf(last))).toMatchObject({
      ok: false,
      code: 'ERR_POLICY_LIMIT',
      details: { limit: 'grantors', allowed: 16, found: 17 },
    })
    expect(index.grantCount).toBe(GRANTORS_MAX)
    // One of the sixteen may still change his mind, a revocation is always heard, and then there is room.
    expect(index.apply(grantOf(first[3] as Did)).ok).toBe(true)
    expect(index.apply({ patient: ann, grantor: last, grantee: bob, grants: [] }).ok).toBe(true)
    expect(index.apply({ patient: ann, grantor: first[3] as Did, grantee: bob, grants: [] }).ok).toBe(true)
    expect(index.apply(grantOf(last)).ok).toBe(true)
    expect(index.apply({ ...grantOf(first[3] as Did), grantee: carol }).ok).toBe(true)
  })

  it(`keeps ${String(GRANTS_PER_SET_MAX)} grants of one set, and refuses one more`, () => {
    const set = (count: number): GrantSet => ({
      patient: ann,
      grantor: ann,
      grantee: bob,
      grants: Array.from({ length: count }, () => june()),
    })
    const index = createPolicyIndex([set(GRANTS_PER_SET_MAX)])
    expect(index.grantCount).toBe(64)
    expect(index.apply(set(GRANTS_PER_SET_MAX + 1))).toMatchObject({
      code: 'ERR_POLICY_LIMIT',
      details: { limit: 'grants', allowed: 64, found: 65 },
    })
    expect(index.grantCount).toBe(64)
  })
})

describe('what has no place', () => {
  it.each<readonly [string, unknown]>([
    ['patient', null],
    ['patient', {}],
    ['patient', { ...june(), grantor: 'ann' }],
    ['grantor', { ...june(), patient: ann, grantor: 5 }],
    ['grantee', { ...june(), grantee: { group: 'staff' } }],
    ['grantee', { ...june(), grantee: { role: 'wizard', organisation: 'x' } }],
    ['grants', { patient: ann, grantor: ann, grantee: bob, grants: 'none' }],
  ])('is refused by an exception that names %s', (argument, change) => {
    const index = createPolicyIndex()
    expect(() => index.apply(change as Grant)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: argument }),
    )
    expect(index.grantCount).toBe(0)
  })

  it('is an index of another make', () => {
    const forged = { grantCount: 1, grants: () => [], apply: () => ({ ok: true }) }
    expect(() => evaluateAccess(forged as unknown as PolicyIndex, ask())).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'index' }),
    )
  })
})

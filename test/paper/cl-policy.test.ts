import { describe, expect, it } from 'vitest'

import { createPolicyIndex, evaluateAccess, type Decision, type Grant, type GrantSet } from '../../src/policy/index.ts'
import type { DataType, Did } from '../../src/primitives/did.ts'
import { ann as alice, bob, carol, ECG, HEART_RATE } from '../policy/fixtures.ts'

/** A policy of CL, section IV: creator, person, kind of data, from, expiration, validity. */
interface PrintedPolicy {
  readonly creator: Did
  readonly person: Did
  readonly kind: DataType
  readonly from: string
  readonly to: string
  readonly valid: 0 | 1
}

/** The same here: validity 0 is the empty set. */
function policy({ creator, person, kind, from, to, valid }: PrintedPolicy): GrantSet {
  const access = { fromMs: Date.parse(`${from}T00:00:00Z`), untilMs: Date.parse(`${to}T00:00:00Z`) }
  const terms: Omit<Grant, 'grantor' | 'grantee'> = {
    dataTypes: [kind],
    actions: ['access'],
    purposes: ['TREAT'],
    access,
  }
  return { patient: creator, grantor: creator, grantee: person, grants: valid === 1 ? [terms] : [] }
}

function ask(sets: readonly GrantSet[], day: string, person = bob, dataType: DataType = ECG): Decision {
  const atMs = Date.parse(day.length === 10 ? `${day}T00:00:00Z` : day)
  const request = { patient: alice, requester: person, dataType, action: 'access', purpose: 'TREAT', atMs } as const
  return evaluateAccess(createPolicyIndex(sets), request)
}

// "Dr. Bob is allowed to access the Alice's data from 2018/02/10 to 2018/03/10."
const example = { creator: alice, person: bob, kind: ECG, from: '2018-02-10', to: '2018-03-10', valid: 1 } as const

describe('CL section IV', () => {
  it('the example: the person, the kind of data, the creator', () => {
    const sets = [policy(example)]
    expect(ask(sets, '2018-02-20').kind).toBe('permit')
    expect(ask(sets, '2018-02-20', carol).kind).toBe('deny')
    expect(ask(sets, '2018-02-20', bob, HEART_RATE).kind).toBe('deny')
    expect(ask(sets, '2018-02-20', alice).kind).toBe('permit')
  })

  it('the expiration: from is inside, to is not, and the decision says when it ends', () => {
    const sets = [policy(example)]
    expect(ask(sets, '2018-02-09T23:59:59.999Z')).toMatchObject({ kind: 'deny', reasons: [{ code: 'not-yet' }] })
    expect(ask(sets, '2018-02-10')).toMatchObject({ kind: 'permit', untilMs: Date.UTC(2018, 2, 10) })
    expect(ask(sets, '2018-03-09T23:59:59.999Z').kind).toBe('permit')
    expect(ask(sets, '2018-03-10')).toMatchObject({ kind: 'deny', reasons: [{ code: 'expired' }] })
  })

  it('"users\' last policy will be considered": with a different attribute, before the first one expires', () => {
    const shorter = policy({ ...example, to: '2018-02-15' })
    expect(ask([policy(example), shorter], '2018-02-20').kind).toBe('deny')
    expect(ask([shorter, policy(example)], '2018-02-20').kind).toBe('permit')
    const other = policy({ ...example, kind: HEART_RATE })
    expect(ask([policy(example), other], '2018-02-20').kind).toBe('deny')
  })

  it('validity 0 takes the policy back, and 1 later gives it again', () => {
    const invalid = policy({ ...example, valid: 0 })
    expect(ask([policy(example), invalid], '2018-02-20')).toMatchObject({
      kind: 'deny',
      reasons: [{ code: 'no-grant' }],
    })
    expect(ask([policy(example), invalid, policy(example)], '2018-02-20').kind).toBe('permit')
    expect(ask([policy(example), policy({ ...example, person: carol, valid: 0 })], '2018-02-20').kind).toBe('permit')
  })

  it('V.6: where no policy fits, access is denied', () => {
    expect(ask([], '2018-02-20')).toEqual({ kind: 'deny', reasons: [{ code: 'no-grant' }] })
  })
})

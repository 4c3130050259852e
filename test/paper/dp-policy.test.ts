import { describe, expect, it } from 'vitest'

import {
  createPolicyIndex,
  createWindow,
  evaluateAccess,
  unwrap,
  type GrantSet,
  type PolicyIndex,
} from '../../src/policy/index.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { toPublicKey, type DataType, type Did } from '../../src/primitives/did.ts'
import { ann, bob, carol, eve, JUNE_MS } from '../policy/fixtures.ts'

/** T_access of DP: pk_sig^p || pk_sig^m || POLICY_{p,m}. */
interface Message {
  readonly patient: Did
  readonly staff: Did
  readonly policy: readonly string[]
}

/**
 * DP Protocols 2 and 3 as printed. Line 4 of Protocol 3 takes "the" element of a set of messages: `pick` chooses, since
 * the paper does not.
 */
class PrintedLedger {
  readonly #memory = new Map<string, readonly Message[]>()
  readonly #pick: (messages: readonly Message[]) => Message

  constructor(pick: (messages: readonly Message[]) => Message) {
    this.#pick = pick
  }

  /** Protocol 2, ACCESSTX. */
  accessTx(sender: Did, message: Message): 0 | 1 {
    if (sender !== message.patient) return 0
    const key = addressOf(sender)
    this.#memory.set(key, [...(this.#memory.get(key) ?? []), message])
    return 1
  }

  /** Protocol 3, POLICYCHECK. */
  policyCheck(sender: Did, type: string): 0 | 1 {
    const messages = this.#memory.get(addressOf(sender)) ?? []
    if (messages.length === 0) return 0
    const { patient, staff, policy } = this.#pick(messages)
    return sender === patient || (sender === staff && policy.includes(type)) ? 1 : 0
  }
}

function addressOf(did: Did): string {
  return toHex(sha256(toPublicKey(did)))
}

const first = (messages: readonly Message[]): Message => messages[0] as Message
const last = (messages: readonly Message[]): Message => messages[messages.length - 1] as Message

const TEMPERATURE = 'http://loinc.org|8310-5'
const PRESSURE = 'http://loinc.org|85354-9'
const HIV = 'http://loinc.org|75622-1'

/** POLICY_{p,m} of the paper as a set of ours. */
function policy(patient: Did, staff: Did, types: readonly DataType[]): GrantSet {
  const access = createWindow({ fromMs: JUNE_MS, days: 30 })
  const grants = [{ dataTypes: types, actions: ['access'], purposes: ['TREAT'], access }] as const
  return { patient, grantor: patient, grantee: staff, grants: types.length === 0 ? [] : grants }
}

function check(index: PolicyIndex, patient: Did, requester: Did, dataType: DataType): string {
  return evaluateAccess(index, { patient, requester, dataType, action: 'access', purpose: 'TREAT', atMs: JUNE_MS }).kind
}

describe('DP Protocol 3 as printed', () => {
  it('never lets a doctor in: the lookup is by the requester, the entry is under the patient', () => {
    for (const pick of [first, last]) {
      const ledger = new PrintedLedger(pick)
      expect(ledger.accessTx(ann, { patient: ann, staff: bob, policy: [TEMPERATURE, PRESSURE] })).toBe(1)
      expect(ledger.policyCheck(bob, TEMPERATURE)).toBe(0)
      expect(ledger.policyCheck(ann, TEMPERATURE)).toBe(1)
    }
  })

  it('lets in whoever once sent a T_access of his own, for each type: whose data it is was not asked', () => {
    const ledger = new PrintedLedger(last)
    ledger.accessTx(ann, { patient: ann, staff: bob, policy: [TEMPERATURE] })
    expect(ledger.policyCheck(eve, HIV)).toBe(0)
    ledger.accessTx(eve, { patient: eve, staff: eve, policy: [] })
    expect(ledger.policyCheck(eve, HIV)).toBe(1)
  })

  it('leaves a revocation to chance: the grant and the empty set are both in the set', () => {
    // Had the entry been found under the doctor, as the text means it.
    const check = (pick: typeof first, messages: readonly Message[]): boolean =>
      pick(messages).policy.includes(TEMPERATURE)
    const messages = [
      { patient: ann, staff: bob, policy: [TEMPERATURE] },
      { patient: ann, staff: bob, policy: [] },
    ]
    expect([first, last].map((pick) => check(pick, messages))).toEqual([true, false])
    // One address, many doctors: which of their entries "the" entry is, is open, too.
    const doctors = [...messages.slice(0, 1), { patient: ann, staff: carol, policy: [PRESSURE] }]
    expect([first, last].map((pick) => pick(doctors).staff)).toEqual([bob, carol])
  })
})

describe('DP Protocols 2 and 3 here', () => {
  it('line 4 of Protocol 2: only the patient himself grants', () => {
    const index = createPolicyIndex()
    expect(index.apply({ ...policy(ann, eve, [HIV]), grantor: eve })).toMatchObject({ code: 'ERR_POLICY_GRANTOR' })
    expect(check(index, ann, eve, HIV)).toBe('deny')
    expect(index.apply(policy(ann, bob, [TEMPERATURE])).ok).toBe(true)
  })

  it('lines 4 to 6 of Protocol 3: the owner, or a live policy of (owner, requester, type)', () => {
    const index = createPolicyIndex([policy(ann, bob, [TEMPERATURE, PRESSURE])])
    expect(check(index, ann, ann, HIV)).toBe('permit')
    expect(check(index, ann, bob, TEMPERATURE)).toBe('permit')
    expect(check(index, ann, bob, PRESSURE)).toBe('permit')
    expect(check(index, ann, bob, HIV)).toBe('deny')
    expect(check(index, ann, carol, TEMPERATURE)).toBe('deny')
  })

  it('line 3: nobody without a policy, also not after a T_access of his own', () => {
    const index = createPolicyIndex([policy(ann, bob, [TEMPERATURE]), policy(eve, eve, [HIV]), policy(eve, ann, [HIV])])
    expect(check(index, ann, eve, TEMPERATURE)).toBe('deny')
    expect(check(index, ann, eve, HIV)).toBe('deny')
    expect(check(index, eve, eve, HIV)).toBe('permit')
  })

  it('"change the permissions set": the new set stands in the place of the old one', () => {
    const index = createPolicyIndex([policy(ann, bob, [TEMPERATURE]), policy(ann, bob, [PRESSURE])])
    expect(check(index, ann, bob, TEMPERATURE)).toBe('deny')
    expect(check(index, ann, bob, PRESSURE)).toBe('permit')
  })

  it('"sending the empty set can revoke all": of this doctor, and of no other', () => {
    const index = createPolicyIndex([policy(ann, bob, [TEMPERATURE]), policy(ann, carol, [TEMPERATURE])])
    unwrap(index.apply(policy(ann, bob, [])))
    expect(check(index, ann, bob, TEMPERATURE)).toBe('deny')
    expect(check(index, ann, carol, TEMPERATURE)).toBe('permit')
  })

  it('Protocol 4, RW = 0: staff "only to retrieve" the data; writing needs its own permission', () => {
    const index = createPolicyIndex([policy(ann, bob, [TEMPERATURE])])
    const write = { patient: ann, dataType: TEMPERATURE, action: 'write', purpose: 'TREAT', atMs: JUNE_MS } as const
    expect(evaluateAccess(index, { ...write, requester: bob }).kind).toBe('deny')
    expect(evaluateAccess(index, { ...write, requester: ann }).kind).toBe('permit')
  })
})

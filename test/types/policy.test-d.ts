import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type Action,
  createGrant,
  createPolicyIndex,
  type Decision,
  evaluateAccess,
  findCoverage,
  type Grant,
  type GrantSet,
  isNarrowing,
  isPurpose,
  type Obligation,
  type PolicyIndex,
  type Purpose,
  type Reason,
  whoMayRead,
} from 'vitalseal/policy'
import type { DataType, Did, Label } from 'vitalseal/primitives'

declare const patient: Did
declare const doctor: Did
declare const label: Label
declare const text: string

const dataType = 'http://loinc.org|8867-4'
const access = { fromMs: 0, untilMs: 1 }
const rest = { grantor: patient, grantee: doctor, actions: ['access'], purposes: ['TREAT'], access } as const

// A literal type widens, so that one index takes grants of all types of data.
const grant = createGrant({ ...rest, dataTypes: [dataType] })
expectType<Grant>(grant)
const index = createPolicyIndex([grant])
expectType<PolicyIndex>(index)
index.apply({ ...rest, dataTypes: ['http://loinc.org|8310-5'] })

// A decision is not a boolean, and has its end and obligations only where it permits.
const request = { patient, requester: doctor, dataType, action: 'access', purpose: 'TREAT', atMs: 0 } as const
const decision = evaluateAccess(index, request)
expectType<Decision>(decision)
expectNotAssignable<boolean>(decision)
expectError(decision.untilMs)
if (decision.kind === 'permit') {
  expectType<number>(decision.untilMs)
  expectType<readonly Obligation[]>(decision.obligations)
} else {
  expectType<'deny' | 'indeterminate'>(decision.kind)
  expectType<readonly Reason[]>(decision.reasons)
  expectError(decision.obligations)
}

// Words are closed lists; a party is a did, not any text.
expectError(evaluateAccess(index, { ...request, action: 'print' }))
expectError(evaluateAccess(index, { ...request, purpose: 'FUN' }))
expectError(evaluateAccess(index, { ...request, requester: text }))
expectError(index.apply({ ...rest, dataTypes: ['8867-4'] }))
expectError(createGrant({ ...rest, dataTypes: [dataType], grantee: { role: 'wizard', organisation: 'x' } }))
expectError(createGrant({ ...rest, dataTypes: [dataType], obligations: [{ kind: 'dance' }] }))
if (isPurpose(text)) expectType<string & Purpose>(text)
expectNotAssignable<Action>(text)

// On the ledger types are labels: an index of labels and one of types are two things, in both directions.
const ledgerGrant = createGrant<Label>({ ...rest, dataTypes: [label] })
expectType<Grant<Label>>(ledgerGrant)
expectNotAssignable<Grant>(ledgerGrant)
expectNotAssignable<Grant<Label>>(grant)
const ledger = createPolicyIndex([ledgerGrant])
expectType<PolicyIndex<Label>>(ledger)
expectNotAssignable<PolicyIndex>(ledger)
expectNotAssignable<PolicyIndex<Label>>(index)
expectError(ledger.apply(grant))
expectError(index.apply(ledgerGrant))
expectError(evaluateAccess(ledger, request))
expectType<Decision<Label>>(evaluateAccess(ledger, { ...request, dataType: label }))
expectError(evaluateAccess(index, { ...request, dataType: label }))
expectType<readonly Label[] | 'all' | undefined>(findCoverage(ledger, { patient, grantee: doctor, atMs: 0 })?.dataTypes)
expectError(whoMayRead(ledger, { patient, dataType, atMs: 0 }))
expectAssignable<readonly { readonly untilMs: number }[]>(whoMayRead(index, { patient, dataType, atMs: 0 }))

// Before and after are named, so that they cannot be swapped.
declare const set: GrantSet
expectType<boolean>(isNarrowing({ before: set.grants, after: [], atMs: 0 }))
expectError(isNarrowing(set.grants, []))

// Nobody changes what an index gave out, and a refused change is a value.
expectError((index.grants(patient)[0]!.access.untilMs = 5))
expectError(index.apply(grant).value)
expectAssignable<DataType>(dataType)

/**
 * Making grants and windows of one's own. A mistake is an exception that names the field; foreign grants go to the index
 * as they are and are judged there.
 */

import { rejectArgument } from '../errors.ts'
import type { Did } from '../primitives/did.ts'
import { DAY_MS, MINUTE_MS } from './civil-date.ts'
import { ROLES } from '../primitives/roles.ts'
import { copyFrozen, expectedOf, findMalformed, findUnknown, hasOnly, isName, isTime, readTerms } from './terms.ts'
import type { Grant, Grantee, TimeWindow } from './types.ts'

/** The form of a did:key of a secp256k1 key; whether it names a point is shown by what it signs. */
const DID = /^did:key:zQ3s[1-9A-HJ-NP-Za-km-z]{45}$/

/** Tells whether a value has the form of a party. */
export function isParty(value: unknown): value is Did {
  return typeof value === 'string' && DID.test(value)
}

/** Returns a text that stands for a grantee and for no other; roles sort after parties. */
export function textOf(grantee: Grantee): string {
  return typeof grantee === 'string' ? grantee : `role ${ROLES.indexOf(grantee.role)} ${grantee.organisation}`
}

/** Tells whether a value is a party, or a role that the library knows in an organisation. */
function isGrantee(value: unknown): value is Grantee {
  if (!hasOnly(value, ['role', 'organisation'])) return isParty(value)
  return (ROLES as readonly unknown[]).includes(value['role']) && isName(value['organisation'])
}

/** Throws unless the parties of a grant or a set have the right form. */
export function assertParties(parties: {
  readonly patient: Did
  readonly grantor: Did
  readonly grantee: Grantee
}): void {
  const { patient, grantor, grantee } = parties
  if (!isParty(patient)) rejectArgument('patient', 'a did:key', typeof patient)
  if (!isParty(grantor)) rejectArgument('grantor', 'a did:key', typeof grantor)
  if (!isGrantee(grantee)) rejectArgument('grantee', 'a did:key or a known role', typeof grantee)
}

/**
 * Returns a frozen copy of a grant, checked, with its defaults filled in: the patient is the grantor, the effect permit.
 * Words come out in the order of the wire, each once, so that equal grants look equal.
 *
 * No hash: a grant gets its id in `transactions`. Empty `dataTypes` revoke.
 *
 * @param fields - the grant; fields that it does not know are refused, since a clause may not be overlooked
 * @throws When a field is wrong: `ERR_ARGUMENT_INVALID` with its name. {@link VitalsealError}
 * @see decentralized-privacy-iot-healthcare, V.B a, POLICY_{p,m}
 * @example
 * const grant = createGrant({ grantor: patient, grantee: doctor, dataTypes: ['http://loinc.org|8867-4'],
 *   actions: ['access'], purposes: ['TREAT'], access: createWindow({ fromMs, days: 30 }) })
 */
export function createGrant(fields: Grant): Grant
/** The same for other names of types, such as the ledger's labels. */
export function createGrant<T extends string>(fields: Grant<T>): Grant<T>
export function createGrant<T extends string>(fields: Grant<T>): Grant<T> {
  const flaw = findMalformed(fields) ?? findUnknown(fields)
  if (flaw !== undefined) rejectArgument(flaw, expectedOf(flaw), 'something else')
  const { grantor, patient = grantor, grantee, access, data } = fields
  assertParties({ patient, grantor, grantee })
  const { dataTypes, clauses } = readTerms(fields)
  const { actions, purposes, effect, obligations } = clauses
  // An absent data window stays absent.
  const grant = { patient, grantor, grantee, dataTypes, actions, purposes, access, data, effect, obligations }
  return copyFrozen(grant) as Grant<T>
}

/**
 * Returns the window from a moment for some days and minutes of exactly 24 hours and 60 seconds; its end is outside.
 *
 * @param options - `fromMs`: milliseconds UTC; `days` and `minutes`: whole numbers, together more than nothing
 * @throws When the numbers are wrong, or the end is beyond what a date can name: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createWindow(options: {
  readonly fromMs: number
  readonly days?: number
  readonly minutes?: number
}): TimeWindow {
  const { fromMs, days = 0, minutes = 0 } = options
  const untilMs = fromMs + days * DAY_MS + minutes * MINUTE_MS
  if (![fromMs, days, minutes, untilMs].every(isTime) || untilMs === fromMs) {
    rejectArgument('options', 'whole numbers that make an end after the start', `${fromMs}, ${days}, ${minutes}`)
  }
  return Object.freeze({ fromMs, untilMs })
}

/**
 * The decision: DP's POLICYCHECK with the owner as a parameter, and CL's expiry.
 *
 * The owner may do everything. Otherwise, of the grants to the requester and to the roles that he is certified to hold:
 * a deny that applies denies, whoever granted what; then a grant that the library does not understand and that may
 * concern the request makes it indeterminate; then a permit permits; and what nobody permitted is denied. Each grant is
 * judged clause by clause (type, action, purpose, date of the data, time of access), and the first clause that does not
 * fit becomes the reason.
 *
 * A grant with a data window cannot be judged when the request does not say of when the data is. Such a deny counts as
 * not understood; such a permit permits nothing, but makes the answer indeterminate where it would be deny.
 */

import type { DataType } from '../primitives/did.ts'
import { grantOf, storeOf, type Entry, type PolicyIndex } from './policy-index.ts'
import { areAmong, contains, isName, isTime, sortObligations, type Mutable } from './terms.ts'
import {
  ACTIONS,
  END_OF_TIME_MS,
  PURPOSES,
  type AccessRequest,
  type Clause,
  type Decision,
  type Obligation,
  type Reason,
  type ReasonCode,
} from './types.ts'
import { bitOf, isAction, isPurpose, UNKNOWN_BIT } from './words.ts'

/** What a grant says to a request. Of those that count at the time, the greatest decides. */
const UNRELATED = 0
/** It may be a permit. */
const UNPROVEN = 1
const PERMIT = 2
/** It may be a deny. */
const UNCLEAR = 3
const DENY = 4

interface Judgement<T extends string> {
  readonly entry: Entry<T>
  readonly weight: number
  readonly code: ReasonCode
  readonly clause: Clause | undefined
}

/**
 * Decides whether a request is permitted, and says why.
 *
 * Total: a request with an unknown word or an impossible time is answered indeterminate. Pure; the time is the request's.
 * Cost: grows with the grants between these two parties only, about a microsecond for a few.
 *
 * @param index - from {@link createPolicyIndex}
 * @param request - the requester authenticated, the credentials verified by the caller
 * @returns a permit with its obligations and its end, or a deny or indeterminate; never a boolean
 * @see decentralized-privacy-iot-healthcare, Protocol 3 (POLICYCHECK); privacy-preserving-healthcare-architecture, IV
 * @example
 * const decision = evaluateAccess(index, { patient, requester, dataType, action: 'access', purpose: 'TREAT', atMs })
 * if (decision.kind === 'permit') release(decision.obligations)
 */
export function evaluateAccess<T extends string = DataType>(
  index: PolicyIndex<T>,
  request: AccessRequest<NoInfer<T>>,
): Decision<T> {
  const store = storeOf(index)
  const { patient, requester, credentials, atMs } = request
  if (!isAnswerable(request)) return { kind: 'indeterminate', reasons: [{ code: 'unknown-clause', clause: 'request' }] }
  if (requester === patient) {
    return { kind: 'permit', reasons: [{ code: 'owner' }], obligations: [], untilMs: END_OF_TIME_MS }
  }
  const judged = store.entriesOf(patient, requester, credentials).map((entry) => judge(entry, request))
  const live = judged.filter(({ entry }) => contains(entry.window, atMs))
  const weight = live.reduce((greatest, judgement) => Math.max(greatest, judgement.weight), UNRELATED)
  const decisive = weight === UNRELATED ? judged : live.filter((judgement) => judgement.weight === weight)
  const reasons = reasonsOf(decisive, request)
  if (weight === PERMIT) {
    const lists = decisive.map(({ entry }) => entry.terms.clauses.obligations)
    // Those of one grant are sorted already, and sorting them again would be most of the work.
    const obligations = lists.length === 1 ? lists[0]! : sortObligations(lists.flat())
    return { kind: 'permit', reasons, obligations, untilMs: permittedUntil(judged, { obligations, atMs }) }
  }
  const kind = weight === UNCLEAR || weight === UNPROVEN ? 'indeterminate' : 'deny'
  return { kind, reasons: reasons.length > 0 ? reasons : [{ code: 'no-grant' }] }
}

function isAnswerable(request: AccessRequest<string>): boolean {
  const { patient, requester, action, purpose, atMs, dataAtMs = 0, credentials = [] } = request
  return (
    isName(patient) &&
    isName(requester) &&
    isAction(action) &&
    isPurpose(purpose) &&
    isTime(atMs) &&
    isTime(dataAtMs) &&
    credentials.every(({ notBeforeMs, notAfterMs }) => isTime(notBeforeMs) && isTime(notAfterMs))
  )
}

/** Judges a grant by each of its clauses but the time of access. */
function judge<T extends string>(
  entry: Entry<T>,
  { dataType, action, purpose, dataAtMs }: AccessRequest<T>,
): Judgement<T> {
  const { dataTypes, clauses, data } = entry.terms
  const { actionMask, purposeMask, effect, unknown } = clauses
  const of = (weight: number, code: ReasonCode, clause?: Clause): Judgement<T> => ({ entry, weight, code, clause })
  if (dataTypes !== 'all' && !dataTypes.includes(dataType)) return of(UNRELATED, 'data-type', 'dataTypes')
  if ((actionMask & (bitOf(action, ACTIONS) | UNKNOWN_BIT)) === 0) return of(UNRELATED, 'action', 'actions')
  if ((purposeMask & (bitOf(purpose, PURPOSES) | UNKNOWN_BIT)) === 0) return of(UNRELATED, 'purpose', 'purposes')
  if (data && dataAtMs !== undefined && !contains(data, dataAtMs)) return of(UNRELATED, 'data-window', 'data')
  if (unknown !== undefined) return of(UNCLEAR, 'unknown-clause', unknown)
  if (data && dataAtMs === undefined) return of(effect === 'deny' ? UNCLEAR : UNPROVEN, 'data-window', 'data')
  return effect === 'deny' ? of(DENY, 'denied', 'effect') : of(PERMIT, 'granted')
}

/** The first moment after which the answer may be less than the permit of now. */
function permittedUntil<T extends string>(
  judged: readonly Judgement<T>[],
  { obligations, atMs }: { readonly obligations: readonly Obligation[]; readonly atMs: number },
): number {
  let untilMs = atMs
  let boundMs = END_OF_TIME_MS
  // Permits that follow one another without a gap permit until the end of the last one.
  for (const { weight, entry } of judged.toSorted(
    (left, right) => left.entry.window.fromMs - right.entry.window.fromMs,
  )) {
    const { window, terms } = entry
    if (weight === PERMIT && window.fromMs <= untilMs) untilMs = Math.max(untilMs, window.untilMs)
    const isWorse = weight > PERMIT || (weight === PERMIT && !areAmong(terms.clauses.obligations, obligations))
    if (isWorse && atMs < window.fromMs && window.fromMs < window.untilMs) boundMs = Math.min(boundMs, window.fromMs)
  }
  return Math.min(untilMs, boundMs)
}

function reasonsOf<T extends string>(
  judged: readonly Judgement<T>[],
  { patient, atMs }: AccessRequest<T>,
): readonly Reason<T>[] {
  return judged.map(({ entry, weight, code, clause }) => {
    const { access, height } = entry.terms
    const { fromMs } = entry.window
    const reason: Mutable<Reason<T>> = { code, grant: grantOf(patient, entry) }
    if (clause !== undefined) reason.clause = clause
    if (height !== undefined) reason.height = height
    if (weight !== UNRELATED && !contains(entry.window, atMs)) {
      // Too early or too late, by the grant or by the credential.
      reason.code = atMs < fromMs ? 'not-yet' : 'expired'
      reason.clause = contains(access, atMs) ? 'credential' : 'access'
    }
    return reason
  })
}

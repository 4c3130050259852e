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
import { NONE } from './pair-table.ts'
import { storeOf, type PolicyIndex, type PolicyStore } from './policy-index.ts'
import { areAmong, isTime, mergeObligations } from './terms.ts'
import {
  ACTIONS,
  END_OF_TIME_MS,
  PURPOSES,
  type AccessRequest,
  type Clause,
  type Decision,
  type Grantee,
  type HeldCredential,
  type Obligation,
  type Permit,
  type Reason,
  type ReasonCode,
  type TimeWindow,
} from './types.ts'
import { bitOf, UNKNOWN_BIT } from './words.ts'

/** What a grant says to a request, times of access aside; `unclear`: it may be a deny; `unproven`: it may be a permit. */
type Verdict = 'permit' | 'deny' | 'unclear' | 'unproven' | 'data-type' | 'action' | 'purpose' | 'data-window'

/** A grant to the requester, or to a role of his, with the time in which both grant and credential count. */
interface Candidate {
  readonly record: number
  readonly grantee: Grantee
  readonly verdict: Verdict
  readonly window: TimeWindow
  /** Whether the grant or the credential is what bounds the window at that end. */
  readonly startsWith: Clause
  readonly endsWith: Clause
}

const CLAUSES: Partial<Record<ReasonCode, Clause>> = {
  'data-type': 'dataTypes',
  action: 'actions',
  purpose: 'purposes',
  'data-window': 'data',
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
  if (!isAnswerable(request)) return { kind: 'indeterminate', reasons: [{ code: 'unknown-clause', clause: 'request' }] }
  if (request.requester === request.patient) {
    return { kind: 'permit', reasons: [{ code: 'owner' }], obligations: NO_OBLIGATIONS, untilMs: END_OF_TIME_MS }
  }
  const candidates = findCandidates(store, request)
  const live = candidates.filter(({ window }) => contains(window, request.atMs))
  const denies = live.filter(({ verdict }) => verdict === 'deny')
  if (denies.length > 0) return { kind: 'deny', reasons: reasonsOf(store, denies, request) }
  const unclear = live.filter(({ verdict }) => verdict === 'unclear')
  if (unclear.length > 0) return { kind: 'indeterminate', reasons: reasonsOf(store, unclear, request) }
  const permits = live.filter(({ verdict }) => verdict === 'permit')
  if (permits.length > 0) return createPermit(store, { candidates, permits, request })
  const unproven = live.filter(({ verdict }) => verdict === 'unproven')
  if (unproven.length > 0) return { kind: 'indeterminate', reasons: reasonsOf(store, unproven, request) }
  return {
    kind: 'deny',
    reasons: candidates.length > 0 ? reasonsOf(store, candidates, request) : [{ code: 'no-grant' }],
  }
}

const NO_OBLIGATIONS: readonly Obligation[] = []

/** Tells whether a moment is inside; its end is not. */
export function contains({ fromMs, untilMs }: TimeWindow, atMs: number): boolean {
  return fromMs <= atMs && atMs < untilMs
}

function isAnswerable(request: AccessRequest<string>): boolean {
  const { patient, requester, action, purpose, atMs, dataAtMs, credentials = [] } = request
  if (typeof patient !== 'string' || typeof requester !== 'string') return false
  if (bitOf(action, ACTIONS) === UNKNOWN_BIT || bitOf(purpose, PURPOSES) === UNKNOWN_BIT) return false
  if (!isTime(atMs) || (dataAtMs !== undefined && !isTime(dataAtMs))) return false
  return credentials.every(({ notBeforeMs, notAfterMs }) => isTime(notBeforeMs) && isTime(notAfterMs))
}

function findCandidates<T extends string>(store: PolicyStore<T>, request: AccessRequest<T>): readonly Candidate[] {
  const candidates: Candidate[] = []
  const { requester, credentials = [] } = request
  collect(store, { request, grantee: requester, credential: undefined }, candidates)
  for (const credential of credentials) {
    const { role, organisation } = credential
    if (organisation !== null) collect(store, { request, grantee: { role, organisation }, credential }, candidates)
  }
  return candidates
}

function collect<T extends string>(
  store: PolicyStore<T>,
  via: {
    readonly request: AccessRequest<T>
    readonly grantee: Grantee
    readonly credential: HeldCredential | undefined
  },
  candidates: Candidate[],
): void {
  const { request, grantee, credential } = via
  const { pairs, records } = store
  const first = pairs.firstRecord(store.pairOf(request.patient, grantee))
  for (let record = first; record !== NONE; record = records.next(record)) {
    const access = records.accessOf(record)
    const fromMs = Math.max(access.fromMs, credential?.notBeforeMs ?? 0)
    const untilMs = Math.min(access.untilMs, credential?.notAfterMs ?? END_OF_TIME_MS)
    candidates.push({
      record,
      grantee,
      verdict: judge(store, record, request),
      window: { fromMs, untilMs },
      startsWith: fromMs === access.fromMs ? 'access' : 'credential',
      endsWith: untilMs === access.untilMs ? 'access' : 'credential',
    })
  }
}

function judge<T extends string>({ records }: PolicyStore<T>, record: number, request: AccessRequest<T>): Verdict {
  const clauses = records.clausesOf(record)
  const { dataTypes, actionMask, purposeMask } = clauses
  if (dataTypes !== 'all' && !dataTypes.includes(request.dataType)) return 'data-type'
  if ((actionMask & (bitOf(request.action, ACTIONS) | UNKNOWN_BIT)) === 0) return 'action'
  if ((purposeMask & (bitOf(request.purpose, PURPOSES) | UNKNOWN_BIT)) === 0) return 'purpose'
  const data = records.dataOf(record)
  const { dataAtMs } = request
  if (data !== undefined && dataAtMs !== undefined && !contains(data, dataAtMs)) return 'data-window'
  if (clauses.unknown !== undefined) return 'unclear'
  if (data === undefined || dataAtMs !== undefined) return clauses.effect
  return clauses.effect === 'deny' ? 'unclear' : 'unproven'
}

function createPermit<T extends string>(
  store: PolicyStore<T>,
  found: {
    readonly candidates: readonly Candidate[]
    readonly permits: readonly Candidate[]
    readonly request: AccessRequest<T>
  },
): Permit<T> {
  const { candidates, permits, request } = found
  const obligationsOf = ({ record }: Candidate): readonly Obligation[] => store.records.clausesOf(record).obligations
  const [only, ...others] = permits
  const obligations = only && others.length === 0 ? obligationsOf(only) : mergeObligations(permits.map(obligationsOf))
  const untilMs = permittedUntil(candidates, request.atMs, (candidate) =>
    areAmong(obligationsOf(candidate), obligations),
  )
  return { kind: 'permit', reasons: reasonsOf(store, permits, request), obligations, untilMs }
}

/** The first moment after which the answer may be less than the permit of now. */
function permittedUntil(
  candidates: readonly Candidate[],
  atMs: number,
  asksNoMore: (candidate: Candidate) => boolean,
): number {
  let untilMs = atMs
  let boundMs = END_OF_TIME_MS
  // Permits that follow one another without a gap permit until the end of the last one.
  for (const candidate of candidates.toSorted((left, right) => left.window.fromMs - right.window.fromMs)) {
    const { verdict, window } = candidate
    if (verdict === 'permit' && window.fromMs <= untilMs) untilMs = Math.max(untilMs, window.untilMs)
    const isWorse = verdict === 'deny' || verdict === 'unclear' || (verdict === 'permit' && !asksNoMore(candidate))
    if (isWorse && window.fromMs > atMs && window.fromMs < window.untilMs) boundMs = Math.min(boundMs, window.fromMs)
  }
  return Math.min(untilMs, boundMs)
}

function reasonsOf<T extends string>(
  store: PolicyStore<T>,
  candidates: readonly Candidate[],
  request: AccessRequest<T>,
): readonly Reason<T>[] {
  // Two credentials of one role lead to the same grant twice.
  const seen = new Set<number>()
  return candidates.flatMap((candidate) => {
    const { record, grantee } = candidate
    if (seen.size === seen.add(record).size) return []
    const height = store.records.heightOf(record)
    const grant = store.grantOf(record, request.patient, grantee)
    return { ...explain(store, candidate, request.atMs), grant, ...(height !== undefined && { height }) }
  })
}

function explain<T extends string>(
  { records }: PolicyStore<T>,
  { record, verdict, window, startsWith, endsWith }: Candidate,
  atMs: number,
): { readonly code: ReasonCode; readonly clause?: Clause } {
  const { unknown } = records.clausesOf(record)
  const isUnderstood = verdict === 'permit' || verdict === 'deny' || verdict === 'unclear' || verdict === 'unproven'
  if (!isUnderstood) return { code: verdict, clause: CLAUSES[verdict]! }
  if (atMs < window.fromMs) return { code: 'not-yet', clause: startsWith }
  if (atMs >= window.untilMs) return { code: 'expired', clause: endsWith }
  if (verdict === 'permit') return { code: 'granted' }
  if (verdict === 'deny') return { code: 'denied', clause: 'effect' }
  return unknown === undefined ? { code: 'data-window', clause: 'data' } : { code: 'unknown-clause', clause: unknown }
}

/**
 * Grants and decisions in words, for people. Not meant to be parsed. Total, also on grants with words that the library
 * does not know.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { formatMoment } from './civil-date.ts'
import { findMalformed, isObligation } from './terms.ts'
import {
  END_OF_TIME_MS,
  PURPOSES,
  type Decision,
  type Grant,
  type Grantee,
  type GrantTerms,
  type Obligation,
  type Reason,
  type ReasonCode,
  type TimeWindow,
} from './types.ts'

/** Names for people. */
export interface ExplainOptions<T extends string = DataType> {
  /** Returns what people call a party or a type; undefined where it has no other name than itself. */
  readonly nameOf?: (named: Did | T) => string | undefined
}

/** As many texts as the list is long. */
type OneFor<L extends readonly unknown[]> = { readonly [P in keyof L]: string }

/** In the order of the wire. */
const PURPOSE_WORDS: OneFor<typeof PURPOSES> = [
  'treatment',
  'emergency treatment',
  'breaking the glass',
  'emergency room treatment',
  'coordination of care',
  'healthcare research',
  'biomedical research',
  'clinical trials',
  "the patient's request",
  'payment',
  'healthcare operations',
  'public health',
]

/** The other reasons are clauses that do not fit. */
const REASON_WORDS: Partial<Record<ReasonCode, string>> = {
  owner: 'the requester is the owner',
  granted: 'permits it',
  denied: 'denies it',
  'no-grant': 'nothing was granted',
  expired: 'has ended',
  'not-yet': 'has not begun',
  'unknown-clause': 'is not understood',
}

/**
 * Returns one sentence on what a grant allows or denies, such as `... may read heart rate for treatment from 1 June 2026
 * until 1 July 2026`. Times are UTC; the end is the first moment outside.
 *
 * @param options - `nameOf`: names of parties and types; without it they appear as they are
 */
export function explainGrant<T extends string = DataType>(grant: Grant<T>, options: ExplainOptions<T> = {}): string {
  const { grantor, patient = grantor, grantee } = grant
  const who = explainGrantee(grantee, options)
  const by = patient === grantor ? '' : `, by decision of ${nameFor(grantor, options)}`
  const what = findMalformed(grant) === undefined ? explainTerms(grant, options) : 'has a grant that is not understood'
  return `${who} ${what}${by}`
}

function explainTerms<T extends string>(terms: GrantTerms<T>, options: ExplainOptions<T>): string {
  const { dataTypes, actions, purposes, access, data, effect = 'permit', obligations = [] } = terms
  const verbs = { permit: 'may', deny: 'may not' }[effect] ?? `${effect}?`
  if (dataTypes.length === 0) return 'has nothing granted'
  const types = dataTypes === 'all' ? 'all types of data' : list(dataTypes.map((type) => nameFor(type, options)))
  return [
    `${verbs} ${list(actions.map((action) => (action === 'access' ? 'read' : action)))} ${types}`,
    ` for ${list(purposes.map((purpose) => PURPOSE_WORDS[PURPOSES.indexOf(purpose)] ?? purpose))} ${explainWindow(access)}`,
    data === undefined ? '' : `, on data ${explainWindow(data)}`,
    ...obligations.map((obligation) => `; ${explainObligation(obligation)}`),
  ].join('')
}

function explainGrantee<T extends string>(grantee: Grantee, options: ExplainOptions<T>): string {
  return typeof grantee === 'string' ? nameFor(grantee, options) : `each ${grantee.role} of ${grantee.organisation}`
}

function explainWindow({ fromMs, untilMs }: TimeWindow): string {
  return `from ${formatMoment(fromMs)}${explainEnd(untilMs)}`
}

function explainEnd(untilMs: number): string {
  return untilMs === END_OF_TIME_MS ? ' on' : ` until ${formatMoment(untilMs)}`
}

/** `notify patient`, `delete after 1 July 2026`; what is not understood as it came. */
function explainObligation(obligation: Obligation): string {
  if (!isObligation(obligation)) return JSON.stringify(obligation)
  const { kind, ...rest } = obligation
  const words = Object.values<number | readonly string[]>(rest).map((detail) =>
    typeof detail === 'number' ? formatMoment(detail) : list(detail),
  )
  return [kind.replace('-', ' '), ...words].join(' ')
}

/**
 * Returns the decision and its reasons, one sentence each.
 *
 * @param options - `nameOf`: names of parties and types; without it they appear as they are
 */
export function explainDecision<T extends string = DataType>(
  decision: Decision<T>,
  options: ExplainOptions<T> = {},
): string {
  const { kind, reasons } = decision
  const isPermit = kind === 'permit'
  const until = isPermit && decision.untilMs < END_OF_TIME_MS ? explainEnd(decision.untilMs) : ''
  return [
    `${{ permit: 'Permitted', deny: 'Denied', indeterminate: 'A person has to decide' }[kind]}${until}:`,
    ...reasons.map((reason) => explainReason(reason, options)),
    ...(isPermit ? decision.obligations : []).map((obligation) => `Duty: ${explainObligation(obligation)}.`),
  ].join(' ')
}

function explainReason<T extends string>(
  { code, clause, grant, height }: Reason<T>,
  options: ExplainOptions<T>,
): string {
  const what = grant === undefined ? '' : `"${explainGrant(grant, options)}" `
  const block = height === undefined ? '' : `of block ${height} `
  const place = clause === undefined ? '' : ` (${clause})`
  return `${what}${block}${REASON_WORDS[code] ?? 'does not fit'}${place}.`
}

function nameFor<T extends string>(named: Did | T, { nameOf }: ExplainOptions<T>): string {
  return nameOf?.(named) ?? named
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]!}`
}

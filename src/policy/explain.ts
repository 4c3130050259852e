/**
 * Grants and decisions in words, for people. Not meant to be parsed. Total, also on grants with words that the library
 * does not know.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { formatMoment } from './civil-date.ts'
import { findMalformed } from './terms.ts'
import {
  END_OF_TIME_MS,
  type Decision,
  type Grant,
  type Grantee,
  type GrantTerms,
  type Obligation,
  type Purpose,
  type Reason,
  type ReasonCode,
  type TimeWindow,
} from './types.ts'
import { isPurpose } from './words.ts'

/** Names for people. */
export interface ExplainOptions<T extends string = DataType> {
  /** Returns what people call a party or a type; undefined where it has no other name than itself. */
  readonly nameOf?: (named: Did | T) => string | undefined
}

const PURPOSE_WORDS: Readonly<Record<Purpose, string>> = {
  TREAT: 'treatment',
  ETREAT: 'emergency treatment',
  BTG: 'breaking the glass',
  ERTREAT: 'emergency room treatment',
  COC: 'coordination of care',
  HRESCH: 'healthcare research',
  BIORCH: 'biomedical research',
  CLINTRCH: 'clinical trials',
  PATRQT: "the patient's request",
  HPAYMT: 'payment',
  HOPERAT: 'healthcare operations',
  PUBHLTH: 'public health',
}

const REASON_WORDS: Readonly<Record<ReasonCode, string>> = {
  owner: 'the requester is the owner',
  granted: 'permits it',
  denied: 'denies it',
  'no-grant': 'nothing was granted',
  expired: 'has ended',
  'not-yet': 'has not begun',
  'data-type': 'is for other types of data',
  action: 'is for other actions',
  purpose: 'is for other purposes',
  'data-window': 'is for data of another or of a given time',
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
    ` for ${list(purposes.map((purpose) => (isPurpose(purpose) ? PURPOSE_WORDS[purpose] : purpose)))} ${explainWindow(access)}`,
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

function explainObligation(obligation: Obligation): string {
  switch (obligation.kind) {
    case 'redact':
      return `without what is labelled ${list(obligation.labels)}`
    case 'notify-patient':
      return 'the patient is told of each use'
    case 'exclusive-until':
      return `nobody else before ${formatMoment(obligation.untilMs)}`
    case 'delete-after':
      return `copies to be deleted on ${formatMoment(obligation.afterMs)}`
    default:
      return 'with an obligation that is not understood'
  }
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
  const what = REASON_WORDS[code]
  if (grant === undefined) return clause === undefined ? `${what}.` : `the ${clause} ${what}.`
  const block = height === undefined ? '' : ` (block ${height})`
  const place = clause === 'credential' || code === 'unknown-clause' ? `, by its ${clause!}` : ''
  return `"${explainGrant(grant, options)}"${block} ${what}${place}.`
}

function nameFor<T extends string>(named: Did | T, { nameOf }: ExplainOptions<T>): string {
  return nameOf?.(named) ?? named
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]!}`
}

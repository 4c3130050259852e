/**
 * Grants and decisions in words, for people. Not meant to be parsed. Total, also on grants with words that the library
 * does not know.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { formatMoment } from './civil-date.ts'
import { findMalformed } from './terms.ts'
import {
  END_OF_TIME_MS,
  type Action,
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

/** Names for people. */
export interface ExplainOptions<T extends string = DataType> {
  /** Returns what people call a party or a type; undefined where it has no other name than itself. */
  readonly nameOf?: (named: Did | T) => string | undefined
}

const ACTION_WORDS: Readonly<Record<Action, string>> = {
  access: 'read',
  write: 'write',
  collect: 'collect',
  correct: 'correct',
  use: 'use',
  disclose: 'disclose',
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
  owner: 'the data is the requester’s own',
  granted: 'this grant permits it',
  denied: 'this grant denies it',
  'no-grant': 'nothing was granted to the requester',
  expired: 'it has ended',
  'not-yet': 'it has not begun',
  'data-type': 'it is about other types of data',
  action: 'it is about other actions',
  purpose: 'it is for other purposes',
  'data-window': 'it is about data of another time, or of when the data is was not said',
  'unknown-clause': 'it says something that is not understood',
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
  const verbs = { permit: 'may', deny: 'may not' }[effect] ?? `is under an unknown rule (${effect}) to`
  if (dataTypes.length === 0) return 'has nothing granted'
  const types = dataTypes === 'all' ? 'all types of data' : list(dataTypes.map((type) => nameFor(type, options)))
  return [
    `${verbs} ${list(actions.map((action) => wordFor(action, ACTION_WORDS)))} ${types}`,
    ` for ${list(purposes.map((purpose) => wordFor(purpose, PURPOSE_WORDS)))} ${explainWindow(access)}`,
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
  const reasons = decision.reasons.map((reason) => explainReason(reason, options))
  const obligations = decision.kind === 'permit' ? decision.obligations.map(explainObligation) : []
  const duties = obligations.length === 0 ? [] : [`To be kept: ${obligations.join('; ')}.`]
  return [explainKind(decision), ...reasons, ...duties].join(' ')
}

function explainKind<T extends string>(decision: Decision<T>): string {
  switch (decision.kind) {
    case 'permit':
      return `Permitted${decision.untilMs === END_OF_TIME_MS ? '' : explainEnd(decision.untilMs)}.`
    case 'deny':
      return 'Denied.'
    case 'indeterminate':
      return 'Not decided; a person has to.'
  }
}

function explainReason<T extends string>(
  { code, clause, grant, height }: Reason<T>,
  options: ExplainOptions<T>,
): string {
  const what = REASON_WORDS[code]
  const place = code === 'unknown-clause' && clause !== undefined ? ` (${clause})` : ''
  if (grant === undefined) return `${capitalise(clause === 'request' ? `the request: ${what}` : what)}${place}.`
  const block = height === undefined ? '' : `, granted in block ${height}`
  const credential = clause === 'credential' ? ' (the credential)' : ''
  return `${explainGrant(grant, options)}${block}: ${what}${place}${credential}.`
}

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

function nameFor<T extends string>(named: Did | T, { nameOf }: ExplainOptions<T>): string {
  return nameOf?.(named) ?? named
}

function wordFor<W extends string>(word: W, words: Readonly<Record<W, string>>): string {
  return Object.hasOwn(words, word) ? words[word] : `"${word}"`
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]!}`
}

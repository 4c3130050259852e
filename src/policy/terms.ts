/**
 * Reading the terms of a grant, one's own or foreign ones.
 *
 * A grant is a closed record. A field, word or form that the library does not know could narrow it, widen it or turn it
 * round, so it is never ignored: {@link createGrant} refuses it, the index keeps it as unknown, and a request that it may
 * concern is answered indeterminate.
 */

import { bitOf, coveredPurposes, isAction, isPurpose, maskOf, UNKNOWN_BIT, wordsIn } from './words.ts'
import {
  ACTIONS,
  END_OF_TIME_MS,
  PURPOSES,
  type Action,
  type Clause,
  type GrantTerms,
  type Obligation,
  type Purpose,
  type TimeWindow,
} from './types.ts'

/** Characters of a type, an organisation or a security label. */
const NAME_LENGTH_MAX = 1_024

/** Terms without their windows, checked, frozen, and ready to be compared. */
export interface Clauses<T extends string> {
  readonly dataTypes: readonly T[] | 'all'
  readonly actions: readonly Action[]
  readonly purposes: readonly Purpose[]
  readonly effect: 'permit' | 'deny'
  readonly obligations: readonly Obligation[]
  /** The actions as bits. */
  readonly actionMask: number
  /** The purposes and whatever is a kind of them, as bits. */
  readonly purposeMask: number
  /** The clause that the library does not understand. */
  readonly unknown?: Clause
  /** Terms with an unknown clause, as they came. */
  readonly source?: GrantTerms<T>
}

/** The first clause that is not as it should be. */
export interface Flaw {
  readonly clause: keyof GrantTerms | 'terms'
  readonly expected: string
}

type Fields = Readonly<Record<string, unknown>>

const TERM_FIELDS = ['dataTypes', 'actions', 'purposes', 'access', 'data', 'effect', 'obligations']
const PARTY_FIELDS = ['patient', 'grantor', 'grantee']
const GRANT_FIELDS = [...TERM_FIELDS, ...PARTY_FIELDS]

/** The one field that each kind of obligation has beside its kind. */
const OBLIGATION_FIELDS = new Map<unknown, string | undefined>([
  ['redact', 'labels'],
  ['notify-patient', undefined],
  ['exclusive-until', 'untilMs'],
  ['delete-after', 'afterMs'],
])

/** Tells whether a value is an object with no fields but these. */
export function hasOnly(value: unknown, names: readonly string[]): value is Fields {
  return typeof value === 'object' && value !== null && Object.keys(value).every((name) => names.includes(name))
}

/** Tells whether a value is a time: whole milliseconds from 1970 on. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= END_OF_TIME_MS
}

/** Tells whether a value is a text that may name a type, an organisation or a security label. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function isWindow(value: unknown): value is TimeWindow {
  if (!hasOnly(value, ['fromMs', 'untilMs'])) return false
  const { fromMs, untilMs } = value
  return isTime(fromMs) && isTime(untilMs) && fromMs < untilMs
}

function isObligation(value: unknown): value is Obligation {
  const { kind } = value as Fields
  const field = OBLIGATION_FIELDS.get(kind)
  if (!hasOnly(value, field === undefined ? ['kind'] : ['kind', field])) return false
  if (field === undefined) return kind === 'notify-patient'
  const content = value[field]
  return kind === 'redact' ? isListOf(content, isName) && (content as unknown[]).length > 0 : isTime(content)
}

/** Returns the first clause of the wrong form, whatever its words say; of terms in a form that can be compared, nothing. */
export function findMalformed(terms: unknown): Flaw | undefined {
  if (!hasOnly(terms, GRANT_FIELDS)) return { clause: 'terms', expected: `no fields but ${GRANT_FIELDS.join(', ')}` }
  const { dataTypes, actions, purposes, access, data, effect = '', obligations = [] } = terms
  const isWord = (item: unknown): boolean => typeof item === 'string'
  if (dataTypes !== 'all' && !isListOf(dataTypes, isName)) return { clause: 'dataTypes', expected: "'all' or types" }
  if (!isListOf(actions, isWord) || (actions as []).length === 0) return { clause: 'actions', expected: 'actions' }
  if (!isListOf(purposes, isWord) || (purposes as []).length === 0) return { clause: 'purposes', expected: 'purposes' }
  if (!isWindow(access)) return { clause: 'access', expected: 'a window whose start is before its end' }
  if (data !== undefined && !isWindow(data))
    return { clause: 'data', expected: 'a window whose start is before its end' }
  if (!isWord(effect)) return { clause: 'effect', expected: "'permit' or 'deny'" }
  if (!isListOf(obligations, (item) => typeof item === 'object' && item !== null)) {
    return { clause: 'obligations', expected: 'obligations' }
  }
  return undefined
}

/** Returns the first clause with a word that the library does not know. */
export function findUnknown<T extends string>(terms: GrantTerms<T>): Flaw | undefined {
  const { actions, purposes, effect = 'permit', obligations = [] } = terms
  if (!actions.every(isAction)) return { clause: 'actions', expected: `only ${ACTIONS.join(', ')}` }
  if (!purposes.every(isPurpose)) return { clause: 'purposes', expected: `only ${PURPOSES.join(', ')}` }
  if (bitOf(effect, ['permit', 'deny']) === UNKNOWN_BIT) return { clause: 'effect', expected: "'permit' or 'deny'" }
  if (!obligations.every(isObligation)) return { clause: 'obligations', expected: 'known obligations' }
  return undefined
}

function copyObligation(obligation: Obligation): Obligation {
  // The kind comes first, so that equal obligations have equal texts.
  const { kind, ...rest } = obligation
  const labels = 'labels' in rest && { labels: Object.freeze([...new Set(rest.labels)].sort()) }
  return Object.freeze({ kind, ...rest, ...labels } as Obligation)
}

function copyObligations(obligations: readonly Obligation[]): readonly Obligation[] {
  return mergeObligations([obligations.map(copyObligation)])
}

/** Returns the obligations of several lists, each once, in the order of their text, so that no history shows. */
export function mergeObligations(lists: readonly (readonly Obligation[])[]): readonly Obligation[] {
  const byText = new Map(lists.flat().map((obligation) => [textOf(obligation), obligation]))
  return Object.freeze([...byText.keys()].sort().map((text) => byText.get(text)!))
}

/** Tells whether each of the obligations is among the others. */
export function areAmong(obligations: readonly Obligation[], others: readonly Obligation[]): boolean {
  const texts = others.map(textOf)
  return obligations.every((obligation) => texts.includes(textOf(obligation)))
}

function textOf(obligation: Obligation): string {
  return JSON.stringify(obligation)
}

/** Returns a frozen copy of a window. */
export function copyWindow({ fromMs, untilMs }: TimeWindow): TimeWindow {
  return Object.freeze({ fromMs, untilMs })
}

/** Returns a frozen copy of foreign data; what is deeper than terms go, or no data, is left out. */
function copyForeign(value: unknown, depth = 4): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value
  if (depth === 0) return undefined
  if (Array.isArray(value)) return Object.freeze(value.map((item) => copyForeign(item, depth - 1)))
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyForeign(item, depth - 1)])),
  )
}

/** Returns a frozen copy of terms in the right form, words in the order of the wire, each once. */
export function createClauses<T extends string>(terms: GrantTerms<T>): Clauses<T> {
  const { dataTypes, effect = 'permit', obligations = [] } = terms
  const actionMask = maskOf(terms.actions, ACTIONS)
  const purposeMask = maskOf(terms.purposes, PURPOSES)
  const unknown = findUnknown(terms)
  return Object.freeze({
    dataTypes: dataTypes === 'all' ? dataTypes : Object.freeze([...new Set(dataTypes)]),
    actions: Object.freeze(wordsIn(actionMask, ACTIONS)),
    purposes: Object.freeze(wordsIn(purposeMask, PURPOSES)),
    effect,
    obligations: unknown === undefined ? copyObligations(obligations) : [],
    actionMask,
    purposeMask: coveredPurposes(purposeMask),
    ...(unknown && { unknown: unknown.clause, source: copyForeign(terms) as GrantTerms<T> }),
  })
}

/** Returns clauses of terms that cannot be compared: they may concern whatever their parties do. */
export function createOpaqueClauses<T extends string>(terms: unknown, unknown: Clause): Clauses<T> {
  const source = copyForeign(terms) as GrantTerms<T>
  const all = { dataTypes: 'all', actions: [], purposes: [], effect: 'permit', obligations: [] } as const
  return Object.freeze({ ...all, actionMask: UNKNOWN_BIT, purposeMask: UNKNOWN_BIT, unknown, source })
}

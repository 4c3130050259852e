/**
 * Reading the terms of a grant, one's own or foreign ones.
 *
 * A grant is a closed record. A field, word or form that the library does not know could narrow it, widen it or turn it
 * round, so it is never ignored: {@link createGrant} refuses it, the index keeps it as unknown, and a request that it may
 * concern is answered indeterminate.
 */

import { coveredPurposes, isAction, isPurpose, maskOf, wordsIn } from './words.ts'
import {
  ACTIONS,
  END_OF_TIME_MS,
  PURPOSES,
  type Action,
  type GrantTerms,
  type Obligation,
  type Purpose,
  type TimeWindow,
} from './types.ts'

/** Characters of a type, an organisation or a security label. */
const NAME_LENGTH_MAX = 1_024

/** What a grant says beside its types and windows: checked, ready to be compared, shared by many grants. */
export interface Clauses {
  readonly actions: readonly Action[]
  readonly purposes: readonly Purpose[]
  readonly effect: 'permit' | 'deny'
  readonly obligations: readonly Obligation[]
  /** The actions as bits. */
  readonly actionMask: number
  /** The purposes and whatever is a kind of them, as bits. */
  readonly purposeMask: number
  /** The clause that the library does not understand. */
  readonly unknown: Flaw | undefined
  /** Terms with an unknown clause as they came, in JSON. */
  readonly source: string | undefined
}

/** A clause that is not as it should be. */
export type Flaw = keyof GrantTerms | 'terms'

/** For building what nobody may change later. */
export type Mutable<V> = { -readonly [K in keyof V]: V[K] }

type Fields = Readonly<Record<string, unknown>>

/** In this order, so that equal obligations have equal texts. */
const OBLIGATION_FIELDS = ['kind', 'labels', 'untilMs', 'afterMs']

/** All time. */
export const ALWAYS: TimeWindow = { fromMs: 0, untilMs: END_OF_TIME_MS }

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Tells whether a value is an object with no fields but these. */
export function hasOnly(value: unknown, names: readonly string[]): value is Fields {
  return isObject(value) && Object.keys(value).every((name) => names.includes(name))
}

/** Tells whether a value is a time: whole milliseconds from 1970 on. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= END_OF_TIME_MS
}

/** Tells whether a value is a text that may name a type, an organisation or a security label. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean, countMin = 0): boolean {
  return Array.isArray(value) && value.length >= countMin && value.every(isItem)
}

function isWindow(value: unknown): value is TimeWindow {
  if (!hasOnly(value, ['fromMs', 'untilMs'])) return false
  const { fromMs, untilMs } = value
  return isTime(fromMs) && isTime(untilMs) && fromMs < untilMs
}

/** Tells whether an object is an obligation that the library knows. */
export function isObligation(value: unknown): value is Obligation {
  const { kind, labels, untilMs, afterMs } = value as Fields
  if (Object.keys(value as Fields).length !== (kind === 'notify-patient' ? 1 : 2)) return false
  if (kind === 'redact') return isListOf(labels, isName, 1)
  if (kind === 'exclusive-until') return isTime(untilMs)
  return kind === 'delete-after' ? isTime(afterMs) : kind === 'notify-patient'
}

type Check = (value: unknown) => boolean

function isListOfNames(value: unknown): boolean {
  return isListOf(value, isName, 1)
}

/** Whether a clause has a form that can be compared, whatever its words say. */
const FORMS: Readonly<Record<keyof GrantTerms, Check>> = {
  dataTypes: (types) => types === 'all' || isListOf(types, (type) => isName(type) && type !== 'all'),
  actions: isListOfNames,
  purposes: isListOfNames,
  access: isWindow,
  data: (window) => window === undefined || isWindow(window),
  effect: (effect) => effect === undefined || typeof effect === 'string',
  obligations: (obligations) => obligations === undefined || isListOf(obligations, isObject),
}

/** Whether a clause of the right form says only what the library knows. */
const WORDS = {
  actions: (actions: unknown) => isListOf(actions, isAction),
  purposes: (purposes: unknown) => isListOf(purposes, isPurpose),
  effect: (effect: unknown) => [undefined, 'permit', 'deny'].includes(effect as string | undefined),
  obligations: (obligations: unknown = []) => isListOf(obligations, isObligation),
}

const GRANT_FIELDS = [...Object.keys(FORMS), 'patient', 'grantor', 'grantee']

/** Returns the first clause of the wrong form, whatever its words say; of terms in a form that can be compared, nothing. */
export function findMalformed(terms: unknown): Flaw | undefined {
  return hasOnly(terms, GRANT_FIELDS) ? findFlaw(FORMS, terms) : 'terms'
}

/** Returns the first clause with a word that the library does not know. */
export function findUnknown(terms: GrantTerms<string>): Flaw | undefined {
  return findFlaw(WORDS, terms)
}

function findFlaw(checks: Readonly<Record<string, Check>>, terms: object): Flaw | undefined {
  return Object.keys(checks).find((clause) => !checks[clause]!((terms as Fields)[clause])) as Flaw | undefined
}

/** Returns what a clause should be, for messages. */
export function expectedOf(flaw: Flaw): string {
  if (flaw === 'terms') return 'no other fields'
  if (flaw === 'dataTypes') return "'all' or types"
  return FORMS[flaw] === isWindow || flaw === 'data' ? 'a window that ends after it begins' : `known ${flaw}`
}

/** Returns frozen copies of obligations, each once, in the order of their text, so that no history shows. */
export function sortObligations(obligations: readonly Obligation[]): readonly Obligation[] {
  const texts = obligations.map((obligation) => JSON.stringify(obligation, OBLIGATION_FIELDS))
  return Object.freeze([...new Set(texts)].sort().map((text) => parseFrozen(text) as Obligation))
}

/** Returns a copy of plain data in which nothing can be changed. */
export function copyFrozen<V>(data: V): V {
  return parseFrozen(JSON.stringify(data)) as V
}

function parseFrozen(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => Object.freeze(value))
}

/** Tells whether each of the obligations is among the others, of which none is there twice. */
export function areAmong(obligations: readonly Obligation[], others: readonly Obligation[]): boolean {
  if (obligations === others || obligations.length === 0) return true
  return sortObligations([...others, ...obligations]).length === others.length
}

/** Tells whether a moment is inside; its end is not. */
export function contains({ fromMs, untilMs }: TimeWindow, atMs: number): boolean {
  return fromMs <= atMs && atMs < untilMs
}

/** Returns what is inside of both; its end is not after its start where nothing is. */
export function intersect(left: TimeWindow, right: TimeWindow): TimeWindow {
  return { fromMs: Math.max(left.fromMs, right.fromMs), untilMs: Math.min(left.untilMs, right.untilMs) }
}

/** Stands for terms that cannot be compared: they may concern whatever their parties do. */
const OPAQUE = { dataTypes: 'all', actions: ['?'], purposes: ['?'], access: ALWAYS } as const

/** Terms as they can be compared. */
export interface ReadTerms<T extends string> {
  readonly dataTypes: readonly T[] | 'all'
  readonly clauses: Clauses
  readonly access: TimeWindow
  readonly data: TimeWindow | undefined
}

/** Ways to use again what was made of equal texts. */
export type Share = <V>(text: string, make: (text: string) => V) => V

/**
 * Reads terms, words in the order of the wire, each once. Total.
 *
 * @param terms - own or foreign
 * @param share - default: makes everything anew
 * @param malformed - the clause that keeps them from being compared; default as {@link findMalformed} says
 */
export function readTerms<T extends string>(
  terms: GrantTerms<T>,
  share: Share = (text, make) => make(text),
  malformed = findMalformed(terms),
): ReadTerms<T> {
  const known: GrantTerms<T> = malformed === undefined ? terms : (OPAQUE as unknown as GrantTerms<T>)
  const { dataTypes, actions, purposes, access, data, effect, obligations } = known
  const unknown = malformed ?? findUnknown(known)
  const make = (): Clauses => createClauses(known, unknown, unknown && toJson(terms))
  return {
    // Read back from text: a string made of pieces or cut from a longer one would keep those alive.
    dataTypes: share(
      JSON.stringify(dataTypes === 'all' ? dataTypes : [...new Set(dataTypes)]),
      (text) => parseFrozen(text) as typeof dataTypes,
    ),
    // What is known is strings and integers only, so that equal texts mean equal terms; of the unknown that is not sure.
    clauses: unknown ? make() : share(JSON.stringify([actions, purposes, effect, obligations]), make),
    access,
    data,
  }
}

function createClauses(terms: GrantTerms<string>, unknown: Flaw | undefined, source: string | undefined): Clauses {
  const { effect = 'permit', obligations = [] } = terms
  const actionMask = maskOf(terms.actions, ACTIONS)
  return {
    actions: wordsIn(actionMask, ACTIONS),
    purposes: wordsIn(maskOf(terms.purposes, PURPOSES), PURPOSES),
    effect,
    obligations: sortObligations(unknown === undefined ? obligations : []),
    actionMask,
    purposeMask: coveredPurposes(terms.purposes),
    unknown,
    source,
  }
}

function toJson(foreign: unknown): string {
  try {
    return JSON.stringify(foreign) ?? '{}'
  } catch {
    // What JSON cannot hold cannot have come off a wire.
    return '{}'
  }
}

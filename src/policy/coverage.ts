/**
 * What somebody may do altogether: for key envelopes, for reverse queries, and for seeing that a new set takes away.
 *
 * Keys know no purpose and no obligation: a type is covered when some purpose is permitted and not denied. What is not
 * understood covers nothing and, like a deny, takes away what it may concern.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { contains } from './evaluate.ts'
import { storeOf, type PolicyIndex, type PolicyStore } from './policy-index.ts'
import {
  ACTIONS,
  END_OF_TIME_MS,
  PURPOSES,
  type Action,
  type Grant,
  type Grantee,
  type HeldCredential,
  type Purpose,
  type TimeWindow,
} from './types.ts'
import type { Clauses } from './terms.ts'
import { bitOf, maskOf, UNKNOWN_BIT } from './words.ts'

/** Which types somebody may use, and until when. */
export interface Coverage<T extends string = DataType> {
  /** Permitted types, in ascending order; `'all'` means each one but those of `except`. */
  readonly dataTypes: readonly T[] | 'all'
  /** Denied by name beside a permit for all. Whoever is covered so must not get the key of all types. */
  readonly except: readonly T[]
  /** First moment at which a type of these may be lost; never later than that. */
  readonly untilMs: number
}

/** Somebody who may read, as {@link whoMayRead} lists. */
export interface Reader<T extends string = DataType> extends Coverage<T> {
  /** A party, or whoever holds a credential of this role. */
  readonly grantee: Grantee
  /** The permits that count now. */
  readonly grants: readonly Grant<T>[]
}

/** Whose coverage, and when. */
export interface CoverageQuery {
  readonly patient: Did
  readonly grantee: Did
  readonly atMs: number
  /** Default access. */
  readonly action?: Action
  /** Of when the data is; default as it is made, so that a data window in the past gives no key of now. */
  readonly dataAtMs?: number
  /** Verified by the caller. */
  readonly credentials?: readonly HeldCredential[]
}

/** Readers of what. */
export interface ReaderQuery<T extends string = DataType> {
  readonly patient: Did
  /** Only readers of this type; of any when absent. */
  readonly dataType?: T
  /** Only readers for this purpose; for any when absent. */
  readonly purpose?: Purpose
  readonly atMs: number
}

/** Changes that are looked at one by one for the end of a coverage; the one after them counts as its end. */
const CHANGES_MAX = 16

const ALL_PURPOSES = maskOf(PURPOSES, PURPOSES)

/** A grant, as far as it may say something on what is asked, and when. */
interface Span<T extends string> {
  readonly record: number
  readonly dataTypes: readonly T[] | 'all'
  readonly permits: boolean
  readonly purposeMask: number
  readonly window: TimeWindow
}

interface Query<T extends string> {
  readonly action: Action
  /** One type, told apart from no other; each when absent. */
  readonly dataType?: T | undefined
  readonly purpose: Purpose | undefined
  /** Data of one moment, data as it is made, or any. */
  readonly data: number | 'as-made' | 'any'
}

function intersect(left: TimeWindow, right: TimeWindow): TimeWindow {
  return { fromMs: Math.max(left.fromMs, right.fromMs), untilMs: Math.min(left.untilMs, right.untilMs) }
}

function spanOf<T extends string>(
  { records }: PolicyStore<T>,
  record: number,
  { action, purpose, data, dataType, credential }: Query<T> & { readonly credential: TimeWindow | undefined },
): Span<T> | undefined {
  const clauses = records.clausesOf(record)
  const dataTypes = typesAmong(clauses, dataType)
  if ((clauses.actionMask & (bitOf(action, ACTIONS) | UNKNOWN_BIT)) === 0) return undefined
  const asked = purpose === undefined ? ALL_PURPOSES : bitOf(purpose, PURPOSES)
  const isUnknown = clauses.unknown !== undefined
  const permits = clauses.effect === 'permit' && !isUnknown
  // An unknown purpose may stand for each of them.
  const purposeMask = asked & ((clauses.purposeMask & UNKNOWN_BIT) === 0 ? clauses.purposeMask : ALL_PURPOSES)
  const dataWindow = records.dataOf(record)
  // Of any data: a deny for some of it leaves the rest.
  if (data === 'any' && dataWindow !== undefined && !permits && !isUnknown) return undefined
  if (typeof data === 'number' && dataWindow !== undefined && !contains(dataWindow, data)) return undefined
  let window = records.accessOf(record)
  if (data === 'as-made' && dataWindow !== undefined) window = intersect(window, dataWindow)
  if (credential !== undefined) window = intersect(window, credential)
  const isEmpty = dataTypes.length === 0 || purposeMask === 0 || window.fromMs >= window.untilMs
  return isEmpty ? undefined : { record, dataTypes, permits, purposeMask, window }
}

function typesAmong<T extends string>({ dataTypes }: Clauses<T>, asked: T | undefined): readonly T[] | 'all' {
  if (asked === undefined) return dataTypes
  return dataTypes === 'all' || dataTypes.includes(asked) ? [asked] : []
}

/** The purposes permitted and denied, of one type or of all. */
interface Tally {
  permitted: number
  denied: number
}

function add<T extends string>(tally: Tally, { permits, purposeMask }: Span<T>): void {
  if (permits) tally.permitted |= purposeMask
  else tally.denied |= purposeMask
}

/** What is covered at a moment: each type that somebody named, and whether the others are. */
function coveredAt<T extends string>(
  spans: readonly Span<T>[],
  atMs: number,
): { readonly others: boolean; readonly named: ReadonlyMap<T, boolean> } {
  const all: Tally = { permitted: 0, denied: 0 }
  const byType = new Map<T, Tally>()
  for (const span of spans) {
    const { dataTypes } = span
    // A type that is named at another time is told apart now as well, so that the end of a coverage can be seen.
    if (dataTypes !== 'all')
      for (const type of dataTypes) if (!byType.has(type)) byType.set(type, { permitted: 0, denied: 0 })
    if (!contains(span.window, atMs)) continue
    if (dataTypes === 'all') add(all, span)
    else for (const type of dataTypes) add(byType.get(type)!, span)
  }
  const isCovered = ({ permitted, denied }: Tally): boolean =>
    ((permitted | all.permitted) & ~(denied | all.denied)) !== 0
  return {
    others: isCovered(all),
    named: new Map([...byType].map(([type, tally]) => [type, isCovered(tally)])),
  }
}

function coverageOf<T extends string>(spans: readonly Span<T>[], atMs: number): Coverage<T> | undefined {
  const { others, named } = coveredAt(spans, atMs)
  const types = [...named.keys()].sort()
  const covered = types.filter((type) => named.get(type))
  if (!others && covered.length === 0) return undefined
  const changes = spans.map(({ permits, window }) => (permits ? window.untilMs : window.fromMs))
  const later = [...new Set(changes)].filter((change) => change > atMs).sort((left, right) => left - right)
  const lost = later.find((change, position) => {
    if (position >= CHANGES_MAX) return true
    const then = coveredAt(spans, change)
    return (others && !then.others) || covered.some((type) => !then.named.get(type))
  })
  return {
    dataTypes: others ? 'all' : covered,
    except: others ? types.filter((type) => !named.get(type)) : [],
    untilMs: lost ?? END_OF_TIME_MS,
  }
}

/**
 * Returns which types a grantee may use at a moment, and until when: what a key envelope for him may hold.
 *
 * The owner is covered for all types without end. Cost: grows with the types that the grants of this pair name.
 *
 * @returns the coverage, or undefined where nothing is covered
 */
export function findCoverage<T extends string = DataType>(
  index: PolicyIndex<T>,
  query: CoverageQuery,
): Coverage<T> | undefined {
  const store = storeOf(index)
  const { patient, grantee, atMs, action = 'access', dataAtMs, credentials = [] } = query
  if (patient === grantee) return { dataTypes: 'all', except: [], untilMs: END_OF_TIME_MS }
  const asked: Query<T> = { action, purpose: undefined, data: dataAtMs ?? 'as-made' }
  const spans = findSpans(store, patient, { grantee, asked })
  for (const { role, organisation, notBeforeMs, notAfterMs } of credentials) {
    if (organisation === null) continue
    const credential = { fromMs: notBeforeMs, untilMs: notAfterMs }
    spans.push(...findSpans(store, patient, { grantee: { role, organisation }, asked, credential }))
  }
  return coverageOf(spans, atMs)
}

function findSpans<T extends string>(
  store: PolicyStore<T>,
  patient: Did,
  via: { readonly grantee: Grantee; readonly asked: Query<T>; readonly credential?: TimeWindow },
): Span<T>[] {
  const { grantee, asked, credential } = via
  return store.recordsOf(patient, grantee).flatMap((record) => spanOf(store, record, { ...asked, credential }) ?? [])
}

/**
 * Lists who may read data of an owner, each with types, end and the grants that count; the owner himself is not listed.
 *
 * Of data of any time. Roles are listed as roles: that a holder of one is denied by name, or somebody named by a role,
 * shows in {@link evaluateAccess} only, which knows who holds what. Cost: grows with the grants of this owner only.
 */
export function whoMayRead<T extends string = DataType>(
  index: PolicyIndex<T>,
  query: ReaderQuery<NoInfer<T>>,
): readonly Reader<T>[] {
  const store = storeOf(index)
  const { patient, dataType, purpose, atMs } = query
  const asked: Query<T> = { action: 'access', dataType, purpose, data: 'any' }
  return store.granteesOf(patient).flatMap((grantee) => {
    const spans = findSpans(store, patient, { grantee, asked })
    const coverage = coverageOf(spans, atMs)
    if (coverage === undefined) return []
    const counting = spans.filter(({ permits, window }) => permits && contains(window, atMs))
    return { grantee, ...coverage, grants: counting.map(({ record }) => store.grantOf(record, patient, grantee)) }
  })
}

/**
 * What somebody may do altogether: for key envelopes, for reverse queries, and for seeing that a new set takes away.
 *
 * Keys know no purpose and no obligation: a type is covered when some purpose is permitted and not denied. What is not
 * understood covers nothing and, like a deny, takes away what it may concern.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { grantOf, storeOf, type Entry, type PolicyIndex } from './policy-index.ts'
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
import { ALWAYS, contains, intersect } from './terms.ts'
import { bitOf, UNKNOWN_BIT } from './words.ts'

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

/** Each word that there is or may be. */
const ALL_BITS: number = UNKNOWN_BIT - 1

/** What is asked of each grant. */
interface Query<T extends string> {
  readonly action: Action
  /** One type; each, told apart, when absent. */
  readonly dataType?: T | undefined
  readonly purpose?: Purpose | undefined
  /** Data of one moment, data as it is made, or any. */
  readonly data: number | 'as-made' | 'any'
}

/** A grant, as far as it may say something on what is asked, and when. */
interface Span<T extends string> {
  readonly entry: Entry<T>
  readonly dataTypes: readonly T[] | 'all'
  readonly permits: boolean
  readonly purposeMask: number
  readonly window: TimeWindow
}

function spanOf<T extends string>(entry: Entry<T>, { action, dataType, purpose, data }: Query<T>): Span<T> | undefined {
  const { clauses } = entry.terms
  const dataWindow = entry.terms.data ?? ALWAYS
  const covers = (mask: number, asked: number): number => asked & ((mask & UNKNOWN_BIT) === 0 ? mask : ALL_BITS)
  const span = {
    entry,
    dataTypes: typesAmong(entry.terms.dataTypes, dataType),
    permits: clauses.effect === 'permit' && clauses.unknown === undefined,
    purposeMask: covers(clauses.purposeMask, purpose === undefined ? ALL_BITS : bitOf(purpose, PURPOSES)),
    window: data === 'as-made' ? intersect(entry.window, dataWindow) : entry.window,
  }
  const isUnrelated =
    span.dataTypes.length === 0 ||
    covers(clauses.actionMask, bitOf(action, ACTIONS)) === 0 ||
    span.purposeMask === 0 ||
    (typeof data === 'number' && !contains(dataWindow, data)) ||
    // Of data of any time, what denies some leaves the rest.
    (data === 'any' && dataWindow !== ALWAYS && !span.permits)
  return isUnrelated ? undefined : span
}

function typesAmong<T extends string>(dataTypes: readonly T[] | 'all', asked: T | undefined): readonly T[] | 'all' {
  if (asked === undefined) return dataTypes
  return dataTypes === 'all' || dataTypes.includes(asked) ? [asked] : []
}

/** The purposes permitted and denied at a moment: of one type, or of all. */
interface Tally {
  permitted: number
  denied: number
}

/** What is covered at a moment: each type that a grant names, at whatever time, and `'all'` for the others. */
function coveredAt<T extends string>(spans: readonly Span<T>[], atMs: number): ReadonlyMap<T | 'all', boolean> {
  const all: Tally = { permitted: 0, denied: 0 }
  const tallies = new Map<T | 'all', Tally>([['all', all]])
  for (const { dataTypes, permits, purposeMask, window } of spans) {
    for (const type of dataTypes === 'all' ? ([dataTypes] as const) : dataTypes) {
      const tally = tallies.get(type) ?? { permitted: 0, denied: 0 }
      tallies.set(type, tally)
      if (contains(window, atMs)) tally[permits ? 'permitted' : 'denied'] |= purposeMask
    }
  }
  return new Map(
    [...tallies].map(([type, { permitted, denied }]) => [
      type,
      ((permitted | all.permitted) & ~(denied | all.denied)) !== 0,
    ]),
  )
}

function coverageOf<T extends string>(spans: readonly Span<T>[], atMs: number): Coverage<T> | undefined {
  const now = coveredAt(spans, atMs)
  const isAll = now.get('all') === true
  const named = [...now.keys()].filter((type) => type !== 'all').sort() as T[]
  const covered = named.filter((type) => now.get(type))
  if (!isAll && covered.length === 0) return undefined
  const changes = spans.map(({ permits, window }) => (permits ? window.untilMs : window.fromMs))
  const later = [...new Set(changes)].filter((change) => atMs < change).sort((left, right) => left - right)
  const lost = later.find((change, position) => {
    const then = coveredAt(spans, change)
    return position >= CHANGES_MAX || [...now].some(([type, isCovered]) => isCovered && !then.get(type))
  })
  return {
    dataTypes: isAll ? 'all' : covered,
    except: isAll ? named.filter((type) => !now.get(type)) : [],
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
  const { patient, grantee, atMs, action = 'access', dataAtMs } = query
  if (patient === grantee) return { dataTypes: 'all', except: [], untilMs: END_OF_TIME_MS }
  const entries = store.entriesOf(patient, grantee, query.credentials)
  return coverageOf(spansOf(entries, { action, data: dataAtMs ?? 'as-made' }), atMs)
}

function spansOf<T extends string>(entries: readonly Entry<T>[], query: Query<T>): readonly Span<T>[] {
  return entries.flatMap((entry) => spanOf(entry, query) ?? [])
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
  return store.pairs.granteesOf(patient).flatMap((grantee) => {
    const spans = spansOf(store.entriesOf(patient, grantee), { action: 'access', dataType, purpose, data: 'any' })
    const coverage = coverageOf(spans, atMs)
    if (coverage === undefined || grantee === patient) return []
    const counting = spans.filter(({ permits, window }) => permits && contains(window, atMs))
    return { grantee, ...coverage, grants: counting.map(({ entry }) => grantOf(patient, entry)) }
  })
}

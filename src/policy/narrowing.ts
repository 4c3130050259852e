/**
 * Whether a new set of grants takes away from the old one.
 */

import { contains } from './evaluate.ts'
import { areAmong, createClauses, createOpaqueClauses, findMalformed, type Clauses } from './terms.ts'
import { END_OF_TIME_MS, type GrantTerms, type TimeWindow } from './types.ts'

const ALWAYS: TimeWindow = { fromMs: 0, untilMs: END_OF_TIME_MS }

interface Terms {
  readonly clauses: Clauses<string>
  readonly types: ReadonlySet<string> | 'all'
  readonly access: TimeWindow
  readonly data: TimeWindow
}

/** Reads terms as they count from a moment on. */
function read(terms: GrantTerms<string>, atMs: number): Terms {
  const malformed = findMalformed(terms)
  if (malformed !== undefined) {
    return { clauses: createOpaqueClauses(terms, malformed.clause), types: 'all', access: ALWAYS, data: ALWAYS }
  }
  const { access, data = ALWAYS } = terms
  const clauses = createClauses(terms)
  const types = clauses.dataTypes === 'all' ? 'all' : new Set(clauses.dataTypes)
  return { clauses, types, access: contains(access, atMs) ? { ...access, fromMs: atMs } : access, data }
}

function isWithin(inner: TimeWindow, outer: TimeWindow): boolean {
  return outer.fromMs <= inner.fromMs && inner.untilMs <= outer.untilMs
}

/** Tells whether `outer` says of one type all that `inner` says. */
function covers(outer: Terms, inner: Terms, type: string): boolean {
  const { actionMask, purposeMask } = outer.clauses
  return (
    (outer.types === 'all' || (type !== 'all' && outer.types.has(type))) &&
    (inner.clauses.actionMask & ~actionMask) === 0 &&
    (inner.clauses.purposeMask & ~purposeMask) === 0 &&
    isWithin(inner.access, outer.access) &&
    isWithin(inner.data, outer.data)
  )
}

/**
 * Tells whether a new set of one grantor to one grantee takes something from the grantee that the old set gave him: a
 * type, an action, a purpose, time, data of some time, or freedom from an obligation; a new deny takes, too.
 *
 * May say yes where nothing is lost (one grant split by purposes or windows, for example), never no where something is.
 *
 * @param sets - `before`, `after`: grants of the two sets; `atMs`: what had ended by then cannot be taken
 */
export function isNarrowing<T extends string>(sets: {
  readonly before: readonly GrantTerms<T>[]
  readonly after: readonly GrantTerms<T>[]
  readonly atMs: number
}): boolean {
  const { before, after, atMs } = sets
  const [given, left] = [before, after].map((set) =>
    set.map((terms) => read(terms, atMs)).filter(({ access }) => atMs < access.untilMs),
  ) as [Terms[], Terms[]]
  if (left.some(({ clauses }) => clauses.unknown !== undefined)) return true
  const denied = given.filter(({ clauses }) => clauses.effect === 'deny' && clauses.unknown === undefined)
  const permitted = given.filter(({ clauses }) => clauses.effect === 'permit' && clauses.unknown === undefined)
  const allows = left.filter(({ clauses }) => clauses.effect === 'permit')
  const denies = left.filter(({ clauses }) => clauses.effect === 'deny')
  return (
    !denies.every((deny) => typesOf(deny).every((type) => denied.some((old) => covers(old, deny, type)))) ||
    !permitted.every((old) =>
      typesOf(old).every((type) => allows.some((permit) => covers(permit, old, type) && asksNoMore(permit, old))),
    )
  )
}

function typesOf({ types }: Terms): readonly string[] {
  return types === 'all' ? ['all'] : [...types]
}

function asksNoMore(permit: Terms, old: Terms): boolean {
  return areAmong(permit.clauses.obligations, old.clauses.obligations)
}

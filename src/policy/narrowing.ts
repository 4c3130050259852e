/**
 * Whether a new set of grants takes away from the old one.
 */

import { ALWAYS, areAmong, intersect, readTerms, type ReadTerms } from './terms.ts'
import type { GrantTerms, TimeWindow } from './types.ts'

type Terms = ReadTerms<string>

/** Reads terms as they count from a moment on. */
function read(terms: GrantTerms<string>, atMs: number): Terms {
  const known = readTerms(terms)
  return { ...known, access: intersect(known.access, { ...ALWAYS, fromMs: atMs }) }
}

function isWithin(inner: TimeWindow, outer: TimeWindow): boolean {
  return outer.fromMs <= inner.fromMs && inner.untilMs <= outer.untilMs
}

/** Tells whether `outer` says all that `inner` says, of the types that both name, and asks no more. */
function says(outer: Terms, inner: Terms): boolean {
  return (
    (inner.clauses.actionMask & ~outer.clauses.actionMask) === 0 &&
    (inner.clauses.purposeMask & ~outer.clauses.purposeMask) === 0 &&
    isWithin(inner.access, outer.access) &&
    isWithin(inner.data ?? ALWAYS, outer.data ?? ALWAYS) &&
    areAmong(outer.clauses.obligations, inner.clauses.obligations)
  )
}

/** Tells whether each type of each of `inner` has its like among `outer`. */
function areCovered(inner: readonly Terms[], outer: readonly Terms[]): boolean {
  return inner.every((terms) => {
    const types = outer.filter((other) => says(other, terms)).map(({ dataTypes }) => dataTypes)
    if (types.includes('all')) return true
    const named = new Set(types.flat())
    return terms.dataTypes !== 'all' && terms.dataTypes.every((type) => named.has(type))
  })
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
  const readAll = (terms: readonly GrantTerms<T>[]): readonly Terms[] =>
    terms.map((each) => read(each, atMs)).filter(({ access }) => atMs < access.untilMs)
  const [old, next] = [readAll(before), readAll(after)]
  // What is not understood gave nothing, and may take.
  if (next.some(({ clauses }) => clauses.unknown !== undefined)) return true
  const known = old.filter(({ clauses }) => clauses.unknown === undefined)
  const withEffect = (terms: readonly Terms[], effect: string): readonly Terms[] =>
    terms.filter(({ clauses }) => clauses.effect === effect)
  return (
    !areCovered(withEffect(known, 'permit'), withEffect(next, 'permit')) ||
    !areCovered(withEffect(next, 'deny'), withEffect(known, 'deny'))
  )
}

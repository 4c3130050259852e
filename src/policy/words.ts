/**
 * The closed lists of actions and purposes as sets of bits, and the is-a tree of purposes (HL7 v3-ActReason).
 *
 * Sets are numbers, bit n standing for wire position n; a word that the library does not know sets {@link UNKNOWN_BIT}
 * and nothing else, so that a set never looks smaller than it is.
 */

import { ACTIONS, PURPOSES, type Action, type Purpose } from './types.ts'

/** A word outside of the list. */
export const UNKNOWN_BIT: number = 2 ** 30

/** What each purpose is a kind of; the others stand alone. */
const BROADER: Partial<Record<Purpose, Purpose>> = {
  COC: 'TREAT',
  ETREAT: 'TREAT',
  BTG: 'ETREAT',
  ERTREAT: 'ETREAT',
  BIORCH: 'HRESCH',
  CLINTRCH: 'HRESCH',
}

/** Tells whether a value is an action that the library knows. */
export function isAction(value: unknown): value is Action {
  return (ACTIONS as readonly unknown[]).includes(value)
}

/** Tells whether a value is a purpose that the library knows. */
export function isPurpose(value: unknown): value is Purpose {
  return (PURPOSES as readonly unknown[]).includes(value)
}

/** Returns the bit of one word. */
export function bitOf(word: string, words: readonly string[]): number {
  const position = words.indexOf(word)
  return position < 0 ? UNKNOWN_BIT : 2 ** position
}

/** Returns the set of several words. */
export function maskOf(members: readonly string[], words: readonly string[]): number {
  return members.reduce((mask, word) => mask | bitOf(word, words), 0)
}

/** Returns the known members of a set, in the order of the wire. */
export function wordsIn<T extends string>(mask: number, words: readonly T[]): readonly T[] {
  return words.filter((_, position) => (mask & (2 ** position)) !== 0)
}

/**
 * Returns the purposes that a grant for the given ones covers: themselves and whatever is a kind of them. TREAT covers
 * ETREAT; ETREAT does not cover TREAT, nor HRESCH TREAT.
 */
export function coveredPurposes(mask: number): number {
  const covered = wordsIn(mask, PURPOSES)
  return PURPOSES.reduce((all, purpose) => {
    for (let kind: Purpose | undefined = purpose; kind !== undefined; kind = BROADER[kind]) {
      if (covered.includes(kind)) return all | bitOf(purpose, PURPOSES)
    }
    return all
  }, mask)
}

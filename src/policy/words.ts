/**
 * The closed lists of actions and purposes as sets of bits, and the is-a tree of purposes (HL7 v3-ActReason).
 *
 * Sets are numbers, bit n standing for wire position n; a word that the library does not know sets {@link UNKNOWN_BIT}
 * and nothing else, so that a set never looks smaller than it is.
 */

import { ACTIONS, PURPOSES, type Action, type Purpose } from './types.ts'

/** A word outside of the list. */
export const UNKNOWN_BIT: number = 2 ** 30

/** The kinds of each purpose that has some, and their kinds. */
const KINDS = new Map<string, readonly Purpose[]>([
  ['TREAT', ['ETREAT', 'BTG', 'ERTREAT', 'COC']],
  ['ETREAT', ['BTG', 'ERTREAT']],
  ['HRESCH', ['BIORCH', 'CLINTRCH']],
])

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

/** Returns the known members of a set, in the order of the wire; frozen. */
export function wordsIn<T extends string>(mask: number, words: readonly T[]): readonly T[] {
  return Object.freeze(words.filter((_, position) => (mask & (2 ** position)) !== 0))
}

/**
 * Returns what a grant for the given purposes covers: themselves and their kinds. TREAT covers ETREAT; ETREAT does not cover
 * TREAT, nor HRESCH TREAT.
 */
export function coveredPurposes(purposes: readonly string[]): number {
  return maskOf(
    purposes.flatMap((purpose) => [purpose, ...(KINDS.get(purpose) ?? [])]),
    PURPOSES,
  )
}

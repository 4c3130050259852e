/**
 * Who is related to whom: parties and roles as small numbers, and each pair of owner and grantee once, found by hash in
 * constant time and listed per owner.
 *
 * Pairs stay when their last grant goes, so that numbers remain valid; one costs 16 bytes and a hash slot or two.
 */

import type { Did } from '../primitives/did.ts'
import { textOf } from './grant.ts'
import type { Grantee } from './types.ts'

/** No record, no pair, no party. */
export const NONE = -1

// The owner comes first.
const GRANTEE = 1
const FIRST_RECORD = 2
const NEXT_OF_PATIENT = 3
const PAIR_INTS = 4

/** Returns an array of numbers with room for `size` of them, the given ones first, the others {@link NONE}. */
export function allocate(size: number, numbers: ArrayLike<number> = []): Int32Array<ArrayBuffer> {
  const array = new Int32Array(size).fill(NONE, numbers.length)
  array.set(numbers)
  return array
}

/** Returns the array, or a larger copy where it has no room for another `count` numbers from `start` on. */
export function withRoom(array: Int32Array<ArrayBuffer>, start: number, count = 1): Int32Array<ArrayBuffer> {
  return start + count > array.length ? allocate(2 * array.length, array) : array
}

/** The pairs of one index. */
export class PairTable {
  readonly #names: Grantee[] = []
  readonly #numbers = new Map<string, number>()
  /** By owner's number. */
  #firstPairs = allocate(16)
  #pairs = allocate(16 * PAIR_INTS)
  #pairCount = 0
  /** Open addressing with two hashes, at most half full; a power of two. */
  #slots = allocate(32)

  /** Returns the number of a party or role, a new one where it was never named. */
  intern(name: Grantee): number {
    const text = textOf(name)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#names.push(typeof name === 'string' ? name : Object.freeze({ ...name })) - 1
    this.#numbers.set(text, number)
    this.#firstPairs = withRoom(this.#firstPairs, number)
    return number
  }

  /** Returns what a number stands for. */
  nameOf(number: number): Grantee {
    return this.#names[number]!
  }

  /** Returns the first record of an owner and a grantee, or NONE. */
  firstRecord(patient: Did, grantee: Grantee): number {
    const owner = this.#numbers.get(patient)
    const other = this.#numbers.get(textOf(grantee))
    if (owner === undefined || other === undefined) return NONE
    const pair = this.#slots[this.#slotOf(owner, other)]!
    return pair === NONE ? NONE : this.#pairs[pair * PAIR_INTS + FIRST_RECORD]!
  }

  /** Makes a record the first one of an owner and a grantee, who need not have been related before. */
  setFirstRecord(patient: Did, grantee: Grantee, record: number): void {
    const owner = this.intern(patient)
    const other = this.intern(grantee)
    const slot = this.#slotOf(owner, other)
    if (this.#slots[slot] === NONE) {
      const pair = this.#pairCount++
      this.#pairs = withRoom(this.#pairs, pair * PAIR_INTS, PAIR_INTS)
      this.#pairs.set([owner, other, record, this.#firstPairs[owner]!], pair * PAIR_INTS)
      this.#firstPairs[owner] = pair
      this.#slots[slot] = pair
      if (2 * this.#pairCount > this.#slots.length) this.#rehash()
    } else this.#pairs[this.#slots[slot]! * PAIR_INTS + FIRST_RECORD] = record
  }

  /** The slot that holds the pair, or the free one where it belongs. */
  #slotOf(owner: number, other: number): number {
    const hash = Math.imul(Math.imul(owner, 0x9e3779b1) ^ other, 0x85ebca6b)
    const mask = this.#slots.length - 1
    // An odd step visits each slot; one that also depends on the pair leaves no runs to lengthen on purpose.
    const step = (Math.imul(hash ^ other, 0xc2b2ae35) >>> 7) | 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (let pair = this.#slots[slot]!; pair !== NONE; pair = this.#slots[slot]!) {
      const start = pair * PAIR_INTS
      if (this.#pairs[start] === owner && this.#pairs[start + GRANTEE] === other) return slot
      slot = (slot + step) & mask
    }
    return slot
  }

  #rehash(): void {
    this.#slots = allocate(2 * this.#slots.length)
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const start = pair * PAIR_INTS
      this.#slots[this.#slotOf(this.#pairs[start]!, this.#pairs[start + GRANTEE]!)] = pair
    }
  }

  /** Lists to whom an owner ever granted something, in the order of names, roles after parties. */
  granteesOf(patient: Did): readonly Grantee[] {
    const owner = this.#numbers.get(patient)
    const grantees: Grantee[] = []
    let pair = owner === undefined ? NONE : this.#firstPairs[owner]!
    for (; pair !== NONE; pair = this.#pairs[pair * PAIR_INTS + NEXT_OF_PATIENT]!) {
      grantees.push(this.nameOf(this.#pairs[pair * PAIR_INTS + GRANTEE]!))
    }
    return grantees.sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1))
  }
}

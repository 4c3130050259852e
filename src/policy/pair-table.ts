/**
 * Who is related to whom: parties and roles as small numbers, and each pair of owner and grantee once, found by hash in
 * constant time and listed per owner.
 *
 * Pairs stay when their last grant goes, so that numbers remain valid; one costs 16 bytes and a hash slot or two.
 */

import type { Did } from '../primitives/did.ts'
import type { Grantee, RoleGrantee } from './types.ts'

/** No record, no pair, no party. */
export const NONE = -1

const PATIENT = 0
const GRANTEE = 1
const FIRST_RECORD = 2
const NEXT_OF_PATIENT = 3
const PAIR_INTS = 4

/** Returns a copy with twice the room, filled up with {@link NONE}. */
export function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length).fill(NONE, array.length)
  larger.set(array)
  return larger
}

/** The pairs of one index. */
export class PairTable {
  readonly #names: Grantee[] = []
  readonly #parties = new Map<string, number>()
  readonly #organisations = new Map<string, Map<string, number>>()
  #pairs = new Int32Array(16 * PAIR_INTS).fill(NONE)
  #pairCount = 0
  /** By patient's number. */
  #firstPairs = new Int32Array(16).fill(NONE)
  /** Open addressing with two hashes, at most half full; a power of two. */
  #slots = new Int32Array(32).fill(NONE)

  /** Returns the number of a party or role, or NONE where it was never named. */
  find(name: Grantee): number {
    const number =
      typeof name === 'string' ? this.#parties.get(name) : this.#organisations.get(name.organisation)?.get(name.role)
    return number ?? NONE
  }

  /** Returns the number of a party or role, a new one where it was never named. */
  intern(name: Grantee): number {
    const found = this.find(name)
    if (found !== NONE) return found
    const number = this.#names.push(typeof name === 'string' ? name : Object.freeze({ ...name })) - 1
    if (number === this.#firstPairs.length) this.#firstPairs = doubled(this.#firstPairs)
    if (typeof name === 'string') this.#parties.set(name, number)
    else this.#internRole(name, number)
    return number
  }

  #internRole({ role, organisation }: RoleGrantee, number: number): void {
    const roles = this.#organisations.get(organisation) ?? new Map<string, number>()
    this.#organisations.set(organisation, roles.set(role, number))
  }

  /** Returns what a number stands for. */
  nameOf(number: number): Grantee {
    return this.#names[number]!
  }

  /** Returns the party that a number stands for. */
  partyOf(number: number): Did {
    return this.#names[number] as Did
  }

  /** Returns the pair of two numbers, or NONE. */
  findPair(patient: number, grantee: number): number {
    if (patient === NONE || grantee === NONE) return NONE
    return this.#slots[this.#slotOf(patient, grantee)]!
  }

  /** Returns the pair of two numbers, a new one where they were never related. */
  internPair(patient: number, grantee: number): number {
    const slot = this.#slotOf(patient, grantee)
    const found = this.#slots[slot]!
    if (found !== NONE) return found
    const pair = this.#pairCount++
    if (pair * PAIR_INTS === this.#pairs.length) this.#pairs = doubled(this.#pairs)
    this.#pairs.set([patient, grantee, NONE, this.#firstPairs[patient]!], pair * PAIR_INTS)
    this.#firstPairs[patient] = pair
    this.#slots[slot] = pair
    if (2 * this.#pairCount > this.#slots.length) this.#rehash()
    return pair
  }

  /** The slot that holds the pair, or the free one where it belongs. */
  #slotOf(patient: number, grantee: number): number {
    const hash = Math.imul(Math.imul(patient, 0x9e3779b1) ^ (grantee + (grantee >>> 7)), 0x85ebca6b)
    const mask = this.#slots.length - 1
    // An odd step visits each slot; one that also depends on the pair leaves no runs to lengthen on purpose.
    const step = (Math.imul(hash ^ grantee, 0xc2b2ae35) >>> 7) | 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (let pair = this.#slots[slot]!; pair !== NONE; pair = this.#slots[slot]!) {
      if (this.#pairs[pair * PAIR_INTS + PATIENT] === patient && this.granteeOf(pair) === grantee) return slot
      slot = (slot + step) & mask
    }
    return slot
  }

  #rehash(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(NONE)
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const slot = this.#slotOf(this.#pairs[pair * PAIR_INTS + PATIENT]!, this.granteeOf(pair))
      this.#slots[slot] = pair
    }
  }

  /** Returns the number of the grantee of a pair. */
  granteeOf(pair: number): number {
    return this.#pairs[pair * PAIR_INTS + GRANTEE]!
  }

  /** Returns the first record of a pair, or NONE. */
  firstRecord(pair: number): number {
    return pair === NONE ? NONE : this.#pairs[pair * PAIR_INTS + FIRST_RECORD]!
  }

  /** Makes a record the first one of a pair. */
  setFirstRecord(pair: number, record: number): void {
    this.#pairs[pair * PAIR_INTS + FIRST_RECORD] = record
  }

  /** Lists the pairs of one owner. */
  *pairsOf(patient: number): Generator<number> {
    if (patient === NONE) return
    for (let pair = this.#firstPairs[patient]!; pair !== NONE; pair = this.#pairs[pair * PAIR_INTS + NEXT_OF_PATIENT]!)
      yield pair
  }
}

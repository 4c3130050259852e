/**
 * Who is related to whom: each pair of owner and grantee once, found in constant time and listed per owner.
 *
 * Pairs stay when their last grant goes, so that lists remain whole; with its parties one costs about 100 bytes.
 */

import type { Did } from '../primitives/did.ts'
import { textOf } from './grant.ts'
import { allocate, withRoom } from './flat-array.ts'
import { NONE, PAIR_GRANTEE, PAIR_INTS, PAIR_NEXT, PAIR_RECORD } from './layout.ts'
import { PartyTable } from './party-table.ts'
import { copyFrozen } from './terms.ts'
import type { Grantee } from './types.ts'

/** The pairs of one index. */
export class PairTable {
  readonly #parties = new PartyTable()
  /** Roles, numbered downwards from below NONE. */
  readonly #roles: Grantee[] = []
  readonly #roleNumbers = new Map<string, number>()
  #pairs = allocate(4 * PAIR_INTS)
  #pairCount = 0
  /** By owner's number, the first one to whom he ever granted something. */
  #grantees = allocate(4)

  #find(name: Grantee): number {
    return typeof name === 'string' ? this.#parties.find(name) : (this.#roleNumbers.get(textOf(name)) ?? NONE)
  }

  /** Returns the number of a party or role, a new one where it was never named. */
  intern(name: Grantee): number {
    if (typeof name === 'string') return this.#parties.intern(name)
    const known = this.#find(name)
    if (known !== NONE) return known
    const number = NONE - this.#roles.push(copyFrozen(name))
    this.#roleNumbers.set(textOf(name), number)
    return number
  }

  /** Returns what a number stands for. */
  nameOf(number: number): Grantee {
    return number < NONE ? this.#roles[NONE - 1 - number]! : this.#parties.nameOf(number)
  }

  /** Returns the first record of an owner and a grantee, or NONE. */
  firstRecord(patient: Did, grantee: Grantee): number {
    const [owner, other] = [this.#find(patient), this.#find(grantee)]
    return owner === NONE || other === NONE ? NONE : this.#pairs[this.#placeOf(owner, other) + PAIR_RECORD]!
  }

  /** Makes a record the first one of an owner and a grantee, who need not have been related before. */
  setFirstRecord(patient: Did, grantee: Grantee, record: number): void {
    const [owner, other] = [this.intern(patient), this.intern(grantee)]
    const place = this.#placeOf(owner, other)
    if (this.#pairs[place] === NONE) {
      this.#grantees = withRoom(this.#grantees, owner, 1)
      this.#pairs.set([owner, other, NONE, this.#grantees[owner]!], place)
      this.#grantees[owner] = other
      this.#pairCount++
    }
    this.#pairs[place + PAIR_RECORD] = record
    if (2 * PAIR_INTS * this.#pairCount > this.#pairs.length) this.#grow()
  }

  #grow(): void {
    const pairs = this.#pairs
    this.#pairs = allocate(2 * pairs.length)
    for (let old = 0; old < pairs.length; old += PAIR_INTS) {
      const pair = pairs.subarray(old, old + PAIR_INTS)
      if (pair[0] !== NONE) this.#pairs.set(pair, this.#placeOf(pair[0]!, pair[PAIR_GRANTEE]!))
    }
  }

  /** Returns where a pair is, or the free place where it belongs. */
  #placeOf(owner: number, other: number): number {
    const pairs = this.#pairs
    const mask = pairs.length - 1
    const hash = Math.imul(Math.imul(owner, 0x9e3779b1) ^ other, 0x85ebca6b)
    // An odd number of places visits each of them.
    const step = PAIR_INTS * ((hash >>> 7) | 1)
    let place = (PAIR_INTS * (hash ^ (hash >>> 15))) & mask
    while (pairs[place] !== NONE && (pairs[place] !== owner || pairs[place + PAIR_GRANTEE] !== other)) {
      place = (place + step) & mask
    }
    return place
  }

  /** Lists to whom an owner ever granted something, in the order of names, roles after parties. */
  granteesOf(patient: Did): readonly Grantee[] {
    const grantees: Grantee[] = []
    const owner = this.#find(patient)
    let other = this.#grantees[owner] ?? NONE
    for (; other !== NONE; other = this.#pairs[this.#placeOf(owner, other) + PAIR_NEXT]!)
      grantees.push(this.nameOf(other))
    return grantees.sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1))
  }
}

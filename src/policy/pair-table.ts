/**
 * Who is related to whom: each pair of owner and grantee once, found in constant time and listed per owner.
 *
 * Pairs stay when their last grant goes, so that lists remain whole; with its parties one costs about 100 bytes.
 */

import type { Did } from '../primitives/did.ts'
import { textOf } from './grant.ts'
import { allocate, findPlace, withFreePlaces } from './hash-table.ts'
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
  #pairs = allocate(16 * PAIR_INTS)
  #pairCount = 0

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
      this.#pairs.set([owner, other, NONE, this.#parties.granteeOf(owner)], place)
      this.#parties.setGrantee(owner, other)
      this.#pairCount++
    }
    this.#pairs[place + PAIR_RECORD] = record
    this.#pairs = withFreePlaces(this.#pairs, PAIR_INTS, this.#pairCount, (old) =>
      hashOf(this.#pairs[old]!, this.#pairs[old + PAIR_GRANTEE]!),
    )
  }

  #placeOf(owner: number, other: number): number {
    const pairs = this.#pairs
    return findPlace(
      pairs,
      PAIR_INTS,
      hashOf(owner, other),
      (place) => pairs[place] === owner && pairs[place + PAIR_GRANTEE] === other,
    )
  }

  /** Lists to whom an owner ever granted something, in the order of names, roles after parties. */
  granteesOf(patient: Did): readonly Grantee[] {
    const grantees: Grantee[] = []
    const owner = this.#find(patient)
    let other = owner === NONE ? NONE : this.#parties.granteeOf(owner)
    for (; other !== NONE; other = this.#pairs[this.#placeOf(owner, other) + PAIR_NEXT]!)
      grantees.push(this.nameOf(other))
    return grantees.sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1))
  }
}

function hashOf(owner: number, other: number): number {
  return Math.imul(Math.imul(owner, 0x9e3779b1) ^ other, 0x85ebca6b)
}

/**
 * Parties as small numbers. What differs between two dids lies in 64 bytes of a flat array, not in a string of its own.
 */

import type { Did } from '../primitives/did.ts'
import { allocate, findPlace, withFreePlaces, withRoom } from './hash-table.ts'
import {
  DID_LENGTH,
  DID_PREFIX,
  DID_PREFIX_LENGTH,
  NONE,
  PARTY_BYTES,
  PARTY_GRANTEE,
  PARTY_INTS,
  SLOT_INTS,
} from './layout.ts'

/** The parties of one index. */
export class PartyTable {
  #parties = allocate(16 * PARTY_INTS)
  #characters = new Uint8Array(this.#parties.buffer)
  #count = 0
  /** Number and hash in turn. */
  #slots = allocate(32 * SLOT_INTS)

  /** Returns the number of a party, or NONE where it was never named. */
  find(party: string): number {
    return party.length === DID_LENGTH && party.startsWith(DID_PREFIX)
      ? this.#slots[this.#slotOf(party, hashOf(party))]!
      : NONE
  }

  /** Returns the number of a party, a new one where it was never named. */
  intern(party: Did): number {
    const hash = hashOf(party)
    const slot = this.#slotOf(party, hash)
    if (this.#slots[slot] !== NONE) return this.#slots[slot]!
    const number = this.#count++
    this.#parties = withRoom(this.#parties, number * PARTY_INTS, PARTY_INTS)
    this.#characters = new Uint8Array(this.#parties.buffer)
    for (let position = DID_PREFIX_LENGTH; position < DID_LENGTH; position++) {
      this.#characters[number * PARTY_BYTES + position - DID_PREFIX_LENGTH] = party.charCodeAt(position)
    }
    this.#slots.set([number, hash], slot)
    this.#slots = withFreePlaces(this.#slots, SLOT_INTS, this.#count, (old) => this.#slots[old + 1]!)
    return number
  }

  #slotOf(party: string, hash: number): number {
    return findPlace(this.#slots, SLOT_INTS, hash, (slot) => {
      if (this.#slots[slot + 1] !== hash) return false
      const start = this.#slots[slot]! * PARTY_BYTES - DID_PREFIX_LENGTH
      let position = DID_PREFIX_LENGTH
      while (this.#characters[start + position] === party.charCodeAt(position)) position++
      return position >= DID_LENGTH
    })
  }

  /** Returns the did of a number. */
  nameOf(number: number): Did {
    const start = number * PARTY_BYTES
    const characters = this.#characters.subarray(start, start + DID_LENGTH - DID_PREFIX_LENGTH)
    return (DID_PREFIX + String.fromCharCode(...characters)) as Did
  }

  /** Returns the number of a party's first grantee, or NONE. */
  granteeOf(number: number): number {
    return this.#parties[number * PARTY_INTS + PARTY_GRANTEE]!
  }

  /** Makes a grantee the first one of a party. */
  setGrantee(number: number, grantee: number): void {
    this.#parties[number * PARTY_INTS + PARTY_GRANTEE] = grantee
  }
}

function hashOf(party: string): number {
  let hash = 0
  for (let position = DID_PREFIX_LENGTH; position < party.length; position++) {
    hash = Math.imul(hash ^ party.charCodeAt(position), 0x01000193)
  }
  return hash ^ (hash >>> 15)
}

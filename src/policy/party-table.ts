/**
 * Parties as small numbers. What differs between two dids lies in 64 bytes beside the number's other data, not in a string
 * of its own.
 */

import type { Did } from '../primitives/did.ts'
import { allocate, findPlace, NONE, withFreePlaces, withRoom } from './hash-table.ts'

/** What all dids of signing keys begin with, and the number of characters after it. */
const PREFIX = 'did:key:zQ3s'
const CHARACTERS = 45

const PARTY_INTS = 16
const PARTY_BYTES = 64
/** The last integer of a party is free for its owner's use. */
const EXTRA = 15

const SLOT_INTS = 2

/** The parties of one index. */
export class PartyTable {
  #parties = allocate(16 * PARTY_INTS)
  #characters = new Uint8Array(this.#parties.buffer)
  #count = 0
  /** Number and hash in turn. */
  #slots = allocate(32 * SLOT_INTS)

  /** Returns the number of a party, or NONE where it was never named. Total. */
  find(party: string): number {
    return party.length === PREFIX.length + CHARACTERS && party.startsWith(PREFIX)
      ? this.#slots[this.#slotOf(party, hashOf(party))]!
      : NONE
  }

  /** Returns the number of a party, a new one where it was never named. */
  intern(party: Did): number {
    const found = this.find(party)
    if (found !== NONE) return found
    const hash = hashOf(party)
    const number = this.#count++
    this.#parties = withRoom(this.#parties, number * PARTY_INTS, PARTY_INTS)
    this.#characters = new Uint8Array(this.#parties.buffer)
    for (let position = 0; position < CHARACTERS; position++) {
      this.#characters[number * PARTY_BYTES + position] = party.charCodeAt(PREFIX.length + position)
    }
    this.#slots.set([number, hash], this.#slotOf(party, hash))
    this.#slots = withFreePlaces(this.#slots, SLOT_INTS, this.#count, (slot) => this.#slots[slot + 1]!)
    return number
  }

  #slotOf(party: string, hash: number): number {
    return findPlace(this.#slots, SLOT_INTS, hash, (slot) => {
      if (this.#slots[slot + 1] !== hash) return false
      const start = this.#slots[slot]! * PARTY_BYTES
      let position = 0
      while (this.#characters[start + position] === party.charCodeAt(PREFIX.length + position)) position++
      return position >= CHARACTERS
    })
  }

  /** Returns the did of a number. */
  nameOf(number: number): Did {
    const start = number * PARTY_BYTES
    return (PREFIX + String.fromCharCode(...this.#characters.subarray(start, start + CHARACTERS))) as Did
  }

  /** Returns what was kept beside a party, or NONE. */
  extraOf(number: number): number {
    return this.#parties[number * PARTY_INTS + EXTRA]!
  }

  /** Keeps an integer beside a party. */
  setExtra(number: number, extra: number): void {
    this.#parties[number * PARTY_INTS + EXTRA] = extra
  }
}

function hashOf(party: string): number {
  let hash = 0
  for (let position = PREFIX.length; position < party.length; position++) {
    hash = Math.imul(hash ^ party.charCodeAt(position), 0x01000193)
  }
  return hash ^ (hash >>> 15)
}

/**
 * Parties as small numbers, in a hash table of one cache line for each: at a million grants most of a decision would be
 * waiting for memory behind strings and map entries.
 *
 * Open addressing, at most half full. Anybody may make up dids with equal hashes, so a second hash says where to look
 * next: a search is long only for texts that agree in both, of which there are few to be found.
 */

import type { Did } from '../primitives/did.ts'
import { allocate, withRoom } from './flat-array.ts'
import { DID_LENGTH, DID_PREFIX, DID_PREFIX_LENGTH, NONE, PARTY_INTS, PARTY_NUMBER, TEXT_INTS } from './layout.ts'

/** The parties of one index. */
export class PartyTable {
  #parties = allocate(8 * PARTY_INTS)
  #count = 0
  /** Places of parties by number. */
  #places = allocate(4)
  /** What differs between dids, of the one that is being looked for. */
  readonly #text = new Int32Array(TEXT_INTS)
  /** Clamped, since a character of more than a byte may not pass for another one. */
  readonly #characters = new Uint8ClampedArray(this.#text.buffer)

  /** Returns the number of a party, or NONE where it was never named. */
  find(party: string): number {
    return party.length === DID_LENGTH && party.startsWith(DID_PREFIX)
      ? this.#parties[this.#placeOf(party) + PARTY_NUMBER]!
      : NONE
  }

  /** Returns the number of a party, a new one where it was never named. */
  intern(party: Did): number {
    let place = this.#placeOf(party)
    const found = this.#parties[place + PARTY_NUMBER]!
    if (found !== NONE) return found
    const number = this.#count++
    if (2 * PARTY_INTS * this.#count > this.#parties.length) {
      this.#grow()
      place = this.#placeOf(party)
    }
    this.#parties.set(this.#text, place)
    this.#parties[place + PARTY_NUMBER] = number
    this.#places = withRoom(this.#places, number, 1)
    this.#places[number] = place
    return number
  }

  #grow(): void {
    const parties = this.#parties
    this.#parties = allocate(2 * parties.length)
    for (let number = 0; number < this.#count - 1; number++) {
      const old = this.#places[number]!
      this.#text.set(parties.subarray(old, old + TEXT_INTS))
      const place = this.#placeOfText()
      this.#parties.set(parties.subarray(old, old + PARTY_INTS), place)
      this.#places[number] = place
    }
  }

  #placeOf(party: string): number {
    for (let position = DID_PREFIX_LENGTH; position < DID_LENGTH; position++) {
      this.#characters[position - DID_PREFIX_LENGTH] = party.charCodeAt(position)
    }
    return this.#placeOfText()
  }

  /** Returns where the text is, or the free place where it belongs. */
  #placeOfText(): number {
    const parties = this.#parties
    const mask = parties.length - 1
    let place = (PARTY_INTS * hashOf(this.#text, 0x9e3779b1)) & mask
    let step = 0
    while (parties[place + PARTY_NUMBER] !== NONE && !this.#isAt(place)) {
      // An odd number of places visits each of them.
      step ||= PARTY_INTS * (hashOf(this.#text, 0x85ebca6b) | 1)
      place = (place + step) & mask
    }
    return place
  }

  #isAt(place: number): boolean {
    let at = 0
    while (at < TEXT_INTS && this.#parties[place + at] === this.#text[at]) at++
    return at === TEXT_INTS
  }

  /** Returns the did of a number. */
  nameOf(number: number): Did {
    const place = this.#places[number]!
    const bytes = new Uint8Array(this.#parties.buffer, 4 * place, DID_LENGTH - DID_PREFIX_LENGTH)
    return (DID_PREFIX + String.fromCharCode(...bytes)) as Did
  }
}

function hashOf(text: Int32Array, factor: number): number {
  let hash = 0
  for (const word of text) {
    hash = Math.imul(hash ^ word, factor)
    hash ^= hash >>> 15
  }
  return hash
}

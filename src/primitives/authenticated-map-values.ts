/**
 * The values of the authenticated map: byte strings of any length in pages, written one behind the other.
 *
 * A value stands in a cell: owner, length, bytes, padded to eight. Freed cells are not looked for again; a page of which
 * less than three quarters live is copied to the end and dropped. So the bytes held are at most 4/3 of the live cells (and
 * two pages), whatever the sizes of the values do over time; a free list per size could not promise that.
 */

import { rejectArgument } from '../errors.ts'
import type { Bytes } from './bytes.ts'

const UNIT_BYTES = 8
const HEAD_BYTES = 8
const UNIT_SHIFT = 15
const UNIT_MASK = (1 << UNIT_SHIFT) - 1
const PAGE_BYTES_MIN = 1_024
/** As many units as an address can tell apart. */
const PAGE_BYTES_MAX: number = UNIT_BYTES << UNIT_SHIFT
/** A larger cell gets a page of its own: it is not worth copying, and would leave a large rest at the end of a page. */
const CELL_BYTES_MAX: number = PAGE_BYTES_MAX / 16
/** Addresses have 32 bits. */
const PAGES_MAX: number = 2 ** 32 / (UNIT_MASK + 1)
/** In the place of the owner. */
const FREED = 0xffffffff

/** Page and unit of a cell, 32 bits. */
export type Address = number

interface Page {
  readonly words: Uint32Array
  readonly bytes: Bytes
  used: number
  live: number
}

function createPage(byteCount: number): Page {
  const bytes = new Uint8Array(byteCount)
  return { bytes, words: new Uint32Array(bytes.buffer), used: 0, live: 0 }
}

function cellBytes(length: number): number {
  return HEAD_BYTES + Math.ceil(length / UNIT_BYTES) * UNIT_BYTES
}

/** Byte strings, each with an owner who is told when its value moves. */
export class ValueArena {
  readonly #move: (owner: number, to: Address) => void
  readonly #pages: (Page | undefined)[] = []
  readonly #freePages: number[] = []
  /** Where new cells go. */
  #active: number
  /** Size of the next page. Never shrinks: what lived in a page then always fits into a new one. */
  #pageBytes = PAGE_BYTES_MIN

  /** Makes an empty arena; `move` is called for each value that gets another address. */
  constructor(move: (owner: number, to: Address) => void) {
    this.#move = move
    this.#active = this.#openPage(this.#pageBytes)
  }

  /** Bytes of all pages. */
  get byteCount(): number {
    return this.#pages.reduce((sum, page) => sum + (page?.bytes.length ?? 0), 0)
  }

  /** Stores a copy of the value. */
  write(owner: number, value: Uint8Array): Address {
    const size = cellBytes(value.length)
    if (size > CELL_BYTES_MAX) return this.#place(this.#openPage(size), owner, value)
    if (this.#page(this.#active).used + size > this.#page(this.#active).bytes.length) this.#turnPage(size)
    return this.#place(this.#active, owner, value)
  }

  /** Writes another value of the same cell size in the same place; tells whether the size was the same. */
  overwrite(address: Address, value: Uint8Array): boolean {
    const page = this.#page(address >>> UNIT_SHIFT)
    const unit = address & UNIT_MASK
    const length = page.words[unit * 2 + 1] as number
    if (cellBytes(length) !== cellBytes(value.length)) return false
    page.words[unit * 2 + 1] = value.length
    page.bytes.set(value, unit * UNIT_BYTES + HEAD_BYTES)
    return true
  }

  /** The stored bytes themselves. Valid until the next `write` or `free`. */
  view(address: Address): Bytes {
    const page = this.#page(address >>> UNIT_SHIFT)
    const unit = address & UNIT_MASK
    const start = unit * UNIT_BYTES + HEAD_BYTES
    return page.bytes.subarray(start, start + (page.words[unit * 2 + 1] as number))
  }

  /** Gives a value up. */
  free(address: Address): void {
    const number = address >>> UNIT_SHIFT
    const page = this.#page(number)
    const unit = address & UNIT_MASK
    page.live -= cellBytes(page.words[unit * 2 + 1] as number)
    page.words[unit * 2] = FREED
    if (number !== this.#active && page.live * 4 < page.bytes.length * 3) this.#compact(number)
  }

  #page(number: number): Page {
    return this.#pages[number] as Page
  }

  #openPage(byteCount: number): number {
    const number = this.#freePages.pop() ?? this.#pages.length
    if (number >= PAGES_MAX) rejectArgument('value', `a map of at most ${PAGES_MAX} pages`, 'a full one')
    this.#pages[number] = createPage(byteCount)
    return number
  }

  #place(number: number, owner: number, value: Uint8Array): Address {
    const page = this.#page(number)
    const unit = page.used / UNIT_BYTES
    page.words[unit * 2] = owner
    page.words[unit * 2 + 1] = value.length
    page.bytes.set(value, page.used + HEAD_BYTES)
    page.used += cellBytes(value.length)
    page.live += cellBytes(value.length)
    return number * (UNIT_MASK + 1) + unit
  }

  /** Starts a new page, with room for what lives in the old one, should that be copied, and for the next cell. */
  #turnPage(size: number): void {
    const former = this.#active
    const page = this.#page(former)
    const wanted = Math.min(PAGE_BYTES_MAX, Math.max(page.live * 2, size * 4))
    while (this.#pageBytes < wanted) this.#pageBytes *= 2
    this.#active = this.#openPage(this.#pageBytes)
    if (page.live * 4 < page.bytes.length * 3) this.#compact(former)
  }

  /** Copies what lives in a page to the end and drops the page. */
  #compact(number: number): void {
    const { words, bytes, used } = this.#page(number)
    for (let offset = 0; offset < used;) {
      const [owner, length] = [words[offset / 4] as number, words[offset / 4 + 1] as number]
      const start = offset + HEAD_BYTES
      if (owner !== FREED) this.#move(owner, this.write(owner, bytes.subarray(start, start + length)))
      offset += cellBytes(length)
    }
    this.#pages[number] = undefined
    this.#freePages.push(number)
  }
}

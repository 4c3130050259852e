/**
 * One record of 48 bytes for each grant in force: its windows, its height, its grantor and the next record of the same
 * pair, beside a reference to clauses that many grants share. A million grants fit into a phone's memory, and looking at
 * one touches one or two cache lines.
 */

import { doubled, NONE } from './pair-table.ts'
import type { Clauses } from './terms.ts'
import type { TimeWindow } from './types.ts'

const ACCESS_FROM = 0
const ACCESS_UNTIL = 1
const DATA_FROM = 2
const DATA_UNTIL = 3
const HEIGHT = 4
const DOUBLES = 6

// The sixth double holds two integers.
const NEXT = 10
const GRANTOR = 11
const INTS = 12

/** In the place of a time or a height that there is not. */
const ABSENT = -1

/** What one record holds. */
export interface RecordFields<T extends string> {
  readonly clauses: Clauses<T>
  readonly access: TimeWindow
  readonly data: TimeWindow | undefined
  readonly grantor: number
  readonly height: number | undefined
}

/** The records of one index. */
export class RecordTable<T extends string> {
  #ints = new Int32Array(16 * INTS)
  #doubles = new Float64Array(this.#ints.buffer)
  readonly #clauses: (Clauses<T> | undefined)[] = []
  /** First of the records that were removed and wait to be used again. */
  #free = NONE
  #count = 0

  /** Records in use. */
  get count(): number {
    return this.#count
  }

  /** Stores a record in front of another one and returns its number. */
  insert({ clauses, access, data, grantor, height }: RecordFields<T>, next: number): number {
    const record = this.#allocate()
    const doubles = record * DOUBLES
    this.#doubles[doubles + ACCESS_FROM] = access.fromMs
    this.#doubles[doubles + ACCESS_UNTIL] = access.untilMs
    this.#doubles[doubles + DATA_FROM] = data?.fromMs ?? ABSENT
    this.#doubles[doubles + DATA_UNTIL] = data?.untilMs ?? ABSENT
    this.#doubles[doubles + HEIGHT] = height ?? ABSENT
    this.#ints[record * INTS + GRANTOR] = grantor
    this.setNext(record, next)
    this.#clauses[record] = clauses
    this.#count++
    return record
  }

  /** Gives a record's place free. */
  remove(record: number): void {
    this.setNext(record, this.#free)
    this.#clauses[record] = undefined
    this.#free = record
    this.#count--
  }

  #allocate(): number {
    const record = this.#free
    if (record !== NONE) {
      this.#free = this.next(record)
      return record
    }
    const fresh = this.#clauses.push(undefined) - 1
    if (fresh * INTS === this.#ints.length) {
      this.#ints = doubled(this.#ints)
      this.#doubles = new Float64Array(this.#ints.buffer)
    }
    return fresh
  }

  /** Returns the next record of the same pair, or NONE. */
  next(record: number): number {
    return this.#ints[record * INTS + NEXT]!
  }

  /** Changes what follows a record. */
  setNext(record: number, next: number): void {
    this.#ints[record * INTS + NEXT] = next
  }

  /** Returns the number of the grantor. */
  grantorOf(record: number): number {
    return this.#ints[record * INTS + GRANTOR]!
  }

  /** Returns what the grant says beside its windows. */
  clausesOf(record: number): Clauses<T> {
    return this.#clauses[record]!
  }

  /** Returns the access window. */
  accessOf(record: number): TimeWindow {
    return this.#windowAt(record * DOUBLES + ACCESS_FROM)!
  }

  /** Returns the data window. */
  dataOf(record: number): TimeWindow | undefined {
    return this.#windowAt(record * DOUBLES + DATA_FROM)
  }

  #windowAt(offset: number): TimeWindow | undefined {
    const fromMs = this.#doubles[offset]!
    return fromMs === ABSENT ? undefined : { fromMs, untilMs: this.#doubles[offset + 1]! }
  }

  /** Returns the height of the block that made the grant. */
  heightOf(record: number): number | undefined {
    const height = this.#doubles[record * DOUBLES + HEIGHT]!
    return height === ABSENT ? undefined : height
  }
}

/**
 * One record of 48 bytes for each grant in force: its windows, its height, its grantor and the next record of the same
 * pair, beside references to types and clauses that many grants share. A million grants fit into a phone's memory, and looking at
 * one touches one or two cache lines.
 */

import { allocate, withRoom } from './flat-array.ts'
import { NONE, RECORD_DATA, RECORD_DOUBLES, RECORD_GRANTOR, RECORD_HEIGHT, RECORD_INTS, RECORD_NEXT } from './layout.ts'
import type { Clauses, ReadTerms } from './terms.ts'

/** What one record holds. */
export interface RecordFields<T extends string> extends ReadTerms<T> {
  readonly height: number | undefined
  /** The grantor's number; NONE where it is the owner. */
  readonly grantor: number
}

/** The records of one index. */
export class RecordTable<T extends string> {
  #ints = allocate(2 * RECORD_INTS)
  #doubles = new Float64Array(this.#ints.buffer)
  /** Types and clauses in turn. */
  readonly #shared: (readonly T[] | 'all' | Clauses | undefined)[] = []
  /** Records that were removed and wait to be used again. */
  readonly #free: number[] = []

  /** Records in use. */
  get count(): number {
    return this.#shared.length / 2 - this.#free.length
  }

  /** Stores a record and returns its number. */
  insert({ dataTypes, clauses, access, data }: ReadTerms<T>, grantor: number, height = NONE): number {
    const record = this.#free.pop() ?? this.#shared.length / 2
    this.#ints = withRoom(this.#ints, record * RECORD_INTS, RECORD_INTS)
    if (this.#doubles.buffer !== this.#ints.buffer) this.#doubles = new Float64Array(this.#ints.buffer)
    const { fromMs = NONE, untilMs = NONE } = data ?? {}
    this.#doubles.set([access.fromMs, access.untilMs, fromMs, untilMs, height], record * RECORD_DOUBLES)
    this.#ints[record * RECORD_INTS + RECORD_GRANTOR] = grantor
    this.#shared[2 * record] = dataTypes
    this.#shared[2 * record + 1] = clauses
    return record
  }

  /** Gives a record's place free. */
  remove(record: number): void {
    this.#shared.fill(undefined, 2 * record, 2 * record + 2)
    this.#free.push(record)
  }

  /** Returns what a record holds. */
  read(record: number): RecordFields<T> {
    const [doubles, start] = [this.#doubles, record * RECORD_DOUBLES]
    const dataFromMs = doubles[start + RECORD_DATA]!
    const height = doubles[start + RECORD_HEIGHT]!
    return {
      dataTypes: this.#shared[2 * record] as readonly T[] | 'all',
      clauses: this.#shared[2 * record + 1] as Clauses,
      access: { fromMs: doubles[start]!, untilMs: doubles[start + 1]! },
      data: dataFromMs === NONE ? undefined : { fromMs: dataFromMs, untilMs: doubles[start + RECORD_DATA + 1]! },
      height: height === NONE ? undefined : height,
      grantor: this.#ints[record * RECORD_INTS + RECORD_GRANTOR]!,
    }
  }

  /** Makes records follow one another, and returns the first, or NONE. */
  link(records: readonly number[]): number {
    records.forEach((record, place) => {
      this.#ints[record * RECORD_INTS + RECORD_NEXT] = records[place + 1] ?? NONE
    })
    return records[0] ?? NONE
  }

  /** Returns the next record of the same pair, or NONE. */
  next(record: number): number {
    return this.#ints[record * RECORD_INTS + RECORD_NEXT]!
  }
}

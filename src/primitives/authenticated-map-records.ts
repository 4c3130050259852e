/**
 * Records of fixed size in flat pages, numbered from 1: the nodes of the authenticated map without an object for each.
 *
 * A million nodes as objects cost some 900 MB, as records what their fields take. Pages grow one at a time, so that growing
 * never holds the data twice; only the first page starts small and doubles, for the many maps that stay small.
 */

const PAGE_SHIFT = 12
const PAGE_RECORDS = 1 << PAGE_SHIFT
const PAGE_MASK = PAGE_RECORDS - 1
const FIRST_PAGE_RECORDS = 32

/** Number of a record; 0 is no record. */
export type RecordNumber = number

/** Words of 32 bits that can be read as bytes too; a freed record is used again before a new one is made. */
export class RecordPool {
  readonly #recordWords: number
  readonly #words: Uint32Array[] = []
  readonly #bytes: Uint8Array[] = []
  /** The next record that was never used. */
  #next = 1
  #inUse = 0
  /** The record freed last; its first word names the one freed before. */
  #free = 0

  /** Makes a pool of records of that many words. */
  constructor(recordWords: number) {
    this.#recordWords = recordWords
    this.#setPage(0, FIRST_PAGE_RECORDS)
  }

  #setPage(page: number, records: number): void {
    const words = new Uint32Array(records * this.#recordWords)
    const former = this.#words[page]
    if (former !== undefined) words.set(former)
    this.#words[page] = words
    this.#bytes[page] = new Uint8Array(words.buffer)
  }

  /** How many records are allocated and not released. */
  get inUse(): number {
    return this.#inUse
  }

  /** Returns the number of a record with unspecified contents. */
  allocate(): RecordNumber {
    this.#inUse++
    if (this.#free !== 0) {
      const record = this.#free
      this.#free = this.getWord(record, 0)
      return record
    }
    const record = this.#next++
    const page = record >>> PAGE_SHIFT
    const words = this.#words[page]
    if (words === undefined) this.#setPage(page, PAGE_RECORDS)
    else if (record * this.#recordWords >= words.length && page === 0)
      this.#setPage(0, Math.min(record * 2, PAGE_RECORDS))
    return record
  }

  /** Gives a record back. */
  release(record: RecordNumber): void {
    this.#inUse--
    this.setWord(record, 0, this.#free)
    this.#free = record
  }

  /** One word of a record. */
  getWord(record: RecordNumber, word: number): number {
    const words = this.#words[record >>> PAGE_SHIFT] as Uint32Array
    return words[(record & PAGE_MASK) * this.#recordWords + word] as number
  }

  /** Writes one word of a record. */
  setWord(record: RecordNumber, word: number, value: number): void {
    const words = this.#words[record >>> PAGE_SHIFT] as Uint32Array
    words[(record & PAGE_MASK) * this.#recordWords + word] = value
  }

  /** The page of a record as bytes. Valid until the next `allocate`. */
  bytesOf(record: RecordNumber): Uint8Array {
    return this.#bytes[record >>> PAGE_SHIFT] as Uint8Array
  }

  /** Where a word of the record starts in its page, in bytes. */
  offsetOf(record: RecordNumber, word: number): number {
    return ((record & PAGE_MASK) * this.#recordWords + word) * 4
  }
}

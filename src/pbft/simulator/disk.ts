/**
 * A simulated disk: appended records become durable when a sync ends; a crash loses what was not synced, except perhaps its
 * beginning, since a disk may have written more than it confirmed, and the last of these only in part. Bits may rot.
 *
 * A real store keeps a digest beside each record and finds damage by it; here the damaged records are marked.
 */

import type { LogRecord } from '../types.ts'

/** What a restart finds. */
export interface FoundLog {
  readonly records: readonly LogRecord[]
  /** A record before the tail is damaged: the memory of votes is lost. */
  readonly isDamaged: boolean
}

/** The log of one replica. */
export class Disk {
  #records: LogRecord[] = []
  #durable = -1
  /** Index of a record that was written only in part. */
  #torn: number | undefined
  /** Index of a record that rotted. */
  #rotten: number | undefined

  /** Index of the last durable record. */
  get durableIndex(): number {
    return this.#durable
  }

  /** Index of the last record written. */
  get writtenIndex(): number {
    return this.#records.at(-1)?.index ?? -1
  }

  /** Records that are on disk. */
  get recordCount(): number {
    return this.#records.length
  }

  /** Writes a record; not durable yet. */
  append(record: LogRecord): void {
    this.#records.push(record)
  }

  /** Ends a sync that covered records up to this index, and deletes what the log no longer needs; tells whether it did. */
  synced(index: number): boolean {
    this.#durable = Math.max(this.#durable, index)
    const last = this.#records.findLast((record) => record.index <= this.#durable)
    const keepFrom = last?.keepFrom ?? 0
    if ((this.#records[0]?.index ?? keepFrom) >= keepFrom) return false
    this.#records = this.#records.filter((record) => record.index >= keepFrom)
    return true
  }

  /** Loses what was not durable, but for `kept` records that reached the disk anyway, the last of them perhaps torn. */
  crash(kept: number, options: { readonly isTorn: boolean }): void {
    const last = this.#durable + kept
    this.#records = this.#records.filter((record) => record.index <= last)
    if (options.isTorn && this.writtenIndex > this.#durable) this.#torn = this.writtenIndex
    this.#durable = this.writtenIndex
  }

  /** Damages the record at this place, counted from the oldest; the process must be down. */
  rot(place: number): void {
    this.#rotten = this.#records[place % Math.max(1, this.#records.length)]?.index
  }

  /** Loses everything. */
  wipe(): void {
    this.#records = []
    this.#durable = -1
    this.#torn = undefined
    this.#rotten = undefined
  }

  /** Reads the log as a restart does, and drops a torn tail: nothing that rests on it was sent. */
  read(): FoundLog {
    if (this.#torn !== undefined && this.#rotten === undefined) {
      this.#records = this.#records.filter((record) => record.index !== this.#torn)
      this.#durable = this.writtenIndex
    }
    this.#torn = undefined
    return { records: this.#records, isDamaged: this.#rotten !== undefined }
  }
}

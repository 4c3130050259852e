/**
 * A simulated disk: appended records become durable when a sync ends; a crash loses what was not synced, except perhaps its
 * beginning, since a disk may have written more than it confirmed.
 */

import type { LogRecord } from '../types.ts'

/** The log of one replica. */
export class Disk {
  #records: LogRecord[] = []
  #durable = -1

  /** Index of the last durable record. */
  get durableIndex(): number {
    return this.#durable
  }

  /** Index of the last record written. */
  get writtenIndex(): number {
    return this.#records.at(-1)?.index ?? -1
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

  /** Loses what was not durable, but for `kept` records that reached the disk anyway. */
  crash(kept: number): void {
    this.#records = this.#records.filter((record) => record.index <= this.#durable + kept)
    this.#durable = this.writtenIndex
  }

  /** Loses everything. */
  wipe(): void {
    this.#records = []
    this.#durable = -1
  }

  /** What a restart finds. */
  records(): readonly LogRecord[] {
    return this.#records
  }
}

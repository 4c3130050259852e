/**
 * Effects in the order in which the host must carry them out, and the count of log records.
 *
 * Every `send` names the last record written before it, so that nothing leaves before what it rests on is durable: a host
 * may write asynchronously and group its syncs without knowing the protocol.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Effect } from './types.ts'

/** Collects the effects of one step. */
export class Outbox {
  #effects: Effect[] = []
  #lastIndex: number
  #keepFrom: number

  /**
   * Continues a log.
   *
   * @param lastIndex - index of the last record in the log; -1 when it is empty
   * @param keepFrom - the first record that is still needed
   */
  constructor(lastIndex: number, keepFrom: number) {
    this.#lastIndex = lastIndex
    this.#keepFrom = keepFrom
  }

  /** Appends a record to the log. */
  persist(bytes: Bytes): void {
    this.#lastIndex += 1
    const record = Object.freeze({ index: this.#lastIndex, bytes, keepFrom: this.#keepFrom })
    this.#effects.push({ kind: 'persist', record })
  }

  /**
   * Appends a segment that repeats what is still needed. Only its last record lets go of what stands before it: a crash in
   * the middle of the segment must find the old records.
   */
  persistSegment(records: readonly Bytes[]): void {
    const first = this.#lastIndex + 1
    for (const [at, bytes] of records.entries()) {
      if (at === records.length - 1) this.#keepFrom = first
      this.persist(bytes)
    }
  }

  /** Records that the log holds, counted from the first that is still needed. */
  get recordCount(): number {
    return this.#lastIndex + 1 - this.#keepFrom
  }

  /** Sends a message; never before what has been persisted so far. */
  send(to: readonly Did[], bytes: Bytes): void {
    if (to.length > 0) this.#effects.push({ kind: 'send', to, bytes, after: this.#lastIndex })
  }

  /** Hands out a final block. */
  deliver(block: Omit<Extract<Effect, { kind: 'deliver' }>, 'kind' | 'after'>): void {
    this.#effects.push({ kind: 'deliver', ...block, after: this.#lastIndex })
  }

  /** Adds any other effect. */
  add(effect: Exclude<Effect, { kind: 'persist' | 'send' | 'deliver' }>): void {
    this.#effects.push(effect)
  }

  /** Returns the effects so far, and starts anew. */
  drain(): readonly Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

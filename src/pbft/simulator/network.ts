/**
 * The network of a simulation: carries bytes between processes, late, twice or never while faults last, and hashes what
 * arrives where and when.
 */

import type { Events } from './events.ts'
import { CHAOS_MS, type Partition } from './plan.ts'
import type { Draws } from './random.ts'
import type { Faults } from './scenario.ts'
import type { Outgoing } from './strategies.ts'

/** Virtual milliseconds of one tick. */
export const TICK_MS = 10

/** Where messages come from and go to: a process, and the member it is or is a copy of. */
export interface Endpoint {
  readonly index: number
}

/** What a network needs from its world. */
export interface NetworkOptions<E extends Endpoint> {
  readonly events: Events
  readonly draws: Draws
  readonly faults: Faults
  readonly partitions: readonly Partition[]
  readonly endpoints: readonly E[]
  /** The highest view reached so far. */
  readonly viewMax: () => number
  readonly onArrive: (from: E, to: E, bytes: Uint8Array) => void
}

/** Carries messages from process to process. */
export class Network<E extends Endpoint> {
  readonly #options: NetworkOptions<E>
  #trace = 0

  /** Connects the endpoints. */
  constructor(options: NetworkOptions<E>) {
    this.#options = options
  }

  /** A hash over all that arrived. */
  get trace(): number {
    return this.#trace
  }

  /** Sends bytes to every process of the members named. */
  send(from: E, outgoing: Outgoing): void {
    const { endpoints, draws } = this.#options
    for (const index of outgoing.to) {
      for (const target of endpoints) {
        if (target.index !== index || target === from) continue
        // Each copy of a twin hears a part of what is sent to both.
        const isTwin = endpoints.some((other) => other !== target && other.index === index)
        if (!isTwin || draws.chance(0.6)) this.#carry(from, target, outgoing)
      }
    }
  }

  #carry(from: E, target: E, { bytes, delayMs = 0 }: Outgoing): void {
    const { events, draws, faults } = this.#options
    const { loss = 0, duplication = 0, delayTicksMax = 2 } = faults
    const isChaos = events.nowMs < CHAOS_MS
    const lot = draws.next()
    const again = draws.next()
    const tail = draws.chance(0.02) ? 30 : 1
    const travel = 1 + draws.next() * delayTicksMax * TICK_MS * (isChaos ? tail : 1)
    if (isChaos && (lot < loss || this.#isCut(from, target))) return
    const arrive = (): void => {
      this.#mix(from.index, target.index, bytes)
      this.#options.onArrive(from, target, bytes)
    }
    events.after(delayMs + travel, arrive)
    if (isChaos && again < duplication) events.after(delayMs + travel * (1 + again), arrive)
  }

  #isCut(from: E, target: E): boolean {
    const { events, partitions, viewMax } = this.#options
    const { nowMs } = events
    return partitions.some(
      ({ fromMs, untilMs, blocks }) =>
        nowMs >= fromMs && nowMs < untilMs && blocks(from.index, target.index, viewMax()),
    )
  }

  #mix(from: number, to: number, bytes: Uint8Array): void {
    let hash = (this.#trace ^ Math.imul(Math.floor(this.#options.events.nowMs * 16), 0x9e3779b1)) >>> 0
    hash = Math.imul(hash ^ (from * 64 + to), 0x01000193)
    for (let at = Math.max(0, bytes.length - 48); at < bytes.length; at++) {
      hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
    }
    this.#trace = hash >>> 0
  }
}

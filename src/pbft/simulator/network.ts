/**
 * The network of a simulation: carries bytes between processes, late, twice or never while faults last, and hashes what
 * arrives where and when.
 */

import type { Events } from './events.ts'
import { CHAOS_MS, isCut } from './plan.ts'
import { type PlannedLink, type Schedule } from './schedule.ts'
import type { Draws } from './random.ts'
import type { Faults } from './scenario.ts'
import type { Outgoing } from './means.ts'

/** The unit of delays. */
const DELAY_UNIT_MS = 10

/** Where messages come from and go to: a process, and the member it is or is a copy of. */
export interface Endpoint {
  readonly index: number
  /** How long it takes to handle what arrives. */
  readonly lagMs: number
}

/** What a network needs from its world. */
export interface NetworkOptions<E extends Endpoint> {
  readonly events: Events
  readonly draws: Draws
  readonly faults: Faults
  readonly schedule: Schedule
  readonly replicaCount: number
  readonly endpoints: readonly E[]
  /** Every message takes exactly so long. */
  readonly constantDelayMs: number | undefined
  /** The highest view reached so far. */
  readonly viewMax: () => number
  readonly onArrive: (from: E, to: E, bytes: Uint8Array) => void
}

/** Carries messages from process to process. */
export class Network<E extends Endpoint> {
  readonly #options: NetworkOptions<E>
  readonly #links: ReadonlyMap<number, PlannedLink>
  readonly #endpoints: readonly (readonly E[])[]
  #trace = 0

  /** Connects the endpoints. */
  constructor(options: NetworkOptions<E>) {
    this.#options = options
    const { schedule, endpoints, replicaCount } = options
    this.#links = new Map(schedule.links.map((link) => [link.from * replicaCount + link.to, link]))
    this.#endpoints = Array.from({ length: replicaCount }, (_, member) =>
      endpoints.filter(({ index }) => index === member),
    )
  }

  /** A hash over all that arrived. */
  get trace(): number {
    return this.#trace
  }

  /** Sends bytes to every process of the members named. */
  send(from: E, outgoing: Outgoing): void {
    for (const index of outgoing.to) {
      const targets = this.#endpoints[index] ?? []
      for (const target of targets) {
        // Each copy of a twin hears a part of what is sent to both; the copies do not talk to one another.
        if (target === from || (targets.length > 1 && !this.#options.draws.chance(0.6))) continue
        this.#carry(from, target, outgoing)
      }
    }
  }

  #carry(from: E, target: E, { bytes, delayMs = 0 }: Outgoing): void {
    const { events, draws, faults, constantDelayMs } = this.#options
    const arrive = (): void => {
      this.#mix(from.index, target.index, bytes)
      this.#options.onArrive(from, target, bytes)
    }
    if (constantDelayMs !== undefined) {
      events.after(constantDelayMs, arrive)
      return
    }
    const { loss = 0, duplication = 0, delayTicksMax = 2 } = faults
    const isChaos = events.nowMs < CHAOS_MS
    const lot = draws.next()
    const again = draws.next()
    const tail = draws.chance(0.02) && isChaos ? 30 : 1
    const travel = 1 + draws.next() * delayTicksMax * DELAY_UNIT_MS * tail
    if (!isChaos) {
      events.after(delayMs + travel, arrive)
      return
    }
    const link = this.#links.get(from.index * this.#options.replicaCount + target.index)
    if (lot < loss || (link !== undefined && draws.chance(link.loss)) || this.#isCut(from, target)) return
    const late = delayMs + travel + target.lagMs + (link?.delayMs ?? 0)
    events.after(late, arrive)
    if (again < duplication) events.after(late + travel * again, arrive)
  }

  #isCut(from: E, target: E): boolean {
    const { events, schedule, viewMax, replicaCount } = this.#options
    const { nowMs } = events
    return schedule.partitions.some(
      (partition) =>
        nowMs >= partition.fromMs &&
        nowMs < partition.untilMs &&
        isCut(partition, { from: from.index, to: target.index, view: viewMax(), replicaCount }),
    )
  }

  #mix(from: number, to: number, bytes: Uint8Array): void {
    let hash = (this.#trace ^ Math.imul(Math.floor(this.#options.events.nowMs * 16), 0x9e3779b1)) >>> 0
    hash = Math.imul(hash ^ (from * 64 + to), 0x01000193)
    for (let at = Math.max(0, bytes.length - 84); at < bytes.length; at += 3) {
      hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
    }
    this.#trace = hash >>> 0
  }
}

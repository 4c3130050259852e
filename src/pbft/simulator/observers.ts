/**
 * Observers: each watches one property of the correct replicas from outside (pbft.md 2), and knows nothing of the others.
 *
 * S1 to S6 stand in `observe-blocks.ts`, S7 to S10 in `observe-replicas.ts`, L1 to L3 in `observe-progress.ts`.
 */

import type { Verifier } from '../../primitives/signature.ts'
import type { Request } from '../batch.ts'
import type { ReplicaConfig, Settings } from '../config.ts'
import type { PeerMessage } from '../message.ts'
import type { Effect, Head, ReplicaStatus } from '../types.ts'

/** A property that did not hold. */
export interface Violation {
  readonly property: string
  readonly message: string
}

/** A block that a correct replica executed. */
export interface ObservedBlock {
  readonly height: number
  /** Digest of the header, in hex. */
  readonly header: string
  readonly requests: readonly Request[]
  /** Their ids, in hex. */
  readonly ids: readonly string[]
  /** Ids of the requests that the application carried out; undefined where it does not tell. */
  readonly effective: readonly string[] | undefined
}

/** What a correct replica has at the end. */
export interface FinalState {
  readonly index: number
  /** Undefined when it is down. */
  readonly status: ReplicaStatus | undefined
  /** Ids of the requests in its state; undefined where the application does not tell. */
  readonly executed: ReadonlySet<string> | undefined
}

/** The end of a run. */
export interface Ending {
  readonly replicas: readonly FinalState[]
  /** Ids that honest clients asked for. */
  readonly wanted: readonly string[]
  /** Whether everything was done in time. */
  readonly isDone: boolean
}

/** Hears what happens to correct replicas; each handler is told the member. */
export interface Observer {
  /** A client made a request. */
  submitted?(id: string, request: Request): void
  /** A process started, or started again. */
  started?(index: number): void
  executed?(index: number, block: ObservedBlock): void
  /** A replica took over a snapshot. */
  restored?(index: number, head: Head): void
  delivered?(index: number, effect: Extract<Effect, { kind: 'deliver' }>): void
  sent?(index: number, message: PeerMessage): void
  /** A message reached a running replica; `status` is that before it is handled. */
  arrived?(index: number, message: PeerMessage, status: () => ReplicaStatus | undefined): void
  accused?(index: number, effect: Extract<Effect, { kind: 'evidence' }>): void
  /** A look at a running replica; what its disk does not hold yet may go with a crash. */
  inspected?(index: number, status: ReplicaStatus, host: HostState): void
  /** A replica lost the memory of its votes. */
  wiped?(index: number): void
  finished?(ending: Ending): void
}

/** What a look at a host shows. */
export interface HostState {
  /** Records of its log. */
  readonly recordCount: number
  /** Whether all of them are synced. */
  readonly isDurable: boolean
  /** Votes that wait unverified before its replica. */
  readonly waitingVotes: number
}

/** What observers need to know about the group. */
export interface ObservedGroup {
  readonly config: ReplicaConfig
  readonly settings: Settings
  readonly verifier: Verifier
  readonly faulty: ReadonlySet<number>
  readonly nowMs: () => number
  /** Ids in blocks that some correct replica had certified, with the height. */
  readonly acknowledged: ReadonlyMap<string, number>
  readonly report: (property: string, message: string) => void
}

/** Makes an observer for one run. */
export type ObserverFactory = (group: ObservedGroup) => Observer

type Handler<K extends keyof Observer> = NonNullable<Observer[K]>

/** Tells all observers of a run what happens. */
export class Observers {
  readonly violations: Violation[] = []
  /** Ids in certified blocks, with the height: what a client may take as answered. */
  readonly acknowledged = new Map<string, number>()
  readonly #contents = new Map<number, readonly string[]>()
  readonly #observers: readonly Observer[]
  readonly #listeners = new Map<keyof Observer, readonly Observer[]>()

  /** Makes the observers of a run. */
  constructor(group: Omit<ObservedGroup, 'acknowledged' | 'report'>, factories: readonly ObserverFactory[]) {
    const report = this.report.bind(this)
    this.#observers = factories.map((make) => make({ ...group, acknowledged: this.acknowledged, report }))
  }

  /** Reports a violation. */
  report(property: string, message: string): void {
    this.violations.push({ property, message })
  }

  /** Tells everyone who listens to this kind of event. */
  tell<K extends keyof Observer>(kind: K, ...details: Parameters<Handler<K>>): void {
    let listeners = this.#listeners.get(kind)
    if (listeners === undefined) {
      listeners = this.#observers.filter((observer) => observer[kind] !== undefined)
      this.#listeners.set(kind, listeners)
    }
    for (const observer of listeners) (observer[kind] as (...args: Parameters<Handler<K>>) => void)(...details)
  }

  /** A correct replica executed a block. */
  executed(index: number, block: ObservedBlock): void {
    if (!this.#contents.has(block.height)) this.#contents.set(block.height, block.ids)
    this.tell('executed', index, block)
  }

  /** A correct replica handed out a certified block. */
  delivered(index: number, effect: Extract<Effect, { kind: 'deliver' }>): void {
    for (const id of this.#contents.get(effect.height) ?? []) this.acknowledged.set(id, effect.height)
    this.tell('delivered', index, effect)
  }
}

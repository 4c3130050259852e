/**
 * The clients of a simulation: they ask one replica, ask everyone when nothing comes of it, and one of them may ask for more
 * than is its share.
 */

import type { Request } from '../batch.ts'
import { createSimulatedRequest } from './application.ts'
import type { Events } from './events.ts'
import { nameRequest } from './observe-progress.ts'
import type { Observers } from './observers.ts'
import type { PlannedRequest } from './schedule.ts'

/** After how long a client asks everyone. */
const PATIENCE_MS = 600
const FLOODING_CLIENT = 7_000
const FLOOD_PER_BURST = 10
const FLOOD_BURST_MS = 20

/** What clients need from their world. */
export interface ClientOptions {
  readonly events: Events
  readonly observers: Observers
  /** How long a request is on its way. */
  readonly delayMs: number
  /** Gives a request to one process, or to all. */
  readonly ask: (request: Request, to: number | 'all') => void
}

/** Honest clients, and one that floods. */
export class Clients {
  /** Ids that honest clients asked for. */
  readonly wanted: string[] = []
  readonly #options: ClientOptions

  /** Makes clients that have asked for nothing yet. */
  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Tells whether every honest request is in a certified block. */
  get isAnswered(): boolean {
    return this.wanted.every((id) => this.#options.observers.acknowledged.has(id))
  }

  /** Lets an honest client ask now. */
  submit({ client, payload, to }: Omit<PlannedRequest, 'atMs'>): void {
    const { observers, events, delayMs } = this.#options
    const request = createSimulatedRequest(client, payload)
    const id = nameRequest(request)
    observers.tell('submitted', id, request)
    this.wanted.push(id)
    if (delayMs === 0) this.#options.ask(request, to)
    else {
      events.after(delayMs, () => {
        this.#options.ask(request, to)
      })
    }
    this.#insist(request, id)
  }

  /** A client that hears nothing asks everyone. */
  #insist(request: Request, id: string): void {
    this.#options.events.after(PATIENCE_MS, () => {
      if (this.#options.observers.acknowledged.has(id)) return
      this.#options.ask(request, 'all')
      this.#insist(request, id)
    })
  }

  /** One client asks all replicas for so much, in bursts. */
  flood(count: number): void {
    for (let at = 0; at < count; at++) {
      this.#options.events.after(FLOOD_BURST_MS * Math.floor(at / FLOOD_PER_BURST), () => {
        const request = createSimulatedRequest(FLOODING_CLIENT, `too much ${at}`)
        this.#options.observers.tell('submitted', nameRequest(request), request)
        this.#options.ask(request, 'all')
      })
    }
  }
}

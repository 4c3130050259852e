/**
 * Requests that wait, in order of arrival, with counted limits per client and in all; and the ids executed of late.
 *
 * Every replica keeps the requests it knows until they are executed, so that the next primary has them and a primary that
 * leaves one out is noticed.
 */

import { toKey } from '../primitives/bytes.ts'
import type { Request } from './batch.ts'
import { EXECUTED_IDS_MAX, POOL_BYTES_MAX, POOL_CLIENT_REQUESTS_MAX, POOL_REQUESTS_MAX } from './limits.ts'

/** A request that waits. */
export interface PoolEntry {
  readonly request: Request
  /** Counts arrivals here; tells which of two requests this replica knew first. */
  readonly arrival: number
  readonly arrivedTick: number
  /** Names its client in the counts. */
  readonly clientKey: string
  /** Whether its client gave it to this replica, which then makes it known to all. */
  readonly isOwn: boolean
  /** When it was last sent on, and how often since this view began. */
  forwardedTick: number
  forwards: number
}

/** How much one batch may hold. */
export interface BatchLimits {
  readonly countMax: number
  readonly bytesMax: number
}

/** Why a request was not taken. */
export type PoolRefusal = 'known' | 'executed' | 'client-full' | 'full'

/** Requests known to one replica. */
export class Pool {
  readonly #entries = new Map<string, PoolEntry>()
  /** Those of the entries that no batch holds. */
  readonly #waiting = new Map<string, PoolEntry>()
  #waitingBytes = 0
  readonly #perClient = new Map<string, number>()
  /** Ids in batches that are ordered but not executed: the primary does not propose them twice. */
  readonly #ordered = new Set<string>()
  /** Ids executed of late in two halves, the newer one growing: sets that lose their oldest one by one get slow. */
  #executed = new Set<string>()
  #executedBefore = new Set<string>()
  #bytes = 0
  #arrivals = 0

  /** Adds a request; returns the entry, or why it was not taken. */
  add(request: Request, options: { readonly tick: number; readonly isOwn: boolean }): PoolEntry | PoolRefusal {
    const refusal = this.refusal(request)
    if (refusal !== null) return refusal
    const id = toKey(request.id)
    const clientKey = toKey(request.client)
    const { tick, isOwn } = options
    const entry = {
      request,
      arrival: this.#arrivals++,
      arrivedTick: tick,
      clientKey,
      isOwn,
      forwardedTick: tick,
      forwards: 0,
    }
    this.#entries.set(id, entry)
    // It may be in a batch already: then it waits again only if that view fails.
    if (!this.#ordered.has(id)) this.#await(id, entry)
    this.#perClient.set(clientKey, this.#countOf(clientKey) + 1)
    this.#bytes += request.bytes.length
    return entry
  }

  /**
   * Tells why a request would not be taken, or null; asked before its signature is checked, since a client that floods would
   * otherwise cost a check each time.
   */
  refusal(request: Request): PoolRefusal | null {
    const id = toKey(request.id)
    if (this.#isExecuted(id)) return 'executed'
    if (this.#entries.has(id)) return 'known'
    if (this.#countOf(toKey(request.client)) >= POOL_CLIENT_REQUESTS_MAX) return 'client-full'
    const isFull = this.#entries.size >= POOL_REQUESTS_MAX || this.#bytes + request.bytes.length > POOL_BYTES_MAX
    return isFull ? 'full' : null
  }

  /** Tells whether half of the places of a request's client are taken. */
  isCrowded({ clientKey }: PoolEntry): boolean {
    return 2 * this.#countOf(clientKey) >= POOL_CLIENT_REQUESTS_MAX
  }

  #countOf(clientKey: string): number {
    return this.#perClient.get(clientKey) ?? 0
  }

  #await(id: string, entry: PoolEntry): void {
    this.#waiting.set(id, entry)
    this.#waitingBytes += entry.request.bytes.length
  }

  #unawait(id: string): void {
    const entry = this.#waiting.get(id)
    if (entry === undefined) return
    this.#waiting.delete(id)
    this.#waitingBytes -= entry.request.bytes.length
  }

  /** Notes that a batch with these requests is on its way. */
  markOrdered(requests: readonly Request[]): void {
    for (const { id } of requests) {
      const key = toKey(id)
      this.#ordered.add(key)
      this.#unawait(key)
    }
  }

  /** Forgets all proposals: a new view begins, and requests that it does not carry over wait again. */
  clearOrdered(): void {
    this.#ordered.clear()
    this.#waiting.clear()
    this.#waitingBytes = 0
    for (const [id, entry] of this.#entries) this.#await(id, entry)
  }

  /**
   * Removes the requests of an executed batch and remembers their ids, but not of those at the positions that were skipped;
   * returns what was removed.
   */
  settle(requests: readonly Request[], skipped: readonly number[] = []): readonly PoolEntry[] {
    const hadNoEffect = new Set(skipped)
    const removed: PoolEntry[] = []
    for (const [at, { id }] of requests.entries()) {
      const key = toKey(id)
      const entry = this.#remove(key)
      if (entry !== undefined) removed.push(entry)
      this.#ordered.delete(key)
      if (!hadNoEffect.has(at)) this.#executed.add(key)
    }
    if (this.#executed.size >= EXECUTED_IDS_MAX / 2) {
      this.#executedBefore = this.#executed
      this.#executed = new Set()
    }
    return removed
  }

  #isExecuted(key: string): boolean {
    return this.#executed.has(key) || this.#executedBefore.has(key)
  }

  /** Drops a request that will not be executed any more. */
  drop({ id }: Request): void {
    this.#remove(toKey(id))
  }

  /** Drops the requests that are not worth keeping any more. */
  retain(isWanted: (request: Request) => boolean): void {
    for (const [key, { request }] of [...this.#entries]) if (!isWanted(request)) this.#remove(key)
  }

  #remove(key: string): PoolEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#unawait(key)
    this.#bytes -= entry.request.bytes.length
    const { clientKey } = entry
    const count = this.#countOf(clientKey) - 1
    if (count === 0) this.#perClient.delete(clientKey)
    else this.#perClient.set(clientKey, count)
    return entry
  }

  /** Tells whether a batch should be made now: a limit is reached, or the oldest request arrived at `dueTick` or before. */
  isDue(limits: BatchLimits, dueTick: number): boolean {
    if (this.#waiting.size >= limits.countMax || this.#waitingBytes >= limits.bytesMax) return true
    for (const entry of this.#waiting.values()) return entry.arrivedTick <= dueTick
    return false
  }

  /** Returns the oldest requests that no batch holds, up to both limits; one request always fits. */
  take(limits: BatchLimits): readonly Request[] {
    const taken: Request[] = []
    let bytes = 0
    for (const { request } of this.#waiting.values()) {
      bytes += request.bytes.length
      if (taken.length >= limits.countMax || (taken.length > 0 && bytes > limits.bytesMax)) break
      taken.push(request)
    }
    return taken
  }

  /** Those that no batch holds, oldest first. */
  waiting(): Iterable<PoolEntry> {
    return this.#waiting.values()
  }

  /** All requests that wait, oldest first. */
  entries(): Iterable<PoolEntry> {
    return this.#entries.values()
  }

  /** How many requests wait or are in flight. */
  get size(): number {
    return this.#entries.size
  }

  /** Bytes of all requests that wait. */
  get byteCount(): number {
    return this.#bytes
  }
}

/**
 * Replicas on a simulated network with measured work: links take a fixed time of a virtual clock, and what a replica
 * computes takes the time that it took here. So a minute of block time costs nothing to measure, and a slow computer shows.
 */

import { createId } from '../src/primitives/ids.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { toHex, type Bytes } from '../src/primitives/bytes.ts'
import { createSigner, type Verifier } from '../src/primitives/signature.ts'
import {
  authenticateMessages,
  createReplica,
  type Application,
  type Effect,
  type Input,
  type Replica,
  type ReplicaConfig,
  type Request,
} from '../src/pbft/index.ts'

/** What a run is given. */
export interface ClockedOptions {
  readonly replicaCount: number
  /** Bytes of requests that a block holds. */
  readonly blockBytes: number
  /** How long the primary waits for a block to fill. */
  readonly blockTimeMs: number
  /** One-way delay of every link. */
  readonly linkMs: number
  readonly verifier: Verifier
  readonly application: () => Application
  /** Other settings of the replicas. */
  readonly config?: Partial<ReplicaConfig>
  /** Length of a tick; default a twentieth of the block time. */
  readonly tickMs?: number
  /** Since when a replica is silent; default never. */
  readonly silentSince?: (index: number) => number
  /** Sees what a replica sends, and says what leaves instead. */
  readonly sabotage?: (index: number, bytes: Bytes, to: readonly number[]) => readonly Parcel[]
}

/** Bytes on their way to some replicas. */
export interface Parcel {
  readonly to: readonly number[]
  readonly bytes: Uint8Array
  /** How much longer than others it takes. */
  readonly delayMs?: number
}

/** A request and when it reaches which replicas; default the primary of view 0. */
export interface Arrival {
  readonly atMs: number
  readonly request: Request
  readonly to?: readonly number[]
}

/** What came of a run. */
export interface ClockedRun {
  /** From the arrival of a request until its block is certified at the first replica that does not fall silent. */
  readonly latenciesMs: readonly number[]
  /** Virtual time from the first request to the last certified one. */
  readonly elapsedMs: number
  /** Computing of all replicas together, measured. */
  readonly busyMs: number
  readonly blocks: number
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: (atMs: number) => void
}

/** A queue of events by time, then by order of making. */
class Agenda {
  readonly #heap: Event[] = []
  #made = 0

  add(atMs: number, run: (atMs: number) => void): void {
    const heap = this.#heap
    heap.push({ atMs, order: this.#made++, run })
    for (let at = heap.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      if (!this.#isBefore(at, above)) break
      this.#swap(at, above)
      at = above
    }
  }

  next(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    heap[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < heap.length && this.#isBefore(left, least)) least = left
      if (right < heap.length && this.#isBefore(right, least)) least = right
      if (least === at) return first
      this.#swap(at, least)
      at = least
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [left, right] = [this.#heap[one] as Event, this.#heap[other] as Event]
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order)
  }

  #swap(one: number, other: number): void {
    const [left, right] = [this.#heap[one] as Event, this.#heap[other] as Event]
    this.#heap[one] = right
    this.#heap[other] = left
  }
}

const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6
const START_MS = 1_763_600_000_000

/**
 * Orders requests that reach the primary at given times.
 *
 * @param options - see {@link ClockedOptions}
 * @param arrivals - requests with their virtual arrival times, ascending
 */
export function runClocked(options: ClockedOptions, arrivals: readonly Arrival[]): ClockedRun {
  const { replicaCount, blockBytes, blockTimeMs, linkMs, verifier, application } = options
  const signers = Array.from({ length: replicaCount }, (_, at) => createSigner(new Uint8Array(32).fill(at + 1)))
  const members = signers.map(({ did }) => ({ did }))
  const { tickMs = Math.max(1, blockTimeMs / 20), silentSince = () => Infinity, sabotage } = options
  const observer = replicaIndexes(replicaCount).find((index) => silentSince(index) === Infinity) ?? 0
  const config = {
    chainId: createId('chain', sha256(Uint8Array.of(replicaCount))),
    members,
    batchBytesMax: blockBytes,
    batchTransactionsMax: 16_384,
    batchWaitTicks: Math.round(blockTimeMs / tickMs),
    timeoutTicks: 2 ** 30,
    ...options.config,
  }
  const indexOf = new Map(members.map(({ did }, index) => [did, index]))
  const replicas = signers.map((signer) => createReplica({ config, signer, application: application() }))
  const busyUntil = replicas.map(() => 0)
  const agenda = new Agenda()
  const arrived = new Map<string, number>()
  const latenciesMs: number[] = []
  let [busyMs, blocks, waiting, elapsedMs] = [0, 0, arrivals.length, 0]

  /** Lets a replica work from when it is free; what it sends leaves when it is done. */
  function work(index: number, atMs: number, task: (replica: Replica) => readonly Effect[]): void {
    if (atMs >= silentSince(index)) return
    const started = clockMs()
    const effects = task(replicas[index] as Replica)
    const tookMs = clockMs() - started
    const doneMs = Math.max(atMs, busyUntil[index] as number) + tookMs
    busyUntil[index] = doneMs
    busyMs += tookMs
    for (const effect of effects) {
      if (effect.kind === 'send') {
        const to = effect.to.map((did) => indexOf.get(did) as number)
        const parcels = sabotage?.(index, effect.bytes, to) ?? [{ to, bytes: effect.bytes }]
        for (const parcel of parcels) send(parcel, doneMs)
      }
      if (effect.kind === 'deliver' && index === observer) deliver(effect.block, doneMs)
    }
  }

  function send({ to, bytes, delayMs = 0 }: Parcel, atMs: number): void {
    for (const index of to) {
      agenda.add(atMs + linkMs + delayMs, (nowMs) => {
        work(index, nowMs, (replica) =>
          authenticateMessages([bytes], { config, verifier }).flatMap((result) =>
            result.ok ? replica.step({ kind: 'message', message: result.value }) : [],
          ),
        )
      })
    }
  }

  function deliver(block: Bytes, atMs: number): void {
    blocks += 1
    for (let at = 0; at < block.length; at += 32) {
      const startedMs = arrived.get(toHex(block.subarray(at, at + 32)))
      if (startedMs !== undefined) latenciesMs.push(atMs - startedMs)
      waiting -= 1
    }
    elapsedMs = atMs
  }

  function tick(nowMs: number): void {
    const input: Input = { kind: 'tick', nowMs: START_MS + Math.floor(nowMs) }
    for (const index of replicas.keys()) work(index, nowMs, (replica) => replica.step(input))
    if (waiting > 0) agenda.add(nowMs + tickMs, tick)
  }

  agenda.add(0, tick)
  for (const { atMs, request, to = [0] } of arrivals) {
    agenda.add(atMs, (nowMs) => {
      arrived.set(toHex(request.id), nowMs)
      for (const index of to) work(index, nowMs, (replica) => replica.step({ kind: 'request', request }))
    })
  }
  for (let event = agenda.next(); event !== undefined; event = agenda.next()) event.run(event.atMs)
  return { latenciesMs, elapsedMs: elapsedMs - (arrivals[0]?.atMs ?? 0), busyMs, blocks }
}

const replicaIndexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

/** A state machine whose blocks are the ids of their requests; it hashes each request, as any ledger must. */
export function createListing(): Application {
  let head = { height: 0, headerDigest: sha256(new Uint8Array()), stateRoot: sha256(new Uint8Array()) }
  const ok = { ok: true, value: undefined } as const
  return {
    head: () => head,
    check: () => ok,
    validate: () => ok,
    apply({ requests }, height) {
      const block = new Uint8Array(32 * requests.length)
      requests.forEach(({ bytes }, index) => {
        block.set(sha256(bytes), index * 32)
      })
      const headerDigest = sha256(block)
      head = { height, headerDigest, stateRoot: headerDigest }
      return { block, headerDigest, stateRoot: headerDigest }
    },
    snapshot: () => [],
    restore: () => ({ ok: true, value: head }),
  }
}

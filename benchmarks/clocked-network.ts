/**
 * Replicas on a simulated network with measured work: links take a fixed time of a virtual clock, and what a replica
 * computes takes the time that it took here. So a minute of block time costs nothing to measure, and a slow computer shows.
 * Where the network matters alone, computing takes a fixed time instead: then a run gives the same figures everywhere.
 */

import { createId } from '../src/primitives/ids.ts'
import { sha256 } from '../src/primitives/hash.ts'
import { toHex, type Bytes, type Verified } from '../src/primitives/bytes.ts'
import { createSigner, type Signer, type Verifier } from '../src/primitives/signature.ts'
import {
  authenticateMessages,
  createReplica,
  type Application,
  type Effect,
  type Input,
  type PeerMessage,
  type Replica,
  type ReplicaConfig,
  type Request,
} from '../src/pbft/index.ts'
import type { Outgoing, Saboteur } from '../src/pbft/simulator/means.ts'

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
  /** Keys of the members; default real ones. */
  readonly signers?: readonly Signer[]
  /** What it takes to handle a message, or a tick or a client's request (undefined), in place of what it took here. */
  readonly stepMs?: (message: Uint8Array | undefined) => number
  /** Makes one member faulty. */
  readonly faulty?: Faulty
  /** Virtual time at which a run ends that is not done; default never. */
  readonly untilMs?: number
}

/** A member and what it does. */
export interface Faulty {
  readonly index: number
  readonly sabotage: (config: ReplicaConfig) => Saboteur
}

/** A request and when it reaches which replicas; default the primary of view 0. */
export interface Arrival {
  readonly atMs: number
  readonly request: Request
  readonly to?: readonly number[]
  /** Whether the run tells when it was certified; default true. */
  readonly isCounted?: boolean
}

/** What came of a run. */
export interface ClockedRun {
  /** From the arrival of a request until its block is certified at the first replica that does not fall silent. */
  readonly latenciesMs: readonly number[]
  /** When each was certified there. */
  readonly certifiedMs: readonly number[]
  /** Virtual time from the first request to the last certified one. */
  readonly elapsedMs: number
  /** Computing of all replicas together, measured. */
  readonly busyMs: number
  readonly blocks: number
  /** The view of that replica at the end. */
  readonly view: number
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
  const { replicaCount, blockBytes, blockTimeMs, linkMs, application, faulty, stepMs, untilMs = Infinity } = options
  const { signers = replicaIndexes(replicaCount).map((at) => createSigner(new Uint8Array(32).fill(at + 1))) } = options
  const members = signers.map(({ did }) => ({ did }))
  const { tickMs = Math.max(1, blockTimeMs / 20), silentSince = () => Infinity } = options
  const isCorrect = (index: number): boolean => silentSince(index) === Infinity && index !== faulty?.index
  const observer = replicaIndexes(replicaCount).find(isCorrect) ?? 0
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
  const saboteur = faulty?.sabotage(config)
  const read = createReader(options, config)
  const busyUntil = replicas.map(() => 0)
  const agenda = new Agenda()
  const arrived = new Map<string, number>()
  const latenciesMs: number[] = []
  const certifiedMs: number[] = []
  let [busyMs, blocks, waiting, elapsedMs] = [0, 0, arrivals.filter(({ isCounted }) => isCounted !== false).length, 0]

  /** Lets a replica work from when it is free; what it sends leaves when it is done. */
  function work(
    index: number,
    atMs: number,
    task: (replica: Replica) => readonly Effect[],
    message?: Uint8Array,
  ): void {
    if (atMs >= silentSince(index)) return
    const started = clockMs()
    const effects = task(replicas[index] as Replica)
    const tookMs = stepMs?.(message) ?? clockMs() - started
    const doneMs = Math.max(atMs, busyUntil[index] as number) + tookMs
    busyUntil[index] = doneMs
    busyMs += tookMs
    for (const effect of effects) {
      if (effect.kind === 'send') {
        const to = effect.to.map((did) => indexOf.get(did) as number)
        for (const outgoing of falsify(index, effect.bytes, to)) send(outgoing, doneMs)
      }
      if (effect.kind === 'deliver' && index === observer) deliver(effect.block, doneMs)
    }
  }

  /** What leaves in place of a message, which is another one only where its sender is faulty. */
  function falsify(index: number, bytes: Bytes, to: readonly number[]): readonly Outgoing[] {
    const [message] = saboteur === undefined || index !== faulty?.index ? [] : read(bytes)
    return saboteur === undefined || message === undefined ? [{ to, bytes }] : saboteur.send(message, to)
  }

  function send({ to, bytes, delayMs = 0 }: Outgoing, atMs: number): void {
    for (const index of to) {
      agenda.add(atMs + linkMs + delayMs, (nowMs) => {
        const take = (replica: Replica): readonly Effect[] =>
          read(bytes).flatMap((message) => replica.step({ kind: 'message', message }))
        work(index, nowMs, take, bytes)
        if (index === faulty?.index) for (const message of read(bytes)) saboteur?.receive?.(message)
      })
    }
  }

  function deliver(block: Bytes, atMs: number): void {
    blocks += 1
    for (let at = 0; at < block.length; at += 32) {
      const startedMs = arrived.get(toHex(block.subarray(at, at + 32)))
      // Faulty members ask for something too.
      if (startedMs === undefined) continue
      latenciesMs.push(atMs - startedMs)
      certifiedMs.push(atMs)
      waiting -= 1
    }
    elapsedMs = atMs
  }

  function tick(nowMs: number): void {
    const input: Input = { kind: 'tick', nowMs: START_MS + Math.floor(nowMs) }
    for (const index of replicas.keys()) work(index, nowMs, (replica) => replica.step(input))
    for (const outgoing of saboteur?.tick?.() ?? []) send(outgoing, nowMs)
    if (waiting > 0) agenda.add(nowMs + tickMs, tick)
  }

  /** One arrival makes the next: thousands in the queue would slow down everything else. */
  function arrive(at: number): void {
    const arrival = arrivals[at]
    if (arrival === undefined) return
    const { atMs, request, to = [0], isCounted = true } = arrival
    agenda.add(atMs, (nowMs) => {
      if (isCounted) arrived.set(toHex(request.id), nowMs)
      for (const index of to) work(index, nowMs, (replica) => replica.step({ kind: 'request', request }))
      arrive(at + 1)
    })
  }

  agenda.add(0, tick)
  arrive(0)
  for (let event = agenda.next(); event !== undefined && event.atMs <= untilMs; event = agenda.next())
    event.run(event.atMs)
  const { view } = (replicas[observer] as Replica).status()
  return { latenciesMs, certifiedMs, elapsedMs: elapsedMs - (arrivals[0]?.atMs ?? 0), busyMs, blocks, view }
}

/** Reads bytes of a peer, each time anew where that is what is measured. */
function createReader(
  { verifier, stepMs }: ClockedOptions,
  config: ReplicaConfig,
): (bytes: Uint8Array) => readonly Verified<PeerMessage>[] {
  const authenticate = (bytes: Uint8Array): readonly Verified<PeerMessage>[] =>
    authenticateMessages([bytes], { config, verifier }).flatMap((result) => (result.ok ? [result.value] : []))
  if (stepMs === undefined) return authenticate
  const known = new WeakMap<Uint8Array, readonly Verified<PeerMessage>[]>()
  return (bytes) => {
    const found = known.get(bytes) ?? authenticate(bytes)
    known.set(bytes, found)
    return found
  }
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

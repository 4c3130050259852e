/**
 * One simulated world: processes and clients on one virtual clock, watched by the observers.
 */

import { fail, type Result } from '../../errors.ts'
import { concatBytes, toHex, toUtf8, type Verified } from '../../primitives/bytes.ts'
import { sha256 } from '../../primitives/hash.ts'
import { createId, type ChainId } from '../../primitives/ids.ts'
import { authenticateMessage } from '../authenticate.ts'
import type { Request } from '../batch.ts'
import { settleConfig, type ReplicaConfig, type Settings } from '../config.ts'
import type { PeerMessage } from '../message.ts'
import type { Effect } from '../types.ts'
import { createSimulatedApplication, createSimulatedRequest } from './application.ts'
import { Events } from './events.ts'
import { Host } from './host.ts'
import { Journal } from './journal.ts'
import { createSimulatedKeys, type SimulatedKeys } from './keys.ts'
import { Network, TICK_MS } from './network.ts'
import { Observers } from './observers.ts'
import { CHAOS_MS, planScenario, type Plan } from './plan.ts'
import { createDraws, type Draws } from './random.ts'
import type { Scenario } from './scenario.ts'
import { createSaboteur, type Saboteur } from './strategies.ts'
import { describeMessage, type Tell } from './transcript.ts'

/** T of the simulated group, in ticks. */
const TIMEOUT_TICKS = 40
/** How long after the faults everything must be done: the back-off is 16 T = 6.4 s at most, for each of f faulty primaries. */
export const PATIENCE_MS = 60_000
const EPOCH_MS = 1_700_000_000_000
const CHECKPOINT_EVERY = 4

/** A process of the world: which member it is, and what sabotages it. */
interface Process {
  readonly index: number
  readonly host: Host
  readonly isFaulty: boolean
  readonly saboteur: Saboteur | undefined
  readonly skewMs: number
  ticks: number
}

/** Runs one scenario. */
export class World {
  readonly events = new Events()
  readonly observers: Observers
  readonly processes: Process[] = []
  eventCount = 0
  /** The highest view that a correct replica reached. */
  viewMax = 0
  readonly #scenario: Scenario
  readonly #config: ReplicaConfig
  readonly #settings: Settings
  readonly #keys: SimulatedKeys
  readonly #faulty: ReadonlySet<number>
  readonly #network: Network<Process>
  readonly #requests: Request[] = []
  readonly #known = new WeakMap<Uint8Array, Result<Verified<PeerMessage>>>()
  readonly #tell: Tell | undefined
  #extra = 0

  /**
   * Makes the world of a scenario.
   *
   * @param scenario - its seed decides everything
   * @param tell - takes the lines of a transcript
   */
  constructor(scenario: Scenario, tell?: Tell) {
    const { seed, replicaCount, byzantine = [] } = scenario
    this.#scenario = scenario
    this.#tell = tell
    this.#keys = createSimulatedKeys(replicaCount, seed)
    const members = this.#keys.signers.map(({ did }) => ({ did }))
    const chainId: ChainId = createId('chain', sha256(toUtf8(`simulation ${seed}`)))
    this.#config = {
      chainId,
      members,
      timeoutTicks: TIMEOUT_TICKS,
      batchWaitTicks: 1,
      batchTransactionsMax: 4,
      windowSize: 4,
      checkpointEvery: CHECKPOINT_EVERY,
    }
    this.#settings = settleConfig(this.#config)
    const order = orderMembers(createDraws(seed, 'byzantine'), members.length)
    this.#faulty = new Set(order.slice(0, byzantine.length))
    const [config, settings, verifier, faulty] = [this.#config, this.#settings, this.#keys.verifier, this.#faulty]
    this.observers = new Observers({ config, settings, verifier, faulty })
    for (const index of members.keys()) this.#addProcesses(index, byzantine[order.indexOf(index)])
    const draws = createDraws(seed, 'plan')
    const plan = planScenario(scenario, { order, draws })
    this.#network = new Network({
      events: this.events,
      draws: createDraws(seed, 'network'),
      faults: scenario.faults ?? {},
      partitions: plan.partitions,
      endpoints: this.processes,
      viewMax: () => this.viewMax,
      onArrive: (from, target, bytes) => {
        this.#arrive(from, target, bytes)
      },
    })
    this.#follow(plan, draws)
  }

  #addProcesses(index: number, strategy: NonNullable<Scenario['byzantine']>[number] | undefined): void {
    const copies = strategy === 'twins' ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const { seed, application = createSimulatedApplication, faults = {} } = this.#scenario
      const isFaulty = strategy !== undefined
      const draws = createDraws(seed, `host ${index}/${copy}`)
      const skewMs = faults.skewMs === undefined ? 0 : draws.between(-faults.skewMs, faults.skewMs)
      const syncMax = draws.chance(0.15) ? 30 : 4
      const journal = new Journal(application, (batch, height, headerDigest) => {
        if (!isFaulty) this.observers.executed(index, batch, height, headerDigest)
      })
      const host = new Host({
        config: this.#config,
        signer: this.#signer(index),
        journal,
        events: this.events,
        draws,
        syncMs: () => (isFaulty ? 0 : draws.between(0, syncMax)),
        onSend: (effect) => this.#leave(process, effect),
        onDeliver: (effect) => this.#delivered(process, effect),
        onEffect: (effect) => this.#noted(process, effect),
        onFailure: (error) => {
          if (!isFaulty) this.observers.report('invariant', `replica ${index}: ${String(error)}`)
        },
      })
      const saboteur = strategy === undefined ? undefined : this.#sabotage(index, strategy)
      const process: Process = { index, host, isFaulty, saboteur, skewMs, ticks: 0 }
      this.processes.push(process)
      host.start()
      this.events.after(draws.below(TICK_MS), () => {
        this.#tick(process)
      })
    }
  }

  #signer(index: number): SimulatedKeys['signers'][number] {
    return this.#keys.signers[index] as SimulatedKeys['signers'][number]
  }

  #sabotage(index: number, strategy: Parameters<typeof createSaboteur>[0]): Saboteur | undefined {
    return createSaboteur(strategy, {
      settings: this.#settings,
      signer: this.#signer(index),
      index,
      draws: createDraws(this.#scenario.seed, `strategy ${index}`),
      timeoutMs: TIMEOUT_TICKS * TICK_MS,
      submitted: (id) => this.observers.submitted.add(toHex(id)),
    })
  }

  /** Lets happen what is planned. */
  #follow(plan: Plan, draws: Draws): void {
    for (const { atMs, request } of plan.requests) {
      this.events.after(atMs, () => {
        this.#submit(request, draws)
      })
    }
    for (const { member, atMs, effects, downMs } of plan.crashes) {
      const process = this.#correctAt(member)
      this.events.after(atMs, () => {
        process.host.crashAfterEffects = effects
        this.#restartLater(process, downMs)
      })
    }
    for (const { member, atMs } of plan.wipes) {
      const process = this.#correctAt(member)
      this.events.after(atMs, () => {
        this.#say(`replica ${member} loses its disk`)
        process.host.crash()
        process.host.wipe()
        this.observers.wiped(member)
        this.#restartLater(process, draws.between(60, 900))
      })
    }
  }

  #correctAt(member: number): Process {
    return this.processes.find(({ index }) => index === member) as Process
  }

  #restartLater(process: Process, delayMs: number): void {
    this.events.after(delayMs, () => {
      const { host } = process
      if (host.replica !== undefined && host.crashAfterEffects === undefined) return
      // Whoever was idle crashes now, between two inputs.
      host.crash()
      this.#say(`replica ${process.index} starts again`)
      host.start()
    })
  }

  #submit(request: Request, draws: Draws): void {
    const id = toHex(request.id)
    this.observers.submitted.add(id)
    this.#requests.push(request)
    draws.pick(this.processes).host.feed({ kind: 'request', request })
    this.#retransmit(request, id)
  }

  /** A client that hears nothing asks everyone. */
  #retransmit(request: Request, id: string): void {
    this.events.after(600, () => {
      if (this.observers.acknowledged.has(id)) return
      for (const { host } of this.processes) host.feed({ kind: 'request', request })
      this.#retransmit(request, id)
    })
  }

  #tick(process: Process): void {
    const { host, skewMs, saboteur } = process
    host.feed({ kind: 'tick', nowMs: EPOCH_MS + Math.floor(this.events.nowMs) + skewMs })
    for (const outgoing of saboteur?.tick?.() ?? []) this.#network.send(process, outgoing)
    process.ticks += 1
    const isLookedAt = !process.isFaulty && process.ticks % 4 === 0
    const status = isLookedAt ? host.replica?.status() : undefined
    if (status !== undefined) {
      this.viewMax = Math.max(this.viewMax, status.view)
      const { disk } = host
      const isDurable = disk.durableIndex === disk.writtenIndex
      this.observers.inspect(process.index, status, { recordCount: disk.records().length, isDurable })
    }
    this.events.after(TICK_MS, () => {
      this.#tick(process)
    })
  }

  #authenticate(bytes: Uint8Array): Result<Verified<PeerMessage>> {
    let result = this.#known.get(bytes)
    if (result === undefined) {
      try {
        result = authenticateMessage(this.#settings, this.#keys.verifier, bytes)
      } catch (error) {
        this.observers.report('invariant', `authenticating threw: ${String(error)}`)
        result = fail('ERR_CODEC_MALFORMED', 'threw', { details: { byteOffset: 0, expected: 'no exception' } })
      }
      this.#known.set(bytes, result)
    }
    return result
  }

  /** A message leaves a replica, perhaps changed. */
  #leave(process: Process, effect: Extract<Effect, { kind: 'send' }>): void {
    const to = effect.to.map((did) => this.#settings.indexes.get(did) as number)
    const message = this.#authenticate(effect.bytes)
    if (message.ok && !process.isFaulty) this.observers.sent(process.index, message.value)
    const outgoing =
      process.saboteur === undefined || !message.ok
        ? [{ to, bytes: effect.bytes }]
        : process.saboteur.send(message.value, to)
    for (const one of outgoing) this.#network.send(process, one)
  }

  #arrive(from: Process, target: Process, bytes: Uint8Array): void {
    const message = this.#authenticate(bytes)
    if (!message.ok) return
    if (this.#tell !== undefined) this.#say(`${from.index} -> ${target.index} ${describeMessage(message.value)}`)
    target.saboteur?.receive?.(message.value)
    target.host.feed({ kind: 'message', message: message.value })
  }

  #delivered(process: Process, effect: Extract<Effect, { kind: 'deliver' }>): void {
    this.#say(`replica ${process.index} delivers block ${effect.height}`)
    if (!process.isFaulty) this.observers.delivered(process.index, effect)
  }

  #noted(process: Process, effect: Effect): void {
    if (process.isFaulty) return
    if (effect.kind === 'halt') this.observers.report('S1', `replica ${process.index} halts: ${effect.reason}`)
    if (effect.kind === 'evidence') this.observers.accused(process.index, effect)
  }

  #say(line: string): void {
    this.#tell?.(this.events.nowMs, line)
  }

  /** Runs until everything is done after the faults, a property fails, or patience ends. */
  run(): void {
    const deadline = CHAOS_MS + PATIENCE_MS
    let nextCheckMs = CHAOS_MS
    while (this.observers.violations.length === 0 && this.events.step(deadline)) {
      this.eventCount += 1
      if (this.events.nowMs < nextCheckMs) continue
      nextCheckMs = this.events.nowMs + 50
      if (this.#isDone()) break
    }
    if (this.observers.violations.length === 0 && !this.#isDone()) this.#reportUnfinished()
    this.observers.finish()
  }

  #correct(): Process[] {
    return this.processes.filter(({ isFaulty }) => !isFaulty)
  }

  /** Everything asked for is certified everywhere, and whoever recovered votes again. */
  #isDone(): boolean {
    const statuses = this.#correct().map(({ host }) => host.replica?.status())
    const heights = new Set(statuses.map((status) => status?.height))
    const acknowledged = [...this.#requests].every(({ id }) => this.observers.acknowledged.has(toHex(id)))
    if (!acknowledged) return false
    // A replica that lost its disk waits for blocks: clients make some more.
    if (statuses.some((status) => status?.mode === 'recovering') && this.#extra < 60) {
      this.#extra += 1
      this.#submit(
        createSimulatedRequest(3, `extra ${this.#extra}`),
        createDraws(this.#scenario.seed, `extra ${this.#extra}`),
      )
      return false
    }
    return heights.size === 1 && statuses.every((status) => status !== undefined && status.mode !== 'recovering')
  }

  #reportUnfinished(): void {
    const missing = this.#requests.filter(({ id }) => !this.observers.acknowledged.has(toHex(id))).length
    const where = this.#correct().map(({ index, host }) => {
      const status = host.replica?.status()
      return status === undefined
        ? `${index} is down`
        : `${index}: ${status.mode}, view ${status.view}, height ${status.height} of ${status.executedHeight}`
    })
    const property = missing > 0 ? 'L1' : 'L2'
    this.observers.report(property, `${missing} requests are not executed in time; ${where.join('; ')}`)
  }

  /** Hash of everything that happened. */
  traceHash(): string {
    const heads = this.#correct().map(({ host }) => host.replica?.digest() ?? new Uint8Array())
    return toHex(sha256(concatBytes(toUtf8(`${this.#network.trace}/${this.eventCount}`), ...heads)))
  }

  /** Certified heights of the correct replicas. */
  heights(): number[] {
    return this.#correct().map(({ host }) => host.replica?.status().height ?? 0)
  }

  /** State roots of the correct replicas. */
  stateRoots(): string[] {
    return this.#correct().map(({ host }) => toHex(host.application?.head().stateRoot ?? new Uint8Array()))
  }
}

/** Who is faulty comes first: often an early leader, which can do most. */
function orderMembers(draws: Draws, count: number): number[] {
  const order = draws.shuffle(Array.from({ length: count }, (_, index) => index))
  if (count < 4 || draws.chance(0.5)) return order
  const early = draws.below(2)
  return [early, ...order.filter((index) => index !== early)]
}

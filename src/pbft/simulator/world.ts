/**
 * One simulated world: processes, network and clients on one virtual clock, watched by the observers.
 */

import { fail, type Result } from '../../errors.ts'
import { concatBytes, toHex, toUtf8, type Verified } from '../../primitives/bytes.ts'
import { sha256 } from '../../primitives/hash.ts'
import { createId, type ChainId } from '../../primitives/ids.ts'
import type { Signer } from '../../primitives/signature.ts'
import { authenticateMessage } from '../authenticate.ts'
import { settleConfig, type ReplicaConfig, type Settings } from '../config.ts'
import type { PeerMessage } from '../message.ts'
import type { Effect, ReplicaStatus } from '../types.ts'
import { createSimulatedApplication, type SimulatedApplication } from './application.ts'
import { Clients } from './clients.ts'
import { Events } from './events.ts'
import { Host } from './host.ts'
import { Journal } from './journal.ts'
import { createSimulatedKeys, type SimulatedKeys } from './keys.ts'
import type { Saboteur } from './means.ts'
import { Network, type Endpoint } from './network.ts'
import {
  observeAgreement,
  observeCertificates,
  observeLasting,
  observeOnce,
  observeOrder,
  observeValidity,
} from './observe-blocks.ts'
import { observeLatency, observeLiveness, observeRecovery } from './observe-progress.ts'
import {
  observeAccusations,
  observeBounds,
  observeCheckpoints,
  observeEquivocation,
  observeVotes,
} from './observe-replicas.ts'
import { Observers, type FinalState, type ObserverFactory } from './observers.ts'
import { CHAOS_MS, endOfSchedule, planScenario, type PlannedCrash, type Schedule } from './plan.ts'
import { createDraws, type Draws } from './random.ts'
import type { Scenario, Strategy } from './scenario.ts'
import { createSaboteur } from './strategies.ts'
import { describeMessage, type Tell } from './transcript.ts'

/** Virtual milliseconds of one tick. */
const TICK_MS = 20
/** T of the simulated group, in ticks. */
const TIMEOUT_TICKS = 20
/** How long after the faults everything must be done: the back-off is 16 T = 6.4 s at most, for each of f faulty primaries. */
const PATIENCE_MS = 60_000
const EPOCH_MS = 1_700_000_000_000
const CHECKPOINT_EVERY = 4
/** Ticks between two looks at a replica. */
const LOOK_TICKS = 2
/** Requests that clients add so that a replica without memory sees enough blocks. */
const EXTRA_REQUESTS_MAX = 60

const STANDARD_OBSERVERS: readonly ObserverFactory[] = [
  observeAgreement,
  observeOrder,
  observeValidity,
  observeOnce,
  observeLasting,
  observeCertificates,
  observeVotes,
  observeCheckpoints,
  observeBounds,
  observeAccusations,
  observeEquivocation,
  observeLiveness,
  observeRecovery,
]

/** A process of the world: which member it is, what sabotages it, and how its clock runs. */
interface Process extends Endpoint {
  readonly host: Host
  readonly isFaulty: boolean
  readonly saboteur: Saboteur | undefined
  readonly skewMs: number
  /** How fast its clock and timers run. */
  readonly pace: number
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
  readonly #schedule: Schedule
  readonly #config: ReplicaConfig
  readonly #settings: Settings
  readonly #keys: SimulatedKeys
  readonly #network: Network<Process>
  readonly #clients: Clients
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
    const { seed, replicaCount, byzantine = [], constantDelayMs, keys = createSimulatedKeys } = scenario
    this.#scenario = scenario
    this.#tell = tell
    this.#keys = keys(replicaCount, seed)
    this.#config = configure(scenario, this.#keys)
    this.#settings = settleConfig(this.#config)
    const order = orderMembers(createDraws(seed, 'byzantine'), replicaCount)
    const strategies = Array.from({ length: replicaCount }, (_, index) => byzantine[order.indexOf(index)])
    const processCount = replicaCount + strategies.filter((strategy) => strategy === 'twins').length
    this.#schedule = planScenario(scenario, { order, processCount }, createDraws(seed, 'plan'))
    this.observers = this.#observe(new Set(order.slice(0, byzantine.length)))
    for (const [index, strategy] of strategies.entries()) this.#addMember(index, strategy)
    this.#network = new Network({
      events: this.events,
      draws: createDraws(seed, 'network'),
      faults: scenario.faults ?? {},
      schedule: this.#schedule,
      replicaCount,
      endpoints: this.processes,
      constantDelayMs,
      viewMax: () => this.viewMax,
      onArrive: (from, target, bytes) => {
        this.#arrive(from, target, bytes)
      },
    })
    this.#clients = new Clients({
      events: this.events,
      observers: this.observers,
      delayMs: constantDelayMs ?? 0,
      ask: (request, to) => {
        const asked = to === 'all' ? this.processes : this.processes.slice(to, to + 1)
        for (const { host } of asked) host.feed({ kind: 'request', request })
      },
    })
    this.#follow()
  }

  get #isLazy(): boolean {
    return this.#scenario.verification === 'deciding'
  }

  #observe(faulty: ReadonlySet<number>): Observers {
    const { constantDelayMs } = this.#scenario
    const { verifier } = this.#keys
    const nowMs = (): number => this.events.nowMs
    const exact = constantDelayMs === undefined ? [] : [observeLatency(constantDelayMs)]
    const group = { config: this.#config, settings: this.#settings, verifier, faulty, nowMs }
    // An inbox drops late votes unverified, and with them what they would prove.
    const standard = STANDARD_OBSERVERS.filter((one) => one !== observeEquivocation || !this.#isLazy)
    return new Observers(group, [...standard, ...exact])
  }

  /** Adds the process of a member; two for twins. */
  #addMember(index: number, strategy: Strategy | undefined): void {
    const copies = strategy === 'twins' ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const draws = createDraws(this.#scenario.seed, `host ${index}/${copy}`)
      const { skewMs = 0, drift = 0 } = this.#scenario.faults ?? {}
      const isFaulty = strategy !== undefined
      const process: Process = {
        index,
        isFaulty,
        lagMs: this.#schedule.slowNodes.includes(index) ? draws.between(10, 80) : 0,
        skewMs: draws.between(-skewMs, skewMs),
        pace: 1 + drift * (2 * draws.next() - 1),
        saboteur: strategy === undefined ? undefined : this.#sabotage(index, strategy),
        host: this.#createHost(() => process, { index, isFaulty, draws }),
        ticks: 0,
      }
      this.processes.push(process)
      process.host.start()
      this.events.after(draws.below(TICK_MS), () => {
        this.#tick(process)
      })
    }
  }

  #createHost(
    process: () => Process,
    { index, isFaulty, draws }: { readonly index: number; readonly isFaulty: boolean; readonly draws: Draws },
  ): Host {
    const { application = createSimulatedApplication, constantDelayMs } = this.#scenario
    const syncMax = this.#schedule.slowDisks.includes(index) ? 60 : 4
    const isInstant = isFaulty || constantDelayMs !== undefined
    const journal = new Journal(application, {
      onExecute: (block) => {
        if (!isFaulty) this.observers.executed(index, block)
      },
      onRestore: (head) => {
        if (!isFaulty) this.observers.tell('restored', index, head)
      },
    })
    return new Host({
      config: this.#config,
      signer: this.#signer(index),
      inboxVerifier: this.#isLazy ? this.#keys.verifier : undefined,
      journal,
      events: this.events,
      draws,
      syncMs: () => (isInstant ? 0 : draws.between(0, syncMax)),
      onStart: () => {
        if (!isFaulty) this.observers.tell('started', index)
      },
      onSend: (effect) => this.#leave(process(), effect),
      onDeliver: (effect) => this.#delivered(process(), effect),
      onEffect: (effect) => this.#noted(process(), effect),
      onCrash: (downMs) => {
        this.#say(`replica ${index} crashes`)
        this.#restartLater(process(), downMs)
      },
      onLostDisk: () => {
        this.#say(`replica ${index} finds its log damaged`)
        this.observers.tell('wiped', index)
      },
      onFailure: (error) => {
        if (!isFaulty) this.observers.report('invariant', `replica ${index}: ${String(error)}`)
      },
    })
  }

  #signer(index: number): Signer {
    return this.#keys.signers[index] as Signer
  }

  #sabotage(index: number, strategy: Strategy): Saboteur | undefined {
    return createSaboteur(strategy, {
      settings: this.#settings,
      config: this.#config,
      signer: this.#signer(index),
      signers: this.#keys.signers,
      index,
      draws: createDraws(this.#scenario.seed, `strategy ${index}`),
      timeoutMs: TIMEOUT_TICKS * TICK_MS,
      submitted: (id, request) => {
        this.observers.tell('submitted', id, request)
      },
    })
  }

  /** Lets happen what is planned. */
  #follow(): void {
    const { requests, crashes, lostDisks } = this.#schedule
    for (const request of requests) {
      this.events.after(request.atMs, () => {
        this.#clients.submit(request)
      })
    }
    const { clientFlood = 0 } = this.#scenario.faults ?? {}
    if (clientFlood > 0) {
      this.events.after(CHAOS_MS / 3, () => {
        this.#clients.flood(clientFlood)
      })
    }
    for (const crash of crashes) this.#followCrash(crash)
    for (const { member, atMs, downMs, isRotten } of lostDisks) {
      const process = this.#processOf(member)
      this.events.after(atMs, () => {
        this.#loseDisk(process, isRotten)
        this.#restartLater(process, downMs)
      })
    }
  }

  #followCrash({ member, atMs, effects, downMs, unsynced, byMs }: PlannedCrash): void {
    const process = this.#processOf(member)
    const { host } = process
    const due = { effects, unsynced, downMs }
    // From the very beginning means before the first input.
    if (atMs === 0) host.dueCrash = due
    else {
      this.events.after(atMs, () => {
        host.dueCrash = due
      })
    }
    if (byMs === undefined) return
    this.events.after(byMs, () => {
      // Whoever was idle crashes now, between two inputs.
      if (host.dueCrash === due && host.replica !== undefined) host.crashNow(due)
    })
  }

  #loseDisk(process: Process, isRotten: boolean): void {
    const { host, index } = process
    host.crash()
    if (isRotten) {
      // The newest record may be one that nothing rests on; damage before it must be found.
      host.disk.rot(createDraws(this.#scenario.seed, `rot ${index}`).below(host.disk.recordCount - 1))
      return
    }
    this.#say(`replica ${index} loses its disk`)
    host.wipe()
    this.observers.tell('wiped', index)
  }

  #processOf(member: number): Process {
    return this.processes.find(({ index }) => index === member) as Process
  }

  #restartLater(process: Process, delayMs: number): void {
    this.events.after(delayMs, () => {
      if (process.host.replica !== undefined) return
      this.#say(`replica ${process.index} starts again`)
      process.host.start()
    })
  }

  #tick(process: Process): void {
    const { host, skewMs, pace, saboteur } = process
    host.feed({ kind: 'tick', nowMs: EPOCH_MS + Math.floor(this.events.nowMs * pace) + skewMs })
    for (const outgoing of saboteur?.tick?.() ?? []) this.#network.send(process, outgoing)
    process.ticks += 1
    if (!process.isFaulty && process.ticks % LOOK_TICKS === 0) this.#look(process)
    this.events.after(TICK_MS / pace, () => {
      this.#tick(process)
    })
  }

  #look({ host, index }: Process): void {
    const status = host.replica?.status()
    if (status === undefined) return
    this.viewMax = Math.max(this.viewMax, status.view)
    const { durableIndex, writtenIndex, recordCount } = host.disk
    this.observers.tell('inspected', index, status, { recordCount, isDurable: durableIndex === writtenIndex })
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
    const { saboteur } = process
    if (process.isFaulty && saboteur === undefined) {
      this.#network.send(process, { to, bytes: effect.bytes })
      return
    }
    const message = this.#authenticate(effect.bytes)
    if (message.ok && !process.isFaulty) this.observers.tell('sent', process.index, message.value)
    const isChanged = saboteur !== undefined && message.ok
    const outgoing = isChanged ? saboteur.send(message.value, to) : [{ to, bytes: effect.bytes }]
    for (const one of outgoing) this.#network.send(process, one)
  }

  #arrive(from: Process, target: Process, bytes: Uint8Array): void {
    const { host, saboteur, isFaulty, index } = target
    const message = this.#authenticate(bytes)
    if (message.ok) {
      if (this.#tell !== undefined) this.#say(`${from.index} -> ${index} ${describeMessage(message.value)}`)
      saboteur?.receive?.(message.value)
      if (!isFaulty && host.replica !== undefined)
        this.observers.tell('arrived', index, message.value, () => host.replica?.status())
    }
    if (this.#isLazy) host.receive(bytes)
    else if (message.ok) host.feed({ kind: 'message', message: message.value })
  }

  #delivered({ index, isFaulty }: Process, effect: Extract<Effect, { kind: 'deliver' }>): void {
    this.#say(`replica ${index} delivers block ${effect.height}`)
    if (!isFaulty) this.observers.delivered(index, effect)
  }

  #noted({ index, isFaulty }: Process, effect: Effect): void {
    if (isFaulty) return
    if (effect.kind === 'halt') this.observers.report('S1', `replica ${index} halts: ${effect.reason}`)
    if (effect.kind === 'evidence') this.observers.tell('accused', index, effect)
  }

  #say(line: string): void {
    this.#tell?.(this.events.nowMs, line)
  }

  /** Runs until everything is done after the faults, a property fails, or patience ends. */
  run(): void {
    const deadline = CHAOS_MS + PATIENCE_MS
    let nextCheckMs = endOfSchedule(this.#schedule)
    let isDone = false
    while (!isDone && this.observers.violations.length === 0 && this.events.step(deadline)) {
      this.eventCount += 1
      if (this.events.nowMs < nextCheckMs) continue
      nextCheckMs = this.events.nowMs + 50
      isDone = this.#isDone()
    }
    if (this.observers.violations.length > 0) return
    this.observers.tell('finished', { replicas: this.#finalStates(), wanted: this.#clients.wanted, isDone })
  }

  #correct(): Process[] {
    return this.processes.filter(({ isFaulty }) => !isFaulty)
  }

  #statuses(): (ReplicaStatus | undefined)[] {
    return this.#correct().map(({ host }) => host.replica?.status())
  }

  #finalStates(): FinalState[] {
    return this.#correct().map(({ index, host }) => {
      const ids = (host.application as Partial<SimulatedApplication> | undefined)?.executed?.()
      return { index, status: host.replica?.status(), executed: ids && new Set(ids) }
    })
  }

  /** Everything asked for is certified everywhere, and whoever recovered votes again. */
  #isDone(): boolean {
    if (!this.#clients.isAnswered) return false
    const statuses = this.#statuses()
    // A replica that lost its disk waits for blocks: clients make some more.
    if (statuses.some((status) => status?.mode === 'recovering') && this.#extra < EXTRA_REQUESTS_MAX) {
      this.#extra += 1
      const to = createDraws(this.#scenario.seed, `extra ${this.#extra}`).below(this.processes.length)
      this.#clients.submit({ client: 3, payload: `extra ${this.#extra}`, to })
      return false
    }
    const isUp = statuses.every((status) => status !== undefined && status.mode !== 'recovering')
    return isUp && new Set(statuses.map((status) => status?.height)).size === 1
  }

  /** Hash of everything that happened. */
  traceHash(): string {
    const heads = this.#correct().map(({ host }) => host.replica?.digest() ?? new Uint8Array())
    return toHex(sha256(concatBytes(toUtf8(`${this.#network.trace}/${this.eventCount}`), ...heads)))
  }

  /** Certified heights of the correct replicas. */
  heights(): number[] {
    return this.#statuses().map((status) => status?.height ?? 0)
  }

  /** State roots of the correct replicas. */
  stateRoots(): string[] {
    return this.#correct().map(({ host }) => toHex(host.application?.head().stateRoot ?? new Uint8Array()))
  }

  /** Effects that each process carried out. */
  effectCounts(): number[] {
    return this.processes.map(({ host }) => host.effectCount)
  }

  /** What was planned, as data. */
  schedule(): Schedule {
    return this.#schedule
  }
}

function configure({ seed, constantDelayMs }: Scenario, { signers }: SimulatedKeys): ReplicaConfig {
  const chainId: ChainId = createId('chain', sha256(toUtf8(`simulation ${seed}`)))
  return {
    chainId,
    members: signers.map(({ did }) => ({ did })),
    timeoutTicks: TIMEOUT_TICKS,
    batchWaitTicks: constantDelayMs === undefined ? 1 : 0,
    batchTransactionsMax: 4,
    windowSize: 4,
    checkpointEvery: CHECKPOINT_EVERY,
  }
}

/** Who is faulty comes first: often an early leader, which can do most. */
function orderMembers(draws: Draws, count: number): number[] {
  const order = draws.shuffle(Array.from({ length: count }, (_, index) => index))
  if (count < 4 || draws.chance(0.5)) return order
  const early = draws.below(2)
  return [early, ...order.filter((index) => index !== early)]
}

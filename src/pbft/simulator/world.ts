/**
 * One simulated world: processes, network and clients on one virtual clock, watched by the observers.
 */

import { concatBytes, toHex, toUtf8, type Verified } from '../../primitives/bytes.ts'
import { sha256 } from '../../primitives/hash.ts'
import type { Result } from '../../errors.ts'
import type { PeerMessage } from '../message.ts'
import type { Effect, ReplicaStatus } from '../types.ts'
import type { SimulatedApplication } from './application.ts'
import { Clients } from './clients.ts'
import { Events } from './events.ts'
import { createAuthenticator, observeGroup, prepareGroup, type Group } from './group.ts'
import { Network } from './network.ts'
import type { FinalState, Observers } from './observers.ts'
import { CHAOS_MS, endOfSchedule } from './plan.ts'
import { type Schedule } from './schedule.ts'
import { Processes, type Process } from './processes.ts'
import { createDraws } from './random.ts'
import type { Scenario } from './scenario.ts'
import { describeMessage, type Tell } from './transcript.ts'

/** How long after the faults everything must be done: the back-off is 16 T = 6.4 s at most, for each of f faulty primaries. */
const PATIENCE_MS = 60_000
/** How often it is asked whether everything is done. */
const CHECK_MS = 50
/** Requests that clients add so that a replica without memory sees enough blocks. */
const EXTRA_REQUESTS_MAX = 60

/** Runs one scenario. */
export class World {
  readonly events = new Events()
  readonly observers: Observers
  eventCount = 0
  /** The highest view that a correct replica reached. */
  viewMax = 0
  readonly #group: Group
  readonly #processes: Processes
  readonly #network: Network<Process>
  readonly #clients: Clients
  readonly #authenticate: (bytes: Uint8Array) => Result<Verified<PeerMessage>>
  readonly #tell: Tell | undefined
  #extra = 0

  /**
   * Makes the world of a scenario.
   *
   * @param scenario - its seed decides everything
   * @param tell - takes the lines of a transcript
   */
  constructor(scenario: Scenario, tell?: Tell) {
    const group = prepareGroup(scenario)
    this.#group = group
    this.#tell = tell
    this.observers = observeGroup(group, () => this.events.nowMs)
    this.#authenticate = createAuthenticator(group, (error) => {
      this.observers.report('invariant', `authenticating threw: ${String(error)}`)
    })
    this.#processes = this.#createProcesses()
    this.#network = this.#createNetwork()
    this.#clients = this.#createClients()
    this.#follow(group.schedule)
  }

  #createProcesses(): Processes {
    return new Processes({
      group: this.#group,
      events: this.events,
      observers: this.observers,
      onSend: (process, effect) => {
        this.#leave(process, effect)
      },
      onSabotage: (process, outgoing) => {
        for (const one of outgoing) this.#network.send(process, one)
      },
      onStatus: (view) => {
        this.viewMax = Math.max(this.viewMax, view)
      },
      say: (line) => this.#tell?.(this.events.nowMs, line),
    })
  }

  #createNetwork(): Network<Process> {
    const { seed, replicaCount, faults = {}, constantDelayMs } = this.#group.scenario
    return new Network({
      events: this.events,
      draws: createDraws(seed, 'network'),
      faults,
      schedule: this.#group.schedule,
      replicaCount,
      endpoints: this.#processes.all,
      constantDelayMs,
      viewMax: () => this.viewMax,
      onArrive: (from, target, bytes) => {
        this.#arrive(from, target, bytes)
      },
    })
  }

  #createClients(): Clients {
    return new Clients({
      events: this.events,
      observers: this.observers,
      delayMs: this.#group.scenario.constantDelayMs ?? 0,
      ask: (request, to) => {
        const { all } = this.#processes
        for (const { host } of to === 'all' ? all : all.slice(to, to + 1)) host.feed({ kind: 'request', request })
      },
    })
  }

  /** Lets happen what is planned. */
  #follow(schedule: Schedule): void {
    for (const request of schedule.requests) {
      this.events.after(request.atMs, () => {
        this.#clients.submit(request)
      })
    }
    const { clientFlood = 0 } = this.#group.scenario.faults ?? {}
    if (clientFlood > 0) {
      this.events.after(CHAOS_MS / 3, () => {
        this.#clients.flood(clientFlood)
      })
    }
    this.#processes.follow(schedule)
  }

  /** A message leaves a replica, perhaps changed. */
  #leave(process: Process, effect: Extract<Effect, { kind: 'send' }>): void {
    const to = effect.to.map((did) => this.#group.settings.indexes.get(did) as number)
    const { saboteur, isFaulty, index } = process
    if (isFaulty && saboteur === undefined) {
      this.#network.send(process, { to, bytes: effect.bytes })
      return
    }
    const message = this.#authenticate(effect.bytes)
    if (message.ok && !isFaulty) this.observers.tell('sent', index, message.value)
    const isChanged = saboteur !== undefined && message.ok
    const outgoing = isChanged ? saboteur.send(message.value, to) : [{ to, bytes: effect.bytes }]
    for (const one of outgoing) this.#network.send(process, one)
  }

  #arrive(from: Process, target: Process, bytes: Uint8Array): void {
    const { host, saboteur, isFaulty, index } = target
    const message = this.#authenticate(bytes)
    if (message.ok) {
      this.#tell?.(this.events.nowMs, `${from.index} -> ${index} ${describeMessage(message.value)}`)
      saboteur?.receive?.(message.value)
      if (!isFaulty && host.replica !== undefined)
        this.observers.tell('arrived', index, message.value, () => host.replica?.status())
    }
    if (this.#group.hasInboxes) host.receive(bytes)
    else if (message.ok) host.feed({ kind: 'message', message: message.value })
  }

  /** Runs until everything is done after the faults, a property fails, or patience ends. */
  run(): void {
    const deadline = CHAOS_MS + PATIENCE_MS
    let nextCheckMs = endOfSchedule(this.#group.schedule)
    let isDone = false
    while (!isDone && this.observers.violations.length === 0 && this.events.step(deadline)) {
      this.eventCount += 1
      if (this.events.nowMs < nextCheckMs) continue
      nextCheckMs = this.events.nowMs + CHECK_MS
      isDone = this.#isDone()
    }
    if (this.observers.violations.length > 0) return
    this.observers.tell('finished', { replicas: this.#finalStates(), wanted: this.#clients.wanted, isDone })
  }

  #statuses(): (ReplicaStatus | undefined)[] {
    return this.#processes.correct.map(({ host }) => host.replica?.status())
  }

  #finalStates(): FinalState[] {
    return this.#processes.correct.map(({ index, host }) => {
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
      const draws = createDraws(this.#group.scenario.seed, `extra ${this.#extra}`)
      this.#clients.submit({ client: 3, payload: `extra ${this.#extra}`, to: draws.below(this.#processes.all.length) })
      return false
    }
    const isUp = statuses.every((status) => status !== undefined && status.mode !== 'recovering')
    return isUp && new Set(statuses.map((status) => status?.height)).size === 1
  }

  /** Hash of everything that happened. */
  traceHash(): string {
    const heads = this.#processes.correct.map(({ host }) => host.replica?.digest() ?? new Uint8Array())
    return toHex(sha256(concatBytes(toUtf8(`${this.#network.trace}/${this.eventCount}`), ...heads)))
  }

  /** Certified heights of the correct replicas. */
  heights(): number[] {
    return this.#statuses().map((status) => status?.height ?? 0)
  }

  /** State roots of the correct replicas. */
  stateRoots(): string[] {
    return this.#processes.correct.map(({ host }) => toHex(host.application?.head().stateRoot ?? new Uint8Array()))
  }

  /** Effects that each process carried out. */
  effectCounts(): number[] {
    return this.#processes.all.map(({ host }) => host.effectCount)
  }

  /** What was planned, as data. */
  schedule(): Schedule {
    return this.#group.schedule
  }
}

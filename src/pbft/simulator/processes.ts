/**
 * The processes of a simulation: hosts with their clocks, which tick, crash, lose their disks and start again, and the faulty
 * ones with what sabotages them.
 */

import type { Signer } from '../../primitives/signature.ts'
import type { Effect } from '../types.ts'
import { createSimulatedApplication } from './application.ts'
import type { Events } from './events.ts'
import { TICK_MS, TIMEOUT_TICKS, type Group } from './group.ts'
import { Host } from './host.ts'
import { Journal } from './journal.ts'
import type { Saboteur } from './means.ts'
import type { Endpoint } from './network.ts'
import type { Observers } from './observers.ts'
import type { PlannedCrash, Schedule } from './schedule.ts'
import { createDraws, type Draws } from './random.ts'
import type { Strategy } from './scenario.ts'
import { createSaboteur } from './strategies.ts'

const EPOCH_MS = 1_700_000_000_000
/** Ticks between two looks at a replica. */
const LOOK_TICKS = 2
const SYNC_MS_MAX = 4
const SLOW_SYNC_MS_MAX = 60

/** A process: which member it is, what sabotages it, and how its clock runs. */
export interface Process extends Endpoint {
  readonly host: Host
  readonly isFaulty: boolean
  readonly saboteur: Saboteur | undefined
  readonly skewMs: number
  /** How fast its clock and timers run. */
  readonly pace: number
  ticks: number
}

/** What processes need from their world. */
export interface ProcessesOptions {
  readonly group: Group
  readonly events: Events
  readonly observers: Observers
  readonly onSend: (process: Process, effect: Extract<Effect, { kind: 'send' }>) => void
  /** What a saboteur sends without a reason. */
  readonly onSabotage: (process: Process, outgoing: ReturnType<NonNullable<Saboteur['tick']>>) => void
  readonly onStatus: (view: number) => void
  readonly say: (line: string) => void
}

/** All processes; the copies of a twin are two of one member. */
export class Processes {
  readonly all: readonly Process[]
  readonly #options: ProcessesOptions

  /** Makes and starts them. */
  constructor(options: ProcessesOptions) {
    this.#options = options
    this.all = options.group.strategies.flatMap((strategy, index) =>
      Array.from({ length: strategy === 'twins' ? 2 : 1 }, (_, copy) => this.#start(index, strategy, copy)),
    )
  }

  /** Those that keep to the protocol. */
  get correct(): readonly Process[] {
    return this.all.filter(({ isFaulty }) => !isFaulty)
  }

  #start(index: number, strategy: Strategy | undefined, copy: number): Process {
    const { group, events } = this.#options
    const { seed, faults = {} } = group.scenario
    const { skewMs = 0, drift = 0 } = faults
    const draws = createDraws(seed, `host ${index}/${copy}`)
    const isFaulty = strategy !== undefined
    const process: Process = {
      index,
      isFaulty,
      lagMs: group.schedule.slowNodes.includes(index) ? draws.between(10, 80) : 0,
      skewMs: draws.between(-skewMs, skewMs),
      pace: 1 + drift * (2 * draws.next() - 1),
      saboteur: strategy === undefined ? undefined : this.#sabotage(index, strategy),
      host: this.#createHost(() => process, { index, isFaulty, draws }),
      ticks: 0,
    }
    process.host.start()
    events.after(draws.below(TICK_MS), () => {
      this.#tick(process)
    })
    return process
  }

  #createHost(
    process: () => Process,
    { index, isFaulty, draws }: { readonly index: number; readonly isFaulty: boolean; readonly draws: Draws },
  ): Host {
    const { group, events, observers, onSend, say } = this.#options
    const { application = createSimulatedApplication, constantDelayMs } = group.scenario
    const syncMax = group.schedule.slowDisks.includes(index) ? SLOW_SYNC_MS_MAX : SYNC_MS_MAX
    const isInstant = isFaulty || constantDelayMs !== undefined
    const ifCorrect = <A extends unknown[]>(tell: (...details: A) => void): ((...details: A) => void) =>
      isFaulty ? () => undefined : tell
    const host: Host = new Host({
      config: group.config,
      signer: group.keys.signers[index] as Signer,
      inbox: group.hasInboxes ? { verifier: group.keys.verifier, read: group.read } : undefined,
      journal: new Journal(application, {
        onExecute: ifCorrect((block) => {
          host.tellWhenDurable(() => {
            observers.executed(index, block)
          })
        }),
        onRestore: ifCorrect((head) => {
          host.tellWhenDurable(() => {
            observers.tell('restored', index, head)
          })
        }),
      }),
      events,
      draws,
      syncMs: () => (isInstant ? 0 : draws.between(0, syncMax)),
      onStart: ifCorrect(() => {
        observers.tell('started', index)
      }),
      onSend: (effect) => {
        onSend(process(), effect)
      },
      onDeliver: (effect) => {
        say(`replica ${index} delivers block ${effect.height}`)
        if (!isFaulty) observers.delivered(index, effect)
      },
      onEffect: ifCorrect((effect) => {
        if (effect.kind === 'halt') observers.report('S1', `replica ${index} halts: ${effect.reason}`)
        if (effect.kind === 'evidence') observers.tell('accused', index, effect)
      }),
      onCrash: (downMs) => {
        say(`replica ${index} crashes`)
        this.#restartLater(process(), downMs)
      },
      onLostDisk: () => {
        say(`replica ${index} finds its log damaged`)
        observers.tell('wiped', index)
      },
      onFailure: ifCorrect((error) => {
        observers.report('invariant', `replica ${index}: ${String(error)}`)
      }),
    })
    return host
  }

  #sabotage(index: number, strategy: Strategy): Saboteur | undefined {
    const { group, observers } = this.#options
    const { settings, config, keys, scenario } = group
    return createSaboteur(strategy, {
      settings,
      config,
      signer: keys.signers[index] as Signer,
      signers: keys.signers,
      index,
      draws: createDraws(scenario.seed, `strategy ${index}`),
      timeoutMs: TIMEOUT_TICKS * TICK_MS,
      submitted: (id, request) => {
        observers.tell('submitted', id, request)
      },
    })
  }

  #tick(process: Process): void {
    const { events, onSabotage } = this.#options
    const { host, skewMs, pace, saboteur } = process
    host.feed({ kind: 'tick', nowMs: EPOCH_MS + Math.floor(events.nowMs * pace) + skewMs })
    if (saboteur?.tick !== undefined) onSabotage(process, saboteur.tick())
    process.ticks += 1
    if (!process.isFaulty && process.ticks % LOOK_TICKS === 0) this.#look(process)
    events.after(TICK_MS / pace, () => {
      this.#tick(process)
    })
  }

  #look({ host, index }: Process): void {
    const status = host.replica?.status()
    if (status === undefined) return
    this.#options.onStatus(status.view)
    const { durableIndex, writtenIndex, recordCount } = host.disk
    const isDurable = durableIndex === writtenIndex
    const { waitingVotes } = host
    this.#options.observers.tell('inspected', index, status, { recordCount, isDurable, waitingVotes })
  }

  /** Lets crash and lose their disks whom the schedule says. */
  follow({ crashes, lostDisks }: Schedule): void {
    for (const crash of crashes) this.#followCrash(crash)
    for (const { member, atMs, downMs, isRotten } of lostDisks) {
      const process = this.#processOf(member)
      this.#options.events.after(atMs, () => {
        this.#loseDisk(process, isRotten)
        this.#restartLater(process, downMs)
      })
    }
  }

  #followCrash({ member, atMs, effects, downMs, unsynced, byMs }: PlannedCrash): void {
    const { events } = this.#options
    const { host } = this.#processOf(member)
    const due = { effects, unsynced, downMs }
    // From the very beginning means before the first input.
    if (atMs === 0) host.dueCrash = due
    else {
      events.after(atMs, () => {
        host.dueCrash = due
      })
    }
    if (byMs === undefined) return
    events.after(byMs, () => {
      // Whoever was idle crashes now, between two inputs.
      if (host.dueCrash === due && host.replica !== undefined) host.crashNow(due)
    })
  }

  #loseDisk({ host, index }: Process, isRotten: boolean): void {
    const { group, observers, say } = this.#options
    host.crash()
    if (isRotten) {
      // The newest record may be one that nothing rests on; damage before it must be found.
      host.disk.rot(createDraws(group.scenario.seed, `rot ${index}`).below(host.disk.recordCount - 1))
      return
    }
    say(`replica ${index} loses its disk`)
    host.wipe()
    observers.tell('wiped', index)
  }

  #processOf(member: number): Process {
    return this.all.find(({ index }) => index === member) as Process
  }

  #restartLater(process: Process, delayMs: number): void {
    this.#options.events.after(delayMs, () => {
      if (process.host.replica !== undefined) return
      this.#options.say(`replica ${process.index} starts again`)
      process.host.start()
    })
  }
}

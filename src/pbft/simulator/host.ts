/**
 * The host of a replica in a simulation: carries out effects as the duties demand, on a disk that takes time, and crashes
 * between any two of them.
 */

import type { Signer, Verifier } from '../../primitives/signature.ts'
import type { ReplicaConfig } from '../config.ts'
import { createInboxThatReads, type Inbox, type ReadMessage } from '../inbox.ts'
import { createReplica } from '../replica.ts'
import type { Application, Effect, Input, Replica } from '../types.ts'
import { Disk } from './disk.ts'
import type { Events } from './events.ts'
import type { Journal } from './journal.ts'
import type { UnsyncedFate } from './schedule.ts'
import type { Draws } from './random.ts'

/** What a host needs from its world. */
export interface HostOptions {
  readonly config: ReplicaConfig
  readonly signer: Signer
  /** Set where the replica stands behind an inbox, which verifies only what decides. */
  readonly inbox: { readonly verifier: Verifier; readonly read: ReadMessage } | undefined
  readonly journal: Journal
  readonly events: Events
  readonly draws: Draws
  /** How long a sync takes; 0 for replicas whose disk does not matter. */
  readonly syncMs: () => number
  readonly onSend: (effect: Extract<Effect, { kind: 'send' }>) => void
  readonly onDeliver: (effect: Extract<Effect, { kind: 'deliver' }>) => void
  readonly onEffect: (effect: Effect) => void
  /** The process starts, or starts again. */
  readonly onStart: () => void
  /** A crash that was due has happened. */
  readonly onCrash: (downMs: number) => void
  /** The log was found damaged, and with it the memory of votes is lost. */
  readonly onLostDisk: () => void
  /** The replica threw: an invariant of its own is broken. */
  readonly onFailure: (error: unknown) => void
}

/** A crash that is due. */
export interface DueCrash {
  /** Effects until then. */
  effects: number
  readonly unsynced: UnsyncedFate
  readonly downMs: number
}

type Waiting = Extract<Effect, { kind: 'send' | 'deliver' }>

/** Something to tell about the state of the replica, once it is sure to outlive a crash. */
interface Held {
  readonly after: number
  readonly tell: () => void
}

/** One process with its disk. */
export class Host {
  readonly disk = new Disk()
  replica: Replica | undefined
  application: Application | undefined
  #inbox: Inbox | undefined
  dueCrash: DueCrash | undefined
  /** Effects carried out since the first start. */
  effectCount = 0
  readonly #options: HostOptions
  #waiting: Waiting[] = []
  #held: Held[] = []
  /** What the step under way has to tell; undefined between steps. */
  #fresh: (() => void)[] | undefined
  #isSyncing = false
  #life = 0
  #storedHeight = 0
  /** What had been delivered when records of the log were last deleted. */
  #neededHeight = 0
  #isWiped = false

  /** Makes a process that has not been started. */
  constructor(options: HostOptions) {
    this.#options = options
  }

  /** Votes that wait unverified. */
  get waitingVotes(): number {
    return this.#inbox?.entryCount ?? 0
  }

  /**
   * Tells what the application did, once the records of it are durable. Until then nothing of it has left the process, and a
   * crash may undo it: the replica counts its own COMMIT before that is on the disk.
   */
  tellWhenDurable(tell: () => void): void {
    if (this.#fresh === undefined) tell()
    else this.#fresh.push(tell)
  }

  /** Starts, or starts again from what the disk holds. */
  start(): void {
    const { config, signer, journal, draws, inbox } = this.#options
    // A host may have stored less than it was given, but nothing that the log relies on.
    const lag = draws.chance(0.2) ? draws.below(4) : 0
    const height = Math.max(this.#neededHeight, this.#storedHeight - lag)
    const { records, isDamaged } = this.disk.read()
    if (isDamaged) {
      this.#options.onLostDisk()
      this.wipe()
      this.start()
      return
    }
    const isFirst = records.length === 0 && !this.#isWiped
    const application = journal.rebuild(isFirst ? 0 : height)
    this.application = application
    this.#options.onStart()
    try {
      const replica = createReplica({ config, signer, application, log: isFirst ? undefined : records })
      this.replica = replica
      this.#inbox = inbox && createInboxThatReads({ config, replica, verifier: inbox.verifier }, inbox.read)
    } catch (error) {
      this.#options.onFailure(error)
    }
  }

  /** Stops without warning. */
  crash(unsynced: UnsyncedFate = 'drawn'): void {
    if (this.replica === undefined) return
    this.replica = undefined
    this.dueCrash = undefined
    this.#life += 1
    this.#waiting = []
    this.#held = []
    this.#isSyncing = false
    const pending = this.disk.writtenIndex - this.disk.durableIndex
    const { draws } = this.#options
    const kept = unsynced === 'lost' ? 0 : unsynced === 'drawn' ? draws.between(0, pending) : pending
    this.disk.crash(kept, { isTorn: unsynced === 'torn' || (unsynced === 'drawn' && draws.chance(0.3)) })
  }

  /** Stops as planned. */
  crashNow({ unsynced, downMs }: DueCrash): void {
    this.crash(unsynced)
    this.#options.onCrash(downMs)
  }

  /** Loses disk and state; the process must be down. */
  wipe(): void {
    this.disk.wipe()
    this.#options.journal.wipe()
    this.#storedHeight = 0
    this.#neededHeight = 0
    this.#isWiped = true
  }

  /** Gives the replica one input and carries out its effects. */
  feed(input: Input): void {
    this.#run((replica) => (this.#inbox ?? replica).step(input))
  }

  /** Gives bytes of a peer to the inbox and carries out the effects. */
  receive(bytes: Uint8Array): void {
    this.#run(() => this.#inbox?.receive(bytes) ?? [])
  }

  #run(step: (replica: Replica) => readonly Effect[]): void {
    if (this.replica === undefined) return
    let effects: readonly Effect[]
    let fresh: readonly (() => void)[]
    this.#fresh = []
    try {
      effects = step(this.replica)
    } catch (error) {
      this.replica = undefined
      this.#options.onFailure(error)
      return
    } finally {
      fresh = this.#fresh ?? []
      this.#fresh = undefined
    }
    this.#hold(fresh, effects)
    for (const effect of effects) {
      if (this.dueCrash !== undefined && this.dueCrash.effects-- <= 0) {
        this.crashNow(this.dueCrash)
        return
      }
      this.effectCount += 1
      this.#carryOut(effect)
    }
  }

  /** The step wrote about what it did, so the next sync that covers all of its records makes that sure. */
  #hold(fresh: readonly (() => void)[], effects: readonly Effect[]): void {
    if (fresh.length === 0) return
    const after = effects.reduce((last, effect) => (effect.kind === 'persist' ? effect.record.index : last), -1)
    for (const tell of fresh) this.#held.push({ after, tell })
    this.#tellHeld()
  }

  /** Tells what is sure by now. */
  #tellHeld(): void {
    while (this.#held[0] !== undefined && this.#held[0].after <= this.disk.durableIndex) this.#held.shift()?.tell()
  }

  #carryOut(effect: Effect): void {
    this.#options.onEffect(effect)
    if (effect.kind === 'persist') {
      this.disk.append(effect.record)
      this.#sync()
    } else if (effect.kind === 'send' || effect.kind === 'deliver') {
      if (effect.after <= this.disk.durableIndex) this.#release(effect)
      else this.#waiting.push(effect)
    }
  }

  #release(effect: Waiting): void {
    if (effect.kind === 'send') {
      this.#options.onSend(effect)
      return
    }
    this.#storedHeight = Math.max(this.#storedHeight, effect.height)
    this.#options.onDeliver(effect)
  }

  /** Syncs what is written by now; what is written meanwhile goes with the next: group commit. */
  #sync(): void {
    if (this.#isSyncing) return
    this.#isSyncing = true
    const delay = this.#options.syncMs()
    const life = this.#life
    const end = (): void => {
      if (life !== this.#life) return
      this.#isSyncing = false
      const isShorter = this.disk.synced(index)
      this.#tellHeld()
      const ready = this.#waiting.filter((effect) => effect.after <= index)
      this.#waiting = this.#waiting.filter((effect) => effect.after > index)
      for (const effect of ready) this.#release(effect)
      if (isShorter) this.#neededHeight = this.#storedHeight
      if (this.disk.writtenIndex > index) this.#sync()
    }
    const index = this.disk.writtenIndex
    this.#options.events.after(delay, end)
  }
}

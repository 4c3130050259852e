/**
 * Twins, exhaustively: a group of four in which one member runs twice with one key, both copies unmodified, through rounds of
 * every partition and every leader (Bano et al. 2021, "Twins: BFT systems made robust").
 *
 * A round has one of 16 partitions of the five processes into two sides and one of 4 leaders. Its view is the next one of
 * that leader; proposals and votes of earlier views are lost, and messages pass within a side only. The COMMITs of a round are
 * under way while the partition changes, and reach the first side of the next one: any part of the group may commit alone.
 * Each side hears of other requests, so that two copies that lead contradict each other. After the last round the network
 * heals and everything that was asked for must be executed. 64 choices a round: 4,096 scenarios of two rounds, 262,144 of
 * three.
 */

import { unwrap } from '../../errors.ts'
import { toUtf8, type Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { sha256 } from '../../primitives/hash.ts'
import { createId } from '../../primitives/ids.ts'
import type { Signer } from '../../primitives/signature.ts'
import { authenticateMessage } from '../authenticate.ts'
import { settleConfig, type ReplicaConfig, type Settings } from '../config.ts'
import type { PeerMessage } from '../message.ts'
import { createReplica } from '../replica.ts'
import type { Effect, Input, Replica } from '../types.ts'
import { createSimulatedApplication, createSimulatedRequest, type SimulatedApplication } from './application.ts'
import { Journal } from './journal.ts'
import { createSimulatedKeys, type SimulatedKeys } from './keys.ts'
import {
  observeAgreement,
  observeCertificates,
  observeLasting,
  observeOnce,
  observeOrder,
  observeValidity,
} from './observe-blocks.ts'
import { nameRequest, observeLiveness } from './observe-progress.ts'
import { observeAccusations, observeVotes } from './observe-replicas.ts'
import { Observers, type ObserverFactory, type Violation } from './observers.ts'
import { describeMessage, type Tell } from './transcript.ts'

const MEMBERS = 4
const PARTITIONS = 16
/** Choices of one round: partitions times leaders. */
export const TWINS_ROUND_CHOICES: number = PARTITIONS * MEMBERS

const TIMEOUT_TICKS = 4
const TICK_MS = 20
const EPOCH_MS = 1_700_000_000_000
/** Ticks until everyone has reached the view of a round: a few back-offs. */
const ROUND_TICKS_MAX = 300
/** Ticks after the last round: the back-off is 16 T at most, and one leader of four is faulty. */
const HEALING_TICKS_MAX = 1_200
/** Messages that one input may lead to; more means that the group talks for ever. */
const PACKETS_MAX = 100_000

/** One round. */
export interface TwinsRound {
  /** Bit i - 1 tells whether process i is on the other side than process 0; process 4 is the copy of process 0. */
  readonly partition: number
  /** Which member leads. Member 0 is the one that runs twice. */
  readonly leader: number
}

/** What came of a scenario. */
export interface TwinsRun {
  readonly rounds: readonly TwinsRound[]
  readonly violations: readonly Violation[]
  /** Messages handed over. */
  readonly packetCount: number
  /** Blocks of the correct replicas at the end. */
  readonly height: number
}

/** Returns one of the 64 to the power of `roundCount` scenarios. */
export function twinsRounds(index: number, roundCount: number): TwinsRound[] {
  return Array.from({ length: roundCount }, (_, round) => {
    const choice = Math.floor(index / TWINS_ROUND_CHOICES ** round) % TWINS_ROUND_CHOICES
    return { partition: choice % PARTITIONS, leader: Math.floor(choice / PARTITIONS) }
  })
}

interface Group {
  readonly config: ReplicaConfig
  readonly settings: Settings
  readonly signers: readonly Signer[]
}

let madeKeys: SimulatedKeys | undefined
const groups = new Map<number, Group>()

/** One set of keys for all scenarios, made on first use. */
function memberKeys(): SimulatedKeys {
  madeKeys ??= createSimulatedKeys(MEMBERS, 1)
  return madeKeys
}

/** The group in whose view 0 a member leads. */
function groupLedBy(leader: number): Group {
  let group = groups.get(leader)
  if (group === undefined) {
    const { signers: all } = memberKeys()
    const signers = all.map((_, index) => all[(leader + index) % MEMBERS] as Signer)
    const config: ReplicaConfig = {
      chainId: createId('chain', sha256(toUtf8('twins'))),
      members: signers.map(({ did }) => ({ did })),
      timeoutTicks: TIMEOUT_TICKS,
      batchWaitTicks: 0,
      batchTransactionsMax: 4,
      windowSize: 4,
      checkpointEvery: 4,
    }
    group = { config, settings: settleConfig(config), signers }
    groups.set(leader, group)
  }
  return group
}

interface Process {
  /** Its place among the five: 4 is the copy of 0. */
  readonly place: number
  readonly did: Did
  readonly replica: Replica
  readonly application: SimulatedApplication
  readonly isFaulty: boolean
}

interface Packet {
  readonly from: Process
  readonly to: Process
  readonly message: Verified<PeerMessage>
}

const observerFactories: readonly ObserverFactory[] = [
  observeAgreement,
  observeOrder,
  observeValidity,
  observeOnce,
  observeLasting,
  observeCertificates,
  observeVotes,
  observeAccusations,
  observeLiveness,
]

/** Runs rounds one after another over five processes. */
class Twins {
  readonly observers: Observers
  packetCount = 0
  readonly #group: Group
  readonly #processes: readonly Process[]
  readonly #wanted: string[] = []
  readonly #tell: Tell | undefined
  #queue: Packet[] = []
  /** COMMITs of the round, under way. */
  #held: Packet[] = []
  #nowMs = 0
  /** The view of the round, and the sides; undefined when the network has healed. */
  #round: { readonly view: number; readonly partition: number; readonly holdsCommits: boolean } | undefined

  constructor(leader: number, tell: Tell | undefined) {
    this.#group = groupLedBy(leader)
    this.#tell = tell
    const { config, settings } = this.#group
    const { verifier } = memberKeys()
    const twin = (MEMBERS - leader) % MEMBERS
    const nowMs = (): number => this.#nowMs
    this.observers = new Observers({ config, settings, verifier, faulty: new Set([twin]), nowMs }, observerFactories)
    this.#processes = [0, 1, 2, 3, 0].map((member, place) => this.#start(member, place))
  }

  #start(member: number, place: number): Process {
    const { config, signers, settings } = this.#group
    const { did } = memberKeys().signers[member] as Signer
    const index = settings.indexes.get(did) as number
    const isFaulty = member === 0
    const journal = new Journal(createSimulatedApplication, {
      onExecute: (block) => {
        if (!isFaulty) this.observers.executed(index, block)
      },
      onRestore: (head) => {
        if (!isFaulty) this.observers.tell('restored', index, head)
      },
    })
    const application = journal.rebuild(0) as SimulatedApplication
    const replica = createReplica({ config, signer: signers[index] as Signer, application })
    return { place, did, replica, application, isFaulty }
  }

  #indexOf({ did }: Process): number {
    return this.#group.settings.indexes.get(did) as number
  }

  #feed(process: Process, input: Input): void {
    for (const effect of process.replica.step(input)) this.#carryOut(process, effect)
  }

  #carryOut(process: Process, effect: Effect): void {
    const { isFaulty } = process
    if (effect.kind === 'send') {
      const message = unwrap(authenticateMessage(this.#group.settings, memberKeys().verifier, effect.bytes))
      if (!isFaulty) this.observers.tell('sent', this.#indexOf(process), message)
      for (const to of this.#processes) {
        if (effect.to.includes(to.did)) this.#queue.push({ from: process, to, message })
      }
    } else if (!isFaulty && effect.kind === 'deliver') this.observers.delivered(this.#indexOf(process), effect)
    else if (!isFaulty && effect.kind === 'evidence') this.observers.tell('accused', this.#indexOf(process), effect)
    else if (!isFaulty && effect.kind === 'halt')
      this.observers.report('S1', `process ${process.place}: ${effect.reason}`)
  }

  #side({ place }: Process, partition: number): number {
    return place === 0 ? 0 : (partition >> (place - 1)) & 1
  }

  #passes({ from, to, message }: Packet): boolean {
    if (this.#round === undefined) return true
    const { view, partition } = this.#round
    const isTogether = this.#side(from, partition) === this.#side(to, partition)
    switch (message.kind) {
      case 'view-change':
        // Views between that of the last round and this one fail for everyone.
        return message.body.view < view || isTogether
      case 'new-view':
      case 'pre-prepare':
      case 'prepare':
      case 'commit':
        return message.body.view >= view && isTogether
      default:
        return isTogether
    }
  }

  /** Hands over messages until none is under way. */
  #settle(): void {
    for (let at = 0; at < this.#queue.length; at++) {
      if (at > PACKETS_MAX) this.observers.report('L1', 'the group does not come to rest')
      if (this.observers.violations.length > 0) break
      const packet = this.#queue[at] as Packet
      if (!this.#passes(packet)) continue
      if (this.#round?.holdsCommits === true && packet.message.kind === 'commit') {
        this.#held.push(packet)
        continue
      }
      this.#handOver(packet)
    }
    this.#queue = []
  }

  #handOver({ from, to, message }: Packet): void {
    this.packetCount += 1
    this.#tell?.(this.#nowMs, `${from.place} -> ${to.place} ${describeMessage(message)}`)
    this.#feed(to, { kind: 'message', message })
  }

  #tick(): void {
    this.#nowMs += TICK_MS
    for (const process of this.#processes) this.#feed(process, { kind: 'tick', nowMs: EPOCH_MS + this.#nowMs })
    this.#settle()
  }

  #ask(process: Process, payload: string): void {
    const request = createSimulatedRequest(0, payload)
    this.#feed(process, { kind: 'request', request })
    const id = nameRequest(request)
    if (this.#wanted.includes(id)) return
    this.#wanted.push(id)
    this.observers.tell('submitted', id, request)
  }

  /** Lets the COMMITs of the last round arrive at the first side of a partition. */
  #release(partition: number): void {
    const { view = 0 } = this.#round ?? {}
    this.#round = { view, partition, holdsCommits: false }
    for (const packet of this.#held.splice(0)) {
      if (this.#side(packet.to, partition) === 0) this.#handOver(packet)
    }
    this.#settle()
  }

  /** Runs one round. */
  round(count: number, view: number, partition: number): void {
    this.#release(partition)
    this.#round = { view, partition, holdsCommits: true }
    this.#tell?.(this.#nowMs, `round ${count}: view ${view}, partition ${partition.toString(2).padStart(4, '0')}`)
    if (count === 0) this.#tick()
    const [first] = this.#processes as [Process]
    for (const process of this.#processes) {
      const side = this.#side(process, partition)
      // Two copies on one side contradict each other all the same.
      const isCopy = process.place === 4 && side === this.#side(first, partition)
      this.#ask(process, `round ${count} side ${isCopy ? 1 - side : side}`)
    }
    this.#settle()
    const isThere = (process: Process): boolean => process.isFaulty || process.replica.status().view >= view
    for (let ticks = 0; ticks < ROUND_TICKS_MAX && !this.#processes.every(isThere); ticks++) this.#tick()
  }

  /** Heals the network, and waits until everything is done. */
  heal(): void {
    this.#round = undefined
    this.#tell?.(this.#nowMs, 'the network heals')
    for (const packet of this.#held.splice(0)) this.#handOver(packet)
    this.#settle()
    const correct = this.#processes.filter(({ isFaulty }) => !isFaulty)
    const isDone = (): boolean =>
      this.#wanted.every((id) => this.observers.acknowledged.has(id)) &&
      new Set(correct.map(({ replica }) => replica.status().height)).size === 1
    for (let ticks = 0; ticks < HEALING_TICKS_MAX && !isDone(); ticks++) this.#tick()
    const replicas = correct.map((process) => ({
      index: this.#indexOf(process),
      status: process.replica.status(),
      executed: new Set(process.application.executed()),
    }))
    this.observers.tell('finished', { replicas, wanted: this.#wanted, isDone: isDone() })
  }

  /** Certified height of the correct replicas. */
  get height(): number {
    return Math.max(...this.#processes.map(({ replica, isFaulty }) => (isFaulty ? 0 : replica.status().height)))
  }
}

/**
 * Runs one scenario of twins. Deterministic; cost: some milliseconds.
 *
 * @param rounds - see {@link twinsRounds}
 * @param tell - takes the lines of a transcript
 */
export function simulateTwins(rounds: readonly TwinsRound[], tell?: Tell): TwinsRun {
  const first = rounds[0]?.leader ?? 0
  const twins = new Twins(first, tell)
  let view = 0
  let leader = first
  for (const [count, round] of rounds.entries()) {
    view += (round.leader - leader + MEMBERS) % MEMBERS
    leader = round.leader
    twins.round(count, view, round.partition)
  }
  twins.heal()
  const { observers, packetCount, height } = twins
  return { rounds, violations: observers.violations, packetCount, height }
}

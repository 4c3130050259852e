/**
 * The state of one replica, and the few things that every part of it does with effects.
 *
 * The parts are functions over this one object: normal case, execution, checkpoints, retransmission, state transfer, view
 * change and recovery, each in its file. Nothing here reads a clock or draws a random number.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import type { RecentMap } from '../primitives/recent.ts'
import type { Signer } from '../primitives/signature.ts'
import type { Certificate, Member } from './certificate.ts'
import { leaderOf, proposerOf, type Settings } from './config.ts'
import type { ExecVotes } from './exec-votes.ts'
import type { History } from './history.ts'
import type { MessageLog } from './log.ts'
import { sealMessage, type Draft, type MessageKind, type PeerMessage, type VerifiedMessage } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Pool } from './pool.ts'
import type { Application } from './types.ts'
import type { VoteGuard } from './vote-guard.ts'

/** What a member was last heard to have reached; claims, used only where f + 1 agree or a proof follows. */
export interface PeerState {
  executed: number
  certified: number
  /** When its STATUS was last answered: once a tick, so that asking often gains nothing. */
  answeredTick: number
  /** FETCHes answered in that tick. */
  fetchTick: number
  fetchCount: number
}

/** A snapshot being fetched or served. */
export interface SnapshotState {
  readonly height: number
  readonly chunks: (Bytes | undefined)[]
}

/** Counters of the current view that decide when to give it up. */
export interface Timers {
  /** Last tick with progress: a block executed, a view entered, or work beginning. */
  progressTick: number
  viewEnteredTick: number
  /** Since when Q replicas want this view and its NEW-VIEW is awaited; undefined before. */
  awaitedSinceTick: number | undefined
  /** Failed views in a row, capped. */
  backoff: number
  /** The request that is watched, and how many batches passed it over; see `fairness.ts`. */
  watchedArrival: number
  skips: number
  lastStatusTick: number
  lastStatusMark: string
  lastResendTick: number
}

/** What a replica measures of the primary's work; see `performance.ts`. */
export interface Performance {
  /** Ticks from a proposal to its commit, which is two message delays: the longest of late, falling slowly. */
  roundTripTicks: number
  /** Since when requests have waited longer than they should, without a break. */
  backlogTick: number | undefined
  /** When the current period began, and what was executed in it. */
  periodTick: number
  executedCount: number
  /** How many of these had waited here. */
  servedCount: number
  /** Whole periods of this view, and how many requests that had waited here were executed in the last of them. */
  periods: number
  lastServedCount: number
  /** Most requests executed in one period of this view, and of each of the n views before. */
  viewBest: number
  formerBests: readonly number[]
  /** Of the requests that waited here, how many a period each member ordered when it was last the primary while they did. */
  readonly loadedRates: Map<number, number>
}

/** Shares of the last stable checkpoint. */
export interface CheckpointShares {
  readonly height: number
  readonly headerDigest: Digest32
  readonly byMember: Map<number, Bytes>
}

/** While a replica without memory of its votes waits until none of them can matter (pbft.md 1.10). */
export interface Recovery {
  /** Certified stable heights by member. */
  readonly replies: Map<number, number>
  /** No vote before the stable checkpoint reaches this. */
  target: number | undefined
}

/** The state of one replica. */
export interface Core {
  readonly settings: Settings
  readonly self: number
  readonly signer: Signer
  /** Signs shares of checkpoints; undefined where this member takes no part in aggregates. */
  readonly blsSigner: BlsSigner | undefined
  readonly application: Application
  readonly others: readonly Did[]
  readonly outbox: Outbox
  readonly log: MessageLog
  readonly pool: Pool
  readonly guard: VoteGuard
  readonly history: History
  readonly execVotes: ExecVotes
  readonly peers: readonly PeerState[]
  readonly timers: Timers
  readonly performance: Performance
  readonly accused: Set<string>
  /** Until which tick nothing is taken from the source of a forged request. */
  readonly penalised: RecentMap<string, number>
  tick: number
  /** Clock of the host; undefined before the first tick, and then nothing is dated or judged by time. */
  nowMs: number | undefined
  view: number
  mode: 'normal' | 'view-change'
  recovery: Recovery | undefined
  halted: boolean
  /** Set when this replica holds proof that the primary of its view is faulty. */
  primaryProvenFaulty: boolean
  /** Set when the block that closes the member epoch was executed. */
  nextMembers: readonly Member[] | undefined
  executed: number
  certified: number
  checkpoint: Certificate | null
  /** BLS shares of that checkpoint. */
  shares: CheckpointShares | undefined
  /** O of the current view, up to the last sequence number in it. */
  order: ReadonlyMap<number, Digest32 | null>
  orderLast: number
  /** Whether this replica still has entries of O to propose. */
  hasCarried: boolean
  newView: VerifiedMessage<'new-view'> | undefined
  /** The VIEW-CHANGEs that the current NEW-VIEW names, to serve those who missed one. */
  newViewProof: readonly VerifiedMessage<'view-change'>[]
  /** The newest VIEW-CHANGE of each member. */
  readonly viewChanges: Map<number, VerifiedMessage<'view-change'>>
  /** NEW-VIEWs that wait for VIEW-CHANGEs, the newest of each member. */
  readonly pendingNewViews: Map<number, VerifiedMessage<'new-view'>>
  readonly fetchedViewChanges: Map<string, VerifiedMessage<'view-change'>>
  served: SnapshotState | undefined
  incoming: SnapshotState | undefined
  /** Who was last asked for blocks, and the last height of that answer. */
  fetching: { readonly from: number; readonly until: number } | undefined
  /** Turns through the members when something is fetched. */
  fetchTurn: number
}

/** Tells whether this replica may sign votes. */
export function mayVote(core: Core): boolean {
  return core.recovery === undefined && !core.halted
}

/** Tells whether this replica proposes the sequence number in the current view. */
export function isProposer(core: Core, sequence: number): boolean {
  return proposerOf(core.settings, core.view, sequence) === core.self
}

/** Returns the replica that requests are sent to: the proposer of the next sequence number. */
export function currentPrimary(core: Core): number {
  const { settings, view, executed } = core
  return settings.rotateEvery === 0 ? leaderOf(settings, view) : proposerOf(settings, view, executed + 1)
}

/** Returns a signed message of this replica. */
export function seal<K extends MessageKind>(core: Core, draft: Draft<K>): VerifiedMessage<K> {
  return sealMessage(core.settings, core.signer, draft)
}

/** Sends bytes to all other members. */
export function broadcast(core: Core, bytes: Bytes): void {
  core.outbox.send(core.others, bytes)
}

/** Sends bytes to one member. */
export function sendTo(core: Core, index: number, bytes: Bytes): void {
  if (index !== core.self) core.outbox.send([core.settings.members[index] as Did], bytes)
}

/** Reports that a message was harmless but of no use. */
export function ignore(core: Core, message: PeerMessage, reason: string): void {
  core.outbox.add({ kind: 'reject', grade: 'ignored', from: message.from, reason: `${message.kind}: ${reason}` })
}

/** Reports that a message broke a rule. */
export function reject(core: Core, message: PeerMessage, reason: string): void {
  core.outbox.add({ kind: 'reject', grade: 'rejected', from: message.from, reason: `${message.kind}: ${reason}` })
}

/** Stops this replica for good. */
export function halt(core: Core, height: number, reason: string): void {
  core.halted = true
  core.outbox.add({ kind: 'halt', height, reason })
}

/** Notes progress: the timers of the view start again. */
export function noteProgress(core: Core): void {
  core.timers.progressTick = core.tick
}

/** Tells whether there is something to order that is known and not executed. */
export function hasPending(core: Core): boolean {
  if (core.pool.size > 0) return true
  const slot = core.log.find(core.executed + 1)
  return slot !== undefined && (slot.accepted !== undefined || slot.prepared !== undefined)
}

/** Returns the timeout with its back-off, in ticks. */
export function timeoutTicks(core: Core): number {
  return core.settings.timeoutTicks * 2 ** core.timers.backoff
}

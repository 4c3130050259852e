/**
 * The replica: one object that takes inputs in turn and returns effects in order.
 */

import { rejectArgument } from '../errors.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import { createRecentMap } from '../primitives/recent.ts'
import type { Signer } from '../primitives/signature.ts'
import { settleConfig, type ReplicaConfig, type Settings } from './config.ts'
import { currentPrimary, ignore, type Core, type Timers } from './core.ts'
import { ExecVotes } from './exec-votes.ts'
import { handleExecVote } from './execution.ts'
import { History } from './history.ts'
import { PENALISED_SOURCES_MAX } from './limits.ts'
import { MessageLog } from './log.ts'
import type { PeerMessage } from './message.ts'
import { countNeeded } from './needs.ts'
import { handleNewView, handleViewChange } from './new-view.ts'
import { handleCommit, handlePrepare, handlePrePrepare } from './normal-case.ts'
import { Outbox } from './outbox.ts'
import { groupHeight } from './peers.ts'
import { createPerformance } from './performance.ts'
import { Pool } from './pool.ts'
import { handleForwarded, handleRequest, propose } from './proposal.ts'
import { encodeRecord } from './record.ts'
import { watchRecovery } from './recovery.ts'
import { replayLog, resendOwn } from './replay.ts'
import { watchLogLength } from './segment.ts'
import { digestState } from './state-digest.ts'
import { aggregateCheckpoint, assertBlsSigner } from './shares.ts'
import { handleFetch, handleFetched } from './state-transfer.ts'
import { handleStatus } from './status.ts'
import { handleTick } from './timers.ts'
import type { Application, Effect, Input, LogRecord, Replica, ReplicaMode, ReplicaStatus } from './types.ts'
import { VoteGuard } from './vote-guard.ts'

/** What a replica is made of. */
export interface ReplicaOptions {
  readonly config: ReplicaConfig
  /** Its member's key. */
  readonly signer: Signer
  /** Its BLS key, as the configuration names it: then it adds a share to its vote for each checkpoint. About 4 ms each. */
  readonly blsSigner?: BlsSigner
  readonly application: Application
  /**
   * The records that are still in its log, oldest first. Leave it out only where the member starts for the first time and
   * has never voted; an empty list means that its memory is lost, and it recovers before it votes.
   */
  readonly log?: Iterable<LogRecord> | undefined
}

/**
 * Returns a replica.
 *
 * Cost: that of executing again what the log holds above the head of the application.
 *
 * @param options - see {@link ReplicaOptions}
 * @throws When the signer is no member or a setting is out of range: `ERR_ARGUMENT_INVALID`; when the log is damaged before
 *   its tail: `ERR_PBFT_LOG_CORRUPT`. {@link VitalsealError}
 */
export function createReplica(options: ReplicaOptions): Replica {
  const settings = settleConfig(options.config)
  const records = options.log === undefined ? undefined : [...options.log]
  const core = createCore(settings, options, records ?? [])
  const remembers = records === undefined || replayLog(core, records)
  let started = false

  function start(): void {
    started = true
    const isNew = records === undefined || records.length === 0
    if (isNew) core.outbox.persist(encodeRecord({ kind: remembers ? 'founded' : 'recovering' }))
    if (core.recovery === undefined) resendOwn(core)
  }

  if (!remembers) core.recovery = { replies: new Map(), target: undefined }
  return Object.freeze({
    step(input: Input): readonly Effect[] {
      if (core.halted && started) return []
      if (!started) start()
      takeInput(core, input)
      watchRecovery(core)
      if (!core.halted) propose(core)
      watchLogLength(core)
      return core.outbox.drain()
    },
    needs: (message: PeerMessage) => countNeeded(core, message),
    status: () => describeStatus(core),
    aggregate: ({ blsVerifier }: { readonly blsVerifier: BlsVerifier }) => aggregateCheckpoint(core, blsVerifier),
    pending: () => [...core.pool.entries()].map(({ request }) => request),
    digest: () => digestState(core),
  })
}

function createTimers(): Timers {
  return {
    progressTick: 0,
    viewEnteredTick: 0,
    awaitedSinceTick: undefined,
    backoff: 0,
    watchedArrival: -1,
    skips: 0,
    lastStatusTick: 0,
    lastStatusMark: '',
    lastResendTick: 0,
  }
}

function createCore(settings: Settings, options: ReplicaOptions, records: readonly LogRecord[]): Core {
  const { signer, blsSigner, application, log } = options
  const self = settings.indexes.get(signer.did)
  if (self === undefined) return rejectArgument('signer', 'the key of a member', 'another key')
  assertBlsSigner(settings, self, blsSigner)
  const { height, members } = application.head()
  const { baseHeight, memberEpoch } = settings
  // A replica that went on in a closed epoch would vote for what nobody executes.
  if (members !== undefined && members.memberEpoch !== memberEpoch) {
    rejectArgument('application', `a head in member epoch ${memberEpoch}`, `${members.memberEpoch}`)
  }
  if (height < baseHeight || (log === undefined && height !== baseHeight)) {
    rejectArgument('application', `a head at height ${baseHeight} for a member that starts`, `${height}`)
  }
  const last = records.at(-1)
  return {
    settings,
    self,
    signer,
    blsSigner,
    application,
    others: Object.freeze<Did[]>(settings.members.filter((_, index) => index !== self)),
    outbox: new Outbox(last?.index ?? -1, last?.keepFrom ?? 0),
    // What lies below the head is final; without the log there is nothing to add to it.
    log: new MessageLog(records.length === 0 ? height : baseHeight, settings.logSpan),
    pool: new Pool(),
    guard: new VoteGuard(),
    history: new History(settings.historyBlocks),
    execVotes: new ExecVotes(),
    peers: settings.members.map(() => ({
      executed: baseHeight,
      certified: baseHeight,
      answeredTick: -1,
      fetchTick: -1,
      fetchCount: 0,
    })),
    timers: createTimers(),
    performance: createPerformance(),
    accused: new Set(),
    penalised: createRecentMap(PENALISED_SOURCES_MAX),
    tick: 0,
    nowMs: undefined,
    view: 0,
    mode: 'normal',
    recovery: undefined,
    halted: false,
    primaryProvenFaulty: false,
    nextMembers: undefined,
    executed: height,
    certified: height,
    checkpoint: null,
    shares: undefined,
    order: new Map(),
    orderLast: baseHeight,
    hasCarried: false,
    newView: undefined,
    newViewProof: [],
    viewChanges: new Map(),
    pendingNewViews: new Map(),
    fetchedViewChanges: new Map(),
    served: undefined,
    incoming: undefined,
    fetching: undefined,
    fetchTurn: self,
  }
}

function takeInput(core: Core, input: Input): void {
  switch (input.kind) {
    case 'tick': {
      handleTick(core, input.nowMs)
      return
    }
    case 'request': {
      handleRequest(core, input.request, input.source)
      return
    }
    case 'message': {
      takeMessage(core, input.message)
      return
    }
    default:
      return rejectArgument('input', 'message, request or tick', typeof (input satisfies never))
  }
}

function takeMessage(core: Core, message: Verified<PeerMessage>): void {
  if (message.signer === core.self && message.signature !== null) {
    ignore(core, message, 'an own message')
    return
  }
  switch (message.kind) {
    case 'request': {
      handleForwarded(core, message)
      return
    }
    case 'pre-prepare': {
      handlePrePrepare(core, message)
      return
    }
    case 'prepare': {
      handlePrepare(core, message)
      return
    }
    case 'commit': {
      handleCommit(core, message)
      return
    }
    case 'exec-vote': {
      handleExecVote(core, message)
      return
    }
    case 'view-change':
      handleViewChange(core, message)
      return
    case 'new-view':
      handleNewView(core, message)
      return
    case 'status': {
      handleStatus(core, message)
      return
    }
    case 'fetch': {
      handleFetch(core, message)
      return
    }
    case 'fetched': {
      handleFetched(core, message)
      return
    }
    default:
      return rejectArgument('message', 'a message of a known kind', typeof (message satisfies never))
  }
}

function describeStatus(core: Core): ReplicaStatus {
  const { settings } = core
  return {
    memberEpoch: settings.memberEpoch,
    view: core.view,
    mode: modeOf(core),
    height: core.certified,
    executedHeight: core.executed,
    stableHeight: core.log.stable,
    primary: settings.members[currentPrimary(core)] as Did,
    requestCount: core.pool.size,
    entryCount: countEntries(core),
    warning: settings.faultMax === 0 ? `${settings.replicaCount} replicas stand no fault: for development only` : null,
  }
}

function countEntries(core: Core): number {
  const { log, guard, execVotes, viewChanges, pendingNewViews, fetchedViewChanges } = core
  const views = viewChanges.size + pendingNewViews.size + fetchedViewChanges.size + core.newViewProof.length
  return log.entryCount + guard.size + execVotes.size + (core.shares?.byMember.size ?? 0) + views
}

function modeOf(core: Core): ReplicaMode {
  if (core.halted) return 'halted'
  if (core.recovery !== undefined) return 'recovering'
  if (core.nextMembers !== undefined) return 'closed'
  if (core.mode === 'view-change') return 'view-change'
  return groupHeight(core, 'executed') > core.log.high ? 'syncing' : 'normal'
}

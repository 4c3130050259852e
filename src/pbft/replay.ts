/**
 * Restart: from the records of the log back to the state that the replica had told the others about.
 *
 * The application is wherever its host rebuilt it; blocks of the log above it are executed again and must give the header
 * that was signed. Afterwards the last own messages go out again, identical: a replica that remembered its votes but kept
 * them to itself could stop the group.
 */

import { VitalsealError } from '../errors.ts'
import { equalBytes, toKey, type Bytes } from '../primitives/bytes.ts'
import { readMessage } from './authenticate.ts'
import { parseBatch, type Batch } from './batch.ts'
import { findBatch } from './batches.ts'
import { broadcast, halt, type Core } from './core.ts'
import { certify } from './execution.ts'
import { setAccepted } from './log.ts'
import type { MessageKind, VerifiedMessage } from './message.ts'
import { installNewView } from './new-view.ts'
import { readRecord, type ReplicaRecord } from './record.ts'
import type { LogRecord } from './types.ts'

type RecordOf<K extends ReplicaRecord['kind']> = Extract<ReplicaRecord, { kind: K }>

/** Applies the records to the state of a replica that has just been made. Returns whether its votes are remembered. */
export function replayLog(core: Core, records: readonly LogRecord[]): boolean {
  let remembers = false
  for (const { index, bytes } of records) {
    const record = readRecord(bytes, index)
    if (record.kind === 'founded' || record.kind === 'checkpoint') remembers = true
    applyRecord(core, record, index)
  }
  return remembers
}

function applyRecord(core: Core, record: ReplicaRecord, index: number): void {
  switch (record.kind) {
    case 'founded':
      return
    case 'accepted': {
      applyAccepted(core, record, index)
      return
    }
    case 'prepared': {
      applyPrepared(core, record, index)
      return
    }
    case 'executed': {
      applyExecuted(core, record, index)
      return
    }
    case 'view-change':
      applyViewChange(core, ownMessage(core, 'view-change', record.message, index))
      return
    case 'new-view': {
      const message = ownMessage(core, 'new-view', record.message, index)
      const proof = record.viewChanges.map((bytes) => ownMessage(core, 'view-change', bytes, index))
      const { view } = message.body
      if (message.signer === core.self) {
        core.guard.record({ kind: 'new-view', view, sequence: 0, digest: message.digest as Uint8Array })
      }
      // A segment repeats it; a view that was left since is not entered again.
      if (view >= core.view) installNewView(core, message, proof)
      return
    }
    case 'checkpoint':
    case 'restored':
      core.checkpoint = record.certificate
      core.log.advance(record.height)
      core.execVotes.prune(record.height)
      core.history.prune(record.height)
      {
        core.guard.prune(record.height, core.view)
        return
      }
    case 'recovering':
      core.recovery = { replies: new Map(), target: undefined }
      return
    case 'recovered':
      core.recovery = undefined
  }
}

function corrupt(recordIndex: number, what: string): VitalsealError {
  const message = `record ${recordIndex} holds no ${what}`
  return new VitalsealError('ERR_PBFT_LOG_CORRUPT', message, { details: { recordIndex } })
}

function ownMessage<K extends MessageKind>(core: Core, kind: K, bytes: Bytes, index: number): VerifiedMessage<K> {
  const message = readMessage(core.settings, bytes)
  if (!message.ok || message.value.kind !== kind) throw corrupt(index, kind)
  return message.value as unknown as VerifiedMessage<K>
}

function ownBatch(bytes: Bytes, index: number): Batch {
  const batch = parseBatch(bytes)
  if (!batch.ok) throw corrupt(index, 'batch')
  return batch.value
}

function applyAccepted(core: Core, record: RecordOf<'accepted'>, index: number): void {
  const proposal = ownMessage(core, 'pre-prepare', record.proposal, index)
  const batch = proposal.batch ?? (record.batch === null ? undefined : ownBatch(record.batch, index))
  const { view, sequence, digest } = proposal.body
  if (sequence <= core.log.stable) return
  const slot = core.log.slot(sequence)
  setAccepted(slot, proposal, core.tick)
  if (batch !== undefined) {
    slot.batches.set(toKey(digest), batch)
    core.pool.markOrdered(batch.requests)
  }
  const isOwn = proposal.signer === core.self
  core.guard.record({ kind: isOwn ? 'pre-prepare' : 'prepare', view, sequence, digest })
  if (record.prepare !== null) slot.prepares.set(core.self, ownMessage(core, 'prepare', record.prepare, index))
}

function applyPrepared(core: Core, record: RecordOf<'prepared'>, index: number): void {
  const { certificate } = record
  const { view, sequence, digest } = certificate
  if (sequence <= core.log.stable) return
  const slot = core.log.slot(sequence)
  slot.prepared = certificate
  if (record.batch !== null) slot.batches.set(toKey(digest), ownBatch(record.batch, index))
  if (record.commit === null) return
  core.guard.record({ kind: 'commit', view, sequence, digest })
  slot.commits.set(core.self, ownMessage(core, 'commit', record.commit, index))
}

function applyExecuted(core: Core, record: RecordOf<'executed'>, index: number): void {
  const { commit, headerDigest } = record
  const height = commit.sequence
  const inLog = height > core.log.stable
  const known = inLog ? findBatch(core, core.log.slot(height), commit.digest) : undefined
  const batch = record.batch === null ? known : ownBatch(record.batch, index)
  if (batch === undefined) throw corrupt(index, 'batch')
  if (inLog) {
    const slot = core.log.slot(height)
    slot.committed = commit
    slot.batches.set(toKey(commit.digest), batch)
  }
  const vote = record.vote === null ? undefined : ownMessage(core, 'exec-vote', record.vote, index)
  if (vote !== undefined && inLog) {
    core.guard.record({ kind: 'exec-vote', view: 0, sequence: height, digest: headerDigest })
    core.execVotes.add(vote)
  }
  const applied = reapply(core, height, batch)
  core.pool.settle(batch.requests, applied?.skipped)
  if (applied !== undefined && !equalBytes(applied.headerDigest, headerDigest)) {
    halt(core, height, 'executing the log again gave another header: the application is not deterministic')
    return
  }
  if (height > core.executed) return
  core.nextMembers = applied?.nextMembers ?? core.nextMembers
  const nextMembers = applied?.nextMembers ?? null
  const entry = {
    height,
    batch: { bytes: batch.bytes, digest: batch.digest },
    commit,
    headerDigest,
    nextMembers,
    vote: vote?.bytes,
  }
  core.history.add({ ...entry, block: applied?.block, certificate: undefined })
}

function reapply(core: Core, height: number, batch: Batch): ReturnType<Core['application']['apply']> | undefined {
  if (height !== core.executed + 1) return undefined
  core.executed = height
  return core.application.apply({ requests: batch.requests, timeMs: batch.timeMs }, height)
}

function applyViewChange(core: Core, message: VerifiedMessage<'view-change'>): void {
  const { view } = message.body
  core.guard.record({ kind: 'view-change', view, sequence: 0, digest: message.digest as Uint8Array })
  core.log.leaveView()
  core.view = view
  core.mode = 'view-change'
  core.viewChanges.set(core.self, message)
}

/** Sends the last own messages again, as they were. */
export function resendOwn(core: Core): void {
  const own = core.viewChanges.get(core.self)
  if (core.mode === 'view-change' && own !== undefined) broadcast(core, own.bytes)
  if (core.mode === 'normal' && core.newView?.signer === core.self) broadcast(core, core.newView.bytes)
  for (const slot of core.log.slots()) {
    if (slot.accepted?.signer === core.self) broadcast(core, slot.accepted.bytes)
    for (const vote of [slot.prepares.get(core.self), slot.commits.get(core.self)]) {
      if (vote !== undefined) broadcast(core, vote.bytes)
    }
  }
  for (let height = core.certified + 1; height <= core.executed; height++) {
    const vote = core.history.find(height)?.vote
    if (vote !== undefined) broadcast(core, vote)
    // A group of one has all the votes there are: nobody will answer with another.
    certify(core, height)
  }
}

/**
 * STATUS: how lost messages are made good. A replica that makes no progress tells where it stands, and the others send what
 * they once sent and it lacks; nothing is retransmitted while all goes well. An idle group exchanges one STATUS a timeout, so
 * that a replica which slept through everything notices.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { hasBatch } from './batches.ts'
import { broadcast, ignore, reject, seal, sendTo, type Core } from './core.ts'
import { isClosed } from './member-epoch.ts'
import { RESENT_SEQUENCES_MAX } from './limits.ts'
import type { Status, VerifiedMessage } from './message.ts'
import { fetchCarried } from './new-view.ts'
import { isBehind } from './peers.ts'
import { hasOpenSlot } from './proposal.ts'
import { fetchBlocks } from './state-transfer.ts'

function ownStatus(core: Core, options: { readonly withCheckpoint: boolean }): Bytes {
  const { view, executed, certified, log, checkpoint } = core
  const mode = core.recovery === undefined ? core.mode : 'recovering'
  const proof = options.withCheckpoint ? checkpoint : null
  const body: Status = { view, mode, stable: log.stable, executed, certified, checkpoint: proof }
  return seal(core, { kind: 'status', body }).bytes
}

/** Called each tick: notices that nothing moves, and asks. */
export function watchProgress(core: Core): void {
  const { timers, settings } = core
  const interval = Math.max(1, Math.floor(settings.timeoutTicks / 4))
  const elapsed = core.tick - timers.lastStatusTick
  if (elapsed < interval) return
  const mark = `${core.view}/${core.mode}/${core.executed}/${core.certified}/${core.log.stable}`
  const moved = mark !== timers.lastStatusMark
  const isDue = hasWork(core) || elapsed >= settings.timeoutTicks
  if (!moved && !isDue) return
  timers.lastStatusTick = core.tick
  timers.lastStatusMark = mark
  // Whoever recovers must hear where the others stand, also where blocks come without a pause.
  if (moved && !awaitsTarget(core)) return
  broadcast(core, ownStatus(core, { withCheckpoint: false }))
  if (moved) return
  if (isBehind(core) || mayLackCertificates(core)) fetchBlocks(core)
  refetch(core)
}

function awaitsTarget(core: Core): boolean {
  return core.recovery !== undefined && core.recovery.target === undefined
}

/**
 * Tells whether somebody claims certificates of blocks that this replica has executed. One claim is enough to ask: where votes
 * went with the disks of restarted replicas, one may be all that is left of them.
 */
function mayLackCertificates(core: Core): boolean {
  return core.executed > core.certified && core.peers.some((peer) => peer.certified > core.certified)
}

/** Tells whether something is unfinished here. */
function hasWork(core: Core): boolean {
  const unsettled = core.executed > core.certified || hasOpenSlot(core) || isBehind(core)
  return unsettled || core.pool.size > 0 || core.mode !== 'normal' || core.recovery !== undefined
}

/** Asks again for batches that are named and not here. */
function refetch(core: Core): void {
  fetchCarried(core)
  for (const slot of core.log.slots()) {
    for (const digest of [slot.waiting?.body.digest, slot.wanted, slot.committed?.digest]) {
      if (digest === undefined || hasBatch(core, slot, digest)) continue
      const body = { what: 'batch', height: 0, index: 0, digest } as const
      broadcast(core, seal(core, { kind: 'fetch', body }).bytes)
    }
  }
}

/** Takes a STATUS, and sends its sender what it lacks. */
export function handleStatus(core: Core, message: VerifiedMessage<'status'>): void {
  const { body, signer } = message
  const peer = core.peers[signer]
  if (peer === undefined) return
  if (message.fault !== null) {
    reject(core, message, message.fault)
    return
  }
  peer.executed = Math.max(peer.executed, body.executed)
  peer.certified = Math.max(peer.certified, body.certified)
  const isProven = body.checkpoint !== null || body.stable === core.settings.baseHeight
  if (isProven) core.recovery?.replies.set(signer, body.stable)
  if (peer.answeredTick === core.tick) {
    ignore(core, message, 'answered in this tick')
    return
  }
  peer.answeredTick = core.tick
  if (body.mode === 'recovering') sendTo(core, signer, ownStatus(core, { withCheckpoint: true }))
  // A replica of a closed epoch says nothing unasked: whoever is behind learns here how far the epoch went.
  else if (isClosed(core) && body.certified < core.certified)
    sendTo(core, signer, ownStatus(core, { withCheckpoint: false }))
  resendView(core, signer, body)
  if (body.view === core.view) resendVotes(core, signer, body)
  resendExecVotes(core, signer, body)
}

/** A replica in an earlier view, or waiting for this one, gets the proof of this view or this replica's vote for it. */
function resendView(core: Core, signer: number, body: Status): void {
  const waits = body.view < core.view || (body.view === core.view && body.mode !== 'normal')
  if (!waits) return
  const own = core.viewChanges.get(core.self)
  if (core.mode === 'normal' && core.newView !== undefined) sendTo(core, signer, core.newView.bytes)
  else if (core.mode === 'view-change' && own !== undefined) sendTo(core, signer, own.bytes)
}

function resendVotes(core: Core, signer: number, body: Status): void {
  const first = Math.max(body.executed, core.log.stable) + 1
  for (let sequence = first; sequence < first + RESENT_SEQUENCES_MAX; sequence++) {
    const slot = core.log.find(sequence)
    if (slot === undefined) continue
    if (slot.accepted?.signer === core.self) sendTo(core, signer, slot.accepted.bytes)
    const prepare = slot.prepares.get(core.self)
    const commit = slot.commits.get(core.self)
    if (prepare !== undefined) sendTo(core, signer, prepare.bytes)
    if (commit !== undefined) sendTo(core, signer, commit.bytes)
  }
}

function resendExecVotes(core: Core, signer: number, body: Status): void {
  const last = Math.min(core.executed, body.certified + RESENT_SEQUENCES_MAX)
  for (let height = body.certified + 1; height <= last; height++) {
    const vote = core.history.find(height)?.vote
    if (vote !== undefined) sendTo(core, signer, vote)
  }
}

/**
 * The normal case: PRE-PREPARE, PREPARE, COMMIT (pbft.md 1.5; HC Docchain, PS 4.2.10 steps 1 to 4).
 *
 * The proposer numbers a batch; the others PREPARE it; with the PRE-PREPARE counted as the proposer's prepare, Q make it
 * prepared; Q COMMITs make it committed. The papers ask for more than 2f PREPAREs and more than 2f + 1 COMMITs, which one
 * silent replica of four defeats; see docs/papers/PBFT.md.
 *
 * An attacker may be the proposer: two proposals for one sequence number, a batch that others do not get, a date of his
 * choice. The first is evidence, the second costs a view change, the third is bounded by the clocks of Q voters.
 */

import { equalBytes, toKey } from '../primitives/bytes.ts'
import { nullBatch, type Batch } from './batch.ts'
import { fetchBatch, findBatch } from './batches.ts'
import { proposerOf } from './config.ts'
import { broadcast, hasPending, ignore, mayVote, noteProgress, reject, seal, type Core } from './core.ts'
import { accuse } from './evidence.ts'
import { executeReady } from './execution.ts'
import { PROPOSAL_SKEW_MS_MAX } from './limits.ts'
import { matchingVotes, setAccepted, type Slot, type Vote } from './log.ts'
import type { VerifiedMessage } from './message.ts'
import { measureRoundTrip } from './performance.ts'
import { encodeRecord } from './record.ts'
import type { Ordering } from './shape.ts'

/** Takes a PRE-PREPARE. */
export function handlePrePrepare(core: Core, message: VerifiedMessage<'pre-prepare'>): void {
  const { view, sequence, digest } = message.body
  if (view !== core.view) {
    ignore(core, message, 'of another view')
    return
  }
  if (message.signer !== proposerOf(core.settings, view, sequence)) {
    accuse(core, message)
    reject(core, message, 'not from the proposer of this sequence number')
    return
  }
  if (!core.log.isInWindow(sequence)) {
    ignore(core, message, 'outside of the window')
    return
  }
  const slot = core.log.slot(sequence)
  const earlier = slot.accepted ?? slot.waiting
  if (earlier !== undefined && !equalBytes(earlier.body.digest, digest)) {
    accuse(core, earlier, message)
    core.primaryProvenFaulty = true
    reject(core, message, 'a second proposal for one sequence number')
    return
  }
  if (slot.accepted !== undefined) {
    ignore(core, message, 'already accepted')
    return
  }
  if (core.mode !== 'normal') {
    // It overtook the NEW-VIEW that will judge it.
    slot.waiting = message
    return
  }
  const batch = message.batch ?? findBatch(core, slot, digest)
  if (batch === undefined) {
    slot.waiting = message
    fetchBatch(core, message.signer, digest)
    return
  }
  const refusal = judgeProposal(core, message, batch)
  if (refusal === null) {
    acceptProposal(core, message, batch)
    return
  }
  slot.waiting = undefined
  reject(core, message, refusal)
}

/** Takes the proposals that came before the NEW-VIEW of their view. */
export function takeWaiting(core: Core): void {
  for (const { waiting } of core.log.slots()) if (waiting !== undefined) handlePrePrepare(core, waiting)
}

/**
 * Returns why a proposal cannot be voted for, or null.
 *
 * What NEW-VIEW carried over must be exactly that, and is not judged again: a block prepared in an earlier view that a later
 * one finds too old would stop the group for ever.
 */
function judgeProposal(core: Core, message: VerifiedMessage<'pre-prepare'>, batch: Batch): string | null {
  const { view, sequence, digest } = message.body
  const committed = core.log.find(sequence)?.committed
  if (committed !== undefined && !equalBytes(committed.digest, digest)) return 'another batch than was committed'
  const carried = core.order.get(sequence)
  if (carried !== undefined) {
    const wanted = carried ?? nullBatch().digest
    return equalBytes(wanted, digest) ? null : 'not what the NEW-VIEW carries over'
  }
  if (sequence <= core.orderLast) return 'below what the NEW-VIEW orders'
  if (batch.originalView !== view || batch.proposer !== message.signer) return 'a batch of another proposal'
  if (batch.requests.length === 0) return 'an empty batch'
  if (core.nowMs === undefined || Math.abs(batch.timeMs - core.nowMs) > PROPOSAL_SKEW_MS_MAX) {
    return 'dated too far from the clock of this replica'
  }
  const valid = core.application.validate({ requests: batch.requests, timeMs: batch.timeMs })
  return valid.ok ? null : `an invalid batch: ${valid.message}`
}

/** Accepts a proposal, one's own included, and votes for it. */
export function acceptProposal(core: Core, message: VerifiedMessage<'pre-prepare'>, batch: Batch): void {
  const { view, sequence, digest } = message.body
  const slot = core.log.slot(sequence)
  if (!hasPending(core)) noteProgress(core)
  setAccepted(slot, message, core.tick)
  slot.wanted = undefined
  slot.waiting = undefined
  slot.batches.set(toKey(digest), batch)
  core.pool.markOrdered(batch.requests)
  if (mayVote(core)) {
    const isOwn = message.signer === core.self
    core.guard.record({ kind: isOwn ? 'pre-prepare' : 'prepare', view, sequence, digest })
    const prepare = isOwn ? undefined : seal(core, { kind: 'prepare', body: { view, sequence, digest } })
    const carriedBatch = message.batch === null ? batch.bytes : null
    const record = { proposal: message.bytes, batch: carriedBatch, prepare: prepare?.bytes ?? null }
    core.outbox.persist(encodeRecord({ kind: 'accepted', ...record }))
    broadcast(core, prepare?.bytes ?? message.bytes)
    if (prepare !== undefined) slot.prepares.set(core.self, prepare)
  }
  advanceSlot(core, slot)
  // Its commits may have overtaken it.
  if (slot.committed !== undefined) executeReady(core)
}

/** Takes a PREPARE. */
export function handlePrepare(core: Core, message: VerifiedMessage<'prepare'>): void {
  if (message.signer === proposerOf(core.settings, message.body.view, message.body.sequence)) {
    accuse(core, message)
    reject(core, message, 'the proposer does not prepare')
    return
  }
  takeVote(core, message, (slot) => slot.prepares)
}

/** Takes a COMMIT. */
export function handleCommit(core: Core, message: VerifiedMessage<'commit'>): void {
  takeVote(core, message, (slot) => slot.commits)
}

/**
 * Stores a vote of the current view, also while its NEW-VIEW is awaited, and counts.
 *
 * Votes of other views are dropped: keeping them for any view that a peer names is memory for one signed message each.
 */
function takeVote(core: Core, message: Vote, votesOf: (slot: Slot) => Map<number, Vote>): void {
  const { view, sequence } = message.body
  if (view !== core.view) {
    ignore(core, message, 'of another view')
    return
  }
  if (!core.log.isInWindow(sequence)) {
    ignore(core, message, 'outside of the window')
    return
  }
  const slot = core.log.slot(sequence)
  const votes = votesOf(slot)
  const earlier = votes.get(message.signer)
  if (earlier === undefined) {
    votes.set(message.signer, message)
    advanceSlot(core, slot)
    return
  }
  if (sameOrdering(earlier.body, message.body)) {
    ignore(core, message, 'known')
    return
  }
  accuse(core, earlier, message)
  reject(core, message, 'a second vote for one sequence number')
}

function sameOrdering(left: Ordering, right: Ordering): boolean {
  return left.view === right.view && left.sequence === right.sequence && equalBytes(left.digest, right.digest)
}

/** Moves a slot on as far as its votes allow: prepared, then committed, then executed. */
export function advanceSlot(core: Core, slot: Slot): void {
  if (core.mode === 'normal') prepareSlot(core, slot)
  if (commitSlot(core, slot)) executeReady(core)
}

/** Makes the prepared certificate of the current view, and votes COMMIT. */
function prepareSlot(core: Core, slot: Slot): void {
  const { accepted, sequence } = slot
  if (accepted === undefined || accepted.signature === null || slot.prepared?.view === core.view) return
  const { view, digest } = accepted.body
  const prepares = matchingVotes(slot.prepares, { view, digest }).slice(0, core.settings.quorum - 1)
  if (prepares.length < core.settings.quorum - 1) return
  slot.prepared = { view, sequence, digest, prePrepare: accepted.signature, prepares }
  if (!mayVote(core)) return
  core.guard.record({ kind: 'commit', view, sequence, digest })
  const commit = seal(core, { kind: 'commit', body: { view, sequence, digest } })
  core.outbox.persist(encodeRecord({ kind: 'prepared', certificate: slot.prepared, batch: null, commit: commit.bytes }))
  broadcast(core, commit.bytes)
  slot.commits.set(core.self, commit)
}

/**
 * Notes that Q members commit one digest; returns whether the slot has just become committed.
 *
 * Q COMMITs prove it alone: f + 1 of them come from correct replicas, which hold the prepared certificate.
 */
function commitSlot(core: Core, slot: Slot): boolean {
  const { commits, sequence } = slot
  if (slot.committed !== undefined || commits.size < core.settings.quorum) return false
  for (const { body } of commits.values()) {
    const { view, digest } = body
    const matching = matchingVotes(commits, { view, digest }).slice(0, core.settings.quorum)
    if (matching.length < core.settings.quorum) continue
    slot.committed = { view, sequence, digest, commits: matching }
    measureRoundTrip(core, slot)
    return true
  }
  return false
}

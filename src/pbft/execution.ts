/**
 * Execution, execution certificates, delivery and checkpoints (pbft.md 1.5, 1.6, 1.9).
 *
 * Committed batches are executed strictly in order; the header is computed here, from batch and parent alone. Q matching
 * EXEC-VOTEs make a block final and let the host have it; every K blocks they move the low watermark.
 */

import { equalBytes, toHex, toKey } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { Batch } from './batch.ts'
import { fetchFromHolders, findBatch } from './batches.ts'
import { createCertificate, type Certificate } from './certificate.ts'
import { broadcast, halt, ignore, mayVote, noteProgress, reject, seal, type Core } from './core.ts'
import { accuse } from './evidence.ts'
import { countSkip } from './fairness.ts'
import type { ExecutedEntry } from './history.ts'
import type { VerifiedMessage } from './message.ts'
import { encodeRecord } from './record.ts'
import { writeSegment } from './segment.ts'
import type { CommitCertificate } from './shape.ts'
import { keepLateShare, keepShares, shareOf } from './shares.ts'

/** Executes what is committed and next in order. */
export function executeReady(core: Core): void {
  while (!core.halted && core.nextMembers === undefined) {
    const slot = core.log.find(core.executed + 1)
    if (slot?.committed === undefined) return
    const batch = findBatch(core, slot, slot.committed.digest)
    if (batch === undefined) {
      fetchFromHolders(core, slot.committed)
      return
    }
    execute(core, { commit: slot.committed, batch })
  }
}

/** Executes the next block: what the commit certificate names. */
export function execute(core: Core, block: { readonly commit: CommitCertificate; readonly batch: Batch }): void {
  const { commit, batch } = block
  const height = commit.sequence
  const applied = core.application.apply({ requests: batch.requests, timeMs: batch.timeMs }, height)
  const { headerDigest } = applied
  core.executed = height
  const waited = core.pool.settle(batch.requests, applied.skipped)
  countSkip(core, batch, waited)
  core.performance.executedCount += batch.requests.length
  core.performance.servedCount += waited.length
  const plain = { sequence: height, headerDigest }
  const body = mayVote(core) ? { ...plain, ...shareOf(core, plain, applied.nextMembers !== undefined) } : plain
  if (mayVote(core)) core.guard.record({ kind: 'exec-vote', view: 0, sequence: height, digest: headerDigest })
  const vote = mayVote(core) ? seal(core, { kind: 'exec-vote', body }) : undefined
  const slot = core.log.find(height)
  const accepted = slot?.accepted
  const isLogged = mayVote(core) && accepted !== undefined && equalBytes(accepted.body.digest, commit.digest)
  const record = { commit, batch: isLogged ? null : batch.bytes, headerDigest, vote: vote?.bytes ?? null }
  core.outbox.persist(encodeRecord({ kind: 'executed', ...record }))
  core.nextMembers = applied.nextMembers
  const nextMembers = applied.nextMembers ?? null
  const entry = {
    height,
    batch: { bytes: batch.bytes, digest: batch.digest },
    commit,
    headerDigest,
    nextMembers,
    block: applied.block,
    vote: vote?.bytes,
  }
  core.history.add({ ...entry, certificate: undefined })
  // The bytes stay in the history; a hundred requests for each open slot would be what the collector copies all the time.
  slot?.batches.delete(toKey(batch.digest))
  noteProgress(core)
  // A view in which something was executed works: its timeouts start anew.
  if (core.mode === 'normal') core.timers.backoff = 0
  if (vote !== undefined) {
    core.execVotes.add(vote)
    broadcast(core, vote.bytes)
  }
  certify(core, height)
}

/** Takes an EXEC-VOTE. */
export function handleExecVote(core: Core, message: VerifiedMessage<'exec-vote'>): void {
  const { sequence, headerDigest } = message.body
  const peer = core.peers[message.signer]
  if (peer !== undefined) peer.executed = Math.max(peer.executed, sequence)
  if (!core.log.isInWindow(sequence)) {
    if (!keepLateShare(core, message)) ignore(core, message, 'outside of the window')
    return
  }
  const earlier = core.execVotes.add(message)
  if (earlier !== undefined) {
    if (equalBytes(earlier.body.headerDigest, headerDigest)) {
      ignore(core, message, 'known')
      return
    }
    accuse(core, earlier, message)
    reject(core, message, 'a second header for one height')
    return
  }
  certify(core, sequence)
}

/** Makes the certificate of an executed block when Q members signed its header. */
export function certify(core: Core, height: number): void {
  const entry = core.history.find(height)
  if (entry === undefined || entry.certificate !== undefined || core.halted) return
  const { settings, execVotes } = core
  const { headerDigest } = entry
  const other = execVotes.findOther(height, headerDigest, settings.weakQuorum)
  if (other !== undefined) {
    haltOn(core, entry, other)
    return
  }
  const signatures = execVotes.signatures(height, headerDigest)
  if (signatures.size < settings.quorum) return
  const { chainId, memberEpoch, replicaCount } = settings
  entry.certificate = createCertificate({ chainId, memberEpoch, height, headerDigest }, signatures, replicaCount)
  deliverReady(core)
}

function haltOn(core: Core, entry: ExecutedEntry, other: Digest32): void {
  const reason = `header ${toHex(entry.headerDigest)} here, ${toHex(other)} elsewhere: the application is not deterministic`
  halt(core, entry.height, reason)
}

/** Takes over a certificate that another replica made. */
export function learnCertificate(core: Core, certificate: Certificate): void {
  const entry = core.history.find(certificate.height)
  if (entry === undefined || core.halted) return
  if (!equalBytes(entry.headerDigest, certificate.headerDigest)) {
    haltOn(core, entry, certificate.headerDigest)
    return
  }
  entry.certificate = certificate
  deliverReady(core)
}

/**
 * Goes on from a certificate when those before it are gone everywhere, as after restarts of all who had them: the blocks
 * between are executed here and are ancestors of the certified one, but the host gets no proof of each.
 */
export function skipToCertificate(core: Core, certificate: Certificate): void {
  const { height } = certificate
  const entry = core.history.find(height)
  if (height <= core.certified || entry === undefined) return
  if (equalBytes(entry.headerDigest, certificate.headerDigest)) core.certified = height - 1
  learnCertificate(core, certificate)
  if (core.certified >= height) stabilise(core, certificate)
}

/** Hands out certified blocks in order, and moves the watermark at checkpoints. */
export function deliverReady(core: Core): void {
  for (;;) {
    const height = core.certified + 1
    const entry = core.history.find(height)
    if (entry?.certificate === undefined || height > core.executed) return
    core.certified = height
    const { block, certificate, nextMembers } = entry
    if (block !== undefined) core.outbox.deliver({ height, block, certificate, nextMembers })
    entry.block = undefined
    noteProgress(core)
    if (height % core.settings.checkpointEvery === 0 || nextMembers !== null) stabilise(core, certificate)
  }
}

/** Makes a certified height the stable checkpoint: frees the log below it, and begins a new segment on disk. */
function stabilise(core: Core, certificate: Certificate): void {
  const { height } = certificate
  if (height <= core.log.stable) return
  core.checkpoint = certificate
  core.log.advance(height)
  keepShares(core, certificate)
  core.execVotes.prune(height)
  core.guard.prune(height, core.view)
  core.history.prune(height)
  writeSegment(core)
}

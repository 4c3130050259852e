/**
 * What a message is worth to a replica before anyone has spent a signature check on it (pbft.md 1.13).
 *
 * A quorum decides with Q votes whatever the others say, so most votes never need to be verified: those that come late, and
 * those that wait for a proposal which never comes. Nothing here changes anything, and nothing here is believed: a message
 * that seems useful is verified before it reaches the state.
 */

import { equalBytes } from '../primitives/bytes.ts'
import { proposerOf } from './config.ts'
import type { Core } from './core.ts'
import { matchingVotes, type Slot } from './log.ts'
import type { MessageOf, PeerMessage } from './message.ts'
import type { Ordering } from './shape.ts'
import { wantsShare } from './shares.ts'

/** Kept, but not verified: nothing could come of it yet. */
const LATER = Infinity

/** Returns how many valid messages that say the same as this one would decide something; see `Replica.needs`. */
export function countNeeded(core: Core, message: PeerMessage): number {
  const isOwn = message.signer === core.self && message.signature !== null
  if (core.halted || isOwn) return 0
  switch (message.kind) {
    case 'pre-prepare':
      return isOpen(core, message.body) ? neededProposals(core, message) : 0
    case 'prepare':
      return isOpen(core, message.body) ? neededPrepares(core, message) : 0
    case 'commit':
      return isOpen(core, message.body) ? neededCommits(core, message) : 0
    case 'exec-vote':
      return neededExecVotes(core, message)
    default:
      return 1
  }
}

function isOpen(core: Core, { view, sequence }: Ordering): boolean {
  return view === core.view && core.log.isInWindow(sequence)
}

function neededProposals(core: Core, message: MessageOf<'pre-prepare'>): number {
  const { view, sequence, digest } = message.body
  if (message.signer !== proposerOf(core.settings, view, sequence)) return 0
  const slot = core.log.find(sequence)
  const earlier = slot?.accepted ?? slot?.waiting
  if (earlier === undefined || !equalBytes(earlier.body.digest, digest)) return 1
  // Again, but this time with the batch that is being fetched.
  return slot?.accepted === undefined && message.batch !== null ? 1 : 0
}

function neededPrepares(core: Core, { body, signer }: MessageOf<'prepare'>): number {
  const { view, sequence, digest } = body
  // Evidence.
  if (signer === proposerOf(core.settings, view, sequence)) return 1
  const slot = core.log.find(sequence)
  if (slot === undefined) return LATER
  const known = slot.prepares.get(signer)
  if (known !== undefined) return contradicts(known.body, body)
  // Also where it is committed: in a later view others may lack the COMMIT of this replica.
  if (slot.prepared?.view === view) return 0
  const isAccepted = slot.accepted !== undefined && equalBytes(slot.accepted.body.digest, digest)
  if (core.mode !== 'normal' || !isAccepted) return LATER
  return missing(core.settings.quorum - 1, matchingVotes(slot.prepares, body).length)
}

function neededCommits(core: Core, { body, signer }: MessageOf<'commit'>): number {
  const slot: Pick<Slot, 'commits' | 'committed'> | undefined = core.log.find(body.sequence)
  const known = slot?.commits.get(signer)
  if (known !== undefined) return contradicts(known.body, body)
  if (slot?.committed !== undefined) return 0
  return missing(core.settings.quorum, slot === undefined ? 0 : matchingVotes(slot.commits, body).length)
}

function neededExecVotes(core: Core, { body, signer }: MessageOf<'exec-vote'>): number {
  const { execVotes, history, log, peers, settings } = core
  const { sequence, headerDigest } = body
  // Far ahead it tells that this replica is behind; one in K of them is enough for that.
  if (sequence > log.high) return sequence >= (peers[signer]?.executed ?? 0) + settings.checkpointEvery ? 1 : 0
  if (sequence <= log.stable) return wantsShare(core, body, signer) ? 1 : 0
  const known = execVotes.find(sequence, signer)
  if (known !== undefined) return equalBytes(known.body.headerDigest, headerDigest) ? 0 : 1
  const count = execVotes.count(sequence, headerDigest)
  const entry = history.find(sequence)
  if (entry === undefined) {
    if (sequence <= core.executed) return 0
    // f + 1 who have executed what is missing here show that this replica is behind.
    return count < settings.weakQuorum ? settings.weakQuorum - count : LATER
  }
  if (entry.certificate !== undefined) return 0
  const isSame = equalBytes(entry.headerDigest, headerDigest)
  return missing(isSame ? settings.quorum : settings.weakQuorum, count)
}

/** A second vote of one member matters only as evidence. */
function contradicts(known: Ordering, found: Ordering): number {
  return equalBytes(known.digest, found.digest) ? 0 : 1
}

function missing(quorum: number, count: number): number {
  return Math.max(1, quorum - count)
}

/**
 * State transfer: what a replica that is behind asks for, and what others answer.
 *
 * Blocks travel with their commit certificate, so that nothing is executed on a peer's word; further back a snapshot travels
 * with the execution certificate of its height, and the application takes it only if it gives that header. A liar costs one
 * attempt: the next question goes to the next replica. Votes, VIEW-CHANGEs and NEW-VIEWs are taken all the while.
 */

import { equalBytes, toKey } from '../primitives/bytes.ts'
import type { Batch } from './batch.ts'
import { findServed, hasBatch } from './batches.ts'
import type { Certificate } from './certificate.ts'
import { halt, ignore, reject, seal, sendTo, type Core } from './core.ts'
import { deliverReady, execute, executeReady, learnCertificate, skipToCertificate } from './execution.ts'
import { FETCH_BLOCKS_MAX, FETCHES_PER_TICK_MAX, MESSAGE_BYTES_MAX } from './limits.ts'
import type { Fetch, Fetched, SnapshotPart, VerifiedMessage } from './message.ts'
import { takeCarried } from './new-view.ts'
import { handlePrePrepare } from './normal-case.ts'
import { encodeRecord } from './record.ts'
import { writeSegment } from './segment.ts'
import type { CommitCertificate } from './shape.ts'
import type { Head } from './types.ts'

/** Asks the next replica that claims to be ahead for the blocks after the last certified one. */
export function fetchBlocks(core: Core): void {
  const ahead = core.peers.flatMap((peer, index) =>
    index !== core.self && (peer.executed > core.executed || peer.certified > core.certified) ? [index] : [],
  )
  const from = ahead[core.fetchTurn++ % ahead.length]
  if (from !== undefined) fetchFrom(core, from)
}

function fetchFrom(core: Core, from: number): void {
  const height = core.certified + 1
  core.fetching = { from, until: height + FETCH_BLOCKS_MAX - 1 }
  core.incoming = undefined
  const body = { what: 'blocks', height, index: 0, digest: null } as const
  sendTo(core, from, seal(core, { kind: 'fetch', body }).bytes)
}

/** Answers a FETCH. */
export function handleFetch(core: Core, message: VerifiedMessage<'fetch'>): void {
  if (!mayAnswer(core, message.signer)) {
    ignore(core, message, 'too many in one tick')
    return
  }
  const { what, digest, height, index } = message.body
  switch (what) {
    case 'batch': {
      const batch = digest === null ? undefined : findServed(core, digest)
      if (batch !== undefined) sendFetched(core, message.signer, { height: 0 }, batch)
      return
    }
    case 'view-change': {
      sendViewChange(core, message.signer, digest)
      return
    }
    case 'blocks': {
      sendBlocks(core, message.signer, height)
      return
    }
    case 'snapshot': {
      sendSnapshot(core, message.signer, { height, index })
      return
    }
  }
}

function mayAnswer(core: Core, signer: number): boolean {
  const peer = core.peers[signer]
  if (peer === undefined) return false
  if (peer.fetchTick !== core.tick) {
    peer.fetchTick = core.tick
    peer.fetchCount = 0
  }
  peer.fetchCount += 1
  return peer.fetchCount <= FETCHES_PER_TICK_MAX
}

function sendFetched(
  core: Core,
  to: number,
  body: Partial<Fetched> & { readonly height: number },
  batch?: Pick<Batch, 'bytes'>,
): void {
  const whole = { commit: null, certificate: null, snapshot: null, ...body }
  sendTo(core, to, seal(core, { kind: 'fetched', body: whole, batch: batch ?? null }).bytes)
}

function sendViewChange(core: Core, to: number, digest: Fetch['digest']): void {
  if (digest === null) return
  const known = [...core.newViewProof, ...core.viewChanges.values()]
  const found = known.find((message) => message.digest !== undefined && equalBytes(message.digest, digest))
  if (found !== undefined) sendTo(core, to, found.bytes)
}

function sendBlocks(core: Core, to: number, height: number): void {
  let bytes = 0
  for (let next = height; next < height + FETCH_BLOCKS_MAX && next <= core.executed; next++) {
    const entry = core.history.find(next)
    if (entry === undefined) {
      sendSnapshot(core, to, { height: 0, index: 0 })
      return
    }
    bytes += entry.batch.bytes.length
    if (bytes > MESSAGE_BYTES_MAX && next > height) return
    const { commit, certificate = null, batch } = entry
    sendFetched(core, to, { height: next, commit, certificate }, batch)
  }
}

/** Serves a chunk; a snapshot is taken when someone first needs one, and again when that one is old or of no use. */
function sendSnapshot(core: Core, to: number, wanted: { readonly height: number; readonly index: number }): void {
  // After the end of the epoch the application goes on without this replica.
  if (wanted.height === 0 && needsSnapshot(core) && core.application.head().height === core.executed) {
    const chunks = [...core.application.snapshot()].map((chunk) => Uint8Array.from(chunk))
    core.served = { height: core.executed, chunks }
  }
  if (core.served === undefined || (wanted.height !== 0 && wanted.height !== core.served.height)) return
  const { height, chunks } = core.served
  const certificate = findCertificate(core, height)
  const chunk = chunks[wanted.index]
  // Without its certificate nobody would take it; whoever asks will ask again.
  if (certificate === undefined || chunk === undefined) return
  const snapshot = { height, index: wanted.index, count: chunks.length, chunk, certificate }
  sendFetched(core, to, { height, snapshot })
}

function needsSnapshot(core: Core): boolean {
  const { served, executed, certified, settings } = core
  if (served === undefined || served.height + settings.logSpan < executed) return true
  // Its certificate went with a restart and will not come again.
  return served.height < executed && served.height <= certified && findCertificate(core, served.height) === undefined
}

/** After a restart the log may hold no more than the certificate of its checkpoint. */
function findCertificate({ history, checkpoint }: Core, height: number): Certificate | undefined {
  return history.find(height)?.certificate ?? (checkpoint?.height === height ? checkpoint : undefined)
}

/** Takes an answer. What is in it proves itself, so who sent it does not matter. */
export function handleFetched(core: Core, message: VerifiedMessage<'fetched'>): void {
  const { height, commit, certificate, snapshot } = message.body
  if (snapshot !== null) {
    takeSnapshotPart(core, message, snapshot)
    return
  }
  if (commit === null) {
    const { batch } = message
    const isWanted = batch !== null && [takeCarried(core, batch), takeBatch(core, batch)].includes(true)
    if (!isWanted) ignore(core, message, 'nothing that was wanted')
    return
  }
  if (message.batch !== null && height > core.executed) takeBlock(core, commit, message.batch)
  if (certificate !== null) learnCertificate(core, certificate)
  const { fetching } = core
  if (fetching?.until === height && core.executed >= height) fetchFrom(core, fetching.from)
}

/** Puts a batch where it was missing; returns whether it was. */
function takeBatch(core: Core, batch: Batch): boolean {
  let wanted = false
  for (const slot of core.log.slots()) {
    const named = [slot.waiting?.body.digest, slot.wanted, slot.committed?.digest]
    const isNamed = named.some((digest) => digest !== undefined && equalBytes(digest, batch.digest))
    if (!isNamed || hasBatch(core, slot, batch.digest)) continue
    wanted = true
    slot.batches.set(toKey(batch.digest), batch)
    if (slot.waiting !== undefined) handlePrePrepare(core, slot.waiting)
  }
  if (wanted) executeReady(core)
  return wanted
}

function takeBlock(core: Core, commit: CommitCertificate, batch: Batch): void {
  const { sequence, digest } = commit
  if (core.halted || core.nextMembers !== undefined) return
  // After the loss of application state the next block may lie below the watermark.
  if (!core.log.isInWindow(sequence)) {
    if (sequence === core.executed + 1 && sequence <= core.log.stable) execute(core, { commit, batch })
    return
  }
  const slot = core.log.slot(sequence)
  if (slot.committed !== undefined && !equalBytes(slot.committed.digest, digest)) {
    halt(core, sequence, 'two commit certificates for one sequence number: more than f replicas are faulty')
    return
  }
  slot.committed ??= commit
  slot.batches.set(toKey(batch.digest), batch)
  executeReady(core)
}

function takeSnapshotPart(core: Core, message: VerifiedMessage<'fetched'>, part: SnapshotPart): void {
  const { height, index, count, chunk, certificate } = part
  // Chunks prove nothing one by one: only the replica that was asked is listened to.
  if (message.signer !== core.fetching?.from) {
    ignore(core, message, 'not asked for')
    return
  }
  if (height <= core.executed) {
    skipToCertificate(core, certificate)
    return
  }
  // The state belongs to the next epoch, whatever the members of this one certify later.
  if (core.nextMembers !== undefined) {
    ignore(core, message, 'the member epoch is closed')
    return
  }
  if (core.incoming?.height !== height || core.incoming.chunks.length !== count) {
    core.incoming = { height, chunks: Array.from({ length: count }, () => undefined) }
  }
  const { chunks } = core.incoming
  if (index >= count) {
    reject(core, message, 'a chunk beyond the last')
    return
  }
  chunks[index] = chunk
  const missing = chunks.indexOf(undefined)
  if (missing >= 0) {
    const body = { what: 'snapshot', height, index: missing, digest: null } as const
    sendTo(core, message.signer, seal(core, { kind: 'fetch', body }).bytes)
    return
  }
  core.incoming = undefined
  const { headerDigest } = certificate
  const restored = core.application.restore(chunks as Uint8Array[], { height, headerDigest })
  if (restored.ok && equalBytes(restored.value.headerDigest, headerDigest))
    adoptState(core, restored.value, certificate)
  else reject(core, message, 'a snapshot that does not give the certified header')
}

function adoptState(core: Core, { height, members }: Head, certificate: SnapshotPart['certificate']): void {
  if (members !== undefined && members.memberEpoch !== core.settings.memberEpoch) core.nextMembers = members.members
  core.executed = height
  core.certified = height
  // What waits may have been executed in the blocks that were skipped.
  core.pool.retain((request) => core.application.check(request).ok)
  core.outbox.persist(encodeRecord({ kind: 'restored', height, certificate }))
  if (height > core.log.stable) {
    core.checkpoint = certificate
    core.log.advance(height)
    core.execVotes.prune(height)
    core.guard.prune(height, core.view)
    writeSegment(core)
  }
  core.history.prune(height)
  executeReady(core)
  deliverReady(core)
}

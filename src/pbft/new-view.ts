/**
 * Leaving a view and entering the next (pbft.md 1.7), as a state machine over the functions of `view-change.ts`.
 *
 * A replica that gives up a view stops voting in it, writes its VIEW-CHANGE to disk and sends it. With Q of them the leader of
 * the new view sends NEW-VIEW, which names them by digest; whoever lacks one fetches it from its signer or that leader. f + 1
 * replicas in later views take one along to the smallest of these; fewer never do, so that one replica alone moves nobody.
 *
 * An attacker may hold a certificate that was prepared at nobody else, and keep its batch to himself: carried over, it would
 * stop view after view. So a leader counts a VIEW-CHANGE when it has the batches that it names; a correct sender has them.
 */

import { equalBytes, toKey } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { nullBatch, type Batch } from './batch.ts'
import { fetchBatch, hasBatch } from './batches.ts'
import { leaderOf } from './config.ts'
import {
  broadcast,
  halt,
  hasPending,
  ignore,
  mayVote,
  noteProgress,
  reject,
  seal,
  sendTo,
  timeoutTicks,
  type Core,
} from './core.ts'
import { accuse } from './evidence.ts'
import { learnCertificate } from './execution.ts'
import { isUnfair } from './fairness.ts'
import { BACKOFF_EXPONENT_MAX } from './limits.ts'
import type { NewView, VerifiedMessage } from './message.ts'
import { takeWaiting } from './normal-case.ts'
import { isTooSlow, measureView, rateLoaded } from './performance.ts'
import { propose } from './proposal.ts'
import { encodeRecord } from './record.ts'
import { computeO, namesQuorum, newViewFault } from './view-change.ts'

/** Gives up the current view for a later one. */
export function startViewChange(core: Core, view: number): void {
  if (!mayVote(core) || view <= core.view) return
  leaveFor(core, view)
  core.mode = 'view-change'
  const { log, checkpoint } = core
  const prepared = log.slots().flatMap((slot) => (slot.prepared === undefined ? [] : [slot.prepared]))
  const body = { view, stable: log.stable, checkpoint, prepared }
  const message = seal(core, { kind: 'view-change', body })
  core.guard.record({ kind: 'view-change', view, sequence: 0, digest: message.digest as Uint8Array })
  core.viewChanges.set(core.self, message)
  core.outbox.persist(encodeRecord({ kind: 'view-change', message: message.bytes }))
  core.timers.lastResendTick = core.tick
  broadcast(core, message.bytes)
  considerNewView(core)
  fetchCarried(core)
}

/** Drops what belongs to the view that is left. */
function leaveFor(core: Core, view: number): void {
  if (core.mode === 'normal') rateLoaded(core)
  core.view = view
  core.primaryProvenFaulty = false
  core.timers.awaitedSinceTick = undefined
  core.log.leaveView()
  core.pool.clearOrdered()
  core.guard.prune(core.log.stable, view)
  noteProgress(core)
}

/** Takes a VIEW-CHANGE. */
export function handleViewChange(core: Core, message: VerifiedMessage<'view-change'>): void {
  const { body, signer } = message
  if (message.fault !== null) {
    accuse(core, message)
    reject(core, message, message.fault)
    return
  }
  if (body.checkpoint !== null) learnCertificate(core, body.checkpoint)
  noteWanted(core, message)
  const known = core.viewChanges.get(signer)
  // Of two for one view the first stays: its signer may name either in a NEW-VIEW, and then it is fetched by digest.
  if (known === undefined || known.body.view < body.view) core.viewChanges.set(signer, message)
  else if (core.pendingNewViews.size === 0) {
    ignore(core, message, 'not newer than the one known')
    return
  }
  if (body.view >= core.view) joinOthers(core)
  considerNewView(core)
  fetchCarried(core, signer)
  considerPending(core)
}

/** Keeps a VIEW-CHANGE that a pending NEW-VIEW names, also when its signer sent another one to this replica. */
function noteWanted(core: Core, message: VerifiedMessage<'view-change'>): void {
  const { digest } = message
  if (digest === undefined) return
  const isNamed = [...core.pendingNewViews.values()].some(({ body }) =>
    body.viewChanges.some((named) => named.signer === message.signer && equalBytes(named.digest, digest)),
  )
  if (isNamed) core.fetchedViewChanges.set(toKey(digest), message)
}

/** Goes along when f + 1 others are in later views, to the smallest of these. */
function joinOthers(core: Core): void {
  const later = [...core.viewChanges.entries()].filter(
    ([signer, { body }]) => signer !== core.self && body.view > core.view,
  )
  if (later.length < core.settings.weakQuorum) return
  startViewChange(core, Math.min(...later.map(([, { body }]) => body.view)))
}

/** The VIEW-CHANGEs for the view that this replica wants. */
function wanted(core: Core): VerifiedMessage<'view-change'>[] {
  return [...core.viewChanges.values()]
    .filter(({ body }) => body.view === core.view)
    .sort((left, right) => left.signer - right.signer)
}

/** Batches that a VIEW-CHANGE carries over and this replica lacks. */
function lackedBatches(core: Core, { body }: VerifiedMessage<'view-change'>): Digest32[] {
  const { log } = core
  return body.prepared.flatMap(({ sequence, digest }) =>
    log.isInWindow(sequence) && !hasBatch(core, log.slot(sequence), digest) ? [digest] : [],
  )
}

function awaitsViewChanges(core: Core): boolean {
  return core.mode === 'view-change' && leaderOf(core.settings, core.view) === core.self && mayVote(core)
}

/** Asks each sender, or one of them, for the batches that its VIEW-CHANGE names and the leader of that view lacks. */
export function fetchCarried(core: Core, sender?: number): void {
  if (!awaitsViewChanges(core)) return
  for (const message of wanted(core)) {
    if (sender !== undefined && message.signer !== sender) continue
    for (const digest of lackedBatches(core, message)) fetchBatch(core, message.signer, digest)
  }
}

/** Puts a batch where the leader needs it to count a VIEW-CHANGE; returns whether it does. */
export function takeCarried(core: Core, batch: Batch): boolean {
  if (!awaitsViewChanges(core)) return false
  const named = wanted(core)
    .flatMap(({ body }) => body.prepared)
    .filter(({ sequence, digest }) => core.log.isInWindow(sequence) && equalBytes(digest, batch.digest))
  for (const { sequence } of named) core.log.slot(sequence).batches.set(toKey(batch.digest), batch)
  if (named.length > 0) considerNewView(core)
  return named.length > 0
}

/** With Q VIEW-CHANGEs the leader sends NEW-VIEW, and the others start to wait for it. */
function considerNewView(core: Core): void {
  if (core.mode !== 'view-change') return
  // Whoever wants a later view counts too: he does not repeat his vote for this one, and those left could wait for ever.
  const ready = [...core.viewChanges.values()].filter(({ body }) => body.view >= core.view)
  if (ready.length >= core.settings.quorum) core.timers.awaitedSinceTick ??= core.tick
  if (!awaitsViewChanges(core)) return
  const proof = wanted(core).filter((message) => lackedBatches(core, message).length === 0)
  if (proof.length < core.settings.quorum) return
  const chosen = proof.slice(0, core.settings.quorum)
  const { order } = computeO(chosen.map(({ body }) => body))
  const viewChanges = chosen.map(({ signer, digest }) => ({ signer, digest: digest as NonNullable<typeof digest> }))
  const message = seal(core, { kind: 'new-view', body: { view: core.view, order, viewChanges } })
  const { view } = core
  core.guard.record({ kind: 'new-view', view, sequence: 0, digest: message.digest as Uint8Array })
  enterView(core, message, chosen)
  broadcast(core, message.bytes)
  propose(core)
}

/** Takes a NEW-VIEW. */
export function handleNewView(core: Core, message: VerifiedMessage<'new-view'>): void {
  const { view } = message.body
  const isOver = view < core.view || (view === core.view && core.mode === 'normal')
  if (isOver || view < 1) {
    ignore(core, message, 'of a view that is over or entered')
    return
  }
  if (message.signer !== leaderOf(core.settings, view)) {
    accuse(core, message)
    reject(core, message, 'not from the leader of that view')
    return
  }
  // What it names is fetched and kept: one of each member, no more than there are.
  if (!namesQuorum(core.settings, message.body)) {
    accuse(core, message)
    reject(core, message, 'names view changes that are no quorum')
    return
  }
  const known = core.pendingNewViews.get(message.signer)
  if (known !== undefined && known.body.view > view) {
    ignore(core, message, 'older than one that waits')
    return
  }
  core.pendingNewViews.set(message.signer, message)
  forgetUnnamed(core)
  considerPending(core)
  fetchMissing(core)
}

/** Whoever names ever other VIEW-CHANGEs would fill the memory with those that were fetched for him. */
function forgetUnnamed(core: Core): void {
  const named = new Set(
    [...core.pendingNewViews.values()].flatMap(({ body }) => body.viewChanges.map(({ digest }) => toKey(digest))),
  )
  for (const key of core.fetchedViewChanges.keys()) if (!named.has(key)) core.fetchedViewChanges.delete(key)
}

type Named = NewView['viewChanges'][number]

function findNamed(core: Core, { signer, digest }: Named): VerifiedMessage<'view-change'> | undefined {
  const known = core.viewChanges.get(signer)
  if (known?.digest !== undefined && equalBytes(known.digest, digest)) return known
  return core.fetchedViewChanges.get(toKey(digest))
}

/** Asks the leader and their signers for the VIEW-CHANGEs that a pending NEW-VIEW names and this replica lacks. */
export function fetchMissing(core: Core): void {
  for (const { body, signer } of core.pendingNewViews.values()) {
    for (const named of body.viewChanges) {
      if (findNamed(core, named) !== undefined) continue
      const request = { what: 'view-change', height: 0, index: 0, digest: named.digest } as const
      const { bytes } = seal(core, { kind: 'fetch', body: request })
      sendTo(core, signer, bytes)
      if (named.signer !== signer) sendTo(core, named.signer, bytes)
    }
  }
}

/** Enters the view of a NEW-VIEW all of whose VIEW-CHANGEs are known, if it follows from them. */
function considerPending(core: Core): void {
  for (const [leader, message] of core.pendingNewViews) {
    const { body } = message
    const proof = body.viewChanges.map((named) => findNamed(core, named))
    if (proof.some((one) => one === undefined)) continue
    core.pendingNewViews.delete(leader)
    if (body.view < core.view || (body.view === core.view && core.mode === 'normal')) continue
    const known = proof as VerifiedMessage<'view-change'>[]
    const fault = newViewFault(core.settings, body, known)
    if (fault === null) {
      enterView(core, message, known)
      takeWaiting(core)
      propose(core)
    } else {
      accuse(core, message, ...known)
      reject(core, message, fault)
      if (body.view === core.view) core.primaryProvenFaulty = true
    }
  }
}

/** Enters a view for good: from here on its proposals are voted for. */
function enterView(
  core: Core,
  message: VerifiedMessage<'new-view'>,
  proof: readonly VerifiedMessage<'view-change'>[],
): void {
  core.outbox.persist(
    encodeRecord({ kind: 'new-view', message: message.bytes, viewChanges: proof.map(({ bytes }) => bytes) }),
  )
  installNewView(core, message, proof)
  for (const { sequence, digest } of message.body.order) {
    const committed = core.log.find(sequence)?.committed
    const carried = digest ?? nullBatch().digest
    if (committed === undefined || equalBytes(committed.digest, carried)) continue
    halt(core, sequence, 'a view carries over another batch than was committed: more than f replicas are faulty')
    return
  }
  for (const { body } of proof) if (body.checkpoint !== null) learnCertificate(core, body.checkpoint)
  // What this replica holds waits for the new primary, which may not know it.
  for (const entry of core.pool.entries()) {
    entry.forwardedTick = Math.min(entry.forwardedTick, core.tick - timeoutTicks(core))
    entry.forwards = 0
  }
}

/** Sets the state of a view as its NEW-VIEW says; also after a restart. */
export function installNewView(
  core: Core,
  message: VerifiedMessage<'new-view'>,
  proof: readonly VerifiedMessage<'view-change'>[],
): void {
  const { view, order } = message.body
  if (view > core.view) leaveFor(core, view)
  core.mode = 'normal'
  core.newView = message
  core.newViewProof = proof
  core.timers.awaitedSinceTick = undefined
  const { stable } = computeO(proof.map(({ body }) => body))
  core.order = new Map(order.map(({ sequence, digest }) => [sequence, digest]))
  core.orderLast = order.at(-1)?.sequence ?? stable
  core.hasCarried = order.length > 0
  core.timers.viewEnteredTick = core.tick
  measureView(core)
  core.fetchedViewChanges.clear()
  for (const [leader, pending] of core.pendingNewViews) {
    if (pending.body.view <= view) core.pendingNewViews.delete(leader)
  }
  noteProgress(core)
}

/** Called each tick: gives up views that do not work, and repeats one's own VIEW-CHANGE until the view is entered. */
export function watchView(core: Core): void {
  if (!mayVote(core) || core.nextMembers !== undefined) return
  const isLeft = core.primaryProvenFaulty || isStuck(core) || (core.mode === 'normal' && isTooSlow(core))
  if (isLeft) {
    const { timers } = core
    timers.backoff = Math.min(timers.backoff + 1, BACKOFF_EXPONENT_MAX)
    startViewChange(core, core.view + 1)
    return
  }
  const patience = Math.max(1, Math.floor(core.settings.timeoutTicks / 2))
  const own = core.viewChanges.get(core.self)
  if (core.mode !== 'view-change' || own === undefined || core.tick - core.timers.lastResendTick < patience) return
  core.timers.lastResendTick = core.tick
  broadcast(core, own.bytes)
  fetchMissing(core)
}

function isStuck(core: Core): boolean {
  const { timers, tick } = core
  if (core.mode === 'view-change') {
    return timers.awaitedSinceTick !== undefined && tick - timers.awaitedSinceTick > timeoutTicks(core)
  }
  if (isUnfair(core, timeoutTicks(core))) return true
  return hasPending(core) && tick - timers.progressTick > timeoutTicks(core)
}

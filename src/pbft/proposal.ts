/**
 * The proposer: requests into batches, batches into sequence numbers, several in flight.
 */

import { createBatch, nullBatch, type Request } from './batch.ts'
import { findBatch } from './batches.ts'
import {
  broadcast,
  currentPrimary,
  hasPending,
  ignore,
  isProposer,
  mayVote,
  noteProgress,
  reject,
  seal,
  sendTo,
  type Core,
} from './core.ts'
import { CLIENT_BYTES_MAX, PENALTY_TIMEOUTS, REQUEST_BYTES_MAX } from './limits.ts'
import { awaitsClosing, isClosed } from './member-epoch.ts'
import type { VerifiedMessage } from './message.ts'
import { acceptProposal } from './normal-case.ts'
import type { PoolRefusal } from './pool.ts'

/**
 * Takes a request from a client of this host.
 *
 * A client has at most 256 requests here; the places come back as fast as the group executes, so this is its bucket of tokens.
 * What a forged request says about its client is worth nothing, and blaming that client would let anyone silence it: the
 * connection is what pays.
 */
export function handleRequest(core: Core, request: Request, source?: string): void {
  const refuse = (grade: 'ignored' | 'rejected', reason: string): void =>
    core.outbox.add({ kind: 'reject', grade, from: null, reason: `request: ${reason}` })
  if (source !== undefined && (core.penalised.get(source) ?? 0) > core.tick) {
    refuse('ignored', 'its source sent a forged one lately')
    return
  }
  if (!hasRequestForm(request)) {
    refuse('rejected', 'id, client or bytes of a length that is not allowed')
    return
  }
  if (isClosed(core)) {
    refuse('ignored', 'the member epoch is closed')
    return
  }
  const refusal = core.pool.refusal(request)
  if (refusal !== null) {
    refuse(isKnown(refusal) ? 'ignored' : 'rejected', refusal)
    return
  }
  const judged = core.application.check(request)
  if (!judged.ok) {
    if (source !== undefined && judged.code === 'ERR_SIGNATURE_INVALID') penalise(core, source)
    refuse('rejected', judged.message)
    return
  }
  admit(core, request, true)
  const primary = currentPrimary(core)
  if (primary !== core.self) sendTo(core, primary, seal(core, { kind: 'request', body: request }).bytes)
}

function isKnown(refusal: PoolRefusal): boolean {
  return refusal === 'known' || refusal === 'executed'
}

function penalise(core: Core, source: string): void {
  core.penalised.set(source, core.tick + PENALTY_TIMEOUTS * core.settings.timeoutTicks)
}

/** Takes a request that another replica passes on. Its client's signature is what counts, not who sent it. */
export function handleForwarded(core: Core, message: VerifiedMessage<'request'>): void {
  const request = message.body
  const refusal = isClosed(core) ? 'the member epoch is closed' : core.pool.refusal(request)
  if (refusal !== null) {
    ignore(core, message, refusal)
    return
  }
  const judged = core.application.check(request)
  if (!judged.ok) {
    reject(core, message, judged.message)
    return
  }
  admit(core, request, false)
}

function hasRequestForm({ id, client, bytes }: Request): boolean {
  const clientFits = client.length > 0 && client.length <= CLIENT_BYTES_MAX
  return id.length === 32 && clientFits && bytes.length <= REQUEST_BYTES_MAX
}

/** Adds a request that the pool does not refuse. */
function admit(core: Core, request: Request, isOwn: boolean): void {
  // The timeout measures how long work waits: it does not run while there is none.
  if (!hasPending(core)) noteProgress(core)
  core.pool.add(request, { tick: core.tick, isOwn })
  propose(core)
}

/** Tells whether something is proposed or voted for, but not executed. */
export function hasOpenSlot(core: Core): boolean {
  const slot = core.log.find(core.executed + 1)
  return slot !== undefined && (slot.accepted !== undefined || slot.prepares.size + slot.commits.size > 0)
}

/** Proposes batches as long as there are requests, they are due, and the window has room. */
export function propose(core: Core): void {
  if (core.hasCarried) proposeCarried(core)
  for (;;) {
    const sequence = nextSequence(core)
    if (sequence === undefined || !isProposer(core, sequence)) return
    const { batchTransactionsMax, batchBytesMax, batchWaitTicks } = core.settings
    const limits = { countMax: batchTransactionsMax, bytesMax: batchBytesMax }
    if (!core.pool.isDue(limits, core.tick - batchWaitTicks)) return
    if (awaitsClosing(core, sequence)) return
    const batch = createBatch({
      originalView: core.view,
      proposer: core.self,
      timeMs: core.nowMs as number,
      requests: core.pool.take(limits),
    })
    const body = { view: core.view, sequence, digest: batch.digest }
    acceptProposal(core, seal(core, { kind: 'pre-prepare', body, batch }), batch)
  }
}

/**
 * Proposes what the NEW-VIEW carries over, by digest: whoever has prepared or accepted a batch has it. What this replica
 * itself lacks it asks for first.
 */
function proposeCarried(core: Core): void {
  if (core.mode !== 'normal' || !mayVote(core)) return
  core.hasCarried = false
  for (const [sequence, carried] of core.order) {
    if (!isProposer(core, sequence) || sequence <= core.log.stable) continue
    core.hasCarried = true
    if (!core.log.isInWindow(sequence)) continue
    const slot = core.log.slot(sequence)
    const digest = carried ?? nullBatch().digest
    const batch = findBatch(core, slot, digest)
    if (slot.accepted !== undefined) continue
    if (batch !== undefined) {
      const body = { view: core.view, sequence, digest }
      acceptProposal(core, seal(core, { kind: 'pre-prepare', body }), batch)
    } else if (slot.wanted === undefined) {
      slot.wanted = digest
      broadcast(core, seal(core, { kind: 'fetch', body: { what: 'batch', height: 0, index: 0, digest } }).bytes)
    }
  }
}

/**
 * Returns the sequence number that a fresh proposal would have, or undefined when none may be made now.
 *
 * It follows everything accepted, so that a term of a rotating proposer opens only after the last one is accepted, and
 * nothing fresh comes before what the NEW-VIEW carries over.
 */
function nextSequence(core: Core): number | undefined {
  const { executed, log, settings, orderLast } = core
  if (core.mode !== 'normal' || !mayVote(core) || core.nextMembers !== undefined || core.nowMs === undefined)
    return undefined
  let sequence = Math.max(executed, log.stable) + 1
  while (log.find(sequence)?.accepted !== undefined || log.find(sequence)?.committed !== undefined) sequence++
  if (sequence <= orderLast || !log.isInWindow(sequence)) return undefined
  return sequence - executed <= settings.windowSize ? sequence : undefined
}

/**
 * Where a claim stands, from the transactions and receipts of a ledger alone: what was done, who must do what until when,
 * and what happens if nobody does.
 *
 * The state machine is the ledger's own, told again for those who follow it: claimed, delegated, converted, then settled
 * or refunded, with a verdict in between where the institution disputes.
 */

import { fail, succeed, VitalsealError, type Result } from '../errors.ts'
import type { Committed, LedgerView } from '../chain/index.ts'
import type { Draft, ShareBody } from '../transactions/index.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { bookOf, isRefund } from './book.ts'
import { findListing, type Listing } from './listing.ts'

/** A step that somebody can take now. */
export interface NextStep {
  readonly step: ShareBody['step']
  readonly by: Did | 'anybody'
  /** First millisecond in which it is too late; null where somebody else's step ends it. */
  readonly untilMs: number | null
}

/** A claim on its way. */
export interface PendingShare {
  readonly kind: 'claimed' | 'delegated' | 'converted' | 'disputed'
  readonly claim: TransactionId
  /** Deadline of what comes next, block time. */
  readonly untilMs: number
  /** The deadline has passed: anybody may close the claim, and `onClose` happens. */
  readonly isOverdue: boolean
  readonly onClose: 'settled' | 'refunded'
  readonly next: readonly NextStep[]
}

/** A claim that was paid. */
export interface SettledShare {
  readonly kind: 'settled'
  readonly claim: TransactionId
  /** The transaction that paid. */
  readonly by: TransactionId
  readonly because: 'acknowledged' | 'institution-silent' | 'as-attested' | 'issuer-silent'
  readonly payee: Did
  /** Micro-units. */
  readonly amount: number
  readonly atMs: number
}

/** A claim whose money went back. */
export interface RefundedShare {
  readonly kind: 'refunded'
  readonly claim: TransactionId
  readonly by: TransactionId
  /** After `not-converted`, by silence or by verdict, the person may claim again; otherwise not in this study. */
  readonly because: 'not-converted' | 'not-as-attested'
  readonly amount: number
  readonly atMs: number
}

/** Where a claim stands. */
export type ShareState = PendingShare | SettledShare | RefundedShare

/** A claim with its listing and its steps. */
export interface ClaimHistory {
  readonly claimed: Committed<'claim'>
  readonly listing: Listing
  readonly steps: readonly Committed<'share'>[]
}

/** Returns the history of a claim that the ledger took; undefined where the view has none. */
export function findClaim(view: LedgerView, claim: TransactionId): ClaimHistory | undefined {
  const entry = bookOf(view).claims.get(claim)
  const listing = entry === undefined ? undefined : findListing(view, entry.claimed.transaction.listing)
  return entry === undefined || listing === undefined ? undefined : { ...entry, listing }
}

function isLie(body: ShareBody): boolean {
  return body.step === 'judge' && body.verdict === 'not-as-attested'
}

function endOf({ claimed, listing, steps }: ClaimHistory): SettledShare | RefundedShare | undefined {
  const last = steps.at(-1)
  if (last === undefined) return undefined
  const { transaction, timeMs: atMs } = last
  const { id: claim, payee } = claimed.transaction
  const facts = { claim, by: transaction.id, amount: listing.price, atMs }
  const settled = (because: SettledShare['because']): SettledShare => ({ kind: 'settled', ...facts, because, payee })
  if (isRefund(transaction, steps.slice(0, -1))) {
    return { kind: 'refunded', ...facts, because: isLie(transaction) ? 'not-as-attested' : 'not-converted' }
  }
  if (transaction.step === 'acknowledge') return settled('acknowledged')
  if (transaction.step === 'judge') return settled('as-attested')
  if (transaction.step !== 'close') return undefined
  const isDisputed = steps.some(({ transaction: { step } }) => step === 'dispute')
  return settled(isDisputed ? 'issuer-silent' : 'institution-silent')
}

const PENDING = { delegate: 'delegated', convert: 'converted', dispute: 'disputed' } as const

function pendingKind({ steps }: ClaimHistory): PendingShare['kind'] {
  const step = steps.at(-1)?.transaction.step
  return step === 'delegate' || step === 'convert' || step === 'dispute' ? PENDING[step] : 'claimed'
}

function nextSteps(
  kind: PendingShare['kind'],
  { claimed, listing }: ClaimHistory,
  { untilMs, isOverdue }: { readonly untilMs: number; readonly isOverdue: boolean },
): readonly NextStep[] {
  const { proxy, issuer } = claimed.transaction
  const { institution } = listing
  const inTime = (step: ShareBody['step'], by: Did): readonly NextStep[] => (isOverdue ? [] : [{ step, by, untilMs }])
  const close: readonly NextStep[] = isOverdue ? [{ step: 'close', by: 'anybody', untilMs: null }] : []
  switch (kind) {
    case 'claimed':
      return [...inTime('delegate', proxy), ...close]
    case 'delegated':
      return [...inTime('convert', proxy), ...close]
    case 'converted':
      return [
        // Whoever has what it asked for may say so until somebody closes.
        { step: 'acknowledge', by: institution, untilMs: null },
        // Nobody is the judge of his own dispute.
        ...(issuer === institution ? [] : inTime('dispute', institution)),
        ...close,
      ]
    case 'disputed':
      return [...inTime('judge', issuer), ...close]
  }
}

/**
 * Returns where a claim stands, who must do what next until when, and whether a deadline has passed.
 *
 * Deadlines are compared with `atMs`, by default the view's time, that of its newest block: a ledger on which nothing
 * happens is behind.
 *
 * @returns or `ERR_SHARING_STATE`: the view has no such claim, or the ledger refused it
 */
export function evaluateShare(
  view: LedgerView,
  claim: TransactionId,
  options: { readonly atMs?: number } = {},
): Result<ShareState, 'ERR_SHARING_STATE'> {
  const history = findClaim(view, claim)
  if (history === undefined) {
    return fail('ERR_SHARING_STATE', 'claim: expected one that this ledger took', { path: 'claim', details: {} })
  }
  const { claimed, steps } = history
  const end = endOf(history)
  if (end !== undefined) return succeed(end)
  const kind = pendingKind(history)
  // Only steps that move a deadline have one in their receipts; delegating does not.
  const untilMs = [claimed, ...steps].reduce((latest, { receipt }) => receipt.untilMs ?? latest, claimed.timeMs)
  const isOverdue = untilMs <= (options.atMs ?? view.timeMs)
  const onClose = kind === 'claimed' || kind === 'delegated' ? 'refunded' : 'settled'
  const next = nextSteps(kind, history, { untilMs, isOverdue })
  return succeed({ kind, claim, untilMs, isOverdue, onClose, next })
}

/**
 * Returns the acknowledgement of a share, with the claimant's signature of her claim: together with the institution's as
 * its sender, both signatures of PS. Pays.
 *
 * Run by the institution, after it opened the share.
 *
 * @throws When the claim is not converted, or has ended: `ERR_SHARING_STATE`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, steps 8 and 9
 */
export function acknowledgeShare(view: LedgerView, claim: TransactionId): Draft<'share'> {
  const state = evaluateShare(view, claim)
  const history = findClaim(view, claim)
  if (!state.ok || history === undefined || state.value.kind !== 'converted') {
    throw new VitalsealError('ERR_SHARING_STATE', '"claim" expected one that was converted and not answered', {
      path: 'claim',
      details: {},
    })
  }
  return { kind: 'share', step: 'acknowledge', claim, claimSignature: history.claimed.transaction.signature }
}

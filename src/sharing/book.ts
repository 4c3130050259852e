/**
 * What a view says about sharing, sorted once: listings with their claims, claims with their steps.
 */

import type { Committed, LedgerView } from '../chain/index.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { ShareBody } from '../transactions/index.ts'

/** A listing and what became of it. */
export interface ListingEntry {
  readonly published: Committed<'requirement'>
  withdrawn: Committed<'requirement'> | undefined
  /** Claims that hold a share of it. */
  taken: number
}

/** A claim that the ledger took, and its steps in their order. */
export interface ClaimEntry {
  readonly claimed: Committed<'claim'>
  readonly steps: Committed<'share'>[]
}

/** Sharing on a ledger, up to one height. */
export interface ShareBook {
  readonly listings: ReadonlyMap<TransactionId, ListingEntry>
  readonly claims: ReadonlyMap<TransactionId, ClaimEntry>
}

/** The steps that end a claim by giving the money back, as far as one step tells. */
export function isRefund(body: ShareBody, before: readonly Committed<'share'>[]): boolean {
  if (body.step === 'judge') return body.verdict !== 'as-attested'
  // Whoever converted is paid for by a silent institution.
  return body.step === 'close' && !before.some(({ transaction }) => transaction.step === 'convert')
}

function read(view: LedgerView): ShareBook {
  const listings = new Map<TransactionId, ListingEntry>()
  const claims = new Map<TransactionId, ClaimEntry>()
  for (const entry of view.transactions<'requirement'>({ kind: 'requirement' })) {
    const { transaction } = entry
    if (transaction.step === 'publish') {
      listings.set(transaction.id, { published: entry, withdrawn: undefined, taken: 0 })
    } else {
      const listing = listings.get(transaction.listing)
      if (listing !== undefined) listing.withdrawn = entry
    }
  }
  for (const entry of view.transactions<'claim'>({ kind: 'claim' })) {
    claims.set(entry.transaction.id, { claimed: entry, steps: [] })
    const listing = listings.get(entry.transaction.listing)
    if (listing !== undefined) listing.taken++
  }
  for (const entry of view.transactions<'share'>({ kind: 'share' })) {
    const claim = claims.get(entry.transaction.claim)
    if (claim === undefined) continue
    const listing = listings.get(claim.claimed.transaction.listing)
    // Of an open listing; another gives nothing away any more.
    if (listing !== undefined && isRefund(entry.transaction, claim.steps)) listing.taken--
    claim.steps.push(entry)
  }
  return { listings, claims }
}

const books = new WeakMap<LedgerView, ShareBook>()

/** Returns the book of a view. Cost: three passes over the view, once. */
export function bookOf(view: LedgerView): ShareBook {
  let book = books.get(view)
  if (book === undefined) books.set(view, (book = read(view)))
  return book
}

/**
 * What one institution has learned of a person by her claims: several wide requirements, answered one after the other, are a
 * narrow one.
 */

import type { LedgerView } from '../chain/index.ts'
import type { Did } from '../primitives/did.ts'
import type { Requirement } from '../zk/index.ts'
import { findListing, openListing } from './listing.ts'

/** Whose answers, to whom. */
export interface AnsweredQuery {
  readonly institution: Did
  /** All accounts of the person on this ledger: she has another one in each study. */
  readonly claimants: readonly Did[]
  /** Requirements of listings that name a digest only, as she was shown them. */
  readonly requirements?: readonly Requirement[]
}

/**
 * Returns the requirements of an institution that a person has shown to meet, for `lintRequirement(asked, { answered })`.
 *
 * Refused and refunded claims count as well: their proofs are on the ledger. The institution cannot link the accounts by the
 * ledger; it may by what the claims say, or if an issuer tells.
 *
 * @returns in the order of the claims, without those whose text is neither public nor given
 */
export function findAnswered(view: LedgerView, query: AnsweredQuery): readonly Requirement[] {
  const { institution, claimants, requirements = [] } = query
  const answered = new Map<string, Requirement>()
  for (const { transaction } of view.transactions<'claim'>({ kind: 'claim', outcome: 'any' })) {
    const listing = claimants.includes(transaction.sender) ? findListing(view, transaction.listing) : undefined
    if (listing?.institution !== institution) continue
    const given = requirements.find(({ digest }) => digest.join() === listing.requirement.join())
    const opened = openListing(listing, given)
    if (opened.ok) answered.set(listing.requirement.join(), opened.value.asked)
  }
  return [...answered.values()]
}

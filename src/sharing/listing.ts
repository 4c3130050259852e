/**
 * PS step 4: patients find what institutions ask, and read it before they answer.
 */

import { fail, succeed, type Result } from '../errors.ts'
import type { Committed, LedgerView } from '../chain/index.ts'
import type { PublishBody } from '../transactions/index.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import { parseRequirement, parseSchema, parseZkObject, type Requirement, type VerifyingKey } from '../zk/index.ts'
import { bookOf } from './book.ts'
import { normalizeKeywords } from './publish.ts'

/** A published requirement, as the ledger has it. */
export interface Listing extends Omit<PublishBody, 'step'> {
  readonly chainId: ChainId
  /** Id of the transaction that published it. */
  readonly id: TransactionId
  readonly institution: Did
  /** Block time. */
  readonly publishedAtMs: number
}

/** A listing whose requirement is there to be read and proved. */
export interface OpenListing extends Listing {
  /** What is asked; show `explainRequirement(listing.asked)` before anything is proved. */
  readonly asked: Requirement
  /** The key that decides. */
  readonly key: VerifyingKey
}

/** What to look for. */
export interface ListingQuery {
  /** A listing must have all of them; case and spelling variants do not count. */
  readonly keywords?: readonly string[]
  readonly institution?: Did
  /** When one would claim: block time or later. */
  readonly atMs: number
}

function toListing(view: LedgerView, { transaction, timeMs }: Committed<'requirement'>): Listing | undefined {
  if (transaction.step !== 'publish') return undefined
  const { id, sender } = transaction
  return { ...transaction, chainId: view.chainId, id, institution: sender, publishedAtMs: timeMs }
}

/** Returns a listing by its id; undefined where the view has no such listing. */
export function findListing(view: LedgerView, id: TransactionId): Listing | undefined {
  const entry = bookOf(view).listings.get(id)
  return entry === undefined ? undefined : toListing(view, entry.published)
}

/**
 * Returns the listings that can be answered, oldest first: open, not ended, with a share left, and with all keywords.
 *
 * Cost: one pass over the view, once. Nothing is parsed but the transaction: see {@link openListing}.
 *
 * @see privacy-preserving-secure-sharing, step 4
 */
export function findListings(view: LedgerView, query: ListingQuery): readonly Listing[] {
  const { keywords = [], institution, atMs } = query
  const wanted = normalizeKeywords(keywords)
  return [...bookOf(view).listings.values()].flatMap((entry) => {
    const listing = toListing(view, entry.published)
    if (listing === undefined || entry.withdrawn !== undefined || !(atMs < listing.expiresAtMs)) return []
    if (institution !== undefined && listing.institution !== institution) return []
    const known = normalizeKeywords(listing.keywords)
    return wanted.every((word) => known.includes(word)) && entry.taken < listing.sharesMax ? [listing] : []
  })
}

function refuse(expected: string): Result<never, 'ERR_SHARING_LISTING'> {
  return fail('ERR_SHARING_LISTING', `listing: expected ${expected}`, { path: 'listing', details: {} })
}

/** Reads the text of a public listing; undefined where it has none, or one that is not its own. */
function readText({ text }: Listing): Requirement | undefined {
  const schema = text === null ? undefined : parseSchema(text.schema)
  if (text === null || schema?.ok !== true) return undefined
  const requirement = parseRequirement(text.requirement, schema.value)
  return requirement.ok ? requirement.value : undefined
}

/** A ledger refuses such a listing; whoever gets one from elsewhere finds out here. */
function isOf(requirement: Requirement, listing: Listing): boolean {
  const { digest, schema, issuers, ageMsMax, checksWithdrawal } = requirement
  return (
    equalBytes(digest, listing.requirement) &&
    equalBytes(schema.id, listing.schema) &&
    issuers.join() === listing.issuers.join() &&
    ageMsMax === listing.ageMsMax &&
    checksWithdrawal === listing.checksWithdrawal
  )
}

/**
 * Returns a listing with its requirement and key, checked against each other's digests. Total.
 *
 * @param requirement - for a listing that names a digest only: what the institution gave
 * @returns or `ERR_SHARING_LISTING`: there is no text, or it is another than the listing names
 */
export function openListing(listing: Listing, requirement?: Requirement): Result<OpenListing, 'ERR_SHARING_LISTING'> {
  const asked = requirement ?? readText(listing)
  if (asked === undefined) return refuse('the requirement, from the institution where it is not public')
  if (!isOf(asked, listing)) return refuse('the requirement whose digest it names')
  const key = parseZkObject('verifying-key', listing.verifyingKey)
  return key.ok ? succeed({ ...listing, asked, key: key.value }) : refuse('a verifying key')
}

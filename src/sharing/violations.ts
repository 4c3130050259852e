/**
 * Licences that contradict each other: one record, sold exclusively twice at the same time.
 *
 * A ledger refuses that on itself. Two ledgers do not see each other, and whoever follows both does: the nullifier of person
 * and record is the same on every ledger and for every issuer. What is found here stands on certified blocks and proofs,
 * so anybody can verify it again. Sales without exclusive licence show no nullifier and are not found.
 */

import type { Committed, LedgerView } from '../chain/index.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import { createVerifier } from '../primitives/signature.ts'
import { parseZkObject, verifyProof, type CurveBackend, type Nullifier } from '../zk/index.ts'
import { bookOf, isRefund } from './book.ts'
import { findListing, type Listing } from './listing.ts'
import { statementOfClaim } from './terms.ts'

/** An exclusive sale of a record, as a ledger has it. */
export interface ExclusiveSale {
  readonly chainId: ChainId
  readonly listing: TransactionId
  readonly institution: Did
  readonly claim: TransactionId
  readonly height: number
  /** When it was claimed, block time. */
  readonly fromMs: number
  /** End of the licence, or of the claim where the money went back. */
  readonly untilMs: number
}

/** Evidence that a record was sold, or offered, twice. */
export interface LicenceViolation {
  /** `sold`: both are on a ledger. `attempted`: the ledger of the second refused it. */
  readonly kind: 'sold' | 'attempted'
  /** Of person and record; hexadecimal. Says who it is to nobody but herself. */
  readonly recordNullifier: string
  readonly first: ExclusiveSale
  readonly second: ExclusiveSale
}

interface Found {
  readonly recordNullifier: string
  readonly isRefused: boolean
  readonly sale: ExclusiveSale
}

function licenceEndMs(view: LedgerView, claim: Committed<'claim'>, exclusiveForMs: number): number {
  const steps = bookOf(view).claims.get(claim.transaction.id)?.steps ?? []
  const refund = steps.find(({ transaction }, i) => isRefund(transaction, steps.slice(0, i)))
  return Math.min(claim.timeMs + exclusiveForMs, refund?.timeMs ?? Infinity)
}

/** The signing key of an account at a height; its first one is its name. */
function keyAt(view: LedgerView, account: Did, height: number): Did {
  const present = view.keys(account)?.signingKey ?? account
  return present === account ? account : (view.at(height).keys(account)?.signingKey ?? account)
}

/** The ledger looked at the nullifier before the proof: anybody can write down a nullifier that he saw. */
function isProved(
  view: LedgerView,
  { transaction, timeMs, height }: Committed<'claim'>,
  listing: Listing,
  backend: CurveBackend | undefined,
): boolean {
  const key = parseZkObject('verifying-key', listing.verifyingKey)
  const proof = parseZkObject('proof', transaction.proof)
  if (!key.ok || !proof.ok) return false
  const { requirement: digest, schema, issuers, ageMsMax, checksWithdrawal } = listing
  const { studyNullifier, recordNullifier, sender, issuer } = transaction
  const verifier = createVerifier()
  const signer = keyAt(view, issuer, height)
  return verifyProof(key.value, {
    circuit: {
      id: key.value.circuit,
      requirement: { digest, schema: { id: schema }, issuers, ageMsMax, checksWithdrawal },
    },
    nowMs: timeMs,
    verifier: { verify: (item) => verifier.verify({ ...item, signer }) },
    // Whether it was withdrawn makes no difference to what was attempted.
    isWithdrawn: () => false,
    presentation: {
      proof: proof.value,
      result: true,
      nullifiers: { study: studyNullifier as Nullifier, record: recordNullifier as Nullifier | null },
    },
    statement: statementOfClaim(listing, transaction, sender),
    ...(backend === undefined ? {} : { backend }),
  })
}

function salesOf(view: LedgerView, backend: CurveBackend | undefined): readonly Found[] {
  return [...view.transactions<'claim'>({ kind: 'claim', outcome: 'any' })].flatMap((entry) => {
    const { transaction, receipt, height, timeMs: fromMs } = entry
    const listing = findListing(view, transaction.listing)
    const { id: claim, recordNullifier } = transaction
    if (recordNullifier === null || listing === undefined || listing.exclusiveForMs === null) return []
    const isRefused = receipt.code !== null
    if (isRefused && (receipt.code !== 'ERR_SHARING_EXCLUSIVE' || !isProved(view, entry, listing, backend))) return []
    const { chainId, institution, exclusiveForMs } = listing
    const untilMs = licenceEndMs(view, entry, exclusiveForMs)
    const sale = { chainId, listing: listing.id, institution, claim, height, fromMs, untilMs }
    return [{ recordNullifier: toHex(recordNullifier), isRefused, sale }]
  })
}

function overlap(first: ExclusiveSale, second: ExclusiveSale): boolean {
  return first.fromMs < second.untilMs && second.fromMs < first.untilMs
}

/**
 * Lists pairs of exclusive sales of one record whose licences overlap, on one or several verified ledgers, and attempts that
 * a ledger refused. Block times decide.
 *
 * Cost: one pass, and the check of a proof (about 20 ms) for each attempt.
 *
 * @returns oldest first; empty when nothing was found
 */
export function findLicenceViolations(
  views: LedgerView | readonly LedgerView[],
  options: { readonly backend?: CurveBackend } = {},
): readonly LicenceViolation[] {
  const found = (Array.isArray(views) ? (views as readonly LedgerView[]) : [views as LedgerView])
    .flatMap((view) => salesOf(view, options.backend))
    .sort((left, right) => left.sale.fromMs - right.sale.fromMs)
  const sold = new Map<string, ExclusiveSale[]>()
  return found.flatMap(({ recordNullifier, isRefused, sale: second }) => {
    const before = sold.get(recordNullifier) ?? []
    if (!isRefused) sold.set(recordNullifier, [...before, second])
    return before
      .filter((first) => overlap(first, second))
      .map((first) => ({
        kind: isRefused ? ('attempted' as const) : ('sold' as const),
        recordNullifier,
        first,
        second,
      }))
  })
}

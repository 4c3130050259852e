/**
 * PS steps 4 and 5: the patient proves that her record meets a listing, and claims.
 *
 * Everything that she agrees to is under the proof: listing, payee, price, licence, proxy, re-key and sealed share. What a
 * ledger would refuse is refused here first, since a proof takes seconds and shows that the requirement is met.
 */

import { rejectArgument, VitalsealError, type ErrorCode } from '../errors.ts'
import { equalBytes, toHex, type Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Verifier } from '../primitives/signature.ts'
import type { Draft } from '../transactions/index.ts'
import {
  compileRequirement,
  encodeZkObject,
  evaluateOpening,
  prove,
  validateAttestation,
  type Attestation,
  type CurveBackend,
  type Opening,
  type PersonSecret,
  type ProvingKey,
} from '../zk/index.ts'
import type { OpenListing } from './listing.ts'
import { statementOfClaim } from './terms.ts'

/** What a patient claims with. */
export interface ClaimOptions extends ProgressOptions {
  /** The account that claims: the one that the issuer attested. */
  readonly claimant: Did
  /** Secret. */
  readonly opening: Opening
  readonly attestation: Attestation
  /** Secret. */
  readonly personSecret: PersonSecret
  /** Validated against the requirement: see `validateProvingKey`. */
  readonly provingKey: Verified<ProvingKey>
  readonly proxy: Did
  /** What {@link sealShare} made. */
  readonly share: { readonly digest: Digest32; readonly reKey: { readonly id: Digest32 } }
  /** Default: the claimant. */
  readonly payee?: Did
  /** Block time now. */
  readonly atMs: number
  /** From this time on the claim does not count; default an hour after `atMs`, or the end of the listing. */
  readonly expiresAtMs?: number
  readonly backend?: CurveBackend
  /** For the attestation; default: an account's first key is its present one. */
  readonly verifier?: Verifier
}

const HOUR_MS = 3_600_000

function refuse(code: Extract<ErrorCode, `ERR_SHARING_${string}`>, message: string): never {
  throw new VitalsealError(code, message, { details: {} })
}

/** Until when a claim counts. */
function claimEndMs(listing: OpenListing, { atMs, expiresAtMs }: Pick<ClaimOptions, 'atMs' | 'expiresAtMs'>): number {
  return Math.min(expiresAtMs ?? atMs + HOUR_MS, listing.expiresAtMs)
}

function checkParties(listing: OpenListing, { claimant, proxy }: ClaimOptions): void {
  const { institution } = listing
  if (proxy === claimant || proxy === institution) rejectArgument('proxy', 'a third party', 'one of the two')
  if (claimant === institution) rejectArgument('claimant', 'another than the institution', 'itself')
}

/** What the ledger judges about the issuer's word, in its order. */
function checkAttestation(listing: OpenListing, options: ClaimOptions): void {
  const { claimant, opening, attestation, atMs, verifier } = options
  const { issuers, ageMsMax, schema, chainId } = listing
  const ageMs = atMs - attestation.issuedAtMs
  if (attestation.subject !== claimant || opening.subject !== claimant)
    refuse('ERR_SHARING_PROOF', 'the attestation is for another account than the claimant')
  if (!equalBytes(opening.commitment, attestation.commitment))
    refuse('ERR_SHARING_PROOF', 'the attestation is of another commitment than the opening')
  if (!issuers.includes(attestation.issuer)) refuse('ERR_SHARING_LISTING', 'the listing does not name this issuer')
  if (!equalBytes(attestation.schema, schema)) refuse('ERR_SHARING_LISTING', 'the listing asks of another schema')
  if (ageMs < 0 || (ageMsMax !== null && ageMs > ageMsMax))
    refuse('ERR_SHARING_PROOF', 'the attestation is older than the listing takes, or not made yet')
  if (!validateAttestation(attestation, verifier === undefined ? { chainId } : { chainId, verifier }).ok)
    refuse('ERR_SHARING_PROOF', 'the attestation does not carry the signature of its issuer on this ledger')
}

function checkKey(listing: OpenListing, { provingKey }: ClaimOptions): void {
  if (equalBytes(encodeZkObject(provingKey.verifyingKey), listing.verifyingKey)) return
  throw new VitalsealError('ERR_ZK_KEY_MISMATCH', '"provingKey" belongs to another key than the listing names', {
    path: 'provingKey',
    details: { circuit: toHex(listing.key.circuit), found: toHex(provingKey.circuit) },
  })
}

/**
 * Returns the claim to a listing, with its proof.
 *
 * Run by the patient, on her device, after `explainRequirement(listing.asked)` and the findings of
 * `lintRequirement(listing.asked, { answered })` were shown to her: see {@link findAnswered}. Cost: about 2 s for 3,000
 * constraints; the circuit is compiled here, from the requirement that was shown.
 *
 * @throws When the ledger would refuse it: `ERR_SHARING_LISTING` (ended; issuer or schema), `ERR_SHARING_PROOF`
 *   (attestation, its age, an end that has passed), `ERR_ZK_KEY_MISMATCH`, `ERR_ARGUMENT_INVALID` (parties); when the record does not meet it:
 *   `ERR_ZK_REQUIREMENT_NOT_MET`, naming no value; when ended: `ERR_ABORTED`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, steps 4 and 5
 */
export async function proveClaim(listing: OpenListing, options: ClaimOptions): Promise<Draft<'claim'>> {
  const { claimant, opening, attestation, personSecret, proxy, share, atMs, payee = claimant } = options
  if (!(atMs < listing.expiresAtMs)) refuse('ERR_SHARING_LISTING', 'the listing has ended')
  if (!(atMs < claimEndMs(listing, options)))
    refuse('ERR_SHARING_PROOF', 'the claim would have ended before it is made')
  checkParties(listing, options)
  checkAttestation(listing, options)
  checkKey(listing, options)
  if (!evaluateOpening(listing.asked, opening)) {
    throw new VitalsealError('ERR_ZK_REQUIREMENT_NOT_MET', 'the record does not meet the requirement', {
      details: { requirement: toHex(listing.requirement) },
    })
  }
  const terms = {
    issuer: attestation.issuer,
    commitment: opening.commitment,
    attestedAtMs: attestation.issuedAtMs,
    attestation: attestation.signature,
    expiresAtMs: claimEndMs(listing, options),
    payee,
    proxy,
    reKey: share.reKey.id,
    share: share.digest,
  }
  const { proof, nullifiers } = await prove(options.provingKey, {
    ...progressOf(options),
    circuit: compileRequirement(listing.asked),
    statement: statementOfClaim(listing, terms, claimant),
    opening,
    personSecret,
  })
  return {
    kind: 'claim',
    listing: listing.id,
    ...terms,
    studyNullifier: nullifiers.study,
    recordNullifier: nullifiers.record,
    proof: encodeZkObject(proof),
  }
}

function progressOf({ signal, onProgress, backend }: ClaimOptions) {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(backend === undefined ? {} : { backend }),
  }
}

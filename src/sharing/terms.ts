/**
 * What a claim binds: the study, the record, and the terms under the proof. Client and ledger compute them here, once.
 *
 * The proof of a claim holds for one listing, payee, price, licence, proxy, re-key and sealed share: whoever changes one of
 * them on its way has no proof of what he sends.
 */

import { rejectArgument } from '../errors.ts'
import type { ClaimBody, PublishBody } from '../transactions/index.ts'
import type { Attestation, Commitment, ProofContext, Statement } from '../zk/index.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { sha256, taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId, type TransactionId } from '../primitives/ids.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'

/** What the context of a claim takes from its listing. */
export interface ListedTerms extends Pick<PublishBody, 'study' | 'schema' | 'price' | 'exclusiveForMs'> {
  readonly chainId: ChainId
  /** Id of the listing: that of the transaction that published it. */
  readonly id: TransactionId
  readonly institution: Did
}

/** What it takes from the claim, before there is a proof. */
export type ClaimTerms = Pick<ClaimBody, 'payee' | 'proxy' | 'reKey' | 'share' | 'expiresAtMs'>

/** The part of a claim that its issuer signed. */
export type AttestedPart = Pick<ClaimBody, 'issuer' | 'commitment' | 'attestedAtMs' | 'attestation'>

/**
 * Returns the study in which a person claims once, 32 bytes: the institution's name of it, on this ledger.
 *
 * No two institutions share one, whatever they name theirs, so nullifiers of different institutions are not comparable.
 */
export function deriveStudy(of: {
  readonly chainId: ChainId
  readonly institution: Did
  readonly study: Uint8Array
}): Digest32 {
  return taggedHash(LEDGER_TAGS.sharingStudy, toDigest(of.chainId), toPublicKey(of.institution), of.study)
}

/**
 * Returns the serial of a record, 32 bytes, from its exact bytes: the same for every issuer and study, so that an exclusive
 * licence holds across them, and whoever gets the bytes can tell that they are the attested ones.
 */
export function deriveRecordSerial(bytes: Uint8Array): Digest32 {
  if (!(bytes instanceof Uint8Array)) rejectArgument('record', 'the bytes of a record', typeof bytes)
  return taggedHash(LEDGER_TAGS.sharingSerial, sha256(bytes))
}

/** Returns the context under the proof of a claim. */
export function contextOfClaim(listing: ListedTerms, claim: ClaimTerms): ProofContext {
  const { id, institution, price, exclusiveForMs } = listing
  const { payee, proxy, reKey, share, expiresAtMs } = claim
  const nonce = toDigest(id)
  return {
    chainId: listing.chainId,
    study: deriveStudy(listing),
    verifier: institution,
    nonce,
    expiresAtMs,
    isExclusive: exclusiveForMs !== null,
    terms: taggedHash(
      LEDGER_TAGS.sharingTerms,
      nonce,
      toPublicKey(payee),
      price,
      exclusiveForMs,
      toPublicKey(proxy),
      reKey,
      share,
    ),
  }
}

/** Returns the issuer's word as a claim carries it; the claimant is the account that it names. */
export function attestationOfClaim(
  claim: AttestedPart,
  of: { readonly schema: Digest32; readonly claimant: Did },
): Attestation {
  return {
    issuer: claim.issuer,
    commitment: claim.commitment as Commitment,
    subject: of.claimant,
    schema: of.schema,
    issuedAtMs: claim.attestedAtMs,
    signature: claim.attestation,
  }
}

/** Returns what the proof of a claim is about. */
export function statementOfClaim(listing: ListedTerms, claim: ClaimTerms & AttestedPart, claimant: Did): Statement {
  return {
    attestation: attestationOfClaim(claim, { schema: listing.schema, claimant }),
    context: contextOfClaim(listing, claim),
  }
}

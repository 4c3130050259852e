/**
 * Attestations: who vouches for the values behind a commitment, for whom, and since when.
 *
 * The issuer signs h together with the account that may claim with it, never h alone: otherwise whoever sees a claim on
 * its way could send it as his own. The signature covers the chain, so that it holds on one ledger. It says nothing
 * about truth beyond the issuer's word; a requirement names the issuers it accepts.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import type { Verified } from '../../primitives/bytes.ts'
import type { CborValue } from '../../primitives/codec.ts'
import { toPublicKey, type Did } from '../../primitives/did.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { toDigest, type ChainId } from '../../primitives/ids.ts'
import { createVerifier, type Signature, type Signer, type Verifier } from '../../primitives/signature.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { parseField } from '../field.ts'
import type { Commitment, Opening } from './commit.ts'

/** The issuer's signed word on a commitment. Public. */
export interface Attestation {
  readonly issuer: Did
  readonly commitment: Commitment
  /** The account that may claim. */
  readonly subject: Did
  /** Id of the record schema. */
  readonly schema: Digest32
  readonly issuedAtMs: number
  readonly signature: Signature
}

function signedFields(attestation: Omit<Attestation, 'signature'>, chainId: ChainId): CborValue[] {
  const { issuer, commitment, subject, schema, issuedAtMs } = attestation
  return [toDigest(chainId), toPublicKey(issuer), commitment, toPublicKey(subject), schema, issuedAtMs]
}

/** Signs a commitment. Run by the issuer who made it. */
export function attestCommitment(
  opening: Opening,
  options: { readonly signer: Signer; readonly chainId: ChainId },
): Attestation {
  const { commitment, subject, schema, issuedAtMs } = opening
  const parts = { issuer: options.signer.did, commitment, subject, schema, issuedAtMs }
  return Object.freeze({
    ...parts,
    signature: options.signer.sign(ZK_TAGS.zkAttestation, signedFields(parts, options.chainId)),
  })
}

/**
 * Checks the signature and the form of an attestation. Whether the issuer is to be believed is the requirement's matter.
 *
 * @returns the attestation, or `ERR_SIGNATURE_INVALID`, also for another chain
 */
export function validateAttestation(
  attestation: Attestation,
  options: { readonly chainId: ChainId; readonly verifier?: Verifier },
): Result<Verified<Attestation>, 'ERR_SIGNATURE_INVALID'> {
  const { chainId, verifier = createVerifier() } = options
  const { issuer, signature } = attestation
  const refusal = fail('ERR_SIGNATURE_INVALID', 'attestation: expected the signature of its issuer on this chain', {
    path: 'attestation',
    details: { signer: issuer },
  })
  try {
    if (!parseField(attestation.commitment).ok) return refusal
    const digest = taggedHash(ZK_TAGS.zkAttestation, ...signedFields(attestation, chainId))
    return verifier.verify({ signer: issuer, digest, signature })
      ? succeed(attestation as Verified<Attestation>)
      : refusal
  } catch {
    // A field of another type has no canonical encoding.
    return refusal
  }
}

/**
 * What a proof states besides the requirement: about which commitment, to whom, for which study, until when.
 *
 * All of it enters the one public input contextHash = Poseidon("context", study, terms), so a proof holds for exactly one
 * claimant, verifier, chain, key, nonce and set of terms. Proof bytes can be changed into other bytes that verify as well:
 * a verifier keeps replays apart by context and nullifiers, never by the bytes.
 */

import { rejectArgument } from '../../errors.ts'
import { toPublicKey, type Did } from '../../primitives/did.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { toDigest, type ChainId } from '../../primitives/ids.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import type { Attestation } from '../commitment/attestation.ts'
import { studyToField, type Nullifier } from '../commitment/person.ts'
import { hashPoseidon } from '../commitment/poseidon.ts'
import { digestToField, type FieldElement } from '../field.ts'

/** Where, to whom and for what a proof is good. */
export interface ProofContext {
  readonly chainId: ChainId
  /** The study: one claim of a person for each. */
  readonly study: Digest32
  /** Who asks. */
  readonly verifier: Did
  /** From the verifier, never used before; 16 to 64 bytes. */
  readonly nonce: Uint8Array
  /** First millisecond in which the proof no longer counts. */
  readonly expiresAtMs: number
  /** Whether the claim sells the record exclusively, and so shows its nullifier; default false. */
  readonly isExclusive?: boolean
  /** Digest of whatever else the claim agrees to: payee, price, licence, re-key. */
  readonly terms?: Digest32
}

/** What a proof is about. */
export interface Statement {
  /** The issuer's word on the commitment. */
  readonly attestation: Attestation
  readonly context: ProofContext
}

/** What a prover shows with a proof: public values that only he could compute. */
export interface Nullifiers {
  /** The same for every claim of this person in this study. */
  readonly study: Nullifier
  /** The same for every exclusive claim of this person with this record; null where the claim is not exclusive. */
  readonly record: Nullifier | null
}

const NONCE_BYTES_MIN = 16
const NONCE_BYTES_MAX = 64

/** The two elements under contextHash. */
export interface ContextFields {
  readonly study: FieldElement
  readonly terms: FieldElement
}

/** Refuses a context that binds nothing, or in which a field has another form. */
function checkContext({ study, nonce, expiresAtMs, terms }: ProofContext): void {
  const isBytes = (value: unknown, least: number, most: number): boolean =>
    value instanceof Uint8Array && value.length >= least && value.length <= most
  if (!isBytes(study, 32, 32)) rejectArgument('context.study', '32 bytes', 'something else')
  if (!isBytes(nonce, NONCE_BYTES_MIN, NONCE_BYTES_MAX)) {
    rejectArgument('context.nonce', `${NONCE_BYTES_MIN} to ${NONCE_BYTES_MAX} bytes`, 'something else')
  }
  if (terms !== undefined && !isBytes(terms, 32, 32)) rejectArgument('context.terms', '32 bytes', 'something else')
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs < 0 || expiresAtMs > TIME_MS_MAX) {
    rejectArgument('context.expiresAtMs', 'milliseconds UTC', `${expiresAtMs}`)
  }
}

/**
 * Returns the two elements of a context.
 *
 * @param context - given by the verifier
 * @param bound - the digests of verifying key and requirement, and the claimant's account
 * @throws When a field has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function contextFields(
  context: ProofContext,
  bound: { readonly verifyingKey: Digest32; readonly requirement: Digest32; readonly claimant: Did },
): ContextFields {
  checkContext(context)
  const { chainId, study, verifier, nonce, expiresAtMs, isExclusive = false, terms } = context
  const digest = taggedHash(
    ZK_TAGS.zkTerms,
    toDigest(chainId),
    toPublicKey(verifier),
    toPublicKey(bound.claimant),
    bound.requirement,
    bound.verifyingKey,
    nonce,
    expiresAtMs,
    isExclusive,
    terms ?? null,
  )
  return { study: studyToField(study), terms: digestToField(digest) }
}

/** Returns contextHash. */
export function hashContext({ study, terms }: ContextFields): FieldElement {
  return hashPoseidon('context', [study, terms])
}

/**
 * Possession of an agreement key, shown to the registrar before it registers a key record.
 *
 * X25519 cannot sign. Whoever holds the key can compute the point that it shares with the registrar's agreement key, and
 * nobody else but the registrar can; an HMAC under a key derived from that point covers the ledger, the record and a
 * challenge of the registrar, so that a proof is good for one record, one ledger and one session. It convinces the
 * registrar only, who could have made it: what others rely on is the registrar's signature.
 *
 * Without it a party could register the agreement key of somebody else, and get envelopes that only the other can open
 * counted as its own.
 */

import { isVitalsealError, rejectArgument } from '../errors.ts'
import type { AgreementKey } from '../primitives/agreement.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { hmacSha256 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { hkdfTagged } from '../primitives/kdf.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { TAGS } from '../primitives/tags.ts'
import { hashKeyRecord, type UnsignedKeyRecord } from './key-record.ts'

/** Bytes of a registrar's challenge. */
export const CHALLENGE_BYTES = 32

/** What a proof is about. */
export interface AgreementClaim {
  /** The record that is to be registered. */
  readonly record: UnsignedKeyRecord
  readonly chainId: ChainId
  /** From {@link generateChallenge} of the registrar, 32 bytes; used once. */
  readonly challenge: Uint8Array
}

/** Returns a fresh challenge, 32 bytes. Run by the registrar, once for each registration. */
export function generateChallenge(random: RandomSource = randomBytes): Bytes {
  return drawBytes(random, CHALLENGE_BYTES)
}

function computeProof(shared: Bytes, registrar: Uint8Array, { record, chainId, challenge }: AgreementClaim): Bytes {
  if (!(challenge instanceof Uint8Array) || challenge.length !== CHALLENGE_BYTES) {
    rejectArgument('challenge', `${CHALLENGE_BYTES} bytes`, 'something else')
  }
  const key = hkdfTagged(shared, TAGS.agreementPossession, [record.agreement, registrar])
  const message = encodeCbor([TAGS.agreementPossession, toDigest(chainId), hashKeyRecord(record), challenge])
  return hmacSha256(key, message)
}

/**
 * Returns the proof that `agreement` is held, 32 bytes. Run by the party. Cost: one key agreement.
 *
 * @param claim - record, ledger, challenge
 * @param options - `agreement`: the key of the record; `registrar`: the registrar's agreement key, 32 bytes, taken from its
 *   verified key record
 * @throws When the registrar's key is malformed or of low order: `ERR_CRYPTO_INVALID_POINT`; when the key is not that of the
 *   record, or the challenge has another length: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createAgreementProof(
  claim: AgreementClaim,
  options: { readonly agreement: AgreementKey; readonly registrar: Uint8Array },
): Bytes {
  const { agreement, registrar } = options
  if (!equalBytes(agreement.publicKey, claim.record.agreement)) {
    rejectArgument('agreement', 'the agreement key of the record', 'another key')
  }
  return computeProof(agreement.agree(registrar), registrar, claim)
}

/**
 * Tells whether a proof shows possession of the record's agreement key. Total. Run by the registrar, before it signs the
 * registration. Cost: one key agreement.
 *
 * @param claim - record, ledger, and the challenge that this registrar gave for this registration
 * @param options - `registrar`: the registrar's own agreement key; `proof`: from {@link createAgreementProof}
 */
export function verifyAgreementProof(
  claim: AgreementClaim,
  options: { readonly registrar: AgreementKey; readonly proof: Uint8Array },
): boolean {
  const { registrar, proof } = options
  try {
    const shared = registrar.agree(claim.record.agreement)
    return equalBytes(computeProof(shared, registrar.publicKey, claim), proof)
  } catch (error) {
    if (isVitalsealError(error)) return false
    throw error
  }
}

/**
 * Replacement of a signing key: the old key signs the ledger, the account and the new key record.
 *
 * A registrar puts the new record on the ledger; without the old key's signature it could take over an account. When the
 * old key is lost, a registrar can only revoke the account; the party continues under a new one.
 */

import type { Did } from '../primitives/did.ts'
import { taggedHash } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { toPublicKey } from '../primitives/did.ts'
import type { CborValue } from '../primitives/codec.ts'
import { createVerifier, type Signature, type Signer, type Verifier } from '../primitives/signature.ts'
import { isVitalsealError } from '../errors.ts'
import { TAGS } from '../primitives/tags.ts'
import { hashKeyRecord, type UnsignedKeyRecord } from './key-record.ts'

/** What the old key agrees to. */
export interface KeyRotation {
  /** The new record; its `did` is the account, its `signingKey` the new key. */
  readonly record: UnsignedKeyRecord
  readonly chainId: ChainId
}

function rotationFields({ record, chainId }: KeyRotation): readonly CborValue[] {
  return [toDigest(chainId), toPublicKey(record.did), hashKeyRecord(record)]
}

/**
 * Returns the old key's signature under a rotation. Cost: one signature.
 *
 * @param rotation - the new record and the ledger
 * @param options - `signer` of the key that is in use until now
 * @throws When the record has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function signKeyRotation(rotation: KeyRotation, options: { readonly signer: Signer }): Signature {
  return options.signer.sign(TAGS.keyRotation, rotationFields(rotation))
}

/**
 * Tells whether the old key agreed to the rotation. Total. Cost: one signature verification.
 *
 * Says nothing about the new record itself, which `validateKeyRecord` judges, and nothing about which key is the current
 * one, which the ledger knows.
 *
 * @param rotation - the new record and the ledger
 * @param options - `signingKey`: the key in use until now; `verifier`: default {@link createVerifier}
 */
export function verifyKeyRotation(
  rotation: KeyRotation,
  options: { readonly signingKey: Did; readonly signature: Signature; readonly verifier?: Verifier },
): boolean {
  const { signingKey, signature, verifier = createVerifier() } = options
  try {
    const digest = taggedHash(TAGS.keyRotation, ...rotationFields(rotation))
    return verifier.verify({ signer: signingKey, digest, signature })
  } catch (error) {
    if (isVitalsealError(error)) return false
    throw error
  }
}

/**
 * The keys of one epoch, all derived from one random root.
 *
 * ```
 * root e --"types"-----> sT --label--> type key
 *        --"diagnosis"-> sD --doctor, epoch--> diagnosis key
 * ```
 *
 * The owner and delegates with the right to rotate hold e; delegates with the right to publish hold sT; a reader of some
 * types holds exactly those type keys, a reader of all types sT, and each doctor the one diagnosis key that is his. From no
 * key of a lower line can one of a higher line be had, and nothing of one epoch follows from another.
 *
 * Every key handed out is committed to in the tx_key that hands it out: two recipients cannot be given two keys under one
 * name. A commitment is a hash of a 256-bit key, so it hides.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { hkdfTagged } from '../primitives/kdf.ts'
import { ALL_TYPES_LABEL, labelBytes, type Label } from '../primitives/label.ts'
import { TAGS } from '../primitives/tags.ts'

/** Bytes of every secret here. */
export const EPOCH_SECRET_BYTES = 32

/** Whose epoch, and which. */
export interface EpochName {
  readonly chainId: ChainId
  readonly patient: Did
  readonly epoch: number
}

/** Returns sT, from which all type keys of the epoch follow. Secret. */
export function deriveTypesSecret(root: Uint8Array): Bytes {
  return hkdfTagged(root, TAGS.epochTypes, [])
}

/** Returns sD, from which all diagnosis keys of the epoch follow. Secret. */
export function deriveDiagnosisSecret(root: Uint8Array): Bytes {
  return hkdfTagged(root, TAGS.epochDiagnosis, [])
}

/** Returns the key of one type, HC's Ik_i; of the zero label, sT itself. Secret. */
export function deriveTypeKey(typesSecret: Uint8Array, label: Label): Bytes {
  if (label === ALL_TYPES_LABEL) return Uint8Array.from(typesSecret)
  return hkdfTagged(typesSecret, TAGS.typeKey, [labelBytes(label)])
}

/** Returns the diagnosis key of one doctor, HC's dk_ij. Secret. */
export function deriveDiagnosisKey(
  diagnosisSecret: Uint8Array,
  options: { readonly doctor: Did; readonly epoch: number },
): Bytes {
  return hkdfTagged(diagnosisSecret, TAGS.diagnosisKey, [toPublicKey(options.doctor), options.epoch])
}

/** Returns the commitment to a type key. */
export function commitTypeKey(key: Uint8Array, of: EpochName & { readonly label: Label }): Digest32 {
  const { chainId, patient, epoch, label } = of
  return taggedHash(TAGS.typeCommitment, toDigest(chainId), toPublicKey(patient), epoch, labelBytes(label), key)
}

/** Returns the commitment to a doctor's diagnosis key. */
export function commitDiagnosisKey(key: Uint8Array, of: EpochName & { readonly doctor: Did }): Digest32 {
  const { chainId, patient, epoch, doctor } = of
  return taggedHash(TAGS.diagnosisCommitment, toDigest(chainId), toPublicKey(patient), epoch, toPublicKey(doctor), key)
}

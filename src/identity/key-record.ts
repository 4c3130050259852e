/**
 * Key records: all public keys of a party, bound by one signature.
 *
 * A party is named by its first signing key for ever (`did`); the record says which signing key it uses now, its X25519
 * agreement key, and optionally two BLS12-381 keys for proxy re-encryption, one for each side (`design/pre.md`, amendment
 * 7). The account is part of what is signed: otherwise somebody could have the record of another party registered for
 * his own account after a rotation, and envelopes meant for him would be sealed to keys that are not his.
 *
 * Possession of each key is shown: of the signing key by the signature, of PRE keys by proofs in the record, of the
 * agreement key to the registrar (`agreement-proof.ts`), since X25519 cannot sign. BLS arithmetic stays behind the port
 * {@link PreKeyVerifier}, so that programs without PRE keys do not carry it.
 */

import { fail, isVitalsealError, succeed, type Failure, type Result } from '../errors.ts'
import { assertAgreementPublicKey, isAgreementPublicKey, type AgreementKey } from '../primitives/agreement.ts'
import { copyBytes, equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import {
  account,
  bytesOf,
  constant,
  encodeShape,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  tuple,
  writeShape,
  type Shape,
} from '../primitives/shape.ts'
import {
  createVerifier,
  parseSigningKey,
  SIGNATURE_BYTES,
  toSignature,
  type Signature,
  type Signer,
  type Verifier,
} from '../primitives/signature.ts'
import { TAGS } from '../primitives/tags.ts'

/** Bytes of a PRE public key: a compressed point of G1. */
export const PRE_PUBLIC_KEY_BYTES = 48
/** Bytes of a proof that a PRE key is held: a compressed point of G2. */
export const PRE_PROOF_BYTES = 96
/** The two sides of proxy re-encryption. Wire positions of the keys in a record. */
export const PRE_KEY_ROLES = ['delegator', 'delegatee'] as const

/** Which side of proxy re-encryption a key serves. */
export type PreKeyRole = (typeof PRE_KEY_ROLES)[number]

/** One PRE public key and the proof that its secret is held. */
export interface PreKey {
  /** 48 bytes, G1. */
  readonly publicKey: Bytes
  /** 96 bytes, G2; made for this account and this side. */
  readonly proof: Bytes
}

/** The PRE keys of a party; two secrets, two keys. */
export type PreKeys = { readonly [R in PreKeyRole]: PreKey }

/** What a party signs about its keys. */
export interface UnsignedKeyRecord {
  readonly version: 1
  /** The party: its first signing key, for ever. */
  readonly did: Did
  /** The signing key in use; equal to `did` until the first rotation. */
  readonly signingKey: Did
  /** X25519 public key, 32 bytes. */
  readonly agreement: Bytes
  /** Present where the party takes part in proxy re-encryption. */
  readonly pre?: PreKeys
}

/** A party's keys, signed as one by `signingKey`. */
export interface KeyRecord extends UnsignedKeyRecord {
  readonly signature: Signature
}

/** Port: judges PRE keys. `createPreKeyVerifier` is the one over BLS12-381. Both are total. */
export interface PreKeyVerifier {
  /** Tells whether the bytes are a point of G1 in canonical form, in the subgroup, and not the identity. */
  isPublicKey(publicKey: Uint8Array): boolean
  /** Tells whether the proof shows possession of the key in this context. */
  verifyPossession(item: {
    readonly publicKey: Uint8Array
    readonly context: Uint8Array
    readonly proof: Uint8Array
  }): boolean
}

/** Codes that {@link validateKeyRecord} can give. */
export type KeyRecordErrorCode = 'ERR_IDENTITY_INVALID' | 'ERR_CRYPTO_INVALID_POINT' | 'ERR_SIGNATURE_INVALID'

/**
 * A signature, 65 bytes; form only. Embedded by transactions.
 *
 * @internal
 */
export const signatureShape: Shape<Signature> = mapped(bytesOf(SIGNATURE_BYTES), {
  parse: (bytes) => toSignature(bytes) ?? new Mismatch(`${SIGNATURE_BYTES} bytes`),
  format: (signature) => signature,
})

const preKeyShape: Shape<PreKey> = tuple({ publicKey: bytesOf(PRE_PUBLIC_KEY_BYTES), proof: bytesOf(PRE_PROOF_BYTES) })

const fields = {
  version: constant(1),
  did: account,
  signingKey: account,
  agreement: bytesOf(32),
  pre: nullable<PreKeys>(tuple({ delegator: preKeyShape, delegatee: preKeyShape })),
}

/** A member that is null on the wire is absent in the object. */
function withoutNull<T extends { readonly pre: PreKeys | null }>(wire: T): Omit<T, 'pre'> & { readonly pre?: PreKeys } {
  const { pre, ...rest } = wire
  return pre === null ? rest : { ...rest, pre }
}

const unsignedShape: Shape<UnsignedKeyRecord> = mapped(tuple(fields), {
  parse: withoutNull,
  format: (record) => ({ ...record, pre: record.pre ?? null }),
})

/**
 * The wire form `[1, account33, signing key33, agreement32, [[key48, proof96] x 2] or null, signature65]`; form only.
 *
 * @internal
 */
export const keyRecordShape: Shape<KeyRecord> = mapped(tuple({ ...fields, signature: signatureShape }), {
  parse: withoutNull,
  format: (record) => ({ ...record, pre: record.pre ?? null }),
})

const OBJECT = 'keyRecord'

/** The unsigned tuple, which is what is signed and hashed. */
function signedFields(record: UnsignedKeyRecord): readonly CborValue[] {
  return writeShape(record, unsignedShape, { object: OBJECT }) as readonly CborValue[]
}

/**
 * Returns the digest of a key record, 32 bytes: of its unsigned tuple, the same that is signed.
 *
 * @throws When a field has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashKeyRecord(record: UnsignedKeyRecord): Digest32 {
  return taggedHash(TAGS.keyRecord, ...signedFields(record))
}

/**
 * Returns what a proof of possession of a PRE key binds, besides the key: the account and the side that the key serves.
 */
export function preKeyContext(did: Did, role: PreKeyRole): Bytes {
  return encodeCbor([TAGS.prePossession, toPublicKey(did), PRE_KEY_ROLES.indexOf(role)])
}

/**
 * Returns a signed key record. Cost: one signature. Not marked: {@link validateKeyRecord} does that.
 *
 * @param keys - `did`: the account, by default the signer's own key; pass it after a rotation. `agreement`: the key or its
 *   32 public bytes. `pre`: keys and proofs, where the party takes part in proxy re-encryption
 * @param options - `signer` of the signing key that the record names
 * @throws When the agreement key is malformed or of low order: `ERR_CRYPTO_INVALID_POINT`; when another field has a wrong
 *   form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createKeyRecord(
  keys: { readonly did?: Did; readonly agreement: AgreementKey | Uint8Array; readonly pre?: PreKeys },
  options: { readonly signer: Signer },
): KeyRecord {
  const { signer } = options
  const agreement = keys.agreement instanceof Uint8Array ? keys.agreement : keys.agreement.publicKey
  assertAgreementPublicKey(agreement)
  const unsigned: UnsignedKeyRecord = {
    version: 1,
    did: keys.did ?? signer.did,
    signingKey: signer.did,
    agreement: copyBytes(agreement),
    ...(keys.pre === undefined ? {} : { pre: keys.pre }),
  }
  return Object.freeze({ ...unsigned, signature: signer.sign(TAGS.keyRecord, signedFields(unsigned)) })
}

/**
 * Returns the canonical bytes of a key record: 174, or 472 with PRE keys.
 *
 * @throws When a field has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeKeyRecord(record: KeyRecord): Bytes {
  return encodeShape(record, keyRecordShape, { object: OBJECT })
}

/**
 * Reads a key record from foreign bytes. Total; form only: nothing is checked that needs a curve.
 *
 * @param bytes - from {@link encodeKeyRecord}
 * @returns the record, or a failure of the codec with the path of the field
 */
export function parseKeyRecord(bytes: Uint8Array): Result<KeyRecord, CodecErrorCode> {
  return parseShape(bytes, keyRecordShape, { object: OBJECT })
}

function invalid(path: string, expected: string): Failure<'ERR_IDENTITY_INVALID'> {
  return fail('ERR_IDENTITY_INVALID', `${path}: expected ${expected}`, { path, details: { expected } })
}

function invalidPoint(
  path: string,
  group: 'secp256k1' | 'x25519' | 'G1',
  expected: string,
): Failure<'ERR_CRYPTO_INVALID_POINT'> {
  return fail('ERR_CRYPTO_INVALID_POINT', `${path}: expected ${expected}`, { path, details: { group } })
}

function unsignedBy(path: string, signer: Did, expected: string): Failure<'ERR_SIGNATURE_INVALID'> {
  return fail('ERR_SIGNATURE_INVALID', `${path}: expected ${expected}`, { path, details: { signer } })
}

/** The first fault of the PRE keys, if any. */
function findPreFault(
  did: Did,
  pre: PreKeys,
  verifier: PreKeyVerifier | undefined,
): Failure<KeyRecordErrorCode> | undefined {
  if (verifier === undefined) {
    return invalid(`${OBJECT}.pre`, 'a preKeyVerifier to check PRE keys with; pass createPreKeyVerifier()')
  }
  // One secret on both sides would let a proxy and a delegatee learn what the delegator alone should know.
  if (equalBytes(pre.delegator.publicKey, pre.delegatee.publicKey)) {
    return invalid(`${OBJECT}.pre.delegatee.publicKey`, 'another key than that of the delegator')
  }
  for (const role of PRE_KEY_ROLES) {
    const { publicKey, proof } = pre[role]
    const path = `${OBJECT}.pre.${role}`
    if (!verifier.isPublicKey(publicKey)) {
      return invalidPoint(`${path}.publicKey`, 'G1', 'a point of G1 in canonical form, not the identity')
    }
    if (!verifier.verifyPossession({ publicKey, context: preKeyContext(did, role), proof })) {
      return unsignedBy(`${path}.proof`, did, 'a proof of possession made for this account and side')
    }
  }
  return undefined
}

/** The record in wire order, or the reason why it has none. */
function findForm(record: KeyRecord): Result<readonly CborValue[], 'ERR_IDENTITY_INVALID'> {
  try {
    writeShape(record.signature, signatureShape, { object: `${OBJECT}.signature` })
    return succeed(signedFields(record))
  } catch (error) {
    return invalid(isVitalsealError(error) ? error.path : OBJECT, 'every field in its form')
  }
}

/**
 * Returns the record marked `Verified`, or the first rule that it breaks: form, signing and agreement key, signature,
 * PRE keys.
 *
 * Total. Cost: one signature verification, and for PRE keys two proofs of possession (pairings). Possession of the
 * agreement key is not in the record: a registrar sees it with `verifyAgreementProof` before it registers the record.
 *
 * @param record - from {@link parseKeyRecord}
 * @param options - `verifier`: default {@link createVerifier}; `preKeyVerifier`: needed where the record has PRE keys
 * @returns the record; or `ERR_CRYPTO_INVALID_POINT` for a key that is malformed, of low order, off the subgroup or the
 *   identity; `ERR_SIGNATURE_INVALID`; `ERR_IDENTITY_INVALID` for the rest
 */
export function validateKeyRecord(
  record: KeyRecord,
  options: { readonly verifier?: Verifier; readonly preKeyVerifier?: PreKeyVerifier | undefined } = {},
): Result<Verified<KeyRecord>, KeyRecordErrorCode> {
  const { verifier = createVerifier(), preKeyVerifier } = options
  const form = findForm(record)
  if (!form.ok) return form
  for (const name of ['did', 'signingKey'] as const) {
    if (parseSigningKey(toPublicKey(record[name])).ok) continue
    return invalidPoint(`${OBJECT}.${name}`, 'secp256k1', 'a point of secp256k1')
  }
  if (!isAgreementPublicKey(record.agreement)) {
    return invalidPoint(`${OBJECT}.agreement`, 'x25519', 'a canonical X25519 key that is not of low order')
  }
  const { did, signingKey, signature, pre } = record
  const digest = taggedHash(TAGS.keyRecord, ...form.value)
  if (!verifier.verify({ signer: signingKey, digest, signature })) {
    return unsignedBy(`${OBJECT}.signature`, signingKey, 'a signature by the signing key in the record')
  }
  const fault = pre === undefined ? undefined : findPreFault(did, pre, preKeyVerifier)
  return fault ?? succeed(record as Verified<KeyRecord>)
}

/** Tells whether {@link validateKeyRecord} accepts the record, and marks it. */
export function verifyKeyRecord(
  record: KeyRecord,
  options: { readonly verifier?: Verifier; readonly preKeyVerifier?: PreKeyVerifier | undefined } = {},
): record is Verified<KeyRecord> {
  return validateKeyRecord(record, options).ok
}

/**
 * BLS signatures with short signatures (public key in G2, 96 bytes; signature in G1, 48 bytes), aggregated over one
 * message: many members sign one header, and the certificate stays at 48 bytes and a bitmap.
 *
 * Roles: members sign; anyone adds up signatures and verifies the sum against the members named by the bitmap.
 *
 * What an attacker may do: choose his public key after seeing the others'. With a key of the form "mine minus theirs" he
 * could sign for all of them alone. So a key takes part in an aggregate only after {@link validateBlsPossession} has seen
 * that its owner holds the secret, for this owner: the proof covers a context, since a copied key with a copied proof
 * would give one signature two votes. Signatures and proofs of possession never share a domain.
 *
 * An aggregate says that each named member signed; whether these members are enough is for the caller to judge. Not
 * constant time as far as JavaScript is concerned; signing multiplies along the path that does not branch on the secret.
 *
 * @see draft-irtf-cfrg-bls-signature-05, sections 2 and 3.3 (minimal signature size, proof of possession), with the tags
 *   of this library instead of its own; Ristenpart and Yilek 2007, for the attack and the proof
 */

import { encodeG1, encodeG2, parseG1, parseG2, type G1Point, type G2Point, type PointErrorCode } from './bls12-381.ts'
import { addG1, addG2, arePairingsEqual, generatorOfG2, hashToG1, multiplyG1, multiplyG2 } from './bls12-381-group.ts'
import type { BlsSecretKey } from './bls-secret.ts'
import { toHex, type Brand, type Bytes, type Verified } from './bytes.ts'
import type { CborValue } from './codec.ts'
import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { taggedHash } from './hash.ts'
import { parseSignerBitmap } from './signer-bitmap.ts'
import { TAGS, type Tag } from './tags.ts'

/** 48 bytes of G1: one signature, or a sum of several. */
export type BlsSignature = Brand<Bytes, 'BlsSignature'>
/** Public key of a member, a point of G2. As long as it is not {@link Verified}, no aggregate takes it. */
export type BlsPublicKey = Brand<G2Point, 'BlsPublicKey'>
/** A tag under which members sign. Proofs of possession have tags of their own, which the signer refuses. */
export type BlsTag = Exclude<Tag, typeof TAGS.blsPossession | typeof TAGS.prePossession>

/** Signs for one member; prints without its secret. */
export interface BlsSigner {
  /** 96 bytes of G2. */
  readonly publicKey: Bytes
  /** Returns the signature of the tagged tuple, 48 bytes. Deterministic. */
  sign(tag: BlsTag, fields: readonly CborValue[]): BlsSignature
  /**
   * Returns the proof that this member holds the secret of its key, 48 bytes.
   *
   * @param context - for whom and where: chain id and account, for example
   */
  provePossession(context: readonly CborValue[]): Bytes
}

/** One signature, and what it should be a signature of. */
export interface SignedByOne {
  /** 96 bytes. */
  readonly publicKey: Uint8Array
  readonly tag: BlsTag
  readonly fields: readonly CborValue[]
  /** 48 bytes. */
  readonly signature: Uint8Array
}

/** An aggregate, and what it should be an aggregate of. */
export interface SignedByMany {
  /** Every member in the order of its index, not only those who signed. */
  readonly members: readonly Verified<BlsPublicKey>[]
  /** Who signed, as `encodeSignerBitmap` writes it. */
  readonly bitmap: Uint8Array
  readonly tag: BlsTag
  readonly fields: readonly CborValue[]
  /** 48 bytes: the sum of their signatures. */
  readonly signature: Uint8Array
}

/** A public key on the way to membership. */
export interface BlsPossession {
  /** 96 bytes. */
  readonly publicKey: Uint8Array
  /** The same values as at creation. */
  readonly context: readonly CborValue[]
  /** 48 bytes. */
  readonly proof: Uint8Array
}

/**
 * Keys whose possession this process has checked, and their encodings. The mark in the type stops a compiler; this stops
 * a cast and plain JavaScript.
 */
const possessed = new WeakMap<object, string>()

function messagePoint(tag: Tag, fields: readonly CborValue[]): G1Point {
  return hashToG1(taggedHash(tag, ...fields), tag)
}

function holds(publicKey: G2Point, message: G1Point, signature: G1Point): boolean {
  // signature = x * message and publicKey = x * g2, so e(signature, g2) = e(message, publicKey).
  return arePairingsEqual([signature, generatorOfG2()], [message, publicKey])
}

/**
 * Returns a signer that keeps a copy of the secret key.
 *
 * Cost: about 1.3 ms, and about 3.5 ms a signature.
 *
 * @throws When the bytes are no secret key: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createBlsSigner(secretKey: BlsSecretKey): BlsSigner {
  const secret = Uint8Array.from(secretKey) as BlsSecretKey
  const publicKey = encodeG2(multiplyG2(generatorOfG2(), secret))
  const signPoint = (tag: Tag, fields: readonly CborValue[]): Bytes =>
    encodeG1(multiplyG1(messagePoint(tag, fields), secret))
  return Object.freeze({
    publicKey: Uint8Array.from(publicKey),
    sign(tag: BlsTag, fields: readonly CborValue[]) {
      assertSigningTag(tag)
      return signPoint(tag, fields) as BlsSignature
    },
    provePossession: (context: readonly CborValue[]) => signPoint(TAGS.blsPossession, [publicKey, context]),
  })
}

function isPossessionTag(tag: Tag): boolean {
  return tag === TAGS.blsPossession || tag === TAGS.prePossession
}

function assertSigningTag(tag: Tag): void {
  if (isPossessionTag(tag)) rejectArgument('tag', 'a tag for signatures', 'the tag of a proof of possession')
}

/**
 * Tells whether one member's signature of the tagged tuple holds. Total in key and signature: `false` for what is none.
 *
 * Cost: about 10 ms.
 *
 * @throws When a field has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function verifyBlsSignature({ publicKey, tag, fields, signature }: SignedByOne): boolean {
  const point = parseG1(signature)
  const key = parseG2(publicKey)
  return point.ok && key.ok && !isPossessionTag(tag) && holds(key.value, messagePoint(tag, fields), point.value)
}

/**
 * Checks that the owner of a public key holds its secret, and marks the key, which then may take part in aggregates.
 *
 * Run at registration and on reading a genesis, once per member: about 10 ms. The key carries its decoded point, so that
 * a certificate costs no decoding of keys.
 *
 * @returns the key, or `ERR_CODEC_MALFORMED`, `ERR_CRYPTO_INVALID_POINT`, `ERR_SIGNATURE_INVALID`
 * @throws When the context has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function validateBlsPossession({
  publicKey,
  context,
  proof,
}: BlsPossession): Result<Verified<BlsPublicKey>, PointErrorCode | 'ERR_SIGNATURE_INVALID'> {
  const key = parseG2(publicKey)
  if (!key.ok) return { ...key, path: 'publicKey' }
  const point = parseG1(proof)
  if (!point.ok) return { ...point, path: 'proof' }
  const encoded = Uint8Array.from(publicKey)
  if (!holds(key.value, messagePoint(TAGS.blsPossession, [encoded, context]), point.value)) {
    const signer = toHex(encoded)
    return fail('ERR_SIGNATURE_INVALID', 'proof: expected a proof of possession of this key in this context', {
      path: 'proof',
      details: { signer },
    })
  }
  possessed.set(key.value, toHex(encoded))
  return succeed(key.value as unknown as Verified<BlsPublicKey>)
}

/**
 * Returns the sum of signatures of one message, 48 bytes. Decodes each signature but verifies none: verify the sum, and
 * only when it fails look for the one that spoils it.
 *
 * Cost: about 0.8 ms a signature.
 *
 * @param signatures - at least one, of 48 bytes each
 * @returns the sum, or `ERR_CODEC_MALFORMED` or `ERR_CRYPTO_INVALID_POINT` with the position as path; the latter also
 *   when the signatures cancel each other out
 * @throws When there are none: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function aggregateBlsSignatures(signatures: readonly Uint8Array[]): Result<BlsSignature, PointErrorCode> {
  if (signatures.length === 0) rejectArgument('signatures', 'at least one', 'none')
  const points: G1Point[] = []
  for (const [i, signature] of signatures.entries()) {
    const point = parseG1(signature)
    if (!point.ok) return { ...point, path: `${i}` }
    points.push(point.value)
  }
  const sum = addG1(points)
  if (sum === undefined) {
    return fail('ERR_CRYPTO_INVALID_POINT', 'signatures: expected a sum other than the identity', {
      path: 'signatures',
      details: { group: 'G1' },
    })
  }
  return succeed(encodeG1(sum) as BlsSignature)
}

/**
 * Tells whether every member that the bitmap names signed the tagged tuple. Total in bitmap and signature: `false` for a
 * bitmap of another length, an empty one, and one that names the same key twice.
 *
 * Cost: about 9 ms, whatever the number of members.
 *
 * @throws When a field has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function verifyBlsAggregate({ members, bitmap, tag, fields, signature }: SignedByMany): boolean {
  const signers = parseSignerBitmap(bitmap, members.length)
  const point = parseG1(signature)
  if (!signers.ok || !point.ok || isPossessionTag(tag)) return false
  const keys = signers.value.map((index) => members[index] as Verified<BlsPublicKey>)
  if (!arePossessedAndDistinct(keys)) return false
  const sum = addG2(keys)
  return sum !== undefined && holds(sum, messagePoint(tag, fields), point.value)
}

function arePossessedAndDistinct(keys: readonly Verified<BlsPublicKey>[]): boolean {
  const encodings = new Set(keys.map((key) => possessed.get(key)))
  return encodings.size === keys.length && !encodings.has(undefined)
}

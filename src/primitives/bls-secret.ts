/**
 * Secret scalars of BLS12-381: of certificate signers and of proxy re-encryption, as two types that do not mix.
 *
 * No curve code, so that a party can keep and derive such secrets without loading a pairing. Both kinds come from keying
 * material by KeyGen of the BLS signature draft, with another `key_info` for each kind: the same material never gives the
 * same scalar twice.
 */

import { concatBytes, toUtf8, type Brand, type Bytes } from './bytes.ts'
import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { sha256 } from './hash.ts'
import { hkdf } from './kdf.ts'
import { drawBytes, randomBytes, type RandomSource } from './random.ts'
import { TAGS } from './tags.ts'

/** Order r of the groups G1, G2 and GT of BLS12-381. */
export const BLS_GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n
/** Bytes of an encoded scalar. */
export const BLS_SCALAR_BYTES = 32

/** Secret key of a certificate signer: 32 bytes of a scalar in [1, r - 1], big-endian. Only `createBlsSigner` takes it. */
export type BlsSecretKey = Brand<Bytes, 'BlsSecretKey'>
/**
 * Secret of a proxy re-encryption key: 32 bytes of a scalar in [1, r - 1], big-endian. Nothing signs with it: a
 * signature under it would be the key of a condition.
 */
export type PreSecret = Brand<Bytes, 'PreSecret'>

/** Least keying material of KeyGen (BLS signature draft, 2.3). */
const MATERIAL_BYTES_MIN = 32
/** Longest material and info; no use of ours comes near. */
const MATERIAL_BYTES_MAX = 1_024
/** L of KeyGen: ceil((3 * ceil(log2(r))) / 16), so that the reduction modulo r has no visible bias. */
const OUTPUT_BYTES = 48

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function toScalarBytes(scalar: bigint): Bytes {
  return Uint8Array.from({ length: BLS_SCALAR_BYTES }, (_, i) => Number((scalar >> BigInt(8 * (31 - i))) & 0xffn))
}

/**
 * KeyGen of the BLS signature draft: HKDF output of 48 bytes modulo r, again under the next salt in the case of zero.
 *
 * Kept inside the library; the published vectors run against it with an empty `info`.
 *
 * @param material - at least 32 bytes; secret
 * @param info - the draft's key_info
 * @returns 32 bytes of a scalar in [1, r - 1]; secret
 * @see draft-irtf-cfrg-bls-signature-05, section 2.3, KeyGen, with the salt of that section
 */
export function deriveBlsScalar(material: Uint8Array, info: Uint8Array): Bytes {
  if (
    !(material instanceof Uint8Array) ||
    material.length < MATERIAL_BYTES_MIN ||
    material.length > MATERIAL_BYTES_MAX
  ) {
    const expected = `${MATERIAL_BYTES_MIN} to ${MATERIAL_BYTES_MAX} bytes`
    rejectArgument('material', expected, material instanceof Uint8Array ? `${material.length} bytes` : typeof material)
  }
  const secret = concatBytes(material, Uint8Array.of(0))
  const lengthedInfo = concatBytes(info, Uint8Array.of(0, OUTPUT_BYTES))
  let salt: Bytes = toUtf8('BLS-SIG-KEYGEN-SALT-')
  for (;;) {
    salt = sha256(salt)
    const scalar = toNumber(hkdf({ secret, salt, info: lengthedInfo }, OUTPUT_BYTES)) % BLS_GROUP_ORDER
    if (scalar !== 0n) return toScalarBytes(scalar)
  }
}

/** Tells whether the bytes are a scalar in [1, r - 1], 32 bytes big-endian. */
export function isBlsScalar(bytes: Uint8Array): boolean {
  if (!(bytes instanceof Uint8Array) || bytes.length !== BLS_SCALAR_BYTES) return false
  const scalar = toNumber(bytes)
  return scalar > 0n && scalar < BLS_GROUP_ORDER
}

/** The scalar of a checked secret. Kept inside the library. */
export function toBlsScalar(secret: BlsSecretKey | PreSecret): bigint {
  if (!isBlsScalar(secret)) rejectArgument('secret', '32 bytes of a scalar from 1 to r - 1', 'other bytes')
  return toNumber(secret)
}

/**
 * Returns the secret key of a certificate signer, derived from keying material.
 *
 * @param material - at least 32 bytes, uniformly distributed; secret
 * @returns 32 bytes; secret
 * @throws When the material is too short: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function deriveBlsSecretKey(material: Uint8Array): BlsSecretKey {
  return deriveBlsScalar(material, toUtf8(TAGS.blsSecret)) as BlsSecretKey
}

/** Returns a fresh secret key of a certificate signer, 32 bytes; secret. */
export function generateBlsSecretKey(random: RandomSource = randomBytes): BlsSecretKey {
  return deriveBlsSecretKey(drawBytes(random, MATERIAL_BYTES_MIN))
}

/**
 * Returns a secret of proxy re-encryption, derived from keying material. Each key of a party (as delegator, as
 * delegatee) needs material of its own.
 *
 * @param material - at least 32 bytes, uniformly distributed; secret
 * @returns 32 bytes; secret
 * @throws When the material is too short: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function derivePreSecret(material: Uint8Array): PreSecret {
  return deriveBlsScalar(material, toUtf8(TAGS.preSecret)) as PreSecret
}

/** Returns a fresh secret of proxy re-encryption, 32 bytes; secret. */
export function generatePreSecret(random: RandomSource = randomBytes): PreSecret {
  return derivePreSecret(drawBytes(random, MATERIAL_BYTES_MIN))
}

function parseSecret(bytes: Uint8Array, path: string): Result<Bytes, 'ERR_CODEC_MALFORMED'> {
  if (isBlsScalar(bytes)) return succeed(Uint8Array.from(bytes))
  const expected = '32 bytes of a scalar from 1 to r - 1'
  return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
}

/**
 * Reads the secret key of a certificate signer, for example from a key store. Total.
 *
 * @returns a copy, or `ERR_CODEC_MALFORMED`
 */
export function parseBlsSecretKey(bytes: Uint8Array): Result<BlsSecretKey, 'ERR_CODEC_MALFORMED'> {
  return parseSecret(bytes, 'secretKey') as Result<BlsSecretKey, 'ERR_CODEC_MALFORMED'>
}

/**
 * Reads a secret of proxy re-encryption, for example from a key store. Total.
 *
 * @returns a copy, or `ERR_CODEC_MALFORMED`
 */
export function parsePreSecret(bytes: Uint8Array): Result<PreSecret, 'ERR_CODEC_MALFORMED'> {
  return parseSecret(bytes, 'secret') as Result<PreSecret, 'ERR_CODEC_MALFORMED'>
}

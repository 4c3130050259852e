/**
 * Strict encodings of BLS12-381: points of G1 (48 bytes) and G2 (96 bytes), compressed, and scalars (32 bytes).
 *
 * Whoever sends a point chooses its bytes. A point off the curve or outside of the subgroup of order r leaks a secret
 * scalar that multiplies it, modulo small factors of the cofactor; the identity makes every pairing equation with it true
 * for everyone; two encodings of one point give one signature two identities. So each point has exactly one encoding, and
 * only points of the subgroup other than the identity are points here. The curve package is wider: it decodes the
 * identity and uncompressed points, and takes the group order for a scalar.
 *
 * The level of security is about 120 bits. Not constant time: JavaScript's integers are not.
 *
 * @see draft-irtf-cfrg-pairing-friendly-curves-11, appendix C, for the encoding (that of ZCash)
 */

import type { Fp2 } from '@noble/curves/abstract/tower.js'
import type { WeierstrassPoint, WeierstrassPointCons } from '@noble/curves/abstract/weierstrass.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'

import { fail, rejectArgument, succeed, VitalsealError, type Failure, type Result } from '../errors.ts'
import { BLS_GROUP_ORDER, BLS_SCALAR_BYTES, isBlsScalar } from './bls-secret.ts'
import { fromHex, toHex, type Brand, type Bytes } from './bytes.ts'

/** Point of the subgroup G1 of order r, not the identity. Only {@link parseG1} and arithmetic inside the library make one. */
export type G1Point = Brand<WeierstrassPoint<bigint>, 'G1Point'>
/** Point of the subgroup G2 of order r, not the identity. Only {@link parseG2} and arithmetic inside the library make one. */
export type G2Point = Brand<WeierstrassPoint<Fp2>, 'G2Point'>
/** Integer in [1, r - 1]. */
export type BlsScalar = Brand<bigint, 'BlsScalar'>

/** The curve package, for the arithmetic of the groups beside this file. Kept inside the library. */
export const pairingCurve = bls12_381
/** Elements of the tower of fields as the curve package has them. */
export type { Fp12 as CurveFp12, Fp2 as CurveFp2, Fp6 as CurveFp6 } from '@noble/curves/abstract/tower.js'

/** Bytes of an encoded point of G1. */
export const G1_BYTES = 48
/** Bytes of an encoded point of G2. */
export const G2_BYTES = 96

/** Codes with which bytes are refused as a point. */
export type PointErrorCode = 'ERR_CODEC_MALFORMED' | 'ERR_CRYPTO_INVALID_POINT'

/** The three flags of the first byte: compressed, identity, and the larger of both y. */
const COMPRESSED = 0x80
const IDENTITY = 0x40

function malformed(path: string, expected: string): Failure<'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
}

function parsePoint<F>(
  bytes: Uint8Array,
  group: 'G1' | 'G2',
  Point: WeierstrassPointCons<F>,
): Result<WeierstrassPoint<F>, PointErrorCode> {
  const byteCount = group === 'G1' ? G1_BYTES : G2_BYTES
  if (!(bytes instanceof Uint8Array) || bytes.length !== byteCount)
    return malformed('point', `${byteCount} bytes of a point of ${group}`)
  const invalid = fail(
    'ERR_CRYPTO_INVALID_POINT',
    `point: expected a point of ${group}, compressed and not the identity`,
    {
      path: 'point',
      details: { group },
    },
  )
  if (((bytes[0] as number) & (COMPRESSED | IDENTITY)) !== COMPRESSED) return invalid
  try {
    // Decoding checks the range of x, the curve and the subgroup.
    return succeed(Point.fromBytes(bytes))
  } catch {
    return invalid
  }
}

/** The third flag: of both y, the larger. */
const LARGER = 0x20
const FIELD_BYTES = 48

/**
 * The encoding of affine coordinates: x with its highest part first, and which of both y it is. The curve package's own
 * would check the subgroup once more, which takes longer than computing most points.
 */
function encodeCoordinates(x: readonly bigint[], y: readonly bigint[]): Bytes {
  const digits = 2 * FIELD_BYTES
  const bytes = fromHex(x.map((part) => part.toString(16).padStart(digits, '0')).join(''))
  const deciding = y.find((part) => part !== 0n) ?? 0n
  bytes[0] = (bytes[0] as number) | COMPRESSED | (2n * deciding > bls12_381.fields.Fp.ORDER ? LARGER : 0)
  return bytes
}

function assertNotIdentity(point: { is0(): boolean }, group: 'G1' | 'G2'): void {
  if (!point.is0()) return
  throw new VitalsealError('ERR_CRYPTO_INVALID_POINT', `"point" expected a point of ${group}, found the identity`, {
    path: 'point',
    details: { group },
  })
}

/**
 * Reads a point of G1 from 48 bytes: compressed, x below the field order, on the curve, in the subgroup, not the
 * identity. Total.
 *
 * Cost: about 0.8 ms, half of it the subgroup check.
 *
 * @returns the point, `ERR_CODEC_MALFORMED` for another length, or `ERR_CRYPTO_INVALID_POINT`
 */
export function parseG1(bytes: Uint8Array): Result<G1Point, PointErrorCode> {
  return parsePoint(bytes, 'G1', bls12_381.G1.Point) as Result<G1Point, PointErrorCode>
}

/**
 * Reads a point of G2 from 96 bytes: compressed, both parts of x below the field order, on the curve, in the subgroup,
 * not the identity. Total.
 *
 * Cost: about 1.7 ms.
 *
 * @returns the point, `ERR_CODEC_MALFORMED` for another length, or `ERR_CRYPTO_INVALID_POINT`
 */
export function parseG2(bytes: Uint8Array): Result<G2Point, PointErrorCode> {
  return parsePoint(bytes, 'G2', bls12_381.G2.Point) as Result<G2Point, PointErrorCode>
}

/**
 * Returns the one encoding of a point of G1, 48 bytes.
 *
 * @throws When the point is the identity, which only a cast can bring here: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function encodeG1(point: G1Point): Bytes {
  assertNotIdentity(point, 'G1')
  const { x, y } = point.toAffine()
  return encodeCoordinates([x], [y])
}

/**
 * Returns the one encoding of a point of G2, 96 bytes.
 *
 * @throws When the point is the identity, which only a cast can bring here: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function encodeG2(point: G2Point): Bytes {
  assertNotIdentity(point, 'G2')
  const { x, y } = point.toAffine()
  return encodeCoordinates([x.c1, x.c0], [y.c1, y.c0])
}

/**
 * Reads a scalar from 32 bytes, big-endian, in [1, r - 1]. Total.
 *
 * @returns the scalar, or `ERR_CODEC_MALFORMED`, for zero and numbers from r on too
 */
export function parseScalar(bytes: Uint8Array): Result<BlsScalar, 'ERR_CODEC_MALFORMED'> {
  if (!isBlsScalar(bytes)) return malformed('scalar', '32 bytes of a scalar from 1 to r - 1')
  return succeed(BigInt(`0x${toHex(bytes)}`) as BlsScalar)
}

/**
 * Returns the encoding of a scalar, 32 bytes, big-endian.
 *
 * @throws When the number is outside of [1, r - 1], which only a cast can bring here: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeScalar(scalar: BlsScalar): Bytes {
  if (scalar < 1n || scalar >= BLS_GROUP_ORDER) rejectArgument('scalar', 'a scalar from 1 to r - 1', 'another number')
  return fromHex(scalar.toString(16).padStart(2 * BLS_SCALAR_BYTES, '0'))
}

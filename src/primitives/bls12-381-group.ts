/**
 * Arithmetic of BLS12-381 that signatures and proofs of possession need: hashing to a group, multiplying by a secret,
 * sums, and the pairing equation. Kept inside the library; points in and out are checked ones.
 *
 * Messages are hashed to the curve by RFC 9380 (BLS12381G1_XMD:SHA-256_SSWU_RO_ and its G2 form). The domain separation
 * tag is an entry of the one table; each tag is used with one group only, so it need not name the suite.
 */

import { bls12_381 } from '@noble/curves/bls12-381.js'

import { toBlsScalar, type BlsSecretKey, type PreSecret } from './bls-secret.ts'
import type { G1Point, G2Point } from './bls12-381.ts'
import { toUtf8 } from './bytes.ts'
import { isEqual, ONE } from './fp12.ts'
import { createLines, multiplyPairings } from './miller.ts'
import type { Tag } from './tags.ts'

type Secret = BlsSecretKey | PreSecret

/** Hashes a message to G1 under a tag. Cost: about 1.6 ms. */
export function hashToG1(message: Uint8Array, tag: Tag): G1Point {
  return bls12_381.G1.hashToCurve(message, { DST: toUtf8(tag) }) as G1Point
}

/** Hashes a message to G2 under a tag. Cost: about 6 ms. */
export function hashToG2(message: Uint8Array, tag: Tag): G2Point {
  return bls12_381.G2.hashToCurve(message, { DST: toUtf8(tag) }) as G2Point
}

/** The generator of G1. */
export function generatorOfG1(): G1Point {
  return bls12_381.G1.Point.BASE as G1Point
}

/** The generator of G2. */
export function generatorOfG2(): G2Point {
  return bls12_381.G2.Point.BASE as G2Point
}

/** Multiplies a point of G1 by a secret, along the path that does not branch on it. */
export function multiplyG1(point: G1Point, secret: Secret): G1Point {
  return point.multiply(toBlsScalar(secret)) as G1Point
}

/** Multiplies a point of G2 by a secret, along the path that does not branch on it. */
export function multiplyG2(point: G2Point, secret: Secret): G2Point {
  return point.multiply(toBlsScalar(secret)) as G2Point
}

/** Returns the sum of points of G1, or undefined when it is the identity. */
export function addG1(points: readonly G1Point[]): G1Point | undefined {
  const sum = points.reduce((total, point) => total.add(point), bls12_381.G1.Point.ZERO)
  return sum.is0() ? undefined : (sum as G1Point)
}

/** Returns the sum of points of G2, or undefined when it is the identity. */
export function addG2(points: readonly G2Point[]): G2Point | undefined {
  const sum = points.reduce((total, point) => total.add(point), bls12_381.G2.Point.ZERO)
  return sum.is0() ? undefined : (sum as G2Point)
}

/**
 * Tells whether the product of the pairings is one; that of none is.
 *
 * Cost: about 2 ms for each pair, and 2 ms for the final exponentiation, which they share.
 */
export function isPairingProductOne(pairs: readonly (readonly [G1Point, G2Point])[]): boolean {
  return isEqual(multiplyPairings(pairs.map(([g1, g2]) => [g1, createLines(g2)])), ONE)
}

/** Tells whether e(left[0], left[1]) = e(right[0], right[1]). Cost: about 6 ms. */
export function arePairingsEqual(left: readonly [G1Point, G2Point], right: readonly [G1Point, G2Point]): boolean {
  // e(a, b) = e(c, d) exactly when e(a, b) * e(-c, d) = 1.
  return isPairingProductOne([left, [right[0].negate() as G1Point, right[1]]])
}

/**
 * The group GT of BLS12-381, in which pairings lie: membership, the encoding of 288 bytes, and powers.
 *
 * GT is the subgroup of order r of Fp12. Whoever sends an element chooses its bytes, and Fp12 has many other subgroups:
 * raising an element of order 37 to a secret power tells the secret modulo 37. Two tests together leave only GT. The
 * first, that f^(p^4 - p^2 + 1) = 1, leaves the cyclotomic subgroup, which still has elements of order 4513; the second,
 * that Frobenius acts as the power x, leaves those whose order divides r. Both come before any power with a secret.
 *
 * An element of norm one is a + b*w with a^2 - v*b^2 = 1, so (1 + a)/b in Fp6 says it all: half the bytes.
 *
 * @see Rubin and Silverberg 2003, for the compression by the torus T2; Scott 2021, "A note on group membership tests",
 *   for the test with Frobenius
 */

import type { Brand, Bytes } from './bytes.ts'
import { fromHex, toHex } from './bytes.ts'
import {
  conjugate,
  cyclotomicSquare,
  FIELD_ORDER,
  frobenius,
  invertFp6,
  isEqual,
  multiply,
  multiplyFp6,
  ONE,
  toCanonical,
  type Fp12,
  type Fp6,
} from './fp12.ts'
import { CURVE_X, powerOfX } from './miller.ts'
import {
  createPowerTable,
  splitPower,
  splitPowerUniform,
  tablePower,
  type PowerTable,
  type SplitGroup,
} from './split-power.ts'

/** Element of GT other than one, in Fp12. */
export type Gt = Brand<Fp12, 'Gt'>

/** Bytes of an encoded element of GT. */
export const GT_BYTES = 288
/** Bytes of an element of the base field. */
const FIELD_BYTES = 48

/** Frobenius acts on GT as the power x = -|x|; so its conjugate is the power |x|. */
const group: SplitGroup<Fp12> = {
  one: ONE,
  square: cyclotomicSquare,
  multiply,
  invert: conjugate,
  endomorphism: (a) => conjugate(frobenius(a)),
  base: CURVE_X,
  digitCount: 4,
}

/**
 * Returns the element as one of GT, or undefined for one, and for what is outside of GT. Cost: about 0.5 ms.
 *
 * @param f - of norm one, so that conjugation inverts it
 */
function toGt(f: Fp12): Gt | undefined {
  if (isEqual(f, ONE)) return undefined
  const atP = frobenius(f)
  const atP2 = frobenius(atP)
  const isCyclotomic = isEqual(multiply(frobenius(frobenius(atP2)), f), atP2)
  return isCyclotomic && isEqual(atP, conjugate(powerOfX(f))) ? (f as Gt) : undefined
}

/** Returns the product of a pairing as an element of GT, or undefined for one. */
export function fromPairing(f: Fp12): Gt | undefined {
  return isEqual(f, ONE) ? undefined : (f as Gt)
}

/**
 * Reads an element of GT from 288 bytes; undefined for any other length, an integer from p on, one, and what is outside
 * of GT. Cost: about 0.6 ms.
 */
export function parseGt(bytes: Uint8Array): Gt | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length !== GT_BYTES) return undefined
  const c: bigint[] = []
  for (let i = 0; i < GT_BYTES; i += FIELD_BYTES) c.push(BigInt(`0x${toHex(bytes.subarray(i, i + FIELD_BYTES))}`))
  if (c.some((integer) => integer >= FIELD_ORDER)) return undefined
  const alpha = c as unknown as Fp6
  // f = (alpha + w)/(alpha - w) = ((alpha^2 + v) + 2*alpha*w)/(alpha^2 - v); v is no square, so nothing divides by zero.
  const [s0, s1, s2, s3, s4, s5] = multiplyFp6(alpha, alpha)
  const inverse = invertFp6([s0, s1, s2 - 1n, s3, s4, s5])
  const low = multiplyFp6([s0, s1, s2 + 1n, s3, s4, s5], inverse)
  const high = multiplyFp6(alpha.map((integer) => 2n * integer) as unknown as Fp6, inverse)
  return toGt([...low, ...high])
}

/** Returns the one encoding of an element of GT, 288 bytes. */
export function encodeGt(f: Gt): Bytes {
  const [a0, a1, a2, a3, a4, a5, ...high]: Fp12 = f
  const alpha = multiplyFp6([a0 + 1n, a1, a2, a3, a4, a5], invertFp6(high))
  const [b0, b1, b2, b3, b4, b5] = toCanonical([...alpha, 0n, 0n, 0n, 0n, 0n, 0n])
  const digits = 2 * FIELD_BYTES
  return fromHex([b0, b1, b2, b3, b4, b5].map((integer) => integer.toString(16).padStart(digits, '0')).join(''))
}

/** Returns the product, or undefined for one. */
export function multiplyGt(left: Gt, right: Gt): Gt | undefined {
  return fromPairing(multiply(left, right))
}

/** Returns the inverse. */
export function invertGt(f: Gt): Gt {
  return conjugate(f) as Gt
}

/** Returns a power with a public exponent in [1, r - 1]. Cost: about 0.9 ms. */
export function powerGtPublic(f: Gt, exponent: bigint): Gt {
  return splitPower(group, f, exponent) as Gt
}

/** Returns a power with a secret exponent in [1, r - 1], by the same operations for each. Cost: about 1.2 ms. */
export function powerGt(f: Gt, exponent: bigint): Gt {
  return splitPowerUniform(group, f, exponent) as Gt
}

/** Powers of one element of GT; about 0.2 MiB. */
export type GtTable = PowerTable<Fp12>

/** Returns a table of powers. Cost: about 3 ms, which five powers pay back. */
export function createGtTable(f: Gt): GtTable {
  return createPowerTable(group, f)
}

/** Returns a power of the element of the table with an exponent in [1, r - 1]. Cost: about 0.7 ms. */
export function powerOfGtTable(table: GtTable, exponent: bigint): Gt {
  return tablePower(group, table, exponent) as Gt
}

/** Tells whether two elements are the same. */
export function isGtEqual(left: Gt, right: Gt): boolean {
  return isEqual(left, right)
}

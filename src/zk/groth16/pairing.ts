/**
 * Pairings for proofs: Miller loops with prepared points of G2, which keys use again and again, and one final
 * exponentiation for a product of them.
 *
 * Points come from parsers that have checked curve and subgroup, or from arithmetic on such points.
 */

import { pairingCurve, type CurveFp12, type CurveFp2, type G1Point, type G2Point } from '../../primitives/bls12-381.ts'
import type { AffineVector } from './affine.ts'

/** Points of G1 by coordinates; (0, 0) is the identity. */
export type G1Vector = AffineVector<bigint>
/** Points of G2 by coordinates; (0, 0) is the identity. */
export type G2Vector = AffineVector<CurveFp2>
/** Element of the target group. */
export type TargetElement = CurveFp12
/** The lines of a point of G2, ready for Miller loops. */
export type PreparedG2 = ReturnType<typeof pairingCurve.utils.calcPairingPrecomputes>

/** Returns the lines of a point. Cost: about 1.2 ms. */
export function prepareG2(point: G2Point): PreparedG2 {
  return pairingCurve.utils.calcPairingPrecomputes(point)
}

/**
 * Returns the product of the pairings.
 *
 * Cost: about 1 ms for each pair, and 5 ms for the final exponentiation.
 */
export function multiplyPairings(pairs: readonly (readonly [G1Point, PreparedG2])[]): TargetElement {
  const loops = pairs.flatMap(([point, lines]): [PreparedG2, bigint, bigint][] => {
    // A pairing with the identity is one.
    if (point.is0()) return []
    const { x, y } = point.toAffine()
    return [[lines, x, y]]
  })
  const { Fp12 } = pairingCurve.fields
  return Fp12.finalExponentiate(pairingCurve.millerLoopBatch(loops))
}

/** Tells whether two elements of the target group are equal. */
export function isSameTarget(left: TargetElement, right: TargetElement): boolean {
  return pairingCurve.fields.Fp12.eql(left, right)
}

/** Returns an element of the target group to the power of a scalar. */
export function powTarget(base: TargetElement, exponent: bigint): TargetElement {
  return pairingCurve.fields.Fp12.pow(base, exponent)
}

/** Returns the point of a vector of one; may be the identity. */
export function toG1({ xs, ys }: G1Vector, index = 0): G1Point {
  const [x, y] = [xs[index]!, ys[index]!]
  const { Point } = pairingCurve.G1
  return (x === 0n && y === 0n ? Point.ZERO : Point.fromAffine({ x, y })) as G1Point
}

/** Returns the point of a vector; may be the identity. */
export function toG2({ xs, ys }: G2Vector, index = 0): G2Point {
  const [x, y] = [xs[index]!, ys[index]!]
  const { Point } = pairingCurve.G2
  const isZero = x.c0 === 0n && x.c1 === 0n && y.c0 === 0n && y.c1 === 0n
  const { Fp2 } = pairingCurve.fields
  const take = ({ c0, c1 }: CurveFp2): CurveFp2 => Fp2.fromBigTuple([c0, c1])
  return (isZero ? Point.ZERO : Point.fromAffine({ x: take(x), y: take(y) })) as G2Point
}

/** Coordinates of points of G1. */
export function fromG1(points: readonly G1Point[]): G1Vector {
  const affine = points.map((point) => point.toAffine())
  return { xs: affine.map(({ x }) => x), ys: affine.map(({ y }) => y) }
}

/** Coordinates of points of G2. */
export function fromG2(points: readonly G2Point[]): G2Vector {
  const affine = points.map((point) => point.toAffine())
  const take = ({ c0, c1 }: CurveFp2): CurveFp2 => ({ c0, c1 })
  return { xs: affine.map(({ x }) => take(x)), ys: affine.map(({ y }) => take(y)) }
}

/** Tells whether a point is on the curve, in its subgroup and not the identity. */
export function isInSubgroup(point: G1Point | G2Point): boolean {
  if (point.is0()) return false
  try {
    point.assertValidity()
    return true
  } catch {
    return false
  }
}

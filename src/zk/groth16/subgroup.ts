/**
 * Subgroup checks of many points at once, and compressed points read without one: what batches of proofs and whole keys need.
 *
 * G1: P is in the subgroup exactly when (beta x, y) = -[z^2] P; G2: when psi(P) = [z] P, with the curve's parameter z < 0.
 * A random combination of points can hide a point of small order. So points are checked one by one; or, where they are many,
 * thrown into buckets at random, again and again, and the sums of the buckets are checked: a wrong point spoils the sum of its
 * bucket unless others in the same bucket cancel it, which is so for one bucket at most.
 *
 * @see Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves", 2021/1130
 */

import { G1_BYTES, G2_BYTES, pairingCurve, type CurveFp2 } from '../../primitives/bls12-381.ts'
import { drawBytes, randomBytes } from '../../primitives/random.ts'
import { toInteger } from '../field.ts'
import { addAll, doubleAll, isIdentity, type AffineVector } from './affine.ts'
import { BASE_ORDER, PARAMETER, baseFieldOfG1, baseFieldOfG2, type BaseField } from './base-field.ts'
import { sumByBucket } from './multi-scalar.ts'
import type { G1Vector, G2Vector } from './pairing.ts'

/** Multiplies each point by |z|: 63 doublings and 5 additions. */
function multiplyByParameter<E>(field: BaseField<E>, points: AffineVector<E>): AffineVector<E> {
  const result: AffineVector<E> = { xs: [...points.xs], ys: [...points.ys] }
  for (const bit of PARAMETER.toString(2).slice(1)) {
    doubleAll(field, result)
    if (bit === '1') addAll(field, result, points)
  }
  return result
}

function equals<E>(field: BaseField<E>, left: E, right: E): boolean {
  return field.isZero(field.subtract(left, right))
}

/** Tells of each point of the curve whether it is in G1; the identity is. Cost: about 0.4 ms a point. */
export function areInG1(points: G1Vector): boolean[] {
  const field = baseFieldOfG1
  const squared = multiplyByParameter(field, multiplyByParameter(field, points))
  return points.xs.map((x, i) => {
    const y = points.ys[i]!
    if (isIdentity(field, x, y)) return true
    const { endomorphism } = field
    return equals(field, squared.xs[i]!, endomorphism.x(x)) && equals(field, squared.ys[i]!, endomorphism.y(y))
  })
}

/** Buckets of a round, and rounds: a wrong point passes with a chance of 64^-22 = 2^-132. */
const BUCKETS = 64
const ROUNDS = 22
/** Fewer points are checked one by one: the buckets would cost as much. */
const BUCKETED_MIN = 4_096

function areAllIn<E>(
  field: BaseField<E>,
  points: AffineVector<E>,
  areIn: (part: AffineVector<E>) => readonly boolean[],
): boolean {
  if (points.xs.length < BUCKETED_MIN) return areIn(points).every(Boolean)
  const choices = drawBytes(randomBytes, points.xs.length * ROUNDS)
  const digits = Int16Array.from(choices, (choice) => (choice % BUCKETS) + 1)
  return areIn(sumByBucket(field, points, digits, { windows: ROUNDS, perWindow: BUCKETS })).every(Boolean)
}

/** Tells whether all points of the curve are in G1; the identity is. Cost: about 0.08 ms a point where they are many. */
export function areAllInG1(points: G1Vector): boolean {
  return areAllIn(baseFieldOfG1, points, areInG1)
}

/** Tells whether all points of the curve are in G2; the identity is. Cost: about 0.2 ms a point where they are many. */
export function areAllInG2(points: G2Vector): boolean {
  return areAllIn(baseFieldOfG2, points, areInG2)
}

interface Psi {
  readonly x: CurveFp2
  readonly y: CurveFp2
}

let psiFactors: Psi | undefined

/** Factors of psi(x, y) = (a conj(x), b conj(y)): powers of 1 / (1 + i). */
function factorsOfPsi(): Psi {
  if (psiFactors === undefined) {
    const { Fp2 } = pairingCurve.fields
    const base = Fp2.inv(Fp2.fromBigTuple([1n, 1n]))
    psiFactors = { x: Fp2.pow(base, (BASE_ORDER - 1n) / 3n), y: Fp2.pow(base, (BASE_ORDER - 1n) / 2n) }
  }
  return psiFactors
}

/** Tells whether [|z|] P, given as `multiplied`, is -psi(P). */
export function isImageOfPsi(points: G2Vector, multiplied: G2Vector, i: number): boolean {
  const field = baseFieldOfG2
  const factors = factorsOfPsi()
  const conjugate = ({ c0, c1 }: CurveFp2): CurveFp2 => ({ c0, c1: -c1 })
  const imageX = field.multiply(factors.x, conjugate(points.xs[i]!))
  const imageY = field.negate(field.multiply(factors.y, conjugate(points.ys[i]!)))
  return equals(field, multiplied.xs[i]!, imageX) && equals(field, multiplied.ys[i]!, imageY)
}

/** Tells of each point of the curve whether it is in G2; the identity is. Cost: about 0.5 ms a point. */
export function areInG2(points: G2Vector): boolean[] {
  const multiplied = multiplyByParameter(baseFieldOfG2, points)
  return points.xs.map((x, i) => isIdentity(baseFieldOfG2, x, points.ys[i]!) || isImageOfPsi(points, multiplied, i))
}

/** Compressed, identity, and the larger of both y. */
const COMPRESSED = 0x80
const IDENTITY = 0x40
const LARGER = 0x20

/** The flags and the coordinate bytes; undefined unless the point is compressed and not the identity. */
function readFlags(
  bytes: Uint8Array,
  length: number,
): { readonly isLarger: boolean; readonly rest: Uint8Array } | undefined {
  const first = bytes[0]
  if (bytes.length !== length || first === undefined || (first & (COMPRESSED | IDENTITY)) !== COMPRESSED)
    return undefined
  const rest = Uint8Array.from(bytes)
  rest[0] = first & ~(COMPRESSED | LARGER)
  return { isLarger: (first & LARGER) !== 0, rest }
}

function isLargerHalf(value: bigint): boolean {
  return 2n * value > BASE_ORDER
}

/** Reads a compressed point of the curve of G1, whose subgroup is still to be checked; undefined for anything else. */
export function decompressG1(bytes: Uint8Array): { readonly x: bigint; readonly y: bigint } | undefined {
  const read = readFlags(bytes, G1_BYTES)
  if (read === undefined) return undefined
  const x = toInteger(read.rest)
  if (x >= BASE_ORDER) return undefined
  const { Fp } = pairingCurve.fields
  const square = (x * x * x + 4n) % BASE_ORDER
  let y: bigint
  try {
    y = Fp.sqrt(square)
  } catch {
    return undefined
  }
  return { x, y: y !== 0n && isLargerHalf(y) !== read.isLarger ? BASE_ORDER - y : y }
}

/** Reads a compressed point of the curve of G2, whose subgroup is still to be checked; undefined for anything else. */
export function decompressG2(bytes: Uint8Array): { readonly x: CurveFp2; readonly y: CurveFp2 } | undefined {
  const read = readFlags(bytes, G2_BYTES)
  if (read === undefined) return undefined
  const c1 = toInteger(read.rest.subarray(0, G2_BYTES / 2))
  const c0 = toInteger(read.rest.subarray(G2_BYTES / 2))
  if (c0 >= BASE_ORDER || c1 >= BASE_ORDER) return undefined
  const { Fp2 } = pairingCurve.fields
  const x = Fp2.fromBigTuple([c0, c1])
  let y: CurveFp2
  try {
    y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n])))
  } catch {
    return undefined
  }
  const isLarger = y.c1 === 0n ? isLargerHalf(y.c0) : isLargerHalf(y.c1)
  const chosen = isLarger === read.isLarger ? y : Fp2.neg(y)
  return { x: { c0, c1 }, y: { c0: chosen.c0, c1: chosen.c1 } }
}

/**
 * Points in key files: coordinates in full, big-endian, 96 bytes for G1 and 192 for G2; the identity is all zeros. Twice as
 * long as compressed points, but read without square roots.
 *
 * Reading checks that coordinates are reduced and that points lie on the curve. The subgroup is not checked here: a key of
 * somebody else is checked as a whole, once.
 */

import type { CurveFp2 } from '../../primitives/bls12-381.ts'
import { fromHex, toHex, type Bytes } from '../../primitives/bytes.ts'
import { BASE_ORDER } from './base-field.ts'
import type { G1Vector, G2Vector } from './pairing.ts'

/** Bytes of a coordinate in Fp. */
const COORDINATE_BYTES = 48
/** Bytes of a point of G1 with both coordinates. */
export const G1_FULL_BYTES: number = 2 * COORDINATE_BYTES
/** Bytes of a point of G2 with both coordinates. */
export const G2_FULL_BYTES: number = 4 * COORDINATE_BYTES

const P = BASE_ORDER

function hexOf(coordinate: bigint): string {
  return coordinate.toString(16).padStart(2 * COORDINATE_BYTES, '0')
}

/** Returns the points of a vector, one after the other. */
export function encodeG1Vector({ xs, ys }: G1Vector): Bytes {
  return fromHex(xs.map((x, i) => hexOf(x) + hexOf(ys[i]!)).join(''))
}

/** Returns the points of a vector, one after the other; of each coordinate the part with i comes first, as in compressed points. */
export function encodeG2Vector({ xs, ys }: G2Vector): Bytes {
  const both = ({ c0, c1 }: CurveFp2): string => hexOf(c1) + hexOf(c0)
  return fromHex(xs.map((x, i) => both(x) + both(ys[i]!)).join(''))
}

/** Coordinates below p; undefined where one is not. */
function readCoordinates(bytes: Uint8Array): bigint[] | undefined {
  const coordinates: bigint[] = []
  for (let at = 0; at < bytes.length; at += COORDINATE_BYTES) {
    const value = BigInt(`0x${toHex(bytes.subarray(at, at + COORDINATE_BYTES))}`)
    if (value >= P) return undefined
    coordinates.push(value)
  }
  return coordinates
}

/** Tells whether coordinates are those of a point on the curve of G1, the identity excepted. */
export function isOnG1(x: bigint, y: bigint): boolean {
  return (y * y - x * x * x - 4n) % P === 0n
}

/** Reads points of G1; undefined where the length is wrong, or one is neither on the curve nor the identity. */
export function parseG1Vector(bytes: Uint8Array): G1Vector | undefined {
  if (bytes.length % G1_FULL_BYTES !== 0) return undefined
  const coordinates = readCoordinates(bytes)
  if (coordinates === undefined) return undefined
  const points: G1Vector = { xs: [], ys: [] }
  for (let i = 0; i < coordinates.length; i += 2) {
    const [x, y] = [coordinates[i]!, coordinates[i + 1]!]
    if ((x !== 0n || y !== 0n) && !isOnG1(x, y)) return undefined
    points.xs.push(x)
    points.ys.push(y)
  }
  return points
}

/** Tells whether coordinates are those of a point on the curve of G2, the identity excepted. */
export function isOnG2(x: CurveFp2, y: CurveFp2): boolean {
  // y^2 = x^3 + 4 (1 + i)
  const square = { c0: (x.c0 + x.c1) * (x.c0 - x.c1), c1: 2n * x.c0 * x.c1 }
  const c0 = square.c0 * x.c0 - square.c1 * x.c1 + 4n
  const c1 = square.c0 * x.c1 + square.c1 * x.c0 + 4n
  return ((y.c0 + y.c1) * (y.c0 - y.c1) - c0) % P === 0n && (2n * y.c0 * y.c1 - c1) % P === 0n
}

/** Reads points of G2; undefined where the length is wrong, or one is neither on the curve nor the identity. */
export function parseG2Vector(bytes: Uint8Array): G2Vector | undefined {
  if (bytes.length % G2_FULL_BYTES !== 0) return undefined
  const coordinates = readCoordinates(bytes)
  if (coordinates === undefined) return undefined
  const points: G2Vector = { xs: [], ys: [] }
  for (let i = 0; i < coordinates.length; i += 4) {
    const x = { c0: coordinates[i + 1]!, c1: coordinates[i]! }
    const y = { c0: coordinates[i + 3]!, c1: coordinates[i + 2]! }
    const isZero = x.c0 === 0n && x.c1 === 0n && y.c0 === 0n && y.c1 === 0n
    if (!isZero && !isOnG2(x, y)) return undefined
    points.xs.push(x)
    points.ys.push(y)
  }
  return points
}

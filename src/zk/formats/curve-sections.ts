/**
 * What `.zkey` and `.ptau` files share besides their container: points of BLS12-381 with both coordinates, little-endian, each
 * coordinate multiplied by 2^384 modulo p (Montgomery's form), of G2 the part without i first; the identity is all zeros.
 */

import type { CurveFp2 } from '../../primitives/bls12-381.ts'
import { toHex } from '../../primitives/bytes.ts'
import { invertModulo } from '../field.ts'
import { BASE_ORDER } from '../groth16/base-field.ts'
import type { G1Vector, G2Vector } from '../groth16/pairing.ts'
import { G1_FULL_BYTES, G2_FULL_BYTES, isOnG1, isOnG2 } from '../groth16/point-bytes.ts'

/** Bytes of a coordinate in Fp. */
export const COORDINATE_BYTES = 48

const P = BASE_ORDER
let inverse: bigint | undefined

/** Undoes the multiplication by 2^384. */
function fromMontgomery(value: bigint): bigint {
  inverse ??= invertModulo(2n ** 384n % P, P)
  return (value * inverse) % P
}

/** Returns the integer that little-endian bytes stand for. */
export function toIntegerFromLittle(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`)
}

/** Coordinates below p; undefined where one is not, or where their number is another. */
function readCoordinates(bytes: Uint8Array, count: number): bigint[] | undefined {
  if (bytes.length !== count * COORDINATE_BYTES) return undefined
  const coordinates: bigint[] = []
  for (let at = 0; at < bytes.length; at += COORDINATE_BYTES) {
    const value = toIntegerFromLittle(bytes.subarray(at, at + COORDINATE_BYTES))
    if (value >= P) return undefined
    coordinates.push(fromMontgomery(value))
  }
  return coordinates
}

/** Reads so many points of the curve of G1, identities among them; undefined for anything else. Subgroups are not checked. */
export function readG1Points(bytes: Uint8Array, count: number): G1Vector | undefined {
  const coordinates = readCoordinates(bytes, (count * G1_FULL_BYTES) / COORDINATE_BYTES)
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

/** Reads so many points of the curve of G2, identities among them; undefined for anything else. Subgroups are not checked. */
export function readG2Points(bytes: Uint8Array, count: number): G2Vector | undefined {
  const coordinates = readCoordinates(bytes, (count * G2_FULL_BYTES) / COORDINATE_BYTES)
  if (coordinates === undefined) return undefined
  const points: G2Vector = { xs: [], ys: [] }
  for (let i = 0; i < coordinates.length; i += 4) {
    const [x0, x1, y0, y1] = coordinates.slice(i, i + 4) as [bigint, bigint, bigint, bigint]
    const [x, y]: [CurveFp2, CurveFp2] = [
      { c0: x0, c1: x1 },
      { c0: y0, c1: y1 },
    ]
    if ([x0, x1, y0, y1].some((value) => value !== 0n) && !isOnG2(x, y)) return undefined
    points.xs.push(x)
    points.ys.push(y)
  }
  return points
}

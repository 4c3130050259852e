import { bls12_381 } from '@noble/curves/bls12-381.js'

import type { BlsSecretKey } from '../../src/primitives/bls-secret.ts'
import { parseG1, parseG2, type G1Point, type G2Point } from '../../src/primitives/bls12-381.ts'
import { concatBytes, fromHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'

const { Fp, Fp2 } = bls12_381.fields
export const FIELD_ORDER = Fp.ORDER
export const GROUP_ORDER = bls12_381.fields.Fr.ORDER

/** Coordinates of G2 in the order of the encoding: c1 first. */
export type Fp2Pair = readonly [c1: bigint, c0: bigint]

export function toBytes(number: bigint, byteCount: number): Bytes {
  return fromHex(number.toString(16).padStart(2 * byteCount, '0'))
}

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** A small secret key of a signer; `toBytes(n, 32)` as a scalar. */
export function secretKey(number: bigint): BlsSecretKey {
  return toBytes(number, 32) as BlsSecretKey
}

function withFlags(bytes: Bytes, flags: number): Bytes {
  bytes[0] = (bytes[0] as number) | flags
  return bytes
}

/** The encoding of an affine pair, whether or not it is on the curve; written from the description, not from the package. */
export function compressG1(x: bigint, y: bigint): Bytes {
  return withFlags(toBytes(x, 48), y > Fp.ORDER - y ? 0xa0 : 0x80)
}

/** The encoding of an affine pair of G2; y counts by c1, and by c0 where that is zero. */
export function compressG2(x: Fp2Pair, y: Fp2Pair): Bytes {
  const part = y[0] === 0n ? y[1] : y[0]
  return withFlags(concatBytes(toBytes(x[0], 48), toBytes(x[1], 48)), part > Fp.ORDER - part ? 0xa0 : 0x80)
}

/** What the encoding has room for beside its flags; numbers from the field order on are the decoder's to refuse. */
const ROOM = 1n << 381n

/** Reads an affine pair through our decoder; undefined unless the decoded point has this very y. */
export function readG1(x: bigint, y: bigint): G1Point | undefined {
  if (x >= ROOM) return undefined
  const point = parseG1(compressG1(x, y))
  return point.ok && point.value.y === y ? point.value : undefined
}

export function readG2(x: Fp2Pair, y: Fp2Pair): G2Point | undefined {
  if (x[0] >= ROOM || x[1] >= 1n << 384n) return undefined
  const point = parseG2(compressG2(x, y))
  return point.ok && point.value.y.c1 === y[0] && point.value.y.c0 === y[1] ? point.value : undefined
}

function fieldElement(seed: string): bigint {
  return toNumber(concatBytes(sha256(toUtf8(`${seed} high`)), sha256(toUtf8(`${seed} low`)))) % Fp.ORDER
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

/** Points on the curve outside of the subgroup: x from a hash until there is a y and the order is not r. */
export function strayG1(count: number): { readonly x: bigint; readonly y: bigint }[] {
  const points = []
  for (let i = 0; points.length < count; i++) {
    const x = fieldElement(`stray G1 ${i}`)
    const y = attempt(() => Fp.sqrt(Fp.add(Fp.pow(x, 3n), 4n)))
    if (y !== undefined && !bls12_381.G1.Point.fromAffine({ x, y }).isTorsionFree()) points.push({ x, y })
  }
  return points
}

export function strayG2(count: number): { readonly x: Fp2Pair; readonly y: Fp2Pair }[] {
  const points: { readonly x: Fp2Pair; readonly y: Fp2Pair }[] = []
  for (let i = 0; points.length < count; i++) {
    const x = Fp2.create({ c0: fieldElement(`stray G2 ${i} c0`), c1: fieldElement(`stray G2 ${i} c1`) })
    const y = attempt(() => Fp2.sqrt(Fp2.add(Fp2.pow(x, 3n), { c0: 4n, c1: 4n })))
    if (y === undefined || bls12_381.G2.Point.fromAffine({ x, y }).isTorsionFree()) continue
    points.push({ x: [x.c1, x.c0], y: [y.c1, y.c0] })
  }
  return points
}

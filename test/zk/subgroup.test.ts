import { describe, expect, test } from 'vitest'

import { generatorOfG1, generatorOfG2 } from '../../src/primitives/bls12-381-group.ts'
import {
  encodeG1,
  encodeG2,
  pairingCurve,
  parseG1,
  parseG2,
  type CurveFp2,
  type G1Point,
  type G2Point,
} from '../../src/primitives/bls12-381.ts'
import { BASE_ORDER } from '../../src/zk/groth16/base-field.ts'
import { fromG1, fromG2 } from '../../src/zk/groth16/pairing.ts'
import { areAllInG1, areAllInG2, areInG1, areInG2, decompressG1, decompressG2 } from '../../src/zk/groth16/subgroup.ts'

const { Fp, Fp2 } = pairingCurve.fields

/** Points of the curve by their x from 1 on, nearly all of them outside of the subgroup. */
function curvePointsG1(count: number): { x: bigint; y: bigint }[] {
  const points: { x: bigint; y: bigint }[] = []
  for (let x = 0n; points.length < count; x++) {
    try {
      points.push({ x, y: Fp.sqrt(Fp.create(x * x * x + 4n)) })
    } catch {
      continue
    }
  }
  return points
}

function curvePointsG2(count: number): { x: CurveFp2; y: CurveFp2 }[] {
  const points: { x: CurveFp2; y: CurveFp2 }[] = []
  for (let c0 = 1n; points.length < count; c0++) {
    const x = Fp2.fromBigTuple([c0, 3n])
    try {
      points.push({ x, y: Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n]))) })
    } catch {
      continue
    }
  }
  return points
}

describe('the subgroups', () => {
  test('of G1: as the curve package says, point by point', () => {
    const { Point } = pairingCurve.G1
    const outside = curvePointsG1(6).map((point) => Point.fromAffine(point))
    const inside = [1n, 2n, 12_345n].map((k) => generatorOfG1().multiply(k))
    const mixed = [...outside, ...inside, inside[0]!.add(outside[0]!), inside[1]!.negate()]
    expect(areInG1(fromG1(mixed as G1Point[]))).toEqual(mixed.map((point) => point.isTorsionFree()))
    expect(areInG1({ xs: [0n], ys: [0n] })).toEqual([true])
    // (0, 2) has order 3.
    expect(areInG1({ xs: [0n, 0n], ys: [2n, BASE_ORDER - 2n] })).toEqual([false, false])
  })

  test('of G2', () => {
    const { Point } = pairingCurve.G2
    const outside = curvePointsG2(4).map((point) => Point.fromAffine(point))
    const inside = [1n, 2n, 12_345n].map((k) => generatorOfG2().multiply(k))
    const mixed = [...outside, ...inside, inside[0]!.add(outside[0]!), inside[1]!.negate()]
    expect(areInG2(fromG2(mixed as G2Point[]))).toEqual(mixed.map((point) => point.isTorsionFree()))
  })

  test('of many points at once: one wrong point, or two that cancel out, are found', () => {
    const { xs, ys } = fromG1([generatorOfG1(), generatorOfG1().negate() as G1Point])
    const many = (count: number): { xs: bigint[]; ys: bigint[] } => ({
      xs: Array.from({ length: count }, () => xs[0]!),
      ys: Array.from({ length: count }, (_, i) => ys[i & 1]!),
    })
    const points = many(4_500)
    expect(areAllInG1(points)).toBe(true)
    const one = { xs: points.xs.with(17, 0n), ys: points.ys.with(17, 2n) }
    expect(areAllInG1(one)).toBe(false)
    const two = { xs: one.xs.with(4_000, 0n), ys: one.ys.with(4_000, BASE_ORDER - 2n) }
    expect(areAllInG1(two)).toBe(false)
    expect(areAllInG1({ xs: [0n, 0n], ys: [2n, BASE_ORDER - 2n] })).toBe(false)
    expect(areAllInG2(fromG2([generatorOfG2()]))).toBe(true)
    const outside = curvePointsG2(1)
    expect(areAllInG2({ xs: [outside[0]!.x], ys: [outside[0]!.y] })).toBe(false)
  })

  test('a point without its check is read from the same bytes as with it', () => {
    for (const k of [1n, 2n, 3n, 4n, 2n ** 200n]) {
      const [g1, g2] = [generatorOfG1().multiply(k) as G1Point, generatorOfG2().multiply(k) as G2Point]
      const [x, y] = [g1.toAffine(), g2.toAffine()]
      expect(decompressG1(encodeG1(g1))).toEqual({ x: x.x, y: x.y })
      expect(decompressG1(encodeG1(g1.negate() as G1Point))).toEqual({ x: x.x, y: BASE_ORDER - x.y })
      const found = decompressG2(encodeG2(g2))!
      expect([found.x.c0, found.x.c1, found.y.c0, found.y.c1]).toEqual([y.x.c0, y.x.c1, y.y.c0, y.y.c1])
    }
    const [one, two] = [encodeG1(generatorOfG1()), encodeG2(generatorOfG2())]
    for (let i = 0; i < 48; i += 3) {
      for (const bit of [1, 32, 64, 128]) {
        const changed = one.map((byte, at) => (at === i ? byte ^ bit : byte))
        const found = decompressG1(changed)
        const isIn = found !== undefined && areInG1({ xs: [found.x], ys: [found.y] })[0]!
        expect(isIn).toBe(parseG1(changed).ok)
      }
    }
    for (let i = 0; i < 96; i += 13) {
      for (const bit of [1, 32, 64, 128]) {
        const changed = two.map((byte, at) => (at === i ? byte ^ bit : byte))
        const found = decompressG2(changed)
        const isIn = found !== undefined && areInG2({ xs: [found.x], ys: [found.y] })[0]!
        expect(isIn).toBe(parseG2(changed).ok)
      }
    }
    for (const bytes of [
      one.subarray(1),
      new Uint8Array(0),
      new Uint8Array(48),
      Uint8Array.of(0xc0, ...new Uint8Array(47)),
    ]) {
      expect(decompressG1(bytes)).toBeUndefined()
      expect(decompressG2(bytes)).toBeUndefined()
    }
    const order = Uint8Array.from(Buffer.from(BASE_ORDER.toString(16), 'hex'))
    expect(decompressG1(order.map((byte, i) => (i === 0 ? byte | 0x80 : byte)))).toBeUndefined()
  })
})

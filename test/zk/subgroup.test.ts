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
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { BASE_ORDER, baseFieldOfG1 } from '../../src/zk/groth16/base-field.ts'
import { fromG1, fromG2, isSameTarget, multiplyPairings, prepareG2 } from '../../src/zk/groth16/pairing.ts'
import { multiplyEach } from '../../src/zk/groth16/point-transform.ts'
import { prepareManyG2 } from '../../src/zk/groth16/prepare-many.ts'
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

describe('many points of G2 made ready for pairings', () => {
  /** Points of the twist of small prime orders: its cofactor has 13 and 23. */
  function smallOrder(order: bigint): G2Point {
    const cofactor =
      0x5d543a95414e7f1091d50792876a202cd91de4547085abaa68a205b2e5a7ddfa628f1cb4d9e82ef21537e293a6691ae1616ec6e786f0c70cf1c38e31c7238e5n
    const { Point } = pairingCurve.G2
    for (const candidate of curvePointsG2(9)) {
      let point = multiplyAny(Point.fromAffine(candidate) as G2Point, FIELD_ORDER)
      let rest = cofactor
      while (rest % order === 0n) rest /= order
      point = multiplyAny(point, rest)
      while (!point.is0() && !multiplyAny(point, order).is0()) point = multiplyAny(point, order)
      if (!point.is0()) return point
    }
    throw new Error('no point of this order')
  }
  /** By doubling and adding: the package takes scalars below r only. */
  function multiplyAny(point: G2Point, scalar: bigint): G2Point {
    let result = pairingCurve.G2.Point.ZERO
    for (const bit of scalar.toString(2)) {
      result = result.double()
      if (bit === '1') result = result.add(point)
    }
    return result as G2Point
  }

  test('give the pairings that points one by one give', () => {
    const points = [1n, 2n, 12_345n, FIELD_ORDER - 1n, 2n ** 200n + 1n].map(
      (k) => generatorOfG2().multiply(k) as G2Point,
    )
    const prepared = prepareManyG2(fromG2(points))
    const first = [generatorOfG1(), generatorOfG1().multiply(77n) as G1Point]
    for (const [i, point] of points.entries()) {
      const lines = prepared[i]!
      expect(lines).toHaveLength(prepareG2(point).length)
      for (const p of first) {
        expect(isSameTarget(multiplyPairings([[p, lines]]), multiplyPairings([[p, prepareG2(point)]]))).toBe(true)
      }
      // Both kinds of lines in one loop.
      const both = multiplyPairings([
        [first[0]!, lines],
        [first[0]!.negate() as G1Point, prepareG2(point)],
      ])
      expect(isSameTarget(both, multiplyPairings([]))).toBe(true)
    }
  })

  test('are refused outside of the subgroup, whatever their order, without harm to the others', () => {
    const { Point } = pairingCurve.G2
    const inside = generatorOfG2()
    const outside = curvePointsG2(4).map((point) => Point.fromAffine(point) as G2Point)
    const small = [13n, 23n].map(smallOrder)
    const points = [inside, ...outside, ...small, inside.add(small[0]!) as G2Point, inside.multiply(5n) as G2Point]
    const vector = fromG2(points)
    vector.xs.push({ c0: 0n, c1: 0n })
    vector.ys.push({ c0: 0n, c1: 0n })
    const prepared = prepareManyG2(vector)
    expect(prepared.map((lines) => lines !== undefined)).toEqual([
      ...points.map((point) => point.isTorsionFree()),
      false,
    ])
    expect(prepareManyG2({ xs: [], ys: [] })).toEqual([])
  })
})

test('many multiples of points of G1 are those of the curve package', () => {
  const scalars = [0n, 1n, 2n, 2n ** 64n - 1n, 2n ** 128n + 5n, FIELD_ORDER - 1n, 0xd201000000010000n ** 2n]
  const points = scalars.map((_, i) => generatorOfG1().multiply(BigInt(i + 3)) as G1Point)
  const found = multiplyEach(baseFieldOfG1, fromG1(points), scalars)
  for (const [i, scalar] of scalars.entries()) {
    const { x, y } = points[i]!.multiplyUnsafe(scalar).toAffine()
    expect([found.xs[i], found.ys[i]]).toEqual([x, y])
  }
})

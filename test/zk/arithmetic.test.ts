import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { generatorOfG1, generatorOfG2 } from '../../src/primitives/bls12-381-group.ts'
import { pairingCurve, type G1Point, type G2Point } from '../../src/primitives/bls12-381.ts'
import { FIELD_ORDER, powField } from '../../src/zk/field.ts'
import { addAll, doubleAll, identities, type AffineVector } from '../../src/zk/groth16/affine.ts'
import { createPortableBackend } from '../../src/zk/groth16/backend.ts'
import { BASE_ORDER, baseFieldOfG1, baseFieldOfG2, type BaseField } from '../../src/zk/groth16/base-field.ts'
import {
  domainLog,
  evaluateAtRoots,
  evaluateBetweenRoots,
  interpolate,
  rootOfUnity,
} from '../../src/zk/groth16/domain.ts'
import { multiplyAndSum, multiplyAndSumG1 } from '../../src/zk/groth16/multi-scalar.ts'
import { fromG1, fromG2, toG1, toG2 } from '../../src/zk/groth16/pairing.ts'
import { evaluateLagrange, evaluateQuotientBasis } from '../../src/zk/groth16/quadratic-program.ts'
import { propertyRuns } from '../support/property.ts'

const backend = createPortableBackend()
const element = fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n })
const edge = fc.oneof(element, fc.constantFrom(0n, 1n, 2n, FIELD_ORDER - 1n, FIELD_ORDER - 2n, 2n ** 64n, 2n ** 254n))
const normal = <E>({ xs, ys }: AffineVector<E>, field: BaseField<E>): unknown =>
  [xs, ys].map((list) => list.map((value) => field.normalize(value)))

describe('points', () => {
  const multiple = (k: number): G1Point => {
    const base = generatorOfG1()
    if (k === 0) return pairingCurve.G1.Point.ZERO as G1Point
    return (k < 0 ? base.multiply(BigInt(-k)).negate() : base.multiply(BigInt(k))) as G1Point
  }
  const multipleG2 = (k: number): G2Point => {
    if (k === 0) return pairingCurve.G2.Point.ZERO as G2Point
    const point = generatorOfG2().multiply(BigInt(Math.abs(k)))
    return (k < 0 ? point.negate() : point) as G2Point
  }
  const small = fc.integer({ min: -3, max: 3 })

  test('additions are complete: equal, opposite, identity', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { minLength: 1, maxLength: 12 }), (pairs) => {
        const first = fromG1Complete(pairs.map(([k]) => multiple(k)))
        addAll(baseFieldOfG1, first, fromG1Complete(pairs.map(([, k]) => multiple(k))))
        const expected = fromG1Complete(pairs.map(([a, b]) => multiple(a + b)))
        expect(normal(first, baseFieldOfG1)).toEqual(normal(expected, baseFieldOfG1))
        const second = fromG2Complete(pairs.map(([k]) => multipleG2(k)))
        addAll(baseFieldOfG2, second, fromG2Complete(pairs.map(([, k]) => multipleG2(k))))
        const sums = fromG2Complete(pairs.map(([a, b]) => multipleG2(a + b)))
        expect(normal(second, baseFieldOfG2)).toEqual(normal(sums, baseFieldOfG2))
      }),
      propertyRuns(15),
    )
  })

  test('doublings', () => {
    const points = fromG1Complete([multiple(1), multiple(0), multiple(-2)])
    doubleAll(baseFieldOfG1, points)
    expect(normal(points, baseFieldOfG1)).toEqual(
      normal(fromG1Complete([multiple(2), multiple(0), multiple(-4)]), baseFieldOfG1),
    )
  })

  /** noble throws for the affine form of the identity in no version, but says (0, 0) in this one; both are taken. */
  function fromG1Complete(points: readonly G1Point[]): AffineVector<bigint> {
    const vector = identities(baseFieldOfG1, points.length)
    for (const [i, point] of points.entries()) {
      if (point.is0()) continue
      const { xs, ys } = fromG1([point])
      vector.xs[i] = xs[0]!
      vector.ys[i] = ys[0]!
    }
    return vector
  }
  function fromG2Complete(points: readonly G2Point[]): ReturnType<typeof fromG2> {
    const vector = identities(baseFieldOfG2, points.length)
    for (const [i, point] of points.entries()) {
      if (point.is0()) continue
      const { xs, ys } = fromG2([point])
      vector.xs[i] = xs[0]!
      vector.ys[i] = ys[0]!
    }
    return vector
  }

  test.each([1, 2, 3, 31, 33, 70])('sums of %d multiples, with repeated points and edges of scalars', (count) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(small, edge), { minLength: count, maxLength: count }), (items) => {
        const scalars = items.map(([, scalar]) => scalar)
        const total = items.reduce((sum, [k, scalar]) => sum + BigInt(k) * scalar, 0n)
        const reduced = ((total % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
        const g1 = toG1(multiplyAndSum(baseFieldOfG1, fromG1Complete(items.map(([k]) => multiple(k))), scalars))
        expect(g1.equals(reduced === 0n ? pairingCurve.G1.Point.ZERO : generatorOfG1().multiply(reduced))).toBe(true)
        const split = toG1(multiplyAndSumG1(fromG1Complete(items.map(([k]) => multiple(k))), scalars))
        expect(split.equals(g1)).toBe(true)
        const g2 = toG2(multiplyAndSum(baseFieldOfG2, fromG2Complete(items.map(([k]) => multipleG2(k))), scalars))
        expect(g2.equals(reduced === 0n ? pairingCurve.G2.Point.ZERO : generatorOfG2().multiply(reduced))).toBe(true)
      }),
      propertyRuns(3),
    )
  })

  test('sums of many multiples agree with a single one', () => {
    const count = 300
    const points = fromG1Complete(Array.from({ length: count }, (_, i) => multiple(i + 1)))
    const scalars = Array.from({ length: count }, (_, i) => (BigInt(i) ** 40n + 5n) % FIELD_ORDER)
    const total = scalars.reduce((sum, scalar, i) => (sum + BigInt(i + 1) * scalar) % FIELD_ORDER, 0n)
    expect(toG1(multiplyAndSum(baseFieldOfG1, points, scalars)).equals(generatorOfG1().multiply(total))).toBe(true)
    expect(toG1(multiplyAndSumG1(points, scalars)).equals(generatorOfG1().multiply(total))).toBe(true)
    expect(() => multiplyAndSum(baseFieldOfG1, points, scalars.slice(1))).toThrow('"scalars"')
  })

  test('nothing and zeros sum up to the identity', () => {
    const one = fromG1([generatorOfG1()])
    for (const sum of [
      multiplyAndSum(baseFieldOfG1, { xs: [], ys: [] }, []),
      multiplyAndSum(baseFieldOfG1, one, [0n]),
      multiplyAndSum(baseFieldOfG1, identities(baseFieldOfG1, 1), [5n]),
    ]) {
      expect(toG1(sum).is0()).toBe(true)
    }
  })

  test('multiples of the generators', async () => {
    const scalars = [0n, 1n, 2n, 255n, 256n, FIELD_ORDER - 1n, 3n ** 150n % FIELD_ORDER]
    const g1 = await backend.multiplesOfG1(scalars)
    const g2 = await backend.multiplesOfG2(scalars)
    for (const [i, scalar] of scalars.entries()) {
      expect(toG1(g1, i).equals(scalar === 0n ? pairingCurve.G1.Point.ZERO : generatorOfG1().multiply(scalar))).toBe(
        true,
      )
      expect(toG2(g2, i).equals(scalar === 0n ? pairingCurve.G2.Point.ZERO : generatorOfG2().multiply(scalar))).toBe(
        true,
      )
    }
  })

  test('the base field is that of the curve', () => {
    expect(BASE_ORDER).toBe(pairingCurve.fields.Fp.ORDER)
    expect(FIELD_ORDER).toBe(pairingCurve.fields.Fr.ORDER)
  })
})

describe('domains', () => {
  const horner = (coefficients: readonly bigint[], x: bigint): bigint =>
    coefficients.reduceRight((value, coefficient) => (value * x + coefficient) % FIELD_ORDER, 0n)

  test('roots of unity come from 5, the least non-residue', () => {
    expect(powField(5n, (FIELD_ORDER - 1n) / 2n)).toBe(FIELD_ORDER - 1n)
    for (const log of [1, 2, 10, 32]) {
      expect(powField(rootOfUnity(log), 2n ** BigInt(log))).toBe(1n)
      expect(powField(rootOfUnity(log), 2n ** BigInt(log - 1))).toBe(FIELD_ORDER - 1n)
    }
    expect(rootOfUnity(3)).toBe(powField(5n, (FIELD_ORDER - 1n) / 8n))
  })

  test('transforms are what polynomials say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(edge, { minLength: 32, maxLength: 32 }), (log, list) => {
        const coefficients = list.slice(0, 2 ** log)
        const values = evaluateAtRoots(coefficients)
        const between = evaluateBetweenRoots(coefficients)
        for (let i = 0; i < coefficients.length; i++) {
          expect(values[i]).toBe(horner(coefficients, powField(rootOfUnity(log), BigInt(i))))
          expect(between[i]).toBe(horner(coefficients, powField(rootOfUnity(log + 1), BigInt(2 * i + 1))))
        }
        expect(interpolate(values)).toEqual(coefficients)
      }),
      propertyRuns(15),
    )
  })

  test('Lagrange polynomials and the basis of the quotient', () => {
    const tau = 123_456_789n ** 7n % FIELD_ORDER
    const coefficients = Array.from({ length: 8 }, (_, i) => BigInt(i) ** 30n + 1n)
    const values = evaluateAtRoots(coefficients)
    const lagrange = evaluateLagrange(tau, { log: 3, first: 1n, step: rootOfUnity(3), count: 8 })
    const sum = values.reduce((total, value, i) => (total + value * lagrange[i]!) % FIELD_ORDER, 0n)
    expect(sum).toBe(horner(coefficients, tau))
    // Z(x) q(x) for some q of degree 6 is determined by its values between the roots.
    const quotient = coefficients.slice(0, 7)
    const at = (x: bigint): bigint => ((powField(x, 8n) - 1n + FIELD_ORDER) * horner(quotient, x)) % FIELD_ORDER
    const basis = evaluateQuotientBasis(3, tau)
    const total = basis.reduce(
      (all, value, i) => (all + value * at(powField(rootOfUnity(4), BigInt(2 * i + 1)))) % FIELD_ORDER,
      0n,
    )
    expect(total).toBe(at(tau))
  })

  test('sizes', () => {
    expect([1, 2, 3, 4, 5, 2 ** 20].map(domainLog)).toEqual([1, 1, 2, 2, 3, 20])
    expect(() => domainLog(2 ** 20 + 1)).toThrow('"rows"')
  })
})

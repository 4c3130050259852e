import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import {
  cyclotomicSquare,
  FIELD_ORDER,
  frobenius,
  fromCurveFp12,
  invert,
  multiply,
  square,
  toCanonical,
  toCurveFp12,
  type Fp12,
} from '../../src/primitives/fp12.ts'
import { GT_BYTES } from '../../src/primitives/gt.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'
import type { G1Element, G2Element, GtElement } from '../../src/primitives/pairing-groups.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { GROUP_ORDER, toBytes } from '../support/bls.ts'

// The slow and obvious second opinion: the curve package's own forms, with its generic powers.
const { fields, G1, G2, pairing } = bls12_381
const groups = createPairingGroups()
const last = (GROUP_ORDER - 1n) as BlsScalar
const large = 0x5ed4c2f0a1b39788766554433221100ffeeddccbbaa998877665544332211009n as BlsScalar
const scalars = [
  1n,
  2n,
  3n,
  16n,
  0xd201000000010000n,
  0xd201000000010000n ** 2n,
  2n ** 128n,
  large,
  last,
] as BlsScalar[]

const point1 = G1.hashToCurve(toUtf8('one'), { DST: 'test of groups, G1' })
const point2 = G2.hashToCurve(toUtf8('two'), { DST: 'test of groups, G2' })
const p = groups.parseG1(point1.toBytes(true)) as G1Element
const q = groups.parseG2(point2.toBytes(true)) as G2Element
const paired = pairing(point1, point2)
const z = groups.pair([[p, groups.prepareG2(q)]]) as GtElement

function bytesOfFp12(f: Fp12): string {
  return toHex(fields.Fp12.toBytes(toCurveFp12(toCanonical(f))))
}

/** The bytes of an element behind the opaque type. */
function gtBytes(element: GtElement | undefined): string {
  return bytesOfFp12(element as unknown as Fp12)
}

/** (1 + c0) / c1 over Fp6, written with the curve package: also for what is outside of GT. */
function compress(f: ReturnType<typeof fields.Fp12.create>): Uint8Array {
  const { Fp6 } = fields
  return Fp6.toBytes(Fp6.mul(Fp6.add(Fp6.ONE, f.c0), Fp6.inv(f.c1)))
}

const someFp12 = fields.Fp12.fromBigTwelve([3n, 1n, 4n, 1n, 5n, 9n, 2n, 6n, 5n, 3n, 5n, 8n])

describe('Fp12', () => {
  const a = fromCurveFp12(someFp12)
  const b = fromCurveFp12(paired)

  it('agrees with the curve package', () => {
    const { Fp12 } = fields
    expect(bytesOfFp12(multiply(a, b))).toBe(toHex(Fp12.toBytes(Fp12.mul(someFp12, paired))))
    expect(bytesOfFp12(square(a))).toBe(toHex(Fp12.toBytes(Fp12.sqr(someFp12))))
    expect(bytesOfFp12(cyclotomicSquare(b))).toBe(toHex(Fp12.toBytes(Fp12.sqr(paired))))
    expect(bytesOfFp12(frobenius(a))).toBe(toHex(Fp12.toBytes(Fp12.pow(someFp12, FIELD_ORDER))))
    expect(bytesOfFp12(invert(a))).toBe(toHex(Fp12.toBytes(Fp12.inv(someFp12))))
  })

  it('stays right when unreduced numbers go round', () => {
    let ours = a
    let slow = someFp12
    for (let i = 0; i < 50; i++) {
      ours = multiply(square(ours), frobenius(multiply(ours, b)))
      slow = fields.Fp12.mul(fields.Fp12.sqr(slow), fields.Fp12.frobeniusMap(fields.Fp12.mul(slow, paired), 1))
    }
    expect(bytesOfFp12(ours)).toBe(toHex(fields.Fp12.toBytes(slow)))
  })
})

describe('pairings', () => {
  it('are those of the curve package', () => {
    expect(gtBytes(z)).toBe(toHex(fields.Fp12.toBytes(paired)))
  })

  it('of a product need one final exponentiation', () => {
    const product = groups.pair([
      [p, groups.prepareG2(q)],
      [groups.g1, groups.prepareG2(groups.g2)],
      [groups.multiplyBaseG1(large), groups.prepareG2(q)],
    ])
    const slow = [pairing(G1.Point.BASE, G2.Point.BASE), pairing(G1.Point.BASE.multiply(large), point2)].reduce(
      (left, right) => fields.Fp12.mul(left, right),
      paired,
    )
    expect(gtBytes(product)).toBe(toHex(fields.Fp12.toBytes(slow)))
  })

  it('say so when the product is one', () => {
    const lines = groups.prepareG2(q)
    expect(
      groups.pair([
        [p, lines],
        [groups.negateG1(p), lines],
      ]),
    ).toBeUndefined()
    expect(groups.pair([])).toBeUndefined()
  })

  it('are bilinear', () => {
    const left = groups.pair([[groups.multiplyG1(p, large), groups.prepareG2(q)]]) as GtElement
    const right = groups.pair([[p, groups.prepareG2(groups.multiplyG2Public(q, large))]]) as GtElement
    expect(groups.isEqualGt(left, right)).toBe(true)
    expect(groups.isEqualGt(left, groups.powerGt(z, large))).toBe(true)
    expect(groups.isEqualGt(left, z)).toBe(false)
  })
})

describe.each(scalars.map((scalar) => [scalar.toString(16), scalar] as const))('scalar %s', (_, scalar) => {
  it('multiplies in G1', () => {
    const expected = toHex(point1.multiply(scalar).toBytes(true))
    expect(toHex(groups.encodeG1(groups.multiplyG1(p, scalar)))).toBe(expected)
    expect(toHex(groups.encodeG1(groups.multiplyG1Public(p, scalar)))).toBe(expected)
    const ofBase = toHex(G1.Point.BASE.multiply(scalar).toBytes(true))
    expect(toHex(groups.encodeG1(groups.multiplyBaseG1(scalar)))).toBe(ofBase)
    expect(toHex(groups.encodeG1(groups.multiplyG1Public(groups.g1, scalar)))).toBe(ofBase)
  })

  it('multiplies in G2', () => {
    const expected = toHex(point2.multiply(scalar).toBytes(true))
    expect(toHex(groups.encodeG2(groups.multiplyG2(q, scalar)))).toBe(expected)
    expect(toHex(groups.encodeG2(groups.multiplyG2Public(q, scalar)))).toBe(expected)
    expect(toHex(groups.encodeG2(groups.multiplyBaseG2(scalar)))).toBe(
      toHex(G2.Point.BASE.multiply(scalar).toBytes(true)),
    )
  })

  it('raises in GT', () => {
    const expected = toHex(fields.Fp12.toBytes(fields.Fp12.pow(paired, scalar)))
    expect(gtBytes(groups.powerGt(z, scalar))).toBe(expected)
    expect(gtBytes(groups.powerGtPublic(z, scalar))).toBe(expected)
    expect(gtBytes(groups.powerPreparedGt(groups.prepareGt(z), scalar))).toBe(expected)
  })
})

describe('sums and products', () => {
  it('are undefined where they are the identity', () => {
    expect(groups.addG1(p, groups.negateG1(p))).toBeUndefined()
    expect(groups.addG2(q, groups.multiplyG2Public(q, last))).toBeUndefined()
    expect(groups.multiplyGt(z, groups.invertGt(z))).toBeUndefined()
  })

  it('are those of the groups', () => {
    const two = 2n as BlsScalar
    const double1 = groups.addG1(p, p) as G1Element
    expect(groups.isEqualG1(double1, groups.multiplyG1(p, two))).toBe(true)
    expect(groups.isEqualG1(double1, p)).toBe(false)
    expect(toHex(groups.encodeG2(groups.addG2(q, q) as G2Element))).toBe(toHex(point2.double().toBytes(true)))
    expect(groups.isEqualGt(groups.multiplyGt(z, z) as GtElement, groups.powerGt(z, two))).toBe(true)
  })
})

describe('encodings', () => {
  it('of G1 and G2 are the strict ones', () => {
    expect(groups.parseG1(point1.toBytes(false))).toBeUndefined()
    expect(groups.parseG1(G1.Point.ZERO.toBytes(true))).toBeUndefined()
    expect(groups.parseG2(point2.toBytes(false))).toBeUndefined()
    expect(groups.parseG2(G2.Point.ZERO.toBytes(true))).toBeUndefined()
  })

  it('of GT take 288 bytes and come back', () => {
    const bytes = groups.encodeGt(z)
    expect(bytes).toHaveLength(GT_BYTES)
    expect(toHex(bytes)).toBe(toHex(compress(paired)))
    const again = groups.parseGt(bytes) as GtElement
    expect(groups.isEqualGt(again, z)).toBe(true)
    expect(gtBytes(again)).toBe(gtBytes(z))
  })

  it('of GT refuse another length and numbers from p on', () => {
    const bytes = groups.encodeGt(z)
    expect(groups.parseGt(bytes.subarray(1))).toBeUndefined()
    expect(groups.parseGt(Uint8Array.of(...bytes, 0))).toBeUndefined()
    expect(groups.parseGt(undefined as unknown as Uint8Array)).toBeUndefined()
    for (let part = 0; part < 6; part++) {
      const integer = BigInt(`0x${toHex(bytes.subarray(48 * part, 48 * part + 48))}`)
      const second = Uint8Array.from(bytes)
      // The same residue, written a second time where 48 bytes have room for it.
      second.set(toBytes(integer + FIELD_ORDER, 48), 48 * part)
      expect(groups.parseGt(second)).toBeUndefined()
    }
  })

  it('of GT refuse minus one', () => {
    // alpha = 0 decodes to w / -w; one itself has no encoding.
    expect(groups.parseGt(new Uint8Array(GT_BYTES))).toBeUndefined()
  })
})

/** An element of the wanted prime order, found by raising any other element to the cofactor. */
function elementOfOrder(order: bigint): typeof someFp12 {
  const cofactor = (FIELD_ORDER ** 12n - 1n) / order
  const element = fields.Fp12.pow(someFp12, cofactor)
  expect(fields.Fp12.eql(element, fields.Fp12.ONE)).toBe(false)
  expect(fields.Fp12.eql(fields.Fp12.pow(element, order), fields.Fp12.ONE)).toBe(true)
  return element
}

describe('membership in GT', () => {
  const cyclotomicOrder = FIELD_ORDER ** 4n - FIELD_ORDER ** 2n + 1n

  it('rests on the two tests leaving the order r and no multiple of it', () => {
    const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))
    // Frobenius acts as the power x exactly on orders that divide p - x.
    expect(gcd(cyclotomicOrder, FIELD_ORDER + 0xd201000000010000n)).toBe(BLS_GROUP_ORDER)
  })

  it('refuses order 37, which is of norm one but not cyclotomic', () => {
    const element = elementOfOrder(37n)
    expect((FIELD_ORDER ** 6n + 1n) % 37n).toBe(0n)
    expect(cyclotomicOrder % 37n).not.toBe(0n)
    expect(groups.parseGt(compress(element))).toBeUndefined()
    expect(groups.parseGt(compress(fields.Fp12.mul(paired, element)))).toBeUndefined()
  })

  it('refuses order 4513, which is cyclotomic', () => {
    const element = elementOfOrder(4513n)
    expect(cyclotomicOrder % 4513n).toBe(0n)
    expect(groups.parseGt(compress(element))).toBeUndefined()
    expect(groups.parseGt(compress(fields.Fp12.mul(paired, element)))).toBeUndefined()
  })

  it('refuses bytes at random, which decode to norm one', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const bytes = new Uint8Array(GT_BYTES).map((_, i) => (i % 48 === 0 ? 0 : (seed * 131 + i * 7) & 255))
      expect(groups.parseGt(bytes)).toBeUndefined()
    }
  })
})

describe('hashing and one object', () => {
  it('hashes to G2 under the tag', () => {
    const bytes = groups.encodeG2(groups.hashToG2(toUtf8('x'), TAGS.prePossession))
    expect(toHex(bytes)).toBe(toHex(G2.hashToCurve(toUtf8('x'), { DST: TAGS.prePossession }).toBytes(true)))
  })

  it('gives the same groups again', () => {
    expect(createPairingGroups()).toBe(groups)
  })
})

/**
 * The groups of BLS12-381 in TypeScript: points by the curve package, GT and pairings by this library.
 *
 * Scalars that may be secret go along the curve package's own multiplication, which does not branch on them, and along
 * windows of fixed size in GT. Public scalars are split by an endomorphism: x -> x * beta on G1, the untwisted Frobenius
 * on G2, Frobenius on GT. None of this is constant time: JavaScript's integers are not.
 */

import {
  encodeG1,
  encodeG2,
  parseG1,
  parseG2,
  pairingCurve,
  type BlsScalar,
  type CurveFp2,
  type G1Point,
  type G2Point,
} from './bls12-381.ts'
import { addG1, addG2, hashToG2 } from './bls12-381-group.ts'
import { FIELD_ORDER } from './fp12.ts'
import {
  createGtTable,
  encodeGt,
  fromPairing,
  invertGt,
  isGtEqual,
  multiplyGt,
  parseGt,
  powerGt,
  powerGtPublic,
  powerOfGtTable,
  type Gt,
  type GtTable,
} from './gt.ts'
import { createLines, CURVE_X, multiplyPairings, type Lines } from './miller.ts'
import type { G1Element, G2Element, GtElement, PairingGroups, PreparedG2, PreparedGt } from './pairing-groups.ts'
import { splitPower, type SplitGroup } from './split-power.ts'
import type { Tag } from './tags.ts'

/** A root of unity of order three in Fp, for which (beta * x, y) is -[x^2](x, y) with the parameter x. */
const BETA = 0x5f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffen

type G1 = typeof pairingCurve.G1.Point.BASE
type G2 = typeof pairingCurve.G2.Point.BASE

/** The untwisted Frobenius: multiplication by the parameter x, which is negative. */
function createFrobenius(): (point: G2) => G2 {
  const { Fp2 } = pairingCurve.fields
  const conjugate = (value: CurveFp2) => Fp2.frobeniusMap(value, 1)
  // 1/(1 + u)^((p - 1)/3) and 1/(1 + u)^((p - 1)/2).
  const twist = Fp2.inv(Fp2.fromBigTuple([1n, 1n]))
  const ofX = Fp2.pow(twist, (FIELD_ORDER - 1n) / 3n)
  const ofY = Fp2.pow(twist, (FIELD_ORDER - 1n) / 2n)
  return ({ X, Y, Z }) =>
    new pairingCurve.G2.Point(Fp2.mul(conjugate(X), ofX), Fp2.mul(conjugate(Y), ofY), conjugate(Z))
}

function createG1Split(): SplitGroup<G1> {
  const { Fp } = pairingCurve.fields
  return {
    one: pairingCurve.G1.Point.ZERO,
    square: (a) => a.double(),
    multiply: (a, b) => a.add(b),
    invert: (a) => a.negate(),
    endomorphism: ({ X, Y, Z }) => new pairingCurve.G1.Point(Fp.mul(X, BETA), Fp.neg(Y), Z),
    base: CURVE_X * CURVE_X,
    digitCount: 2,
  }
}

function createG2Split(): SplitGroup<G2> {
  const frobenius = createFrobenius()
  return {
    one: pairingCurve.G2.Point.ZERO,
    square: (a) => a.double(),
    multiply: (a, b) => a.add(b),
    invert: (a) => a.negate(),
    endomorphism: (a) => frobenius(a).negate(),
    base: CURVE_X,
    digitCount: 4,
  }
}

/** Windows of the tables of the generators: 33 x 128 points each, made on first use. */
const BASE_WINDOW_BITS = 8

/** The types behind the opaque ones; this file alone converts, and nothing is checked here. */
const g1 = (element: G1Element) => element as unknown as G1Point
const g2 = (element: G2Element) => element as unknown as G2Point
const gt = (element: GtElement) => element as unknown as Gt
const opaque = {
  g1: (point: unknown) => point as G1Element,
  g2: (point: unknown) => point as G2Element,
  gt: (element: unknown) => element as GtElement,
}

/**
 * Returns the groups that run everywhere.
 *
 * Made on first use and then one object: about 1 MiB of tables. Costs on one core of a small server: pairing with known
 * lines 3 ms, lines 0.9 ms, power in GT 0.9 ms, multiple in G1 0.7 ms, in G2 2 ms, hashing to G2 6 ms.
 */
export function createPairingGroups(): PairingGroups {
  return (groups ??= createGroups())
}

let groups: PairingGroups | undefined

function createGroups(): PairingGroups {
  const { G1, G2 } = pairingCurve
  const g1Split = createG1Split()
  const g2Split = createG2Split()
  // Points of their own: the tables must not change what others measure with the generators.
  const base1 = G1.Point.fromAffine(G1.Point.BASE.toAffine())
  const base2 = G2.Point.fromAffine(G2.Point.BASE.toAffine())
  base1.precompute(BASE_WINDOW_BITS)
  base2.precompute(BASE_WINDOW_BITS)
  const read = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T | undefined =>
    result.ok ? result.value : undefined
  return Object.freeze({
    name: 'portable',
    g1: opaque.g1(base1),
    g2: opaque.g2(base2),
    parseG1: (bytes: Uint8Array) => opaque.g1(read(parseG1(bytes))),
    encodeG1: (element: G1Element) => encodeG1(g1(element)),
    parseG2: (bytes: Uint8Array) => opaque.g2(read(parseG2(bytes))),
    encodeG2: (element: G2Element) => encodeG2(g2(element)),
    parseGt: (bytes: Uint8Array) => opaque.gt(parseGt(bytes)),
    encodeGt: (element: GtElement) => encodeGt(gt(element)),
    hashToG2: (message: Uint8Array, tag: Tag) => opaque.g2(hashToG2(message, tag)),
    multiplyBaseG1: (scalar: BlsScalar) => opaque.g1(base1.multiply(scalar)),
    multiplyG1: (element: G1Element, scalar: BlsScalar) => opaque.g1(g1(element).multiply(scalar)),
    multiplyG1Public: (element: G1Element, scalar: BlsScalar) =>
      opaque.g1(splitPower<G1>(g1Split, g1(element), scalar)),
    addG1: (left: G1Element, right: G1Element) => opaque.g1(addG1([g1(left), g1(right)])),
    negateG1: (element: G1Element) => opaque.g1(g1(element).negate()),
    isEqualG1: (left: G1Element, right: G1Element) => g1(left).equals(g1(right)),
    multiplyBaseG2: (scalar: BlsScalar) => opaque.g2(base2.multiply(scalar)),
    multiplyG2: (element: G2Element, scalar: BlsScalar) => opaque.g2(g2(element).multiply(scalar)),
    multiplyG2Public: (element: G2Element, scalar: BlsScalar) =>
      opaque.g2(splitPower<G2>(g2Split, g2(element), scalar)),
    addG2: (left: G2Element, right: G2Element) => opaque.g2(addG2([g2(left), g2(right)])),
    powerGt: (element: GtElement, exponent: BlsScalar) => opaque.gt(powerGt(gt(element), exponent)),
    powerGtPublic: (element: GtElement, exponent: BlsScalar) => opaque.gt(powerGtPublic(gt(element), exponent)),
    multiplyGt: (left: GtElement, right: GtElement) => opaque.gt(multiplyGt(gt(left), gt(right))),
    invertGt: (element: GtElement) => opaque.gt(invertGt(gt(element))),
    isEqualGt: (left: GtElement, right: GtElement) => isGtEqual(gt(left), gt(right)),
    prepareGt: (element: GtElement) => createGtTable(gt(element)) as unknown as PreparedGt,
    powerPreparedGt: (element: PreparedGt, exponent: BlsScalar) =>
      opaque.gt(powerOfGtTable(element as unknown as GtTable, exponent)),
    prepareG2: (element: G2Element) => createLines(g2(element)) as unknown as PreparedG2,
    pair: (pairs: readonly (readonly [G1Element, PreparedG2])[]) =>
      opaque.gt(fromPairing(multiplyPairings(pairs.map(([p, q]) => [g1(p), q as unknown as Lines])))),
  })
}

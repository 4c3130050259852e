/**
 * Arithmetic of Fp12, in which pairings of BLS12-381 end: multiplication, squaring, conjugation, Frobenius.
 *
 * Fp2 = Fp[u]/(u^2 + 1), Fp6 = Fp2[v]/(v^3 - xi) with xi = 1 + u, Fp12 = Fp6[w]/(w^2 - v). An element is twelve integers
 * in the order of the curve package. Most of the time of a product over big integers goes into reductions modulo p, so
 * sums of products are reduced once, at the end: 12 reductions instead of 54 for a product, which makes it about three
 * times as fast. Numbers inside are congruent modulo p and lie in (-p, p); {@link toCanonical} gives the one form.
 *
 * Not constant time: JavaScript's integers are not. Kept inside the library.
 */

import { pairingCurve, type CurveFp12, type CurveFp2, type CurveFp6 } from './bls12-381.ts'

/** Order p of the base field. */
export const FIELD_ORDER =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn

/** Element of Fp6: three of Fp2. */
export type Fp6 = readonly [bigint, bigint, bigint, bigint, bigint, bigint]
/** Element of Fp12: two of Fp6. */
export type Fp12 = readonly [...Fp6, ...Fp6]

/** The one of Fp12. */
export const ONE: Fp12 = [1n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]

const P = FIELD_ORDER

/** Product in Fp6 by Karatsuba, 18 multiplications, not reduced. */
function multiply6(
  a0: bigint,
  a1: bigint,
  b0: bigint,
  b1: bigint,
  c0: bigint,
  c1: bigint,
  r0: bigint,
  r1: bigint,
  s0: bigint,
  s1: bigint,
  t0: bigint,
  t1: bigint,
): Fp6 {
  // Real and imaginary parts of a*r, b*s and c*t.
  const ar0 = a0 * r0
  const ar1 = a1 * r1
  const x0 = ar0 - ar1
  const x1 = (a0 + a1) * (r0 + r1) - ar0 - ar1
  const bs0 = b0 * s0
  const bs1 = b1 * s1
  const y0 = bs0 - bs1
  const y1 = (b0 + b1) * (s0 + s1) - bs0 - bs1
  const ct0 = c0 * t0
  const ct1 = c1 * t1
  const z0 = ct0 - ct1
  const z1 = (c0 + c1) * (t0 + t1) - ct0 - ct1
  // (b + c)(s + t) - b*s - c*t, and so on.
  const bc0 = b0 + c0
  const bc1 = b1 + c1
  const st0 = s0 + t0
  const st1 = s1 + t1
  let m0 = bc0 * st0
  let m1 = bc1 * st1
  const u0 = m0 - m1 - y0 - z0
  const u1 = (bc0 + bc1) * (st0 + st1) - m0 - m1 - y1 - z1
  const ab0 = a0 + b0
  const ab1 = a1 + b1
  const rs0 = r0 + s0
  const rs1 = r1 + s1
  m0 = ab0 * rs0
  m1 = ab1 * rs1
  const v0 = m0 - m1 - x0 - y0
  const v1 = (ab0 + ab1) * (rs0 + rs1) - m0 - m1 - x1 - y1
  const ac0 = a0 + c0
  const ac1 = a1 + c1
  const rt0 = r0 + t0
  const rt1 = r1 + t1
  m0 = ac0 * rt0
  m1 = ac1 * rt1
  const w0 = m0 - m1 - x0 - z0
  const w1 = (ac0 + ac1) * (rt0 + rt1) - m0 - m1 - x1 - z1
  return [x0 + u0 - u1, x1 + u0 + u1, v0 + z0 - z1, v1 + z0 + z1, w0 + y0, w1 + y1]
}

/** Product of two elements of Fp6, reduced. */
export function multiplyFp6(a: Fp6, b: Fp6): Fp6 {
  const [c0, c1, c2, c3, c4, c5] = multiply6(...a, ...b)
  return [c0 % P, c1 % P, c2 % P, c3 % P, c4 % P, c5 % P]
}

/** Product of two elements. */
export function multiply(a: Fp12, b: Fp12): Fp12 {
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab] = a
  const [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, ba, bb] = b
  const [l0, l1, l2, l3, l4, l5] = multiply6(a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5)
  const [h0, h1, h2, h3, h4, h5] = multiply6(a6, a7, a8, a9, aa, ab, b6, b7, b8, b9, ba, bb)
  const [m0, m1, m2, m3, m4, m5] = multiply6(
    a0 + a6,
    a1 + a7,
    a2 + a8,
    a3 + a9,
    a4 + aa,
    a5 + ab,
    b0 + b6,
    b1 + b7,
    b2 + b8,
    b3 + b9,
    b4 + ba,
    b5 + bb,
  )
  // The lower half is low + v * high, and v * (x, y, z) = (xi * z, x, y).
  return [
    (l0 + h4 - h5) % P,
    (l1 + h4 + h5) % P,
    (l2 + h0) % P,
    (l3 + h1) % P,
    (l4 + h2) % P,
    (l5 + h3) % P,
    (m0 - l0 - h0) % P,
    (m1 - l1 - h1) % P,
    (m2 - l2 - h2) % P,
    (m3 - l3 - h3) % P,
    (m4 - l4 - h4) % P,
    (m5 - l5 - h5) % P,
  ]
}

/** Square of an element: two products in Fp6. */
export function square(a: Fp12): Fp12 {
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab] = a
  const [p0, p1, p2, p3, p4, p5] = multiply6(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab)
  // (low + v * high)(low + high) - low*high - v * low*high
  const [m0, m1, m2, m3, m4, m5] = multiply6(
    a0 + aa - ab,
    a1 + aa + ab,
    a2 + a6,
    a3 + a7,
    a4 + a8,
    a5 + a9,
    a0 + a6,
    a1 + a7,
    a2 + a8,
    a3 + a9,
    a4 + aa,
    a5 + ab,
  )
  return [
    (m0 - p0 - p4 + p5) % P,
    (m1 - p1 - p4 - p5) % P,
    (m2 - p2 - p0) % P,
    (m3 - p3 - p1) % P,
    (m4 - p4 - p2) % P,
    (m5 - p5 - p3) % P,
    (p0 + p0) % P,
    (p1 + p1) % P,
    (p2 + p2) % P,
    (p3 + p3) % P,
    (p4 + p4) % P,
    (p5 + p5) % P,
  ]
}

/**
 * Square of an element of the cyclotomic subgroup, for less than half the price; wrong for every other element.
 *
 * @see Granger and Scott 2010, section 3.2
 */
export function cyclotomicSquare(a: Fp12): Fp12 {
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab] = a
  // Squares in Fp4 of (c0.c0, c1.c1), (c1.c0, c0.c2) and (c0.c1, c1.c2): xi * y^2 + x^2 and 2xy.
  const y0 = (a8 + a9) * (a8 - a9)
  const y1 = 2n * a8 * a9
  const x0 = (a0 + a1) * (a0 - a1) + y0 - y1
  const x1 = 2n * a0 * a1 + y0 + y1
  const z0 = 2n * (a0 * a8 - a1 * a9)
  const z1 = 2n * (a0 * a9 + a1 * a8)
  const q0 = (a4 + a5) * (a4 - a5)
  const q1 = 2n * a4 * a5
  const r0 = (a6 + a7) * (a6 - a7) + q0 - q1
  const r1 = 2n * a6 * a7 + q0 + q1
  const s0 = 2n * (a6 * a4 - a7 * a5)
  const s1 = 2n * (a6 * a5 + a7 * a4)
  const t0 = (aa + ab) * (aa - ab)
  const t1 = 2n * aa * ab
  const u0 = (a2 + a3) * (a2 - a3) + t0 - t1
  const u1 = 2n * a2 * a3 + t0 + t1
  const v0 = 2n * (a2 * aa - a3 * ab)
  const v1 = 2n * (a2 * ab + a3 * aa)
  return [
    (3n * x0 - 2n * a0) % P,
    (3n * x1 - 2n * a1) % P,
    (3n * r0 - 2n * a2) % P,
    (3n * r1 - 2n * a3) % P,
    (3n * u0 - 2n * a4) % P,
    (3n * u1 - 2n * a5) % P,
    (3n * (v0 - v1) + 2n * a6) % P,
    (3n * (v0 + v1) + 2n * a7) % P,
    (3n * z0 + 2n * a8) % P,
    (3n * z1 + 2n * a9) % P,
    (3n * s0 + 2n * aa) % P,
    (3n * s1 + 2n * ab) % P,
  ]
}

/** Product of (a, b, c) in Fp6 and r + s*v, 15 multiplications, not reduced. */
function multiply6By2(
  a0: bigint,
  a1: bigint,
  b0: bigint,
  b1: bigint,
  c0: bigint,
  c1: bigint,
  r0: bigint,
  r1: bigint,
  s0: bigint,
  s1: bigint,
): Fp6 {
  const rr = r0 + r1
  const ss = s0 + s1
  let m0 = a0 * r0
  let m1 = a1 * r1
  const ar0 = m0 - m1
  const ar1 = (a0 + a1) * rr - m0 - m1
  m0 = b0 * s0
  m1 = b1 * s1
  const bs0 = m0 - m1
  const bs1 = (b0 + b1) * ss - m0 - m1
  m0 = c0 * s0
  m1 = c1 * s1
  const cs0 = m0 - m1
  const cs1 = (c0 + c1) * ss - m0 - m1
  m0 = c0 * r0
  m1 = c1 * r1
  const cr0 = m0 - m1
  const cr1 = (c0 + c1) * rr - m0 - m1
  const ab0 = a0 + b0
  const ab1 = a1 + b1
  const rs0 = r0 + s0
  const rs1 = r1 + s1
  m0 = ab0 * rs0
  m1 = ab1 * rs1
  const v0 = m0 - m1 - ar0 - bs0
  const v1 = (ab0 + ab1) * (rs0 + rs1) - m0 - m1 - ar1 - bs1
  return [ar0 + cs0 - cs1, ar1 + cs0 + cs1, v0, v1, bs0 + cr0, bs1 + cr1]
}

/** A line of a Miller loop: coefficients of 1, v and v*w, before the last two meet the coordinates of the point in G1. */
export type Line = readonly [bigint, bigint, bigint, bigint, bigint, bigint]

/** Product of an element and a line at the affine point (x, y) of G1. */
export function multiplyByLine(f: Fp12, line: Line, x: bigint, y: bigint): Fp12 {
  const [a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5] = f
  const r0 = line[0]
  const r1 = line[1]
  const s0 = (line[2] * x) % P
  const s1 = (line[3] * x) % P
  const t0 = (line[4] * y) % P
  const t1 = (line[5] * y) % P
  const [l0, l1, l2, l3, l4, l5] = multiply6By2(a0, a1, a2, a3, a4, a5, r0, r1, s0, s1)
  // high * (t*v): (xi * c*t, a*t, b*t).
  const tt = t0 + t1
  let m0 = b4 * t0
  let m1 = b5 * t1
  const ct0 = m0 - m1
  const ct1 = (b4 + b5) * tt - m0 - m1
  const h0 = ct0 - ct1
  const h1 = ct0 + ct1
  m0 = b0 * t0
  m1 = b1 * t1
  const h2 = m0 - m1
  const h3 = (b0 + b1) * tt - m0 - m1
  m0 = b2 * t0
  m1 = b3 * t1
  const h4 = m0 - m1
  const h5 = (b2 + b3) * tt - m0 - m1
  const [k0, k1, k2, k3, k4, k5] = multiply6By2(
    a0 + b0,
    a1 + b1,
    a2 + b2,
    a3 + b3,
    a4 + b4,
    a5 + b5,
    r0,
    r1,
    s0 + t0,
    s1 + t1,
  )
  return [
    (l0 + h4 - h5) % P,
    (l1 + h4 + h5) % P,
    (l2 + h0) % P,
    (l3 + h1) % P,
    (l4 + h2) % P,
    (l5 + h3) % P,
    (k0 - l0 - h0) % P,
    (k1 - l1 - h1) % P,
    (k2 - l2 - h2) % P,
    (k3 - l3 - h3) % P,
    (k4 - l4 - h4) % P,
    (k5 - l5 - h5) % P,
  ]
}

/** The power p^6: the inverse of every element of norm one. */
export function conjugate(a: Fp12): Fp12 {
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab] = a
  return [a0, a1, a2, a3, a4, a5, -a6, -a7, -a8, -a9, -aa, -ab]
}

type Pair = readonly [bigint, bigint]

function multiply2([a0, a1]: Pair, [b0, b1]: Pair): Pair {
  const x = a0 * b0
  const y = a1 * b1
  return [(x - y) % P, ((a0 + a1) * (b0 + b1) - x - y) % P]
}

/** xi^(k (p - 1) / 6) for k from 1 to 5: what the p-th power does to the powers of w. */
let frobeniusFactors: readonly [Pair, Pair, Pair, Pair, Pair] | undefined

function createFrobeniusFactors(): readonly [Pair, Pair, Pair, Pair, Pair] {
  let first: Pair = [1n, 0n]
  for (const bit of ((P - 1n) / 6n).toString(2)) {
    first = multiply2(first, first)
    if (bit === '1') first = multiply2(first, [1n, 1n])
  }
  const second = multiply2(first, first)
  const third = multiply2(second, first)
  const fourth = multiply2(third, first)
  return [first, second, third, fourth, multiply2(fourth, first)]
}

/** The p-th power. */
export function frobenius(a: Fp12): Fp12 {
  const [f1, f2, f3, f4, f5] = (frobeniusFactors ??= createFrobeniusFactors())
  const [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aa, ab] = a
  // The coefficients stand at w^0, w^2, w^4, w^1, w^3, w^5.
  return [
    a0,
    -a1,
    ...multiply2([a2, -a3], f2),
    ...multiply2([a4, -a5], f4),
    ...multiply2([a6, -a7], f1),
    ...multiply2([a8, -a9], f3),
    ...multiply2([aa, -ab], f5),
  ]
}

function toLeast(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** The element with every integer in [0, p - 1]. */
export function toCanonical(a: Fp12): Fp12 {
  return a.map(toLeast) as unknown as Fp12
}

/** Tells whether two elements are the same. */
export function isEqual(a: Fp12, b: Fp12): boolean {
  return a.every((value, i) => (value - (b[i] as bigint)) % P === 0n)
}

/** The inverse in Fp6 of an element other than zero. Cost: one inversion in Fp. */
export function invertFp6(a: Fp6): Fp6 {
  const inverse = pairingCurve.fields.Fp6.inv(toCurveFp6(a))
  return fromCurveFp6(inverse)
}

/** The inverse of an element other than zero. Cost: one inversion in Fp, which an element of norm one does not need. */
export function invert(a: Fp12): Fp12 {
  return fromCurveFp12(pairingCurve.fields.Fp12.inv(toCurveFp12(a)))
}

function fromCurveFp2({ c0, c1 }: CurveFp2): Pair {
  return [c0, c1]
}

function fromCurveFp6({ c0, c1, c2 }: CurveFp6): Fp6 {
  return [...fromCurveFp2(c0), ...fromCurveFp2(c1), ...fromCurveFp2(c2)]
}

function toCurveFp6([a0, a1, a2, a3, a4, a5]: Fp6): CurveFp6 {
  return pairingCurve.fields.Fp6.fromBigSix([a0, a1, a2, a3, a4, a5])
}

/** The element in the form of the curve package. */
export function toCurveFp12([a0, a1, a2, a3, a4, a5, ...high]: Fp12): CurveFp12 {
  return { c0: toCurveFp6([a0, a1, a2, a3, a4, a5]), c1: toCurveFp6(high) }
}

/** The element from the form of the curve package. */
export function fromCurveFp12({ c0, c1 }: CurveFp12): Fp12 {
  return [...fromCurveFp6(c0), ...fromCurveFp6(c1)]
}

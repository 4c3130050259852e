/**
 * The base fields of G1 and G2 for batches of point additions: Fp, and Fp2 = Fp[i] with i^2 = -1.
 *
 * Numbers may be negative and are reduced only after products, which halves the divisions: elements lie in (-p, p),
 * differences and doubles in (-2p, 2p). What leaves the arithmetic of points is normalized to [0, p - 1].
 */

import type { CurveFp2 } from '../../primitives/bls12-381.ts'
import { invertModulo } from '../field.ts'

/** The characteristic p. */
export const BASE_ORDER =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn

/** What adding points takes of a field. Operands are elements unless said otherwise. */
export interface BaseField<E> {
  readonly zero: E
  /** Tells whether an element, a difference or a double is congruent to zero. */
  isZero(value: E): boolean
  /** left - right, unreduced. */
  subtract(left: E, right: E): E
  /** 2 * value, unreduced. */
  double(value: E): E
  negate(value: E): E
  /** Product; operands may be unreduced. */
  multiply(left: E, right: E): E
  /** 3 * value^2. */
  tripleSquare(value: E): E
  /** value^2 - first - second. */
  squareMinus(value: E, first: E, second: E): E
  /** left * right - value; the right operand may be unreduced. */
  multiplyMinus(left: E, right: E, value: E): E
  /** Replaces each value, none of them zero, by its inverse; values may be unreduced. */
  invertAll(values: E[]): void
  normalize(value: E): E
  /** [factor] (x, y) = (x', y') for points of the subgroup, where that is cheaper than doubling. */
  readonly endomorphism?: Endomorphism<E>
}

/** A multiplication that takes a product, on the coordinates of a point. */
export interface Endomorphism<E> {
  readonly factor: bigint
  readonly x: (x: E) => E
  readonly y: (y: E) => E
}

const P = BASE_ORDER
/** A third root of one in Fp. */
const BETA = 0x5f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffen
/** |z|, the curve's parameter. */
export const PARAMETER = 0xd201000000010000n

function normalizeBase(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** Fp. */
export const baseFieldOfG1: BaseField<bigint> & { readonly endomorphism: Endomorphism<bigint> } = {
  zero: 0n,
  isZero: (value) => value === 0n || value === P || value === -P,
  subtract: (left, right) => left - right,
  double: (value) => value + value,
  negate: (value) => -value,
  multiply: (left, right) => (left * right) % P,
  tripleSquare: (value) => (3n * value * value) % P,
  squareMinus: (value, first, second) => (value * value - first - second) % P,
  multiplyMinus: (left, right, value) => (left * right - value) % P,
  invertAll(values) {
    const products: bigint[] = []
    let product = 1n
    for (const value of values) {
      products.push(product)
      product = (product * value) % P
    }
    let inverse = invertModulo(normalizeBase(product), P)
    for (let i = values.length - 1; i >= 0; i--) {
      const value = values[i]!
      values[i] = (inverse * products[i]!) % P
      inverse = (inverse * value) % P
    }
  },
  normalize: normalizeBase,
  // [z^2] (x, y) = (beta x, -y); both parts of a scalar divided by z^2 have 128 bits.
  endomorphism: { factor: PARAMETER ** 2n, x: (x) => (BETA * x) % P, y: (y) => -y },
}

/** (a0 + a1 i)(b0 + b1 i), with three products instead of four. */
function multiply(a: CurveFp2, b: CurveFp2): CurveFp2 {
  const low = a.c0 * b.c0
  const high = a.c1 * b.c1
  return { c0: (low - high) % P, c1: ((a.c0 + a.c1) * (b.c0 + b.c1) - low - high) % P }
}

function invert({ c0, c1 }: CurveFp2): CurveFp2 {
  const inverse = invertModulo(normalizeBase(c0 * c0 + c1 * c1), P)
  return { c0: (c0 * inverse) % P, c1: (-c1 * inverse) % P }
}

/** Fp2. */
export const baseFieldOfG2: BaseField<CurveFp2> = {
  zero: { c0: 0n, c1: 0n },
  isZero: ({ c0, c1 }) => baseFieldOfG1.isZero(c0) && baseFieldOfG1.isZero(c1),
  subtract: (left, right) => ({ c0: left.c0 - right.c0, c1: left.c1 - right.c1 }),
  double: ({ c0, c1 }) => ({ c0: c0 + c0, c1: c1 + c1 }),
  negate: ({ c0, c1 }) => ({ c0: -c0, c1: -c1 }),
  multiply,
  tripleSquare: ({ c0, c1 }) => ({ c0: (3n * (c0 + c1) * (c0 - c1)) % P, c1: (6n * c0 * c1) % P }),
  squareMinus: ({ c0, c1 }, first, second) => ({
    c0: ((c0 + c1) * (c0 - c1) - first.c0 - second.c0) % P,
    c1: (2n * c0 * c1 - first.c1 - second.c1) % P,
  }),
  multiplyMinus(left, right, value) {
    const low = left.c0 * right.c0
    const high = left.c1 * right.c1
    return {
      c0: (low - high - value.c0) % P,
      c1: ((left.c0 + left.c1) * (right.c0 + right.c1) - low - high - value.c1) % P,
    }
  },
  invertAll(values) {
    const products: CurveFp2[] = []
    let product: CurveFp2 = { c0: 1n, c1: 0n }
    for (const value of values) {
      products.push(product)
      product = multiply(product, value)
    }
    let inverse = invert(product)
    for (let i = values.length - 1; i >= 0; i--) {
      const value = values[i]!
      values[i] = multiply(inverse, products[i]!)
      inverse = multiply(inverse, value)
    }
  },
  normalize: ({ c0, c1 }) => ({ c0: normalizeBase(c0), c1: normalizeBase(c1) }),
}

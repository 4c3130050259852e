/**
 * Many multiples of one point: a table of its multiples for each digit, then one addition a digit for all scalars at once.
 * What the generation of keys spends its time on.
 */

import { addAll, doubleAll, identities, normalizeAll, type AffineVector } from './affine.ts'
import type { BaseField } from './base-field.ts'

const SCALAR_BITS = 255
const DIGIT_BITS = 8
const DIGITS: number = Math.ceil(SCALAR_BITS / DIGIT_BITS)
const MULTIPLES: number = 2 ** DIGIT_BITS
/** Scalars that share an inversion. */
const BATCH = 2_048

/** Multiples of one point: `multiples[j]` holds j * 2^(8 i) * base at position i. */
interface FixedBaseTable<E> {
  readonly multiples: readonly AffineVector<E>[]
}

/** Makes the table of a point, 32 positions of 256 multiples. Cost: as much as multiplying by 250 scalars. */
function makeTable<E>(field: BaseField<E>, base: { readonly x: E; readonly y: E }): FixedBaseTable<E> {
  const shifted = identities(field, DIGITS)
  const current: AffineVector<E> = { xs: [base.x], ys: [base.y] }
  for (let i = 0; i < DIGITS; i++) {
    shifted.xs[i] = current.xs[0]!
    shifted.ys[i] = current.ys[0]!
    for (let bit = 0; bit < DIGIT_BITS; bit++) doubleAll(field, current)
  }
  const multiples = [identities(field, DIGITS)]
  const running = identities(field, DIGITS)
  for (let j = 1; j < MULTIPLES; j++) {
    addAll(field, running, shifted)
    multiples.push({ xs: [...running.xs], ys: [...running.ys] })
  }
  return { multiples }
}

/** Multiplies one point by scalars in [0, r - 1]; coordinates of the result are in [0, p - 1], zero gives the identity. */
export type FixedBase<E> = (scalars: readonly bigint[]) => AffineVector<E>

/** Returns the multiplication by a fixed point. */
export function createFixedBase<E>(field: BaseField<E>, base: { readonly x: E; readonly y: E }): FixedBase<E> {
  const { multiples } = makeTable(field, base)
  const multiplyBatch = (scalars: readonly bigint[]): AffineVector<E> => {
    const sums = identities(field, scalars.length)
    let rest = [...scalars]
    for (let i = 0; i < DIGITS; i++) {
      const digits = rest.map((scalar) => Number(scalar & BigInt(MULTIPLES - 1)))
      rest = rest.map((scalar) => scalar >> BigInt(DIGIT_BITS))
      addAll(field, sums, {
        xs: digits.map((digit) => multiples[digit]!.xs[i]!),
        ys: digits.map((digit) => multiples[digit]!.ys[i]!),
      })
    }
    normalizeAll(field, sums)
    return sums
  }
  return (scalars) => {
    const result: AffineVector<E> = { xs: [], ys: [] }
    for (let first = 0; first < scalars.length; first += BATCH) {
      const part = multiplyBatch(scalars.slice(first, first + BATCH))
      for (let i = 0; i < part.xs.length; i++) {
        result.xs.push(part.xs[i]!)
        result.ys.push(part.ys[i]!)
      }
    }
    return result
  }
}

/**
 * Evaluation domains of 2^k points in the scalar field, and the number theoretic transform between coefficients and values.
 *
 * The roots of unity are powers of 5, the least non-residue, as in the files of snarkjs: another generator gives other
 * domains, and keys of one are useless with the other.
 */

import { rejectArgument } from '../../errors.ts'
import { FIELD_ORDER, invertField, powField, type FieldElement } from '../field.ts'

/** 2^32 divides r - 1. */
const TWO_ADICITY = 32
const NON_RESIDUE = 5n
/** Largest domain of keys; what claims more is refused before memory is taken. */
export const DOMAIN_LOG_MAX = 20

/** The root of unity of order 2^log. */
export function rootOfUnity(log: number): FieldElement {
  const largest = powField(NON_RESIDUE, (FIELD_ORDER - 1n) >> BigInt(TWO_ADICITY))
  return powField(largest, 1n << BigInt(TWO_ADICITY - log))
}

/** Exponent of the smallest domain that holds so many rows. */
export function domainLog(rows: number): number {
  const log = Math.max(1, Math.ceil(Math.log2(rows)))
  if (log > DOMAIN_LOG_MAX) rejectArgument('rows', `at most 2^${DOMAIN_LOG_MAX}`, `${rows}`)
  return log
}

/** Powers 1, base, base^2, ... */
export function powersOf(base: FieldElement, count: number, first: FieldElement = 1n): FieldElement[] {
  const powers: FieldElement[] = []
  for (let i = 0, power = first; i < count; i++, power = (power * base) % FIELD_ORDER) powers.push(power)
  return powers
}

function swapReversed(values: FieldElement[], log: number): void {
  for (let i = 0; i < values.length; i++) {
    let reversed = 0
    for (let bit = 0; bit < log; bit++) reversed |= ((i >> bit) & 1) << (log - 1 - bit)
    if (reversed <= i) continue
    const held = values[i]!
    values[i] = values[reversed]!
    values[reversed] = held
  }
}

function transformWith(values: readonly FieldElement[], root: FieldElement): FieldElement[] {
  const result = [...values]
  const log = Math.log2(values.length)
  swapReversed(result, log)
  const powers = powersOf(root, values.length / 2)
  for (let half = 1; half < values.length; half *= 2) {
    const stride = values.length / 2 / half
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let j = 0; j < half; j++) {
        const low = result[start + j]!
        const high = (result[start + j + half]! * powers[j * stride]!) % FIELD_ORDER
        const sum = low + high
        const difference = low - high
        result[start + j] = sum >= FIELD_ORDER ? sum - FIELD_ORDER : sum
        result[start + j + half] = difference < 0n ? difference + FIELD_ORDER : difference
      }
    }
  }
  return result
}

/** Returns the values at w^0, w^1, ... of the polynomial with these coefficients; as many as a power of two. */
export function evaluateAtRoots(coefficients: readonly FieldElement[]): FieldElement[] {
  return transformWith(coefficients, rootOfUnity(Math.log2(coefficients.length)))
}

/** Returns the coefficients of the polynomial with these values at w^0, w^1, ... */
export function interpolate(values: readonly FieldElement[]): FieldElement[] {
  const scale = invertField(BigInt(values.length))
  return transformWith(values, invertField(rootOfUnity(Math.log2(values.length)))).map(
    (value) => (value * scale) % FIELD_ORDER,
  )
}

/** Returns the values at s w^0, s w^1, ... where s is the root of twice the order: between the points of the domain. */
export function evaluateBetweenRoots(coefficients: readonly FieldElement[]): FieldElement[] {
  const shifts = powersOf(rootOfUnity(Math.log2(coefficients.length) + 1), coefficients.length)
  return evaluateAtRoots(coefficients.map((value, i) => (value * shifts[i]!) % FIELD_ORDER))
}

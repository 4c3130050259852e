/**
 * Arithmetic in the scalar field of BLS12-381, the field in which circuits compute: integers modulo the group order r.
 *
 * Elements are plain integers in [0, r - 1]; every function expects and returns such. Not constant time: JavaScript's
 * integers are not, and proving runs on the device of whoever owns the values.
 */

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { fromHex, toHex, toUtf8, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { drawBytes, type RandomSource } from '../primitives/random.ts'

/** An integer in [0, r - 1]. */
export type FieldElement = bigint

/** The order r of the field. */
export const FIELD_ORDER: bigint = BLS_GROUP_ORDER
/** Bytes of an encoded element. */
export const FIELD_BYTES = 32
/** Bytes drawn for one element: 128 bits more than r has, so that the reduction shows no bias. */
const DRAW_BYTES = 48

/** Returns the element that an integer is congruent to. */
export function toField(value: bigint): FieldElement {
  const rest = value % FIELD_ORDER
  return rest < 0n ? rest + FIELD_ORDER : rest
}

/** Tells whether an unknown value is an element. */
export function isFieldElement(value: unknown): value is FieldElement {
  return typeof value === 'bigint' && value >= 0n && value < FIELD_ORDER
}

/** Returns base to the power of a non-negative exponent. */
export function powField(base: FieldElement, exponent: bigint): FieldElement {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD_ORDER
    square = (square * square) % FIELD_ORDER
  }
  return result
}

/** Returns the inverse modulo an odd prime; zero gives zero, so that a hint is total. */
export function invertModulo(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, value]
  let [previousFactor, factor] = [0n, 1n]
  while (current !== 0n) {
    const quotient = previous / current
    ;[previous, current] = [current, previous - quotient * current]
    ;[previousFactor, factor] = [factor, previousFactor - quotient * factor]
  }
  return previous === 1n ? (previousFactor < 0n ? previousFactor + modulus : previousFactor) : 0n
}

/** Returns the inverse; zero gives zero, so that a hint is total. */
export function invertField(value: FieldElement): FieldElement {
  return invertModulo(value, FIELD_ORDER)
}

/** Replaces each value by its inverse with one inversion for all (Montgomery's trick); zeros stay. */
export function invertAll(values: bigint[], modulus: bigint = FIELD_ORDER): void {
  const products: bigint[] = []
  let product = 1n
  for (const value of values) {
    products.push(product)
    if (value !== 0n) product = (product * value) % modulus
  }
  let inverse = invertModulo(product, modulus)
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]!
    if (value === 0n) continue
    values[i] = (inverse * products[i]!) % modulus
    inverse = (inverse * value) % modulus
  }
}

/** Returns the encoding of an element, 32 bytes, big-endian. */
export function encodeField(value: FieldElement): Bytes {
  if (!isFieldElement(value)) rejectArgument('value', 'an integer from 0 to r - 1', 'something else')
  return fromHex(value.toString(16).padStart(2 * FIELD_BYTES, '0'))
}

/** Returns the integer that big-endian bytes stand for. */
export function toInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/**
 * Reads an element from 32 bytes, big-endian, below r. Total.
 *
 * @returns the element, or `ERR_CODEC_MALFORMED`, also for its aliases x + r
 */
export function parseField(bytes: Uint8Array): Result<FieldElement, 'ERR_CODEC_MALFORMED'> {
  if (bytes instanceof Uint8Array && bytes.length === FIELD_BYTES) {
    const value = toInteger(bytes)
    if (value < FIELD_ORDER) return succeed(value)
  }
  const expected = '32 bytes of an integer from 0 to r - 1'
  return fail('ERR_CODEC_MALFORMED', `field element: expected ${expected}`, {
    path: 'field element',
    details: { byteOffset: 0, expected },
  })
}

/**
 * Returns the element that stands for a digest in a circuit: its last 248 bits, which are below r whatever the digest.
 * What is left resists collisions with 124 bits.
 */
export function digestToField(digest: Digest32): FieldElement {
  return toInteger(digest.subarray(1))
}

/** Returns the element that a text of at most 31 ASCII characters stands for, as a number of base 256. */
export function textToField(text: string): FieldElement {
  if (text.length > FIELD_BYTES - 1) rejectArgument('text', 'at most 31 characters', `${text.length}`)
  return toInteger(toUtf8(text))
}

/** Returns a uniformly distributed element other than zero. */
export function drawField(random: RandomSource): FieldElement {
  for (;;) {
    const value = toInteger(drawBytes(random, DRAW_BYTES)) % FIELD_ORDER
    if (value !== 0n) return value
  }
}

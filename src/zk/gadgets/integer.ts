/**
 * Integers of so many bits: ranges and comparisons.
 *
 * The field wraps: x - lower is small for x near r too, if only the difference is looked at. Therefore asserted ranges
 * decompose what must not be negative, which no x beyond the range passes as long as 2^(bits + 1) < r, and bits of a
 * comparison are taken only of an integer whose own range is enforced.
 */

import { rejectArgument } from '../../errors.ts'
import { FIELD_ORDER, invertField } from '../field.ts'
import type { CircuitBuilder } from '../relations/builder.ts'
import {
  combine,
  constant,
  isConstant,
  subtract,
  sum,
  type BoolWire,
  type Linear,
  type UIntWire,
} from '../relations/linear.ts'
import { allocateBool, allOf, assertBool, constantBool, not } from './boolean.ts'
import { assertEqual } from './equality.ts'

/** Widest integer: far below the field, so that no sum of two wraps. */
export const BITS_MAX = 128

function checkBits(bits: number): void {
  if (!Number.isSafeInteger(bits) || bits < 0 || bits > BITS_MAX) rejectArgument('bits', `0 to ${BITS_MAX}`, `${bits}`)
}

/**
 * Enforces 0 <= value < 2^bits, and returns the bits, lowest first; `bits` constraints.
 *
 * All but the highest are allocated; the highest is what remains, and must be a bit too.
 */
function decompose(builder: CircuitBuilder, name: string, value: Linear, bits: number): BoolWire[] {
  checkBits(bits)
  if (bits === 0) {
    assertEqual(builder, name, value, constant(0n))
    return []
  }
  const low = Array.from({ length: bits - 1 }, (_, i) =>
    allocateBool(builder, `${name} bit ${i}`, ((value.value >> BigInt(i)) & 1n) === 1n),
  )
  const rest = subtract(value, combine(low.map((bit, i) => [1n << BigInt(i), bit])))
  const top = combine([[invertField(1n << BigInt(bits - 1)), rest]])
  return [...low, assertBool(builder, `${name} bit ${bits - 1}`, top)]
}

/** Enforces 0 <= value < 2^bits; `bits` constraints. */
export function toUInt(builder: CircuitBuilder, name: string, value: Linear, bits: number): UIntWire {
  decompose(builder, name, value, bits)
  return { ...value, bits } as UIntWire
}

/** Returns whether value >= lower; bits + 1 constraints, none where it is always or never so. */
export function isAtLeast(builder: CircuitBuilder, name: string, value: UIntWire, lower: bigint): BoolWire {
  const { bits } = value
  if (lower <= 0n) return constantBool(true)
  if (lower >= 1n << BigInt(bits)) return constantBool(false)
  // value - lower + 2^bits lies in [1, 2^(bits + 1) - 1]; its highest bit is the answer.
  const shifted = sum([value, constant((1n << BigInt(bits)) - lower)])
  return decompose(builder, name, shifted, bits + 1)[bits]!
}

/** Returns whether lower <= value <= upper; at most 2 * bits + 3 constraints. */
export function isBetween(
  builder: CircuitBuilder,
  name: string,
  value: UIntWire,
  bounds: { readonly lower: bigint; readonly upper: bigint },
): BoolWire {
  const least = isAtLeast(builder, `${name} lower`, value, bounds.lower)
  const most = not(isAtLeast(builder, `${name} upper`, value, bounds.upper + 1n))
  return allOf(
    builder,
    name,
    [least, most].filter((bit) => !(isConstant(bit) && bit.value === 1n)),
  )
}

/**
 * Enforces lower <= value < lower + 2^bits, for any field element; `bits` constraints. Use it for a bound from below where
 * no value of the type reaches the other end.
 */
export function assertAtLeast(builder: CircuitBuilder, name: string, value: Linear, lower: bigint, bits: number): void {
  decompose(builder, name, subtract(value, constant(lower)), bits)
}

/**
 * Enforces lower <= value <= upper, for any field element.
 *
 * At most 2 * log2(upper - lower + 1) constraints, and half of that where the width is a power of two.
 */
export function assertBetween(
  builder: CircuitBuilder,
  name: string,
  value: Linear,
  bounds: { readonly lower: bigint; readonly upper: bigint },
): void {
  const { lower, upper } = bounds
  if (lower > upper || upper - lower >= FIELD_ORDER) rejectArgument('bounds', 'lower before upper', 'another order')
  const bits = upper === lower ? 0 : (upper - lower).toString(2).length
  decompose(builder, `${name} lower`, subtract(value, constant(lower)), bits)
  if (upper - lower !== (1n << BigInt(bits)) - 1n) {
    decompose(builder, `${name} upper`, subtract(constant(upper), value), bits)
  }
}

/**
 * Bits and their combinations. A bit costs one constraint, so does each operation on two; negation and constants are free.
 */

import { FIELD_ORDER } from '../field.ts'
import type { CircuitBuilder } from '../relations/builder.ts'
import { combine, constant, isConstant, subtract, sum, type BoolWire, type Linear } from '../relations/linear.ts'
import { isZero } from './equality.ts'

/** True or false, without a constraint. */
export function constantBool(value: boolean): BoolWire {
  return constant(value ? 1n : 0n) as BoolWire
}

/** Enforces that a combination is 0 or 1; one constraint. */
export function assertBool(builder: CircuitBuilder, name: string, bit: Linear): BoolWire {
  builder.enforce(name, bit, bit, bit)
  return bit as BoolWire
}

/** Allocates a bit; one constraint. */
export function allocateBool(builder: CircuitBuilder, name: string, value: boolean): BoolWire {
  return assertBool(builder, name, builder.allocate(name, value ? 1n : 0n))
}

/** Returns the negation; free. */
export function not(bit: BoolWire): BoolWire {
  return subtract(constant(1n), bit) as BoolWire
}

/** Returns whether both are true; one constraint. */
export function and(builder: CircuitBuilder, name: string, left: BoolWire, right: BoolWire): BoolWire {
  return multiply(builder, name, left, right) as BoolWire
}

/** Returns whether at least one is true; one constraint. */
export function or(builder: CircuitBuilder, name: string, left: BoolWire, right: BoolWire): BoolWire {
  return not(and(builder, name, not(left), not(right)))
}

/** Returns whether exactly one is true; one constraint. */
export function xor(builder: CircuitBuilder, name: string, left: BoolWire, right: BoolWire): BoolWire {
  return combine([
    [1n, left],
    [1n, right],
    [FIELD_ORDER - 2n, and(builder, name, left, right)],
  ]) as BoolWire
}

/** Returns `whenTrue` or `whenFalse`; one constraint. */
export function select(
  builder: CircuitBuilder,
  name: string,
  bit: BoolWire,
  cases: { readonly whenTrue: Linear; readonly whenFalse: Linear },
): Linear {
  const difference = multiply(builder, name, bit, subtract(cases.whenTrue, cases.whenFalse))
  return sum([cases.whenFalse, difference])
}

/** Returns the product; one constraint, none where a factor is constant. */
export function multiply(builder: CircuitBuilder, name: string, left: Linear, right: Linear): Linear {
  if (isConstant(left)) return combine([[left.value, right]])
  if (isConstant(right)) return combine([[right.value, left]])
  const product = builder.allocate(name, (left.value * right.value) % FIELD_ORDER)
  builder.enforce(name, left, right, product)
  return product
}

/** Returns whether all are true; at most three constraints, since so many bits sum up to their number. */
export function allOf(builder: CircuitBuilder, name: string, bits: readonly BoolWire[]): BoolWire {
  if (bits.length === 0) return constantBool(true)
  if (bits.length === 1) return bits[0]!
  if (bits.length <= 4) return bits.reduce((all, bit, i) => and(builder, `${name} ${i}`, all, bit))
  return isZero(builder, name, subtract(constant(BigInt(bits.length)), sum(bits)))
}

/** Returns whether at least one is true; at most three constraints. */
export function anyOf(builder: CircuitBuilder, name: string, bits: readonly BoolWire[]): BoolWire {
  return not(allOf(builder, name, bits.map(not)))
}

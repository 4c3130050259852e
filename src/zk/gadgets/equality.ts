/**
 * Equality: asserted for one constraint, as a bit for three, with the inverse of the difference as a hint.
 */

import { invertField } from '../field.ts'
import { ONE, type CircuitBuilder } from '../relations/builder.ts'
import { constant, isConstant, subtract, type BoolWire, type Linear } from '../relations/linear.ts'

/** Enforces left = right; one constraint. */
export function assertEqual(builder: CircuitBuilder, name: string, left: Linear, right: Linear): void {
  builder.enforce(name, left, ONE, right)
}

/** Enforces that a combination has an inverse; one constraint. */
export function assertNonZero(builder: CircuitBuilder, name: string, value: Linear): void {
  const inverse = builder.allocate(`${name} inverse`, invertField(value.value))
  builder.enforce(name, value, inverse, ONE)
}

/**
 * Returns whether a combination is zero; three constraints. The first makes the answer 1 for zero, the second makes it 0
 * for everything else; the third leaves the hint no choice, so that a witness can be changed nowhere.
 */
export function isZero(builder: CircuitBuilder, name: string, value: Linear): BoolWire {
  if (isConstant(value)) return constant(value.value === 0n ? 1n : 0n) as BoolWire
  const inverse = builder.allocate(`${name} inverse`, invertField(value.value))
  const answer = builder.allocate(name, value.value === 0n ? 1n : 0n)
  builder.enforce(`${name} is 1 for zero`, value, inverse, subtract(ONE, answer))
  builder.enforce(`${name} is 0 otherwise`, value, answer, constant(0n))
  builder.enforce(`${name} inverse of zero`, inverse, answer, constant(0n))
  return answer as BoolWire
}

/** Returns whether left = right; three constraints. */
export function isEqual(builder: CircuitBuilder, name: string, left: Linear, right: Linear): BoolWire {
  return isZero(builder, name, subtract(left, right))
}

/**
 * Membership in a set: the product of the differences is zero exactly when one of them is.
 */

import type { CircuitBuilder } from '../relations/builder.ts'
import { constant, subtract, type BoolWire, type Linear } from '../relations/linear.ts'
import { multiply } from './boolean.ts'
import { assertEqual, assertNonZero, isZero } from './equality.ts'

/** The product of all differences; one constraint less than there are. */
function productOf(builder: CircuitBuilder, name: string, differences: readonly Linear[]): Linear {
  return differences.reduce((product, difference, i) => multiply(builder, `${name} product ${i}`, product, difference))
}

/** Differences of a value to each member. */
export function differencesTo(value: Linear, members: readonly bigint[]): Linear[] {
  return members.map((member) => subtract(value, constant(member)))
}

/** Enforces that one of the differences is zero; as many constraints as there are. */
export function assertAnyZero(builder: CircuitBuilder, name: string, differences: readonly Linear[]): void {
  assertEqual(builder, name, productOf(builder, name, differences), constant(0n))
}

/** Enforces that none of the differences is zero; as many constraints as there are. */
export function assertNoneZero(builder: CircuitBuilder, name: string, differences: readonly Linear[]): void {
  assertNonZero(builder, name, productOf(builder, name, differences))
}

/** Returns whether one of the differences is zero; two constraints more than there are. */
export function isAnyZero(builder: CircuitBuilder, name: string, differences: readonly Linear[]): BoolWire {
  return isZero(builder, name, productOf(builder, name, differences))
}

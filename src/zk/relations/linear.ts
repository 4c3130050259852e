/**
 * Wires and linear combinations of them: what gadgets compute with. Sums and constant factors cost no constraint.
 *
 * A value goes along with each combination, so that one code makes both the constraints and the witness. Types keep apart
 * what a gadget has established: a bare {@link Linear} is any field element, a {@link BoolWire} is 0 or 1, a {@link UIntWire}
 * has so many bits; only gadgets that enforce it give these types.
 */

import type { Brand } from '../../primitives/bytes.ts'
import { FIELD_ORDER, toField, type FieldElement } from '../field.ts'

/** A linear combination of wires; wire 0 is the constant one. */
export interface Linear {
  /** Coefficients by wire, none of them zero. */
  readonly terms: ReadonlyMap<number, FieldElement>
  /** Its value under the assignment at hand; zeros while compiling. */
  readonly value: FieldElement
}

/** A combination that is 0 or 1. */
export type BoolWire = Brand<Linear, 'BoolWire'>
/** A combination in [0, 2^bits - 1]. */
export type UIntWire = Brand<Linear, 'UIntWire'> & { readonly bits: number }

/** The wire that is always one. */
export const ONE_WIRE = 0

/** Returns a constant. */
export function constant(value: bigint): Linear {
  const reduced = toField(value)
  return { terms: new Map(reduced === 0n ? [] : [[ONE_WIRE, reduced]]), value: reduced }
}

/** Tells whether a combination is the same under every assignment. */
export function isConstant({ terms }: Linear): boolean {
  return terms.size === 0 || (terms.size === 1 && terms.has(ONE_WIRE))
}

/** Returns the sum of combinations, each times its factor. */
export function combine(parts: readonly (readonly [FieldElement, Linear])[]): Linear {
  const terms = new Map<number, FieldElement>()
  let value = 0n
  for (const [factor, part] of parts) {
    if (factor === 0n) continue
    value += factor * part.value
    for (const [wire, coefficient] of part.terms) {
      const sum = ((terms.get(wire) ?? 0n) + factor * coefficient) % FIELD_ORDER
      if (sum === 0n) terms.delete(wire)
      else terms.set(wire, sum)
    }
  }
  return { terms, value: value % FIELD_ORDER }
}

/** Returns left + right. */
export function add(left: Linear, right: Linear): Linear {
  return combine([
    [1n, left],
    [1n, right],
  ])
}

/** Returns left - right. */
export function subtract(left: Linear, right: Linear): Linear {
  return combine([
    [1n, left],
    [FIELD_ORDER - 1n, right],
  ])
}

/** Returns the combination times a constant. */
export function scale(part: Linear, factor: bigint): Linear {
  return combine([[toField(factor), part]])
}

/** Returns the sum of all. */
export function sum(parts: readonly Linear[]): Linear {
  return combine(parts.map((part) => [1n, part]))
}

/**
 * Whether a record meets a requirement, in clear, on the device of whoever holds the values. The circuit proves the same.
 */

import type { Opening } from '../commitment/commit.ts'
import { leafCountOf, leafPositions, type Values } from '../commitment/schema.ts'
import { ABSENT, encodeCode, encodeValues } from '../commitment/values.ts'
import type { FieldElement } from '../field.ts'
import { normalize, type Atom, type NormalForm } from './expression.ts'
import type { Requirement } from './requirement.ts'

/** A record as a requirement sees it. */
interface Facts {
  readonly leavesOf: (name: string) => readonly FieldElement[]
  readonly issuedAtMs: number | undefined
}

/** The answer to a question; undefined where there is no value. */
function evaluateAtom(atom: Atom, { leavesOf, issuedAtMs }: Facts): boolean | undefined {
  if (atom.kind === 'issued') {
    return issuedAtMs === undefined ? undefined : atom.fromMs <= issuedAtMs && issuedAtMs <= atom.untilMs
  }
  const leaves = leavesOf(atom.name)
  const [value] = leaves
  if (value === undefined || value === ABSENT) return undefined
  switch (atom.kind) {
    case 'between':
      return atom.lower <= value && value <= atom.upper
    case 'oneOf':
      return atom.positions.some((position) => BigInt(position) === value)
    case 'contains':
      return leaves.includes(encodeCode(atom.code))
  }
}

function evaluateNormal(form: NormalForm, facts: Facts): boolean {
  switch (form.kind) {
    case 'literal':
      return evaluateAtom(form.atom, facts) === !form.isNegated
    case 'all':
      return form.parts.every((part) => evaluateNormal(part, facts))
    case 'any':
      return form.parts.some((part) => evaluateNormal(part, facts))
  }
}

function evaluateLeaves(requirement: Requirement, leaves: readonly FieldElement[], issuedAtMs?: number): boolean {
  const { schema, expression } = requirement
  const positions = leafPositions(schema)
  const leavesOf = (name: string): readonly FieldElement[] => {
    const first = positions.get(name)!
    return leaves.slice(first, first + leafCountOf(schema.attributes[name]!))
  }
  return evaluateNormal(normalize(expression), { leavesOf, issuedAtMs })
}

/**
 * Tells whether values meet a requirement. What is absent meets neither a question nor its negation. Issuers and age are
 * the verifier's to check.
 *
 * @param requirement - what is asked
 * @param values - what is left out is absent
 * @param options - `issuedAtMs`: for requirements that ask when the issuer vouched; without it such a question is not met
 * @throws When a value does not fit the schema: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function evaluateRequirement<S>(
  requirement: Requirement<S>,
  values: Values<S>,
  options: { readonly issuedAtMs?: number } = {},
): boolean {
  const leaves = encodeValues(requirement.schema, values)
  return evaluateLeaves(requirement as unknown as Requirement, leaves, options.issuedAtMs)
}

/** Tells whether an opened record meets a requirement, before anything is proved. */
export function evaluateOpening(requirement: Requirement, opening: Opening): boolean {
  return evaluateLeaves(requirement, opening.leaves, opening.issuedAtMs)
}

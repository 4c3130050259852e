/**
 * Rank-1 constraint systems: a * b = c over linear combinations of wires. Data only; what proof systems prove.
 *
 * Wire 0 is one, then come the public inputs, then what only the prover knows. Constraints and wires have names, so that a
 * test, an auditor and an error can say which rule it was.
 */

import { joinBytes, type Bytes } from '../../primitives/bytes.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { encodeField, FIELD_ORDER, type FieldElement } from '../field.ts'

/** A linear combination as parallel lists, wires ascending, no zero coefficient. */
export interface Row {
  readonly wires: readonly number[]
  readonly coefficients: readonly FieldElement[]
}

/** One rule: a * b = c. */
export interface Constraint {
  readonly name: string
  readonly a: Row
  readonly b: Row
  readonly c: Row
}

/** A system of constraints. */
export interface Relation {
  /** Public inputs, without the constant one. */
  readonly publicCount: number
  /** Names of all wires, the constant one first. */
  readonly wireNames: readonly string[]
  readonly constraints: readonly Constraint[]
}

/** Values of all wires; the first is one. */
export type Witness = readonly FieldElement[]

/** Returns the value of a combination. */
export function evaluateRow({ wires, coefficients }: Row, witness: Witness): FieldElement {
  let total = 0n
  for (let i = 0; i < wires.length; i++) total += coefficients[i]! * witness[wires[i]!]!
  return total % FIELD_ORDER
}

/** Returns the names of the constraints that a witness breaks; none means that it satisfies the relation. */
export function findBroken(relation: Relation, witness: Witness): string[] {
  if (witness.length !== relation.wireNames.length || witness[0] !== 1n) return ['form of the witness']
  return relation.constraints
    .filter(({ a, b, c }) => {
      const product = evaluateRow(a, witness) * evaluateRow(b, witness)
      return product % FIELD_ORDER !== evaluateRow(c, witness)
    })
    .map(({ name }) => name)
}

/** Returns the names of the wires that no constraint touches: any value of such a wire would pass. */
export function findUnconstrained(relation: Relation): string[] {
  const touched = new Set([0])
  for (const { a, b, c } of relation.constraints) {
    for (const { wires } of [a, b, c]) for (const wire of wires) touched.add(wire)
  }
  return relation.wireNames.filter((_, wire) => !touched.has(wire))
}

function encodeCount(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function encodeRow({ wires, coefficients }: Row): Bytes[] {
  return [encodeCount(wires.length), ...wires.flatMap((wire, i) => [encodeCount(wire), encodeField(coefficients[i]!)])]
}

/**
 * Returns the id of a relation: the tagged digest of everything that a proof depends on. Names are left out.
 *
 * Cost: about 1 ms for a thousand coefficients.
 */
export function hashRelation({ publicCount, wireNames, constraints }: Relation): Digest32 {
  const body = joinBytes(constraints.map(({ a, b, c }) => joinBytes([a, b, c].flatMap(encodeRow))))
  return taggedHash(ZK_TAGS.zkCircuit, publicCount, wireNames.length, constraints.length, body)
}

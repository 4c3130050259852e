/** Small circuits for tests of gadgets and proofs, and what it takes to find a wire that nothing holds. */

import { FIELD_ORDER } from '../../src/zk/field.ts'
import { CircuitBuilder } from '../../src/zk/relations/builder.ts'
import { evaluateRow, type Constraint, type Relation, type Witness } from '../../src/zk/relations/relation.ts'

export interface Built {
  readonly relation: Relation
  readonly witness: Witness
}

/** Runs gadgets in a fresh builder. */
export function build(run: (builder: CircuitBuilder) => void): Built {
  const builder = new CircuitBuilder()
  run(builder)
  return builder.finish()
}

/** Names of the wires of which another value passes. Tries x + 1, -x, 1 - x, r - 1 and an element that follows from the wire. */
export function findFreeWires({ relation, witness }: Built): string[] {
  const touching = touchingConstraints(relation)
  return relation.wireNames.filter((_, wire) => {
    const x = witness[wire]!
    const others = [x + 1n, FIELD_ORDER - x, FIELD_ORDER + 1n - x, FIELD_ORDER - 1n, x + 12_345n * BigInt(wire) + 7n]
    return others.some((other) => {
      const value = other % FIELD_ORDER
      if (wire === 0 || value === x) return false
      const changed = witness.with(wire, value)
      // Only constraints that touch the wire can notice; the first that does is enough.
      return touching[wire]!.every((i) => isSatisfied(relation.constraints[i]!, changed))
    })
  })
}

/** Tells whether a witness keeps one rule. */
export function isSatisfied({ a, b, c }: Constraint, witness: Witness): boolean {
  return (evaluateRow(a, witness) * evaluateRow(b, witness)) % FIELD_ORDER === evaluateRow(c, witness)
}

/** Of each wire the constraints that have it. */
export function touchingConstraints(relation: Relation): number[][] {
  const touching = relation.wireNames.map((): number[] => [])
  for (const [i, { a, b, c }] of relation.constraints.entries()) {
    for (const wire of new Set([...a.wires, ...b.wires, ...c.wires])) touching[wire]!.push(i)
  }
  return touching
}

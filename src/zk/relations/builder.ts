/**
 * The circuit builder: gadgets allocate wires and enforce constraints; the same run gives the relation and the witness.
 *
 * The shape never depends on values: a gadget may not branch on them. The first run has zeros for values and is kept as the
 * circuit; a prover's run only contributes its values, and its relation must be the same.
 */

import { rejectArgument } from '../../errors.ts'
import { isFieldElement, type FieldElement } from '../field.ts'
import { ONE_WIRE, type Linear } from './linear.ts'
import type { Constraint, Relation, Row, Witness } from './relation.ts'

/** Most constraints of a circuit: the largest domain of keys that this library makes. */
export const CONSTRAINTS_MAX: number = 2 ** 20

function toRow({ terms }: Linear): Row {
  const wires = [...terms.keys()].sort((left, right) => left - right)
  return { wires, coefficients: wires.map((wire) => terms.get(wire)!) }
}

/** Collects wires and constraints. */
export class CircuitBuilder {
  readonly #names: string[] = ['one']
  readonly #values: FieldElement[] = [1n]
  readonly #constraints: Constraint[] = []
  readonly #scopes: string[] = []
  #publicCount = 0

  /** Returns a public input; all of them come before the first private wire. */
  publicInput(name: string, value: FieldElement): Linear {
    if (this.#names.length !== this.#publicCount + 1) rejectArgument('name', 'public inputs before private wires', name)
    this.#publicCount++
    return this.#addWire(name, value)
  }

  /** Returns a wire that only the prover knows. It binds nothing until a constraint touches it. */
  allocate(name: string, value: FieldElement): Linear {
    return this.#addWire(name, value)
  }

  /** Adds the rule a * b = c. */
  enforce(name: string, a: Linear, b: Linear, c: Linear): void {
    if (this.#constraints.length === CONSTRAINTS_MAX)
      rejectArgument('name', `at most ${CONSTRAINTS_MAX} constraints`, name)
    this.#constraints.push({ name: this.#path(name), a: toRow(a), b: toRow(b), c: toRow(c) })
  }

  /** Runs gadgets under a name that goes before theirs. */
  within<T>(scope: string, run: () => T): T {
    this.#scopes.push(scope)
    try {
      return run()
    } finally {
      this.#scopes.pop()
    }
  }

  /** Returns what was collected. */
  finish(): { readonly relation: Relation; readonly witness: Witness } {
    const relation = { publicCount: this.#publicCount, wireNames: this.#names, constraints: this.#constraints }
    return { relation, witness: this.#values }
  }

  #path(name: string): string {
    return [...this.#scopes, name].join('/')
  }

  #addWire(name: string, value: FieldElement): Linear {
    if (!isFieldElement(value)) rejectArgument('value', 'an integer from 0 to r - 1', typeof value)
    const wire = this.#names.push(this.#path(name)) - 1
    this.#values.push(value)
    return { terms: new Map([[wire, 1n]]), value }
  }
}

/** The combination that is one. */
export const ONE: Linear = { terms: new Map([[ONE_WIRE, 1n]]), value: 1n }

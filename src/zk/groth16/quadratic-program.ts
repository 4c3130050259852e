/**
 * From constraints to polynomials: row i of the relation is the value at w^i.
 *
 * For each of one and the public inputs a row x * 0 = 0 is added, as other provers do: it keeps the polynomials of public
 * inputs linearly independent, and so an unused input from being exchanged in a finished proof.
 */

import { FIELD_ORDER, invertAll, powField, type FieldElement } from '../field.ts'
import { evaluateRow, type Relation, type Row, type Witness } from '../relations/relation.ts'
import { domainLog, powersOf, rootOfUnity } from './domain.ts'

/** Rows of the constraints, of one and of the public inputs. */
export function rowCountOf({ constraints, publicCount }: Relation): number {
  return constraints.length + publicCount + 1
}

/** Exponent of the domain of a relation. */
export function domainLogOf(relation: Relation): number {
  return domainLog(rowCountOf(relation))
}

/** Values of A w, B w and C w at all points of the domain. */
export function evaluateRows(relation: Relation, witness: Witness): [FieldElement[], FieldElement[], FieldElement[]] {
  const size = 2 ** domainLogOf(relation)
  const zeros = (): FieldElement[] => Array.from({ length: size }, () => 0n)
  const [a, b, c] = [zeros(), zeros(), zeros()]
  for (const [i, constraint] of relation.constraints.entries()) {
    a[i] = evaluateRow(constraint.a, witness)
    b[i] = evaluateRow(constraint.b, witness)
    c[i] = evaluateRow(constraint.c, witness)
  }
  for (let input = 0; input <= relation.publicCount; input++) a[relation.constraints.length + input] = witness[input]!
  return [a, b, c]
}

/** The polynomials of each wire at one point. */
export interface WirePolynomials {
  readonly u: FieldElement[]
  readonly v: FieldElement[]
  readonly w: FieldElement[]
}

/** Values of the Lagrange polynomials of the points first * root^i of a domain of 2^log points, at another point. */
export function evaluateLagrange(
  tau: FieldElement,
  domain: { readonly log: number; readonly first: FieldElement; readonly step: FieldElement; readonly count: number },
): FieldElement[] {
  const size = 1n << BigInt(domain.log)
  // L_x(tau) = x (tau^n - 1) / (n (tau - x)) for a root x.
  const points = powersOf(domain.step, domain.count, domain.first)
  const denominators = points.map((x) => (size * (tau - x + FIELD_ORDER)) % FIELD_ORDER)
  invertAll(denominators)
  const vanishing = powField(tau, size) - 1n + FIELD_ORDER
  return points.map((x, i) => (((x * vanishing) % FIELD_ORDER) * denominators[i]!) % FIELD_ORDER)
}

/** Returns u_i(tau), v_i(tau) and w_i(tau) of all wires. */
export function evaluateWires(relation: Relation, tau: FieldElement): WirePolynomials {
  const log = domainLogOf(relation)
  const lagrange = evaluateLagrange(tau, { log, first: 1n, step: rootOfUnity(log), count: 2 ** log })
  const zeros = (): FieldElement[] => relation.wireNames.map(() => 0n)
  const [u, v, w] = [zeros(), zeros(), zeros()]
  const spread = (into: FieldElement[], { wires, coefficients }: Row, at: FieldElement): void => {
    for (let i = 0; i < wires.length; i++) into[wires[i]!] = (into[wires[i]!]! + coefficients[i]! * at) % FIELD_ORDER
  }
  for (const [i, { a, b, c }] of relation.constraints.entries()) {
    spread(u, a, lagrange[i]!)
    spread(v, b, lagrange[i]!)
    spread(w, c, lagrange[i]!)
  }
  for (let input = 0; input <= relation.publicCount; input++) {
    u[input] = (u[input]! + lagrange[relation.constraints.length + input]!) % FIELD_ORDER
  }
  return { u, v, w }
}

/**
 * Returns the values that stand for h(tau) Z(tau) when summed over the points between the roots: A B - C vanishes on the
 * domain of n points, so on the one of 2n its odd points alone determine it, and no division is needed.
 */
export function evaluateQuotientBasis(log: number, tau: FieldElement): FieldElement[] {
  const root = rootOfUnity(log + 1)
  return evaluateLagrange(tau, { log: log + 1, first: root, step: (root * root) % FIELD_ORDER, count: 2 ** log })
}

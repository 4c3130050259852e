/**
 * The seam under the proof system: every multi-scalar multiplication, transform and pairing goes through one backend, given
 * as an argument. This one is plain TypeScript and runs everywhere; a faster one takes its place without another change.
 *
 * A backend decides nothing: points are checked before they come here. It learns the witness of the prover, so it is code
 * that one trusts.
 */

import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import type { G1Point } from '../../primitives/bls12-381.ts'
import type { FieldElement } from '../field.ts'
import { baseFieldOfG1, baseFieldOfG2 } from './base-field.ts'
import { evaluateAtRoots, evaluateBetweenRoots, interpolate } from './domain.ts'
import { createFixedBase } from './fixed-base.ts'
import { multiplyAndSum, multiplyAndSumG1 } from './multi-scalar.ts'
import { multiplyPairings, type G1Vector, type G2Vector, type PreparedG2, type TargetElement } from './pairing.ts'

/** What provers and makers of keys may have to wait for. */
export type Eventually<T> = T | Promise<T>

/** The arithmetic that proofs are made and checked with. */
export interface CurveBackend {
  /** The sum of points of the subgroup, each times its scalar; a vector of one. */
  sumG1(points: G1Vector, scalars: readonly FieldElement[]): Eventually<G1Vector>
  /** The sum of points of the subgroup, each times its scalar; a vector of one. */
  sumG2(points: G2Vector, scalars: readonly FieldElement[]): Eventually<G2Vector>
  /** The generator times each scalar. */
  multiplesOfG1(scalars: readonly FieldElement[]): Eventually<G1Vector>
  /** The generator times each scalar. */
  multiplesOfG2(scalars: readonly FieldElement[]): Eventually<G2Vector>
  /** Coefficients from values at the roots of unity. */
  interpolate(values: readonly FieldElement[]): Eventually<FieldElement[]>
  /** Values at the roots of unity. */
  evaluateAtRoots(coefficients: readonly FieldElement[]): Eventually<FieldElement[]>
  /** Values between the roots of unity: at the odd powers of the root of twice the order. */
  evaluateBetweenRoots(coefficients: readonly FieldElement[]): Eventually<FieldElement[]>
  /** The product of pairings; at once, since a ledger's rules do not wait. */
  multiplyPairings(pairs: readonly (readonly [G1Point, PreparedG2])[]): TargetElement
}

/** Returns the backend in plain TypeScript. */
export function createPortableBackend(): CurveBackend {
  let baseG1: ReturnType<typeof createFixedBase<bigint>> | undefined
  let baseG2: ReturnType<typeof createFixedBase<G2Vector['xs'][number]>> | undefined
  return Object.freeze({
    sumG1: (points: G1Vector, scalars: readonly FieldElement[]) => multiplyAndSumG1(points, scalars),
    sumG2: (points: G2Vector, scalars: readonly FieldElement[]) => multiplyAndSum(baseFieldOfG2, points, scalars),
    multiplesOfG1(scalars: readonly FieldElement[]) {
      baseG1 ??= createFixedBase(baseFieldOfG1, generatorOfG1().toAffine())
      return baseG1(scalars)
    },
    multiplesOfG2(scalars: readonly FieldElement[]) {
      baseG2 ??= createFixedBase(baseFieldOfG2, generatorOfG2().toAffine())
      return baseG2(scalars)
    },
    interpolate,
    evaluateAtRoots,
    evaluateBetweenRoots,
    multiplyPairings,
  })
}

let portable: CurveBackend | undefined

/** The backend where a caller names none; made on first use. */
export function defaultBackend(): CurveBackend {
  return (portable ??= createPortableBackend())
}

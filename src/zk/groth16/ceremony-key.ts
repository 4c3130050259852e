/**
 * From the powers of tau to the key of a circuit, and from the last contribution to keys for use. No secret takes part:
 * everybody who repeats this gets the same.
 */

import { rejectArgument, unwrap } from '../../errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import { equalBytes } from '../../primitives/bytes.ts'
import { reportStep, type ProgressOptions } from '../../primitives/progress.ts'
import { FIELD_ORDER, invertField, type FieldElement } from '../field.ts'
import type { Circuit } from '../relations/circuit.ts'
import type { Relation, Row } from '../relations/relation.ts'
import { addAll, type AffineVector } from './affine.ts'
import { baseFieldOfG1, baseFieldOfG2, type BaseField } from './base-field.ts'
import type { Ceremony, CeremonyPowers, Contribution } from './ceremony.ts'
import { powersOf, rootOfUnity } from './domain.ts'
import type { KeyAudit } from './key-audit.ts'
import { multiplyAndSum } from './multi-scalar.ts'
import { fromG1, fromG2, toG1, toG2, type G1Vector } from './pairing.ts'
import { interpolatePoints, multiplyEach } from './point-transform.ts'
import { createProvingKey, type ProvingKey } from './proving-key.ts'
import { domainLogOf } from './quadratic-program.ts'
import { createVerifyingKey, type VerifyingKey } from './verifying-key.ts'

/** What a ceremony ends with. */
export interface CeremonyResult {
  /** To be checked by whoever proves with it, like every key that somebody else made. */
  readonly provingKey: ProvingKey
  readonly verifyingKey: VerifyingKey
  readonly audit: KeyAudit
  /** The contributions, in order: what shows that the key is nobody's. */
  readonly contributions: readonly Contribution[]
}

/** Rows and coefficients of one wire in one of the three matrices. */
type Column = readonly (readonly [number, FieldElement])[]

function columnsOf(relation: Relation, part: 'a' | 'b' | 'c'): Column[] {
  const columns = relation.wireNames.map((): [number, FieldElement][] => [])
  const add = ({ wires, coefficients }: Row, row: number): void => {
    for (const [i, wire] of wires.entries()) columns[wire]!.push([row, coefficients[i]!])
  }
  for (const [row, constraint] of relation.constraints.entries()) add(constraint[part], row)
  if (part !== 'a') return columns
  for (let input = 0; input <= relation.publicCount; input++) {
    columns[input]!.push([relation.constraints.length + input, 1n])
  }
  return columns
}

function head<E>({ xs, ys }: AffineVector<E>, end: number): AffineVector<E> {
  return { xs: xs.slice(0, end), ys: ys.slice(0, end) }
}

function at<E>({ xs, ys }: AffineVector<E>, ...positions: number[]): AffineVector<E> {
  return { xs: positions.map((i) => xs[i]!), ys: positions.map((i) => ys[i]!) }
}

/** Sum of coefficients times points, over several matrices. */
function sumColumn<E>(field: BaseField<E>, parts: readonly (readonly [Column, AffineVector<E>])[]): AffineVector<E> {
  const points: AffineVector<E> = { xs: [], ys: [] }
  const scalars: FieldElement[] = []
  for (const [column, basis] of parts) {
    for (const [row, coefficient] of column) {
      points.xs.push(basis.xs[row]!)
      points.ys.push(basis.ys[row]!)
      scalars.push(coefficient)
    }
  }
  return multiplyAndSum(field, points, scalars)
}

/** [(tau^n - 1) m_j(tau)]_1 for the basis m_j of the quotient: -1/2 times the Lagrange polynomials between the roots. */
function quotientBasis({ tau1 }: CeremonyPowers, log: number): G1Vector {
  const size = 2 ** log
  const low = head(tau1, size)
  const sums: G1Vector = { xs: tau1.xs.slice(size), ys: tau1.ys.slice(size) }
  addAll(baseFieldOfG1, sums, { xs: low.xs, ys: low.ys.map((y) => -y) })
  const shifts = powersOf(invertField(rootOfUnity(log + 1)), size, FIELD_ORDER - invertField(2n))
  return interpolatePoints(baseFieldOfG1, multiplyEach(baseFieldOfG1, sums, shifts))
}

/**
 * Ends the first round: computes the key of the circuit from the powers of tau, with delta one.
 *
 * Cost: about 0.1 s for each constraint. Anybody may run it; whoever does cannot change the result unseen.
 *
 * @param ceremony - with at least one contribution to its first round
 * @param options - the circuit, progress and a signal
 * @throws When it is another circuit, or nobody has contributed: `ERR_ARGUMENT_INVALID`; when ended: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function closePowers(
  ceremony: Ceremony,
  options: ProgressOptions & { readonly circuit: Circuit },
): Promise<Ceremony> {
  const { circuit } = options
  const { state } = ceremony
  if (!equalBytes(ceremony.circuit, circuit.id)) rejectArgument('circuit', 'that of the ceremony', 'another')
  if (state.round !== 'powers' || ceremony.contributions.length === 0) {
    return rejectArgument('ceremony', 'contributions to the first round', 'another state')
  }
  const { relation } = circuit
  const { powers } = state
  const log = domainLogOf(relation)
  const size = 2 ** log
  const wires = relation.wireNames.length
  const total = wires + 5
  let done = 0
  const step = async <T>(run: () => T): Promise<T> => {
    await reportStep(options, { done: done++, total, step: 'key' })
    return run()
  }
  const lagrange = await step(() => interpolatePoints(baseFieldOfG1, head(powers.tau1, size)))
  const byAlpha = await step(() => interpolatePoints(baseFieldOfG1, powers.alpha1))
  const byBeta = await step(() => interpolatePoints(baseFieldOfG1, powers.beta1))
  const lagrange2 = await step(() => interpolatePoints(baseFieldOfG2, head(powers.tau2, size)))
  const h = await step(() => quotientBasis(powers, log))
  const [u, v, w] = [columnsOf(relation, 'a'), columnsOf(relation, 'b'), columnsOf(relation, 'c')]
  const vectors = { a: empty<bigint>(), b1: empty<bigint>(), b2: fromG2([]), joined: empty<bigint>() }
  for (let wire = 0; wire < wires; wire++) {
    await step(() => {
      const [left, right, result] = [u[wire]!, v[wire]!, w[wire]!]
      append(vectors.a, sumColumn(baseFieldOfG1, [[left, lagrange]]))
      append(vectors.b1, sumColumn(baseFieldOfG1, [[right, lagrange]]))
      append(vectors.b2, sumColumn(baseFieldOfG2, [[right, lagrange2]]))
      const joined = [[left, byBeta] as const, [right, byAlpha] as const, [result, lagrange] as const]
      append(vectors.joined, sumColumn(baseFieldOfG1, joined))
    })
  }
  const inputCount = relation.publicCount + 1
  const fixed = fromG1([toG1(powers.beta1, 0), generatorOfG1()])
  const c = { xs: vectors.joined.xs.slice(inputCount), ys: vectors.joined.ys.slice(inputCount) }
  const key = {
    points: { domainLog: log, fixed, a: vectors.a, b1: vectors.b1, b2: vectors.b2, c, h },
    alpha1: at(powers.alpha1, 0),
    fixed2: fromG2([toG2(powers.beta2), generatorOfG2()]),
    inputs: head(vectors.joined, inputCount),
    powers: head(powers.tau1, size + 1),
    second: at(powers.tau2, 1, size),
  }
  return { ...ceremony, state: { round: 'delta', key } }
}

function empty<E>(): AffineVector<E> {
  return { xs: [], ys: [] }
}

function append<E>(into: AffineVector<E>, { xs, ys }: AffineVector<E>): void {
  into.xs.push(xs[0]!)
  into.ys.push(ys[0]!)
}

/**
 * Returns the keys of a finished ceremony, marked `ceremony`. The mark is a claim: rely on it after `validateCeremony`, or by
 * the digest of a verifying key that somebody whom you trust has checked.
 *
 * @throws When nobody has contributed to delta: `ERR_ARGUMENT_INVALID` or `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function finishCeremony(ceremony: Ceremony): CeremonyResult {
  const { circuit, contributions, state } = ceremony
  if (state.round !== 'delta') return rejectArgument('ceremony', 'the second round', 'the first')
  const { points, alpha1, fixed2, inputs, powers, second } = state.key
  const verifyingKey = unwrap(
    createVerifyingKey(circuit, 'ceremony', {
      alpha: toG1(alpha1),
      beta: toG2(fixed2, 0),
      gamma: generatorOfG2(),
      delta: toG2(fixed2, 1),
      inputs: inputs.xs.map((_, i) => toG1(inputs, i)),
    }),
  )
  const audit: KeyAudit = Object.freeze({ kind: 'key-audit', circuit, powers, second })
  return { provingKey: createProvingKey(verifyingKey, points), verifyingKey, audit, contributions }
}

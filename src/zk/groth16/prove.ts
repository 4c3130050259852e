/**
 * Proving: A = alpha + sum w_i u_i + r delta, B = beta + sum w_i v_i + s delta,
 * C = sum over private wires + h Z / delta + s A + r B - r s delta, at the secret point tau.
 *
 * r and s are drawn anew for each proof and come from nowhere else: with known ones a proof of a record of low entropy could
 * be compared with guesses. The finished proof is verified before it leaves, so a fault in the arithmetic leaks nothing.
 *
 * @see Groth 2016/260, section 3.2; Fuchsbauer 2017/587 for provers who do not trust the key
 */

import { VitalsealError } from '../../errors.ts'
import type { G1Point, G2Point } from '../../primitives/bls12-381.ts'
import type { Verified } from '../../primitives/bytes.ts'
import { reportStep, type ProgressOptions } from '../../primitives/progress.ts'
import { randomBytes } from '../../primitives/random.ts'
import { drawField, FIELD_ORDER, type FieldElement } from '../field.ts'
import type { Circuit } from '../relations/circuit.ts'
import { findBroken, type Relation, type Witness } from '../relations/relation.ts'
import { defaultBackend, type CurveBackend } from './backend.ts'
import { toG1, toG2 } from './pairing.ts'
import { createProof, type Proof } from './proof.ts'
import { assertUsable, provingPoints, type ProvingKey, type ProvingPoints } from './proving-key.ts'
import { evaluateRows } from './quadratic-program.ts'
import { verifyRelation } from './verify.ts'
import { verifyingPoints } from './verifying-key.ts'

/** What is proved. */
export interface ProveOptions extends ProgressOptions {
  readonly circuit: Circuit
  /** Values of all wires; secret. */
  readonly witness: Witness
  readonly backend?: CurveBackend
}

const STEPS = 7

/** Values of A B - C between the roots of unity, where they stand for the quotient. */
async function evaluateQuotient(relation: Relation, witness: Witness, backend: CurveBackend): Promise<FieldElement[]> {
  const between: FieldElement[][] = []
  for (const values of evaluateRows(relation, witness)) {
    between.push(await backend.evaluateBetweenRoots(await backend.interpolate(values)))
  }
  const [a, b, c] = between as [FieldElement[], FieldElement[], FieldElement[]]
  return a.map((value, i) => (value * b[i]! - c[i]! + FIELD_ORDER) % FIELD_ORDER)
}

interface Sums {
  readonly a: G1Point
  readonly b1: G1Point
  readonly b2: G2Point
  readonly c: G1Point
}

/** The five large sums, one step after the other. */
async function sumAll(points: ProvingPoints, options: ProveOptions, backend: CurveBackend): Promise<Sums> {
  const { circuit, witness } = options
  let done = 0
  const step = async <T>(name: string, run: () => T | Promise<T>): Promise<T> => {
    await reportStep(options, { done: done++, total: STEPS, step: name })
    return run()
  }
  const quotient = await step('quotient', () => evaluateQuotient(circuit.relation, witness, backend))
  const h = toG1(await step('H', () => backend.sumG1(points.h, quotient)))
  const a = toG1(await step('A', () => backend.sumG1(points.a, witness)))
  const b1 = toG1(await step('B', () => backend.sumG1(points.b1, witness)))
  const b2 = toG2(await step('B', () => backend.sumG2(points.b2, witness)))
  const secret = witness.slice(circuit.relation.publicCount + 1)
  const c = toG1(await step('C', () => backend.sumG1(points.c, secret)))
  return { a, b1, b2, c: c.add(h) as G1Point }
}

/** Adds the fixed points and blinds. */
function blind(key: ProvingKey, points: ProvingPoints, sums: Sums): Proof {
  const [r, s] = [drawField(randomBytes), drawField(randomBytes)]
  const { alpha, beta, delta } = verifyingPoints(key.verifyingKey)
  const [beta1, delta1] = [toG1(points.fixed, 0), toG1(points.fixed, 1)]
  const a = alpha.add(sums.a).add(delta1.multiply(r)) as G1Point
  const b = beta.add(sums.b2).add(delta.multiply(s)) as G2Point
  const b1 = beta1.add(sums.b1).add(delta1.multiply(s))
  const product = (FIELD_ORDER - ((r * s) % FIELD_ORDER)) % FIELD_ORDER
  const c = sums.c.add(a.multiply(s)).add(b1.multiply(r)).add(delta1.multiply(product)) as G1Point
  return createProof({ a, b, c })
}

/**
 * Proves that a witness satisfies a circuit, showing only its public inputs.
 *
 * Cost: about 0.6 s for a thousand constraints; ends at the next step when the signal says so.
 *
 * @throws When the witness breaks a constraint: `ERR_ARGUMENT_INVALID`, naming it; when the key is unchecked or another's:
 *   `ERR_ZK_INSECURE_KEY`, `ERR_ZK_KEY_MISMATCH`; when ended: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function proveRelation(key: Verified<ProvingKey>, options: ProveOptions): Promise<Proof> {
  const { circuit, witness, backend = defaultBackend() } = options
  assertUsable(key, circuit.id)
  const [broken] = findBroken(circuit.relation, witness)
  if (broken !== undefined) {
    const found = `one that breaks "${broken}"`
    throw new VitalsealError(
      'ERR_ARGUMENT_INVALID',
      `"witness" expected values that satisfy the circuit, found ${found}`,
      {
        path: 'witness',
        details: { argument: 'witness', expected: 'values that satisfy the circuit', found },
      },
    )
  }
  const points = provingPoints(key)
  const proof = blind(key, points, await sumAll(points, options, backend))
  await reportStep(options, { done: STEPS - 1, total: STEPS, step: 'check' })
  const inputs = witness.slice(1, circuit.relation.publicCount + 1)
  if (!verifyRelation(key.verifyingKey, { proof, inputs }, backend)) {
    throw new VitalsealError('ERR_ZK_INSECURE_KEY', '"key" or the arithmetic made a proof that does not verify', {
      path: 'key',
      details: { check: 'proof' },
    })
  }
  await reportStep(options, { done: STEPS, total: STEPS, step: 'check' })
  return proof
}

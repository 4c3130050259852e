/**
 * Generation of keys by one party: ZKPKeyGen of PS.
 *
 * Whoever runs it could forge proofs under the keys, so they convince that party alone: an institution that asks and pays
 * from its own money. The five secrets live in one scope, are never returned, stored or taken from outside, and there is no
 * random parameter on purpose. JavaScript cannot erase its integers: run it where nobody else reads the memory.
 */

import { rejectArgument, unwrap } from '../../errors.ts'
import type { Verified } from '../../primitives/bytes.ts'
import { reportStep, type ProgressOptions } from '../../primitives/progress.ts'
import { randomBytes } from '../../primitives/random.ts'
import { drawField, FIELD_ORDER, invertField, powField, type FieldElement } from '../field.ts'
import type { Circuit } from '../relations/circuit.ts'
import { findUnconstrained, type Relation } from '../relations/relation.ts'
import { defaultBackend, type CurveBackend } from './backend.ts'
import { powersOf } from './domain.ts'
import type { KeyAudit } from './key-audit.ts'
import { toG1, toG2, type G1Vector } from './pairing.ts'
import { createProvingKey, trustProvingKey, type ProvingKey, type ProvingPoints } from './proving-key.ts'
import { domainLogOf, evaluateQuotientBasis, evaluateWires } from './quadratic-program.ts'
import { createVerifyingKey, INPUTS_MAX, type VerifyingKey } from './verifying-key.ts'

/** Options of key generation. */
export interface GenerateKeysOptions extends ProgressOptions {
  /** Says that only the party that runs this will rely on the keys. */
  readonly trust: 'single-verifier'
  readonly backend?: CurveBackend
}

/** A pair of keys of one circuit. */
export interface ProofKeys {
  readonly provingKey: Verified<ProvingKey>
  readonly verifyingKey: VerifyingKey
  /** With which somebody else checks the proving key; goes along with it. */
  readonly audit: KeyAudit
}

/** Multiplications between two reports. */
const CHUNK = 2_048

/** Scalars of all points of the keys, by section. */
interface KeyScalars {
  readonly fixed: FieldElement[]
  readonly a: FieldElement[]
  readonly b: FieldElement[]
  readonly inputs: FieldElement[]
  readonly c: FieldElement[]
  readonly h: FieldElement[]
  /** beta, gamma, delta, tau, tau^n. */
  readonly second: FieldElement[]
  /** tau^i for i from 0 to n. */
  readonly powers: FieldElement[]
}

function drawPoint(log: number): FieldElement {
  for (;;) {
    const tau = drawField(randomBytes)
    // At a root of unity the polynomials vanish; this has a chance of 2^-230.
    if (powField(tau, 1n << BigInt(log + 1)) !== 1n) return tau
  }
}

/** Draws the secrets and computes everything that depends on them; they end with this call. */
function drawScalars(relation: Relation): KeyScalars {
  const log = domainLogOf(relation)
  const tau = drawPoint(log)
  const [alpha, beta, gamma, delta] = [1, 2, 3, 4].map(() => drawField(randomBytes)) as [bigint, bigint, bigint, bigint]
  const [byGamma, byDelta] = [invertField(gamma), invertField(delta)]
  const { u, v, w } = evaluateWires(relation, tau)
  const joined = u.map((value, i) => (beta * value + alpha * v[i]! + w[i]!) % FIELD_ORDER)
  const publicCount = relation.publicCount + 1
  const times = (values: readonly FieldElement[], factor: FieldElement): FieldElement[] =>
    values.map((value) => (value * factor) % FIELD_ORDER)
  return {
    fixed: [alpha, beta, delta],
    a: u,
    b: v,
    inputs: times(joined.slice(0, publicCount), byGamma),
    c: times(joined.slice(publicCount), byDelta),
    h: times(evaluateQuotientBasis(log, tau), byDelta),
    second: [beta, gamma, delta, tau, powField(tau, 1n << BigInt(log))],
    powers: powersOf(tau, 2 ** log + 1),
  }
}

/** Refuses circuits whose keys could not bind what they should, or could not be written. */
export function checkCircuit({ relation }: Circuit): void {
  const { publicCount } = relation
  if (publicCount > INPUTS_MAX) rejectArgument('circuit', `at most ${INPUTS_MAX} public inputs`, `${publicCount}`)
  const [unconstrained] = findUnconstrained(relation)
  if (unconstrained !== undefined) {
    rejectArgument('circuit', 'every wire in a constraint', `"${unconstrained}" in none`)
  }
}

/**
 * Returns fresh keys of a circuit, marked `verifier`. Run by the institution that will verify.
 *
 * Cost: about 2 s for 3,000 constraints. Tell others the digest of the verifying key.
 *
 * @param circuit - from the requirement as published
 * @param options - `trust` must be said; progress is reported by points
 * @throws When a wire is in no constraint, or there are more than 256 public inputs: `ERR_ARGUMENT_INVALID`; when ended by the signal: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function generateProofKeys(circuit: Circuit, options: GenerateKeysOptions): Promise<ProofKeys> {
  const { trust, backend = defaultBackend() } = options
  if (trust !== 'single-verifier') rejectArgument('trust', 'single-verifier', 'something else')
  checkCircuit(circuit)
  const scalars = drawScalars(circuit.relation)
  const total =
    scalars.a.length +
    2 * scalars.b.length +
    scalars.inputs.length +
    scalars.c.length +
    scalars.h.length +
    scalars.powers.length
  let done = 0
  const inChunks = async <E>(
    values: readonly FieldElement[],
    multiply: (part: readonly FieldElement[]) => Promise<{ xs: E[]; ys: E[] }>,
  ): Promise<{ xs: E[]; ys: E[] }> => {
    const vector: { xs: E[]; ys: E[] } = { xs: [], ys: [] }
    for (let first = 0; first < values.length; first += CHUNK) {
      await reportStep(options, { done, total, step: 'points' })
      const part = await multiply(values.slice(first, first + CHUNK))
      for (let i = 0; i < part.xs.length; i++) {
        vector.xs.push(part.xs[i]!)
        vector.ys.push(part.ys[i]!)
      }
      done += part.xs.length
    }
    return vector
  }
  const g1 = (values: readonly FieldElement[]): Promise<G1Vector> =>
    inChunks(values, async (part) => backend.multiplesOfG1(part))
  const [fixed, second] = [await backend.multiplesOfG1(scalars.fixed), await backend.multiplesOfG2(scalars.second)]
  const inputs = await g1(scalars.inputs)
  const points: ProvingPoints = {
    domainLog: domainLogOf(circuit.relation),
    fixed: { xs: fixed.xs.slice(1), ys: fixed.ys.slice(1) },
    a: await g1(scalars.a),
    b1: await g1(scalars.b),
    b2: await inChunks(scalars.b, async (part) => backend.multiplesOfG2(part)),
    c: await g1(scalars.c),
    h: await g1(scalars.h),
  }
  const powers = await g1(scalars.powers)
  const powersOfG2 = { xs: second.xs.slice(3), ys: second.ys.slice(3) }
  await reportStep(options, { done: total, total, step: 'points' })
  const verifyingKey = unwrap(
    createVerifyingKey(circuit.id, 'verifier', {
      alpha: toG1(fixed, 0),
      beta: toG2(second, 0),
      gamma: toG2(second, 1),
      delta: toG2(second, 2),
      inputs: inputs.xs.map((_, i) => toG1(inputs, i)),
    }),
  )
  const audit: KeyAudit = Object.freeze({
    kind: 'key-audit',
    circuit: verifyingKey.circuit,
    powers,
    second: powersOfG2,
  })
  return { provingKey: trustProvingKey(createProvingKey(verifyingKey, points)), verifyingKey, audit }
}

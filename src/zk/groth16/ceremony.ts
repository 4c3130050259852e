/**
 * A ceremony: keys of a circuit made by several parties, such that nobody can forge proofs unless all of them conspire.
 *
 * Two rounds, each passed from party to party as a file: `powers` multiplies tau, alpha and beta into the powers of tau;
 * after `closePowers`, which uses no secret, `delta` multiplies delta into the key. Each round takes at least one
 * contribution; a party that wants to be sure takes part in both. Anyone checks the result with `validateCeremony`; a party
 * finds its own contributions there by their digests. gamma is one, which is sound.
 *
 * Whoever passes a file on can spoil it, so that the check fails at the end; he gains nothing else by that.
 */

import { VitalsealError } from '../../errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import { encodeCbor } from '../../primitives/codec.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { reportStep, type ProgressOptions } from '../../primitives/progress.ts'
import { randomBytes } from '../../primitives/random.ts'
import { choice, listOf, tuple, writeShape, type Shape } from '../../primitives/shape.ts'
import { drawField, FIELD_ORDER, invertField, type FieldElement } from '../field.ts'
import type { Circuit } from '../relations/circuit.ts'
import type { AffineVector } from './affine.ts'
import { baseFieldOfG1, baseFieldOfG2, type BaseField } from './base-field.ts'
import {
  beginTranscript,
  createShare,
  extendTranscript,
  shareShape,
  type CeremonySecret,
  type Share,
} from './ceremony-share.ts'
import { powersOf } from './domain.ts'
import { checkCircuit } from './generate.ts'
import { fromG1, fromG2, toG1, type G1Vector, type G2Vector } from './pairing.ts'
import { multiplyEach } from './point-transform.ts'
import type { ProvingPoints } from './proving-key.ts'
import { domainLogOf } from './quadratic-program.ts'
import { areAllInG1, areAllInG2 } from './subgroup.ts'

/** The rounds, in their order. */
export const CEREMONY_ROUNDS: readonly Contribution['round'][] = ['powers', 'delta']

/** Most contributions to one ceremony. */
export const CONTRIBUTIONS_MAX = 256

/** One party's part in a round. Public. */
export interface Contribution {
  readonly round: 'powers' | 'delta'
  /** Of tau, alpha and beta; or of delta. */
  readonly shares: readonly Share[]
}

/** A contribution on the wire. */
export const contributionShape: Shape<Contribution> = tuple({
  round: choice('round', CEREMONY_ROUNDS),
  shares: listOf(shareShape, { name: 'shares', countMax: 3, countMin: 1 }),
})

/** The first round: powers of tau, times alpha and beta too. */
export interface CeremonyPowers {
  /** [tau^i]_1, i < 2n. */
  readonly tau1: G1Vector
  /** [alpha tau^i]_1, i < n. */
  readonly alpha1: G1Vector
  /** [beta tau^i]_1, i < n. */
  readonly beta1: G1Vector
  /** [tau^i]_2, i <= n. */
  readonly tau2: G2Vector
  /** [beta]_2. */
  readonly beta2: G2Vector
}

/** The second round: the key. */
export interface CeremonyKey {
  readonly points: ProvingPoints
  readonly alpha1: G1Vector
  /** [beta]_2 and [delta]_2. */
  readonly fixed2: G2Vector
  readonly inputs: G1Vector
  /** [tau^i]_1, i <= n. */
  readonly powers: G1Vector
  /** [tau]_2 and [tau^n]_2. */
  readonly second: G2Vector
}

/** The state of a ceremony, passed from party to party. Not secret. */
export interface Ceremony {
  readonly kind: 'ceremony'
  /** Id of the circuit. */
  readonly circuit: Digest32
  readonly contributions: readonly Contribution[]
  readonly state:
    | { readonly round: 'powers'; readonly powers: CeremonyPowers }
    | { readonly round: 'delta'; readonly key: CeremonyKey }
}

/** Which secrets a round shares. */
export const SECRETS_OF_ROUND: Readonly<Record<Contribution['round'], readonly CeremonySecret[]>> = {
  powers: ['tau', 'alpha', 'beta'],
  delta: ['delta'],
}

/** Points that are multiplied between two reports. */
const CHUNK = 1_024

function repeat<E>({ xs, ys }: AffineVector<E>, count: number): AffineVector<E> {
  return { xs: Array.from({ length: count }, () => xs[0]!), ys: Array.from({ length: count }, () => ys[0]!) }
}

/** Begins a ceremony, with ones for all secrets. */
export function startCeremony(circuit: Circuit): Ceremony {
  checkCircuit(circuit)
  const size = 2 ** domainLogOf(circuit.relation)
  const [g1, g2] = [fromG1([generatorOfG1()]), fromG2([generatorOfG2()])]
  const powers = {
    tau1: repeat(g1, 2 * size),
    alpha1: repeat(g1, size),
    beta1: repeat(g1, size),
    tau2: repeat(g2, size + 1),
    beta2: g2,
  }
  return { kind: 'ceremony', circuit: circuit.id, contributions: [], state: { round: 'powers', powers } }
}

/** Digest of the transcript after each contribution, in order; the last is where the next one goes on. */
export function transcriptDigests(circuit: Digest32, contributions: readonly Contribution[]): Digest32[] {
  let digest = beginTranscript(circuit)
  return contributions.map((contribution) => {
    const bytes = encodeCbor(writeShape(contribution, contributionShape, { object: 'contribution' }))
    return (digest = extendTranscript(digest, bytes))
  })
}

/** Vectors of a state, whose points must be in their subgroups before a secret multiplies them. */
function vectorsOf({ state }: Ceremony): { readonly first: G1Vector[]; readonly second: G2Vector[] } {
  if (state.round === 'powers') {
    const { tau1, alpha1, beta1, tau2, beta2 } = state.powers
    return { first: [tau1, alpha1, beta1], second: [tau2, beta2] }
  }
  const { points, fixed2 } = state.key
  return { first: [points.fixed, points.c, points.h], second: [fixed2] }
}

function checkSubgroups(ceremony: Ceremony): void {
  const { first, second } = vectorsOf(ceremony)
  if (first.every(areAllInG1) && second.every(areAllInG2)) return
  throw new VitalsealError('ERR_ZK_INSECURE_KEY', '"ceremony" expected points of the subgroups', {
    path: 'ceremony',
    details: { check: 'subgroups' },
  })
}

/** Multiplies vectors of points part by part. */
function createMultiplier(options: ProgressOptions, total: number) {
  let done = 0
  return async <E>(
    field: BaseField<E>,
    { xs, ys }: AffineVector<E>,
    scalars: readonly FieldElement[],
  ): Promise<AffineVector<E>> => {
    const result: AffineVector<E> = { xs: [], ys: [] }
    for (let first = 0; first < xs.length; first += CHUNK) {
      await reportStep(options, { done, total, step: 'contribution' })
      const end = first + CHUNK
      const part = multiplyEach(
        field,
        { xs: xs.slice(first, end), ys: ys.slice(first, end) },
        scalars.slice(first, end),
      )
      result.xs.push(...part.xs)
      result.ys.push(...part.ys)
      done += part.xs.length
    }
    return result
  }
}

async function multiplyPowers(
  { tau1, alpha1, beta1, tau2, beta2 }: CeremonyPowers,
  factors: { readonly tau: FieldElement; readonly alpha: FieldElement; readonly beta: FieldElement },
  options: ProgressOptions,
): Promise<CeremonyPowers> {
  const size = alpha1.xs.length
  const multiply = createMultiplier(options, 5 * size + 2)
  const { tau, alpha, beta } = factors
  const powers = powersOf(tau, 2 * size)
  const half = powers.slice(0, size)
  const times = (factor: FieldElement): FieldElement[] => half.map((power) => (power * factor) % FIELD_ORDER)
  return {
    tau1: await multiply(baseFieldOfG1, tau1, powers),
    alpha1: await multiply(baseFieldOfG1, alpha1, times(alpha)),
    beta1: await multiply(baseFieldOfG1, beta1, times(beta)),
    tau2: await multiply(baseFieldOfG2, tau2, powers.slice(0, size + 1)),
    beta2: await multiply(baseFieldOfG2, beta2, [beta]),
  }
}

async function multiplyKey(key: CeremonyKey, delta: FieldElement, options: ProgressOptions): Promise<CeremonyKey> {
  const { points, fixed2 } = key
  const multiply = createMultiplier(options, points.c.xs.length + points.h.xs.length + 4)
  const inverse = invertField(delta)
  const each = (vector: G1Vector): FieldElement[] => vector.xs.map(() => inverse)
  return {
    ...key,
    points: {
      ...points,
      fixed: await multiply(baseFieldOfG1, points.fixed, [1n, delta]),
      c: await multiply(baseFieldOfG1, points.c, each(points.c)),
      h: await multiply(baseFieldOfG1, points.h, each(points.h)),
    },
    fixed2: await multiply(baseFieldOfG2, fixed2, [1n, delta]),
  }
}

/** The secrets of a state, in G1, in the order of its round. */
function headsOf({ state }: Ceremony): G1Vector {
  if (state.round === 'delta') {
    const { xs, ys } = state.key.points.fixed
    return { xs: [xs[1]!], ys: [ys[1]!] }
  }
  const { tau1, alpha1, beta1 } = state.powers
  return { xs: [tau1.xs[1]!, alpha1.xs[0]!, beta1.xs[0]!], ys: [tau1.ys[1]!, alpha1.ys[0]!, beta1.ys[0]!] }
}

/**
 * Contributes to the present round of a ceremony. Run by each party, on a machine of its own.
 *
 * Cost: about 1 ms for each point of the round, 4 n of G1 and n of G2 in the first for n rows, 2 n of G1 in the second. The
 * factors end with the call; nothing of them is returned, and there is no random parameter on purpose.
 *
 * @param ceremony - from the party before
 * @param options - progress and a signal
 * @returns the ceremony for the next party, and the digest by which one's contribution is found in the result
 * @throws When a point lies outside of its subgroup: `ERR_ZK_INSECURE_KEY`; when ended: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function contributeToCeremony(
  ceremony: Ceremony,
  options: ProgressOptions = {},
): Promise<{ readonly ceremony: Ceremony; readonly digest: Digest32 }> {
  checkSubgroups(ceremony)
  const { circuit, contributions, state } = ceremony
  const transcript = transcriptDigests(circuit, contributions).at(-1) ?? beginTranscript(circuit)
  const secrets = SECRETS_OF_ROUND[state.round]
  const factors = secrets.map(() => drawField(randomBytes))
  const heads = headsOf(ceremony)
  const shares = secrets.map((secret, i) => createShare({ secret, transcript }, toG1(heads, i), factors[i]!))
  const [first, alpha, beta] = factors as [bigint, bigint, bigint]
  const next: Ceremony['state'] =
    state.round === 'powers'
      ? { round: 'powers', powers: await multiplyPowers(state.powers, { tau: first, alpha, beta }, options) }
      : { round: 'delta', key: await multiplyKey(state.key, first, options) }
  const longer = [...contributions, { round: state.round, shares }]
  const digest = transcriptDigests(circuit, longer).at(-1)!
  return { ceremony: { kind: 'ceremony', circuit, contributions: longer, state: next }, digest }
}

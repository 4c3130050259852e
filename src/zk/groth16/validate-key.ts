/**
 * The check of a proving key that somebody else made, run by the prover, once for each key: a key that passes cannot make
 * proofs leak, whoever made it and whatever he kept.
 *
 * Every point is checked to be in its subgroup; then random combinations of all points of a kind are compared with what the
 * circuit says they should be, by pairings. The circuit has to be the one that the prover compiled from the requirement
 * that was shown to him. A wrong key passes with a chance of 2^-120 at most. That nobody can forge proofs is another
 * question, which a ceremony answers.
 *
 * @see Fuchsbauer, "Subversion-zero-knowledge SNARKs", 2017/587
 */

import { fail, succeed, type Result } from '../../errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import type { G1Point, G2Point } from '../../primitives/bls12-381.ts'
import { equalBytes, toHex, type Verified } from '../../primitives/bytes.ts'
import { reportStep, type ProgressOptions } from '../../primitives/progress.ts'
import { drawBytes, randomBytes } from '../../primitives/random.ts'
import { FIELD_ORDER, invertField, toInteger, type FieldElement } from '../field.ts'
import type { Circuit } from '../relations/circuit.ts'
import type { Relation } from '../relations/relation.ts'
import { defaultBackend, type CurveBackend } from './backend.ts'
import { powersOf, rootOfUnity } from './domain.ts'
import type { KeyAudit } from './key-audit.ts'
import { fromG1, isSameTarget, prepareG2, toG1, toG2, type G1Vector, type G2Vector } from './pairing.ts'
import { provingPoints, trustProvingKey, type ProvingKey, type ProvingPoints } from './proving-key.ts'
import { domainLogOf, evaluateRows } from './quadratic-program.ts'
import { areAllInG1, areAllInG2 } from './subgroup.ts'
import { insecure, verifyingPoints } from './verifying-key.ts'

/** What a key is checked against. */
export interface ValidateKeyOptions extends ProgressOptions {
  /** Compiled here, from the requirement as shown. */
  readonly circuit: Circuit
  /** From whoever made the key; a key without it cannot be checked. */
  readonly audit: KeyAudit
  readonly backend?: CurveBackend
}

const FACTOR_BYTES = 16
/** Points whose subgroup is checked between two reports. */
const CHUNK = 16_384

/** One side of an equation: pairs whose pairings are multiplied. */
type Side = readonly (readonly [G1Point, G2Point])[]

function drawFactors(count: number): bigint[] {
  return Array.from({ length: count }, () => toInteger(drawBytes(randomBytes, FACTOR_BYTES)) | 1n)
}

function isEquation(left: Side, right: Side, backend: CurveBackend): boolean {
  const prepare = (side: Side): [G1Point, ReturnType<typeof prepareG2>][] =>
    side.flatMap(([first, second]) => (second.is0() ? [] : [[first, prepareG2(second)]]))
  return isSameTarget(backend.multiplyPairings(prepare(left)), backend.multiplyPairings(prepare(right)))
}

function slice<E>({ xs, ys }: { xs: E[]; ys: E[] }, start: number, end?: number): { xs: E[]; ys: E[] } {
  return { xs: xs.slice(start, end), ys: ys.slice(start, end) }
}

/** The combinations of a key with random factors, one for each wire. */
interface Combined {
  readonly a: G1Point
  readonly b1: G1Point
  readonly b2: G2Point
  readonly c: G1Point
}

/** Everything that one check needs. */
class KeyCheck {
  readonly #points: ProvingPoints
  readonly #key: ProvingKey
  readonly #audit: KeyAudit
  readonly #relation: Relation
  readonly #backend: CurveBackend
  readonly #factors: readonly bigint[]

  constructor(key: ProvingKey, { circuit, audit, backend = defaultBackend() }: ValidateKeyOptions) {
    this.#points = provingPoints(key)
    this.#key = key
    this.#audit = audit
    this.#relation = circuit.relation
    this.#backend = backend
    this.#factors = drawFactors(circuit.relation.wireNames.length)
  }

  /** Counts of points, before anything is computed with them. */
  hasRightCounts(): boolean {
    const { domainLog, a, b1, b2, c, h } = this.#points
    const { publicCount, wireNames } = this.#relation
    const size = 2 ** domainLogOf(this.#relation)
    return (
      domainLog === domainLogOf(this.#relation) &&
      [a, b1].every(({ xs }) => xs.length === wireNames.length) &&
      b2.xs.length === wireNames.length &&
      c.xs.length === wireNames.length - publicCount - 1 &&
      h.xs.length === size &&
      verifyingPoints(this.#key.verifyingKey).inputs.length === publicCount + 1 &&
      this.#audit.powers.xs.length === size + 1 &&
      this.#audit.second.xs.length === 2
    )
  }

  /** All vectors of G1, for the subgroup check. */
  vectorsOfG1(): G1Vector[] {
    const { fixed, a, b1, c, h } = this.#points
    return [fixed, a, b1, c, h, this.#audit.powers]
  }

  /** All vectors of G2, for the subgroup check. */
  vectorsOfG2(): G2Vector[] {
    return [this.#points.b2, this.#audit.second]
  }

  /** Points that must not be the identity; those of the verifying key were checked when it was read. */
  hasNoIdentity(): boolean {
    const { fixed } = this.#points
    const { powers, second } = this.#audit
    return [toG1(fixed, 0), toG1(fixed, 1), toG1(powers, 1)].every((point) => !point.is0()) && !toG2(second, 0).is0()
  }

  /** The powers of tau, in both groups. */
  async arePowers(): Promise<boolean> {
    const { powers, second } = this.#audit
    const count = powers.xs.length - 1
    const factors = drawFactors(count)
    const low = toG1(await this.#backend.sumG1(slice(powers, 0, count), factors))
    const high = toG1(await this.#backend.sumG1(slice(powers, 1), factors))
    const [g, h] = [generatorOfG1(), generatorOfG2()]
    return (
      toG1(powers, 0).equals(g) &&
      isEquation([[high, h]], [[low, toG2(second, 0)]], this.#backend) &&
      isEquation([[toG1(powers, count), h]], [[g, toG2(second, 1)]], this.#backend)
    )
  }

  /** beta and delta are the same in both groups. */
  areFixedPoints(): boolean {
    const { beta, delta } = verifyingPoints(this.#key.verifyingKey)
    const [g, h] = [generatorOfG1(), generatorOfG2()]
    return [beta, delta].every((point, i) =>
      isEquation([[toG1(this.#points.fixed, i), h]], [[g, point]], this.#backend),
    )
  }

  /** Sum of factor times polynomial of each wire at tau, from the powers: the rows of the relation take factors as they take a witness. */
  async #expected(factors: readonly bigint[]): Promise<{ u: G1Point; v: G1Point; w: G1Point }> {
    const sums: G1Point[] = []
    for (const values of evaluateRows(this.#relation, factors)) {
      const coefficients = await this.#backend.interpolate(values)
      sums.push(toG1(await this.#backend.sumG1(slice(this.#audit.powers, 0, coefficients.length), coefficients)))
    }
    const [u, v, w] = sums as [G1Point, G1Point, G1Point]
    return { u, v, w }
  }

  async #combine(factors: readonly bigint[]): Promise<Omit<Combined, 'c'>> {
    const { a, b1, b2 } = this.#points
    return {
      a: toG1(await this.#backend.sumG1(a, factors)),
      b1: toG1(await this.#backend.sumG1(b1, factors)),
      b2: toG2(await this.#backend.sumG2(b2, factors)),
    }
  }

  /** beta u + alpha v + w of some wires, divided by what `divisor` stands for, is `sum`. */
  async #isJoined(factors: readonly bigint[], sum: G1Point, divisor: G2Point): Promise<string | undefined> {
    const { alpha, beta } = verifyingPoints(this.#key.verifyingKey)
    const { u, v, w } = await this.#expected(factors)
    const { a, b1, b2 } = await this.#combine(factors)
    const [g, h] = [generatorOfG1(), generatorOfG2()]
    if (!a.equals(u)) return 'A'
    if (!b1.equals(v)) return 'B in G1'
    if (!isEquation([[g, b2]], [[b1, h]], this.#backend)) return 'B in G2'
    const right: Side = [
      [a, beta],
      [alpha, b2],
      [w, h],
    ]
    return isEquation([[sum, divisor]], right, this.#backend) ? undefined : 'C'
  }

  /** Private wires: A, B and C. */
  async findPrivateFault(): Promise<string | undefined> {
    const first = this.#relation.publicCount + 1
    const factors = this.#factors.map((factor, wire) => (wire < first ? 0n : factor))
    const c = toG1(await this.#backend.sumG1(this.#points.c, this.#factors.slice(first)))
    const { delta } = verifyingPoints(this.#key.verifyingKey)
    return this.#isJoined(factors, c, delta)
  }

  /** One and the public inputs. */
  async findPublicFault(): Promise<string | undefined> {
    const { inputs, gamma } = verifyingPoints(this.#key.verifyingKey)
    const factors = this.#factors.map((factor, wire) => (wire < inputs.length ? factor : 0n))
    const sum = toG1(await this.#backend.sumG1(fromG1(inputs), factors.slice(0, inputs.length)))
    const fault = await this.#isJoined(factors, sum, gamma)
    return fault === 'C' ? 'IC' : fault
  }

  /**
   * The basis of the quotient. H_j delta = (tau^n - 1) m_j(tau), where m_j is -1/2 times the Lagrange polynomial of the j-th
   * point between the roots; the values of sum f_j m_j there are therefore -f_j / 2.
   */
  async isQuotientBasis(): Promise<boolean> {
    const { h, domainLog } = this.#points
    const factors = drawFactors(h.xs.length)
    const minusHalf = FIELD_ORDER - invertField(2n)
    const values = factors.map((factor) => (factor * minusHalf) % FIELD_ORDER)
    const shifts = powersOf(invertField(rootOfUnity(domainLog + 1)), values.length)
    const shifted = await this.#backend.interpolate(values)
    const coefficients: FieldElement[] = shifted.map((value, i) => (value * shifts[i]!) % FIELD_ORDER)
    const sum = toG1(await this.#backend.sumG1(h, factors))
    const powers = slice(this.#audit.powers, 0, coefficients.length)
    const expected = toG1(await this.#backend.sumG1(powers, coefficients))
    const { delta } = verifyingPoints(this.#key.verifyingKey)
    const vanishing = toG2(this.#audit.second, 1).subtract(generatorOfG2()) as G2Point
    return isEquation([[sum, delta]], [[expected, vanishing]], this.#backend)
  }
}

function join<E>(vectors: readonly { readonly xs: E[]; readonly ys: E[] }[]): { xs: E[]; ys: E[] } {
  return { xs: vectors.flatMap(({ xs }) => xs), ys: vectors.flatMap(({ ys }) => ys) }
}

/** Checks all points part by part, so that the work can be ended. */
async function areInSubgroups(check: KeyCheck, options: ValidateKeyOptions): Promise<boolean> {
  const [first, second] = [join(check.vectorsOfG1()), join(check.vectorsOfG2())]
  const total = first.xs.length + second.xs.length
  let done = 0
  const test = async <E>(
    vector: { xs: E[]; ys: E[] },
    areAllIn: (part: { xs: E[]; ys: E[] }) => boolean,
  ): Promise<boolean> => {
    for (let start = 0; start < vector.xs.length; start += CHUNK) {
      await reportStep(options, { done, total, step: 'subgroups' })
      const part = slice(vector, start, start + CHUNK)
      if (!areAllIn(part)) return false
      done += part.xs.length
    }
    return true
  }
  return (await test(first, areAllInG1)) && (await test(second, areAllInG2))
}

/**
 * Checks a proving key against a circuit and marks it as one to prove with.
 *
 * Run by the patient's app before it uses a key for the first time. Cost: about 2 proofs: 4 s for 3,000 constraints. Keep the
 * answer by the digest of the key file.
 *
 * @param key - read from a file
 * @param options - the circuit compiled here, and the audit file of the key
 * @returns the key, or `ERR_ZK_KEY_MISMATCH` for another circuit's, or `ERR_ZK_INSECURE_KEY` with the check that failed
 * @throws When ended by the signal: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function validateProvingKey(
  key: ProvingKey,
  options: ValidateKeyOptions,
): Promise<Result<Verified<ProvingKey>, 'ERR_ZK_INSECURE_KEY' | 'ERR_ZK_KEY_MISMATCH'>> {
  const { circuit, audit } = options
  for (const { circuit: found } of [key, key.verifyingKey, audit]) {
    if (equalBytes(found, circuit.id)) continue
    return fail('ERR_ZK_KEY_MISMATCH', 'key: expected one of this circuit', {
      path: 'key',
      details: { circuit: toHex(circuit.id), found: toHex(found) },
    })
  }
  const check = new KeyCheck(key, options)
  if (!check.hasRightCounts()) return insecure('counts')
  if (!check.hasNoIdentity()) return insecure('identity')
  if (!(await areInSubgroups(check, options))) return insecure('subgroups')
  const steps: readonly (readonly [string, () => Promise<string | undefined>])[] = [
    ['powers', async () => ((await check.arePowers()) ? undefined : 'powers of tau')],
    ['fixed points', () => Promise.resolve(check.areFixedPoints() ? undefined : 'beta and delta')],
    ['private wires', () => check.findPrivateFault()],
    ['public inputs', () => check.findPublicFault()],
    ['quotient', async () => ((await check.isQuotientBasis()) ? undefined : 'H')],
  ]
  for (const [done, [step, run]] of steps.entries()) {
    await reportStep(options, { done, total: steps.length, step })
    const fault = await run()
    if (fault !== undefined) return insecure(fault)
  }
  return succeed(trustProvingKey(key))
}

/**
 * Verification: e(A, B) = e(alpha, beta) e(sum x_i IC_i, gamma) e(C, delta).
 *
 * Every point is checked to be in its subgroup and not the identity, every input to be in [0, r - 1] and their number to
 * be exact: x and x + r would be one input with two names.
 *
 * @see Groth, "On the size of pairing-based non-interactive arguments", 2016/260, section 3.2
 */

import type { G1Point } from '../../primitives/bls12-381.ts'
import { drawBytes, randomBytes } from '../../primitives/random.ts'
import { FIELD_ORDER, isFieldElement, toInteger, type FieldElement } from '../field.ts'
import { defaultBackend, type CurveBackend } from './backend.ts'
import { baseFieldOfG1 } from './base-field.ts'
import { multiplyAndSumG1 } from './multi-scalar.ts'
import { fromG1, isSameTarget, prepareG2, toG1, type PreparedG2, type TargetElement } from './pairing.ts'
import { multiplyEach } from './point-transform.ts'
import {
  parseManyProofPoints,
  parseProofPoints,
  type PreparedProofPoints,
  type Proof,
  type ProofPoints,
} from './proof.ts'
import { verifyingPoints, type VerifyingKey } from './verifying-key.ts'

/** A proof and what it is about. */
export interface ProvenInputs {
  readonly proof: Proof
  /** In the order of the circuit, without the constant one. */
  readonly inputs: readonly FieldElement[]
}

/** What a key needs for each verification, made on its first use. */
interface PreparedKey {
  readonly alphaBeta: TargetElement
  readonly alpha: G1Point
  readonly beta: PreparedG2
  readonly gamma: PreparedG2
  readonly delta: PreparedG2
  /** Multiples 1 to 15 of each input's point. */
  readonly tables: readonly (readonly G1Point[])[]
}

const DIGIT_BITS = 4
const DIGITS = 64
/** Bytes of the random factors that proofs of a batch are multiplied with. */
const FACTOR_BYTES = 16
const HALF_BITS = 64n
const HALF_MASK = 2n ** HALF_BITS - 1n

const prepared = new WeakMap<VerifyingKey, PreparedKey>()

function prepareKey(key: VerifyingKey, backend: CurveBackend): PreparedKey {
  let ready = prepared.get(key)
  if (ready === undefined) {
    const { alpha, beta, gamma, delta, inputs } = verifyingPoints(key)
    const lines = prepareG2(beta)
    ready = {
      alphaBeta: backend.multiplyPairings([[alpha, lines]]),
      alpha,
      beta: lines,
      gamma: prepareG2(gamma),
      delta: prepareG2(delta),
      tables: inputs.map(makeMultiples),
    }
    prepared.set(key, ready)
  }
  return ready
}

function makeMultiples(point: G1Point): G1Point[] {
  const multiples = [point]
  for (let i = 2; i < 2 ** DIGIT_BITS; i++) multiples.push(multiples.at(-1)!.add(point) as G1Point)
  return multiples
}

/** Sum of scalar times point, with doublings shared by all (Straus). The identity has no type here: undefined. */
function sumOfInputs(tables: PreparedKey['tables'], scalars: readonly bigint[]): G1Point | undefined {
  let sum: G1Point | undefined
  for (let digit = DIGITS - 1; digit >= 0; digit--) {
    for (let i = 0; i < DIGIT_BITS && sum !== undefined; i++) sum = sum.double() as G1Point
    for (const [i, scalar] of scalars.entries()) {
      const value = Number((scalar >> BigInt(DIGIT_BITS * digit)) & 15n)
      if (value === 0) continue
      const multiple = tables[i]![value - 1]!
      sum = sum === undefined ? multiple : (sum.add(multiple) as G1Point)
    }
  }
  return sum
}

/** The bytes of a proof and its inputs; undefined where they are none, whatever came instead. */
function readForm(
  item: ProvenInputs | null | undefined,
  count: number,
): { readonly bytes: Uint8Array; readonly inputs: readonly FieldElement[] } | undefined {
  const { proof, inputs }: Partial<ProvenInputs> = item ?? {}
  const bytes: unknown = (proof as Proof | null | undefined)?.bytes
  if (!(bytes instanceof Uint8Array) || !Array.isArray(inputs) || inputs.length !== count) return undefined
  // A copy has no holes, which `every` would pass over.
  const copy: readonly unknown[] = [...(inputs as readonly unknown[])]
  return copy.every(isFieldElement) ? { bytes, inputs: copy } : undefined
}

/** The points of a proof and its inputs; undefined where one of them has another form. */
function readItem(item: ProvenInputs, count: number): (ProofPoints & { inputs: readonly bigint[] }) | undefined {
  const form = readForm(item, count)
  if (form === undefined) return undefined
  const points = parseProofPoints(form.bytes)
  return points.ok ? { ...points.value, inputs: form.inputs } : undefined
}

/**
 * Tells whether a proof holds for its public inputs. Total in the proof and the inputs.
 *
 * Cost: about 17 ms, and 8 ms more for the first proof under a key.
 *
 * @throws When the key itself is none: `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function verifyRelation(
  key: VerifyingKey,
  item: ProvenInputs,
  backend: CurveBackend = defaultBackend(),
): boolean {
  const ready = prepareKey(key, backend)
  const read = readItem(item, ready.tables.length - 1)
  if (read === undefined) return false
  const { a, b, c, inputs } = read
  const sum = sumOfInputs(ready.tables, [1n, ...inputs])
  // e(A, B) e(-sum, gamma) e(-C, delta) = e(alpha, beta); a pairing with the identity is one.
  const pairs: [G1Point, PreparedG2][] = [
    [a, prepareG2(b)],
    [c.negate() as G1Point, ready.delta],
  ]
  if (sum !== undefined && !sum.is0()) pairs.push([sum.negate() as G1Point, ready.gamma])
  return isSameTarget(backend.multiplyPairings(pairs), ready.alphaBeta)
}

interface BatchItem extends PreparedProofPoints {
  readonly position: number
  readonly inputs: readonly bigint[]
}

/** A factor of 128 random bits as f + f' z^2 with halves of 64, which points of G1 are multiplied by in half the steps. */
function drawFactor(): bigint {
  const bits = toInteger(drawBytes(randomBytes, FACTOR_BYTES))
  return ((bits & HALF_MASK) | 1n) + (bits >> HALF_BITS) * baseFieldOfG1.endomorphism.factor
}

/**
 * Checks many at once: the equations are multiplied, each with one of 2^127 random exponents that is drawn when all proofs
 * are fixed, so wrong ones cannot cancel each other out.
 */
function holdTogether(ready: PreparedKey, items: readonly BatchItem[], backend: CurveBackend): boolean {
  const factors = items.map(drawFactor)
  const total = factors.reduce((sum, factor) => sum + factor, 0n) % FIELD_ORDER
  const scalars = ready.tables.map((_, column) =>
    column === 0
      ? total
      : items.reduce((sum, { inputs }, i) => (sum + factors[i]! * inputs[column - 1]!) % FIELD_ORDER, 0n),
  )
  const scaled = multiplyEach(baseFieldOfG1, fromG1(items.map(({ a }) => a)), factors)
  const pairs: [G1Point, PreparedG2][] = items.map(({ lines }, i) => [toG1(scaled, i), lines])
  const blinds = multiplyAndSumG1(fromG1(items.map(({ c }) => c)), factors)
  const shares: [G1Point | undefined, PreparedG2][] = [
    [sumOfInputs(ready.tables, scalars), ready.gamma],
    [toG1(blinds), ready.delta],
    [ready.alpha.multiplyUnsafe(total) as G1Point, ready.beta],
  ]
  for (const [point, lines] of shares) if (point !== undefined) pairs.push([point.negate() as G1Point, lines])
  return isSameTarget(backend.multiplyPairings(pairs), backend.multiplyPairings([]))
}

/**
 * Tells of each proof whether it holds. Total in the items. Where all of 32 do, a proof costs less than a third of a single verification; otherwise halves are
 * tried until the wrong ones are found, so one wrong proof in n costs about 2 log n batches more.
 *
 * @throws When the key itself is none: `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function verifyRelations(
  key: VerifyingKey,
  items: readonly ProvenInputs[],
  backend: CurveBackend = defaultBackend(),
): boolean[] {
  const ready = prepareKey(key, backend)
  const answers = items.map(() => false)
  const sound = items.flatMap((item, position) => {
    const form = readForm(item, ready.tables.length - 1)
    return form === undefined ? [] : [{ ...form, position }]
  })
  const points = parseManyProofPoints(sound.map(({ bytes }) => bytes))
  const read = sound.flatMap(({ inputs, position }, i): BatchItem[] => {
    const found = points[i]
    return found === undefined ? [] : [{ ...found, inputs, position }]
  })
  const settle = (part: readonly BatchItem[]): void => {
    if (part.length === 0) return
    if (holdTogether(ready, part, backend)) {
      for (const { position } of part) answers[position] = true
    } else if (part.length > 1) {
      settle(part.slice(0, part.length >> 1))
      settle(part.slice(part.length >> 1))
    }
  }
  settle(read)
  return answers
}

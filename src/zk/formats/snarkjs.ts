/**
 * The JSON of snarkjs for proofs, verifying keys and public inputs: decimal text, G2 as pairs, points with a third coordinate
 * of one. Read strictly: exact fields, exact lengths, canonical decimals below their modulus, points as in our own formats.
 *
 * The format was learned from files; no code of that program is here.
 */

import { fail, succeed, unwrap, type Result } from '../../errors.ts'
import type { CurveFp2, G1Point, G2Point, PointErrorCode } from '../../primitives/bls12-381.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { FIELD_ORDER, type FieldElement } from '../field.ts'
import { BASE_ORDER } from '../groth16/base-field.ts'
import { fromG1, fromG2, isInSubgroup, toG1, toG2 } from '../groth16/pairing.ts'
import { createProof, parseProofPoints, type Proof } from '../groth16/proof.ts'
import {
  createVerifyingKey,
  INPUTS_MAX,
  verifyingPoints,
  type Setup,
  type VerifyingKey,
} from '../groth16/verifying-key.ts'

/** What the JSON of snarkjs can hold, by kind. */
export interface SnarkjsObjects {
  readonly proof: Proof
  readonly 'verifying-key': VerifyingKey
  readonly inputs: readonly FieldElement[]
}

/** What the JSON does not say about a key. */
export interface SnarkjsKeyOptions {
  /** Id of the circuit; by default zeros, which no circuit of this library has. */
  readonly circuit?: Digest32
  /** Default `verifier`, which promises least. */
  readonly setup?: Setup
}

/** Codes with which JSON of snarkjs is refused. */
export type ReadCode = PointErrorCode | 'ERR_ZK_INSECURE_KEY'
type Json = Readonly<Record<string, unknown>>

const PROTOCOL = 'groth16'
const CURVE = 'bls12381'

function malformed(path: string, expected: string): Result<never, 'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
}

const DECIMAL = /^(?:0|[1-9][0-9]*)$/
/** Longer than the decimals of p. */
const DECIMAL_LENGTH_MAX = 115

function readInteger(value: unknown, modulus: bigint): bigint | undefined {
  if (typeof value !== 'string' || value.length > DECIMAL_LENGTH_MAX || !DECIMAL.test(value)) return undefined
  const integer = BigInt(value)
  return integer < modulus ? integer : undefined
}

function isList(value: unknown, length: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length === length
}

function readPair(value: unknown): CurveFp2 | undefined {
  if (!isList(value, 2)) return undefined
  const [c0, c1] = [readInteger(value[0], BASE_ORDER), readInteger(value[1], BASE_ORDER)]
  return c0 === undefined || c1 === undefined ? undefined : { c0, c1 }
}

function readG1(value: unknown, path: string): Result<G1Point, PointErrorCode> {
  if (!isList(value, 3) || value[2] !== '1') return malformed(path, 'three coordinates of G1, the last one')
  const [x, y] = [readInteger(value[0], BASE_ORDER), readInteger(value[1], BASE_ORDER)]
  if (x === undefined || y === undefined) return malformed(path, 'decimals below p')
  const point = toG1({ xs: [x], ys: [y] })
  if (isInSubgroup(point)) return succeed(point)
  return fail('ERR_CRYPTO_INVALID_POINT', `${path}: expected a point of G1`, { path, details: { group: 'G1' } })
}

function readG2(value: unknown, path: string): Result<G2Point, PointErrorCode> {
  const last = isList(value, 3) ? value[2] : undefined
  if (!isList(value, 3) || !isList(last, 2) || last[0] !== '1' || last[1] !== '0') {
    return malformed(path, 'three pairs of G2, the last one')
  }
  const [x, y] = [readPair(value[0]), readPair(value[1])]
  if (x === undefined || y === undefined) return malformed(path, 'decimals below p')
  const point = toG2({ xs: [x], ys: [y] })
  if (isInSubgroup(point)) return succeed(point)
  return fail('ERR_CRYPTO_INVALID_POINT', `${path}: expected a point of G2`, { path, details: { group: 'G2' } })
}

/** The fields of an object; undefined where one is missing or unknown. */
function readFields(value: unknown, required: readonly string[], optional: readonly string[] = []): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const names = Object.keys(value)
  if (!required.every((name) => names.includes(name))) return undefined
  if (!names.every((name) => required.includes(name) || optional.includes(name))) return undefined
  const fields = value as Json
  return fields['protocol'] === PROTOCOL && fields['curve'] === CURVE ? fields : undefined
}

function readProof(value: unknown): Result<Proof, PointErrorCode> {
  const fields = readFields(value, ['pi_a', 'pi_b', 'pi_c', 'protocol', 'curve'])
  if (fields === undefined) return malformed('proof', 'the fields of a Groth16 proof over bls12381')
  const a = readG1(fields['pi_a'], 'proof.pi_a')
  if (!a.ok) return a
  const b = readG2(fields['pi_b'], 'proof.pi_b')
  if (!b.ok) return b
  const c = readG1(fields['pi_c'], 'proof.pi_c')
  return c.ok ? succeed(createProof({ a: a.value, b: b.value, c: c.value })) : c
}

const KEY_FIELDS = ['protocol', 'curve', 'nPublic', 'vk_alpha_1', 'vk_beta_2', 'vk_gamma_2', 'vk_delta_2', 'IC']

function readKey(value: unknown, { circuit, setup = 'verifier' }: SnarkjsKeyOptions): Result<VerifyingKey, ReadCode> {
  // e(alpha, beta) follows from the rest; it is neither used nor believed.
  const fields = readFields(value, KEY_FIELDS, ['vk_alphabeta_12'])
  if (fields === undefined) return malformed('key', 'the fields of a Groth16 key over bls12381')
  const count = fields['nPublic']
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0 || count > INPUTS_MAX) {
    return malformed('key.nPublic', `0 to ${INPUTS_MAX}`)
  }
  const list = fields['IC']
  if (!isList(list, count + 1)) return malformed('key.IC', `${count + 1} points`)
  const alpha = readG1(fields['vk_alpha_1'], 'key.vk_alpha_1')
  if (!alpha.ok) return alpha
  const second: G2Point[] = []
  for (const name of ['vk_beta_2', 'vk_gamma_2', 'vk_delta_2']) {
    const point = readG2(fields[name], `key.${name}`)
    if (!point.ok) return point
    second.push(point.value)
  }
  const inputs: G1Point[] = []
  for (const [i, item] of list.entries()) {
    const point = readG1(item, `key.IC.${i}`)
    if (!point.ok) return point
    inputs.push(point.value)
  }
  const [beta, gamma, delta] = second as [G2Point, G2Point, G2Point]
  const id = circuit ?? (new Uint8Array(32) as Digest32)
  return createVerifyingKey(id, setup, { alpha: alpha.value, beta, gamma, delta, inputs })
}

function readInputs(value: unknown): Result<readonly FieldElement[], 'ERR_CODEC_MALFORMED'> {
  if (!Array.isArray(value) || value.length > INPUTS_MAX) return malformed('inputs', `at most ${INPUTS_MAX} decimals`)
  // A copy has no holes, which would stay holes.
  const inputs = [...(value as readonly unknown[])].map((item) => readInteger(item, FIELD_ORDER))
  return inputs.every((input) => input !== undefined) ? succeed(inputs) : malformed('inputs', 'decimals below r')
}

/**
 * Reads what snarkjs wrote for `groth16` over `bls12381`, after `JSON.parse`. Total.
 *
 * Proofs by that program may hold points outside of their subgroup, which it does not check; they are refused here.
 *
 * @param kind - `proof`, `verifying-key` or `inputs`
 * @param value - the parsed JSON
 * @param options - of a key: its circuit and who set it up, which the JSON does not say
 */
export function fromSnarkjs<K extends keyof SnarkjsObjects>(
  kind: K,
  value: unknown,
  options: SnarkjsKeyOptions = {},
): Result<SnarkjsObjects[K], ReadCode> {
  const readers: { readonly [N in keyof SnarkjsObjects]: () => Result<SnarkjsObjects[N], ReadCode> } = {
    proof: () => readProof(value),
    'verifying-key': () => readKey(value, options),
    inputs: () => readInputs(value),
  }
  return readers[kind]()
}

function writeG1(point: G1Point): string[] {
  const { xs, ys } = fromG1([point])
  return [`${xs[0]!}`, `${ys[0]!}`, '1']
}

function writeG2(point: G2Point): string[][] {
  const { xs, ys } = fromG2([point])
  const pair = ({ c0, c1 }: CurveFp2): string[] => [`${c0}`, `${c1}`]
  return [pair(xs[0]!), pair(ys[0]!), ['1', '0']]
}

function writeProof(proof: Proof): object {
  const { a, b, c } = unwrap(parseProofPoints(proof.bytes))
  return { pi_a: writeG1(a), pi_b: writeG2(b), pi_c: writeG1(c), protocol: PROTOCOL, curve: CURVE }
}

function writeKey(key: VerifyingKey): object {
  const { alpha, beta, gamma, delta, inputs } = verifyingPoints(key)
  return {
    protocol: PROTOCOL,
    curve: CURVE,
    nPublic: inputs.length - 1,
    vk_alpha_1: writeG1(alpha),
    vk_beta_2: writeG2(beta),
    vk_gamma_2: writeG2(gamma),
    vk_delta_2: writeG2(delta),
    IC: inputs.map(writeG1),
  }
}

/**
 * Returns the object that snarkjs reads as JSON: a proof, a verifying key, or public inputs.
 *
 * @throws When the points are none, which only a cast can bring here: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function toSnarkjs(value: Proof | VerifyingKey | readonly FieldElement[]): object {
  if ('kind' in value) return value.kind === 'proof' ? writeProof(value) : writeKey(value)
  return value.map((input) => `${input}`)
}

/**
 * Verifying keys: alpha | beta | gamma | delta | IC, compressed: 336 bytes and 48 for one and each public input, so 672 bytes
 * for the six inputs of a requirement.
 *
 * A key carries the id of its circuit and who set it up. `verifier`: one party knows how to forge proofs under it, so a
 * proof convinces that party only. `ceremony`: nobody does, if one contributor was honest. Keys whose delta equals gamma
 * accept forged proofs of everything and are refused; such keys were in use elsewhere, for want of a last step.
 */

import { fail, succeed, VitalsealError, type Failure, type Result } from '../../errors.ts'
import { generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import {
  encodeG1,
  encodeG2,
  G1_BYTES,
  G2_BYTES,
  parseG1,
  parseG2,
  type G1Point,
  type G2Point,
  type PointErrorCode,
} from '../../primitives/bls12-381.ts'
import { concatBytes, type Bytes } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { bytesOf, bytesUpTo, choice, encodeShape, parseShape, versioned, type Shape } from '../../primitives/shape.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'

/** Who can forge proofs under a key: whoever made it, or nobody if one of several was honest. */
export type Setup = 'verifier' | 'ceremony'

/** The paper's VK_C. Public; pin its digest. */
export interface VerifyingKey {
  readonly kind: 'verifying-key'
  /** Id of the circuit. */
  readonly circuit: Digest32
  readonly setup: Setup
  /** Digest of circuit, setup and points. */
  readonly digest: Digest32
  /** The points, compressed: 336 + 48 * (inputs + 1) bytes. */
  readonly bytes: Bytes
}

/** The points of a verifying key. */
export interface VerifyingPoints {
  readonly alpha: G1Point
  readonly beta: G2Point
  readonly gamma: G2Point
  readonly delta: G2Point
  /** Of one and of each public input. */
  readonly inputs: readonly G1Point[]
}

/** Most public inputs of a key. */
export const INPUTS_MAX = 256

const FIXED_BYTES = G1_BYTES + 3 * G2_BYTES
const POINT_BYTES_MAX = FIXED_BYTES + G1_BYTES * (INPUTS_MAX + 1)
const SETUPS: readonly Setup[] = ['verifier', 'ceremony']

const keyShape = versioned(1, {
  circuit: bytesOf(32) as unknown as Shape<Digest32>,
  setup: choice('setup', SETUPS),
  points: bytesUpTo(POINT_BYTES_MAX),
})

/** Codes with which a verifying key is refused. */
export type KeyErrorCode = CodecErrorCode | PointErrorCode | 'ERR_ZK_INSECURE_KEY'

const known = new WeakMap<VerifyingKey, VerifyingPoints>()

/** The refusal of a key by a named check. */
export function insecure(check: string): Failure<'ERR_ZK_INSECURE_KEY'> {
  return fail('ERR_ZK_INSECURE_KEY', `key: refused by the check "${check}"`, { path: 'key', details: { check } })
}

/** The first check that a set of points fails. */
export function findInsecurity({ gamma, delta }: Pick<VerifyingPoints, 'gamma' | 'delta'>): string | undefined {
  const generator = generatorOfG2()
  for (const [name, other] of [
    ['gamma', gamma],
    ['the generator', generator],
  ] as const) {
    if (delta.equals(other)) return `delta equals ${name}`
    if (delta.equals(other.negate())) return `delta equals the negative of ${name}`
  }
  return undefined
}

/** Returns the key of points that come from checked ones. */
export function createVerifyingKey(
  circuit: Digest32,
  setup: Setup,
  points: VerifyingPoints,
): Result<VerifyingKey, 'ERR_ZK_INSECURE_KEY'> {
  if (points.inputs.some((point) => point.is0())) return insecure('a public input binds nothing')
  const check = findInsecurity(points)
  if (check !== undefined) return insecure(check)
  const { alpha, beta, gamma, delta, inputs } = points
  const bytes = concatBytes(encodeG1(alpha), ...[beta, gamma, delta].map(encodeG2), ...inputs.map(encodeG1))
  const digest = taggedHash(ZK_TAGS.zkVerifyingKey, circuit, setup, bytes)
  const key = Object.freeze({
    kind: 'verifying-key',
    circuit: Uint8Array.from(circuit) as Digest32,
    setup,
    digest,
    bytes,
  })
  known.set(key, points)
  return succeed(key)
}

/** Reads the points; each is compressed, on the curve, in its subgroup and not the identity. */
function parsePoints(bytes: Uint8Array): Result<VerifyingPoints, PointErrorCode> {
  const inputCount = (bytes.length - FIXED_BYTES) / G1_BYTES
  if (!Number.isInteger(inputCount) || inputCount < 1) {
    const expected = 'the points of a verifying key'
    return fail('ERR_CODEC_MALFORMED', `key.points: expected ${expected}`, {
      path: 'key.points',
      details: { byteOffset: 0, expected },
    })
  }
  const alpha = parseG1(bytes.subarray(0, G1_BYTES))
  if (!alpha.ok) return { ...alpha, path: 'key.alpha' }
  const second: G2Point[] = []
  for (const [i, name] of ['beta', 'gamma', 'delta'].entries()) {
    const start = G1_BYTES + i * G2_BYTES
    const point = parseG2(bytes.subarray(start, start + G2_BYTES))
    if (!point.ok) return { ...point, path: `key.${name}` }
    second.push(point.value)
  }
  const inputs: G1Point[] = []
  for (let i = 0; i < inputCount; i++) {
    const start = FIXED_BYTES + i * G1_BYTES
    const point = parseG1(bytes.subarray(start, start + G1_BYTES))
    if (!point.ok) return { ...point, path: `key.inputs.${i}` }
    inputs.push(point.value)
  }
  const [beta, gamma, delta] = second as [G2Point, G2Point, G2Point]
  return succeed({ alpha: alpha.value, beta, gamma, delta, inputs })
}

/** Returns the encoding of a key: circuit, setup and points, about 715 bytes for a requirement. */
export function encodeVerifyingKey({ circuit, setup, bytes }: VerifyingKey): Bytes {
  return encodeShape({ circuit, setup, points: bytes }, keyShape, { object: 'key' })
}

/**
 * Reads a verifying key. Total. Every point is checked. Cost: about 13 ms for seven inputs.
 *
 * Whoever hands over a key can forge proofs under it: pin the digest of one whose origin is known.
 */
export function parseVerifyingKey(bytes: Uint8Array): Result<VerifyingKey, KeyErrorCode> {
  const parts = parseShape(bytes, keyShape, { object: 'key' })
  if (!parts.ok) return parts
  const points = parsePoints(parts.value.points)
  return points.ok ? createVerifyingKey(parts.value.circuit, parts.value.setup, points.value) : points
}

/** The points of a key; those of an object that did not come from here are checked first. Kept inside the library. */
export function verifyingPoints(key: VerifyingKey): VerifyingPoints {
  let points = known.get(key)
  if (points === undefined) {
    const parsed = parsePoints(key.bytes)
    const check = parsed.ok ? findInsecurity(parsed.value) : 'points'
    if (!parsed.ok || check !== undefined) {
      const { message, details, path } = insecure(check ?? 'points')
      throw new VitalsealError('ERR_ZK_INSECURE_KEY', message, { details, path })
    }
    points = parsed.value
    known.set(key, points)
  }
  return points
}

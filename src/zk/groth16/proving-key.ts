/**
 * Proving keys: the paper's EK_C, in files with full coordinates, about 550 bytes for each constraint.
 *
 * A malformed proving key can leak the record into the proof. So `prove` takes only keys that this process generated, or
 * checked against the circuit that it compiled itself.
 */

import { fail, succeed, VitalsealError, type Result } from '../../errors.ts'
import { equalBytes, toHex, type Bytes, type Verified } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { codecLimits } from '../../primitives/limits.ts'
import { encodeShape, parseShape, uint, versioned, viewUpTo } from '../../primitives/shape.ts'
import { DOMAIN_LOG_MAX } from './domain.ts'
import type { G1Vector, G2Vector } from './pairing.ts'
import { encodeG1Vector, encodeG2Vector, parseG1Vector, parseG2Vector } from './point-bytes.ts'
import { encodeVerifyingKey, parseVerifyingKey, type KeyErrorCode, type VerifyingKey } from './verifying-key.ts'

/** The paper's EK_C. Not secret. */
export interface ProvingKey {
  readonly kind: 'proving-key'
  /** Id of the circuit. */
  readonly circuit: Digest32
  /** The key that its proofs are verified with. */
  readonly verifyingKey: VerifyingKey
}

/** The points of a proving key, in the order of the wires. */
export interface ProvingPoints {
  readonly domainLog: number
  /** [beta]_1 and [delta]_1. */
  readonly fixed: G1Vector
  /** [u_i(tau)]_1. */
  readonly a: G1Vector
  /** [v_i(tau)]_1; the identity for wires that no right side has. */
  readonly b1: G1Vector
  /** [v_i(tau)]_2, at the same places. */
  readonly b2: G2Vector
  /** [(beta u_i + alpha v_i + w_i) / delta]_1 of private wires. */
  readonly c: G1Vector
  /** The quotient's basis between the roots of unity, divided by delta. */
  readonly h: G1Vector
}

/** Largest file of a key: what 2^18 constraints take. */
export const PROVING_KEY_BYTES_MAX: number = 192 * 1024 * 1024

const points = new WeakMap<ProvingKey, ProvingPoints>()
/** Keys that `prove` may use. */
const trusted = new WeakSet<ProvingKey>()

const section = viewUpTo(PROVING_KEY_BYTES_MAX)
const keyShape = versioned(1, {
  verifyingKey: viewUpTo(64 * 1024),
  domainLog: uint(DOMAIN_LOG_MAX, 1),
  fixed: section,
  a: section,
  present: section,
  b1: section,
  b2: section,
  c: section,
  h: section,
})
const keyLimits = { ...codecLimits, bytesMax: PROVING_KEY_BYTES_MAX, stringBytesMax: PROVING_KEY_BYTES_MAX }

/** Makes the key object of points. */
export function createProvingKey(verifyingKey: VerifyingKey, provingPoints: ProvingPoints): ProvingKey {
  const key: ProvingKey = Object.freeze({ kind: 'proving-key', circuit: verifyingKey.circuit, verifyingKey })
  points.set(key, provingPoints)
  return key
}

/** Marks a key as one that may be proved with. Only generation and the check of a key may call this. */
export function trustProvingKey(key: ProvingKey): Verified<ProvingKey> {
  trusted.add(key)
  return key as Verified<ProvingKey>
}

/** The points of a key. Kept inside the library. */
export function provingPoints(key: ProvingKey): ProvingPoints {
  const found = points.get(key)
  if (found !== undefined) return found
  throw new VitalsealError('ERR_ZK_INSECURE_KEY', '"key" was neither generated nor read by this library', {
    path: 'key',
    details: { check: 'origin' },
  })
}

/**
 * Refuses a key that was not checked, or belongs to another circuit. The mark in the type stops a compiler; this stops a cast.
 *
 * @throws `ERR_ZK_INSECURE_KEY` or `ERR_ZK_KEY_MISMATCH`. {@link VitalsealError}
 */
export function assertUsable(key: ProvingKey, circuit: Digest32): void {
  if (!trusted.has(key)) {
    throw new VitalsealError('ERR_ZK_INSECURE_KEY', '"key" expected a generated or validated key', {
      path: 'key',
      details: { check: 'not validated' },
    })
  }
  if (!equalBytes(key.circuit, circuit)) {
    const details = { circuit: toHex(circuit), found: toHex(key.circuit) }
    throw new VitalsealError('ERR_ZK_KEY_MISMATCH', '"key" belongs to another circuit', { path: 'key', details })
  }
}

function isPresent({ xs, ys }: G1Vector, i: number): boolean {
  return xs[i] !== 0n || ys[i] !== 0n
}

/** One bit for each wire: whether the right sides have it. */
function encodePresence(vector: G1Vector): Bytes {
  const bits = new Uint8Array(Math.ceil(vector.xs.length / 8))
  for (let i = 0; i < vector.xs.length; i++) if (isPresent(vector, i)) bits[i >> 3]! |= 1 << (i & 7)
  return bits
}

function compact<E>({ xs, ys }: { xs: E[]; ys: E[] }, isKept: (i: number) => boolean): { xs: E[]; ys: E[] } {
  return { xs: xs.filter((_, i) => isKept(i)), ys: ys.filter((_, i) => isKept(i)) }
}

/** Puts back the identities that a file leaves out; undefined where counts differ. */
function spread<E>(
  vector: { xs: E[]; ys: E[] } | undefined,
  present: Uint8Array,
  count: number,
  zero: E,
): { xs: E[]; ys: E[] } | undefined {
  if (vector === undefined || present.length !== Math.ceil(count / 8)) return undefined
  const full: { xs: E[]; ys: E[] } = { xs: [], ys: [] }
  let next = 0
  for (let i = 0; i < present.length * 8; i++) {
    const isSet = ((present[i >> 3]! >> (i & 7)) & 1) === 1
    if (i >= count) {
      if (isSet) return undefined
      continue
    }
    full.xs.push(isSet ? (vector.xs[next] ?? zero) : zero)
    full.ys.push(isSet ? (vector.ys[next] ?? zero) : zero)
    if (isSet) next++
  }
  return next === vector.xs.length ? full : undefined
}

/** Returns the file of a key. */
export function encodeProvingKey(key: ProvingKey): Bytes {
  const { domainLog, fixed, a, b1, b2, c, h } = provingPoints(key)
  const isKept = (i: number): boolean => isPresent(b1, i)
  return encodeShape(
    {
      verifyingKey: encodeVerifyingKey(key.verifyingKey),
      domainLog,
      fixed: encodeG1Vector(fixed),
      a: encodeG1Vector(a),
      present: encodePresence(b1),
      b1: encodeG1Vector(compact(b1, isKept)),
      b2: encodeG2Vector(compact(b2, isKept)),
      c: encodeG1Vector(c),
      h: encodeG1Vector(h),
    },
    keyShape,
    { object: 'key', limits: keyLimits },
  )
}

function malformed(): Result<never, 'ERR_CODEC_MALFORMED'> {
  const expected = 'points on their curves, as many as the circuit has wires'
  return fail('ERR_CODEC_MALFORMED', `key: expected ${expected}`, { path: 'key', details: { byteOffset: 0, expected } })
}

/**
 * Reads a proving key. Total. What it returns cannot prove yet: validate it against the circuit first.
 *
 * Cost: about 10 ms for a thousand constraints. Points are on their curves; subgroups and contents are not checked here.
 */
export function parseProvingKey(bytes: Uint8Array): Result<ProvingKey, KeyErrorCode | CodecErrorCode> {
  const parts = parseShape(bytes, keyShape, { object: 'key', limits: keyLimits })
  if (!parts.ok) return parts
  const verifyingKey = parseVerifyingKey(parts.value.verifyingKey)
  if (!verifyingKey.ok) return verifyingKey
  const { domainLog, present } = parts.value
  const [fixed, a, c, h] = [parts.value.fixed, parts.value.a, parts.value.c, parts.value.h].map(parseG1Vector)
  const wires = a?.xs.length ?? 0
  const b1 = spread(parseG1Vector(parts.value.b1), present, wires, 0n)
  const b2 = spread(parseG2Vector(parts.value.b2), present, wires, { c0: 0n, c1: 0n })
  if (
    fixed === undefined ||
    a === undefined ||
    b1 === undefined ||
    b2 === undefined ||
    c === undefined ||
    h === undefined
  ) {
    return malformed()
  }
  const privateCount = wires - countInputs(verifyingKey.value)
  const isWhole =
    fixed.xs.length === 2 && c.xs.length === privateCount && h.xs.length === 2 ** domainLog && privateCount >= 0
  if (!isWhole) return malformed()
  return succeed(createProvingKey(verifyingKey.value, { domainLog, fixed, a, b1, b2, c, h }))
}

/** One and the public inputs of a key. */
export function countInputs({ bytes }: VerifyingKey): number {
  return (bytes.length - 336) / 48
}

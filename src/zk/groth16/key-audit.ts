/**
 * The audit file of a proving key: the powers [tau^i]_1, i = 0..n, and [tau]_2 and [tau^n]_2, with which a prover checks a
 * key that somebody else made. Not secret, about 96 bytes for each row of the domain; it is needed once for each key.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import type { Bytes } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { codecLimits } from '../../primitives/limits.ts'
import { bytesOf, encodeShape, parseShape, versioned, viewUpTo, type Shape } from '../../primitives/shape.ts'
import type { G1Vector, G2Vector } from './pairing.ts'
import {
  encodeG1Vector,
  encodeG2Vector,
  G1_FULL_BYTES,
  G2_FULL_BYTES,
  parseG1Vector,
  parseG2Vector,
} from './point-bytes.ts'
import { DOMAIN_LOG_MAX } from './domain.ts'

/** What a proving key is checked with. */
export interface KeyAudit {
  readonly kind: 'key-audit'
  /** Id of the circuit of the key. */
  readonly circuit: Digest32
  /** [tau^i]_1 for i from 0 to the size of the domain. */
  readonly powers: G1Vector
  /** [tau]_2 and [tau^n]_2. */
  readonly second: G2Vector
}

const AUDIT_BYTES_MAX: number = (2 ** DOMAIN_LOG_MAX + 2) * G1_FULL_BYTES
const auditShape = versioned(1, {
  circuit: bytesOf(32) as unknown as Shape<Digest32>,
  powers: viewUpTo(AUDIT_BYTES_MAX),
  second: bytesOf(2 * G2_FULL_BYTES),
})
const auditLimits = { ...codecLimits, bytesMax: AUDIT_BYTES_MAX + 1_024, stringBytesMax: AUDIT_BYTES_MAX }

/** Returns the file of an audit. */
export function encodeKeyAudit({ circuit, powers, second }: KeyAudit): Bytes {
  const parts = { circuit, powers: encodeG1Vector(powers), second: encodeG2Vector(second) }
  return encodeShape(parts, auditShape, { object: 'audit', limits: auditLimits })
}

/** Reads an audit file. Total; points are on their curves, everything else is for the check of the key. */
export function parseKeyAudit(bytes: Uint8Array): Result<KeyAudit, CodecErrorCode> {
  const parts = parseShape(bytes, auditShape, { object: 'audit', limits: auditLimits })
  if (!parts.ok) return parts
  const [powers, second] = [parseG1Vector(parts.value.powers), parseG2Vector(parts.value.second)]
  if (powers === undefined || second === undefined) {
    const expected = 'points on their curves'
    return fail('ERR_CODEC_MALFORMED', `audit: expected ${expected}`, {
      path: 'audit',
      details: { byteOffset: 0, expected },
    })
  }
  return succeed(Object.freeze({ kind: 'key-audit', circuit: parts.value.circuit, powers, second }))
}

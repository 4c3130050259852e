/**
 * The check of a ceremony: that the secrets of the key are exactly what the contributions made of ones, each contributor
 * having known his factor, and that the key is that of the circuit.
 */

import { succeed, type Result } from '../../errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import type { G1Point } from '../../primitives/bls12-381.ts'
import { equalBytes, type Bytes, type Verified } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { codecLimits } from '../../primitives/limits.ts'
import { bytesOf, encodeShape, listOf, parseShape, versioned, type Shape } from '../../primitives/shape.ts'
import { beginTranscript, followShare, type CeremonySecret } from './ceremony-share.ts'
import {
  contributionShape,
  CONTRIBUTIONS_MAX,
  SECRETS_OF_ROUND,
  transcriptDigests,
  type Contribution,
} from './ceremony.ts'
import type { CeremonyResult } from './ceremony-key.ts'
import { toG1 } from './pairing.ts'
import { provingPoints, type ProvingKey } from './proving-key.ts'
import { validateProvingKey, type ValidateKeyOptions } from './validate-key.ts'
import { insecure, verifyingPoints, type VerifyingKey } from './verifying-key.ts'

/** A ceremony that was checked. */
export interface CheckedCeremony {
  readonly provingKey: Verified<ProvingKey>
  /** Digest of each contribution, in order: a party that finds its own here knows that the key is nobody's. */
  readonly contributions: readonly Digest32[]
}

/** The secrets, in G1. */
type Heads = Record<CeremonySecret, G1Point>

/** Follows the contributions from ones on; undefined where one of them is wrong or a round has none. */
function followContributions(circuit: Digest32, contributions: readonly Contribution[]): Heads | undefined {
  const one = generatorOfG1()
  const heads: Heads = { tau: one, alpha: one, beta: one, delta: one }
  const digests = transcriptDigests(circuit, contributions)
  for (const [i, { round, shares }] of contributions.entries()) {
    // The rounds do not mix: what comes after a share of delta would not be in the key.
    if (i > 0 && round === 'powers' && contributions[i - 1]!.round === 'delta') return undefined
    const secrets = SECRETS_OF_ROUND[round]
    if (shares.length !== secrets.length) return undefined
    const transcript = i === 0 ? beginTranscript(circuit) : digests[i - 1]!
    for (const [k, secret] of secrets.entries()) {
      const head = followShare({ secret, transcript }, heads[secret], shares[k]!)
      if (head === undefined) return undefined
      heads[secret] = head
    }
  }
  const rounds = contributions.map(({ round }) => round)
  return rounds.includes('powers') && rounds.includes('delta') ? heads : undefined
}

/** Tells whether two objects are one key; one of them may come from anywhere. */
function isSameKey(left: VerifyingKey, right: VerifyingKey): boolean {
  const isSame = (name: 'circuit' | 'digest' | 'bytes'): boolean => equalBytes(left[name], right[name])
  return left.setup === right.setup && isSame('circuit') && isSame('digest') && isSame('bytes')
}

/**
 * Checks a ceremony and its keys against a circuit, and marks the proving key as one to prove with.
 *
 * Run by whoever relies on the key, once. Cost: that of `validateProvingKey`, and 0.1 s for each contribution.
 *
 * @param result - as published
 * @param options - the circuit compiled here; progress and a signal
 * @returns the key and the digests of the contributions; or `ERR_ZK_KEY_MISMATCH`, `ERR_ZK_INSECURE_KEY` with the check that
 *   failed
 */
export async function validateCeremony(
  result: CeremonyResult,
  options: Omit<ValidateKeyOptions, 'audit'>,
): Promise<Result<CheckedCeremony, 'ERR_ZK_INSECURE_KEY' | 'ERR_ZK_KEY_MISMATCH'>> {
  const { provingKey, audit, contributions } = result
  const { verifyingKey } = provingKey
  // Both are published; whoever verifies takes the one beside the proving key.
  if (!isSameKey(result.verifyingKey, verifyingKey)) return insecure('verifying key')
  const heads = followContributions(options.circuit.id, contributions)
  if (heads === undefined) return insecure('contributions')
  const { fixed } = provingPoints(provingKey)
  const { alpha, gamma } = verifyingPoints(verifyingKey)
  const isMade =
    verifyingKey.setup === 'ceremony' &&
    audit.powers.xs.length > 1 &&
    heads.tau.equals(toG1(audit.powers, 1)) &&
    heads.alpha.equals(alpha) &&
    heads.beta.equals(toG1(fixed, 0)) &&
    heads.delta.equals(toG1(fixed, 1)) &&
    gamma.equals(generatorOfG2())
  if (!isMade) return insecure('secrets')
  const key = await validateProvingKey(provingKey, { ...options, audit })
  if (!key.ok) return key
  return succeed({ provingKey: key.value, contributions: transcriptDigests(options.circuit.id, contributions) })
}

const transcriptShape = versioned(1, {
  circuit: bytesOf(32) as unknown as Shape<Digest32>,
  contributions: listOf(contributionShape, { name: 'contributions', countMax: CONTRIBUTIONS_MAX }),
})
const transcriptLimits = { ...codecLimits, bytesMax: CONTRIBUTIONS_MAX * 1_024 }
const OBJECT = { object: 'transcript', limits: transcriptLimits }

/** Returns the transcript of a ceremony, about 840 bytes for a contribution to the first round and 280 for one to the second. */
export function encodeTranscript(circuit: Digest32, contributions: readonly Contribution[]): Bytes {
  return encodeShape({ circuit, contributions }, transcriptShape, OBJECT)
}

/** Reads a transcript. Total; form only. */
export function parseTranscript(bytes: Uint8Array): Result<readonly Contribution[], CodecErrorCode> {
  const parts = parseShape(bytes, transcriptShape, OBJECT)
  return parts.ok ? succeed(parts.value.contributions) : parts
}

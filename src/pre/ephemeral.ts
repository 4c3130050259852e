/**
 * That whoever made a re-key knows e behind its E, by a proof of Schnorr's over all other terms.
 *
 *     n = H(e, terms)    ch = H(g^n, terms)    s = n + ch * e
 *
 * A delegatee who shows E^b, in a dispute, shows what the maker of the re-key can compute as pk_B^e. Without the proof a
 * dishonest owner could put the E of somebody else's re-key into hers, or a multiple of it, and learn from a dispute what
 * opens what was converted for the other one.
 */

import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, parseScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { concatBytes, type Bytes } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import type { G1Element, PairingGroups } from '../primitives/pairing-groups.ts'
import { PRE_TAGS } from '../primitives/tags.ts'

/** Bytes of challenge and response. */
export const EPHEMERAL_PROOF_BYTES = 64

const SCALAR_BYTES = 32

function challengeOf(groups: PairingGroups, commitment: G1Element, terms: readonly CborValue[]): BlsScalar {
  return hashToScalar(PRE_TAGS.preEphemeralChallenge, groups.encodeG1(commitment), ...terms)
}

/**
 * Returns the proof of e, or undefined when the response would be zero, which has no encoding and nobody will see.
 *
 * @param terms - all terms, E among them
 */
export function proveEphemeral(groups: PairingGroups, e: BlsScalar, terms: readonly CborValue[]): Bytes | undefined {
  const nonce = hashToScalar(PRE_TAGS.preEphemeralNonce, encodeScalar(e), ...terms)
  const challenge = challengeOf(groups, groups.multiplyBaseG1(nonce), terms)
  const response = (nonce + challenge * e) % BLS_GROUP_ORDER
  if (response === 0n) return undefined
  return concatBytes(encodeScalar(challenge), encodeScalar(response as BlsScalar))
}

/** The point E whose proof holds; undefined otherwise. Public. Cost: about 1.5 ms. */
export function findEphemeral(
  groups: PairingGroups,
  made: { readonly ephemeral: Uint8Array; readonly ephemeralProof: Uint8Array },
  terms: readonly CborValue[],
): G1Element | undefined {
  const point = groups.parseG1(made.ephemeral)
  const challenge = parseScalar(made.ephemeralProof.slice(0, SCALAR_BYTES))
  const response = parseScalar(made.ephemeralProof.slice(SCALAR_BYTES))
  if (point === undefined || !challenge.ok || !response.ok) return undefined
  // g^n = g^s * E^-ch.
  const negated = groups.negateG1(groups.multiplyG1Public(point, challenge.value))
  const commitment = groups.addG1(groups.multiplyBaseG1(response.value), negated)
  return commitment !== undefined && challengeOf(groups, commitment, terms) === challenge.value ? point : undefined
}

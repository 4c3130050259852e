/**
 * The one computation behind a capsule: from its message m, everything else follows. Sealing runs it once; whoever opens a
 * capsule runs it again and compares every bit, so that nobody can change a capsule and have it open to the same key.
 *
 *     r = H(m, owner, conditions, associated data)     C = g^r
 *     K = e(pk, Q_w)^r for each condition w            V = m xor KDF(K; ...)
 *     n = H(m, body)    ch = H(g^n, body)    s = n + ch * r
 *     key = KDF(m; body)
 *
 * @see `docs/guide/pre.md`; Boneh and Franklin 2001 for K, Fujisaki and Okamoto 1999 for r from m, Schnorr 1991 for the
 *   proof
 */

import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, parseScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { equalBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import { hkdfTagged } from '../primitives/kdf.ts'
import type { G1Element, G2Element, GtElement, PairingGroups } from '../primitives/pairing-groups.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import {
  factFields,
  hashCapsule,
  joinCore,
  splitCore,
  type Capsule,
  type CapsuleFacts,
  type CapsuleParts,
} from './capsule.ts'
import { conditionField, encodeCondition, type Condition } from './condition.ts'
import { SUITES } from './suite.ts'

/** Bytes of the message of a capsule. */
export const MESSAGE_BYTES = 32
/** Conditions that are remembered, about 3 KiB each; their keys are other people's choice. */
const CONDITIONS_KEPT = 1_024

/** What is public about one owner and one condition. */
interface ConditionElements {
  /** Q_w. */
  readonly point: G2Element
  /** Z_w = e(pk, Q_w), once it was needed. */
  pairing?: GtElement
}

/** By groups, since elements of one implementation mean nothing to another. */
const remembered = new WeakMap<PairingGroups, RecentMap<string, ConditionElements>>()

function conditionElements(groups: PairingGroups, delegator: Uint8Array, condition: Condition): ConditionElements {
  let known = remembered.get(groups)
  if (known === undefined) remembered.set(groups, (known = createRecentMap(CONDITIONS_KEPT)))
  const name = `${toHex(delegator)} ${toHex(encodeCondition(condition))}`
  let elements = known.get(name)
  if (elements === undefined) {
    const message = encodeCbor([SUITES.cpre, delegator, conditionField(condition)])
    elements = { point: groups.hashToG2(message, PRE_TAGS.preCondition) }
    known.set(name, elements)
  }
  return elements
}

/** Q_w: the point of G2 of an owner and a condition. Cost: about 6 ms the first time. */
export function conditionPoint(groups: PairingGroups, delegator: Uint8Array, condition: Condition): G2Element {
  return conditionElements(groups, delegator, condition).point
}

/** Z_w = e(pk, Q_w). Cost: about 4 ms more the first time. */
export function conditionPairing(
  groups: PairingGroups,
  owner: { readonly bytes: Uint8Array; readonly element: () => G1Element },
  condition: Condition,
): GtElement {
  const elements = conditionElements(groups, owner.bytes, condition)
  // Never one: neither element is the identity, and the groups have prime order.
  return (elements.pairing ??= groups.pair([[owner.element(), groups.prepareG2(elements.point)]]) as GtElement)
}

/** r: the scalar of a capsule. */
export function capsuleScalar(message: Uint8Array, facts: CapsuleFacts): BlsScalar {
  return hashToScalar(PRE_TAGS.preEncapsulation, message, ...factFields(facts))
}

/** Hides a message under K, or uncovers it: the same bytes both ways. */
export function maskMessage(
  message: Uint8Array,
  shared: Uint8Array,
  context: { readonly facts: CapsuleFacts; readonly condition: Condition; readonly point: Uint8Array },
): Bytes {
  const { facts, condition, point } = context
  const fields = [...factFields(facts), conditionField(condition), point]
  const mask = hkdfTagged(shared, PRE_TAGS.preMask, fields, MESSAGE_BYTES)
  return mask.map((byte, i) => byte ^ (message[i] as number))
}

/** ch: the challenge of the proof for g^n. */
function challengeOf(commitment: Uint8Array, id: Digest32): BlsScalar {
  return hashToScalar(PRE_TAGS.preChallenge, SUITES.cpre, commitment, id)
}

/**
 * Returns the proof of r, or undefined when the response would be zero, which has no encoding.
 */
export function proveScalar(
  groups: PairingGroups,
  secrets: { readonly message: Uint8Array; readonly scalar: BlsScalar },
  id: Digest32,
): Pick<CapsuleParts, 'challenge' | 'response'> | undefined {
  const nonce = hashToScalar(PRE_TAGS.preNonce, SUITES.cpre, secrets.message, id)
  const challenge = challengeOf(groups.encodeG1(groups.multiplyBaseG1(nonce)), id)
  const response = (nonce + challenge * secrets.scalar) % BLS_GROUP_ORDER
  if (response === 0n) return undefined
  return { challenge: encodeScalar(challenge), response: encodeScalar(response as BlsScalar) }
}

/** Tells whether the proof of a capsule holds. Public. Cost: about 1 ms. */
export function isScalarProved(groups: PairingGroups, point: G1Element, parts: CapsuleParts, id: Digest32): boolean {
  const challenge = parseScalar(parts.challenge)
  const response = parseScalar(parts.response)
  if (!challenge.ok || !response.ok) return false
  // g^n = g^s * C^-ch.
  const negated = groups.negateG1(groups.multiplyG1Public(point, challenge.value))
  const commitment = groups.addG1(groups.multiplyBaseG1(response.value), negated)
  return commitment !== undefined && challengeOf(groups.encodeG1(commitment), id) === challenge.value
}

/** The key of a capsule. */
export function capsuleKey(message: Uint8Array, id: Digest32): Bytes {
  return hkdfTagged(message, PRE_TAGS.preCapsuleKey, [SUITES.cpre, id])
}

/** What opening found. */
export interface Opened {
  readonly key: Bytes
  readonly scalar: BlsScalar
}

/**
 * Runs the computation again from a message and compares: C, and the proof with its nonce. Undefined when one bit of the
 * capsule is not what this message gives. The masks are covered by the proof.
 */
export function reopen(groups: PairingGroups, capsule: Capsule, message: Uint8Array): Opened | undefined {
  const parts = splitCore(capsule)
  const scalar = capsuleScalar(message, capsule)
  const point = groups.encodeG1(groups.multiplyBaseG1(scalar))
  const id = hashCapsule(capsule, parts)
  const proof = proveScalar(groups, { message, scalar }, id)
  if (proof === undefined) return undefined
  const made = joinCore({ point, masked: parts.masked, ...proof })
  return equalBytes(made, capsule.core) ? { key: capsuleKey(message, id), scalar } : undefined
}

/**
 * Decapsulation: the owner opens her capsules, the delegatee opens what was converted for him. Both come to the same key.
 *
 * Both run the whole computation again from the message inside and compare every bit, and the delegatee compares K with
 * e(pk_A, Q_w)^r besides. Without that, a producer and a proxy together could make capsules that the delegatee accepts and
 * the owner refuses. Whatever is wrong, the answer is one code without a reason.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'
import { equalBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { sha256 } from '../primitives/hash.ts'
import type { G1Element, GtElement, PairingGroups, PreparedG2 } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'
import { rereadCapsule, splitCore, type Capsule } from './capsule.ts'
import { encodeCondition, isSameCondition, type Condition } from './condition.ts'
import { blindingOf } from './delegate.ts'
import { findPublicKey, secretOf, type PreKeyPair } from './keys.ts'
import { hashReKey, termFields, termsOf, type ReKeyTerms } from './re-key.ts'
import { rereadConverted, type ReEncryptedCapsule } from './re-encrypt.ts'
import { invertScalar } from './scalar.ts'
import { conditionPairing, conditionPoint, maskMessage, reopen, type Opened } from './transcript.ts'

/** Conditions of an owner whose key is kept with its lines, 30 KiB each. */
const CONDITION_KEYS_KEPT = 64
/** Re-keys of a delegatee whose y is kept, 0.2 KiB each. */
const BLINDINGS_KEPT = 256

/** What a delegatee derives from a re-key's terms, once. */
export interface Blinding {
  /** 1/y. */
  readonly inverse: BlsScalar
  /** The id that a re-key of these terms must have. */
  readonly id: string
}

interface Memory {
  readonly conditionKeys: RecentMap<string, PreparedG2>
  readonly blindings: RecentMap<string, Blinding>
}

/** Derived secrets live as long as the pair of keys that they come from, and no longer. */
const memories = new WeakMap<PairingGroups, WeakMap<PreKeyPair, Memory>>()

function memoryOf(groups: PairingGroups, keys: PreKeyPair): Memory {
  let ofGroups = memories.get(groups)
  if (ofGroups === undefined) memories.set(groups, (ofGroups = new WeakMap()))
  let memory = ofGroups.get(keys)
  if (memory === undefined) {
    memory = { conditionKeys: createRecentMap(CONDITION_KEYS_KEPT), blindings: createRecentMap(BLINDINGS_KEPT) }
    ofGroups.set(keys, memory)
  }
  return memory
}

/**
 * Returns the key of a capsule, 32 bytes; secret. The same for the owner and for every delegatee.
 *
 * With the owner's keys, a capsule: about 5 ms, 14 ms for the first of a condition. With the delegatee's keys, a converted
 * capsule: about 4 ms, 11 ms for the first of a re-key.
 *
 * @throws When one bit is not as it was made, the capsule is for somebody else, or its maker was dishonest:
 *   `ERR_DECRYPTION_FAILED`; when the keys are those of the other side: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, 4.2.9 (Decrypt); scheme cpre, Decaps, in the guide
 */
export function decapsulate(
  capsule: Capsule | ReEncryptedCapsule,
  keys: PreKeyPair,
  options: { readonly groups?: PairingGroups } = {},
): Bytes {
  const { groups = createPairingGroups() } = options
  const opened = open(groups, capsule, keys)
  if (opened !== undefined) return opened.key
  throw new VitalsealError('ERR_DECRYPTION_FAILED', 'the capsule does not open with these keys', { details: {} })
}

function open(groups: PairingGroups, object: Capsule | ReEncryptedCapsule, keys: PreKeyPair): Opened | undefined {
  switch (object?.kind) {
    case 'capsule': {
      const capsule = rereadCapsule(object)
      return capsule && openOwn(groups, capsule, keys)
    }
    case 're-encrypted-capsule': {
      const converted = rereadConverted(object)
      return converted && openConverted(groups, converted, keys)
    }
    default:
      return rejectArgument('capsule', 'a capsule, converted or not', 'another object')
  }
}

function openOwn(groups: PairingGroups, capsule: Capsule, keys: PreKeyPair): Opened | undefined {
  const { publicKey } = secretOf(keys, 'delegator')
  const parts = splitCore(capsule)
  const point = groups.parseG1(parts.point)
  if (!equalBytes(publicKey, capsule.delegator) || point === undefined) return undefined
  // The first one opens what an honest maker made. A dishonest one must not make what only a delegatee opens.
  for (const [i, condition] of capsule.conditions.entries()) {
    const shared = groups.encodeGt(groups.pair([[point, conditionKey(groups, keys, condition)]]) as GtElement)
    const message = maskMessage(parts.masked[i] as Bytes, shared, context(capsule, condition))
    const opened = reopen(groups, capsule, message)
    if (opened !== undefined) return opened
  }
  return undefined
}

/** The lines of Q_w^a. */
function conditionKey(groups: PairingGroups, keys: PreKeyPair, condition: Condition): PreparedG2 {
  const { scalar, publicKey } = secretOf(keys, 'delegator')
  const { conditionKeys } = memoryOf(groups, keys)
  const name = toHex(encodeCondition(condition))
  const known = conditionKeys.get(name)
  if (known !== undefined) return known
  const lines = groups.prepareG2(groups.multiplyG2(conditionPoint(groups, publicKey, condition), scalar))
  conditionKeys.set(name, lines)
  return lines
}

function context(capsule: Capsule, condition: Condition) {
  return { facts: capsule, condition, point: splitCore(capsule).point }
}

function openConverted(groups: PairingGroups, converted: ReEncryptedCapsule, keys: PreKeyPair): Opened | undefined {
  const { publicKey } = secretOf(keys, 'delegatee')
  if (!equalBytes(publicKey, converted.delegatee)) return undefined
  const blinding = blindingFor(groups, converted, keys)
  return blinding && openBlinded(groups, converted, blinding)
}

/** Opens a converted capsule for whoever knows the y of its re-key. */
export function openBlinded(
  groups: PairingGroups,
  converted: ReEncryptedCapsule,
  blinding: Blinding,
): Opened | undefined {
  const { capsule, condition } = converted
  const position = capsule.conditions.findIndex((other) => isSameCondition(other, condition))
  const owner = findPublicKey(capsule.delegator, groups)
  // Membership in GT comes before any power with a secret: an element of order 37 would tell 1/y modulo 37.
  const element = groups.parseGt(converted.element)
  if (position < 0 || owner === undefined || element === undefined) return undefined
  if (blinding.id !== converted.reKeyId) return undefined
  const shared = groups.powerGt(element, blinding.inverse)
  const masked = splitCore(capsule).masked[position] as Bytes
  const message = maskMessage(masked, groups.encodeGt(shared), context(capsule, condition))
  const opened = reopen(groups, capsule, message)
  if (opened === undefined) return undefined
  const base = conditionPairing(groups, { bytes: capsule.delegator, element: () => owner }, condition)
  return groups.isEqualGt(groups.powerGtPublic(base, opened.scalar), shared) ? opened : undefined
}

/** y of a re-key for this delegatee, and the id that follows from it; undefined where E or the owner's key is no point. */
function blindingFor(groups: PairingGroups, terms: ReKeyTerms, keys: PreKeyPair): Blinding | undefined {
  const { scalar } = secretOf(keys, 'delegatee')
  const { blindings } = memoryOf(groups, keys)
  const name = toHex(sha256(encodeCbor(termFields(terms))))
  const known = blindings.get(name)
  if (known !== undefined) return known
  const ephemeral = groups.parseG1(terms.ephemeral)
  const owner = findPublicKey(terms.delegator, groups)
  if (ephemeral === undefined || owner === undefined) return undefined
  const made = blindingOfShared(groups, { owner, shared: groups.multiplyG1(ephemeral, scalar) }, terms)
  blindings.set(name, made)
  return made
}

/** What follows from E^b = pk_B^e, which owner and delegatee know. */
export function blindingOfShared(
  groups: PairingGroups,
  points: { readonly owner: G1Element; readonly shared: G1Element },
  terms: ReKeyTerms,
): Blinding {
  const blinding = blindingOf(groups.encodeG1(points.shared), termsOf(terms))
  const commitment = groups.encodeG1(groups.multiplyG1(points.owner, blinding))
  return { inverse: invertScalar(blinding), id: toHex(hashReKey(terms, commitment)) }
}

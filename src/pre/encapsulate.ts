/**
 * Encapsulation: anyone makes a capsule for an owner, and anyone checks that whoever made it knows what is in it. Only
 * then does a proxy convert it.
 */

import { rejectArgument } from '../errors.ts'
import { copyBytes, equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import { taggedHash } from '../primitives/hash.ts'
import type { G1Element, PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import {
  ASSOCIATED_DATA_BYTES_MAX,
  createCapsule,
  factFields,
  hashCapsule,
  joinCore,
  rereadWholeCapsule,
  splitCore,
  type Capsule,
  type CapsuleFacts,
} from './capsule.ts'
import { sortConditions, type Condition } from './condition.ts'
import { findPublicKey, readPublicKey } from './keys.ts'
import {
  capsuleKey,
  capsuleScalar,
  conditionPairing,
  isScalarProved,
  maskMessage,
  MESSAGE_BYTES,
  proveScalar,
} from './transcript.ts'

const EMPTY = new Uint8Array(0)

/** What to seal, and for whom. */
export interface EncapsulateOptions {
  /** The owner's public key as a delegator, 48 bytes. */
  readonly to: Uint8Array
  /** One condition, or up to eight of which each opens the capsule. */
  readonly condition: Condition | readonly Condition[]
  /** Bound to the capsule and visible; at most 1,024 bytes. */
  readonly associatedData?: Uint8Array
  readonly groups?: PairingGroups
}

/**
 * Returns a capsule for the owner, and the key inside, 32 bytes; secret.
 *
 * Run by whoever seals data: the owner, a device, a hospital. Needs no secret. Cost: about 14 ms for the first capsule of
 * an owner and condition, 2 ms for later ones. The key is for records: see `createEpochSealer`.
 *
 * @param random - 32 bytes a capsule. A source that repeats itself gives the same capsule and key again for the same owner,
 *   conditions and associated data, and keys that do not follow from each other for others
 * @throws When the public key is none: `ERR_CRYPTO_INVALID_POINT`; a condition of another form: `ERR_ARGUMENT_INVALID`;
 *   no usable randomness: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, 4.2.4 (Encrypt); scheme cpre, Encaps, in the guide
 */
export function encapsulate(
  options: EncapsulateOptions,
  random: RandomSource = randomBytes,
): { readonly capsule: Capsule; readonly key: Bytes } {
  const { to, associatedData = EMPTY, groups = createPairingGroups() } = options
  if (!(associatedData instanceof Uint8Array) || associatedData.length > ASSOCIATED_DATA_BYTES_MAX) {
    rejectArgument('associatedData', `at most ${ASSOCIATED_DATA_BYTES_MAX} bytes`, 'something else')
  }
  const owner = readPublicKey(to, 'to', groups)
  const facts: CapsuleFacts = {
    delegator: copyBytes(to),
    conditions: sortConditions(options.condition),
    associatedData: copyBytes(associatedData),
  }
  for (;;) {
    // A source that repeats itself would give one message to two capsules, and who opens one could open the other.
    const message = taggedHash(PRE_TAGS.preMessage, drawBytes(random, MESSAGE_BYTES), ...factFields(facts))
    const made = encapsulateMessage(groups, { owner, facts, message })
    if (made !== undefined) return made
  }
}

/** The capsule of one message; undefined where its proof has no encoding, which nobody will see. */
function encapsulateMessage(
  groups: PairingGroups,
  input: { readonly owner: G1Element; readonly facts: CapsuleFacts; readonly message: Uint8Array },
): { readonly capsule: Capsule; readonly key: Bytes } | undefined {
  const { owner, facts, message } = input
  const scalar = capsuleScalar(message, facts)
  const point = groups.encodeG1(groups.multiplyBaseG1(scalar))
  const masked = facts.conditions.map((condition) => {
    // The scalar is used once, so the faster power may be taken.
    const base = conditionPairing(groups, { bytes: facts.delegator, element: () => owner }, condition)
    const shared = groups.encodeGt(groups.powerGtPublic(base, scalar))
    return maskMessage(message, shared, { facts, condition, point })
  })
  const id = hashCapsule(facts, { point, masked })
  const proof = proveScalar(groups, { message, scalar }, id)
  if (proof === undefined) return undefined
  const core = joinCore({ point, masked, ...proof })
  return { capsule: createCapsule({ ...facts, core }, id), key: capsuleKey(message, id) }
}

/** What checking a capsule leaves behind, for those groups. */
export interface CheckedCapsule {
  readonly groups: PairingGroups
  /** C. */
  readonly point: G1Element
  /** The capsule as it was checked; not to be given away. */
  readonly capsule: Capsule
}

const checked = new WeakMap<object, CheckedCapsule>()

/**
 * Tells whether the point of a capsule is sound and its maker proved to know the scalar behind it, and marks it: what is
 * converted afterwards is the capsule as it is now.
 *
 * Public: run by the proxy before it converts, by stores, by anyone. Total. Cost: about 2 ms. It does not tell whether
 * the capsule opens: only owner and delegatee see that.
 */
export function verifyCapsule(
  capsule: Capsule,
  options: { readonly groups?: PairingGroups } = {},
): capsule is Verified<Capsule> {
  const { groups = createPairingGroups() } = options
  const own = rereadWholeCapsule(capsule)
  const known = checked.get(capsule)
  if (own !== undefined && known?.groups === groups && equalBytes(known.capsule.bytes, own.bytes)) return true
  const point = own === undefined ? undefined : checkCapsule(groups, own)
  if (own === undefined || point === undefined) {
    checked.delete(capsule)
    return false
  }
  checked.set(capsule, { groups, point, capsule: own })
  return true
}

/** C of a capsule whose proof holds; undefined otherwise. */
function checkCapsule(groups: PairingGroups, capsule: Capsule): G1Element | undefined {
  const parts = splitCore(capsule)
  const point = groups.parseG1(parts.point)
  if (point === undefined || findPublicKey(capsule.delegator, groups) === undefined) return undefined
  return isScalarProved(groups, point, parts, hashCapsule(capsule, parts)) ? point : undefined
}

/** What was found about a capsule; undefined where these groups have not checked it. */
export function findChecked(capsule: Capsule, groups: PairingGroups): CheckedCapsule | undefined {
  const known = checked.get(capsule)
  return known?.groups === groups ? known : undefined
}

/**
 * Showing what a converted capsule opens to: for disputes, in which a judge must not have to believe the delegatee.
 *
 * The delegatee shows S = E^b, the secret that he shares with the owner for one re-key, with a proof that it has the same b
 * as his public key. Whoever has it opens what this re-key converts, or sees that it does not open, and learns nothing of b.
 *
 *     n = H(b, E, S)    ch = H(pk_B, E, S, g^n, E^n)    s = n + ch * b
 *
 * @see Chaum and Pedersen 1992, section 3.2
 */

import { rejectArgument } from '../errors.ts'
import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, parseScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { concatBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import type { G1Element, PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { blindingOfShared, openBlinded } from './decapsulate.ts'
import { findPublicKey, secretOf, type PreKeyPair } from './keys.ts'
import { rereadConverted, type ReEncryptedCapsule } from './re-encrypt.ts'
import { ephemeralOf } from './re-key.ts'
import { SUITES } from './suite.ts'

/** Bytes of what is shown: S, challenge and response. */
export const SHOWN_OPENING_BYTES = 112

const POINT_BYTES = 48
const SCALAR_BYTES = 32

/** What somebody finds who was shown the secret of a re-key. */
export type ShownOpening =
  /** The key of the capsule, 32 bytes; secret. */
  | { readonly kind: 'opens'; readonly key: Bytes }
  /** The capsule, its re-key or its conversion was not honestly made. */
  | { readonly kind: 'does-not-open' }
  /** The proof does not hold: whoever shows it hides something. */
  | { readonly kind: 'not-shown' }

interface Points {
  readonly delegatee: G1Element
  readonly ephemeral: G1Element
  readonly owner: G1Element
}

/** The points of the terms of a re-key; undefined where one is none or E is not proved, and nobody has to open. */
function pointsOf(groups: PairingGroups, converted: ReEncryptedCapsule): Points | undefined {
  const delegatee = findPublicKey(converted.delegatee, groups)
  // Only what the maker of the re-key can compute herself is ever shown: else showing would open what is another owner's.
  const ephemeral = ephemeralOf(groups, converted)
  const owner = findPublicKey(converted.delegator, groups)
  return delegatee && ephemeral && owner && { delegatee, ephemeral, owner }
}

function challengeOf(
  groups: PairingGroups,
  statement: readonly [delegatee: Uint8Array, ephemeral: Uint8Array, shared: Uint8Array],
  commitments: readonly [G1Element, G1Element],
): BlsScalar {
  const [first, second] = commitments.map((point) => groups.encodeG1(point)) as [Bytes, Bytes]
  return hashToScalar(PRE_TAGS.preShownChallenge, SUITES.cpre, ...statement, first, second)
}

/**
 * Returns what lets somebody else open what one re-key converts for this delegatee, 112 bytes; undefined where the re-key is
 * such that nobody can, or its maker does not prove to know e.
 *
 * Run by the delegatee. Gives away everything under the condition of that re-key that this proxy converts, and nothing else:
 * show it to the judge of a dispute alone. Cost: about 2 ms.
 *
 * @param random - 32 bytes
 * @throws When it was converted for somebody else: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function showOpening(
  converted: ReEncryptedCapsule,
  keys: PreKeyPair<'delegatee'>,
  options: { readonly groups?: PairingGroups } = {},
  random: RandomSource = randomBytes,
): Bytes | undefined {
  const { groups = createPairingGroups() } = options
  const { scalar, publicKey } = secretOf(keys, 'delegatee')
  if (!equalBytes(publicKey, converted.delegatee)) rejectArgument('converted', 'one for these keys', "another's")
  const points = pointsOf(groups, converted)
  if (points === undefined) return undefined
  const { ephemeral } = points
  const shared = groups.encodeG1(groups.multiplyG1(ephemeral, scalar))
  for (;;) {
    const seed = drawBytes(random, SCALAR_BYTES)
    const nonce = hashToScalar(PRE_TAGS.preShownNonce, seed, encodeScalar(scalar), converted.ephemeral, shared)
    const commitments = [groups.multiplyBaseG1(nonce), groups.multiplyG1(ephemeral, nonce)] as const
    const challenge = challengeOf(groups, [publicKey, converted.ephemeral, shared], commitments)
    const response = (nonce + challenge * scalar) % BLS_GROUP_ORDER
    // Zero has no encoding, and nobody will see it.
    if (response !== 0n) return concatBytes(shared, encodeScalar(challenge), encodeScalar(response as BlsScalar))
  }
}

/** S, where its proof holds. */
function readShown(
  groups: PairingGroups,
  converted: ReEncryptedCapsule,
  { delegatee, ephemeral }: Points,
  shown: Uint8Array,
): G1Element | undefined {
  if (shown.length !== SHOWN_OPENING_BYTES) return undefined
  const bytes = shown.slice(0, POINT_BYTES)
  const shared = groups.parseG1(bytes)
  const challenge = parseScalar(shown.slice(POINT_BYTES, POINT_BYTES + SCALAR_BYTES))
  const response = parseScalar(shown.slice(POINT_BYTES + SCALAR_BYTES))
  if (shared === undefined || !challenge.ok || !response.ok) return undefined
  // g^n = g^s * pk_B^-ch and E^n = E^s * S^-ch.
  const minus = (point: G1Element) => groups.negateG1(groups.multiplyG1Public(point, challenge.value))
  const first = groups.addG1(groups.multiplyBaseG1(response.value), minus(delegatee))
  const second = groups.addG1(groups.multiplyG1Public(ephemeral, response.value), minus(shared))
  if (first === undefined || second === undefined) return undefined
  const expected = challengeOf(groups, [converted.delegatee, converted.ephemeral, bytes], [first, second])
  return expected === challenge.value ? shared : undefined
}

/**
 * Opens a converted capsule with what its delegatee shows, or tells that it does not open, or that he shows something else.
 *
 * Run by whoever judges. That the delegatee's key is his, and the re-key the one that was agreed on, is the caller's to
 * check. Cost: about 15 ms. Total.
 *
 * @param shown - from {@link showOpening}
 */
export function openShown(
  converted: ReEncryptedCapsule,
  shown: Uint8Array | undefined,
  options: { readonly groups?: PairingGroups } = {},
): ShownOpening {
  const { groups = createPairingGroups() } = options
  const own = rereadConverted(converted)
  const points = own && pointsOf(groups, own)
  if (own === undefined || points === undefined) return { kind: 'does-not-open' }
  const shared = shown === undefined ? undefined : readShown(groups, own, points, shown)
  if (shared === undefined) return { kind: 'not-shown' }
  const opened = openBlinded(groups, own, blindingOfShared(groups, { owner: points.owner, shared }, own))
  return opened === undefined ? { kind: 'does-not-open' } : { kind: 'opens', key: opened.key }
}

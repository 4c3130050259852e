/**
 * Keys of proxy re-encryption. A party has two pairs, one for each side, from secrets that do not depend on each other:
 * what it does as a delegator then says nothing about what others delegate to it.
 *
 * A secret here signs nothing: a BLS signature under it, of the right message, would be the key of a condition.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import { generatePreSecret, isBlsScalar, toBlsScalar, type PreSecret } from '../primitives/bls-secret.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'
import { copyBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import type { G1Element, PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'

/** Bytes of a public key: a compressed point of G1. */
export const PRE_PUBLIC_KEY_BYTES = 48

/** The side that a pair of keys serves: who owns data, or who is to read it. */
export type PreRole = 'delegator' | 'delegatee'

/** A pair of keys for one side. Prints without its secret. */
export interface PreKeyPair<R extends PreRole = PreRole> {
  readonly role: R
  /** 48 bytes. */
  readonly publicKey: Bytes
}

interface Held {
  readonly scalar: BlsScalar
  readonly publicKey: Bytes
}

/** Secrets by pair: an object that is printed, copied or sent does not carry its secret. */
const secrets = new WeakMap<object, Held>()

/**
 * Returns the pair of keys of a secret, for example of `identity.preSecrets()`. Cost: about 0.3 ms.
 *
 * @param secret - 32 bytes of a scalar; copied
 * @param role - the side it serves; one secret must not serve both
 * @throws When the bytes are no such secret: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createPreKeyPair<R extends PreRole>(
  secret: PreSecret,
  role: R,
  options: { readonly groups?: PairingGroups } = {},
): PreKeyPair<R> {
  const { groups = createPairingGroups() } = options
  if (!isBlsScalar(secret)) rejectArgument('secret', '32 bytes of a scalar from 1 to r - 1', 'other bytes')
  if (role !== 'delegator' && role !== 'delegatee') rejectArgument('role', 'delegator or delegatee', String(role))
  const scalar = toBlsScalar(secret) as BlsScalar
  const publicKey = groups.encodeG1(groups.multiplyBaseG1(scalar))
  const pair = Object.freeze({ role, publicKey })
  secrets.set(pair, { scalar, publicKey: copyBytes(publicKey) })
  return pair
}

/**
 * Returns a fresh pair of keys, whose secret is nowhere else. To be able to restore one, derive it from an identity.
 *
 * @param role - the side it serves
 * @throws When there is no usable randomness: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export function generatePreKeyPair<R extends PreRole>(role: R, random: RandomSource = randomBytes): PreKeyPair<R> {
  return createPreKeyPair(generatePreSecret(random), role)
}

/** The secret scalar of a pair for one side, and its public key as it was made. */
export function secretOf(pair: PreKeyPair, role: PreRole): Held {
  const held = secrets.get(pair)
  if (held === undefined) return rejectArgument('keys', 'a pair of this library', 'another object')
  if (pair.role !== role) rejectArgument('keys', `keys of a ${role}`, `those of a ${pair.role}`)
  return held
}

/** Public keys that are kept decoded, 0.3 KiB each. */
const PUBLIC_KEYS_KEPT = 1_024
const decoded = new WeakMap<PairingGroups, RecentMap<string, G1Element>>()

/** The point of a public key; undefined where there is none. Who is dealt with often is decoded once. */
export function findPublicKey(bytes: Uint8Array, groups: PairingGroups): G1Element | undefined {
  let known = decoded.get(groups)
  if (known === undefined) decoded.set(groups, (known = createRecentMap(PUBLIC_KEYS_KEPT)))
  if (!(bytes instanceof Uint8Array) || bytes.length !== PRE_PUBLIC_KEY_BYTES) return undefined
  const name = toHex(bytes)
  const found = known.get(name) ?? groups.parseG1(bytes)
  if (found !== undefined) known.set(name, found)
  return found
}

/** Reads a public key that the caller gives. */
export function readPublicKey(bytes: Uint8Array, argument: string, groups: PairingGroups): G1Element {
  const element = findPublicKey(bytes, groups)
  if (element !== undefined) return element
  throw new VitalsealError(
    'ERR_CRYPTO_INVALID_POINT',
    `"${argument}" expected a public key: 48 bytes of a point of G1, found something else`,
    { path: argument, details: { group: 'G1' } },
  )
}

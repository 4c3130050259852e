/**
 * Secrets of a party from one seed.
 *
 * Every secret is HKDF-SHA256 of the 32-byte seed, with empty salt and the canonical tuple `[tag, purpose, circle]` as
 * info. A circle is one relationship: a care circle, a study, a ledger. Circles share nothing that anyone without the
 * seed could see; whoever has the seed has all of them, and two circles of the same name are one account.
 *
 * What is derived is part of the versioned surface: a change would lock people out of their accounts. The vectors in the
 * tests pin it.
 */

import { rejectArgument } from '../errors.ts'
import { derivePreSecret, type PreSecret } from '../primitives/bls-secret.ts'
import { fromHex, toHex, type Bytes } from '../primitives/bytes.ts'
import { hkdfTagged } from '../primitives/kdf.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { identifier, writeShape } from '../primitives/shape.ts'
import { TAGS } from '../primitives/tags.ts'
import type { PreKeyRole } from './key-record.ts'

/** Bytes of a seed. */
export const SEED_BYTES = 32
/** Bytes in a circle id of {@link generateCircleId}. */
const CIRCLE_ID_BYTES = 16
/** Bytes reduced to a scalar: 128 bits more than the order, so that the bias is below 2^-128 (FIPS 186-5, A.2.1). */
const WIDE_BYTES = 48
/** Order n of secp256k1 (SEC 2, 2.4.1). */
const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Secrets of proxy re-encryption, one for each side. */
export type PreSecrets = { readonly [R in PreKeyRole]: PreSecret }

/**
 * Returns a fresh seed, 32 bytes; secret. Together with the names of the circles it restores every account.
 *
 * @throws When there is no usable randomness: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export function generateSeed(random: RandomSource = randomBytes): Bytes {
  return drawBytes(random, SEED_BYTES)
}

/**
 * Returns a fresh name for a circle, 32 hexadecimal digits. It belongs into the backup, beside the seed.
 *
 * A random name says nothing about the relationship to whoever finds the backup, and never meets an older circle.
 */
export function generateCircleId(random: RandomSource = randomBytes): string {
  return toHex(drawBytes(random, CIRCLE_ID_BYTES))
}

/** A seed and a circle, after their check. */
export interface SeedPath {
  readonly seed: Uint8Array
  /** Text in normalization form C, not empty, at most 1,024 bytes. */
  readonly circle: string
}

/**
 * Refuses what is no seed or no name of a circle. Kept inside the folder.
 *
 * @throws When one of them has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function assertSeedPath({ seed, circle }: SeedPath): void {
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_BYTES)
    rejectArgument('seed', `${SEED_BYTES} bytes`, 'something else')
  writeShape(circle, identifier, { object: 'circle' })
}

function derive({ seed, circle }: SeedPath, purpose: string, byteCount: number): Bytes {
  return hkdfTagged(seed, TAGS.seedDerivation, [purpose, circle], byteCount)
}

/**
 * Returns the secret signing key of a circle: 48 derived bytes as a number x, then 1 + (x mod (n - 1)), which is never
 * zero. Kept inside the folder.
 */
export function deriveSigningSecret(path: SeedPath): Bytes {
  const wide = BigInt(`0x${toHex(derive(path, 'signing', WIDE_BYTES))}`)
  const scalar = 1n + (wide % (SECP256K1_ORDER - 1n))
  return fromHex(scalar.toString(16).padStart(64, '0'))
}

/** Returns the X25519 secret of a circle, 32 bytes. Kept inside the folder. */
export function deriveAgreementSecret(path: SeedPath): Bytes {
  return derive(path, 'agreement', 32)
}

/** Returns the label key of a circle, 32 bytes; one for the life of the account. Kept inside the folder. */
export function deriveLabelKey(path: SeedPath): Bytes {
  return derive(path, 'label', 32)
}

/**
 * Returns the PRE secrets of a circle: for each side, KeyGen of the BLS signature draft over 32 derived bytes of its own,
 * which reduces 48 bytes modulo r. Kept inside the folder.
 */
export function derivePreSecrets(path: SeedPath): PreSecrets {
  return {
    delegator: derivePreSecret(derive(path, 'pre-delegator', 32)),
    delegatee: derivePreSecret(derive(path, 'pre-delegatee', 32)),
  }
}

/**
 * X25519 key agreement (RFC 7748), behind the port {@link AgreementKey}: an HSM or a key store can stand in for it.
 *
 * A key of this kind agrees and does nothing else; signing has its own keys. What a peer sends is checked before the
 * secret touches it: RFC 7748 asks implementations to reduce non-canonical keys and to ignore the top bit, which gives one
 * key up to four spellings, and points of low order make the secret predictable, whatever the own key. Both are refused.
 * Keys on the quadratic twist are accepted: X25519 is made for them.
 *
 * The arithmetic is noble's, over bigint: algorithmic constant time is its aim, JavaScript promises none.
 */

import { pow } from '@noble/curves/abstract/modular.js'
import { montgomery } from '@noble/curves/abstract/montgomery.js'

import { VitalsealError, rejectArgument } from '../errors.ts'
import { toHex, type Bytes } from './bytes.ts'

const FIELD_PRIME = 2n ** 255n - 19n

/**
 * The curve of RFC 7748 from noble's ladder alone. noble's ready-made `x25519` multiplies the base point on the Edwards
 * curve, three times as fast, and brings that curve and SHA-512 into every bundle, 3 kB that nothing else here needs.
 */
const x25519 = /* @__PURE__ */ montgomery({
  P: FIELD_PRIME,
  type: 'x25519',
  powPminus2: (x: bigint) => pow(x, FIELD_PRIME - 2n, FIELD_PRIME),
  adjustScalarBytes(bytes: Uint8Array): Bytes {
    bytes[0] = (bytes[0] as number) & 248
    bytes[31] = ((bytes[31] as number) & 127) | 64
    return bytes as Bytes
  },
})

/** Bytes of a public key, of a secret key and of an agreed secret. */
export const AGREEMENT_KEY_BYTES = 32

/** Port: a secret X25519 key that agrees with the keys of others. */
export interface AgreementKey {
  /** The public half, 32 bytes. */
  readonly publicKey: Bytes
  /**
   * Returns the raw shared point, 32 bytes, never all zero; secret, and to be used through a key derivation only.
   *
   * @throws When the peer's key is malformed, non-canonical or of low order: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
   */
  agree(peer: Uint8Array): Bytes
}

/** 2^255 - 19 begins with ed from the right; then 30 times ff, then 7f. */
const FIELD_TOP = 0x7f
const FIELD_BOTTOM = 0xed

/**
 * The u-coordinates whose order divides 8, on the curve or its twist: 0, 1, p - 1 and the two of order 8. Their
 * non-canonical spellings (p, p + 1 and those with the top bit) have been refused before.
 */
const LOW_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
])

/** Tells whether the number, little end first, is below 2^255 - 19. */
function isCanonical(key: Uint8Array): boolean {
  const top = key[31] as number
  if (top !== FIELD_TOP) return top < FIELD_TOP
  return (key[0] as number) < FIELD_BOTTOM || key.subarray(1, 31).some((byte) => byte !== 0xff)
}

/**
 * Tells whether bytes are a public key that may be used: 32 bytes, in canonical form, not of low order.
 *
 * Cost: a few microseconds, no curve arithmetic. A key that nobody knows the secret of passes; possession is shown
 * elsewhere.
 */
export function isAgreementPublicKey(bytes: unknown): bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array) || bytes.length !== AGREEMENT_KEY_BYTES) return false
  return isCanonical(bytes) && !LOW_ORDER.has(toHex(bytes))
}

/**
 * Refuses a public key that {@link isAgreementPublicKey} refuses.
 *
 * @throws When it is malformed, non-canonical or of low order: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function assertAgreementPublicKey(bytes: unknown): asserts bytes is Uint8Array {
  if (isAgreementPublicKey(bytes)) return
  throw new VitalsealError(
    'ERR_CRYPTO_INVALID_POINT',
    'expected a canonical X25519 public key that is not of low order',
    {
      details: { group: 'x25519' },
    },
  )
}

/**
 * Returns the key pair of a secret key, of which it keeps a copy. The object prints without the secret.
 *
 * Cost: about 0.3 ms here and 0.8 ms for each agreement.
 *
 * @param secretKey - 32 bytes, any; clamped as RFC 7748 section 5 says; secret
 * @throws When the length is another: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createAgreementKey(secretKey: Uint8Array): AgreementKey {
  if (!(secretKey instanceof Uint8Array) || secretKey.length !== AGREEMENT_KEY_BYTES) {
    rejectArgument('secretKey', `${AGREEMENT_KEY_BYTES} bytes`, 'something else')
  }
  const secret = Uint8Array.from(secretKey)
  return Object.freeze({
    publicKey: x25519.getPublicKey(secret),
    agree(peer: Uint8Array): Bytes {
      assertAgreementPublicKey(peer)
      return x25519.getSharedSecret(secret, peer)
    },
  })
}

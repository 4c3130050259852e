/**
 * The baseline without proxy re-encryption: keys sealed to their owner by HPKE, which she opens and seals again for
 * others.
 *
 * Where the owner's device is online when somebody asks, this is all that is needed: it is standard (RFC 9180), about ten
 * times as fast, and nobody else can convert anything. The price is that she, or a server that holds her key, must be
 * there each time. On the wire `[1, 3, 7, enc32, ciphertext48]`.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import type { AgreementKey } from '../primitives/agreement.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { HPKE_ENC_BYTES, HPKE_TAG_BYTES, openHpke, sealHpke } from '../primitives/hpke.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, encodeShape, parseShape, tuple } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { conditionField, type Condition } from './condition.ts'
import { header, headerOf, SUITES } from './suite.ts'

const KEY_BYTES = 32

const wrappedShape = tuple({
  ...header('rewrap', 'wrappedKey'),
  enc: bytesOf(HPKE_ENC_BYTES),
  ciphertext: bytesOf(KEY_BYTES + HPKE_TAG_BYTES),
})

const OBJECT = 'wrappedKey'

function infoOf(condition: Condition, recipient: Uint8Array): Bytes {
  return encodeCbor([PRE_TAGS.preRewrap, SUITES.rewrap, conditionField(condition), recipient])
}

/**
 * Returns a key sealed to one recipient under a condition, 88 bytes. Cost: about 0.9 ms.
 *
 * @param key - 32 bytes; secret
 * @param options - `to`: the recipient's X25519 key, 32 bytes; `condition`: what the key is for
 * @throws When the key has another length: `ERR_ARGUMENT_INVALID`; when the recipient's key is unusable:
 *   `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function wrapKey(
  key: Uint8Array,
  options: { readonly to: Uint8Array; readonly condition: Condition },
  random: RandomSource = randomBytes,
): Bytes {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES)
    rejectArgument('key', `${KEY_BYTES} bytes`, 'something else')
  const { to, condition } = options
  const sealed = sealHpke({ recipient: to, info: infoOf(condition, to), plaintext: key }, random)
  return encodeShape({ ...headerOf('rewrap', 'wrappedKey'), ...sealed }, wrappedShape, { object: OBJECT })
}

/**
 * Returns the key that was sealed to the holder of `agreement` under this condition, 32 bytes; secret.
 *
 * @throws When it does not open, whatever the reason: `ERR_DECRYPTION_FAILED`. {@link VitalsealError}
 */
export function unwrapKey(
  wrapped: Uint8Array,
  options: { readonly agreement: AgreementKey; readonly condition: Condition },
): Bytes {
  const { agreement, condition } = options
  const info = infoOf(condition, agreement.publicKey)
  const parsed = parseShape(wrapped, wrappedShape, { object: OBJECT })
  const key = parsed.ok
    ? openHpke({ recipient: agreement, enc: parsed.value.enc, ciphertext: parsed.value.ciphertext, info })
    : undefined
  if (key !== undefined) return key
  throw new VitalsealError('ERR_DECRYPTION_FAILED', 'the key does not open under this condition', { details: {} })
}

/**
 * Opens a key as its owner and seals it for somebody else under the same condition. Cost: about 2 ms.
 *
 * @param wrapped - from {@link wrapKey}
 * @param options - `agreement`: the owner's key; `to`: the new recipient's X25519 key
 * @throws As {@link unwrapKey} and {@link wrapKey} do. {@link VitalsealError}
 */
export function rewrapKey(
  wrapped: Uint8Array,
  options: { readonly agreement: AgreementKey; readonly to: Uint8Array; readonly condition: Condition },
  random: RandomSource = randomBytes,
): Bytes {
  const key = unwrapKey(wrapped, options)
  const again = wrapKey(key, options, random)
  key.fill(0)
  return again
}

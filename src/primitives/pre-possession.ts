/**
 * Public keys of proxy re-encryption (G1, 48 bytes) and the proof that someone holds the secret (G2, 96 bytes).
 *
 * Whoever registers a key without knowing its secret can register a function of somebody else's key and profit from
 * equations in both. The proof is a BLS signature over the key and a context, under a tag that nothing else uses: hashing
 * to G2 under another tag gives the conditions of re-encryption, and a signature there would be the key of a condition.
 * For the same reason a {@link PreSecret} is a type of its own, which no signing function takes.
 *
 * @see Ristenpart and Yilek 2007, for the attack; `docs/papers/PS.md` for the scheme
 */

import { parseG1, parseG2, encodeG1, encodeG2 } from './bls12-381.ts'
import { arePairingsEqual, generatorOfG1, hashToG2, multiplyG1, multiplyG2 } from './bls12-381-group.ts'
import type { PreSecret } from './bls-secret.ts'
import type { Bytes } from './bytes.ts'
import { taggedHash } from './hash.ts'
import { TAGS } from './tags.ts'

/** What {@link verifyPrePossession} judges. */
export interface PrePossession {
  /** 48 bytes. */
  readonly publicKey: Uint8Array
  /** For whom and where the key is registered; the same bytes as at creation. */
  readonly context: Uint8Array
  /** 96 bytes. */
  readonly proof: Uint8Array
}

/**
 * Returns the public key of a secret of proxy re-encryption, 48 bytes of G1.
 *
 * Cost: about 0.6 ms.
 *
 * @throws When the bytes are no such secret: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function derivePrePublicKey(secret: PreSecret): Bytes {
  return encodeG1(multiplyG1(generatorOfG1(), secret))
}

/**
 * Returns the proof that the caller holds a secret of proxy re-encryption, 96 bytes of G2. Deterministic.
 *
 * Cost: about 12 ms.
 *
 * @param secret - of the key to be registered
 * @param context - for whom and where: a proof copied into another registration does not hold there
 * @throws When the bytes are no such secret: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createPrePossession(secret: PreSecret, context: Uint8Array): Bytes {
  const message = taggedHash(TAGS.prePossession, derivePrePublicKey(secret), context)
  return encodeG2(multiplyG2(hashToG2(message, TAGS.prePossession), secret))
}

/**
 * Tells whether the proof holds for the key and the context. Total: `false` for what is no key or no proof.
 *
 * Cost: about 14 ms.
 */
export function verifyPrePossession({ publicKey, context, proof }: PrePossession): boolean {
  const key = parseG1(publicKey)
  const signature = parseG2(proof)
  if (!key.ok || !signature.ok || !(context instanceof Uint8Array)) return false
  const message = hashToG2(taggedHash(TAGS.prePossession, publicKey, context), TAGS.prePossession)
  // proof = a * message and publicKey = a * g, so e(g, proof) = e(publicKey, message).
  return arePairingsEqual([generatorOfG1(), signature.value], [key.value, message])
}

/**
 * ECDSA signatures over secp256k1, behind the ports `Signer` and `Verifier`.
 *
 * The message is a tagged digest; the curve signs SHA-256 of it (prehash on, since OpenSSL cannot verify an unhashed
 * digest). A signature is 65 bytes r | s | hint. Validity is r and s alone, with 0 < r, s and s <= n/2. The hint
 * (recovery 0 to 3, any other byte means unknown) helps a later verification of whole blocks and is never a reason to
 * accept or refuse; it stays outside of every digest.
 *
 * Signing is hedged RFC 6979: deterministic nonces with fresh randomness mixed in. JavaScript is not constant time; the
 * arithmetic is noble's, which aims at algorithmic constant time for secrets.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js'

import { rejectArgument } from '../errors.ts'
import type { Brand, Bytes } from './bytes.ts'
import type { CborValue } from './codec.ts'
import { createDid, toPublicKey, type Did } from './did.ts'
import { taggedHash, type Digest32 } from './hash.ts'
import { drawBytes, randomBytes, type RandomSource } from './random.ts'
import type { Tag } from './tags.ts'

/** 65 bytes r | s | hint. */
export type Signature = Brand<Bytes, 'Signature'>

/** Bytes of a signature on the wire. */
export const SIGNATURE_BYTES = 65
/** The hint that says nothing. */
export const HINT_UNKNOWN = 0xff

/** Port: signs tagged tuples, never bare digests, so that a signature always names its purpose. */
export interface Signer {
  readonly did: Did
  sign(tag: Tag, fields: readonly CborValue[]): Signature
}

/** What a verifier judges. */
export interface SignedDigest {
  readonly signer: Did
  readonly digest: Digest32
  readonly signature: Signature
}

/** Port: tells whether signatures hold. Total: a malformed key or signature is a `false`. */
export interface Verifier {
  verify(item: SignedDigest): boolean
  /** As many answers as items, in order; may be faster than one by one. */
  verifyBatch?(items: readonly SignedDigest[]): boolean[]
}

/** Returns 65 bytes as a signature, or undefined when the length is another. */
export function toSignature(bytes: Uint8Array): Signature | undefined {
  return bytes.length === SIGNATURE_BYTES ? (Uint8Array.from(bytes) as Signature) : undefined
}

/**
 * Signs a digest. Kept inside the library: the published vectors run against it with `entropy` false.
 *
 * @param digest - 32 bytes; the curve signs SHA-256 of it
 * @param secretKey - 32 bytes, a scalar in range; secret
 * @param entropy - 32 fresh bytes, or false for plain RFC 6979
 */
export function signDigest(digest: Uint8Array, secretKey: Uint8Array, entropy: Uint8Array | false): Signature {
  const recovered = secp256k1.sign(digest, secretKey, { format: 'recovered', lowS: true, prehash: true, extraEntropy: entropy })
  const signature = new Uint8Array(SIGNATURE_BYTES)
  signature.set(recovered.subarray(1))
  signature[64] = recovered[0] as number
  return signature as Signature
}

/**
 * Returns a signer that keeps a copy of the secret key.
 *
 * Cost: about 0.3 ms a signature. The object prints without the key.
 *
 * @param secretKey - 32 bytes, a scalar in [1, n - 1]; secret
 * @throws When the bytes are no such scalar: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createSigner(secretKey: Uint8Array, random: RandomSource = randomBytes): Signer {
  if (!(secretKey instanceof Uint8Array) || !secp256k1.utils.isValidSecretKey(secretKey)) {
    rejectArgument('secretKey', '32 bytes of a scalar in range', 'other bytes')
  }
  const key = Uint8Array.from(secretKey)
  return Object.freeze({
    did: createDid(secp256k1.getPublicKey(key, true)),
    sign: (tag: Tag, fields: readonly CborValue[]) => signDigest(taggedHash(tag, ...fields), key, drawBytes(random, 32)),
  })
}

/** Returns the verifier that runs everywhere. Cost: about 1 ms a signature. */
export function createVerifier(): Verifier {
  return Object.freeze({ verify: verifySignature })
}

function verifySignature({ signer, digest, signature }: SignedDigest): boolean {
  if (signature.length !== SIGNATURE_BYTES || digest.length !== 32) return false
  try {
    return secp256k1.verify(signature.subarray(0, 64), digest, toPublicKey(signer), { format: 'compact', lowS: true, prehash: true })
  } catch {
    return false
  }
}

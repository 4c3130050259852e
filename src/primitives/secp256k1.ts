/**
 * ECDSA over secp256k1 on 32-byte hashes: the curve below the ports of `signature.ts`. Kept inside the library.
 *
 * Verification is written out here, over the point arithmetic of the curve package, because the package's own `verify`
 * takes a key as bytes and decodes it at each call, and can keep nothing for a signer who is seen again. With a table of
 * multiples kept for a busy signer a verification takes 0.43 ms instead of 0.94 ms (`npm run bench -- signing`).
 *
 * @see SEC 1 version 2.0, section 4.1.4, for verification; RFC 6979 for signing
 */

import type { WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'

import type { Brand, Bytes } from './bytes.ts'

/** Point of the curve, not the identity: the group has prime order, so that is all there is to check. */
export type SigningPoint = Brand<WeierstrassPoint<bigint>, 'SigningPoint'>

/** r and s of a signature, both in range and s in the lower half. */
export interface EcdsaPair {
  readonly r: bigint
  readonly s: bigint
}

/** 4-bit windows: 65 * 8 points, 77 KiB and 3.3 ms to build; wider ones cost more than they save (6 bits: 208 KiB, 0.35 ms). */
const TABLE_WINDOW_BITS = 4

/** Bytes of r and s together. */
export const PAIR_BYTES = 64

/**
 * Reads r | s from the first 64 bytes: 0 < r < n and 0 < s <= n / 2, or undefined. All verifiers ask this, so that they
 * refuse the same signatures.
 */
export function parseEcdsaPair(signature: Uint8Array): EcdsaPair | undefined {
  const { ORDER } = secp256k1.Point.Fn
  const r = bytesToNumberBE(signature.subarray(0, 32))
  const s = bytesToNumberBE(signature.subarray(32, PAIR_BYTES))
  return r > 0n && r < ORDER && s > 0n && s <= ORDER >> 1n ? { r, s } : undefined
}

/** Reads a key of 33 bytes: compressed, x below the field order, on the curve; or undefined. Cost: about 0.06 ms. */
export function parseSigningPoint(publicKey: Uint8Array): SigningPoint | undefined {
  if (publicKey.length !== 33) return undefined
  try {
    return secp256k1.Point.fromBytes(publicKey) as SigningPoint
  } catch {
    return undefined
  }
}

/** Returns the same point with room for a table of its multiples, which the first verification fills. */
export function withTable(point: SigningPoint): SigningPoint {
  // A point of its own: the table lives exactly as long as this object does.
  const { x, y } = point.toAffine()
  return secp256k1.Point.fromAffine({ x, y }).precompute(TABLE_WINDOW_BITS, true) as SigningPoint
}

/**
 * Tells whether the pair signs the hash.
 *
 * @param hash - 32 bytes
 * @param hasTable - whether the key comes from {@link withTable}
 */
export function verifyHash(hash: Uint8Array, { r, s }: EcdsaPair, key: SigningPoint, hasTable: boolean): boolean {
  const { BASE, Fn } = secp256k1.Point
  // R = (h / s) G + (r / s) Q must have r as its x coordinate, modulo n.
  const inverse = Fn.inv(s)
  const ofBase = Fn.create(bytesToNumberBE(hash) * inverse)
  const ofKey = Fn.create(r * inverse)
  const sum = hasTable
    ? BASE.multiplyUnsafe(ofBase).add(key.multiplyUnsafe(ofKey))
    : BASE.mulAddUnsafe(ofBase, key, ofKey)
  return !sum.is0() && Fn.create(sum.x) === r
}

/** Tells whether the bytes are a scalar in [1, n - 1]. */
export function isSigningSecret(secretKey: Uint8Array): boolean {
  return secretKey instanceof Uint8Array && secp256k1.utils.isValidSecretKey(secretKey)
}

/** Returns the compressed public key of a secret key, 33 bytes. */
export function deriveSigningKey(secretKey: Uint8Array): Bytes {
  return Uint8Array.from(secp256k1.getPublicKey(secretKey, true))
}

/**
 * Signs a hash by RFC 6979, with low s.
 *
 * @param hash - 32 bytes
 * @param secretKey - 32 bytes in range; secret
 * @param entropy - 32 bytes mixed into the nonce, or false for the plain deterministic one
 * @returns r | s | recovery
 */
export function signHash(hash: Uint8Array, secretKey: Uint8Array, entropy: Uint8Array | false): Bytes {
  const options = { format: 'recovered', lowS: true, prehash: false, extraEntropy: entropy } as const
  const recovered = secp256k1.sign(hash, secretKey, options)
  const signature = new Uint8Array(PAIR_BYTES + 1)
  signature.set(recovered.subarray(1))
  signature[PAIR_BYTES] = recovered[0] as number
  return signature
}

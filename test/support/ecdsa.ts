import { secp256k1 } from '@noble/curves/secp256k1.js'
import { expect } from 'vitest'

import { parseOpensslKey, verifyByOpenssl } from '../../src/node/openssl-verifier.ts'
import { createOpensslVerifier } from '../../src/node/index.ts'
import { concatBytes, fromHex, type Bytes } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { parseEcdsaPair, parseSigningPoint, verifyHash, withTable } from '../../src/primitives/secp256k1.ts'
import { createVerifier, toSignature, type Signature, type Verifier } from '../../src/primitives/signature.ts'

export const ORDER = secp256k1.Point.Fn.ORDER
export const FIELD_ORDER = secp256k1.Point.Fp.ORDER

/** 32 bytes, big-endian. */
export function to32(number: bigint): Bytes {
  return fromHex(number.toString(16).padStart(64, '0'))
}

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** The same key as 33 bytes; undefined when the bytes name no point. */
export function compress(key: Uint8Array): Bytes | undefined {
  try {
    return Uint8Array.from(secp256k1.Point.fromBytes(key).toBytes(true))
  } catch {
    return undefined
  }
}

const NONCE = 0x1234567890abcdefn
/** The x coordinate of a known multiple of G, as r of crafted signatures; and that multiple's inverse. */
export const CRAFTED_R = secp256k1.Point.Fn.create(secp256k1.Point.BASE.multiply(NONCE).x)
export const CRAFTED_NONCE_INVERSE = secp256k1.Point.Fn.inv(NONCE)

/**
 * A valid signature whose s was chosen, by choosing the key: Q = dG with d = (s k - h) / r. So every s from 1 to n - 1
 * has a signature that only a rule about s can refuse.
 */
export function craftSignature(digest: Uint8Array, s: bigint): { readonly publicKey: Bytes; readonly pair: Bytes } {
  const { BASE, Fn } = secp256k1.Point
  const secret = Fn.mul(Fn.create(s * NONCE - toNumber(sha256(digest))), Fn.inv(CRAFTED_R))
  return {
    publicKey: Uint8Array.from(BASE.multiply(secret).toBytes(true)),
    pair: concatBytes(to32(CRAFTED_R), to32(s)),
  }
}

/** The verdict of the arithmetic with and without a table, which must agree. */
export function judgeHash(publicKey: Uint8Array, hash: Uint8Array, pair: Uint8Array): boolean {
  const scalars = toSignature(concatBytes(pair, Uint8Array.of(0))) === undefined ? undefined : parseEcdsaPair(pair)
  const point = parseSigningPoint(publicKey)
  if (scalars === undefined || point === undefined) return false
  const verdict = verifyHash(hash, scalars, point, false)
  expect(verifyHash(hash, scalars, withTable(point), true), 'with a table').toBe(verdict)
  return verdict
}

/** The verdict of both implementations on SHA-256 of a message of any length, which must agree. */
export function judgeMessage(publicKey: Uint8Array, message: Uint8Array, pair: Uint8Array): boolean {
  const verdict = judgeHash(publicKey, sha256(message), pair)
  const key = parseOpensslKey(publicKey)
  const inForm = pair.length === 64 && publicKey.length === 33 && parseEcdsaPair(pair) !== undefined
  expect(inForm && key !== undefined && verifyByOpenssl(message, pair, key), 'by OpenSSL').toBe(verdict)
  return verdict
}

const verifiers: Verifier[] = []

/** The verdict of both ports, which must agree. */
export function judge(signer: Did, digest: Uint8Array, signature: Uint8Array): boolean {
  if (verifiers.length === 0) verifiers.push(createVerifier(), createOpensslVerifier())
  const item = { signer, digest: digest as Digest32, signature: signature as Signature }
  const [portable, openssl] = verifiers.map((verifier) => verifier.verify(item))
  expect(openssl, 'by OpenSSL').toBe(portable)
  return portable as boolean
}

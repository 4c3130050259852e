/**
 * Verification of signatures by the OpenSSL that Node carries, about four times as fast as the portable verifier.
 *
 * It accepts and refuses exactly what the portable verifier does: form, range and low s are judged by the same code of
 * `primitives`, before OpenSSL sees the signature (OpenSSL alone accepts high s). Ledger nodes that chose another answer
 * to one signature would split.
 */

import { createPublicKey, verify, type KeyObject } from 'node:crypto'

import { VitalsealError } from '../errors.ts'
import { fromHex } from '../primitives/bytes.ts'
import { parseDid, toPublicKey, type Did } from '../primitives/did.ts'
import { createRecentMap } from '../primitives/recent.ts'
import { PAIR_BYTES } from '../primitives/secp256k1.ts'
import { parseSigned, type SignedDigest, type Verifier } from '../primitives/signature.ts'

/** Keys that a verifier keeps decoded: about 2.6 KiB each, most of it native. */
const KEYS_MAX = 4_096

/**
 * SubjectPublicKeyInfo up to the key: id-ecPublicKey with the named curve secp256k1, then a bit string of 33 bytes.
 * OpenSSL checks that x is in range and on the curve.
 *
 * @see RFC 5480, section 2; SEC 1 version 2.0, section 2.3.4
 */
const SPKI_PREFIX = '3036301006072a8648ce3d020106052b8104000a032200'

/** Secret key 1 signs 32 zero bytes by plain RFC 6979. */
const KNOWN_KEY = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
const KNOWN_PAIR =
  '6afcd7a88de76639f15d95985a6ebfb87d19a2a2ac57d0eac7ecdd7334d82a0a1145977710687e95f0478c94d0a9243b8b8ea5ea2e97032fa08817cb0cf4e6aa'

/** Decodes a compressed key, or returns undefined. Kept inside this folder. */
export function parseOpensslKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    const key = Buffer.concat([Buffer.from(SPKI_PREFIX, 'hex'), publicKey])
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** Tells whether r | s, already judged for range, signs SHA-256 of the message. Kept inside this folder. */
export function verifyByOpenssl(message: Uint8Array, pair: Uint8Array, key: KeyObject): boolean {
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, pair)
}

function assertSupported(): void {
  const key = parseOpensslKey(fromHex(KNOWN_KEY))
  if (key !== undefined && verifyByOpenssl(new Uint8Array(32), fromHex(KNOWN_PAIR), key)) return
  throw new VitalsealError(
    'ERR_CRYPTO_UNSUPPORTED',
    'the OpenSSL of this runtime does not verify ECDSA over secp256k1; use createVerifier',
    { details: { algorithm: 'secp256k1' } },
  )
}

/**
 * Returns a verifier over OpenSSL. Keep it: it remembers keys.
 *
 * Cost: about 0.23 ms a signature, and 0.1 ms more for a key that is not among the 4,096 used last (11 MiB at most).
 *
 * @throws When the runtime's OpenSSL lacks secp256k1, as in Electron: `ERR_CRYPTO_UNSUPPORTED`. {@link VitalsealError}
 */
export function createOpensslVerifier(): Verifier {
  assertSupported()
  const keys = createRecentMap<Did, KeyObject>(KEYS_MAX)

  function recall(signer: Did): KeyObject | undefined {
    const known = keys.get(signer)
    if (known !== undefined) return known
    const key = parseDid(signer).ok ? parseOpensslKey(toPublicKey(signer)) : undefined
    if (key !== undefined) keys.set(signer, key)
    return key
  }

  return Object.freeze({
    verify(item: SignedDigest): boolean {
      if (parseSigned(item) === undefined) return false
      const key = recall(item.signer)
      return key !== undefined && verifyByOpenssl(item.digest, item.signature.subarray(0, PAIR_BYTES), key)
    },
  })
}

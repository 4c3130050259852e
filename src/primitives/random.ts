/**
 * Randomness as a port: the default is Web Crypto; a test or an HSM passes its own as the last argument.
 */

import { VitalsealError, rejectArgument } from '../errors.ts'
import type { Bytes } from './bytes.ts'
import { webCrypto } from './web-crypto.ts'

/** Port: returns that many unpredictable bytes. */
export type RandomSource = (byteCount: number) => Uint8Array

/** `getRandomValues` refuses more than this in one call. */
const CHUNK_BYTES_MAX = 65_536

function noRandom(message: string): VitalsealError {
  return new VitalsealError('ERR_CRYPTO_NO_RANDOM', message, { details: {} })
}

/**
 * Returns random bytes from `crypto.getRandomValues`.
 *
 * @throws When there is no Web Crypto: `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export function randomBytes(byteCount: number): Bytes {
  if (!Number.isSafeInteger(byteCount) || byteCount < 0) rejectArgument('byteCount', 'a count', `${byteCount}`)
  const crypto = webCrypto()
  if (crypto === undefined) throw noRandom('no Web Crypto here; pass a random source of your own')
  const bytes = new Uint8Array(byteCount)
  for (let start = 0; start < byteCount; start += CHUNK_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(start, start + CHUNK_BYTES_MAX))
  }
  return bytes
}

/**
 * Returns bytes of a source after checking what can be checked: their number, and that they are not all zero.
 *
 * @throws When the source gave too few bytes or only zeros (from 16 bytes on): `ERR_CRYPTO_NO_RANDOM`. {@link VitalsealError}
 */
export function drawBytes(random: RandomSource, byteCount: number): Bytes {
  const bytes = random(byteCount)
  if (!(bytes instanceof Uint8Array) || bytes.length !== byteCount) {
    throw noRandom(`the random source gave another length than ${byteCount} bytes`)
  }
  if (byteCount >= 16 && bytes.every((byte) => byte === 0)) throw noRandom('the random source gave only zeros')
  return Uint8Array.from(bytes)
}

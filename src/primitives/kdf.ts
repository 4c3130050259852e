/**
 * HKDF with SHA-256 (RFC 5869): the only way in which the library derives one secret from another.
 *
 * Keys of different purpose come from one secret by different `info`. Everything that a key is good for belongs into
 * `info`, as a canonical tagged tuple: then two purposes never share a key, whatever their fields hold.
 */

import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

import { rejectArgument } from '../errors.ts'
import type { Bytes } from './bytes.ts'
import { encodeCbor, type CborValue } from './codec.ts'
import type { Tag } from './tags.ts'

/** Longest output of HKDF-SHA256: 255 blocks of 32 bytes (RFC 5869, 2.3). */
const OUTPUT_BYTES_MAX = 255 * 32

/** The inputs of HKDF. */
export interface HkdfInput {
  /** Input keying material; secret. */
  readonly secret: Uint8Array
  /** Not secret; absent means empty, which RFC 5869 takes as 32 zero bytes. */
  readonly salt?: Uint8Array
  /** What the output is for. */
  readonly info: Uint8Array
}

/**
 * Returns keying material by HKDF-SHA256, extract and expand.
 *
 * Cost: about 3 + byteCount / 32 HMACs. The result is secret where the input is.
 *
 * @param input - secret, salt and info
 * @param byteCount - 1 to 8,160
 * @throws When an input is no bytes, or the count is out of range: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @see RFC 5869
 */
export function hkdf(input: HkdfInput, byteCount: number): Bytes {
  for (const name of ['secret', 'salt', 'info'] as const) {
    const value = input[name]
    if (name === 'salt' && value === undefined) continue
    if (!(value instanceof Uint8Array)) rejectArgument(name, 'bytes', typeof value)
  }
  if (!Number.isSafeInteger(byteCount) || byteCount < 1 || byteCount > OUTPUT_BYTES_MAX) {
    rejectArgument('byteCount', `an integer from 1 to ${OUTPUT_BYTES_MAX}`, `${byteCount}`)
  }
  return nobleHkdf(nobleSha256, input.secret, input.salt, input.info, byteCount)
}

/**
 * Returns a key for the purpose that the canonical tuple `[tag, ...fields]` names: HKDF-SHA256 with empty salt and that
 * tuple as info.
 *
 * @param secret - uniformly distributed, 32 bytes as a rule
 * @param tag - from the one table
 * @param fields - values of strict DAG-CBOR
 * @param byteCount - 1 to 8,160; default 32
 * @throws When a field has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hkdfTagged(secret: Uint8Array, tag: Tag, fields: readonly CborValue[], byteCount = 32): Bytes {
  return hkdf({ secret, info: encodeCbor([tag, ...fields]) }, byteCount)
}

/**
 * Hashing of fields to a scalar of BLS12-381: expand_message_xmd with SHA-256 (RFC 9380, 5.3.1) over the canonical tuple
 * of the fields, 48 bytes modulo r, under an entry of the one table of tags as domain separation tag.
 *
 * 48 bytes make the bias of the reduction smaller than 2^-128. Zero is no scalar: the next counter is taken, which nobody
 * will ever see happen.
 */

import { BLS_GROUP_ORDER } from './bls-secret.ts'
import type { BlsScalar } from './bls12-381.ts'
import { concatBytes, toHex, toUtf8, type Bytes } from './bytes.ts'
import { encodeCbor, type CborValue } from './codec.ts'
import { sha256 } from './hash.ts'
import type { Tag } from './tags.ts'

/** L of hash_to_field for this order: ceil((255 + 128) / 8). */
const WIDE_BYTES = 48
const HASH_BYTES = 32
/** Input block of SHA-256. */
const BLOCK_BYTES = 64

/**
 * expand_message_xmd of RFC 9380 with SHA-256. Kept inside the library.
 *
 * @param message - any bytes
 * @param tag - the domain separation tag, at most 255 bytes
 * @param byteCount - at most 255 blocks of 32 bytes
 */
export function expandMessage(message: Uint8Array, tag: string, byteCount: number): Bytes {
  const domain = toUtf8(tag)
  const domainAndLength = concatBytes(domain, Uint8Array.of(domain.length))
  const lengthBytes = Uint8Array.of(byteCount >> 8, byteCount & 255)
  const first = sha256(
    concatBytes(new Uint8Array(BLOCK_BYTES), message, lengthBytes, Uint8Array.of(0), domainAndLength),
  )
  const blocks: Bytes[] = []
  let mask: Bytes = new Uint8Array(HASH_BYTES)
  for (let i = 1; HASH_BYTES * blocks.length < byteCount; i++) {
    const mixed = first.map((byte, at) => byte ^ (mask[at] as number))
    mask = sha256(concatBytes(mixed, Uint8Array.of(i), domainAndLength))
    blocks.push(mask)
  }
  return concatBytes(...blocks).slice(0, byteCount)
}

/**
 * Returns the scalar in [1, r - 1] that the tuple of the fields hashes to; secret where a field is.
 *
 * @param tag - from the one table
 * @param fields - values of strict DAG-CBOR
 * @throws When a field has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashToScalar(tag: Tag, ...fields: readonly CborValue[]): BlsScalar {
  for (let count = 0; ; count++) {
    const wide = expandMessage(encodeCbor([count, ...fields]), tag, WIDE_BYTES)
    const scalar = BigInt(`0x${toHex(wide)}`) % BLS_GROUP_ORDER
    if (scalar !== 0n) return scalar as BlsScalar
  }
}

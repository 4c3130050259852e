/**
 * Tagged hashing: the only way in which the library hashes fields.
 *
 * `taggedHash(tag, a, b)` is SHA-256 of the strict DAG-CBOR encoding of `[tag, a, b]`. Lengths and types are part of the
 * encoding, so no two lists of fields share an input, and the tag keeps purposes apart.
 */

import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

import { concatBytes, toUtf8, type Brand, type Bytes } from './bytes.ts'
import { encodeCbor, encodeHead, type CborValue } from './codec.ts'
import { codecLimits, type CodecLimits } from './limits.ts'
import type { Tag } from './tags.ts'

/** 32 bytes out of a hash. */
export type Digest32 = Brand<Bytes, 'Digest32'>

/** A digest has no size of its own: the limits are those of the objects that carry the fields. Depth stays bounded. */
const fieldLimits: CodecLimits = {
  bytesMax: Infinity,
  depthMax: codecLimits.depthMax,
  itemsMax: Infinity,
  stringBytesMax: Infinity,
  mapKeysMax: Infinity,
}

/** Returns SHA-256 of the bytes. For the forms that standards fix; everything else goes through {@link taggedHash}. */
export function sha256(bytes: Uint8Array): Digest32 {
  return nobleSha256(bytes) as Digest32
}

/**
 * Returns HMAC-SHA256 (RFC 2104), 32 bytes.
 *
 * @param key - secret; uniformly distributed and of one length, since HMAC pads short keys with zeros
 * @param message - for the forms of the library a canonical tuple that begins with a tag
 */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Digest32 {
  return hmac(nobleSha256, key, message) as Digest32
}

/**
 * Returns SHA-256 of the canonical tuple `[tag, ...fields]`, 32 bytes.
 *
 * Cost: that of SHA-256 over the encoding; large byte fields are not copied.
 *
 * @param tag - from the one table
 * @param fields - values of strict DAG-CBOR; a byte field may have any length
 * @throws When a field has no canonical encoding: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function taggedHash(tag: Tag, ...fields: readonly CborValue[]): Digest32 {
  const parts: (Uint8Array | string)[] = [tagPrefix(tag, fields.length)]
  for (const field of fields) {
    if (field instanceof Uint8Array) parts.push(encodeHead(2, field.length), field)
    else if (typeof field === 'string' && isAscii(field)) parts.push(encodeHead(3, field.length), field)
    else parts.push(encodeCbor(field, fieldLimits))
  }
  // One state for all calls: making one costs as much as hashing a block. It is used only when everything is encoded,
  // since encoding may run a getter of the caller's, which may hash; and digest() leaves zeros in it.
  state ??= createState()
  const { fresh, work, joined } = state
  fresh._cloneInto(work)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > joined.length) for (const part of parts) work.update(typeof part === 'string' ? toUtf8(part) : part)
  else {
    // In one piece: the hash takes views of what it is given, and a view of a small array costs more than copying it.
    let end = 0
    for (const part of parts) {
      if (typeof part === 'string') for (let i = 0; i < part.length; i++) joined[end + i] = part.charCodeAt(i)
      else joined.set(part, end)
      end += part.length
    }
    work.update(joined.subarray(0, length))
    // Fields may be secret, and this array stays.
    joined.fill(0, 0, length)
  }
  return work.digest() as Digest32
}

/** ASCII, as ids and words are, is its own UTF-8. */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const JOINED_BYTES = 512

type Hasher = ReturnType<typeof nobleSha256.create>

/** Made on first use: importing does no work. */
let state: ReturnType<typeof createState> | undefined

function createState(): { readonly fresh: Hasher; readonly work: Hasher; readonly joined: Bytes } {
  const fresh = nobleSha256.create()
  return { fresh, work: fresh.clone(), joined: new Uint8Array(JOINED_BYTES) }
}

const prefixes = new Map<Tag, (Bytes | undefined)[]>()

/** Head of the tuple and its first element; kept by tag and number of fields, since there are few of both. */
function tagPrefix(tag: Tag, fieldCount: number): Bytes {
  let ofTag = prefixes.get(tag)
  if (ofTag === undefined) prefixes.set(tag, (ofTag = []))
  return (ofTag[fieldCount] ??= encodePrefix(tag, fieldCount))
}

function encodePrefix(tag: Tag, fieldCount: number): Bytes {
  const text = toUtf8(tag)
  return concatBytes(encodeHead(4, fieldCount + 1), encodeHead(3, text.length), text)
}

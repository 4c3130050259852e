/**
 * The walk over foreign DAG-CBOR that comes before its decoding: limits, canonical form, well-formed text and links.
 *
 * It builds nothing and allocates nothing in proportion to what a length claims. What it lets through holds no float, no
 * undefined, no indefinite length, no tag but 42, no duplicate or unsorted key.
 */

import { CID } from 'multiformats/cid'

import { fail, type Failure } from '../errors.ts'
import { compareBytes, toUtf8 } from './bytes.ts'
import type { CodecLimits } from './limits.ts'

/** Codes that reading foreign bytes can give. */
export type CodecErrorCode =
  | 'ERR_CODEC_MALFORMED'
  | 'ERR_CODEC_NOT_CANONICAL'
  | 'ERR_CODEC_TRAILING_BYTES'
  | 'ERR_CODEC_LIMIT'
  | 'ERR_CODEC_VERSION'

const LINK_TAG = 42
const MAJOR = ['integer', 'negative integer', 'byte string', 'text', 'array', 'map', 'link', 'simple value'] as const
/** A decoded object must not get another prototype. */
const PROTO = toUtf8('__proto__')

/** A failure on its way out of the walk; the codec catches it, nobody else sees it. */
export class Refusal extends Error {
  /** What the codec returns. */
  readonly failure: Failure<CodecErrorCode>

  /** Wraps the failure. */
  constructor(failure: Failure<CodecErrorCode>) {
    super(failure.message)
    this.failure = failure
  }
}

/** Returns the refusal of bytes that are no DAG-CBOR as the library reads it. */
export function malformed(byteOffset: number, expected: string): Refusal {
  const message = `byte ${byteOffset}: expected ${expected}`
  return new Refusal(fail('ERR_CODEC_MALFORMED', message, { details: { byteOffset, expected } }))
}

/** Returns the refusal of bytes that another encoding of the same value would replace. */
export function notCanonical(byteOffset: number, expected: string): Refusal {
  const message = `byte ${byteOffset}: not in canonical form, expected ${expected}`
  return new Refusal(fail('ERR_CODEC_NOT_CANONICAL', message, { details: { byteOffset } }))
}

/** Returns the refusal of what is too long, too deep or too many. */
export function overLimit(byteOffset: number, limit: string, allowed: number, found: number): Refusal {
  const message = `byte ${byteOffset}: expected at most ${allowed} ${limit}, found ${found}`
  return new Refusal(fail('ERR_CODEC_LIMIT', message, { details: { limit, allowed, found } }))
}

/** One walk: the input, its limits, how many items it has met, and the head that was read last. */
export interface Walk {
  readonly bytes: Uint8Array
  readonly limits: CodecLimits
  items: number
  argument: number
  /** Offset behind the head. */
  next: number
}

/** Returns a walk that begins. */
export function startWalk(bytes: Uint8Array, limits: CodecLimits): Walk {
  return { bytes, limits, items: 0, argument: 0, next: 0 }
}

/**
 * Reads one head into the walk, since an object for each would cost more than the rest of the walk, and returns its major
 * type; refuses arguments that are not in their shortest form and indefinite lengths.
 */
function readHead(walk: Walk, offset: number): number {
  const { bytes } = walk
  const first = bytes[offset]
  if (first === undefined) throw malformed(offset, 'another item, found the end')
  const major = first >> 5
  const info = first & 31
  if (info < 24) {
    walk.argument = info
    walk.next = offset + 1
    return major
  }
  if (info > 27) throw malformed(offset, `a definite ${MAJOR[major]}`)
  const size = 1 << (info - 24)
  const next = offset + 1 + size
  if (next > bytes.length) throw malformed(offset, `a whole ${MAJOR[major]}, found the end`)
  let argument = 0
  for (let i = offset + 1; i < next; i++) argument = argument * 256 + (bytes[i] as number)
  // Simple values keep their size in the initial byte: floats are refused by the walker, whatever their length.
  if (major !== 7 && argument < (size === 1 ? 24 : 2 ** (4 * size))) {
    throw notCanonical(offset, `the shortest ${MAJOR[major]}`)
  }
  walk.argument = argument
  walk.next = next
  return major
}

function endOfString(walk: Walk): number {
  const { argument, next, limits } = walk
  if (argument > limits.stringBytesMax) throw overLimit(next, 'bytes in a string', limits.stringBytesMax, argument)
  const end = next + argument
  if (end > walk.bytes.length) throw malformed(next, `${argument} bytes, found the end`)
  return end
}

/** Length of the well-formed UTF-8 sequence at an offset, or 0: Unicode 3.9, table 3-7. */
function sequenceLength(bytes: Uint8Array, offset: number, end: number): number {
  const first = bytes[offset] as number
  if (first < 0x80) return 1
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (first < 0xc2 || first > 0xf4 || offset + length > end) return 0
  // The second byte tells overlong forms, surrogates and what lies above U+10FFFF.
  const second = bytes[offset + 1] as number
  const lower = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const upper = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < lower || second > upper) return 0
  for (let i = 2; i < length; i++) if (((bytes[offset + i] as number) & 0xc0) !== 0x80) return 0
  return length
}

function endOfText(walk: Walk): number {
  const { bytes, argument, next } = walk
  const end = endOfString(walk)
  for (let offset = next; offset < end;) {
    const length = sequenceLength(bytes, offset, end)
    if (length === 0) throw malformed(offset, 'well-formed UTF-8')
    offset += length
  }
  // Decoders of UTF-8 drop a leading mark, so the text would come back as another one.
  if (bytes[next] === 0xef && bytes[next + 1] === 0xbb && bytes[next + 2] === 0xbf && argument > 2) {
    throw malformed(next, 'text without a byte order mark')
  }
  return end
}

function countItems(walk: Walk, count: number, offset: number): void {
  walk.items += count
  if (walk.items > walk.limits.itemsMax) throw overLimit(offset, 'items', walk.limits.itemsMax, walk.items)
  // Each item takes at least one byte, so a larger count cannot be true.
  if (count > walk.bytes.length - offset) throw malformed(offset, `${count} items, found the end`)
}

function walkArray(walk: Walk, depth: number): number {
  const { argument: count } = walk
  countItems(walk, count, walk.next)
  let offset = walk.next
  for (let i = 0; i < count; i++) offset = walkItem(walk, offset, depth)
  return offset
}

function walkMap(walk: Walk, depth: number): number {
  const { bytes, limits, argument: count } = walk
  if (count > limits.mapKeysMax) throw overLimit(walk.next, 'keys in a map', limits.mapKeysMax, count)
  countItems(walk, count * 2, walk.next)
  let offset = walk.next
  let previous: Uint8Array | undefined
  for (let i = 0; i < count; i++) {
    if (readHead(walk, offset) !== 3) throw malformed(offset, 'a text key')
    const keyEnd = endOfText(walk)
    const key = bytes.subarray(walk.next, keyEnd)
    if (previous !== undefined && (key.length - previous.length || compareBytes(key, previous)) <= 0) {
      throw notCanonical(offset, 'distinct keys, shorter first, then in byte order')
    }
    if (compareBytes(key, PROTO) === 0) throw malformed(offset, 'another key than __proto__')
    previous = key
    offset = walkItem(walk, keyEnd, depth)
  }
  return offset
}

/** Tells whether bytes are a CID and the CID's only bytes. */
export function isCidBytes(bytes: Uint8Array): boolean {
  try {
    return compareBytes(CID.decode(bytes).bytes, bytes) === 0
  } catch {
    return false
  }
}

function walkLink(walk: Walk, offset: number): number {
  if (walk.argument !== LINK_TAG) throw malformed(offset, `tag ${LINK_TAG}`)
  const inner = walk.next
  if (readHead(walk, inner) !== 2) throw malformed(inner, 'the bytes of a CID')
  const end = endOfString(walk)
  // The leading zero is the mark of a binary CID; after an empty string it is the next item's, and no CID is left.
  const isLink = walk.bytes[walk.next] === 0 && isCidBytes(walk.bytes.subarray(walk.next + 1, end))
  if (!isLink) throw malformed(inner, 'the bytes of a CID')
  return end
}

/**
 * Walks one item and everything in it, and returns the offset after it.
 *
 * Throws {@link Refusal} for what is no canonical DAG-CBOR within the limits.
 */
export function walkItem(walk: Walk, offset: number, depth: number): number {
  const major = readHead(walk, offset)
  if (major >= 4 && major <= 6 && depth >= walk.limits.depthMax) {
    throw overLimit(offset, 'levels', walk.limits.depthMax, depth + 1)
  }
  switch (major) {
    case 0:
    case 1:
      return walk.next
    case 2:
      return endOfString(walk)
    case 3:
      return endOfText(walk)
    case 4:
      return walkArray(walk, depth + 1)
    case 5:
      return walkMap(walk, depth + 1)
    case 6:
      return walkLink(walk, offset)
    default: {
      const simple = walk.bytes[offset] as number
      if (simple < 0xf4 || simple > 0xf6) throw malformed(offset, 'true, false or null, and no float')
      return walk.next
    }
  }
}

const unlimited: CodecLimits = {
  bytesMax: Infinity,
  depthMax: Infinity,
  itemsMax: Infinity,
  stringBytesMax: Infinity,
  mapKeysMax: Infinity,
}

/**
 * Returns the offset of the item that `indexes` leads to, for messages. Arrays only; stops at what it cannot enter.
 *
 * @param bytes - an encoding that the codec accepted, under whatever limits
 * @param indexes - position in each array, outermost first
 */
export function locateItem(bytes: Uint8Array, indexes: readonly number[]): number {
  const walk = startWalk(bytes, unlimited)
  let offset = 0
  for (const index of indexes) {
    if (readHead(walk, offset) !== 4 || index >= walk.argument) return offset
    offset = walk.next
    for (let i = 0; i < index; i++) offset = walkItem(walk, offset, 0)
  }
  return offset
}

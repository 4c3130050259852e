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

interface Head {
  readonly major: number
  readonly argument: number
  readonly next: number
}

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

/** Reads one head; refuses arguments that are not in their shortest form and indefinite lengths. */
function readHead(bytes: Uint8Array, offset: number): Head {
  const first = bytes[offset]
  if (first === undefined) throw malformed(offset, 'another item, found the end')
  const major = first >> 5
  const info = first & 31
  if (info < 24) return { major, argument: info, next: offset + 1 }
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
  return { major, argument, next }
}

/** One walk: the input, its limits, and how many items it has met. */
export interface Walk {
  readonly bytes: Uint8Array
  readonly limits: CodecLimits
  items: number
}

function endOfString(walk: Walk, head: Head): number {
  if (head.argument > walk.limits.stringBytesMax) {
    throw overLimit(head.next, 'bytes in a string', walk.limits.stringBytesMax, head.argument)
  }
  const end = head.next + head.argument
  if (end > walk.bytes.length) throw malformed(head.next, `${head.argument} bytes, found the end`)
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

function endOfText(walk: Walk, head: Head): number {
  const { bytes } = walk
  const end = endOfString(walk, head)
  for (let offset = head.next; offset < end;) {
    const length = sequenceLength(bytes, offset, end)
    if (length === 0) throw malformed(offset, 'well-formed UTF-8')
    offset += length
  }
  // Decoders of UTF-8 drop a leading mark, so the text would come back as another one.
  if (
    bytes[head.next] === 0xef &&
    bytes[head.next + 1] === 0xbb &&
    bytes[head.next + 2] === 0xbf &&
    head.argument > 2
  ) {
    throw malformed(head.next, 'text without a byte order mark')
  }
  return end
}

function countItems(walk: Walk, count: number, offset: number): void {
  walk.items += count
  if (walk.items > walk.limits.itemsMax) throw overLimit(offset, 'items', walk.limits.itemsMax, walk.items)
  // Each item takes at least one byte, so a larger count cannot be true.
  if (count > walk.bytes.length - offset) throw malformed(offset, `${count} items, found the end`)
}

function walkArray(walk: Walk, head: Head, depth: number): number {
  countItems(walk, head.argument, head.next)
  let offset = head.next
  for (let i = 0; i < head.argument; i++) offset = walkItem(walk, offset, depth)
  return offset
}

function walkMap(walk: Walk, head: Head, depth: number): number {
  const { bytes, limits } = walk
  if (head.argument > limits.mapKeysMax) throw overLimit(head.next, 'keys in a map', limits.mapKeysMax, head.argument)
  countItems(walk, head.argument * 2, head.next)
  let offset = head.next
  let previous: Uint8Array | undefined
  for (let i = 0; i < head.argument; i++) {
    const keyHead = readHead(bytes, offset)
    if (keyHead.major !== 3) throw malformed(offset, 'a text key')
    const keyEnd = endOfText(walk, keyHead)
    const key = bytes.subarray(keyHead.next, keyEnd)
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

function walkLink(walk: Walk, head: Head, offset: number): number {
  if (head.argument !== LINK_TAG) throw malformed(offset, `tag ${LINK_TAG}`)
  const inner = readHead(walk.bytes, head.next)
  if (inner.major !== 2) throw malformed(head.next, 'the bytes of a CID')
  const end = endOfString(walk, inner)
  // The leading zero is the mark of a binary CID; after an empty string it is the next item's, and no CID is left.
  const isLink = walk.bytes[inner.next] === 0 && isCidBytes(walk.bytes.subarray(inner.next + 1, end))
  if (!isLink) throw malformed(head.next, 'the bytes of a CID')
  return end
}

/**
 * Walks one item and everything in it, and returns the offset after it.
 *
 * Throws {@link Refusal} for what is no canonical DAG-CBOR within the limits.
 */
export function walkItem(walk: Walk, offset: number, depth: number): number {
  const head = readHead(walk.bytes, offset)
  if (head.major >= 4 && head.major <= 6 && depth >= walk.limits.depthMax) {
    throw overLimit(offset, 'levels', walk.limits.depthMax, depth + 1)
  }
  switch (head.major) {
    case 0:
    case 1:
      return head.next
    case 2:
      return endOfString(walk, head)
    case 3:
      return endOfText(walk, head)
    case 4:
      return walkArray(walk, head, depth + 1)
    case 5:
      return walkMap(walk, head, depth + 1)
    case 6:
      return walkLink(walk, head, offset)
    default: {
      const simple = walk.bytes[offset] as number
      if (simple < 0xf4 || simple > 0xf6) throw malformed(offset, 'true, false or null, and no float')
      return head.next
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
  const walk: Walk = { bytes, limits: unlimited, items: 0 }
  let offset = 0
  for (const index of indexes) {
    const head = readHead(bytes, offset)
    if (head.major !== 4 || index >= head.argument) return offset
    offset = head.next
    for (let i = 0; i < index; i++) offset = walkItem(walk, offset, 0)
  }
  return offset
}

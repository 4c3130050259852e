/**
 * Strict DAG-CBOR: one value, one encoding.
 *
 * `@ipld/dag-cbor` decodes more than it encodes (unsorted map keys, half-precision floats), so two byte strings could
 * share one meaning and a signature cover neither. Here every input is first walked without building anything, against
 * limits and the canonical form; then decoded; then encoded again and compared. Signed objects hold no floats and no
 * undefined. Map keys sort length first (this is DAG-CBOR, not RFC 8949 4.2.1).
 *
 * An attacker chooses the bytes: nothing is allocated in proportion to a length that the input does not carry.
 */

import { decode, encode } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'

import { fail, rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import { compareBytes, toUtf8, type Bytes } from './bytes.ts'
import { codecLimits, type CodecLimits } from './limits.ts'

/** What strict DAG-CBOR can hold. Integers beyond the safe range are `bigint`, up to 64 bits. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CID
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

/** Codes that reading foreign bytes can give. */
export type CodecErrorCode =
  | 'ERR_CODEC_MALFORMED'
  | 'ERR_CODEC_NOT_CANONICAL'
  | 'ERR_CODEC_TRAILING_BYTES'
  | 'ERR_CODEC_LIMIT'
  | 'ERR_CODEC_VERSION'

const LINK_TAG = 42
const UINT64_MAX = 2n ** 64n - 1n
const MAJOR = ['integer', 'negative integer', 'byte string', 'text', 'array', 'map', 'link', 'simple value'] as const

interface Head {
  readonly major: number
  readonly argument: number
  readonly next: number
}

/** Thrown and caught inside this file only. */
class Refusal extends Error {
  readonly failure: Failure<CodecErrorCode>
  constructor(failure: Failure<CodecErrorCode>) {
    super(failure.message)
    this.failure = failure
  }
}

function malformed(byteOffset: number, expected: string): Refusal {
  const message = `byte ${byteOffset}: expected ${expected}`
  return new Refusal(fail('ERR_CODEC_MALFORMED', message, { details: { byteOffset, expected } }))
}

function notCanonical(byteOffset: number, expected: string): Refusal {
  const message = `byte ${byteOffset}: not in canonical form, expected ${expected}`
  return new Refusal(fail('ERR_CODEC_NOT_CANONICAL', message, { details: { byteOffset } }))
}

function overLimit(limit: string, allowed: number, found: number): Refusal {
  const message = `expected at most ${allowed} ${limit}, found ${found}`
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

interface Walk {
  readonly bytes: Uint8Array
  readonly limits: CodecLimits
  items: number
}

function readString(walk: Walk, head: Head): number {
  if (head.argument > walk.limits.stringBytesMax) {
    throw overLimit('bytes in a string', walk.limits.stringBytesMax, head.argument)
  }
  const end = head.next + head.argument
  if (end > walk.bytes.length) throw malformed(head.next, `${head.argument} bytes, found the end`)
  return end
}

function countItems(walk: Walk, count: number, offset: number): void {
  walk.items += count
  if (walk.items > walk.limits.itemsMax) throw overLimit('items', walk.limits.itemsMax, walk.items)
  // Each item takes at least one byte, so a larger count cannot be true.
  if (count > walk.bytes.length - offset) throw malformed(offset, `${count} items, found the end`)
}

function walkMap(walk: Walk, head: Head, depth: number): number {
  if (head.argument > walk.limits.mapKeysMax) throw overLimit('keys in a map', walk.limits.mapKeysMax, head.argument)
  countItems(walk, head.argument * 2, head.next)
  let offset = head.next
  let previous: Uint8Array | undefined
  for (let i = 0; i < head.argument; i++) {
    const keyHead = readHead(walk.bytes, offset)
    if (keyHead.major !== 3) throw malformed(offset, 'a text key')
    const keyEnd = readString(walk, keyHead)
    const key = walk.bytes.subarray(keyHead.next, keyEnd)
    if (previous !== undefined && (key.length - previous.length || compareBytes(key, previous)) <= 0) {
      throw notCanonical(offset, 'distinct keys, shorter first, then in byte order')
    }
    // A decoded object must not get another prototype.
    if (key.length === 9 && compareBytes(key, PROTO) === 0) throw malformed(offset, 'another key than __proto__')
    previous = key
    offset = walkItem(walk, keyEnd, depth)
  }
  return offset
}

function walkLink(walk: Walk, head: Head, offset: number): number {
  if (head.argument !== LINK_TAG) throw malformed(offset, `tag ${LINK_TAG}`)
  const inner = readHead(walk.bytes, head.next)
  const end = readString(walk, inner)
  if (inner.major !== 2 || walk.bytes[inner.next] !== 0) throw malformed(head.next, 'the bytes of a CID')
  try {
    CID.decode(walk.bytes.subarray(inner.next + 1, end))
  } catch {
    throw malformed(head.next, 'the bytes of a CID')
  }
  return end
}

const PROTO = toUtf8('__proto__')

function walkItem(walk: Walk, offset: number, depth: number): number {
  const head = readHead(walk.bytes, offset)
  if (head.major >= 4 && head.major <= 6 && depth >= walk.limits.depthMax) {
    throw overLimit('levels', walk.limits.depthMax, depth + 1)
  }
  switch (head.major) {
    case 0:
    case 1:
      return head.next
    case 2:
    case 3:
      return readString(walk, head)
    case 4: {
      countItems(walk, head.argument, head.next)
      let next = head.next
      for (let i = 0; i < head.argument; i++) next = walkItem(walk, next, depth + 1)
      return next
    }
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

/**
 * Returns the offset of the item that `indexes` leads to, for messages. Arrays only; stops at what it cannot enter.
 *
 * @param bytes - an encoding that {@link parseCbor} accepted
 */
export function locateItem(bytes: Uint8Array, indexes: readonly number[]): number {
  const walk: Walk = { bytes, limits: { ...codecLimits, bytesMax: Infinity, itemsMax: Infinity, stringBytesMax: Infinity }, items: 0 }
  let offset = 0
  for (const index of indexes) {
    const head = readHead(bytes, offset)
    if (head.major !== 4 || index >= head.argument) return offset
    offset = head.next
    for (let i = 0; i < index; i++) offset = walkItem(walk, offset, 0)
  }
  return offset
}

/**
 * Reads strict DAG-CBOR. Total: foreign bytes never throw. Cost: two passes over the input and one decoding.
 *
 * @param bytes - at most `limits.bytesMax`
 * @param limits - default {@link codecLimits}
 * @returns the value, or `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL`, `ERR_CODEC_TRAILING_BYTES`, `ERR_CODEC_LIMIT`
 */
export function parseCbor(bytes: Uint8Array, limits: CodecLimits = codecLimits): Result<CborValue, CodecErrorCode> {
  try {
    if (bytes.length > limits.bytesMax) throw overLimit('bytes', limits.bytesMax, bytes.length)
    const end = walkItem({ bytes, limits, items: 0 }, 0, 0)
    if (end !== bytes.length) {
      const message = `byte ${end}: expected the end, found ${bytes.length - end} more bytes`
      return fail('ERR_CODEC_TRAILING_BYTES', message, { details: { byteOffset: end } })
    }
    const value = decode<CborValue>(bytes)
    const again = encode(value)
    if (compareBytes(again, bytes) !== 0) throw notCanonical(firstDifference(again, bytes), 'the bytes that encoding gives')
    return succeed(value)
  } catch (error) {
    if (error instanceof Refusal) return error.failure
    // The decoder refused what the walker let through (malformed UTF-8, for example).
    return malformed(0, 'strict DAG-CBOR').failure
  }
}

function firstDifference(left: Uint8Array, right: Uint8Array): number {
  let offset = 0
  while (offset < left.length && left[offset] === right[offset]) offset++
  return offset
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'number' ? 'a number that is no integer in range' : typeof value
}

/** Refuses what strict DAG-CBOR cannot hold, with the path of the first such value. */
function assertEncodable(value: unknown, path: string, depth: number, depthMax: number): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) return
  if (typeof value === 'bigint' && value <= UINT64_MAX && value >= -UINT64_MAX - 1n) return
  // A lone surrogate would be replaced silently.
  if (typeof value === 'string' && !/\p{Surrogate}/u.test(value)) return
  if (value instanceof Uint8Array) return
  if (typeof value !== 'object' || depth >= depthMax) rejectArgument(path, 'a value of strict DAG-CBOR', describe(value))
  if (CID.asCID(value) !== null) return
  const children: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((child, index) => [String(index), child] as const)
    : Object.entries(value as object)
  for (const [name, child] of children) assertEncodable(child, `${path}.${name}`, depth + 1, depthMax)
}

/**
 * Returns the canonical encoding of a value.
 *
 * @param value - tuples of fixed order; no floats, no undefined
 * @param limits - default {@link codecLimits}
 * @throws When the value has no canonical encoding or exceeds a limit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCbor(value: CborValue, limits: CodecLimits = codecLimits): Bytes {
  assertEncodable(value, 'value', 0, limits.depthMax)
  const bytes = encode(value) as Bytes
  if (bytes.length > limits.bytesMax) rejectArgument('value', `at most ${limits.bytesMax} bytes encoded`, `${bytes.length}`)
  return bytes
}

/**
 * Returns the head of a CBOR item, for those who write its parts one after the other.
 *
 * @param major - 2 byte string, 3 text, 4 array
 * @param argument - length or count, below 2^32
 */
export function encodeHead(major: 2 | 3 | 4, argument: number): Bytes {
  const first = major << 5
  if (argument < 24) return Uint8Array.of(first | argument)
  if (argument < 0x100) return Uint8Array.of(first | 24, argument)
  if (argument < 0x10000) return Uint8Array.of(first | 25, argument >> 8, argument & 255)
  return Uint8Array.of(first | 26, argument >>> 24, (argument >> 16) & 255, (argument >> 8) & 255, argument & 255)
}

/**
 * Strict DAG-CBOR: one value, one encoding.
 *
 * A codec that decodes more than it encodes (unsorted map keys, half-precision floats) lets two byte strings share one
 * meaning, and a signature cover neither. Here every input is first walked without building anything, against limits and
 * the canonical form (`codec-walk.ts`); then built; then written again and compared. Every value is checked before it is encoded, so
 * that nothing leaves which the other side would refuse. Signed objects hold no floats and no undefined. Map keys sort
 * length first (this is DAG-CBOR, not RFC 8949 4.2.1).
 *
 * An attacker chooses the bytes: nothing is allocated in proportion to a length that the input does not carry.
 */

import { CID } from 'multiformats/cid'

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { compareBytes, isPortableText, toUtf8, type Bytes } from './bytes.ts'
import { buildValue, type Strings } from './codec-build.ts'
import type { CborValue } from './codec-value.ts'
import {
  isCidBytes,
  malformed,
  notCanonical,
  overLimit,
  Refusal,
  startWalk,
  walkItem,
  type CodecErrorCode,
} from './codec-walk.ts'
import { writeValue } from './codec-write.ts'
import { codecLimits, type CodecLimits } from './limits.ts'

export type { CborValue } from './codec-value.ts'
export { locateItem, type CodecErrorCode } from './codec-walk.ts'

const UINT64_MAX = 2n ** 64n - 1n

function parseWalked(bytes: Uint8Array, limits: CodecLimits, strings: Strings): Result<CborValue, CodecErrorCode> {
  if (bytes.length > limits.bytesMax) throw overLimit(0, 'bytes', limits.bytesMax, bytes.length)
  const end = walkItem(startWalk(bytes, limits), 0, 0)
  if (end !== bytes.length) {
    const message = `byte ${end}: expected the end, found ${bytes.length - end} more bytes`
    return fail('ERR_CODEC_TRAILING_BYTES', message, { details: { byteOffset: end } })
  }
  const value = buildValue(bytes, strings)
  const offset = compareWritten(value, bytes)
  if (offset === undefined) return succeed(value)
  throw notCanonical(offset, 'the bytes that encoding gives')
}

const SCRATCH_BYTES = 1_024

/** For writing what was read: used again, since making an array costs more than filling it. */
let scratch: Bytes | undefined

/** Returns the offset at which the encoding of a value begins to differ from what it was read from, or undefined. */
function compareWritten(value: CborValue, bytes: Uint8Array): number | undefined {
  const into = bytes.length > SCRATCH_BYTES ? new Uint8Array(bytes.length) : (scratch ??= new Uint8Array(SCRATCH_BYTES))
  try {
    const again = writeValue(value, into)
    return compareBytes(again, bytes) === 0 ? undefined : firstDifference(again, bytes)
  } finally {
    // What was written may be secret, and this array stays.
    into.fill(0, 0, bytes.length)
  }
}

/**
 * Reads strict DAG-CBOR. Total: foreign bytes never throw. Cost: two passes over the input and one decoding.
 *
 * @param bytes - at most `limits.bytesMax`; byte strings of the result are copies
 * @param limits - default {@link codecLimits}
 * @returns the value, or `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL`, `ERR_CODEC_TRAILING_BYTES`, `ERR_CODEC_LIMIT`
 */
export function parseCbor(bytes: Uint8Array, limits: CodecLimits = codecLimits): Result<CborValue, CodecErrorCode> {
  return parseStrings(bytes, limits, 'copied')
}

/** As {@link parseCbor}, but byte strings of the result are views of the input; for readers that copy what they keep. */
export function viewCbor(bytes: Uint8Array, limits: CodecLimits): Result<CborValue, CodecErrorCode> {
  return parseStrings(bytes, limits, 'viewed')
}

function parseStrings(bytes: Uint8Array, limits: CodecLimits, strings: Strings): Result<CborValue, CodecErrorCode> {
  if (!(bytes instanceof Uint8Array)) return malformed(0, 'bytes').failure
  try {
    return parseWalked(bytes, limits, strings)
  } catch (error) {
    if (error instanceof Refusal) return error.failure
    // What the decoder refuses although the walk let it through: maps that imitate a CID object, for example.
    return malformed(0, 'strict DAG-CBOR').failure
  }
}

function firstDifference(left: Uint8Array, right: Uint8Array): number {
  let offset = 0
  while (offset < left.length && left[offset] === right[offset]) offset++
  return offset
}

interface Check {
  readonly limits: CodecLimits
  items: number
  /** Name or index at each depth; what lies deeper than the value in hand is left over. */
  readonly path: (string | number)[]
}

function refuse(check: Check, depth: number, expected: string, found: string): never {
  return rejectArgument(['value', ...check.path.slice(0, depth)].join('.'), expected, found)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'number' ? 'a number that is no integer in range' : typeof value
}

function headBytes(argument: number | bigint): number {
  if (argument < 24) return 1
  if (argument < 0x100) return 2
  if (argument < 0x10000) return 3
  return argument < 0x1_0000_0000 ? 5 : 9
}

function measureString(length: number, depth: number, check: Check): number {
  const { stringBytesMax } = check.limits
  if (length > stringBytesMax) refuse(check, depth, `at most ${stringBytesMax} bytes in a string`, `${length}`)
  return headBytes(length) + length
}

function measureText(text: string, depth: number, check: Check): number {
  let ascii = 0
  while (ascii < text.length && text.charCodeAt(ascii) < 0x80) ascii++
  if (ascii === text.length) return measureString(ascii, depth, check)
  if (!isPortableText(text)) refuse(check, depth, 'well-formed text without a byte order mark', 'other text')
  return measureString(toUtf8(text).length, depth, check)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function countItems(count: number, depth: number, check: Check): void {
  const { itemsMax } = check.limits
  check.items += count
  if (check.items > itemsMax) refuse(check, depth, `at most ${itemsMax} items`, `${check.items}`)
}

function measureArray(items: readonly unknown[], depth: number, check: Check): number {
  countItems(items.length, depth, check)
  let size = headBytes(items.length)
  // By index: a hole in the array is an undefined, and is refused as one.
  for (let index = 0; index < items.length; index++) {
    check.path[depth] = index
    size += measure(items[index], depth + 1, check)
  }
  return size
}

function measureMap(map: object, depth: number, check: Check): number {
  if (!isPlain(map)) refuse(check, depth, 'a value of strict DAG-CBOR', 'an object of another class')
  const entries = Object.entries(map)
  const { mapKeysMax } = check.limits
  if (entries.length > mapKeysMax) refuse(check, depth, `at most ${mapKeysMax} keys in a map`, `${entries.length}`)
  countItems(2 * entries.length, depth, check)
  let size = headBytes(entries.length)
  for (const [name, child] of entries) {
    if (name === '__proto__') refuse(check, depth, 'another key than __proto__', 'it')
    check.path[depth] = name
    size += measureText(name, depth + 1, check) + measure(child, depth + 1, check)
  }
  return size
}

function measureContainer(value: object, depth: number, check: Check): number {
  const { depthMax } = check.limits
  if (depth >= depthMax) refuse(check, depth, `at most ${depthMax} levels`, `${depth + 1}`)
  if (Array.isArray(value)) return measureArray(value, depth, check)
  const cid = CID.asCID(value)
  if (cid === null) return measureMap(value, depth, check)
  if (!isCidBytes(cid.bytes)) refuse(check, depth, 'a CID', 'an object that imitates one')
  return 2 + measureString(cid.bytes.length + 1, depth, check)
}

/** Refuses what strict DAG-CBOR cannot hold, with the path of the first such value; returns the bytes that the rest takes. */
function measure(value: unknown, depth: number, check: Check): number {
  if (value === null || typeof value === 'boolean') return 1
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return headBytes(value < 0 ? -1 - value : value)
  }
  if (typeof value === 'bigint' && value <= UINT64_MAX && value >= -UINT64_MAX - 1n) {
    return headBytes(value < 0n ? -1n - value : value)
  }
  if (typeof value === 'string') return measureText(value, depth, check)
  if (value instanceof Uint8Array) return measureString(value.length, depth, check)
  if (typeof value === 'object') return measureContainer(value, depth, check)
  return refuse(check, depth, 'a value of strict DAG-CBOR', describe(value))
}

/**
 * Returns the canonical encoding of a value.
 *
 * @param value - tuples of fixed order; no floats, no undefined; objects plain
 * @param limits - default {@link codecLimits}; the same that the reader has
 * @throws When the value has no canonical encoding or exceeds a limit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCbor(value: CborValue, limits: CodecLimits = codecLimits): Bytes {
  const size = measure(value, 0, { limits, items: 0, path: [] })
  if (size > limits.bytesMax) rejectArgument('value', `at most ${limits.bytesMax} bytes encoded`, `${size}`)
  return writeValue(value, new Uint8Array(size))
}

/**
 * Returns the head of a CBOR item, for those who write its parts one after the other.
 *
 * @param major - 2 byte string, 3 text, 4 array
 * @param argument - length or count, a safe integer
 */
export function encodeHead(major: 2 | 3 | 4, argument: number): Bytes {
  const first = major << 5
  if (argument < 24) return Uint8Array.of(first | argument)
  if (argument < 0x100) return Uint8Array.of(first | 24, argument)
  if (argument < 0x10000) return Uint8Array.of(first | 25, argument >> 8, argument & 255)
  const size = argument < 2 ** 32 ? 4 : 8
  const head = new Uint8Array(1 + size)
  head[0] = first | (size === 4 ? 26 : 27)
  for (let i = size, rest = argument; i > 0; i--, rest = Math.floor(rest / 256)) head[i] = rest % 256
  return head
}

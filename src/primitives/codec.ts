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
import { buildValue } from './codec-build.ts'
import type { CborValue } from './codec-value.ts'
import { isCidBytes, malformed, notCanonical, overLimit, Refusal, walkItem, type CodecErrorCode } from './codec-walk.ts'
import { writeValue } from './codec-write.ts'
import { codecLimits, type CodecLimits } from './limits.ts'

export type { CborValue } from './codec-value.ts'
export { locateItem, type CodecErrorCode } from './codec-walk.ts'

const UINT64_MAX = 2n ** 64n - 1n

function parseWalked(bytes: Uint8Array, limits: CodecLimits): Result<CborValue, CodecErrorCode> {
  if (bytes.length > limits.bytesMax) throw overLimit(0, 'bytes', limits.bytesMax, bytes.length)
  const end = walkItem({ bytes, limits, items: 0 }, 0, 0)
  if (end !== bytes.length) {
    const message = `byte ${end}: expected the end, found ${bytes.length - end} more bytes`
    return fail('ERR_CODEC_TRAILING_BYTES', message, { details: { byteOffset: end } })
  }
  const value = buildValue(bytes)
  const again = writeValue(value)
  if (compareBytes(again, bytes) === 0) return succeed(value)
  throw notCanonical(firstDifference(again, bytes), 'the bytes that encoding gives')
}

/**
 * Reads strict DAG-CBOR. Total: foreign bytes never throw. Cost: two passes over the input and one decoding.
 *
 * @param bytes - at most `limits.bytesMax`; byte strings of the result are copies
 * @param limits - default {@link codecLimits}
 * @returns the value, or `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL`, `ERR_CODEC_TRAILING_BYTES`, `ERR_CODEC_LIMIT`
 */
export function parseCbor(bytes: Uint8Array, limits: CodecLimits = codecLimits): Result<CborValue, CodecErrorCode> {
  if (!(bytes instanceof Uint8Array)) return malformed(0, 'bytes').failure
  try {
    return parseWalked(bytes, limits)
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
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'number' ? 'a number that is no integer in range' : typeof value
}

function assertLength(length: number, path: string, limits: CodecLimits): void {
  const { stringBytesMax } = limits
  if (length > stringBytesMax) rejectArgument(path, `at most ${stringBytesMax} bytes in a string`, `${length}`)
}

function assertText(text: string, path: string, limits: CodecLimits): void {
  if (!isPortableText(text)) rejectArgument(path, 'well-formed text without a byte order mark', 'other text')
  // A unit of UTF-16 takes at most three bytes.
  if (text.length * 3 > limits.stringBytesMax) assertLength(toUtf8(text).length, path, limits)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Names and members of what has members; refuses what only looks like a container, such as a Map. */
function childrenOf(value: object, path: string, limits: CodecLimits): readonly (readonly [string, unknown])[] {
  // By index: a hole in the array is an undefined, and is refused as one.
  if (Array.isArray(value)) return Array.from(value, (child: unknown, index) => [String(index), child] as const)
  if (!isPlain(value)) rejectArgument(path, 'a value of strict DAG-CBOR', 'an object of another class')
  const children = Object.entries(value)
  const { mapKeysMax } = limits
  if (children.length > mapKeysMax) rejectArgument(path, `at most ${mapKeysMax} keys in a map`, `${children.length}`)
  for (const [name] of children) {
    if (name === '__proto__') rejectArgument(path, 'another key than __proto__', 'it')
    assertText(name, `${path}.${name}`, limits)
  }
  return children
}

function assertContainer(value: object, path: string, depth: number, check: Check): void {
  const { depthMax, itemsMax } = check.limits
  if (depth >= depthMax) rejectArgument(path, `at most ${depthMax} levels`, `${depth + 1}`)
  const cid = CID.asCID(value)
  if (cid !== null) {
    if (!isCidBytes(cid.bytes)) rejectArgument(path, 'a CID', 'an object that imitates one')
    assertLength(cid.bytes.length + 1, path, check.limits)
    return
  }
  const children = childrenOf(value, path, check.limits)
  check.items += Array.isArray(value) ? children.length : 2 * children.length
  if (check.items > itemsMax) rejectArgument(path, `at most ${itemsMax} items`, `${check.items}`)
  for (const [name, child] of children) assertEncodable(child, `${path}.${name}`, depth + 1, check)
}

/** Refuses what strict DAG-CBOR cannot hold, with the path of the first such value. */
function assertEncodable(value: unknown, path: string, depth: number, check: Check): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) return
  if (typeof value === 'bigint' && value <= UINT64_MAX && value >= -UINT64_MAX - 1n) return
  if (typeof value === 'string') assertText(value, path, check.limits)
  else if (value instanceof Uint8Array) assertLength(value.length, path, check.limits)
  else if (typeof value === 'object') assertContainer(value, path, depth, check)
  else rejectArgument(path, 'a value of strict DAG-CBOR', describe(value))
}

/**
 * Returns the canonical encoding of a value.
 *
 * @param value - tuples of fixed order; no floats, no undefined; objects plain
 * @param limits - default {@link codecLimits}; the same that the reader has
 * @throws When the value has no canonical encoding or exceeds a limit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCbor(value: CborValue, limits: CodecLimits = codecLimits): Bytes {
  assertEncodable(value, 'value', 0, { limits, items: 0 })
  const bytes = writeValue(value)
  if (bytes.length > limits.bytesMax)
    rejectArgument('value', `at most ${limits.bytesMax} bytes encoded`, `${bytes.length}`)
  return bytes
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

/**
 * CARv1: blocks and their addresses in one file, for couriers, archives and audits.
 *
 * `varint | header` and then `varint | CID | bytes` for each block; the header is DAG-CBOR `{roots, version: 1}`. Read
 * strictly, so that a set of blocks in an order has one encoding: shortest varints, a canonical header, each block once.
 * Only the addresses of this library are read (CIDv1, raw or dag-cbor, SHA-256), and every block is hashed again; that the
 * roots are among the blocks, or that nothing is missing, is for the reader of the content to judge.
 *
 * @see https://ipld.io/specs/transport/car/carv1/
 */

import { CID } from 'multiformats/cid'

import { fail, rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import { concatBytes, copyBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../primitives/codec.ts'
import { isContentCid } from '../primitives/content-id.ts'
import { sha256 } from '../primitives/hash.ts'
import {
  CAR_BLOCKS_MAX,
  CAR_BYTES_MAX,
  CAR_ROOTS_MAX,
  codecLimits,
  SEALED_BLOCK_BYTES_MAX,
  type CodecLimits,
} from '../primitives/limits.ts'
import { joinBytes, type ContentBlock } from './hashing.ts'

/** Limits of one CAR, told before allocation. */
export interface CarLimits {
  readonly bytesMax: number
  readonly rootsMax: number
  readonly blocksMax: number
  readonly blockBytesMax: number
}

/** Limits of a CAR where the reader names no others. */
export const carLimits: CarLimits = {
  bytesMax: CAR_BYTES_MAX,
  rootsMax: CAR_ROOTS_MAX,
  blocksMax: CAR_BLOCKS_MAX,
  blockBytesMax: SEALED_BLOCK_BYTES_MAX,
}

/** What a CAR holds. */
export interface Car {
  readonly roots: readonly CID[]
  readonly blocks: readonly ContentBlock[]
}

/** Codes that reading a CAR can give. */
export type CarErrorCode =
  | 'ERR_CODEC_MALFORMED'
  | 'ERR_CODEC_NOT_CANONICAL'
  | 'ERR_CODEC_TRAILING_BYTES'
  | 'ERR_CODEC_LIMIT'
  | 'ERR_CODEC_VERSION'
  | 'ERR_STORAGE_CORRUPT'

/** A block to be written. */
export interface CarBlock {
  readonly cid: CID
  readonly bytes: Uint8Array
}

const VERSION = 1
/** Bytes of an address: version, codec, hash, length, digest. */
export const CID_BYTES = 36
/** A link in the header, and the rest of it. */
const ROOT_BYTES = 41
const HEADER_REST_BYTES = 64
/** Enough for every length below 2^35. */
export const VARINT_BYTES_MAX = 5

/** A varint that was read, or why not: it ends too early, or is longer than needed. */
export type Varint = { readonly value: number; readonly byteCount: number } | 'short' | 'long' | 'padded'

/** Reads an unsigned LEB128. */
export function readVarint(bytes: Uint8Array, offset: number): Varint {
  let value = 0
  for (let index = 0; index < VARINT_BYTES_MAX; index++) {
    const byte = bytes[offset + index]
    if (byte === undefined) return 'short'
    value += (byte & 127) * 128 ** index
    if (byte < 128) return byte === 0 && index > 0 ? 'padded' : { value, byteCount: index + 1 }
  }
  return 'long'
}

/** Returns an unsigned LEB128. */
export function encodeVarint(value: number): Bytes {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Uint8Array.of(...bytes, rest)
}

/** Returns a refusal at an offset. */
export function refuseCar(
  code: 'ERR_CODEC_MALFORMED' | 'ERR_CODEC_NOT_CANONICAL',
  byteOffset: number,
  expected: string,
): Failure<CarErrorCode> {
  const message = `car at byte ${byteOffset}: expected ${expected}`
  return code === 'ERR_CODEC_MALFORMED'
    ? fail(code, message, { path: 'car', details: { byteOffset, expected } })
    : fail(code, message, { path: 'car', details: { byteOffset } })
}

/** Returns the refusal of something too long or too many. */
export function refuseCarLimit(limit: string, allowed: number, found: number): Failure<CarErrorCode> {
  const message = `car: expected at most ${allowed} ${limit}, found ${found}`
  return fail('ERR_CODEC_LIMIT', message, { path: 'car', details: { limit, allowed, found } })
}

/** Returns the refusal of a block that does not hash to its address. */
export function refuseCarBlock(cid: CID): Failure<CarErrorCode> {
  const record = cid.toString()
  return fail('ERR_STORAGE_CORRUPT', `car: block ${record} does not hash to its address`, {
    path: 'car',
    details: { record },
  })
}

/** Returns the refusal of a length that is none. */
export function refuseVarint(reason: Exclude<Varint, object>, byteOffset: number): Failure<CarErrorCode> {
  return reason === 'padded'
    ? refuseCar('ERR_CODEC_NOT_CANONICAL', byteOffset, 'the shortest varint')
    : refuseCar('ERR_CODEC_MALFORMED', byteOffset, `a varint of at most ${VARINT_BYTES_MAX} bytes`)
}

/** Longest header that the limits allow. */
export function headerBytesMax(limits: CarLimits): number {
  return HEADER_REST_BYTES + ROOT_BYTES * limits.rootsMax
}

/** Longest address and block that the limits allow. */
export function sectionBytesMax(limits: CarLimits): number {
  return CID_BYTES + limits.blockBytesMax
}

/** Reads a header without its length. */
export function parseCarHeader(bytes: Uint8Array, limits: CarLimits): Result<readonly CID[], CarErrorCode> {
  const codec: CodecLimits = { ...codecLimits, bytesMax: headerBytesMax(limits) }
  const parsed = parseCbor(bytes, codec)
  if (!parsed.ok) return { ...parsed, path: 'car.header', message: `car.header at ${parsed.message}` }
  const expected = 'a map of roots and version'
  if (!isMap(parsed.value)) return refuseCar('ERR_CODEC_MALFORMED', 0, expected)
  const { version, roots } = parsed.value
  if (typeof version === 'number' && version !== VERSION) {
    const details = { object: 'car', found: version }
    return fail('ERR_CODEC_VERSION', `car: expected version ${VERSION}, found ${version}`, { path: 'car', details })
  }
  if (version !== VERSION || !Array.isArray(roots) || Object.keys(parsed.value).length !== 2) {
    return refuseCar('ERR_CODEC_MALFORMED', 0, expected)
  }
  if (roots.length > limits.rootsMax) return refuseCarLimit('roots', limits.rootsMax, roots.length)
  const cids = roots.map((root: CborValue) => CID.asCID(root))
  return cids.every((cid): cid is CID => cid !== null && isContentCid(cid))
    ? succeed(cids)
    : refuseCar('ERR_CODEC_MALFORMED', 0, 'roots that are CIDv1, raw or dag-cbor, sha2-256')
}

function isMap(value: CborValue): value is { readonly [key: string]: CborValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && CID.asCID(value) === null
}

/** Reads the address at the beginning of a section; undefined when it is of another kind. */
export function readSectionCid(section: Uint8Array): CID | undefined {
  try {
    const cid = section.length < CID_BYTES ? undefined : CID.decode(copyBytes(section.subarray(0, CID_BYTES)))
    return cid !== undefined && isContentCid(cid) ? cid : undefined
  } catch {
    return undefined
  }
}

/** Returns the refusal of an address. */
export function refuseCid(byteOffset: number): Failure<CarErrorCode> {
  return refuseCar('ERR_CODEC_MALFORMED', byteOffset, 'CIDv1, raw or dag-cbor, sha2-256')
}

interface Section {
  readonly cid: CID
  readonly start: number
  readonly end: number
}

/** The next length and what it covers, or why there is none. */
function readSection(
  bytes: Uint8Array,
  offset: number,
  limit: { name: string; allowed: number },
): Result<{ start: number; end: number }, CarErrorCode> {
  const length = readVarint(bytes, offset)
  if (typeof length === 'string') return refuseVarint(length, offset)
  if (length.value > limit.allowed) return refuseCarLimit(limit.name, limit.allowed, length.value)
  const start = offset + length.byteCount
  const end = start + length.value
  if (end > bytes.length) return refuseCar('ERR_CODEC_MALFORMED', offset, `${length.value} bytes, found the end`)
  return succeed({ start, end })
}

function readSections(bytes: Uint8Array, offset: number, limits: CarLimits): Result<readonly Section[], CarErrorCode> {
  const sections: Section[] = []
  const seen = new Set<string>()
  const limit = { name: 'bytes in a block', allowed: sectionBytesMax(limits) }
  for (let next = offset; next < bytes.length;) {
    if (sections.length === limits.blocksMax) return refuseCarLimit('blocks', limits.blocksMax, sections.length + 1)
    const section = readSection(bytes, next, limit)
    if (!section.ok) return section
    const { start, end } = section.value
    const cid = readSectionCid(bytes.subarray(start, end))
    if (cid === undefined) return refuseCid(start)
    const name = cid.toString()
    if (seen.has(name)) return refuseCar('ERR_CODEC_NOT_CANONICAL', start, 'each block once')
    seen.add(name)
    sections.push({ cid, start: start + CID_BYTES, end })
    next = end
  }
  return succeed(sections)
}

/**
 * Reads a CAR. Total.
 *
 * The form of the whole is read before anything is hashed or copied. Cost: SHA-256 of the blocks; see {@link openCar} for
 * files that should not be in memory.
 *
 * @param bytes - at most `limits.bytesMax`
 * @param limits - default {@link carLimits}
 * @returns roots and blocks, or `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL` (also for a block that comes twice),
 * `ERR_CODEC_TRAILING_BYTES`, `ERR_CODEC_LIMIT`, `ERR_CODEC_VERSION`, `ERR_STORAGE_CORRUPT`
 */
export function parseCar(bytes: Uint8Array, limits: CarLimits = carLimits): Result<Car, CarErrorCode> {
  if (bytes.length > limits.bytesMax) return refuseCarLimit('bytes', limits.bytesMax, bytes.length)
  const header = readSection(bytes, 0, { name: 'bytes in a header', allowed: headerBytesMax(limits) })
  if (!header.ok) return header
  const { start, end } = header.value
  const roots = parseCarHeader(bytes.subarray(start, end), limits)
  if (!roots.ok) return roots
  const sections = readSections(bytes, end, limits)
  if (!sections.ok) return sections
  const blocks: ContentBlock[] = []
  for (const section of sections.value) {
    const block = copyBytes(bytes.subarray(section.start, section.end))
    if (!equalBytes(sha256(block), section.cid.multihash.digest)) return refuseCarBlock(section.cid)
    blocks.push({ cid: section.cid, bytes: block })
  }
  return succeed({ roots: roots.value, blocks })
}

/** Returns an address in the form of this library's CID class, which others may not share. */
export function ownCid(argument: string, cid: CID): CID {
  const own = CID.asCID(cid)
  if (own === null || !isContentCid(own)) rejectArgument(argument, 'CIDv1, raw or dag-cbor, sha2-256', typeof cid)
  return own
}

/** Returns the length and header with which a CAR begins. */
export function encodeCarHeader(roots: readonly CID[]): Bytes {
  if (roots.length > CAR_ROOTS_MAX) rejectArgument('roots', `at most ${CAR_ROOTS_MAX}`, `${roots.length}`)
  const header = encodeCbor({ roots: roots.map((root) => ownCid('roots', root)), version: VERSION })
  return concatBytes(encodeVarint(header.length), header)
}

/** Returns length and address in front of a block. */
export function encodeSectionHead(cid: CID, blockBytes: number): Bytes {
  return concatBytes(encodeVarint(CID_BYTES + blockBytes), cid.bytes)
}

/**
 * Returns a CAR.
 *
 * @param car - roots, and the blocks in their order; a block that comes again is left out
 * @throws When an address is of another kind or not that of its block: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCar(car: { readonly roots: readonly CID[]; readonly blocks: Iterable<CarBlock> }): Bytes {
  const parts: Uint8Array[] = [encodeCarHeader(car.roots)]
  const seen = new Set<string>()
  for (const { cid, bytes } of car.blocks) {
    const own = ownCid('blocks', cid)
    if (seen.has(own.toString())) continue
    seen.add(own.toString())
    if (!equalBytes(sha256(bytes), own.multihash.digest))
      rejectArgument('blocks', 'blocks that hash to their CID', 'other bytes')
    parts.push(encodeSectionHead(own, bytes.length), bytes)
  }
  return joinBytes(parts)
}

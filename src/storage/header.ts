/**
 * What a sealed record shows to everyone: suite, salt, commitment, media type and sizes.
 *
 * A short record is one raw block: `u16 length of the header | header | ciphertext and tag`. A longer one is a DAG-CBOR
 * manifest that links its frames, raw blocks of ciphertext and tag. Owner, epoch, label and kind stand in neither: a
 * reader takes them from the committed transaction. All of it, claimed here or known from there, is bound into the keys of
 * the record ({@link recordInfo}), so that a changed claim opens nothing.
 */

import type { CID } from 'multiformats/cid'

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { AEAD_COMMITMENT_BYTES, AEAD_SALT_BYTES, AEAD_TAG_BYTES } from '../primitives/aead.ts'
import { concatBytes, toUtf8, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor, encodeHead, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import { DAG_CBOR_CODEC, isContentCid, RAW_CODEC, toCid, type RecordId } from '../primitives/content-id.ts'
import {
  codecLimits,
  FRAME_BYTES_MAX,
  FRAMES_MAX,
  IDENTIFIER_BYTES_MAX,
  RECORD_BYTES_MAX,
  SEALED_BLOCK_BYTES_MAX,
  type CodecLimits,
} from '../primitives/limits.ts'
import {
  bytesOf,
  constant,
  encodeShape,
  identifier,
  link,
  listOf,
  mapped,
  Mismatch,
  parseShape,
  tuple,
  uint,
  type ShapeType,
} from '../primitives/shape.ts'
import { TAGS } from '../primitives/tags.ts'
import { paddedLength, type Padding } from './padding.ts'

/** Which transaction will name the record: tx_IoT, tx_diag or T_data. */
export type RecordKind = 'iot' | 'diagnosis' | 'data'

/** Largest manifest: 4,096 links of 41 bytes, and the rest. */
export const MANIFEST_BYTES_MAX: number = 256 * 1024

/** Longest block of a frame. */
export const FRAME_BLOCK_BYTES_MAX: number = FRAME_BYTES_MAX + AEAD_TAG_BYTES

const RECORD_KINDS: readonly RecordKind[] = ['iot', 'diagnosis', 'data']
/** HKDF-SHA256, AES-256-GCM, SHA-256. Reserved numbers make room for others. */
const SUITE = 1
/** Length of the header, in front of it. */
const PREFIX_BYTES = 2

/** What a sealed record shows to everyone, believed by no one before it opens. */
export interface RecordHeader {
  readonly suite: typeof SUITE
  readonly mediaType: string
  /** Length of the plaintext with its padding. */
  readonly paddedBytes: number
  /** Length of each frame before encryption; of a single block, `paddedBytes`. */
  readonly frameBytes: number
  /** Addresses of the frames in order; none when the record is a single block. */
  readonly frames: readonly CID[]
  readonly salt: Bytes
  readonly commitment: Bytes
}

/** How a plaintext is divided. */
export interface Layout {
  readonly mediaType: string
  readonly paddedBytes: number
  readonly frameBytes: number
  /** Zero stands for a single block. */
  readonly frameCount: number
}

/** `type/subtype`, and parameters in printable characters. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[ -~]+)?$/

const mediaTypeShape = mapped(identifier, {
  parse: (text) => (MEDIA_TYPE.test(text) ? text : new Mismatch('a media type')),
  format: (text: string) => text,
})

const frameLink = mapped(link, {
  parse: (cid) => (isContentCid(cid) && cid.code === RAW_CODEC ? cid : new Mismatch('a link to a raw block')),
  format: (cid: CID) => cid,
})

const blockHeader = tuple({
  suite: constant(SUITE),
  salt: bytesOf(AEAD_SALT_BYTES),
  commitment: bytesOf(AEAD_COMMITMENT_BYTES),
  mediaType: mediaTypeShape,
})

const manifest = tuple({
  suite: constant(SUITE),
  salt: bytesOf(AEAD_SALT_BYTES),
  commitment: bytesOf(AEAD_COMMITMENT_BYTES),
  mediaType: mediaTypeShape,
  frameBytes: uint(FRAME_BYTES_MAX, 1),
  frames: listOf(frameLink, { name: 'frames', countMax: FRAMES_MAX, countMin: 1 }),
})

const manifestLimits: CodecLimits = { ...codecLimits, bytesMax: MANIFEST_BYTES_MAX }
const headerLimits: CodecLimits = { ...codecLimits, bytesMax: 2 * IDENTIFIER_BYTES_MAX }

/** Fields of a header that the sealer fills in. */
export type HeaderFields = Omit<ShapeType<typeof blockHeader>, 'suite'>

/** Returns how a plaintext of that length is divided. */
export function planLayout(
  plaintextBytes: number,
  options: { readonly mediaType: string; readonly padding: Padding },
): Layout {
  const { mediaType, padding } = options
  if (mediaTypeShape.read(mediaType) instanceof Mismatch) rejectArgument('mediaType', 'type/subtype', typeof mediaType)
  if (padding !== 'size-class' && padding !== 'none') rejectArgument('padding', 'size-class or none', typeof padding)
  const classBytes = paddedLength(plaintextBytes, padding)
  if (classBytes > RECORD_BYTES_MAX) {
    rejectArgument('plaintext', `at most ${RECORD_BYTES_MAX - 1} bytes`, `${plaintextBytes} bytes`)
  }
  if (PREFIX_BYTES + headerLength(mediaType) + classBytes + AEAD_TAG_BYTES <= SEALED_BLOCK_BYTES_MAX) {
    return { mediaType, paddedBytes: classBytes, frameBytes: classBytes, frameCount: 0 }
  }
  const frameCount = Math.ceil(classBytes / FRAME_BYTES_MAX)
  const frameBytes = Math.ceil(classBytes / frameCount)
  return { mediaType, paddedBytes: frameBytes * frameCount, frameBytes, frameCount }
}

/** Length of a block's header: tuple head, suite, two strings of 32 bytes, and the media type. */
function headerLength(mediaType: string): number {
  const textBytes = toUtf8(mediaType).length
  return 2 + 2 * 34 + encodeHead(3, textBytes).length + textBytes
}

/** Returns the info under which the keys of a record are derived: everything that the record claims. */
export function recordInfo(keyFields: readonly CborValue[], kind: RecordKind, layout: Layout): Bytes {
  if (!RECORD_KINDS.includes(kind)) rejectArgument('kind', RECORD_KINDS.join(', '), typeof kind)
  const { mediaType, frameBytes, frameCount, paddedBytes } = layout
  return encodeCbor([TAGS.record, SUITE, ...keyFields, kind, mediaType, frameBytes, frameCount, paddedBytes])
}

/** Returns a record that is one block. */
export function encodeSealedBlock(header: HeaderFields, ciphertext: Uint8Array): Bytes {
  const encoded = encodeShape({ suite: SUITE, ...header }, blockHeader, { object: 'record', limits: headerLimits })
  return concatBytes(Uint8Array.of(encoded.length >> 8, encoded.length & 255), encoded, ciphertext)
}

/** Returns the manifest of a record in frames. */
export function encodeManifest(
  fields: HeaderFields & { readonly frameBytes: number; readonly frames: readonly CID[] },
): Bytes {
  return encodeShape({ suite: SUITE, ...fields }, manifest, { object: 'record', limits: manifestLimits })
}

/** A record's first block, taken apart. */
export interface SealedParts {
  readonly header: RecordHeader
  readonly layout: Layout
  /** Of a single block; empty for a manifest. */
  readonly ciphertext: Uint8Array
}

/** Takes a record's first block apart. Total. */
export function parseSealedParts(id: RecordId, block: Uint8Array): Result<SealedParts, CodecErrorCode> {
  return toCid(id).code === DAG_CBOR_CODEC ? parseManifest(block) : parseSealedBlock(block)
}

/** Largest first block that an id can name. */
export function rootBytesMax(cid: CID): number {
  return cid.code === DAG_CBOR_CODEC ? MANIFEST_BYTES_MAX : SEALED_BLOCK_BYTES_MAX
}

function parseManifest(block: Uint8Array): Result<SealedParts, CodecErrorCode> {
  const parsed = parseShape(block, manifest, { object: 'record', limits: manifestLimits })
  if (!parsed.ok) return parsed
  const { frameBytes, frames, mediaType } = parsed.value
  const layout = { mediaType, frameBytes, frameCount: frames.length, paddedBytes: frameBytes * frames.length }
  const header = Object.freeze({ ...parsed.value, paddedBytes: layout.paddedBytes })
  return succeed({ header, layout, ciphertext: new Uint8Array(0) })
}

function parseSealedBlock(block: Uint8Array): Result<SealedParts, CodecErrorCode> {
  if (block.length > SEALED_BLOCK_BYTES_MAX) {
    const details = { limit: 'bytes', allowed: SEALED_BLOCK_BYTES_MAX, found: block.length }
    return fail('ERR_CODEC_LIMIT', `record: expected at most ${details.allowed} bytes, found ${details.found}`, {
      path: 'record',
      details,
    })
  }
  const headerEnd = PREFIX_BYTES + (block[0] ?? 0) * 256 + (block[1] ?? 0)
  const paddedBytes = block.length - headerEnd - AEAD_TAG_BYTES
  if (paddedBytes < 1) {
    const expected = 'a header, a ciphertext and its tag'
    const details = { byteOffset: block.length, expected }
    return fail('ERR_CODEC_MALFORMED', `record at byte ${block.length}: expected ${expected}, found the end`, {
      path: 'record',
      details,
    })
  }
  const parsed = parseShape(block.subarray(PREFIX_BYTES, headerEnd), blockHeader, {
    object: 'record',
    limits: headerLimits,
  })
  if (!parsed.ok) return parsed
  const layout = { mediaType: parsed.value.mediaType, frameBytes: paddedBytes, frameCount: 0, paddedBytes }
  const header = Object.freeze({ ...parsed.value, paddedBytes, frameBytes: paddedBytes, frames: [] })
  return succeed({ header, layout, ciphertext: block.subarray(headerEnd) })
}

/**
 * Reads what a record shows to everyone, from its first block. Total.
 *
 * Nothing of it is to be believed: only {@link openRecord} can tell whether it is true. Does not hash.
 *
 * @param id - record id; its codec says whether the block is a record or a manifest
 * @param block - first block, as a blockstore gives it
 * @returns the header, or `ERR_CODEC_MALFORMED`, `ERR_CODEC_NOT_CANONICAL`, `ERR_CODEC_TRAILING_BYTES`, `ERR_CODEC_LIMIT`,
 * `ERR_CODEC_VERSION`
 */
export function parseRecordHeader(id: RecordId, block: Uint8Array): Result<RecordHeader, CodecErrorCode> {
  const parts = parseSealedParts(id, block)
  return parts.ok ? succeed(parts.value.header) : parts
}

/**
 * Content identifiers: CIDv1 with SHA-256, of raw blocks and of DAG-CBOR blocks, and nothing else.
 *
 * A record is named by the CID of its ciphertext (the papers' HEIoT, HEdm, H(C)), never of its plaintext, which could be
 * guessed. On the wire it takes 33 bytes: codec, then digest.
 */

import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { create as createMultihash } from 'multiformats/hashes/digest'

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { concatBytes, copyBytes, type Brand, type Bytes } from './bytes.ts'
import { sha256, type Digest32 } from './hash.ts'

/** CIDv1 text of a ciphertext. */
export type RecordId = Brand<string, 'RecordId'>

/** Codec of a block of bytes: one sealed record, or one frame. */
export const RAW_CODEC = 0x55
/** Codec of a DAG-CBOR block: a manifest of frames. */
export const DAG_CBOR_CODEC = 0x71
/** Bytes of a content id on the wire: codec and digest. */
export const CONTENT_ID_BYTES = 33

const SHA2_256 = 0x12
const DIGEST_BYTES = 32
/** Base32 text of a CIDv1 with a 32-byte digest. */
const RECORD_ID_LENGTH = 59

/** A codec that content ids may name. */
export type ContentCodec = typeof RAW_CODEC | typeof DAG_CBOR_CODEC

function isContentCodec(code: number | undefined): code is ContentCodec {
  return code === RAW_CODEC || code === DAG_CBOR_CODEC
}

/**
 * Returns the CID of a digest.
 *
 * @throws When the digest has another length than 32 bytes: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createCid(codec: ContentCodec, digest: Uint8Array): CID {
  if (digest.length !== DIGEST_BYTES) rejectArgument('digest', `${DIGEST_BYTES} bytes`, `${digest.length}`)
  return CID.createV1(codec, createMultihash(SHA2_256, digest))
}

/** Returns the CID of a block, hashing it here; see `storage` for the asynchronous way. */
export function hashBlock(codec: ContentCodec, block: Uint8Array): CID {
  return createCid(codec, sha256(block))
}

/**
 * Returns the record id of a CID.
 *
 * @throws When the CID has another version, codec or hash: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createRecordId(cid: CID): RecordId {
  if (!isContentCid(cid)) rejectArgument('cid', 'CIDv1, raw or dag-cbor, sha2-256', 'another kind')
  return canonicalText(cid)
}

/**
 * The text of a CID, made anew: a CID object keeps the text that it was parsed from, and the parser takes capitals and
 * stray bits at the end, each of which would be a second name for the same block.
 */
function canonicalText(cid: CID): RecordId {
  return textOf(cid.code, cid.multihash.digest)
}

/** The text of a CIDv1 is its bytes in base32; making the object first would cost three times as much. */
function textOf(codec: number, digest: Uint8Array): RecordId {
  return base32.encode(concatBytes(Uint8Array.of(1, codec, SHA2_256, DIGEST_BYTES), digest)) as RecordId
}

/** Tells whether a CID is one that records and frames may have. */
export function isContentCid(cid: CID): boolean {
  return (
    cid.version === 1 &&
    isContentCodec(cid.code) &&
    cid.multihash.code === SHA2_256 &&
    cid.multihash.digest.length === DIGEST_BYTES
  )
}

const RECORD_ID_FORM = 'CIDv1 in base32, raw or dag-cbor, sha2-256'

function readRecordId(text: string): CID | undefined {
  try {
    if (text.length !== RECORD_ID_LENGTH) return undefined
    const cid = CID.parse(text)
    return isContentCid(cid) && canonicalText(cid) === text ? cid : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads the text of a record id. Total.
 *
 * @returns the id, or `ERR_CODEC_MALFORMED`
 */
export function parseRecordId(text: string): Result<RecordId, 'ERR_CODEC_MALFORMED'> {
  if (readRecordId(text) !== undefined) return succeed(text as RecordId)
  const details = { byteOffset: 0, expected: RECORD_ID_FORM }
  return fail('ERR_CODEC_MALFORMED', `record id: expected ${RECORD_ID_FORM}`, { path: 'record', details })
}

/**
 * Returns the CID object of a record id, for blockstores.
 *
 * @throws When the text is no record id (a cast, for example): `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function toCid(record: RecordId): CID {
  return readRecordId(record) ?? rejectArgument('record', RECORD_ID_FORM, 'something else')
}

/** Returns the SHA-256 digest in a record id. */
export function digestOfRecord(record: RecordId): Digest32 {
  return copyBytes(toCid(record).multihash.digest) as Digest32
}

/** CIDv1, codec, sha2-256, 32 bytes: what stands before the digest of every content id. */
const CID_HEAD_BYTES = 4

/**
 * Returns the wire form of a record id: codec byte and digest, 33 bytes.
 *
 * @throws When the text is no record id (a cast, for example): `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeContentId(record: RecordId): Bytes {
  const bytes = decodeText(record) ?? rejectArgument('record', RECORD_ID_FORM, 'something else')
  return concatBytes(bytes.subarray(1, 2), bytes.subarray(CID_HEAD_BYTES))
}

/** The bytes of a record id without the CID object; undefined for any other text, as {@link readRecordId}. */
function decodeText(text: string): Uint8Array | undefined {
  try {
    if (text.length !== RECORD_ID_LENGTH) return undefined
    const bytes = base32.decode(text)
    const [, codec] = bytes
    // Written again: base32 has several texts for some bytes.
    return isContentCodec(codec) && textOf(codec, bytes.subarray(CID_HEAD_BYTES)) === text ? bytes : undefined
  } catch {
    return undefined
  }
}

/** Reads the wire form of a record id; undefined when the length or the codec is another. */
export function decodeContentId(bytes: Uint8Array): RecordId | undefined {
  const codec = bytes[0]
  if (bytes.length !== CONTENT_ID_BYTES || !isContentCodec(codec)) return undefined
  return textOf(codec, bytes.subarray(1))
}

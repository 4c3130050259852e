/**
 * Entries of a node's database: their keys, and the digest that each carries.
 *
 * | key                  | entry                                                                     |
 * | -------------------- | ------------------------------------------------------------------------- |
 * | `identity`           | format version, purpose, chain, member                                    |
 * | `head`               | where log and blocks end; written with every change                       |
 * | `log/<epoch>/<index>` | a record, the digest of the one before, its own                          |
 * | `block/<height>`     | a block and its certificate                                               |
 *
 * Numbers in keys are hexadecimal of fixed length, so that keys have the order of their numbers. A digest covers the key: an
 * entry that was moved is damaged too. Digests find damage, not malice: who can write to the disk has the member's key.
 */

import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { createId, toDigest, type ChainId } from '../primitives/ids.ts'
import { codecLimits, type CodecLimits } from '../primitives/limits.ts'
import {
  account,
  bytesOf,
  bytesUpTo,
  choice,
  mapped,
  nullable,
  parseShape,
  tuple,
  uint,
  versioned,
  type Shape,
} from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import type { LogRecord } from '../pbft/index.ts'
import type { StoredBlock } from '../chain/index.ts'
import { corrupt } from './store-errors.ts'

const MIB = 1024 * 1024

/** A record may hold a NEW-VIEW with its quorum of VIEW-CHANGEs, a block 16 MiB of transactions. */
const VALUE_BYTES_MAX = 64 * MIB
const entryLimits: CodecLimits = { ...codecLimits, bytesMax: VALUE_BYTES_MAX + MIB, stringBytesMax: VALUE_BYTES_MAX }
const NUMBER_MAX = 2 ** 48 - 1

/** What a directory is for. */
export type Purpose = 'node' | 'ledger' | 'log'

/** Whose database it is. */
export interface Identity {
  readonly purpose: Purpose
  /** Null for stores that know no chain of their own. */
  readonly chainId: ChainId | null
  readonly member: Did | null
}

/** Where log and blocks end. */
export interface StoreHead {
  /** Whether this member remembers its votes; `lost` until it has recovered. */
  readonly memory: 'kept' | 'lost'
  readonly memberEpoch: number
  /** The last record of the log; null before the first of this epoch. */
  readonly last: { readonly index: number; readonly digest: Digest32 } | null
  /** The newest block. */
  readonly height: number
  /** The newest block that the replica itself has delivered: its log knows of all up to here. */
  readonly deliveredHeight: number
}

/** A record as it stands on disk. */
export interface ChainedRecord extends LogRecord {
  readonly previous: Digest32
  readonly digest: Digest32
}

const digestShape = bytesOf(32) as unknown as Shape<Digest32>
const numberShape = uint(NUMBER_MAX)
const valueShape = bytesUpTo(VALUE_BYTES_MAX)

const identityShape: Shape<Identity> = versioned(1, {
  purpose: choice('purpose', ['node', 'ledger', 'log']),
  chainId: nullable(
    mapped(digestShape, { parse: (digest) => createId('chain', digest), format: (chainId) => toDigest(chainId) }),
  ),
  member: nullable(account),
})

const headShape: Shape<StoreHead> = tuple({
  memory: choice('state of memory', ['kept', 'lost']),
  memberEpoch: numberShape,
  last: nullable(tuple({ index: numberShape, digest: digestShape })),
  height: numberShape,
  deliveredHeight: numberShape,
})

const blockShape = tuple({ block: valueShape, certificate: valueShape })
const recordShape = tuple({ previous: digestShape, keepFrom: numberShape, bytes: valueShape })

/** Where a log begins that has no record before. */
export const FIRST_PREVIOUS: Digest32 = new Uint8Array(32) as Digest32

/** Key of the entry that says whose database it is. */
export const IDENTITY_KEY = 'identity'
/** Key of the entry that says where log and blocks end. */
export const HEAD_KEY = 'head'
/** All records. */
export const LOG_RANGE = { gte: 'log/', lt: 'log0' } as const
/** All blocks. */
export const BLOCK_RANGE = { gte: 'block/', lt: 'block0' } as const

function toKeyNumber(value: number): string {
  return value.toString(16).padStart(12, '0')
}

/** Returns the key of a block. */
export function blockKey(height: number): string {
  return `block/${toKeyNumber(height)}`
}

/** Returns the key of a record. */
export function recordKey(memberEpoch: number, index: number): string {
  return `log/${toKeyNumber(memberEpoch)}/${toKeyNumber(index)}`
}

/** Reads the numbers of a key of this file; NaN for what is none. */
export function parseKey(key: string): readonly number[] {
  return key
    .split('/')
    .slice(1)
    .map((digits) => (/^[0-9a-f]{12}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN))
}

function encodeEntry<T>(key: string, value: T, shape: Shape<T>): Bytes {
  const fields = shape.write(value)
  const digest = taggedHash(LEDGER_TAGS.nodeEntry, key, ...(fields as readonly CborValue[]))
  return encodeCbor([digest, fields], entryLimits)
}

function decodeEntry<T>(key: string, bytes: Uint8Array, shape: Shape<T>): T {
  const parsed = parseShape(bytes, tuple({ digest: digestShape, value: shape }), { object: key, limits: entryLimits })
  if (!parsed.ok) throw corrupt(key, parsed)
  const { digest, value } = parsed.value as { readonly digest: Digest32; readonly value: T }
  const fields = shape.write(value) as readonly CborValue[]
  if (!equalBytes(taggedHash(LEDGER_TAGS.nodeEntry, key, ...fields), digest)) throw corrupt(key)
  return value
}

/** Returns the entry that says whose database it is. */
export function encodeIdentity(identity: Identity): Bytes {
  return encodeEntry(IDENTITY_KEY, identity, identityShape)
}

/** Reads it. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  return decodeEntry(IDENTITY_KEY, bytes, identityShape)
}

/** Returns the entry that says where log and blocks end. */
export function encodeHead(head: StoreHead): Bytes {
  return encodeEntry(HEAD_KEY, head, headShape)
}

/** Reads it. */
export function decodeHead(bytes: Uint8Array): StoreHead {
  return decodeEntry(HEAD_KEY, bytes, headShape)
}

/** Returns the entry of a block. */
export function encodeStoredBlock({ height, block, certificate }: StoredBlock): Bytes {
  return encodeEntry(blockKey(height), { block, certificate }, blockShape)
}

/** Reads it. */
export function decodeStoredBlock(height: number, bytes: Uint8Array): StoredBlock {
  return { height, ...decodeEntry(blockKey(height), bytes, blockShape) }
}

/** Chains a record to the one before it. */
export function chainRecord(memberEpoch: number, record: LogRecord, previous: Digest32): ChainedRecord {
  const { index, keepFrom, bytes } = record
  const digest = taggedHash(LEDGER_TAGS.nodeRecord, memberEpoch, index, previous, keepFrom, bytes)
  return { index, keepFrom, bytes, previous, digest }
}

/** Returns the entry of a record. */
export function encodeRecordEntry({ previous, keepFrom, bytes, digest }: ChainedRecord): Bytes {
  return encodeCbor([digest, recordShape.write({ previous, keepFrom, bytes })], entryLimits)
}

/** Reads it, and checks it against its own digest. */
export function decodeRecordEntry(key: string, bytes: Uint8Array): ChainedRecord {
  const shape = tuple({ digest: digestShape, record: recordShape })
  const parsed = parseShape(bytes, shape, { object: key, limits: entryLimits })
  if (!parsed.ok) throw corrupt(key, parsed)
  const [memberEpoch, index] = parseKey(key) as [number, number]
  const { digest, record } = parsed.value
  const chained = chainRecord(memberEpoch, { index, ...record }, record.previous)
  if (!equalBytes(chained.digest, digest)) throw corrupt(key)
  return chained
}

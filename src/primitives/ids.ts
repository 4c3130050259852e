/**
 * Identifiers as branded text, since users compare, store, log and key maps with them.
 *
 * A transaction, a grant and a chain are named by the tagged digest of their canonical tuple, in lower-case hexadecimal;
 * a record by the CID of its ciphertext (`content-id.ts`).
 */

import { fail, succeed, type Result } from '../errors.ts'
import { fromHex, toHex, type Brand } from './bytes.ts'
import { digestOfRecord, parseRecordId, type RecordId } from './content-id.ts'
import type { Digest32 } from './hash.ts'

/** Digest of the genesis, hexadecimal. */
export type ChainId = Brand<string, 'ChainId'>
/** Digest of the unsigned tuple and the chain id, hexadecimal: the papers' htxI, htxk, htxd. */
export type TransactionId = Brand<string, 'TransactionId'>
/** Digest of one grant, hexadecimal. */
export type GrantId = Brand<string, 'GrantId'>

/** The ids by the name of their kind. */
export interface IdKinds {
  readonly chain: ChainId
  readonly transaction: TransactionId
  readonly grant: GrantId
  readonly record: RecordId
}

const DIGEST_TEXT = /^[0-9a-f]{64}$/

/** Returns the text form of a digest. */
export function createId<K extends 'chain' | 'transaction' | 'grant'>(_kind: K, digest: Digest32): IdKinds[K] {
  return toHex(digest) as unknown as IdKinds[K]
}

/**
 * Reads an id of the named kind. Total; form only.
 *
 * @returns the id, or `ERR_CODEC_MALFORMED`
 */
export function parseId<K extends keyof IdKinds>(kind: K, text: string): Result<IdKinds[K], 'ERR_CODEC_MALFORMED'> {
  if (kind === 'record') return parseRecordId(text) as Result<IdKinds[K], 'ERR_CODEC_MALFORMED'>
  if (typeof text === 'string' && DIGEST_TEXT.test(text)) return succeed(text as unknown as IdKinds[K])
  const expected = '64 lower-case hexadecimal digits'
  return fail('ERR_CODEC_MALFORMED', `${kind} id: expected ${expected}`, {
    path: kind,
    details: { byteOffset: 0, expected },
  })
}

/** Returns the 32 bytes that an id stands for: the papers' htxI, htxk, htxd; for a record, the hash of its ciphertext. */
export function toDigest(id: ChainId | TransactionId | GrantId | RecordId): Digest32 {
  const text: string = id
  return DIGEST_TEXT.test(text) ? (fromHex(text) as Digest32) : digestOfRecord(id as RecordId)
}

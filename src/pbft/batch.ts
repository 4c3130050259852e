/**
 * Batches: what one sequence number orders.
 *
 * A batch is named by the digest of its canonical bytes, requests with their signatures included: request ids leave the
 * signature out, so a digest over ids alone would let two replicas execute different bytes under one name. The batch holds
 * the view and the replica that first proposed it and is re-proposed unchanged in later views, so its digest stays.
 */

import { fail, succeed, type Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import {
  encodeShape,
  listOf,
  mapped,
  Mismatch,
  parseShape,
  timeMs,
  tuple,
  viewUpTo,
  type Shape,
} from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import {
  BATCH_REQUEST_BYTES_MAX,
  BATCH_REQUESTS_MAX,
  batchLimits,
  CLIENT_BYTES_MAX,
  REQUEST_BYTES_MAX,
} from './limits.ts'
import { digestView, indexShape, viewShape } from './shape.ts'

/** What is ordered. The application says what the bytes mean. */
export interface Request {
  /** Digest that names it; the same content has one id. */
  readonly id: Digest32
  /** Who sent it, in a form that the application knows (account33 for a ledger); 1 to 64 bytes. */
  readonly client: Bytes
  /** The request itself, signature included. */
  readonly bytes: Bytes
}

/** What one sequence number orders; the null batch has no request and time 0. */
export interface ProposedBatch {
  readonly requests: readonly Request[]
  /** Clock of the proposer. A header takes the later of this and its parent's time. */
  readonly timeMs: number
}

/** A batch as proposed, with its name. */
export interface Batch extends ProposedBatch {
  /** View of the first proposal. */
  readonly originalView: number
  /** Index of the replica that proposed it first. */
  readonly proposer: number
  /** Canonical encoding. */
  readonly bytes: Bytes
  readonly digest: Digest32
}

type BatchFields = Pick<Batch, 'originalView' | 'proposer' | 'timeMs' | 'requests'>

/** A request on the wire. */
export const requestShape: Shape<Request> = tuple({
  id: digestView,
  client: mapped(viewUpTo(CLIENT_BYTES_MAX), {
    parse: (bytes) => (bytes.length === 0 ? new Mismatch('a client') : bytes),
    format: (bytes) => bytes,
  }),
  bytes: viewUpTo(REQUEST_BYTES_MAX),
})

const batchShape: Shape<BatchFields> = tuple({
  originalView: viewShape,
  proposer: indexShape,
  timeMs,
  requests: listOf(requestShape, { name: 'requests', countMax: BATCH_REQUESTS_MAX }),
})

function nameBatch(fields: BatchFields, bytes: Bytes): Batch {
  return Object.freeze({ ...fields, bytes, digest: taggedHash(LEDGER_TAGS.pbftBatch, bytes) })
}

/**
 * Returns a batch of requests.
 *
 * @throws When a limit is exceeded: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createBatch(fields: BatchFields): Batch {
  const { originalView, proposer, timeMs: time, requests } = fields
  const bytes = encodeShape({ originalView, proposer, timeMs: time, requests }, batchShape, {
    object: 'batch',
    limits: batchLimits,
  })
  return nameBatch({ originalView, proposer, timeMs: time, requests }, bytes)
}

/**
 * Reads a batch. Total. Cost: one hash over the bytes.
 *
 * @param bytes - as another replica sent them, and nobody else's: the batch and its requests are views of them
 */
export function parseBatch(bytes: Bytes): Result<Batch, CodecErrorCode> {
  const fields = parseShape(bytes, batchShape, { object: 'batch', limits: batchLimits })
  if (!fields.ok) return fields
  const found = requestBytes(fields.value.requests)
  if (found > BATCH_REQUEST_BYTES_MAX) {
    const message = `batch.requests: expected at most ${BATCH_REQUEST_BYTES_MAX} bytes, found ${found}`
    const details = { limit: 'bytes of requests', allowed: BATCH_REQUEST_BYTES_MAX, found }
    return fail('ERR_CODEC_LIMIT', message, { path: 'batch.requests', details })
  }
  return succeed(nameBatch(fields.value, bytes))
}

/** Returns how many bytes the requests have together. */
export function requestBytes(requests: readonly Request[]): number {
  return requests.reduce((sum, request) => sum + request.bytes.length, 0)
}

let cachedNull: Batch | undefined

/** Returns the batch that fills a sequence number where a view change found nothing prepared: an empty block. */
export function nullBatch(): Batch {
  cachedNull ??= createBatch({ originalView: 0, proposer: 0, timeMs: 0, requests: [] })
  return cachedNull
}

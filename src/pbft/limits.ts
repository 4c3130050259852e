/**
 * The limits of the replica: one table, each tested at its border. A peer may send anything; what is kept stays under these.
 */

import { codecLimits, type CodecLimits } from '../primitives/limits.ts'

export { MEMBERS_MAX } from '../primitives/limits.ts'

const MIB = 1024 * 1024

/** Views and sequence numbers are below this. */
export const VIEW_MAX: number = 2 ** 48 - 1
/** An encoded message. */
export const MESSAGE_BYTES_MAX: number = 4 * MIB
/** Requests of one batch. */
export const BATCH_REQUESTS_MAX = 16_384
/** Bytes of all requests of one batch. */
export const BATCH_REQUEST_BYTES_MAX: number = MIB
/** Bytes of one request: a tx_key is the largest transaction. */
export const REQUEST_BYTES_MAX: number = 256 * 1024
/** Bytes that name a client. */
export const CLIENT_BYTES_MAX = 64
/** Sequence numbers between the watermarks: prepared certificates of one VIEW-CHANGE, entries of one NEW-VIEW. */
export const WINDOW_MAX = 512
/** One chunk of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MAX: number = MIB
/** Chunks of one snapshot. */
export const SNAPSHOT_CHUNKS_MAX = 4_096
/** Requests that wait, of all clients. */
export const POOL_REQUESTS_MAX = 50_000
/** Bytes of the requests that wait. */
export const POOL_BYTES_MAX: number = 64 * MIB
/** Requests that wait, of one client. */
export const POOL_CLIENT_REQUESTS_MAX = 256
/** Ids of executed requests that are remembered; only a cache, the application's nonces decide. */
export const EXECUTED_IDS_MAX = 16_384
/** Bytes of executed batches that are kept for replicas behind. */
export const HISTORY_BYTES_MAX: number = 64 * MIB
/** Blocks sent in answer to one FETCH. */
export const FETCH_BLOCKS_MAX = 8
/** How far a first proposal may be from the clock of the voter (DESIGN.md 3.5). */
export const PROPOSAL_SKEW_MS_MAX = 120_000
/** Requests that some view must have executed in one period before a later one is held to its rate. */
export const RATE_REQUESTS_MIN = 64
/** Doublings of the timeout: 16 times. */
export const BACKOFF_EXPONENT_MAX = 4

/** Limits of the decoder for messages. */
export const messageLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: MESSAGE_BYTES_MAX,
  stringBytesMax: MESSAGE_BYTES_MAX,
  itemsMax: 4 * 65_536,
}

/** Limits of the decoder for batches: each request takes four items. */
export const batchLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: MESSAGE_BYTES_MAX,
  stringBytesMax: REQUEST_BYTES_MAX,
  itemsMax: 4 * BATCH_REQUESTS_MAX + 8,
}

/** Limits of the decoder for records of the log: a record may hold a NEW-VIEW with its quorum of VIEW-CHANGEs. */
export const recordLimits: CodecLimits = {
  ...messageLimits,
  bytesMax: 64 * MIB,
}

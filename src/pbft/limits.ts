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
/** FETCHes of one member that are answered in one tick. */
export const FETCHES_PER_TICK_MAX = 16
/** Sequence numbers whose messages one answer to a STATUS repeats. */
export const RESENT_SEQUENCES_MAX = 16
/** Requests passed on again in one tick. */
export const FORWARDS_PER_TICK_MAX = 64
/** Log records, in multiples of L + 1, after which a segment is due without a new checkpoint: views that fail write too. */
export const RECORDS_PER_SEQUENCE_MAX = 12
/** Valid signatures that an inbox remembers. */
export const REMEMBERED_SIGNATURES_MAX = 16_384
/** Sources of forged requests that are remembered. */
export const PENALISED_SOURCES_MAX = 4_096
/** Timeouts during which the source of a forged request is not listened to. */
export const PENALTY_TIMEOUTS = 16
/** How far a first proposal may be from the clock of the voter (DESIGN.md 3.5). */
export const PROPOSAL_SKEW_MS_MAX = 120_000
/** Requests that some view must have executed in one period before a later one is held to its rate. */
export const RATE_REQUESTS_MIN = 64
/** Doublings of the timeout: 16 times. */
export const BACKOFF_EXPONENT_MAX = 4

/**
 * Returns what a replica keeps at most of what peers send, as `ReplicaStatus.entryCount` counts it: for each of L sequence
 * numbers 3n votes, its slot, three votes of its own, four batches and one more for each member's VIEW-CHANGE; VIEW-CHANGEs
 * and shares by member in five places, and the VIEW-CHANGEs that each member's NEW-VIEW names.
 */
export function entryCountMax(group: { readonly logSpan: number; readonly replicaCount: number }): number {
  const { logSpan, replicaCount } = group
  return logSpan * (4 * replicaCount + 8) + replicaCount * (replicaCount + 5) + 2
}

/**
 * Returns the bytes of a VIEW-CHANGE at most: for each of L sequence numbers a prepared certificate with a vote of 70 bytes of
 * each member, the certificate of the checkpoint, and what stands around them.
 */
export function viewChangeBytesMax(group: { readonly logSpan: number; readonly replicaCount: number }): number {
  const { logSpan, replicaCount } = group
  return logSpan * (128 + 70 * replicaCount) + 68 * replicaCount + 256
}

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

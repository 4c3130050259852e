/**
 * The limits of everything that crosses a border: one table, each tested at its border (DESIGN.md 4).
 *
 * All are told before allocation. Sizes are bytes unless the name says otherwise.
 */

/** Limits of one decoded object. */
export interface CodecLimits {
  /** Encoded length. */
  readonly bytesMax: number
  /** Nesting of arrays, maps and tags. */
  readonly depthMax: number
  /** Elements of all arrays and maps together. */
  readonly itemsMax: number
  /** Length of one byte or text string. */
  readonly stringBytesMax: number
  /** Keys of one map. */
  readonly mapKeysMax: number
}

const KIB = 1024
const MIB = 1024 * KIB

/** Limits of an object where its kind names no others. */
export const codecLimits: CodecLimits = {
  bytesMax: 64 * KIB,
  depthMax: 16,
  itemsMax: 65_536,
  stringBytesMax: 16 * KIB,
  mapKeysMax: 256,
}

/** A transaction of any kind but tx_key. */
export const TRANSACTION_BYTES_MAX: number = 64 * KIB
/** A tx_key. */
export const KEY_TRANSACTION_BYTES_MAX: number = 256 * KIB
/** Recipients of one tx_key. */
export const RECIPIENTS_MAX = 1_024
/** Causes of one tx_diag. */
export const CAUSES_MAX = 64
/** Grants in one T_access. */
export const GRANTS_MAX = 64
/** Slots of delegates; slot 0 is the account itself. */
export const DELEGATE_SLOT_MAX = 8
/** Identifiers, conditions and media types, in UTF-8 and normalization form C. */
export const IDENTIFIER_BYTES_MAX: number = KIB
/** A sealed block with its header; also one frame's upper bound. */
export const SEALED_BLOCK_BYTES_MAX: number = MIB
/** Plaintext of one frame. */
export const FRAME_BYTES_MAX: number = 256 * KIB
/** Frames of one manifest. */
export const FRAMES_MAX = 4_096
/** A record before sealing. */
export const RECORD_BYTES_MAX: number = 1024 * MIB
/** A CAR that is read at once or in a stream. */
export const CAR_BYTES_MAX: number = 2048 * MIB
/** Roots of a CAR. */
export const CAR_ROOTS_MAX = 1_024
/** Blocks of a CAR. */
export const CAR_BLOCKS_MAX = 65_536
/** Nonces and key epochs. */
export const COUNTER_MAX: number = 2 ** 32 - 1
/** Times: integer milliseconds UTC, up to the last one that a date can name. */
export const TIME_MS_MAX = 8_640_000_000_000_000
/** A value of the authenticated map. */
export const MAP_VALUE_BYTES_MAX: number = MIB
/** A chunk of an exported snapshot: below a message between replicas. */
export const MAP_CHUNK_BYTES_MAX: number = 2 * MIB
/** Members of a group: replicas of one ledger. */
export const MEMBERS_MAX = 256

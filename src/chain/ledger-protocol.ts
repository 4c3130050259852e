/**
 * What a client and a member say to each other: frames, one a message, as canonical tuples that begin with their kind.
 *
 * The client greets with a nonce and the member proves its key over it; then both speak when they like. `follow` says up to
 * which height the client holds the ledger: blocks above it come in order, as many as the window allows, and each further
 * `follow` moves the window. A client that does not follow is told new heights by `head`. `submit` is answered once.
 *
 * Nothing here is believed: blocks are verified by whoever takes them, and what a member answers counts as its word only.
 */

import type { Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { createId, toDigest, type ChainId, type TransactionId } from '../primitives/ids.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { codecLimits, KEY_TRANSACTION_BYTES_MAX, type CodecLimits } from '../primitives/limits.ts'
import {
  account,
  bytesOf,
  bytesUpTo,
  choice,
  constant,
  counter,
  encodeShape,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  transactionId,
  tuple,
  type Shape,
} from '../primitives/shape.ts'
import { SIGNATURE_BYTES, type Signature } from '../primitives/signature.ts'
import { HANDSHAKE_NONCE_BYTES } from './handshake.ts'

/** Version that a greeting names. */
const PROTOCOL_VERSION = 1

/** Blocks that a member sends ahead of the last `follow`. */
export const FOLLOW_BLOCKS_MAX = 16
/** Bytes that it sends ahead; one block may always be under way. */
export const FOLLOW_BYTES_MAX: number = 1024 * 1024
/** Bytes of one block in a frame. */
export const BLOCK_BYTES_MAX: number = 24 * 1024 * 1024
/** Bytes of one certificate: 256 signatures and what is around them. */
const CERTIFICATE_BYTES_MAX = 64 * 1024

/**
 * Why a member takes no transaction, by wire position. They hold until the ledger changes; `busy` alone is no word about
 * the transaction: try again.
 */
export const SUBMIT_REFUSALS = [
  'ERR_SIGNATURE_INVALID',
  'ERR_CHAIN_NONCE',
  'ERR_CHAIN_QUOTA',
  'ERR_CODEC_MALFORMED',
  'ERR_CHAIN_MEMBERS',
  'busy',
] as const

/** One of {@link SUBMIT_REFUSALS}. */
export type SubmitRefusal = (typeof SUBMIT_REFUSALS)[number]

/** What a client says. */
export type ClientFrame =
  | { readonly kind: 'hello'; readonly chainId: ChainId; readonly nonce: Bytes }
  /** Null: send heights only. */
  | { readonly kind: 'follow'; readonly height: number | null }
  | { readonly kind: 'submit'; readonly id: TransactionId; readonly transaction: Bytes }

/** What a member says. */
export type ServerFrame =
  | {
      readonly kind: 'proof'
      readonly member: Did
      readonly nonce: Bytes
      readonly signature: Signature
      readonly height: number
    }
  | { readonly kind: 'block'; readonly height: number; readonly block: Bytes; readonly certificate: Bytes }
  | { readonly kind: 'head'; readonly height: number }
  /** Of a submission: null where it was taken; `height`: that of the member when it judged. */
  | {
      readonly kind: 'answer'
      readonly id: TransactionId
      readonly refusal: SubmitRefusal | null
      readonly height: number
    }

const chainIdShape: Shape<ChainId> = mapped(bytesOf(32) as Shape<Digest32>, {
  parse: (digest) => createId('chain', digest),
  format: (chainId) => toDigest(chainId),
})
const nonceShape = bytesOf(HANDSHAKE_NONCE_BYTES)

const clientShapes = {
  hello: tuple({ type: constant(0), version: constant(PROTOCOL_VERSION), chainId: chainIdShape, nonce: nonceShape }),
  follow: tuple({ type: constant(1), height: nullable(counter) }),
  submit: tuple({ type: constant(2), id: transactionId, transaction: bytesUpTo(KEY_TRANSACTION_BYTES_MAX) }),
}

const serverShapes = {
  proof: tuple({
    type: constant(0),
    member: account,
    nonce: nonceShape,
    signature: bytesOf(SIGNATURE_BYTES) as Shape<Signature>,
    height: counter,
  }),
  block: tuple({
    type: constant(1),
    height: counter,
    block: bytesUpTo(BLOCK_BYTES_MAX),
    certificate: bytesUpTo(CERTIFICATE_BYTES_MAX),
  }),
  head: tuple({ type: constant(2), height: counter }),
  answer: tuple({
    type: constant(3),
    id: transactionId,
    refusal: nullable(choice('refusal', SUBMIT_REFUSALS)),
    height: counter,
  }),
}

/** Frames told apart by their first element, the position of the shape. */
function framesOf<F extends { readonly kind: string }>(shapes: {
  readonly [K in F['kind']]: Shape<object>
}): Shape<F> {
  const kinds = Object.keys(shapes) as F['kind'][]
  return {
    read(value) {
      const kind = Array.isArray(value) ? kinds[value[0] as number] : undefined
      if (kind === undefined) return new Mismatch(`a frame from 0 to ${kinds.length - 1}`)
      const read = shapes[kind].read(value)
      return read instanceof Mismatch ? read : ({ ...read, kind } as unknown as F)
    },
    write: (frame) => shapes[frame.kind as F['kind']].write(frame),
  }
}

const clientShape = framesOf<ClientFrame>(clientShapes)
const serverShape = framesOf<ServerFrame>(serverShapes)

const clientLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: KEY_TRANSACTION_BYTES_MAX + 1024,
  stringBytesMax: KEY_TRANSACTION_BYTES_MAX,
}
const serverLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX + 1024,
  stringBytesMax: BLOCK_BYTES_MAX,
}

/** Returns the bytes of a client's frame. */
export function encodeClientFrame(frame: ClientFrame): Bytes {
  return encodeShape(frame, clientShape, { object: 'frame', limits: clientLimits })
}

/** Reads a client's frame. Total. */
export function parseClientFrame(bytes: Uint8Array): Result<ClientFrame, CodecErrorCode> {
  return parseShape(bytes, clientShape, { object: 'frame', limits: clientLimits })
}

/** Returns the bytes of a member's frame. */
export function encodeServerFrame(frame: ServerFrame): Bytes {
  return encodeShape(frame, serverShape, { object: 'frame', limits: serverLimits })
}

/** Reads a member's frame. Total. */
export function parseServerFrame(bytes: Uint8Array): Result<ServerFrame, CodecErrorCode> {
  return parseShape(bytes, serverShape, { object: 'frame', limits: serverLimits })
}

/**
 * Receipts: what became of each transaction of a block, in the order of the block.
 *
 * A refused transaction is in the block too, with its code: it belongs in the report. The receipt of a permitted read is
 * the ticket that a storage node honours until `untilMs`.
 */

import type { ErrorCode, Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { hashMerkleLeaf } from '../primitives/merkle.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  encodeShape,
  identifier,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  transactionId,
  tuple,
  type Shape,
} from '../primitives/shape.ts'

/** Codes of refusals, from the one table of error codes. */
export const REFUSAL_CODES = [
  'ERR_CHAIN_ACCOUNT',
  'ERR_CHAIN_REGISTRAR',
  'ERR_CHAIN_CREDENTIAL',
  'ERR_CHAIN_SLOT',
  'ERR_CHAIN_PREVIOUS',
  'ERR_CHAIN_EPOCH',
  'ERR_CHAIN_MUST_ROTATE',
  'ERR_CHAIN_EPOCH_ENDED',
  'ERR_CHAIN_LABEL',
  'ERR_CHAIN_RECIPIENT',
  'ERR_CHAIN_GRANTOR',
  'ERR_CHAIN_CONTENT',
  'ERR_CHAIN_CAUSE',
  'ERR_CHAIN_BALANCE',
  'ERR_CHAIN_ANSWER',
  'ERR_CHAIN_LIMIT',
  'ERR_CHAIN_MEMBERS',
  'ERR_CHAIN_REKEY',
  'ERR_SHARING_STATE',
  'ERR_SHARING_LISTING',
  'ERR_SHARING_TERMS',
  'ERR_SHARING_CLAIMED',
  'ERR_SHARING_EXCLUSIVE',
  'ERR_SHARING_PROOF',
  'ERR_KEYS_COMMITMENT',
  'ERR_POLICY_DENIED',
  'ERR_POLICY_INDETERMINATE',
] as const satisfies readonly ErrorCode[]

/** Why the ledger refused a transaction. */
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** What became of one transaction. */
export interface Receipt {
  readonly id: TransactionId
  /** Null when it was applied. */
  readonly code: RefusalCode | null
  /** Of a permitted read: until when the permit counts; null otherwise. */
  readonly untilMs: number | null
}

const refusalCode: Shape<RefusalCode> = mapped(identifier, {
  parse: (text) => REFUSAL_CODES.find((code) => code === text) ?? new Mismatch('a code of refusal'),
  format: (code) => code,
})

/** `[id32, code or null, untilMs or null]`. */
export const receiptShape: Shape<Receipt> = tuple({
  id: transactionId,
  code: nullable(refusalCode),
  untilMs: nullable(timeMs),
})

/** Returns the canonical bytes of a receipt. */
export function encodeReceipt(receipt: Receipt): Bytes {
  return encodeShape(receipt, receiptShape, { object: 'receipt' })
}

/** Reads a receipt. Total; form only. */
export function parseReceipt(bytes: Uint8Array): Result<Receipt, CodecErrorCode> {
  return parseShape(bytes, receiptShape, { object: 'receipt' })
}

/** Returns the leaf of the receipts' tree. */
export function hashReceipt(receipt: Receipt): Digest32 {
  return hashMerkleLeaf(encodeReceipt(receipt))
}

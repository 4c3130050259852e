/**
 * Blocks: a header, the transactions as they came, and their receipts.
 *
 * A transaction's leaf is id | r | s: the id alone would leave the signature open, the hint is nobody's. Receipts follow
 * from the transactions and the state; they travel with the block so that a light client need not execute.
 */

import { fail, type Result } from '../errors.ts'
import { concatBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { toDigest } from '../primitives/ids.ts'
import { codecLimits, KEY_TRANSACTION_BYTES_MAX } from '../primitives/limits.ts'
import { hashMerkleLeaf, hashMerkleTree } from '../primitives/merkle.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { bytesUpTo, encodeShape, listOf, parseShape, tuple, type Shape } from '../primitives/shape.ts'
import type { Transaction } from '../transactions/index.ts'
import { headerShape, type Header } from './header.ts'
import { hashReceipt, receiptShape, type Receipt } from './receipt.ts'

/** A block as it is stored and sent; a certificate makes it final. */
export interface Block {
  readonly header: Header
  /** Canonical bytes of each transaction, in order. */
  readonly transactions: readonly Bytes[]
  /** What became of each. */
  readonly receipts: readonly Receipt[]
}

/** Blocks have limits of their own: many long strings. */
const blockLimits = {
  ...codecLimits,
  // 16 MiB of transactions, and a receipt for each.
  bytesMax: 24 * 1024 * 1024,
  itemsMax: 400_000,
  stringBytesMax: KEY_TRANSACTION_BYTES_MAX,
}
const TRANSACTIONS_MAX = 65_536

const blockShape: Shape<Block> = tuple({
  header: headerShape,
  transactions: listOf(bytesUpTo(KEY_TRANSACTION_BYTES_MAX), { name: 'transactions', countMax: TRANSACTIONS_MAX }),
  receipts: listOf(receiptShape, { name: 'receipts', countMax: TRANSACTIONS_MAX }),
})

/** Returns the leaf of a transaction in its block's tree. */
export function hashTransactionLeaf(transaction: Pick<Transaction, 'id' | 'signature'>): Digest32 {
  return hashMerkleLeaf(concatBytes(toDigest(transaction.id), transaction.signature.subarray(0, 64)))
}

/** Returns the root over the transactions of a block. */
export function hashTransactions(transactions: Iterable<Pick<Transaction, 'id' | 'signature'>>): Digest32 {
  return hashMerkleTree([...transactions].map(hashTransactionLeaf))
}

/** Returns the root over the receipts of a block. */
export function hashReceipts(receipts: readonly Receipt[]): Digest32 {
  return hashMerkleTree(receipts.map(hashReceipt))
}

/**
 * Returns the canonical bytes of a block.
 *
 * @throws When it exceeds a limit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeBlock(block: Block): Bytes {
  return encodeShape(block, blockShape, { object: 'block', limits: blockLimits })
}

/**
 * Reads a block: its form, and that its receipts belong to it. Total.
 *
 * @returns the block, not yet believed: `replayLedger` and certificates decide that
 */
export function parseBlock(bytes: Uint8Array): Result<Block, CodecErrorCode> {
  const parsed = parseShape(bytes, blockShape, { object: 'block', limits: blockLimits })
  if (!parsed.ok) return parsed
  const { header, transactions, receipts } = parsed.value
  const isWhole =
    header.count === transactions.length &&
    header.count === receipts.length &&
    equalBytes(hashReceipts(receipts), header.receiptsRoot)
  if (isWhole) return parsed
  const expected = 'as many transactions and receipts as the header says'
  return fail('ERR_CODEC_MALFORMED', `block: expected ${expected}`, {
    path: 'block',
    details: { byteOffset: 0, expected },
  })
}

/**
 * Transactions of all kinds: create, sign, encode, parse, validate.
 *
 * On the wire: `[kind, account, delegate, nonce, time, ...body, signature]`, strict DAG-CBOR. The id of a transaction is the
 * tagged digest of its chain id and UNSIGNED tuple, the digest that is signed as well: nobody, not even the signer, can
 * make two ids of one content. The chain id is signed and never sent, so a transaction of another chain shows as a wrong
 * signature. Nonce, policy, epoch and quota are for the ledger to judge.
 *
 * An attacker chooses all bytes that {@link parseTransaction} sees; it never throws.
 */

import { fail, rejectArgument, succeed, unwrap, type Failure, type Result } from '../errors.ts'
import type { PreKeyVerifier, Right } from '../identity/index.ts'
import type { Bytes, Verified } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { createId, toDigest, type ChainId } from '../primitives/ids.ts'
import { codecLimits, KEY_TRANSACTION_BYTES_MAX, TRANSACTION_BYTES_MAX } from '../primitives/limits.ts'
import { Mismatch, parseShape, type Shape } from '../primitives/shape.ts'
import {
  createVerifier,
  SIGNATURE_BYTES,
  toSignature,
  type Signature,
  type Signer,
  type Verifier,
} from '../primitives/signature.ts'
import { TAGS } from '../primitives/tags.ts'
import { refuseField, type ValidationCode } from './kind.ts'
import { KINDS } from './kinds.ts'
import {
  definitionOf,
  readBack,
  settle,
  signedShape,
  unsignedShape,
  type Draft,
  type ParsedTransaction,
  type Transaction,
  type TransactionHeader,
  type TransactionKind,
  type UnsignedTransaction,
} from './wire.ts'

function bytesMaxOf(kindVersion: number | undefined): number {
  return kindVersion === KINDS.key.version ? KEY_TRANSACTION_BYTES_MAX : TRANSACTION_BYTES_MAX
}

/**
 * Returns a transaction of the given kind, checked and frozen.
 *
 * @param fields - body of the kind, sender, nonce and time; `delegate` is 0 when absent
 * @throws When a field is not of the kind's form or breaks one of its rules: `ERR_ARGUMENT_INVALID` with the path. {@link VitalsealError}
 */
export function createTransaction<const K extends TransactionKind>(
  fields: Draft<K> & Omit<TransactionHeader, 'delegate'> & { readonly delegate?: number },
): UnsignedTransaction<K> {
  if (!Object.hasOwn(KINDS, fields.kind)) rejectArgument('kind', Object.keys(KINDS).join(' | '), 'another value')
  const unsigned = assertForm({ ...fields, delegate: fields.delegate ?? 0 } as UnsignedTransaction, unsignedShape)
  const broken = definitionOf(fields.kind).check?.(unsigned, unsigned.sender)
  if (broken !== undefined) rejectArgument(broken.path, broken.details.expected, 'another value')
  return unsigned as unknown as UnsignedTransaction<K>
}

/** The transaction as the wire gives it; throws when it has no such form. */
function assertForm<T extends object>(transaction: T, shape: Shape<T>): T {
  const read = readBack(transaction, shape)
  return read instanceof Mismatch
    ? rejectArgument(['transaction', ...read.names.toReversed()].join('.'), read.expected, 'another value')
    : read
}

/**
 * Returns the digest that is signed, and that names the transaction; 32 bytes. For keys in an HSM.
 *
 * @throws When the transaction is not of its kind's form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashTransaction(transaction: UnsignedTransaction, options: { readonly chainId: ChainId }): Digest32 {
  return taggedHash(TAGS.transaction, ...signedFields(assertForm(transaction, unsignedShape), options.chainId))
}

function signedFields(transaction: UnsignedTransaction, chainId: ChainId): readonly CborValue[] {
  return [toDigest(chainId), unsignedShape.write(transaction)]
}

function assemble<K extends TransactionKind>(
  unsigned: UnsignedTransaction,
  signature: Signature,
  digest: Digest32,
): Transaction<K> {
  return settle({ ...unsigned, signature, id: createId('transaction', digest) }) as unknown as Transaction<K>
}

/**
 * Signs a transaction.
 *
 * @param transaction - from {@link createTransaction}
 * @param options - `signer`: of the key that signs now for the account, or for the delegate in that slot
 * @throws When the transaction is not of its kind's form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function signTransaction<K extends TransactionKind>(
  transaction: UnsignedTransaction<K>,
  options: { readonly chainId: ChainId; readonly signer: Signer },
): Transaction<K> {
  const { chainId, signer } = options
  const unsigned = assertForm(transaction as UnsignedTransaction, unsignedShape)
  const fields = signedFields(unsigned, chainId)
  return assemble(unsigned, signer.sign(TAGS.transaction, fields), taggedHash(TAGS.transaction, ...fields))
}

/**
 * Returns the transaction with a signature that was made elsewhere, after verifying it.
 *
 * @param transaction - from {@link createTransaction}
 * @param options - `signature`: 64 bytes r | s, or 65 with the hint; `signingKey`: default the sender
 * @throws When the signature does not hold: `ERR_SIGNATURE_INVALID`. {@link VitalsealError}
 */
export function attachSignature<K extends TransactionKind>(
  transaction: UnsignedTransaction<K>,
  options: {
    readonly chainId: ChainId
    readonly signature: Uint8Array
    readonly signingKey?: Did
    readonly verifier?: Verifier
  },
): Transaction<K> {
  const { chainId, verifier = createVerifier(), signingKey = transaction.sender } = options
  const signature = completeSignature(options.signature)
  const unsigned = assertForm(transaction as UnsignedTransaction, unsignedShape)
  const digest = hashTransaction(unsigned, { chainId })
  return signature !== undefined && verifier.verify({ signer: signingKey, digest, signature })
    ? assemble(unsigned, signature, digest)
    : unwrap(refuseSignature(signingKey))
}

function completeSignature(bytes: Uint8Array): Signature | undefined {
  if (!(bytes instanceof Uint8Array)) return undefined
  if (bytes.length === SIGNATURE_BYTES) return toSignature(bytes)
  if (bytes.length !== SIGNATURE_BYTES - 1) return undefined
  const signature = new Uint8Array(SIGNATURE_BYTES).fill(0xff)
  signature.set(bytes)
  return toSignature(signature)
}

/**
 * Returns the canonical bytes of a transaction: at most 64 KiB, a tx_key at most 256 KiB.
 *
 * @throws When it is larger, or not of its kind's form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeTransaction(transaction: ParsedTransaction): Bytes {
  const parsed = assertForm(transaction, signedShape)
  const bytesMax = bytesMaxOf(KINDS[parsed.kind].version)
  return encodeCbor(signedShape.write(parsed), { ...codecLimits, bytesMax })
}

/**
 * Reads a transaction from foreign bytes: its form only. Total.
 *
 * @returns the transaction, not yet believed, or a codec failure with the path of the field
 */
export function parseTransaction(bytes: Uint8Array): Result<ParsedTransaction, CodecErrorCode> {
  // The kind decides how long it may be; it is the second byte of any tuple of less than 24 elements.
  const kindVersion = bytes instanceof Uint8Array ? bytes[1] : undefined
  const limits = { ...codecLimits, bytesMax: bytesMaxOf(kindVersion) }
  return parseShape(bytes, signedShape, { object: 'transaction', limits })
}

/** Options of {@link validateTransaction}. */
export interface ValidateTransactionOptions {
  readonly chainId: ChainId
  /** Default {@link createVerifier}. */
  readonly verifier?: Verifier
  /** The key that signs for (sender, delegate) now; default the account itself. The ledger knows rotated keys and delegates. */
  readonly signingKey?: Did
  /** The current signing key of a credential's issuer, where it may have changed; default the account itself. */
  readonly signingKeyOf?: (account: Did) => Did
  /** The rights of a delegate; needed where `delegate` is not 0. */
  readonly rights?: readonly Right[]
  /** Checks possession of PRE keys; needed where a key record holds such keys. */
  readonly preKeyVerifier?: PreKeyVerifier | undefined
}

/**
 * Returns the transaction marked `Verified`, with its id, or the first rule that it breaks: fields, right of the
 * delegate, low-S signature over the digest with this chain id.
 *
 * Total: foreign input never throws, nor does an object that was put together by hand; of such a one only what the wire
 * can carry is returned, since nothing else is signed. Needs no state. Cost: one signature verification (about 1 ms with noble, 0.3 ms with
 * OpenSSL). Not constant time; everything is public.
 *
 * @param transaction - from {@link parseTransaction} or {@link signTransaction}
 * @returns or else `ERR_TRANSACTIONS_FIELD` with a path, `ERR_SIGNATURE_INVALID`, or what a key record gives
 */
export function validateTransaction<K extends TransactionKind>(
  transaction: ParsedTransaction<K>,
  options: ValidateTransactionOptions,
): Result<Verified<Transaction<K>>, ValidationCode> {
  const parsed = readBack(transaction as unknown as ParsedTransaction, signedShape)
  if (parsed instanceof Mismatch) return refuseField(parsed.names.toReversed().join('.'), parsed.expected)
  const { chainId, verifier = createVerifier(), signingKey = parsed.sender } = options
  const broken = checkSender(parsed, options) ?? checkBody(parsed, { ...options, verifier })
  if (broken !== undefined) return broken
  const { signature } = parsed
  const digest = hashTransaction(parsed, { chainId })
  return verifier.verify({ signer: signingKey, digest, signature })
    ? succeed(assemble<K>(parsed, signature, digest) as Verified<Transaction<K>>)
    : refuseSignature(signingKey)
}

function refuseSignature(signer: Did): Failure<'ERR_SIGNATURE_INVALID'> {
  const path = 'transaction.signature'
  const message = `${path}: expected a low-S signature of ${signer} for this chain; check chainId and signer`
  return fail('ERR_SIGNATURE_INVALID', message, { path, details: { signer } })
}

function checkSender(
  { kind, delegate }: ParsedTransaction,
  { rights, signingKey }: ValidateTransactionOptions,
): Failure<ValidationCode> | undefined {
  if (delegate === 0) return undefined
  const { sentBy } = KINDS[kind]
  if (sentBy === 'account') return refuseField('delegate', '0, since only the account itself sends this kind')
  if (rights === undefined || signingKey === undefined)
    return refuseField('delegate', '0, or a delegate whose key and rights are known')
  // The right to grant includes that to rotate.
  const held = rights.includes(sentBy) || (sentBy === 'rotate' && rights.includes('grant'))
  return held ? undefined : refuseField('delegate', `a delegate with the right to ${sentBy}`)
}

function checkBody(
  transaction: ParsedTransaction,
  options: ValidateTransactionOptions & { readonly verifier: Verifier },
): Failure<ValidationCode> | undefined {
  const { check, checkProofs } = definitionOf(transaction.kind)
  return check?.(transaction, transaction.sender) ?? checkProofs?.(transaction, options)
}

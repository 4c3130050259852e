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

import { fail, rejectArgument, succeed, VitalsealError, type Failure, type Result } from '../errors.ts'
import type { PreKeyVerifier, Right } from '../identity/index.ts'
import type { Brand, Bytes, Verified } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { createId, toDigest, type ChainId, type TransactionId } from '../primitives/ids.ts'
import {
  codecLimits,
  DELEGATE_SLOT_MAX,
  KEY_TRANSACTION_BYTES_MAX,
  TRANSACTION_BYTES_MAX,
} from '../primitives/limits.ts'
import {
  account,
  counter,
  Mismatch,
  parseShape,
  timeMs,
  tuple,
  uint,
  unknownVersion,
  writeShape,
  type Shape,
} from '../primitives/shape.ts'
import {
  createVerifier,
  SIGNATURE_BYTES,
  toSignature,
  type Signature,
  type Signer,
  type Verifier,
} from '../primitives/signature.ts'
import { TAGS } from '../primitives/tags.ts'
import { HEADER_FIELDS, refuseField, type KindDefinition, type ValidationCode } from './kind.ts'
import { KINDS, type TransactionBodies } from './kinds.ts'

/** Name of a kind of transaction. */
export type TransactionKind = keyof TransactionBodies

/** What a transaction says besides sender, nonce and time. */
export type Draft<K extends TransactionKind = TransactionKind> = {
  readonly [P in K]: { readonly kind: P } & TransactionBodies[P]
}[K]

/** Who sends it, and when. */
export interface TransactionHeader {
  /** The account: its first signing key, for ever. */
  readonly sender: Did
  /** Slot of the delegate that signs; 0 is the account itself. */
  readonly delegate: number
  /** Next number of this account and delegate on the ledger, from 0. */
  readonly nonce: number
  /** The paper's ts, milliseconds UTC; it dates and never decides. */
  readonly issuedAtMs: number
}

/** A transaction before it is signed. */
export type UnsignedTransaction<K extends TransactionKind = TransactionKind> = {
  readonly [P in K]: Draft<P> & TransactionHeader
}[K]

/** A transaction as it was read: well-formed, not yet believed. Its id is known once the chain is. */
export type ParsedTransaction<K extends TransactionKind = TransactionKind> = {
  readonly [P in K]: UnsignedTransaction<P> & { readonly signature: Signature }
}[K]

/** A signed transaction. */
export type Transaction<K extends TransactionKind = TransactionKind> = {
  readonly [P in K]: Brand<ParsedTransaction<P> & { readonly id: TransactionId }, 'Signed'>
}[K]

/** tx_IoT of HC. */
export type IotTransaction = Transaction<'iot'>
/** tx_key of HC. */
export type KeyTransaction = Transaction<'key'>
/** tx_diag of HC. */
export type DiagnosisTransaction = Transaction<'diagnosis'>
/** T_access of DP. */
export type AccessTransaction = Transaction<'access'>
/** T_data of DP; `mode` is the paper's RW. */
export type DataTransaction = Transaction<'data'>

const header = tuple({
  kindVersion: uint(23),
  sender: account,
  delegate: uint(DELEGATE_SLOT_MAX),
  nonce: counter,
  issuedAtMs: timeMs,
})

const NAMES = new Map<number, TransactionKind>()

/** The kind that a version number stands for. */
function kindOf(version: number): TransactionKind | undefined {
  if (NAMES.size === 0) for (const name of Object.keys(KINDS) as TransactionKind[]) NAMES.set(KINDS[name].version, name)
  return NAMES.get(version)
}

function definitionOf(kind: TransactionKind): KindDefinition<object> {
  return KINDS[kind] as unknown as KindDefinition<object>
}

/** The tuple without its signature. */
const unsignedShape: Shape<UnsignedTransaction> = {
  read(value) {
    if (!Array.isArray(value)) return new Mismatch('a tuple')
    const elements = value as readonly CborValue[]
    const head = header.read(elements.slice(0, HEADER_FIELDS))
    if (head instanceof Mismatch) return head
    const { kindVersion, ...sent } = head
    const kind = kindOf(kindVersion)
    if (kind === undefined) return unknownVersion('kind', kindVersion).within('kind', 0)
    const body = definitionOf(kind).body.read(elements.slice(HEADER_FIELDS))
    if (body instanceof Mismatch) return body.behind(HEADER_FIELDS)
    return { kind, ...sent, ...body } as UnsignedTransaction
  },
  write({ kind, sender, delegate, nonce, issuedAtMs, ...body }) {
    const definition = definitionOf(kind)
    const head = header.write({ kindVersion: definition.version, sender, delegate, nonce, issuedAtMs })
    return [...(head as readonly CborValue[]), ...(definition.body.write(body) as readonly CborValue[])]
  },
}

const signedShape: Shape<ParsedTransaction> = {
  read(value) {
    if (!Array.isArray(value) || value.length === 0) return new Mismatch('a tuple')
    const elements = value as readonly CborValue[]
    const unsigned = unsignedShape.read(elements.slice(0, -1))
    if (unsigned instanceof Mismatch) return unsigned
    const last = elements[elements.length - 1]
    const signature = last instanceof Uint8Array ? toSignature(last) : undefined
    if (signature === undefined)
      return new Mismatch(`${SIGNATURE_BYTES} bytes`).within('signature', elements.length - 1)
    return { ...unsigned, signature }
  },
  write: ({ signature, ...unsigned }) => [...(unsignedShape.write(unsigned) as readonly CborValue[]), signature],
}

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
  if (!Object.hasOwn(KINDS, fields.kind)) rejectArgument('kind', Object.keys(KINDS).join(' | '), fields.kind)
  const written = writeShape({ ...fields, delegate: fields.delegate ?? 0 } as UnsignedTransaction, unsignedShape, {
    object: 'transaction',
  })
  const unsigned = unsignedShape.read(written) as UnsignedTransaction
  const broken = definitionOf(fields.kind).check(unsigned, unsigned.sender)
  if (broken !== undefined) rejectArgument(broken.path, broken.details.expected, 'another value')
  return Object.freeze(unsigned) as unknown as UnsignedTransaction<K>
}

/**
 * Returns the digest that is signed, and that names the transaction; 32 bytes. For keys in an HSM.
 *
 * @throws When the transaction is not of its kind's form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashTransaction(transaction: UnsignedTransaction, options: { readonly chainId: ChainId }): Digest32 {
  return taggedHash(TAGS.transaction, ...signedFields(transaction, options.chainId))
}

function signedFields(transaction: UnsignedTransaction, chainId: ChainId): readonly CborValue[] {
  return [toDigest(chainId), unsignedShape.write(transaction)]
}

function assemble<K extends TransactionKind>(
  unsigned: UnsignedTransaction<K>,
  signature: Signature,
  id: TransactionId,
): Transaction<K> {
  return Object.freeze({ ...unsigned, signature, id }) as unknown as Transaction<K>
}

/**
 * Signs a transaction.
 *
 * @param transaction - from {@link createTransaction}
 * @param options - `signer`: of the key that signs now for the account, or for the delegate in that slot
 */
export function signTransaction<K extends TransactionKind>(
  transaction: UnsignedTransaction<K>,
  options: { readonly chainId: ChainId; readonly signer: Signer },
): Transaction<K> {
  const { chainId, signer } = options
  const fields = signedFields(transaction as UnsignedTransaction, chainId)
  const id = createId('transaction', taggedHash(TAGS.transaction, ...fields))
  return assemble(transaction, signer.sign(TAGS.transaction, fields), id)
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
  const digest = hashTransaction(transaction as UnsignedTransaction, { chainId })
  if (signature === undefined || !verifier.verify({ signer: signingKey, digest, signature })) {
    throw new VitalsealError('ERR_SIGNATURE_INVALID', wrongSignature(signingKey), {
      path: 'transaction.signature',
      details: { signer: signingKey },
    })
  }
  return assemble(transaction, signature, createId('transaction', digest))
}

function completeSignature(bytes: Uint8Array): Signature | undefined {
  if (bytes.length === SIGNATURE_BYTES) return toSignature(bytes)
  if (bytes.length !== SIGNATURE_BYTES - 1) return undefined
  const signature = new Uint8Array(SIGNATURE_BYTES).fill(0xff)
  signature.set(bytes)
  return toSignature(signature)
}

/**
 * Returns the canonical bytes of a transaction: at most 64 KiB, a tx_key at most 256 KiB.
 *
 * @throws When it is larger: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeTransaction(transaction: ParsedTransaction): Bytes {
  const bytesMax = bytesMaxOf(KINDS[transaction.kind].version)
  return encodeCbor(signedShape.write(transaction), { ...codecLimits, bytesMax })
}

/**
 * Reads a transaction from foreign bytes: its form only. Total.
 *
 * @returns the transaction, not yet believed, or a codec failure with the path of the field
 */
export function parseTransaction(bytes: Uint8Array): Result<ParsedTransaction, CodecErrorCode> {
  // The kind decides how long it may be; it is the second byte of any tuple of less than 24 elements.
  const limits = { ...codecLimits, bytesMax: bytesMaxOf(bytes[1]) }
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
  readonly preKeyVerifier?: PreKeyVerifier
}

/**
 * Returns the transaction marked `Verified`, with its id, or the first rule that it breaks: fields, right of the
 * delegate, low-S signature over the digest with this chain id.
 *
 * Total: foreign input never throws. Needs no state. Cost: one signature verification (about 1 ms with noble, 0.3 ms with
 * OpenSSL). Not constant time; everything is public.
 *
 * @param transaction - from {@link parseTransaction} or {@link signTransaction}
 * @returns or else `ERR_TRANSACTIONS_FIELD` with a path, `ERR_SIGNATURE_INVALID`, or what a key record gives
 */
export function validateTransaction<K extends TransactionKind>(
  transaction: ParsedTransaction<K>,
  options: ValidateTransactionOptions,
): Result<Verified<Transaction<K>>, ValidationCode> {
  const { chainId, verifier = createVerifier(), signingKey = transaction.sender } = options
  const parsed: ParsedTransaction = transaction as unknown as ParsedTransaction
  const broken = checkSender(parsed, options) ?? checkBody(parsed, { ...options, verifier })
  if (broken !== undefined) return broken
  const { signature, ...unsigned } = parsed
  const digest = hashTransaction(unsigned, { chainId })
  if (!verifier.verify({ signer: signingKey, digest, signature })) {
    return fail('ERR_SIGNATURE_INVALID', wrongSignature(signingKey), {
      path: 'transaction.signature',
      details: { signer: signingKey },
    })
  }
  const valid = assemble(unsigned as unknown as UnsignedTransaction<K>, signature, createId('transaction', digest))
  return succeed(valid as Verified<Transaction<K>>)
}

function wrongSignature(signer: Did): string {
  return `transaction.signature: expected a low-S signature of ${signer} for this chain; check chainId and signer`
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
  return check(transaction, transaction.sender) ?? checkProofs?.(transaction, options)
}

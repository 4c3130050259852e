/**
 * The forms of a transaction, from draft to signed, and the tuple in which all of them are written.
 *
 * A transaction that this folder has read is frozen throughout and remembered, so that nobody looks at its form twice.
 * One that was put together by hand, with wrong types, getters or fields that no signature covers, is written and read
 * back first: what goes on is the form that the wire gives, and nothing of the original.
 */

import type { Brand } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { DELEGATE_SLOT_MAX } from '../primitives/limits.ts'
import { account, counter, Mismatch, timeMs, tuple, uint, unknownVersion, type Shape } from '../primitives/shape.ts'
import { SIGNATURE_BYTES, toSignature, type Signature } from '../primitives/signature.ts'
import { HEADER_FIELDS, type KindDefinition } from './kind.ts'
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

/** What a kind consists of, whatever the kind. */
export function definitionOf(kind: TransactionKind): KindDefinition<object> {
  return KINDS[kind] as unknown as KindDefinition<object>
}

/** Transactions that were read here: of their kind's form, frozen, and without anything besides. */
const known = new WeakSet<object>()

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}

/** Freezes what was made here out of checked parts, except the bytes in it, and remembers it. */
export function settle<T extends object>(transaction: T): T {
  freeze(transaction)
  known.add(transaction)
  return transaction
}

/** No kind has this number: stands for one that does not exist. */
const NO_KIND = 0

/** The tuple without its signature. */
export const unsignedShape: Shape<UnsignedTransaction> = {
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
    return settle({ kind, ...sent, ...body } as UnsignedTransaction)
  },
  write({ kind, sender, delegate, nonce, issuedAtMs, ...body }) {
    const definition = Object.hasOwn(KINDS, kind) ? definitionOf(kind) : undefined
    const kindVersion = definition?.version ?? NO_KIND
    const head = header.write({ kindVersion, sender, delegate, nonce, issuedAtMs }) as readonly CborValue[]
    return definition === undefined ? head : [...head, ...(definition.body.write(body) as readonly CborValue[])]
  },
}

/** The tuple as it is sent. */
export const signedShape: Shape<ParsedTransaction> = {
  read(value) {
    if (!Array.isArray(value) || value.length === 0) return new Mismatch('a tuple')
    const elements = value as readonly CborValue[]
    const unsigned = unsignedShape.read(elements.slice(0, -1))
    if (unsigned instanceof Mismatch) return unsigned
    const last = elements[elements.length - 1]
    const signature = last instanceof Uint8Array ? toSignature(last) : undefined
    if (signature === undefined)
      return new Mismatch(`${SIGNATURE_BYTES} bytes`).within('signature', elements.length - 1)
    return settle({ ...unsigned, signature })
  },
  write: ({ signature, ...unsigned }) => [...(unsignedShape.write(unsigned) as readonly CborValue[]), signature],
}

/** Returns the transaction as the wire gives it, or what does not fit. Total, whatever was put in its place. */
export function readBack<T extends object>(transaction: T, shape: Shape<T>): T | Mismatch {
  if (known.has(transaction) && (shape !== signedShape || 'signature' in transaction)) return transaction
  try {
    return shape.read(shape.write(transaction))
  } catch {
    // A getter, or a value so wrong that it cannot even be written.
    return new Mismatch('every field of the right type')
  }
}

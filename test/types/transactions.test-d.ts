import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import type { ChainId, Did, GrantId, Label, RecordId, Signer, TransactionId, Verified } from 'vitalseal/primitives'
import {
  attachSignature,
  createTransaction,
  type DataReadBody,
  type Draft,
  encodeTransaction,
  type HandedKey,
  hashGrant,
  hashTransaction,
  type IotTransaction,
  type KeyTransaction,
  parseTransaction,
  type ParsedTransaction,
  signTransaction,
  type Transaction,
  type TransactionBodies,
  type TransactionKind,
  unwrap,
  type UnsignedTransaction,
  validateTransaction,
} from 'vitalseal/transactions'

declare const bytes: Uint8Array
declare const chainId: ChainId
declare const did: Did
declare const label: Label
declare const record: RecordId
declare const id: TransactionId
declare const signer: Signer

const header = { sender: did, nonce: 0, issuedAtMs: 0 }
const unsigned = createTransaction({ ...header, kind: 'iot', record, label, epoch: 1 })
const signed = signTransaction(unsigned, { chainId, signer })
const parsed = parseTransaction(bytes)

// The kind decides the type, from draft to signed.
expectType<UnsignedTransaction<'iot'>>(unsigned)
expectAssignable<IotTransaction>(signed)
expectType<RecordId>(signed.record)
expectType<TransactionId>(signed.id)
expectNotAssignable<KeyTransaction>(signed)

// Unsigned is not signed, signed is not checked, read is neither.
expectNotAssignable<Transaction>(unsigned)
expectNotAssignable<ParsedTransaction>(unsigned)
expectNotAssignable<Verified<Transaction>>(signed)
expectError(encodeTransaction(unsigned))
expectError(validateTransaction(unsigned, { chainId }))
expectNotAssignable<IotTransaction>({ ...unsigned, signature: signed.signature, id })
declare const read: ParsedTransaction
expectNotAssignable<Transaction>(read)
expectError(read.id)

// No value before ok was looked at.
expectError(parsed.value)
if (parsed.ok) expectType<ParsedTransaction>(parsed.value)
else expectError(parsed.value)
const valid = validateTransaction(signed, { chainId })
expectError(valid.value)
expectError(valid.code)
if (valid.ok) expectAssignable<Verified<IotTransaction>>(valid.value)
else
  expectType<'ERR_SIGNATURE_INVALID' | 'ERR_TRANSACTIONS_FIELD' | 'ERR_IDENTITY_INVALID' | 'ERR_CRYPTO_INVALID_POINT'>(
    valid.code,
  )
expectAssignable<Verified<IotTransaction>>(unwrap(valid))

// Ids of one kind are not ids of another, and text is none.
const cause = { ...header, kind: 'diagnosis', record, label, epoch: 1 } as const
expectAssignable<UnsignedTransaction<'diagnosis'>>(createTransaction({ ...cause, causes: [id] }))
expectError(createTransaction({ ...cause, causes: [record] }))
expectError(createTransaction({ ...cause, causes: [chainId] }))
expectError(createTransaction({ ...header, kind: 'iot', record: id, label, epoch: 1 }))
expectError(createTransaction({ ...header, kind: 'iot', record, label: 'http://loinc.org|8867-4', epoch: 1 }))
expectError(createTransaction({ ...header, kind: 'acknowledge', answers: 'ab' }))
expectError(signTransaction(unsigned, { chainId: id, signer }))
expectError(hashTransaction(unsigned, { chainId: 'ab' }))
expectType<GrantId>(hashGrant({} as Parameters<typeof hashGrant>[0]))
expectNotAssignable<TransactionId>(hashGrant({} as Parameters<typeof hashGrant>[0]))

// Two bytes strings that could be swapped, and a chain that could be forgotten, have names.
expectError(signTransaction(unsigned, signer))
expectError(signTransaction(unsigned, { signer }))
expectError(validateTransaction(signed))
expectError(attachSignature(unsigned, bytes))
expectType<Transaction<'iot'>>(attachSignature(unsigned, { chainId, signature: bytes }))

// A body has the fields of its kind and mode, and no others.
expectError(createTransaction({ ...header, kind: 'iot', record, label }))
expectError(createTransaction({ ...header, kind: 'mint', amount: 1 }))
expectError(createTransaction({ ...header, kind: 'transfer', payee: 'did:key:z', amount: 1, memo: null }))
expectError(createTransaction({ ...header, kind: 'data', mode: 'read', patient: did, label, record, epoch: 1 }))
expectError(createTransaction({ ...header, kind: 'data', mode: 'append', patient: did, label, record, epoch: 1 }))
expectAssignable<TransactionBodies['data']>({} as DataReadBody)
expectAssignable<HandedKey>({ epoch: 1, label })
expectAssignable<HandedKey>({ epoch: 1, doctorIndex: 2 })
expectNotAssignable<HandedKey>({ epoch: 1 })
expectAssignable<TransactionKind>('complaint')
expectNotAssignable<TransactionKind>('anchor')
expectAssignable<Draft>({ kind: 'acknowledge', answers: id })

// What was made cannot be changed.
expectError((unsigned.nonce = 1))
expectError((signed.signature = signed.signature))
declare const key: KeyTransaction
expectError(key.envelopes.push())
expectError(validateTransaction(signed, { chainId, rights: ['admin'] }))

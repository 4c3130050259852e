import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import { generateIdentity, type KeyRecord } from 'vitalseal/identity'
import {
  createKeyRing,
  type Complaint,
  type Directory,
  extendEpoch,
  type KeyDraft,
  type KeyDrafts,
  type KeyOutcome,
  type KeyRing,
  type Recipient,
  rotateEpoch,
} from 'vitalseal/keys'
import type { ChainId, DataType, Did, Label, RandomSource, TransactionId, Verified } from 'vitalseal/primitives'
import { openRecord, type OpeningKey, type SealingKey, sealRecord } from 'vitalseal/storage'
import { createTransaction, type KeyTransaction, type Transaction } from 'vitalseal/transactions'

declare const bytes: Uint8Array
declare const chainId: ChainId
declare const did: Did
declare const label: Label
declare const directory: Directory
declare const random: RandomSource
declare const keys: Verified<KeyRecord>
declare const record: Parameters<typeof openRecord>[0]
declare const blocks: Parameters<typeof openRecord>[1]['blocks']

const identity = generateIdentity()
const ring = createKeyRing({ identity, chainId, directory })
expectType<KeyRing>(ring)

// What opens does not seal; what seals opens. A past epoch has only the first.
const opening = ring.openingKey({ patient: did, label, epoch: 1 })
const sealing = ring.sealingKey('http://loinc.org|8867-4')
expectType<OpeningKey>(opening)
expectType<SealingKey>(sealing)
expectNotAssignable<SealingKey>(opening)
expectAssignable<OpeningKey>(sealing)
expectError(sealRecord(bytes, { key: opening }))
expectAssignable<Promise<unknown>>(openRecord(record, { key: sealing, blocks }))
expectType<SealingKey>(ring.writingKey({ patient: did, label }))
expectType<OpeningKey>(ring.diagnosisKey({ patient: did, doctor: did, label, epoch: 1 }))
expectError(sealRecord(bytes, { key: ring.diagnosisKey({ patient: did, doctor: did, label, epoch: 1 }) }))

// Keys are opaque: neither ring nor key shows a secret.
expectError(opening.secret)
expectError(ring.root)
expectError(ring.typesSecret)
expectError(identity.agreement.secretKey)
expectNotAssignable<OpeningKey>({ chainId, patient: did, label, epoch: 1 })

// Types of data and labels are different words.
expectError(ring.sealingKey('8867-4'))
expectError(ring.sealingKey(label))
expectError(ring.openingKey({ patient: did, label: 'http://loinc.org|8867-4', epoch: 1 }))
expectType<Label>(ring.label('http://loinc.org|8867-4'))
expectType<DataType | undefined>(ring.dataType({ patient: did, label }))
expectError(ring.openingKey({ patient: 'did:key:z', label, epoch: 1 }))

// Only what was checked is followed, and only checked key records receive keys.
declare const signed: KeyTransaction
declare const verified: Verified<KeyTransaction>
declare const reading: Verified<Transaction<'iot'>>
expectType<Promise<KeyOutcome>>(ring.apply(verified))
expectError(ring.apply(signed))
expectError(ring.apply(reading))
expectAssignable<Recipient>({ keys, index: 1, dataTypes: ['http://loinc.org|8867-4'] })
expectAssignable<Recipient>({ keys, index: 1, dataTypes: 'all' })
expectNotAssignable<Recipient>({ keys: identity.did, index: 1, dataTypes: 'all' })
expectNotAssignable<Recipient>({ keys: {} as KeyRecord, index: 1, dataTypes: 'all' })
expectNotAssignable<Recipient>({ keys, index: 1, dataTypes: 'some' })
expectNotAssignable<Recipient>({ keys, index: 1, dataTypes: [label] })
expectNotAssignable<Recipient>({ keys, index: 1, dataTypes: [], handed: [{ epoch: 1 }] })

// Drafts lack their predecessor, and are no transactions before they have it.
expectType<Promise<KeyDrafts>>(rotateEpoch(ring))
expectType<Promise<KeyDrafts>>(rotateEpoch(ring, {}, random))
expectError(rotateEpoch(ring, random))
expectError(rotateEpoch({ owner: did }))
expectError(extendEpoch(ring))
declare const draft: KeyDraft
const header = { sender: did, nonce: 0, issuedAtMs: 0 }
expectError(createTransaction({ ...header, ...draft }))
expectAssignable<object>(createTransaction({ ...header, ...draft, previous: ring.latest(did) }))
expectType<TransactionId | null>(ring.latest(did))
expectAssignable<readonly Complaint[]>(ring.complaints())
expectError(ring.complaints().push({} as Complaint))

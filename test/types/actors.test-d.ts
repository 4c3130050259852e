import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type Actor,
  type ActorOptions,
  createInstitution,
  createLocalConsortium,
  createOwnerCapsules,
  createPatient,
  createProxy,
  createStorageNode,
  createStorageRequest,
  type Institution,
  type OwnerCapsules,
  type Patient,
  type Proxy,
  type Received,
  type ReKeyDelivery,
  type ReKeyStore,
  type StorageNode,
  type StorageRequest,
} from 'vitalseal/actors'
import type { Genesis } from 'vitalseal/chain'
import type { Identity, PreIdentity, PreKeyVerifier } from 'vitalseal/identity'
import type { DataType, Did, RecordId, Signer, TransactionId } from 'vitalseal/primitives'

declare const bytes: Uint8Array<ArrayBuffer>
declare const did: Did
declare const id: TransactionId
declare const record: RecordId
declare const dataType: DataType
declare const genesis: Genesis
declare const signer: Signer
declare const preKeyVerifier: PreKeyVerifier
declare const plain: Identity
declare const withPre: PreIdentity
declare const options: Omit<ActorOptions, 'identity'>
declare const store: ReKeyStore

// Who owns or reads by re-encryption has PRE keys; a proxy needs none.
expectError(createOwnerCapsules(plain))
expectType<OwnerCapsules>(createOwnerCapsules(withPre))
expectError(createInstitution({ ...options, identity: plain }))
expectType<Promise<Institution>>(createInstitution({ ...options, identity: withPre }))
expectType<Promise<Proxy>>(createProxy({ ...options, identity: plain }))
expectType<Promise<Proxy>>(createProxy({ ...options, identity: plain, store }))
expectType<Promise<Patient>>(createPatient({ ...options, identity: withPre, capsules: createOwnerCapsules(withPre) }))
expectError(createPatient({ ...options, identity: withPre, capsules: withPre }))

// A store that cannot delete is none.
expectError(createProxy({ ...options, identity: plain, store: { put: store.put, list: store.list } }))
expectNotAssignable<ReKeyStore>(new Map<string, Uint8Array>())

// A re-key names its institution, its proxy and one type.
declare const patient: Patient
expectType<Promise<ReKeyDelivery>>(patient.createReEncryptionKey({ to: did, proxy: did, dataType }))
expectError(patient.createReEncryptionKey({ to: did, dataType }))
expectError(patient.createReEncryptionKey({ to: did, proxy: did, dataType: 'all' }))
expectError(patient.createReEncryptionKey({ to: did, proxy: did, dataTypes: [dataType] }))

// A proxy takes deliveries and gives nothing out but conversions on the ledger.
declare const proxy: Proxy
expectAssignable<Actor>(proxy)
expectType<Promise<string>>(proxy.accept(bytes))
expectError(proxy.accept('delivery'))
expectType<Promise<{ readonly id: TransactionId; readonly height: number }>>(proxy.convert('re-key'))
expectError(proxy.convert(bytes))
expectType<readonly string[]>(proxy.held())
expectError(proxy.open(id))
expectError(proxy.reKeys)

// An institution opens what was converted, and seals, grants or converts nothing.
declare const institution: Institution
expectAssignable<Actor>(institution)
expectType<Promise<Received>>(institution.receive(id))
expectError(institution.receive('conversion'))
expectError(institution.receive(record))
expectError(institution.seal(bytes))
expectError(institution.grant({}))
expectError(institution.convert('re-key'))
expectNotAssignable<Patient>(institution)
expectNotAssignable<Proxy>(institution)

// A ticket is the id of a transaction.
const node = createStorageNode({ ledger: options.ledger, blocks: options.blocks, clock: options.clock })
expectType<StorageNode>(node)
const by = { chainId: genesis.chainId, signer, requester: did }
expectType<StorageRequest>(createStorageRequest({ record, ticket: id, issuedAtMs: 1 }, by))
expectType<StorageRequest>(createStorageRequest({ record, ticket: null, issuedAtMs: 1 }, by))
expectError(createStorageRequest({ record, ticket: record, issuedAtMs: 1 }, by))
expectError(createStorageRequest({ record: id, ticket: null, issuedAtMs: 1 }, by))
expectError(node.serve({ record, ticket: id, requester: did, issuedAtMs: 1 }))

// Replicas judge PRE keys alike, or not at all.
createLocalConsortium({ genesis, signers: [signer], clock: options.clock, preKeyVerifier })
expectError(createLocalConsortium({ genesis, signers: [signer], clock: options.clock, preKeyVerifier: true }))

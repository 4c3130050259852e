import type { MemoryBlockstore as MemoryBlockstore5 } from 'blockstore-core-5'
import type { MemoryBlockstore as MemoryBlockstore6 } from 'blockstore-core-6'
import type { MemoryBlockstore as MemoryBlockstore7 } from 'blockstore-core-7'
import type { FsBlockstore } from 'blockstore-fs'
import type { LevelBlockstore } from 'blockstore-level'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import type { Bytes, ChainId, Did, Label, RecordId } from 'vitalseal/primitives'
import {
  type Blockstore,
  type BlockstoreCheck,
  type Car,
  checkBlockstore,
  type ContentBlock,
  copyRecord,
  createMemoryBlockstore,
  createOpeningKey,
  createSealingKey,
  encodeCar,
  type EpochContext,
  openCar,
  type OpeningKey,
  openRecord,
  parseCar,
  parseRecordHeader,
  type RecordHeader,
  type SealedRecord,
  type SealingKey,
  sealRecord,
  sealStream,
  storeRecord,
  streamRecord,
  unwrap,
} from 'vitalseal/storage'

declare const bytes: Uint8Array
declare const id: RecordId
declare const context: EpochContext
declare const record: SealedRecord

// Any store fits by its shape: three generations of the interface, files, LevelDB, and three lines of one's own.
expectAssignable<Blockstore>({} as MemoryBlockstore5)
expectAssignable<Blockstore>({} as MemoryBlockstore6)
expectAssignable<Blockstore>({} as MemoryBlockstore7)
expectAssignable<Blockstore>({} as FsBlockstore)
expectAssignable<Blockstore>({} as LevelBlockstore)
expectAssignable<Blockstore>(createMemoryBlockstore())
const kept = new Map<string, Uint8Array>()
expectAssignable<Blockstore>({ get: (cid) => kept.get(`${cid}`), put: (cid, block) => kept.set(`${cid}`, block) })
expectAssignable<Blockstore>({ get: async () => bytes, put: async () => undefined })
expectNotAssignable<Blockstore>({ get: () => bytes })
expectNotAssignable<Blockstore>({ get: () => 'text', put: () => undefined })

// A past epoch opens and does not seal; what seals also opens.
const sealing = createSealingKey(bytes, context, { epochCurrent: () => 1 })
const opening = createOpeningKey(bytes, context, { groupSecret: bytes })
expectType<SealingKey>(sealing)
expectType<OpeningKey>(opening)
expectAssignable<OpeningKey>(sealing)
expectNotAssignable<SealingKey>(opening)
expectNotAssignable<OpeningKey>(context)
expectError(sealRecord(bytes, { key: opening }))
expectType<Label>(opening.label)
expectType<Did>(opening.patient)
expectType<ChainId>(opening.chainId)
expectError(createOpeningKey(bytes, context, { epochCurrent: () => 1 }))

// Results go to Web Crypto and fetch without a cast; records are named by record ids and nothing else.
const blocks = createMemoryBlockstore()
expectType<Promise<SealedRecord>>(sealRecord(bytes, { key: sealing, kind: 'diagnosis', padding: 'none' }))
expectError(sealRecord(bytes, { key: sealing, kind: 'key' }))
expectType<Promise<RecordId>>(storeRecord(record, { blocks }))
expectType<Promise<RecordId>>(sealStream([bytes], { key: sealing, blocks, plaintextBytes: 1 }))
expectError(sealStream([bytes], { key: sealing, blocks }))
expectType<Promise<Bytes>>(openRecord(id, { key: opening, blocks, range: { start: 0, end: 1 } }))
expectAssignable<AsyncIterable<Uint8Array<ArrayBuffer>>>(streamRecord(id, { key: opening, blocks }))
expectError(openRecord('bafkrei', { key: opening, blocks }))
expectError(copyRecord(id, { source: blocks }))
expectType<RecordHeader>(unwrap(parseRecordHeader(id, bytes)))

// Archives and the suite for stores.
expectType<Car>(unwrap(parseCar(bytes)))
expectError(parseCar(bytes).value)
expectType<Bytes>(encodeCar({ roots: [], blocks: record.blocks }))
expectAssignable<AsyncIterable<ContentBlock>>((await openCar([bytes])).blocks)
expectType<Promise<readonly BlockstoreCheck[]>>(checkBlockstore(() => blocks))

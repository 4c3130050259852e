/**
 * Sealed records in any blockstore: seal, store, open, and carry them in archives.
 *
 * A record is named by the CID of its ciphertext (the papers' HEIoT, HEdm, H(C)). A blockstore sees ciphertext, media type
 * and size class; it can withhold or damage a block, which a reader notices, and it can count and compare sizes. Not
 * promised: that a store forgets what it was told to delete, and that a reader who once held the key does.
 *
 * @packageDocumentation
 */

export {
  VitalsealError,
  isVitalsealError,
  unwrap,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
export {
  readBlock,
  writeBlock,
  type Blockstore,
  type BlockstoreOptions,
  type BlockSource,
  type ReadOptions,
} from './blockstore.ts'
export { carLimits, encodeCar, parseCar, type Car, type CarBlock, type CarErrorCode, type CarLimits } from './car.ts'
export { openCar, streamCar, type ByteSource, type OpenCar } from './car-stream.ts'
export { checkBlockstore, type BlockstoreCheck } from './compliance.ts'
export {
  createOpeningKey,
  createSealingKey,
  type EpochContext,
  type EpochKeyOptions,
  type OpeningKey,
  type SealingKey,
  type SealingKeyOptions,
} from './epoch-key.ts'
export type { ContentBlock } from './hashing.ts'
export { parseRecordHeader, type RecordHeader, type RecordKind } from './header.ts'
export { createMemoryBlockstore, type MemoryBlockstore } from './memory.ts'
export { openRecord, streamRecord, type ByteRange, type OpenOptions } from './open.ts'
export type { Padding } from './padding.ts'
export { sealRecord, sealStream, type SealedRecord, type SealOptions } from './seal.ts'
export { copyRecord, storeRecord, streamRecordBlocks } from './store.ts'

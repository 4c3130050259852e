/**
 * What a node keeps on disk: one LevelDB with its log records, the blocks with their certificates, and whose they are.
 *
 * All changes of one write are made or none, and it resolves when they are durable; writes that meet are synced together.
 * Each value carries its own digest and each record that of the one before it, and all are checked when they are read. What
 * a torn tail took was never acknowledged, and its loss shows nowhere; a record or block that is missing or damaged before
 * the end is `ERR_NODE_STORE_CORRUPT` with its place, and nothing is repaired silently.
 */

import { rejectArgument } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { LedgerStore, StoredBlock } from '../chain/index.ts'
import type { LogRecord } from '../pbft/index.ts'
import { openLevelDatabase, type Database, type KeyRange, type OpenDatabase, type Operation } from './database.ts'
import {
  BLOCK_RANGE,
  blockKey,
  chainRecord,
  decodeHead,
  decodeIdentity,
  decodeRecordEntry,
  decodeStoredBlock,
  encodeHead,
  encodeIdentity,
  encodeRecordEntry,
  encodeStoredBlock,
  FIRST_PREVIOUS,
  HEAD_KEY,
  IDENTITY_KEY,
  LOG_RANGE,
  parseKey,
  recordKey,
  type ChainedRecord,
  type Identity,
  type StoreHead,
} from './entries.ts'
import { createGroupWriter, type GroupWriter } from './group-writer.ts'
import { corrupt, foreign } from './store-errors.ts'

/** What one write changes; all of it or nothing. */
export interface StoreChange {
  /** Member epoch of the records; a later one than before lets go of the records of the former. */
  readonly memberEpoch?: number
  readonly records?: readonly LogRecord[]
  /** In order of height; those that are kept already change nothing. */
  readonly blocks?: readonly StoredBlock[]
  /** Up to where the replica itself has delivered. */
  readonly deliveredHeight?: number
  readonly memory?: StoreHead['memory']
}

/** The store of a node. */
export interface NodeStore extends LedgerStore {
  /** Where log and blocks end, what is under way included. */
  readonly head: StoreHead
  /** Takes the records that were there when the store was opened, oldest first; once. */
  takeRecords(): readonly LogRecord[]
  /**
   * Resolves when the change is durable.
   *
   * @throws When this write or one before it failed: `ERR_NODE_DISK`. {@link VitalsealError}
   */
  write(change: StoreChange): Promise<void>
  /** Waits for what is under way and lets go of the directory. */
  close(): Promise<void>
}

const EMPTY_HEAD: StoreHead = { memory: 'kept', memberEpoch: 0, last: null, height: 0, deliveredHeight: 0 }

/**
 * Opens a database, finds out whose it is, and reads where it ends.
 *
 * @param options - `openDatabase`: a test gives its own
 * @param judge - is told whether the directory is new; throws if that is wrong, and returns whether the log is to be dropped
 */
export async function openStore(
  options: {
    readonly directory: string
    readonly identity: Identity
    readonly openDatabase?: OpenDatabase | undefined
  },
  judge: (isNew: boolean) => boolean,
): Promise<NodeStore> {
  const { directory, identity, openDatabase = openLevelDatabase } = options
  const database = await openDatabase(directory)
  try {
    const found = await readEntry(database, IDENTITY_KEY)
    if (found !== undefined) assertSame(identity, decodeIdentity(found))
    else await assertEmpty(database)
    const isLost = judge(found === undefined)
    if (isLost) return await startWithoutMemory(database, identity)
    if (found === undefined) {
      const store = new LevelStore(database, EMPTY_HEAD, [])
      await store.found(identity, [])
      return store
    }
    return await resumeStore(database)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function resumeStore(database: Database): Promise<LevelStore> {
  const entry = (await readEntry(database, HEAD_KEY)) ?? fault('head')
  const head = decodeHead(entry)
  if ((await findLastHeight(database)) !== head.height) throw corrupt(blockKey(head.height))
  return new LevelStore(database, head, await readRecords(database, head))
}

/** Keeps the blocks, which prove themselves, and drops all records. */
async function startWithoutMemory(database: Database, identity: Identity): Promise<LevelStore> {
  const height = await findLastHeight(database)
  const store = new LevelStore(database, { ...EMPTY_HEAD, memory: 'lost', height, deliveredHeight: height }, [])
  const drops: Operation[] = []
  for await (const [key] of readRange(database, LOG_RANGE)) drops.push({ type: 'del', key })
  await store.found(identity, drops)
  return store
}

async function readRecords(database: Database, head: StoreHead): Promise<readonly ChainedRecord[]> {
  const records: ChainedRecord[] = []
  for await (const [key, value] of readRange(database, LOG_RANGE)) {
    const record = decodeRecordEntry(key, value)
    const before = records.at(-1)
    const follows =
      before === undefined || (record.index === before.index + 1 && equalBytes(record.previous, before.digest))
    if (parseKey(key)[0] !== head.memberEpoch || !follows) throw corrupt(key)
    records.push(record)
  }
  const last = records.at(-1)
  const isWhole =
    last === undefined || head.last === null
      ? last === undefined && head.last === null
      : last.index === head.last.index && equalBytes(last.digest, head.last.digest)
  if (!isWhole) throw corrupt(recordKey(head.memberEpoch, head.last?.index ?? 0))
  return records
}

/** LevelDB checks its own blocks on some ways of reading, and says so in its own words. */
async function readEntry(database: Database, key: string): Promise<Uint8Array | undefined> {
  try {
    return await database.get(key)
  } catch (cause) {
    throw corrupt(key, cause)
  }
}

async function* readRange(database: Database, range: KeyRange): AsyncIterable<readonly [string, Uint8Array]> {
  try {
    yield* database.iterator(range)
  } catch (cause) {
    throw corrupt(range.gte, cause)
  }
}

async function findLastHeight(database: Database): Promise<number> {
  for await (const [key] of readRange(database, { ...BLOCK_RANGE, reverse: true, limit: 1 })) {
    const [height = Number.NaN] = parseKey(key)
    if (Number.isNaN(height)) throw corrupt(key)
    return height
  }
  return 0
}

async function assertEmpty(database: Database): Promise<void> {
  for await (const [key] of readRange(database, { gte: '', lt: '\u{10ffff}', limit: 1 })) {
    // Entries of ours without the one that says whose they are, or a database of something else.
    if (key === HEAD_KEY || key.startsWith('log/') || key.startsWith('block/')) throw corrupt(IDENTITY_KEY)
    throw foreign(
      'an empty directory or one of vitalseal',
      `the database of something else, with key ${key.slice(0, 40)}`,
    )
  }
}

function fault(where: string): never {
  throw corrupt(where)
}

function assertSame(expected: Identity, found: Identity): void {
  for (const field of ['purpose', 'chainId', 'member'] as const) {
    if (expected[field] === found[field]) continue
    throw foreign(`${field} ${expected[field] ?? 'none'}`, found[field] ?? 'none')
  }
}

/** The open store. */
class LevelStore implements NodeStore {
  readonly #database: Database
  readonly #writer: GroupWriter
  #head: StoreHead
  #records: readonly ChainedRecord[] | undefined
  /** The first record that is still there. */
  #firstIndex: number
  #durableHeight: number

  constructor(database: Database, head: StoreHead, records: readonly ChainedRecord[]) {
    this.#database = database
    this.#writer = createGroupWriter(database)
    this.#head = head
    this.#records = records
    this.#firstIndex = records[0]?.index ?? 0
    this.#durableHeight = head.height
  }

  get head(): StoreHead {
    return this.#head
  }

  /** Writes whose database it is. */
  async found(identity: Identity, operations: readonly Operation[]): Promise<void> {
    const value = encodeIdentity(identity)
    await this.#writer.write([...operations, { type: 'put', key: IDENTITY_KEY, value }, this.#headOperation()])
  }

  takeRecords(): readonly LogRecord[] {
    const records = this.#records ?? rejectArgument('takeRecords', 'to be called once', 'a second call')
    this.#records = undefined
    return records.map(({ index, bytes, keepFrom }) => ({ index, bytes, keepFrom }))
  }

  async write(change: StoreChange): Promise<void> {
    const operations = this.#plan(change)
    const { height } = this.#head
    await this.#writer.write(operations)
    this.#durableHeight = Math.max(this.#durableHeight, height)
  }

  #plan(change: StoreChange): readonly Operation[] {
    const { records = [], blocks = [], memberEpoch = this.#head.memberEpoch } = change
    const { deliveredHeight = this.#head.deliveredHeight, memory = this.#head.memory } = change
    const operations: Operation[] = []
    if (memberEpoch !== this.#head.memberEpoch) operations.push(...this.#enterEpoch(memberEpoch))
    for (const record of records) operations.push(this.#append(record))
    operations.push(...this.#release(records.at(-1)?.keepFrom ?? 0))
    for (const block of blocks) operations.push(...this.#addBlock(block))
    this.#head = { ...this.#head, deliveredHeight, memory }
    operations.push(this.#headOperation())
    return operations
  }

  #headOperation(): Operation {
    return { type: 'put', key: HEAD_KEY, value: encodeHead(this.#head) }
  }

  #enterEpoch(memberEpoch: number): readonly Operation[] {
    if (memberEpoch < this.#head.memberEpoch)
      rejectArgument('memberEpoch', 'the current one or later', `${memberEpoch}`)
    const operations = this.#release((this.#head.last?.index ?? -1) + 1)
    this.#firstIndex = 0
    this.#head = { ...this.#head, memberEpoch, last: null }
    return operations
  }

  #append(record: LogRecord): Operation {
    const { memberEpoch, last } = this.#head
    const indexNext = last === null ? 0 : last.index + 1
    if (record.index !== indexNext) rejectArgument('record.index', `${indexNext}`, `${record.index}`)
    const chained = chainRecord(memberEpoch, record, last?.digest ?? FIRST_PREVIOUS)
    this.#head = { ...this.#head, last: { index: record.index, digest: chained.digest } }
    return { type: 'put', key: recordKey(memberEpoch, record.index), value: encodeRecordEntry(chained) }
  }

  /** Drops the records below an index. */
  #release(keepFrom: number): readonly Operation[] {
    const operations: Operation[] = []
    for (; this.#firstIndex < keepFrom; this.#firstIndex++)
      operations.push({ type: 'del', key: recordKey(this.#head.memberEpoch, this.#firstIndex) })
    return operations
  }

  #addBlock(block: StoredBlock): readonly Operation[] {
    const heightNext = this.#head.height + 1
    if (block.height < heightNext) return []
    if (block.height > heightNext) rejectArgument('block.height', `at most ${heightNext}`, `${block.height}`)
    this.#head = { ...this.#head, height: heightNext }
    return [{ type: 'put', key: blockKey(heightNext), value: encodeStoredBlock(block) }]
  }

  append(block: StoredBlock): Promise<void> {
    return this.write({ blocks: [block] })
  }

  async read(height: number): Promise<StoredBlock | undefined> {
    if (!Number.isSafeInteger(height) || height < 1 || height > this.#durableHeight) return undefined
    const value = (await readEntry(this.#database, blockKey(height))) ?? fault(blockKey(height))
    return decodeStoredBlock(height, value)
  }

  height(): Promise<number> {
    return Promise.resolve(this.#durableHeight)
  }

  async close(): Promise<void> {
    await this.#writer.settle()
    await this.#database.close()
  }
}

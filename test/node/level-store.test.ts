import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ClassicLevel } from 'classic-level'
import { afterAll, describe, expect, it } from 'vitest'

import type { StoredBlock } from '../../src/chain/index.ts'
import { isVitalsealError, type ErrorCode } from '../../src/errors.ts'
import { blockKey, recordKey } from '../../src/node/entries.ts'
import { openLedgerStore, openNodeStore, openReplicaLog, type NodeStoreOptions } from '../../src/node/open-stores.ts'
import type { LogRecord } from '../../src/pbft/index.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { createSigner } from '../../src/primitives/signature.ts'
import { createMemoryDatabase, type Disk } from '../support/memory-database.ts'

const chainId = createId('chain', sha256(toUtf8('chain')))
const member = createSigner(new Uint8Array(32).fill(1)).did
const other = createSigner(new Uint8Array(32).fill(2)).did
const folders: string[] = []

afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))))

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vitalseal-store-'))
  folders.push(path)
  return path
}

const record = (index: number, keepFrom = 0): LogRecord => ({ index, bytes: toUtf8(`record ${index}`), keepFrom })
const block = (height: number): StoredBlock => ({
  height,
  block: toUtf8(`block ${height}`),
  certificate: toUtf8(`certificate ${height}`),
})

const open = (disk: Disk, options: Partial<NodeStoreOptions> = {}) =>
  openNodeStore({
    directory: 'somewhere',
    chainId,
    member,
    openDatabase: () => Promise.resolve(createMemoryDatabase(disk)),
    ...options,
  })

async function failure(work: Promise<unknown>): Promise<{ readonly code: ErrorCode; readonly where?: string }> {
  try {
    await work
  } catch (error) {
    if (!isVitalsealError(error)) throw error
    return { code: error.code, ...(error.details as { readonly where?: string }) }
  }
  return expect.unreachable('nothing failed')
}

/** Three records and two blocks. */
async function filled(): Promise<Disk> {
  const disk: Disk = new Map()
  const store = await open(disk, { initialise: true })
  await store.write({ records: [record(0), record(1)], blocks: [block(1)] })
  await store.write({ records: [record(2)], blocks: [block(2)], deliveredHeight: 2 })
  await store.close()
  return disk
}

/** Reads everything there is. */
async function readAll(disk: Disk): Promise<readonly string[]> {
  const store = await open(disk)
  const found = store.takeRecords().map(({ index }) => `record ${index}`)
  for (let height = 1; height <= store.head.height; height++) found.push(`block ${(await store.read(height))?.height}`)
  return found
}

describe('what is kept', () => {
  it('comes back after reopening', async () => {
    const directory = await folder()
    const first = await openNodeStore({ directory, chainId, member, initialise: true })
    expect(first.takeRecords()).toEqual([])
    await Promise.all([
      first.write({ records: [record(0), record(1)], blocks: [block(1)] }),
      first.write({ records: [record(2)], blocks: [block(1), block(2)], deliveredHeight: 1 }),
    ])
    await first.close()
    const again = await openNodeStore({ directory, chainId, member })
    expect(again.takeRecords()).toEqual([record(0), record(1), record(2)])
    expect(() => again.takeRecords()).toThrow('once')
    expect(again.head).toMatchObject({ memory: 'kept', memberEpoch: 0, height: 2, deliveredHeight: 1 })
    expect([await again.read(1), await again.read(2), await again.read(3), await again.read(0)]).toEqual([
      block(1),
      block(2),
      undefined,
      undefined,
    ])
    await again.close()
  })

  it('is let go of below keepFrom, and with its epoch', async () => {
    const disk = await filled()
    const store = await open(disk)
    await store.write({ records: [record(3), record(4, 3)] })
    expect([...disk.keys()].filter((key) => key.startsWith('log/'))).toEqual([recordKey(0, 3), recordKey(0, 4)])
    await store.write({ memberEpoch: 1, records: [record(0)] })
    expect([...disk.keys()].filter((key) => key.startsWith('log/'))).toEqual([recordKey(1, 0)])
    const again = await open(disk)
    expect(again.head.memberEpoch).toBe(1)
    expect(again.takeRecords()).toEqual([record(0)])
    await expect(again.write({ memberEpoch: 0 })).rejects.toThrow('memberEpoch')
  })

  it('has no gap', async () => {
    const store = await open(await filled())
    await expect(store.write({ records: [record(4)] })).rejects.toThrow('"record.index" expected 3, found 4')
    await expect(store.append(block(4))).rejects.toThrow('"block.height" expected at most 3, found 4')
  })

  it('is shown only when it is durable', async () => {
    const disk: Disk = new Map()
    const store = await open(disk, {
      initialise: true,
      openDatabase: () => Promise.resolve(createMemoryDatabase(disk, { delayMs: 5 })),
    })
    const writing = store.append(block(1))
    expect([store.head.height, await store.height(), await store.read(1)]).toEqual([1, 0, undefined])
    await writing
    expect([await store.height(), await store.read(1)]).toEqual([1, block(1)])
  })
})

describe('whose directory it is', () => {
  it('must be said for an empty one', async () => {
    expect(await failure(open(new Map()))).toMatchObject({ code: 'ERR_NODE_INITIALISE' })
    expect((await open(new Map(), { initialise: true })).head.memory).toBe('kept')
    expect((await open(new Map(), { initialise: 'lost-disk' })).head.memory).toBe('lost')
  })

  it('must not be said again', async () => {
    expect(await failure(open(await filled(), { initialise: true }))).toMatchObject({ code: 'ERR_NODE_INITIALISE' })
  })

  it('keeps blocks and drops records after a lost memory', async () => {
    const disk = await filled()
    disk.delete(recordKey(0, 1))
    const store = await open(disk, { initialise: 'lost-disk' })
    expect(store.takeRecords()).toEqual([])
    expect(store.head).toMatchObject({ memory: 'lost', last: null, height: 2, deliveredHeight: 2 })
    expect((await open(disk)).head.memory).toBe('lost')
  })

  it.each([
    ['chain', { chainId: createId('chain', sha256(toUtf8('another'))) }],
    ['member', { member: other }],
  ])('is refused to another %s', async (_, options) => {
    expect(await failure(open(await filled(), options))).toMatchObject({ code: 'ERR_NODE_STORE_FOREIGN' })
  })

  it('is refused for another purpose, and where something else lies', async () => {
    const directory = await folder()
    await (await openLedgerStore(directory)).close()
    expect(await failure(openNodeStore({ directory, chainId, member }))).toMatchObject({
      code: 'ERR_NODE_STORE_FOREIGN',
    })
    const theirs = await folder()
    const level = new ClassicLevel(theirs)
    await level.put('something', 'else')
    await level.close()
    expect(await failure(openLedgerStore(theirs))).toMatchObject({ code: 'ERR_NODE_STORE_FOREIGN' })
  })

  it('is refused while it is open', async () => {
    const directory = await folder()
    const store = await openLedgerStore(directory)
    expect(await failure(openLedgerStore(directory))).toEqual({ code: 'ERR_NODE_STORE_LOCKED', directory })
    await store.close()
    await (await openLedgerStore(directory)).close()
  })

  it('is refused where no directory can be', async () => {
    expect(await failure(openLedgerStore('/dev/null/store'))).toMatchObject({ code: 'ERR_NODE_DISK' })
  })
})

describe('damage', () => {
  it('is found at every bit of every entry', async () => {
    const whole = await filled()
    const all = await readAll(whole)
    let damaged = 0
    for (const [key, value] of whole) {
      for (let bit = 0; bit < 8 * value.length; bit += 3) {
        const bytes = Uint8Array.from(value)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        // The chain id in the identity is judged after its digest.
        expect(await failure(readAll(new Map(whole).set(key, bytes)))).toMatchObject({ code: 'ERR_NODE_STORE_CORRUPT' })
        damaged += 1
      }
    }
    expect(await readAll(whole)).toEqual(all)
    expect(damaged).toBeGreaterThan(1_000)
  })

  it.each(['head', 'identity', recordKey(0, 1), recordKey(0, 2), blockKey(1), blockKey(2)])(
    'is told where %s is missing',
    async (key) => {
      const disk = await filled()
      disk.delete(key)
      const { code, where } = await failure(readAll(disk))
      expect(code).toBe('ERR_NODE_STORE_CORRUPT')
      if (key === 'identity' || key.startsWith('block/')) expect(where).toBe(key)
    },
  )

  it('is told where an entry stands in the place of another', async () => {
    const disk = await filled()
    disk.set(blockKey(2), disk.get(blockKey(1)) as Uint8Array)
    expect(await failure(readAll(disk))).toEqual({ code: 'ERR_NODE_STORE_CORRUPT', where: blockKey(2) })
  })

  it('is not a tail that was never acknowledged', async () => {
    const disk = await filled()
    const before = new Map(disk)
    const store = await open(disk)
    await store.write({ records: [record(3)], blocks: [block(3)] })
    expect(await readAll(before)).toHaveLength(5)
    expect(await readAll(disk)).toHaveLength(7)
  })
})

describe('a write that fails', () => {
  it.each([1, 2, 3])('is the last: batch %i', async (failAt) => {
    const disk = await filled()
    const store = await open(disk, { openDatabase: () => Promise.resolve(createMemoryDatabase(disk, { failAt })) })
    const acknowledged: number[] = []
    for (let index = 3; index < 8; index++) {
      const writing = store.write({ records: [record(index)] }).then(() => acknowledged.push(index))
      if (index < failAt + 2) await writing
      else expect(await failure(writing)).toMatchObject({ code: 'ERR_NODE_DISK' })
    }
    await store.close()
    const again = (await open(disk)).takeRecords().map(({ index }) => index)
    expect(again).toEqual([0, 1, 2, ...acknowledged])
  })

  it('takes those with it that wait behind it', async () => {
    const disk = await filled()
    const database = createMemoryDatabase(disk, { failAt: 1, delayMs: 1 })
    const store = await open(disk, { openDatabase: () => Promise.resolve(database) })
    const write = (index: number) => failure(store.write({ records: [record(index)] }))
    const first = write(3)
    await new Promise(setImmediate)
    expect(await Promise.all([first, write(4), write(5)])).toEqual(Array(3).fill({ code: 'ERR_NODE_DISK' }))
    expect(database.batchCount).toBe(1)
  })
})

it('commits in groups', async () => {
  const disk = await filled()
  const database = createMemoryDatabase(disk, { delayMs: 1 })
  const store = await open(disk, { openDatabase: () => Promise.resolve(database) })
  const done: number[] = []
  const writeMany = (first: number) =>
    Array.from({ length: 50 }, (_, at) =>
      store.write({ records: [record(first + at)] }).then(() => done.push(first + at)),
    )
  const early = writeMany(3)
  await new Promise(setImmediate)
  await Promise.all([...early, ...writeMany(53)])
  expect(database.batchCount).toBe(2)
  expect(done).toEqual(Array.from({ length: 100 }, (_, at) => 3 + at))
})

describe('stores for hosts of your own', () => {
  it('keep blocks', async () => {
    const directory = await folder()
    const store = await openLedgerStore(directory)
    await store.append(block(1))
    await store.append(block(1))
    await store.append(block(2))
    await store.close()
    const again = await openLedgerStore(directory)
    expect([await again.height(), await again.read(2)]).toEqual([2, block(2)])
    await again.close()
  })

  it('keep a log, and know a first start from a lost one', async () => {
    const directory = await folder()
    const log = await openReplicaLog(directory, { initialise: true })
    expect(log.records()).toBeUndefined()
    await log.append([record(0), record(1)])
    await log.close()
    expect(await failure(openReplicaLog(directory, { initialise: true }))).toMatchObject({
      code: 'ERR_NODE_INITIALISE',
    })
    const again = await openReplicaLog(directory)
    expect(again.records()).toEqual([record(0), record(1)])
    await again.close()
    const lost = await openReplicaLog(await folder())
    expect(lost.records()).toEqual([])
    await lost.close()
  })
})

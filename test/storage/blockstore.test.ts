import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryBlockstore as MemoryBlockstore5 } from 'blockstore-core-5'
import { MemoryBlockstore as MemoryBlockstore6 } from 'blockstore-core-6'
import { MemoryBlockstore as MemoryBlockstore7 } from 'blockstore-core-7'
import { FsBlockstore } from 'blockstore-fs'
import { LevelBlockstore } from 'blockstore-level'
import { afterAll, describe, expect, it } from 'vitest'

import { isVitalsealError } from '../../src/errors.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import {
  checkBlockstore,
  copyRecord,
  createMemoryBlockstore,
  openRecord,
  sealRecord,
  storeRecord,
  streamRecord,
  streamRecordBlocks,
  type Blockstore,
} from '../../src/storage/index.ts'
import { codeOfAsync, collect, key, sameBytes, sampleBytes, storeOf } from './fixtures.ts'

const folders: string[] = []
const closing: (() => Promise<void>)[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vitalseal-blocks-'))
  folders.push(path)
  return path
}

async function opened<T extends { open(): Promise<void>; close(): Promise<void> }>(store: T): Promise<T> {
  await store.open()
  closing.push(() => store.close())
  return store
}

afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  await Promise.all(folders.map((path) => rm(path, { recursive: true })))
})

const STORES: Readonly<Record<string, () => Blockstore | Promise<Blockstore>>> = {
  'our memory store': createMemoryBlockstore,
  'blockstore-core 5': () => new MemoryBlockstore5(),
  'blockstore-core 6': () => new MemoryBlockstore6(),
  'blockstore-core 7': () => new MemoryBlockstore7(),
  'blockstore-fs 4': async () => opened(new FsBlockstore(await folder())),
  'blockstore-level 4': async () => opened(new LevelBlockstore(await folder())),
}

const small = await sealRecord(toUtf8('44 /min'), { key })
const large = await sealRecord(sampleBytes(1_100_000), { key })

describe.each(Object.keys(STORES))('%s', (name) => {
  const create = STORES[name]!

  it('keeps every rule of the compliance suite', async () => {
    const checks = await checkBlockstore(create)
    expect(checks.length).toBeGreaterThan(6)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
  })

  it('keeps records and gives them back, in one block and in frames', async () => {
    const blocks = await create()
    const signal = new AbortController().signal
    for (const [record, plaintext] of [
      [small, toUtf8('44 /min')],
      [large, sampleBytes(1_100_000)],
    ] as const) {
      expect(await storeRecord(record, { blocks, signal })).toBe(record.id)
      expect(sameBytes(await openRecord(record.id, { key, blocks, signal }), plaintext)).toBe(true)
      expect(sameBytes(await collect(streamRecord(record.id, { key, blocks })), plaintext)).toBe(true)
    }
  })

  it('tells an absent record from everything else', async () => {
    const blocks = await create()
    expect(await codeOfAsync(openRecord(small.id, { key, blocks }))).toBe('ERR_STORAGE_NOT_FOUND')
  })
})

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

/** A store that answers a read in its own way. */
function answering(get: Blockstore['get']): Blockstore {
  return { get, put: () => undefined }
}

const bytes = small.blocks[0]!.bytes

describe('what get may give', () => {
  const pieces = [bytes.subarray(0, 5), new Uint8Array(0), bytes.subarray(5)]
  const answers: Readonly<Record<string, Blockstore['get']>> = {
    bytes: () => bytes,
    'a promise of bytes': () => Promise.resolve(bytes),
    'a Buffer': () => Buffer.from(bytes),
    'bytes over shared memory': () => {
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
      shared.set(bytes)
      return shared
    },
    'a list of pieces': () => pieces,
    *'a generator'() {
      yield* pieces
    },
    async *'an async generator'() {
      for (const piece of pieces) yield await Promise.resolve(piece)
    },
    'a promise of a generator': () => Promise.resolve(pieces.values()),
    'many pieces of one byte': () => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1)),
  }

  it.each(Object.keys(answers))('%s', async (name) => {
    expect(await openRecord(small.id, { key, blocks: answering(answers[name]!) })).toEqual(toUtf8('44 /min'))
  })
})

describe('an absent block', () => {
  const answers: Readonly<Record<string, Blockstore['get']>> = {
    'is undefined': () => undefined,
    'is a promise of undefined': () => Promise.resolve(undefined),
    'throws NotFoundError': () => {
      throw named('NotFoundError', 'nothing here')
    },
    'rejects with ERR_NOT_FOUND': () => Promise.reject(Object.assign(new Error('x'), { code: 'ERR_NOT_FOUND' })),
    'rejects with ENOENT': () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' })),
    *'fails while iterating'() {
      throw named('NotFoundError', 'nothing here')
    },
  }

  it.each(Object.keys(answers))('%s', async (name) => {
    const code = await codeOfAsync(openRecord(small.id, { key, blocks: answering(answers[name]!) }))
    expect(code).toBe('ERR_STORAGE_NOT_FOUND')
  })
})

describe('a store that is faulty or hostile', () => {
  const endless = function* () {
    for (;;) yield new Uint8Array(0)
  }
  const much = function* () {
    for (;;) yield new Uint8Array(60_000)
  }
  const answers: Readonly<Record<string, Blockstore['get']>> = {
    'gives other bytes': () => toUtf8('something else'),
    'gives nothing': () => new Uint8Array(0),
    'gives more than a block': () => new Uint8Array(3 << 20),
    'gives pieces without end': much,
    'gives empty pieces without end': endless,
    'gives text': () => 'text' as never,
    'gives null': () => null as never,
    'gives numbers': () => [1, 2, 3] as never,
    'gives an object': () => ({}) as never,
    'gives 16-bit numbers': () => new Uint16Array(bytes) as never,
  }

  it.each(Object.keys(answers))('%s: corrupt', async (name) => {
    const code = await codeOfAsync(openRecord(small.id, { key, blocks: answering(answers[name]!) }))
    expect(code).toBe('ERR_STORAGE_CORRUPT')
  })

  it('stops asking for pieces once there are too many bytes, and says so to the store', async () => {
    let given = 0
    let ended = false
    const counted = function* () {
      try {
        for (;;) {
          given += 100_000
          yield new Uint8Array(100_000)
        }
      } finally {
        ended = true
      }
    }
    await codeOfAsync(openRecord(small.id, { key, blocks: answering(counted) }))
    expect(given).toBeLessThan(1_300_000)
    expect(ended).toBe(true)
  })

  it('fails: the cause is kept', async () => {
    const failure = new Error('the network is down')
    const blocks = answering(() => Promise.reject(failure))
    const error: unknown = await openRecord(small.id, { key, blocks }).catch((caught: unknown) => caught)
    expect(isVitalsealError(error, 'ERR_STORAGE_READ') && error.cause === failure).toBe(true)
  })

  it('does not keep what it was given: a write fails, and a record is not called stored', async () => {
    const memory = createMemoryBlockstore()
    const failing: Readonly<Record<string, Blockstore>> = {
      'put throws': {
        get: memory.get,
        put: () => {
          throw new Error('disk full')
        },
      },
      'put rejects': { get: memory.get, put: () => Promise.reject(new Error('disk full')) },
      'put does nothing': { get: memory.get, put: () => undefined },
      'put keeps other bytes': {
        get: memory.get,
        put: (cid, value) => {
          memory.put(cid, value.subarray(1))
        },
      },
    }
    for (const [name, blocks] of Object.entries(failing)) {
      for (const record of [small, large]) {
        expect(await codeOfAsync(storeRecord(record, { blocks })), name).toBe('ERR_STORAGE_WRITE')
      }
    }
  })
})

describe('the signal', () => {
  it('reaches the store', async () => {
    const seen: unknown[] = []
    const memory = storeOf(small.blocks)
    const blocks: Blockstore = {
      get: (cid, options) => (seen.push(options?.signal), memory.get(cid)),
      put: () => undefined,
    }
    const { signal } = new AbortController()
    await openRecord(small.id, { key, blocks, signal })
    expect(seen).toEqual([signal])
  })

  it('that is none of the platform stays here: stores call what it does not have', async () => {
    const store = new MemoryBlockstore5()
    const signal = { aborted: false, addEventListener: () => undefined }
    await storeRecord(small, { blocks: store, signal })
    expect(await codeOfAsync(openRecord(small.id, { key, blocks: store, signal }))).toBe('resolved')
  })

  it('given while the store works: the work ends as aborted, whatever the store throws', async () => {
    const controller = new AbortController()
    const blocks = answering(() => {
      controller.abort()
      return Promise.reject(named('AbortError', 'aborted'))
    })
    const { signal } = controller
    expect(await codeOfAsync(openRecord(small.id, { key, blocks, signal }))).toBe('ERR_ABORTED')
  })
})

describe('checkBlockstore', () => {
  it('never throws, and finds each fault', async () => {
    const memory = createMemoryBlockstore()
    const faulty: Readonly<Record<string, () => Blockstore>> = {
      'cannot be created': () => {
        throw new Error('no disk')
      },
      'forgets at once': () => ({ get: () => undefined, put: () => undefined }),
      'gives null for what is absent': () => ({ ...memory, get: (cid) => memory.get(cid) ?? (null as never) }),
      'fails for what is absent': () => ({
        ...memory,
        get: (cid) => memory.get(cid) ?? Promise.reject(new Error('500')),
      }),
      'does not delete': () => ({ get: memory.get, put: memory.put, delete: () => undefined }),
      'keeps 100 kB at most': () => ({
        get: memory.get,
        put: (cid, value) => {
          memory.put(cid, value.subarray(0, 100_000))
        },
      }),
      'cannot put twice': () => ({
        get: memory.get,
        put: (cid, value) => {
          if (memory.get(cid) !== undefined) throw new Error('exists')
          memory.put(cid, value)
        },
      }),
      'keys by digest of the last block only': () => {
        let last: Uint8Array | undefined
        return {
          get: () => last,
          put: (_, value) => {
            last = value
          },
        }
      },
    }
    for (const [name, create] of Object.entries(faulty)) {
      const checks = await checkBlockstore(create)
      expect(
        checks.some(({ ok }) => !ok),
        name,
      ).toBe(true)
      expect(
        checks.filter(({ ok }) => !ok).every(({ message }) => typeof message === 'string'),
        name,
      ).toBe(true)
    }
  })

  it('takes away what it put into a shared store', async () => {
    const shared = createMemoryBlockstore()
    await checkBlockstore(() => shared)
    expect(shared.blockCount).toBe(0)
  })
})

describe('copyRecord and streamRecordBlocks', () => {
  it('carry a record to another store without a key, the block of the id last', async () => {
    const source = storeOf([...small.blocks, ...large.blocks])
    for (const record of [small, large]) {
      const target = createMemoryBlockstore()
      const steps: string[] = []
      await copyRecord(record.id, {
        source,
        target,
        onProgress: ({ done, total }) => void steps.push(`${done}/${total}`),
      })
      expect(await codeOfAsync(openRecord(record.id, { key, blocks: target }))).toBe('resolved')
      expect(steps.at(-1)).toBe(`${record.blocks.length}/${record.blocks.length}`)
      const cids: string[] = []
      for await (const { cid } of streamRecordBlocks(record.id, { blocks: source })) cids.push(cid.toString())
      expect(cids).toEqual(record.blocks.map(({ cid }) => cid.toString()))
    }
  })

  it('carry nothing that is missing, damaged or no record', async () => {
    const target = createMemoryBlockstore()
    const missing = storeOf(large.blocks.slice(1))
    expect(await codeOfAsync(copyRecord(large.id, { source: missing, target }))).toBe('ERR_STORAGE_NOT_FOUND')
    const damaged = storeOf(large.blocks.slice(1))
    damaged.put(large.blocks[0]!.cid, toUtf8('x'))
    expect(await codeOfAsync(copyRecord(large.id, { source: damaged, target }))).toBe('ERR_STORAGE_CORRUPT')
    expect(target.get(large.blocks.at(-1)!.cid)).toBeUndefined()
  })
})

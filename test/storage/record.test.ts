import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { concatBytes, fromHex, fromUtf8, toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { RAW_CODEC, toCid } from '../../src/primitives/content-id.ts'
import { FRAME_BYTES_MAX, RECORD_BYTES_MAX, SEALED_BLOCK_BYTES_MAX } from '../../src/primitives/limits.ts'
import { planLayout } from '../../src/storage/header.ts'
import { mapInOrder } from '../../src/storage/concurrency.ts'
import {
  createMemoryBlockstore,
  openRecord,
  parseRecordHeader,
  sealRecord,
  sealStream,
  storeRecord,
  streamRecord,
  type Blockstore,
  type SealedRecord,
} from '../../src/storage/index.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { seededRandom } from '../support/parties.ts'
import { codeOfAsync, collect, key, sameBytes, sampleBytes, stored, storeOf } from './fixtures.ts'

const mediaType = 'application/fhir+json'
/** Two bytes of length, a header with the default media type, the tag. */
const BLOCK_OVERHEAD = 2 + 92 + 16

function rootOf(record: SealedRecord) {
  const { bytes } = record.blocks.at(-1)!
  return unwrap(parseRecordHeader(record.id, bytes))
}

describe('sealRecord and openRecord', () => {
  it.each([0, 1, 63, 64, 1_023, 1_024, 1_025, 10_000, 70_000, 1_048_576, 1_100_000])(
    'give back exactly the %i bytes that were sealed',
    async (size) => {
      const plaintext = sampleBytes(size)
      for (const padding of ['size-class', 'none'] as const) {
        const record = await sealRecord(plaintext, { key, padding })
        const blocks = await stored(record)
        expect(sameBytes(await openRecord(record.id, { key, blocks }), plaintext)).toBe(true)
        expect(sameBytes(await collect(streamRecord(record.id, { key, blocks })), plaintext)).toBe(true)
      }
    },
  )

  it('keep the text of numbers', async () => {
    const text = '{"resourceType":"Observation","valueQuantity":{"value":1.00,"unit":"mmol/L"}}'
    const record = await sealRecord(toUtf8(text), { key })
    expect(fromUtf8(await openRecord(record.id, { key, blocks: await stored(record) }))).toBe(text)
  })

  it.each([0, 63, 1_048_576])('keep zeros and padding markers at the end of %i bytes', async (size) => {
    for (const tail of ['', '00', '80', '8000', '0080', '808080', '00'.repeat(300)]) {
      const plaintext = concatBytes(sampleBytes(size), fromHex(tail))
      const record = await sealRecord(plaintext, { key })
      const opened = await openRecord(record.id, { key, blocks: await stored(record) })
      expect(sameBytes(opened, plaintext), tail).toBe(true)
    }
  })

  it('return bytes with no padding behind them', async () => {
    for (const size of [10, 20_000]) {
      const record = await sealRecord(sampleBytes(size), { key })
      const opened = await openRecord(record.id, { key, blocks: await stored(record) })
      expect(opened.buffer.byteLength).toBe(size)
    }
  })

  it('are not linked by sealing the same bytes twice', async () => {
    const [one, two] = [await sealRecord(toUtf8('44 /min'), { key }), await sealRecord(toUtf8('44 /min'), { key })]
    expect(one.id).not.toBe(two.id)
    expect(toHex(rootOf(one).commitment)).not.toBe(toHex(rootOf(two).commitment))
  })

  it('refuse what is no plaintext', async () => {
    expect(await codeOfAsync(sealRecord('text' as never, { key }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key, mediaType: 'no type' }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key, mediaType: 7 as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key, kind: 'key' as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOfAsync(sealRecord(toUtf8('x'), { key, padding: true as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOfAsync(openRecord('no id' as never, { key, blocks: createMemoryBlockstore() }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })
})

describe('the form of a record', () => {
  it('is pinned', async () => {
    const record = await sealRecord(toUtf8('44 /min'), { key }, seededRandom('pinned'))
    expect(record.id).toMatchInlineSnapshot(`"bafkreidxho4m2kxhloezitlihfjn7uacop4bpf67szefvarze5vfi3sbti"`)
    expect(toHex(record.blocks[0]!.bytes)).toMatchInlineSnapshot(
      `"005c84015820db51eb6b847574c9f2c9780636dc397b40b74dea4d86b49b61b5dabd3c5391a2582065703d5291c6da19df9b709fda25839f2ba3af2528dd7610334e668c44696ec7756170706c69636174696f6e2f666869722b6a736f6e9f1577b7526108d717c4665bebca53d6ef8bf281b8a22b82cf58ee869966541a28a072c87b0893a01376b08a51cef04f42ee48837f704cfd2052a70abf1fd6b020a1e2c0765af00245029a4e18be9d3d"`,
    )
  })

  it('of frames is pinned', async () => {
    const record = await sealRecord(new Uint8Array(SEALED_BLOCK_BYTES_MAX), { key }, seededRandom('pinned frames'))
    expect(record.id).toMatchInlineSnapshot(`"bafyreifyscivqvm7rnnxy7lxn5uf4dinmhkxkt5vf2r6ve7am67llkzk2e"`)
    expect(toHex(record.blocks.at(-1)!.bytes)).toMatchInlineSnapshot(
      `"860158200241e68352138248d8baa43ae6940b57cdd63bfbcefe921c4e42e0dae6a658b1582010ecc87290fb06d405b115b5f8246511ad2e650d4ef8e84bd5fe3d31d885c165756170706c69636174696f6e2f666869722b6a736f6e1a00034ccd85d82a58250001551220d692a6d03c4c8543d10d79621e0e341e8ec226d87347208c7a5f199462f1e404d82a582500015512206498ecd17815f3b38c12a9df291a132abf2ccb94d71350303a659c9d324ce21cd82a58250001551220a0fa11a72e10c0e7301fe584812d5a4bdf511528bb7e43d594f8fd0b1f796039d82a58250001551220843ce808d89e921575071174d07232bcdb38fc8df9491f4d703fcb4f70515db7d82a58250001551220a2f61c6375f66829a76221fbde24a80d8ea3ae95d1f901f359563881c8553123"`,
    )
  })

  it('is one raw block up to 1 MiB with its header, and frames from there on', async () => {
    const plaintextBytes = SEALED_BLOCK_BYTES_MAX - BLOCK_OVERHEAD - 1
    const largest = await sealRecord(sampleBytes(plaintextBytes), { key, padding: 'none' })
    expect(largest.blocks.map(({ bytes }) => bytes.length)).toEqual([SEALED_BLOCK_BYTES_MAX])
    expect(toCid(largest.id).code).toBe(RAW_CODEC)
    const framed = await sealRecord(sampleBytes(plaintextBytes + 1), { key, padding: 'none' })
    expect(framed.blocks).toHaveLength(5)
    expect(toCid(framed.id).code).not.toBe(RAW_CODEC)
  })

  it('has frames of one size, at most 256 KiB, under a manifest that comes last', async () => {
    const record = await sealRecord(sampleBytes(3_000_000), { key })
    const { frameBytes, paddedBytes, frames } = rootOf(record)
    const [manifest, ...blocks] = record.blocks.toReversed()
    expect(new Set(blocks.map(({ bytes }) => bytes.length))).toEqual(new Set([frameBytes + 16]))
    expect(frameBytes).toBeLessThanOrEqual(FRAME_BYTES_MAX)
    expect(frameBytes * frames.length).toBe(paddedBytes)
    expect(frames.map(String)).toEqual(blocks.toReversed().map(({ cid }) => cid.toString()))
    expect(manifest!.cid.toString()).toBe(record.id)
  })

  it('shows media type and sizes to everyone, and neither owner, type, epoch nor kind', async () => {
    const record = await sealRecord(toUtf8('x'), { key, mediaType: 'text/plain; charset=utf-8' })
    const header = rootOf(record)
    expect(header).toMatchObject({ suite: 1, mediaType: 'text/plain; charset=utf-8', paddedBytes: 64, frames: [] })
    expect(Object.keys(header).sort()).toEqual(
      ['suite', 'salt', 'commitment', 'mediaType', 'paddedBytes', 'frameBytes', 'frames'].sort(),
    )
  })

  it('has the same length for all plaintexts of a size class', async () => {
    const lengths = await Promise.all(
      [1_088, 1_089, 1_150, 1_151, 1_152].map(
        async (size) => (await sealRecord(sampleBytes(size - 1), { key })).blocks[0]!.bytes.length,
      ),
    )
    expect(lengths.map((length) => length - BLOCK_OVERHEAD)).toEqual([1_088, 1_152, 1_152, 1_152, 1_152])
  })

  it('ends at 1 GiB with the byte that marks the end', () => {
    for (const padding of ['none', 'size-class'] as const) {
      const largest = planLayout(RECORD_BYTES_MAX - 1, { mediaType, padding })
      expect(largest).toMatchObject({ frameCount: 4_096, frameBytes: FRAME_BYTES_MAX, paddedBytes: RECORD_BYTES_MAX })
      expect(codeOf(() => planLayout(RECORD_BYTES_MAX, { mediaType, padding }))).toBe('ERR_ARGUMENT_INVALID')
    }
  })
})

describe('parseRecordHeader', () => {
  it('refuses truncations, trailing bytes in the header and later suites, with a path', async () => {
    const record = await sealRecord(toUtf8('44 /min'), { key })
    const { bytes } = record.blocks[0]!
    for (let length = 0; length < BLOCK_OVERHEAD; length++) {
      expect(codeOfResult(parseRecordHeader(record.id, bytes.subarray(0, length)))).not.toBe('accepted')
    }
    const later = Uint8Array.from(bytes)
    later[3] = 2
    expect(parseRecordHeader(record.id, later)).toMatchObject({ code: 'ERR_CODEC_VERSION', path: 'record.suite' })
    const longer = Uint8Array.from(bytes)
    longer[1]! += 1
    expect(codeOfResult(parseRecordHeader(record.id, longer))).toBe('ERR_CODEC_TRAILING_BYTES')
    expect(codeOfResult(parseRecordHeader(record.id, new Uint8Array(SEALED_BLOCK_BYTES_MAX + 1)))).toBe(
      'ERR_CODEC_LIMIT',
    )
  })

  it('refuses every truncation of a manifest, and bytes behind it', async () => {
    const record = await sealRecord(sampleBytes(1_100_000), { key })
    const { bytes } = record.blocks.at(-1)!
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOfResult(parseRecordHeader(record.id, bytes.subarray(0, length)))).toMatch(/^ERR_CODEC/)
    }
    const longer = Uint8Array.from([...bytes, 0])
    expect(codeOfResult(parseRecordHeader(record.id, longer))).toBe('ERR_CODEC_TRAILING_BYTES')
  })
})

describe('a range', () => {
  it('is what slice gives, from a block and from frames', async () => {
    for (const size of [3_000, 1_100_000]) {
      const plaintext = sampleBytes(size)
      const record = await sealRecord(plaintext, { key })
      const blocks = await stored(record)
      const { frameBytes } = rootOf(record)
      const places = [
        0,
        1,
        frameBytes - 1,
        frameBytes,
        frameBytes + 1,
        2 * frameBytes,
        size - 1,
        size,
        size + 5,
        2 * size,
      ]
      for (const start of places) {
        for (const end of places.filter((place) => place >= start)) {
          const opened = await openRecord(record.id, { key, blocks, range: { start, end } })
          expect(sameBytes(opened, plaintext.subarray(start, end)), `${start} to ${end} of ${size}`).toBe(true)
        }
      }
    }
  })

  it('reads the manifest and the frames that it needs, and nothing else', async () => {
    const record = await sealRecord(sampleBytes(1_100_000), { key })
    const blocks = await stored(record)
    const { frameBytes, frames } = rootOf(record)
    const read: string[] = []
    const watched: Blockstore = {
      put: () => undefined,
      get: (cid) => {
        read.push(cid.toString())
        return blocks.get(cid)
      },
    }
    await openRecord(record.id, { key, blocks: watched, range: { start: frameBytes + 1, end: frameBytes + 2 } })
    expect(read).toEqual([record.id, frames[1]!.toString()])
  })

  it('is found among zeros, which might be padding', async () => {
    const plaintext = new Uint8Array(1_300_000)
    plaintext[plaintext.length - 1] = 1
    const zeros = await sealRecord(plaintext.subarray(0, -1), { key })
    for (const [record, expected] of [
      [await sealRecord(plaintext, { key }), plaintext],
      [zeros, plaintext.subarray(0, -1)],
    ] as const) {
      const blocks = await stored(record)
      for (const range of [
        { start: 500_000, end: 500_010 },
        { start: 1_299_990, end: 1_400_000 },
        { start: 1_300_000, end: 9e6 },
      ]) {
        const opened = await openRecord(record.id, { key, blocks, range })
        expect(sameBytes(opened, expected.subarray(range.start, range.end))).toBe(true)
      }
      expect(sameBytes(await openRecord(record.id, { key, blocks }), expected)).toBe(true)
    }
  })

  it('must be one', async () => {
    const record = await sealRecord(toUtf8('44 /min'), { key })
    const blocks = await stored(record)
    for (const [start, end] of [
      [-1, 2],
      [3, 2],
      [0.5, 2],
      [0, NaN],
    ] as const) {
      expect(await codeOfAsync(openRecord(record.id, { key, blocks, range: { start, end } }))).toBe(
        'ERR_ARGUMENT_INVALID',
      )
    }
  })
})

describe('sealStream', () => {
  it.each([0, 5, 1_000, 1_048_576, 1_100_000])('seals %i bytes that come in pieces', async (size) => {
    const plaintext = sampleBytes(size)
    for (const pieceBytes of [100_000, 262_144, 3_000_000]) {
      const blocks = createMemoryBlockstore()
      async function* pieces() {
        for (let start = 0; start < size; start += pieceBytes)
          yield await Promise.resolve(plaintext.subarray(start, start + pieceBytes))
      }
      const id = await sealStream(pieces(), { key, blocks, plaintextBytes: size })
      expect(sameBytes(await openRecord(id, { key, blocks }), plaintext)).toBe(true)
    }
  })

  it('gives the record that sealRecord gives', async () => {
    for (const size of [50, 1_100_000]) {
      const plaintext = sampleBytes(size)
      const record = await sealRecord(plaintext, { key }, seededRandom('same'))
      const options = { key, blocks: createMemoryBlockstore(), plaintextBytes: size }
      expect(await sealStream([plaintext], options, seededRandom('same'))).toBe(record.id)
    }
  })

  it('names nothing when the length was another', async () => {
    const plaintext = sampleBytes(1_100_000)
    for (const plaintextBytes of [1_099_999, 1_100_001, 5, 3_000_000]) {
      const blocks = createMemoryBlockstore()
      expect(await codeOfAsync(sealStream([plaintext], { key, blocks, plaintextBytes }))).toBe('ERR_ARGUMENT_INVALID')
    }
    const blocks = createMemoryBlockstore()
    expect(await codeOfAsync(sealStream(['text' as never], { key, blocks, plaintextBytes: 4 }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    expect(await codeOfAsync(sealStream([], { key, blocks, plaintextBytes: -1 }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('has few frames in memory, however long the record is', async () => {
    const frame = sampleBytes(FRAME_BYTES_MAX)
    const pieceCount = 40
    let taken = 0
    let kept = 0
    let waitingMax = 0
    function* pieces() {
      for (; taken < pieceCount; taken++) {
        waitingMax = Math.max(waitingMax, taken - kept)
        yield frame
      }
    }
    const memory = createMemoryBlockstore()
    const blocks = {
      get: memory.get,
      put: (...[cid, bytes]: Parameters<typeof memory.put>) => {
        kept++
        memory.put(cid, bytes)
      },
    }
    await sealStream(pieces(), { key, blocks, plaintextBytes: pieceCount * frame.length })
    expect(kept).toBeGreaterThan(pieceCount)
    expect(waitingMax).toBeLessThanOrEqual(12)
  })
})

describe('long work', () => {
  it('reports progress in order, up to all parts', async () => {
    const steps: string[] = []
    const onProgress = ({ done, total, step }: { done: number; total: number; step: string }) =>
      void steps.push(`${step} ${done}/${total}`)
    const record = await sealRecord(sampleBytes(1_100_000), { key, onProgress })
    const blocks = createMemoryBlockstore()
    await storeRecord(record, { blocks, onProgress })
    await openRecord(record.id, { key, blocks, onProgress })
    const expected = (step: string, total: number) =>
      Array.from({ length: total }, (_, i) => `${step} ${i + 1}/${total}`)
    expect(steps).toEqual([...expected('seal', 6), ...expected('store', 6), ...expected('open', 5)])
  })

  it('ends when the signal says so', async () => {
    const plaintext = sampleBytes(1_100_000)
    const record = await sealRecord(plaintext, { key })
    const blocks = await stored(record)
    const abortAfter = (parts: number) => {
      const controller = new AbortController()
      return {
        signal: controller.signal,
        onProgress: ({ done }: { done: number }) => {
          if (done >= parts) controller.abort()
        },
      }
    }
    const signal = AbortSignal.abort()
    expect(await codeOfAsync(sealRecord(plaintext, { key, signal }))).toBe('ERR_ABORTED')
    expect(await codeOfAsync(sealRecord(plaintext, { key, ...abortAfter(2) }))).toBe('ERR_ABORTED')
    expect(await codeOfAsync(storeRecord(record, { blocks, signal }))).toBe('ERR_ABORTED')
    expect(await codeOfAsync(storeRecord(record, { blocks, ...abortAfter(3) }))).toBe('ERR_ABORTED')
    expect(await codeOfAsync(openRecord(record.id, { key, blocks, signal }))).toBe('ERR_ABORTED')
    expect(await codeOfAsync(openRecord(record.id, { key, blocks, ...abortAfter(1) }))).toBe('ERR_ABORTED')
  })
})

describe('storeRecord', () => {
  it('writes the block of the id last and returns the id', async () => {
    const record = await sealRecord(sampleBytes(1_100_000), { key })
    const memory = createMemoryBlockstore()
    const written: string[] = []
    const put = (...[cid, bytes]: Parameters<typeof memory.put>) => {
      written.push(cid.toString())
      memory.put(cid, bytes)
    }
    expect(await storeRecord(record, { blocks: { get: memory.get, put } })).toBe(record.id)
    expect(written.at(-1)).toBe(record.id)
    expect(written).toHaveLength(6)
  })

  it('refuses blocks that do not end with the one of the id', async () => {
    const record = await sealRecord(sampleBytes(1_100_000), { key })
    const blocks = storeOf([])
    for (const others of [record.blocks.toReversed(), record.blocks.slice(0, -1), []]) {
      expect(await codeOfAsync(storeRecord({ id: record.id, blocks: others }, { blocks }))).toBe('ERR_ARGUMENT_INVALID')
    }
    expect(blocks.blockCount).toBe(0)
  })
})

describe('mapInOrder', () => {
  it('keeps the order and the width, and fails in its turn', async () => {
    let working = 0
    let widest = 0
    const work = async (item: number) => {
      widest = Math.max(widest, ++working)
      await new Promise((resolve) => setTimeout(resolve, 5 - item))
      working--
      if (item === 4) throw new Error('four')
      return item
    }
    const done: number[] = []
    const run = async () => {
      for await (const item of mapInOrder([0, 1, 2, 3, 4, 5, 6], 3, work)) done.push(item)
    }
    await expect(run()).rejects.toThrow('four')
    expect(done).toEqual([0, 1, 2, 3])
    expect(widest).toBe(3)
  })
})

import { CarBufferWriter, CarReader, CarWriter } from '@ipld/car'
import { CID } from 'multiformats/cid'
import { create as createMultihash } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { concatBytes, fromHex, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { hashBlock, RAW_CODEC, toCid } from '../../src/primitives/content-id.ts'
import {
  carLimits,
  encodeCar,
  openCar,
  openRecord,
  parseCar,
  sealRecord,
  streamCar,
  type CarLimits,
  type ContentBlock,
} from '../../src/storage/index.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { codeOfAsync, collect, key, sameBytes, sampleBytes, storeOf } from './fixtures.ts'

function blockOf(text: string): ContentBlock {
  const bytes = toUtf8(text)
  return { cid: hashBlock(RAW_CODEC, bytes), bytes }
}

const [a, b] = [blockOf('a'), blockOf('bb')]
const car = encodeCar({ roots: [a.cid], blocks: [a, b] })

function* inPieces(bytes: Uint8Array, pieceBytes: number) {
  for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes)
}

/** Reads the whole file in a stream. */
async function readStream(bytes: Uint8Array, limits: CarLimits = carLimits, pieceBytes = 7) {
  const { roots, blocks } = await openCar(inPieces(bytes, pieceBytes), limits)
  const read: ContentBlock[] = []
  for await (const block of blocks) read.push(block)
  return { roots, blocks: read }
}

/** The code of both ways to read, which must be one. */
async function codeOfBoth(bytes: Uint8Array, limits: CarLimits = carLimits): Promise<string> {
  const atOnce = codeOfResult(parseCar(bytes, limits))
  const streamed = await codeOfAsync(readStream(bytes, limits))
  expect(streamed).toBe(atOnce === 'accepted' ? 'resolved' : atOnce)
  return atOnce
}

function section(cid: Uint8Array, bytes: Uint8Array): Bytes {
  return concatBytes(Uint8Array.of(cid.length + bytes.length), cid, bytes)
}

const header = car.subarray(0, 1 + car[0]!)
const sections = [section(a.cid.bytes, a.bytes), section(b.cid.bytes, b.bytes)] as const

describe('a CAR', () => {
  it('is pinned', () => {
    expect(toHex(car)).toBe(
      toHex(
        concatBytes(
          fromHex('3aa265726f6f747381d82a582500'),
          a.cid.bytes,
          fromHex('6776657273696f6e01'),
          fromHex('25'),
          a.cid.bytes,
          toUtf8('a'),
          fromHex('26'),
          b.cid.bytes,
          toUtf8('bb'),
        ),
      ),
    )
    expect(toHex(a.cid.bytes)).toBe('01551220ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb')
  })

  it('gives back roots and blocks, at once and in a stream', async () => {
    for (const { roots, blocks } of [unwrap(parseCar(car)), await readStream(car)]) {
      expect(roots.map(String)).toEqual([a.cid.toString()])
      expect(blocks.map(({ cid, bytes }) => [cid.toString(), toHex(bytes)])).toEqual(
        [a, b].map(({ cid, bytes }) => [cid.toString(), toHex(bytes)]),
      )
    }
  })

  it('is the same file at once and in a stream, without repetitions', async () => {
    const repeated = { roots: [a.cid], blocks: [a, b, a, b] }
    expect(toHex(encodeCar(repeated))).toBe(toHex(car))
    expect(toHex(await collect(streamCar(repeated)))).toBe(toHex(car))
  })

  it('may have no blocks, or no roots', async () => {
    for (const empty of [encodeCar({ roots: [], blocks: [] }), encodeCar({ roots: [a.cid], blocks: [] })]) {
      expect(await codeOfBoth(empty)).toBe('accepted')
    }
  })

  it('carries a record in frames, and one byte at a time', async () => {
    const plaintext = sampleBytes(1_100_000)
    const record = await sealRecord(plaintext, { key })
    const file = encodeCar({ roots: [toCid(record.id)], blocks: record.blocks })
    const { blocks } = unwrap(parseCar(file))
    expect(sameBytes(await openRecord(record.id, { key, blocks: storeOf(blocks) }), plaintext)).toBe(true)
    expect((await readStream(file, carLimits, 65_536)).blocks).toHaveLength(record.blocks.length)
    expect((await readStream(file.subarray(0), carLimits, 1_000)).blocks).toHaveLength(record.blocks.length)
    expect((await readStream(car, carLimits, 1)).blocks).toHaveLength(2)
  })
})

describe('@ipld/car', () => {
  it('reads what we write', async () => {
    const reader = await CarReader.fromBytes(car)
    expect((await reader.getRoots()).map(String)).toEqual([a.cid.toString()])
    expect(toHex((await reader.get(b.cid))!.bytes)).toBe(toHex(b.bytes))
  })

  it('writes the bytes that we write', async () => {
    const { writer, out } = CarWriter.create([a.cid])
    const file = collect(out)
    for (const block of [a, b]) await writer.put(block)
    await writer.close()
    expect(toHex(await file)).toBe(toHex(car))
    const buffer = CarBufferWriter.createWriter(new ArrayBuffer(car.length), { roots: [a.cid] })
    for (const block of [a, b]) buffer.write(block)
    expect(toHex(buffer.close())).toBe(toHex(car))
  })
})

describe('reading refuses', () => {
  it('every truncation but those between blocks', async () => {
    const whole = [header.length, header.length + sections[0].length, car.length]
    for (let length = 0; length <= car.length; length++) {
      const code = await codeOfBoth(car.subarray(0, length))
      expect(code, `${length} bytes`).toBe(whole.includes(length) ? 'accepted' : 'ERR_CODEC_MALFORMED')
    }
  })

  it('every flipped bit', async () => {
    for (let bit = 0; bit < car.length * 8; bit++) {
      const flipped = Uint8Array.from(car)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      // Nothing in the file says what the root must be: that is for the reader of the content.
      const inRoot = bit >> 3 >= 18 && bit >> 3 < 50
      expect(codeOfResult(parseCar(flipped)), `bit ${bit}`).toMatch(inRoot ? /^accepted$/ : /^ERR_/)
      // A stream may meet a bad block before a bad form, so the codes may differ.
      expect(await codeOfAsync(readStream(flipped)), `bit ${bit}`).toMatch(inRoot ? /^resolved$/ : /^ERR_/)
    }
  })

  const root = new Uint8Array([0x12, 0x20, ...a.cid.multihash.digest])
  const cases: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    'a block that does not hash to its address': [section(a.cid.bytes, toUtf8('b')), 'ERR_STORAGE_CORRUPT'],
    'a block twice': [concatBytes(...sections, sections[0]), 'ERR_CODEC_NOT_CANONICAL'],
    'a length with a needless byte': [concatBytes(fromHex('a500'), sections[0].subarray(1)), 'ERR_CODEC_NOT_CANONICAL'],
    'a length without end': [fromHex('ffffffffffff01'), 'ERR_CODEC_MALFORMED'],
    'a length of 2^35 - 1': [fromHex('ffffffff7f'), 'ERR_CODEC_LIMIT'],
    'a section of no bytes': [fromHex('00'), 'ERR_CODEC_MALFORMED'],
    'a section of half an address': [section(a.cid.bytes.subarray(0, 20), new Uint8Array(0)), 'ERR_CODEC_MALFORMED'],
    CIDv0: [section(root, a.bytes), 'ERR_CODEC_MALFORMED'],
    'another codec': [section(concatBytes(fromHex('0170'), root), a.bytes), 'ERR_CODEC_MALFORMED'],
    'another hash': [section(concatBytes(fromHex('01551b20'), a.cid.multihash.digest), a.bytes), 'ERR_CODEC_MALFORMED'],
    'an inline block': [section(fromHex('0155000161'), toUtf8('a')), 'ERR_CODEC_MALFORMED'],
  }

  it.each(Object.keys(cases))('%s', async (name) => {
    const [body, code] = cases[name]!
    expect(await codeOfBoth(concatBytes(header, body))).toBe(code)
  })

  function withHeader(bytes: Uint8Array): Bytes {
    return concatBytes(Uint8Array.of(bytes.length), bytes, ...sections)
  }

  const foreignRoot = CID.createV1(0x70, createMultihash(0x12, a.cid.multihash.digest))
  const headers: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    'version 2': [encodeCbor({ version: 2 }), 'ERR_CODEC_VERSION'],
    'no version': [encodeCbor({ roots: [a.cid] }), 'ERR_CODEC_MALFORMED'],
    'no roots': [encodeCbor({ version: 1 }), 'ERR_CODEC_MALFORMED'],
    'something else beside them': [encodeCbor({ version: 1, roots: [], more: 1 }), 'ERR_CODEC_MALFORMED'],
    'roots that are no links': [encodeCbor({ version: 1, roots: ['a'] }), 'ERR_CODEC_MALFORMED'],
    'a root of another codec': [encodeCbor({ version: 1, roots: [foreignRoot] }), 'ERR_CODEC_MALFORMED'],
    'a list': [encodeCbor([1]), 'ERR_CODEC_MALFORMED'],
    'a link': [encodeCbor(a.cid), 'ERR_CODEC_MALFORMED'],
    null: [encodeCbor(null), 'ERR_CODEC_MALFORMED'],
    'keys in another order': [fromHex('a26776657273696f6e0165726f6f747380'), 'ERR_CODEC_NOT_CANONICAL'],
    'bytes behind it': [concatBytes(encodeCbor({ version: 1, roots: [] }), fromHex('00')), 'ERR_CODEC_TRAILING_BYTES'],
    'no bytes': [new Uint8Array(0), 'ERR_CODEC_MALFORMED'],
  }

  it.each(Object.keys(headers))('a header that is or has %s', async (name) => {
    const [bytes, code] = headers[name]!
    expect(await codeOfBoth(withHeader(bytes))).toBe(code)
  })

  it('what exceeds a limit, and takes what meets it', async () => {
    const limits = { bytesMax: car.length, rootsMax: 1, blocksMax: 2, blockBytesMax: 2 }
    expect(await codeOfBoth(car, limits)).toBe('accepted')
    for (const name of ['bytesMax', 'rootsMax', 'blocksMax', 'blockBytesMax'] as const) {
      expect(await codeOfBoth(car, { ...limits, [name]: limits[name] - 1 }), name).toBe('ERR_CODEC_LIMIT')
    }
  })

  it('a long length without taking memory for it', () => {
    const claim = concatBytes(header, fromHex('a4808040'))
    expect(codeOfResult(parseCar(claim, { ...carLimits, blockBytesMax: 2 ** 30 }))).toBe('ERR_CODEC_MALFORMED')
  })

  it('in a stream, only when it comes to it: good blocks before are given', async () => {
    const { blocks } = await openCar([header, sections[0], fromHex('00')])
    const read: string[] = []
    const all = async () => {
      for await (const { bytes } of blocks) read.push(toHex(bytes))
    }
    expect(await codeOfAsync(all())).toBe('ERR_CODEC_MALFORMED')
    expect(read).toEqual([toHex(a.bytes)])
  })
})

describe('a stream', () => {
  it('tells its source when nothing more is wanted', async () => {
    for (const bytes of [car, concatBytes(header, fromHex('00')), fromHex('00')]) {
      let ended = false
      const source = (function* () {
        try {
          yield* inPieces(bytes, 10)
          yield new Uint8Array(50)
        } finally {
          ended = true
        }
      })()
      try {
        const { blocks } = await openCar(source)
        const reading = blocks[Symbol.asyncIterator]()
        await reading.next()
        await reading.return?.()
      } catch (error) {
        if (!isVitalsealError(error)) throw error
      }
      expect(ended).toBe(true)
    }
  })

  it('takes bytes only', async () => {
    expect(await codeOfAsync(openCar(['text' as never]))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('writing refuses', () => {
  it('blocks that do not hash to their address, and addresses of another kind', async () => {
    const wrong = { cid: a.cid, bytes: b.bytes }
    const foreign = { cid: CID.createV1(0x70, createMultihash(0x12, a.cid.multihash.digest)), bytes: a.bytes }
    for (const block of [wrong, foreign]) {
      expect(codeOf(() => encodeCar({ roots: [], blocks: [block] }))).toBe('ERR_ARGUMENT_INVALID')
      expect(await codeOfAsync(collect(streamCar({ roots: [], blocks: [block] })))).toBe('ERR_ARGUMENT_INVALID')
    }
    expect(codeOf(() => encodeCar({ roots: [foreign.cid], blocks: [] }))).toBe('ERR_ARGUMENT_INVALID')
    const roots = Array.from({ length: 1_025 }, () => a.cid)
    expect(codeOf(() => encodeCar({ roots, blocks: [] }))).toBe('ERR_ARGUMENT_INVALID')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import { createRecordId, DAG_CBOR_CODEC, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { encodeManifest, encodeSealedBlock, parseSealedParts, planLayout } from '../../src/storage/header.ts'
import {
  createOpeningKey,
  openRecord,
  parseCar,
  encodeCar,
  parseRecordHeader,
  sealRecord,
  sealStream,
  createMemoryBlockstore,
} from '../../src/storage/index.ts'
import { createUnpadder, lastNonZero, paddedLength, sizeClass } from '../../src/storage/padding.ts'
import { propertyRuns } from '../support/property.ts'
import { codeOfAsync, context, key, sameBytes, sampleBytes, secret, storeOf } from '../storage/fixtures.ts'
import { expectTotal, mutated } from './fuzz-support.ts'

/** Bytes whose ends look like padding more often than chance would have it. */
const plaintexts = fc
  .tuple(
    fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 30_000 }), fc.integer({ min: 1_040_000, max: 1_200_000 })),
    fc.array(fc.constantFrom(0, 0x80, 1), { maxLength: 40 }),
  )
  .map(([length, tail]) => concatBytes(sampleBytes(length), Uint8Array.from(tail)))

const kinds = fc.constantFrom('iot' as const, 'diagnosis' as const, 'data' as const)
const paddings = fc.constantFrom('size-class' as const, 'none' as const)
const mediaTypes = fc.constantFrom(
  'application/fhir+json',
  'text/plain; charset=utf-8',
  'application/dicom',
  `a/${'b'.repeat(1_000)}`,
)

describe('a sealed record', () => {
  it('opens to what was sealed, whole and in any part', async () => {
    await fc.assert(
      fc.asyncProperty(
        plaintexts,
        fc.record({ kind: kinds, padding: paddings, mediaType: mediaTypes }),
        fc.tuple(fc.double({ min: 0, max: 1.2, noNaN: true }), fc.double({ min: 0, max: 1.2, noNaN: true })),
        async (plaintext, options, places) => {
          const record = await sealRecord(plaintext, { key, ...options })
          const blocks = storeOf(record.blocks)
          const { kind } = options
          expect(sameBytes(await openRecord(record.id, { key, kind, blocks }), plaintext)).toBe(true)
          const [start, end] = places.map((place) => Math.floor(place * plaintext.length)).sort((x, y) => x - y) as [
            number,
            number,
          ]
          const part = await openRecord(record.id, { key, kind, blocks, range: { start, end } })
          expect(sameBytes(part, plaintext.subarray(start, end))).toBe(true)
          for (const { bytes } of record.blocks) expect(bytes.length).toBeLessThanOrEqual(1_048_576)
        },
      ),
      propertyRuns(60),
    )
  })

  it('is the same however its plaintext was cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(plaintexts, fc.array(fc.nat({ max: 400_000 }), { maxLength: 8 }), async (plaintext, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (plaintext.length + 1)), plaintext.length].sort((x, y) => x - y)
        const pieces = places.slice(1).map((end, index) => plaintext.subarray(places[index], end))
        const blocks = createMemoryBlockstore()
        const id = await sealStream(pieces, { key, blocks, plaintextBytes: plaintext.length })
        expect(sameBytes(await openRecord(id, { key, blocks }), plaintext)).toBe(true)
      }),
      propertyRuns(30),
    )
  })

  it('opens under no other key and after no mutation, with one code', async () => {
    const record = await sealRecord(sampleBytes(200), { key })
    const other = createOpeningKey(secret, { ...context, epoch: 2 })
    await fc.assert(
      fc.asyncProperty(mutated([record.blocks[0]!.bytes]), async (bytes) => {
        const cid = hashBlock(RAW_CODEC, bytes)
        const id = createRecordId(cid)
        const blocks = storeOf([{ cid, bytes: Uint8Array.from(bytes) }])
        const unchanged = toHex(bytes) === toHex(record.blocks[0]!.bytes)
        expect(await codeOfAsync(openRecord(id, { key, blocks }))).toBe(
          unchanged ? 'resolved' : 'ERR_DECRYPTION_FAILED',
        )
        expect(await codeOfAsync(openRecord(id, { key: other, blocks }))).toBe('ERR_DECRYPTION_FAILED')
      }),
      propertyRuns(300),
    )
  })

  it('shows a header that is read back or refused', async () => {
    const single = await sealRecord(sampleBytes(10), { key })
    const framed = await sealRecord(sampleBytes(1_100_000), { key })
    expectTotal(
      {
        parse: (bytes) => parseSealedParts(single.id, bytes),
        encode: ({ header: { salt, commitment, mediaType }, ciphertext }) =>
          encodeSealedBlock({ salt, commitment, mediaType }, ciphertext),
      },
      [single.blocks[0]!.bytes],
    )
    expectTotal(
      {
        parse: (bytes) => parseRecordHeader(framed.id, bytes),
        encode: ({ salt, commitment, mediaType, frameBytes, frames }) =>
          encodeManifest({ salt, commitment, mediaType, frameBytes, frames }),
      },
      [framed.blocks.at(-1)!.bytes],
    )
  })
})

describe('a CAR', () => {
  it('is read back or refused', () => {
    const blocks = ['', 'a', 'bb', 'ccc'].map((text) => {
      const bytes = Uint8Array.from(Buffer.from(text))
      return { cid: hashBlock(text.length % 2 === 0 ? RAW_CODEC : DAG_CBOR_CODEC, bytes), bytes }
    })
    const samples = [[], blocks.slice(0, 1), blocks].map((some) =>
      encodeCar({ roots: some.map(({ cid }) => cid), blocks: some }),
    )
    expectTotal({ parse: (bytes) => parseCar(bytes), encode: encodeCar }, samples)
  })
})

describe('a size class', () => {
  it('holds the length, grows with it, is one itself, and adds at most 12 percent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.nat({ max: 1_000 }), (length, more) => {
        const size = sizeClass(length)
        expect(size).toBeGreaterThanOrEqual(length)
        expect(sizeClass(Math.min(length + more, 2 ** 30))).toBeGreaterThanOrEqual(size)
        expect(sizeClass(size)).toBe(size)
        if (length > 1_024) expect(size / length).toBeLessThan(1.12)
      }),
      propertyRuns(1_000),
    )
  })

  it('is a power of two up to 1 KiB, then what the paper prints', () => {
    expect([1, 64, 65, 128, 129, 1_000, 1_024].map(sizeClass)).toEqual([64, 64, 128, 128, 256, 1_024, 1_024])
    // Padmé by its text: of L = 2^E..., the last E - (floor(log2 E) + 1) bits become zero, rounding up.
    const slow = (length: number) => {
      const exponent = Math.floor(Math.log2(length))
      const zeroBits = exponent - (Math.floor(Math.log2(exponent)) + 1)
      const mask = (1n << BigInt(zeroBits)) - 1n
      return Number((BigInt(length) + mask) & ~mask)
    }
    for (const length of [1_025, 1_087, 1_088, 1_089, 9_000, 65_535, 65_536, 65_537, 1_048_577, 2 ** 30 - 1, 2 ** 30]) {
      expect(sizeClass(length)).toBe(slow(length))
    }
  })

  it('decides the layout: frames of one size that hold the class', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 - 1 }), paddings, (length, padding) => {
        const { frameBytes, frameCount, paddedBytes } = planLayout(length, { mediaType: 'a/b', padding })
        expect(frameBytes * Math.max(1, frameCount)).toBe(paddedBytes)
        expect(paddedBytes - paddedLength(length, padding)).toBeLessThan(Math.max(1, frameCount))
        if (frameCount > 0) expect(frameBytes).toBeLessThanOrEqual(262_144)
      }),
      propertyRuns(1_000),
    )
  })
})

it('the last byte that is no zero is found wherever the bytes lie in memory', () => {
  fc.assert(
    fc.property(fc.nat({ max: 40 }), fc.nat({ max: 40 }), fc.nat({ max: 7 }), (before, zeros, offset) => {
      const bytes = new Uint8Array(new ArrayBuffer(100), offset, before + zeros).fill(1, 0, before)
      expect(lastNonZero(bytes)).toBe(before - 1)
    }),
    propertyRuns(500),
  )
})

describe('an unpadder', () => {
  /** The whole at once: the last 0x80 that only zeros follow. */
  function slow(bytes: Bytes): Bytes | undefined {
    let end = bytes.length - 1
    while (bytes[end] === 0) end--
    return bytes[end] === 0x80 ? bytes.slice(0, end) : undefined
  }

  it('releases frame by frame what the whole says, and never more', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 0, 0, 0x80, 1), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        fc.nat({ max: 6 }),
        (content, frameBytes, frameFirst) => {
          const whole = Uint8Array.from([
            ...content,
            ...new Array<number>((frameBytes - (content.length % frameBytes)) % frameBytes).fill(0),
          ])
          const expected = slow(whole)
          const unpadder = createUnpadder({ isMidway: false })
          const released: number[] = []
          for (let start = 0; start < whole.length; start += frameBytes) {
            for (const chunk of unpadder.push(whole.slice(start, start + frameBytes))) released.push(...chunk)
            if (expected !== undefined) expect(released.length).toBeLessThanOrEqual(expected.length)
          }
          expect(unpadder.isComplete()).toBe(expected !== undefined)
          if (expected === undefined) return
          expect(released).toEqual([...expected])
          const midway = createUnpadder({ isMidway: frameFirst > 0 })
          const part: number[] = []
          for (let start = frameFirst * frameBytes; start < whole.length; start += frameBytes) {
            for (const chunk of midway.push(whole.slice(start, start + frameBytes))) part.push(...chunk)
          }
          expect(part).toEqual([...expected.subarray(frameFirst * frameBytes)])
        },
      ),
      propertyRuns(1_000),
    )
  })
})

import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, encodeHead, locateItem, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { codecLimits, type CodecLimits } from '../../src/primitives/limits.ts'
import { VitalsealError } from '../../src/errors.ts'
import { bitFlips, expectReadOrRefused, truncations } from '../property/fuzz-support.ts'
import { leastCpuMs } from '../support/cost.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'

const MIB = 2 ** 20
const LINK = CID.parse('bafyreidj5idub6mapiupjwjsyyxhyhedxycv4vihfsicm2vt46o7morwlm')
const wire = { parse: (bytes: Uint8Array) => parseCbor(bytes), encode: encodeCbor }

/** A tuple with every type, as in a transaction; `SAMPLE_HEX` is pinned. */
const SAMPLE: CborValue = [
  3,
  fromHex('02'.repeat(33)),
  -1,
  2n ** 53n,
  'f\u00fcr \u{1f3e5}',
  null,
  [true, false, []],
  { b: {}, aa: LINK },
]
const SAMPLE_HEX =
  '88035821' +
  '02'.repeat(33) +
  '201b00200000000000006966c3bc7220f09f8fa5f683f5f480' +
  'a26162a0626161d82a58250001711220' +
  toHex(LINK.multihash.digest)

const array = (count: number, item = '00') => fromHex(toHex(encodeHead(4, count)) + item.repeat(count))
const nested = (levels: number, inner = '') => fromHex('81'.repeat(levels - (inner === '' ? 1 : 0)) + (inner || '80'))
const limits = (changed: Partial<CodecLimits>): CodecLimits => ({ ...codecLimits, bytesMax: 2 * MIB, ...changed })
const roomy = limits({})

function failureOf(hex: string | Uint8Array, under?: CodecLimits) {
  const result = parseCbor(typeof hex === 'string' ? fromHex(hex) : hex, under)
  if (result.ok) return expect.unreachable(`accepted ${typeof hex === 'string' ? hex : toHex(hex)}`)
  return result
}

describe('the pinned sample', () => {
  const bytes = fromHex(SAMPLE_HEX)

  it('has these bytes, and comes back', () => {
    expect(toHex(encodeCbor(SAMPLE))).toBe(SAMPLE_HEX)
    const read = parseCbor(bytes)
    expect(read).toEqual({ ok: true, value: SAMPLE })
    expect(expectReadOrRefused(wire, bytes)).toBe(true)
  })

  it('is refused with one byte more, and after every truncation', () => {
    const more = failureOf(concatBytes(bytes, Uint8Array.of(0xf6)))
    expect(more.code).toBe('ERR_CODEC_TRAILING_BYTES')
    expect(more.message).toBe(`byte ${bytes.length}: expected the end, found 1 more bytes`)
    expect(more.details).toEqual({ byteOffset: bytes.length })
    for (const cut of truncations(bytes)) expect(failureOf(cut).code).toBe('ERR_CODEC_MALFORMED')
  })

  it('is another value or refused after every flip of a bit', () => {
    for (const flipped of bitFlips(bytes)) expectReadOrRefused(wire, flipped)
  })

  it('shares no memory with its input or with the pool of the runtime', () => {
    const input = Buffer.from(bytes)
    const read = parseCbor(input)
    input.fill(0xff)
    expect(read).toEqual({ ok: true, value: SAMPLE })
    for (const value of [SAMPLE, [1], ['x'.repeat(100), 'y'.repeat(100)], new Uint8Array(5_000)]) {
      const encoded = encodeCbor(value)
      expect(encoded.constructor).toBe(Uint8Array)
      expect(encoded.buffer.byteLength).toBe(encoded.length)
    }
  })
})

describe('limits: accepted at the border, refused beyond, reading and writing alike', () => {
  const deepest = nested(16)
  const manyKeys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i).padStart(4, '0'), 0]))

  const borders: Record<string, { at: CborValue; beyond: CborValue; limit: string; allowed: number }> = {
    'levels of arrays': {
      at: (parseCbor(deepest) as { value: CborValue }).value,
      beyond: [(parseCbor(deepest) as { value: CborValue }).value],
      limit: 'levels',
      allowed: 16,
    },
    'a link on the last level': { at: wrap(LINK, 15), beyond: wrap(LINK, 16), limit: 'levels', allowed: 16 },
    'a map on the last level': { at: wrap({}, 15), beyond: wrap({}, 16), limit: 'levels', allowed: 16 },
    'keys of a map': { at: manyKeys(256), beyond: manyKeys(257), limit: 'keys in a map', allowed: 256 },
    'a byte string': {
      at: new Uint8Array(16_384),
      beyond: new Uint8Array(16_385),
      limit: 'bytes in a string',
      allowed: 16_384,
    },
    'a text': { at: 'x'.repeat(16_384), beyond: 'x'.repeat(16_385), limit: 'bytes in a string', allowed: 16_384 },
    'a text of two-byte letters': {
      at: '\u00fc'.repeat(8_192),
      beyond: '\u00fc'.repeat(8_193),
      limit: 'bytes in a string',
      allowed: 16_384,
    },
    'a key': {
      at: { ['x'.repeat(16_384)]: 0 },
      beyond: { ['x'.repeat(16_385)]: 0 },
      limit: 'bytes in a string',
      allowed: 16_384,
    },
    items: { at: zeros(65_536), beyond: zeros(65_537), limit: 'items', allowed: 65_536 },
    'items of several arrays': {
      at: [zeros(32_767), zeros(32_767)],
      beyond: [zeros(32_767), zeros(32_768)],
      limit: 'items',
      allowed: 65_536,
    },
    'items of maps, keys and values': {
      at: [...Array.from({ length: 128 }, () => manyKeys(255)), manyKeys(63), 0],
      beyond: [...Array.from({ length: 128 }, () => manyKeys(255)), manyKeys(64), 0],
      limit: 'items',
      allowed: 65_536,
    },
    'encoded bytes': { at: filled(65_536), beyond: filled(65_537), limit: 'bytes', allowed: 65_536 },
  }

  it.each(Object.entries(borders))('%s', (name, { at, beyond, limit, allowed }) => {
    const border = name === 'encoded bytes' ? codecLimits : roomy
    const unlimited = { bytesMax: 1e9, depthMax: 99, itemsMax: 1e9, stringBytesMax: 1e9, mapKeysMax: 1e9 }
    expect(codeOfResult(parseCbor(encodeCbor(at, border), border))).toBe('accepted')
    const refused = failureOf(encodeCbor(beyond, unlimited), border)
    expect(refused.code).toBe('ERR_CODEC_LIMIT')
    expect(refused.details).toMatchObject({ limit, allowed })
    expect(codeOf(() => encodeCbor(beyond, border))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('are those of the caller where he names some', () => {
    const tight = { bytesMax: 4, depthMax: 1, itemsMax: 2, stringBytesMax: 1, mapKeysMax: 1 }
    expect(codeOfResult(parseCbor(fromHex('820000'), tight))).toBe('accepted')
    for (const hex of ['83000000', '820080', '81410000', '426161', 'a2616100616200', '8180']) {
      const { code } = failureOf(hex, tight)
      expect(code, hex).toBe(hex === '81410000' ? 'ERR_CODEC_TRAILING_BYTES' : 'ERR_CODEC_LIMIT')
    }
    expect(failureOf('8300000000', tight).message).toBe('byte 0: expected at most 4 bytes, found 5')
  })
})

function wrap(inner: CborValue, levels: number): CborValue {
  return levels === 0 ? inner : [wrap(inner, levels - 1)]
}

function zeros(count: number): CborValue {
  return new Array<number>(count).fill(0)
}

/** A value of exactly so many bytes encoded: an array of four byte strings. */
function filled(byteCount: number): CborValue {
  const part = 16_000
  return [
    new Uint8Array(part),
    new Uint8Array(part),
    new Uint8Array(part),
    new Uint8Array(part),
    new Uint8Array(byteCount - 4 * (part + 3) - 4),
  ]
}

describe('one value has one encoding', () => {
  it.each([
    ['a small integer in two bytes', '1817', 0],
    ['an integer of one byte in three', '1900ff', 0],
    ['an integer of two bytes in five', '1a0000ffff', 0],
    ['an integer of four bytes in nine', '1b00000000ffffffff', 0],
    ['zero in nine bytes', '1b0000000000000000', 0],
    ['a long negative integer', '3800', 0],
    ['a long length of bytes', '580141', 0],
    ['a long length of text', '780161', 0],
    ['a long count of an array', '980100', 0],
    ['a long count of a map', 'b801616100', 0],
    ['a long tag', 'd9002a4100', 0],
    ['keys in the order of bytes instead of lengths', 'a262616100616200', 5],
    ['keys of one length in the wrong order', 'a2616200616100', 4],
    ['a key twice', 'a2616100616100', 4],
    ['a long length of a key', 'a178016100', 1],
    ['inside a tuple', '8200811817', 3],
  ])('%s', (_name, hex, byteOffset) => {
    const refused = failureOf(hex)
    expect(refused.code).toBe('ERR_CODEC_NOT_CANONICAL')
    expect(refused.details).toEqual({ byteOffset })
    expect(refused.message).toContain(`byte ${byteOffset}: not in canonical form`)
  })

  it('sorts the keys that it writes, shorter first', () => {
    expect(toHex(encodeCbor({ aa: 0, c: 1, b: 2 }))).toBe('a361620261630162616100')
  })
})

describe('what strict DAG-CBOR does not hold', () => {
  const cid = toHex(LINK.bytes)

  it.each([
    ['nothing', '', 0],
    ['a half-precision float', 'f93c00', 0],
    ['a half-precision zero', 'f90000', 0],
    ['a single-precision float', 'fa3f800000', 0],
    ['a double-precision float', 'fb3ff0000000000000', 0],
    ['a whole number as a float, inside a tuple', '81fb4000000000000000', 1],
    ['NaN', 'f97e00', 0],
    ['infinity', 'f97c00', 0],
    ['minus zero as a float', 'f98000', 0],
    ['undefined', 'f7', 0],
    ['undefined in a tuple', '8200f7', 2],
    ['an unassigned simple value', 'e0', 0],
    ['simple value 19', 'f3', 0],
    ['simple value 19 in a tuple', '81f3', 1],
    ['false in two bytes', 'f814', 0],
    ['simple value 255', 'f8ff', 0],
    ['a break', 'ff', 0],
    ['bytes of indefinite length', '5f4100ff', 0],
    ['text of indefinite length', '7f6161ff', 0],
    ['an array of indefinite length', '9f00ff', 0],
    ['a map of indefinite length', 'bf616100ff', 0],
    ['a reserved length', '1c', 0],
    ['another reserved length', '5e', 0],
    ['a date', 'c074323031332d30332d32315432303a30343a30305a', 0],
    ['a big number', 'c2420100', 0],
    ['tag 41', 'd8294100', 0],
    ['tag 43', 'd82b4100', 0],
    ['a tag of eight bytes', 'db000000010000000041', 0],
    ['a link to an integer', 'd82a00', 2],
    ['a link to a huge integer', 'd82a1bffffffffffffffff', 2],
    ['a link to text', 'd82a6100', 2],
    ['a link to nothing', 'd82a40', 2],
    ['a link of the zero alone', 'd82a4100', 2],
    ['a link that borrows its zero from the next item', '82d82a4000', 3],
    ['a link without the leading zero', `d82a5824${cid}`, 2],
    ['a link with another byte before it', `d82a582501${cid}`, 2],
    ['a link with a byte too many', `d82a582600${cid}00`, 2],
    ['a link with a byte too few', `d82a582400${cid.slice(0, -2)}`, 2],
    ['a link of version 2', `d82a58250002${cid.slice(2)}`, 2],
    ['a link of version 0 with a version', `d82a58250000${cid.slice(2)}`, 2],
    ['a link whose codec is longer than it must be', `d82a58260001f100${cid.slice(4)}`, 2],
    ['a link in a link', `d82ad82a582500${cid}`, 2],
    ['a key that is a number', 'a10000', 1],
    ['a key that is bytes', 'a1416100', 1],
    ['a key that is a map', 'a1a000', 1],
    ['a key that is __proto__', 'a1695f5f70726f746f5f5f00', 1],
    ['a lone continuation byte', '6180', 1],
    ['an overlong slash', '62c0af', 1],
    ['an overlong zero', '63e08080', 1],
    ['a surrogate', '63eda080', 1],
    ['a pair of surrogates', '66eda080edb080', 1],
    ['a letter above U+10FFFF', '64f4908080', 1],
    ['a first byte that no letter has', '64f5808080', 1],
    ['an overlong letter of four bytes', '64f08fbfbf', 1],
    ['an overlong letter of three bytes', '63e09fbf', 1],
    ['a second continuation byte that is none', '63e28261', 1],
    ['a third continuation byte that is none', '64f09f8f61', 1],
    ['a sequence of five bytes', '65f888808080', 1],
    ['a letter cut off by the end of the text', '62c361', 1],
    ['a letter cut off after two of three bytes', '6361e282', 2],
    ['a malformed key', 'a161ff00', 2],
    ['a byte order mark', '63efbbbf', 1],
    ['a byte order mark before a letter', '64efbbbf61', 1],
  ])('%s', (_name, hex, byteOffset) => {
    const refused = failureOf(hex)
    expect(refused.code).toBe('ERR_CODEC_MALFORMED')
    expect(refused.details).toMatchObject({ byteOffset })
    expect(refused.message).toContain(`byte ${byteOffset}: expected `)
  })

  it.each([
    ['a length of text', '62c3', 1],
    ['an array', '8300', 1],
    ['the last item of an array', '8200', 1],
    ['a head', '19ff', 0],
    ['a key', 'a1', 1],
    ['a value', 'a16161', 3],
  ])('%s that the end cuts off', (_name, hex, byteOffset) => {
    expect(failureOf(hex)).toMatchObject({ code: 'ERR_CODEC_MALFORMED', details: { byteOffset } })
  })

  it('a map that imitates the object of a link', () => {
    expect(failureOf('a2612f61786562797465736178').code).toBe('ERR_CODEC_MALFORMED')
  })

  it.each([undefined, null, 'a0', [0x80], 128, new Uint16Array(1), new ArrayBuffer(1)])(
    'input %# that is no bytes',
    (input) => {
      expect(codeOfResult(parseCbor(input as never))).toBe('ERR_CODEC_MALFORMED')
    },
  )
})

describe('what it does hold, at the border', () => {
  it.each<[string, CborValue]>([
    ['1b001fffffffffffff', 2 ** 53 - 1],
    ['1b0020000000000000', 2n ** 53n],
    ['1bffffffffffffffff', 2n ** 64n - 1n],
    ['3b001ffffffffffffe', -(2 ** 53 - 1)],
    ['3b001fffffffffffff', -(2n ** 53n)],
    ['3bffffffffffffffff', -(2n ** 64n)],
    ['63efbfbd', '\ufffd'],
    ['64f48fbfbf', '\u{10ffff}'],
    ['63ed9fbf', '\ud7ff'],
    ['63ee8080', '\ue000'],
    ['6461efbbbf', 'a\ufeff'],
    ['6100', '\0'],
    ['a16000', { '': 0 }],
    ['a260f66161f6', { '': null, a: null }],
  ])('%s', (hex, value) => {
    expect(parseCbor(fromHex(hex))).toEqual({ ok: true, value })
    expect(toHex(encodeCbor(value))).toBe(hex)
  })

  it('writes a small bigint as the integer that it is', () => {
    expect(toHex(encodeCbor(5n))).toBe('05')
    expect(toHex(encodeCbor(-1n))).toBe('20')
  })

  it('gives keys with the names of members their own value, and no prototype another one', () => {
    const read = parseCbor(encodeCbor({ constructor: 1, toString: 2, hasOwnProperty: null }))
    if (!read.ok) return expect.unreachable(read.message)
    expect(Object.entries(read.value as object)).toHaveLength(3)
    expect(Object.getPrototypeOf(read.value)).toBe(Object.prototype)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('encodeCbor refuses with the path', () => {
  const holes: unknown[] = [0]
  holes.length = 3
  const circle: unknown[] = []
  circle.push(circle)
  const fake = Uint8Array.of(9, 9)

  it.each<[string, unknown, string]>([
    ['a fraction', [0, [1.5]], 'value.1.0'],
    ['NaN', [NaN], 'value.0'],
    ['infinity', Infinity, 'value'],
    ['minus zero', { a: { b: -0 } }, 'value.a.b'],
    ['an unsafe integer', [2 ** 53], 'value.0'],
    ['a bigint of 65 bits', 2n ** 64n, 'value'],
    ['a negative bigint of 65 bits', -(2n ** 64n) - 1n, 'value'],
    ['undefined', [undefined], 'value.0'],
    ['an undefined member', { a: undefined }, 'value.a'],
    ['a hole', holes, 'value.1'],
    ['a symbol', [Symbol('x')], 'value.0'],
    ['a function', [() => 0], 'value.0'],
    ['a lone surrogate', ['a\ud800'], 'value.0'],
    ['a lone surrogate in a key', { '\udc00': 0 }, 'value.\udc00'],
    ['a byte order mark', ['\ufeffa'], 'value.0'],
    ['a key that is __proto__', JSON.parse('{"__proto__":0}'), 'value'],
    ['a circle', circle, `value${'.0'.repeat(16)}`],
    ['a Map', [new Map([['a', 1]])], 'value.0'],
    ['a Set', new Set([1]), 'value'],
    ['a Date', [new Date(0)], 'value.0'],
    ['another typed array', [new Uint16Array(2)], 'value.0'],
    ['a buffer', [new ArrayBuffer(2)], 'value.0'],
    ['a boxed text', [Object('x')], 'value.0'],
    ['an object of a class', [new VitalsealError('ERR_CRYPTO_NO_RANDOM', '', { details: {} })], 'value.0'],
    ['an object that imitates a link', [{ '/': fake, bytes: fake }], 'value.0'],
  ])('%s', (_name, value, path) => {
    try {
      encodeCbor(value as CborValue)
    } catch (error) {
      expect(error).toBeInstanceOf(VitalsealError)
      expect((error as VitalsealError).code).toBe('ERR_ARGUMENT_INVALID')
      expect((error as VitalsealError).path).toBe(path)
      return
    }
    expect.unreachable('encoded')
  })

  it('takes an object without a prototype, and a link of another copy of multiformats', () => {
    const bare = Object.assign(Object.create(null) as Record<string, CborValue>, { a: 1 })
    expect(toHex(encodeCbor(bare))).toBe('a1616101')
    const { version, code, multihash, bytes } = LINK
    expect(encodeCbor({ version, code, multihash, bytes, '/': bytes } as never)).toEqual(encodeCbor(LINK))
  })
})

describe('input made to exhaust the reader', () => {
  const wide = limits({ bytesMax: 4 * MIB })
  const bombs: Record<string, [Uint8Array, string]> = {
    '1 MiB of empty maps': [concatBytes(encodeHead(4, MIB), new Uint8Array(MIB).fill(0xa0)), 'ERR_CODEC_LIMIT'],
    '1 MiB of empty maps in a row': [new Uint8Array(MIB).fill(0xa0), 'ERR_CODEC_TRAILING_BYTES'],
    'a claim of 2^32 - 1 items': [fromHex('9affffffff00'), 'ERR_CODEC_LIMIT'],
    'a claim of 2^64 - 1 items': [fromHex('9bffffffffffffffff00'), 'ERR_CODEC_LIMIT'],
    'a claim of 2^64 - 1 keys': [fromHex('bbffffffffffffffff00'), 'ERR_CODEC_LIMIT'],
    'a claim of 65,000 items that are not there': [fromHex('99fde800'), 'ERR_CODEC_MALFORMED'],
    'a claim of 4 GiB of bytes': [fromHex('5affffffff00'), 'ERR_CODEC_LIMIT'],
    'a claim of 2^64 - 1 bytes of text': [fromHex('7bffffffffffffffff00'), 'ERR_CODEC_LIMIT'],
    '1 MiB of nested arrays': [new Uint8Array(MIB).fill(0x81), 'ERR_CODEC_LIMIT'],
    '1 MiB of nested maps': [fromHex('a16161'.repeat(MIB / 4)), 'ERR_CODEC_LIMIT'],
    '1 MiB of tags': [new Uint8Array(MIB).fill(0xd8), 'ERR_CODEC_MALFORMED'],
    'claims of 65,000 items at each of 16 levels': [fromHex('99fde8'.repeat(16)), 'ERR_CODEC_MALFORMED'],
    // Accepted: 256 KiB, the most that a kind allows, of what costs most.
    '65,535 empty maps': [array(65_535, 'a0'), 'accepted'],
    '65,535 empty texts': [array(65_535, '60'), 'accepted'],
    '32,000 arrays of one': [array(32_000, '8100'), 'accepted'],
    '250 maps of 128 keys': [
      encodeCbor(
        Array.from({ length: 250 }, () => Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`k${i}`, 0]))),
        wide,
      ),
      'accepted',
    ],
    '29,000 integers of 64 bits': [array(29_000, '1bffffffffffffffff'), 'accepted'],
    '6,200 links': [array(6_200, toHex(encodeCbor(LINK))), 'accepted'],
    '15 texts of 16 KiB of letters of four bytes': [array(15, '794000' + 'f09f8fa5'.repeat(4_096)), 'accepted'],
  }

  it.each(Object.entries(bombs))('%s: told within 50 ms', (_name, [bytes, outcome]) => {
    const ms = leastCpuMs(() => {
      expect(codeOfResult(parseCbor(bytes, wide))).toBe(outcome)
    })
    expect(ms).toBeLessThanOrEqual(50)
  })

  it('all of it in a heap of 32 MiB, where the codec underneath runs out of memory', async () => {
    const codec = await bundleOf(
      `export { parseCbor } from './src/primitives/codec.ts'; export { decode } from '@ipld/dag-cbor'`,
    )
    const inputs = Object.values(bombs).map(([bytes]) => bytes)
    const outcomes = Object.values(bombs).map(([, outcome]) => outcome)
    const read = `inputs.map((bytes) => { const read = codec.parseCbor(bytes, limits); return read.ok ? 'accepted' : read.code })`
    expect(await runInHeap(codec, read, { inputs, limits: wide })).toEqual(outcomes)
    // The control: one of these inputs alone, without limits.
    await expect(runInHeap(codec, 'codec.decode(inputs[0]).length', { inputs, limits: wide })).rejects.toMatchObject({
      code: 'ERR_WORKER_OUT_OF_MEMORY',
    })
  })

  it('overflows no stack that anyone sees, even where the caller allows any depth', () => {
    const unbounded = limits({ depthMax: Infinity })
    expect(codeOfResult(parseCbor(new Uint8Array(MIB).fill(0x81), unbounded))).toBe('ERR_CODEC_MALFORMED')
  })
})

async function bundleOf(contents: string): Promise<string> {
  const options = { bundle: true, format: 'iife', globalName: 'codec', platform: 'node', write: false } as const
  const result = await build({ ...options, stdin: { contents, resolveDir: `${import.meta.dirname}/../..` } })
  return result.outputFiles[0]?.text ?? ''
}

/** What the expression gives in a thread whose heap holds 32 MiB. */
function runInHeap(codec: string, expression: string, workerData: object): Promise<unknown> {
  const post = `const { parentPort, workerData: { inputs, limits } } = require('node:worker_threads'); parentPort.postMessage(${expression})`
  const resourceLimits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 }
  const worker = new Worker(`${codec};${post}`, { eval: true, workerData, resourceLimits })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  }).finally(() => worker.terminate())
}

describe('encodeHead', () => {
  it.each([
    [0, '40'],
    [23, '57'],
    [24, '5818'],
    [255, '58ff'],
    [256, '590100'],
    [65_535, '59ffff'],
    [65_536, '5a00010000'],
    [2 ** 32 - 1, '5affffffff'],
    [2 ** 32, '5b0000000100000000'],
    [2 ** 53 - 1, '5b001fffffffffffff'],
  ])('writes the length %i as %s', (length, hex) => {
    expect(toHex(encodeHead(2, length))).toBe(hex)
  })
})

describe('locateItem', () => {
  const bytes = fromHex(SAMPLE_HEX)

  it('finds the offset of a nested item', () => {
    expect(locateItem(bytes, [])).toBe(0)
    expect(locateItem(bytes, [1])).toBe(2)
    expect(locateItem(bytes, [2])).toBe(2 + 35)
    const inner = locateItem(bytes, [6, 1])
    expect(bytes[inner]).toBe(0xf4)
  })

  it('stops at what it cannot enter', () => {
    expect(locateItem(bytes, [7, 0])).toBe(locateItem(bytes, [7]))
    expect(locateItem(bytes, [0, 5])).toBe(1)
    expect(locateItem(bytes, [99])).toBe(0)
  })

  it('follows where wider limits have let the codec go', () => {
    const deep = fromHex('82' + '81'.repeat(20) + '0001')
    expect(codeOfResult(parseCbor(deep, limits({ depthMax: 30 })))).toBe('accepted')
    expect(locateItem(deep, [1])).toBe(deep.length - 1)
  })
})

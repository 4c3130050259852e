import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'

import { VitalsealError, type Result } from '../../src/errors.ts'
import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../../src/primitives/codec.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { createDid, type Did } from '../../src/primitives/did.ts'
import type { Label } from '../../src/primitives/label.ts'
import { codecLimits } from '../../src/primitives/limits.ts'
import {
  account,
  bytesOf,
  bytesUpTo,
  choice,
  choices,
  constant,
  contentId,
  counter,
  either,
  encodeShape,
  flag,
  identifier,
  label,
  link,
  listOf,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  tuple,
  uint,
  unknownVersion,
  writeShape,
  type Shape,
} from '../../src/primitives/shape.ts'
import { bitFlips, expectReadOrRefused, truncations } from '../property/fuzz-support.ts'
import { codeOfResult } from '../support/failure.ts'

const KEY = Uint8Array.of(2, ...new Uint8Array(32).fill(7))
const DID = createDid(KEY)
const RECORD = createRecordId(hashBlock(RAW_CODEC, new Uint8Array()))
const LABEL = '000102030405060708090a0b0c0d0e0f' as Label

const grant = tuple({ actions: choices('action', ['access', 'write', 'use']), untilMs: nullable(timeMs) })
const shape = tuple({
  version: constant(1),
  sender: account,
  nonce: counter,
  record: contentId,
  label,
  effect: choice('effect', ['permit', 'deny']),
  grants: listOf(grant, { name: 'grants', countMin: 1, countMax: 3 }),
  note: identifier,
  digest: bytesOf(4),
})
const value = {
  version: 1,
  sender: DID,
  nonce: 5,
  record: RECORD,
  label: LABEL,
  effect: 'deny',
  grants: [
    { actions: ['access', 'use'], untilMs: null },
    { actions: ['write'], untilMs: 1_790_000_000_000 },
  ],
  note: 'n\u00f6te',
  digest: Uint8Array.of(1, 2, 3, 4),
} as const
const HEX =
  '89015821' +
  toHex(KEY) +
  '05582155' +
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' +
  '50' +
  LABEL +
  '01828205f682021b000001a0c4506c00' +
  '656ec3b67465' +
  '4401020304'
const wire = {
  parse: (bytes: Uint8Array) => parseShape(bytes, shape, { object: 'sample' }),
  encode: (parsed: Parameters<typeof shape.write>[0]) => encodeShape(parsed, shape, { object: 'sample' }),
}

function refusal(result: Result<unknown>) {
  return result.ok ? expect.unreachable('accepted') : result
}

/** The wire form of the sample with one part replaced. */
function withPart(path: readonly number[], part: CborValue): Uint8Array {
  const replace = (node: CborValue, [index, ...rest]: readonly number[]): CborValue =>
    index === undefined ? part : (node as CborValue[]).map((child, i) => (i === index ? replace(child, rest) : child))
  return encodeCbor(replace(writeShape(value, shape, { object: 'sample' }), path))
}

describe('parseShape and encodeShape', () => {
  it('give the pinned bytes and the value back', () => {
    expect(toHex(wire.encode(value))).toBe(HEX)
    expect(wire.parse(fromHex(HEX))).toEqual({ ok: true, value })
  })

  it('refuse a trailing byte, every truncation, and read or refuse every flip of a bit', () => {
    const bytes = fromHex(HEX)
    expect(codeOfResult(wire.parse(fromHex(HEX + '00')))).toBe('ERR_CODEC_TRAILING_BYTES')
    for (const cut of truncations(bytes)) expect(codeOfResult(wire.parse(cut))).toBe('ERR_CODEC_MALFORMED')
    for (const flipped of bitFlips(bytes)) expectReadOrRefused(wire, flipped)
  })

  it.each<[string, readonly number[], CborValue, string, string]>([
    [
      'a tuple that is too long',
      [6, 0],
      [5, null, 0],
      'ERR_CODEC_MALFORMED',
      'sample.grants.0 at byte 92: expected a tuple of 2',
    ],
    ['another version', [0], 2, 'ERR_CODEC_VERSION', 'sample.version at byte 1: expected a known object, found 2'],
    ['a version that is text', [0], 'x', 'ERR_CODEC_MALFORMED', 'sample.version at byte 1: expected 1'],
    [
      'a key of another form',
      [1],
      KEY.map((b, i) => (i === 0 ? 4 : b)),
      'ERR_CODEC_MALFORMED',
      'sample.sender at byte 2: expected a compressed signing key',
    ],
    ['a key of 32 bytes', [1], KEY.subarray(1), 'ERR_CODEC_MALFORMED', 'sample.sender at byte 2: expected 33 bytes'],
    [
      'a nonce above 2^32 - 1',
      [2],
      2 ** 32,
      'ERR_CODEC_MALFORMED',
      'sample.nonce at byte 37: expected an integer from 0 to 4294967295',
    ],
    [
      'a negative nonce',
      [2],
      -1,
      'ERR_CODEC_MALFORMED',
      'sample.nonce at byte 37: expected an integer from 0 to 4294967295',
    ],
    [
      'a nonce of 64 bits',
      [2],
      2n ** 63n,
      'ERR_CODEC_MALFORMED',
      'sample.nonce at byte 37: expected an integer from 0 to 4294967295',
    ],
    [
      'a content of another codec',
      [3],
      Uint8Array.of(0x70, ...new Uint8Array(32)),
      'ERR_CODEC_MALFORMED',
      'sample.record at byte 38: expected a raw or dag-cbor content id',
    ],
    [
      'a label of 15 bytes',
      [4],
      new Uint8Array(15),
      'ERR_CODEC_MALFORMED',
      'sample.label at byte 73: expected 16 bytes',
    ],
    ['an unknown effect', [5], 2, 'ERR_CODEC_MALFORMED', 'sample.effect at byte 90: expected a effect from 0 to 1'],
    ['no grants', [6], [], 'ERR_CODEC_MALFORMED', 'sample.grants at byte 91: expected a list of at least 1 grants'],
    [
      'too many grants',
      [6],
      Array<CborValue>(4).fill([1, null]),
      'ERR_CODEC_LIMIT',
      'sample.grants at byte 91: expected at most 3 grants, found 4',
    ],
    [
      'an empty set',
      [6, 1, 0],
      0,
      'ERR_CODEC_MALFORMED',
      'sample.grants.1.actions at byte 96: expected a set of action from 1 to 7',
    ],
    [
      'a set with an unknown member',
      [6, 0, 0],
      8,
      'ERR_CODEC_MALFORMED',
      'sample.grants.0.actions at byte 93: expected a set of action from 1 to 7',
    ],
    [
      'a time beyond the last',
      [6, 1, 1],
      8_640_000_000_000_001,
      'ERR_CODEC_MALFORMED',
      'sample.grants.1.untilMs at byte 97: expected an integer from 0 to 8640000000000000',
    ],
    ['empty text', [7], '', 'ERR_CODEC_MALFORMED', 'sample.note at byte 106: expected text that is not empty'],
    [
      'text that is not in normalization form C',
      [7],
      'no\u0308te',
      'ERR_CODEC_MALFORMED',
      'sample.note at byte 106: expected text in normalization form C',
    ],
    [
      'text of 1,025 bytes',
      [7],
      'x'.repeat(1_025),
      'ERR_CODEC_LIMIT',
      'sample.note at byte 106: expected at most 1024 bytes in an identifier, found 1025',
    ],
    [
      'bytes of another length',
      [8],
      Uint8Array.of(1, 2, 3),
      'ERR_CODEC_MALFORMED',
      'sample.digest at byte 112: expected 4 bytes',
    ],
  ])('say where: %s', (_name, path, part, code, message) => {
    const refused = refusal(wire.parse(withPart(path, part)))
    expect(refused.message).toBe(message)
    expect(refused.code).toBe(code)
    expect(refused.path).toBe(message.slice(0, message.indexOf(' ')))
  })

  it('say where the codec stopped, and take the limits of the kind', () => {
    const refused = refusal(wire.parse(fromHex('8118')))
    expect(refused).toMatchObject({
      path: 'sample',
      message: 'sample at byte 1: expected a whole integer, found the end',
    })
    const small = { object: 'sample', limits: { ...codecLimits, bytesMax: 16 } }
    expect(refusal(parseShape(fromHex(HEX), shape, small))).toMatchObject({
      code: 'ERR_CODEC_LIMIT',
      message: 'sample at byte 0: expected at most 16 bytes, found 117',
    })
    expect(() => encodeShape(value, shape, small)).toThrow(VitalsealError)
  })

  it('find the offset in what only wider limits let in', () => {
    const keys = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 0]))
    const wide = { ...codecLimits, mapKeysMax: 400 }
    const pair: Shape<{ first: unknown; second: number }> = tuple({
      first: { read: (read: CborValue) => read, write: (written: unknown) => written as CborValue },
      second: uint(1),
    })
    const bytes = encodeCbor([keys, 2], wide)
    expect(refusal(parseShape(bytes, pair, { object: 'pair', limits: wide })).message).toContain(
      `at byte ${bytes.length - 1}:`,
    )
  })

  it('read into copies', () => {
    const input = fromHex(HEX)
    const read = wire.parse(input)
    input.fill(0)
    expect(read).toEqual({ ok: true, value })
  })
})

describe('writeShape refuses with the path of the field', () => {
  it.each<[string, object, string]>([
    ['a missing field', { nonce: undefined }, 'sample.nonce'],
    ['a nonce beyond the border', { nonce: 2 ** 32 }, 'sample.nonce'],
    ['a fraction', { nonce: 1.5 }, 'sample.nonce'],
    ['a did that is none', { sender: 'did:key:zQ3sx' }, 'sample.sender'],
    ['a did that is missing', { sender: undefined }, 'sample.sender'],
    ['a record id that is none', { record: 'bafy' }, 'sample.record'],
    ['a label that is none', { label: 'zz' }, 'sample.label'],
    ['a label that is too long', { label: LABEL + '00' }, 'sample.label'],
    ['an unknown word', { effect: 'maybe' }, 'sample.effect'],
    ['a list that is none', { grants: 'access' }, 'sample.grants'],
    ['an empty list', { grants: [] }, 'sample.grants'],
    ['a list too long to be copied', { grants: new Array(2 ** 32 - 1) }, 'sample.grants'],
    ['a hole in a list', { grants: Array(2) }, 'sample.grants.0'],
    ['a member that is null', { grants: [null] }, 'sample.grants.0'],
    [
      'an unknown member of a set',
      { grants: [{ actions: ['access', 'sell'], untilMs: null }] },
      'sample.grants.0.actions',
    ],
    ['a set that is none', { grants: [{ actions: 'access', untilMs: null }] }, 'sample.grants.0.actions'],
    ['an empty set', { grants: [{ actions: [], untilMs: null }] }, 'sample.grants.0.actions'],
    ['a lone surrogate', { note: '\ud800' }, 'sample.note'],
    ['a byte order mark', { note: '\ufeffx' }, 'sample.note'],
    ['bytes of another length', { digest: new Uint8Array(5) }, 'sample.digest'],
    ['an array for bytes', { digest: [1, 2, 3, 4] }, 'sample.digest'],
  ])('%s', (_name, change, path) => {
    try {
      wire.encode({ ...value, ...change })
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT_INVALID', path })
      return
    }
    expect.unreachable('encoded')
  })

  it('also where the whole value is none', () => {
    for (const nothing of [undefined, null, 5, 'x']) {
      expect(() => wire.encode(nothing as never)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'sample' }),
      )
    }
  })

  it('keeps no member of a set twice, and their order is that of the list', () => {
    const twice = { ...value, grants: [{ actions: ['use', 'access', 'use'], untilMs: null }] } as const
    const read = wire.parse(wire.encode(twice))
    expect(read.ok && read.value.grants[0]?.actions).toEqual(['access', 'use'])
  })
})

describe('shapes alone', () => {
  const cid = CID.parse(RECORD)
  const upperCase = mapped(identifier, {
    parse: (text) => (text === text.toLowerCase() ? text.toUpperCase() : new Mismatch('lower-case text')),
    format: (text: string) => text.toLowerCase(),
  })
  const textOrNumber = either(identifier, uint(9), {
    isFirst: (read) => typeof read === 'string',
    isFirstValue: (written): written is string => typeof written === 'string',
  })

  it.each<[string, Shape<never>, readonly unknown[], readonly CborValue[]]>([
    ['uint', uint(5, 2) as Shape<never>, [2, 5], [1, 6, 'x', null, true]],
    ['counter', counter as Shape<never>, [0, 2 ** 32 - 1], [2 ** 32]],
    ['timeMs', timeMs as Shape<never>, [0, 8_640_000_000_000_000], [8_640_000_000_000_001, -1]],
    ['flag', flag as Shape<never>, [true, false], [0, 1, null]],
    ['bytesUpTo', bytesUpTo(2) as Shape<never>, [new Uint8Array(), new Uint8Array(2)], [new Uint8Array(3), 'ab', [1]]],
    [
      'identifier',
      identifier as Shape<never>,
      ['x'.repeat(1_024), '\u00fc'.repeat(512)],
      [`${'\u00fc'.repeat(512)}x`, '', 5],
    ],
    ['nullable', nullable(uint(1)) as Shape<never>, [null, 1], [2, false]],
    ['constant text', constant('all') as Shape<never>, ['all'], ['any', 0]],
    ['choice', choice('word', ['a', 'b']) as Shape<never>, ['a', 'b'], [2, -1, 'a']],
    ['choices', choices('word', ['a', 'b']) as Shape<never>, [['a'], ['b'], ['a', 'b']], [0, 4, 'a']],
    ['link', link as Shape<never>, [cid], ['x', null, new Uint8Array(36), { '/': RECORD }]],
    ['mapped', upperCase as Shape<never>, ['ABC'], ['Abc', 5]],
    ['either', textOrNumber as Shape<never>, ['x', 9], [10, '', null]],
    [
      'list',
      listOf(uint(1), { name: 'bits', countMax: 2 }) as Shape<never>,
      [[], [0, 1]],
      [[0, 1, 0], 5, { length: 0 }],
    ],
  ])('%s: accepted at the border, refused beyond', (_name, one, good, bad) => {
    for (const item of good) expect(one.read(one.write(item as never))).toEqual(item)
    for (const item of bad) expect(one.read(item), JSON.stringify(item)).toBeInstanceOf(Mismatch)
  })

  it('bytes are copied, whoever reads', () => {
    const bytes = Uint8Array.of(1, 2)
    for (const read of [bytesOf(2).read(bytes), bytesUpTo(2).read(bytes)]) {
      expect(read).toEqual(bytes)
      expect(read).not.toBe(bytes)
    }
  })

  it('choices work beyond 31 members', () => {
    const words = Array.from({ length: 40 }, (_, i) => `w${i}`)
    const many = choices('word', words)
    expect(many.read(many.write(['w0', 'w31', 'w39']))).toEqual(['w0', 'w31', 'w39'])
    expect(many.read(2 ** 40)).toBeInstanceOf(Mismatch)
  })

  it('unknownVersion names the object', () => {
    const kinds: Shape<number> = { read: (read) => unknownVersion('kind', read as number), write: (written) => written }
    const refused = refusal(parseShape(fromHex('09'), kinds, { object: 'transaction' }))
    expect(refused).toMatchObject({ code: 'ERR_CODEC_VERSION', details: { object: 'kind', found: 9 } })
  })

  it('refuse did casts on reading back, not by a foreign error', () => {
    expect(() => encodeShape('did:key:z' as Did, account, { object: 'party' })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'party' }),
    )
  })
})

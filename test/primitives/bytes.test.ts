import { describe, expect, it } from 'vitest'

import {
  compareBytes,
  concatBytes,
  copyBytes,
  equalBytes,
  fromHex,
  fromUtf8,
  isPortableText,
  toHex,
  toKey,
  toUtf8,
} from '../../src/primitives/bytes.ts'
import { codeOf } from '../support/failure.ts'

describe('copyBytes', () => {
  it('gives plain bytes with a buffer of their own, also for a Buffer of the pool', () => {
    const source = Buffer.from('abc')
    const copy = copyBytes(source)
    source.fill(0)
    expect(toHex(copy)).toBe('616263')
    expect(copy.constructor).toBe(Uint8Array)
    expect(copy.buffer.byteLength).toBe(3)
  })
})

describe('hexadecimal text', () => {
  it('is written in lower case and read in either', () => {
    expect(toHex(Uint8Array.of(0, 1, 0xab, 0xff))).toBe('0001abff')
    expect(fromHex('0001aBFf')).toEqual(Uint8Array.of(0, 1, 0xab, 0xff))
    expect(fromHex('')).toEqual(new Uint8Array())
    for (let byte = 0; byte < 256; byte++) expect(fromHex(toHex(Uint8Array.of(byte)))[0]).toBe(byte)
  })

  it.each(['0', 'abc', 'zz', '0x00', ' 00', '00\n', '0\u0660', undefined, 5])(
    'refuses %j without quoting it',
    (text) => {
      expect(codeOf(() => fromHex(text as string))).toBe('ERR_ARGUMENT_INVALID')
      expect(() => fromHex(text as string)).toThrow('"text" expected hexadecimal digits in pairs, found something else')
    },
  )
})

describe('UTF-8', () => {
  it('comes back', () => {
    expect(toHex(toUtf8('\u00fc\u{1f3e5}'))).toBe('c3bcf09f8fa5')
    expect(fromUtf8(toUtf8('\u00fc\u{1f3e5}'))).toBe('\u00fc\u{1f3e5}')
  })

  it('replaces what is malformed and drops a leading mark, as said', () => {
    expect(fromUtf8(Uint8Array.of(0x61, 0xff))).toBe('a\ufffd')
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('a')
  })
})

describe('isPortableText', () => {
  it.each(['', 'text', '\u{1f3e5}', '\ufffd', 'a\ufeff'])('takes %j, which comes back', (text) => {
    expect(isPortableText(text)).toBe(true)
    expect(fromUtf8(toUtf8(text))).toBe(text)
  })

  it.each(['\ud800', 'a\udc00', '\udc00\ud800', '\ufeff', '\ufefftext'])('refuses %j, which does not', (text) => {
    expect(isPortableText(text)).toBe(false)
    expect(fromUtf8(toUtf8(text))).not.toBe(text)
  })
})

describe('comparison', () => {
  it('tells equal from different, at every place and length', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    expect(equalBytes(bytes, copyBytes(bytes))).toBe(true)
    for (let i = 0; i < 4; i++)
      expect(
        equalBytes(
          bytes,
          bytes.map((byte, at) => (at === i ? byte ^ 1 : byte)),
        ),
      ).toBe(false)
    expect(equalBytes(bytes, bytes.subarray(0, 3))).toBe(false)
    expect(equalBytes(new Uint8Array(), new Uint8Array())).toBe(true)
  })

  it('orders from the left, unsigned, and the shorter first', () => {
    const ordered = ['', '00', '0000', '0001', '01', '7f', '80', '80ff', 'ff'].map(fromHex)
    for (const [i, left] of ordered.entries()) {
      for (const [j, right] of ordered.entries()) expect(Math.sign(compareBytes(left, right))).toBe(Math.sign(i - j))
    }
  })

  it('joins', () => {
    expect(toHex(concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)))).toBe('010203')
    expect(concatBytes()).toEqual(new Uint8Array())
  })
})

it('gives one key for equal bytes, and another for each change of one byte', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => (index * 37) % 256)
  expect(toKey(bytes.slice())).toBe(toKey(bytes))
  const changed = Array.from(bytes, (byte, at) => toKey(bytes.with(at, byte ^ 1)))
  const cut = [bytes.subarray(1), bytes.subarray(0, 63), new Uint8Array()].map(toKey)
  expect(new Set([toKey(bytes), ...changed, ...cut]).size).toBe(1 + 64 + 3)
})

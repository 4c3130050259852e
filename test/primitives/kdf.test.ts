import { hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { hkdf, hkdfTagged } from '../../src/primitives/kdf.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { codeOf } from '../support/failure.ts'

const secret = new Uint8Array(22).fill(0x0b)
const none = new Uint8Array(0)

describe('hkdf', () => {
  it('gives what RFC 5869 A.3 prints, where an absent salt is an empty one', () => {
    const printed = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'
    expect(toHex(hkdf({ secret, info: none }, 42))).toBe(printed)
    expect(toHex(hkdf({ secret, salt: none, info: none }, 42))).toBe(printed)
  })

  it.each([1, 31, 32, 33, 76, 8_160])('agrees with node:crypto on %i bytes', (byteCount) => {
    const salt = fromHex('ff'.repeat(32))
    const info = fromHex('0102')
    const expected = new Uint8Array(hkdfSync('sha256', secret, salt, info, byteCount))
    expect(hkdf({ secret, salt, info }, byteCount)).toEqual(expected)
  })

  it('refuses lengths beyond 255 blocks and inputs that are no bytes', () => {
    expect(codeOf(() => hkdf({ secret, info: none }, 8_161))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => hkdf({ secret, info: none }, 0))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => hkdf({ secret, info: none }, 1.5))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => hkdf({ secret: 'secret' as never, info: none }, 32))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => hkdf({ secret, salt: 'salt' as never, info: none }, 32))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => hkdf({ secret, info: undefined as never }, 32))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('hkdfTagged', () => {
  const key = fromHex('07'.repeat(32))

  it('takes the canonical tuple of tag and fields as info', () => {
    const info = encodeCbor([TAGS.typeKey, 'a', 1, fromHex('02')])
    const expected = new Uint8Array(hkdfSync('sha256', key, none, info, 32))
    expect(hkdfTagged(key, TAGS.typeKey, ['a', 1, fromHex('02')])).toEqual(expected)
  })

  it('gives another key for another tag, another field and another border between fields', () => {
    const keys = [
      hkdfTagged(key, TAGS.typeKey, ['ab', 'c']),
      hkdfTagged(key, TAGS.diagnosisKey, ['ab', 'c']),
      hkdfTagged(key, TAGS.typeKey, ['a', 'bc']),
      hkdfTagged(key, TAGS.typeKey, ['ab', 'c', null]),
      hkdfTagged(fromHex('08'.repeat(32)), TAGS.typeKey, ['ab', 'c']),
    ]
    expect(new Set(keys.map(toHex)).size).toBe(keys.length)
  })

  it('is pinned', () => {
    expect(toHex(hkdfTagged(key, TAGS.epochTypes, []))).toMatchInlineSnapshot(
      `"39657863181f95b61a879936abdff16dccb600e7a616ae95f7fbb0e08448ac21"`,
    )
    expect(toHex(hkdfTagged(key, TAGS.record, [1, 'x'], 48))).toMatchInlineSnapshot(
      `"8fd2521850da3319d285c4ace3fea1e2621d8eded0772f4e2aeea6ed21547820f5530f8fcef44c8f8dfcf1b7970751c4"`,
    )
  })
})

import { describe, expect, it } from 'vitest'

import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { hkdf } from '../../../src/primitives/kdf.ts'
import { codeOf } from '../../support/failure.ts'
import { describeVectors } from '../../support/vectors.ts'

describe('RFC 5869, known answers without the folder', () => {
  it('A.1: basic', () => {
    const secret = fromHex('0b'.repeat(22))
    const okm = hkdf({ secret, salt: fromHex('000102030405060708090a0b0c'), info: fromHex('f0f1f2f3f4f5f6f7f8f9') }, 42)
    expect(toHex(okm)).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
  })

  it('A.3: empty salt and info', () => {
    const okm = hkdf({ secret: fromHex('0b'.repeat(22)), info: new Uint8Array() }, 42)
    expect(toHex(okm)).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')
  })
})

interface Case {
  readonly tcId: number
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
  readonly result: 'valid' | 'invalid'
}

describeVectors('wycheproof/hkdf_sha256_test.json', 50, (contents, count) => {
  const groups = (JSON.parse(contents.toString()) as { testGroups: { tests: Case[] }[] }).testGroups

  it('derives every valid case and refuses outputs beyond 255 blocks', () => {
    for (const { tcId, ikm, salt, info, size, okm, result } of groups.flatMap((group) => group.tests)) {
      const input = { secret: fromHex(ikm), salt: fromHex(salt), info: fromHex(info) }
      if (result === 'valid') expect(toHex(hkdf(input, size)), `tcId ${tcId}`).toBe(okm)
      else
        expect(
          codeOf(() => hkdf(input, size)),
          `tcId ${tcId}`,
        ).toBe('ERR_ARGUMENT_INVALID')
      count()
    }
  })
})

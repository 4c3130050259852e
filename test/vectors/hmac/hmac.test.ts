import { describe, expect, it } from 'vitest'

import { equalBytes, fromHex, toHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import { hmacSha256 } from '../../../src/primitives/hash.ts'
import { describeVectors } from '../../support/vectors.ts'

describe('RFC 4231, known answers without the folder', () => {
  it.each([
    [
      '4.2',
      '0b'.repeat(20),
      toHex(toUtf8('Hi There')),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '4.3',
      toHex(toUtf8('Jefe')),
      toHex(toUtf8('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '4.7: a key longer than a block',
      'aa'.repeat(131),
      toHex(toUtf8('Test Using Larger Than Block-Size Key - Hash Key First')),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('%s', (_section, key, message, mac) => {
    expect(toHex(hmacSha256(fromHex(key), fromHex(message)))).toBe(mac)
  })
})

interface Group {
  readonly tagSize: number
  readonly tests: readonly {
    readonly tcId: number
    readonly key: string
    readonly msg: string
    readonly tag: string
    readonly result: 'valid' | 'invalid'
  }[]
}

describeVectors('wycheproof/hmac_sha256_test.json', 98, (contents, count) => {
  const groups = (JSON.parse(contents.toString()) as { testGroups: Group[] }).testGroups

  it('tells valid tags, whole or truncated as the group says, from changed ones', () => {
    for (const { tagSize, tests } of groups) {
      for (const { tcId, key, msg, tag, result } of tests) {
        const mac = hmacSha256(fromHex(key), fromHex(msg)).subarray(0, tagSize / 8)
        expect(equalBytes(mac, fromHex(tag)), `tcId ${tcId}`).toBe(result === 'valid')
        count()
      }
    }
  })
})

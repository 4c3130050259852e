import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import { judgeMessage, ORDER, compress, to32, toNumber } from '../../support/ecdsa.ts'
import { compactOfDer } from '../../support/der.ts'
import { describeVectors } from '../../support/vectors.ts'

interface Case {
  readonly tcId: number
  readonly comment: string
  readonly msg: string
  readonly sig: string
  readonly result: 'valid' | 'invalid'
}

interface Group {
  readonly publicKey: { readonly uncompressed: string }
  readonly tests: readonly Case[]
}

function casesOf(contents: Buffer): (Case & { readonly key: Uint8Array })[] {
  const { testGroups } = JSON.parse(contents.toString()) as { testGroups: Group[] }
  return testGroups.flatMap(({ publicKey, tests }) => {
    const key = compress(fromHex(publicKey.uncompressed))
    if (key === undefined) throw new Error('a group whose key is no point')
    return tests.map((test) => ({ ...test, key }))
  })
}

/** Both implementations, with and without a table, judge the message through `judgeMessage` and must agree. */
describe('known answers without the folder', () => {
  // Key, message and signature of the first cases of Wycheproof's ecdsa_secp256k1_sha256 files.
  const key = compress(
    fromHex(
      '04b838ff44e5bc177bf21189d0766082fc9d843226887fc9760371100b7ee20a6f' +
        'f0c9d75bfba7b31a6bca1974496eeb56de357071955d83c4b1badaa0b21832e9',
    ),
  ) as Uint8Array
  const [r, s] = [
    fromHex('813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc9832365'),
    fromHex('6ff18a52dcc0336f7af62400a6dd9b810732baf1ff758000d6f613a556eb31ba'),
  ]

  it('accepts the low s and refuses the high one', () => {
    expect(judgeMessage(key, toUtf8('123400'), concatBytes(r, s))).toBe(true)
    expect(judgeMessage(key, toUtf8('123400'), concatBytes(r, to32(ORDER - toNumber(s))))).toBe(false)
  })

  it('reads strict DER and nothing else', () => {
    const der = concatBytes(fromHex('3045022100'), r, fromHex('0220'), s)
    expect(compactOfDer(der)).toEqual(concatBytes(r, s))
    for (let length = 0; length < der.length; length++) expect(compactOfDer(der.subarray(0, length))).toBeUndefined()
    expect(compactOfDer(concatBytes(der, Uint8Array.of(0)))).toBeUndefined()
    // r without its padding is negative; s with one is too long.
    expect(compactOfDer(concatBytes(fromHex('30440220'), r, fromHex('0220'), s))).toBeUndefined()
    expect(compactOfDer(concatBytes(fromHex('3046022100'), r, fromHex('022100'), s))).toBeUndefined()
  })
})

describeVectors('wycheproof/ecdsa_secp256k1_sha256_p1363_test.json', 161, (contents, count) => {
  // The file calls high s valid. Our rule is low s only, so those are refused, and this is the only difference.
  let highCount = 0
  for (const { tcId, comment, key, msg, sig, result } of casesOf(contents)) {
    it(`${tcId}: ${comment}`, () => {
      count()
      const signature = fromHex(sig)
      const isHigh = result === 'valid' && toNumber(signature.subarray(32, 64)) > ORDER >> 1n
      if (isHigh) highCount++
      expect(judgeMessage(key, fromHex(msg), signature)).toBe(result === 'valid' && !isHigh)
    })
  }
  it('has 52 valid signatures with high s', () => {
    expect(highCount).toBe(52)
  })
})

describeVectors('wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json', 155, (contents, count) => {
  for (const { tcId, comment, key, msg, sig, result } of casesOf(contents)) {
    it(`${tcId}: ${comment}`, () => {
      count()
      const pair = compactOfDer(fromHex(sig))
      expect(pair !== undefined && judgeMessage(key, fromHex(msg), pair)).toBe(result === 'valid')
    })
  }
})

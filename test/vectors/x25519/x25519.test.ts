import { describe, expect, it } from 'vitest'

import { createAgreementKey, isAgreementPublicKey } from '../../../src/primitives/agreement.ts'
import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { codeOf } from '../../support/failure.ts'
import { describeVectors } from '../../support/vectors.ts'

interface Case {
  readonly tcId: number
  readonly comment: string
  readonly flags: readonly string[]
  readonly public: string
  readonly private: string
  readonly shared: string
  readonly result: 'valid' | 'acceptable'
}

describe('RFC 7748, known answers without the folder', () => {
  it('5.2: the first scalar multiplication', () => {
    const key = createAgreementKey(fromHex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'))
    const peer = fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c')
    expect(toHex(key.agree(peer))).toBe('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552')
  })

  it('5.2: the second one, whose peer has the top bit set: refused, and right without that bit', () => {
    const key = createAgreementKey(fromHex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d'))
    const peer = fromHex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493')
    expect(codeOf(() => key.agree(peer))).toBe('ERR_CRYPTO_INVALID_POINT')
    peer[31] = 0x13
    expect(toHex(key.agree(peer))).toBe('95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957')
  })

  it('5.2: one and a thousand iterations', () => {
    let k = Uint8Array.of(9, ...new Uint8Array(31))
    let u = k
    for (let i = 1; i <= 1_000; i++) {
      // Iteration feeds non-canonical values too; those are reduced here, as RFC 7748 has it and the product has not.
      const next = createAgreementKey(k).agree(reduce(u))
      u = k
      k = next
      if (i === 1) expect(toHex(k)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
    }
    expect(toHex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })
})

/** The same u-coordinate in canonical form. */
function reduce(u: Uint8Array): Uint8Array {
  let number = 0n
  for (const byte of u.toReversed()) number = number * 256n + BigInt(byte)
  number = (number % 2n ** 255n) % (2n ** 255n - 19n)
  return Uint8Array.from({ length: 32 }, (_, i) => Number((number >> BigInt(8 * i)) & 255n))
}

describeVectors('wycheproof/x25519_test.json', 273, (contents, count) => {
  const groups = (JSON.parse(contents.toString()) as { testGroups: { tests: Case[] }[] }).testGroups
  const cases = groups.flatMap((group) => group.tests)
  /**
   * "acceptable" leaves three choices. Keys on the twist (flag Twist): accepted, X25519 is made for them. Keys of low
   * order (LowOrderPublic, ZeroSharedSecret): refused. Keys at or above p, or with the top bit (NonCanonicalPublic):
   * refused, since one key would have several spellings.
   */
  const isRefused = ({ flags }: Case) => flags.includes('LowOrderPublic') || flags.includes('NonCanonicalPublic')

  it('agrees on every accepted case and refuses the others by their public key', () => {
    let refused = 0
    for (const vector of cases) {
      const name = `tcId ${vector.tcId} ${vector.comment}`
      const key = createAgreementKey(fromHex(vector.private))
      const peer = fromHex(vector.public)
      expect(isAgreementPublicKey(peer), name).toBe(!isRefused(vector))
      if (isRefused(vector)) {
        expect(vector.result, name).toBe('acceptable')
        expect(
          codeOf(() => key.agree(peer)),
          name,
        ).toBe('ERR_CRYPTO_INVALID_POINT')
        refused++
      } else expect(toHex(key.agree(peer)), name).toBe(vector.shared)
      count()
    }
    expect(refused).toBeGreaterThan(0)
  })
})

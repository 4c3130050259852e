import { describe, expect, it } from 'vitest'

import {
  BLS_GROUP_ORDER,
  deriveBlsSecretKey,
  derivePreSecret,
  generateBlsSecretKey,
  generatePreSecret,
  parseBlsSecretKey,
  parsePreSecret,
} from '../../src/primitives/bls-secret.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { GROUP_ORDER, toBytes, toNumber } from '../support/bls.ts'

const material = new Uint8Array(32).map((_, i) => i)

describe('derivation of secrets', () => {
  it('gives the pinned scalars, another for each purpose', () => {
    expect(toHex(deriveBlsSecretKey(material))).toBe('3087c7585700a8e0737bf17d08ae32efbff9b20b5ce84963075f9e595217119e')
    expect(toHex(derivePreSecret(material))).toBe('230db2b761629f5c3d509271024729ea51a11839406488573fa338797f457403')
  })

  it.each([
    ['31 bytes', new Uint8Array(31)],
    ['1,025 bytes', new Uint8Array(1_025)],
    ['text', 'material' as unknown as Uint8Array],
  ])('refuses %s', (_name, bytes) => {
    const refusal = expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'material' }) as Error
    expect(() => deriveBlsSecretKey(bytes)).toThrow(refusal)
    expect(() => derivePreSecret(bytes)).toThrow(refusal)
  })

  it('takes 32 and 1,024 bytes', () => {
    for (const length of [32, 1_024]) expect(parsePreSecret(derivePreSecret(new Uint8Array(length))).ok).toBe(true)
  })

  it('draws fresh ones from the random source', () => {
    expect(toHex(generateBlsSecretKey(() => material))).toBe(toHex(deriveBlsSecretKey(material)))
    expect(toHex(generatePreSecret(() => material))).toBe(toHex(derivePreSecret(material)))
    expect(toHex(generatePreSecret())).not.toBe(toHex(generatePreSecret()))
    expect(() => generateBlsSecretKey(() => new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_NO_RANDOM' }),
    )
  })
})

describe.each([
  ['parseBlsSecretKey', parseBlsSecretKey],
  ['parsePreSecret', parsePreSecret],
])('%s', (_name, parse) => {
  it('copies scalars from 1 to r - 1', () => {
    expect(BLS_GROUP_ORDER).toBe(GROUP_ORDER)
    for (const number of [1n, GROUP_ORDER - 1n]) {
      const bytes = toBytes(number, 32)
      const result = parse(bytes)
      bytes.fill(0)
      expect(result.ok && toNumber(result.value)).toBe(number)
    }
  })

  it.each([0n, GROUP_ORDER, (1n << 256n) - 1n])('refuses %d', (number) => {
    expect(parse(toBytes(number, 32))).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
  })

  it('refuses other lengths and other things', () => {
    for (const bytes of [toBytes(1n, 31), toBytes(1n, 33), new Uint8Array(), 'x' as unknown as Uint8Array]) {
      expect(parse(bytes)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
    }
  })
})

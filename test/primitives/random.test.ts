import { afterEach, describe, expect, it, vi } from 'vitest'

import { drawBytes, randomBytes } from '../../src/primitives/random.ts'
import { subtleCrypto, webCrypto } from '../../src/primitives/web-crypto.ts'
import { codeOf } from '../support/failure.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('randomBytes', () => {
  it('gives as many bytes as asked for, also beyond the border of one call', () => {
    for (const byteCount of [0, 1, 32, 65_536, 65_537, 200_000]) expect(randomBytes(byteCount)).toHaveLength(byteCount)
    const long = randomBytes(65_536 * 2 + 64)
    for (const start of [0, 65_536, 65_536 * 2]) {
      expect(long.subarray(start, start + 64).some((byte) => byte !== 0)).toBe(true)
    }
    expect(randomBytes(32)).not.toEqual(randomBytes(32))
  })

  it.each([-1, 1.5, NaN, Infinity, '32'])('refuses the count %s', (byteCount) => {
    expect(codeOf(() => randomBytes(byteCount as number))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('says so where there is no Web Crypto', () => {
    vi.stubGlobal('crypto', undefined)
    expect(webCrypto()).toBeUndefined()
    expect(subtleCrypto()).toBeUndefined()
    expect(codeOf(() => randomBytes(32))).toBe('ERR_CRYPTO_NO_RANDOM')
  })
})

describe('drawBytes', () => {
  it('gives a copy of what the source gave', () => {
    const source = Buffer.alloc(32, 7)
    const drawn = drawBytes(() => source, 32)
    source.fill(0)
    expect(drawn).toEqual(new Uint8Array(32).fill(7))
    expect(drawn.constructor).toBe(Uint8Array)
  })

  it.each([
    ['too few bytes', () => new Uint8Array(31).fill(1)],
    ['too many bytes', () => new Uint8Array(33).fill(1)],
    ['an array', () => Array<number>(32).fill(1)],
    ['nothing', () => undefined],
    ['zeros', () => new Uint8Array(32)],
  ])('refuses a source that gives %s', (_name, source) => {
    expect(codeOf(() => drawBytes(source as never, 32))).toBe('ERR_CRYPTO_NO_RANDOM')
  })

  it('takes zeros for an accident below 16 bytes only', () => {
    const zeros = (byteCount: number) => new Uint8Array(byteCount)
    expect(drawBytes(zeros, 15)).toEqual(new Uint8Array(15))
    expect(codeOf(() => drawBytes(zeros, 16))).toBe('ERR_CRYPTO_NO_RANDOM')
    expect(drawBytes((byteCount) => new Uint8Array(byteCount).fill(1, byteCount - 1), 16)[15]).toBe(1)
  })
})

import { describe, expect, it } from 'vitest'

import { encodeSignerBitmap, parseSignerBitmap } from '../../src/primitives/signer-bitmap.ts'

describe('signer bitmap', () => {
  it('pins the order of bits and bytes', () => {
    expect(encodeSignerBitmap([0, 3], 4)).toEqual(Uint8Array.of(0b0000_1001))
    expect(encodeSignerBitmap([30, 8, 0], 31)).toEqual(Uint8Array.of(1, 1, 0, 0b0100_0000))
  })

  it('reads what it writes, ascending, for every set of up to nine members', () => {
    for (let memberCount = 1; memberCount <= 9; memberCount++) {
      for (let set = 1; set < 2 ** memberCount; set++) {
        const indexes = Array.from({ length: memberCount }, (_, i) => i).filter((i) => (set >> i) & 1)
        expect(parseSignerBitmap(encodeSignerBitmap(indexes, memberCount), memberCount)).toEqual({
          ok: true,
          value: indexes,
        })
      }
    }
  })

  it.each([
    ['nobody', Uint8Array.of(0), 4],
    ['nobody of nobody', new Uint8Array(), 0],
    ['too few bytes', Uint8Array.of(1), 9],
    ['too many bytes', Uint8Array.of(1, 0), 8],
    ['no bytes', new Uint8Array(), 4],
    ['a bit beyond the last member', Uint8Array.of(0b0001_0001), 4],
    ['something else', [1] as unknown as Uint8Array, 4],
  ])('refuses %s', (_name, bitmap, memberCount) => {
    expect(parseSignerBitmap(bitmap, memberCount)).toMatchObject({
      ok: false,
      code: 'ERR_CODEC_MALFORMED',
      path: 'bitmap',
    })
  })

  it.each([[[-1]], [[4]], [[0.5]], [[1, 1]], [[NaN]]])('writes nothing for %j', (indexes) => {
    expect(() => encodeSignerBitmap(indexes, 4)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })
})

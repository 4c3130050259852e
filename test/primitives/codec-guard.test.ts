import { encode } from '@ipld/dag-cbor'
import { expect, it, vi } from 'vitest'

import { fromHex } from '../../src/primitives/bytes.ts'
import { parseCbor } from '../../src/primitives/codec.ts'

vi.mock('@ipld/dag-cbor', async (original) => {
  const codec = await original<{ readonly encode: (value: unknown) => Uint8Array }>()
  return { ...codec, encode: vi.fn(codec.encode) }
})

// No input is known that passes the walk and encodes to other bytes: the comparison guards against faults of the package.
it.each([
  ['8201820203', '8201820204', 4],
  ['8201820203', '820182', 3],
  ['8201820203', '820182020304', 5],
])('refuses %s where the encoder gives %s', (hex, again, byteOffset) => {
  expect(parseCbor(fromHex(hex)).ok).toBe(true)
  vi.mocked(encode).mockReturnValueOnce(fromHex(again))
  expect(parseCbor(fromHex(hex))).toMatchObject({ code: 'ERR_CODEC_NOT_CANONICAL', details: { byteOffset } })
})

it('refuses where the encoder throws', () => {
  vi.mocked(encode).mockImplementationOnce(() => {
    throw new TypeError('a fault')
  })
  expect(parseCbor(fromHex('00'))).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
})

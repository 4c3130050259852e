import { expect, it, vi } from 'vitest'

import { fromHex } from '../../src/primitives/bytes.ts'
import { parseCbor } from '../../src/primitives/codec.ts'
import { writeValue } from '../../src/primitives/codec-write.ts'

vi.mock('../../src/primitives/codec-write.ts', async (original) => {
  const writer = await original<{ readonly writeValue: typeof writeValue }>()
  return { ...writer, writeValue: vi.fn(writer.writeValue) }
})

// No input is known that passes the walk and encodes to other bytes: the comparison guards against faults of the writer.
it.each([
  ['8201820203', '8201820204', 4],
  ['8201820203', '820182', 3],
  ['8201820203', '820182020304', 5],
])('refuses %s where the writer gives %s', (hex, again, byteOffset) => {
  expect(parseCbor(fromHex(hex)).ok).toBe(true)
  vi.mocked(writeValue).mockReturnValueOnce(fromHex(again))
  expect(parseCbor(fromHex(hex))).toMatchObject({ code: 'ERR_CODEC_NOT_CANONICAL', details: { byteOffset } })
})

it('refuses where the writer throws', () => {
  vi.mocked(writeValue).mockImplementationOnce(() => {
    throw new TypeError('a fault')
  })
  expect(parseCbor(fromHex('00'))).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
})

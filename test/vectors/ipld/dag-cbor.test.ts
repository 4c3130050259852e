import { decode } from '@ipld/dag-cbor'
import { describe, expect, it } from 'vitest'

import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../../src/primitives/codec.ts'
import { sha256 } from '../../../src/primitives/hash.ts'
import { createCid, DAG_CBOR_CODEC, hashBlock } from '../../../src/primitives/content-id.ts'
import { describeVectors } from '../../support/vectors.ts'

describe('known answers without the folder', () => {
  // RFC 8949, appendix A: the examples that strict DAG-CBOR has too.
  it.each<[string, CborValue]>([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18446744073709551615n],
    ['20', -1],
    ['3903e7', -1000],
    ['3bffffffffffffffff', -18446744073709551616n],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['4401020304', fromHex('01020304')],
    ['60', ''],
    ['62c3bc', '\u00fc'],
    ['64f0908591', '\ud800\udd51'],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
  ])('RFC 8949, appendix A: %s', (hex, value) => {
    expect(parseCbor(fromHex(hex))).toEqual({ ok: true, value })
    expect(toHex(encodeCbor(value))).toBe(hex)
  })
})

describeVectors('ipld/dag-cbor-positive.json', 61, (contents, count) => {
  type Fixture = Readonly<Record<'name' | 'cid' | 'hex', string>>
  const fixtures = JSON.parse(contents.toString()) as readonly Fixture[]
  /** Floats are DAG-CBOR, but none of ours. The other codec says which fixtures hold one: it reads them as fractions. */
  const withFloat = fixtures.filter(({ hex }) => hasFraction(decode(fromHex(hex)))).map((fixture) => fixture.name)

  it.each(fixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (name, { hex, cid }) => {
    const bytes = fromHex(hex)
    const result = parseCbor(bytes)
    if (withFloat.includes(name)) {
      expect(result).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
      expect(result.ok ? '' : result.message).toContain('no float')
    } else {
      if (!result.ok) expect.unreachable(result.message)
      expect(toHex(encodeCbor(result.value))).toBe(hex)
    }
    expect(hashBlock(DAG_CBOR_CODEC, bytes).toString()).toBe(cid)
    expect(createCid(DAG_CBOR_CODEC, sha256(bytes)).toString()).toBe(cid)
    count()
  })

  it('holds ten fixtures with floats and fifty-one others', () => {
    expect(withFloat).toHaveLength(10)
  })
})

function hasFraction(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFraction)
}

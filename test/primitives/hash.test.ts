import { createHash, createHmac } from 'node:crypto'
import { encode } from '@ipld/dag-cbor'
import { describe, expect, it } from 'vitest'

import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import type { CborValue } from '../../src/primitives/codec.ts'
import { hmacSha256, sha256, taggedHash } from '../../src/primitives/hash.ts'
import { LEDGER_TAGS, PRE_TAGS, TAGS, ZK_TAGS, type Tag } from '../../src/primitives/tags.ts'
import { codeOf } from '../support/failure.ts'

/** The second opinion: another codec, another hash, one buffer. */
function slowTaggedHash(tag: string, ...fields: readonly CborValue[]): string {
  return createHash('sha256')
    .update(encode([tag, ...fields]))
    .digest('hex')
}

const zeros = (length: number) => new Uint8Array(length)

describe('taggedHash', () => {
  it('keeps its value: pinned examples', () => {
    expect(toHex(taggedHash(TAGS.transaction, zeros(32), [1, 'x']))).toBe(
      '10810ae5877ce54c6f6687e654bc51a82bff257f8a7236243709d7cdadced82a',
    )
    expect(toHex(taggedHash(LEDGER_TAGS.genesis))).toBe(
      '15c2a8c240a144d6de1fe29e3958b62751c4bb913767878b4e769360bc492c1e',
    )
  })

  it('is SHA-256 of the encoded tuple', () => {
    const lists: readonly (readonly CborValue[])[] = [
      [],
      [zeros(0)],
      [null, true, -5, 2n ** 63n, 'text', { b: 1, aa: [] }],
      [[[[]]]],
      zeros(22).reduce<CborValue[]>((list) => [...list, 0], []),
      zeros(23).reduce<CborValue[]>((list) => [...list, 0], []),
      zeros(300).reduce<CborValue[]>((list) => [...list, zeros(1)], []),
    ]
    for (const fields of lists) {
      expect(toHex(taggedHash(TAGS.grant, ...fields))).toBe(slowTaggedHash(TAGS.grant, ...fields))
    }
  })

  it('is the same on both sides of the border between joined and streamed input', () => {
    for (const length of [23, 24, 255, 256, 4_000, 4_095, 4_096, 4_097, 16_384, 16_385, 65_535, 65_536, 300_000]) {
      const field = zeros(length).fill(length & 255)
      expect(toHex(taggedHash(TAGS.record, field)), `${length}`).toBe(slowTaggedHash(TAGS.record, field))
      expect(toHex(taggedHash(TAGS.record, 1, field, [field], 'x'))).toBe(
        slowTaggedHash(TAGS.record, 1, field, [field], 'x'),
      )
    }
    const parts = [zeros(2_048), zeros(2_047), zeros(1)]
    expect(toHex(taggedHash(TAGS.record, ...parts))).toBe(slowTaggedHash(TAGS.record, ...parts))
  })

  it('has no two inputs in common, wherever the borders between the fields are', () => {
    const lists: readonly (readonly [Tag, ...CborValue[]])[] = [
      [TAGS.grant],
      [TAGS.grant, null],
      [TAGS.grant, ''],
      [TAGS.grant, zeros(0)],
      [TAGS.grant, []],
      [TAGS.grant, {}],
      [TAGS.grant, 0],
      [TAGS.grant, false],
      [TAGS.grant, 'ab', 'c'],
      [TAGS.grant, 'a', 'bc'],
      [TAGS.grant, 'abc'],
      [TAGS.grant, toUtf8('abc')],
      [TAGS.grant, ['ab', 'c']],
      [TAGS.grant, ['ab'], 'c'],
      [TAGS.grant, 'ab', ['c']],
      [TAGS.grant, zeros(1), zeros(2)],
      [TAGS.grant, zeros(2), zeros(1)],
      [TAGS.grant, zeros(3)],
      [TAGS.transaction, zeros(3)],
      [TAGS.grant, TAGS.grant],
      [TAGS.grant, 1n],
      [TAGS.grant, -1],
    ]
    expect(new Set(lists.map((list) => toHex(taggedHash(...list)))).size).toBe(lists.length)
  })

  it('takes no tag for another one with another count of fields', () => {
    const eleven = Array<number>(11).fill(0)
    expect(toHex(taggedHash('1t' as Tag, 0))).toBe(slowTaggedHash('1t', 0))
    expect(toHex(taggedHash('t' as Tag, ...eleven))).toBe(slowTaggedHash('t', ...eleven))
  })

  it('takes a field of any length, and sixteen levels of each', () => {
    const deep = (levels: number): CborValue => (levels === 0 ? 0 : [deep(levels - 1)])
    expect(toHex(taggedHash(TAGS.grant, deep(16)))).toBe(slowTaggedHash(TAGS.grant, deep(16)))
    expect(codeOf(() => taggedHash(TAGS.grant, deep(17)))).toBe('ERR_ARGUMENT_INVALID')
    const long = ['x'.repeat(100_000), Array<number>(70_000).fill(1)]
    expect(toHex(taggedHash(TAGS.grant, long))).toBe(slowTaggedHash(TAGS.grant, long))
  })

  it.each([[undefined], [1.5], [NaN], [-0], [{ a: undefined }], [new Map()], ['\ud800'], [new Uint16Array(2)]])(
    'refuses the field %j',
    (field) => {
      expect(codeOf(() => taggedHash(TAGS.grant, field as CborValue))).toBe('ERR_ARGUMENT_INVALID')
    },
  )
})

describe('sha256 and hmacSha256', () => {
  it('agree with OpenSSL at every length around the blocks', () => {
    for (let length = 0; length <= 200; length++) {
      const message = zeros(length).map((_, i) => i)
      expect(toHex(sha256(message))).toBe(createHash('sha256').update(message).digest('hex'))
      expect(toHex(hmacSha256(message, message))).toBe(createHmac('sha256', message).update(message).digest('hex'))
    }
  })
})

describe('the tables of tags', () => {
  const tags = [TAGS, LEDGER_TAGS, PRE_TAGS, ZK_TAGS].flatMap((table) => Object.values(table))

  it('has no tag twice', () => {
    expect(new Set(tags).size).toBe(tags.length)
  })

  it('has tags of one form, which name a folder of the house', () => {
    const folders =
      'primitives|identity|policy|pre|zk|pbft|storage|transactions|keys|chain|sharing|fhir|presets|audit|actors|node'
    for (const tag of tags)
      expect(tag).toMatch(new RegExp(`^vitalseal/(?:${folders})/[a-z0-9]+(?:-[a-z0-9]+)*/v[1-9][0-9]*$`))
  })
})

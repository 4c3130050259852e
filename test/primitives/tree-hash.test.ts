import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/primitives/bytes.ts'
import { taggedHash } from '../../src/primitives/hash.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { LEAF_PREFIX, NODE_PREFIX, hashPairInto } from '../../src/primitives/tree-hash.ts'

const page = Uint8Array.from({ length: 256 }, (_, index) => index)
const slot = (offset: number): { readonly bytes: Uint8Array; readonly offset: number } => ({ bytes: page, offset })

function slowPair(prefix: number, first: number, second: number): string {
  const hash = createHash('sha256').update(Uint8Array.of(prefix))
  return hash
    .update(page.subarray(first, first + 32))
    .update(page.subarray(second, second + 32))
    .digest('hex')
}

describe('hashing into slots', () => {
  it('reads and writes 32 bytes at any offset, and what it overwrites may be an input', () => {
    const target = new Uint8Array(64)
    hashPairInto(NODE_PREFIX, slot(3), slot(100), { bytes: target, offset: 7 })
    expect(toHex(target)).toBe(`${'00'.repeat(7)}${slowPair(1, 3, 100)}${'00'.repeat(25)}`)
    const expected = slowPair(0, 64, 80)
    const own = { bytes: Uint8Array.from(page), offset: 80 }
    hashPairInto(LEAF_PREFIX, slot(64), own, own)
    expect(toHex(own.bytes.subarray(80, 112))).toBe(expected)
    expect(toHex(own.bytes.subarray(112))).toBe(toHex(page.subarray(112)))
  })

  it('and tagged hashing keep no state between calls, nor when one runs inside of another', () => {
    const field = { inner: 'value' }
    const expected = toHex(taggedHash(TAGS.mapValue, 'first', field, 'last'))
    const inside: string[] = []
    const hostile = {
      get inner() {
        inside.push(toHex(taggedHash(TAGS.mapPath, 'inside')))
        hashPairInto(NODE_PREFIX, slot(0), slot(32), { bytes: new Uint8Array(32), offset: 0 })
        return 'value'
      },
    }
    expect(toHex(taggedHash(TAGS.mapValue, 'first', hostile, 'last'))).toBe(expected)
    expect(new Set(inside)).toEqual(new Set([toHex(taggedHash(TAGS.mapPath, 'inside'))]))
    expect(() => taggedHash(TAGS.mapValue, 'first', 1.5)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    )
    expect(toHex(taggedHash(TAGS.mapValue, 'first', field, 'last'))).toBe(expected)
  })
})

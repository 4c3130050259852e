import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'

import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { expandMessage, hashToScalar } from '../../src/primitives/hash-to-scalar.ts'
import { TAGS } from '../../src/primitives/tags.ts'

describe('expandMessage', () => {
  // RFC 9380, K.1.
  const tag = 'QUUX-V01-CS02-with-expander-SHA256-128'

  it('gives the known answers of RFC 9380, K.1', () => {
    expect(toHex(expandMessage(toUtf8(''), tag, 32))).toBe(
      '68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235',
    )
    expect(toHex(expandMessage(toUtf8('abc'), tag, 32))).toBe(
      'd8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615',
    )
  })

  it('agrees with the curve package over several blocks', () => {
    for (const byteCount of [1, 32, 33, 48, 96, 128]) {
      const slow = expand_message_xmd(toUtf8('message'), toUtf8(tag), byteCount, sha256)
      expect(toHex(expandMessage(toUtf8('message'), tag, byteCount))).toBe(toHex(slow))
    }
  })
})

describe('hashToScalar', () => {
  it('is hash_to_field of the canonical tuple behind a counter', () => {
    const fields = ['a', Uint8Array.of(1, 2), [3, null]]
    const slow = bls12_381.G1.hashToScalar(encodeCbor([0, ...fields]), { DST: TAGS.preSecret })
    expect(hashToScalar(TAGS.preSecret, ...fields)).toBe(slow)
  })

  it('keeps fields and tags apart', () => {
    const scalars = [
      hashToScalar(TAGS.preSecret, 'ab', 'c'),
      hashToScalar(TAGS.preSecret, 'a', 'bc'),
      hashToScalar(TAGS.prePossession, 'a', 'bc'),
    ]
    expect(new Set(scalars).size).toBe(3)
  })
})

import { bls12_381 } from '@noble/curves/bls12-381.js'
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js'
import { secp256k1_hasher } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'

import { hashToG1, hashToG2 } from '../../../src/primitives/bls12-381-group.ts'
import { toHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import type { Tag } from '../../../src/primitives/tags.ts'
import { describeVectors } from '../../support/vectors.ts'

interface CurveVector {
  readonly msg: string
  readonly P: { readonly x: string; readonly y: string }
}

/** A coordinate of the suite: `0x...`, or `0x(c0),0x(c1)` in an extension field. */
function coordinate(text: string): bigint[] {
  return text.split(',').map(BigInt)
}

function expectPoint(parts: readonly bigint[], { x, y }: CurveVector['P']): void {
  expect(parts).toEqual([...coordinate(x), ...coordinate(y)])
}

function runG1(vector: CurveVector, dst: string): void {
  const { x, y } = hashToG1(toUtf8(vector.msg), dst as Tag)
  expectPoint([x, y], vector.P)
}

function runG2(vector: CurveVector, dst: string): void {
  const { x, y } = hashToG2(toUtf8(vector.msg), dst as Tag)
  expectPoint([x.c0, x.c1, y.c0, y.c1], vector.P)
}

/** Not used by the product: these cases show that the package below computes what the standard says. */
function runSecp256k1(vector: CurveVector, dst: string): void {
  const { x, y } = secp256k1_hasher.hashToCurve(toUtf8(vector.msg), { DST: toUtf8(dst) }).toAffine()
  expectPoint([x, y], vector.P)
}

describe('known answers without the folder', () => {
  it('J.9.1: the message "abc" in G1', () => {
    const P = {
      x: '0x03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903',
      y: '0x0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d',
    }
    runG1({ msg: 'abc', P }, 'QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_')
  })

  it('J.10.1: the empty message in G2', () => {
    const P = {
      x:
        '0x0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a,' +
        '0x05cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d',
      y:
        '0x0503921d7f6a12805e72940b963c0cf3471c7b2a524950ca195d11062ee75ec076daf2d4bc358c4b190c0c98064fdd92,' +
        '0x12424ac32561493f3fe3c260708a12b7c620e7be00099a974e259ddc7d1f6395c3c811cdd19f1e8dbf3e9ecfdcbab8d6',
    }
    runG2({ msg: '', P }, 'QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_')
  })

  it('another tag gives another point', () => {
    const message = toUtf8('abc')
    const [first, second] = ['vitalseal/one/v1', 'vitalseal/two/v1'].map((tag) => hashToG1(message, tag as Tag))
    expect(first).toBeInstanceOf(bls12_381.G1.Point)
    expect(first?.equals(second as NonNullable<typeof second>)).toBe(false)
  })
})

for (const [file, run] of [
  ['rfc9380/BLS12381G1_XMD_SHA-256_SSWU_RO_.json', runG1],
  ['rfc9380/BLS12381G2_XMD_SHA-256_SSWU_RO_.json', runG2],
  ['rfc9380/secp256k1_XMD_SHA-256_SSWU_RO_.json', runSecp256k1],
] as const) {
  describeVectors(file, 5, (contents, count) => {
    const { dst, vectors } = JSON.parse(contents.toString()) as { dst: string; vectors: CurveVector[] }
    it.each(vectors)('"$msg"', (vector) => {
      count()
      run(vector, dst)
    })
  })
}

interface ExpansionCase {
  readonly msg: string
  readonly len_in_bytes: string
  readonly uniform_bytes: string
}

describeVectors('rfc9380/expand_message_xmd_SHA256_38.json', 10, (contents, count) => {
  const { DST, tests } = JSON.parse(contents.toString()) as { DST: string; tests: ExpansionCase[] }
  it.each(tests)('"$msg" to $len_in_bytes bytes', ({ msg, len_in_bytes, uniform_bytes }) => {
    count()
    expect(toHex(expand_message_xmd(toUtf8(msg), toUtf8(DST), Number(len_in_bytes), sha256))).toBe(uniform_bytes)
  })
})

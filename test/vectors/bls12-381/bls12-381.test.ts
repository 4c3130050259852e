import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import {
  encodeG1,
  encodeG2,
  parseG1,
  parseG2,
  parseScalar,
  type G1Point,
  type G2Point,
} from '../../../src/primitives/bls12-381.ts'
import {
  addG1,
  addG2,
  arePairingsEqual,
  generatorOfG1,
  generatorOfG2,
  hashToG1,
  isPairingProductOne,
  multiplyG1,
} from '../../../src/primitives/bls12-381-group.ts'
import { deriveBlsScalar, type BlsSecretKey } from '../../../src/primitives/bls-secret.ts'
import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { sha256 } from '../../../src/primitives/hash.ts'
import type { Tag } from '../../../src/primitives/tags.ts'
import { GROUP_ORDER, readG1, readG2, toBytes, toNumber } from '../../support/bls.ts'
import { describeVectors } from '../../support/vectors.ts'

describe('known answers without the folder', () => {
  it('the generators', () => {
    expect(toHex(encodeG1(generatorOfG1()))).toBe(
      '97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb',
    )
    expect(toHex(encodeG2(generatorOfG2()))).toBe(
      '93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e' +
        '024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8',
    )
  })

  it('a signature with short signatures: round 1 of the drand network "quicknet"', () => {
    const publicKey = parseG2(
      fromHex(
        '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451' +
          '0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
      ),
    )
    const signature = parseG1(
      fromHex('b55e7cb2d5c613ee0b2e28d6750aabbb78c39dcc96bd9d38c2c2e12198df95571de8e8e402a0cc48871c7089a2b3af4b'),
    )
    if (!publicKey.ok || !signature.ok) throw new Error('the vector is no pair of points')
    const tag = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_' as Tag
    const verifies = (round: bigint): boolean => {
      const message = hashToG1(sha256(toBytes(round, 8)), tag)
      return arePairingsEqual([signature.value, generatorOfG2()], [message, publicKey.value])
    }
    expect([verifies(1n), verifies(2n)]).toEqual([true, false])
  })

  it('KeyGen: the master keys of EIP-2333, whose derivation is KeyGen with an empty key_info', () => {
    const master = (seed: string): bigint => toNumber(deriveBlsScalar(fromHex(seed), new Uint8Array()))
    const seed =
      'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04'
    expect(master(seed)).toBe(6083874454709270928345386274498605044986640685124978867557563392430687146096n)
    expect(master('3141592653589793238462643383279502884197169399375105820974944592')).toBe(
      29757020647961307431480504535336562678282505419141012933316116377660817309383n,
    )
  })
})

/** Record i is i * G; record 0 is the identity, which is refused here. */
describeVectors('bls12-381/g1_compressed_valid.dat', 1_000, (contents, count) => {
  it('decodes to multiples of the generator and encodes back', () => {
    expect(parseG1(contents.subarray(0, 48))).toMatchObject({ code: 'ERR_CRYPTO_INVALID_POINT' })
    count()
    let multiple = bls12_381.G1.Point.ZERO
    for (let start = 48; start < contents.length; start += 48) {
      count()
      const point = parseG1(contents.subarray(start, start + 48))
      if (!point.ok) throw new Error(`record ${start / 48} was refused`)
      multiple = multiple.add(bls12_381.G1.Point.BASE)
      expect(point.value.equals(multiple)).toBe(true)
      expect(contents.subarray(start, start + 48).equals(encodeG1(point.value))).toBe(true)
    }
  })
})

describeVectors('bls12-381/g2_compressed_valid.dat', 1_000, (contents, count) => {
  it('decodes to multiples of the generator and encodes back', () => {
    expect(parseG2(contents.subarray(0, 96))).toMatchObject({ code: 'ERR_CRYPTO_INVALID_POINT' })
    count()
    let multiple = bls12_381.G2.Point.ZERO
    for (let start = 96; start < contents.length; start += 96) {
      count()
      const point = parseG2(contents.subarray(start, start + 96))
      if (!point.ok) throw new Error(`record ${start / 96} was refused`)
      multiple = multiple.add(bls12_381.G2.Point.BASE)
      expect(point.value.equals(multiple)).toBe(true)
      expect(contents.subarray(start, start + 96).equals(encodeG2(point.value))).toBe(true)
    }
  })
})

interface Eip2537Case {
  readonly Name: string
  readonly Input: string
  readonly Expected: string
  readonly ExpectedError?: string
}

function casesOf(contents: Buffer): Eip2537Case[] {
  return JSON.parse(contents.toString()) as Eip2537Case[]
}

/** A field element of EIP-2537: 64 bytes of which the first 16 are zero. */
function fieldElements(hex: string): bigint[] {
  return (hex.match(/.{128}/g) ?? []).map((digits) => toNumber(fromHex(digits)))
}

/**
 * A point of the suite through our decoder, which takes x and a sign: `identity` for the suite's (0, 0), undefined for
 * what our decoder refuses or decodes to another y.
 */
function pointOfG1(hex: string): G1Point | 'identity' | undefined {
  const [x = 0n, y = 0n] = fieldElements(hex)
  if (x === 0n && y === 0n) return 'identity'
  return readG1(x, y)
}

function pointOfG2(hex: string): G2Point | 'identity' | undefined {
  const [x0 = 0n, x1 = 0n, y0 = 0n, y1 = 0n] = fieldElements(hex)
  if ([x0, x1, y0, y1].every((part) => part === 0n)) return 'identity'
  return readG2([x1, x0], [y1, y0])
}

/** Sums what is not the identity, as our arithmetic has none. */
function sum<P>(points: readonly (P | 'identity' | undefined)[], add: (points: P[]) => P | undefined): P | 'identity' {
  return add(points.filter((point) => point !== 'identity') as P[]) ?? 'identity'
}

function expectEqual<P extends { equals(other: P): boolean }>(
  left: P | 'identity',
  right: P | 'identity' | undefined,
): void {
  if (left === 'identity' || right === 'identity' || right === undefined) expect(left).toBe(right)
  else expect(left.equals(right)).toBe(true)
}

describeVectors('bls12-381/eip2537/add_G1_bls.json', 9, (contents, count) => {
  it.each(casesOf(contents))('$Name', ({ Name, Input, Expected }) => {
    count()
    const points = [pointOfG1(Input.slice(0, 256)), pointOfG1(Input.slice(256))]
    // The precompile adds points outside of the subgroup; our decoder lets none of them in.
    if (Name.includes('not_in_correct_subgroup')) expect(points).toContain(undefined)
    else expectEqual(sum(points, addG1), pointOfG1(Expected))
  })
})

describeVectors('bls12-381/eip2537/add_G2_bls.json', 9, (contents, count) => {
  it.each(casesOf(contents))('$Name', ({ Name, Input, Expected }) => {
    count()
    const points = [pointOfG2(Input.slice(0, 512)), pointOfG2(Input.slice(512))]
    if (Name.includes('not_in_correct_subgroup')) expect(points).toContain(undefined)
    else expectEqual(sum(points, addG2), pointOfG2(Expected))
  })
})

describeVectors('bls12-381/eip2537/mul_G1_bls.json', 11, (contents, count) => {
  it.each(casesOf(contents))('$Name', ({ Input, Expected }) => {
    count()
    const point = pointOfG1(Input.slice(0, 256))
    const scalar = fromHex(Input.slice(256))
    // The precompile takes every scalar, modulo r; our decoder those from 1 to r - 1.
    const reduced = toNumber(scalar) % GROUP_ORDER
    expect(parseScalar(scalar).ok).toBe(reduced === toNumber(scalar) && reduced !== 0n)
    const isIdentity = point === 'identity' || point === undefined || reduced === 0n
    expectEqual(isIdentity ? 'identity' : multiplyG1(point, toBytes(reduced, 32) as BlsSecretKey), pointOfG1(Expected))
    expect(point).toBeDefined()
  })
})

describeVectors('bls12-381/eip2537/fail-mul_G1_bls.json', 8, (contents, count) => {
  it.each(casesOf(contents))('$Name: $ExpectedError', ({ Input, ExpectedError }) => {
    count()
    const digits = Input.slice(0, -64)
    if (ExpectedError === 'invalid input length') expect(digits.length).not.toBe(256)
    else expect(pointOfG1(digits)).toBeUndefined()
    // Bytes of no length are a point of ours, whatever they hold.
    expect(parseG1(fromHex(digits.padStart(digits.length + (digits.length % 2), '0')))).toMatchObject({
      code: 'ERR_CODEC_MALFORMED',
    })
  })
})

describeVectors('bls12-381/eip2537/pairing_check_bls.json', 15, (contents, count) => {
  it.each(casesOf(contents))('$Name', ({ Input, Expected }) => {
    count()
    const pairs: (readonly [G1Point, G2Point])[] = []
    for (const digits of Input.match(/.{768}/g) ?? []) {
      const [left, right] = [pointOfG1(digits.slice(0, 256)), pointOfG2(digits.slice(256))]
      if (left === undefined || right === undefined) throw new Error('the suite gave a pair of no points')
      // A pairing with the identity is one and changes no product; our points are none.
      if (left !== 'identity' && right !== 'identity') pairs.push([left, right])
    }
    expect(isPairingProductOne(pairs)).toBe(toNumber(fromHex(Expected)) === 1n)
  })
})

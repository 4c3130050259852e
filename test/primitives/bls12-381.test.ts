import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import {
  encodeG1,
  encodeG2,
  encodeScalar,
  parseG1,
  parseG2,
  parseScalar,
  type BlsScalar,
  type G1Point,
  type G2Point,
} from '../../src/primitives/bls12-381.ts'
import { hashToG1, hashToG2 } from '../../src/primitives/bls12-381-group.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { compressG1, compressG2, FIELD_ORDER, GROUP_ORDER, strayG1, strayG2, toBytes } from '../support/bls.ts'

const g1 = hashToG1(toUtf8('a point'), TAGS.blsCertificate)
const g2 = hashToG2(toUtf8('a point'), TAGS.blsCertificate)
const NO_FLAGS = 0x1f
const FLAGS = [0x00, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0]

const groups = [
  {
    group: 'G1',
    parse: parseG1,
    encoded: encodeG1(g1),
    uncompressed: g1.toBytes(false),
    encodeAgain: (bytes: Uint8Array) => succeededG1(bytes),
  },
  {
    group: 'G2',
    parse: parseG2,
    encoded: encodeG2(g2),
    uncompressed: g2.toBytes(false),
    encodeAgain: (bytes: Uint8Array) => succeededG2(bytes),
  },
] as const

function succeededG1(bytes: Uint8Array): Uint8Array | undefined {
  const result = parseG1(bytes)
  return result.ok ? encodeG1(result.value) : undefined
}

function succeededG2(bytes: Uint8Array): Uint8Array | undefined {
  const result = parseG2(bytes)
  return result.ok ? encodeG2(result.value) : undefined
}

function withFirstByte(bytes: Uint8Array, first: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[0] = first
  return changed
}

describe.each(groups)('parse$group', ({ group, parse, encoded, uncompressed, encodeAgain }) => {
  const malformed = { ok: false, code: 'ERR_CODEC_MALFORMED', path: 'point' }
  const invalid = { ok: false, code: 'ERR_CRYPTO_INVALID_POINT', path: 'point', details: { group } }
  const byteCount = encoded.length

  it('reads the encoding that it writes, and its twin with the other y', () => {
    expect(byteCount).toBe(group === 'G1' ? 48 : 96)
    expect(encodeAgain(encoded)).toEqual(encoded)
    const twin = withFirstByte(encoded, (encoded[0] as number) ^ 0x20)
    expect(encodeAgain(twin)).toEqual(twin)
  })

  it('refuses every other length', () => {
    for (let length = 0; length <= 2 * byteCount + 1; length++) {
      const bytes = new Uint8Array(length)
      bytes.set(encoded.subarray(0, Math.min(length, byteCount)))
      if (length !== byteCount) expect(parse(bytes)).toMatchObject(malformed)
    }
    expect(parse(uncompressed)).toMatchObject(malformed)
    expect(parse(undefined as unknown as Uint8Array)).toMatchObject(malformed)
    expect(parse([...encoded] as unknown as Uint8Array)).toMatchObject(malformed)
  })

  it('takes the flag "compressed" with either y, and no other flags', () => {
    for (const flags of FLAGS) {
      const flagged = withFirstByte(encoded, ((encoded[0] as number) & NO_FLAGS) | flags)
      if (flags === 0x80 || flags === 0xa0) expect(parse(flagged).ok).toBe(true)
      else expect(parse(flagged)).toMatchObject(invalid)
    }
  })

  it('refuses the identity, in its own form and in every other', () => {
    const zeros = new Uint8Array(byteCount)
    for (const flags of FLAGS) expect(parse(withFirstByte(zeros, flags))).toMatchObject(invalid)
    for (let at = 1; at < byteCount; at++) {
      const tailed = withFirstByte(zeros, 0xc0)
      tailed[at] = 1
      expect(parse(tailed)).toMatchObject(invalid)
    }
  })

  it('refuses the encoding with a byte changed', () => {
    for (let at = 0; at < byteCount; at += 5) {
      const changed = Uint8Array.from(encoded)
      changed[at] = (changed[at] as number) ^ 1
      // A changed x is on the curve half of the time, and in the subgroup practically never.
      expect(parse(changed)).toMatchObject(invalid)
    }
  })
})

describe('parseG1', () => {
  const invalid = { ok: false, code: 'ERR_CRYPTO_INVALID_POINT', details: { group: 'G1' } }

  it('refuses x from the field order on, of points that it takes below', () => {
    let point = bls12_381.G1.Point.BASE
    while (point.x + FIELD_ORDER >= 1n << 381n) point = point.add(bls12_381.G1.Point.BASE)
    const { x, y } = point.toAffine()
    expect(parseG1(compressG1(x, y)).ok).toBe(true)
    expect(parseG1(compressG1(x + FIELD_ORDER, y))).toMatchObject(invalid)
    expect(parseG1(compressG1(FIELD_ORDER, 1n))).toMatchObject(invalid)
    expect(parseG1(compressG1((1n << 381n) - 1n, 1n))).toMatchObject(invalid)
  })

  it('refuses x without a y', () => {
    const { Fp } = bls12_381.fields
    let x = 1n
    while (isSquare(Fp.add(Fp.pow(x, 3n), 4n))) x++
    expect(parseG1(compressG1(x, 1n))).toMatchObject(invalid)
  })

  it('refuses points outside of the subgroup, and the one of order 3', () => {
    for (const { x, y } of strayG1(8)) {
      expect(parseG1(compressG1(x, y))).toMatchObject(invalid)
      expect(parseG1(compressG1(x, FIELD_ORDER - y))).toMatchObject(invalid)
    }
    const small = bls12_381.G1.Point.fromAffine({ x: 0n, y: 2n })
    expect(small.double().add(small).is0()).toBe(true)
    expect(parseG1(compressG1(0n, 2n))).toMatchObject(invalid)
  })
})

describe('parseG2', () => {
  const invalid = { ok: false, code: 'ERR_CRYPTO_INVALID_POINT', details: { group: 'G2' } }

  it('refuses either part of x from the field order on, of points that it takes below', () => {
    let point = bls12_381.G2.Point.BASE
    while (point.x.c1 + FIELD_ORDER >= 1n << 381n) point = point.add(bls12_381.G2.Point.BASE)
    const { x, y } = point.toAffine()
    const flags = [y.c1, y.c0] as const
    expect(parseG2(compressG2([x.c1, x.c0], flags)).ok).toBe(true)
    expect(parseG2(compressG2([x.c1, x.c0 + FIELD_ORDER], flags))).toMatchObject(invalid)
    expect(parseG2(compressG2([x.c1 + FIELD_ORDER, x.c0], flags))).toMatchObject(invalid)
    expect(parseG2(compressG2([x.c1, (1n << 384n) - 1n], flags))).toMatchObject(invalid)
  })

  it('refuses points outside of the subgroup', () => {
    for (const { x, y } of strayG2(8)) {
      expect(parseG2(compressG2(x, y))).toMatchObject(invalid)
      expect(parseG2(compressG2(x, [FIELD_ORDER - y[0], FIELD_ORDER - y[1]]))).toMatchObject(invalid)
    }
  })
})

describe('encodeG1 and encodeG2', () => {
  it('refuse the identity', () => {
    const refusal = expect.objectContaining({ code: 'ERR_CRYPTO_INVALID_POINT' }) as Error
    expect(() => encodeG1(bls12_381.G1.Point.ZERO as G1Point)).toThrow(refusal)
    expect(() => encodeG2(bls12_381.G2.Point.ZERO as G2Point)).toThrow(refusal)
  })
})

describe('parseScalar', () => {
  it.each([1n, 2n, GROUP_ORDER - 1n])('reads and writes %d', (number) => {
    const result = parseScalar(toBytes(number, 32))
    expect(result).toEqual({ ok: true, value: number })
    expect(encodeScalar(number as BlsScalar)).toEqual(toBytes(number, 32))
  })

  it.each([0n, GROUP_ORDER, GROUP_ORDER + 1n, (1n << 256n) - 1n])(
    'refuses %d, which encodeScalar does too',
    (number) => {
      expect(parseScalar(toBytes(number, 32))).toMatchObject({ code: 'ERR_CODEC_MALFORMED', path: 'scalar' })
      expect(() => encodeScalar(number as BlsScalar)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
    },
  )

  it('refuses every other length', () => {
    for (let length = 0; length <= 48; length++) {
      if (length !== 32)
        expect(parseScalar(new Uint8Array(length).fill(1))).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
    }
    expect(parseScalar('1' as unknown as Uint8Array)).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
  })
})

function isSquare(number: bigint): boolean {
  const { Fp } = bls12_381.fields
  return Fp.eql(Fp.pow(number, (Fp.ORDER - 1n) / 2n), 1n)
}

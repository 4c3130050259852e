import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { encodeG1, encodeG2, encodeScalar, parseG1, parseG2, parseScalar } from '../../src/primitives/bls12-381.ts'
import {
  addG1,
  arePairingsEqual,
  generatorOfG1,
  generatorOfG2,
  hashToG1,
  hashToG2,
  multiplyG1,
  multiplyG2,
} from '../../src/primitives/bls12-381-group.ts'
import { deriveBlsScalar, type BlsSecretKey } from '../../src/primitives/bls-secret.ts'
import {
  aggregateBlsSignatures,
  createBlsSigner,
  validateBlsPossession,
  verifyBlsAggregate,
} from '../../src/primitives/bls-signature.ts'
import { encodeSignerBitmap } from '../../src/primitives/signer-bitmap.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { GROUP_ORDER, secretKey, toBytes } from '../support/bls.ts'
import { propertyRuns } from '../support/property.ts'

const tag = TAGS.blsCertificate
const message = fc.uint8Array({ maxLength: 64 })
const scalar = fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n })

describe('encodings', () => {
  it('of random bytes are refused, or read to a value with these very bytes', () => {
    const flagged = (length: number) =>
      fc
        .tuple(fc.uint8Array({ minLength: length, maxLength: length }), fc.integer({ min: 0, max: 7 }))
        .map(([bytes, flags]) => bytes.map((byte, i) => (i === 0 ? (byte & 0x1f) | (flags << 5) : byte)))
    fc.assert(
      fc.property(flagged(48), flagged(96), flagged(32), (first, second, third) => {
        const [g1, g2, number] = [parseG1(first), parseG2(second), parseScalar(third)]
        if (g1.ok) expect(encodeG1(g1.value)).toEqual(first)
        if (g2.ok) expect(encodeG2(g2.value)).toEqual(second)
        if (number.ok) expect(encodeScalar(number.value)).toEqual(third)
      }),
      propertyRuns(100),
    )
  })

  it('of points come back', () => {
    fc.assert(
      fc.property(message, (bytes) => {
        const [g1, g2] = [hashToG1(bytes, tag), hashToG2(bytes, tag)]
        expect(unwrap(parseG1(encodeG1(g1))).equals(g1)).toBe(true)
        expect(unwrap(parseG2(encodeG2(g2))).equals(g2)).toBe(true)
      }),
      propertyRuns(20),
    )
  })
})

describe('the pairing', () => {
  it('is bilinear: e(aP, bQ) = e(abP, Q), and not for another product', () => {
    fc.assert(
      fc.property(message, scalar, scalar, (bytes, a, b) => {
        const [P, Q] = [hashToG1(bytes, tag), hashToG2(bytes, tag)]
        const product = (a * b) % GROUP_ORDER
        const left = [multiplyG1(P, secretKey(a)), multiplyG2(Q, secretKey(b))] as const
        expect(arePairingsEqual(left, [multiplyG1(P, secretKey(product)), Q])).toBe(true)
        const next = (product % (GROUP_ORDER - 1n)) + 1n
        expect(arePairingsEqual(left, [multiplyG1(P, secretKey(next)), Q])).toBe(false)
      }),
      propertyRuns(5),
    )
  })

  it('agrees with the sums: aP + bP = (a + b)P', () => {
    fc.assert(
      fc.property(message, scalar, scalar, (bytes, a, b) => {
        const P = hashToG1(bytes, tag)
        const sum = addG1([multiplyG1(P, secretKey(a)), multiplyG1(P, secretKey(b))])
        const total = (a + b) % GROUP_ORDER
        if (total === 0n) expect(sum).toBeUndefined()
        else expect(sum?.equals(multiplyG1(P, secretKey(total)))).toBe(true)
      }),
      propertyRuns(10),
    )
  })
})

describe('aggregates', () => {
  const signers = Array.from({ length: 10 }, (_, i) => {
    const material = toBytes(BigInt(i + 1), 32)
    return createBlsSigner(deriveBlsScalar(material, new Uint8Array()) as BlsSecretKey)
  })
  const members = signers.map((signer, i) => {
    const proof = signer.provePossession([i])
    return unwrap(validateBlsPossession({ publicKey: signer.publicKey, context: [i], proof }))
  })
  const subset = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 10 })

  it('verify for the set of those who signed, and for no other', () => {
    fc.assert(
      fc.property(subset, subset, message, (signed, claimed, field) => {
        const signatures = signed.map((index) => signers[index]?.sign(tag, [field]) as Uint8Array)
        const signature = unwrap(aggregateBlsSignatures(signatures))
        const bitmap = encodeSignerBitmap(claimed, 10)
        const isSame = [...signed].sort().join() === [...claimed].sort().join()
        expect(verifyBlsAggregate({ members, bitmap, tag, fields: [field], signature })).toBe(isSame)
        const own = encodeSignerBitmap(signed, 10)
        expect(verifyBlsAggregate({ members, bitmap: own, tag, fields: [field], signature })).toBe(true)
      }),
      propertyRuns(10),
    )
  })
})

describe('multiplication by a secret', () => {
  it('commutes with the generators: the same scalar on both sides of the pairing', () => {
    fc.assert(
      fc.property(scalar, (a) => {
        const [g1, g2] = [generatorOfG1(), generatorOfG2()]
        expect(arePairingsEqual([multiplyG1(g1, secretKey(a)), g2], [g1, multiplyG2(g2, secretKey(a))])).toBe(true)
      }),
      propertyRuns(5),
    )
  })
})

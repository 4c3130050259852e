import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes } from '../../src/primitives/bytes.ts'
import { createDid } from '../../src/primitives/did.ts'
import { taggedHash } from '../../src/primitives/hash.ts'
import { createSigner, signDigest } from '../../src/primitives/signature.ts'
import { TAGS, type Tag } from '../../src/primitives/tags.ts'
import { judge, judgeHash, ORDER, to32 } from '../support/ecdsa.ts'
import { propertyRuns } from '../support/property.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n })
/** Few secret keys, so that tables are made and used. */
const secret = fc.oneof(fc.integer({ min: 1, max: 3 }).map(BigInt), scalar).map(to32)
const nearBorders = fc
  .tuple(fc.constantFrom(0n, ORDER >> 1n, ORDER, 2n ** 256n - 3n), fc.integer({ min: -2, max: 2 }))
  .map(([border, step]) => BigInt.asUintN(256, border + BigInt(step)))

describe('verifiers', () => {
  it('accept every signature of every signer', () => {
    fc.assert(
      fc.property(
        secret,
        bytes32,
        fc.constantFrom<Tag>(...Object.values(TAGS)),
        fc.integer({ min: 0, max: 255 }),
        (secretKey, field, tag, hint) => {
          const signer = createSigner(secretKey)
          const signature = signer.sign(tag, [field])
          signature[64] = hint
          expect(judge(signer.did, taggedHash(tag, field), signature)).toBe(true)
        },
      ),
      propertyRuns(100),
    )
  })

  it('agree with each other and with the package on whatever r, s, digest and key', () => {
    const number = fc.oneof(scalar, nearBorders)
    fc.assert(
      fc.property(secret, bytes32, number, number, fc.integer({ min: 0, max: 3 }), (secretKey, digest, a, b, keep) => {
        const publicKey = secp256k1.getPublicKey(secretKey)
        const sound = signDigest(digest, secretKey, false)
        const first = keep & 1 ? sound.subarray(0, 32) : to32(a)
        const second = keep & 2 ? sound.subarray(32, 64) : to32(b)
        const pair = concatBytes(first, second)
        const expected = secp256k1.verify(pair, digest, publicKey, { lowS: true, prehash: true, format: 'compact' })
        expect(judge(createDid(publicKey), digest, concatBytes(pair, Uint8Array.of(0xff)))).toBe(expected)
        expect(expected).toBe(keep === 3)
      }),
      propertyRuns(100),
    )
  })

  it('agree with the package on every hash, with and without a table', () => {
    fc.assert(
      fc.property(secret, fc.oneof(bytes32, nearBorders.map(to32)), fc.boolean(), (secretKey, hash, spoil) => {
        const publicKey = secp256k1.getPublicKey(secretKey)
        const pair = secp256k1.sign(hash, secretKey, { prehash: false })
        if (spoil) pair[63] = (pair[63] as number) ^ 1
        const expected = secp256k1.verify(pair, hash, publicKey, { prehash: false })
        expect(judgeHash(publicKey, hash, pair)).toBe(expected)
      }),
      propertyRuns(40),
    )
  })

  it('agree on bytes at random', () => {
    const bytes65 = fc.uint8Array({ minLength: 65, maxLength: 65 })
    fc.assert(
      fc.property(bytes32, fc.constantFrom(2, 3), bytes32, bytes65, (x, prefix, digest, signature) => {
        expect(judge(createDid(concatBytes(Uint8Array.of(prefix), x)), digest, signature)).toBe(false)
      }),
      propertyRuns(),
    )
  })
})

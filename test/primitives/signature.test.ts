import { inspect } from 'node:util'

import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { createDid, type Did } from '../../src/primitives/did.ts'
import { sha256, taggedHash, type Digest32 } from '../../src/primitives/hash.ts'
import { parseEcdsaPair, parseSigningPoint, signHash } from '../../src/primitives/secp256k1.ts'
import {
  createSigner,
  createVerifier,
  parseSigningKey,
  signDigest,
  toSignature,
  type Signature,
} from '../../src/primitives/signature.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import {
  CRAFTED_NONCE_INVERSE,
  CRAFTED_R,
  craftSignature,
  FIELD_ORDER,
  judgeHash,
  ORDER,
  to32,
  toNumber,
} from '../support/ecdsa.ts'

const SECRET = fromHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')
const signer = createSigner(SECRET)
const fields = ['fields', 1]
const digest = taggedHash(TAGS.credential, ...fields)
const GENERATOR = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'

function withBytes(signature: Uint8Array, offset: number, bytes: Uint8Array): Signature {
  const changed = Uint8Array.from(signature)
  changed.set(bytes, offset)
  return changed as Signature
}

describe('signHash', () => {
  it('gives the known deterministic signature of "Satoshi Nakamoto" under secret key 1', () => {
    const signature = signHash(sha256(toUtf8('Satoshi Nakamoto')), to32(1n), false)
    expect(toHex(signature.subarray(0, 64))).toBe(
      '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8' +
        '2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    )
  })
})

describe('signDigest', () => {
  it('signs SHA-256 of the digest, low s, with the recovery as hint', () => {
    const signature = signDigest(digest, SECRET, false)
    expect(toHex(signature)).toBe(toHex(signHash(sha256(digest), SECRET, false)))
    expect(toNumber(signature.subarray(32, 64)) <= ORDER >> 1n).toBe(true)
    expect([0, 1, 2, 3]).toContain(signature[64])
  })
})

describe('createSigner', () => {
  it('signs what its verifier accepts for this signer, digest and tag, and for nothing else', () => {
    const verifier = createVerifier()
    const signature = signer.sign(TAGS.credential, fields)
    expect(verifier.verify({ signer: signer.did, digest, signature })).toBe(true)
    expect(verifier.verify({ signer: signer.did, digest: taggedHash(TAGS.keyRecord, ...fields), signature })).toBe(
      false,
    )
    expect(verifier.verify({ signer: signer.did, digest: taggedHash(TAGS.credential, 'fields', 2), signature })).toBe(
      false,
    )
    expect(verifier.verify({ signer: createSigner(to32(5n)).did, digest, signature })).toBe(false)
  })

  it('mixes fresh randomness into every nonce', () => {
    const [first, second] = [signer.sign(TAGS.credential, fields), signer.sign(TAGS.credential, fields)]
    expect(toHex(first.subarray(0, 32))).not.toBe(toHex(second.subarray(0, 32)))
  })

  it('signs nothing without randomness', () => {
    const starved = createSigner(SECRET, (byteCount) => new Uint8Array(byteCount))
    expect(() => starved.sign(TAGS.credential, fields)).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_NO_RANDOM' }),
    )
  })

  it.each([
    ['zero', to32(0n)],
    ['the group order', to32(ORDER)],
    ['more than that', to32(ORDER + 1n)],
    ['31 bytes', to32(1n).subarray(1)],
    ['33 bytes', concatBytes(Uint8Array.of(0), to32(1n))],
    ['text', toHex(SECRET) as unknown as Uint8Array],
  ])('refuses %s as a secret key', (_name, secret) => {
    expect(() => createSigner(secret)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('takes both ends of the range', () => {
    expect(createSigner(to32(1n)).did).toBe(createDid(fromHex(GENERATOR)))
    expect(createSigner(to32(ORDER - 1n)).did).toBe(createDid(fromHex(`03${GENERATOR.slice(2)}`)))
  })

  it('keeps its own copy of the secret key and prints without it', () => {
    const secret = Uint8Array.from(SECRET)
    const copied = createSigner(secret)
    secret.fill(0)
    const signature = copied.sign(TAGS.credential, fields)
    expect(createVerifier().verify({ signer: signer.did, digest, signature })).toBe(true)
    expect(inspect(copied, { depth: 9, showHidden: true }) + JSON.stringify(copied)).not.toMatch(/201, 175|c9afa9/i)
  })
})

describe('createVerifier', () => {
  const verifier = createVerifier()
  const signature = signDigest(digest, SECRET, false)

  it('pays no attention to the hint', () => {
    const spoilt = withBytes(signature, 3, Uint8Array.of(1))
    for (let hint = 0; hint <= 0xff; hint++) {
      const hinted = withBytes(signature, 64, Uint8Array.of(hint))
      expect(verifier.verify({ signer: signer.did, digest, signature: hinted })).toBe(true)
      const spoiltToo = withBytes(spoilt, 64, Uint8Array.of(hint))
      expect(verifier.verify({ signer: signer.did, digest, signature: spoiltToo })).toBe(false)
    }
  })

  it('refuses the same signature with the other s', () => {
    const other = withBytes(signature, 32, to32(ORDER - toNumber(signature.subarray(32, 64))))
    expect(verifier.verify({ signer: signer.did, digest, signature: other })).toBe(false)
  })

  it.each([
    ['s = 1', 1n, true],
    ['s = (n - 1) / 2, the border', ORDER >> 1n, true],
    ['s = (n + 1) / 2, beyond it', (ORDER >> 1n) + 1n, false],
    ['s = n - 1', ORDER - 1n, false],
  ])('judges a sound signature with %s', (_name, s, verdict) => {
    const { publicKey, pair } = craftSignature(digest, s)
    const item = {
      signer: createDid(publicKey),
      digest,
      signature: toSignature(concatBytes(pair, Uint8Array.of(0xff))),
    }
    expect(verifier.verify(item as Parameters<typeof verifier.verify>[0])).toBe(verdict)
  })

  it.each([0n, ORDER, ORDER + 1n, ORDER + (toNumber(signature.subarray(0, 32)) % 1000n), FIELD_ORDER, 2n ** 256n - 1n])(
    'refuses r = %d and s = the same',
    (number) => {
      for (const offset of [0, 32]) {
        const changed = withBytes(signature, offset, to32(number))
        expect(verifier.verify({ signer: signer.did, digest, signature: changed })).toBe(false)
      }
    },
  )

  it('refuses a digest of another length, although the signer signed it', () => {
    for (const other of [digest.slice(1), concatBytes(digest, Uint8Array.of(0))]) {
      const item = { signer: signer.did, digest: other as Digest32, signature: signDigest(other, SECRET, false) }
      expect(verifier.verify(item)).toBe(false)
    }
  })

  it('refuses other lengths and other things than bytes', () => {
    const wrong: [unknown, unknown, unknown][] = [
      [signer.did, digest, signature.subarray(0, 64)],
      [signer.did, digest, concatBytes(signature, Uint8Array.of(0))],
      [signer.did, digest, new Uint8Array()],
      [signer.did, digest, [...signature]],
      [signer.did, digest, undefined],
      [signer.did, digest.subarray(1), signature],
      [signer.did, concatBytes(digest, Uint8Array.of(0)), signature],
      [signer.did, toHex(digest).slice(32), signature],
      [undefined, digest, signature],
      ['did:key:zQ3s', digest, signature],
      [`${signer.did} `, digest, signature],
    ]
    for (const [who, what, how] of wrong) {
      expect(verifier.verify({ signer: who as Did, digest: what as Digest32, signature: how as Signature })).toBe(false)
    }
  })

  it('refuses a did whose key is on no curve', () => {
    for (const x of [0n, 5n, FIELD_ORDER, FIELD_ORDER + 1n]) {
      const did = createDid(concatBytes(Uint8Array.of(2), to32(x)))
      expect(verifier.verify({ signer: did, digest, signature })).toBe(false)
    }
  })

  it('answers the same however often a signer is seen, and whoever was forgotten meanwhile', () => {
    const busy = createVerifier()
    const spoilt = withBytes(signature, 40, Uint8Array.of((signature[40] as number) ^ 1))
    for (let i = 0; i < 80; i++) {
      expect(busy.verify({ signer: signer.did, digest, signature })).toBe(true)
      expect(busy.verify({ signer: signer.did, digest, signature: spoilt })).toBe(false)
      const passing = createSigner(to32(BigInt(i + 1))).did
      expect(busy.verify({ signer: passing, digest, signature })).toBe(false)
    }
  })
})

describe('verifyHash', () => {
  const publicKey = fromHex(GENERATOR)

  it('accepts hashes that are zero modulo n, where one of both products is the identity', () => {
    for (const hash of [to32(0n), to32(ORDER)]) {
      const pair = signHash(hash, to32(1n), false).subarray(0, 64)
      expect(judgeHash(publicKey, hash, pair)).toBe(true)
      expect(judgeHash(publicKey, to32(1n), pair)).toBe(false)
    }
  })

  it('refuses a pair whose sum of products is the identity', () => {
    // With key G: h/s + r/s = 0 when h = -r.
    const r = 77n
    expect(judgeHash(publicKey, to32(ORDER - r), concatBytes(to32(r), to32(9n)))).toBe(false)
  })

  it('compares r with x modulo n', () => {
    // The smallest x above n on the curve is n + 2. Q = (sR - hG) / r makes R the sum of both products.
    const { Point } = secp256k1
    const R = Point.fromBytes(concatBytes(Uint8Array.of(2), to32(ORDER + 2n)))
    const [hash, s] = [7n, 3n]
    const Q = R.multiply(s).subtract(Point.BASE.multiply(hash)).multiply(Point.Fn.inv(2n))
    expect(judgeHash(Q.toBytes(true), to32(hash), concatBytes(to32(2n), to32(s)))).toBe(true)
  })

  it('doubles where both products are equal', () => {
    // With key G and h = r both products are (r/s) G; s = 2r/k makes their sum kG, whose x is r.
    const s = (2n * CRAFTED_R * CRAFTED_NONCE_INVERSE) % ORDER
    const low = s > ORDER >> 1n ? ORDER - s : s
    expect(judgeHash(publicKey, to32(CRAFTED_R), concatBytes(to32(CRAFTED_R), to32(low)))).toBe(true)
  })
})

describe('parseEcdsaPair', () => {
  it('takes r from 1 to n - 1 and s from 1 to (n - 1) / 2', () => {
    const takes = (r: bigint, s: bigint): boolean => parseEcdsaPair(concatBytes(to32(r), to32(s))) !== undefined
    expect([0n, 1n, ORDER - 1n, ORDER].map((r) => takes(r, 1n))).toEqual([false, true, true, false])
    const half = ORDER >> 1n
    expect([0n, 1n, half, half + 1n].map((s) => takes(1n, s))).toEqual([false, true, true, false])
  })
})

describe('parseSigningPoint', () => {
  it('takes the compressed form only', () => {
    expect(parseSigningPoint(fromHex(GENERATOR))).toBeDefined()
    expect(parseSigningPoint(secp256k1.Point.BASE.toBytes(false))).toBeUndefined()
  })
})

describe('parseSigningKey', () => {
  it('returns the did of a point', () => {
    expect(parseSigningKey(fromHex(GENERATOR))).toEqual({ ok: true, value: createDid(fromHex(GENERATOR)) })
  })

  it.each([
    ['32 bytes', fromHex(GENERATOR).subarray(1), 'ERR_CODEC_MALFORMED'],
    ['34 bytes', fromHex(`${GENERATOR}00`), 'ERR_CODEC_MALFORMED'],
    ['another first byte', fromHex(`04${GENERATOR.slice(2)}`), 'ERR_CODEC_MALFORMED'],
    ['the identity of SEC 1', new Uint8Array(33), 'ERR_CODEC_MALFORMED'],
    ['no bytes', undefined as unknown as Uint8Array, 'ERR_CODEC_MALFORMED'],
    ['an x without a y', concatBytes(Uint8Array.of(2), to32(5n)), 'ERR_CRYPTO_INVALID_POINT'],
    ['x = p', concatBytes(Uint8Array.of(2), to32(FIELD_ORDER)), 'ERR_CRYPTO_INVALID_POINT'],
    ['x = p + 1, where 1 has a y', concatBytes(Uint8Array.of(2), to32(FIELD_ORDER + 1n)), 'ERR_CRYPTO_INVALID_POINT'],
  ])('refuses %s', (_name, bytes, code) => {
    expect(parseSigningKey(bytes)).toMatchObject({ ok: false, code, path: 'publicKey' })
  })
})

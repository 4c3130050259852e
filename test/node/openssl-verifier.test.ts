import type * as nodeCrypto from 'node:crypto'

import { describe, expect, it, vi } from 'vitest'

import { createOpensslVerifier } from '../../src/node/index.ts'
import { concatBytes, toUtf8 } from '../../src/primitives/bytes.ts'
import { createDid, type Did } from '../../src/primitives/did.ts'
import { sha256, taggedHash } from '../../src/primitives/hash.ts'
import { createSigner, signDigest } from '../../src/primitives/signature.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { craftSignature, FIELD_ORDER, judge, ORDER, to32, toNumber } from '../support/ecdsa.ts'

const fakes = vi.hoisted(() => ({ lacksCurve: false }))
vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof nodeCrypto>()
  const createPublicKey: typeof original.createPublicKey = (key) => {
    if (fakes.lacksCurve) throw new Error('unknown group')
    return original.createPublicKey(key)
  }
  return { ...original, createPublicKey }
})

const secretKey = sha256(toUtf8('a secret key of this test'))
const { did } = createSigner(secretKey)
const digest = taggedHash(TAGS.transaction, 'digest')
const signature = signDigest(digest, secretKey, false)
const [r, s] = [toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32, 64))]

function signatureOf(first: bigint, second: bigint, hint = 0): Uint8Array {
  return concatBytes(to32(first), to32(second), Uint8Array.of(hint))
}

/** Where comparisons of r and s go wrong. */
const EDGES = [
  ['0', 0n],
  ['1', 1n],
  ['(n - 1) / 2', ORDER >> 1n],
  ['(n + 1) / 2', (ORDER >> 1n) + 1n],
  ['n - 1', ORDER - 1n],
  ['n', ORDER],
  ['n + 1', ORDER + 1n],
  ['p', FIELD_ORDER],
  ['p - n', FIELD_ORDER - ORDER],
  ['2^256 - 1', 2n ** 256n - 1n],
] as const

describe('createOpensslVerifier and createVerifier', () => {
  it('accept a signature of a signer, whatever its hint', () => {
    for (let hint = 0; hint <= 0xff; hint++) expect(judge(did, digest, signatureOf(r, s, hint))).toBe(true)
  })

  it('refuse another digest, another signer, and the other s', () => {
    expect(judge(did, taggedHash(TAGS.transaction, 'another'), signature)).toBe(false)
    expect(judge(createSigner(to32(2n)).did, digest, signature)).toBe(false)
    for (let hint = 0; hint <= 0xff; hint++) expect(judge(did, digest, signatureOf(r, ORDER - s, hint))).toBe(false)
  })

  it.each(EDGES)('refuse r or s replaced by %s', (_name, edge) => {
    expect(judge(did, digest, signatureOf(edge, s))).toBe(false)
    expect(judge(did, digest, signatureOf(r, edge))).toBe(false)
    expect(judge(did, digest, signatureOf(edge, edge))).toBe(false)
  })

  it('draw the line between low and high s at the same number', () => {
    for (const [s, verdict] of [
      [1n, true],
      [ORDER >> 1n, true],
      [(ORDER >> 1n) + 1n, false],
      [ORDER - 1n, false],
    ] as const) {
      const { publicKey, pair } = craftSignature(digest, s)
      expect(judge(createDid(publicKey), digest, concatBytes(pair, Uint8Array.of(0)))).toBe(verdict)
    }
  })

  it('refuse numbers that are equal modulo n or modulo 2^256', () => {
    // Small s and r leave room for s + n below 2^256.
    const { publicKey, pair } = craftSignature(digest, 5n)
    const signer = createDid(publicKey)
    const first = toNumber(pair.subarray(0, 32))
    expect(judge(signer, digest, signatureOf(first, 5n))).toBe(true)
    expect(judge(signer, digest, signatureOf(first, 5n + ORDER))).toBe(false)
  })

  it('refuse every other length of signature and digest', () => {
    for (let length = 0; length <= 130; length++) {
      const stretched = new Uint8Array(length)
      stretched.set(signature.subarray(0, Math.min(length, 65)))
      expect(judge(did, digest, stretched)).toBe(length === 65)
      const other = new Uint8Array(length)
      other.set(digest.subarray(0, Math.min(length, 32)))
      expect(judge(did, other, signature)).toBe(length === 32)
    }
  })

  it('refuse every signature with one bit changed', () => {
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = Uint8Array.from(signature)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(judge(did, digest, changed)).toBe(false)
    }
  })

  it.each([
    ['x = 0', 2, 0n],
    ['x = 5, which has no y', 2, 5n],
    ['x = 5 and odd y', 3, 5n],
    ['x = p', 2, FIELD_ORDER],
    ['x = p + 1, where 1 has a y', 3, FIELD_ORDER + 1n],
    ['x = 2^256 - 1', 2, 2n ** 256n - 1n],
  ])('refuse a key with %s', (_name, prefix, x) => {
    expect(judge(createDid(concatBytes(Uint8Array.of(prefix), to32(x))), digest, signature)).toBe(false)
  })

  it('refuse texts that are no did of ours', () => {
    const texts = ['', 'did:key:', did.slice(0, -1), `${did}1`, did.replace('did:key', 'did:web'), did.toUpperCase()]
    for (const text of texts) expect(judge(text as Did, digest, signature)).toBe(false)
  })
})

describe('createOpensslVerifier', () => {
  it('says at once when OpenSSL lacks the curve, instead of refusing every signature', () => {
    fakes.lacksCurve = true
    expect(() => createOpensslVerifier()).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_UNSUPPORTED', details: { algorithm: 'secp256k1' } }),
    )
    fakes.lacksCurve = false
    expect(createOpensslVerifier().verify({ signer: did, digest, signature })).toBe(true)
  })
})

import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toHex } from '../../src/primitives/bytes.ts'
import { createDid, parseDid, toPublicKey, type Did } from '../../src/primitives/did.ts'
import { leastCpuMs } from '../support/cost.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The second opinion: base58 as one long division. */
function base58(bytes: Uint8Array): string {
  let number = BigInt(`0x0${toHex(bytes)}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = (ALPHABET[Number(number % 58n)] as string) + text
  return '1'.repeat(bytes.findIndex((byte) => byte !== 0)) + text
}

const didOf = (bytes: Uint8Array) => `did:key:z${base58(bytes)}`
// The generator of secp256k1, compressed.
const KEY = fromHex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
const DID = 'did:key:zQ3shVc2UkAfJCdc1TR8E66J85h48P43r93q8jGPkPpjF9Ef9'

describe('did:key of a signing key', () => {
  it('keeps its text: a pinned example', () => {
    expect(createDid(KEY)).toBe(DID)
    expect(parseDid(DID)).toEqual({ ok: true, value: DID })
    expect(toHex(toPublicKey(DID as Did))).toBe(toHex(KEY))
  })

  it('reads an example of the DID key method', () => {
    const did = 'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'
    expect(parseDid(did)).toEqual({ ok: true, value: did })
    expect(createDid(toPublicKey(did as Did))).toBe(did)
  })

  it('has one length over all keys, and comes back', () => {
    for (const first of [2, 3]) {
      for (const rest of [0, 1, 0x7f, 0xff]) {
        const key = Uint8Array.of(first, ...new Uint8Array(32).fill(rest))
        const did = createDid(key)
        expect(did).toHaveLength(57)
        expect(did).toBe(didOf(concatBytes(Uint8Array.of(0xe7, 1), key)))
        expect(toPublicKey(did)).toEqual(key)
      }
    }
  })

  it.each([
    ['32 bytes', KEY.subarray(1)],
    ['34 bytes', concatBytes(KEY, Uint8Array.of(0))],
    ['an uncompressed key', Uint8Array.of(4, ...KEY.subarray(1))],
    ['an array', Array.from(KEY)],
    ['nothing', undefined],
  ])('is not made of %s', (_name, key) => {
    expect(codeOf(() => createDid(key as Uint8Array))).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each([
    ['the empty text', ''],
    ['the key alone', DID.slice(8)],
    ['another method', DID.replace('did:key', 'did:web')],
    ['another base', DID.replace(':z', ':m')],
    ['capitals in the scheme', DID.replace('did', 'DID')],
    ['a fragment', `${DID}#key-1`],
    ['a space at the end', `${DID} `],
    ['a letter less', DID.slice(0, -1)],
    ['a letter that base58 has not', `${DID.slice(0, -1)}0`],
    ['another kind of key of the same length', didOf(concatBytes(Uint8Array.of(0xe8, 1), KEY))],
    ['a kind that differs in its second byte', didOf(concatBytes(Uint8Array.of(0xe7, 2), KEY))],
    ['an Ed25519 key', 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'],
    ['an uncompressed form', didOf(concatBytes(Uint8Array.of(0xe7, 1, 4), KEY.subarray(1)))],
    ['all zeros', `did:key:z${'1'.repeat(48)}`],
    ['the largest number of that length', `did:key:z${'z'.repeat(48)}`],
  ])('is refused as %s', (_name, text) => {
    expect(codeOfResult(parseDid(text))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOf(() => toPublicKey(text as Did))).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each([undefined, null, 5, {}, [DID]])('is refused as %j', (value) => {
    expect(codeOfResult(parseDid(value as never))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOf(() => toPublicKey(value as never))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('is another key or refused after every change of a letter', () => {
    const seen = new Set([DID])
    for (let i = 8; i < DID.length; i++) {
      for (const letter of ALPHABET) {
        const text = DID.slice(0, i) + letter + DID.slice(i + 1)
        if (text === DID || !parseDid(text).ok) continue
        const did = createDid(toPublicKey(text as Did))
        expect(did).toBe(text)
        seen.add(did)
      }
    }
    expect(seen.size).toBeGreaterThan(1)
  })

  it('refuses a megabyte of text at once', () => {
    const text = `did:key:z${'2'.repeat(2 ** 20)}`
    expect(
      leastCpuMs(() => {
        expect(parseDid(text).ok).toBe(false)
      }),
    ).toBeLessThan(50)
  })
})

import { describe, expect, it } from 'vitest'

import { createAesGcm } from '../../../src/primitives/aead.ts'
import { concatBytes, fromHex, toHex, type Bytes } from '../../../src/primitives/bytes.ts'
import { hpkeAes128Gcm, hpkeAes256Gcm, hpkeChaCha20Poly1305, type HpkeAead } from '../../../src/primitives/hpke.ts'
import { codeOf } from '../../support/failure.ts'
import { describeVectors } from '../../support/vectors.ts'
import { SP_800_38D, RFC_8439, type AeadCase } from './known-answers.ts'

const GCM: Readonly<Record<number, HpkeAead>> = { 16: hpkeAes128Gcm, 32: hpkeAes256Gcm }

function open(aead: HpkeAead, vector: AeadCase): Bytes | undefined {
  const cipher = aead.cipher(fromHex(vector.key), fromHex(vector.iv), fromHex(vector.aad))
  try {
    return cipher.decrypt(concatBytes(fromHex(vector.ct), fromHex(vector.tag))) as Bytes
  } catch {
    return undefined
  }
}

/** Sealing gives the published bytes, opening the message. */
function expectValid(aead: HpkeAead, vector: AeadCase, name: string): void {
  const cipher = aead.cipher(fromHex(vector.key), fromHex(vector.iv), fromHex(vector.aad))
  expect(toHex(cipher.encrypt(fromHex(vector.msg))), name).toBe(vector.ct + vector.tag)
  expect(toHex(open(aead, vector) as Bytes), name).toBe(vector.msg)
}

/** The profile of the library is a nonce of 96 bits and a tag of 128; keys of 128 bits in HPKE only, of 192 nowhere. */
function expectRefused(aead: HpkeAead, vector: AeadCase, name: string): void {
  expect(
    codeOf(() => aead.cipher(fromHex(vector.key), fromHex(vector.iv), fromHex(vector.aad))),
    name,
  ).toBe('ERR_ARGUMENT_INVALID')
}

interface Wycheproof {
  readonly testGroups: readonly {
    readonly ivSize: number
    readonly keySize: number
    readonly tagSize: number
    readonly tests: readonly (AeadCase & { readonly tcId: number; readonly comment: string; readonly result: string })[]
  }[]
}

function runWycheproof(contents: Buffer, aeadOf: (keyBytes: number) => HpkeAead, count: () => void): number {
  let outside = 0
  for (const { ivSize, keySize, tagSize, tests } of (JSON.parse(contents.toString()) as Wycheproof).testGroups) {
    expect(tagSize).toBe(128)
    for (const vector of tests) {
      const name = `tcId ${vector.tcId} ${vector.comment}`
      const aead = aeadOf(keySize / 8)
      if (ivSize !== 96 || keySize / 8 !== aead.keyBytes) {
        expectRefused(aead, vector, name)
        outside++
      } else if (vector.result === 'valid') expectValid(aead, vector, name)
      else expect(open(aead, vector), name).toBeUndefined()
      count()
    }
  }
  return outside
}

describe('known answers without the folder', () => {
  it.each(SP_800_38D.map((vector, i) => [13 + i, vector] as const))('SP 800-38D, test case %i', (_number, vector) => {
    expectValid(hpkeAes256Gcm, vector, '')
  })

  it('RFC 8439, 2.8.2', () => {
    expectValid(hpkeChaCha20Poly1305, RFC_8439, '')
  })
})

describeVectors('wycheproof/aes_gcm_test.json', 183, (contents, count) => {
  it('seals and opens what is in our profile, refuses changed tags and other sizes', () => {
    const outside = runWycheproof(contents, (keyBytes) => GCM[keyBytes] ?? hpkeAes256Gcm, count)
    expect(outside).toBeGreaterThan(0)
  })
})

describeVectors('wycheproof/chacha20_poly1305_test.json', 176, (contents, count) => {
  it('seals and opens, refuses changed tags and other nonce sizes', () => {
    runWycheproof(contents, () => hpkeChaCha20Poly1305, count)
  })
})

describeVectors('cavp/gcmEncryptExtIV256_iv96_tag128.json', 117, (contents, count) => {
  type Cavp = Readonly<Record<'Key' | 'IV' | 'PT' | 'AAD' | 'CT' | 'Tag' | 'Count', string>>
  const cases = (JSON.parse(contents.toString()) as readonly Cavp[]).map(({ Key, IV, PT, AAD, CT, Tag }): AeadCase => ({
    key: Key,
    iv: IV,
    msg: PT,
    aad: AAD,
    ct: CT,
    tag: Tag,
  }))

  it('seals and opens every case by the AEAD of HPKE', () => {
    for (const vector of cases) {
      expectValid(hpkeAes256Gcm, vector, vector.key)
      count()
    }
  })

  it('gives the same by the cipher of sealed records, where there are no additional data', async () => {
    const plain = cases.filter((vector) => vector.aad === '')
    expect(plain.length).toBeGreaterThan(10)
    for (const vector of plain) {
      const cipher = createAesGcm(fromHex(vector.key))
      expect(toHex(await cipher.encrypt(fromHex(vector.msg), fromHex(vector.iv)))).toBe(vector.ct + vector.tag)
      const opened = await cipher.decrypt(fromHex(vector.ct + vector.tag), fromHex(vector.iv))
      expect(toHex(opened as Bytes)).toBe(vector.msg)
    }
  })
})

import { gcmsiv } from '@noble/ciphers/aes.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { expect, it } from 'vitest'

import { concatBytes, fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { describeVectors } from '../../support/vectors.ts'
import type { AeadCase } from './known-answers.ts'

interface Group {
  readonly ivSize: number
  readonly tests: readonly (AeadCase & { readonly tcId: number; readonly result: 'valid' | 'invalid' })[]
}

type Cipher = typeof gcmsiv | typeof xchacha20poly1305

/** Ciphers that the product does not use yet: these runs are about the package underneath only. */
function runCases(contents: Buffer, cipherOf: Cipher, ivBits: number, count: () => void): void {
  for (const { ivSize, tests } of (JSON.parse(contents.toString()) as { testGroups: Group[] }).testGroups) {
    for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
      const name = `tcId ${tcId}`
      const make = () => cipherOf(fromHex(key), fromHex(iv), fromHex(aad))
      const sealed = concatBytes(fromHex(ct), fromHex(tag))
      if (ivSize !== ivBits) expect(make, name).toThrow()
      else if (result === 'invalid') expect(() => make().decrypt(sealed), name).toThrow()
      else {
        expect(toHex(make().encrypt(fromHex(msg))), name).toBe(ct + tag)
        expect(toHex(make().decrypt(sealed)), name).toBe(msg)
      }
      count()
    }
  }
}

describeVectors('wycheproof/aes_gcm_siv_test.json', 122, (contents, count) => {
  it('AES-GCM-SIV of @noble/ciphers', () => {
    runCases(contents, gcmsiv, 96, count)
  })
})

describeVectors('wycheproof/xchacha20_poly1305_test.json', 185, (contents, count) => {
  it('XChaCha20-Poly1305 of @noble/ciphers', () => {
    runCases(contents, xchacha20poly1305, 192, count)
  })
})

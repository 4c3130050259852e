import { describe, expect, it } from 'vitest'

import type { BlsSecretKey, PreSecret } from '../../src/primitives/bls-secret.ts'
import { createBlsSigner } from '../../src/primitives/bls-signature.ts'
import { fromHex, toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { createPrePossession, derivePrePublicKey, verifyPrePossession } from '../../src/primitives/pre-possession.ts'
import { compressG1, GROUP_ORDER, strayG1, toBytes } from '../support/bls.ts'

const secret = toBytes(3n, 32) as PreSecret
const publicKey = derivePrePublicKey(secret)
const context = toUtf8('chain and account')
const proof = createPrePossession(secret, context)
const IDENTITY_G1 = fromHex(`c0${'00'.repeat(47)}`)
const IDENTITY_G2 = fromHex(`c0${'00'.repeat(95)}`)

describe('possession of a key of proxy re-encryption', () => {
  it('gives pinned bytes for secret 3', () => {
    expect(toHex(publicKey)).toBe(
      '89ece308f9d1f0131765212deca99697b112d61f9be9a5f1f3780a51335b3ff981747a0b2ca2179b96d2c0c9024e5224',
    )
    expect(toHex(proof)).toBe(
      'ac4a5de4fdb28f2630dc9940cc931013603d46d2d879e31dd450bf736069260183469def4e506e736ba31a5d61be3b45' +
        '02873d5f7a951631d8d45cd67e6805b5b969e37fb874919bb7b82dc1176b526583ec32b652d73dcb1b8900f147cc842b',
    )
  })

  it('holds for its key and context, and for nothing else', () => {
    const other = toBytes(4n, 32) as PreSecret
    expect(verifyPrePossession({ publicKey, context, proof })).toBe(true)
    expect(verifyPrePossession({ publicKey, context: toUtf8('another account'), proof })).toBe(false)
    expect(verifyPrePossession({ publicKey: derivePrePublicKey(other), context, proof })).toBe(false)
    expect(verifyPrePossession({ publicKey, context, proof: createPrePossession(other, context) })).toBe(false)
  })

  it('is false for what is no key, no proof or no context', () => {
    const stray = strayG1(1)[0] as { x: bigint; y: bigint }
    for (const key of [publicKey.subarray(1), IDENTITY_G1, compressG1(stray.x, stray.y), new Uint8Array(48)]) {
      expect(verifyPrePossession({ publicKey: key, context, proof })).toBe(false)
    }
    for (const bytes of [proof.subarray(1), IDENTITY_G2, new Uint8Array(96), publicKey]) {
      expect(verifyPrePossession({ publicKey, context, proof: bytes })).toBe(false)
    }
    // Identity for identity would satisfy the pairing equation in every context.
    expect(verifyPrePossession({ publicKey: IDENTITY_G1, context, proof: IDENTITY_G2 })).toBe(false)
    for (const wrong of ['text', undefined]) {
      expect(verifyPrePossession({ publicKey, context: wrong as unknown as Uint8Array, proof })).toBe(false)
    }
  })

  it('refuses every byte of the proof changed', () => {
    for (let at = 0; at < 96; at += 7) {
      const changed = Uint8Array.from(proof)
      changed[at] = (changed[at] as number) ^ 1
      expect(verifyPrePossession({ publicKey, context, proof: changed })).toBe(false)
    }
  })

  it('takes secrets from 1 to r - 1 only', () => {
    for (const number of [0n, GROUP_ORDER]) {
      const wrong = toBytes(number, 32) as PreSecret
      expect(() => derivePrePublicKey(wrong)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
      expect(() => createPrePossession(wrong, context)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
      )
    }
    expect(toHex(derivePrePublicKey(toBytes(GROUP_ORDER - 1n, 32) as PreSecret))).toMatch(/^b7f1d3a7/)
  })

  it('takes no secret key of a signer, by its type', () => {
    const secretKey = toBytes(3n, 32) as BlsSecretKey
    expect(createBlsSigner(secretKey)).toBeDefined()
    // @ts-expect-error one key, one purpose
    expect(derivePrePublicKey(secretKey)).toBeDefined()
  })
})

import { describe, expect, it } from 'vitest'

import { sha256 } from '../../src/primitives/hash.ts'
import { createSigner, createVerifier, type Signature } from '../../src/primitives/signature.ts'
import {
  createCertificate,
  encodeCertificate,
  executionDigest,
  parseCertificate,
  verifyCertificate,
  type Certificate,
} from '../../src/pbft/certificate.ts'
import { LEDGER_TAGS } from '../../src/primitives/tags.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { signaturesOf } from '../support/certificates.ts'
import { chainId } from './group.ts'

const signers = [1, 2, 3, 4].map((byte) => createSigner(new Uint8Array(32).fill(byte)))
const members = signers.map(({ did }) => ({ did }))
const headerDigest = sha256(new Uint8Array())
const block = { chainId, memberEpoch: 2, height: 9, headerDigest }
const sign = (index: number, height = 9) =>
  (signers[index] as (typeof signers)[number]).sign(LEDGER_TAGS.pbftExecVote, [
    toDigest(chainId),
    2,
    height,
    headerDigest,
  ])
const votes = new Map<number, Signature>([0, 1, 3].map((index) => [index, sign(index)]))
const certificate = createCertificate(block, votes, 4)
const options = { members, chainId, headerDigest, verifier: createVerifier() }

function altered(signatures: readonly (Signature | null)[], rest: Partial<Certificate> = {}): Certificate {
  return { ...certificate, ...rest, proof: { kind: 'list', signatures } }
}

describe('an execution certificate', () => {
  it('holds with Q signatures, by member index', () => {
    expect(verifyCertificate(certificate, options)).toBe(true)
    expect(signaturesOf(certificate).map((signature) => signature !== null)).toEqual([true, true, false, true])
  })

  it('takes the first Q signatures, so that every replica makes the same', () => {
    const all = new Map([3, 2, 1, 0].map((index) => [index, sign(index)]))
    expect(signaturesOf(createCertificate(block, all, 4))[3]).toBeNull()
  })

  it('comes back from its bytes, about 65 a signature', () => {
    const bytes = encodeCertificate(certificate)
    expect(bytes.length).toBeLessThan(3 * 67 + 50)
    const parsed = parseCertificate(bytes)
    expect(parsed).toMatchObject({ ok: true, value: certificate })
    expect(parseCertificate(Uint8Array.of(...bytes, 0))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
    for (let length = 0; length < bytes.length; length++)
      expect(parseCertificate(bytes.subarray(0, length)).ok).toBe(false)
  })

  it('does not hold with fewer, repeated, misplaced or foreign signatures, or for anything else', () => {
    const [a, b, , d] = signaturesOf(certificate) as [Signature, Signature, null, Signature]
    const others: readonly [string, Certificate][] = [
      ['two of three', altered([a, b, null, null])],
      ['one twice', altered([a, b, b, null])],
      ['misplaced', altered([b, a, null, d])],
      ['one that does not hold beside Q that do', altered([a, b, sign(2, 8), d])],
      ['too short a list', altered([a, b, d])],
      ['too long a list', altered([a, b, null, d, null])],
      ['another height', altered([a, b, null, d], { height: 10 })],
      ['another epoch', altered([a, b, null, d], { memberEpoch: 3 })],
      ['nonsense', { proof: null } as never],
    ]
    for (const [name, other] of others) expect(verifyCertificate(other, options), name).toBe(false)
    expect(verifyCertificate(certificate, { ...options, headerDigest: sha256(Uint8Array.of(1)) })).toBe(false)
    expect(verifyCertificate(certificate, { ...options, members: members.toReversed() })).toBe(false)
    expect(verifyCertificate(certificate, { ...options, chainId: 'ff'.repeat(32) as never })).toBe(false)
  })

  it('is not made from fewer than Q', () => {
    const two = new Map([...votes].slice(1))
    expect(() => createCertificate(block, two, 4)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('signs a digest that names neither signer nor view', () => {
    expect(executionDigest(block)).toEqual(executionDigest({ ...block }))
  })
})

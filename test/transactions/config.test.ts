import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/primitives/bytes.ts'
import { createDid } from '../../src/primitives/did.ts'
import { memberListShape, type Member } from '../../src/primitives/member.ts'
import { encodeShape, parseShape } from '../../src/primitives/shape.ts'
import { createVerifier, type Signature } from '../../src/primitives/signature.ts'
import {
  approveMembers,
  createTransaction,
  encodeTransaction,
  hashMemberChange,
  parseTransaction,
  signTransaction,
} from '../../src/transactions/index.ts'
import { codeOf } from '../support/failure.ts'
import { chainId, otherChainId } from '../support/parties.ts'
import { doctor, issuedAtMs, patient, registrar } from '../support/transactions.ts'

const bls = (byte: number) => ({ publicKey: new Uint8Array(96).fill(byte), proof: new Uint8Array(48).fill(byte + 1) })
const members: readonly Member[] = [{ did: doctor.did }, { did: patient.did, bls: bls(7) }]
const change = { chainId, memberEpoch: 3, members }

describe('members on the wire', () => {
  const write = (list: readonly Member[]) => encodeShape(list, memberListShape, { object: 'members' })
  const read = (bytes: Uint8Array) => parseShape(bytes, memberListShape, { object: 'members' })

  it('come back, with and without a BLS key, and have a pinned form', () => {
    const bytes = write(members)
    expect(read(bytes)).toEqual({ ok: true, value: members })
    expect(toHex(bytes)).toBe(
      `82815821${toHex(new Uint8Array(33).map((_, at) => bytes[4 + at] as number))}` +
        `835821${toHex(bytes.slice(40, 73))}5860${'07'.repeat(96)}5830${'08'.repeat(48)}`,
    )
  })

  it('have no other form', () => {
    const bytes = write(members)
    expect(read(Uint8Array.of(...bytes, 0))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
    for (let length = 0; length < bytes.length; length++) expect(read(bytes.subarray(0, length)).ok).toBe(false)
    // A key without its proof.
    const half = Uint8Array.from([...bytes.slice(0, 37), 0x82, ...bytes.slice(38, 40 + 33 + 98)])
    expect(read(half)).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
  })

  it('are 1 to 256, each once and with a key of its own', () => {
    const many = Array.from({ length: 257 }, (_, index): Member => {
      const key = new Uint8Array(33).fill(2)
      key.set([index >> 8, index & 255], 1)
      return { did: createDid(key) }
    })
    expect(read(write(many.slice(1))).ok).toBe(true)
    for (const wrong of [
      many,
      [],
      [...members, members[0] as Member],
      [{ did: doctor.did, bls: bls(7) }, members[1] as Member],
    ]) {
      expect(codeOf(() => write(wrong))).toBe('ERR_ARGUMENT_INVALID')
    }
  })
})

describe('an approval', () => {
  it('is a signature over chain, epoch and the whole list in its order', () => {
    const others = [
      { ...change, chainId: otherChainId },
      { ...change, memberEpoch: 4 },
      { ...change, members: members.toReversed() },
      { ...change, members: members.slice(1) },
      { ...change, members: members.map(({ did }) => ({ did })) },
      { ...change, members: members.with(1, { did: patient.did, bls: { ...bls(7), proof: new Uint8Array(48) } }) },
    ]
    const digests = [change, ...others].map((each) => toHex(hashMemberChange(each)))
    expect(new Set(digests).size).toBe(digests.length)
    expect(digests[0]).toMatchInlineSnapshot(`"3776321c68aa6e5bef1787c62ad62cab4ca16e1c8c3c4cdcb6e2e717d35e91e0"`)
    const signature = approveMembers(change, { signer: doctor.signer })
    const verifier = createVerifier()
    expect(verifier.verify({ signer: doctor.did, digest: hashMemberChange(change), signature })).toBe(true)
    for (const other of others)
      expect(verifier.verify({ signer: doctor.did, digest: hashMemberChange(other), signature })).toBe(false)
    expect(codeOf(() => approveMembers({ ...change, members: [] }, { signer: doctor.signer }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })
})

describe('the largest change', () => {
  it('fits a transaction: 256 members with BLS keys, approved by the quorum of 256', () => {
    const list = Array.from({ length: 256 }, (_, index): Member => {
      const key = new Uint8Array(33).fill(2)
      key[1] = index
      const publicKey = new Uint8Array(96).fill(index)
      return { did: createDid(key), bls: { publicKey, proof: publicKey.slice(48) } }
    })
    const approvals = Array.from({ length: 171 }, (_, index) => ({
      member: index + 85,
      signature: new Uint8Array(65).fill(255) as Signature,
    }))
    const unsigned = createTransaction({
      kind: 'config',
      sender: registrar.did,
      nonce: 2 ** 32 - 1,
      issuedAtMs,
      memberEpoch: 2 ** 32 - 1,
      members: list,
      approvals,
    })
    const bytes = encodeTransaction(signTransaction(unsigned, { chainId, signer: registrar.signer }))
    expect(bytes.length).toBeLessThan(64 * 1024)
    expect(parseTransaction(bytes).ok).toBe(true)
  })
})

import { createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto'
import { encode } from '@ipld/dag-cbor'
import { describe, expect, it } from 'vitest'
import {
  createAgreementProof,
  createKeyRecord,
  generateChallenge,
  hashKeyRecord,
  verifyAgreementProof,
  type AgreementClaim,
} from '../../src/identity/index.ts'
import { createAgreementKey } from '../../src/primitives/agreement.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { chainId, fixedRandom, otherChainId, party } from './fixtures.ts'

const ann = party('ann')
const bob = party('bob')
const registrar = party('registrar')
const challenge = generateChallenge(fixedRandom('challenge'))
const claim: AgreementClaim = { record: ann.keys, chainId, challenge }
const proof = createAgreementProof(claim, { agreement: ann.agreement, registrar: registrar.keys.agreement })

describe('possession of an agreement key', () => {
  it('convinces the registrar whose key was used', () => {
    expect(proof).toHaveLength(32)
    expect(verifyAgreementProof(claim, { registrar: registrar.agreement, proof })).toBe(true)
    expect(verifyAgreementProof(claim, { registrar: bob.agreement, proof })).toBe(false)
  })

  it('is bound to record, ledger and challenge', () => {
    const changes: Partial<AgreementClaim>[] = [
      { record: bob.keys },
      { record: { ...ann.keys, signingKey: bob.did } },
      { record: { ...ann.keys, did: bob.did } },
      { chainId: otherChainId },
      { challenge: generateChallenge(fixedRandom('another')) },
      { challenge: challenge.slice(1) },
    ]
    for (const change of changes) {
      const changed = { ...claim, ...change }
      expect(verifyAgreementProof(changed, { registrar: registrar.agreement, proof })).toBe(false)
    }
  })

  it('cannot be made with another key: Bob registering the key of Ann fails', () => {
    const record = createKeyRecord({ agreement: ann.keys.agreement }, { signer: bob.signer })
    expect(() =>
      createAgreementProof({ ...claim, record }, { agreement: bob.agreement, registrar: registrar.keys.agreement }),
    ).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'agreement' }))
    const lying = { publicKey: ann.keys.agreement, agree: (peer: Uint8Array) => bob.agreement.agree(peer) }
    const forged = createAgreementProof({ ...claim, record }, { agreement: lying, registrar: registrar.keys.agreement })
    expect(verifyAgreementProof({ ...claim, record }, { registrar: registrar.agreement, proof: forged })).toBe(false)
  })

  it('refuses every proof of another length or with one changed bit', () => {
    for (let i = 0; i < 32; i++) {
      const changed = Uint8Array.from(proof)
      changed[i] = (changed[i] as number) ^ (1 << (i % 8))
      expect(verifyAgreementProof(claim, { registrar: registrar.agreement, proof: changed })).toBe(false)
    }
    for (const other of [proof.slice(1), new Uint8Array(0), Uint8Array.of(...proof, 0)]) {
      expect(verifyAgreementProof(claim, { registrar: registrar.agreement, proof: other })).toBe(false)
    }
  })

  it('refuses keys of low order on both sides', () => {
    const lowOrder = new Uint8Array(32)
    expect(() => createAgreementProof(claim, { agreement: ann.agreement, registrar: lowOrder })).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_INVALID_POINT' }),
    )
    const record = { ...ann.keys, agreement: lowOrder }
    expect(verifyAgreementProof({ ...claim, record }, { registrar: registrar.agreement, proof })).toBe(false)
  })

  it('lets faults of the registrar that are no refusals through', () => {
    const agree = () => {
      throw new RangeError('the hardware is away')
    }
    const failing = { publicKey: registrar.keys.agreement, agree }
    expect(() => verifyAgreementProof(claim, { registrar: failing, proof })).toThrow(RangeError)
  })

  it('is what node:crypto computes from the description', () => {
    const [secret, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const [own, theirs] = [createAgreementKey(secret), createAgreementKey(other)]
    const record = createKeyRecord({ agreement: own }, { signer: ann.signer })
    const shared = diffieHellman({
      privateKey: createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]), format: 'der', type: 'pkcs8' }), // prettier-ignore
      publicKey: createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), theirs.publicKey]), format: 'der', type: 'spki' }), // prettier-ignore
    })
    const info = encode([TAGS.agreementPossession, own.publicKey, theirs.publicKey])
    const key = new Uint8Array(hkdfSync('sha256', shared, new Uint8Array(0), info, 32))
    const message = encode([TAGS.agreementPossession, toDigest(chainId), hashKeyRecord(record), challenge])
    const expected = createHmac('sha256', key).update(message).digest('hex')
    const made = createAgreementProof({ record, chainId, challenge }, { agreement: own, registrar: theirs.publicKey })
    expect(Buffer.from(made).toString('hex')).toBe(expected)
  })
})

import { describe, expect, it } from 'vitest'
import { createKeyRecord, hashKeyRecord, signKeyRotation, verifyKeyRotation } from '../../src/identity/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import { HINT_UNKNOWN } from '../../src/primitives/signature.ts'
import { chainId, otherChainId, party, verifier } from './fixtures.ts'

const [ann, next, mallory] = [party('ann'), party('ann, later'), party('mallory')]
const record = createKeyRecord({ did: ann.did, agreement: next.agreement }, { signer: next.signer })
const signature = signKeyRotation({ record, chainId }, { signer: ann.signer })
const by = { signingKey: ann.did, signature, verifier }

describe('rotation of a signing key', () => {
  it('holds when the old key signed it, with any verifier and hint', () => {
    expect(verifyKeyRotation({ record, chainId }, by)).toBe(true)
    expect(verifyKeyRotation({ record, chainId }, { signingKey: ann.did, signature })).toBe(true)
    const rehinted = Uint8Array.from(signature) as typeof signature
    rehinted[64] = HINT_UNKNOWN
    expect(verifyKeyRotation({ record, chainId }, { ...by, signature: rehinted })).toBe(true)
  })

  it('does not hold for the new key alone, another key, another ledger, account or record', () => {
    const own = signKeyRotation({ record, chainId }, { signer: next.signer })
    expect(verifyKeyRotation({ record, chainId }, { ...by, signature: own })).toBe(false)
    expect(verifyKeyRotation({ record, chainId }, { ...by, signingKey: mallory.did })).toBe(false)
    expect(verifyKeyRotation({ record, chainId: otherChainId }, by)).toBe(false)
    expect(verifyKeyRotation({ record: { ...record, did: mallory.did }, chainId }, by)).toBe(false)
    const other = createKeyRecord({ did: ann.did, agreement: mallory.agreement }, { signer: next.signer })
    expect(verifyKeyRotation({ record: other, chainId }, by)).toBe(false)
  })

  it('is about the record, not about its signature, which anyone may make anew', () => {
    const again = createKeyRecord({ did: ann.did, agreement: next.agreement }, { signer: next.signer })
    expect(hashKeyRecord(again)).toEqual(hashKeyRecord(record))
    expect(verifyKeyRotation({ record: again, chainId }, by)).toBe(true)
  })

  it('is not the signature of a key record, nor the other way round', () => {
    expect(verifyKeyRotation({ record, chainId }, { ...by, signature: ann.keys.signature })).toBe(false)
  })

  it('is total', () => {
    expect(verifyKeyRotation({ record: { ...record, did: 'did:key:zQ3' as Did }, chainId }, by)).toBe(false)
    expect(verifyKeyRotation({ record, chainId }, { ...by, signature: new Uint8Array(3) as typeof signature })).toBe(
      false,
    )
  })
})

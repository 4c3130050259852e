import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import { isVitalsealError, unwrap } from '../../../src/errors.ts'
import {
  createEpochOpener,
  createPreKeyPair,
  decapsulate,
  ibpre,
  parseIbObject,
  parsePreObject,
  unwrapKey,
  verifyCapsule,
  verifyCapsuleFragment,
  verifyReEncryptionKey,
  verifyReKeyFragment,
  type IbBytes,
} from '../../../src/pre/index.ts'
import { createAgreementKey } from '../../../src/primitives/agreement.ts'
import type { PreSecret } from '../../../src/primitives/bls-secret.ts'
import { fromHex, toHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import { codeOf, codeOfResult } from '../../support/failure.ts'
import { makeVectors } from './make.ts'
import type { IbNegativeVector, NegativeVector, OtherNegativeVector } from './negative.ts'
import {
  condition,
  conditionInput,
  delegateeSecret,
  derive,
  digestOf,
  facts,
  message,
  ownerSecret,
  scalarOf,
  termsOf,
} from './transcripts.ts'
import published from './vectors.json' with { type: 'json' }

const { cpre } = published
const owner = createPreKeyPair(fromHex(cpre.ownerSecret) as PreSecret, 'delegator')
const delegatee = createPreKeyPair(fromHex(cpre.delegateeSecret) as PreSecret, 'delegatee')
const capsule = unwrap(parsePreObject('capsule', fromHex(cpre.capsule)))
const converted = unwrap(parsePreObject('re-encrypted-capsule', fromHex(cpre.converted)))
const reKey = unwrap(parsePreObject('re-encryption-key', fromHex(cpre.reKey)))

describe('the published vectors', () => {
  it('come out again from the named randomness, byte for byte', async () => {
    expect(JSON.parse(JSON.stringify(await makeVectors()))).toEqual(published)
  })

  it('open', async () => {
    expect(toHex(decapsulate(capsule, owner))).toBe(cpre.key)
    expect(toHex(decapsulate(converted, delegatee))).toBe(cpre.key)
    const combined = unwrap(parsePreObject('re-encrypted-capsule', fromHex(cpre.combined)))
    expect(toHex(decapsulate(combined, delegatee))).toBe(cpre.key)
    const two = unwrap(parsePreObject('capsule', fromHex(cpre.capsuleOfTwo)))
    expect(toHex(decapsulate(two, owner))).toBe(cpre.keyOfTwo)
    const record = await createEpochOpener(fromHex(cpre.epochKey)).open('reading-1', fromHex(cpre.record))
    expect(toHex(record)).toBe(toHex(toUtf8('44 /min')))
  })

  it('of the identity-based scheme and of the baseline open', async () => {
    const { ibpre: ib, rewrap } = published
    const parameters = fromHex(ib.parameters) as IbBytes<'Parameters'>
    for (const [ciphertext, key] of [
      [ib.ciphertext, ib.secretKey],
      [ib.converted, ib.delegateeKey],
    ] as const) {
      const secretKey = fromHex(key) as IbBytes<'SecretKey'>
      expect(toHex(await ibpre.decrypt(fromHex(ciphertext), { parameters, secretKey }))).toBe(ib.data)
    }
    const signature = fromHex(ib.signature)
    expect(ibpre.authVerify(fromHex(ib.data), { parameters, identity: 'alice', signature })).toBe(true)
    const agreement = createAgreementKey(fromHex(rewrap.recipientSecret))
    expect(toHex(unwrapKey(fromHex(rewrap.wrapped), { agreement, condition: rewrap.condition }))).toBe(rewrap.key)
  })
})

function outcomeOf({ kind, bytes }: NegativeVector): string {
  const parsed = parsePreObject(kind, fromHex(bytes))
  if (!parsed.ok) return parsed.code
  const object = parsed.value
  if (object.kind === 're-encrypted-capsule') return codeOf(() => decapsulate(object, delegatee))
  if (object.kind === 're-encryption-key') {
    const options = { signer: reKey.delegatorAccount, nowMs: reKey.expiresAtMs - 1 }
    return verifyReEncryptionKey(object, options) ? 'accepted' : 'refused'
  }
  const opened = codeOf(() => decapsulate(object, owner))
  return verifyCapsule(object) || opened !== 'ERR_DECRYPTION_FAILED' ? 'accepted' : 'refused'
}

describe('the negative vectors', () => {
  it.each(published.negative as readonly NegativeVector[])('$kind: $name', (vector) => {
    expect(outcomeOf(vector)).toBe(vector.outcome)
  })

  it('are changed in what their name says: unchanged objects are accepted', () => {
    for (const [kind, bytes] of [
      ['capsule', cpre.capsule],
      ['re-encryption-key', cpre.reKey],
    ] as const) {
      expect(outcomeOf({ name: '', kind, bytes, outcome: '' })).toBe('accepted')
    }
    expect(outcomeOf({ name: '', kind: 're-encrypted-capsule', bytes: cpre.converted, outcome: '' })).toBe('returned')
  })
})

describe('the negative vectors of fragments, records and wrapped keys', () => {
  const opener = createEpochOpener(fromHex(cpre.epochKey))
  const agreement = createAgreementKey(fromHex(published.rewrap.recipientSecret))
  const when = { signer: reKey.delegatorAccount, nowMs: 0 }

  async function outcomeOf({ kind, bytes }: Pick<OtherNegativeVector, 'kind' | 'bytes'>): Promise<string> {
    const input = fromHex(bytes)
    if (kind === 'record') {
      return opener.open('reading-1', input).then(
        () => 'returned',
        (error: unknown) => (isVitalsealError(error) ? error.code : String(error)),
      )
    }
    if (kind === 'wrapped-key')
      return codeOf(() => unwrapKey(input, { agreement, condition: published.rewrap.condition }))
    if (kind === 're-key-fragment') {
      const parsed = parsePreObject(kind, input)
      return parsed.ok ? (verifyReKeyFragment(parsed.value, when) ? 'accepted' : 'refused') : parsed.code
    }
    const parsed = parsePreObject(kind, input)
    return parsed.ok ? (verifyCapsuleFragment(parsed.value, when) ? 'accepted' : 'refused') : parsed.code
  }

  it.each(published.otherNegative as readonly OtherNegativeVector[])('$kind: $name', async (vector) => {
    expect(await outcomeOf(vector)).toBe(vector.outcome)
  })

  it('are changed in what their name says: unchanged objects are accepted', async () => {
    const unchanged = {
      're-key-fragment': cpre.reKeyFragments[0],
      'capsule-fragment': cpre.capsuleFragments[0],
      record: cpre.record,
      'wrapped-key': published.rewrap.wrapped,
    }
    for (const [kind, bytes] of Object.entries(unchanged)) {
      const vector = { kind, bytes } as OtherNegativeVector
      expect(['accepted', 'returned']).toContain(await outcomeOf(vector))
    }
  })
})

describe('the negative vectors of the identity-based scheme', () => {
  const { ibpre: ib } = published
  const parameters = fromHex(ib.parameters) as IbBytes<'Parameters'>
  const reKey = fromHex(ib.reKey) as IbBytes<'ReKey'>
  const isTrue = (answer: boolean) => (answer ? 'accepted' : 'refused')

  async function outcomeOfIb({ use, bytes: hex }: IbNegativeVector): Promise<string> {
    const bytes = fromHex(hex)
    switch (use) {
      case 'parameters':
        return codeOfResult(parseIbObject(use, bytes))
      case 'secret-key':
      case 're-key':
        return codeOfResult(parseIbObject(use, bytes, { parameters }))
      case 'reEncrypt':
        return codeOf(() => ibpre.reEncrypt(bytes, { parameters, reKey }))
      case 'authVerify':
        return isTrue(ibpre.authVerify(fromHex(ib.data), { parameters, identity: 'alice', signature: bytes }))
      case 'verifyKeyShare': {
        const commitments = ib.commitments.map(fromHex)
        return isTrue(ibpre.verifyKeyShare({ parameters, keyShare: bytes, identity: 'carol', commitments }))
      }
      case 'decrypt': {
        const keys = [ib.secretKey, ib.delegateeKey].map((key) => fromHex(key) as IbBytes<'SecretKey'>)
        const answers = await Promise.allSettled(
          keys.map((secretKey) => ibpre.decrypt(bytes, { parameters, secretKey })),
        )
        const failed = answers.map((answer) => (answer.status === 'rejected' ? (answer.reason as Error) : undefined))
        return failed.every((error) => isVitalsealError(error, 'ERR_DECRYPTION_FAILED'))
          ? 'ERR_DECRYPTION_FAILED'
          : 'accepted'
      }
    }
  }

  it.each(published.ibNegative as readonly IbNegativeVector[])('$use: $name', async (vector) => {
    expect(await outcomeOfIb(vector)).toBe(vector.outcome)
  })

  it('are changed in what their name says: unchanged objects are accepted', async () => {
    for (const [use, bytes] of [
      ['parameters', ib.parameters],
      ['secret-key', ib.secretKey],
      ['re-key', ib.reKey],
      ['decrypt', ib.ciphertext],
      ['decrypt', ib.converted],
      ['authVerify', ib.signature],
      ['verifyKeyShare', ib.keyShares[0] as string],
    ] as const) {
      expect(await outcomeOfIb({ name: '', use, bytes, outcome: '' })).toBe('accepted')
    }
    expect(await outcomeOfIb({ name: '', use: 'reEncrypt', bytes: ib.ciphertext, outcome: '' })).toBe('returned')
  })
})

// A second computation of the scheme, with the curve package's generic forms and no code of src/pre.
describe('the equations, computed again with the curve package alone', () => {
  const { G1, G2, fields, pairing } = bls12_381
  const { Fp12, Fp6, Fr } = fields
  const compress = (f: ReturnType<typeof Fp12.create>) => Fp6.toBytes(Fp6.mul(Fp6.add(Fp6.ONE, f.c0), Fp6.inv(f.c1)))

  const [a, b] = [ownerSecret, delegateeSecret]
  const q = G2.hashToCurve(conditionInput.message, conditionInput)
  const r = scalarOf('encapsulation', message, ...facts)
  const c = G1.Point.BASE.multiply(r)
  const k = Fp12.pow(pairing(G1.Point.BASE.multiply(a), q), r)
  const mask = derive(compress(k), 'mask', ...facts, condition, c.toBytes(true))
  const masked = message.map((byte, i) => byte ^ (mask[i] as number))
  const id = digestOf('capsule', ...facts, c.toBytes(true), [masked])

  it('capsule and key', () => {
    const n = scalarOf('proof-nonce', 1, message, id)
    const ch = scalarOf('proof-challenge', 1, G1.Point.BASE.multiply(n).toBytes(true), id)
    const s = Fr.add(n, Fr.mul(ch, r))
    const core = [c.toBytes(true), masked, Fr.toBytes(ch), Fr.toBytes(s)].map(toHex).join('')
    expect(cpre.capsule.slice(-288)).toBe(core)
    expect(cpre.capsuleId).toBe(toHex(id))
    expect(cpre.key).toBe(toHex(derive(message, 'capsule-key', 1, id)))
  })

  it('re-key and conversion', () => {
    const e = G1.Point.fromBytes(reKey.ephemeral)
    const terms = termsOf(reKey)
    const y = scalarOf('blinding', e.multiply(b).toBytes(true), ...terms)
    const rk = q.multiply(Fr.mul(a, y))
    const x = G1.Point.BASE.multiply(Fr.mul(a, y)).toBytes(true)
    expect(toHex(reKey.element)).toBe(toHex(rk.toBytes(true)))
    expect(toHex(reKey.commitment)).toBe(toHex(x))
    expect(cpre.reKeyId).toBe(toHex(digestOf('re-key', ...terms, x)))
    const t = pairing(c, rk)
    expect(cpre.converted.slice(-576)).toBe(toHex(compress(t)))
    expect(Fp12.eql(Fp12.pow(t, Fr.inv(y)), k)).toBe(true)
    expect(Fp12.eql(Fp12.pow(k, y), t)).toBe(true)
  })
})

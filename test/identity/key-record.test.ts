import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'
import {
  createKeyRecord,
  createPreKeyMaker,
  createPreKeyVerifier,
  encodeKeyRecord,
  generateIdentity,
  hashKeyRecord,
  keyRecordShape,
  parseKeyRecord,
  preKeyContext,
  validateKeyRecord,
  verifyKeyRecord,
  type KeyRecord,
  type PreKeys,
  type UnsignedKeyRecord,
} from '../../src/identity/index.ts'
import { fromHex, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import type { CborValue } from '../../src/primitives/codec.ts'
import { createDid, toPublicKey, type Did } from '../../src/primitives/did.ts'
import type { Signer } from '../../src/primitives/signature.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { failureOf, fixedRandom, mismatchOf, party, testWireForm, verifier } from './fixtures.ts'

const ann = party('ann')
const bob = party('bob')
const maker = createPreKeyMaker()
const preKeyVerifier = createPreKeyVerifier()
const carol = generateIdentity({ pre: maker }, fixedRandom('carol'))
const carolKeys = carol.keys.pre as PreKeys

/** A record that breaks rules and is signed all the same: what an attacker with a key of his own can do. */
function forge(signer: Signer, changes: Partial<Omit<UnsignedKeyRecord, 'pre'>> & { pre?: PreKeys }): KeyRecord {
  const record = {
    version: 1 as const,
    did: signer.did,
    signingKey: signer.did,
    agreement: ann.agreement.publicKey,
    ...changes,
  }
  const { pre } = record
  const fields: CborValue[] = [
    1,
    toPublicKey(record.did),
    toPublicKey(record.signingKey),
    record.agreement,
    pre === undefined
      ? null
      : [
          [pre.delegator.publicKey, pre.delegator.proof],
          [pre.delegatee.publicKey, pre.delegatee.proof],
        ],
  ]
  return { ...record, signature: signer.sign(TAGS.keyRecord, fields) }
}

function codeOf(record: KeyRecord): string {
  const { code, path } = failureOf(validateKeyRecord(record, { verifier, preKeyVerifier }))
  return `${code} ${path}`
}

describe('a key record on the wire', () => {
  testWireForm({
    value: ann.keys,
    pinned: [
      '86', // a tuple of six
      '01', // version
      '58210345436c9c0c0b76116d16f7d1c213197a70a121a9bd6a6ebf32bbd070673c9da5', // account
      '58210345436c9c0c0b76116d16f7d1c213197a70a121a9bd6a6ebf32bbd070673c9da5', // signing key
      '582019e747edb0289088badf1380afad60e071352a1b7a2f53120860609e4a3f9f63', // agreement key
      'f6', // no PRE keys
      '5841d03bb90dc033d6991f7be52bab8ed4048750f4af0bef3058b48dc942385e55a0',
      '24a962f284f2ff48e7262e572bd6e1fdf6af4a64d5edce8cc3dec6765cd2d10900', // signature
    ].join(''),
    encode: encodeKeyRecord,
    parse: parseKeyRecord,
  })

  it('takes 174 bytes, 472 with PRE keys, and 65 of them are the signature', () => {
    expect(encodeKeyRecord(ann.keys)).toHaveLength(174)
    expect(encodeKeyRecord(carol.keys)).toHaveLength(472)
    expect(parseKeyRecord(encodeKeyRecord(carol.keys))).toEqual({ ok: true, value: carol.keys })
  })

  it('refuses wrong types, lengths, orders, counts and versions, and names the field', () => {
    const good = keyRecordShape.write(carol.keys) as readonly CborValue[]
    const [version, did, signingKey, agreement, pre, signature] = good as [
      CborValue,
      Bytes,
      Bytes,
      Bytes,
      CborValue[],
      Bytes,
    ]
    const refusals: [CborValue, string][] = [
      [good.slice(0, 5), ': a tuple of 6'],
      [[...good, 0], ': a tuple of 6'],
      [{}, ': a tuple of 6'],
      [[2, did, signingKey, agreement, pre, signature], 'version: a known object'],
      [['1', did, signingKey, agreement, pre, signature], 'version: 1'],
      [[version, did.slice(1), signingKey, agreement, pre, signature], 'did: 33 bytes'],
      [
        [version, did, Uint8Array.of(4, ...signingKey.slice(1)), agreement, pre, signature],
        'signingKey: a compressed signing key',
      ],
      [[version, agreement, signingKey, did, pre, signature], 'did: 33 bytes'],
      [[version, did, signingKey, 'agreement', pre, signature], 'agreement: 32 bytes'],
      [[version, did, signingKey, agreement, [], signature], 'pre: a tuple of 2'],
      [[version, did, signingKey, agreement, [pre[0] as CborValue], signature], 'pre: a tuple of 2'],
      [
        [
          version,
          did,
          signingKey,
          agreement,
          [pre[0] as CborValue, [new Uint8Array(48), new Uint8Array(95)]],
          signature,
        ],
        'pre.delegatee.proof: 96 bytes',
      ],
      [
        [
          version,
          did,
          signingKey,
          agreement,
          [[new Uint8Array(96), new Uint8Array(96)], pre[1] as CborValue],
          signature,
        ],
        'pre.delegator.publicKey: 48 bytes',
      ],
      [[version, did, signingKey, agreement, pre, signature.slice(0, 64)], 'signature: 65 bytes'],
    ]
    for (const [value, expected] of refusals) expect(mismatchOf(keyRecordShape, value)).toBe(expected)
  })

  it('says where in the bytes a field is wrong', () => {
    const bytes = encodeKeyRecord(ann.keys)
    bytes[4] = 4 // first byte of the account
    expect(failureOf(parseKeyRecord(bytes))).toMatchObject({
      code: 'ERR_CODEC_MALFORMED',
      path: 'keyRecord.did',
      details: { byteOffset: 2 },
    })
  })

  it('gives every record one digest, whatever its signature', () => {
    const again = createKeyRecord({ agreement: ann.agreement }, { signer: ann.signer })
    expect(again.signature).not.toEqual(ann.keys.signature)
    expect(hashKeyRecord(again)).toEqual(hashKeyRecord(ann.keys))
    expect(hashKeyRecord(bob.keys)).not.toEqual(hashKeyRecord(ann.keys))
  })
})

describe('validation of a key record', () => {
  it('accepts an honest record and marks it', () => {
    expect(validateKeyRecord(ann.keys, { verifier })).toEqual({ ok: true, value: ann.keys })
    expect(verifyKeyRecord(createKeyRecord({ agreement: bob.agreement.publicKey }, { signer: bob.signer }))).toBe(true)
  })

  it('accepts a record for an older account, and only for that account', () => {
    const record = createKeyRecord({ did: ann.did, agreement: bob.agreement }, { signer: bob.signer })
    expect(validateKeyRecord(record, { verifier }).ok).toBe(true)
    expect(codeOf({ ...record, did: bob.did })).toBe('ERR_SIGNATURE_INVALID keyRecord.signature')
  })

  it('refuses a record that another key signed, or that was changed after', () => {
    expect(codeOf({ ...ann.keys, signature: bob.keys.signature })).toBe('ERR_SIGNATURE_INVALID keyRecord.signature')
    expect(codeOf({ ...ann.keys, agreement: bob.keys.agreement })).toBe('ERR_SIGNATURE_INVALID keyRecord.signature')
    expect(codeOf({ ...ann.keys, signingKey: bob.did })).toBe('ERR_SIGNATURE_INVALID keyRecord.signature')
    expect(codeOf({ ...ann.keys, pre: carolKeys })).toBe('ERR_SIGNATURE_INVALID keyRecord.signature')
    expect(verifyKeyRecord({ ...ann.keys, agreement: bob.keys.agreement }, { verifier })).toBe(false)
  })

  it('ignores the hint byte of the signature', () => {
    const record = unwrapParsed(encodeKeyRecord(ann.keys))
    record.signature[64] = 0x77
    expect(validateKeyRecord(record, { verifier }).ok).toBe(true)
  })

  // RFC 7748 section 7; the spellings that libraries commonly reduce (p, p + 1, the top bit) are refused as well.
  it.each([
    ['zero', '0000000000000000000000000000000000000000000000000000000000000000'],
    ['one', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['order 8, other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['p', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['p + 9', 'f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['nine with the top bit', '0900000000000000000000000000000000000000000000000000000000000080'],
  ])('refuses the agreement key %s, signed or not', (_, hex) => {
    expect(codeOf(forge(ann.signer, { agreement: fromHex(hex) }))).toBe('ERR_CRYPTO_INVALID_POINT keyRecord.agreement')
    expect(() => createKeyRecord({ agreement: fromHex(hex) }, { signer: ann.signer })).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_INVALID_POINT' }),
    )
  })

  it('refuses signing keys that are no points of the curve', () => {
    const off = findOffCurveDid()
    expect(codeOf(forge(ann.signer, { did: off }))).toBe('ERR_CRYPTO_INVALID_POINT keyRecord.did')
    expect(codeOf(forge(ann.signer, { signingKey: off }))).toBe('ERR_CRYPTO_INVALID_POINT keyRecord.signingKey')
  })

  it('is total: what was never parsed is a failure too', () => {
    const broken: unknown[] = [null, {}, { ...ann.keys, did: 'did:key:z6Mk' }, { ...ann.keys, agreement: undefined }]
    broken.push({ ...ann.keys, signature: ann.keys.signature.slice(1) })
    for (const value of broken) expect(codeOf(value as KeyRecord)).toMatch(/^ERR_IDENTITY_INVALID keyRecord/)
  })
})

describe('validation of PRE keys', () => {
  it('accepts proofs made for this account and side', () => {
    expect(validateKeyRecord(carol.keys, { verifier, preKeyVerifier }).ok).toBe(true)
  })

  it('fails without a verifier for them, and says what to pass', () => {
    const failure = failureOf(validateKeyRecord(carol.keys, { verifier }))
    expect(failure).toMatchObject({ code: 'ERR_IDENTITY_INVALID', path: 'keyRecord.pre' })
    expect(failure.message).toContain('createPreKeyVerifier()')
    expect(validateKeyRecord(ann.keys, { verifier }).ok).toBe(true)
  })

  it('refuses one key on both sides', () => {
    const secret = carol.preSecrets().delegator
    const make = (role: 'delegator' | 'delegatee') => maker.makePreKey(secret, preKeyContext(ann.did, role))
    const record = forge(ann.signer, { pre: { delegator: make('delegator'), delegatee: make('delegatee') } })
    expect(codeOf(record)).toBe('ERR_IDENTITY_INVALID keyRecord.pre.delegatee.publicKey')
  })

  it('refuses keys copied from another account, and proofs of the other side', () => {
    expect(codeOf(forge(ann.signer, { pre: carolKeys }))).toBe('ERR_SIGNATURE_INVALID keyRecord.pre.delegator.proof')
    const swapped = { delegator: carolKeys.delegatee, delegatee: carolKeys.delegator }
    expect(codeOf(forge(carol.signer, { pre: swapped }))).toBe('ERR_SIGNATURE_INVALID keyRecord.pre.delegator.proof')
    const second = { ...carolKeys, delegatee: { ...carolKeys.delegatee, proof: carolKeys.delegator.proof } }
    expect(codeOf(forge(carol.signer, { pre: second }))).toBe('ERR_SIGNATURE_INVALID keyRecord.pre.delegatee.proof')
  })

  it.each([
    ['the identity', `c0${'00'.repeat(47)}`],
    ['zeros', '00'.repeat(48)],
    ['x above the field', `9f${'ff'.repeat(47)}`],
    ['a point off the subgroup', findOffSubgroupKey()],
  ])('refuses %s as a public key', (_, hex) => {
    for (const role of ['delegator', 'delegatee'] as const) {
      const pre = { ...carolKeys, [role]: { ...carolKeys[role], publicKey: fromHex(hex) } }
      expect(codeOf(forge(carol.signer, { pre }))).toBe(`ERR_CRYPTO_INVALID_POINT keyRecord.pre.${role}.publicKey`)
    }
  })

  it('refuses the identity as a proof', () => {
    const proof = fromHex(`c0${'00'.repeat(95)}`)
    const pre = { ...carolKeys, delegator: { ...carolKeys.delegator, proof } }
    expect(codeOf(forge(carol.signer, { pre }))).toBe('ERR_SIGNATURE_INVALID keyRecord.pre.delegator.proof')
  })
})

describe('creation of a key record', () => {
  it('refuses PRE keys and accounts of the wrong form', () => {
    const pre = { ...carolKeys, delegator: { ...carolKeys.delegator, proof: new Uint8Array(95) } } as PreKeys
    expect(() => createKeyRecord({ agreement: ann.agreement, pre }, { signer: ann.signer })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'keyRecord.pre.delegator.proof' }),
    )
    expect(() => createKeyRecord({ agreement: ann.agreement, did: 'x' as Did }, { signer: ann.signer })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    )
  })

  it('keeps a copy of the agreement key', () => {
    const agreement = Uint8Array.from(ann.agreement.publicKey)
    const record = createKeyRecord({ agreement }, { signer: ann.signer })
    agreement.fill(0)
    expect(record.agreement).toEqual(ann.agreement.publicKey)
  })
})

function unwrapParsed(bytes: Uint8Array): KeyRecord {
  const parsed = parseKeyRecord(bytes)
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.value
}

/** A did whose x coordinate belongs to no point: 5 is the smallest such x (x^3 + 7 = 132 is no square). */
function findOffCurveDid(): Did {
  return createDid(fromHex(`02${'05'.padStart(64, '0')}`))
}

/** A point of the curve outside of the subgroup, found by trying small x. */
function findOffSubgroupKey(): string {
  for (let x = 1; ; x++) {
    const bytes = new Uint8Array(48)
    bytes[0] = 0x80
    bytes[47] = x
    try {
      bls12_381.G1.Point.fromBytes(bytes).assertValidity()
    } catch (error) {
      if ((error as Error).message.includes('subgroup')) return toHex(bytes)
    }
  }
}

import { describe, expect, it } from 'vitest'
import {
  createCredential,
  credentialShape,
  credentialsShape,
  CREDENTIALS_MAX,
  encodeCredential,
  hashCredential,
  isCredentialLive,
  issueCredential,
  parseCredential,
  QUOTA_CLASSES,
  roundToMonths,
  validateCredential,
  verifyCredential,
  type Credential,
  type UnsignedCredential,
} from '../../src/identity/index.ts'
import type { CborValue } from '../../src/primitives/codec.ts'
import { toPublicKey, type Did } from '../../src/primitives/did.ts'
import { ROLES } from '../../src/primitives/roles.ts'
import { encodeShape, parseShape } from '../../src/primitives/shape.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { chainId, failureOf, fixedRandom, mismatchOf, otherChainId, party, testWireForm, verifier } from './fixtures.ts'
import { createSigner } from '../../src/primitives/signature.ts'

const [registrar, doctor, mallory] = [party('registrar'), party('doctor'), party('mallory')]
const [june, july] = [Date.UTC(2026, 5), Date.UTC(2026, 6)]

const terms = {
  kind: 'E-Cert',
  issuer: registrar.did,
  subject: doctor.did,
  role: 'clinician',
  organisation: 'St. Mary’s',
  notBeforeMs: june,
  notAfterMs: july,
  quotaPerMinute: 1_200,
} as const
const signer = createSigner(new Uint8Array(32).fill(7), fixedRandom('hedge'))
const eCert = issueCredential(createCredential({ ...terms, issuer: signer.did }), { chainId, signer })
const pseudonym = { kind: 'T-Cert', role: 'patient', issuer: signer.did, subject: doctor.did } as const
const tCert = issueCredential(
  createCredential({
    ...pseudonym,
    ...roundToMonths({ notBeforeMs: june + 5, notAfterMs: july - 5 }),
    quotaPerMinute: 600,
  }),
  { chainId, signer },
)

/** What an issuer signs who does not use this library. */
function forge(changes: Partial<UnsignedCredential>, base: Credential = tCert): Credential {
  const credential = { ...base, ...changes }
  const [unsigned] = credentialShape.write(credential) as readonly CborValue[]
  return { ...credential, signature: signer.sign(TAGS.credential, [toDigest(chainId), unsigned as CborValue]) }
}

function codeOf(credential: Credential, options: { chainId?: typeof chainId; signingKey?: Did } = {}): string {
  const { code, path } = failureOf(validateCredential(credential, { chainId, verifier, ...options }))
  return `${code} ${path}`
}

describe('a credential on the wire', () => {
  testWireForm<Credential>({
    value: eCert,
    pinned: [
      '82', // terms and signature
      '890100', // a tuple of nine: version, E-Cert
      '582102989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f', // issuer
      '5821030a124c9a36541b17e0ec003d86d79aa69214e4844e7218bcfa19c2900efc4efa', // subject
      '01', // clinician
      '6c53742e204d617279e2809973', // organisation
      '1b0000019e807aec00', // 2026-06-01
      '1b0000019f1af9b400', // 2026-07-01
      '1904b0', // 1,200 a minute
      '5841097575021900e4350fb57d8edd317fdd69a9e713d788dd8d8cec9599056f31e965d4',
      '97b4a4f1d0d77571b67ef2fe33f5db5e6180cfb4cfe7edde90aa1011eed600', // signature
    ].join(''),
    encode: encodeCredential,
    parse: parseCredential,
  })
  testWireForm<Credential>({
    value: tCert,
    pinned: [
      '82', // terms and signature
      '890101', // a tuple of nine: version, T-Cert
      '582102989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57625596e05f6f', // issuer
      '5821030a124c9a36541b17e0ec003d86d79aa69214e4844e7218bcfa19c2900efc4efa', // subject
      '00', // patient
      'f6', // no organisation
      '1b0000019e807aec00', // 2026-06-01
      '1b0000019f1af9b400', // 2026-07-01
      '190258', // 600 a minute
      '5841a154f497d92e97f244cb8452363a3867a3dff3dc409d80db1304fa1bf23725136c35',
      '1e62e1b140a4de98149a371e633209ae542d53cfd43dff80310c392f5fbe01', // signature
    ].join(''),
    encode: encodeCredential,
    parse: parseCredential,
  })

  it('refuses wrong types, lengths, orders, counts and versions, and names the field', () => {
    const [good, signature] = credentialShape.write(eCert) as readonly [readonly CborValue[], CborValue]
    const put = (index: number, value: CborValue) => [good.with(index, value), signature]
    const refusals: [CborValue, string][] = [
      [[...good, signature], ': a tuple of 2'],
      [[good], ': a tuple of 2'],
      [[good.slice(1), signature], 'terms: a tuple of 9'],
      [[[...good, null], signature], 'terms: a tuple of 9'],
      [put(0, 2), 'terms.version: a known object'],
      [put(1, 2), 'terms.kind: a kind from 0 to 1'],
      [put(1, 'E-Cert'), 'terms.kind: a kind from 0 to 1'],
      [put(2, toPublicKey(registrar.did).slice(1)), 'terms.issuer: 33 bytes'],
      [put(3, registrar.did), 'terms.subject: 33 bytes'],
      [put(4, ROLES.length), `terms.role: a role from 0 to ${ROLES.length - 1}`],
      [put(5, ''), 'terms.organisation: text that is not empty'],
      [put(5, 'Cafe\u0301'), 'terms.organisation: text in normalization form C'],
      [put(6, -1), 'terms.notBeforeMs: an integer from 0 to 8640000000000000'],
      [put(7, 8_640_000_000_000_001), 'terms.notAfterMs: an integer from 0 to 8640000000000000'],
      [put(8, 0), 'terms.quotaPerMinute: an integer from 1 to 4294967295'],
      [put(8, 4_294_967_296), 'terms.quotaPerMinute: an integer from 1 to 4294967295'],
      [[good, (signature as Uint8Array).slice(1)], 'signature: 65 bytes'],
    ]
    for (const [value, expected] of refusals) expect(mismatchOf(credentialShape, value)).toBe(expected)
    expect(credentialShape.read(put(8, 4_294_967_295))).toMatchObject({ quotaPerMinute: 4_294_967_295 })
  })

  it('names an organisation in at most 1,024 bytes', () => {
    const organisation = 'é'.repeat(512)
    expect(parseCredential(encodeCredential({ ...eCert, organisation })).ok).toBe(true)
    expect(() => encodeCredential({ ...eCert, organisation: `${organisation}e` })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'credential.terms.organisation' }),
    )
  })
})

describe('a list of credentials', () => {
  const object = { object: 'credentials' }
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...eCert, notAfterMs: july + i }))

  it('holds 16, and none twice even when signed twice', () => {
    const list = many(CREDENTIALS_MAX)
    expect(parseShape(encodeShape(list, credentialsShape, object), credentialsShape, object)).toEqual({
      ok: true,
      value: list,
    })
    expect(() => encodeShape(many(CREDENTIALS_MAX + 1), credentialsShape, object)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    )
    const twice = [eCert, tCert, { ...eCert, signature: tCert.signature }].map((item) => credentialShape.write(item))
    expect(mismatchOf(credentialsShape, twice)).toBe('2: a credential that is not in the list yet')
  })
})

describe('creation of a credential', () => {
  it('fills in what is absent, and freezes', () => {
    const { kind, issuer, subject, role, notBeforeMs, notAfterMs } = terms
    const credential = createCredential({ kind, issuer, subject, role, notBeforeMs, notAfterMs })
    expect(credential).toMatchObject({ version: 1, organisation: null, quotaPerMinute: null })
    expect(Object.isFrozen(credential)).toBe(true)
  })

  it.each([
    ['an empty validity', { notAfterMs: june }, 'credential.notAfterMs'],
    ['a role of its own', { role: 'admin' as never }, 'credential.role'],
    ['a fraction of a quota', { quotaPerMinute: 1.5 }, 'credential.quotaPerMinute'],
    ['a T-Cert with an organisation', { kind: 'T-Cert', quotaPerMinute: 600 } as const, 'credential.organisation'],
  ])('refuses %s', (_, change, path) => {
    expect(() => createCredential({ ...terms, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path }),
    )
  })

  it('lets validity last one millisecond', () => {
    expect(createCredential({ ...terms, notAfterMs: june + 1 }).notAfterMs).toBe(june + 1)
  })
})

describe('validation of a credential', () => {
  it('accepts what the issuer signed for this ledger', () => {
    for (const credential of [eCert, tCert]) {
      expect(validateCredential(credential, { chainId, verifier })).toEqual({ ok: true, value: credential })
      expect(verifyCredential(credential, { chainId })).toBe(true)
    }
  })

  it('refuses another ledger, another signer and every changed field', () => {
    const path = 'ERR_SIGNATURE_INVALID credential.signature'
    expect(codeOf(eCert, { chainId: otherChainId })).toBe(path)
    expect(codeOf({ ...eCert, issuer: mallory.did })).toBe(path)
    expect(codeOf(eCert, { signingKey: mallory.did })).toBe(path)
    const changes: Partial<Credential>[] = [
      { kind: 'T-Cert', organisation: null, quotaPerMinute: null },
      { subject: mallory.did },
      { role: 'registrar' },
      { organisation: 'St. Mary' },
      { organisation: null },
      { notBeforeMs: june - 1 },
      { notAfterMs: july + 1 },
      { quotaPerMinute: 1_201 },
      { quotaPerMinute: null },
      { signature: tCert.signature },
    ]
    for (const change of changes) expect(codeOf({ ...eCert, ...change })).toBe(path)
    expect(verifyCredential({ ...eCert, role: 'registrar' }, { chainId })).toBe(false)
  })

  it('judges a rotated issuer by the key that it is given', () => {
    const credential = issueCredential(createCredential({ ...terms, issuer: registrar.did }), { chainId, signer })
    expect(codeOf(credential)).toBe('ERR_SIGNATURE_INVALID credential.signature')
    expect(validateCredential(credential, { chainId, signingKey: signer.did }).ok).toBe(true)
  })

  it('refuses signed T-Certs that would link their subject', () => {
    expect(codeOf(forge({ organisation: 'St. Mary’s' }))).toBe('ERR_IDENTITY_INVALID credential.organisation')
    expect(codeOf(forge({ notBeforeMs: june + 1 }))).toBe('ERR_IDENTITY_INVALID credential.notBeforeMs')
    expect(codeOf(forge({ notAfterMs: july - 1 }))).toBe('ERR_IDENTITY_INVALID credential.notAfterMs')
    expect(codeOf(forge({ quotaPerMinute: 601 }))).toBe('ERR_IDENTITY_INVALID credential.quotaPerMinute')
    for (const quotaPerMinute of [null, ...QUOTA_CLASSES]) {
      expect(validateCredential(forge({ quotaPerMinute }), { chainId, verifier }).ok).toBe(true)
    }
  })

  it('refuses signed E-Certs of no length', () => {
    expect(codeOf(forge({ notAfterMs: june }, eCert))).toBe('ERR_IDENTITY_INVALID credential.notAfterMs')
  })

  it('is total: what was never parsed is a failure too', () => {
    for (const value of [null, {}, { ...eCert, issuer: 'x' }, { ...eCert, signature: undefined }]) {
      expect(codeOf(value as unknown as Credential)).toMatch(/^ERR_IDENTITY_INVALID credential/)
    }
  })

  it('has a digest for issuers whose key is in a module of their own', () => {
    const digest = hashCredential(eCert, { chainId })
    expect(verifier.verify({ signer: signer.did, digest, signature: eCert.signature })).toBe(true)
    expect(hashCredential(eCert, { chainId: otherChainId })).not.toEqual(digest)
  })
})

describe('validity', () => {
  it('is half-open', () => {
    const live = [june - 1, june, july - 1, july].map((atMs) => isCredentialLive(eCert, atMs))
    expect(live).toEqual([false, true, true, false])
  })

  it('rounds outwards to months, and what is round stays', () => {
    expect(roundToMonths({ notBeforeMs: june + 1, notAfterMs: june + 2 })).toEqual({
      notBeforeMs: june,
      notAfterMs: july,
    })
    expect(roundToMonths({ notBeforeMs: june, notAfterMs: july })).toEqual({ notBeforeMs: june, notAfterMs: july })
    expect(tCert).toMatchObject({ notBeforeMs: june, notAfterMs: july })
  })
})

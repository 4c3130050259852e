import { describe, expect, it } from 'vitest'
import {
  createCredential,
  CREDENTIAL_CHAIN_MAX,
  issueCredential,
  validateCredentials,
  type Credential,
  type CredentialChainOptions,
  type Identity,
  type UnsignedCredential,
} from '../../src/identity/index.ts'
import { ROLES, type Role } from '../../src/primitives/roles.ts'
import type { SignedDigest } from '../../src/primitives/signature.ts'
import { chainId, failureOf, otherChainId, party, verifier } from './fixtures.ts'

const [anchor, registrar, hospital, ward, doctor, mallory] = [
  party('anchor'),
  party('registrar'),
  party('hospital'),
  party('ward'),
  party('doctor'),
  party('mallory'),
]
const [june, july] = [Date.UTC(2026, 5), Date.UTC(2026, 6)]
const options: CredentialChainOptions = { chainId, atMs: june, registrars: [anchor.did], verifier }

function issue(issuer: Identity, subject: Identity, role: Role, changes: Partial<UnsignedCredential> = {}): Credential {
  const organisation = changes.kind === 'T-Cert' ? null : 'St. Mary’s'
  const base = { kind: 'E-Cert', issuer: issuer.did, subject: subject.did, role, organisation } as const
  const credential = createCredential({ ...base, notBeforeMs: june, notAfterMs: july, ...changes })
  return issueCredential(credential, { chainId, signer: issuer.signer })
}

function codeOf(chain: readonly Credential[], changes: Partial<CredentialChainOptions> = {}): string {
  const { code, path } = failureOf(validateCredentials(chain, { ...options, ...changes }))
  return `${code} ${path}`
}

const leaf = issue(hospital, doctor, 'clinician')
const middle = issue(registrar, hospital, 'institution')
const root = issue(anchor, registrar, 'registrar')
const chain = [leaf, middle, root]

describe('a chain of credentials', () => {
  it('holds from a doctor over hospital and registrar to the registrar that the ledger names', () => {
    expect(validateCredentials(chain, options)).toEqual({ ok: true, value: chain })
    expect(validateCredentials([root], options).ok).toBe(true)
    expect(validateCredentials([leaf, issue(anchor, hospital, 'institution')], options).ok).toBe(true)
  })

  it('has 1 to 4 links', () => {
    const patient = issue(ward, doctor, 'patient', { kind: 'T-Cert' })
    const held = [patient, issue(hospital, ward, 'issuer'), middle, root]
    expect(held).toHaveLength(CREDENTIAL_CHAIN_MAX)
    expect(validateCredentials(held, options).ok).toBe(true)
    expect(codeOf([...held, root])).toBe('ERR_IDENTITY_INVALID credentials')
    expect(codeOf([])).toBe('ERR_IDENTITY_INVALID credentials')
    expect(codeOf(null as never)).toBe('ERR_IDENTITY_INVALID credentials')
  })

  it('must end at a registrar of this ledger', () => {
    expect(codeOf(chain, { registrars: [] })).toBe('ERR_IDENTITY_INVALID credentials.2.issuer')
    expect(codeOf(chain, { registrars: [registrar.did, mallory.did] })).toBe(
      'ERR_IDENTITY_INVALID credentials.2.issuer',
    )
    expect(codeOf([leaf, middle])).toBe('ERR_IDENTITY_INVALID credentials.1.issuer')
    expect(codeOf([leaf])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
  })

  it('must hang together, in order and without circles', () => {
    expect(codeOf([root, middle, leaf])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
    expect(codeOf([leaf, root])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
    expect(codeOf([leaf, leaf])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
    const circle = [issue(registrar, hospital, 'institution'), issue(hospital, registrar, 'registrar')]
    expect(codeOf([...circle, root])).toMatch(/^ERR_IDENTITY_INVALID credentials\.[12]\./)
    expect(codeOf([issue(anchor, anchor, 'institution')])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
    const twice = [issue(registrar, registrar, 'clinician'), root]
    expect(codeOf(twice)).toBe('ERR_IDENTITY_INVALID credentials.1.subject')
  })

  it('must be valid as a whole, from the first millisecond and before the last', () => {
    expect(validateCredentials(chain, { ...options, atMs: july - 1 }).ok).toBe(true)
    expect(codeOf(chain, { atMs: july })).toBe('ERR_IDENTITY_INVALID credentials.0.notAfterMs')
    expect(codeOf(chain, { atMs: june - 1 })).toBe('ERR_IDENTITY_INVALID credentials.0.notBeforeMs')
    const ended = issue(registrar, hospital, 'institution', { notAfterMs: june + 10 })
    expect(validateCredentials([leaf, ended, root], { ...options, atMs: june + 9 }).ok).toBe(true)
    expect(codeOf([leaf, ended, root], { atMs: june + 10 })).toBe('ERR_IDENTITY_INVALID credentials.1.notAfterMs')
    const later = issue(anchor, registrar, 'registrar', { notBeforeMs: june + 5 })
    expect(codeOf([leaf, middle, later], { atMs: june + 4 })).toBe('ERR_IDENTITY_INVALID credentials.2.notBeforeMs')
    for (const atMs of [NaN, Infinity, 0.5]) {
      expect(() => validateCredentials(chain, { ...options, atMs })).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'atMs' }),
      )
    }
  })

  it('refuses another ledger, a wrong signer and a changed link', () => {
    expect(codeOf(chain, { chainId: otherChainId })).toBe('ERR_SIGNATURE_INVALID credentials.0.signature')
    const forged = { ...middle, signature: mallory.signer.sign('vitalseal/identity/credential/v1', []) }
    expect(codeOf([leaf, forged, root])).toBe('ERR_SIGNATURE_INVALID credentials.1.signature')
    expect(codeOf([leaf, middle, { ...root, notAfterMs: july + 1 }])).toBe(
      'ERR_SIGNATURE_INVALID credentials.2.signature',
    )
    expect(codeOf([leaf, { ...middle, notAfterMs: june }, root])).toBe('ERR_IDENTITY_INVALID credentials.1.notAfterMs')
  })

  it('judges rotated issuers by their current keys', () => {
    const rotated = issueCredential(leaf, { chainId, signer: mallory.signer })
    expect(codeOf([rotated, middle, root])).toBe('ERR_SIGNATURE_INVALID credentials.0.signature')
    const signingKeyOf = (account: typeof hospital.did) => (account === hospital.did ? mallory.did : account)
    expect(validateCredentials([rotated, middle, root], { ...options, signingKeyOf }).ok).toBe(true)
    expect(codeOf(chain, { signingKeyOf })).toBe('ERR_SIGNATURE_INVALID credentials.0.signature')
  })

  it('asks a verifier that has batches once', () => {
    const asked: number[] = []
    const batching = {
      verify: () => false,
      verifyBatch(items: readonly SignedDigest[]) {
        asked.push(items.length)
        return items.map((item) => verifier.verify(item))
      },
    }
    expect(validateCredentials(chain, { ...options, verifier: batching }).ok).toBe(true)
    expect(asked).toEqual([3])
    const forged = { ...middle, signature: leaf.signature }
    expect(codeOf([leaf, forged, root], { verifier: batching })).toBe('ERR_SIGNATURE_INVALID credentials.1.signature')
  })

  it('verifies no signature of a chain that breaks a cheaper rule', () => {
    const counting = { verify: () => expect.fail('a signature was verified') }
    expect(codeOf(chain, { verifier: counting, registrars: [] })).toBe('ERR_IDENTITY_INVALID credentials.2.issuer')
  })
})

describe('who may certify whom', () => {
  const allowed: Record<Role, readonly Role[]> = {
    registrar: ['patient', 'clinician', 'analyser', 'issuer', 'institution', 'proxy', 'manager', 'validator'],
    institution: ['patient', 'clinician', 'analyser', 'issuer', 'manager'],
    issuer: ['patient'],
    patient: [],
    clinician: [],
    analyser: [],
    proxy: [],
    manager: [],
    validator: [],
  }
  const accepts = { ...options, verifier: { verify: () => true } }

  it.each(ROLES)('%s', (role) => {
    const above = issue(anchor, hospital, role)
    const kind = role === 'issuer' ? 'T-Cert' : 'E-Cert'
    const held = ROLES.filter(
      (issued) => validateCredentials([issue(hospital, doctor, issued, { kind }), above], accepts).ok,
    )
    expect(held).toEqual(ROLES.filter((issued) => allowed[role].includes(issued)))
  })

  it('a registrar named by the ledger: everyone', () => {
    for (const role of ROLES) expect(validateCredentials([issue(anchor, doctor, role)], accepts).ok).toBe(true)
  })

  it('institutions certify within their organisation only, registrars everywhere', () => {
    const elsewhere = issue(hospital, doctor, 'clinician', { organisation: 'St. Luke’s' })
    expect(codeOf([elsewhere, middle, root])).toBe('ERR_IDENTITY_INVALID credentials.0.organisation')
    const nowhere = issue(hospital, doctor, 'clinician', { organisation: null })
    expect(codeOf([nowhere, middle, root])).toBe('ERR_IDENTITY_INVALID credentials.0.organisation')
    const staff = issue(registrar, doctor, 'clinician', { organisation: 'St. Luke’s' })
    expect(validateCredentials([staff, root], options).ok).toBe(true)
  })

  it('an issuer gives T-Certs, a pseudonym gives nothing', () => {
    const above = [issue(hospital, ward, 'issuer'), middle, root]
    expect(codeOf([issue(ward, doctor, 'patient'), ...above])).toBe('ERR_IDENTITY_INVALID credentials.0.kind')
    const hidden = issue(anchor, hospital, 'institution', { kind: 'T-Cert' })
    expect(codeOf([leaf, hidden])).toBe('ERR_IDENTITY_INVALID credentials.0.issuer')
  })

  it('quotas are lent: at most the own one, by registrars any', () => {
    const rich = issue(registrar, hospital, 'institution', { quotaPerMinute: 1_000 })
    const lend = (quotaPerMinute: number) => issue(hospital, doctor, 'clinician', { quotaPerMinute })
    expect(validateCredentials([lend(1_000), rich, root], options).ok).toBe(true)
    expect(codeOf([lend(1_001), rich, root])).toBe('ERR_IDENTITY_INVALID credentials.0.quotaPerMinute')
    expect(codeOf([lend(1), middle, root])).toBe('ERR_IDENTITY_INVALID credentials.0.quotaPerMinute')
    expect(validateCredentials([leaf, rich, root], options).ok).toBe(true)
  })
})

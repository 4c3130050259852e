import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type AgreementClaim,
  createAgreementProof,
  createCredential,
  createKeyRecord,
  createPreKeyMaker,
  createPreKeyVerifier,
  type Credential,
  type Delegate,
  type DelegateChange,
  deriveIdentity,
  type ErrorCode,
  generateIdentity,
  hasRight,
  type Identity,
  issueCredential,
  type KeyRecord,
  parseCredential,
  parseKeyRecord,
  type PreIdentity,
  type PreSecrets,
  type Right,
  unwrap,
  type UnsignedCredential,
  validateCredential,
  validateCredentials,
  validateKeyRecord,
  verifyKeyRecord,
} from 'vitalseal/identity'
import type { ChainId, Did, Verified } from 'vitalseal/primitives'

declare const bytes: Uint8Array
declare const chainId: ChainId
declare const did: Did

// Without PRE keys an identity has no PRE secrets to ask for; with them it has.
const plain = deriveIdentity({ seed: bytes, circle: 'a' })
expectType<Identity>(plain)
expectError(plain.preSecrets())
const pre = generateIdentity({ pre: createPreKeyMaker() })
expectType<PreIdentity>(pre)
expectType<PreSecrets>(pre.preSecrets())
expectAssignable<Identity>(pre)
expectNotAssignable<PreIdentity>(plain)

// Nothing on an identity gives a key away or signs a bare digest.
expectError(plain.seed)
expectError(plain.signer.secretKey)
expectError(plain.agreement.sign)
expectError(pre.preSecrets().delegator.sign)
expectError(plain.labeler.labelKey)

// The two sides of proxy re-encryption hold secrets of one type, which is not plain bytes.
expectNotAssignable<PreSecrets>({ delegator: bytes, delegatee: bytes })

// Only validation marks a record, and parsing gives a result that has to be looked at.
const parsed = parseKeyRecord(bytes)
expectError(parsed.value)
const record = unwrap(parsed)
expectType<KeyRecord>(record)
expectNotAssignable<Verified<KeyRecord>>(record)
expectType<Verified<KeyRecord>>(unwrap(validateKeyRecord(record, { preKeyVerifier: createPreKeyVerifier() })))
if (verifyKeyRecord(record)) expectAssignable<Verified<KeyRecord>>(record)
expectType<Verified<KeyRecord>>(plain.keys)
expectNotAssignable<Verified<KeyRecord>>(createKeyRecord({ agreement: plain.agreement }, { signer: plain.signer }))

// The codes that validation gives are named.
const refused = validateKeyRecord(record)
if (!refused.ok) {
  expectType<'ERR_IDENTITY_INVALID' | 'ERR_CRYPTO_INVALID_POINT' | 'ERR_SIGNATURE_INVALID'>(refused.code)
  expectAssignable<ErrorCode>(refused.code)
}

// An unsigned credential is no credential, and neither is verified before it was validated.
const window = { notBeforeMs: 0, notAfterMs: 1 }
const unsigned = createCredential({ kind: 'E-Cert', issuer: did, subject: did, role: 'clinician', ...window })
expectType<UnsignedCredential>(unsigned)
expectNotAssignable<Credential>(unsigned)
expectError(validateCredential(unsigned, { chainId }))
const issued = issueCredential(unsigned, { chainId, signer: plain.signer })
expectType<Credential>(issued)
expectNotAssignable<Verified<Credential>>(unwrap(parseCredential(bytes)))
expectType<Verified<Credential>>(unwrap(validateCredential(issued, { chainId })))
expectError(createCredential({ kind: 'E-Cert', issuer: did, subject: did, role: 'admin', ...window }))
expectError(createCredential({ kind: 'X-Cert', issuer: did, subject: did, role: 'patient', ...window }))

// A chain needs a time and anchors; forgetting one must not compile.
expectType<readonly Verified<Credential>[]>(
  unwrap(validateCredentials([issued], { chainId, atMs: 0, registrars: [did] })),
)
expectError(validateCredentials([issued], { chainId, registrars: [did] }))
expectError(validateCredentials([issued], { chainId, atMs: 0 }))

// An agreement key is a port, the registrar's public half is bytes.
declare const claim: AgreementClaim
createAgreementProof(claim, { agreement: plain.agreement, registrar: plain.keys.agreement })
expectError(createAgreementProof(claim, { agreement: bytes, registrar: bytes }))

// An emptied slot has no rights to read.
declare const change: DelegateChange
expectError(change.rights)
if (change.signingKey !== null) expectType<Delegate>(change)
expectType<boolean>(hasRight(undefined, { right: 'grant', atMs: 0 }))
expectNotAssignable<Right>('everything')

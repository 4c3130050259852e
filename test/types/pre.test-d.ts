import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type Capsule,
  type CapsuleFragment,
  combineFragments,
  createEpochSealer,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  generatePreKeyPair,
  type IbBytes,
  ibpre,
  parseIbObject,
  parsePreObject,
  type PreKeyPair,
  reEncrypt,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
  reEncryptFragment,
  type ReKeyFragment,
  splitReEncryptionKey,
  unwrap,
  verifyCapsule,
  verifyReEncryptionKey,
} from 'vitalseal/pre'
import type { BlsSecretKey, Did, PreSecret, Signer, Verified } from 'vitalseal/primitives'

declare const bytes: Uint8Array
declare const did: Did
declare const signer: Signer
declare const secret: PreSecret
declare const blsSecret: BlsSecretKey

// A pair of keys serves one side, and signs nothing.
const owner = generatePreKeyPair('delegator')
const institution = generatePreKeyPair('delegatee')
expectType<PreKeyPair<'delegator'>>(owner)
expectNotAssignable<PreKeyPair<'delegator'>>(institution)
expectAssignable<PreKeyPair>(institution)
expectNotAssignable<Signer>(owner)
expectError(generatePreKeyPair('owner'))
expectType<PreKeyPair<'delegatee'>>(createPreKeyPair(secret, 'delegatee'))
expectError(createPreKeyPair(blsSecret, 'delegatee'))
expectError(owner.secretKey)

const condition = { type: 'a', epoch: '2026-06' }
const to = { publicKey: institution.publicKey }
const options = { keys: owner, signer, to, condition, expiresAtMs: 1 }
const key = createReEncryptionKey(options)
expectType<ReEncryptionKey>(key)
expectError(createReEncryptionKey({ ...options, keys: institution }))
expectError(createReEncryptionKey({ ...options, to: institution.publicKey }))

// Nothing is converted unchecked, and nothing twice.
const { capsule } = encapsulate({ to: owner.publicKey, condition })
expectType<Capsule>(capsule)
expectError(reEncrypt(capsule, key))
if (verifyCapsule(capsule)) {
  expectError(reEncrypt(capsule, key))
  if (verifyReEncryptionKey(key, { signer: did, nowMs: 1 })) {
    const converted = reEncrypt(capsule, key)
    expectType<ReEncryptedCapsule>(converted)
    expectError(reEncrypt(converted, key))
    expectNotAssignable<Capsule>(converted)
    expectError(verifyCapsule(converted))
    decapsulate(converted, institution)
  }
}

// A fragment is no re-key.
const [fragment] = splitReEncryptionKey({ ...options, threshold: 2, total: 3 })
expectType<ReKeyFragment | undefined>(fragment)
expectNotAssignable<ReEncryptionKey>(fragment)
declare const checkedCapsule: Verified<Capsule>
declare const checkedFragment: Verified<ReKeyFragment>
const part = reEncryptFragment(checkedCapsule, checkedFragment)
expectType<CapsuleFragment>(part)
expectError(reEncrypt(checkedCapsule, checkedFragment))
expectError(decapsulate(part, institution))
expectType<ReEncryptedCapsule>(unwrap(combineFragments([part])))

// What is read has the type of its kind, and is unchecked.
expectType<Capsule>(unwrap(parsePreObject('capsule', bytes)))
expectNotAssignable<Verified<Capsule>>(unwrap(parsePreObject('capsule', bytes)))
expectError(parsePreObject('capsule', bytes).value)
expectError(parsePreObject('secret', bytes))

const sealer = createEpochSealer({ to: owner.publicKey, condition })
expectError(sealer.seal(bytes, 'record'))

// Encodings of the identity-based scheme are not mixed up, and bytes are none of them.
const centre = ibpre.setup()
const secretKey = ibpre.keyGen({ ...centre, identity: 'a' })
expectType<IbBytes<'SecretKey'>>(secretKey)
expectError(ibpre.decrypt(bytes, { ...centre, secretKey: centre.masterKey }))
expectError(ibpre.keyGen({ parameters: centre.masterKey, masterKey: centre.masterKey, identity: 'a' }))
expectError(ibpre.reEncrypt(bytes, { ...centre, reKey: bytes }))
const reKey = unwrap(parseIbObject('re-key', bytes, centre))
expectType<Uint8Array<ArrayBuffer>>(ibpre.reEncrypt(bytes, { ...centre, reKey }))

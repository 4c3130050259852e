import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type Capsule,
  type CapsuleFragment,
  combineFragments,
  type Condition,
  createEpochOpener,
  createEpochSealer,
  createOpaqueCondition,
  createPairingGroups,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  findFaultyFragments,
  generatePreKeyPair,
  type IbBytes,
  ibpre,
  type PairingGroups,
  parseIbObject,
  parsePreObject,
  type PreKeyPair,
  proveCapsuleFragment,
  reEncrypt,
  type ReEncryptedCapsule,
  reEncryptFragment,
  type ReEncryptionKey,
  type ReKeyFragment,
  rewrapKey,
  splitReEncryptionKey,
  unwrap,
  unwrapKey,
  verifyCapsule,
  verifyCapsuleFragment,
  verifyReEncryptionKey,
  verifyReKeyFragment,
  wrapKey,
} from 'vitalseal/pre'
import type { AgreementKey, BlsSecretKey, Did, PreSecret, Signer, Verified } from 'vitalseal/primitives'

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

// A fragment converts when it is checked; a proof is of a checked one too.
declare const uncheckedFragment: ReKeyFragment
expectError(reEncryptFragment(checkedCapsule, uncheckedFragment))
expectError(reEncryptFragment(capsule, checkedFragment))
expectError(reEncryptFragment(checkedCapsule, key))
expectError(proveCapsuleFragment(checkedCapsule, uncheckedFragment))
expectError(verifyReEncryptionKey(uncheckedFragment, { signer: did, nowMs: 1 }))
expectError(verifyReKeyFragment(key, { signer: did, nowMs: 1 }))
expectError(combineFragments([checkedFragment]))
expectType<boolean>(verifyCapsuleFragment(part, { signer: did }))
expectType<readonly number[]>(findFaultyFragments([part], { signer: did }))

// What is read has the type of its kind, and is unchecked.
expectType<Capsule>(unwrap(parsePreObject('capsule', bytes)))
expectNotAssignable<Verified<Capsule>>(unwrap(parsePreObject('capsule', bytes)))
expectError(parsePreObject('capsule', bytes).value)
expectError(parsePreObject('secret', bytes))

// What comes from bytes goes through the check before it converts.
const foreign = unwrap(parsePreObject('re-encryption-key', bytes))
expectNotAssignable<Verified<ReEncryptionKey>>(foreign)
expectError(reEncrypt(checkedCapsule, foreign))
expectError(reEncrypt(checkedCapsule, bytes))
expectError(decapsulate(bytes, institution))
// The owner opens by the same call, by the pair of the other side; secrets are no pair.
expectType<Uint8Array<ArrayBuffer>>(decapsulate(capsule, owner))
expectError(decapsulate(capsule, secret))
expectError(encapsulate({ to: owner, condition }))
expectError(encapsulate({ to: owner.publicKey, condition: 'a' }))
expectError(encapsulate({ to: owner.publicKey }))

// A condition that shows nothing is a condition still.
expectType<Condition>(createOpaqueCondition(condition, bytes))
expectError(createOpaqueCondition('a', bytes))

// The baseline takes agreement keys, not PRE keys.
declare const agreement: AgreementKey
const wrapped = wrapKey(bytes, { to: agreement.publicKey, condition })
expectType<Uint8Array<ArrayBuffer>>(wrapped)
expectError(rewrapKey(wrapped, { agreement: owner, to: agreement.publicKey, condition }))
expectType<Uint8Array<ArrayBuffer>>(unwrapKey(wrapped, { agreement, condition }))

// Groups are one port; an element of one group is none of another.
const groups = createPairingGroups()
expectType<PairingGroups>(groups)
declare const scalar: Parameters<PairingGroups['multiplyG1']>[1]
groups.multiplyG1(groups.g1, scalar)
expectError(groups.multiplyG1(groups.g2, scalar))
expectError(groups.multiplyG1(groups.g1, 1n))
expectError(groups.pair([[groups.g1, groups.g2]]))
expectError(encapsulate({ to: owner.publicKey, condition, groups: {} }))

expectType<Promise<Uint8Array<ArrayBuffer>>>(createEpochOpener(bytes).open('record', bytes))
expectError(createEpochOpener(owner))

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

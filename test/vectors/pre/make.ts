import { createHash } from 'node:crypto'

import { unwrap } from '../../../src/errors.ts'
import {
  combineFragments,
  createEpochOpener,
  createEpochSealer,
  createOpaqueCondition,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  ibpre,
  proveCapsuleFragment,
  reEncrypt,
  reEncryptFragment,
  splitReEncryptionKey,
  verifyCapsule,
  verifyReEncryptionKey,
  verifyReKeyFragment,
  wrapKey,
} from '../../../src/pre/index.ts'
import { createAgreementKey } from '../../../src/primitives/agreement.ts'
import { generatePreSecret } from '../../../src/primitives/bls-secret.ts'
import { toHex, toUtf8, type Bytes } from '../../../src/primitives/bytes.ts'
import { taggedHash, type Digest32 } from '../../../src/primitives/hash.ts'
import type { RandomSource } from '../../../src/primitives/random.ts'
import { createSigner, signDigest, type Signer } from '../../../src/primitives/signature.ts'
import { makeIbNegative, makeNegative, makeOtherNegative } from './negative.ts'

/** SHA-256 of `name` and a counter, block after block: what the vectors name as randomness. */
export function vectorRandom(name: string): RandomSource {
  let count = 0
  return (byteCount) => {
    const blocks: Buffer[] = []
    for (let length = 0; length < byteCount; length += 32) {
      blocks.push(createHash('sha256').update(`${name}/${count++}`).digest())
    }
    return new Uint8Array(Buffer.concat(blocks).subarray(0, byteCount))
  }
}

/** Plain RFC 6979, so that signatures are the same again; the product hedges. */
function plainSigner(name: string): Signer {
  const secret = vectorRandom(name)(32)
  const { did } = createSigner(secret)
  return { did, sign: (tag, fields) => signDigest(taggedHash(tag, ...fields), secret, false) }
}

const NOW_MS = 1_780_000_000_000
const END_MS = 1_790_000_000_000

/** Everything that the published file holds, made again. */
export async function makeVectors() {
  const cpre = await makeCpre()
  const ib = await makeIbpre()
  const rewrap = makeRewrap()
  const negatives = { negative: makeNegative(cpre), otherNegative: makeOtherNegative(cpre, rewrap) }
  return { cpre, ...negatives, ibpre: ib, ibNegative: makeIbNegative(ib), rewrap }
}

async function makeCpre() {
  const ownerSecret = generatePreSecret(vectorRandom('owner'))
  const delegateeSecret = generatePreSecret(vectorRandom('delegatee'))
  const keys = createPreKeyPair(ownerSecret, 'delegator')
  const delegatee = createPreKeyPair(delegateeSecret, 'delegatee')
  const signer = plainSigner('owner signs')
  const condition = { type: 'http://loinc.org|8867-4', epoch: '2026-06', extra: ['ward 7'] }
  const second = { type: 'vital signs' }
  const associatedData = toUtf8('associated data')
  const to = {
    publicKey: delegatee.publicKey,
    did: plainSigner('delegatee signs').did,
    keyRecord: new Uint8Array(32).fill(7) as unknown as Digest32,
  }
  const options = { keys, signer, to, condition, expiresAtMs: END_MS }
  const one = encapsulate({ to: keys.publicKey, condition, associatedData }, vectorRandom('capsule'))
  const two = encapsulate({ to: keys.publicKey, condition: [condition, second] }, vectorRandom('capsule of two'))
  const reKey = createReEncryptionKey(options, vectorRandom('re-key'))
  const when = { signer: signer.did, nowMs: NOW_MS }
  if (!verifyCapsule(one.capsule) || !verifyCapsule(two.capsule)) throw new Error('a capsule does not hold')
  if (!verifyReEncryptionKey(reKey, when)) throw new Error('the re-key does not hold')
  const converted = reEncrypt(one.capsule, reKey)
  const { capsule } = one
  const shares = splitReEncryptionKey({ ...options, threshold: 2, total: 3 }, vectorRandom('split'))
  const fragments = shares.map((share, i) => {
    if (!verifyReKeyFragment(share, when)) throw new Error('a fragment does not hold')
    return i === 0 ? proveCapsuleFragment(capsule, share, {}, vectorRandom('proof')) : reEncryptFragment(capsule, share)
  })
  const combined = unwrap(combineFragments(fragments.slice(1)))
  const labelKey = new Uint8Array(32).fill(3)
  const sealer = createEpochSealer({ to: keys.publicKey, condition }, vectorRandom('epoch'))
  const record = await sealer.seal('reading-1', toUtf8('44 /min'))
  const epochKey = decapsulate(sealer.capsule, keys)
  await createEpochOpener(epochKey).open('reading-1', record)
  if (toHex(decapsulate(converted, delegatee)) !== toHex(one.key)) throw new Error('another key')
  if (toHex(decapsulate(combined, delegatee)) !== toHex(one.key)) throw new Error('another key')
  return hexed({
    ownerSecret,
    ownerPublicKey: keys.publicKey,
    delegateeSecret,
    delegateePublicKey: delegatee.publicKey,
    condition,
    secondCondition: second,
    associatedData,
    expiresAtMs: END_MS,
    capsule: capsule.bytes,
    capsuleId: capsule.id,
    key: one.key,
    capsuleOfTwo: two.capsule.bytes,
    keyOfTwo: two.key,
    reKey: reKey.bytes,
    reKeyId: reKey.id,
    converted: converted.bytes,
    reKeyFragments: shares.map(({ bytes }) => bytes),
    capsuleFragments: fragments.map(({ bytes }) => bytes),
    combined: combined.bytes,
    opaqueCondition: createOpaqueCondition(condition, labelKey),
    epochCapsule: sealer.capsule.bytes,
    epochKey,
    record,
  })
}

async function makeIbpre() {
  const { parameters, masterKey } = ibpre.setup(vectorRandom('setup'))
  const keyOf = (identity: string) => ibpre.keyGen({ parameters, masterKey, identity }, vectorRandom(identity))
  const secretKey = keyOf('alice')
  const delegateeKey = keyOf('bob')
  const data = toUtf8('44 /min')
  const type = 'heart rate'
  const ciphertext = await ibpre.encrypt(data, { parameters, identity: 'alice', type }, vectorRandom('encrypt'))
  const reKey = ibpre.reKeyGen({ parameters, secretKey, toIdentity: 'bob', type }, vectorRandom('reKeyGen'))
  const converted = ibpre.reEncrypt(ciphertext, { parameters, reKey })
  const signature = ibpre.authSign(data, { parameters, secretKey }, vectorRandom('authSign'))
  const opened = await ibpre.decrypt(converted, { parameters, secretKey: delegateeKey })
  if (toHex(opened) !== toHex(data)) throw new Error('other data')
  const { shares, commitments } = ibpre.splitMasterKey({ masterKey, threshold: 2, total: 3 }, vectorRandom('share'))
  const keyShares = shares.map((masterShare, i) =>
    ibpre.keyGenShare({ parameters, masterShare, identity: 'carol' }, vectorRandom(`carol ${i + 1}`)),
  )
  const combined = ibpre.combineKeyShares({ parameters, keyShares: keyShares.slice(1), identity: 'carol' })
  const made = { parameters, masterKey, secretKey, delegateeKey, data, type, ciphertext, reKey, converted, signature }
  return hexed({ ...made, masterShares: shares, commitments, keyShares, combined })
}

function makeRewrap() {
  const agreement = createAgreementKey(vectorRandom('agreement')(32))
  const key = vectorRandom('wrapped key')(32)
  const condition = { type: 'vital signs' }
  const wrapped = wrapKey(key, { to: agreement.publicKey, condition }, vectorRandom('wrap'))
  return hexed({ recipientSecret: vectorRandom('agreement')(32), condition, key, wrapped })
}

type Value = Bytes | string | number | object
function hexed(record: { readonly [name: string]: Value }): { readonly [name: string]: unknown } {
  const toJson = (value: Value): unknown =>
    value instanceof Uint8Array ? toHex(value) : Array.isArray(value) ? value.map(toJson) : value
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, toJson(value)]))
}

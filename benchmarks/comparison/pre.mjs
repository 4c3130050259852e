// Proxy re-encryption beside @aldenml/ecc: medians of calls in turns, in milliseconds.
import { randomBytes } from 'node:crypto'

import * as ecc from '@aldenml/ecc'
import {
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  generatePreKeyPair,
  parsePreObject,
  reEncrypt,
  unwrap,
  verifyCapsule,
  verifyReEncryptionKey,
} from 'vitalseal/pre'
import { createSigner } from 'vitalseal/primitives'

const ROUNDS = 101
/** More capsules than a proxy remembers. */
const CAPSULES = 300

const ours = createOurs()
const theirs = await createTheirs()
const titles = ['encrypt', 're-key', 're-encrypt', 'decrypt as delegatee']
for (const [i, title] of titles.entries()) {
  const [a, b] = await takeTurns(ours.calls[i], theirs.calls[i])
  const ratio = (b / a).toFixed(2)
  console.log(
    `${title.padEnd(22)} vitalseal ${a.toFixed(2).padStart(7)}   @aldenml/ecc ${b.toFixed(2).padStart(7)}   ratio ${ratio}`,
  )
}
console.log('bytes                  ', 'vitalseal', ours.sizes, '@aldenml/ecc', theirs.sizes)

function createOurs() {
  const condition = { type: 'http://loinc.org|8867-4', epoch: '2026-06' }
  const owner = { keys: generatePreKeyPair('delegator'), signer: createSigner(randomBytes(32)) }
  const institution = generatePreKeyPair('delegatee')
  const nowMs = Date.now()
  const reKey = () => createReEncryptionKey({ ...owner, to: institution, condition, expiresAtMs: nowMs + 86_400_000 })
  const seal = () => encapsulate({ to: owner.keys.publicKey, condition }).capsule
  const key = reKey()
  if (!verifyReEncryptionKey(key, { signer: owner.signer.did, nowMs })) throw new Error('refused')
  const capsules = inTurn(Array.from({ length: CAPSULES }, () => seal().bytes))
  const convert = () => {
    const capsule = unwrap(parsePreObject('capsule', capsules()))
    if (!verifyCapsule(capsule)) throw new Error('refused')
    return reEncrypt(capsule, key)
  }
  const converted = inTurn(Array.from({ length: 50 }, () => convert().bytes))
  const open = () => decapsulate(unwrap(parsePreObject('re-encrypted-capsule', converted())), institution)
  const sizes = [seal().bytes.length, key.bytes.length, convert().bytes.length]
  return { calls: [seal, reKey, convert, open], sizes }
}

async function createTheirs() {
  const [a, b] = [await ecc.pre_schema1_KeyGen(), await ecc.pre_schema1_KeyGen()]
  const [signer, proxy] = [await ecc.pre_schema1_SigningKeyGen(), await ecc.pre_schema1_SigningKeyGen()]
  const message = await ecc.pre_schema1_MessageGen()
  const seal = () => ecc.pre_schema1_Encrypt(message, a.pk, signer)
  const reKey = () => ecc.pre_schema1_ReKeyGen(a.sk, b.pk, signer)
  const [sealed, key] = [await seal(), await reKey()]
  const convert = () => ecc.pre_schema1_ReEncrypt(sealed, key, signer.spk, b.pk, proxy)
  const converted = await convert()
  const open = () => ecc.pre_schema1_DecryptLevel2(converted, b.sk, proxy.spk)
  return { calls: [seal, reKey, convert, open], sizes: [sealed.length, key.length, converted.length] }
}

function inTurn(items) {
  let turn = 0
  return () => items[turn++ % items.length]
}

async function takeTurns(left, right) {
  for (let i = 0; i < 10; i++) {
    await left()
    await right()
  }
  const times = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const start = performance.now()
      await [left, right][side]()
      times[side].push(performance.now() - start)
    }
  }
  return times.map((values) => values.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)])
}

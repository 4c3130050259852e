// Proxy re-encryption beside @aldenml/ecc: medians of calls in turns, in milliseconds. Warm: what is known is remembered, as
// by a server; cold: groups of its own for each call, which remember nothing. Exit code 0 when what is demanded holds.
import { randomBytes } from 'node:crypto'

import * as ecc from '@aldenml/ecc'
import {
  createPairingGroups,
  createPreKeyPair,
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
const COLD_ROUNDS = 31
/** More capsules than a proxy remembers. */
const CAPSULES = 300

const ours = createOurs()
const theirs = await createTheirs()
/** How many times as fast it must be, warm. */
const rows = [
  { title: 'encrypt' },
  { title: 're-key' },
  { title: 're-encrypt', demand: 1 },
  { title: 'decrypt as delegatee', demand: 2 },
]
let failed = 0
for (const [i, { title, demand }] of rows.entries()) {
  const [warm, their] = await takeTurns(ours.calls[i], theirs.calls[i])
  const [cold] = await takeTurns(ours.cold[i], theirs.calls[i], COLD_ROUNDS)
  const ratio = their / warm
  const holds = demand === undefined || ratio > demand
  if (!holds) failed++
  const verdict = demand === undefined ? '' : `, demanded > ${demand}: ${holds ? 'holds' : 'DOES NOT HOLD'}`
  const times = [warm, cold, their].map((ms) => ms.toFixed(2).padStart(7))
  console.log(
    `${title.padEnd(22)} vitalseal${times[0]} cold${times[1]}   @aldenml/ecc${times[2]}   ratio ${ratio.toFixed(2)}${verdict}`,
  )
}
console.log('bytes                  ', 'vitalseal', ours.sizes, '@aldenml/ecc', theirs.sizes)
process.exitCode = failed === 0 ? 0 : 1

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
  return { calls: [seal, reKey, convert, open], cold: createCold({ owner, condition, nowMs }), sizes }
}

/** The same with nothing known: neither condition nor keys; the proxy checks its re-key each time. */
function createCold({ owner, condition, nowMs }) {
  const apart = () => ({ groups: { ...createPairingGroups() } })
  const secrets = { owner: generateSecret(), institution: generateSecret() }
  const keys = createPreKeyPair(secrets.owner, 'delegator')
  const to = { publicKey: createPreKeyPair(secrets.institution, 'delegatee').publicKey }
  const order = { keys, signer: owner.signer, to, condition, expiresAtMs: nowMs + 86_400_000 }
  const capsule = encapsulate({ to: keys.publicKey, condition }).capsule.bytes
  const reKey = createReEncryptionKey(order).bytes
  const convert = () => {
    const options = apart()
    const again = unwrap(parsePreObject('re-encryption-key', reKey))
    if (!verifyReEncryptionKey(again, { signer: owner.signer.did, nowMs, ...options })) throw new Error('refused')
    const sealed = unwrap(parsePreObject('capsule', capsule))
    if (!verifyCapsule(sealed, options)) throw new Error('refused')
    return reEncrypt(sealed, again, options)
  }
  const received = convert().bytes
  return [
    () => encapsulate({ to: keys.publicKey, condition, ...apart() }),
    () => createReEncryptionKey({ ...order, keys: createPreKeyPair(secrets.owner, 'delegator'), ...apart() }),
    convert,
    () =>
      decapsulate(
        unwrap(parsePreObject('re-encrypted-capsule', received)),
        createPreKeyPair(secrets.institution, 'delegatee'),
        apart(),
      ),
  ]
}

/** A scalar below the order. */
function generateSecret() {
  const bytes = Uint8Array.from(randomBytes(32))
  bytes[0] &= 0x3f
  return bytes
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

async function takeTurns(left, right, rounds = ROUNDS) {
  for (let i = 0; i < 10; i++) {
    await left()
    await right()
  }
  const times = [[], []]
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const start = performance.now()
      await [left, right][side]()
      times[side].push(performance.now() - start)
    }
  }
  return times.map((values) => values.sort((a, b) => a - b)[Math.floor(rounds / 2)])
}

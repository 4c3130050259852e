import { describe, expect, it } from 'vitest'

import { createAgreementKey } from '../../../src/primitives/agreement.ts'
import { fromHex, toHex, type Bytes } from '../../../src/primitives/bytes.ts'
import {
  createHpkeRecipient,
  createHpkeSender,
  encapsulateHpke,
  decapsulateHpke,
  hpkeAes128Gcm,
  hpkeAes256Gcm,
  hpkeChaCha20Poly1305,
  hpkeNonce,
  openHpke,
  scheduleHpkeKeys,
  sealHpke,
} from '../../../src/primitives/hpke.ts'
import { describeVectors } from '../../support/vectors.ts'
import { RFC_9180_A_1_1, type HpkeCase } from './known-answers.ts'

const AEADS = { 1: hpkeAes128Gcm, 2: hpkeAes256Gcm, 3: hpkeChaCha20Poly1305 }
const MODES = ['base', 'psk', 'auth', 'auth_psk']

/** The case in our terms. */
function settle(vector: HpkeCase) {
  const { psk, psk_id: pskId, pkSm, skSm } = vector
  const shared = {
    info: fromHex(vector.info),
    aead: AEADS[vector.aead_id],
    ...(psk === undefined || pskId === undefined ? {} : { psk: { secret: fromHex(psk), id: fromHex(pskId) } }),
  }
  const recipientKey = createAgreementKey(fromHex(vector.skRm))
  return {
    random: (): Bytes => fromHex(vector.skEm),
    recipientKey,
    toSend: {
      ...shared,
      recipient: fromHex(vector.pkRm),
      ...(skSm === undefined ? {} : { sender: createAgreementKey(fromHex(skSm)) }),
    },
    toReceive: {
      ...shared,
      recipient: recipientKey,
      enc: fromHex(vector.enc),
      ...(pkSm === undefined ? {} : { sender: fromHex(pkSm) }),
    },
  }
}

function runCase(vector: HpkeCase): void {
  const { random, recipientKey, toSend, toReceive } = settle(vector)
  expect(toHex(recipientKey.publicKey)).toBe(vector.pkRm)
  expect(vector.mode % 2 === 1, 'psk mode').toBe('psk' in toSend)
  expect(vector.mode >= 2, 'auth mode').toBe('sender' in toSend)

  const { enc, shared } = encapsulateHpke(toSend, random)
  expect(toHex(enc)).toBe(vector.enc)
  expect(toHex(shared)).toBe(vector.shared_secret)
  expect(decapsulateHpke(toReceive)).toEqual(shared)
  const keys = scheduleHpkeKeys(shared, { ...toSend, isAuth: vector.mode >= 2 })
  expect(toHex(keys.key)).toBe(vector.key)
  expect(toHex(keys.nonce)).toBe(vector.base_nonce)
  expect(toHex(keys.exporter)).toBe(vector.exporter_secret)

  const sender = createHpkeSender(toSend, random)
  const recipient = createHpkeRecipient(toReceive)
  const at = new Map(vector.enc_index.map((sequence, i) => [sequence, vector.encryptions[i]]))
  // Every message in between is sent too: the sequence numbers are the context's own.
  for (let sequence = 0; sequence <= Math.max(...at.keys()); sequence++) {
    const message = at.get(sequence)
    const plaintext = message === undefined ? Uint8Array.of(1) : fromHex(message.pt)
    const aad = message === undefined ? new Uint8Array() : fromHex(message.aad)
    const ciphertext = sender.seal(plaintext, aad)
    if (message !== undefined) {
      expect(toHex(hpkeNonce(keys.nonce, sequence))).toBe(message.nonce)
      expect(toHex(ciphertext)).toBe(message.ct)
    }
    expect(recipient?.open(ciphertext, aad)).toEqual(plaintext)
  }
  for (const { exporter_context: context, L, exported_value: value } of vector.exports) {
    expect(toHex(sender.exportSecret(fromHex(context), L))).toBe(value)
    expect(recipient && toHex(recipient.exportSecret(fromHex(context), L))).toBe(value)
  }
}

describe('RFC 9180, known answers without the folder', () => {
  it('A.1.1: base mode, AES-128-GCM', () => runCase(RFC_9180_A_1_1))
})

describeVectors('hpke/rfc9180_x25519.json', 12, (contents, count) => {
  const vectors = JSON.parse(contents.toString()) as readonly HpkeCase[]
  it.each(vectors.map((vector) => [MODES[vector.mode], vector.aead_id, vector] as const))(
    'mode %s, AEAD %i: shared secret, keys, all encryptions, all exports',
    (_mode, _aead, vector) => {
      runCase(vector)
      count()
    },
  )

  it('gives the first message of AES-256-GCM in base and auth mode from the product functions', () => {
    const ours = vectors.filter((vector) => vector.aead_id === 2 && vector.mode % 2 === 0)
    expect(ours).toHaveLength(2)
    for (const vector of ours) {
      const { random, toSend, toReceive } = settle(vector)
      const { pt, aad, ct } = vector.encryptions[0] as HpkeCase['encryptions'][number]
      const message = { plaintext: fromHex(pt), aad: fromHex(aad) }
      const sealed = sealHpke({ ...toSend, ...message }, random)
      expect(toHex(sealed.ciphertext)).toBe(ct)
      expect(openHpke({ ...toReceive, ...message, ...sealed })).toEqual(message.plaintext)
    }
  })
})

import { describe, expect, it } from 'vitest'

import { createAgreementKey, type AgreementKey } from '../../src/primitives/agreement.ts'
import { fromUtf8, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import {
  createHpkeRecipient,
  createHpkeSender,
  HPKE_SEQUENCE_MAX,
  hpkeAes128Gcm,
  hpkeAes256Gcm,
  hpkeChaCha20Poly1305,
  hpkeNonce,
  openHpke,
  sealHpke,
} from '../../src/primitives/hpke.ts'
import { codeOf } from '../support/failure.ts'

const doctor = createAgreementKey(new Uint8Array(32).fill(1))
const patient = createAgreementKey(new Uint8Array(32).fill(2))
const stranger = createAgreementKey(new Uint8Array(32).fill(3))
const info = toUtf8('envelope')
const plaintext = toUtf8('type key')
const psk = { secret: new Uint8Array(32).fill(4), id: toUtf8('shared') }
const fixed = () => new Uint8Array(32).fill(9)
const ZERO = new Uint8Array(32)

const flip = (bytes: Uint8Array, at: number): Bytes => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte))

describe('sealHpke and openHpke', () => {
  const sealed = sealHpke({ recipient: doctor.publicKey, info, plaintext })
  const open = { recipient: doctor, info, ...sealed }

  it('gives the message back, 16 bytes shorter than its ciphertext', () => {
    expect(openHpke(open)).toEqual(plaintext)
    expect(sealed.enc).toHaveLength(32)
    expect(sealed.ciphertext).toHaveLength(plaintext.length + 16)
  })

  it('keeps its bytes: a pinned message with a fixed ephemeral key', () => {
    const message = sealHpke({ recipient: doctor.publicKey, info, plaintext, aad: toUtf8('aad') }, fixed)
    expect(toHex(message.enc)).toBe('57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421')
    expect(toHex(message.ciphertext)).toBe('497e05bd8e3e28f4fb9eea1c4078ef2dc0cc04f6ec653d81')
  })

  it('draws a new ephemeral key for every message', () => {
    expect(sealHpke({ recipient: doctor.publicKey, info, plaintext }).enc).not.toEqual(sealed.enc)
  })

  it('seals the empty message', () => {
    const empty = sealHpke({ recipient: doctor.publicKey, info, plaintext: new Uint8Array() })
    expect(openHpke({ recipient: doctor, info, ...empty })).toEqual(new Uint8Array())
  })

  it('opens nothing when any one part is another', () => {
    const auth = sealHpke({ recipient: doctor.publicKey, info, plaintext, sender: patient })
    const attempts: Record<string, Bytes | undefined> = {
      'another recipient': openHpke({ ...open, recipient: stranger }),
      'another info': openHpke({ ...open, info: toUtf8('envelopf') }),
      'info split elsewhere': openHpke({ ...open, info: toUtf8('envelop'), aad: toUtf8('e') }),
      'an aad': openHpke({ ...open, aad: toUtf8('a') }),
      'another enc': openHpke({ ...open, enc: sealHpke({ recipient: doctor.publicKey, info, plaintext }).enc }),
      'base opened as auth': openHpke({ ...open, sender: patient.publicKey }),
      'auth opened as base': openHpke({ recipient: doctor, info, ...auth }),
      'auth of another sender': openHpke({ recipient: doctor, info, ...auth, sender: stranger.publicKey }),
      'a low-order sender': openHpke({ recipient: doctor, info, ...auth, sender: ZERO }),
      'a low-order enc': openHpke({ ...open, enc: ZERO }),
      'a non-canonical enc': openHpke({ ...open, enc: flipTop(sealed.enc) }),
      'no enc': openHpke({ ...open, enc: undefined as never }),
      'no ciphertext': openHpke({ ...open, ciphertext: undefined as never }),
      'a short ciphertext': openHpke({ ...open, ciphertext: sealed.ciphertext.subarray(0, 15) }),
    }
    for (const [name, result] of Object.entries(attempts)) expect(result, name).toBeUndefined()
    expect(openHpke({ recipient: doctor, info, ...auth, sender: patient.publicKey })).toEqual(plaintext)
  })

  it('opens nothing after any flip of a bit, any truncation, any trailing byte', () => {
    // One key agreement for all: the context opens the same message again after each failure.
    const context = createHpkeRecipient({ recipient: doctor, enc: sealed.enc, info })
    for (let i = 0; i < sealed.ciphertext.length; i++) {
      expect(context?.open(flip(sealed.ciphertext, i))).toBeUndefined()
      expect(context?.open(sealed.ciphertext.subarray(0, i))).toBeUndefined()
    }
    expect(context?.open(Uint8Array.of(...sealed.ciphertext, 0))).toBeUndefined()
    expect(context?.open(sealed.ciphertext)).toEqual(plaintext)
    for (let i = 0; i < 32; i += 5) expect(openHpke({ ...open, enc: flip(sealed.enc, i) })).toBeUndefined()
  })

  it('refuses to seal to an unusable key, and names a missing argument', () => {
    expect(codeOf(() => sealHpke({ recipient: ZERO, info, plaintext }))).toBe('ERR_CRYPTO_INVALID_POINT')
    expect(codeOf(() => sealHpke({ recipient: doctor.publicKey.subarray(1), info, plaintext }))).toBe(
      'ERR_CRYPTO_INVALID_POINT',
    )
    expect(codeOf(() => sealHpke({ recipient: doctor.publicKey, info: 'text' as never, plaintext }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    expect(codeOf(() => sealHpke({ recipient: doctor.publicKey, info, plaintext: 'text' as never }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    expect(codeOf(() => sealHpke({ recipient: doctor.publicKey, info, plaintext }, () => ZERO))).toBe(
      'ERR_CRYPTO_NO_RANDOM',
    )
  })

  it('refuses what a faulty port agrees on', () => {
    const faulty = (agreed: Uint8Array): AgreementKey => ({ publicKey: doctor.publicKey, agree: () => agreed as Bytes })
    expect(codeOf(() => openHpke({ ...open, recipient: faulty(ZERO) }))).toBe('ERR_CRYPTO_INVALID_POINT')
    expect(codeOf(() => openHpke({ ...open, recipient: faulty(new Uint8Array(31).fill(1)) }))).toBe(
      'ERR_CRYPTO_INVALID_POINT',
    )
    const sender = faulty(ZERO)
    expect(codeOf(() => sealHpke({ recipient: stranger.publicKey, info, plaintext, sender }))).toBe(
      'ERR_CRYPTO_INVALID_POINT',
    )
  })
})

function flipTop(enc: Uint8Array): Bytes {
  return Uint8Array.from(enc, (byte, i) => (i === 31 ? byte ^ 0x80 : byte))
}

describe('contexts', () => {
  it.each([
    ['AES-128-GCM', hpkeAes128Gcm],
    ['AES-256-GCM', hpkeAes256Gcm],
    ['ChaCha20Poly1305', hpkeChaCha20Poly1305],
  ])('carry messages in order with %s, and expect the same one again after a failure', (_name, aead) => {
    const sender = createHpkeSender({ recipient: doctor.publicKey, info, aead, sender: patient, psk })
    const recipient = createHpkeRecipient({
      recipient: doctor,
      enc: sender.enc,
      info,
      aead,
      sender: patient.publicKey,
      psk,
    })
    const [first, second, third] = ['1', '2', '3'].map((text) => sender.seal(toUtf8(text)))
    const open = (message: Uint8Array | undefined) => {
      const opened = recipient?.open(message as Uint8Array)
      return opened === undefined ? undefined : fromUtf8(opened)
    }
    expect(open(second)).toBeUndefined()
    expect(open(first)).toBe('1')
    expect(open(first)).toBeUndefined()
    expect(open(second)).toBe('2')
    expect(open(third)).toBe('3')
  })

  it('differ by mode, AEAD, info, psk and psk id: no two export the same secret', () => {
    const base = { recipient: doctor.publicKey, info }
    const contexts = [
      base,
      { ...base, info: toUtf8('other') },
      { ...base, aead: hpkeAes128Gcm },
      { ...base, aead: hpkeChaCha20Poly1305 },
      { ...base, psk },
      { ...base, psk: { ...psk, id: toUtf8('other') } },
      { ...base, psk: { ...psk, secret: new Uint8Array(33).fill(4) } },
      { ...base, sender: patient },
      { ...base, sender: stranger },
      { ...base, sender: patient, psk },
    ].map((options) => createHpkeSender(options, fixed))
    const exported = contexts.map((context) => toHex(context.exportSecret(new Uint8Array(), 32)))
    expect(new Set(exported).size).toBe(contexts.length)
  })

  it('export between 1 and 8,160 bytes', () => {
    const sender = createHpkeSender({ recipient: doctor.publicKey }, fixed)
    expect(sender.exportSecret(info, 8_160)).toHaveLength(8_160)
    expect(sender.exportSecret(info, 1)).toHaveLength(1)
    for (const byteCount of [0, 8_161, 1.5, -1]) {
      expect(codeOf(() => sender.exportSecret(info, byteCount))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  it('want a psk of 32 bytes and an id (RFC 9180, 5.1 and 5.1.2)', () => {
    const short = { secret: new Uint8Array(31).fill(4), id: psk.id }
    const nameless = { secret: psk.secret, id: new Uint8Array() }
    for (const wrong of [short, nameless, { secret: psk.secret } as never, { id: psk.id } as never]) {
      expect(codeOf(() => createHpkeSender({ recipient: doctor.publicKey, psk: wrong }))).toBe('ERR_ARGUMENT_INVALID')
      const toReceive = { recipient: doctor, enc: patient.publicKey, psk: wrong }
      expect(codeOf(() => createHpkeRecipient(toReceive))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  it('are undefined for a recipient when a public key is unusable', () => {
    expect(createHpkeRecipient({ recipient: doctor, enc: ZERO })).toBeUndefined()
    expect(createHpkeRecipient({ recipient: doctor, enc: patient.publicKey, sender: ZERO })).toBeUndefined()
  })
})

describe('hpkeNonce', () => {
  const base = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 0xff, 0xff, 0xff, 0xff)

  it('xors the sequence number into the end of the base nonce', () => {
    expect(toHex(hpkeNonce(base, 0))).toBe(toHex(base))
    expect(toHex(hpkeNonce(base, 1))).toBe('0001020304050607fffffffe')
    expect(toHex(hpkeNonce(base, 0x01020304))).toBe('0001020304050607fefdfcfb')
    expect(toHex(base)).toBe('0001020304050607ffffffff')
  })

  it('gives the last nonce and refuses the one after it', () => {
    expect(toHex(hpkeNonce(base, HPKE_SEQUENCE_MAX))).toBe('000102030405060700000001')
    expect(codeOf(() => hpkeNonce(base, HPKE_SEQUENCE_MAX + 1))).toBe('ERR_ARGUMENT_INVALID')
  })
})

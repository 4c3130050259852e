import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'

import {
  createAesGcm,
  createFrameOpener,
  createFrameSealer,
  openAead,
  sealAead,
  type AeadMessage,
} from '../../src/primitives/aead.ts'
import { concatBytes, fromHex, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { subtleCrypto } from '../../src/primitives/web-crypto.ts'
import { codeOf } from '../support/failure.ts'
import { seededRandom } from '../support/parties.ts'

const secret = fromHex('5e'.repeat(32))
const info = toUtf8('what the message claims')

/** As on an insecure origin: randomness, but no `subtle`. */
function hideSubtle(): void {
  const { crypto } = globalThis
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Bytes) => crypto.getRandomValues(bytes) })
}

afterEach(() => {
  vi.unstubAllGlobals()
})

function nodeSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Bytes {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** The construction once more, written for reading: HKDF gives commitment, key and nonce in this order. */
function slowSeal(salt: Uint8Array, plaintext: Uint8Array): AeadMessage {
  const derived = new Uint8Array(hkdfSync('sha256', secret, salt, info, 76))
  return {
    salt: Uint8Array.from(salt),
    commitment: derived.slice(0, 32),
    ciphertext: nodeSeal(derived.subarray(32, 64), derived.subarray(64), plaintext),
  }
}

function flipped(bytes: Uint8Array, bit: number): Bytes {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

describe('AES-256-GCM', () => {
  const key = fromHex('0b'.repeat(32))
  const nonce = fromHex('0c'.repeat(12))
  const sizes = [0, 1, 15, 16, 17, 1_023, 8_175, 8_176, 8_191, 8_192, 8_193, 65_536]

  it.each(['with WebCrypto', 'without'])('%s gives the bytes of node:crypto around the threshold', async (mode) => {
    if (mode === 'without') hideSubtle()
    expect(subtleCrypto() === undefined).toBe(mode === 'without')
    const random = seededRandom('aes')
    for (const size of sizes) {
      const plaintext = Uint8Array.from(random(size))
      const ciphertext = await createAesGcm(key).encrypt(plaintext, nonce)
      expect(toHex(ciphertext) === toHex(nodeSeal(key, nonce, plaintext)), `${size} bytes`).toBe(true)
      expect(toHex((await createAesGcm(key).decrypt(ciphertext, nonce))!) === toHex(plaintext)).toBe(true)
      expect(await createAesGcm(key).decrypt(flipped(ciphertext, 8 * size + 3), nonce)).toBeUndefined()
      expect(await createAesGcm(key).decrypt(ciphertext.subarray(0, 15), nonce)).toBeUndefined()
    }
  })

  it('uses WebCrypto from the threshold on, and imports the key once', async () => {
    const subtle = subtleCrypto()!
    const calls: string[] = []
    const watched = new Proxy(subtle, {
      get:
        (target, name) =>
        (...args: unknown[]) => {
          calls.push(String(name))
          return (target as never as Record<string | symbol, (...args: unknown[]) => unknown>)[name]!(...args)
        },
    })
    vi.stubGlobal('crypto', { subtle: watched })
    const cipher = createAesGcm(key)
    await cipher.encrypt(new Uint8Array(8_191), nonce)
    expect(calls).toEqual([])
    await cipher.encrypt(new Uint8Array(8_192), nonce)
    await cipher.encrypt(new Uint8Array(8_192), nonce)
    expect(calls).toEqual(['importKey', 'encrypt', 'encrypt'])
  })

  it('takes shared memory, which WebCrypto does not', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(9_000)).fill(7)
    const ciphertext = await createAesGcm(key).encrypt(shared, nonce)
    expect(toHex(ciphertext) === toHex(nodeSeal(key, nonce, shared))).toBe(true)
  })
})

describe('sealAead', () => {
  it('is the construction, written once more for reading', async () => {
    for (const size of [0, 5, 20_000]) {
      const plaintext = new Uint8Array(size).fill(3)
      const message = await sealAead({ secret, info, plaintext }, seededRandom('salt'))
      const slow = slowSeal(message.salt, plaintext)
      expect(toHex(message.commitment)).toBe(toHex(slow.commitment))
      expect(toHex(message.ciphertext) === toHex(slow.ciphertext)).toBe(true)
      expect(message.salt).toHaveLength(32)
      expect(toHex((await openAead({ secret, info, ...message }))!) === toHex(plaintext)).toBe(true)
    }
  })

  it('is pinned', async () => {
    const message = await sealAead({ secret, info, plaintext: toUtf8('44 /min') }, seededRandom('pin'))
    expect([message.salt, message.commitment, message.ciphertext].map(toHex)).toEqual([
      '5e909fecb0f418fcd83f97e6fc3388bb044bd05765b0fcf621c8e1a2519ba064',
      'd40bbaecbb828ee711f804558cf63646746f1ef01fff05d0131410b9239fa01a',
      'a796df6d05ed33042848e621f371459e674dccf1f6749d',
    ])
  })

  it('takes a fresh salt each time', async () => {
    const plaintext = toUtf8('44 /min')
    const [one, two] = [await sealAead({ secret, info, plaintext }), await sealAead({ secret, info, plaintext })]
    expect(toHex(one.salt)).not.toBe(toHex(two.salt))
    expect(toHex(one.ciphertext)).not.toBe(toHex(two.ciphertext))
  })

  it('refuses short secrets and poor randomness', async () => {
    const plaintext = toUtf8('44 /min')
    await expect(sealAead({ secret: secret.subarray(1), info, plaintext })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    })
    await expect(sealAead({ secret, info, plaintext }, (n) => new Uint8Array(n))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_NO_RANDOM',
    })
    await expect(sealAead({ secret, info, plaintext }, (n) => new Uint8Array(n - 1).fill(1))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_NO_RANDOM',
    })
  })
})

describe('openAead', () => {
  it.each([7, 9_000])('opens nothing after any change, without saying which (%i bytes)', async (size) => {
    const message = await sealAead({ secret, info, plaintext: new Uint8Array(size).fill(1) })
    const valid = { secret, info, ...message }
    const changed = [
      { ...valid, secret: flipped(secret, 0) },
      { ...valid, secret: concatBytes(secret, new Uint8Array(1)) },
      { ...valid, info: flipped(info, 0) },
      { ...valid, info: concatBytes(info, new Uint8Array(1)) },
      { ...valid, salt: flipped(message.salt, 255) },
      { ...valid, commitment: flipped(message.commitment, 255) },
      { ...valid, commitment: message.commitment.subarray(0, 31) },
      { ...valid, commitment: new Uint8Array(0) },
      { ...valid, ciphertext: flipped(message.ciphertext, 0) },
      { ...valid, ciphertext: message.ciphertext.subarray(1) },
      { ...valid, ciphertext: new Uint8Array(0) },
    ]
    expect(await openAead(valid)).toHaveLength(size)
    for (const input of changed) expect(await openAead(input)).toBeUndefined()
  })

  it('takes a salt of 32 bytes only: HMAC would pad a shorter one with zeros to the same key', async () => {
    const salt = concatBytes(fromHex('aa'.repeat(31)), new Uint8Array(1))
    const message = slowSeal(salt, toUtf8('x'))
    expect(slowSeal(salt.subarray(0, 31), toUtf8('x')).commitment).toEqual(message.commitment)
    expect(await openAead({ secret, info, ...message })).toEqual(toUtf8('x'))
    for (const other of [salt.subarray(0, 31), concatBytes(salt, new Uint8Array(1))]) {
      expect(await openAead({ secret, info, ...message, salt: other })).toBeUndefined()
    }
  })

  it('compares the commitment before it decrypts', async () => {
    const message = await sealAead({ secret, info, plaintext: new Uint8Array(9_000) })
    const commitment = flipped(message.commitment, 0)
    vi.stubGlobal('crypto', {
      get subtle() {
        throw new Error('decrypted something')
      },
    })
    expect(await openAead({ secret, info, ...message, commitment })).toBeUndefined()
  })
})

describe('frames', () => {
  const frames = [8_191, 8_192, 40].map((size, index) => new Uint8Array(size).fill(index))
  const frameCount = frames.length

  async function sealFrames() {
    const sealer = createFrameSealer({ secret, info, frameCount }, seededRandom('frames'))
    const ciphertexts = await Promise.all(frames.map((frame) => sealer.seal(frame)))
    return { sealer, ciphertexts }
  }

  it('have nonces of 7 derived bytes, index and final flag', async () => {
    const { sealer, ciphertexts } = await sealFrames()
    const derived = new Uint8Array(hkdfSync('sha256', secret, sealer.salt, info, 71))
    expect(sealer.commitment).toEqual(derived.slice(0, 32))
    for (const [index, frame] of frames.entries()) {
      const nonce = concatBytes(derived.subarray(64), fromHex(['0000000000', '0000000100', '0000000201'][index]!))
      expect(toHex(ciphertexts[index]!) === toHex(nodeSeal(derived.subarray(32, 64), nonce, frame))).toBe(true)
    }
  })

  it('open at their place and nowhere else', async () => {
    const { sealer, ciphertexts } = await sealFrames()
    const opener = createFrameOpener({ secret, info, salt: sealer.salt, commitment: sealer.commitment, frameCount })!
    for (const [from, ciphertext] of ciphertexts.entries()) {
      for (let to = -1; to <= frameCount; to++) {
        expect(await opener.open(ciphertext, to)).toEqual(from === to ? frames[from] : undefined)
      }
    }
    expect(await opener.open(ciphertexts[0]!, 0.5)).toBeUndefined()
  })

  it('do not open when the last one was cut off or one added', async () => {
    const { sealer, ciphertexts } = await sealFrames()
    const header = { salt: sealer.salt, commitment: sealer.commitment }
    const shorter = createFrameOpener({ secret, info, ...header, frameCount: frameCount - 1 })!
    expect(await shorter.open(ciphertexts[1]!, 1)).toBeUndefined()
    const longer = createFrameOpener({ secret, info, ...header, frameCount: frameCount + 1 })!
    expect(await longer.open(ciphertexts[2]!, 2)).toBeUndefined()
  })

  it('are not opened under another commitment, and never more are sealed than were announced', async () => {
    const { sealer } = await sealFrames()
    const { salt, commitment } = sealer
    expect(createFrameOpener({ secret, info, salt, commitment: flipped(commitment, 9), frameCount })).toBeUndefined()
    expect(createFrameOpener({ secret, info, salt: salt.subarray(1), commitment, frameCount })).toBeUndefined()
    await expect(sealer.seal(frames[0]!)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
    expect(codeOf(() => createFrameSealer({ secret: new Uint8Array(31), info, frameCount }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })
})

/** Keeps the second implementation honest: what it sealed, node:crypto opens. */
it('node:crypto opens what we seal', async () => {
  const { salt, ciphertext } = await sealAead({ secret, info, plaintext: toUtf8('44 /min') })
  const derived = new Uint8Array(hkdfSync('sha256', secret, salt, info, 76))
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(32, 64), derived.subarray(64))
  decipher.setAuthTag(ciphertext.subarray(-16))
  expect(concatBytes(decipher.update(ciphertext.subarray(0, -16)), decipher.final())).toEqual(toUtf8('44 /min'))
})

import { createDecipheriv, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { openAead } from '../../src/primitives/aead.ts'
import { concatBytes, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { encodeSealedBlock, recordInfo } from '../../src/storage/header.ts'
import { readKey } from '../../src/storage/epoch-key.ts'
import { createOpeningKey, openRecord } from '../../src/storage/index.ts'
import { codeOfAsync, context, sameBytes, secret, storeOf } from './fixtures.ts'
import { createSalamander, keyStream, type GcmKey } from './salamander.ts'

const mediaType = 'application/fhir+json'
const PADDED_BYTES = 64
const MARKER = 0x80

const secrets = [secret, sha256(secret)] as const
const [mine, yours] = secrets.map((each) => createOpeningKey(each, context)) as [
  ReturnType<typeof createOpeningKey>,
  ReturnType<typeof createOpeningKey>,
]
const layout = { mediaType, paddedBytes: PADDED_BYTES, frameBytes: PADDED_BYTES, frameCount: 0 }
const info = recordInfo(readKey(mine).infoFields, 'iot', layout)

function derive(each: Uint8Array, salt: Uint8Array): GcmKey & { readonly commitment: Uint8Array } {
  const bytes = new Uint8Array(hkdfSync('sha256', each, salt, info, 76))
  return { commitment: bytes.slice(0, 32), key: bytes.slice(32, 64), nonce: bytes.slice(64) }
}

function openPlainGcm({ key, nonce }: GcmKey, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(sealed.subarray(-16))
  return concatBytes(decipher.update(sealed.subarray(0, -16)), decipher.final())
}

/** A salt under which both keys see the padding marker at the end of one ciphertext: one in 256 does. */
function findSalt(): {
  readonly salt: Bytes
  readonly keys: readonly [ReturnType<typeof derive>, ReturnType<typeof derive>]
} {
  for (let salt = sha256(secret); ; salt = sha256(salt)) {
    const [left, right] = [derive(secrets[0], salt), derive(secrets[1], salt)]
    const [one, other] = [left, right].map((each) => keyStream(each, PADDED_BYTES)[PADDED_BYTES - 1])
    if (one === other) return { salt, keys: [left, right] }
  }
}

const { salt, keys } = findSalt()
const ciphertext = Uint8Array.from(keyStream(keys[0], PADDED_BYTES))
ciphertext[PADDED_BYTES - 1]! ^= MARKER
const salamander = createSalamander(ciphertext, keys)

function recordUnder(commitment: Uint8Array) {
  const bytes = encodeSealedBlock({ salt, commitment: Uint8Array.from(commitment), mediaType }, salamander)
  const cid = hashBlock(RAW_CODEC, bytes)
  return { id: createRecordId(cid), blocks: storeOf([{ cid, bytes }]) }
}

describe('a ciphertext built to open under two keys', () => {
  it('opens under both in plain AES-GCM, to two plaintexts that end in the padding marker', () => {
    const [one, other] = keys.map((each) => openPlainGcm(each, salamander)) as [Uint8Array, Uint8Array]
    expect(toHex(one)).not.toBe(toHex(other))
    expect([one.at(-1), other.at(-1)]).toEqual([MARKER, MARKER])
  })

  it.each([0, 1] as const)('opens under key %i alone when the record commits to that one', async (chosen) => {
    const { id, blocks } = recordUnder(keys[chosen].commitment)
    const [holder, other] = chosen === 0 ? [mine, yours] : [yours, mine]
    const opened = await openRecord(id, { key: holder, blocks })
    expect(sameBytes(opened, openPlainGcm(keys[chosen], salamander).subarray(0, -1))).toBe(true)
    expect(await codeOfAsync(openRecord(id, { key: other, blocks }))).toBe('ERR_DECRYPTION_FAILED')
  })

  it('opens under no commitment made of both', async () => {
    const mixed = concatBytes(keys[0].commitment.subarray(0, 16), keys[1].commitment.subarray(16))
    const { id, blocks } = recordUnder(mixed)
    for (const key of [mine, yours]) {
      expect(await codeOfAsync(openRecord(id, { key, blocks }))).toBe('ERR_DECRYPTION_FAILED')
    }
  })

  it('is what openAead refuses as well', async () => {
    const message = { info, salt, ciphertext: salamander }
    const openings = await Promise.all(
      secrets.map((each) => openAead({ ...message, secret: each, commitment: keys[0].commitment })),
    )
    expect(openings.map((opened) => opened !== undefined)).toEqual([true, false])
  })
})

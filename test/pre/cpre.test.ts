import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import {
  ASSOCIATED_DATA_BYTES_MAX,
  CONDITIONS_MAX,
  createEpochOpener,
  createEpochSealer,
  createOpaqueCondition,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  generatePreKeyPair,
  parsePreObject,
  RECORD_BYTES_MAX,
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type Condition,
} from '../../src/pre/index.ts'
import { generatePreSecret, type PreSecret } from '../../src/primitives/bls-secret.ts'
import { toHex, toUtf8, type Verified } from '../../src/primitives/bytes.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'
import { codeOf } from '../support/failure.ts'
import {
  checkReKey,
  convertFor,
  delegateTo,
  END_MS,
  institution,
  july,
  june,
  keysOf,
  NOW_MS,
  owner,
  sealFor,
  seededRandom,
  signerOf,
  stranger,
} from './world.ts'

describe('a capsule', () => {
  const { capsule, key } = sealFor(june, { associatedData: toUtf8('ward 7') })

  it('opens for its owner and for the delegatee after conversion, to the same key', () => {
    expect(key).toHaveLength(32)
    expect(toHex(decapsulate(capsule, owner.keys))).toBe(toHex(key))
    const converted = convertFor(capsule, delegateTo())
    expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
    // Again, from what was remembered.
    expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
  })

  it('comes back from its bytes, and says what everybody may know', () => {
    const again = unwrap(parsePreObject('capsule', capsule.bytes))
    expect(again).toEqual(capsule)
    expect(again).toMatchObject({ kind: 'capsule', conditions: [june] })
    expect(toHex(again.delegator)).toBe(toHex(owner.keys.publicKey))
    expect(toHex(decapsulate(again, owner.keys))).toBe(toHex(key))
  })

  it('opens for nobody else', () => {
    expect(codeOf(() => decapsulate(capsule, keysOf('another owner', 'delegator')))).toBe('ERR_DECRYPTION_FAILED')
    const converted = convertFor(capsule, delegateTo())
    expect(codeOf(() => decapsulate(converted, stranger))).toBe('ERR_DECRYPTION_FAILED')
  })

  it('asks for the keys of the right side', () => {
    expect(codeOf(() => decapsulate(capsule, institution))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => decapsulate(convertFor(capsule, delegateTo()), owner.keys))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => decapsulate(capsule, { ...owner.keys }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('has a fresh key each time', () => {
    expect(toHex(sealFor().key)).not.toBe(toHex(sealFor().key))
  })
})

describe('sizes', () => {
  const labels = (condition: Condition) => condition.type.length + (condition.epoch?.length ?? 0) + 8

  it('144 bytes of group material, and at most 64 bytes and labels more', () => {
    const { capsule } = sealFor()
    expect(capsule.core).toHaveLength(144)
    expect(capsule.bytes.length).toBeLessThanOrEqual(144 + 64 + labels(june))
  })

  it('144 + 288 + 48 + 64 bytes when converted; ids, labels and at most 64 bytes more', () => {
    const { bytes, capsule, element, ephemeral, ephemeralProof } = convertFor(sealFor().capsule, delegateTo())
    const parts = [capsule.core, element, ephemeral, ephemeralProof].map(({ length }) => length)
    expect(parts).toEqual([144, 288, 48, 64])
    // Ids: both public keys, the owner's account, the re-key.
    expect(bytes.length).toBeLessThanOrEqual(544 + (48 + 48 + 33 + 32) + 64 + labels(june))
  })
})

describe('re-keys', () => {
  it('convert their own condition and owner only', () => {
    const key = delegateTo()
    expect(codeOf(() => reEncrypt(sealFor(july).capsule, key))).toBe('ERR_PRE_CONDITION_MISMATCH')
    const other = sealFor(june, { to: keysOf('another owner', 'delegator').publicKey })
    expect(codeOf(() => reEncrypt(other.capsule, key))).toBe('ERR_PRE_CONDITION_MISMATCH')
  })

  it('end at their time, to the millisecond', () => {
    const key = delegateTo()
    const { capsule } = sealFor()
    expect(codeOf(() => reEncrypt(capsule, key, { nowMs: END_MS - 1 }))).toBe('returned')
    expect(codeOf(() => reEncrypt(capsule, key, { nowMs: END_MS }))).toBe('ERR_PRE_EXPIRED')
    const options = { signer: owner.signer.did }
    expect(verifyReEncryptionKey(key, { ...options, nowMs: END_MS - 1 })).toBe(true)
    expect(verifyReEncryptionKey(key, { ...options, nowMs: END_MS })).toBe(false)
    expect(verifyReEncryptionKey(key, { ...options, nowMs: Number.NaN })).toBe(false)
  })

  it('need the check of both sides before they convert', () => {
    const made = createReEncryptionKey({
      ...owner,
      to: { publicKey: institution.publicKey },
      condition: june,
      expiresAtMs: END_MS,
    })
    const { capsule } = sealFor()
    expect(codeOf(() => reEncrypt(capsule, made as Verified<typeof made>))).toBe('ERR_ARGUMENT_INVALID')
    const unchecked = encapsulate({ to: owner.keys.publicKey, condition: june }).capsule
    expect(codeOf(() => reEncrypt(unchecked as Verified<typeof unchecked>, checkReKey(made)))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })

  it('come back from their bytes and hold for their signer alone', () => {
    const key = unwrap(parsePreObject('re-encryption-key', delegateTo().bytes))
    expect(verifyReEncryptionKey(key, { signer: owner.signer.did, nowMs: NOW_MS })).toBe(true)
    expect(verifyReEncryptionKey(key, { signer: signerOf('another').did, nowMs: NOW_MS })).toBe(false)
    const account = signerOf('another').did
    expect(verifyReEncryptionKey(key, { signer: owner.signer.did, account, nowMs: NOW_MS })).toBe(false)
  })

  it('name the account of an owner who signs with a later key, and the delegatee', () => {
    const account = signerOf('first key').did
    const keyRecord = new Uint8Array(32).fill(7) as unknown as Digest32
    const did = signerOf('institution').did
    const to = { publicKey: institution.publicKey, did, keyRecord }
    const key = createReEncryptionKey({ ...owner, account, to, condition: june, expiresAtMs: END_MS })
    expect(key).toMatchObject({ delegatorAccount: account, delegateeAccount: did, delegateeKeys: keyRecord })
    if (!verifyReEncryptionKey(key, { signer: owner.signer.did, account, nowMs: NOW_MS })) throw new Error('refused')
    const { capsule, key: inside } = sealFor()
    expect(toHex(decapsulate(convertFor(capsule, key), institution))).toBe(toHex(inside))
  })

  it('are refused for the owner herself and for what is no key', () => {
    const options = { ...owner, condition: june, expiresAtMs: END_MS }
    const to = { publicKey: owner.keys.publicKey }
    expect(codeOf(() => createReEncryptionKey({ ...options, to }))).toBe('ERR_ARGUMENT_INVALID')
    for (const publicKey of [new Uint8Array(48), new Uint8Array(47), owner.keys.publicKey.subarray(1)]) {
      expect(codeOf(() => createReEncryptionKey({ ...options, to: { publicKey } }))).toBe('ERR_CRYPTO_INVALID_POINT')
      expect(codeOf(() => encapsulate({ to: publicKey, condition: june }))).toBe('ERR_CRYPTO_INVALID_POINT')
    }
    const keys = institution as unknown as typeof owner.keys
    expect(codeOf(() => createReEncryptionKey({ ...options, keys, to: { publicKey: stranger.publicKey } }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })

  it('differ each time, and convert alike', () => {
    const { capsule, key } = sealFor()
    const [one, two] = [delegateTo(), delegateTo()]
    expect(one.id).not.toBe(two.id)
    expect(toHex(one.element)).not.toBe(toHex(two.element))
    for (const reKey of [one, two]) {
      expect(toHex(decapsulate(convertFor(capsule, reKey), institution))).toBe(toHex(key))
    }
  })
})

describe('several conditions', () => {
  const vitals: Condition = { type: 'vital signs' }
  const conditions = [july, vitals, june]

  it('each open the capsule', () => {
    const { capsule, key } = sealFor(conditions)
    expect(capsule.core).toHaveLength(144 + 2 * 32)
    expect(toHex(decapsulate(capsule, owner.keys))).toBe(toHex(key))
    for (const condition of conditions) {
      const converted = convertFor(capsule, delegateTo(institution.publicKey, condition))
      expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
    }
    expect(codeOf(() => reEncrypt(capsule, delegateTo(institution.publicKey, { type: 'letters' })))).toBe(
      'ERR_PRE_CONDITION_MISMATCH',
    )
  })

  it('stand in one order, whatever order they came in', () => {
    const [a, b] = [conditions, conditions.toReversed()].map(
      (list) => sealFor(list, { random: seededRandom('order') }).capsule.bytes,
    ) as [Uint8Array, Uint8Array]
    expect(toHex(a)).toBe(toHex(b))
  })

  it('number one to eight, each once', () => {
    const many = Array.from({ length: CONDITIONS_MAX + 1 }, (_, i) => ({ type: `type ${i}` }))
    expect(codeOf(() => sealFor(many.slice(1)))).toBe('returned')
    expect(codeOf(() => sealFor(many))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => sealFor([]))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => sealFor([june, { ...june }]))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('conditions', () => {
  it('are tuples: texts do not run together', () => {
    const ids = [
      { type: 'a', epoch: 'b' },
      { type: 'a', extra: ['b'] },
      { type: 'ab' },
      { type: 'a|b' },
      { type: 'a', epoch: 'b', extra: ['c'] },
      { type: 'a', extra: ['b', 'c'] },
    ].map((condition) => sealFor(condition, { random: seededRandom('same') }).capsule.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('have texts in normalization form C, not empty, of at most 1,024 bytes', () => {
    for (const type of ['', 'a'.repeat(1_025), 'e\u0301', '\ud800', '\ufeffa', 1 as unknown as string]) {
      expect(codeOf(() => encapsulate({ to: owner.keys.publicKey, condition: { type } }))).toBe('ERR_ARGUMENT_INVALID')
    }
    expect(codeOf(() => encapsulate({ to: owner.keys.publicKey, condition: { type: 'a'.repeat(1_024) } }))).toBe(
      'returned',
    )
    const extra = Array.from({ length: 9 }, (_, i) => `${i}`)
    expect(codeOf(() => encapsulate({ to: owner.keys.publicKey, condition: { type: 'a', extra } }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })

  it('may be opaque: equal ones stay equal, and nothing else shows', () => {
    const labelKey = new Uint8Array(32).fill(3)
    const opaque = createOpaqueCondition(june, labelKey)
    expect(opaque).toEqual(createOpaqueCondition({ ...june }, labelKey))
    expect(opaque.type).toMatch(/^opaque:[0-9a-f]{64}$/)
    expect(Object.keys(opaque)).toEqual(['type'])
    expect(opaque).not.toEqual(createOpaqueCondition(july, labelKey))
    expect(opaque).not.toEqual(createOpaqueCondition(june, new Uint8Array(32).fill(4)))
    expect(codeOf(() => createOpaqueCondition(june, new Uint8Array(31)))).toBe('ERR_ARGUMENT_INVALID')
    const { capsule, key } = sealFor(opaque)
    expect(toHex(decapsulate(convertFor(capsule, delegateTo(institution.publicKey, opaque)), institution))).toBe(
      toHex(key),
    )
  })
})

describe('associated data', () => {
  it('number up to 1,024 bytes', () => {
    const seal = (length: number) => () => sealFor(june, { associatedData: new Uint8Array(length) })
    expect(codeOf(seal(ASSOCIATED_DATA_BYTES_MAX))).toBe('returned')
    expect(codeOf(seal(ASSOCIATED_DATA_BYTES_MAX + 1))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('keys', () => {
  it('print without their secret', () => {
    const pair = generatePreKeyPair('delegator')
    expect(Object.keys(pair)).toEqual(['role', 'publicKey'])
    expect(Object.values(pair)).not.toContainEqual(expect.any(BigInt))
  })

  it('come from a secret, and are the same again', () => {
    const secret = generatePreSecret(seededRandom('secret'))
    expect(createPreKeyPair(secret, 'delegator')).toEqual(createPreKeyPair(secret, 'delegator'))
    expect(codeOf(() => createPreKeyPair(new Uint8Array(32) as unknown as PreSecret, 'delegator'))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    expect(codeOf(() => createPreKeyPair(secret, 'owner' as 'delegator'))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('epoch sealing', () => {
  const data = toUtf8('44 /min')

  it('puts many records under one capsule', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june })
    const sealed = await Promise.all(['a', 'b', 'c'].map((id) => sealer.seal(id, toUtf8(`record ${id}`))))
    if (!verifyCapsule(sealer.capsule)) throw new Error('refused')
    const converted = convertFor(sealer.capsule, delegateTo())
    for (const key of [decapsulate(sealer.capsule, owner.keys), decapsulate(converted, institution)]) {
      const opener = createEpochOpener(key)
      for (const [i, id] of ['a', 'b', 'c'].entries()) {
        expect(toHex(await opener.open(id, sealed[i] as Uint8Array))).toBe(toHex(toUtf8(`record ${id}`)))
      }
    }
  })

  it('opens a record under its own id and key only', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june })
    const opener = createEpochOpener(decapsulate(sealer.capsule, owner.keys))
    const sealed = await sealer.seal('a', data)
    const failed = { code: 'ERR_DECRYPTION_FAILED' }
    await expect(opener.open('b', sealed)).rejects.toMatchObject(failed)
    await expect(opener.open('a', sealed.subarray(1))).rejects.toMatchObject(failed)
    await expect(opener.open('a', Uint8Array.of(...sealed, 0))).rejects.toMatchObject(failed)
    const other = createEpochOpener(decapsulate(sealFor().capsule, owner.keys))
    await expect(other.open('a', sealed)).rejects.toMatchObject(failed)
    expect(() => createEpochOpener(new Uint8Array(31))).toThrow('32 bytes')
  })

  it('takes data up to a frame, and the empty record', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june })
    const opener = createEpochOpener(decapsulate(sealer.capsule, owner.keys))
    const large = await sealer.seal('a', new Uint8Array(RECORD_BYTES_MAX))
    expect(await opener.open('a', large)).toHaveLength(RECORD_BYTES_MAX)
    expect(await opener.open('b', await sealer.seal('b', new Uint8Array(0)))).toHaveLength(0)
    await expect(sealer.seal('a', new Uint8Array(RECORD_BYTES_MAX + 1))).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    })
    await expect(sealer.seal('', data)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  })
})

describe('another implementation of the groups', () => {
  it('takes the place of the portable one as an argument', () => {
    const calls = { pair: 0 }
    const portable = createPairingGroups()
    const groups = {
      ...portable,
      pair: (pairs: Parameters<typeof portable.pair>[0]) => {
        calls.pair++
        return portable.pair(pairs)
      },
    }
    const keys = createPreKeyPair(generatePreSecret(), 'delegator', { groups })
    const { capsule, key } = encapsulate({ to: keys.publicKey, condition: june, groups })
    const to = { publicKey: institution.publicKey }
    const reKey = createReEncryptionKey({
      keys,
      signer: owner.signer,
      to,
      condition: june,
      expiresAtMs: END_MS,
      groups,
    })
    const options = { signer: owner.signer.did, nowMs: NOW_MS, groups }
    if (!verifyCapsule(capsule, { groups }) || !verifyReEncryptionKey(reKey, options)) throw new Error('refused')
    const converted = reEncrypt(capsule, reKey, { groups })
    expect(toHex(decapsulate(converted, institution, { groups }))).toBe(toHex(key))
    expect(calls.pair).toBeGreaterThanOrEqual(3)
    // What one implementation has checked is unchecked for another.
    expect(codeOf(() => reEncrypt(capsule, reKey))).toBe('ERR_ARGUMENT_INVALID')
  })
})

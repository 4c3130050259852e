import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { ibpre, parseIbObject, type IbBytes } from '../../src/pre/index.ts'
import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { flipBit, seededRandom } from './world.ts'

const { parameters, masterKey } = ibpre.setup(seededRandom('centre'))
const keyOf = (identity: string) => ibpre.keyGen({ parameters, masterKey, identity }, seededRandom(identity))
const alice = keyOf('alice@example')
const bob = keyOf('bob@example')
const carol = keyOf('carol@example')
const data = toUtf8('44 /min')
const sealed = await ibpre.encrypt(data, { parameters, identity: 'alice@example', type: 'heart rate' })
const other = await ibpre.encrypt(data, { parameters, identity: 'alice@example', type: 'hiv' })
const reKey = ibpre.reKeyGen({ parameters, secretKey: alice, toIdentity: 'bob@example', type: 'heart rate' })
const converted = ibpre.reEncrypt(sealed, { parameters, reKey })

const refused = { code: 'ERR_DECRYPTION_FAILED' }

describe('Setup, KeyGen, Encrypt, Decrypt (4.2.1, 4.2.4)', () => {
  it('open for the identity, and for nobody else', async () => {
    expect(toHex(await ibpre.decrypt(sealed, { parameters, secretKey: alice }))).toBe(toHex(data))
    await expect(ibpre.decrypt(sealed, { parameters, secretKey: bob })).rejects.toMatchObject(refused)
  })

  it('let the user check the key', () => {
    expect(ibpre.verifyKey({ parameters, secretKey: alice, identity: 'alice@example' })).toBe(true)
    expect(ibpre.verifyKey({ parameters, secretKey: alice, identity: 'bob@example' })).toBe(false)
    for (const bit of [70, 300, 900, 1_500]) {
      expect(ibpre.verifyKey({ parameters, secretKey: flipBit(alice, bit), identity: 'alice@example' })).toBe(false)
    }
    const elsewhere = ibpre.setup()
    const foreign = ibpre.keyGen({ ...elsewhere, identity: 'alice@example' })
    expect(ibpre.verifyKey({ parameters, secretKey: foreign, identity: 'alice@example' })).toBe(false)
  })

  it('need no more of an identity than its text', async () => {
    const late = await ibpre.encrypt(data, { parameters, identity: 'dave@example', type: 'heart rate' })
    const dave = keyOf('dave@example')
    expect(toHex(await ibpre.decrypt(late, { parameters, secretKey: dave }))).toBe(toHex(data))
  })

  it('give another ciphertext each time, and the same from the same randomness', async () => {
    const options = { parameters, identity: 'alice@example', type: 'heart rate' }
    const [one, two, three] = await Promise.all(
      ['r', 'r', 's'].map((name) => ibpre.encrypt(data, options, seededRandom(name))),
    )
    expect(toHex(one as Uint8Array)).toBe(toHex(two as Uint8Array))
    expect(toHex(three as Uint8Array)).not.toBe(toHex(one as Uint8Array))
  })

  it('refuse texts of another form, and types of the scheme’s own', async () => {
    for (const [identity, type] of [
      ['', 'a'],
      ['a', ''],
      ['e\u0301', 'a'],
      ['a', '#rekey'],
      ['a', '#'],
    ] as const) {
      await expect(ibpre.encrypt(data, { parameters, identity, type })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
      })
    }
    const make = (toIdentity: string, type: string) => () =>
      ibpre.reKeyGen({ parameters, secretKey: alice, toIdentity, type })
    expect(codeOf(make('bob@example', '#rekey'))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(make('alice@example', 'heart rate'))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => keyOf(''))).toBe('ERR_ARGUMENT_INVALID')
    await expect(
      ibpre.encrypt(new Uint8Array(256 * 1024 + 1), { parameters, identity: 'a', type: 'a' }),
    ).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  })
})

describe('ReKeyGen, ReEncrypt (4.2.4, 4.2.8), and Decrypt of what was converted (4.2.9)', () => {
  it('open for the delegatee, and for nobody else', async () => {
    expect(toHex(await ibpre.decrypt(converted, { parameters, secretKey: bob }))).toBe(toHex(data))
    // Again, with what was remembered.
    expect(toHex(await ibpre.decrypt(converted, { parameters, secretKey: bob }))).toBe(toHex(data))
    for (const secretKey of [alice, carol]) {
      await expect(ibpre.decrypt(converted, { parameters, secretKey })).rejects.toMatchObject(refused)
    }
  })

  it('convert one type and no other', () => {
    expect(codeOf(() => ibpre.reEncrypt(other, { parameters, reKey }))).toBe('ERR_PRE_CONDITION_MISMATCH')
  })

  it('convert once: what was converted is no ciphertext', () => {
    const further = ibpre.reKeyGen({ parameters, secretKey: bob, toIdentity: 'carol@example', type: 'heart rate' })
    expect(codeOf(() => ibpre.reEncrypt(converted, { parameters, reKey: further }))).toMatch(/^ERR_CODEC_/)
  })

  it('take no re-key that its owner has not signed', () => {
    const forged = ibpre.reKeyGen({ parameters, secretKey: carol, toIdentity: 'bob@example', type: 'heart rate' })
    expect(codeOfResult(parseIbObject('re-key', reKey, { parameters }))).toBe('accepted')
    expect(codeOfResult(parseIbObject('re-key', forged, { parameters }))).toBe('accepted')
    for (const bit of [40, 80, 500, 2_100, 3_000, 4_000, 5_500, 8 * reKey.length - 9]) {
      expect(codeOfResult(parseIbObject('re-key', flipBit(reKey, bit), { parameters }))).not.toBe('accepted')
    }
    const changed = flipBit(reKey, 8 * reKey.length - 9) as IbBytes<'ReKey'>
    expect(codeOf(() => ibpre.reEncrypt(sealed, { parameters, reKey: changed }))).not.toBe('returned')
  })

  it('take no ciphertext whose proof does not hold', () => {
    // Points, mask, challenge and response stand behind both texts.
    const start = 8 * (4 + 14 + 11 + 2)
    for (const bit of [start + 3, start + 500, start + 1_000, start + 1_250, start + 1_500, start + 1_800]) {
      expect(codeOf(() => ibpre.reEncrypt(flipBit(sealed, bit), { parameters, reKey }))).not.toBe('returned')
    }
  })
})

describe('one bit turned', () => {
  it.each([
    ['a ciphertext', sealed, alice],
    ['a converted ciphertext', converted, bob],
  ])('in %s has one code', { timeout: 600_000 }, async (_, bytes, secretKey) => {
    for (let bit = 5; bit < 8 * bytes.length; bit += 89) {
      await expect(ibpre.decrypt(flipBit(bytes, bit), { parameters, secretKey })).rejects.toMatchObject(refused)
    }
  })
})

describe('AuthSign, AuthVerify', () => {
  const message = toUtf8('a requirement')
  const signature = ibpre.authSign(message, { parameters, secretKey: alice })

  it('hold for the identity and the message', () => {
    expect(signature).toHaveLength(4 + 3 * 98)
    expect(ibpre.authVerify(message, { parameters, identity: 'alice@example', signature })).toBe(true)
    expect(ibpre.authVerify(message, { parameters, identity: 'bob@example', signature })).toBe(false)
    expect(ibpre.authVerify(toUtf8('another'), { parameters, identity: 'alice@example', signature })).toBe(false)
    for (const bit of [4, 60, 800, 1_700]) {
      const changed = flipBit(signature, bit)
      expect(ibpre.authVerify(message, { parameters, identity: 'alice@example', signature: changed })).toBe(false)
    }
  })

  it('sign messages of any length', () => {
    const long = new Uint8Array(100_000)
    const signed = ibpre.authSign(long, { parameters, secretKey: alice })
    expect(ibpre.authVerify(long, { parameters, identity: 'alice@example', signature: signed })).toBe(true)
  })

  it('are no key of a type: signing a type’s name opens nothing', async () => {
    const signed = ibpre.authSign(toUtf8('heart rate'), { parameters, secretKey: alice })
    await expect(
      ibpre.decrypt(sealed, { parameters, secretKey: signed as unknown as IbBytes<'SecretKey'> }),
    ).rejects.toMatchObject({ code: 'ERR_CODEC_VERSION' })
  })
})

describe('parameters', () => {
  it('are read when they are consistent', () => {
    expect(unwrap(parseIbObject('parameters', parameters))).toEqual(parameters)
    expect(codeOfResult(parseIbObject('secret-key', alice, { parameters }))).toBe('accepted')
    expect(codeOfResult(parseIbObject('secret-key', alice, { parameters: ibpre.setup().parameters }))).toBe(
      'ERR_CRYPTO_INVALID_POINT',
    )
  })

  it('are refused when points of two centres are mixed, and where one is none', () => {
    const second = ibpre.setup().parameters
    for (const [start, length] of [
      [6, 48],
      [6 + 4 * 50, 96],
    ] as const) {
      const mixed = Uint8Array.from(parameters)
      mixed.set(second.subarray(start, start + length), start)
      expect(codeOfResult(parseIbObject('parameters', mixed))).toBe('ERR_CRYPTO_INVALID_POINT')
    }
    expect(codeOfResult(parseIbObject('parameters', flipBit(parameters, 8 * parameters.length - 3)))).toBe(
      'ERR_CRYPTO_INVALID_POINT',
    )
    expect(codeOfResult(parseIbObject('parameters', masterKey))).toMatch(/^ERR_CODEC_/)
    expect(codeOfResult(parseIbObject('parameters', parameters.subarray(1)))).toMatch(/^ERR_CODEC_/)
  })
})

describe('a key centre of several', () => {
  const { shares, commitments } = ibpre.splitMasterKey({ masterKey, threshold: 2, total: 3 }, seededRandom('shares'))
  const keyShares = shares.map((masterShare) => ibpre.keyGenShare({ parameters, masterShare, identity: 'erin' }))
  const identity = 'erin'

  it('makes keys by any two of three', async () => {
    const message = await ibpre.encrypt(data, { parameters, identity, type: 'a' })
    for (const [i, j] of [
      [0, 1],
      [2, 0],
      [1, 2],
    ] as const) {
      const parts = [keyShares[i], keyShares[j]] as Uint8Array[]
      const secretKey = ibpre.combineKeyShares({ parameters, keyShares: parts, identity })
      expect(ibpre.verifyKey({ parameters, secretKey, identity })).toBe(true)
      expect(toHex(await ibpre.decrypt(message, { parameters, secretKey }))).toBe(toHex(data))
    }
    expect(codeOf(() => ibpre.combineKeyShares({ parameters, keyShares, identity }))).toBe('returned')
  })

  it('makes none by one, or by shares of two identities', () => {
    const combine = (parts: readonly Uint8Array[]) => () =>
      ibpre.combineKeyShares({ parameters, keyShares: parts, identity })
    const foreign = ibpre.keyGenShare({ parameters, masterShare: shares[1] as IbBytes<'MasterShare'>, identity: 'f' })
    const first = keyShares[0] as Uint8Array
    expect(codeOf(combine([first]))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(combine([first, first]))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(combine([first, foreign]))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(combine([]))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('names a faulty centre', () => {
    const sound = (keyShare: Uint8Array) => ibpre.verifyKeyShare({ parameters, keyShare, identity, commitments })
    expect(keyShares.map(sound)).toEqual([true, true, true])
    const { shares: others } = ibpre.splitMasterKey({ masterKey, threshold: 2, total: 3 })
    const faulty = ibpre.keyGenShare({ parameters, masterShare: others[0] as IbBytes<'MasterShare'>, identity })
    expect(sound(faulty)).toBe(false)
    expect(sound(flipBit(keyShares[0] as Uint8Array, 200))).toBe(false)
    expect(ibpre.verifyKeyShare({ parameters, keyShare: faulty, identity: 'f', commitments })).toBe(false)
  })

  it('numbers two to sixteen', () => {
    for (const [threshold, total] of [
      [1, 3],
      [4, 3],
      [2, 17],
    ] as const) {
      expect(codeOf(() => ibpre.splitMasterKey({ masterKey, threshold, total }))).toBe('ERR_ARGUMENT_INVALID')
    }
  })
})

import { describe, expect, it } from 'vitest'

import {
  createEpochOpener,
  createEpochSealer,
  decapsulate,
  encapsulate,
  ibpre,
  parseIbObject,
  type Capsule,
  type IbBytes,
} from '../../src/pre/index.ts'
import { splitCore } from '../../src/pre/capsule.ts'
import { identityScalar } from '../../src/pre/ib-parameters.ts'
import { secretOf } from '../../src/pre/keys.ts'
import { SUITES } from '../../src/pre/suite.ts'
import { capsuleKey, conditionPoint, maskMessage } from '../../src/pre/transcript.ts'
import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { concatBytes, copyBytes, fromHex, toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { hashToScalar } from '../../src/primitives/hash-to-scalar.ts'
import type { G1Element, G2Element } from '../../src/primitives/pairing-groups.ts'
import { PRE_TAGS } from '../../src/primitives/tags.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { groups, invert, pairOne } from './crafting.ts'
import { flipBit, july, june, keysOf, owner } from './world.ts'

/** A source that gives the same bytes each time, as a device may that starts without entropy. */
const stuck = (byteCount: number) => new Uint8Array(byteCount).fill(7)
const centre = ibpre.setup()
const { parameters, masterKey } = centre

/** The n-th point of G2 from the end of an object. */
const pointAt = (bytes: Uint8Array, fromEnd: number): G2Element =>
  groups.parseG2(bytes.slice(bytes.length - 98 * fromEnd + 2, bytes.length - 98 * (fromEnd - 1))) as G2Element
const add = (left: G2Element, right: G2Element) => groups.addG2(left, right) as G2Element
const multiply = (point: G2Element, scalar: bigint) =>
  groups.multiplyG2(point, (((scalar % BLS_GROUP_ORDER) + BLS_GROUP_ORDER) % BLS_GROUP_ORDER) as BlsScalar)

/** From f(x) and f(y) with f(s) = A + s*B, the value f(z): what one scalar in two keys gives away. */
function extend(
  left: { readonly at: bigint; readonly value: G2Element },
  right: { readonly at: bigint; readonly value: G2Element },
  at: bigint,
): Bytes {
  const difference = add(left.value, multiply(right.value, -1n))
  const distance = (left.at - right.at + BLS_GROUP_ORDER) % BLS_GROUP_ORDER
  return groups.encodeG2(add(left.value, multiply(difference, (at - left.at) * invert(distance))))
}

/** The object with other points at its end. */
const withPoints = (bytes: Uint8Array, ...points: readonly Uint8Array[]): Bytes =>
  concatBytes(bytes.slice(0, bytes.length - 98 * points.length), ...points.map((p) => concatBytes(fromHex('5860'), p)))

describe('a random source that repeats itself', () => {
  it('gives one user’s capsules no key of another’s', () => {
    const [one, two] = [june, july].map((condition) => encapsulate({ to: owner.keys.publicKey, condition }, stuck)) as [
      { capsule: Capsule; key: Bytes },
      { capsule: Capsule; key: Bytes },
    ]
    // Who may open June computes its message, as the delegatee does, and tries it on July.
    const { scalar } = secretOf(owner.keys, 'delegator')
    const parts = splitCore(one.capsule)
    const conditionKey = groups.multiplyG2(conditionPoint(groups, owner.keys.publicKey, june), scalar)
    const shared = groups.encodeGt(pairOne(groups.parseG1(parts.point) as G1Element, conditionKey))
    const context = { facts: one.capsule, condition: june, point: parts.point }
    const message = maskMessage(parts.masked[0] as Bytes, shared, context)
    const keyBy = ({ id }: Capsule) => toHex(capsuleKey(message, fromHex(id) as unknown as Digest32))
    expect(keyBy(one.capsule)).toBe(toHex(one.key))
    expect(keyBy(two.capsule)).not.toBe(toHex(two.key))
    const other = encapsulate({ to: keysOf('another', 'delegator').publicKey, condition: june }, stuck)
    expect(keyBy(other.capsule)).not.toBe(toHex(other.key))
  })

  it('gives two records of one id neither one key nor one nonce', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june }, stuck)
    const texts = ['44 /min at night', '71 /min at lunch'].map(toUtf8) as [Bytes, Bytes]
    const sealed = (await Promise.all(texts.map((text) => sealer.seal('reading', text)))) as [Bytes, Bytes]
    const xor = (a: Uint8Array, b: Uint8Array) => toHex(a.map((byte, i) => byte ^ (b[i] as number)))
    const [left, right] = sealed.map((bytes) => bytes.slice(-32, -16)) as [Bytes, Bytes]
    expect(xor(left, right)).not.toBe(xor(texts[0], texts[1]))
    const opener = createEpochOpener(decapsulate(sealer.capsule, owner.keys))
    for (const [i, bytes] of sealed.entries()) expect(await opener.open('reading', bytes)).toEqual(texts[i])
  })

  it('gives two users of a key centre no third key', () => {
    const keyOf = (identity: string) => ibpre.keyGen({ ...centre, identity }, stuck)
    const [alice, bob] = [keyOf('alice'), keyOf('bob')]
    const point = (identity: string, key: Bytes) => ({ at: identityScalar(identity), value: pointAt(key, 2) })
    const d0 = extend(point('alice', alice), point('bob', bob), identityScalar('carol'))
    const carol = concatBytes(keyOf('carol').slice(0, -196), fromHex('5860'), d0, alice.slice(-98))
    expect(ibpre.verifyKey({ parameters, secretKey: carol, identity: 'carol' })).toBe(false)
    expect(ibpre.verifyKey({ parameters, secretKey: alice, identity: 'alice' })).toBe(true)
  })

  it('gives two signatures no third one', () => {
    const secretKey = ibpre.keyGen({ ...centre, identity: 'alice' })
    const sign = (text: string) => ibpre.authSign(toUtf8(text), { parameters, secretKey }, stuck)
    const levelOf = (text: string) => hashToScalar(PRE_TAGS.ibMessage, SUITES.ibpre, sha256(toUtf8(text)))
    const [one, two] = [sign('one'), sign('two')]
    const s0 = extend(
      { at: levelOf('one'), value: pointAt(one, 3) },
      { at: levelOf('two'), value: pointAt(two, 3) },
      levelOf('three'),
    )
    const forged = withPoints(one, s0, groups.encodeG2(pointAt(one, 2)), groups.encodeG2(pointAt(one, 1)))
    const verify = (text: string, signature: Bytes) =>
      ibpre.authVerify(toUtf8(text), { parameters, identity: 'alice', signature })
    expect(verify('one', one)).toBe(true)
    expect(verify('three', forged)).toBe(false)
  })

  it('gives two centres of five no master key where it takes three', () => {
    const { shares } = ibpre.splitMasterKey({ masterKey, threshold: 3, total: 5 }, stuck)
    const [one, two] = shares.map((share) => pointAt(share, 1)) as [G2Element, G2Element]
    // With one coefficient k in both places the shares are c + 2k and c + 6k.
    const k = multiply(add(two, multiply(one, -1n)), invert(4n))
    const guess = groups.encodeG2(add(one, multiply(k, -2n)))
    expect(toHex(guess)).not.toBe(toHex(masterKey.slice(-96)))
  })

  it('gives two ciphertexts for one identity neither one key nor one nonce', async () => {
    const texts = ['44 /min at night', '71 /min at lunch'].map(toUtf8) as [Bytes, Bytes]
    const seal = (text: Bytes) => ibpre.encrypt(text, { parameters, identity: 'alice', type: 'heart' }, stuck)
    const [left, right] = (await Promise.all(texts.map((text) => seal(text)))).map((bytes) =>
      bytes.slice(-32, -16),
    ) as [Bytes, Bytes]
    const xor = (a: Uint8Array, b: Uint8Array) => toHex(a.map((byte, i) => byte ^ (b[i] as number)))
    expect(xor(left, right)).not.toBe(xor(texts[0], texts[1]))
  })
})

describe('bytes of the caller’s', () => {
  const identity = 'alice'
  const type = 'heart'
  const alice = ibpre.keyGen({ ...centre, identity })
  const text = toUtf8('44 /min')

  it('may hold another key or re-key the next time, or none', async () => {
    const sealed = await ibpre.encrypt(text, { parameters, identity, type })
    const secretKey = copyBytes(alice) as IbBytes<'SecretKey'>
    expect(await ibpre.decrypt(sealed, { parameters, secretKey })).toEqual(text)
    secretKey.set(ibpre.keyGen({ ...centre, identity: 'carol' }))
    await expect(ibpre.decrypt(sealed, { parameters, secretKey })).rejects.toMatchObject({
      code: 'ERR_DECRYPTION_FAILED',
    })
    secretKey.fill(0)
    await expect(ibpre.decrypt(sealed, { parameters, secretKey })).rejects.toThrow()

    const reKey = ibpre.reKeyGen({ parameters, secretKey: alice, toIdentity: 'bob', type })
    expect(codeOf(() => ibpre.reEncrypt(sealed, { parameters, reKey }))).toBe('returned')
    reKey.set(ibpre.reKeyGen({ parameters, secretKey: alice, toIdentity: 'bob', type: 'sugar' }).subarray(0, 60), 0)
    expect(codeOf(() => ibpre.reEncrypt(sealed, { parameters, reKey }))).not.toBe('returned')
  })

  it('may change while they are sealed, long ones too', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june })
    const opener = createEpochOpener(decapsulate(sealer.capsule, owner.keys))
    for (const length of [16, 65_536]) {
      const data = new Uint8Array(length).fill(1)
      const [record, ciphertext] = [sealer.seal('one', data), ibpre.encrypt(data, { parameters, identity, type })]
      data.fill(2)
      expect((await opener.open('one', await record))[0]).toBe(1)
      expect((await ibpre.decrypt(await ciphertext, { parameters, secretKey: alice }))[0]).toBe(1)
    }
  })
})

describe('checks of the identity-based scheme', () => {
  const secretKey = ibpre.keyGen({ ...centre, identity: 'alice' })
  const signature = ibpre.authSign(toUtf8('text'), { parameters, secretKey })
  const junk = [undefined, null, 5, {}, '\ud800', '', 'a\u0301']

  it('answer false to what is no text, no message and no key', () => {
    for (const value of junk) {
      const identity = value as string
      expect(ibpre.verifyKey({ parameters, secretKey, identity })).toBe(false)
      expect(ibpre.verifyKey({ parameters, secretKey: value as never, identity: 'alice' })).toBe(false)
      expect(ibpre.authVerify(toUtf8('text'), { parameters, identity, signature })).toBe(false)
      expect(ibpre.authVerify(value as never, { parameters, identity: 'alice', signature })).toBe(false)
      expect(ibpre.authVerify(toUtf8('text'), { parameters, identity: 'alice', signature: value as never })).toBe(false)
    }
    expect(codeOf(() => ibpre.authSign('text' as never, { parameters, secretKey }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('answer false where a hostile centre left no point for an identity', () => {
    // F(i) = g^a * g^(b*i) is the identity when a = -b*i.
    const i = identityScalar('alice')
    const hostile = copyBytes(parameters)
    const negative = (BLS_GROUP_ORDER - i) as BlsScalar
    hostile.set(groups.encodeG1(groups.multiplyBaseG1(negative)), 6)
    hostile.set(groups.encodeG1(groups.g1), 56)
    hostile.set(groups.encodeG2(groups.multiplyBaseG2(negative)), 206)
    hostile.set(groups.encodeG2(groups.g2), 304)
    const read = parseIbObject('parameters', hostile)
    if (!read.ok) throw new Error(read.message)
    const of = { parameters: read.value, identity: 'alice' }
    expect(ibpre.authVerify(toUtf8('text'), { ...of, signature })).toBe(false)
    expect(ibpre.verifyKey({ ...of, secretKey })).toBe(false)
  })

  it('look at lists that are not longer than there are centres', () => {
    const { shares, commitments } = ibpre.splitMasterKey({ masterKey, threshold: 2, total: 2 })
    const [keyShare] = shares.map((masterShare) => ibpre.keyGenShare({ parameters, masterShare, identity: 'alice' }))
    const of = { parameters, identity: 'alice', keyShare: keyShare as Bytes }
    expect(ibpre.verifyKeyShare({ ...of, commitments })).toBe(true)
    const many = Array.from({ length: 16 }, () => commitments[0] as Bytes)
    expect(ibpre.verifyKeyShare({ ...of, commitments: many })).toBe(false)
    const keyShares = Array.from({ length: 17 }, () => keyShare as Bytes)
    expect(codeOf(() => ibpre.combineKeyShares({ ...of, keyShares }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('ask for a kind that there is, and for bytes', () => {
    expect(codeOf(() => parseIbObject('master-key' as never, masterKey, { parameters }))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOfResult(parseIbObject('parameters', 'text' as never))).toBe('ERR_CODEC_MALFORMED')
    expect(codeOfResult(parseIbObject('parameters', new Uint8Array(2_000)))).not.toBe('accepted')
    expect(codeOfResult(parseIbObject('parameters', flipBit(parameters, 100)))).not.toBe('accepted')
  })
})

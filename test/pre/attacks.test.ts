import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import {
  createEpochSealer,
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  parsePreObject,
  reEncrypt,
  verifyCapsule,
  verifyCapsuleFragment,
  verifyReEncryptionKey,
  verifyReKeyFragment,
  type Capsule,
  type CapsuleFragment,
  type Condition,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
  type ReKeyFragment,
} from '../../src/pre/index.ts'
import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { toHex, toUtf8, type Bytes } from '../../src/primitives/bytes.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import type { G1Element, G2Element, GtElement } from '../../src/primitives/pairing-groups.ts'
import { splitCore, createCapsule, joinCore } from '../../src/pre/capsule.ts'
import { blindingOf } from '../../src/pre/delegate.ts'
import { secretOf } from '../../src/pre/keys.ts'
import { assembleReKey, termsOf } from '../../src/pre/re-key.ts'
import { capsuleScalar, conditionPoint, maskMessage } from '../../src/pre/transcript.ts'
import { toBytes } from '../support/bls.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { propertyRuns } from '../support/property.ts'
import { craftCapsule, craftConverted, groups, invert, openWith, pairOne, sharedFor, unchecked } from './crafting.ts'
import {
  checkReKey,
  convertFor,
  delegateTo,
  END_MS,
  flipBit,
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

const refused = 'ERR_DECRYPTION_FAILED'
const to = { to: owner.keys.publicKey, condition: june }
const openByOwner = (capsule: Capsule) => codeOf(() => decapsulate(capsule, owner.keys))
const openByDelegatee = (converted: ReEncryptedCapsule) => codeOf(() => decapsulate(converted, institution))

/** Every bit at night; every seventh, which meets each bit of a byte, in a run of a minute. */
const STRIDE = propertyRuns().numRuns > 1_000 ? 1 : 7

function flips(bytes: Uint8Array): readonly Uint8Array[] {
  const flipped: Uint8Array[] = []
  for (let bit = 0; bit < 8 * bytes.length; bit += STRIDE) flipped.push(flipBit(bytes, bit))
  return flipped
}

describe('one bit turned', { timeout: 600_000 }, () => {
  const reKey = delegateTo()
  const { capsule } = sealFor(june, { associatedData: toUtf8('w7') })

  it('in a capsule: neither the check nor the owner accepts it', () => {
    const codes = new Map<string, number>()
    for (const bytes of flips(capsule.bytes)) {
      const parsed = parsePreObject('capsule', bytes)
      const code = parsed.ok ? openByOwner(parsed.value) : parsed.code
      codes.set(code, (codes.get(code) ?? 0) + 1)
      expect(parsed.ok && verifyCapsule(parsed.value)).toBe(false)
    }
    // Reading refuses what is no such object; everything else has one code.
    const read = [...codes.keys()].filter((code) => !code.startsWith('ERR_CODEC_'))
    expect(read).toEqual([refused])
    expect(codes.get(refused)).toBeGreaterThan((8 * (144 + 48)) / STRIDE)
  })

  it('in a converted capsule: the delegatee does not accept it', () => {
    const converted = reEncrypt(capsule, reKey)
    expect(openByDelegatee(converted)).toBe('returned')
    const codes = new Map<string, number>()
    for (const bytes of flips(converted.bytes)) {
      const parsed = parsePreObject('re-encrypted-capsule', bytes)
      const code = parsed.ok ? openByDelegatee(parsed.value) : parsed.code
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    const read = [...codes.keys()].filter((code) => !code.startsWith('ERR_CODEC_'))
    expect(read).toEqual([refused])
    expect(codes.get(refused)).toBeGreaterThan((8 * (480 + 48 + 48 + 32 + 32)) / STRIDE)
  })

  it('in a re-key: the proxy does not accept it; only the hint of the signature says nothing', () => {
    const { bytes } = reKey
    let accepted = 0
    for (const [i, changed] of flips(bytes).entries()) {
      const parsed = parsePreObject('re-encryption-key', changed)
      const holds = parsed.ok && verifyReEncryptionKey(parsed.value, { signer: owner.signer.did, nowMs: NOW_MS })
      if (holds) accepted++
      expect(holds && i * STRIDE < 8 * (bytes.length - 1)).toBe(false)
    }
    expect(accepted).toBeLessThanOrEqual(8)
  })
})

describe('capsules made of parts of others', () => {
  const one = sealFor().capsule
  const two = sealFor().capsule
  const parts = splitCore(one)
  const others = splitCore(two)
  const rebuilt = (change: Partial<typeof parts>): Capsule =>
    createCapsule({ ...one, core: joinCore({ ...parts, ...change }) })

  it.each([
    ['masks', { masked: others.masked }],
    ['points', { point: others.point }],
    ['challenges', { challenge: others.challenge }],
    ['responses', { response: others.response }],
    ['proofs', { challenge: others.challenge, response: others.response }],
    ['everything but the mask', { ...others, masked: parts.masked }],
  ])('%s swapped', (_, change) => {
    const capsule = rebuilt(change)
    expect(verifyCapsule(capsule)).toBe(false)
    expect(openByOwner(capsule)).toBe(refused)
  })

  it('scalars of the proof are in range: zero, the order and beyond are none', () => {
    for (const scalar of [0n, BLS_GROUP_ORDER, BLS_GROUP_ORDER + 1n]) {
      const bytes = toBytes(scalar, 32)
      for (const change of [{ challenge: bytes }, { response: bytes }]) {
        expect(verifyCapsule(rebuilt(change))).toBe(false)
        expect(openByOwner(rebuilt(change))).toBe(refused)
      }
    }
  })

  it('the point is one of the subgroup, in its one encoding', () => {
    const { Point } = bls12_381.G1
    const flagged = Uint8Array.from(parts.point)
    flagged[0] = (flagged[0] as number) & 0x7f
    const beyond = toBytes(bls12_381.fields.Fp.ORDER + 4n, 48)
    beyond[0] = (beyond[0] as number) | 0x80
    const stray = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((x) => {
      const bytes = toBytes(x, 48)
      bytes[0] = 0x80
      return bytes
    })
    for (const point of [Point.ZERO.toBytes(true), flagged, beyond, ...stray].map((bytes) => Uint8Array.from(bytes))) {
      expect(verifyCapsule(rebuilt({ point }))).toBe(false)
      expect(openByOwner(rebuilt({ point }))).toBe(refused)
    }
  })

  it('another condition, owner or associated data in front of it', () => {
    const moved = [
      createCapsule({ ...one, conditions: [july] }),
      createCapsule({ ...one, delegator: keysOf('another owner', 'delegator').publicKey }),
      createCapsule({ ...one, associatedData: toUtf8('x') }),
    ]
    for (const capsule of moved) {
      expect(verifyCapsule(capsule)).toBe(false)
      expect(openByOwner(capsule)).toBe(refused)
    }
  })
})

describe('reading', () => {
  const objects = [
    ['capsule', sealFor().capsule.bytes],
    ['re-encryption-key', delegateTo().bytes],
    ['re-encrypted-capsule', reEncrypt(sealFor().capsule, delegateTo()).bytes],
  ] as const

  it.each(objects)('%s: refuses truncations, bytes behind, another version, suite and kind', (kind, bytes) => {
    for (let length = 0; length < bytes.length; length += 7) {
      expect(codeOfResult(parsePreObject(kind, bytes.subarray(0, length)))).toMatch(/^ERR_CODEC_/)
    }
    expect(codeOfResult(parsePreObject(kind, Uint8Array.of(...bytes, 0)))).toBe('ERR_CODEC_TRAILING_BYTES')
    for (const position of [1, 2, 3]) {
      const changed = Uint8Array.from(bytes)
      changed[position] = 9
      expect(codeOfResult(parsePreObject(kind, changed))).toBe('ERR_CODEC_VERSION')
    }
    for (const [other, foreign] of objects) {
      if (other !== kind) expect(codeOfResult(parsePreObject(kind, foreign))).not.toBe('accepted')
    }
    expect(codeOfResult(parsePreObject(kind, undefined as unknown as Uint8Array))).toBe('ERR_CODEC_MALFORMED')
    // A length field that promises more than there is.
    expect(
      codeOfResult(parsePreObject(kind, Uint8Array.of(0x87, 1, 1, 1, 0x5b, 255, 255, 255, 255, 255, 255, 255, 255))),
    ).toMatch(/^ERR_CODEC_/)
  })

  it('asks for a kind that there is', () => {
    expect(codeOf(() => parsePreObject('toString' as 'capsule', new Uint8Array(1)))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('dishonest makers of capsules', () => {
  const message = new Uint8Array(32).fill(1)
  const other = new Uint8Array(32).fill(2)
  const key = delegateTo()

  it('a point of their own choice, with a proof: neither side opens it', () => {
    const capsule = craftCapsule({ messages: [message], scalar: () => 12_345n as BlsScalar })
    expect(verifyCapsule(capsule)).toBe(true)
    expect(openByOwner(capsule)).toBe(refused)
    if (!verifyCapsule(capsule)) throw new Error('refused')
    expect(openByDelegatee(reEncrypt(capsule, key))).toBe(refused)
  })

  it('a proof that does not follow from the message: neither side opens it', () => {
    const honest = craftCapsule({ messages: [message] })
    expect(openByOwner(honest)).toBe('returned')
    const capsule = craftCapsule({ messages: [message], nonceFrom: other })
    if (!verifyCapsule(capsule)) throw new Error('refused')
    expect(openByOwner(capsule)).toBe(refused)
    expect(openByDelegatee(reEncrypt(capsule, key))).toBe(refused)
  })

  it('together with the proxy: what the owner refuses, the delegatee refuses too', () => {
    // The mask comes from another scalar than the point, and the proxy converts that one.
    const facts = { delegator: owner.keys.publicKey, conditions: [june], associatedData: new Uint8Array(0) }
    const maskScalar = 777n as BlsScalar
    const capsule = craftCapsule({ messages: [message], maskScalar })
    const element = pairOne(groups.multiplyBaseG1(maskScalar), groups.parseG2(key.element) as G2Element)
    const converted = craftConverted(capsule, key, element)
    // The message comes out, and the point is the one that it gives: only K itself tells.
    const point = splitCore(capsule).point
    const shared = groups.encodeGt(sharedFor(june, maskScalar))
    const found = maskMessage(splitCore(capsule).masked[0] as Bytes, shared, { facts, condition: june, point })
    expect(toHex(found)).toBe(toHex(message))
    expect(toHex(groups.encodeG1(groups.multiplyBaseG1(capsuleScalar(found, facts))))).toBe(toHex(point))
    expect(openByOwner(capsule)).toBe(refused)
    expect(openByDelegatee(converted)).toBe(refused)
  })

  it('two messages under two conditions: never two keys', () => {
    for (const from of [0, 1]) {
      const capsule = craftCapsule({ conditions: [june, july], messages: [message, other], from })
      if (!verifyCapsule(capsule)) throw new Error('refused')
      const codes = capsule.conditions.map((condition) =>
        openByDelegatee(reEncrypt(capsule, delegateTo(institution.publicKey, condition))),
      )
      // The mask whose message gives r opens, and the owner opens what any delegatee does.
      expect(codes).toEqual(from === 0 ? ['returned', refused] : [refused, 'returned'])
      expect(openByOwner(capsule)).toBe('returned')
    }
  })
})

describe('dishonest proxies', () => {
  const key = delegateTo()
  const { capsule } = sealFor()
  const element = groups.parseGt(reEncrypt(capsule, key).element) as GtElement

  it.each([
    ['the square of T', groups.multiplyGt(element, element) as GtElement],
    ['the inverse of T', groups.invertGt(element)],
    ['T of another capsule', groups.parseGt(reEncrypt(sealFor().capsule, key).element) as GtElement],
    ['T of another re-key', groups.parseGt(reEncrypt(capsule, delegateTo()).element) as GtElement],
    ['any other element', sharedFor(june, 5n)],
    ['nothing at all', new Uint8Array(288)],
  ])('give %s: the delegatee refuses', (_, wrong) => {
    expect(openByDelegatee(craftConverted(capsule, key, wrong))).toBe(refused)
  })

  it('convert another condition by force: the delegatee gets nothing', () => {
    const secret = sealFor(july)
    const point = groups.parseG1(splitCore(secret.capsule).point) as G1Element
    const forced = pairOne(point, groups.parseG2(key.element) as G2Element)
    const honest = delegateTo(institution.publicKey, july)
    expect(openByDelegatee(craftConverted(secret.capsule, honest, forced))).toBe(refused)
    const { scalar } = secretOf(institution, 'delegatee')
    const shared = groups.encodeG1(groups.multiplyG1(groups.parseG1(key.ephemeral) as G1Element, scalar))
    const conditionKey = groups.multiplyG2(
      groups.parseG2(key.element) as G2Element,
      invert(blindingOf(shared, termsOf(key))),
    )
    expect(openWith(conditionKey, secret.capsule, july)).toBeUndefined()
  })

  it('change a term of the re-key: accounts, key record, end, id, position', () => {
    const converted = reEncrypt(capsule, key)
    const changed: readonly ReEncryptedCapsule[] = [
      { ...converted, delegatorAccount: signerOf('another').did },
      { ...converted, delegateeAccount: signerOf('another').did },
      { ...converted, delegateeKeys: new Uint8Array(32) as unknown as Digest32 },
      { ...converted, expiresAtMs: END_MS + 1 },
      { ...converted, reKeyId: delegateTo().id },
      { ...converted, ephemeral: delegateTo().ephemeral },
      { ...converted, condition: july },
      { ...converted, delegatee: stranger.publicKey },
      { ...converted, delegator: stranger.publicKey },
    ]
    for (const object of changed) expect(openByDelegatee(object)).toBe(refused)
  })

  it('send elements of order 37 and 4513: refused before any power with a secret', () => {
    const { Fp12, Fp6 } = bls12_381.fields
    const p = bls12_381.fields.Fp.ORDER
    const some = Fp12.fromBigTwelve([3n, 1n, 4n, 1n, 5n, 9n, 2n, 6n, 5n, 3n, 5n, 8n])
    const compress = (f: typeof some) => Fp6.toBytes(Fp6.mul(Fp6.add(Fp6.ONE, f.c0), Fp6.inv(f.c1)))
    let powers = 0
    const spying = {
      ...groups,
      powerGt: (base: GtElement, exponent: BlsScalar) => {
        powers++
        return groups.powerGt(base, exponent)
      },
    }
    for (const order of [37n, 4513n]) {
      const element = compress(Fp12.pow(some, (p ** 12n - 1n) / order))
      const converted = craftConverted(capsule, key, element)
      expect(codeOf(() => decapsulate(converted, institution, { groups: spying }))).toBe(refused)
    }
    expect(powers).toBe(0)
    expect(codeOf(() => decapsulate(reEncrypt(capsule, key), institution, { groups: spying }))).toBe('returned')
    expect(powers).toBe(1)
  })
})

describe('re-keys', () => {
  const options = { signer: owner.signer.did, nowMs: NOW_MS }
  const key = delegateTo()
  const wrong: readonly (readonly [string, Partial<typeof key>])[] = [
    ['condition', { condition: july }],
    ['owner', { delegator: keysOf('another owner', 'delegator').publicKey }],
    ['delegatee', { delegatee: stranger.publicKey }],
    ['ephemeral point', { ephemeral: delegateTo().ephemeral }],
    ['identity as ephemeral point', { ephemeral: Uint8Array.from(bls12_381.G1.Point.ZERO.toBytes(true)) }],
    ['element of another condition', { element: delegateTo(institution.publicKey, july).element }],
    ['element of another re-key', { element: delegateTo().element }],
    ['commitment', { commitment: delegateTo().commitment }],
    ['signature', { signature: delegateTo().signature }],
    ['end', { expiresAtMs: END_MS + 1 }],
  ]
  const changed = (change: Partial<typeof key>) => assembleReKey({ ...key, element: key.element, ...change })

  it.each(wrong)('with another %s are refused', (_, change) => {
    expect(verifyReEncryptionKey(changed(change), options)).toBe(false)
  })

  it('signed by the owner with an identity inside are refused too', () => {
    // What a faulty owner could sign: the check does not rest on the signature alone.
    const identity = Uint8Array.from(bls12_381.G1.Point.ZERO.toBytes(true))
    for (const change of [{ ephemeral: identity }, { commitment: identity }, { delegatee: owner.keys.publicKey }]) {
      const verifier = { verify: () => true }
      expect(verifyReEncryptionKey(changed(change), { ...options, verifier })).toBe(false)
    }
    expect(verifyReEncryptionKey(changed({}), { ...options, verifier: { verify: () => true } })).toBe(true)
  })

  it('whose X is not of the owner are refused by the delegatee', () => {
    // The owner's own mischief: X and rk belong together, but not to y. The delegatee recomputes X.
    const other = delegateTo()
    const mixed = changed({ commitment: other.commitment, element: other.element })
    const { capsule } = sealFor()
    const element = pairOne(
      groups.parseG1(splitCore(capsule).point) as G1Element,
      groups.parseG2(mixed.element) as G2Element,
    )
    expect(openByDelegatee(craftConverted(capsule, mixed, element))).toBe(refused)
  })
})

describe('collusion of proxy and delegatee', () => {
  const key = delegateTo()
  const { scalar: secret } = secretOf(institution, 'delegatee')
  const shared = groups.encodeG1(groups.multiplyG1(groups.parseG1(key.ephemeral) as G1Element, secret))
  const blinding = blindingOf(shared, termsOf(key))
  const conditionKey = groups.multiplyG2(groups.parseG2(key.element) as G2Element, invert(blinding))

  it('opens everything of that condition', () => {
    for (let i = 0; i < 5; i++) {
      const { capsule, key: inside } = sealFor()
      expect(toHex(openWith(conditionKey, capsule) as Bytes)).toBe(toHex(inside))
    }
  })

  it('opens none of 500 records of other conditions and owners (10,000 at night)', { timeout: 600_000 }, () => {
    const count = propertyRuns().numRuns > 1_000 ? 10_000 : 500
    const owners = [owner.keys, keysOf('another owner', 'delegator')]
    const conditions = Array.from({ length: 12 }, (_, i): Condition => ({ type: `type ${i >> 1}`, epoch: `${i & 1}` }))
    const lines = groups.prepareG2(conditionKey)
    let opened = 0
    for (let i = 0; i < count; i++) {
      const to = (owners[i & 1] as typeof owner.keys).publicKey
      const condition = conditions[i % conditions.length] as Condition
      const { capsule } = encapsulate({ to, condition })
      if (openWith(lines, capsule, condition) !== undefined) opened++
    }
    expect(opened).toBe(0)
  })

  it('opens the same condition of no other owner', () => {
    const to = keysOf('another owner', 'delegator').publicKey
    expect(openWith(conditionKey, encapsulate({ to, condition: june }).capsule)).toBeUndefined()
  })

  it('with re-keys for two conditions opens no third', () => {
    const otherKey = delegateTo(institution.publicKey, july)
    const sharedOther = groups.encodeG1(groups.multiplyG1(groups.parseG1(otherKey.ephemeral) as G1Element, secret))
    const second = groups.multiplyG2(
      groups.parseG2(otherKey.element) as G2Element,
      invert(blindingOf(sharedOther, termsOf(otherKey))),
    )
    const third: Condition = { ...june, epoch: '2026-08' }
    const { capsule } = sealFor(third)
    const minus = (BLS_GROUP_ORDER - 1n) as BlsScalar
    const combinations = [
      groups.addG2(conditionKey, second),
      groups.addG2(conditionKey, groups.multiplyG2(second, minus)),
      groups.addG2(groups.multiplyG2(second, 2n as BlsScalar), groups.multiplyG2(conditionKey, minus)),
      groups.addG2(groups.parseG2(key.element) as G2Element, groups.parseG2(otherKey.element) as G2Element),
    ] as readonly G2Element[]
    for (const combined of combinations) expect(openWith(combined, capsule, third)).toBeUndefined()
  })

  it('does not give the secret of the owner, as it does where re-keys hold a multiple of it', () => {
    const scalars = [blinding, invert(blinding), secret, invert(secret)]
    const products = scalars.flatMap((left) => scalars.map((right) => (left * right) % BLS_GROUP_ORDER))
    for (const scalar of [...scalars, ...products] as bigint[] as BlsScalar[]) {
      expect(toHex(groups.encodeG1(groups.multiplyBaseG1(scalar)))).not.toBe(toHex(owner.keys.publicKey))
    }
    // What it gives is the key of the condition, and that is a point.
    const expected = groups.multiplyG2(
      conditionPoint(groups, owner.keys.publicKey, june),
      secretOf(owner.keys, 'delegator').scalar,
    )
    expect(toHex(groups.encodeG2(conditionKey))).toBe(toHex(groups.encodeG2(expected)))
  })

  it('makes no re-key for another delegatee that holds: it cannot sign', () => {
    const forged = createReEncryptionKey({
      keys: keysOf('proxy', 'delegator'),
      signer: signerOf('proxy'),
      to: { publicKey: stranger.publicKey },
      condition: june,
      expiresAtMs: END_MS,
    })
    const asOwners = { ...forged, delegator: owner.keys.publicKey, delegatorAccount: owner.signer.did }
    expect(verifyReEncryptionKey(asOwners, { signer: owner.signer.did, nowMs: NOW_MS })).toBe(false)
  })
})

describe('a second hop', () => {
  it('is refused: a converted capsule is no capsule', () => {
    const key = delegateTo()
    const converted = convertFor(sealFor().capsule, key)
    expect(verifyCapsule(converted as unknown as Capsule)).toBe(false)
    expect(codeOfResult(parsePreObject('capsule', converted.bytes))).not.toBe('accepted')
    expect(codeOf(() => reEncrypt(unchecked(converted as unknown as Capsule), key))).not.toBe('returned')
  })

  it('is refused: a re-key of the delegatee does not fit what is the owner’s', () => {
    const { capsule } = sealFor()
    const second = createReEncryptionKey({
      keys: keysOf('institution', 'delegator'),
      signer: signerOf('institution'),
      to: { publicKey: stranger.publicKey },
      condition: june,
      expiresAtMs: END_MS,
    })
    if (!verifyReEncryptionKey(second, { signer: signerOf('institution').did, nowMs: NOW_MS })) throw new Error('no')
    expect(codeOf(() => reEncrypt(capsule, second))).toBe('ERR_PRE_CONDITION_MISMATCH')
    const inside = unwrap(parsePreObject('capsule', reEncrypt(capsule, delegateTo()).capsule.bytes))
    if (!verifyCapsule(inside)) throw new Error('no')
    expect(codeOf(() => reEncrypt(inside, second))).toBe('ERR_PRE_CONDITION_MISMATCH')
  })
})

describe('randomness', () => {
  it('that is all zero is refused', () => {
    const zeros = (byteCount: number) => new Uint8Array(byteCount)
    expect(codeOf(() => sealFor(june, { random: zeros }))).toBe('ERR_CRYPTO_NO_RANDOM')
    expect(codeOf(() => delegateTo(institution.publicKey, june, zeros))).toBe('ERR_CRYPTO_NO_RANDOM')
  })

  it('that repeats gives the same capsule again, and another one for another condition', () => {
    const [one, two, three] = [june, june, july].map((condition) => sealFor(condition, { random: seededRandom('r') }))
    expect(toHex(one?.capsule.bytes as Bytes)).toBe(toHex(two?.capsule.bytes as Bytes))
    expect(toHex(three?.key as Bytes)).not.toBe(toHex(one?.key as Bytes))
    expect(toHex(three?.capsule.core as Bytes)).not.toContain(toHex((one?.capsule.core as Bytes).subarray(0, 48)))
  })

  it('that repeats never gives two delegatees one ephemeral point', () => {
    const points = [institution, stranger].flatMap(({ publicKey }) =>
      [june, july].map((condition) => toHex(delegateTo(publicKey, condition, seededRandom('r')).ephemeral)),
    )
    expect(new Set(points).size).toBe(4)
    const again = delegateTo(institution.publicKey, june, seededRandom('r'))
    expect(points).toContain(toHex(again.ephemeral))
  })

  it('that repeats over two ends of one delegation gives two ephemeral points', () => {
    const make = (expiresAtMs: number) =>
      createReEncryptionKey(
        { ...owner, to: { publicKey: institution.publicKey }, condition: june, expiresAtMs },
        seededRandom('r'),
      )
    expect(toHex(make(END_MS).ephemeral)).not.toBe(toHex(checkReKey(make(END_MS + 1)).ephemeral))
  })
})

describe('records sealed twice under one id', () => {
  it('share neither key nor nonce', async () => {
    const sealer = createEpochSealer({ to: owner.keys.publicKey, condition: june })
    const [left, right] = [toUtf8('44 /min and more'), toUtf8('91 /min and more')]
    const count = 50
    const sealed = await Promise.all(
      Array.from({ length: count }, (_, i) => sealer.seal('reading-1', i % 2 === 0 ? left : right)),
    )
    const xor = (a: Uint8Array, b: Uint8Array) => toHex(a.map((byte, i) => byte ^ (b[i] as number)))
    const bodies = sealed.map((bytes) => bytes.subarray(bytes.length - 32, bytes.length - 16))
    const differences = new Set<string>()
    for (let i = 1; i < count; i++) differences.add(xor(bodies[i - 1] as Uint8Array, bodies[i] as Uint8Array))
    // With one key and nonce every neighbour would differ by the same: that of the texts.
    expect(differences.size).toBe(count - 1)
    expect(differences).not.toContain(xor(left, right))
    expect(new Set(sealed.map((bytes) => toHex(bytes.subarray(0, 80)))).size).toBe(count)
  })
})

describe('checks', () => {
  it('answer false to what is no such object', () => {
    const options = { signer: owner.signer.did, nowMs: NOW_MS }
    for (const junk of [undefined, null, {}, 'capsule', sealFor().capsule.bytes] as unknown[]) {
      expect(verifyCapsule(junk as Capsule)).toBe(false)
      expect(verifyReEncryptionKey(junk as ReEncryptionKey, options)).toBe(false)
      expect(verifyReKeyFragment(junk as ReKeyFragment, options)).toBe(false)
      expect(verifyCapsuleFragment(junk as CapsuleFragment, options)).toBe(false)
    }
  })

  it('answer false to a capsule under another id, and to an encoding of another', () => {
    const [one, two] = [sealFor().capsule, sealFor().capsule]
    expect(verifyCapsule({ ...two })).toBe(true)
    expect(verifyCapsule({ ...two, id: one.id })).toBe(false)
    expect(verifyCapsule({ ...two, bytes: one.bytes })).toBe(false)
    expect(codeOf(() => encapsulate({ ...to, associatedData: 'text' as unknown as Uint8Array }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
  })
})

describe('keys of proxy re-encryption', () => {
  it('sign nothing: no function of the module takes one and a message', async () => {
    const surface = await import('../../src/pre/index.ts')
    expect(Object.keys(surface).filter((name) => /sign/i.test(name))).toEqual([])
    expect(JSON.stringify(owner.keys)).not.toContain('secret')
  })
})

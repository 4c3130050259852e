import { hash_to_field } from '@noble/curves/abstract/hash-to-curve.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { sha256 } from '@noble/hashes/sha2.js'
import * as mcl from 'mcl-wasm'
import { beforeAll, describe, expect, it } from 'vitest'

import { unwrap } from '../../../src/errors.ts'
import {
  createPreKeyPair,
  decapsulate,
  encapsulate,
  parsePreObject,
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type IbBytes,
} from '../../../src/pre/index.ts'
import { parametersOf, identityInG1 } from '../../../src/pre/ib-parameters.ts'
import { secretOfIdentity } from '../../../src/pre/ib-keys.ts'
import { BLS_GROUP_ORDER, type PreSecret } from '../../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../../src/primitives/bls12-381.ts'
import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { toCanonical, type Fp12 } from '../../../src/primitives/fp12.ts'
import type { G1Element, G2Element, GtElement } from '../../../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../../../src/primitives/portable-groups.ts'
import { createSigner } from '../../../src/primitives/signature.ts'
import { vectorRandom } from './make.ts'
import {
  condition,
  conditionInput,
  delegateeSecret,
  derive,
  digestOf,
  facts,
  message,
  ownerSecret,
  scalarOf,
  termsOf,
} from './transcripts.ts'
import published from './vectors.json' with { type: 'json' }

// The published vectors, computed by mcl (C++ compiled to WebAssembly): its field, its curves, its map to G2, its pairing.
const { cpre } = published
const groups = createPairingGroups()
const { Fp, Fp6, Fp12: CurveFp12 } = bls12_381.fields

beforeAll(async () => {
  await mcl.init(mcl.BLS12_381)
  mcl.setETHserialization(true)
  mcl.setMapToMode(mcl.IRTF)
})

const scalar = (value: bigint): mcl.Fr => {
  const result = new mcl.Fr()
  result.setStr((value % BLS_GROUP_ORDER).toString(16), 16)
  return result
}
const inG1 = (bytes: Uint8Array): mcl.G1 => {
  const result = new mcl.G1()
  result.deserialize(bytes)
  return result
}
const inG2 = (bytes: Uint8Array): mcl.G2 => {
  const result = new mcl.G2()
  result.deserialize(bytes)
  return result
}
const g = () => inG1(bls12_381.G1.Point.BASE.toBytes(true))
const h = () => inG2(bls12_381.G2.Point.BASE.toBytes(true))
const hex = (element: { serialize(): Uint8Array }) => toHex(Uint8Array.from(element.serialize()))

/** Twelve coefficients of an element of mcl's. */
const coefficients = (element: mcl.GT) => element.getStr(16).split(' ')
const ours = (element: GtElement) => toCanonical(element as unknown as Fp12).map((value) => value.toString(16))

/** The 288 bytes of an element of mcl's. */
function compress(element: mcl.GT): string {
  const twelve = coefficients(element).map((value) => BigInt(`0x${value}`))
  const { c0, c1 } = CurveFp12.fromBigTwelve(twelve as Parameters<typeof CurveFp12.fromBigTwelve>[0])
  return toHex(Uint8Array.from(Fp6.toBytes(Fp6.mul(Fp6.add(Fp6.ONE, c0), Fp6.inv(c1)))))
}

/** An element of mcl's from 288 bytes. */
function inGt(bytes: Uint8Array): mcl.GT {
  const result = new mcl.GT()
  result.setStr(ours(groups.parseGt(bytes) as GtElement).join(' '), 16)
  return result
}

/** RFC 9380 with mcl's map: the hash of the message are four elements of Fp. */
function hashToG2({ message, DST }: typeof conditionInput): mcl.G2 {
  const options = { DST, p: Fp.ORDER, m: 2, k: 128, expand: 'xmd', hash: sha256 } as const
  const [left, right] = hash_to_field(message, 2, options).map((pair) => {
    const [a, b] = pair.map((value) => {
      const field = new mcl.Fp()
      field.setStr(value.toString(16), 16)
      return field
    })
    const element = new mcl.Fp2()
    element.set_a(a as mcl.Fp)
    element.set_b(b as mcl.Fp)
    return element.mapToG2()
  })
  return mcl.add(left as mcl.G2, right as mcl.G2)
}

/** Everything that Encaps computes from a message. */
function encapsulateByMcl(from: Uint8Array) {
  const r = scalarOf('encapsulation', from, ...facts)
  const point = mcl.mul(g(), scalar(r))
  const shared = mcl.pow(mcl.pairing(mcl.mul(g(), scalar(ownerSecret)), hashToG2(conditionInput)), scalar(r))
  const masked = unmask(from, shared, point)
  const id = digestOf('capsule', ...facts, fromHex(hex(point)), [masked])
  const n = scalarOf('proof-nonce', 1, from, id)
  const ch = scalarOf('proof-challenge', 1, fromHex(hex(mcl.mul(g(), scalar(n)))), id)
  const s = (n + ch * r) % BLS_GROUP_ORDER
  const words = [ch, s].map((value) => value.toString(16).padStart(64, '0'))
  return { point, shared, id, core: [hex(point), toHex(masked), ...words].join(''), key: capsuleKey(from, id) }
}

/** V from m, and m from V. */
function unmask(masked: Uint8Array, shared: mcl.GT, point: mcl.G1) {
  const mask = derive(fromHex(compress(shared)), 'mask', ...facts, condition, fromHex(hex(point)))
  return Uint8Array.from(masked.map((byte, i) => byte ^ (mask[i] as number)))
}

const capsuleKey = (from: Uint8Array, id: Uint8Array) => toHex(derive(from, 'capsule-key', 1, id))

const reKey = unwrap(parsePreObject('re-encryption-key', fromHex(cpre.reKey)))
const owner = createPreKeyPair(fromHex(cpre.ownerSecret) as PreSecret, 'delegator')
const delegatee = createPreKeyPair(fromHex(cpre.delegateeSecret) as PreSecret, 'delegatee')

/** y, as the delegatee finds it. */
function blinding(key: Parameters<typeof termsOf>[0] = reKey): bigint {
  const shared = mcl.mul(inG1(key.ephemeral), scalar(delegateeSecret))
  return scalarOf('blinding', fromHex(hex(shared)), ...termsOf(key))
}

describe('what mcl computes from the published secrets', () => {
  it('are the public keys, the capsule and its key', () => {
    expect(hex(mcl.mul(g(), scalar(ownerSecret)))).toBe(cpre.ownerPublicKey)
    expect(hex(mcl.mul(g(), scalar(delegateeSecret)))).toBe(cpre.delegateePublicKey)
    const { core, id, key } = encapsulateByMcl(message)
    expect(cpre.capsule.slice(-288)).toBe(core)
    expect(cpre.capsuleId).toBe(toHex(id))
    expect(cpre.key).toBe(key)
  })

  it('are the re-key, its check, and the conversion', () => {
    const y = blinding()
    const q = hashToG2(conditionInput)
    const rk = mcl.mul(q, scalar(ownerSecret * y))
    const x = mcl.mul(g(), scalar(ownerSecret * y))
    expect(hex(rk)).toBe(toHex(reKey.element))
    expect(hex(x)).toBe(toHex(reKey.commitment))
    expect(mcl.pairing(g(), rk).isEqual(mcl.pairing(x, q))).toBe(true)
    const { point, shared } = encapsulateByMcl(message)
    const t = mcl.pairing(point, rk)
    expect(cpre.converted.slice(-576)).toBe(compress(t))
    expect(mcl.pow(t, mcl.inv(scalar(y))).isEqual(shared)).toBe(true)
  })

  it('are the conversions of fragments, and what they combine to', () => {
    const fragments = cpre.reKeyFragments.map((bytes) => unwrap(parsePreObject('re-key-fragment', fromHex(bytes))))
    const parts = cpre.capsuleFragments.map((bytes) => unwrap(parsePreObject('capsule-fragment', fromHex(bytes))))
    const { point, shared } = encapsulateByMcl(message)
    const converted = fragments.map(({ element }) => mcl.pairing(point, inG2(element)))
    expect(converted.map(compress)).toEqual(parts.map(({ element }) => toHex(element)))
    // D = 2! for three proxies; of 2 and 3 the Lagrange coefficients at zero are 3 and -2.
    const [, second, third] = converted as [mcl.GT, mcl.GT, mcl.GT]
    const combined = mcl.mul(mcl.pow(second, scalar(6n)), mcl.pow(third, scalar(BLS_GROUP_ORDER - 4n)))
    expect(cpre.combined.slice(-576)).toBe(compress(combined))
    // A re-key of its own, with an y of its own.
    const y = blinding(fragments[0])
    expect(mcl.pow(combined, mcl.inv(scalar(y))).isEqual(shared)).toBe(true)
  })

  it('agrees with the keys of the identity-based scheme: e(g, d0) = Z * e(F(i), d1)', () => {
    const parameters = parametersOf(fromHex(published.ibpre.parameters) as IbBytes<'Parameters'>, groups)
    const z = mcl.pairing(g(), inG2(masterKeyOf(published.ibpre.masterKey)))
    for (const [name, bytes] of [
      ['alice', published.ibpre.secretKey],
      ['bob', published.ibpre.delegateeKey],
    ] as const) {
      const { d0, d1 } = secretOfIdentity(fromHex(bytes) as IbBytes<'SecretKey'>, groups)
      const identity = inG1(groups.encodeG1(identityInG1(parameters, name)))
      const left = mcl.pairing(g(), inG2(groups.encodeG2(d0)))
      const right = mcl.mul(z, mcl.pairing(identity, inG2(groups.encodeG2(d1))))
      expect(left.isEqual(right)).toBe(true)
    }
  })
})

/** h^c stands last. */
const masterKeyOf = (bytes: string) => fromHex(bytes.slice(-192))

describe('from one to the other', () => {
  it('what mcl seals and converts opens here, for owner and delegatee', () => {
    for (const name of ['one', 'two', 'three']) {
      const made = encapsulateByMcl(vectorRandom(name)(32))
      const bytes = cpre.capsule.replace(cpre.capsule.slice(-288), made.core)
      const capsule = unwrap(parsePreObject('capsule', fromHex(bytes)))
      expect(verifyCapsule(capsule)).toBe(true)
      expect(toHex(decapsulate(capsule, owner))).toBe(made.key)
      const t = compress(mcl.pairing(made.point, inG2(reKey.element)))
      const converted = cpre.converted.replace(cpre.capsule.slice(-288), made.core).slice(0, -576) + t
      const received = unwrap(parsePreObject('re-encrypted-capsule', fromHex(converted)))
      expect(toHex(decapsulate(received, delegatee))).toBe(made.key)
    }
  })

  it('what is sealed and converted here opens with mcl', () => {
    const signer = createSigner(vectorRandom('owner signs')(32)).did
    if (!verifyReEncryptionKey(reKey, { signer, nowMs: 0 })) throw new Error('refused')
    for (let i = 0; i < 3; i++) {
      const associatedData = fromHex(cpre.associatedData)
      const { capsule, key } = encapsulate({ to: owner.publicKey, condition: cpre.condition, associatedData })
      if (!verifyCapsule(capsule)) throw new Error('refused')
      const { element } = reEncrypt(capsule, reKey)
      const shared = mcl.pow(inGt(element), mcl.inv(scalar(blinding())))
      const point = inG1(capsule.core.subarray(0, 48))
      const found = unmask(capsule.core.subarray(48, 80), shared, point)
      expect(hex(point)).toBe(hex(mcl.mul(g(), scalar(scalarOf('encapsulation', found, ...facts)))))
      expect(toHex(key)).toBe(capsuleKey(found, fromHex(capsule.id)))
    }
  })

  it('multiples, powers and pairings are the same', () => {
    const random = vectorRandom('pairs of mcl')
    const some = Array.from({ length: 6 }, () => BigInt(`0x${toHex(random(32))}`) % BLS_GROUP_ORDER)
    for (const k of [1n, 2n, 0xd201000000010000n, BLS_GROUP_ORDER - 1n, ...some]) {
      const [p, q] = [mcl.mul(g(), scalar(k)), mcl.mul(h(), scalar(k))]
      const [p1, q1] = [groups.multiplyG1(groups.g1, k as BlsScalar), groups.multiplyG2(groups.g2, k as BlsScalar)]
      expect(toHex(groups.encodeG1(p1))).toBe(hex(p))
      expect(toHex(groups.encodeG1(groups.multiplyG1Public(groups.g1, k as BlsScalar)))).toBe(hex(p))
      expect(toHex(groups.encodeG1(groups.multiplyBaseG1(k as BlsScalar)))).toBe(hex(p))
      expect(toHex(groups.encodeG2(q1))).toBe(hex(q))
      expect(toHex(groups.encodeG2(groups.multiplyG2Public(groups.g2, k as BlsScalar)))).toBe(hex(q))
      const paired = mcl.pairing(p, h())
      const [read, lines] = [groups.parseG1(fromHex(hex(p))), groups.prepareG2(groups.g2)]
      const own = groups.pair([[read as G1Element, lines]]) as GtElement
      expect(ours(own)).toEqual(coefficients(paired))
      const power = coefficients(mcl.pow(paired, scalar(k)))
      expect(ours(groups.powerGt(own, k as BlsScalar))).toEqual(power)
      expect(ours(groups.powerGtPublic(own, k as BlsScalar))).toEqual(power)
      const other = groups.parseG2(fromHex(hex(q))) as G2Element
      expect(ours(groups.pair([[read as G1Element, groups.prepareG2(other)]]) as GtElement)).toEqual(
        coefficients(mcl.pairing(p, q)),
      )
    }
  })
})

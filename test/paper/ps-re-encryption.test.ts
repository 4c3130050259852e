import { describe, expect, it } from 'vitest'

import { ibpre, type IbBytes } from '../../src/pre/index.ts'
import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import type { G1Element, G2Element, GtElement } from '../../src/primitives/pairing-groups.ts'
import { checkIb, openIb, pointsOf, typeScalar } from '../../src/pre/ib-kem.ts'
import { deriveLevelKey, secretOfIdentity } from '../../src/pre/ib-keys.ts'
import { parametersOf } from '../../src/pre/ib-parameters.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'
import { randomBytes } from '../../src/primitives/random.ts'
import { codeOf } from '../support/failure.ts'
import {
  createDraw,
  decryptFour,
  decryptThree,
  e,
  encryptFour,
  encryptThree,
  g,
  G1,
  G2,
  GT,
  h,
  inverse,
  keyGen,
  modulo,
  reEncryptFour,
  reEncryptThree,
  reKeyGen,
  setup,
  type Decryptor,
  type Key,
} from '../support/printed-re-encryption.ts'

const draw = createDraw(0x9e3779b97f4a7c15f39cc0605cedc834n)
const { master, parameters } = setup(draw)
const [alice, bob, carol, mallory] = [11n, 22n, 33n, 44n].map((id) => keyGen(master, id, draw)) as [Key, Key, Key, Key]
const message = GT.power(e(g, h), draw())
const three = encryptThree(parameters, alice.id, message, draw)
const four = encryptFour(parameters, alice.id, message, draw)
const aliceToBob = reKeyGen(alice, bob.id, draw)

describe('PS 4.2.4, 4.2.8, 4.2.9 as printed', () => {
  it('does not decrypt: the equations of Decrypt do not fit the ciphertext of Encrypt', () => {
    const { c1, c2, c4 } = four
    const numerator = GT.times(c1, e(c2, alice.A2))
    for (const base of [c1, c4]) {
      expect(GT.equal(GT.over(numerator, GT.power(base, alice.A1)), message)).toBe(false)
    }
  })

  it('decrypts in two corrected readings, before and after conversion', () => {
    expect(GT.equal(decryptThree(three, alice), message)).toBe(true)
    expect(GT.equal(decryptThree(reEncryptThree(three, aliceToBob), bob), message)).toBe(true)
    expect(GT.equal(decryptFour(four, alice), message)).toBe(true)
    expect(GT.equal(decryptFour(reEncryptFour(four, aliceToBob), bob), message)).toBe(true)
    expect(GT.equal(decryptThree(three, bob), message)).toBe(false)
    expect(GT.equal(decryptFour(four, bob), message)).toBe(false)
  })
})

/** h^a, h^b, h^c and g^c, from one user's own key. */
function rootsOf(key: Key) {
  const { A1, A2, A3, B1, B2, B3, D1, D2, D3, E3 } = key
  const hu = G2.power(D3, inverse(B3))
  const gu = G1.power(E3, inverse(B3))
  return {
    ha: G2.over(G2.power(hu, B1), D1),
    hb: G2.over(G2.power(hu, B2), D2),
    hc: G2.over(G2.power(hu, A1), A2),
    gc: G1.over(G1.power(gu, A1), A3),
  }
}

describe('attacks on the corrected readings', () => {
  const { ha, hb, hc, gc } = rootsOf(mallory)

  it('1: any one user computes h^c from his own key and reads everybody’s data', () => {
    expect(GT.equal(GT.over(three.c1, e(three.c2, hc)), message)).toBe(true)
    expect(GT.equal(GT.over(GT.over(four.c1, e(four.c2, hc)), e(gc, four.c3)), message)).toBe(true)
  })

  it('2: any one user makes keys for every identity, and re-keys of every victim', () => {
    const alpha = draw()
    const forged = { A1: alpha, A2: G2.over(G2.power(G2.times(ha, G2.power(hb, alice.id)), alpha), hc) }
    expect(GT.equal(decryptThree(three, forged), message)).toBe(true)
    const beta = draw()
    const uOf = (id: bigint) => G2.times(ha, G2.power(hb, id))
    const reKey = { rk1: beta, rk2: G2.over(G2.power(uOf(alice.id), beta), uOf(mallory.id)) }
    expect(GT.equal(decryptThree(reEncryptThree(three, reKey), mallory), message)).toBe(true)
  })

  it('3: two users make the key of a third from the parts that decrypt alone', () => {
    const own: Decryptor = combineKeys([bob, carol], alice.id)
    expect(GT.equal(decryptThree(three, own), message)).toBe(true)
    expect(GT.equal(decryptFour(four, own), message)).toBe(true)
  })

  it('4: a proxy with two re-keys of one owner makes a third, to itself', () => {
    const aliceToCarol = reKeyGen(alice, carol.id, draw)
    const l = modulo((mallory.id - carol.id) * inverse(bob.id - carol.id))
    const reKey = {
      rk1: modulo(l * aliceToBob.rk1 + (1n - l) * aliceToCarol.rk1),
      rk2: G2.times(G2.power(aliceToBob.rk2, l), G2.power(aliceToCarol.rk2, 1n - l)),
      rk3: G1.times(G1.power(aliceToBob.rk3, l), G1.power(aliceToCarol.rk3, 1n - l)),
    }
    expect(GT.equal(decryptThree(reEncryptThree(three, reKey), mallory), message)).toBe(true)
    expect(GT.equal(decryptFour(reEncryptFour(four, reKey), mallory), message)).toBe(true)
  })

  it('5: a proxy and a delegatee make a full key of the owner', () => {
    const full = {
      A1: modulo(bob.A1 * aliceToBob.rk1),
      A2: G2.times(bob.A2, G2.power(aliceToBob.rk2, bob.A1)),
      A3: G1.times(bob.A3, G1.power(aliceToBob.rk3, bob.A1)),
    }
    const later = encryptThree(parameters, alice.id, message, draw)
    expect(GT.equal(decryptThree(later, full), message)).toBe(true)
    expect(GT.equal(decryptFour(four, full), message)).toBe(true)
  })

  it('6: anyone changes the message under the seal', () => {
    const factor = GT.power(e(g, h), 5n)
    expect(GT.equal(decryptThree({ ...three, c1: GT.times(three.c1, factor) }, alice), GT.times(message, factor))).toBe(
      true,
    )
  })

  it('7: a proxy joins two re-keys into a third: delegations go on and on', () => {
    const bobToCarol = reKeyGen(bob, carol.id, draw)
    const joined = {
      rk1: modulo(aliceToBob.rk1 * bobToCarol.rk1),
      rk2: G2.times(G2.power(aliceToBob.rk2, bobToCarol.rk1), bobToCarol.rk2),
    }
    expect(GT.equal(decryptThree(reEncryptThree(three, joined), carol), message)).toBe(true)
  })

  it('8: the key centre reads everything', () => {
    expect(GT.equal(GT.over(three.c1, GT.power(e(three.c2, h), master.c)), message)).toBe(true)
  })
})

/** The line through two keys, in the exponent. */
function combineKeys([left, right]: readonly [Key, Key], id: bigint): Decryptor {
  const [x, y] = [right.A1 * (right.id - id), left.A1 * (left.id - id)]
  const l = modulo(x * inverse(x - y))
  return {
    A1: modulo(l * left.A1 + (1n - l) * right.A1),
    A2: G2.times(G2.power(left.A2, l), G2.power(right.A2, 1n - l)),
    A3: G1.times(G1.power(left.A3, l), G1.power(right.A3, 1n - l)),
  }
}

describe('the same against the repaired scheme', () => {
  const groups = createPairingGroups()
  const centre = ibpre.setup()
  const keyOf = (identity: string) => ibpre.keyGen({ ...centre, identity })
  const [owner, delegatee, third] = ['alice', 'bob', 'carol'].map(keyOf) as [
    IbBytes<'SecretKey'>,
    IbBytes<'SecretKey'>,
    IbBytes<'SecretKey'>,
  ]
  const decoded = parametersOf(centre.parameters, groups)
  const data = toUtf8('44 /min')
  const sealTo = (type: string) => ibpre.encrypt(data, { ...centre, identity: 'alice', type })
  /** Core of a ciphertext for alice: behind the header, the identity and the type. */
  const coreOf = (bytes: Uint8Array, type: string) => {
    const start = 4 + 6 + (1 + type.length) + 2
    return bytes.subarray(start, start + 240)
  }

  function opensWith(levelKey: readonly G2Element[], core: Uint8Array, type: string): boolean {
    const facts = { identity: 'alice', level: { type } }
    const [c0, c1, c2] = checkIb(decoded, facts, core) as readonly [G1Element, G1Element, G1Element]
    const [k0, k1, k2] = levelKey.map((element) => groups.prepareG2(element)) as [never, never, never]
    const shared = groups.pair([
      [c0, k0],
      [groups.negateG1(c1), k1],
      [groups.negateG1(c2), k2],
    ]) as GtElement
    return openIb(decoded, facts, { core, shared }) !== undefined
  }

  it('1 to 3: keys hold no scalar, and lines through two keys are no third', () => {
    const [left, right] = [delegatee, third].map((key) => secretOfIdentity(key, groups))
    for (const l of [2n, 3n, modulo(-1n), inverse(2n), draw()]) {
      const d0 = G2.times(G2.power(left?.d0 as G2Element, l), G2.power(right?.d0 as G2Element, 1n - l))
      const d1 = G2.times(G2.power(left?.d1 as G2Element, l), G2.power(right?.d1 as G2Element, 1n - l))
      const start = 4 + 6
      const forged = new Uint8Array(owner.length)
      forged.set(owner)
      forged.set(groups.encodeG2(d0), start + 2)
      forged.set(groups.encodeG2(d1), start + 2 + 96 + 2)
      expect(ibpre.verifyKey({ ...centre, secretKey: forged, identity: 'alice' })).toBe(false)
    }
  })

  it('4 and 5: a proxy and a delegatee get the key of that type, and of no other', async () => {
    const [rate, hiv] = await Promise.all(['heart rate', 'hiv'].map(sealTo))
    const type = 'heart rate'
    // What they have together: the level key of this type, as Derive makes it.
    const levelKey = deriveLevelKey(decoded, secretOfIdentity(owner, groups), {
      level: typeScalar(type),
      random: randomBytes,
    })
    expect(opensWith(levelKey, coreOf(rate as Uint8Array, type), type)).toBe(true)
    expect(opensWith(levelKey, coreOf(hiv as Uint8Array, 'hiv'), 'hiv')).toBe(false)
    const doubled = levelKey.map((element) => groups.addG2(element, element) as G2Element)
    const second = deriveLevelKey(decoded, secretOfIdentity(owner, groups), {
      level: typeScalar('weight'),
      random: randomBytes,
    })
    const mixed = doubled.map((element, i) => G2.over(element, second[i] as G2Element))
    for (const key of [doubled, mixed]) expect(opensWith(key, coreOf(hiv as Uint8Array, 'hiv'), 'hiv')).toBe(false)
  })

  it('6: nothing under the seal changes, and C2 of another type with the same r does not open', async () => {
    const rate = await sealTo('heart rate')
    const core = coreOf(rate, 'heart rate')
    expect(pointsOf(decoded, core)).toBeDefined()
    expect(checkIb(decoded, { identity: 'alice', level: { type: 'hiv' } }, core)).toBeUndefined()
    expect(checkIb(decoded, { identity: 'bob', level: { type: 'heart rate' } }, core)).toBeUndefined()
  })

  it('two types over one r would let anyone make a third: so no ciphertext holds two', () => {
    // L(w)^r is affine in w: what the scheme must never publish.
    const r = draw() as BlsScalar
    const at = (w: bigint) => G1.power(G1.times(decoded.g1.d, G1.power(decoded.g1.f, w)), r)
    const [w1, w2, w3] = [typeScalar('a'), typeScalar('b'), typeScalar('c')] as readonly bigint[] as [
      bigint,
      bigint,
      bigint,
    ]
    const l = modulo((w3 - w2) * inverse(w1 - w2))
    const made = G1.times(G1.power(at(w1), l), G1.power(at(w2), 1n - l))
    expect(toHex(groups.encodeG1(made))).toBe(toHex(groups.encodeG1(at(w3))))
  })

  it('7: what was converted is not converted again', async () => {
    const rate = await sealTo('heart rate')
    const first = ibpre.reKeyGen({ ...centre, secretKey: owner, toIdentity: 'bob', type: 'heart rate' })
    const next = ibpre.reKeyGen({ ...centre, secretKey: delegatee, toIdentity: 'carol', type: 'heart rate' })
    const converted = ibpre.reEncrypt(rate, { ...centre, reKey: first })
    expect(codeOf(() => ibpre.reEncrypt(converted, { ...centre, reKey: next }))).toMatch(/^ERR_CODEC_/)
    expect(codeOf(() => ibpre.reEncrypt(rate, { ...centre, reKey: next }))).toBe('ERR_PRE_CONDITION_MISMATCH')
  })

  it('8: the key centre still reads everything, which is said and not hidden', async () => {
    const made = ibpre.keyGen({ ...centre, identity: 'alice' })
    expect(toHex(await ibpre.decrypt(await sealTo('heart rate'), { ...centre, secretKey: made }))).toBe(toHex(data))
  })
})

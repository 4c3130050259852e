import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import type { G1Element, G2Element, GtElement } from '../../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'

// The re-encryption that PS prints (4.2.1, 4.2.4, 4.2.8, 4.2.9), for study. Insecure: see test/paper/ps-re-encryption.test.ts.
// Printed with one symmetric pairing; here g is in G1 and h in G2. Two readings of the printed text decrypt at all:
// "three" with a ciphertext of three elements, "four" with one of four, whose users also need g^x, g^y, g^z.

const groups = createPairingGroups()
const R = BLS_GROUP_ORDER

export function modulo(value: bigint): bigint {
  return ((value % R) + R) % R
}

export function inverse(value: bigint): bigint {
  let [a, b, x, y] = [modulo(value), R, 1n, 0n]
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  return modulo(x)
}

/** Numbers that look random and are the same in every run. */
export function createDraw(seed: bigint): () => bigint {
  let state = seed
  return () => {
    state = (state * 0x5851f42d4c957f2d14057b7ef767814fn + 0xda3e39cb94b95bdb3a09f0e5cbf2e5a1n) % R
    return state === 0n ? 1n : state
  }
}

/** Shorthand in the notation of the paper: groups are written multiplicatively. */
export const G1 = {
  power: (base: G1Element, e: bigint) => groups.multiplyG1Public(base, modulo(e) as BlsScalar),
  times: (a: G1Element, b: G1Element) => groups.addG1(a, b) as G1Element,
  over: (a: G1Element, b: G1Element) => groups.addG1(a, groups.negateG1(b)) as G1Element,
}
export const G2 = {
  power: (base: G2Element, e: bigint) => groups.multiplyG2Public(base, modulo(e) as BlsScalar),
  times: (a: G2Element, b: G2Element) => groups.addG2(a, b) as G2Element,
  over: (a: G2Element, b: G2Element) => groups.addG2(a, groups.multiplyG2Public(b, (R - 1n) as BlsScalar)) as G2Element,
}
export const GT = {
  power: (base: GtElement, e: bigint) => groups.powerGtPublic(base, modulo(e) as BlsScalar),
  times: (a: GtElement, b: GtElement) => groups.multiplyGt(a, b) as GtElement,
  over: (a: GtElement, b: GtElement) => groups.multiplyGt(a, groups.invertGt(b)) as GtElement,
  equal: (a: GtElement, b: GtElement) => groups.isEqualGt(a, b),
}
export const g = groups.g1
export const h = groups.g2
export const e = (left: G1Element, right: G2Element) => groups.pair([[left, groups.prepareG2(right)]]) as GtElement

export interface Master {
  readonly a: bigint
  readonly b: bigint
  readonly c: bigint
}

/** Ya, Yb, Yc, which the paper forgets to publish. */
export interface Parameters {
  readonly Ya: GtElement
  readonly Yb: GtElement
  readonly Yc: GtElement
}

export interface Key {
  readonly id: bigint
  readonly A1: bigint
  readonly A2: G2Element
  readonly A3: G1Element
  readonly B1: bigint
  readonly B2: bigint
  readonly B3: bigint
  readonly D1: G2Element
  readonly D2: G2Element
  readonly D3: G2Element
  /** g^x, g^y, g^z: only the reading with four elements needs them. */
  readonly E1: G1Element
  readonly E2: G1Element
  readonly E3: G1Element
}

/** What decrypts. */
export type Decryptor = Pick<Key, 'A1' | 'A2'> & Partial<Pick<Key, 'A3'>>

export interface Three {
  readonly c1: GtElement
  readonly c2: G1Element
  readonly c3: GtElement
}

export interface Four {
  readonly c1: GtElement
  readonly c2: G1Element
  readonly c3: G2Element
  readonly c4: GtElement
}

export interface ReKey {
  readonly rk1: bigint
  readonly rk2: G2Element
  readonly rk3: G1Element
}

export function setup(draw: () => bigint): { readonly master: Master; readonly parameters: Parameters } {
  const master = { a: draw(), b: draw(), c: draw() }
  const base = e(g, h)
  const parameters = {
    Ya: GT.power(base, master.a),
    Yb: GT.power(base, master.b),
    Yc: GT.power(base, master.c),
  }
  return { master, parameters }
}

export function keyGen({ a, b, c }: Master, id: bigint, draw: () => bigint): Key {
  const u = inverse(a + b * id)
  const [t, x, y, z] = [draw(), draw(), draw(), draw()] as [bigint, bigint, bigint, bigint]
  return {
    id,
    A1: modulo((c + t) * u),
    A2: G2.power(h, t),
    A3: G1.power(g, t),
    B1: modulo((a + x) * u),
    B2: modulo((b + y) * u),
    B3: modulo(z * u),
    D1: G2.power(h, x),
    D2: G2.power(h, y),
    D3: G2.power(h, z),
    E1: G1.power(g, x),
    E2: G1.power(g, y),
    E3: G1.power(g, z),
  }
}

function yOf({ Ya, Yb }: Parameters, id: bigint): GtElement {
  return GT.times(Ya, GT.power(Yb, id))
}

export function encryptThree(parameters: Parameters, id: bigint, message: GtElement, draw: () => bigint): Three {
  const r = draw()
  return {
    c1: GT.times(message, GT.power(parameters.Yc, r)),
    c2: G1.power(g, r),
    c3: GT.power(yOf(parameters, id), r),
  }
}

export function decryptThree({ c1, c2, c3 }: Three, { A1, A2 }: Decryptor): GtElement {
  return GT.over(GT.times(c1, e(c2, A2)), GT.power(c3, A1))
}

export function reKeyGen(key: Key, to: bigint, draw: () => bigint): ReKey {
  const [k1, k2] = [draw(), draw()] as [bigint, bigint]
  const { B1, B2, B3, D1, D2, D3, E1, E2, E3 } = key
  return {
    rk1: modulo(B1 + k1 * B3 + (B2 + k2 * B3) * to),
    rk2: G2.times(G2.times(D1, G2.power(D3, k1)), G2.power(G2.times(D2, G2.power(D3, k2)), to)),
    rk3: G1.times(G1.times(E1, G1.power(E3, k1)), G1.power(G1.times(E2, G1.power(E3, k2)), to)),
  }
}

export function reEncryptThree({ c1, c2, c3 }: Three, { rk1, rk2 }: Pick<ReKey, 'rk1' | 'rk2'>): Three {
  return { c1, c2, c3: GT.over(GT.power(c3, rk1), e(c2, rk2)) }
}

export function encryptFour(parameters: Parameters, id: bigint, message: GtElement, draw: () => bigint): Four {
  const [r, s] = [draw(), draw()] as [bigint, bigint]
  return {
    c1: GT.times(message, GT.power(parameters.Yc, r + s)),
    c2: G1.power(g, r),
    c3: G2.power(h, s),
    c4: GT.power(yOf(parameters, id), r + s),
  }
}

export function decryptFour({ c1, c2, c3, c4 }: Four, { A1, A2, A3 }: Decryptor): GtElement {
  return GT.over(GT.times(GT.times(c1, e(c2, A2)), e(A3 as G1Element, c3)), GT.power(c4, A1))
}

export function reEncryptFour({ c1, c2, c3, c4 }: Four, { rk1, rk2, rk3 }: ReKey): Four {
  return { c1, c2, c3, c4: GT.over(GT.over(GT.power(c4, rk1), e(c2, rk2)), e(rk3, c3)) }
}

/**
 * Parameters of a key centre (the paper's PKG): Setup, and the functions of identities and types that they define.
 *
 *     a, b, c, d, f random      g^a, g^b, g^d, g^f and h^a, h^b, h^d, h^f      Z = e(g, h)^c      master key h^c
 *     F(i) = (..)^a (..)^(b*i)      L(w) = (..)^d (..)^(f*w)      over g and over h
 *
 * @see Boneh and Boyen 2004 (BB1), for the construction; `docs/guide/pre-why-changed.md`, for why it is not the paper's
 */

import { fail, succeed, unwrap, type Result } from '../errors.ts'
import type { BlsScalar } from '../primitives/bls12-381.ts'
import { toHex, type Brand, type Bytes } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import { GT_BYTES } from '../primitives/gt.ts'
import { sha256, taggedHash, type Digest32 } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import type { G1Element, G2Element, GtElement, PairingGroups, PreparedGt } from '../primitives/pairing-groups.ts'
import { drawBytes, type RandomSource } from '../primitives/random.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'
import { bytesOf, encodeShape, parseShape, tuple } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { header, headerOf, SUITES } from './suite.ts'

/** Encodings of the identity-based scheme, which are not to be mixed up. */
export type IbBytes<N extends 'Parameters' | 'MasterKey' | 'SecretKey' | 'ReKey' | 'MasterShare' | 'KeyShare'> = Brand<
  Bytes,
  `Ib${N}`
>

/** Names of the four bases, over g and over h. */
const BASES = ['a', 'b', 'd', 'f'] as const
type Bases<E> = { readonly [N in (typeof BASES)[number]]: E }

/** Parameters, decoded and found consistent. */
export interface IbDecoded {
  readonly groups: PairingGroups
  /** Digest of the encoding; in every transcript. */
  readonly digest: Digest32
  readonly g1: Bases<G1Element>
  readonly g2: Bases<G2Element>
  /** Z. */
  readonly base: GtElement
  /** Z with its table, made when it first pays. */
  prepared?: PreparedGt
}

const parametersShape = tuple({
  ...header('ibpre', 'ibParameters'),
  a1: bytesOf(48),
  b1: bytesOf(48),
  d1: bytesOf(48),
  f1: bytesOf(48),
  a2: bytesOf(96),
  b2: bytesOf(96),
  d2: bytesOf(96),
  f2: bytesOf(96),
  base: bytesOf(GT_BYTES),
})

const masterShape = tuple({ ...header('ibpre', 'ibMasterKey'), element: bytesOf(96) })

/**
 * Returns a random scalar for one use, bound to a secret and to everything that the scalar is for: two keys or signatures
 * with one scalar would give a third one to whoever has both, so a source that repeats itself must not give one twice.
 */
export function drawScalar(random: RandomSource, use: string, ...boundTo: readonly CborValue[]): BlsScalar {
  return hashToScalar(PRE_TAGS.ibRandom, SUITES.ibpre, use, drawBytes(random, 32), ...boundTo)
}

/** Setup: makes parameters and master key. */
export function createIbParameters(
  groups: PairingGroups,
  random: RandomSource,
): { readonly parameters: IbBytes<'Parameters'>; readonly masterKey: IbBytes<'MasterKey'> } {
  const [a, b, c, d, f] = ['a', 'b', 'c', 'd', 'f'].map((use) => drawScalar(random, use)) as [
    BlsScalar,
    BlsScalar,
    BlsScalar,
    BlsScalar,
    BlsScalar,
  ]
  const over1 = (scalar: BlsScalar) => groups.encodeG1(groups.multiplyBaseG1(scalar))
  const over2 = (scalar: BlsScalar) => groups.encodeG2(groups.multiplyBaseG2(scalar))
  const base = groups.pair([[groups.multiplyBaseG1(c), groups.prepareG2(groups.g2)]]) as GtElement
  const points = {
    ...{ a1: over1(a), b1: over1(b), d1: over1(d), f1: over1(f) },
    ...{ a2: over2(a), b2: over2(b), d2: over2(d), f2: over2(f) },
  }
  const parameters = encodeShape(
    { ...headerOf('ibpre', 'ibParameters'), ...points, base: groups.encodeGt(base) },
    parametersShape,
    { object: 'ibParameters' },
  )
  const master = { ...headerOf('ibpre', 'ibMasterKey'), element: over2(c) }
  const masterKey = encodeShape(master, masterShape, { object: 'ibMasterKey' })
  return {
    parameters: parameters as IbBytes<'Parameters'>,
    masterKey: masterKey as IbBytes<'MasterKey'>,
  }
}

type ParametersErrorCode = CodecErrorCode | 'ERR_CRYPTO_INVALID_POINT'

function invalidPoint(group: 'G1' | 'G2' | 'GT') {
  return fail('ERR_CRYPTO_INVALID_POINT', `ibParameters: expected consistent elements of ${group}`, {
    path: 'ibParameters',
    details: { group },
  })
}

function decode(bytes: Uint8Array, groups: PairingGroups): Result<IbDecoded, ParametersErrorCode> {
  const parsed = parseShape(bytes, parametersShape, { object: 'ibParameters' })
  if (!parsed.ok) return parsed
  const wire = parsed.value
  const g1 = readBases([wire.a1, wire.b1, wire.d1, wire.f1], (point) => groups.parseG1(point))
  if (g1 === undefined) return invalidPoint('G1')
  const g2 = readBases([wire.a2, wire.b2, wire.d2, wire.f2], (point) => groups.parseG2(point))
  if (g2 === undefined) return invalidPoint('G2')
  const base = groups.parseGt(wire.base)
  if (base === undefined) return invalidPoint('GT')
  const digest = taggedHash(PRE_TAGS.ibParameters, SUITES.ibpre, bytes)
  return areConsistent(groups, digest, { g1, g2 }) ? succeed({ groups, digest, g1, g2, base }) : invalidPoint('G2')
}

function readBases<E>(
  encoded: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => E | undefined,
): Bases<E> | undefined {
  const elements = encoded.map((bytes) => parse(bytes))
  if (elements.includes(undefined)) return undefined
  return Object.fromEntries(BASES.map((name, i) => [name, elements[i]])) as unknown as Bases<E>
}

/** Tells whether both lists have the same exponents: one equation for a combination that the parameters determine. */
function areConsistent(
  groups: PairingGroups,
  digest: Digest32,
  { g1, g2 }: { readonly g1: Bases<G1Element>; readonly g2: Bases<G2Element> },
): boolean {
  let left: G1Element | undefined
  let right: G2Element | undefined
  for (const name of BASES) {
    const factor = hashToScalar(PRE_TAGS.ibConsistency, digest, name)
    const term1 = groups.multiplyG1Public(g1[name], factor)
    const term2 = groups.multiplyG2Public(g2[name], factor)
    left = left === undefined ? term1 : groups.addG1(left, term1)
    right = right === undefined ? term2 : groups.addG2(right, term2)
  }
  if (left === undefined || right === undefined) return false
  return (
    groups.pair([
      [groups.g1, groups.prepareG2(right)],
      [groups.negateG1(left), groups.prepareG2(groups.g2)],
    ]) === undefined
  )
}

/** Key centres that are remembered, about 10 KiB each, and 0.2 MiB where a table was made. */
const CENTRES_KEPT = 8
const remembered = new WeakMap<PairingGroups, RecentMap<string, IbDecoded>>()
/** Longer than any parameters: what is longer is not even hashed. */
const PARAMETERS_BYTES_MAX = 1_024

/** Reads parameters and checks them once. */
export function readIbParameters(bytes: Uint8Array, groups: PairingGroups): Result<IbDecoded, ParametersErrorCode> {
  if (!(bytes instanceof Uint8Array) || bytes.length > PARAMETERS_BYTES_MAX) return decode(bytes, groups)
  let known = remembered.get(groups)
  if (known === undefined) remembered.set(groups, (known = createRecentMap(CENTRES_KEPT)))
  const name = toHex(sha256(bytes))
  const found = known.get(name)
  if (found !== undefined) return succeed(found)
  const decoded = decode(bytes, groups)
  if (decoded.ok) known.set(name, decoded.value)
  return decoded
}

/** The parameters that the caller gives. */
export function parametersOf(bytes: IbBytes<'Parameters'>, groups: PairingGroups): IbDecoded {
  return unwrap(readIbParameters(bytes, groups))
}

/** The element h^c of a master key. */
export function masterOf(bytes: IbBytes<'MasterKey'>, groups: PairingGroups): G2Element {
  const { element } = unwrap(parseShape(bytes, masterShape, { object: 'ibMasterKey' }))
  const point = groups.parseG2(element)
  return point ?? unwrap(invalidPoint('G2') as Result<never>)
}

/** Z to a scalar that is used once; by its table from the second time on. */
export function powerOfBase(parameters: IbDecoded, scalar: BlsScalar): GtElement {
  const { groups, base } = parameters
  parameters.prepared ??= groups.prepareGt(base)
  return groups.powerPreparedGt(parameters.prepared, scalar)
}

/** The scalar of an identity. */
export function identityScalar(identity: string): BlsScalar {
  return hashToScalar(PRE_TAGS.ibIdentity, SUITES.ibpre, identity)
}

/** F over g: public. */
export function identityInG1(parameters: IbDecoded, identity: string): G1Element {
  const { groups, g1 } = parameters
  return sumG1(groups, g1.a, groups.multiplyG1Public(g1.b, identityScalar(identity)))
}

/** F over h: public. */
export function identityInG2(parameters: IbDecoded, identity: string): G2Element {
  const { groups, g2 } = parameters
  return sumG2(groups, g2.a, groups.multiplyG2Public(g2.b, identityScalar(identity)))
}

/** L over g: public. */
export function levelInG1({ groups, g1 }: IbDecoded, level: BlsScalar): G1Element {
  return sumG1(groups, g1.d, groups.multiplyG1Public(g1.f, level))
}

/** L over h: public. */
export function levelInG2({ groups, g2 }: IbDecoded, level: BlsScalar): G2Element {
  return sumG2(groups, g2.d, groups.multiplyG2Public(g2.f, level))
}

/** The identity would mean that the scalar is -a/b: whoever finds such a text has broken the centre. */
function sumG1(groups: PairingGroups, left: G1Element, right: G1Element): G1Element {
  return groups.addG1(left, right) ?? unwrap(invalidPoint('G1') as Result<never>)
}

function sumG2(groups: PairingGroups, left: G2Element, right: G2Element): G2Element {
  return groups.addG2(left, right) ?? unwrap(invalidPoint('G2') as Result<never>)
}

/**
 * Keys of identities: KeyGen and its check, Derive, AuthSign and AuthVerify.
 *
 *     KeyGen    sk = (d0, d1) = (h^c * F(i)^t, h^t)
 *     Derive    (d0 * F(i)^t' * L(w)^v, d1 * h^t', h^v) for a second level w
 *     AuthSign  Derive for the level of the message
 *
 * Unlike the paper's keys, no scalar of a key is known to its holder: t stays in the exponent, so that users who put their
 * keys together do not solve for the master key.
 */

import { rejectArgument, unwrap, type Result } from '../errors.ts'
import { encodeScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { sha256, type Digest32 } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import type { G1Element, G2Element, GtElement, PairingGroups, PreparedG2 } from '../primitives/pairing-groups.ts'
import type { RandomSource } from '../primitives/random.ts'
import { bytesOf, encodeShape, identifier, parseShape, tuple, writeShape } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import {
  drawScalar,
  identityInG1,
  identityInG2,
  levelInG1,
  levelInG2,
  type IbBytes,
  type IbDecoded,
} from './ib-parameters.ts'
import { header, headerOf, SUITES } from './suite.ts'

/** The key of an identity, decoded. */
export interface IbSecret {
  readonly identity: string
  readonly d0: G2Element
  readonly d1: G2Element
}

/** The key of an identity and a second level: (k0, k1, k2). */
export type IbLevelKey = readonly [G2Element, G2Element, G2Element]

const secretShape = tuple({
  ...header('ibpre', 'ibSecretKey'),
  identity: identifier,
  d0: bytesOf(96),
  d1: bytesOf(96),
})

const SECRET = { object: 'ibSecretKey' }

/** An identity in its form. */
export function checkIdentity(identity: string, argument: string): string {
  writeShape(identity, identifier, { object: argument })
  return identity
}

function sum(groups: PairingGroups, left: G2Element, right: G2Element): G2Element {
  // The identity turns up for one random scalar in 2^250.
  return groups.addG2(left, right) ?? rejectArgument('random', 'bytes that nobody has chosen', 'others')
}

/** KeyGen, or one centre's share of it. */
export function createIbPair(
  parameters: IbDecoded,
  master: G2Element,
  input: { readonly identity: string; readonly random: RandomSource },
): readonly [G2Element, G2Element] {
  const { groups } = parameters
  const t = drawScalar(input.random, 't', parameters.digest, groups.encodeG2(master), input.identity)
  const blinded = groups.multiplyG2(identityInG2(parameters, input.identity), t)
  return [sum(groups, master, blinded), groups.multiplyBaseG2(t)]
}

/** The bytes of a key. */
export function encodeIbSecret(groups: PairingGroups, { identity, d0, d1 }: IbSecret): IbBytes<'SecretKey'> {
  const wire = { ...headerOf('ibpre', 'ibSecretKey'), identity, d0: groups.encodeG2(d0), d1: groups.encodeG2(d1) }
  return encodeShape(wire, secretShape, SECRET) as IbBytes<'SecretKey'>
}

/** Reads a key; undefined for points that are none. */
export function readIbSecret(bytes: Uint8Array, groups: PairingGroups): Result<IbSecret | undefined, CodecErrorCode> {
  const parsed = parseShape(bytes, secretShape, SECRET)
  if (!parsed.ok) return parsed
  const d0 = groups.parseG2(parsed.value.d0)
  const d1 = groups.parseG2(parsed.value.d1)
  const value = d0 === undefined || d1 === undefined ? undefined : { identity: parsed.value.identity, d0, d1 }
  return { ok: true, value }
}

/** What was read from bytes of a caller's, who may put others there: it counts as long as they have this digest. */
interface Read {
  readonly groups: PairingGroups
  readonly secret: IbSecretWithLines
  readonly digest: Digest32
}

/** Decoded keys with their lines; they live as long as the bytes that the caller holds. */
const decoded = new WeakMap<object, Read>()

/** A key with the lines of both points, once it decrypted. */
export interface IbSecretWithLines extends IbSecret {
  lines?: readonly [PreparedG2, PreparedG2]
}

/** The key that the caller gives. */
export function secretOfIdentity(bytes: IbBytes<'SecretKey'>, groups: PairingGroups): IbSecretWithLines {
  const known = decoded.get(bytes)
  if (known?.groups === groups && equalBytes(known.digest, sha256(bytes))) return known.secret
  decoded.delete(bytes)
  const read = unwrap(readIbSecret(bytes, groups))
  const secret =
    read ??
    unwrap<never>({
      ok: false,
      code: 'ERR_CRYPTO_INVALID_POINT',
      path: 'secretKey',
      message: 'secretKey: expected points of G2',
      details: { group: 'G2' },
    })
  decoded.set(bytes, { groups, secret, digest: sha256(bytes) })
  return secret
}

/** Tells whether e(g, d0) = z * e(F(i), d1), with z = Z or a centre's part of it. */
export function isKeyOf(
  parameters: IbDecoded,
  { identity, d0, d1 }: IbSecret,
  z: GtElement = parameters.base,
): boolean {
  const { groups } = parameters
  const paired = groups.pair([
    [groups.g1, groups.prepareG2(d0)],
    [groups.negateG1(identityInG1(parameters, identity)), groups.prepareG2(d1)],
  ])
  return paired !== undefined && groups.isEqualGt(paired, z)
}

/** Derive: the key of one second level, fresh each time. */
export function deriveLevelKey(
  parameters: IbDecoded,
  { identity, d0, d1 }: IbSecret,
  input: { readonly level: BlsScalar; readonly random: RandomSource },
): IbLevelKey {
  const { groups } = parameters
  const boundTo = [parameters.digest, groups.encodeG2(d0), identity, encodeScalar(input.level)]
  const again = drawScalar(input.random, 'again', ...boundTo)
  const v = drawScalar(input.random, 'level', ...boundTo)
  const blinded = sum(groups, d0, groups.multiplyG2(identityInG2(parameters, identity), again))
  return [
    sum(groups, blinded, groups.multiplyG2(levelInG2(parameters, input.level), v)),
    sum(groups, d1, groups.multiplyBaseG2(again)),
    groups.multiplyBaseG2(v),
  ]
}

const signatureShape = tuple({ ...header('ibpre', 'ibSignature'), s0: bytesOf(96), s1: bytesOf(96), s2: bytesOf(96) })
const SIGNATURE = { object: 'ibSignature' }

function messageLevel(message: Uint8Array): BlsScalar {
  return hashToScalar(PRE_TAGS.ibMessage, SUITES.ibpre, sha256(message))
}

/** AuthSign. */
export function signAs(
  parameters: IbDecoded,
  secret: IbSecret,
  input: { readonly message: Uint8Array; readonly random: RandomSource },
): Bytes {
  const { message, random } = input
  if (!(message instanceof Uint8Array)) rejectArgument('message', 'bytes', typeof message)
  const key = deriveLevelKey(parameters, secret, { level: messageLevel(message), random })
  const [s0, s1, s2] = key.map((element) => parameters.groups.encodeG2(element)) as [Bytes, Bytes, Bytes]
  return encodeShape({ ...headerOf('ibpre', 'ibSignature'), s0, s1, s2 }, signatureShape, SIGNATURE)
}

/** AuthVerify: e(g, s0) = Z * e(F(i), s1) * e(L(w), s2). Total in the signature. */
export function isSignedAs(
  parameters: IbDecoded,
  input: { readonly identity: string; readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const { groups } = parameters
  const parsed = parseShape(input.signature, signatureShape, SIGNATURE)
  if (!parsed.ok || !(input.message instanceof Uint8Array)) return false
  const { s0, s1, s2 } = parsed.value
  const elements = [s0, s1, s2].map((bytes) => groups.parseG2(bytes))
  if (elements.includes(undefined)) return false
  const lines = elements.map((element) => groups.prepareG2(element as G2Element)) as [
    PreparedG2,
    PreparedG2,
    PreparedG2,
  ]
  const left: readonly [G1Element, G1Element, G1Element] = [
    groups.g1,
    groups.negateG1(identityInG1(parameters, input.identity)),
    groups.negateG1(levelInG1(parameters, messageLevel(input.message))),
  ]
  const paired = groups.pair(left.map((point, i) => [point, lines[i] as PreparedG2] as const))
  return paired !== undefined && groups.isEqualGt(paired, parameters.base)
}

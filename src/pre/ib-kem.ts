/**
 * The key inside an identity-based ciphertext: as in `transcript.ts`, everything follows from one message, and opening runs
 * it again and compares every bit.
 *
 *     r = H(m, ...)    C0 = g^r, C1 = F(i)^r, C2 = L(w)^r    K = Z^r    V = m xor KDF(K; ...)
 *     a proof of one r behind all three points, with its nonce from m    key = KDF(m; body)
 *
 * The second level w is a type of data; or the level that carries the secrets of re-keys, which no type can name; never
 * both, and never two types over one r, since L(w1)^r and L(w2)^r would give L(w)^r for every w.
 */

import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, parseScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { concatBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { CborValue } from '../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import { hkdfTagged } from '../primitives/kdf.ts'
import type { G1Element, GtElement } from '../primitives/pairing-groups.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { identityInG1, levelInG1, powerOfBase, type IbDecoded } from './ib-parameters.ts'
import { SUITES } from './suite.ts'

/** Bytes of C0, C1, C2, V, ch and s. */
export const IB_CORE_BYTES = 240
/** Bytes of the message inside. */
export const IB_MESSAGE_BYTES = 32

/** For whom a key is sealed, and on which level. */
export interface IbFacts {
  readonly identity: string
  /** A type of data, or the terms of a re-key. */
  readonly level: { readonly type: string } | { readonly reKeyOf: string; readonly type: string }
}

/** The scalar of a type of data. */
export function typeScalar(type: string): BlsScalar {
  return hashToScalar(PRE_TAGS.ibType, SUITES.ibpre, type)
}

function levelScalar({ level }: IbFacts): BlsScalar {
  return 'reKeyOf' in level ? hashToScalar(PRE_TAGS.ibReKeyLevel, SUITES.ibpre) : typeScalar(level.type)
}

/** Facts in the order in which transcripts hash them. */
export function factFields({ digest }: IbDecoded, { identity, level }: IbFacts): readonly CborValue[] {
  const levelField = 'reKeyOf' in level ? [1, level.reKeyOf, level.type] : [0, level.type]
  return [SUITES.ibpre, digest, identity, levelField]
}

interface Parts {
  /** C0 | C1 | C2. */
  readonly points: Bytes
  readonly masked: Bytes
  readonly challenge: Bytes
  readonly response: Bytes
}

function splitCore(core: Uint8Array): Parts {
  const part = (start: number, end: number) => Uint8Array.from(core.subarray(start, end))
  return { points: part(0, 144), masked: part(144, 176), challenge: part(176, 208), response: part(208, 240) }
}

/** The bases g, F(i), L(w). */
function basesOf(parameters: IbDecoded, facts: IbFacts): readonly [G1Element, G1Element, G1Element] {
  const { groups } = parameters
  return [groups.g1, identityInG1(parameters, facts.identity), levelInG1(parameters, levelScalar(facts))]
}

/** The three bases to one scalar, which is used once. */
function powersOf(parameters: IbDecoded, facts: IbFacts, scalar: BlsScalar): Bytes {
  const { groups } = parameters
  const [, identity, level] = basesOf(parameters, facts)
  return concatBytes(
    groups.encodeG1(groups.multiplyBaseG1(scalar)),
    groups.encodeG1(groups.multiplyG1Public(identity, scalar)),
    groups.encodeG1(groups.multiplyG1Public(level, scalar)),
  )
}

function bodyOf(parameters: IbDecoded, facts: IbFacts, { points, masked }: Pick<Parts, 'points' | 'masked'>): Digest32 {
  return taggedHash(PRE_TAGS.ibCiphertext, ...factFields(parameters, facts), points, masked)
}

/** Hides a message under K, or uncovers it. */
function mask(
  parameters: IbDecoded,
  facts: IbFacts,
  input: { readonly message: Uint8Array; readonly shared: GtElement; readonly points: Bytes },
): Bytes {
  const shared = parameters.groups.encodeGt(input.shared)
  const stream = hkdfTagged(shared, PRE_TAGS.ibMask, [...factFields(parameters, facts), input.points], IB_MESSAGE_BYTES)
  return stream.map((byte, i) => byte ^ (input.message[i] as number))
}

function prove(
  parameters: IbDecoded,
  facts: IbFacts,
  secrets: { readonly message: Uint8Array; readonly scalar: BlsScalar; readonly body: Digest32 },
): Pick<Parts, 'challenge' | 'response'> | undefined {
  const { message, scalar, body } = secrets
  const nonce = hashToScalar(PRE_TAGS.ibNonce, SUITES.ibpre, message, body)
  const challenge = hashToScalar(PRE_TAGS.ibChallenge, SUITES.ibpre, powersOf(parameters, facts, nonce), body)
  const response = (nonce + challenge * scalar) % BLS_GROUP_ORDER
  if (response === 0n) return undefined
  return { challenge: encodeScalar(challenge), response: encodeScalar(response as BlsScalar) }
}

/** What sealing or opening gives. */
export interface IbSealed {
  readonly core: Bytes
  /** Key of the data; secret. */
  readonly key: Bytes
  readonly scalar: BlsScalar
}

/** Seals a message; undefined where the proof has no encoding, which nobody will see. */
export function sealIb(parameters: IbDecoded, facts: IbFacts, message: Uint8Array): IbSealed | undefined {
  const scalar = hashToScalar(PRE_TAGS.ibEncryption, message, ...factFields(parameters, facts))
  const points = powersOf(parameters, facts, scalar)
  const masked = mask(parameters, facts, { message, shared: powerOfBase(parameters, scalar), points })
  const body = bodyOf(parameters, facts, { points, masked })
  const proof = prove(parameters, facts, { message, scalar, body })
  if (proof === undefined) return undefined
  const core = concatBytes(points, masked, proof.challenge, proof.response)
  return { core, key: hkdfTagged(message, PRE_TAGS.ibDataKey, [SUITES.ibpre, body]), scalar }
}

/** The three points of a core whose proof holds; undefined otherwise. Public. Cost: about 8 ms. */
export function checkIb(
  parameters: IbDecoded,
  facts: IbFacts,
  core: Uint8Array,
): readonly [G1Element, G1Element, G1Element] | undefined {
  const { groups } = parameters
  const parts = splitCore(core)
  const challenge = parseScalar(parts.challenge)
  const response = parseScalar(parts.response)
  const points = parsePoints(parameters, parts.points)
  if (!challenge.ok || !response.ok || points === undefined) return undefined
  const commitments: Bytes[] = []
  for (const [i, base] of basesOf(parameters, facts).entries()) {
    const negated = groups.negateG1(groups.multiplyG1Public(points[i] as G1Element, challenge.value))
    const commitment = groups.addG1(groups.multiplyG1Public(base, response.value), negated)
    if (commitment === undefined) return undefined
    commitments.push(groups.encodeG1(commitment))
  }
  const body = bodyOf(parameters, facts, parts)
  const expected = hashToScalar(PRE_TAGS.ibChallenge, SUITES.ibpre, concatBytes(...commitments), body)
  return expected === challenge.value ? points : undefined
}

function parsePoints({ groups }: IbDecoded, bytes: Bytes): readonly [G1Element, G1Element, G1Element] | undefined {
  const points = [0, 48, 96].map((start) => groups.parseG1(bytes.subarray(start, start + 48)))
  return points.includes(undefined) ? undefined : (points as [G1Element, G1Element, G1Element])
}

/** The points of a core; undefined where one is no point. */
export function pointsOf(parameters: IbDecoded, core: Uint8Array) {
  return parsePoints(parameters, splitCore(core).points)
}

/** Opens a core by K; undefined when one bit is not what the message inside gives. */
export function openIb(
  parameters: IbDecoded,
  facts: IbFacts,
  input: { readonly core: Uint8Array; readonly shared: GtElement },
): IbSealed | undefined {
  const { points, masked } = splitCore(input.core)
  const message = mask(parameters, facts, { message: masked, shared: input.shared, points })
  const made = sealIb(parameters, facts, message)
  return made !== undefined && equalBytes(made.core, input.core) ? made : undefined
}

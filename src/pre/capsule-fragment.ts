/**
 * Conversion by t of n proxies: each makes a fragment of T, and anyone combines t of them. A proxy that is suspected shows
 * by a proof that its fragment is right; whoever cannot is named.
 *
 *     T_i = e(C, rk_i)      T = product of T_i^(D * lambda_i)
 *
 * The proof is one of knowledge of rk_i under the map S -> (e(g, S), e(C, S)), whose value is known: Z = h^n * rk_i^ch.
 * On the wire `[1, 1, 5, as a converted capsule, X, index, t, n, [P_k...], signature65, proof128 or null]`.
 */

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, parseScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { concatBytes, copyBytes, equalBytes, toHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import { sha256 } from '../primitives/hash.ts'
import type { GtElement, PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, encodeShape, mapped, Mismatch, nullable, parseShape, tuple, type Shape } from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { createCapsule, splitCore, type Capsule } from './capsule.ts'
import { verifyCapsule } from './encapsulate.ts'
import {
  assembleConverted,
  convert,
  convertedShapes,
  convertedWire,
  hasPosition,
  termsOfConverted,
  type ConvertedWire,
  type ReEncryptedCapsule,
  type ReEncryptOptions,
} from './re-encrypt.ts'
import { signedFields, type ReKeyTerms, type VerifyReKeyOptions } from './re-key.ts'
import {
  expectedPairs,
  factorialBelow,
  findCheckedFragment,
  fragmentBases,
  isSharing,
  isSharingSound,
  sharingOf,
  sharingShapes,
  type ReKeyFragment,
  type Sharing,
} from './re-key-fragment.ts'
import { reread } from './reread.ts'
import { header, headerOf } from './suite.ts'

/** What one proxy of several made of a capsule. */
export interface CapsuleFragment extends ReKeyTerms, Sharing {
  readonly kind: 'capsule-fragment'
  readonly capsule: Capsule
  readonly reKeyId: string
  /** T_i, 288 bytes. */
  readonly element: Bytes
  /** Challenge and Z, 128 bytes; null where nobody asked for it. */
  readonly proof: Bytes | null
  readonly bytes: Bytes
}

interface Wire extends ConvertedWire, Sharing {
  readonly proof: Bytes | null
}

const PROOF_BYTES = 128
const SCALAR_BYTES = 32

const fragmentShape: Shape<Wire> = mapped(
  tuple({
    ...header('cpre', 'capsuleFragment'),
    ...convertedShapes,
    ...sharingShapes,
    proof: nullable(bytesOf(PROOF_BYTES)),
  }),
  {
    parse: (wire) =>
      hasPosition(wire) && isSharing(wire) ? wire : new Mismatch('a position, an index and a threshold in range'),
    format: (wire) => ({ ...headerOf('cpre', 'capsuleFragment'), ...wire }),
  },
)

const OBJECT = 'capsuleFragment'

function assemble(wire: Wire, capsule = createCapsule(wire.capsule)): CapsuleFragment {
  return Object.freeze({
    kind: 'capsule-fragment' as const,
    capsule,
    ...termsOfConverted(wire),
    ...sharingOf(wire),
    reKeyId: toHex(wire.reKeyId),
    element: copyBytes(wire.element),
    proof: wire.proof,
    bytes: encodeShape(wire, fragmentShape, { object: OBJECT }),
  })
}

/** Reads a fragment of a converted capsule. Total; form only. */
export function parseCapsuleFragment(bytes: Uint8Array): Result<CapsuleFragment, CodecErrorCode> {
  const parsed = parseShape(bytes, fragmentShape, { object: OBJECT })
  return parsed.ok ? succeed(assemble(parsed.value)) : parsed
}

/** A fragment of one's own; undefined for what is none. */
function rereadFragment(fragment: CapsuleFragment): CapsuleFragment | undefined {
  return reread(fragment, {
    kind: 'capsule-fragment',
    encode: ({ capsule, reKeyId, element, proof, ...terms }) => {
      const converted = convertedWire(capsule, terms, { reKeyId, element })
      return encodeShape({ ...converted, ...sharingOf(terms), proof }, fragmentShape, { object: OBJECT })
    },
    parse: parseCapsuleFragment,
  })
}

function makeFragment(
  capsule: Capsule,
  key: ReKeyFragment,
  made: { readonly element: Bytes; readonly proof: Bytes | null },
): CapsuleFragment {
  const converted = convertedWire(capsule, key, { reKeyId: key.id, element: made.element })
  return assemble({ ...converted, ...sharingOf(key), proof: made.proof }, capsule)
}

/**
 * Converts a capsule as one of several proxies. Without a proof: {@link proveCapsuleFragment} makes one on demand.
 *
 * Cost: one pairing with known lines, about 3.5 ms.
 *
 * @param capsule - after {@link verifyCapsule}
 * @param key - after {@link verifyReKeyFragment}
 * @throws As {@link reEncrypt} does. {@link VitalsealError}
 */
export function reEncryptFragment(
  capsule: Verified<Capsule>,
  key: Verified<ReKeyFragment>,
  options: ReEncryptOptions = {},
): CapsuleFragment {
  const { groups = createPairingGroups(), nowMs } = options
  const made = convert(capsule, findCheckedFragment(key, groups), { nowMs, groups })
  return makeFragment(made.capsule, made.key, { element: made.element, proof: null })
}

/**
 * Converts a capsule as one of several proxies, and proves that it was done rightly.
 *
 * Run by a proxy that is suspected. Cost: about 40 ms, the check of its own proof included, since a proof made by a fault
 * would give the fragment away.
 *
 * @param random - 32 bytes
 * @throws As {@link reEncrypt} does. {@link VitalsealError}
 */
export function proveCapsuleFragment(
  capsule: Verified<Capsule>,
  key: Verified<ReKeyFragment>,
  options: ReEncryptOptions = {},
  random: RandomSource = randomBytes,
): CapsuleFragment {
  const { groups = createPairingGroups(), nowMs } = options
  const made = convert(capsule, findCheckedFragment(key, groups), { nowMs, groups })
  const bare = makeFragment(made.capsule, made.key, { element: made.element, proof: null })
  const proof = prove(groups, { bare, key: made.key }, drawBytes(random, SCALAR_BYTES))
  const fragment = makeFragment(made.capsule, made.key, { element: made.element, proof })
  if (!isProofSound(groups, fragment)) rejectArgument('groups', 'groups that compute rightly', 'a wrong proof')
  return fragment
}

/** What a proof is about. */
function statementOf(fragment: CapsuleFragment): readonly CborValue[] {
  const { capsule, reKeyId, threshold, total, coefficients, index, element } = fragment
  return [capsule.id, reKeyId, threshold, total, coefficients, index, element]
}

function prove(
  groups: PairingGroups,
  { bare, key }: { readonly bare: CapsuleFragment; readonly key: ReKeyFragment },
  seed: Bytes,
): Bytes {
  const statement = statementOf(bare)
  const nonce = hashToScalar(PRE_TAGS.preFragmentNonce, seed, key.element, ...statement)
  const point = groups.parseG1(splitCore(bare.capsule).point)
  const element = groups.parseG2(key.element)
  if (point === undefined || element === undefined) return rejectArgument('key', 'a checked fragment', 'another')
  const h = groups.prepareG2(groups.g2)
  const commitments = [groups.multiplyBaseG1(nonce), groups.multiplyG1(point, nonce)].map((left) =>
    groups.encodeGt(groups.pair([[left, h]]) as GtElement),
  )
  const challenge = hashToScalar(PRE_TAGS.preFragmentChallenge, ...statement, ...commitments)
  const response = groups.addG2(groups.multiplyBaseG2(nonce), groups.multiplyG2Public(element, challenge))
  if (response === undefined) return rejectArgument('random', 'bytes that nobody has chosen', 'others')
  return concatBytes(encodeScalar(challenge), groups.encodeG2(response))
}

/** Tells whether the proof of a fragment holds; its sharing must be sound. */
function isProofSound(groups: PairingGroups, fragment: CapsuleFragment): boolean {
  const { proof, capsule } = fragment
  if (proof === null) return false
  const challenge = parseScalar(proof.subarray(0, SCALAR_BYTES))
  const response = groups.parseG2(proof.subarray(SCALAR_BYTES))
  const bases = fragmentBases(groups, fragment)
  const point = groups.parseG1(splitCore(capsule).point)
  const element = groups.parseGt(fragment.element)
  if (!challenge.ok || response === undefined || bases === undefined) return false
  if (point === undefined || element === undefined) return false
  const lines = groups.prepareG2(response)
  const negated = (BLS_GROUP_ORDER - challenge.value) as BlsScalar
  // e(g, Z) * Y^-ch and e(C, Z) * T^-ch, the first as one product of pairings.
  const expected = expectedPairs(groups, { terms: fragment, bases }, (base) => groups.multiplyG1Public(base, negated))
  const first = groups.pair([[groups.g1, lines], ...expected])
  const paired = groups.pair([[point, lines]]) as GtElement
  const second = groups.multiplyGt(paired, groups.powerGtPublic(element, negated))
  if (first === undefined || second === undefined) return false
  const commitments = [groups.encodeGt(first), groups.encodeGt(second)]
  return hashToScalar(PRE_TAGS.preFragmentChallenge, ...statementOf(fragment), ...commitments) === challenge.value
}

/** Whose re-key is expected, and what was asked of the proxies; the time does not matter here. */
export interface VerifyFragmentOptions extends Omit<VerifyReKeyOptions, 'nowMs'> {
  /** What was to be converted: a fragment of another capsule, or of this one with another proof, is not right. */
  readonly capsule?: Capsule
  /** Id of the re-key that was to convert it: a fragment of another one is not right. */
  readonly reKeyId?: string
}

/**
 * Tells whether a fragment carries a proof that holds, for a re-key that the owner signed and a capsule whose own proof
 * holds. Total. Cost: about 20 ms.
 */
export function verifyCapsuleFragment(fragment: CapsuleFragment, options: VerifyFragmentOptions): boolean {
  const { groups = createPairingGroups(), capsule, reKeyId } = options
  const own = rereadFragment(fragment)
  if (own === undefined || (reKeyId !== undefined && own.reKeyId !== reKeyId)) return false
  if (capsule !== undefined && !equalBytes(capsule.bytes, own.capsule.bytes)) return false
  if (!isSharingSound(own, own.reKeyId, { ...options, nowMs: Number.NEGATIVE_INFINITY })) return false
  return verifyCapsule(own.capsule, { groups }) && isProofSound(groups, own)
}

/**
 * Returns the indexes of the proxies that do not prove to be right, ascending: after a combination that does not open, ask
 * every proxy for a proof, and combine what {@link verifyCapsuleFragment} accepts.
 *
 * Anyone can make a wrong fragment in the name of a proxy, so none is named that is there with a right one as well. Say
 * in `options` which capsule and re-key the proxies were asked for: what is right for others is of no use.
 *
 * @param fragments - one of each proxy, with its proof
 */
export function findFaultyFragments(
  fragments: readonly CapsuleFragment[],
  options: VerifyFragmentOptions,
): readonly number[] {
  const right = new Set<number>()
  for (const fragment of fragments) {
    if (!right.has(fragment.index) && verifyCapsuleFragment(fragment, options)) right.add(fragment.index)
  }
  const faulty = fragments.map(({ index }) => index).filter((index) => !right.has(index))
  return [...new Set(faulty)].sort((a, b) => a - b)
}

/** Fragments that belong together have one name: capsule, with its proof, terms, X and numbers. */
function groupName({ capsule, reKeyId, threshold, total, ...rest }: CapsuleFragment): string {
  const fields = [capsule.bytes, reKeyId, threshold, total, ...signedFields(rest, rest.commitment)]
  return toHex(sha256(encodeCbor(fields)))
}

/** The usable fragments of one re-key, one for each index. */
interface Usable {
  readonly fragment: CapsuleFragment
  readonly element: GtElement
}

/**
 * Combines fragments of t proxies into what a whole re-key would have made. Public: needs no secret.
 *
 * Fragments of other capsules or re-keys are left aside, and so are a second one of the same proxy and what is no element of
 * GT. Cost: about 1 ms a fragment. Whether a proxy cheated shows when the result does not open.
 *
 * @param fragments - in any order; the first t that belong together are taken
 * @returns the converted capsule, or `ERR_PRE_NOT_ENOUGH_FRAGMENTS`
 */
export function combineFragments(
  fragments: readonly CapsuleFragment[],
  options: { readonly groups?: PairingGroups } = {},
): Result<ReEncryptedCapsule, 'ERR_PRE_NOT_ENOUGH_FRAGMENTS'> {
  const { groups = createPairingGroups() } = options
  const byName = new Map<string, Map<number, Usable>>()
  let best: { readonly threshold: number; readonly found: number } = { threshold: 2, found: 0 }
  for (const each of fragments) {
    const fragment = rereadFragment(each)
    const element = fragment === undefined ? undefined : groups.parseGt(fragment.element)
    if (fragment === undefined || element === undefined) continue
    const name = groupName(fragment)
    const usable = byName.get(name) ?? new Map<number, Usable>()
    byName.set(name, usable)
    if (!usable.has(fragment.index)) usable.set(fragment.index, { fragment, element })
    if (usable.size > best.found) best = { threshold: fragment.threshold, found: usable.size }
    const combined = usable.size < fragment.threshold ? undefined : interpolate(groups, [...usable.values()])
    if (combined !== undefined) return succeed(toConverted(fragment, groups.encodeGt(combined)))
  }
  const { threshold, found } = best
  return fail('ERR_PRE_NOT_ENOUGH_FRAGMENTS', `fragments: expected ${threshold} of one re-key, found ${found}`, {
    path: 'fragments',
    details: { threshold, found },
  })
}

function toConverted(fragment: CapsuleFragment, element: Bytes): ReEncryptedCapsule {
  const { capsule, reKeyId } = fragment
  return assembleConverted(convertedWire(capsule, fragment, { reKeyId, element }), capsule)
}

/** The product of T_i^(D * lambda_i), whose exponents are integers; undefined for one. */
function interpolate(groups: PairingGroups, usable: readonly Usable[]): GtElement | undefined {
  const indexes = usable.map(({ fragment }) => BigInt(fragment.index))
  const { total } = (usable[0] as Usable).fragment
  let product: GtElement | undefined
  for (const { fragment, element } of usable) {
    const own = BigInt(fragment.index)
    const others = indexes.filter((index) => index !== own)
    const numerator = others.reduce((value, index) => value * index, factorialBelow(total))
    const exponent = numerator / others.reduce((value, index) => value * (index - own), 1n)
    const power = groups.powerGtPublic(element, (exponent < 0n ? -exponent : exponent) as BlsScalar)
    const factor = exponent < 0n ? groups.invertGt(power) : power
    product = product === undefined ? factor : groups.multiplyGt(product, factor)
  }
  return product
}

/**
 * Re-keys in fragments: n proxies hold one each, and any t of them convert together; fewer learn and do nothing.
 *
 *     p of degree t - 1 with p(0) = 0, D = (n - 1)!      rk_i = rk^(1/D) * h^p(i)      P_k = g^(coefficient k)
 *
 * The point at zero of the polynomial in the exponent is rk^(1/D); D makes the exponents of combining small integers. With
 * X and the commitments P_k everybody checks a fragment: e(g, rk_i) = e(X^(1/D), Q_w) * e(g^p(i), h). On the wire
 * `[1, 1, 4, terms..., X, index, t, n, [P_k...], signature65, rk_i]`: a fragment is never read as a whole re-key.
 */

import { rejectArgument, succeed, type Result } from '../errors.ts'
import { BLS_GROUP_ORDER } from '../primitives/bls-secret.ts'
import { encodeScalar, type BlsScalar } from '../primitives/bls12-381.ts'
import { copyBytes, fromHex, toHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import { taggedHash } from '../primitives/hash.ts'
import { hashToScalar } from '../primitives/hash-to-scalar.ts'
import type { G1Element, PairingGroups, PreparedG2 } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import {
  bytesOf,
  encodeShape,
  listOf,
  mapped,
  Mismatch,
  parseShape,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { blindReKey, type Blinded, type ReKeyOptions } from './delegate.ts'
import {
  areTermsSound,
  hashReKey,
  signatureShape,
  termsOf,
  termShapes,
  type CheckedKey,
  type ReKeyTerms,
  type VerifyReKeyOptions,
} from './re-key.ts'
import { defineUnseen, rereadWhole, type ObjectCodec } from './reread.ts'
import { invertScalar } from './scalar.ts'
import { header, headerOf } from './suite.ts'
import { conditionPoint } from './transcript.ts'

/** Proxies of one re-key. */
export const FRAGMENTS_MAX = 16

/** How a re-key is split, and what was published about it. */
export interface Sharing {
  /** X of the whole re-key, 48 bytes. */
  readonly commitment: Bytes
  /** This proxy, from 1 to `total`. */
  readonly index: number
  /** Proxies that it takes, t. */
  readonly threshold: number
  /** Proxies that there are, n. */
  readonly total: number
  /** P_k, t - 1 of 48 bytes. */
  readonly coefficients: readonly Bytes[]
  /** By the owner, over re-key id, t, n and commitments; the same in every fragment. */
  readonly signature: Signature
}

/** One of n fragments of a re-key: what one of the proxies holds. Prints and copies as a re-key does. */
export interface ReKeyFragment extends ReKeyTerms, Sharing {
  readonly kind: 're-key-fragment'
  /** Id of the re-key, the same in every fragment. */
  readonly id: string
  /** rk_i, 96 bytes. */
  readonly element: Bytes
  readonly bytes: Bytes
}

/** Shapes of the fields of a sharing. */
export const sharingShapes = {
  commitment: bytesOf(48),
  index: uint(FRAGMENTS_MAX, 1),
  threshold: uint(FRAGMENTS_MAX, 2),
  total: uint(FRAGMENTS_MAX, 2),
  coefficients: listOf(bytesOf(48), { name: 'commitments', countMax: FRAGMENTS_MAX - 1 }),
  signature: signatureShape,
}

/** Tells whether the numbers of a sharing fit each other. */
export function isSharing({ index, threshold, total, coefficients }: Sharing): boolean {
  return index <= total && threshold <= total && coefficients.length === threshold - 1
}

/** Only the sharing of an object that has more. */
export function sharingOf({ commitment, index, threshold, total, coefficients, signature }: Sharing): Sharing {
  return {
    commitment: copyBytes(commitment),
    index,
    threshold,
    total,
    coefficients: Object.freeze(coefficients.map(copyBytes)),
    signature: copyBytes(signature) as unknown as Signature,
  }
}

/** What the owner signs about all fragments of a re-key. */
export function sharedFields(id: string, sharing: Omit<Sharing, 'index' | 'signature'>): readonly CborValue[] {
  return [fromHex(id), sharing.threshold, sharing.total, sharing.coefficients]
}

interface Wire extends ReKeyTerms, Sharing {
  readonly element: Bytes
}

const fragmentShape: Shape<Wire> = mapped(
  tuple({ ...header('cpre', 'reKeyFragment'), ...termShapes, ...sharingShapes, element: bytesOf(96) }),
  {
    parse: (wire) => (isSharing(wire) ? wire : new Mismatch('an index and a threshold up to the number of fragments')),
    format: (wire) => ({ ...headerOf('cpre', 'reKeyFragment'), ...wire }),
  },
)

const OBJECT = 'reKeyFragment'

function assembleFragment(wire: Wire): ReKeyFragment {
  const terms = termsOf(wire)
  const id = toHex(hashReKey(terms, wire.commitment))
  const bytes = encodeShape(wire, fragmentShape, { object: OBJECT })
  const shown = { kind: 're-key-fragment' as const, ...terms, ...sharingOf(wire), id }
  return Object.freeze(defineUnseen(shown, { element: wire.element, bytes }))
}

/** Reads a fragment of a re-key. Total; form only. */
export function parseReKeyFragment(bytes: Uint8Array): Result<ReKeyFragment, CodecErrorCode> {
  const parsed = parseShape(bytes, fragmentShape, { object: OBJECT })
  return parsed.ok ? succeed(assembleFragment(parsed.value)) : parsed
}

const codec: ObjectCodec<ReKeyFragment> = {
  kind: 're-key-fragment',
  encode: (fragment) => encodeShape({ ...fragment, element: fragment.element }, fragmentShape, { object: OBJECT }),
  parse: parseReKeyFragment,
}

/** 1/D modulo r. */
function inverseOfFactorial(total: number): BlsScalar {
  return invertScalar(factorialBelow(total))
}

/** D = (n - 1)!. */
export function factorialBelow(total: number): bigint {
  let product = 1n
  for (let i = 2n; i < BigInt(total); i++) product *= i
  return product
}

/** p(i) for coefficients of the powers from 1 on. */
function evaluate(coefficients: readonly bigint[], index: number): bigint {
  return coefficients.reduceRight((sum, c) => ((sum + c) * BigInt(index)) % BLS_GROUP_ORDER, 0n)
}

/** How to split. */
export interface SplitOptions extends ReKeyOptions {
  /** Proxies that it takes, from 2. */
  readonly threshold: number
  /** Proxies that there are, at most 16. */
  readonly total: number
}

/**
 * Returns n fragments of a re-key, one for each proxy: any t of them convert together, with the same result as a whole
 * re-key would.
 *
 * Run by the owner. Cost: that of a re-key, and 1 ms a proxy. Fewer than t proxies with the delegatee learn nothing.
 *
 * @param options - as for {@link createReEncryptionKey}, and both numbers
 * @param random - 32 bytes
 * @throws When the numbers do not fit: `ERR_ARGUMENT_INVALID`; otherwise as for a whole re-key. {@link VitalsealError}
 */
export function splitReEncryptionKey(
  options: SplitOptions,
  random: RandomSource = randomBytes,
): readonly ReKeyFragment[] {
  const { threshold, total, signer } = options
  const isCount = (value: number, least: number) => Number.isSafeInteger(value) && value >= least
  if (!isCount(total, 2) || total > FRAGMENTS_MAX) rejectArgument('total', `2 to ${FRAGMENTS_MAX}`, `${total}`)
  if (!isCount(threshold, 2) || threshold > total) rejectArgument('threshold', `2 to ${total}`, `${threshold}`)
  const blinded = blindReKey(options, random)
  const { groups, terms, commitment } = blinded
  const secrets = drawCoefficients(blinded, options)
  const coefficients = secrets.map((secret) => groups.encodeG1(groups.multiplyBaseG1(secret)))
  const id = toHex(hashReKey(terms, commitment))
  const shared = { commitment, threshold, total, coefficients }
  const signature = signer.sign(PRE_TAGS.preFragments, sharedFields(id, shared))
  const start = groups.multiplyG2(blinded.element, inverseOfFactorial(total))
  return Array.from({ length: total }, (_, i) => {
    const index = i + 1
    // The sum is the identity, or the value zero, for one polynomial in 2^250; then this throws.
    const value = evaluate(secrets, index) as BlsScalar
    const element = groups.addG2(start, groups.multiplyBaseG2(value))
    if (element === undefined) return rejectArgument('random', 'bytes that nobody has chosen', 'others')
    return assembleFragment({ ...terms, ...shared, index, signature, element: groups.encodeG2(element) })
  })
}

/** The coefficients of p, from the randomness and the secret of the owner, for these terms and numbers. */
function drawCoefficients(blinded: Blinded, { threshold, total }: SplitOptions): readonly BlsScalar[] {
  const { random, secret, terms, commitment } = blinded
  const id = hashReKey(terms, commitment)
  return Array.from({ length: threshold - 1 }, (_, k) =>
    hashToScalar(PRE_TAGS.preCoefficient, random, encodeScalar(secret), id, threshold, total, k),
  )
}

/** What everybody can compute about one fragment: X^(1/D) and g^p(i), which may be the identity. */
export interface FragmentBases {
  readonly whole: G1Element
  readonly own: G1Element | undefined
}

/** Returns both points; undefined where a commitment is no point. */
export function fragmentBases(groups: PairingGroups, sharing: Sharing): FragmentBases | undefined {
  const whole = groups.parseG1(sharing.commitment)
  if (whole === undefined) return undefined
  let own: G1Element | undefined
  for (const [k, bytes] of sharing.coefficients.entries()) {
    const coefficient = groups.parseG1(bytes)
    if (coefficient === undefined) return undefined
    const term = groups.multiplyG1Public(coefficient, (BigInt(sharing.index) ** BigInt(k + 1)) as BlsScalar)
    own = own === undefined ? term : groups.addG1(own, term)
  }
  return { whole: groups.multiplyG1Public(whole, inverseOfFactorial(sharing.total)), own }
}

/** The pairs whose product is e(X^(1/D), Q_w) * e(g^p(i), h), with each point mapped first. */
export function expectedPairs(
  groups: PairingGroups,
  input: { readonly terms: ReKeyTerms; readonly bases: FragmentBases },
  image: (point: G1Element) => G1Element,
): readonly (readonly [G1Element, PreparedG2])[] {
  const { terms, bases } = input
  const point = groups.prepareG2(conditionPoint(groups, terms.delegator, terms.condition))
  const whole = [image(bases.whole), point] as const
  return bases.own === undefined ? [whole] : [whole, [image(bases.own), groups.prepareG2(groups.g2)]]
}

const checked = new WeakMap<object, CheckedKey<ReKeyFragment>>()

/** Tells whether the owner of this account signed the sharing, for these terms. */
export function isSharingSound(object: ReKeyTerms & Sharing, id: string, options: VerifyReKeyOptions): boolean {
  return (
    isSharing(object) &&
    toHex(hashReKey(object, object.commitment)) === id &&
    areTermsSound(object, taggedHash(PRE_TAGS.preFragments, ...sharedFields(id, object)), options)
  )
}

/**
 * Tells whether a fragment is one of a re-key that the owner signed, has not ended, and is what it says; and marks it, as
 * `verifyReEncryptionKey` does.
 *
 * Run by a proxy when it takes the fragment. Total. Cost: about 18 ms.
 */
export function verifyReKeyFragment(
  fragment: ReKeyFragment,
  options: VerifyReKeyOptions,
): fragment is Verified<ReKeyFragment> {
  const { groups = createPairingGroups() } = options
  checked.delete(fragment)
  const own = rereadWhole(fragment, codec)
  const lines = own === undefined ? undefined : checkFragment(own, { ...options, groups })
  if (own === undefined || lines === undefined) return false
  checked.set(fragment, { groups, lines, key: own })
  return true
}

/** The lines of rk_i; undefined where something does not hold. */
function checkFragment(
  fragment: ReKeyFragment,
  options: VerifyReKeyOptions & { readonly groups: PairingGroups },
): PreparedG2 | undefined {
  const { groups } = options
  if (!isSharingSound(fragment, fragment.id, options)) return undefined
  const bases = fragmentBases(groups, fragment)
  const element = groups.parseG2(fragment.element)
  if (bases === undefined || element === undefined) return undefined
  const lines = groups.prepareG2(element)
  const expected = expectedPairs(groups, { terms: fragment, bases }, (point) => groups.negateG1(point))
  return groups.pair([[groups.g1, lines], ...expected]) === undefined ? lines : undefined
}

/** What was found about a fragment; undefined where these groups have not checked it. */
export function findCheckedFragment(
  fragment: ReKeyFragment,
  groups: PairingGroups,
): CheckedKey<ReKeyFragment> | undefined {
  const known = checked.get(fragment)
  return known?.groups === groups ? known : undefined
}

/**
 * Re-encryption keys: the owner lets a proxy convert capsules of one condition for one delegatee.
 *
 *     e random    E = g^e    y = H(pk_B^e, E, and every term)    rk = Q_w^(a*y)    X = pk_A^y
 *
 * The delegatee needs not be there: he finds y later from E and his secret. Anyone sees that rk belongs to X, since
 * e(g, rk) = e(X, Q_w), and to the owner, who signs all of it. Only owner and delegatee can see that X belongs to pk_A.
 *
 * On the wire `[1, 1, 3, terms..., X, rk, signature65]`, with the terms `delegator48, delegatee48, condition, account33 of
 * the owner, account33 of the delegatee or null, digest32 of his key record or null, expiresAtMs, E48,
 * proof64 of e`.
 */

import { succeed, type Result } from '../errors.ts'
import { copyBytes, equalBytes, toHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import type { G1Element, G2Element, PairingGroups, PreparedG2 } from '../primitives/pairing-groups.ts'
import {
  account,
  bytesOf,
  encodeShape,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  tuple,
  type Shape,
} from '../primitives/shape.ts'
import { createVerifier, SIGNATURE_BYTES, toSignature, type Signature, type Verifier } from '../primitives/signature.ts'
import { PRE_TAGS } from '../primitives/tags.ts'
import { conditionField, conditionShape, type Condition } from './condition.ts'
import { EPHEMERAL_PROOF_BYTES, findEphemeral } from './ephemeral.ts'
import { findPublicKey, PRE_PUBLIC_KEY_BYTES } from './keys.ts'
import { defineUnseen, rereadWhole, type ObjectCodec } from './reread.ts'
import { header, headerOf, SUITES } from './suite.ts'
import { conditionPoint } from './transcript.ts'

/** What a re-key is for; everything in it goes into y, so that no other terms open what it converts. */
export interface ReKeyTerms {
  /** Public key of the owner, 48 bytes. */
  readonly delegator: Bytes
  /** Public key of the delegatee, 48 bytes. */
  readonly delegatee: Bytes
  readonly condition: Condition
  /** Account of the owner. */
  readonly delegatorAccount: Did
  /** Account of the delegatee, where he has one. */
  readonly delegateeAccount: Did | null
  /** Digest of the key record from which the delegatee's key was taken, where there is one. */
  readonly delegateeKeys: Digest32 | null
  /** From this time on nobody should convert with it. */
  readonly expiresAtMs: number
  /** g^e, 48 bytes; fresh for every re-key. */
  readonly ephemeral: Bytes
  /** Proof that whoever made the re-key knows e, for all terms above, 64 bytes. */
  readonly ephemeralProof: Bytes
}

/**
 * RK of the paper: what the proxy holds. Not secret from the owner and the proxy; not to be shown to anyone else, so it
 * prints without `element` and `bytes`, and copies of the object (`{ ...key }`, JSON) do not have them: send `bytes`.
 */
export interface ReEncryptionKey extends ReKeyTerms {
  readonly kind: 're-encryption-key'
  /** Digest of terms and commitment, hexadecimal: what a ledger records. */
  readonly id: string
  /** X, 48 bytes. */
  readonly commitment: Bytes
  /** rk, 96 bytes. */
  readonly element: Bytes
  /** By the owner, over the id. */
  readonly signature: Signature
  readonly bytes: Bytes
}

/** Terms as wire shapes. */
export const termShapes = {
  delegator: bytesOf(PRE_PUBLIC_KEY_BYTES),
  delegatee: bytesOf(PRE_PUBLIC_KEY_BYTES),
  condition: conditionShape,
  delegatorAccount: account,
  delegateeAccount: nullable(account),
  delegateeKeys: nullable(bytesOf(32) as Shape<Digest32>),
  expiresAtMs: timeMs,
  ephemeral: bytesOf(48),
  ephemeralProof: bytesOf(EPHEMERAL_PROOF_BYTES),
}

/** A signature, 65 bytes; form only. */
export const signatureShape: Shape<Signature> = mapped(bytesOf(SIGNATURE_BYTES), {
  parse: (bytes) => toSignature(bytes) ?? new Mismatch(`${SIGNATURE_BYTES} bytes`),
  format: (signature) => signature,
})

/** Terms in the order in which transcripts hash them. */
export function termFields(terms: ReKeyTerms): readonly CborValue[] {
  return [...provedFields(terms), terms.ephemeralProof]
}

/** What the proof of e is about: all terms but itself. */
export function provedFields(terms: Omit<ReKeyTerms, 'ephemeralProof'>): readonly CborValue[] {
  const { delegateeAccount } = terms
  return [
    SUITES.cpre,
    terms.delegator,
    terms.delegatee,
    conditionField(terms.condition),
    toPublicKey(terms.delegatorAccount),
    delegateeAccount === null ? null : toPublicKey(delegateeAccount),
    terms.delegateeKeys,
    terms.expiresAtMs,
    terms.ephemeral,
  ]
}

/** Only the terms of an object that has more. */
export function termsOf(object: ReKeyTerms): ReKeyTerms {
  const { delegator, delegatee, condition, delegatorAccount, delegateeAccount, delegateeKeys } = object
  const { expiresAtMs, ephemeral, ephemeralProof } = object
  return Object.freeze({
    delegator: copyBytes(delegator),
    delegatee: copyBytes(delegatee),
    condition,
    delegatorAccount,
    delegateeAccount,
    delegateeKeys: delegateeKeys === null ? null : (copyBytes(delegateeKeys) as unknown as Digest32),
    expiresAtMs,
    ephemeral: copyBytes(ephemeral),
    ephemeralProof: copyBytes(ephemeralProof),
  })
}

/** What the owner signs, and what re-key ids are: terms and X. */
export function signedFields(terms: ReKeyTerms, commitment: Uint8Array): readonly CborValue[] {
  return [...termFields(terms), commitment]
}

/** The id of a re-key, and of all fragments of one. */
export function hashReKey(terms: ReKeyTerms, commitment: Uint8Array): Digest32 {
  return taggedHash(PRE_TAGS.preReKey, ...signedFields(terms, commitment))
}

interface Wire extends ReKeyTerms {
  readonly commitment: Bytes
  readonly element: Bytes
  readonly signature: Signature
}

const reKeyShape: Shape<Wire> = mapped(
  tuple({
    ...header('cpre', 'reEncryptionKey'),
    ...termShapes,
    commitment: bytesOf(48),
    element: bytesOf(96),
    signature: signatureShape,
  }),
  { parse: (wire) => wire, format: (wire) => ({ ...headerOf('cpre', 'reEncryptionKey'), ...wire }) },
)

const OBJECT = 'reEncryptionKey'

/** Returns the re-key of its parts. */
export function assembleReKey(wire: Wire): ReEncryptionKey {
  const terms = termsOf(wire)
  const { commitment, element, signature } = wire
  const bytes = encodeShape({ ...terms, commitment, element, signature }, reKeyShape, { object: OBJECT })
  const id = toHex(hashReKey(terms, commitment))
  const shown = { kind: 're-encryption-key' as const, ...terms, id, commitment, signature }
  return Object.freeze(defineUnseen(shown, { element, bytes }))
}

/** Reads a re-key. Total; form only. */
export function parseReEncryptionKey(bytes: Uint8Array): Result<ReEncryptionKey, CodecErrorCode> {
  const parsed = parseShape(bytes, reKeyShape, { object: OBJECT })
  return parsed.ok ? succeed(assembleReKey(parsed.value)) : parsed
}

const codec: ObjectCodec<ReEncryptionKey> = {
  kind: 're-encryption-key',
  encode: (key) => encodeShape({ ...key, element: key.element }, reKeyShape, { object: OBJECT }),
  parse: parseReEncryptionKey,
}

/** Whose re-key is expected, and when. */
export interface VerifyReKeyOptions {
  /** The key with which the owner signs now. */
  readonly signer: Did
  /** The owner's account, where it is older than that key; by default the key itself. */
  readonly account?: Did
  readonly nowMs: number
  readonly groups?: PairingGroups
  readonly verifier?: Verifier
}

/** Tells whether a time is one, and before the end. */
export function isBefore(nowMs: number, expiresAtMs: number): boolean {
  return typeof nowMs === 'number' && nowMs < expiresAtMs
}

/** Tells whether terms and signature are the owner's and not ended, and the points of the terms are points. */
export function areTermsSound(
  key: ReKeyTerms & { readonly commitment: Uint8Array; readonly signature: Signature },
  digest: Digest32,
  options: VerifyReKeyOptions,
): boolean {
  const {
    signer,
    account: owner = signer,
    nowMs,
    groups = createPairingGroups(),
    verifier = createVerifier(),
  } = options
  if (key.delegatorAccount !== owner || !isBefore(nowMs, key.expiresAtMs)) return false
  if (equalBytes(key.delegator, key.delegatee)) return false
  if (!verifier.verify({ signer, digest, signature: key.signature })) return false
  const areKeys = [key.delegator, key.delegatee].every((point) => findPublicKey(point, groups) !== undefined)
  return areKeys && ephemeralOf(groups, key) !== undefined
}

/** E of a re-key whose maker knows e; undefined otherwise. */
export function ephemeralOf(groups: PairingGroups, terms: ReKeyTerms): G1Element | undefined {
  return findEphemeral(groups, terms, provedFields(terms))
}

/** What a proxy keeps of a checked re-key or fragment of one, as long as that object lives. */
export interface CheckedKey<K extends ReKeyTerms> {
  readonly groups: PairingGroups
  /** The lines of rk, about 30 KiB. */
  readonly lines: PreparedG2
  /** The key as it was checked; not to be given away. */
  readonly key: K
}

const checked = new WeakMap<object, CheckedKey<ReEncryptionKey>>()

/**
 * Tells whether a re-key is signed by the owner, has not ended, and is what it says, and marks it: what converts
 * afterwards is the re-key as it is now. One that no longer holds loses its mark.
 *
 * Run by the proxy when it takes the re-key, and again after a restart. Total. Cost: about 16 ms, 9 ms where the condition
 * is known. Whether the delegatee can use it only he can see.
 */
export function verifyReEncryptionKey(
  key: ReEncryptionKey,
  options: VerifyReKeyOptions,
): key is Verified<ReEncryptionKey> {
  const { groups = createPairingGroups() } = options
  checked.delete(key)
  const own = rereadWhole(key, codec)
  const lines = own === undefined ? undefined : checkReKey(own, { ...options, groups })
  if (own === undefined || lines === undefined) return false
  checked.set(key, { groups, lines, key: own })
  return true
}

/** The lines of rk; undefined where something does not hold. */
function checkReKey(
  key: ReEncryptionKey,
  options: VerifyReKeyOptions & { readonly groups: PairingGroups },
): PreparedG2 | undefined {
  const { groups } = options
  if (!areTermsSound(key, hashReKey(key, key.commitment), options)) return undefined
  const commitment = groups.parseG1(key.commitment)
  const element = groups.parseG2(key.element)
  if (commitment === undefined || element === undefined) return undefined
  const lines = groups.prepareG2(element)
  const point = conditionPoint(groups, key.delegator, key.condition)
  return isElementOf(groups, { commitment, lines, point }) ? lines : undefined
}

/** Tells whether e(g, rk) = e(X, Q_w). */
function isElementOf(
  groups: PairingGroups,
  parts: { readonly commitment: G1Element; readonly lines: PreparedG2; readonly point: G2Element },
): boolean {
  const { commitment, lines, point } = parts
  return (
    groups.pair([
      [groups.g1, lines],
      [groups.negateG1(commitment), groups.prepareG2(point)],
    ]) === undefined
  )
}

/** What was found about a re-key; undefined where these groups have not checked it. */
export function findCheckedReKey(key: ReEncryptionKey, groups: PairingGroups): CheckedKey<ReEncryptionKey> | undefined {
  const known = checked.get(key)
  return known?.groups === groups ? known : undefined
}

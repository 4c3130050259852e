/**
 * Re-encryption: the proxy turns a capsule of the owner into one for the delegatee, without learning what is in it.
 *
 *     T = e(C, rk) = K^y
 *
 * T lies in GT, where there is no pairing: what was converted cannot be converted again. On the wire
 * `[1, 1, 2, capsule, position of the condition, terms of the re-key without owner and condition, re-key id32, T288]`.
 */

import { rejectArgument, succeed, VitalsealError, type Result } from '../errors.ts'
import { copyBytes, equalBytes, fromHex, toHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CodecErrorCode } from '../primitives/codec.ts'
import { GT_BYTES } from '../primitives/gt.ts'
import type { GtElement, PairingGroups } from '../primitives/pairing-groups.ts'
import { createPairingGroups } from '../primitives/portable-groups.ts'
import { createRecentMap, type RecentMap } from '../primitives/recent.ts'
import { bytesOf, encodeShape, mapped, Mismatch, parseShape, tuple, uint, type Shape } from '../primitives/shape.ts'
import { capsuleFieldsShape, copyCapsule, createCapsule, type Capsule } from './capsule.ts'
import { CONDITIONS_MAX, isSameCondition, type Condition } from './condition.ts'
import { findChecked } from './encapsulate.ts'
import {
  findCheckedReKey,
  isBefore,
  termsOf,
  termShapes,
  type CheckedKey,
  type ReEncryptionKey,
  type ReKeyTerms,
} from './re-key.ts'
import { reread } from './reread.ts'
import { header, headerOf } from './suite.ts'

/** A capsule that the delegatee of a re-key opens. 544 bytes of group material, ids and labels; single hop. */
export interface ReEncryptedCapsule extends ReKeyTerms {
  readonly kind: 're-encrypted-capsule'
  /** The capsule that was converted. */
  readonly capsule: Capsule
  /** Id of the re-key that converted it. */
  readonly reKeyId: string
  /** T, 288 bytes. */
  readonly element: Bytes
  readonly bytes: Bytes
}

/** What converted objects have in common, before it is flat. */
export interface ConvertedWire {
  readonly capsule: Omit<Capsule, 'kind' | 'id' | 'bytes'>
  readonly position: number
  readonly delegatee: Bytes
  readonly delegatorAccount: ReKeyTerms['delegatorAccount']
  readonly delegateeAccount: ReKeyTerms['delegateeAccount']
  readonly delegateeKeys: ReKeyTerms['delegateeKeys']
  readonly expiresAtMs: number
  readonly ephemeral: Bytes
  readonly ephemeralProof: Bytes
  readonly reKeyId: Bytes
  readonly element: Bytes
}

/** Shapes of the fields of converted objects. */
export const convertedShapes = {
  capsule: capsuleFieldsShape as Shape<ConvertedWire['capsule']>,
  position: uint(CONDITIONS_MAX - 1),
  delegatee: termShapes.delegatee,
  delegatorAccount: termShapes.delegatorAccount,
  delegateeAccount: termShapes.delegateeAccount,
  delegateeKeys: termShapes.delegateeKeys,
  expiresAtMs: termShapes.expiresAtMs,
  ephemeral: termShapes.ephemeral,
  ephemeralProof: termShapes.ephemeralProof,
  reKeyId: bytesOf(32),
  element: bytesOf(GT_BYTES),
}

/** Tells whether the position names a condition of the capsule. */
export function hasPosition({ capsule, position }: Pick<ConvertedWire, 'capsule' | 'position'>): boolean {
  return position < capsule.conditions.length
}

const convertedShape: Shape<ConvertedWire> = mapped(
  tuple({ ...header('cpre', 'reEncryptedCapsule'), ...convertedShapes }),
  {
    parse: (wire) => (hasPosition(wire) ? wire : new Mismatch('the position of a condition')),
    format: (wire) => ({ ...headerOf('cpre', 'reEncryptedCapsule'), ...wire }),
  },
)

const OBJECT = 'reEncryptedCapsule'

/** The terms of the re-key behind a converted object. */
export function termsOfConverted(wire: ConvertedWire): ReKeyTerms {
  const { capsule, position } = wire
  return termsOf({ ...wire, delegator: capsule.delegator, condition: capsule.conditions[position] as Condition })
}

/** The wire form of what a re-key of these terms made of a capsule; -1, which cannot be written, where they do not fit. */
export function convertedWire(
  capsule: Capsule,
  terms: ReKeyTerms,
  made: { readonly reKeyId: string; readonly element: Bytes },
): ConvertedWire {
  const isOwners = equalBytes(capsule.delegator, terms.delegator)
  const isTerms = (condition: Condition) => isOwners && isSameCondition(condition, terms.condition)
  const position = capsule.conditions.findIndex(isTerms)
  return { ...terms, capsule, position, reKeyId: fromHex(made.reKeyId), element: made.element }
}

/** Returns the converted capsule of its parts. */
export function assembleConverted(wire: ConvertedWire, capsule = createCapsule(wire.capsule)): ReEncryptedCapsule {
  return Object.freeze({
    kind: 're-encrypted-capsule' as const,
    capsule,
    ...termsOfConverted(wire),
    reKeyId: toHex(wire.reKeyId),
    element: copyBytes(wire.element),
    bytes: encodeShape(wire, convertedShape, { object: OBJECT }),
  })
}

/** Reads a converted capsule. Total; form only. */
export function parseReEncryptedCapsule(bytes: Uint8Array): Result<ReEncryptedCapsule, CodecErrorCode> {
  const parsed = parseShape(bytes, convertedShape, { object: OBJECT })
  return parsed.ok ? succeed(assembleConverted(parsed.value)) : parsed
}

/** A converted capsule of one's own; undefined for what is none. */
export function rereadConverted(converted: ReEncryptedCapsule): ReEncryptedCapsule | undefined {
  return reread(converted, {
    kind: 're-encrypted-capsule',
    encode: ({ capsule, reKeyId, element, ...terms }) =>
      encodeShape(convertedWire(capsule, terms, { reKeyId, element }), convertedShape, { object: OBJECT }),
    parse: parseReEncryptedCapsule,
  })
}

/** When a conversion takes place. */
export interface ReEncryptOptions {
  /** Refuses a re-key that has ended by now; by default it counts that it had not when it was checked. */
  readonly nowMs?: number
  readonly groups?: PairingGroups
}

/** Refuses a conversion that is not the re-key's to make. */
function assertConvertible(capsule: Capsule, key: ReKeyTerms, nowMs: number | undefined): void {
  if (nowMs !== undefined && !isBefore(nowMs, key.expiresAtMs)) {
    throw new VitalsealError('ERR_PRE_EXPIRED', 'the re-key has ended; ask its owner for a new one', {
      details: { expiresAtMs: key.expiresAtMs },
    })
  }
  const isOwners = equalBytes(capsule.delegator, key.delegator)
  if (!isOwners || !capsule.conditions.some((condition) => isSameCondition(condition, key.condition))) {
    throw new VitalsealError(
      'ERR_PRE_CONDITION_MISMATCH',
      'the re-key is for another owner or condition than the capsule; use the re-key of that condition',
      { details: {} },
    )
  }
}

/** Capsules per re-key of which T is kept, 0.4 KiB each: the same capsule converted again costs nothing. */
const CONVERSIONS_KEPT = 256

const conversions = new WeakMap<object, RecentMap<string, Bytes>>()

/** A capsule of which nobody else holds a part, the key as it was checked, and T of both. */
interface Conversion<K> {
  readonly capsule: Capsule
  readonly key: K
  readonly element: Bytes
}

/** Converts a checked capsule by a checked key: both as they were checked. T is remembered with the key. */
export function convert<K extends ReKeyTerms>(
  capsule: Capsule,
  checked: CheckedKey<K> | undefined,
  options: { readonly nowMs: number | undefined; readonly groups: PairingGroups },
): Conversion<K> {
  const { nowMs, groups } = options
  if (capsule?.kind !== 'capsule') rejectArgument('capsule', 'a capsule, which converts once', 'another object')
  const found = findChecked(capsule, groups)
  if (found === undefined) rejectArgument('capsule', 'one that verifyCapsule has checked', 'an unchecked one')
  if (checked === undefined) rejectArgument('key', 'one that has been verified', 'an unchecked one')
  const { key, lines } = checked
  assertConvertible(found.capsule, key, nowMs)
  let kept = conversions.get(key)
  if (kept === undefined) conversions.set(key, (kept = createRecentMap(CONVERSIONS_KEPT)))
  let element = kept.get(found.capsule.id)
  if (element === undefined) {
    element = groups.encodeGt(groups.pair([[found.point, lines]]) as GtElement)
    kept.set(found.capsule.id, element)
  }
  return { capsule: copyCapsule(found.capsule), key, element: copyBytes(element) }
}

/**
 * Converts a capsule of the delegator into one that the delegatee of `key` can open, without learning the key inside.
 *
 * Run by the proxy. Cost: one pairing with known lines, about 3.5 ms; the same capsule again costs nothing. What comes out
 * cannot be converted again (single hop). Proxy and delegatee together can open everything of this one condition and
 * nothing else. Not constant time; the proxy knows both inputs. Argued in the random oracle and algebraic group models,
 * reviewed by no third party.
 *
 * @param capsule - after {@link verifyCapsule}
 * @param key - after {@link verifyReEncryptionKey}
 * @throws When owner or condition differ: `ERR_PRE_CONDITION_MISMATCH`; when the key has ended: `ERR_PRE_EXPIRED`; when one
 *   of both was not checked: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @see privacy-preserving-secure-sharing, 4.2.8 (ReEncrypt); scheme cpre, ReEnc, in the guide
 */
export function reEncrypt(
  capsule: Verified<Capsule>,
  key: Verified<ReEncryptionKey>,
  options: ReEncryptOptions = {},
): ReEncryptedCapsule {
  const { groups = createPairingGroups(), nowMs } = options
  const made = convert(capsule, findCheckedReKey(key, groups), { nowMs, groups })
  const wire = convertedWire(made.capsule, made.key, { reKeyId: made.key.id, element: made.element })
  return assembleConverted(wire, made.capsule)
}

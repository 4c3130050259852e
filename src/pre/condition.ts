/**
 * Conditions: what a capsule is sealed for and a re-key is good for, such as a type of data and a month.
 *
 * A condition is the canonical tuple `[1, type, epoch or null, [extra...]]`, never text joined by a separator. The proxy
 * and the store see it. "HIV test" as a condition is itself health data, so {@link createOpaqueCondition} makes one that
 * only those with the owner's label key can tell.
 */

import { rejectArgument } from '../errors.ts'
import { compareBytes, toHex, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../primitives/codec.ts'
import { hmacSha256 } from '../primitives/hash.ts'
import {
  constant,
  identifier,
  listOf,
  mapped,
  Mismatch,
  nullable,
  tuple,
  writeShape,
  type Shape,
} from '../primitives/shape.ts'
import { PRE_TAGS } from '../primitives/tags.ts'

/** What a re-key is good for. Two conditions are the same when all their texts are. */
export interface Condition {
  /** Type of data, `system|code` as a rule; text in normalization form C of at most 1,024 bytes. */
  readonly type: string
  /** Month or key epoch; such text too. */
  readonly epoch?: string
  /** Up to 8 more texts, in an order of the caller's. */
  readonly extra?: readonly string[]
}

/** Conditions of one capsule: any of them opens it. */
export const CONDITIONS_MAX = 8
/** Bytes of all conditions of one capsule: every transcript names them, and what is made of a capsule must be encoded too. */
const CONDITIONS_BYTES_MAX = 32_768
const EXTRA_MAX = 8
/** Bytes of a label key. */
const LABEL_KEY_BYTES = 32

/** The wire form of a condition. */
export const conditionShape: Shape<Condition> = mapped(
  tuple({
    version: constant(1),
    type: identifier,
    epoch: nullable(identifier),
    extra: listOf(identifier, { name: 'extra texts', countMax: EXTRA_MAX }),
  }),
  {
    parse: ({ type, epoch, extra }): Condition =>
      Object.freeze({
        type,
        ...(epoch === null ? {} : { epoch }),
        ...(extra.length === 0 ? {} : { extra: Object.freeze(extra) }),
      }),
    format: ({ type, epoch = null, extra = [] }) => ({ version: 1 as const, type, epoch, extra }),
  },
)

const OBJECT = 'condition'

/** A condition as it stands in transcripts, and its bytes. */
interface Written {
  readonly field: CborValue
  readonly bytes: Bytes
}

/** Of conditions that cannot change any more: every transcript of a capsule names each of its conditions. */
const written = new WeakMap<Condition, Written>()

function write(condition: Condition): Written {
  const known = written.get(condition)
  if (known !== undefined) return known
  const field = writeShape(condition, conditionShape, { object: OBJECT })
  const made = { field, bytes: encodeCbor(field) }
  if (isFixed(condition)) written.set(condition, made)
  return made
}

function isFixed(condition: Condition): boolean {
  return Object.isFrozen(condition) && (condition.extra === undefined || Object.isFrozen(condition.extra))
}

/**
 * Returns the canonical bytes of a condition.
 *
 * @throws When a text has another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCondition(condition: Condition): Bytes {
  return write(condition).bytes
}

/** The condition as it stands in a transcript. */
export function conditionField(condition: Condition): CborValue {
  return write(condition).field
}

/** Returns a copy that nobody changes. */
export function fixCondition(condition: Condition): Condition {
  const fixed = conditionShape.read(conditionField(condition))
  return fixed instanceof Mismatch ? rejectArgument(OBJECT, fixed.expected, 'another value') : fixed
}

function checkConditions(conditions: readonly Condition[]): readonly Condition[] | Mismatch {
  const encoded = conditions.map(encodeCondition)
  const found = encoded.reduce((sum, bytes) => sum + bytes.length, 0)
  if (found > CONDITIONS_BYTES_MAX) {
    const limit = { name: 'bytes of conditions', allowed: CONDITIONS_BYTES_MAX, found }
    return new Mismatch(`at most ${CONDITIONS_BYTES_MAX} bytes of conditions`, { code: 'ERR_CODEC_LIMIT', limit })
  }
  const areAscending = encoded.every((bytes, i) => i === 0 || compareBytes(encoded[i - 1] as Bytes, bytes) < 0)
  return areAscending ? Object.freeze(conditions) : new Mismatch('conditions in ascending order, each once')
}

/** The wire form of a list: one to eight, ascending by their bytes, each once; together at most 32 KiB. */
export const conditionsShape: Shape<readonly Condition[]> = mapped(
  listOf(conditionShape, { name: 'conditions', countMax: CONDITIONS_MAX, countMin: 1 }),
  {
    parse: checkConditions,
    format: (conditions) => conditions,
  },
)

/**
 * Returns the conditions in the order of the wire, as a list that nobody changes.
 *
 * @throws When there are none, too many or too long ones, or one is there twice: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function sortConditions(conditions: Condition | readonly Condition[]): readonly Condition[] {
  const list = Array.isArray(conditions) ? (conditions as readonly Condition[]) : [conditions as Condition]
  if (list.length > CONDITIONS_MAX) {
    rejectArgument('condition', `at most ${CONDITIONS_MAX} conditions`, `${list.length}`)
  }
  const sorted = list
    .map((condition) => fixCondition(condition))
    .sort((a, b) => compareBytes(encodeCondition(a), encodeCondition(b)))
  const read = conditionsShape.read(sorted.map(conditionField))
  return read instanceof Mismatch ? rejectArgument('condition', read.expected, 'another list') : read
}

/** Tells whether two conditions are the same. */
export function isSameCondition(left: Condition, right: Condition): boolean {
  return compareBytes(encodeCondition(left), encodeCondition(right)) === 0
}

/**
 * Returns a condition that stands for another one and does not show it: its type is an HMAC of the canonical tuple.
 *
 * Who makes capsules or re-keys for it needs the label key, and can then tell which of a list of guesses it is. Equal
 * conditions stay equal, so the proxy still sees what belongs together, how often, and when.
 *
 * @param condition - what it stands for
 * @param labelKey - 32 bytes, one for the life of the owner; secret
 * @throws When the key has another length or a text another form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createOpaqueCondition(condition: Condition, labelKey: Uint8Array): Condition {
  if (!(labelKey instanceof Uint8Array) || labelKey.length !== LABEL_KEY_BYTES) {
    rejectArgument('labelKey', `${LABEL_KEY_BYTES} bytes`, 'something else')
  }
  const message = encodeCbor([PRE_TAGS.preOpaqueCondition, conditionField(condition)])
  return Object.freeze({ type: `opaque:${toHex(hmacSha256(labelKey, message))}` })
}

/**
 * Shapes: one description of a tuple that both reads and writes it.
 *
 * Wire objects are arrays of fixed order. A shape names the fields, so that code handles objects and a refusal says where:
 * `transaction.grants.0.access.untilMs at byte 41: expected ...`. Reading is total; writing is checked by reading back
 * what would be sent, so that nothing leaves that the other side would refuse.
 */

import { CID } from 'multiformats/cid'

import { VitalsealError, fail, succeed, type Failure, type Result } from '../errors.ts'
import { copyBytes, isPortableText, toUtf8, type Bytes } from './bytes.ts'
import { encodeCbor, locateItem, viewCbor, type CborValue, type CodecErrorCode } from './codec.ts'
import { decodeContentId, encodeContentId, CONTENT_ID_BYTES, type RecordId } from './content-id.ts'
import { createDid, toPublicKey, SIGNING_KEY_BYTES, type Did } from './did.ts'
import type { Digest32 } from './hash.ts'
import { createId, toDigest, type TransactionId } from './ids.ts'
import { encodeLabel, labelBytes, LABEL_BYTES, type Label } from './label.ts'
import { codecLimits, COUNTER_MAX, IDENTIFIER_BYTES_MAX, TIME_MS_MAX, type CodecLimits } from './limits.ts'

/** Why and where a value does not fit a shape. */
export class Mismatch {
  readonly code: 'ERR_CODEC_MALFORMED' | 'ERR_CODEC_LIMIT' | 'ERR_CODEC_VERSION'
  readonly expected: string
  readonly limit: { readonly name: string; readonly allowed: number; readonly found: number }
  /** Names of the fields on the way, innermost first. */
  readonly names: string[] = []
  /** Indexes on the way, innermost first. */
  readonly indexes: number[] = []

  /** Notes what was expected; the code is ERR_CODEC_MALFORMED where no other is named. */
  constructor(
    expected: string,
    options: {
      readonly code?: Mismatch['code']
      readonly limit?: Mismatch['limit']
    } = {},
  ) {
    this.code = options.code ?? 'ERR_CODEC_MALFORMED'
    this.expected = expected
    this.limit = options.limit ?? { name: expected, allowed: 0, found: 0 }
  }

  /** Notes one step outwards. */
  within(name: string, index: number): this {
    this.names.push(name)
    this.indexes.push(index)
    return this
  }

  /** Notes that the outermost step was counted from behind `count` other elements. */
  behind(count: number): this {
    const outermost = this.indexes.length - 1
    if (outermost >= 0) this.indexes[outermost] = (this.indexes[outermost] as number) + count
    return this
  }
}

/** Reads a decoded value and writes it back. */
export interface Shape<T> {
  /** Total for every value that the codec can hold, and for undefined. */
  read(value: CborValue): T | Mismatch
  /** May give what `read` refuses, for a value that does not fit: `writeShape` reads back. */
  write(value: T): CborValue
}

/** Stands for a part that cannot be written; no shape reads it, so that the refusal names the field. */
const UNWRITABLE = undefined as unknown as CborValue

/** The type that a shape reads. */
export type ShapeType<S> = S extends Shape<infer T> ? T : never

type Fields = { readonly [name: string]: Shape<never> | Shape<unknown> }
type Tuple<F extends Fields> = { readonly [N in keyof F]: ShapeType<F[N]> }

function tooMany(name: string, allowed: number, found: number): Mismatch {
  return new Mismatch(`at most ${allowed} ${name}`, { code: 'ERR_CODEC_LIMIT', limit: { name, allowed, found } })
}

/** An array of fixed length and order; its fields get the given names. */
export function tuple<const F extends Fields>(fields: F): Shape<Tuple<F>> {
  const names = Object.keys(fields)
  const shapes = Object.values(fields) as readonly Shape<unknown>[]
  return {
    read(value) {
      if (!Array.isArray(value) || value.length !== shapes.length) return new Mismatch(`a tuple of ${shapes.length}`)
      const result: Record<string, unknown> = {}
      for (let index = 0; index < shapes.length; index++) {
        const name = names[index] as string
        const field = (shapes[index] as Shape<unknown>).read(value[index] as CborValue)
        if (field instanceof Mismatch) return field.within(name, index)
        result[name] = field
      }
      return result as Tuple<F>
    },
    write(value) {
      if (typeof value !== 'object' || value === null) return UNWRITABLE
      return shapes.map((shape, index) => shape.write((value as Record<string, unknown>)[names[index] as string]))
    },
  }
}

/** An array of up to `countMax` elements, at least `countMin`. */
export function listOf<T>(
  element: Shape<T>,
  options: { readonly name: string; readonly countMax: number; readonly countMin?: number },
): Shape<readonly T[]> {
  const { name, countMax, countMin = 0 } = options
  return {
    read(value) {
      if (!Array.isArray(value) || value.length < countMin) {
        return new Mismatch(countMin === 0 ? `a list of ${name}` : `a list of at least ${countMin} ${name}`)
      }
      if (value.length > countMax) return tooMany(name, countMax, value.length)
      const result: T[] = []
      for (const [index, item] of (value as readonly CborValue[]).entries()) {
        const read = element.read(item)
        if (read instanceof Mismatch) return read.within(String(index), index)
        result.push(read)
      }
      return result
    },
    write(value) {
      // Too long a list is refused before it is copied.
      const isList = Array.isArray(value) && value.length <= countMax
      return isList ? Array.from(value, (item: T) => element.write(item)) : UNWRITABLE
    },
  }
}

/** The shape or null. */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    read: (value) => (value === null ? null : shape.read(value)),
    write: (value) => (value === null ? null : shape.write(value)),
  }
}

/** The first shape that `isFirst` accepts by the CBOR type, otherwise the second. */
export function either<A, B>(
  first: Shape<A>,
  second: Shape<B>,
  tell: { readonly isFirst: (value: CborValue) => boolean; readonly isFirstValue: (value: A | B) => value is A },
): Shape<A | B> {
  return {
    read: (value) => (tell.isFirst(value) ? first.read(value) : second.read(value)),
    write: (value) => (tell.isFirstValue(value) ? first.write(value) : second.write(value)),
  }
}

/** A shape under another type: `parse` may refuse, `format` undoes it. */
export function mapped<A, B>(
  shape: Shape<A>,
  map: { readonly parse: (value: A) => B | Mismatch; readonly format: (value: B) => A },
): Shape<B> {
  return {
    read(value) {
      const read = shape.read(value)
      return read instanceof Mismatch ? read : map.parse(read)
    },
    write(value) {
      try {
        return shape.write(map.format(value))
      } catch {
        return UNWRITABLE
      }
    },
  }
}

/** Exactly this number or text; another number is a version that this library does not know. */
export function constant<const T extends number | string>(expected: T): Shape<T> {
  return {
    read(value) {
      if (value === expected) return expected
      return typeof value === 'number' && typeof expected === 'number'
        ? unknownVersion('object', value)
        : new Mismatch(`${expected}`)
    },
    write: () => expected,
  }
}

/** The refusal of a version or kind that this library does not know. */
export function unknownVersion(object: string, found: number): Mismatch {
  return new Mismatch(`a known ${object}`, { code: 'ERR_CODEC_VERSION', limit: { name: object, allowed: 0, found } })
}

/** A tuple with its version in front, which objects of this library do not carry. */
export function versioned<const F extends Fields>(version: number, fields: F): Shape<Tuple<F>> {
  const rest = tuple(fields)
  return {
    read(value) {
      if (!Array.isArray(value)) return new Mismatch('a tuple')
      const [found, ...elements] = value as readonly CborValue[]
      if (found !== version) {
        return (typeof found === 'number' ? unknownVersion('version', found) : new Mismatch(`${version}`)).within(
          'version',
          0,
        )
      }
      const read = rest.read(elements)
      return read instanceof Mismatch ? read.behind(1) : read
    },
    write: (value) => [version, ...(rest.write(value) as readonly CborValue[])],
  }
}

/** An integer from 0 (or `min`) to `max`. */
export function uint(max: number, min = 0): Shape<number> {
  return {
    read: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
        ? value
        : new Mismatch(`an integer from ${min} to ${max}`),
    write: (value) => value,
  }
}

/** A nonce or a key epoch. */
export const counter: Shape<number> = uint(COUNTER_MAX)
/** Milliseconds UTC. */
export const timeMs: Shape<number> = uint(TIME_MS_MAX)

/** True or false. */
export const flag: Shape<boolean> = {
  read: (value) => (typeof value === 'boolean' ? value : new Mismatch('true or false')),
  write: (value) => value,
}

/** One of a closed list, by its position. */
export function choice<const T extends string>(name: string, options: readonly T[]): Shape<T> {
  return {
    read(value) {
      const option = typeof value === 'number' ? options[value] : undefined
      return option ?? new Mismatch(`a ${name} from 0 to ${options.length - 1}`)
    },
    write: (value) => options.indexOf(value),
  }
}

/** A set of a closed list, as a bit mask; empty only where `min` is 0. */
export function choices<const T extends string>(name: string, options: readonly T[], min = 1): Shape<readonly T[]> {
  const max = 2 ** options.length - 1
  return {
    read(value) {
      const isMask = typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      return isMask
        ? options.filter((_, bit) => Math.floor(value / 2 ** bit) % 2 === 1)
        : new Mismatch(`a set of ${name} from ${min} to ${max}`)
    },
    write(value) {
      // An unknown member must not vanish silently: -1 is refused on reading back.
      if (!Array.isArray(value) || !value.every((member: T) => options.includes(member))) return -1
      return options.reduce((mask, option, bit) => (value.includes(option) ? mask + 2 ** bit : mask), 0)
    },
  }
}

/** Exactly `length` bytes. */
export function bytesOf(length: number): Shape<Bytes> {
  return {
    read: (value) =>
      value instanceof Uint8Array && value.length === length ? copyBytes(value) : new Mismatch(`${length} bytes`),
    write: (value) => value,
  }
}

/** Up to `lengthMax` bytes. */
export function bytesUpTo(lengthMax: number): Shape<Bytes> {
  return {
    read(value) {
      if (!(value instanceof Uint8Array)) return new Mismatch(`at most ${lengthMax} bytes`)
      return value.length > lengthMax ? tooMany('bytes', lengthMax, value.length) : copyBytes(value)
    },
    write: (value) => value,
  }
}

/** Exactly `length` bytes as a view of the input, for readers that own it: they copied it whole, once, before. */
export function viewOf(length: number): Shape<Bytes> {
  return {
    read: (value) =>
      value instanceof Uint8Array && value.length === length ? (value as Bytes) : new Mismatch(`${length} bytes`),
    write: (value) => value,
  }
}

/** Up to `lengthMax` bytes as a view of the input; see {@link viewOf}. */
export function viewUpTo(lengthMax: number): Shape<Bytes> {
  return {
    read(value) {
      if (!(value instanceof Uint8Array)) return new Mismatch(`at most ${lengthMax} bytes`)
      return value.length > lengthMax ? tooMany('bytes', lengthMax, value.length) : (value as Bytes)
    },
    write: (value) => value,
  }
}

/** Text in normalization form C, not empty, of at most 1,024 bytes. */
export const identifier: Shape<string> = {
  read(value) {
    if (typeof value !== 'string' || value.length === 0) return new Mismatch('text that is not empty')
    if (value.length > IDENTIFIER_BYTES_MAX)
      return tooMany('bytes in an identifier', IDENTIFIER_BYTES_MAX, value.length)
    const byteCount = toUtf8(value).length
    if (byteCount > IDENTIFIER_BYTES_MAX) return tooMany('bytes in an identifier', IDENTIFIER_BYTES_MAX, byteCount)
    if (!isPortableText(value)) return new Mismatch('well-formed text without a byte order mark')
    return value.normalize('NFC') === value ? value : new Mismatch('text in normalization form C')
  },
  write: (value) => value,
}

/** A party: 33 bytes of a compressed signing key. */
export const account: Shape<Did> = mapped(bytesOf(SIGNING_KEY_BYTES), {
  parse: (bytes) => (bytes[0] === 2 || bytes[0] === 3 ? createDid(bytes) : new Mismatch('a compressed signing key')),
  format: (did) => toPublicKey(did),
})

/** A content id: codec byte and digest. */
export const contentId: Shape<RecordId> = mapped(bytesOf(CONTENT_ID_BYTES), {
  parse: (bytes) => decodeContentId(bytes) ?? new Mismatch('a raw or dag-cbor content id'),
  format: encodeContentId,
})

/** A transaction id: 32 bytes. */
export const transactionId: Shape<TransactionId> = mapped(bytesOf(32), {
  parse: (bytes) => createId('transaction', bytes as Digest32),
  format: (id) => toDigest(id),
})

/** A label: 16 bytes. */
export const label: Shape<Label> = mapped(bytesOf(LABEL_BYTES), { parse: encodeLabel, format: labelBytes })

/** A link to a block, as IPLD has it. */
export const link: Shape<CID> = {
  read: (value) => CID.asCID(value) ?? new Mismatch('a link'),
  write: (value) => value,
}

function toFailure(mismatch: Mismatch, object: string, bytes: Uint8Array): Failure<CodecErrorCode> {
  const path = [object, ...mismatch.names.toReversed()].join('.')
  const byteOffset = locateItem(bytes, mismatch.indexes.toReversed())
  const message = `${path} at byte ${byteOffset}: expected ${mismatch.expected}`
  const { name, allowed, found } = mismatch.limit
  switch (mismatch.code) {
    case 'ERR_CODEC_MALFORMED':
      return fail('ERR_CODEC_MALFORMED', message, { path, details: { byteOffset, expected: mismatch.expected } })
    case 'ERR_CODEC_LIMIT':
      return fail('ERR_CODEC_LIMIT', `${message}, found ${found}`, { path, details: { limit: name, allowed, found } })
    case 'ERR_CODEC_VERSION':
      return fail('ERR_CODEC_VERSION', `${message}, found ${found}`, { path, details: { object: name, found } })
  }
}

/**
 * Reads an object from foreign bytes. Total.
 *
 * @param bytes - strict DAG-CBOR
 * @param shape - what it should be
 * @param options - `object`: first word of every path; `limits`: default {@link codecLimits}
 */
export function parseShape<T>(
  bytes: Uint8Array,
  shape: Shape<T>,
  options: { readonly object: string; readonly limits?: CodecLimits },
): Result<T, CodecErrorCode> {
  const { object, limits = codecLimits } = options
  // Shapes copy the bytes that they keep, but for `viewOf` and `viewUpTo`.
  const decoded = viewCbor(bytes, limits)
  if (!decoded.ok) return { ...decoded, path: object, message: `${object} at ${decoded.message}` }
  const value = shape.read(decoded.value)
  return value instanceof Mismatch ? toFailure(value, object, bytes) : succeed(value)
}

/**
 * Returns the value in the form that a shape writes, after reading it back.
 *
 * @throws When the value does not fit the shape: `ERR_ARGUMENT_INVALID` with the path of the field. {@link VitalsealError}
 */
export function writeShape<T>(value: T, shape: Shape<T>, options: { readonly object: string }): CborValue {
  let written: CborValue
  let mismatch: T | Mismatch
  try {
    written = shape.write(value)
    mismatch = shape.read(written)
  } catch (cause) {
    throw invalid(options.object, 'every field of the right type', cause)
  }
  if (mismatch instanceof Mismatch) {
    throw invalid([options.object, ...mismatch.names.toReversed()].join('.'), mismatch.expected)
  }
  return written
}

function invalid(argument: string, expected: string, cause?: unknown): VitalsealError {
  return new VitalsealError('ERR_ARGUMENT_INVALID', `"${argument}" expected ${expected}, found another value`, {
    details: { argument, expected, found: 'another value' },
    path: argument,
    cause,
  })
}

/**
 * Returns the canonical bytes of an object.
 *
 * @throws When the value does not fit the shape or the limits: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeShape<T>(
  value: T,
  shape: Shape<T>,
  options: { readonly object: string; readonly limits?: CodecLimits },
): Bytes {
  return encodeCbor(writeShape(value, shape, options), options.limits)
}

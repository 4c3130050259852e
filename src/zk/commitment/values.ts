/**
 * Values of a record as leaves: field elements, each in the exact encoding that the schema names.
 *
 * Absent is r - 1, which no encoding of a value reaches: numbers stay below 2^64, codes of lists below 2^248. A list that
 * is present but not full has zeros in the rest, which no code hashes to in practice; an absent list has r - 1 everywhere.
 */

import { rejectArgument } from '../../errors.ts'
import { daysSince1970 } from '../../primitives/civil-date.ts'
import { taggedHash } from '../../primitives/hash.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { digestToField, FIELD_ORDER, type FieldElement } from '../field.ts'
import { bitsOf, isName, leafCountOf, parseDecimal, type Attribute, type Schema, type Values } from './schema.ts'

/** The leaf of a value that is not there. */
export const ABSENT: FieldElement = FIELD_ORDER - 1n

/** From 1 January of the year 1 to 1 January 1970. */
const DAYS_BEFORE_1970 = 719_162
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/

/** Returns the element that stands for a code in a list. */
export function encodeCode(code: string): FieldElement {
  return digestToField(taggedHash(ZK_TAGS.zkCode, code))
}

function encodeDate(text: unknown): bigint | undefined {
  const [, year, month, day] = DATE.exec(typeof text === 'string' ? text : '') ?? []
  if (year === undefined) return undefined
  const days = daysSince1970({ year: Number(year), month: Number(month), day: Number(day) })
  return days === undefined ? undefined : BigInt(days + DAYS_BEFORE_1970)
}

/** Days since 1970 of the leaf of a date. */
export function daysFromLeaf(encoded: bigint): number {
  return Number(encoded) - DAYS_BEFORE_1970
}

function encodeNumber(attribute: Attribute, value: unknown): bigint | undefined {
  switch (attribute.kind) {
    case 'int':
      return Number.isSafeInteger(value) ? BigInt(value as number) - BigInt(attribute.minimum ?? 0) : undefined
    case 'decimal': {
      const { scale, minimum = '0' } = attribute
      const unscaled = parseDecimal(value, scale)
      return unscaled === undefined ? undefined : unscaled - parseDecimal(minimum, scale)!
    }
    case 'date':
      return encodeDate(value)
    case 'flag':
      return typeof value === 'boolean' ? BigInt(value) : undefined
    case 'code': {
      const index = attribute.codes.indexOf(value as string)
      return index < 0 ? undefined : BigInt(index)
    }
    case 'list':
      return undefined
  }
}

/** What a value should be, in words that name no value. */
function expectation(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'int':
      return `an integer of ${attribute.bits} bits from ${attribute.minimum ?? 0}`
    case 'decimal':
      return `decimal text with at most ${attribute.scale} digits after the point, of ${attribute.bits} bits from ${attribute.minimum ?? 0}`
    case 'date':
      return 'a day as YYYY-MM-DD'
    case 'flag':
      return 'true or false'
    case 'code':
      return 'a code of the schema'
    case 'list':
      return `at most ${attribute.slots} different codes`
  }
}

/**
 * Returns the leaf of one value of an attribute that is no list.
 *
 * @param path - what the refusal names; the value itself is never named
 * @throws When the value has another type or is out of range: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeValue(attribute: Attribute, value: unknown, path: string): bigint {
  const encoded = encodeNumber(attribute, value)
  if (encoded === undefined || encoded < 0n || encoded >> BigInt(bitsOf(attribute)) !== 0n) {
    return rejectArgument(
      path,
      expectation(attribute),
      typeof value === 'object' ? 'something else' : `another ${typeof value}`,
    )
  }
  return encoded
}

function encodeList(attribute: Attribute & { readonly kind: 'list' }, value: unknown, path: string): FieldElement[] {
  const { slots } = attribute
  if (!Array.isArray(value) || value.length > slots || !value.every(isName) || new Set(value).size !== value.length) {
    return rejectArgument(path, expectation(attribute), 'something else')
  }
  return Array.from({ length: slots }, (_, slot) => (slot < value.length ? encodeCode(value[slot] as string) : 0n))
}

/** The leaves of one attribute; absent where there is no value. */
export function encodeLeaves(attribute: Attribute, value: unknown, path: string): FieldElement[] {
  if (value === undefined) return Array.from({ length: leafCountOf(attribute) }, () => ABSENT)
  return attribute.kind === 'list' ? encodeList(attribute, value, path) : [encodeValue(attribute, value, path)]
}

/**
 * Returns the leaves of a record in the order of the schema.
 *
 * @throws When a name is unknown or a value does not fit: `ERR_ARGUMENT_INVALID`, naming the attribute only. {@link VitalsealError}
 */
export function encodeValues<S>(schema: Schema<S>, values: Values<S>): FieldElement[] {
  const attributes = (schema as unknown as Schema).attributes
  const given = values as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(attributes, name)) rejectArgument('values', 'names of the schema', 'another name')
  }
  return Object.entries(attributes).flatMap(([name, attribute]) =>
    encodeLeaves(attribute, Object.hasOwn(given, name) ? given[name] : undefined, `values.${name}`),
  )
}

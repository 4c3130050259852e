/**
 * Record schemas: which attributes a record has, how each is encoded as field elements, and where its leaves stand.
 *
 * The encoding is part of the schema and the schema's id is part of every commitment, so a number cannot be read under
 * another unit, scale or name. Attributes take leaves in the order of the schema, 15 to a block: what is asked together
 * should stand together, since a proof opens whole blocks.
 */

import { rejectArgument } from '../../errors.ts'
import { isPortableText } from '../../primitives/bytes.ts'
import type { CborValue } from '../../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { IDENTIFIER_BYTES_MAX } from '../../primitives/limits.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { chooseTreeShape, LEAVES_MAX, type TreeShape } from './tree-shape.ts'

/** How one attribute is written down. Numbers count from `minimum`, by default 0. */
export type Attribute =
  /** An integer of 1 to 53 bits. */
  | { readonly kind: 'int'; readonly bits: number; readonly minimum?: number }
  /** A decimal of 1 to 64 bits with 0 to 18 digits after the point, as text, so that it is exact. */
  | {
      readonly kind: 'decimal'
      readonly bits: number
      readonly scale: number
      readonly unit: string
      readonly minimum?: `${number}`
    }
  /** A day of the calendar, `YYYY-MM-DD`. */
  | { readonly kind: 'date' }
  /** True or false. */
  | { readonly kind: 'flag' }
  /** One of up to 65,536 codes. */
  | { readonly kind: 'code'; readonly codes: readonly string[] }
  /** Up to 256 codes out of any number, such as diagnoses. */
  | { readonly kind: 'list'; readonly slots: number }

/** Attributes by name. */
export interface Attributes {
  readonly [name: string]: Attribute
}

/** The type of a value of an attribute. */
export type ValueOf<A> = A extends { readonly kind: 'int' }
  ? number
  : A extends { readonly kind: 'decimal' }
    ? `${number}`
    : A extends { readonly kind: 'date' }
      ? `${number}-${number}-${number}`
      : A extends { readonly kind: 'flag' }
        ? boolean
        : A extends { readonly codes: readonly (infer C)[] }
          ? C
          : readonly string[]

/** The values of a record; what is left out is absent, and satisfies no requirement and no negation of one. */
export type Values<S> = { readonly [N in keyof S]?: ValueOf<S[N]> }

/** A record schema. */
export interface Schema<S = Attributes> {
  readonly name: string
  readonly attributes: S
  /** Digest of name and attributes. */
  readonly id: Digest32
}

/** Largest width of an integer and of a decimal. */
const BITS_MAX = { int: 53, decimal: 64 } as const
const SCALE_MAX = 18
const CODES_MAX = 65_536
const SLOTS_MAX = 256
/** Days of the years 1 to 9999 take 22 bits. */
export const DATE_BITS = 22

/** Number of bits of the largest value; lists have none. */
export function bitsOf(attribute: Attribute): number {
  switch (attribute.kind) {
    case 'int':
    case 'decimal':
      return attribute.bits
    case 'date':
      return DATE_BITS
    case 'flag':
      return 1
    case 'code':
      return Math.max(1, Math.ceil(Math.log2(attribute.codes.length)))
    case 'list':
      return 0
  }
}

/** Number of leaves of an attribute. */
export function leafCountOf(attribute: Attribute): number {
  return attribute.kind === 'list' ? attribute.slots : 1
}

/** Leaves of all attributes. */
export function countLeaves(schema: Schema): number {
  return Object.values(schema.attributes).reduce((sum, attribute) => sum + leafCountOf(attribute), 0)
}

/** Position of the first leaf of each attribute. */
export function leafPositions(schema: Schema): ReadonlyMap<string, number> {
  const positions = new Map<string, number>()
  let next = 0
  for (const [name, attribute] of Object.entries(schema.attributes)) {
    positions.set(name, next)
    next += leafCountOf(attribute)
  }
  return positions
}

/** Returns the shape of the tree of a schema. */
export function treeShapeOf(schema: Schema): TreeShape {
  return chooseTreeShape(countLeaves(schema))
}

function isInteger(value: unknown, minimum: number, maximum: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

/** Tells whether a text may name something: not empty, bounded, in normalization form C. */
export function isName(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length > 0 &&
    text.length <= IDENTIFIER_BYTES_MAX &&
    isPortableText(text) &&
    text.normalize('NFC') === text
  )
}

/** The parameters of an attribute in a fixed order, after checking them. */
export function attributeFields(attribute: Attribute, path: string): CborValue {
  const reject = (expected: string): never => rejectArgument(path, expected, 'something else')
  switch (attribute.kind) {
    case 'int': {
      const { bits, minimum = 0 } = attribute
      if (!isInteger(bits, 1, BITS_MAX.int)) reject(`1 to ${BITS_MAX.int} bits`)
      if (!Number.isSafeInteger(minimum) || !Number.isSafeInteger(minimum + 2 ** bits - 1)) reject('safe integers')
      return ['int', bits, minimum]
    }
    case 'decimal': {
      const { bits, scale, unit, minimum = '0' } = attribute
      if (!isInteger(bits, 1, BITS_MAX.decimal)) reject(`1 to ${BITS_MAX.decimal} bits`)
      if (!isInteger(scale, 0, SCALE_MAX)) reject(`a scale of 0 to ${SCALE_MAX}`)
      if (!isName(unit)) reject('a unit')
      const unscaled = parseDecimal(minimum, scale)
      if (unscaled === undefined) return reject('a decimal as minimum')
      return ['decimal', bits, scale, unit, unscaled.toString()]
    }
    case 'date':
    case 'flag':
      return [attribute.kind]
    case 'code': {
      const { codes } = attribute
      if (!Array.isArray(codes) || codes.length < 1 || codes.length > CODES_MAX) reject(`1 to ${CODES_MAX} codes`)
      if (!codes.every(isName) || new Set(codes).size !== codes.length) reject('different codes')
      return ['code', [...codes]]
    }
    case 'list':
      if (!isInteger(attribute.slots, 1, SLOTS_MAX)) reject(`1 to ${SLOTS_MAX} slots`)
      return ['list', attribute.slots]
    default:
      return reject('a kind of attribute')
  }
}

const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/** Returns a decimal as an integer of units of its last digit; undefined where it has more digits than the scale. */
export function parseDecimal(text: unknown, scale: number): bigint | undefined {
  if (typeof text !== 'string' || text.length > 64) return undefined
  const [, sign, whole, fraction = ''] = DECIMAL.exec(text) ?? []
  if (whole === undefined || fraction.length > scale) return undefined
  const unscaled = BigInt(whole + fraction.padEnd(scale, '0'))
  return sign === '-' ? -unscaled : unscaled
}

/** Returns the text of a decimal, with as many digits after the point as the scale says. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Returns the fields of a schema in canonical order, as digests and files hold them. */
export function schemaFields(schema: Pick<Schema, 'name' | 'attributes'>): CborValue[] {
  const attributes = Object.entries(schema.attributes).map(([name, attribute]) => {
    if (!isName(name)) rejectArgument('attributes', 'names in normalization form C', 'another')
    return [name, attributeFields(attribute, `attributes.${name}`)]
  })
  return [schema.name, attributes]
}

/**
 * Returns a record schema.
 *
 * @param name - with its version, such as `diabetes-2026`
 * @param attributes - in the order of their leaves; 3,840 leaves at most. Names that are integers, such as `7`, are
 *   refused: JavaScript would reorder them
 * @throws When a name, width, scale or list is out of range: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @example
 * const schema = createSchema('diabetes-2026', {
 *   glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
 *   age: { kind: 'int', bits: 8 },
 * })
 */
export function createSchema<const S extends Attributes>(name: string, attributes: S): Schema<S> {
  if (!isName(name)) rejectArgument('name', 'text in normalization form C', 'something else')
  if (Object.keys(attributes).some((key) => /^[0-9]+$/.test(key))) {
    rejectArgument('attributes', 'names that are no integers', 'an integer')
  }
  const copy = Object.freeze(
    Object.fromEntries(Object.entries(attributes).map(([key, attribute]) => [key, freezeAttribute(attribute)])),
  ) as unknown as S
  const id = taggedHash(ZK_TAGS.zkSchema, ...schemaFields({ name, attributes: copy }))
  const schema = Object.freeze({ name, attributes: copy, id })
  const leafCount = countLeaves(schema)
  if (leafCount < 1 || leafCount > LEAVES_MAX) rejectArgument('attributes', `1 to ${LEAVES_MAX} leaves`, `${leafCount}`)
  return schema
}

function freezeAttribute(attribute: Attribute): Attribute {
  const copy = { ...attribute }
  return Object.freeze(copy.kind === 'code' ? { ...copy, codes: Object.freeze([...copy.codes]) } : copy)
}

/**
 * Schemas as bytes, so that a listing, a file or a ledger can carry the schema that a requirement names by its id.
 *
 * `[1, name, [[attribute, [kind, ...parameters]]...]]`, the same fields that the id is the digest of: whoever reads a schema
 * computes its id anew and compares.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import { equalBytes, type Bytes } from '../../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../../primitives/codec.ts'
import { codecLimits, type CodecLimits } from '../../primitives/limits.ts'
import {
  encodeShape,
  identifier,
  listOf,
  Mismatch,
  parseShape,
  tuple,
  versioned,
  type Shape,
} from '../../primitives/shape.ts'
import { attributeFields, createSchema, formatDecimal, type Attribute, type Schema } from './schema.ts'
import { LEAVES_MAX } from './tree-shape.ts'

/** Largest encoding of a schema: room for one attribute of 65,536 short codes. */
export const SCHEMA_BYTES_MAX: number = 1024 * 1024

const schemaLimits: CodecLimits = { ...codecLimits, bytesMax: SCHEMA_BYTES_MAX, itemsMax: 131_072 }

const UNSCALED = /^(?:0|-?[1-9][0-9]{0,63})$/

/** The parameters of an attribute, whose ranges {@link createSchema} checks; undefined for an unknown kind or form. */
function readAttribute(fields: readonly CborValue[]): Attribute | undefined {
  const [kind, first, second, third, fourth] = fields
  switch (kind) {
    case 'date':
    case 'flag':
      return fields.length === 1 ? { kind } : undefined
    case 'int': {
      if (fields.length !== 3 || typeof first !== 'number' || typeof second !== 'number') return undefined
      return second === 0 ? { kind, bits: first } : { kind, bits: first, minimum: second }
    }
    case 'decimal': {
      const isTyped = typeof first === 'number' && typeof second === 'number' && typeof third === 'string'
      if (fields.length !== 5 || !isTyped || typeof fourth !== 'string' || !UNSCALED.test(fourth)) return undefined
      // A scale that createSchema refuses must not decide how long a text becomes.
      if (fourth === '0' || second > 18) return { kind, bits: first, scale: second, unit: third }
      const minimum = formatDecimal(BigInt(fourth), second) as `${number}`
      return { kind, bits: first, scale: second, unit: third, minimum }
    }
    case 'code': {
      if (fields.length !== 2 || !Array.isArray(first)) return undefined
      const codes = (first as readonly CborValue[]).filter((code) => typeof code === 'string')
      return codes.length === first.length ? { kind, codes } : undefined
    }
    case 'list':
      return fields.length === 2 && typeof first === 'number' ? { kind, slots: first } : undefined
    default:
      return undefined
  }
}

const attribute: Shape<Attribute> = {
  read(value) {
    const found = Array.isArray(value) ? readAttribute(value as readonly CborValue[]) : undefined
    return found ?? new Mismatch('a known attribute')
  },
  write: (value) => attributeFields(value, 'attribute'),
}

const schemaShape = versioned(1, {
  name: identifier,
  attributes: listOf(tuple({ name: identifier, attribute }), {
    name: 'attributes',
    countMax: LEAVES_MAX,
    countMin: 1,
  }),
})

/**
 * Returns the encoding of a schema.
 *
 * @throws When it has more than 1 MiB, which only very many codes take: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeSchema({ name, attributes }: Pick<Schema, 'name' | 'attributes'>): Bytes {
  const list = Object.entries(attributes).map(([key, value]) => ({ name: key, attribute: value }))
  return encodeShape({ name, attributes: list }, schemaShape, { object: 'schema', limits: schemaLimits })
}

function build(name: string, entries: readonly (readonly [string, Attribute])[]): Schema | undefined {
  try {
    return createSchema(name, Object.fromEntries(entries))
  } catch {
    // A width, a scale, a code or a number of leaves that no schema has.
    return undefined
  }
}

/**
 * Reads a schema and computes its id. Total. Compare the id with the one that a requirement or an attestation names.
 *
 * @param bytes - at most 1 MiB
 * @returns the schema, or why it is none
 */
export function parseSchema(bytes: Uint8Array): Result<Schema, CodecErrorCode> {
  const parts = parseShape(bytes, schemaShape, { object: 'schema', limits: schemaLimits })
  if (!parts.ok) return parts
  const { name, attributes } = parts.value
  const schema = build(
    name,
    attributes.map((entry) => [entry.name, entry.attribute]),
  )
  // Names that come twice, and whatever else createSchema would read otherwise than it was written.
  if (schema !== undefined && equalBytes(encodeSchema(schema), bytes)) return succeed(schema)
  const expected = 'attributes that a schema can have, each once'
  return fail('ERR_CODEC_MALFORMED', `schema.attributes: expected ${expected}`, {
    path: 'schema.attributes',
    details: { byteOffset: 0, expected },
  })
}

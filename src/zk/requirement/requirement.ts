/**
 * Requirements: what an institution asks of a record, as data that can be shown, published, hashed, evaluated on one's own
 * device and proved.
 *
 * A requirement names the issuers whose word counts, how old that word may be, and whether the verifier asks if it was
 * withdrawn; "self-asserted" data prove consistency, not truth. Its digest binds all of this and the schema, so that nothing
 * can be exchanged after the patient agreed.
 */

import { rejectArgument, type Result } from '../../errors.ts'
import { equalBytes, type Bytes } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import { parseDid, type Did } from '../../primitives/did.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import {
  account,
  bytesOf,
  encodeShape,
  flag,
  listOf,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  versioned,
  type Shape,
} from '../../primitives/shape.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import type { Attributes, Schema, ValueOf } from '../commitment/schema.ts'
import { encodeValue } from '../commitment/values.ts'
import { attributesOf, expressionShape, findMisfit, maximumOf, type Expression } from './expression.ts'

/** Whose word counts, and for how long. */
export interface RequirementOptions {
  /** Issuers whose attestation is accepted; at least one. */
  readonly issuers: readonly Did[]
  /** Oldest attestation that is accepted; any age when absent. */
  readonly ageMsMax?: number
  /** Whether the verifier must ask if the attestation was withdrawn; default false. */
  readonly checksWithdrawal?: boolean
}

/** What an institution asks of a record. */
export interface Requirement<S = Attributes> {
  readonly schema: Schema<S>
  readonly expression: Expression
  readonly issuers: readonly Did[]
  readonly ageMsMax: number | null
  readonly checksWithdrawal: boolean
  /** Digest of all of the above. */
  readonly digest: Digest32
  /** Names of the attributes that a proof opens, in order of the schema. */
  readonly attributes: readonly string[]
}

/** Attributes of some kinds. */
export type NameOf<S, K extends string> = {
  [N in keyof S]: S[N] extends { readonly kind: K } ? N : never
}[keyof S]

type Ordered = 'int' | 'decimal' | 'date'

/** Makes expressions; names and bounds are checked against the schema. */
export interface RequirementBuilder<S> {
  /** All of the parts hold. */
  all(...parts: readonly Expression[]): Expression
  /** At least one part holds. */
  any(...parts: readonly Expression[]): Expression
  /**
   * The part is known not to hold. What is absent decides nothing: `not` of one question needs its value, of `any` the values
   * of all parts, of `all` that of one part that does not hold.
   */
  not(part: Expression): Expression
  /** A number or day is the bound or above. */
  gte<N extends NameOf<S, Ordered>>(name: N, bound: ValueOf<S[N]>): Expression
  /** A number or day is the bound or below. */
  lte<N extends NameOf<S, Ordered>>(name: N, bound: ValueOf<S[N]>): Expression
  /** A number or day is within the bounds, both inside. */
  between<N extends NameOf<S, Ordered>>(
    name: N,
    bounds: { readonly lower: ValueOf<S[N]>; readonly upper: ValueOf<S[N]> },
  ): Expression
  /** A code is one of these. */
  oneOf<N extends NameOf<S, 'code'>>(name: N, codes: readonly ValueOf<S[N]>[]): Expression
  /** A flag is true. */
  is(name: NameOf<S, 'flag'>): Expression
  /** A list has this code. */
  contains(name: NameOf<S, 'list'>, code: string): Expression
  /** The issuer vouched for the values in this time, both ends inside. */
  issued(bounds: { readonly fromMs: number; readonly untilMs: number }): Expression
}

const ISSUERS_MAX = 64

function createBuilder<S>(schema: Schema<S>): RequirementBuilder<S> {
  const { attributes } = schema as unknown as Schema
  const attributeOf = (name: PropertyKey) =>
    (Object.hasOwn(attributes, name) ? attributes[name as string] : undefined) ??
    rejectArgument('name', 'an attribute of the schema', 'another')
  const bound = (name: PropertyKey, value: unknown): bigint => encodeValue(attributeOf(name), value, 'bound')
  const within = (name: PropertyKey, lower: bigint, upper: bigint): Expression => {
    if (lower > upper) rejectArgument('bounds', 'the lower bound first', 'the upper')
    return { kind: 'between', name: name as string, lower, upper }
  }
  return {
    all: (...parts) => ({ kind: 'all', parts }),
    any: (...parts) => ({ kind: 'any', parts }),
    not: (part) => ({ kind: 'not', part }),
    gte: (name, value) => within(name, bound(name, value), maximumOf(attributeOf(name))),
    lte: (name, value) => within(name, 0n, bound(name, value)),
    between: (name, { lower, upper }) => within(name, bound(name, lower), bound(name, upper)),
    oneOf(name, codes) {
      const positions = [...new Set(codes.map((code) => Number(bound(name, code))))].sort((a, b) => a - b)
      return { kind: 'oneOf', name: name as string, positions }
    },
    is: (name) => ({ kind: 'oneOf', name: name as string, positions: [1] }),
    contains: (name, code) => ({ kind: 'contains', name: name as string, code }),
    issued: ({ fromMs, untilMs }) => ({ kind: 'issued', fromMs, untilMs }),
  }
}

/** All but the schema, the digest and what follows from them. */
const requirementShape = versioned(1, {
  schema: bytesOf(32) as unknown as Shape<Digest32>,
  expression: expressionShape,
  issuers: listOf(account, { name: 'issuers', countMax: ISSUERS_MAX, countMin: 1 }),
  ageMsMax: nullable(timeMs),
  checksWithdrawal: flag,
})

const OBJECT = { object: 'requirement' }

type Terms = Pick<Requirement, 'expression' | 'issuers' | 'ageMsMax' | 'checksWithdrawal'>

function findRefusal({ expression, issuers }: Terms, schema: Schema): readonly [string, string] | undefined {
  const misfit = findMisfit(expression, schema)
  if (misfit !== undefined) return ['expression', misfit]
  const isSet = issuers.every((issuer, i) => i === 0 || issuer > issuers[i - 1]!)
  return isSet ? undefined : ['issuers', 'each issuer once, in order']
}

function finish<S>(schema: Schema<S>, terms: Terms): Requirement<S> {
  const known = schema as unknown as Schema
  const bytes = encodeShape({ ...terms, schema: schema.id }, requirementShape, OBJECT)
  return Object.freeze({
    schema,
    expression: terms.expression,
    issuers: Object.freeze([...terms.issuers]),
    ageMsMax: terms.ageMsMax,
    checksWithdrawal: terms.checksWithdrawal,
    digest: taggedHash(ZK_TAGS.zkRequirement, bytes),
    attributes: Object.freeze(attributesOf(terms.expression, known)),
  })
}

/**
 * Returns a requirement.
 *
 * @param build - gets a builder whose names and values are those of the schema
 * @param options - whose word counts; without a time limit an attestation of any age does
 * @throws When a name, a bound, a code or an issuer does not fit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @example
 * const requirement = createRequirement(schema, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), {
 *   issuers: [hospital],
 *   ageMsMax: 30 * 86_400_000,
 * })
 */
export function createRequirement<S>(
  schema: Schema<S>,
  build: (builder: RequirementBuilder<S>) => Expression,
  options: RequirementOptions,
): Requirement<S> {
  const { issuers, ageMsMax = null, checksWithdrawal = false } = options
  if (!Array.isArray(issuers) || issuers.length === 0 || !issuers.every((issuer: string) => parseDid(issuer).ok)) {
    rejectArgument('issuers', 'at least one did', 'something else')
  }
  if (ageMsMax !== null && (!Number.isSafeInteger(ageMsMax) || ageMsMax < 0 || ageMsMax > TIME_MS_MAX)) {
    rejectArgument('ageMsMax', 'milliseconds', `${ageMsMax}`)
  }
  const expression = build(createBuilder(schema))
  const terms = { expression, issuers: [...new Set(issuers)].sort(), ageMsMax, checksWithdrawal }
  const refusal = findRefusal(terms, schema as unknown as Schema)
  if (refusal !== undefined) rejectArgument(refusal[0], refusal[1], 'something else')
  return finish(schema, terms)
}

/** Returns the encoding of a requirement: its schema by digest, everything else in full. */
export function encodeRequirement(requirement: Requirement): Bytes {
  return encodeShape({ ...requirement, schema: requirement.schema.id }, requirementShape, OBJECT)
}

/**
 * Reads a requirement. Total. Show it ({@link explainRequirement}) before anything is proved.
 *
 * @param schema - the one whose digest it names
 * @returns the requirement, or why it is none
 */
export function parseRequirement<S>(bytes: Uint8Array, schema: Schema<S>): Result<Requirement<S>, CodecErrorCode> {
  const shape = mapped(requirementShape, {
    parse(terms) {
      if (!equalBytes(terms.schema, schema.id)) return new Mismatch('the digest of this schema').within('schema', 1)
      const refusal = findRefusal(terms, schema as unknown as Schema)
      if (refusal === undefined) return terms
      return new Mismatch(refusal[1]).within(refusal[0], refusal[0] === 'expression' ? 2 : 3)
    },
    format: (terms) => terms,
  })
  const terms = parseShape(bytes, shape, OBJECT)
  return terms.ok ? { ok: true, value: finish(schema, terms.value) } : terms
}

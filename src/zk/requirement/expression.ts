/**
 * Expressions of requirements: data, made by the builder of {@link createRequirement} and read back from bytes, with one
 * canonical encoding.
 *
 * Bounds and codes are kept as the schema encodes them, so that an expression means the same wherever its schema is known.
 */

import type { CborValue } from '../../primitives/codec.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import { Mismatch, type Shape } from '../../primitives/shape.ts'
import { bitsOf, isName, type Attribute, type Schema } from '../commitment/schema.ts'

/** A question about one attribute, or about the time of the attestation. */
export type Atom =
  /** A number or a day within bounds, both inside. */
  | { readonly kind: 'between'; readonly name: string; readonly lower: bigint; readonly upper: bigint }
  /** One of some codes of the schema, by their positions, ascending; a flag counts as the codes false and true. */
  | { readonly kind: 'oneOf'; readonly name: string; readonly positions: readonly number[] }
  /** A list has this code. */
  | { readonly kind: 'contains'; readonly name: string; readonly code: string }
  /** The issuer vouched for the values within these bounds, both inside. */
  | { readonly kind: 'issued'; readonly fromMs: number; readonly untilMs: number }

/** What a requirement says about a record. */
export type Expression =
  | Atom
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }

/** Nodes of one expression. */
export const EXPRESSION_NODES_MAX = 1_024
/** Levels of one expression. */
export const EXPRESSION_DEPTH_MAX = 8

/** An expression with negations at its leaves only. */
export type NormalForm =
  | { readonly kind: 'literal'; readonly atom: Atom; readonly isNegated: boolean }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly NormalForm[] }

/**
 * Moves negations to the leaves. There a negation does not hold for an absent value: what is not known satisfies neither a
 * question nor its opposite.
 */
export function normalize(expression: Expression, isNegated = false): NormalForm {
  switch (expression.kind) {
    case 'not':
      return normalize(expression.part, !isNegated)
    case 'all':
    case 'any': {
      const opposite = expression.kind === 'all' ? 'any' : 'all'
      const parts = expression.parts.map((part) => normalize(part, isNegated))
      return { kind: isNegated ? opposite : expression.kind, parts }
    }
    default:
      return { kind: 'literal', atom: expression, isNegated }
  }
}

/** All atoms of an expression, in order. */
export function atomsOf(expression: Expression): Atom[] {
  switch (expression.kind) {
    case 'all':
    case 'any':
      return expression.parts.flatMap(atomsOf)
    case 'not':
      return atomsOf(expression.part)
    default:
      return [expression]
  }
}

/** Names of the attributes that an expression asks about, each once, in order of the schema. */
export function attributesOf(expression: Expression, schema: Schema): string[] {
  const asked = new Set(atomsOf(expression).map((atom) => (atom.kind === 'issued' ? undefined : atom.name)))
  return Object.keys(schema.attributes).filter((name) => asked.has(name))
}

/** Largest encoded value of an attribute. */
export function maximumOf(attribute: Attribute): bigint {
  return attribute.kind === 'code' ? BigInt(attribute.codes.length - 1) : (1n << BigInt(bitsOf(attribute))) - 1n
}

/** Why an atom does not fit a schema; undefined where it does. */
function findFault(atom: Atom, schema: Schema): string | undefined {
  if (atom.kind === 'issued') {
    const { fromMs, untilMs } = atom
    const isTime = (time: number): boolean => Number.isSafeInteger(time) && time >= 0 && time <= TIME_MS_MAX
    return isTime(fromMs) && isTime(untilMs) && fromMs <= untilMs ? undefined : 'times in order'
  }
  const attribute = Object.hasOwn(schema.attributes, atom.name) ? schema.attributes[atom.name] : undefined
  if (attribute === undefined) return 'an attribute of the schema'
  switch (atom.kind) {
    case 'between': {
      if (!['int', 'decimal', 'date'].includes(attribute.kind)) return 'a number or a date'
      return atom.lower >= 0n && atom.lower <= atom.upper && atom.upper <= maximumOf(attribute)
        ? undefined
        : 'bounds of the attribute, in order'
    }
    case 'oneOf': {
      if (attribute.kind !== 'code' && attribute.kind !== 'flag') return 'a code or a flag'
      const { positions } = atom
      const isAscending = positions.every((position, i) => i === 0 || position > positions[i - 1]!)
      const isKnown = positions.every((position) => Number.isSafeInteger(position) && position >= 0)
      const isInside = BigInt(positions.at(-1) ?? 0) <= maximumOf(attribute)
      return positions.length > 0 && isAscending && isKnown && isInside ? undefined : 'codes of the schema, each once'
    }
    case 'contains':
      if (attribute.kind !== 'list') return 'a list'
      return isName(atom.code) ? undefined : 'a code'
  }
}

/** Why an expression does not fit a schema; undefined where it does. */
export function findMisfit(expression: Expression, schema: Schema): string | undefined {
  let nodes = 0
  const visit = (part: Expression, depth: number): string | undefined => {
    if (++nodes > EXPRESSION_NODES_MAX) return `at most ${EXPRESSION_NODES_MAX} parts`
    if (depth > EXPRESSION_DEPTH_MAX) return `at most ${EXPRESSION_DEPTH_MAX} levels`
    switch (part.kind) {
      case 'all':
      case 'any': {
        if (part.parts.length === 0) return 'at least one part'
        for (const inner of part.parts) {
          const fault = visit(inner, depth + 1)
          if (fault !== undefined) return fault
        }
        return undefined
      }
      case 'not':
        return visit(part.part, depth + 1)
      default:
        return findFault(part, schema)
    }
  }
  return visit(expression, 1)
}

function writeInteger(value: bigint): CborValue {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function readInteger(value: CborValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

function readParts(values: readonly CborValue[]): readonly Expression[] | Mismatch {
  const parts: Expression[] = []
  for (const [i, value] of values.entries()) {
    const part = expressionShape.read(value)
    if (part instanceof Mismatch) return part.within(String(i), i + 1)
    parts.push(part)
  }
  return parts
}

function readAtom(value: readonly CborValue[]): Atom | undefined {
  const [kind, first, second, third] = value
  if (kind === 'issued' && value.length === 3) {
    return typeof first === 'number' && typeof second === 'number'
      ? { kind, fromMs: first, untilMs: second }
      : undefined
  }
  if (typeof first !== 'string') return undefined
  if (kind === 'between' && value.length === 4) {
    const [lower, upper] = [readInteger(second as CborValue), readInteger(third as CborValue)]
    return lower === undefined || upper === undefined ? undefined : { kind, name: first, lower, upper }
  }
  if (kind === 'oneOf' && value.length === 3 && Array.isArray(second)) {
    const positions = (second as readonly CborValue[]).filter((position) => typeof position === 'number')
    return positions.length === second.length ? { kind, name: first, positions } : undefined
  }
  if (kind === 'contains' && value.length === 3 && typeof second === 'string')
    return { kind, name: first, code: second }
  return undefined
}

/** Reads and writes expressions as nested tuples `[kind, ...]`; whether one fits a schema is {@link findMisfit}'s question. */
export const expressionShape: Shape<Expression> = {
  read(value) {
    if (!Array.isArray(value)) return new Mismatch('an expression')
    const [kind, ...rest] = value as readonly CborValue[]
    if (kind === 'all' || kind === 'any') {
      const parts = readParts(rest)
      return parts instanceof Mismatch ? parts : { kind, parts }
    }
    if (kind === 'not' && rest.length === 1) {
      const part = expressionShape.read(rest[0] as CborValue)
      return part instanceof Mismatch ? part.within('0', 1) : { kind, part }
    }
    return readAtom(value as readonly CborValue[]) ?? new Mismatch('a known expression')
  },
  write(expression) {
    switch (expression.kind) {
      case 'all':
      case 'any':
        return [expression.kind, ...expression.parts.map((part) => expressionShape.write(part))]
      case 'not':
        return ['not', expressionShape.write(expression.part)]
      case 'between':
        return ['between', expression.name, writeInteger(expression.lower), writeInteger(expression.upper)]
      case 'oneOf':
        return ['oneOf', expression.name, [...expression.positions]]
      case 'contains':
        return ['contains', expression.name, expression.code]
      case 'issued':
        return ['issued', expression.fromMs, expression.untilMs]
    }
  },
}

/**
 * Values of Group.characteristic as questions about one attribute of a schema.
 *
 * Numbers are exact: they are taken from the JSON text and compared as integers of the attribute's last digit. Values of a record
 * have no further digits, so `> 6.1` is `>= 6.2` where the attribute has one digit after the point. Units are compared as UCUM
 * text and never converted.
 */

import { fail, succeed, type Failure, type Result } from '../errors.ts'
import { isDataType } from '../primitives/label.ts'
import type { Attribute, Expression } from '../zk/index.ts'
import { listOf, member, numberOf, textOf } from './json.ts'
import { parseDecimal } from './resource.ts'

/** Codes with which a value is refused. */
export type ValueErrorCode = 'ERR_FHIR_INVALID' | 'ERR_FHIR_UNIT'

/** An attribute that a characteristic is about, and what the caller says of it. */
export interface AskedAttribute {
  readonly name: string
  readonly attribute: Attribute
  /** Unit of an attribute whose schema names none. */
  readonly unit: string | undefined
  /** Codes of the schema by `system|code`. */
  readonly codes: Readonly<Record<string, string>>
}

const UCUM = 'http://unitsofmeasure.org'

/** The refusal of an element. */
export function invalid(element: string, rule: string): Failure<'ERR_FHIR_INVALID'> {
  return fail('ERR_FHIR_INVALID', `${element}: expected ${rule}`, { path: element, details: { element, rule } })
}

/** Refuses the first element that is not in the list: what is not known could change what the others mean. */
export function findUnknown(
  value: unknown,
  known: readonly string[],
  path: string,
): Failure<'ERR_FHIR_INVALID'> | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) return invalid(path, 'an object')
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  return unknown === undefined ? undefined : invalid(`${path}.${unknown.slice(0, 64)}`, 'no such element')
}

/** The codings of a concept as `system|code`, or why it has none that can be compared. */
export function readCodings(concept: unknown, path: string): Result<readonly string[], 'ERR_FHIR_INVALID'> {
  const unknown = findUnknown(concept, ['id', 'coding', 'text'], path)
  if (unknown !== undefined) return unknown
  const codings = listOf(concept, 'coding')
  if (codings.length === 0) return invalid(`${path}.coding`, 'a coding; text cannot be compared')
  const texts: string[] = []
  for (const [i, coding] of codings.entries()) {
    const at = `${path}.coding.${i}`
    const strange = findUnknown(coding, ['id', 'system', 'code', 'display', 'userSelected'], at)
    if (strange !== undefined) return strange
    const system = textOf(coding, 'system') ?? ''
    const text = `${system}|${textOf(coding, 'code') ?? ''}`
    // A bar in the system would be read as the one before the code.
    if (!isDataType(text) || system.includes('|')) return invalid(at, 'system and code')
    texts.push(text)
  }
  return succeed(texts)
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** A concept as one code of the attribute: its codings say the same thing in several systems. */
function readConcept(
  value: unknown,
  { name, attribute, codes }: AskedAttribute,
  path: string,
): Result<Expression, ValueErrorCode> {
  if (attribute.kind !== 'code' && attribute.kind !== 'list') return invalid(path, `no concept for ${name}`)
  const codings = readCodings(value, path)
  if (!codings.ok) return codings
  const known = codings.value.flatMap((coding) => {
    const code = own(codes, coding) ?? coding
    return attribute.kind === 'list' || attribute.codes.includes(code) ? [code] : []
  })
  const [code, ...others] = new Set(known)
  if (code === undefined || others.length > 0) return invalid(path, `one code that the schema has for ${name}`)
  return succeed(
    attribute.kind === 'list'
      ? { kind: 'contains', name, code }
      : { kind: 'oneOf', name, positions: [attribute.codes.indexOf(code)] },
  )
}

/** A number of digits after the point, and the bounds of an attribute in units of the last of them. */
interface Grid {
  readonly scale: number
  readonly first: bigint
  readonly count: bigint
}

function gridOf(attribute: Attribute): Grid | undefined {
  switch (attribute.kind) {
    case 'int':
      return { scale: 0, first: BigInt(attribute.minimum ?? 0), count: 1n << BigInt(attribute.bits) }
    case 'decimal': {
      const { unscaled, scale } = parseDecimal(attribute.minimum ?? '0')!
      const first = unscaled * 10n ** BigInt(attribute.scale - scale)
      return { scale: attribute.scale, first, count: 1n << BigInt(attribute.bits) }
    }
    default:
      return undefined
  }
}

/** The largest integer whose `10^-digits`-th part is not above the value, and whether it is the value. */
function floorTo(value: { unscaled: bigint; scale: number }, digits: number): { floor: bigint; isExact: boolean } {
  const shift = digits - value.scale
  if (shift >= 0) return { floor: value.unscaled * 10n ** BigInt(shift), isExact: true }
  const divisor = 10n ** BigInt(-shift)
  const rest = ((value.unscaled % divisor) + divisor) % divisor
  return { floor: (value.unscaled - rest) / divisor, isExact: rest === 0n }
}

interface Measured {
  readonly floor: bigint
  readonly isExact: boolean
  readonly comparator: string | undefined
}

function readUnit(
  value: unknown,
  { attribute, unit }: AskedAttribute,
  path: string,
): Failure<ValueErrorCode> | undefined {
  const expected = attribute.kind === 'decimal' ? attribute.unit : (unit ?? '1')
  const system = textOf(value, 'system')
  const found = textOf(value, 'code') ?? textOf(value, 'unit') ?? '1'
  if (found === expected && (system === undefined || system === UCUM)) return undefined
  const shown = system === undefined || system === UCUM ? found.slice(0, 32) : 'a unit of another system'
  return fail('ERR_FHIR_UNIT', `${path}.code: expected ${expected}, found ${shown}`, {
    path: `${path}.code`,
    details: { expected, found: shown },
  })
}

function readMeasured(
  value: unknown,
  asked: AskedAttribute,
  { path, scale }: { readonly path: string; readonly scale: number },
): Result<Measured, ValueErrorCode> {
  const unknown = findUnknown(value, ['id', 'value', 'comparator', 'unit', 'system', 'code'], path)
  if (unknown !== undefined) return unknown
  const strange = ['unit', 'system', 'code'].find((name) => {
    const found = member(value, name)
    return found !== undefined && typeof found !== 'string'
  })
  if (strange !== undefined) return invalid(`${path}.${strange}`, 'text')
  const decimal = parseDecimal(numberOf(value, 'value') ?? '')
  if (decimal === undefined) return invalid(`${path}.value`, 'a number')
  const comparator = member(value, 'comparator')
  if (comparator !== undefined && (typeof comparator !== 'string' || !['<', '<=', '>=', '>'].includes(comparator))) {
    return invalid(`${path}.comparator`, '<, <=, >= or >')
  }
  return readUnit(value, asked, path) ?? succeed({ ...floorTo(decimal, scale), comparator })
}

/** The lowest and the highest integer that a comparison with a number allows; undefined for no bound. */
function boundsOf({ floor, isExact, comparator }: Measured): { lower?: bigint; upper?: bigint } {
  const ceiling = isExact ? floor : floor + 1n
  switch (comparator) {
    case '<':
      return { upper: ceiling - 1n }
    case '<=':
      return { upper: floor }
    case '>=':
      return { lower: ceiling }
    case '>':
      return { lower: floor + 1n }
    default:
      return { lower: ceiling, upper: floor }
  }
}

function between(
  { name }: AskedAttribute,
  { first, count }: Grid,
  { lower = first, upper = first + count - 1n }: { readonly lower?: bigint; readonly upper?: bigint },
  path: string,
): Result<Expression, ValueErrorCode> {
  // What lies beyond the attribute's range holds for each of its values, or for none.
  const from = lower < first ? 0n : lower - first
  const to = upper - first < count ? upper - first : count - 1n
  return from > to
    ? invalid(path, `a number that ${name} can be`)
    : succeed({ kind: 'between', name, lower: from, upper: to })
}

function readQuantity(value: unknown, asked: AskedAttribute, path: string): Result<Expression, ValueErrorCode> {
  const grid = gridOf(asked.attribute)
  if (grid === undefined) return invalid(path, `no quantity for ${asked.name}`)
  const measured = readMeasured(value, asked, { path, scale: grid.scale })
  return measured.ok ? between(asked, grid, boundsOf(measured.value), path) : measured
}

/** Both ends belong to a range; FHIR says that a missing one is not known, which is no open end. */
function readRange(value: unknown, asked: AskedAttribute, path: string): Result<Expression, ValueErrorCode> {
  const grid = gridOf(asked.attribute)
  if (grid === undefined) return invalid(path, `no range for ${asked.name}`)
  const unknown = findUnknown(value, ['id', 'low', 'high'], path)
  if (unknown !== undefined) return unknown
  const ends: { lower?: bigint; upper?: bigint } = {}
  for (const [end, name] of [
    ['lower', 'low'],
    ['upper', 'high'],
  ] as const) {
    const at = `${path}.${name}`
    const found = member(value, name)
    if (found === undefined) return invalid(at, 'both ends; an open one is a valueQuantity with a comparator')
    if (member(found, 'comparator') !== undefined) return invalid(`${at}.comparator`, 'no such element')
    const measured = readMeasured(found, asked, { path: at, scale: grid.scale })
    if (!measured.ok) return measured
    ends[end] = boundsOf(measured.value)[end]!
  }
  return between(asked, grid, ends, path)
}

function readBoolean(
  value: unknown,
  { name, attribute }: AskedAttribute,
  path: string,
): Result<Expression, ValueErrorCode> {
  if (attribute.kind !== 'flag') return invalid(path, `no truth value for ${name}`)
  if (typeof value !== 'boolean') return invalid(path, 'true or false')
  return succeed({ kind: 'oneOf', name, positions: [value ? 1 : 0] })
}

/** How each form of a value is read, by the name of its element. */
export const valueReaders: Readonly<
  Record<string, (value: unknown, asked: AskedAttribute, path: string) => Result<Expression, ValueErrorCode>>
> = {
  valueCodeableConcept: readConcept,
  valueBoolean: readBoolean,
  valueQuantity: readQuantity,
  valueRange: readRange,
}

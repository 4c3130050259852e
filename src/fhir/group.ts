/**
 * FHIR Group as a requirement: the members of a study, described by characteristics, as a question that a record can be proved
 * to meet. R4 and R5, and `combinationMethod` of later drafts.
 *
 * Strict, because what is left out widens or narrows who is asked: elements that this does not know are refused by name, also
 * `modifierExtension`, periods and references. Show what comes out (`explainRequirement`) to whoever wrote the resource.
 */

import { fail, succeed, type Failure, type Result } from '../errors.ts'
import { toUtf8 } from '../primitives/bytes.ts'
import {
  createRequirement,
  type Expression,
  type Requirement,
  type RequirementOptions,
  type Schema,
} from '../zk/index.ts'
import {
  findUnknown,
  invalid,
  readCodings,
  valueReaders,
  type AskedAttribute,
  type ValueErrorCode,
} from './group-value.ts'
import { hasRepeatedName, listOf, member, readJson } from './json.ts'
import type { ResourceErrorCode } from './resource.ts'

/** What a Group does not say. */
export interface GroupOptions extends RequirementOptions {
  /** Names of attributes of the schema by `system|code` of a characteristic. */
  readonly attributes: Readonly<Record<string, string>>
  /** Codes of the schema by `system|code` of a value; one that is not here stands for itself. */
  readonly codes?: Readonly<Record<string, string>>
  /** UCUM units of attributes that are integers, by name; default `1`. */
  readonly units?: Readonly<Record<string, string>>
}

/** Largest resource that is read. */
const GROUP_BYTES_MAX: number = 1024 * 1024
const CHARACTERISTICS_MAX = 256
/** Largest expression as text, which is longer than its encoding: with 64 issuers the requirement has at most 64 KiB. */
const EXPRESSION_BYTES_MAX: number = 48 * 1024
/** Elements that say what the group is, and elements that only describe the resource. */
const ELEMENTS = [
  ...['resourceType', 'active', 'type', 'actual', 'membership', 'combinationMethod', 'characteristic'],
  ...['id', 'meta', 'language', 'text', 'extension', 'identifier', 'name', 'description', 'purpose', 'quantity'],
  'managingEntity',
]
const VALUES = Object.keys(valueReaders)

function tooLong(path: string, allowed: number, found: number): Failure<'ERR_CODEC_LIMIT'> | undefined {
  if (found <= allowed) return undefined
  const details = { limit: 'bytes', allowed, found }
  return fail('ERR_CODEC_LIMIT', `${path}: expected at most ${allowed} bytes, found ${found}`, { path, details })
}

/** Bytes of an expression as text. */
function measure(parts: readonly Expression[]): number {
  const text = JSON.stringify(parts, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
  return toUtf8(text).length
}

/** Refuses what is no description of people. */
function findFault(group: unknown): Failure<'ERR_FHIR_INVALID'> | undefined {
  if (member(group, 'resourceType') !== 'Group') return invalid('resource', 'JSON of a Group')
  const unknown = findUnknown(group, ELEMENTS, 'Group')
  if (unknown !== undefined) return unknown
  const [active, actual, membership] = ['active', 'actual', 'membership'].map((name) => member(group, name))
  if (active !== undefined && active !== true) return invalid('Group.active', 'true')
  if (member(group, 'type') !== 'person') return invalid('Group.type', 'person')
  if (actual !== undefined && actual !== false) return invalid('Group.actual', 'false: a description, not a list')
  if (membership !== undefined && membership !== 'definitional') {
    return invalid('Group.membership', 'definitional: a description, not a list')
  }
  return actual === undefined && membership === undefined ? invalid('Group.membership', 'definitional') : undefined
}

/** The attribute that the codings of a characteristic name; all that are known name the same. */
function findAttribute(
  characteristic: unknown,
  schema: Schema,
  { options, path }: { readonly options: GroupOptions; readonly path: string },
): Result<AskedAttribute, 'ERR_FHIR_INVALID'> {
  const codings = readCodings(member(characteristic, 'code'), `${path}.code`)
  if (!codings.ok) return codings
  const { attributes, codes = {}, units = {} } = options
  const names = new Set(
    codings.value.flatMap((coding) => (Object.hasOwn(attributes, coding) ? [attributes[coding]!] : [])),
  )
  const [name, ...others] = names
  if (name === undefined || others.length > 0) return invalid(`${path}.code`, 'the code of one attribute')
  const attribute = Object.hasOwn(schema.attributes, name) ? schema.attributes[name] : undefined
  if (attribute === undefined) return invalid(`${path}.code`, 'the code of an attribute of the schema')
  return succeed({ name, attribute, unit: Object.hasOwn(units, name) ? units[name] : undefined, codes })
}

function readCharacteristic(
  characteristic: unknown,
  schema: Schema,
  context: { readonly options: GroupOptions; readonly path: string },
): Result<Expression, ValueErrorCode> {
  const { path } = context
  const unknown = findUnknown(characteristic, ['id', 'code', 'exclude', ...VALUES], path)
  if (unknown !== undefined) return unknown
  const asked = findAttribute(characteristic, schema, context)
  if (!asked.ok) return asked
  const given = VALUES.filter((name) => member(characteristic, name) !== undefined)
  const [form, ...others] = given
  if (form === undefined || others.length > 0) return invalid(`${path}.value[x]`, 'one value')
  const exclude = member(characteristic, 'exclude')
  if (typeof exclude !== 'boolean') return invalid(`${path}.exclude`, 'true or false')
  const question = valueReaders[form]!(member(characteristic, form), asked.value, `${path}.${form}`)
  if (!question.ok) return question
  return succeed(exclude ? { kind: 'not', part: question.value } : question.value)
}

function readCombination(group: unknown): 'all' | 'any' | undefined {
  switch (member(group, 'combinationMethod')) {
    case undefined:
    case 'all-of':
      return 'all'
    case 'any-of':
      return 'any'
    default:
      return undefined
  }
}

/**
 * Reads a Group as a requirement over a schema. Total in the resource.
 *
 * `exclude` asks for the opposite of a value that is there: a record without the value meets neither. Which code means which
 * attribute is the caller's to say; no terminology is consulted, and a code does not stand for narrower ones.
 *
 * @param source - FHIR JSON, at most 1 MiB
 * @param schema - of the records that it is about
 * @param options - the attributes by code, and whose word counts
 * @returns the requirement; or `ERR_FHIR_INVALID` with the element, `ERR_FHIR_UNIT` with both units, `ERR_CODEC_LIMIT`, also
 *   where the requirement would have more than 64 KiB
 * @throws When an issuer or the age in the options is none: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @example
 * const requirement = parseGroup(json, schema, {
 *   attributes: { 'http://loinc.org|15074-8': 'glucose', 'http://loinc.org|30525-0': 'age' },
 *   units: { age: 'a' },
 *   issuers: [hospital],
 * })
 */
export function parseGroup<S>(
  source: Uint8Array | string,
  schema: Schema<S>,
  options: GroupOptions,
): Result<Requirement<S>, ResourceErrorCode> {
  // A text has no more characters than bytes.
  const early = tooLong('Group', GROUP_BYTES_MAX, source.length)
  if (early !== undefined) return early
  const json = readJson(source)
  const late = tooLong('Group', GROUP_BYTES_MAX, json?.bytes.length ?? 0)
  if (late !== undefined) return late
  const group = json?.value
  const fault = findFault(group)
  if (fault !== undefined) return fault
  if (hasRepeatedName(json?.text ?? '')) return invalid('resource', 'each name once in its object')
  const kind = readCombination(group)
  if (kind === undefined) return invalid('Group.combinationMethod', 'all-of or any-of')
  const characteristics = listOf(group, 'characteristic')
  if (characteristics.length === 0 || characteristics.length > CHARACTERISTICS_MAX) {
    return invalid('Group.characteristic', `1 to ${CHARACTERISTICS_MAX} characteristics`)
  }
  const parts: Expression[] = []
  for (const [i, characteristic] of characteristics.entries()) {
    const context = { options, path: `Group.characteristic.${i}` }
    const part = readCharacteristic(characteristic, schema as unknown as Schema, context)
    if (!part.ok) return part
    parts.push(part.value)
  }
  const large = tooLong('Group.characteristic', EXPRESSION_BYTES_MAX, measure(parts))
  if (large !== undefined) return large
  const { issuers, ageMsMax, checksWithdrawal = false } = options
  const terms = { issuers, checksWithdrawal, ...(ageMsMax === undefined ? {} : { ageMsMax }) }
  return succeed(createRequirement(schema, () => ({ kind, parts }), terms))
}

/**
 * Resources as the library seals them: what it needs to know, and the exact bytes as they came.
 *
 * Checked are the few rules on which sealing depends: what type of data it is, when it was taken, and that a known reading
 * has a unit that it can have. It is no validator of FHIR. R4 and R5 agree on everything looked at here.
 */

import { fail, succeed, type Failure, type Result } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { DataType } from '../primitives/did.ts'
import { isDataType } from '../primitives/label.ts'
import { offsetMinutes, parseInstant } from './instant.ts'
import { listOf, member, numberOf, readJson, textOf } from './json.ts'
import { UNITS, VITAL_SIGNS } from './vital-signs.ts'

/** A quantity, exact: `unscaled` times ten to the power of `-scale`. */
export interface Quantity {
  readonly unscaled: bigint
  readonly scale: number
  /** UCUM, as text; compared, never converted. */
  readonly unit: string
  /** The number as it was written. */
  readonly text: string
}

/** A resource that can be sealed. */
export interface Resource {
  /** `Observation`, for example. */
  readonly type: string
  readonly dataType: DataType
  /** When it was taken: the start, where it says an interval. */
  readonly effectiveMs: number
  readonly quantity?: Quantity
  /** As it came; numbers keep their digits. */
  readonly bytes: Bytes
}

/** How a resource is read. */
export interface ParseOptions {
  /** `Z` or `+hh:mm`, for dates without a time zone. */
  readonly timeZone?: string
  /** Stands in where the resource says no time; a gateway passes when it received it. */
  readonly receivedAtMs?: number
}

/** Codes of {@link parseResource}. */
export type ResourceErrorCode = 'ERR_FHIR_INVALID' | 'ERR_FHIR_UNIT' | 'ERR_CODEC_LIMIT'

/** Longest resource or file that is read. */
export const RESOURCE_BYTES_MAX: number = 64 * 1024 * 1024
/** Digits of a decimal; FHIR asks for 18. */
const DIGITS_MAX = 400
const STATUS = new Set([
  'registered',
  'preliminary',
  'final',
  'amended',
  'corrected',
  'cancelled',
  'entered-in-error',
  'unknown',
  'partial',
  'appended',
  'modified',
])
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
const KNOWN: ReadonlySet<string> = new Set(Object.values(VITAL_SIGNS))

function invalid(element: string, rule: string): Failure<'ERR_FHIR_INVALID'> {
  return fail('ERR_FHIR_INVALID', `${element}: expected ${rule}`, { path: element, details: { element, rule } })
}

/**
 * Reads one resource. Total.
 *
 * @param source - FHIR JSON, R4 or R5, as it came
 * @returns the resource with its exact bytes; or `ERR_FHIR_INVALID` with the element, `ERR_FHIR_UNIT`, `ERR_CODEC_LIMIT`
 */
export function parseResource(
  source: Uint8Array | string,
  options: ParseOptions = {},
): Result<Resource, ResourceErrorCode> {
  const tooLong = checkLength(source)
  if (tooLong !== undefined) return tooLong
  const json = readJson(source)
  const type = json === undefined ? undefined : textOf(json.value, 'resourceType')
  if (json === undefined || type === undefined || !/^[A-Z][A-Za-z]{1,63}$/.test(type)) {
    return invalid('resource', 'JSON with a resourceType')
  }
  const { value, bytes } = json
  if (type === 'Observation' && !STATUS.has(textOf(value, 'status') ?? ''))
    return invalid('Observation.status', 'one of its codes')
  const dataType = typeOf(value, type)
  const effective = effectiveOf(value, type, options)
  if (!effective.ok) return effective
  const quantity = quantityOf(value, type, dataType)
  if (!quantity.ok) return quantity
  return succeed(
    Object.freeze({
      type,
      dataType,
      effectiveMs: effective.value,
      ...(quantity.value === undefined ? {} : { quantity: quantity.value }),
      bytes,
    }),
  )
}

/** Refuses what is too long before anything is read. */
export function checkLength(source: Uint8Array | string): Failure<'ERR_CODEC_LIMIT'> | undefined {
  if (source.length <= RESOURCE_BYTES_MAX) return undefined
  const message = `resource: expected at most ${RESOURCE_BYTES_MAX} bytes, found ${source.length}`
  const details = { limit: 'bytes', allowed: RESOURCE_BYTES_MAX, found: source.length }
  return fail('ERR_CODEC_LIMIT', message, { path: 'resource', details })
}

/** The first coding that the library knows, otherwise the first; what has none goes by its resource type. */
function typeOf(value: unknown, type: string): DataType {
  const codings = listOf(member(value, 'code'), 'coding').map(
    (coding) => `${textOf(coding, 'system') ?? ''}|${textOf(coding, 'code') ?? ''}`,
  )
  const usable = codings.filter(isDataType)
  return usable.find((coding) => KNOWN.has(coding)) ?? usable[0] ?? `http://hl7.org/fhir/resource-types|${type}`
}

function effectiveOf(value: unknown, type: string, options: ParseOptions): Result<number, 'ERR_FHIR_INVALID'> {
  const { timeZone, receivedAtMs } = options
  if (timeZone !== undefined && offsetMinutes(timeZone) === undefined) return invalid('options.timeZone', 'Z or +hh:mm')
  const period = member(value, 'effectivePeriod')
  const candidates = [
    ['effectiveDateTime', textOf(value, 'effectiveDateTime')],
    ['effectiveInstant', textOf(value, 'effectiveInstant')],
    ['effectivePeriod.start', textOf(period, 'start')],
    ['issued', textOf(value, 'issued')],
  ] as const
  for (const [name, text] of candidates) {
    if (text === undefined) continue
    const atMs = parseInstant(text, timeZone)
    if (atMs === undefined) return invalid(`${type}.${name}`, 'a FHIR dateTime')
    if (atMs === 'needs-zone') return invalid(`${type}.${name}`, 'a time zone; pass options.timeZone')
    return succeed(atMs)
  }
  return receivedAtMs === undefined
    ? invalid(`${type}.effective[x]`, 'a time; pass options.receivedAtMs where the resource has none')
    : succeed(receivedAtMs)
}

function quantityOf(
  value: unknown,
  type: string,
  dataType: DataType,
): Result<Quantity | undefined, 'ERR_FHIR_INVALID' | 'ERR_FHIR_UNIT'> {
  const found = member(value, 'valueQuantity')
  if (found === undefined) return succeed(undefined)
  const text = numberOf(found, 'value')
  if (text === undefined) {
    return member(found, 'value') === undefined
      ? succeed(undefined)
      : invalid(`${type}.valueQuantity.value`, 'a number')
  }
  const decimal = parseDecimal(text)
  if (decimal === undefined) return invalid(`${type}.valueQuantity.value`, `a decimal of at most ${DIGITS_MAX} digits`)
  const unit = textOf(found, 'code') ?? textOf(found, 'unit') ?? ''
  const units = UNITS[dataType]
  if (units !== undefined && !units.includes(unit)) {
    const element = `${type}.valueQuantity.code`
    return fail('ERR_FHIR_UNIT', `${element}: expected ${units.join(' or ')}, found another unit`, {
      path: element,
      details: { expected: units.join(' or '), found: unit.slice(0, 32) },
    })
  }
  return succeed({ ...decimal, unit, text })
}

/** Returns a decimal exactly; undefined when it has too many digits. */
export function parseDecimal(text: string): { readonly unscaled: bigint; readonly scale: number } | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const power = Number(exponent) - fraction.length
  const zeros = Math.max(0, power)
  if (whole.length + fraction.length + Math.abs(power) > DIGITS_MAX) return undefined
  const digits = BigInt(`${whole}${fraction}${'0'.repeat(zeros)}`)
  return { unscaled: sign === '-' ? -digits : digits, scale: Math.max(0, -power) }
}

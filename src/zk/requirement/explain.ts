/**
 * Requirements in words, for the patient who is about to prove one. Not meant to be parsed.
 */

import { civilDate, DAY_MS } from '../../primitives/civil-date.ts'
import type { Did } from '../../primitives/did.ts'
import { formatDecimal, parseDecimal, type Attribute, type Schema } from '../commitment/schema.ts'
import { daysFromLeaf } from '../commitment/values.ts'
import { maximumOf, type Atom, type Expression } from './expression.ts'
import type { Requirement } from './requirement.ts'

/** Names for people. */
export interface ExplainRequirementOptions {
  /** Returns what people call an attribute, a code or a party; undefined where it has no other name than itself. */
  readonly nameOf?: (named: string) => string | undefined
}

const pad = (value: number, digits: number): string => `${value}`.padStart(digits, '0')

function formatDay(days: number): string {
  const { year, month, day } = civilDate(days)
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

/** The text of an encoded number with its unit. */
export function formatBound(attribute: Attribute, encoded: bigint): string {
  switch (attribute.kind) {
    case 'int':
      return (encoded + BigInt(attribute.minimum ?? 0)).toString()
    case 'decimal': {
      const { scale, unit, minimum = '0' } = attribute
      return `${formatDecimal(encoded + parseDecimal(minimum, scale)!, scale)} ${unit}`
    }
    case 'date':
      return formatDay(daysFromLeaf(encoded))
    default:
      return encoded.toString()
  }
}

/** The text of a moment, in UTC and to the millisecond, since both ends of a range count. */
function formatMoment(timeMs: number): string {
  const day = Math.floor(timeMs / DAY_MS)
  const rest = timeMs - day * DAY_MS
  const [hours, minutes, seconds] = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, (rest / 1_000) % 60]
  return rest === 0
    ? formatDay(day)
    : `${formatDay(day)} ${pad(hours, 2)}:${pad(minutes, 2)}:${pad(Number(seconds.toFixed(3)), 2)} UTC`
}

function listed(words: readonly string[], last: string): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)!}`
}

/** Explains the parts of one requirement. */
function createExplainer(schema: Schema, { nameOf }: ExplainRequirementOptions) {
  const name = (named: string): string => nameOf?.(named) ?? named

  const explainBetween = (atom: Atom & { kind: 'between' }): string => {
    const attribute = schema.attributes[atom.name]!
    const [lower, upper] = [formatBound(attribute, atom.lower), formatBound(attribute, atom.upper)]
    if (atom.lower === atom.upper) return `is exactly ${lower}`
    if (atom.upper === maximumOf(attribute)) return atom.lower === 0n ? 'is known' : `is at least ${lower}`
    return atom.lower === 0n ? `is at most ${upper}` : `is from ${lower} to ${upper}`
  }

  const explainAtom = (atom: Atom): string => {
    switch (atom.kind) {
      case 'issued':
        return `the values were attested from ${formatMoment(atom.fromMs)} to ${formatMoment(atom.untilMs)}`
      case 'between':
        return `${name(atom.name)} ${explainBetween(atom)}`
      case 'oneOf': {
        const attribute = schema.attributes[atom.name]!
        const codes = attribute.kind === 'code' ? attribute.codes : ['false', 'true']
        return `${name(atom.name)} is ${listed(
          atom.positions.map((position) => name(codes[position]!)),
          'or',
        )}`
      }
      case 'contains':
        return `${name(atom.name)} has ${name(atom.code)}`
    }
  }

  const explain = (expression: Expression, isNested: boolean): string => {
    switch (expression.kind) {
      case 'all':
      case 'any': {
        if (expression.parts.length === 1) return explain(expression.parts[0]!, isNested)
        const parts = expression.parts.map((part) => explain(part, true))
        const text = parts.join(expression.kind === 'all' ? ' and ' : ' or ')
        return isNested ? `(${text})` : text
      }
      case 'not':
        return `it is known and not so that ${explain(expression.part, true)}`
      default:
        return explainAtom(expression)
    }
  }

  return { explain, name }
}

function formatAge(ageMs: number): string {
  const days = ageMs / DAY_MS
  return Number.isInteger(days) ? `${days} ${days === 1 ? 'day' : 'days'}` : `${ageMs} ms`
}

/**
 * Returns one sentence on what a proof of a requirement tells, such as `Proves that glucose is at least 6.1 mmol/L and age
 * is at least 40, as attested by ... within the last 30 days.` Nothing else about the values becomes known; that it holds
 * becomes known to everybody who sees the proof.
 *
 * @param options - `nameOf`: names of attributes, codes and parties; without it they appear as they are
 */
export function explainRequirement(requirement: Requirement, options: ExplainRequirementOptions = {}): string {
  const { schema, expression, issuers, ageMsMax, checksWithdrawal } = requirement
  const { explain, name } = createExplainer(schema, options)
  const by = listed(
    issuers.map((issuer: Did) => name(issuer)),
    'or',
  )
  const age = ageMsMax === null ? '' : ` within the last ${formatAge(ageMsMax)}`
  const withdrawn = checksWithdrawal ? ' and not withdrawn' : ''
  return `Proves that ${explain(expression, false)}, as attested by ${by}${age}${withdrawn}.`
}

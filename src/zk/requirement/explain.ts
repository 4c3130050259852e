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

/** Letters, digits and signs of codes and units: what nobody can take for words around it. */
const PLAIN = /^[\p{L}\p{M}\p{N}_.:/|+*%^~#'[\]{}-]+$/u
/** What is not seen or turns the direction of writing, and what would end the quotation. */
const HIDDEN = /(?! )[\p{C}\p{Z}"\\]/gu

/**
 * Returns a name as it is, or in quotes where it could pass for a part of the sentence: names of attributes, codes and units come
 * from whoever asks.
 */
export function quoteName(name: string): string {
  if (PLAIN.test(name)) return name
  return `"${name.replaceAll(HIDDEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)}"`
}

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
      return `${formatDecimal(encoded + parseDecimal(minimum, scale)!, scale)} ${quoteName(unit)}`
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
  const [hours, minutes, seconds] = [3_600_000, 60_000, 1_000].map((unit, i) => {
    const count = Math.floor(rest / unit)
    return pad(i === 0 ? count : count % 60, 2)
  }) as [string, string, string]
  const fraction = rest % 1_000 === 0 ? '' : `.${pad(rest % 1_000, 3)}`
  return rest === 0 ? formatDay(day) : `${formatDay(day)} ${hours}:${minutes}:${seconds}${fraction} UTC`
}

function listed(words: readonly string[], last: string): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)!}`
}

/** The expression inside of `all` and `any` with one part. */
function withoutWrapping(expression: Expression): Expression {
  const isWrapping = (expression.kind === 'all' || expression.kind === 'any') && expression.parts.length === 1
  return isWrapping ? withoutWrapping(expression.parts[0]!) : expression
}

/** Explains the parts of one requirement. */
function createExplainer(schema: Schema, { nameOf }: ExplainRequirementOptions) {
  const name = (named: string): string => nameOf?.(named) ?? quoteName(named)

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

  /** Puts in parentheses what would read otherwise beside its neighbours: `a or b` in a conjunction, for example. */
  const explainPart = (part: Expression, kind: 'all' | 'any'): string => {
    const inner = withoutWrapping(part)
    const isChoice = kind === 'all' && inner.kind === 'oneOf' && inner.positions.length > 1
    const isJoined = inner.kind === 'all' || inner.kind === 'any'
    return isChoice || isJoined ? `(${explain(inner)})` : explain(inner)
  }

  const explain = (expression: Expression): string => {
    const inner = withoutWrapping(expression)
    switch (inner.kind) {
      case 'all':
      case 'any':
        return inner.parts.map((part) => explainPart(part, inner.kind)).join(inner.kind === 'all' ? ' and ' : ' or ')
      case 'not':
        return `it is known and not so that (${explain(inner.part)})`
      default:
        return explainAtom(inner)
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
 * @param options - `nameOf`: names of attributes, codes and parties; without it they appear as they are, in quotes
 *   where they could pass for words of the sentence
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
  return `Proves that ${explain(expression)}, as attested by ${by}${age}${withdrawn}.`
}

/**
 * What in a requirement gives a value away. A proof says nothing beyond "it holds"; but a narrow requirement that holds is
 * the value, and several wide ones asked one after the other are a narrow one.
 */

import { leafPositions, type Attribute, type Schema } from '../commitment/schema.ts'
import { formatBound, quoteName } from './explain.ts'
import { maximumOf, normalize, type NormalForm } from './expression.ts'
import type { Requirement } from './requirement.ts'

/** Something to tell the patient before a proof is made. */
export interface RequirementFinding {
  readonly rule: 'too-narrow' | 'single-value'
  /** The attribute that acceptance says too much about. */
  readonly attribute: string
  /** One sentence for people. */
  readonly message: string
}

/** What is compared with. */
export interface LintOptions {
  /** Requirements of the same institution that the patient has met before: what they said adds up. */
  readonly answered?: readonly Requirement[]
  /** Fewest values that must remain possible; default 10. */
  readonly valuesMin?: number
}

const VALUES_MIN = 10

/** Encoded numbers or positions of codes, both ends inside; ascending, with gaps between them. */
type Ranges = readonly (readonly [lower: bigint, upper: bigint])[]

/** What acceptance says about one attribute: the values that remain, and codes that a list has. */
interface Knowledge {
  readonly ranges: Ranges
  readonly codes: ReadonlySet<string>
}

/** What acceptance says, by attribute. */
type Known = ReadonlyMap<string, Knowledge>

/** Joins ranges that overlap or touch. */
function unite(ranges: Ranges): Ranges {
  const joined: [bigint, bigint][] = []
  for (const [lower, upper] of ranges.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))) {
    const last = joined.at(-1)
    if (last === undefined || lower > last[1] + 1n) joined.push([lower, upper])
    else if (upper > last[1]) last[1] = upper
  }
  return joined
}

/** What both have; in one pass, since a question about codes can have thousands of ranges. */
function intersect(left: Ranges, right: Ranges): Ranges {
  const shared: [bigint, bigint][] = []
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    const [[first, last], [lower, upper]] = [left[i]!, right[j]!]
    const [from, to] = [lower > first ? lower : first, upper < last ? upper : last]
    if (from <= to) shared.push([from, to])
    if (last < upper) i++
    else j++
  }
  return shared
}

/** What lies between 0 and the maximum and in none of the ranges. */
function oppositeOf(ranges: Ranges, maximum: bigint): Ranges {
  const starts = [0n, ...ranges.map(([, upper]) => upper + 1n)]
  const ends = [...ranges.map(([lower]) => lower - 1n), maximum]
  return starts.flatMap((start, i): Ranges => (start > ends[i]! ? [] : [[start, ends[i]!]]))
}

function learnLiteral({ atom, isNegated }: NormalForm & { kind: 'literal' }, schema: Schema): Known {
  const attribute = atom.kind === 'issued' ? undefined : schema.attributes[atom.name]
  if (atom.kind === 'issued' || attribute === undefined) return new Map()
  const maximum = maximumOf(attribute)
  if (atom.kind === 'contains') {
    return new Map([[atom.name, { ranges: [[0n, maximum]], codes: new Set(isNegated ? [] : [atom.code]) }]])
  }
  const asked: Ranges =
    atom.kind === 'between'
      ? [[atom.lower, atom.upper]]
      : unite(atom.positions.map((position) => [BigInt(position), BigInt(position)]))
  const ranges = isNegated ? oppositeOf(asked, maximum) : asked
  return new Map([[atom.name, { ranges, codes: new Set() }]])
}

/** What is known where all of these hold. */
function learnAll(parts: readonly Known[]): Known {
  const all = new Map<string, Knowledge>()
  for (const [name, { ranges, codes }] of parts.flatMap((part) => [...part])) {
    const before = all.get(name)
    all.set(name, {
      ranges: before === undefined ? ranges : intersect(before.ranges, ranges),
      codes: new Set([...(before?.codes ?? []), ...codes]),
    })
  }
  return all
}

/** What is known where one of these holds: nothing about an attribute that one of them leaves open. */
function learnAny(parts: readonly Known[]): Known {
  // What no record meets is no way out.
  const possible = parts.filter((part) => [...part.values()].every(({ ranges }) => ranges.length > 0))
  const [first, ...others] = possible.length === 0 ? parts : possible
  return new Map(
    [...(first ?? [])].flatMap(([name, { ranges, codes }]): [string, Knowledge][] => {
      const found = others.flatMap((part) => part.get(name) ?? [])
      if (found.length < others.length) return []
      const shared = [...codes].filter((code) => found.every((other) => other.codes.has(code)))
      return [[name, { ranges: unite([...ranges, ...found.flatMap((other) => other.ranges)]), codes: new Set(shared) }]]
    }),
  )
}

function learn(form: NormalForm, schema: Schema): Known {
  if (form.kind === 'literal') return learnLiteral(form, schema)
  const parts = form.parts.map((part) => learn(part, schema))
  return form.kind === 'all' ? learnAll(parts) : learnAny(parts)
}

function judge(name: string, known: Knowledge, attribute: Attribute, valuesMin: number): RequirementFinding[] {
  const finding = (rule: RequirementFinding['rule'], message: string): RequirementFinding => ({
    rule,
    attribute: name,
    message: `acceptance tells that ${quoteName(name)} ${message}`,
  })
  const { ranges, codes } = known
  const findings = [...codes].map((code) => finding('single-value', `has ${quoteName(code)}`))
  const [first, last] = [ranges[0], ranges.at(-1)]
  if (attribute.kind === 'list' || first === undefined || last === undefined) return findings
  const count = ranges.reduce((sum, [lower, upper]) => sum + upper - lower + 1n, 0n)
  if (attribute.kind === 'code' || attribute.kind === 'flag') {
    return count === 1n ? [finding('single-value', 'is one certain code')] : []
  }
  const [lower, upper] = [formatBound(attribute, first[0]), formatBound(attribute, last[1])]
  if (count === 1n) return [finding('single-value', `is exactly ${lower}`)]
  if (count >= BigInt(valuesMin)) return []
  const bounds = `from ${lower} to ${upper}`
  const message = ranges.length === 1 ? `is ${bounds}, ${count} values` : `is one of ${count} values ${bounds}`
  return [finding('too-narrow', message)]
}

/**
 * Lists the attributes about which acceptance says too much: a single value, or few values, whether
 * they are asked for as a range, by alternatives or by leaving out the others.
 *
 * Requirements that were met before count together with this one, where they ask about the same schema; give those of one
 * institution, or of institutions that may talk to each other.
 *
 * @returns in order of the schema; empty when nothing was found, which is no promise: a value that few people have is
 *   narrow, however wide its range
 */
export function lintRequirement(requirement: Requirement, options: LintOptions = {}): readonly RequirementFinding[] {
  const { answered = [], valuesMin = VALUES_MIN } = options
  const { schema } = requirement
  const id = schema.id.join()
  const met = [requirement, ...answered.filter((other) => other.schema.id.join() === id)]
  const known = learnAll(met.map(({ expression }) => learn(normalize(expression), schema)))
  return [...leafPositions(schema).keys()].flatMap((name) => {
    const about = known.get(name)
    return about === undefined ? [] : judge(name, about, schema.attributes[name]!, valuesMin)
  })
}

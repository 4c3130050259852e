/**
 * What in a requirement gives a value away. A proof says nothing beyond "it holds"; but a narrow requirement that holds is
 * the value, and several wide ones asked one after the other are a narrow one.
 */

import { leafPositions, type Attribute, type Schema } from '../commitment/schema.ts'
import { formatBound, quoteName } from './explain.ts'
import { maximumOf, normalize, type Atom, type NormalForm } from './expression.ts'
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

/** What acceptance says about one attribute: a range, a set of positions, or codes that a list has. */
interface Knowledge {
  lower: bigint
  upper: bigint
  positions: ReadonlySet<number> | undefined
  readonly codes: Set<string>
}

/** Literals that hold whenever the form does. */
function certainLiterals(form: NormalForm): (NormalForm & { kind: 'literal' })[] {
  if (form.kind === 'literal') return [form]
  return form.kind === 'all' || form.parts.length === 1 ? form.parts.flatMap(certainLiterals) : []
}

function learn(known: Knowledge, atom: Atom, isNegated: boolean, attribute: Attribute): void {
  if (atom.kind === 'between') learnRange(known, atom, isNegated, maximumOf(attribute))
  if (atom.kind === 'contains' && !isNegated) known.codes.add(atom.code)
  if (atom.kind === 'oneOf') {
    const before = known.positions ?? new Set(Array.from({ length: Number(maximumOf(attribute)) + 1 }, (_, i) => i))
    known.positions = new Set([...before].filter((position) => atom.positions.includes(position) !== isNegated))
  }
}

function learnRange(known: Knowledge, atom: Atom & { kind: 'between' }, isNegated: boolean, maximum: bigint): void {
  const { lower, upper } = atom
  if (!isNegated) {
    if (lower > known.lower) known.lower = lower
    if (upper < known.upper) known.upper = upper
    return
  }
  // The opposite of a range that reaches one end is a range as well.
  if (lower === 0n && upper + 1n > known.lower) known.lower = upper + 1n
  if (upper === maximum && lower - 1n < known.upper) known.upper = lower - 1n
}

function collect(requirements: readonly Requirement[], schema: Schema): Map<string, Knowledge> {
  const all = new Map<string, Knowledge>()
  for (const requirement of requirements) {
    for (const { atom, isNegated } of certainLiterals(normalize(requirement.expression))) {
      if (atom.kind === 'issued') continue
      const attribute = schema.attributes[atom.name]
      if (attribute === undefined) continue
      let known = all.get(atom.name)
      if (known === undefined) {
        known = { lower: 0n, upper: maximumOf(attribute), positions: undefined, codes: new Set() }
        all.set(atom.name, known)
      }
      learn(known, atom, isNegated, attribute)
    }
  }
  return all
}

function judge(name: string, known: Knowledge, attribute: Attribute, valuesMin: number): RequirementFinding[] {
  const finding = (rule: RequirementFinding['rule'], message: string): RequirementFinding => ({
    rule,
    attribute: name,
    message: `acceptance tells that ${quoteName(name)} ${message}`,
  })
  const findings = [...known.codes].map((code) => finding('single-value', `has ${quoteName(code)}`))
  if (known.positions !== undefined) {
    return known.positions.size === 1 ? [...findings, finding('single-value', 'is one certain code')] : findings
  }
  if (attribute.kind === 'list' || attribute.kind === 'code' || attribute.kind === 'flag') return findings
  const [lower, upper] = [formatBound(attribute, known.lower), formatBound(attribute, known.upper)]
  const count = known.upper - known.lower + 1n
  if (count === 1n) return [...findings, finding('single-value', `is exactly ${lower}`)]
  return count > 1n && count < BigInt(valuesMin)
    ? [...findings, finding('too-narrow', `is from ${lower} to ${upper}, ${count} values`)]
    : findings
}

/**
 * Lists the attributes about which acceptance says too much: a single value, or a range of few values.
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
  const known = collect([requirement, ...answered.filter((other) => other.schema.id.join() === id)], schema)
  return [...leafPositions(schema).keys()].flatMap((name) => {
    const about = known.get(name)
    return about === undefined ? [] : judge(name, about, schema.attributes[name]!, valuesMin)
  })
}

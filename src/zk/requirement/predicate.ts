/**
 * The expression of a requirement as constraints over the leaves of a record.
 *
 * What must hold is asserted, which is cheaper than a bit: all parts of a conjunction at the top. Below `any` each question
 * becomes a bit. Integers are decomposed once for each attribute. An absent value, r - 1, passes neither a question nor its
 * negation.
 */

import type { Attribute, Schema } from '../commitment/schema.ts'
import { bitsOf, leafCountOf, leafPositions } from '../commitment/schema.ts'
import { ABSENT, encodeCode } from '../commitment/values.ts'
import { allOf, and, anyOf, multiply, not } from '../gadgets/boolean.ts'
import { assertEqual, isEqual } from '../gadgets/equality.ts'
import { assertAtLeast, assertBetween, isBetween, toUInt } from '../gadgets/integer.ts'
import { assertAnyZero, assertNoneZero, differencesTo, isAnyZero } from '../gadgets/membership.ts'
import { ONE, type CircuitBuilder } from '../relations/builder.ts'
import { constant, subtract, type BoolWire, type Linear, type UIntWire } from '../relations/linear.ts'
import { maximumOf, type Atom, type NormalForm } from './expression.ts'

/** The wires that a predicate asks about. */
export interface RecordWires {
  /** A leaf, by its position. */
  readonly leaf: (position: number) => Linear
  readonly issuedAtMs: Linear
}

/** Bits of a time in milliseconds. */
const TIME_BITS = 53

/** Asserts and evaluates forms over one record. */
export interface Predicate {
  /** Enforces that a form holds. */
  assert(form: NormalForm): void
  /** Returns whether a form holds. */
  evaluate(form: NormalForm): BoolWire
}

interface Known {
  readonly present: BoolWire
  readonly value: UIntWire
}

/** Returns the predicate of a record. */
export function createPredicate(builder: CircuitBuilder, schema: Schema, wires: RecordWires): Predicate {
  const positions = leafPositions(schema)
  const decomposed = new Map<string, Known>()
  const attributeOf = (name: string): Attribute => schema.attributes[name]!
  const leavesOf = (name: string): Linear[] => {
    const first = positions.get(name)!
    return Array.from({ length: leafCountOf(attributeOf(name)) }, (_, i) => wires.leaf(first + i))
  }

  /** Presence and value of a number, once; an absent value counts as 0 with presence false. */
  const know = (name: string): Known => {
    let known = decomposed.get(name)
    if (known === undefined) {
      known = builder.within(name, () => {
        const leaf = leavesOf(name)[0]!
        const present = not(isEqual(builder, 'absent', leaf, constant(ABSENT)))
        const value = multiply(builder, 'value', present, leaf)
        return { present, value: toUInt(builder, 'value', value, bitsOf(attributeOf(name))) }
      })
      decomposed.set(name, known)
    }
    return known
  }

  let issued: UIntWire | undefined
  const knowIssued = (): Known => {
    issued ??= toUInt(builder, 'issuedAtMs', wires.issuedAtMs, TIME_BITS)
    return { present: ONE as BoolWire, value: issued }
  }

  /** What is zero for some difference exactly when the atom holds. */
  const differencesOf = (atom: Atom & { kind: 'oneOf' | 'contains' }): Linear[] => {
    const leaves = leavesOf(atom.name)
    if (atom.kind === 'oneOf') return differencesTo(leaves[0]!, atom.positions.map(BigInt))
    const code = constant(encodeCode(atom.code))
    return leaves.map((leaf) => subtract(leaf, code))
  }

  /** Zero exactly when the attribute is absent. */
  const absence = (name: string): Linear => subtract(leavesOf(name)[0]!, constant(ABSENT))

  const assertRange = (atom: Atom & { kind: 'between' }): void => {
    const leaf = leavesOf(atom.name)[0]!
    const attribute = attributeOf(atom.name)
    // No value of the type lies above the bound then, and what is absent lies far above.
    if (atom.upper === maximumOf(attribute)) assertAtLeast(builder, atom.name, leaf, atom.lower, bitsOf(attribute))
    else assertBetween(builder, atom.name, leaf, atom)
  }

  const assertLiteral = (form: NormalForm & { kind: 'literal' }): void => {
    const { atom, isNegated } = form
    if (atom.kind === 'oneOf' || atom.kind === 'contains') {
      if (isNegated) assertNoneZero(builder, atom.name, [...differencesOf(atom), absence(atom.name)])
      else assertAnyZero(builder, atom.name, differencesOf(atom))
    } else if (atom.kind === 'between' && !isNegated) assertRange(atom)
    else if (atom.kind === 'issued' && !isNegated) {
      const bounds = { lower: BigInt(atom.fromMs), upper: BigInt(atom.untilMs) }
      assertBetween(builder, 'issuedAtMs', wires.issuedAtMs, bounds)
    } else assertEqual(builder, 'holds', evaluateLiteral(form), ONE)
  }

  const evaluateLiteral = ({ atom, isNegated }: NormalForm & { kind: 'literal' }): BoolWire => {
    if (atom.kind === 'oneOf' || atom.kind === 'contains') {
      return isNegated
        ? not(isAnyZero(builder, atom.name, [...differencesOf(atom), absence(atom.name)]))
        : isAnyZero(builder, atom.name, differencesOf(atom))
    }
    const { present, value } = atom.kind === 'issued' ? knowIssued() : know(atom.name)
    const bounds = atom.kind === 'issued' ? { lower: BigInt(atom.fromMs), upper: BigInt(atom.untilMs) } : atom
    const inside = isBetween(builder, atom.kind === 'issued' ? 'issuedAtMs' : atom.name, value, bounds)
    return and(builder, 'present', present, isNegated ? not(inside) : inside)
  }

  const scoped = <T>(parts: readonly NormalForm[], run: (part: NormalForm) => T): T[] =>
    parts.map((part, i) => builder.within(`${i}`, () => run(part)))

  const evaluate = (form: NormalForm): BoolWire => {
    switch (form.kind) {
      case 'literal':
        return evaluateLiteral(form)
      case 'all':
        return allOf(builder, 'all', scoped(form.parts, evaluate))
      case 'any':
        return anyOf(builder, 'any', scoped(form.parts, evaluate))
    }
  }

  const assert = (form: NormalForm): void => {
    if (form.kind === 'literal') assertLiteral(form)
    else if (form.kind === 'all' || form.parts.length === 1) scoped(form.parts, assert)
    else assertEqual(builder, 'holds', evaluate(form), ONE)
  }

  return { assert, evaluate }
}

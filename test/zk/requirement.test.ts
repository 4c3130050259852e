import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { commitValues, openRecord } from '../../src/zk/commitment/commit.ts'
import {
  deriveRecordNullifier,
  deriveStudyNullifier,
  readSecret,
  studyToField,
} from '../../src/zk/commitment/person.ts'
import { hashPoseidon } from '../../src/zk/commitment/poseidon.ts'
import { createSchema, type Attributes, type Schema, type Values } from '../../src/zk/commitment/schema.ts'
import { ABSENT, encodeValues } from '../../src/zk/commitment/values.ts'
import { digestToField, FIELD_ORDER, toInteger } from '../../src/zk/field.ts'
import {
  assignRequirement,
  compileRequirement,
  listInputs,
  type RequirementAssignment,
  type RequirementCircuit,
} from '../../src/zk/requirement/compile.ts'
import { evaluateOpening, evaluateRequirement } from '../../src/zk/requirement/evaluate.ts'
import { explainRequirement } from '../../src/zk/requirement/explain.ts'
import { normalize, type Expression } from '../../src/zk/requirement/expression.ts'
import { lintRequirement } from '../../src/zk/requirement/lint.ts'
import { createPredicate } from '../../src/zk/requirement/predicate.ts'
import {
  createRequirement,
  encodeRequirement,
  parseRequirement,
  type Requirement,
} from '../../src/zk/requirement/requirement.ts'
import { assertEqual } from '../../src/zk/gadgets/equality.ts'
import { findBroken, findUnconstrained, hashRelation } from '../../src/zk/relations/relation.ts'
import { propertyRuns } from '../support/property.ts'
import { build, findFreeWires, isSatisfied, touchingConstraints } from './circuits.ts'
import {
  commitmentOptions,
  createTestRandom,
  digestOf,
  hospital,
  institution,
  issuedAtMs,
  personSecret,
  recordSerial,
  schema,
  values,
  wideSchema,
} from './fixtures.ts'

const issuers = [hospital.did]
type Build = Parameters<typeof createRequirement<(typeof schema)['attributes']>>[1]
const require = (make: Build, options = {}): Requirement<(typeof schema)['attributes']> =>
  createRequirement(schema, make, { issuers, ...options })
const diabetes = require((r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)))
const asAny = (requirement: unknown): Requirement => requirement as Requirement

const refusal = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return isVitalsealError(error) ? error.code : 'another error'
  }
  return 'no error'
}

describe('making', () => {
  test('has a digest of everything, and an encoding that comes back', () => {
    const variants = [
      diabetes,
      require((r) => r.all(r.gte('age', 40), r.gte('glucose', '6.1'))),
      require((r) => r.all(r.gte('glucose', '6.2'), r.gte('age', 40))),
      require((r) => r.any(r.gte('glucose', '6.1'), r.gte('age', 40))),
      require((r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), { ageMsMax: 1 }),
      require((r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), { checksWithdrawal: true }),
      require((r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), { issuers: [institution.did] }),
      require((r) => r.not(r.contains('diagnoses', 'E10'))),
      require((r) => r.oneOf('blood', ['O+', 'O-', 'O+'])),
      require((r) => r.is('smoker')),
      require((r) => r.lte('born', '1986-12-31')),
      require((r) => r.issued({ fromMs: 1, untilMs: 8_640_000_000_000_000 })),
    ]
    expect(new Set(variants.map(({ digest }) => toHex(digest))).size).toBe(variants.length)
    for (const requirement of variants) {
      const bytes = encodeRequirement(asAny(requirement))
      expect(unwrap(parseRequirement(bytes, schema))).toEqual(requirement)
    }
    expect(diabetes.attributes).toEqual(['glucose', 'age'])
    expect(toHex(diabetes.digest)).toBe('88f7de6ca1e6808b43b547ab574945313256208c11f79a624c81be2c05d8d6fd')
  })

  test('bounds of 64 bits survive', () => {
    const wide = createSchema('wide', { x: { kind: 'decimal', bits: 64, scale: 0, unit: '1' } })
    const requirement = createRequirement(wide, (r) => r.gte('x', '9007199254740993'), { issuers })
    expect(requirement.expression).toMatchObject({ lower: 2n ** 53n + 1n, upper: 2n ** 64n - 1n })
    expect(unwrap(parseRequirement(encodeRequirement(asAny(requirement)), wide))).toEqual(requirement)
  })

  test.each<[string, Build]>([
    ['no parts', (r) => r.all()],
    ['an unknown name', (r) => r.gte('height' as never, 1 as never)],
    ['a name of the prototype', (r) => r.contains('toString' as never, 'x')],
    ['a bound out of range', (r) => r.gte('age', 256)],
    ['bounds in the wrong order', (r) => r.between('age', { lower: 41, upper: 40 })],
    ['no codes', (r) => r.oneOf('blood', [])],
    ['an unknown code', (r) => r.oneOf('blood', ['C' as never])],
    ['a number where a list is', (r) => r.contains('age' as never, 'E10')],
    ['a range of codes', () => ({ kind: 'between', name: 'blood', lower: 0n, upper: 1n })],
    ['an empty code', (r) => r.contains('diagnoses', '')],
    ['times in the wrong order', (r) => r.issued({ fromMs: 2, untilMs: 1 })],
    ['nine levels', (r) => [1, 2, 3, 4, 5, 6, 7, 8].reduce<Expression>((inner) => r.not(inner), r.is('smoker'))],
    ['too many parts', (r) => r.all(...Array.from({ length: 1_024 }, () => r.is('smoker')))],
  ])('refuses %s', (_, make) => {
    expect(refusal(() => require(make))).toBe('ERR_ARGUMENT_INVALID')
  })

  test('refuses issuers and ages that are none', () => {
    const make: Build = (r) => r.is('smoker')
    for (const options of [{ issuers: [] }, { issuers: ['x'] }, { ageMsMax: -1 }, { ageMsMax: 0.5 }]) {
      expect(refusal(() => require(make, options))).toBe('ERR_ARGUMENT_INVALID')
    }
  })

  test('reads nothing but its own encoding', () => {
    const bytes = encodeRequirement(asAny(diabetes))
    expect(parseRequirement(Uint8Array.of(...bytes, 0), schema).ok).toBe(false)
    for (let length = 0; length < bytes.length; length++) {
      expect(parseRequirement(bytes.subarray(0, length), schema).ok).toBe(false)
    }
    expect(parseRequirement(bytes, wideSchema(3))).toMatchObject({ ok: false, path: 'requirement.schema' })
    const tuple = unwrap(parseCbor(bytes)) as CborValue[]
    const parseWith = (index: number, value: CborValue): unknown =>
      parseRequirement(encodeCbor(tuple.with(index, value)), schema).ok
    const third = institution.did > hospital.did ? [hospital, institution] : [institution, hospital]
    expect(parseWith(2, ['is', 'smoker'])).toBe(false)
    expect(parseWith(2, ['between', 'age', 1])).toBe(false)
    expect(parseWith(2, ['between', 'age', 1, 256])).toBe(false)
    expect(parseWith(2, ['between', 'age', 1, 255])).toBe(true)
    expect(parseWith(2, ['oneOf', 'blood', [1, 0]])).toBe(false)
    expect(parseWith(2, ['oneOf', 'blood', [8]])).toBe(false)
    expect(parseWith(2, ['all'])).toBe(false)
    expect(parseWith(2, ['not', ['oneOf', 'smoker', [1]], 1])).toBe(false)
    expect(parseWith(2, [['all']])).toBe(false)
    expect(parseWith(3, [])).toBe(false)
    const keys = third.map(({ did }) => did)
    const both = unwrap(
      parseRequirement(encodeRequirement(asAny(require((r) => r.is('smoker'), { issuers: keys }))), schema),
    )
    expect(both.issuers).toEqual(keys)
  })
})

describe('evaluating', () => {
  const cases: [string, boolean, Build][] = [
    ['glucose at the bound', true, (r) => r.gte('glucose', '6.3')],
    ['glucose above', false, (r) => r.gte('glucose', '6.4')],
    ['age below', true, (r) => r.lte('age', 81)],
    ['age too high', false, (r) => r.lte('age', 80)],
    ['born within', true, (r) => r.between('born', { lower: '1944-08-23', upper: '1944-08-23' })],
    ['not a smoker', true, (r) => r.not(r.is('smoker'))],
    ['smoker', false, (r) => r.is('smoker')],
    ['blood', true, (r) => r.oneOf('blood', ['O+', 'O-'])],
    ['negative temperature', true, (r) => r.gte('temperature', -10)],
    ['has E11', true, (r) => r.contains('diagnoses', 'E11')],
    ['has not E10', true, (r) => r.not(r.contains('diagnoses', 'E10'))],
    ['de Morgan', true, (r) => r.not(r.all(r.is('smoker'), r.gte('age', 40)))],
    ['any', true, (r) => r.any(r.is('smoker'), r.gte('age', 40))],
    ['attested in time', true, (r) => r.issued({ fromMs: issuedAtMs, untilMs: issuedAtMs })],
    ['attested too early', false, (r) => r.issued({ fromMs: issuedAtMs + 1, untilMs: issuedAtMs + 2 })],
  ]
  test.each(cases)('%s', (_, answer, make) => {
    const opening = commitValues(schema, values, commitmentOptions, createTestRandom('x'))
    expect(evaluateRequirement(require(make), values, { issuedAtMs })).toBe(answer)
    expect(evaluateOpening(asAny(require(make)), opening)).toBe(answer)
  })

  test('what is absent meets neither a question nor its negation', () => {
    const questions: Build[] = [
      (r) => r.gte('age', 0),
      (r) => r.lte('glucose', '99.9'),
      (r) => r.is('smoker'),
      (r) => r.oneOf('blood', ['A+']),
      (r) => r.contains('diagnoses', 'E11'),
      (r) => r.issued({ fromMs: 0, untilMs: 1 }),
    ]
    for (const question of questions) {
      expect(evaluateRequirement(require(question), {})).toBe(false)
      expect(
        evaluateRequirement(
          require((r) => r.not(question(r))),
          {},
        ),
      ).toBe(false)
    }
  })
})

/** The predicate alone, over leaves that are public inputs. */
function check(requirement: Requirement, leaves: readonly bigint[], mode: 'assert' | 'report', time = issuedAtMs) {
  let answer: bigint | undefined
  const built = build((builder) => {
    const wires = leaves.map((value, i) => builder.publicInput(`leaf ${i}`, value))
    const moment = builder.publicInput('issuedAtMs', BigInt(time))
    const predicate = createPredicate(builder, requirement.schema, {
      leaf: (position) => wires[position]!,
      issuedAtMs: moment,
    })
    const form = normalize(requirement.expression)
    if (mode === 'assert') predicate.assert(form)
    else {
      const bit = predicate.evaluate(form)
      assertEqual(builder, 'answer', builder.allocate('answer', bit.value), bit)
      answer = bit.value
    }
  })
  return { built, answer, broken: findBroken(built.relation, built.witness) }
}

const genericSchema = schema as unknown as Schema

const atoms: fc.Arbitrary<Expression> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('age', 'glucose', 'temperature'),
      fc.bigInt({ min: 0n, max: 255n }),
      fc.bigInt({ min: 0n, max: 255n }),
    )
    .map(([name, a, b]) => ({ kind: 'between' as const, name, lower: a < b ? a : b, upper: a < b ? b : a })),
  fc.bigInt({ min: 0n, max: 255n }).map((lower) => ({ kind: 'between' as const, name: 'age', lower, upper: 255n })),
  fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }).map((positions) => ({
    kind: 'oneOf' as const,
    name: 'blood',
    positions: positions.sort((a, b) => a - b),
  })),
  fc.constant<Expression>({ kind: 'oneOf', name: 'smoker', positions: [1] }),
  fc.constantFrom('a', 'b', 'c').map((code) => ({ kind: 'contains' as const, name: 'diagnoses', code })),
  fc.integer({ min: 0, max: 4 }).map((from) => ({ kind: 'issued' as const, fromMs: from, untilMs: from + 2 })),
)

const expressions: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    atoms,
    fc
      .tuple(fc.constantFrom('all' as const, 'any' as const), fc.array(tie('node'), { minLength: 1, maxLength: 6 }))
      .map(([kind, parts]) => ({ kind, parts })),
    tie('node').map((part) => ({ kind: 'not' as const, part })),
  ),
})).node

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 5 })
const records = fc
  .record({
    age: optional(fc.integer({ min: 0, max: 255 })),
    glucose: optional(fc.integer({ min: 0, max: 255 }).map((n) => `${Math.floor(n / 10)}.${n % 10}` as const)),
    temperature: optional(fc.integer({ min: -40, max: 215 })),
    smoker: optional(fc.boolean()),
    blood: optional(fc.constantFrom('A+', 'A-', 'B+', 'O-' as const)),
    diagnoses: optional(fc.uniqueArray(fc.constantFrom('a', 'b', 'd'), { maxLength: 3 })),
  })
  .map(
    (record) =>
      Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Values<
        (typeof schema)['attributes']
      >,
  )

describe('compiling', () => {
  test('random requirements mean in the circuit what they mean in clear', () => {
    fc.assert(
      fc.property(expressions, records, fc.integer({ min: 0, max: 8 }), (expression, record, time) => {
        const requirement = createRequirement(schema, () => expression, { issuers })
        const holds = evaluateRequirement(requirement, record, { issuedAtMs: time })
        const leaves = encodeValues(schema, record)
        const asserted = check(asAny(requirement), leaves, 'assert', time)
        expect(asserted.broken.length === 0).toBe(holds)
        const reported = check(asAny(requirement), leaves, 'report', time)
        expect(reported.broken).toEqual([])
        expect(reported.answer).toBe(holds ? 1n : 0n)
      }),
      propertyRuns(150),
    )
  })

  test('the shape does not depend on values, and nothing in it is free', () => {
    fc.assert(
      fc.property(expressions, records, records, (expression, one, two) => {
        const requirement = asAny(createRequirement(schema, () => expression, { issuers }))
        for (const mode of ['assert', 'report'] as const) {
          const first = check(requirement, encodeValues(schema, one), mode, 1)
          const second = check(requirement, encodeValues(schema, two), mode, 7)
          expect(toHex(hashRelation(first.built.relation))).toBe(toHex(hashRelation(second.built.relation)))
          if (first.broken.length > 0) continue
          expect(findFreeWires(first.built).filter((name) => !/^(leaf \d+|issuedAtMs)$/.test(name))).toEqual([])
        }
      }),
      propertyRuns(30),
    )
  })

  test('a leaf that no value has passes no range, at neither end', () => {
    const leaves = encodeValues(schema, values)
    const at = (value: bigint): bigint[] => leaves.with(1, ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER)
    const makes: Build[] = [
      (r) => r.gte('age', 0),
      (r) => r.gte('age', 40),
      (r) => r.lte('age', 100),
      (r) => r.between('age', { lower: 40, upper: 100 }),
      (r) => r.not(r.gte('age', 40)),
      (r) => r.any(r.lte('age', 100), r.is('smoker')),
      (r) => r.any(r.not(r.gte('age', 40)), r.is('smoker')),
    ]
    for (const make of makes) {
      for (const value of [ABSENT, -1n, -2n, -156n, -215n, 40n - 256n, 100n + 2n ** 8n, 2n ** 64n, FIELD_ORDER / 2n]) {
        expect(check(asAny(require(make)), at(value), 'assert').broken).not.toEqual([])
      }
    }
  })

  test('no range wraps, at either end, for any kind and width of number', () => {
    const numbers = createSchema('numbers', {
      flag: { kind: 'int', bits: 1 },
      small: { kind: 'int', bits: 8, minimum: -40 },
      large: { kind: 'int', bits: 53 },
      exact: { kind: 'decimal', bits: 64, scale: 3, unit: 'g', minimum: '-1.5' },
      born: { kind: 'date' },
    })
    const known = numbers as unknown as Schema
    const bits = { flag: 1n, small: 8n, large: 53n, exact: 64n, born: 22n }
    const names = Object.keys(bits) as (keyof typeof bits)[]
    const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    const bounds = fc.tuple(fc.constantFrom(...names), word, word).map(([name, one, two]) => {
      const [first, second] = [one % 2n ** bits[name], two % 2n ** bits[name]]
      return { name, lower: first < second ? first : second, upper: first < second ? second : first }
    })
    fc.assert(
      fc.property(bounds, fc.boolean(), word, ({ name, lower, upper }, isNegated, elsewhere) => {
        const part: Expression = { kind: 'between', name, lower, upper }
        const expression: Expression = isNegated ? { kind: 'not', part } : part
        const requirement = createRequirement(known, () => expression, { issuers })
        const at = names.indexOf(name)
        const maximum = 2n ** bits[name] - 1n
        const ends = [lower, upper, 0n, maximum].flatMap((end) => [end - 1n, end, end + 1n])
        // What lies outside of the type is no value: one bit more, the end of the field, half of it, what is absent.
        for (const value of [...ends, 2n * maximum, elsewhere << 64n, -2n, FIELD_ORDER / 2n, ABSENT, ABSENT - 1n]) {
          const leaf = ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER
          const isInside = lower <= leaf && leaf <= upper
          const isMet = leaf <= maximum && isInside !== isNegated
          const leaves = names.map((_, i) => (i === at ? leaf : ABSENT))
          // A bound at the end of the type is checked by width; what is above it an issuer cannot commit to.
          const { broken } = check(requirement, leaves, 'assert')
          if (leaf <= maximum || leaf > 2n ** 66n) expect(broken.length === 0).toBe(isMet)
          else if (isNegated || upper !== maximum) expect(broken).not.toEqual([])
        }
      }),
      propertyRuns(40),
    )
  })

  test('counts', () => {
    const count = (make: Build, mode: 'assert' | 'report' = 'assert'): number =>
      check(asAny(require(make)), encodeValues(schema, values), mode).built.relation.constraints.length
    expect(count((r) => r.gte('age', 40))).toBe(8)
    expect(count((r) => r.lte('age', 100))).toBe(14)
    expect(count((r) => r.oneOf('blood', ['O+', 'O-']))).toBe(2)
    expect(count((r) => r.not(r.oneOf('blood', ['O+', 'O-'])))).toBe(3)
    expect(count((r) => r.contains('diagnoses', 'E11'))).toBe(3)
    // Presence 3, value 1, bits 8, comparison 9, both 1, answer 1.
    expect(count((r) => r.gte('age', 40), 'report')).toBe(23)
    // The second question about age costs its comparison only.
    expect(count((r) => r.any(r.gte('age', 40), r.lte('age', 20)), 'report')).toBe(23 + 9 + 1 + 1)
  })
})

function assign(
  requirement: Requirement,
  record: Values<Attributes>,
  isExclusive: boolean,
  change: Partial<RequirementAssignment> = {},
): RequirementAssignment {
  const opening = commitValues(requirement.schema, record, commitmentOptions, createTestRandom('opening'))
  const study = studyToField(digestOf('study'))
  const terms = 5n
  return {
    inputs: {
      result: 1n,
      commitment: toInteger(opening.commitment),
      requirement: digestToField(requirement.digest),
      context: hashPoseidon('context', [study, terms]),
      studyNullifier: toInteger(deriveStudyNullifier(personSecret, digestOf('study'))),
      recordNullifier: isExclusive ? toInteger(deriveRecordNullifier(personSecret, recordSerial)) : 0n,
    },
    record: openRecord(opening, requirement.schema),
    personSecret: readSecret(personSecret),
    study,
    terms,
    isExclusive,
    ...change,
  }
}

describe('the whole circuit', () => {
  const circuit: RequirementCircuit = compileRequirement(asAny(diabetes))
  const given = values as unknown as Values<Attributes>
  const broken = (assignment: RequirementAssignment): string[] =>
    findBroken(circuit.relation, assignRequirement(circuit, assignment))
  const sound = assign(asAny(diabetes), given, true)

  test('is satisfied by the record, exclusively or not, and is the same at each compilation', () => {
    expect(broken(sound)).toEqual([])
    expect(broken(assign(asAny(diabetes), given, false))).toEqual([])
    expect(compileRequirement(asAny(diabetes)).id).toEqual(circuit.id)
    expect(compileRequirement(asAny(diabetes), { mode: 'report' }).id).not.toEqual(circuit.id)
    expect(circuit.constraintCount).toBe(1_925)
    expect(findUnconstrained(circuit.relation)).toEqual([])
    expect(circuit.relation.wireNames.slice(0, 7)).toEqual([
      'one',
      'R',
      'h',
      'requirementDigest',
      'contextHash',
      'nStudy',
      'nRecord',
    ])
    expect(genericSchema.id).toEqual(diabetes.schema.id)
  })

  test('each public input is bound', () => {
    const witness = assignRequirement(circuit, sound)
    const names = ['requirement/R', 'h', 'requirementDigest', 'contextHash', 'nStudy', 'nRecord']
    for (const [i, name] of names.entries()) {
      expect(findBroken(circuit.relation, witness.with(i + 1, (witness[i + 1]! + 1n) % FIELD_ORDER))).toContain(name)
    }
  })

  test('each wire spoiled breaks a named constraint', () => {
    expect(findFreeWires({ relation: circuit.relation, witness: assignRequirement(circuit, sound) })).toEqual([])
    expect(
      findFreeWires({
        relation: circuit.relation,
        witness: assignRequirement(circuit, assign(asAny(diabetes), given, false)),
      }),
    ).toEqual([])
  })

  test('of 10,000 random edits of the witness none is accepted', () => {
    const witness = assignRequirement(circuit, sound)
    const touching = touchingConstraints(circuit.relation)
    const wire = fc.integer({ min: 1, max: witness.length - 1 })
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n }),
      fc.constantFrom(0n, 1n, 2n, FIELD_ORDER - 1n),
      wire.map((other) => witness[other]!),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(wire, value), { minLength: 1, maxLength: 3 }), (edits) => {
        const changed = [...witness]
        for (const [at, to] of edits) changed[at] = to
        const touched = edits.filter(([at]) => changed[at] !== witness[at]).flatMap(([at]) => touching[at]!)
        if (touched.length === 0) return
        expect(touched.every((i) => isSatisfied(circuit.relation.constraints[i]!, changed))).toBe(false)
      }),
      { numRuns: 10_000 },
    )
  })

  test('another secret, study, record or flag does not fit', () => {
    expect(broken({ ...sound, personSecret: 5n })).toEqual(['nStudy', 'h', 'nRecord'])
    expect(broken({ ...sound, study: 5n })).toEqual(['contextHash', 'nStudy'])
    expect(broken({ ...sound, terms: 6n })).toEqual(['contextHash'])
    expect(broken({ ...sound, isExclusive: false })).toEqual(['nRecord'])
    const other = assign(asAny(diabetes), { ...given, age: 99 }, true)
    expect(broken({ ...sound, record: other.record })).toEqual(['h'])
  })

  test('a record that does not meet the requirement has no witness, but a report', () => {
    const poor = { ...given, age: 39 }
    expect(broken(assign(asAny(diabetes), poor, true))).toEqual(['requirement/1/age bit 7'])
    const report = compileRequirement(asAny(diabetes), { mode: 'report' })
    const told = (result: bigint): string[] => {
      const assignment = assign(asAny(diabetes), poor, true)
      return findBroken(
        report.relation,
        assignRequirement(report, { ...assignment, inputs: { ...assignment.inputs, result } }),
      )
    }
    expect(told(0n)).toEqual([])
    expect(told(1n)).toEqual(['requirement/R'])
    expect(told(2n)).toEqual(['requirement/R'])
  })

  test('five of a thousand attributes in one block take at most 3,500 constraints', () => {
    const wide = wideSchema(1_000)
    const requirement = createRequirement(
      wide as unknown as Schema<{ a0: { kind: 'int'; bits: 32 } }>,
      (r) => r.all(...[0, 1, 2, 3, 4].map((i) => r.between(`a${i}` as 'a0', { lower: 1_000, upper: 4_000_000_000 }))),
      { issuers },
    )
    const { constraintCount } = compileRequirement(asAny(requirement))
    expect(constraintCount).toBe(3_178)
    expect(constraintCount).toBeLessThanOrEqual(3_500)
  })

  test('public inputs have one order', () => {
    expect(
      listInputs({ result: 1n, commitment: 2n, requirement: 3n, context: 4n, studyNullifier: 5n, recordNullifier: 6n }),
    ).toEqual([1n, 2n, 3n, 4n, 5n, 6n])
  })
})

describe('explaining', () => {
  const name = (named: string): string | undefined => (named === hospital.did ? 'St Mary' : undefined)
  test.each<[string, Build, object]>([
    [
      'Proves that glucose is at least 6.1 mmol/L and age is at least 40, as attested by St Mary.',
      (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)),
      {},
    ],
    [
      'Proves that age is at most 40, as attested by St Mary within the last 30 days.',
      (r) => r.lte('age', 40),
      { ageMsMax: 30 * 86_400_000 },
    ],
    [
      'Proves that age is from 18 to 65, as attested by St Mary within the last 1 day and not withdrawn.',
      (r) => r.between('age', { lower: 18, upper: 65 }),
      { ageMsMax: 86_400_000, checksWithdrawal: true },
    ],
    [
      'Proves that temperature is exactly -3, as attested by St Mary within the last 5 ms.',
      (r) => r.between('temperature', { lower: -3, upper: -3 }),
      { ageMsMax: 5 },
    ],
    ['Proves that age is known, as attested by St Mary.', (r) => r.gte('age', 0), {}],
    ['Proves that born is at most 1986-12-31, as attested by St Mary.', (r) => r.lte('born', '1986-12-31'), {}],
    [
      'Proves that blood is O+ or O- or (diagnoses has E10 and it is known and not so that (smoker is true)), as attested by St Mary.',
      (r) => r.any(r.oneOf('blood', ['O+', 'O-']), r.all(r.contains('diagnoses', 'E10'), r.not(r.is('smoker')))),
      {},
    ],
    [
      'Proves that the values were attested from 2026-05-28 20:26:40 UTC to 2026-05-29, as attested by St Mary.',
      (r) => r.issued({ fromMs: issuedAtMs, untilMs: 1_780_012_800_000 }),
      {},
    ],
    [
      'Proves that (blood is O+ or O-) and age is at least 40, as attested by St Mary.',
      (r) => r.all(r.any(r.oneOf('blood', ['O+', 'O-'])), r.gte('age', 40)),
      {},
    ],
    [
      'Proves that it is known and not so that (age is at least 40) and temperature is known, as attested by St Mary.',
      (r) => r.all(r.not(r.gte('age', 40)), r.gte('temperature', -40)),
      {},
    ],
    [
      'Proves that it is known and not so that (age is at least 40 or it is known and not so that (smoker is true and diagnoses has E10)), as attested by St Mary.',
      (r) => r.not(r.any(r.all(r.gte('age', 40)), r.not(r.all(r.is('smoker'), r.contains('diagnoses', 'E10'))))),
      {},
    ],
    [
      'Proves that the values were attested from 1970-01-01 00:00:01.500 UTC to 1970-01-02 10:17:36.007 UTC, as attested by St Mary.',
      (r) => r.issued({ fromMs: 1_500, untilMs: 86_400_000 + 37_056_007 }),
      {},
    ],
    [
      'Proves that diagnoses has "q) or (age is at least 18" and diagnoses has "E10\\u{202e}\\u{a}\\u{22} x", as attested by St Mary.',
      (r) => r.all(r.contains('diagnoses', 'q) or (age is at least 18'), r.contains('diagnoses', 'E10\u202e\n" x')),
      {},
    ],
  ])('%s', (sentence, make, options) => {
    expect(explainRequirement(asAny(require(make, options)), { nameOf: name })).toBe(sentence)
  })
})

test('names of attributes, codes and units cannot pass for words of the sentence, unless the application gave them', () => {
  const strange = createSchema('strange', {
    'age or weight': { kind: 'int', bits: 8 },
    mass: { kind: 'decimal', bits: 16, scale: 1, unit: 'kg and nothing else' },
    pressure: { kind: 'decimal', bits: 16, scale: 0, unit: 'mm[Hg]' },
    group: { kind: 'code', codes: ['http://loinc.org|LA-1', 'A or B'] },
  })
  const asked = createRequirement(
    strange,
    (r) =>
      r.all(r.gte('age or weight', 40), r.gte('mass', '70'), r.gte('pressure', '90'), r.oneOf('group', ['A or B'])),
    { issuers },
  )
  const words = 'is at least 40 and mass is at least 70.0 "kg and nothing else" and pressure is at least 90 mm[Hg]'
  const by = `as attested by ${hospital.did}`
  expect(explainRequirement(asAny(asked))).toBe(`Proves that "age or weight" ${words} and group is "A or B", ${by}.`)
  const nameOf = (named: string): string | undefined => (named === 'age or weight' ? 'age (or weight)' : undefined)
  expect(explainRequirement(asAny(asked), { nameOf })).toContain('that age (or weight) is at least 40')
})

describe('linting', () => {
  const rules = (make: Build, answered: Build[] = []): string[] =>
    lintRequirement(asAny(require(make)), { answered: answered.map((other) => asAny(require(other))) }).map(
      ({ rule, attribute }) => `${attribute} ${rule}`,
    )

  test('finds what gives a value away', () => {
    expect(rules((r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)))).toEqual([])
    expect(rules((r) => r.between('age', { lower: 40, upper: 49 }))).toEqual([])
    expect(rules((r) => r.between('age', { lower: 40, upper: 48 }))).toEqual(['age too-narrow'])
    expect(rules((r) => r.between('age', { lower: 40, upper: 40 }))).toEqual(['age single-value'])
    expect(rules((r) => r.all(r.gte('age', 40), r.not(r.gte('age', 42))))).toEqual(['age too-narrow'])
    expect(rules((r) => r.all(r.lte('age', 42), r.not(r.lte('age', 40))))).toEqual(['age too-narrow'])
    expect(rules((r) => r.oneOf('blood', ['O-']))).toEqual(['blood single-value'])
    expect(rules((r) => r.oneOf('blood', ['O-', 'O+']))).toEqual([])
    expect(rules((r) => r.all(r.oneOf('blood', ['O-', 'O+']), r.not(r.oneOf('blood', ['O+']))))).toEqual([
      'blood single-value',
    ])
    expect(rules((r) => r.is('smoker'))).toEqual(['smoker single-value'])
    expect(rules((r) => r.contains('diagnoses', 'E10'))).toEqual(['diagnoses single-value'])
    expect(rules((r) => r.not(r.contains('diagnoses', 'E10')))).toEqual([])
    // Either may be the reason.
    expect(rules((r) => r.any(r.between('age', { lower: 40, upper: 40 }), r.gte('glucose', '6.1')))).toEqual([])
  })

  test('is not led astray by alternatives, impossible parts and gaps', () => {
    type Builder = Parameters<Build>[0]
    const is = (r: Builder, age: number): Expression => r.between('age', { lower: age, upper: age })
    const never = (r: Builder): Expression => r.all(r.lte('glucose', '3'), r.gte('glucose', '4'))
    expect(rules((r) => r.any(is(r, 42), is(r, 42)))).toEqual(['age single-value'])
    expect(rules((r) => r.any(is(r, 42), is(r, 255)))).toEqual(['age too-narrow'])
    expect(rules((r) => r.any(is(r, 42), never(r)))).toEqual(['age single-value'])
    expect(rules((r) => r.any(is(r, 42), r.all(is(r, 50), r.is('smoker'))))).toEqual(['age too-narrow'])
    expect(rules((r) => r.any(is(r, 42), r.is('smoker')))).toEqual([])
    expect(rules((r) => r.all(r.lte('age', 43), r.gte('age', 41), r.not(r.any(is(r, 41), is(r, 43)))))).toEqual([
      'age single-value',
    ])
    expect(rules((r) => r.all(r.lte('age', 49), r.not(r.between('age', { lower: 2, upper: 41 }))))).toEqual([])
    expect(rules((r) => r.all(r.lte('age', 48), r.not(r.between('age', { lower: 2, upper: 41 }))))).toEqual([
      'age too-narrow',
    ])
    expect(
      rules((r) => r.any(r.oneOf('blood', ['A+']), r.all(r.oneOf('blood', ['A+', 'B+']), r.is('smoker')))),
    ).toEqual([])
    expect(rules((r) => r.any(r.oneOf('blood', ['A+']), r.all(r.oneOf('blood', ['A+']), r.is('smoker'))))).toEqual([
      'blood single-value',
    ])
    const [e10, e11] = [(r: Builder) => r.contains('diagnoses', 'E10'), (r: Builder) => r.contains('diagnoses', 'E11')]
    expect(rules((r) => r.any(e10(r), r.all(e10(r), e11(r))))).toEqual(['diagnoses single-value'])
    expect(rules((r) => r.any(e10(r), e11(r)))).toEqual([])
    // Nobody meets it: it tells nothing.
    expect(rules((r) => r.all(never(r), r.gte('age', 40)))).toEqual([])
    const [finding] = lintRequirement(asAny(require((r) => r.any(is(r, 42), is(r, 255)))))
    expect(finding?.message).toBe('acceptance tells that age is one of 2 values from 42 to 255')
  })

  test('counts what remains: random requirements over one number', () => {
    const atoms = fc.tuple(fc.nat(15), fc.nat(15)).map(([one, other]) => ({
      kind: 'between' as const,
      name: 'n',
      lower: BigInt(Math.min(one, other)),
      upper: BigInt(Math.max(one, other)),
    }))
    const forms = fc.letrec<{ node: Expression }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        atoms,
        fc.record({
          kind: fc.constantFrom('all', 'any'),
          parts: fc.array(tie('node'), { minLength: 1, maxLength: 4 }),
        }),
        fc.record({ kind: fc.constant('not'), part: tie('node') }),
      ),
    })).node
    const one = createSchema('one', { n: { kind: 'int', bits: 4 } })
    fc.assert(
      fc.property(forms, (expression) => {
        const requirement = createRequirement(one, () => expression, { issuers })
        const left = Array.from({ length: 16 }, (_, n) => n).filter((n) => evaluateRequirement(requirement, { n }))
        const [finding] = lintRequirement(asAny(requirement))
        const expected =
          left.length === 1 ? 'single-value' : left.length > 1 && left.length < 10 ? 'too-narrow' : undefined
        expect(finding?.rule).toBe(expected)
      }),
      propertyRuns(300),
    )
  })

  test('adds up what was answered before', () => {
    expect(rules((r) => r.lte('age', 45), [(r) => r.gte('age', 40)])).toEqual(['age too-narrow'])
    expect(rules((r) => r.lte('age', 60), [(r) => r.gte('age', 40)])).toEqual([])
    const foreign = createRequirement(createSchema('other', schema.attributes), (r) => r.gte('age', 40), { issuers })
    expect(lintRequirement(asAny(require((r) => r.lte('age', 45))), { answered: [asAny(foreign)] })).toEqual([])
  })

  test('says it in words', () => {
    const [finding] = lintRequirement(asAny(require((r) => r.between('glucose', { lower: '6.1', upper: '6.3' }))))
    expect(finding?.message).toBe('acceptance tells that glucose is from 6.1 mmol/L to 6.3 mmol/L, 3 values')
  })
})

import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { parseGroup, type GroupOptions } from '../../src/fhir/index.ts'
import { createSigner } from '../../src/primitives/signature.ts'
import { formatDecimal } from '../../src/zk/commitment/schema.ts'
import {
  createRequirement,
  createSchema,
  evaluateRequirement,
  explainRequirement,
  type RequirementBuilder,
  type Expression,
} from '../../src/zk/index.ts'
import { propertyRuns } from '../support/property.ts'
import { hospital } from '../zk/fixtures.ts'

const schema = createSchema('study-2026', {
  glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
  base: { kind: 'decimal', bits: 16, scale: 2, unit: 'mmol/L', minimum: '-30' },
  age: { kind: 'int', bits: 8 },
  born: { kind: 'date' },
  smoker: { kind: 'flag' },
  blood: { kind: 'code', codes: ['A', 'B', 'O'] },
  diagnoses: { kind: 'list', slots: 3 },
})
type Builder = RequirementBuilder<(typeof schema)['attributes']>

const LOINC = 'http://loinc.org'
const SNOMED = 'http://snomed.info/sct'
const ICD = 'http://hl7.org/fhir/sid/icd-10'
const UCUM = 'http://unitsofmeasure.org'
const options: GroupOptions = {
  attributes: {
    [`${LOINC}|15074-8`]: 'glucose',
    [`${LOINC}|11555-0`]: 'base',
    [`${LOINC}|30525-0`]: 'age',
    [`${LOINC}|21112-8`]: 'born',
    [`${LOINC}|72166-2`]: 'smoker',
    [`${SNOMED}|365636006`]: 'blood',
    [`${LOINC}|883-9`]: 'blood',
    [`${LOINC}|29308-4`]: 'diagnoses',
    [`${LOINC}|1-8`]: 'height',
  },
  codes: { [`${SNOMED}|112144000`]: 'A', [`${SNOMED}|58460004`]: 'O', [`${SNOMED}|44054006`]: 'E11' },
  units: { age: 'a' },
  issuers: [hospital.did],
}

const concept = (...texts: string[]): object => ({
  coding: texts.map((text) => ({ system: text.split('|')[0], code: text.split('|')[1] })),
})
/** A characteristic, as JSON text so that numbers keep their digits. */
const about = (code: string, value: object | string, exclude: unknown = false): string => {
  const written = typeof value === 'string' ? value : JSON.stringify(value).slice(1, -1)
  return `{"code":${JSON.stringify(concept(code))},${written},"exclude":${JSON.stringify(exclude)}}`
}
const GLUCOSE = `${LOINC}|15074-8`
const AGE = `${LOINC}|30525-0`
const glucose = (number: string, comparator?: string, unit = 'mmol/L'): string => {
  const sign = comparator === undefined ? '' : `"comparator":"${comparator}",`
  return about(GLUCOSE, `"valueQuantity":{${sign}"value":${number},"system":"${UCUM}","code":"${unit}"}`)
}
const group = (characteristics: string | readonly string[], change: object = {}): string => {
  const list = typeof characteristics === 'string' ? [characteristics] : characteristics
  const rest = JSON.stringify({ resourceType: 'Group', type: 'person', actual: false, ...change })
  return `${rest.slice(0, -1)},"characteristic":[${list.join(',')}]}`
}
const read = (source: string): string => {
  const result = parseGroup(source, schema, options)
  return result.ok ? 'accepted' : `${result.code} ${result.path}`
}
const expectMeaning = (source: string, make: (r: Builder) => Expression): void => {
  const asked = unwrap(parseGroup(source, schema, options))
  const expected = createRequirement(schema, make, { issuers: options.issuers })
  expect(asked.expression).toEqual(expected.expression)
  expect(asked.digest).toEqual(expected.digest)
}

describe('parseGroup', () => {
  test('the question of the demonstration', () => {
    const source = group([
      glucose('6.1', '>='),
      about(AGE, `"valueQuantity":{"value":40,"comparator":">=","unit":"a"}`),
    ])
    expectMeaning(source, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)))
    const asked = unwrap(parseGroup(source, schema, { ...options, ageMsMax: 86_400_000, checksWithdrawal: true }))
    expect(asked).toMatchObject({ ageMsMax: 86_400_000, checksWithdrawal: true, issuers: [hospital.did] })
    expect(explainRequirement(asked)).toContain('glucose is at least 6.1 mmol/L and age is at least 40')
    expect(unwrap(parseGroup(new TextEncoder().encode(source), schema, options)).expression).toEqual(asked.expression)
  })

  test('each form of a value, and its opposite', () => {
    const cases: [string, (r: Builder) => Expression][] = [
      [about(`${LOINC}|72166-2`, { valueBoolean: true }), (r) => r.is('smoker')],
      [about(`${LOINC}|72166-2`, { valueBoolean: true }, true), (r) => r.not(r.is('smoker'))],
      [
        about(`${SNOMED}|365636006`, { valueCodeableConcept: concept(`${SNOMED}|58460004`) }),
        (r) => r.oneOf('blood', ['O']),
      ],
      [
        // Two systems, one thing: the code that the schema has, counts.
        about(`${LOINC}|883-9`, { valueCodeableConcept: concept(`${LOINC}|LA19710-5`, `${SNOMED}|112144000`) }),
        (r) => r.oneOf('blood', ['A']),
      ],
      [
        about(`${LOINC}|29308-4`, { valueCodeableConcept: concept(`${SNOMED}|44054006`) }),
        (r) => r.contains('diagnoses', 'E11'),
      ],
      [
        about(`${LOINC}|29308-4`, { valueCodeableConcept: concept(`${ICD}|E10`) }, true),
        (r) => r.not(r.contains('diagnoses', `${ICD}|E10`)),
      ],
      [
        about(AGE, `"valueRange":{"low":{"value":18,"code":"a"},"high":{"value":65,"code":"a"}}`),
        (r) => r.between('age', { lower: 18, upper: 65 }),
      ],
      [glucose('5'), (r) => r.between('glucose', { lower: '5', upper: '5' })],
      [glucose('5.0'), (r) => r.between('glucose', { lower: '5', upper: '5' })],
      [glucose('50e-1'), (r) => r.between('glucose', { lower: '5', upper: '5' })],
      [glucose('7', '<'), (r) => r.lte('glucose', '6.9')],
      [glucose('7', '<='), (r) => r.lte('glucose', '7')],
      [glucose('7', '>'), (r) => r.gte('glucose', '7.1')],
      // Between two values of the attribute.
      [glucose('6.15', '>='), (r) => r.gte('glucose', '6.2')],
      [glucose('6.15', '>'), (r) => r.gte('glucose', '6.2')],
      [glucose('6.15', '<='), (r) => r.lte('glucose', '6.1')],
      [glucose('6.15', '<'), (r) => r.lte('glucose', '6.1')],
      // Beyond the range of the attribute: every value that is there.
      [glucose('-1', '>='), (r) => r.gte('glucose', '0')],
      [glucose('9999', '<'), (r) => r.gte('glucose', '0')],
      [
        about(`${LOINC}|11555-0`, `"valueQuantity":{"value":-2.505,"comparator":">","code":"mmol/L"}`),
        (r) => r.gte('base', '-2.50'),
      ],
      [
        about(`${LOINC}|11555-0`, `"valueQuantity":{"value":-2.505,"comparator":"<","code":"mmol/L"}`),
        (r) => r.lte('base', '-2.51'),
      ],
    ]
    for (const [characteristic, make] of cases) expectMeaning(group(characteristic), (r) => r.all(make(r)))
  })

  test('all of them in R4, and as combinationMethod says', () => {
    const two = [glucose('6.1', '>='), about(`${LOINC}|72166-2`, { valueBoolean: true })]
    const definitional = { actual: undefined, membership: 'definitional' }
    expectMeaning(group(two, { active: true }), (r) => r.all(r.gte('glucose', '6.1'), r.is('smoker')))
    expectMeaning(group(two, definitional), (r) => r.all(r.gte('glucose', '6.1'), r.is('smoker')))
    expectMeaning(group(two, { ...definitional, combinationMethod: 'all-of' }), (r) =>
      r.all(r.gte('glucose', '6.1'), r.is('smoker')),
    )
    expectMeaning(group(two, { ...definitional, combinationMethod: 'any-of' }), (r) =>
      r.any(r.gte('glucose', '6.1'), r.is('smoker')),
    )
    for (const combinationMethod of ['at-least', 'at-most', 'statistical', 'except-subset', 1, null]) {
      expect(read(group(two, { combinationMethod }))).toBe('ERR_FHIR_INVALID Group.combinationMethod')
    }
    expect(read(group(two, { combinationThreshold: 1 }))).toBe('ERR_FHIR_INVALID Group.combinationThreshold')
  })

  test('a number means the same as written, whatever its digits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -5_000n, max: 70_000n }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom('<', '<=', '>=', '>'),
        fc.integer({ min: 0, max: 65_535 }),
        (number, scale, comparator, value) => {
          const bound = formatDecimal(number, scale)
          const result = parseGroup(group(glucose(bound, comparator)), schema, options)
          const [left, right] = [BigInt(value) * 10n ** BigInt(scale), number * 10n]
          const holds = { '<': left < right, '<=': left <= right, '>=': left >= right, '>': left > right }[comparator]
          // A comparison that no value meets is refused.
          const record = { glucose: formatDecimal(BigInt(value), 1) as `${number}` }
          expect(result.ok ? evaluateRequirement(result.value, record) : false).toBe(holds)
        },
      ),
      propertyRuns(200),
    )
  })

  test.each<[string, string]>([
    ['resource', '{'],
    ['resource', '[]'],
    ['resource', '{"resourceType":"Patient"}'],
    ['Group.active', group(glucose('6'), { active: false })],
    ['Group.active', group(glucose('6'), { active: 'true' })],
    ['Group.type', group(glucose('6'), { type: 'animal' })],
    ['Group.type', group(glucose('6'), { type: undefined })],
    ['Group.actual', group(glucose('6'), { actual: true })],
    ['Group.membership', group(glucose('6'), { membership: 'enumerated' })],
    ['Group.membership', group(glucose('6'), { actual: undefined, membership: 'conceptual' })],
    ['Group.membership', group(glucose('6'), { actual: undefined })],
    ['Group.member', group(glucose('6'), { member: [] })],
    ['Group.code', group(glucose('6'), { code: { text: 'adults' } })],
    ['Group.modifierExtension', group(glucose('6'), { modifierExtension: [] })],
    ['Group.implicitRules', group(glucose('6'), { implicitRules: 'http://example.org' })],
    ['Group.contained', group(glucose('6'), { contained: [] })],
    ['Group._actual', group(glucose('6'), { _actual: {} })],
    ['Group.characteristic', group([])],
    ['Group.characteristic', group(Array.from({ length: 257 }, () => glucose('6')))],
    ['Group.characteristic.0', group('null')],
    ['Group.characteristic.0', group('[]')],
    ['Group.characteristic.0.code', group('{"valueBoolean":true,"exclude":false}')],
    ['Group.characteristic.0.code.coding', group('{"code":{"text":"age"},"valueBoolean":true,"exclude":false}')],
    ['Group.characteristic.0.code.coding.0', group(about('|x', { valueBoolean: true }))],
    ['Group.characteristic.0.code.coding.0.version', group(`{"code":{"coding":[{"version":"1"}]},"exclude":false}`)],
    ['Group.characteristic.0.code', group(about(`${LOINC}|0-0`, { valueBoolean: true }))],
    ['Group.characteristic.0.code', group(about(`${LOINC}|1-8`, { valueBoolean: true }))],
    ['Group.characteristic.0.code', group(`{"code":${JSON.stringify(concept(GLUCOSE, AGE))},"exclude":false}`)],
    ['Group.characteristic.0.value[x]', group(`{"code":${JSON.stringify(concept(AGE))},"exclude":false}`)],
    [
      'Group.characteristic.0.value[x]',
      group(about(AGE, `"valueBoolean":true,"valueQuantity":{"value":1,"code":"a"}`)),
    ],
    ['Group.characteristic.0.valueReference', group(about(AGE, { valueReference: { reference: 'Practitioner/1' } }))],
    ['Group.characteristic.0.valueUri', group(about(AGE, { valueUri: 'x' }))],
    ['Group.characteristic.0.period', group(about(AGE, `"valueBoolean":true,"period":{"start":"2026"}`))],
    ['Group.characteristic.0.modifierExtension', group(about(AGE, `"valueBoolean":true,"modifierExtension":[]`))],
    ['Group.characteristic.0.extension', group(about(AGE, `"valueBoolean":true,"extension":[]`))],
    ['Group.characteristic.0.exclude', group(about(AGE, `"valueQuantity":{"value":1,"code":"a"}`, 'no'))],
    [
      'Group.characteristic.0.exclude',
      group(`{"code":${JSON.stringify(concept(AGE))},"valueQuantity":{"value":1,"code":"a"}}`),
    ],
    ['Group.characteristic.0.valueBoolean', group(about(AGE, { valueBoolean: true }))],
    ['Group.characteristic.0.valueBoolean', group(about(`${LOINC}|72166-2`, { valueBoolean: 'true' }))],
    ['Group.characteristic.0.valueCodeableConcept', group(about(AGE, { valueCodeableConcept: concept('a|b') }))],
    [
      'Group.characteristic.0.valueCodeableConcept',
      group(about(`${LOINC}|883-9`, { valueCodeableConcept: concept('a|b') })),
    ],
    [
      'Group.characteristic.0.valueCodeableConcept',
      group(about(`${LOINC}|883-9`, { valueCodeableConcept: concept(`${SNOMED}|112144000`, `${SNOMED}|58460004`) })),
    ],
    [
      'Group.characteristic.0.valueCodeableConcept.coding',
      group(about(`${LOINC}|29308-4`, { valueCodeableConcept: { text: 'diabetes' } })),
    ],
    [
      'Group.characteristic.0.valueCodeableConcept.coding.0',
      group(about(`${LOINC}|29308-4`, { valueCodeableConcept: concept('s|e\u0301') })),
    ],
    [
      'Group.characteristic.0.valueCodeableConcept',
      group(about(`${LOINC}|29308-4`, { valueCodeableConcept: concept('a|b', 'a|c') })),
    ],
    ['Group.characteristic.0.valueQuantity', group(about(`${LOINC}|21112-8`, { valueQuantity: { value: 1 } }))],
    ['Group.characteristic.0.valueRange', group(about(`${LOINC}|21112-8`, { valueRange: {} }))],
    ['Group.characteristic.0.valueQuantity.value', group(about(AGE, { valueQuantity: { code: 'a' } }))],
    ['Group.characteristic.0.valueQuantity.value', group(about(AGE, { valueQuantity: { value: '40', code: 'a' } }))],
    ['Group.characteristic.0.valueQuantity.value', group(glucose('1e999'))],
    ['Group.characteristic.0.valueQuantity.comparator', group(glucose('6', 'ad'))],
    ['Group.characteristic.0.valueQuantity.comparator', group(glucose('6', '='))],
    ['Group.characteristic.0.valueQuantity.precision', group(about(AGE, { valueQuantity: { precision: 1 } }))],
    ['Group.characteristic.0.valueQuantity', group(glucose('6.15'))],
    ['Group.characteristic.0.valueQuantity', group(glucose('0', '<'))],
    ['Group.characteristic.0.valueQuantity', group(glucose('6553.5', '>'))],
    ['Group.characteristic.0.valueRange.high', group(about(AGE, `"valueRange":{"low":{"value":18,"code":"a"}}`))],
    ['Group.characteristic.0.valueRange.low', group(about(AGE, `"valueRange":{"high":{"value":18,"code":"a"}}`))],
    [
      'Group.characteristic.0.valueRange',
      group(about(AGE, `"valueRange":{"low":{"value":65,"code":"a"},"high":{"value":18,"code":"a"}}`)),
    ],
    [
      'Group.characteristic.0.valueRange.low.comparator',
      group(about(AGE, `"valueRange":{"low":{"value":65,"comparator":">","code":"a"},"high":{"value":18,"code":"a"}}`)),
    ],
  ])('refuses what it does not know or what means nothing: %s', (path, source) => {
    expect(read(source)).toBe(`ERR_FHIR_INVALID ${path}`)
  })

  test('compares units as text and converts none', () => {
    const other = parseGroup(group(glucose('110', '>=', 'mg/dL')), schema, options)
    expect(other).toMatchObject({
      ok: false,
      code: 'ERR_FHIR_UNIT',
      path: 'Group.characteristic.0.valueQuantity.code',
      details: { expected: 'mmol/L', found: 'mg/dL' },
    })
    const path = 'ERR_FHIR_UNIT Group.characteristic.0.valueQuantity.code'
    expect(read(group(about(GLUCOSE, `"valueQuantity":{"value":6}`)))).toBe(path)
    expect(read(group(about(AGE, `"valueQuantity":{"value":40}`)))).toBe(path)
    expect(read(group(about(AGE, `"valueQuantity":{"value":40,"code":"mo"}`)))).toBe(path)
    const foreign = `"valueQuantity":{"value":40,"system":"${SNOMED}","code":"a"}`
    expect(read(group(about(AGE, foreign)))).toBe(path)
    // The code decides, not the word that is shown.
    expect(read(group(about(AGE, `"valueQuantity":{"value":40,"code":"a","unit":"years"}`)))).toBe('accepted')
    const bare = { ...options, units: {} }
    expect(parseGroup(group(about(AGE, `"valueQuantity":{"value":40}`)), schema, bare).ok).toBe(true)
    const range = `"valueRange":{"low":{"value":18,"code":"a"},"high":{"value":65,"code":"mo"}}`
    expect(read(group(about(AGE, range)))).toBe('ERR_FHIR_UNIT Group.characteristic.0.valueRange.high.code')
  })

  test('is total in the resource; the options are the caller’s', () => {
    expect(read(`${group(glucose('6'))}${' '.repeat(1024 * 1024)}`)).toBe('ERR_CODEC_LIMIT Group')
    for (const issuers of [[], ['x']]) {
      try {
        parseGroup(group(glucose('6')), schema, { ...options, issuers: issuers as never })
        expect.unreachable()
      } catch (error) {
        expect(isVitalsealError(error, 'ERR_ARGUMENT_INVALID')).toBe(true)
      }
    }
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer({ min: 0, max: 400 }), (json, at) => {
        const whole = group([glucose('6.1', '>='), about(`${LOINC}|883-9`, { valueCodeableConcept: concept('a|b') })])
        const position = at % whole.length
        for (const text of [json, group(json), whole.slice(0, position) + json + whole.slice(position + 1)]) {
          expect(typeof parseGroup(text, schema, options).ok).toBe('boolean')
        }
      }),
      propertyRuns(100),
    )
  })

  test('takes nothing for a number that is written otherwise', () => {
    for (const value of ['"40"', '"\\u000140"', '"\\u0001\\u000140"', '{"text":"40"}', '["40"]', 'null', 'true']) {
      const source = group(about(AGE, `"valueQuantity":{"value":${value},"code":"a"}`))
      expect(read(source)).toBe('ERR_FHIR_INVALID Group.characteristic.0.valueQuantity.value')
    }
    for (const name of ['unit', 'system', 'code']) {
      for (const odd of ['5', 'null', '["a"]', '{"text":"a"}']) {
        const source = group(about(AGE, `"valueQuantity":{"value":40,"${name}":${odd}}`))
        expect(read(source)).toBe(`ERR_FHIR_INVALID Group.characteristic.0.valueQuantity.${name}`)
      }
    }
  })

  test('refuses a name that comes twice, however it is written: readers differ in which one counts', () => {
    const path = 'ERR_FHIR_INVALID resource'
    const written = `"valueQuantity":{"value":40,"comparator":">=","code":"a"}`
    const once = group(about(AGE, written))
    expect(read(once)).toBe('accepted')
    expect(read(once.replace('"exclude":false', '"exclude":true,"exclude":false'))).toBe(path)
    expect(read(once.replace('"exclude":false', '"exclude":true,"\\u0065xclude":false'))).toBe(path)
    expect(read(once.replace('"value":40', '"value":18,"value":40'))).toBe(path)
    expect(read(once.replace('"actual":false', '"actual":true,"actual":false'))).toBe(path)
    // The same name in two objects, and names inside of text, are no repetition.
    const text = JSON.stringify('{"a":1,"a":2} " : "a":1, \\')
    const described = once.replace('"actual":false', () => `"actual":false,"name":${text},"description":${text}`)
    expect(read(described)).toBe('accepted')
  })

  test('refuses a system with a bar in it, which would name another code', () => {
    const code = { coding: [{ system: 'http://loinc.org|30525-0', code: 'x' }] }
    const source = group(`{"code":${JSON.stringify(code)},"valueQuantity":{"value":40,"code":"a"},"exclude":false}`)
    const change = { ...options, attributes: { [`${LOINC}|30525-0|x`]: 'age' } }
    const result = parseGroup(source, schema, change)
    expect(result.ok ? 'accepted' : result.path).toBe('Group.characteristic.0.code.coding.0')
  })

  test('has limits in bytes, of the resource and of what comes out', () => {
    const long = `"name":"${'é'.repeat(600_000)}"`
    expect(read(group(glucose('6')).replace('"actual":false', `"actual":false,${long}`))).toBe('ERR_CODEC_LIMIT Group')
    const disease = (i: number, length: number): string =>
      about(`${LOINC}|29308-4`, { valueCodeableConcept: concept(`${ICD}|${'x'.repeat(length)}${i}`) })
    const many = (length: number): string => group(Array.from({ length: 256 }, (_, i) => disease(i, length)))
    expect(read(many(900))).toBe('ERR_CODEC_LIMIT Group.characteristic')
    // Up to the limit nothing is thrown, with the most issuers that there can be.
    const issuers = Array.from({ length: 64 }, (_, i) => createSigner(new Uint8Array(32).fill(i + 1)).did)
    const answers = [60, 80, 90, 100, 105, 110, 120, 150].map(
      (length) => parseGroup(many(length), schema, { ...options, issuers }).ok,
    )
    expect(answers).toEqual([...answers].sort().reverse())
    expect(new Set(answers).size).toBe(2)
  })

  test('is not taken down by depth', () => {
    const deep = (count: number): string => '['.repeat(count) + ']'.repeat(count)
    for (const text of [deep(500_000), group(glucose('6')).replace('"type"', `"text":${deep(400_000)},"type"`)]) {
      expect(read(text)).toBe('ERR_FHIR_INVALID resource')
    }
  })

  test('refuses the official examples: all of them list members, or describe animals', () => {
    const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'))
    const answers = ['101', '102', 'example-patientlist', 'herd1'].map((name) =>
      read(readFileSync(join(folder, `Group-${name}.json`), 'utf8')),
    )
    expect(answers).toEqual([
      'ERR_FHIR_INVALID Group.code',
      'ERR_FHIR_INVALID Group.member',
      'ERR_FHIR_INVALID Group.actual',
      'ERR_FHIR_INVALID Group.code',
    ])
  })
})

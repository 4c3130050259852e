import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createDiagnosis, parseResource, parseResources, unwrap, VITAL_SIGNS } from '../../src/fhir/index.ts'
import { formatInstant } from '../../src/fhir/diagnosis.ts'
import { parseInstant } from '../../src/fhir/instant.ts'
import { parseDecimal } from '../../src/fhir/resource.ts'
import { fromUtf8 } from '../../src/primitives/bytes.ts'
import { party } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'
import { transactionId } from '../support/transactions.ts'

const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'))
const example = (name: string) => readFileSync(join(folder, `${name}.json`))
const options = { timeZone: 'Z', receivedAtMs: 7 }

describe('parseResource on the official R4 examples', () => {
  it('reads a heart rate: type, time, quantity, bytes', () => {
    const bytes = example('Observation-heart-rate')
    const resource = unwrap(parseResource(bytes, options))
    expect(resource).toMatchObject({
      type: 'Observation',
      dataType: VITAL_SIGNS.heartRate,
      effectiveMs: Date.UTC(1999, 6, 2),
      quantity: { unscaled: 44n, scale: 0, unit: '/min', text: '44' },
    })
    expect(Buffer.compare(resource.bytes, bytes)).toBe(0)
  })

  it('reads glucose with its decimal and its offset', () => {
    const { quantity, effectiveMs } = unwrap(parseResource(example('Observation-f001')))
    expect(quantity).toMatchObject({ unscaled: 63n, scale: 1, unit: 'mmol/L', text: '6.3' })
    expect(effectiveMs).toBe(Date.UTC(2013, 3, 2, 8, 30, 10))
  })

  it('knows the type among several codings', () => {
    expect(unwrap(parseResource(example('Observation-satO2'))).dataType).toBe(VITAL_SIGNS.oxygenSaturation)
    expect(unwrap(parseResource(example('Observation-ekg'))).dataType).toBe(VITAL_SIGNS.ecg)
  })

  it('keeps every digit of Observation-decimal', () => {
    const bytes = example('Observation-decimal')
    expect(Buffer.compare(unwrap(parseResource(bytes, options)).bytes, bytes)).toBe(0)
    // What JSON does to it:
    expect(JSON.stringify(JSON.parse(bytes.toString()))).not.toContain('"value":1.00')
  })

  it('reads all Observations, or says what is wrong with one', () => {
    const names = readdirSync(folder).filter((name) => name.startsWith('Observation-'))
    expect(names.length).toBeGreaterThan(60)
    const failures = names.flatMap((name) => {
      const result = parseResource(readFileSync(join(folder, name)), options)
      return result.ok ? [] : [`${name} ${result.code}`]
    })
    expect(failures).toEqual([])
  })
})

describe('parseResource refuses', () => {
  const observation = { resourceType: 'Observation', status: 'final', effectiveDateTime: '2026-06-01T08:00:00Z' }
  const reading = (valueQuantity: object) =>
    JSON.stringify({
      ...observation,
      code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
      valueQuantity,
    })

  it.each([
    ['text that is no JSON', '{', 'ERR_FHIR_INVALID', 'resource'],
    ['a number that JSON does not know', '{"resourceType":"Observation","a":01}', 'ERR_FHIR_INVALID', 'resource'],
    ['no resource', '[]', 'ERR_FHIR_INVALID', 'resource'],
    ['an unknown status', JSON.stringify({ ...observation, status: 'done' }), 'ERR_FHIR_INVALID', 'Observation.status'],
    [
      'a day that no calendar has',
      JSON.stringify({ ...observation, effectiveDateTime: '2026-02-30T08:00:00Z' }),
      'ERR_FHIR_INVALID',
      'Observation.effectiveDateTime',
    ],
    [
      'a time without zone',
      JSON.stringify({ ...observation, effectiveDateTime: '2026-06-01' }),
      'ERR_FHIR_INVALID',
      'Observation.effectiveDateTime',
    ],
    [
      'no time at all',
      JSON.stringify({ resourceType: 'Observation', status: 'final' }),
      'ERR_FHIR_INVALID',
      'Observation.effective[x]',
    ],
    ['a pulse in percent', reading({ value: 44, code: '%' }), 'ERR_FHIR_UNIT', 'Observation.valueQuantity.code'],
    ['a pulse without unit', reading({ value: 44 }), 'ERR_FHIR_UNIT', 'Observation.valueQuantity.code'],
    [
      'a quantity in words',
      reading({ value: '44', code: '/min' }),
      'ERR_FHIR_INVALID',
      'Observation.valueQuantity.value',
    ],
    [
      'a number of a million digits',
      reading({ value: 1, code: '/min' }).replace('"value":1', '"value":1e999999'),
      'ERR_FHIR_INVALID',
      'Observation.valueQuantity.value',
    ],
  ])('%s', (_case, source, code, path) => {
    expect(parseResource(source)).toMatchObject({ ok: false, code, path })
  })

  it('nothing by throwing', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 200 })),
        (source) => void parseResource(source, options),
      ),
      propertyRuns(),
    )
  })
})

describe('exact decimals', () => {
  it.each([
    ['1.00', 100n, 2],
    ['-0.5', -5n, 1],
    ['1E3', 1000n, 0],
    ['1.5e-3', 15n, 4],
    ['12.50e1', 1250n, 1],
  ])('%s', (text, unscaled, scale) => {
    expect(parseDecimal(text)).toEqual({ unscaled, scale })
  })
})

describe('instants', () => {
  it('come back from what they are written as', () => {
    const times = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) })
    fc.assert(
      fc.property(times, (timeMs) => {
        expect(formatInstant(timeMs)).toBe(new Date(timeMs).toISOString())
        expect(parseInstant(formatInstant(timeMs))).toBe(timeMs)
      }),
      propertyRuns(1_000),
    )
  })

  it.each([
    ['2026', Date.UTC(2026, 0, 1)],
    ['2026-06', Date.UTC(2026, 5, 1)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2026-06-01T08:00:00.5+01:00', Date.UTC(2026, 5, 1, 7, 0, 0, 500)],
    ['2023-02-29', undefined],
    ['2026-06-01T08:00', undefined],
    ['2026-06-01T24:00:00Z', undefined],
  ])('%s', (text, expected) => {
    expect(parseInstant(text, 'Z')).toBe(expected)
  })
})

describe('parseResources', () => {
  const sources = ['Observation-heart-rate', 'Observation-decimal', 'Observation-f001'].map((name) =>
    example(name).toString(),
  )

  it('cuts the entries of a Bundle out of its text, byte for byte', () => {
    const entries = sources.map(
      (source) => `{"fullUrl":"urn:x:\\"{","resource": ${source},"search":{"resource":{"a":1}}}`,
    )
    const bundle = `{"resourceType":"Bundle","type":"collection","meta":{"resource":{}},"entry":[${entries.join(',')}]}`
    const texts = [...parseResources(bundle, options)].map((result) => fromUtf8(unwrap(result).bytes))
    expect(texts).toEqual(sources)
  })

  it('reads resources with long texts, alone and in a Bundle', () => {
    // As attachments have them: a pattern for whole strings runs out of stack.
    const text = `${'A1'.repeat(5_000_000)}${'\\n\\"'.repeat(1_000_000)}`
    const long = sources[0]!.replace('{', () => `{"note":"${text}",`)
    const { quantity } = unwrap(parseResource(sources[0]!, options))
    expect(unwrap(parseResource(long, options)).quantity).toEqual(quantity)
    const bundle = `{"resourceType":"Bundle","entry":[{"resource":${long}},{"resource":${sources[0]!}}]}`
    const found = [...parseResources(bundle, options)].map((result) => unwrap(result).bytes.length)
    expect(found).toEqual([long.length, sources[0]!.length])
  })

  it('reads NDJSON and gives a failure its place', () => {
    const lines = sources.map((source) => JSON.stringify(JSON.parse(source)))
    const results = [...parseResources([lines[0], '{', lines[1]].join('\r\n'), options)]
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
  })

  it('reads every Bundle among the examples', () => {
    const names = readdirSync(folder).filter((name) => name.startsWith('Bundle-'))
    expect(names.length).toBeGreaterThan(30)
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8')
      const entries = (JSON.parse(text) as { entry?: { resource?: unknown }[] }).entry ?? []
      const wanted = entries.filter(({ resource }) => resource !== undefined)
      const found = [...parseResources(text, options)]
      expect(found.length, name).toBe(wanted.length)
      for (const [index, result] of found.entries()) {
        if (result.ok) expect(JSON.parse(fromUtf8(result.value.bytes))).toEqual(wanted[index]?.resource)
      }
    }
  })
})

describe('createDiagnosis', () => {
  it('makes a report that can be sealed and names its causes', () => {
    const causes = [transactionId('one'), transactionId('two')]
    const resource = createDiagnosis({
      patient: party('ann').did,
      conclusion: 'Bradycardia',
      codes: ['http://hl7.org/fhir/sid/icd-10|R00.1'],
      causes,
      issuedAtMs: 1_763_600_000_000,
    })
    expect(resource).toMatchObject({
      type: 'DiagnosticReport',
      dataType: 'http://hl7.org/fhir/sid/icd-10|R00.1',
      effectiveMs: 1_763_600_000_000,
    })
    for (const cause of causes) expect(fromUtf8(resource.bytes)).toContain(cause)
  })
})

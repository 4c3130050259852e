/** Where the demo's data comes from: the official FHIR R4 examples, or a file of the user's own. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseResource, parseResources, unwrap, type Resource } from 'vitalseal/fhir'
import type { DataType } from 'vitalseal/primitives'

/** One resource of a patient, with a name for people. */
export interface Reading {
  readonly name: string
  readonly resource: Resource
}

/** One patient of the demo. */
export interface Cast {
  readonly patient: string
  readonly readings: readonly Reading[]
  /** Types that the story's doctor is granted. */
  readonly granted: readonly DataType[]
}

/** Resources of each patient: those that the story's doctor is granted, and the others. */
const OBSERVATIONS = {
  'Patient/f001': { granted: ['f001', 'ekg'], others: ['f004', 'f005'] },
  'Patient/example': {
    // `decimal` names no patient; it proves that numbers keep their digits.
    granted: ['heart-rate', 'blood-pressure', 'decimal'],
    others: ['body-temperature', 'respiratory-rate', 'satO2'],
  },
} as const

/** The examples say dates without a time zone; the demo's hospital is in the Netherlands. */
const options = { timeZone: '+01:00', receivedAtMs: Date.now() }

function nameOf(resource: Resource): string {
  const { id } = JSON.parse(new TextDecoder().decode(resource.bytes)) as { readonly id?: string }
  return `${resource.type}/${id ?? '?'}`
}

/** One of the examples, from where npm put them. */
function readExample(name: string): Buffer {
  const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'))
  return readFileSync(join(folder, `${name}.json`))
}

/** Age in years of one of the examples' patients, today. */
export function readPatientAge(id: string): number {
  const { birthDate = '' } = JSON.parse(readExample(`Patient-${id}`).toString()) as { readonly birthDate?: string }
  const born = new Date(birthDate)
  const today = new Date()
  const dayOf = (date: Date) => 100 * date.getUTCMonth() + date.getUTCDate()
  const hadBirthday = dayOf(today) >= dayOf(born)
  return today.getUTCFullYear() - born.getUTCFullYear() - (hadBirthday ? 0 : 1)
}

/** Reads the examples. */
export function readExamples(): readonly Cast[] {
  const read = (id: string): Reading => {
    const resource = unwrap(parseResource(readExample(`Observation-${id}`), options))
    return { name: `Observation/${id}`, resource }
  }
  return Object.entries(OBSERVATIONS).map(([patient, ids]) => {
    const granted = ids.granted.map(read)
    return {
      patient,
      readings: [...granted, ...ids.others.map(read)],
      granted: granted.map(({ resource }) => resource.dataType),
    }
  })
}

/** Reads a FHIR Bundle or NDJSON file; every Observation in it that can be used becomes a reading of one patient. */
export function readUserFile(path: string): readonly Cast[] {
  const readings: Reading[] = []
  let unusable = 0
  for (const result of parseResources(readFileSync(path), options)) {
    if (!result.ok) unusable++
    else if (result.value.type === 'Observation') readings.push({ name: nameOf(result.value), resource: result.value })
  }
  if (unusable > 0) console.log(`${unusable} entries of ${path} cannot be used and are left out`)
  if (readings.length === 0)
    throw new Error(`${path} holds no Observation; the demo takes a FHIR Bundle or NDJSON file`)
  const types = [...new Set(readings.map(({ resource }) => resource.dataType))]
  return [
    {
      patient: path.split('/').at(-1) ?? path,
      readings,
      granted: types.slice(0, Math.max(1, Math.ceil(types.length / 2))),
    },
  ]
}

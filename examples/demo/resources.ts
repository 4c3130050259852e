/** Where the demo's data comes from: the official FHIR R4 examples, or a file of the user's own. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import type { DataType } from 'vitalseal/primitives'

/** One resource: what the demo says about it, and its exact bytes. */
export interface Reading {
  readonly name: string
  readonly dataType: DataType
  readonly bytes: Uint8Array
}

/** One patient of the demo. */
export interface Cast {
  readonly patient: string
  readonly readings: readonly Reading[]
  /** Types that the story's doctor is granted; half of them when absent. */
  readonly granted?: readonly DataType[]
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

interface Coded {
  readonly resourceType?: string
  readonly id?: string
  readonly code?: { readonly coding?: readonly { readonly system?: string; readonly code?: string }[] }
}

function typeOf(resource: Coded): DataType {
  const coding = resource.code?.coding?.find(({ system, code }) => system !== undefined && code !== undefined)
  if (coding === undefined) return `http://hl7.org/fhir/resource-types|${resource.resourceType ?? 'Resource'}`
  return `${coding.system as string}|${coding.code as string}`
}

/** Keeps the bytes as they came: JSON.parse and back would turn 1.00 into 1. */
function toReading(bytes: Uint8Array): Reading {
  const resource = JSON.parse(new TextDecoder().decode(bytes)) as Coded
  return { name: `${resource.resourceType ?? 'Resource'}/${resource.id ?? '?'}`, dataType: typeOf(resource), bytes }
}

/** Reads the examples from where npm put them. */
export function readExamples(): readonly Cast[] {
  const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'))
  const readAll = (ids: readonly string[]) =>
    ids.map((id) => toReading(readFileSync(join(folder, `Observation-${id}.json`))))
  return Object.entries(OBSERVATIONS).map(([patient, ids]) => {
    const granted = readAll(ids.granted)
    return { patient, readings: [...granted, ...readAll(ids.others)], granted: granted.map(({ dataType }) => dataType) }
  })
}

/**
 * Reads a FHIR Bundle or NDJSON file; every entry that is an Observation becomes a reading.
 *
 * Entries of a Bundle are cut out of the text, so that their numbers keep their digits too.
 */
export function readUserFile(path: string): readonly Cast[] {
  const text = readFileSync(path, 'utf8')
  const encoder = new TextEncoder()
  const isBundle = /^\s*\{/.test(text) && /"resourceType"\s*:\s*"Bundle"/.test(text)
  const parts = isBundle ? cutEntries(text) : text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const readings = parts
    .map((part) => toReading(encoder.encode(part)))
    .filter(({ name }) => name.startsWith('Observation/'))
  if (readings.length === 0)
    throw new Error(`${path} holds no Observation; the demo takes a FHIR Bundle or NDJSON file`)
  return [{ patient: path, readings }]
}

/** The source text of each `resource` member of a Bundle's entries. */
function cutEntries(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let inString = false
  let start = -1
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{') {
      depth++
      // Bundle > entry > resource
      if (depth === 3 && start === -1 && /"resource"\s*:\s*$/.test(text.slice(Math.max(0, i - 40), i))) start = i
    } else if (char === '}') {
      if (depth === 3 && start !== -1) {
        parts.push(text.slice(start, i + 1))
        start = -1
      }
      depth--
    }
  }
  return parts
}

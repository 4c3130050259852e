/** Records, schemas and parties for the tests of proofs. Random sources here repeat themselves; nothing else may. */

import { parseId, unwrap } from '../../src/primitives/index.ts'
import { sha256, type Digest32 } from '../../src/primitives/hash.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { createSigner } from '../../src/primitives/signature.ts'
import { commitPerson, generatePersonSecret } from '../../src/zk/commitment/person.ts'
import { createSchema, type Attribute } from '../../src/zk/commitment/schema.ts'

/** Bytes that are the same in each run: SHA-256 of a counter. */
export function createTestRandom(seed: string): (byteCount: number) => Uint8Array {
  let counter = 0
  return (byteCount) => {
    const bytes = new Uint8Array(byteCount)
    for (let start = 0; start < byteCount; start += 32) {
      bytes.set(sha256(toUtf8(`${seed} ${counter++}`)).subarray(0, byteCount - start), start)
    }
    return bytes
  }
}

export const digestOf = (text: string): Digest32 => sha256(toUtf8(text))
export const chainId = unwrap(parseId('chain', '11'.repeat(32)))
export const hospital = createSigner(new Uint8Array(32).fill(7))
export const patient = createSigner(new Uint8Array(32).fill(8))
export const institution = createSigner(new Uint8Array(32).fill(9))
export const personSecret = generatePersonSecret(createTestRandom('person'))
export const person = commitPerson(personSecret)
export const recordSerial = digestOf('record 1')
export const issuedAtMs = 1_780_000_000_000

/** Glucose, age and what else the examples ask about: one leaf block. */
export const schema = createSchema('diabetes-2026', {
  glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
  age: { kind: 'int', bits: 8 },
  born: { kind: 'date' },
  smoker: { kind: 'flag' },
  blood: { kind: 'code', codes: ['A+', 'A-', 'B+', 'B-', 'AB+', 'AB-', 'O+', 'O-'] },
  temperature: { kind: 'int', bits: 8, minimum: -40 },
  diagnoses: { kind: 'list', slots: 3 },
})

export const values = {
  glucose: '6.3',
  age: 81,
  born: '1944-08-23',
  smoker: false,
  blood: 'O-',
  temperature: 37,
  diagnoses: ['E11', 'I10'],
} as const

export const commitmentOptions = { subject: patient.did, issuedAtMs, person, recordSerial }

/** A schema of so many integers of 32 bits. */
export function wideSchema(count: number): ReturnType<typeof createSchema> {
  const attributes: Record<string, Attribute> = {}
  for (let i = 0; i < count; i++) attributes[`a${i}`] = { kind: 'int', bits: 32 }
  return createSchema(`wide-${count}`, attributes)
}

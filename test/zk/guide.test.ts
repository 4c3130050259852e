import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'

import { parseGroup } from '../../src/fhir/index.ts'
import * as zkModule from '../../src/zk/index.ts'
import { createCircuit } from '../../src/zk/relations/circuit.ts'
import { PTAU, R1CS, ZKEY } from '../vectors/zk/snarkjs-key.ts'
import { build } from './circuits.ts'
import { chainId, digestOf, hospital, institution, issuedAtMs, patient, recordSerial } from './fixtures.ts'

const guide = readFileSync(new URL('../../docs/guide/zk.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)

const small = build((builder) => {
  const y = builder.publicInput('y', 4n)
  const x = builder.allocate('x', 2n)
  builder.enforce('square', x, x, y)
})

/** Glucose of 6.1 mmol/L or more, at 40 years or more. */
const GROUP = `{
  "resourceType": "Group", "type": "person", "actual": false,
  "characteristic": [
    {
      "code": { "coding": [{ "system": "http://loinc.org", "code": "15074-8" }] },
      "valueQuantity": { "value": 6.1, "comparator": ">=", "system": "http://unitsofmeasure.org", "code": "mmol/L" },
      "exclude": false
    },
    {
      "code": { "coding": [{ "system": "http://loinc.org", "code": "30525-0" }] },
      "valueQuantity": { "value": 40, "comparator": ">=", "system": "http://unitsofmeasure.org", "code": "a" },
      "exclude": false
    }
  ]
}`

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))

/** What the reader is taken to have already. */
const given: Record<string, unknown> = {
  hospital,
  patient,
  institution,
  chainId,
  recordSerial,
  study: digestOf('study'),
  nonce: new Uint8Array(32).fill(5),
  nowMs: issuedAtMs,
  expiresAtMs: issuedAtMs + 600_000,
  parties: ['institution', 'hospital', 'association'],
  smallCircuit: createCircuit(small.relation),
  parseGroup,
  groupJson: GROUP,
  files: { r1cs: fromBase64(R1CS), zkey: fromBase64(ZKEY), ptau: fromBase64(PTAU) },
}

/** Runs all blocks one after the other, as printed; imports become parameters, declarations go on to the next block. */
async function runBlocks(): Promise<Record<string, unknown>> {
  const known = { ...given }
  for (const code of blocks) {
    const imported = [...code.matchAll(/import \{([^}]*)\} from 'vitalseal\/zk'/g)].flatMap(([, names]) =>
      names!
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    for (const name of imported) {
      expect(zkModule).toHaveProperty(name)
      known[name] = (zkModule as Record<string, unknown>)[name]
    }
    const body = code.replaceAll(/import \{[^}]*\} from '[^']*'/g, '')
    const declared = [...body.matchAll(/^const (?:\{ ([^}]*) \}|(\w+))/gm)].flatMap(([, list, name]) =>
      list === undefined ? [name!] : list.split(', '),
    )
    const source = `async ({ ${Object.keys(known).join(', ')} }) => {\n${body}\nreturn { ${declared.join(', ')} } }`
    const run = runInThisContext(`(${source})`) as (names: object) => Promise<object>
    Object.assign(known, await run(known))
  }
  return known
}

test('the guide runs as printed and does what it says', async () => {
  const result = await runBlocks()
  expect(result['sentence']).toBe(
    `Proves that glucose is at least 6.1 mmol/L and age is at least 40, as attested by ${hospital.did} within the last 30 days.`,
  )
  expect(result['findings']).toEqual([])
  // The same requirement, to the last byte.
  expect(result['fromFhir']).toEqual({ ok: true, value: result['requirement'] })
  expect((result['published'] as { verifyingKey: Uint8Array }).verifyingKey).toHaveLength(712)
  expect(result).toMatchObject({ holds: true, isProved: true, fault: 'expired', answers: [true], isFactored: true })
  expect(result['imported']).toMatchObject({ kind: 'proving-key' })
  expect((result['checked'] as { contributions: unknown[] }).contributions).toHaveLength(6)
}, 120_000)

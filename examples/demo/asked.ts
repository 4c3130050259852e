/** What the institution of the demo asks of records, and by whose word. */
import { deriveIdentity, type Identity } from 'vitalseal/identity'
import { sha256 } from 'vitalseal/primitives'
import { createRequirement, createSchema } from 'vitalseal/zk'

/** Where the outcome of the ceremony is kept; from the root of the repository, as the demo is run. */
export const CEREMONY_FILES = {
  provingKey: 'examples/demo/ceremony/proving-key.cbor',
  audit: 'examples/demo/ceremony/audit.cbor',
  transcript: 'examples/demo/ceremony/transcript.cbor',
}

/** What both sides know of the records: names, widths, units. */
export const schema = createSchema('diabetes-2026', {
  glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
  age: { kind: 'int', bits: 8 },
})

/** The same in every run, for the demo only: the keys of a ceremony are for one requirement, and that names its issuers. */
function createHospital(name: string): Identity {
  return deriveIdentity({ seed: sha256(new TextEncoder().encode(`vitalseal demo: ${name}`)), circle: name })
}

/** Those whose word counts. */
export const hospitals = { hospital: createHospital('hospital'), clinic: createHospital('clinic') }

/** Glucose and age, by the word of these hospitals. */
export const asked = createRequirement(schema, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), {
  issuers: Object.values(hospitals).map(({ did }) => did),
  ageMsMax: 30 * 86_400_000,
})

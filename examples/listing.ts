// (l) The institution: says what it asks of records and what it pays, and locks the money on the ledger.
import { createInstitution } from 'vitalseal/actors'
import { publishRequirement } from 'vitalseal/sharing'
import { compileRequirement, createRequirement, encodeZkObject, generateProofKeys } from 'vitalseal/zk'
import { hospital, instituteIdentity, schema, shared } from './market.ts'

export const institute = await createInstitution({ identity: instituteIdentity, ...shared })
const requirement = createRequirement(schema, (r) => r.all(r.gte('glucose', '6.1'), r.gte('age', 40)), {
  issuers: [hospital.did], // whose word counts
  ageMsMax: 30 * 86_400_000, // and for how long
})
// A key of its own making convinces the institution, which pays; an exclusive licence needs one of a ceremony.
const { provingKey, verifyingKey, audit } = await generateProofKeys(compileRequirement(requirement), {
  trust: 'single-verifier',
})
/** For patients, who check it before they use it. */
export const published = { provingKey: encodeZkObject(provingKey), audit: encodeZkObject(audit) }

const offer = { price: 100, sharesMax: 5, expiresAtMs: Date.now() + 7 * 86_400_000 }
const terms = { requirement, verifyingKey, study: 'glucose 2026', keywords: ['diabetes'], ...offer }
const { id } = await institute.submit(publishRequirement(terms))
console.log(`listed ${id.length} digits, ${offer.price * offer.sharesMax} locked`)

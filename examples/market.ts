// What listing.ts, claim.ts and payment.ts take from their surroundings: a ledger with the sharing contract, and who they are.
import { createIssuer, createProxy } from 'vitalseal/actors'
import { createGenesis, createLocalLedger } from 'vitalseal/chain'
import { createPreKeyMaker, createPreKeyVerifier, generateIdentity } from 'vitalseal/identity'
import { secureSharing, secureSharingRules } from 'vitalseal/presets'
import { createMemoryBlockstore } from 'vitalseal/storage'
import { createSchema, generatePersonSecret } from 'vitalseal/zk'

const pre = createPreKeyMaker()
const node = generateIdentity()
export const instituteIdentity = generateIdentity({ pre })
/** A pseudonym for this study; one secret for the person, kept with her seed. */
export const patientIdentity = generateIdentity({ pre })
export const personSecret = generatePersonSecret()

const balances = [{ account: instituteIdentity.did, amount: 1_000 }]
const genesis = createGenesis(secureSharing({ members: [{ did: node.did }], timeMs: Date.now(), balances }))
const ports = { rules: secureSharingRules(), preKeyVerifier: createPreKeyVerifier() }
const ledger = createLocalLedger({ genesis, signer: node.signer, clock: Date.now, ...ports })
export const shared = { ledger, blocks: createMemoryBlockstore(), clock: Date.now }
export const hospital = await createIssuer({ identity: generateIdentity(), ...shared })
export const proxy = await createProxy({ identity: generateIdentity(), ...shared })

export const schema = createSchema('diabetes-2026', {
  glucose: { kind: 'decimal', bits: 16, scale: 1, unit: 'mmol/L' },
  age: { kind: 'int', bits: 8 },
})
/** What the hospital has of this patient. */
export const record = new TextEncoder().encode('{"resourceType":"Observation","valueQuantity":{"value":6.3}}')
export const values = { glucose: '6.3', age: 81 } as const

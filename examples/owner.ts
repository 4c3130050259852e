// (i) The owner: lets a proxy convert one type of data for an institution, and may be offline afterwards.
import { createInstitution, createOwnerCapsules, createPatient, createProxy } from 'vitalseal/actors'
import { parseResource, VITAL_SIGNS } from 'vitalseal/fhir'
import { unwrap } from 'vitalseal/primitives'
import { heartRate } from './app.ts'
import { institutionIdentity, ownerIdentity, proxyIdentity, shared } from './study.ts'

// Elsewhere, both have registered.
const proxy = await createProxy({ identity: proxyIdentity, ...shared })
const institution = await createInstitution({ identity: institutionIdentity, ...shared })

const capsules = createOwnerCapsules(ownerIdentity)
export const owner = await createPatient({ identity: ownerIdentity, ...shared, capsules })
for (const value of [44, 61, 43]) await owner.seal(unwrap(parseResource(heartRate(value))))

// Leave to use, not to access: the institution gets no keys of its own.
const dataTypes = [VITAL_SIGNS.heartRate]
await owner.grant({ to: institution.did, dataTypes, actions: ['use'], purposes: ['HRESCH'], access: { days: 30 } })
const order = { to: institution.did, proxy: proxy.did, dataType: VITAL_SIGNS.heartRate }
const { epoch, bytes } = await owner.createReEncryptionKey(order) // its id and its end are on the ledger
/** For the proxy; nobody else opens it. */
export const delivery = bytes
console.log(`re-key for epoch ${epoch} on the ledger`)

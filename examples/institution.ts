// (k) The institution: receives what was converted for it, and opens the records.
import { createInstitution } from 'vitalseal/actors'
import { parseResource } from 'vitalseal/fhir'
import { unwrap } from 'vitalseal/primitives'
import { owner } from './owner.ts'
import { conversion, proxy } from './proxy.ts'
import { institutionIdentity, shared } from './study.ts'

const institution = await createInstitution({ identity: institutionIdentity, ...shared })
const { epoch, records } = await institution.receive(conversion)
for (const id of records) {
  const { quantity } = unwrap(parseResource((await institution.open(id)).bytes))
  console.log(`epoch ${epoch}: ${quantity?.unscaled} /min`)
}

// What the owner takes back ends at the proxy; what was opened stays open.
await owner.revoke({ from: institution.did })
await proxy.convert(proxy.held()[0] ?? '').catch((error: unknown) => console.log((error as Error).name))

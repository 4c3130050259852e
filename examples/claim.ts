// (m) The patient's app: finds a listing, shows what is asked, proves, and lets a proxy convert the share.
import { createParticipant } from 'vitalseal/actors'
import { findListings, openListing } from 'vitalseal/sharing'
import { compileRequirement, explainRequirement, parseZkObject, unwrap, validateProvingKey } from 'vitalseal/zk'
import { published } from './listing.ts'
import { hospital, patientIdentity, personSecret, proxy, record, schema, shared, values } from './market.ts'

export const ann = await createParticipant({ identity: patientIdentity, personSecret, ...shared })
const [found] = findListings(await shared.ledger.view(), { keywords: ['Diabetes'], atMs: Date.now() })
if (found === undefined) throw new Error('nothing to answer')
const listing = unwrap(openListing(found))
console.log(
  explainRequirement(listing.asked, { nameOf: (named) => (named === hospital.did ? 'the hospital' : undefined) }),
)

// At the hospital: it vouches for its own values, and gives the opening sealed to her.
const { sealed } = await hospital.attest({ schema, values, record, subject: ann.did, person: ann.person })
const attested = ann.openAttested(sealed, { schema })

const circuit = compileRequirement(listing.asked) // hers, of what she was shown; never the institution's
const audit = unwrap(parseZkObject('key-audit', published.audit))
const key = unwrap(parseZkObject('proving-key', published.provingKey))
const provingKey = unwrap(await validateProvingKey(key, { circuit, audit })) // a bad key could leak the record
const { id, delivery } = await ann.claim(listing, { ...attested, record, provingKey, proxy: proxy.did })
/** On the ledger, which checked the proof. */
export const claim = id
await proxy.convert(await proxy.accept(delivery)) // she may be offline from here on
console.log(`claimed and ${(await ann.state(claim)).kind}`)

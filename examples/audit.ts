// (k) An auditor verifies a bundle and asks who could open what.
import { createClinician, createPatient } from 'vitalseal/actors'
import {
  compareAccess,
  exportAuditBundle,
  parseAuditBundle,
  unwrap,
  validateAuditBundle,
  whoCanDecrypt,
} from 'vitalseal/audit'
import { parseResource, VITAL_SIGNS } from 'vitalseal/fhir'
import { deriveIdentity } from 'vitalseal/identity'
import { doctorSeed, genesis, heartRate, ledger, nameOf, seed, shared } from './app.ts'

// At the hospital: a patient shares one record, and asks for her part of the ledger as a file.
const ann = await createPatient({ identity: deriveIdentity({ seed, circle: 'st-marys.example' }), ...shared })
const doctor = await createClinician({ identity: deriveIdentity({ seed: doctorSeed, circle: 'practice' }), ...shared })
await ann.seal(unwrap(parseResource(heartRate(61))))
await ann.grant({ to: doctor.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
await ann.revoke({ from: doctor.did })
await ann.seal(unwrap(parseResource(heartRate(62))))
const patient = ann.did
const file = await exportAuditBundle(ledger, { patient })

// Anywhere else: only the chain id must come from the hospital's site and not from the bundle.
const bundle = unwrap(parseAuditBundle(file))
const checked = await validateAuditBundle(bundle, { chainId: genesis.chainId })
if (!checked.ok) throw new Error(`broken: ${checked.message}`) // names the first broken link and its block
const view = checked.value
const { head, epochs, transactionCount } = view.evidence
console.log(
  `${transactionCount} transactions up to block ${head.height}, certified by ${epochs[0]?.members.length} member`,
)
for (const gap of compareAccess(view, { patient })) console.log(`${gap.kind}: ${nameOf(gap.holder)} ${gap.because}`)
for (const { transaction } of view.transactions({ kind: 'iot', patient })) {
  const holders = whoCanDecrypt(view, transaction.record).map(({ through, state }) => `${through} (${state})`)
  console.log(`${transaction.record.slice(0, 12)}: ${holders.join(', ')}`)
}
const forged = await validateAuditBundle(bundle, { chainId: doctor.did.slice(-64) as typeof genesis.chainId })
console.log('under another chain id:', forged.ok ? 'accepted' : forged.code)

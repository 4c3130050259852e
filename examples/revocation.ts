// (c) Revoke, and say honestly what it changed.
import { createClinician, createPatient, type Patient } from 'vitalseal/actors'
import { assessRevocation, compareAccess } from 'vitalseal/audit'
import type { LedgerClient } from 'vitalseal/chain'
import { parseResource, VITAL_SIGNS } from 'vitalseal/fhir'
import { deriveIdentity } from 'vitalseal/identity'
import { unwrap, type Did } from 'vitalseal/primitives'
import { doctorSeed, heartRate, ledger, nameOf, seed, shared } from './app.ts'

/** Takes a doctor off the list and returns what to tell the patient about it. */
async function stopSharing(patient: Patient, from: LedgerClient, doctor: Did): Promise<string> {
  const { height } = await patient.revoke({ from: doctor }) // T_access, then tx_key without her
  const view = await from.view({ patient: patient.did })
  const effect = assessRevocation(view, { patient: patient.did, grantee: doctor })
  const gaps = compareAccess(view, { patient: patient.did }) // who can decrypt, against who may read
  return [
    `${nameOf(doctor)} cannot open anything sealed from block ${effect.heightEffective ?? 'none yet'} on`,
    `(the new keys are in block ${height}).`,
    `The keys already given still open ${effect.stillOpen.length} older records,`,
    `of which ${effect.readBefore.length} were read. Nothing can take those back.`,
    ...gaps.map((gap) => `Note: ${nameOf(gap.holder)} ${gap.because}.`),
  ].join('\n')
}

const patient = await createPatient({ identity: deriveIdentity({ seed, circle: 'st-marys.example' }), ...shared })
const doctor = await createClinician({ identity: deriveIdentity({ seed: doctorSeed, circle: 'practice' }), ...shared })
await patient.grant({ to: doctor.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
const first = await patient.seal(unwrap(parseResource(heartRate(61))))
await patient.seal(unwrap(parseResource(heartRate(62))))
await doctor.read(first.id, { purpose: 'TREAT' })
console.log(await stopSharing(patient, ledger, doctor.did))

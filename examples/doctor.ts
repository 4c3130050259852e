// (b) The doctor's app: follow the ledger, read, write a diagnosis citing its readings.
import { createClinician, createPatient } from 'vitalseal/actors'
import { createDiagnosis, parseResource, VITAL_SIGNS } from 'vitalseal/fhir'
import { deriveIdentity } from 'vitalseal/identity'
import { isVitalsealError, unwrap, type Did, type TransactionId } from 'vitalseal/primitives'
import { doctorSeed, heartRate, seed, shared } from './app.ts'

const doctor = await createClinician({ identity: deriveIdentity({ seed: doctorSeed, circle: 'practice' }), ...shared })

// Elsewhere, a patient: grants, and seals four readings, three of them low.
const patient = await createPatient({ identity: deriveIdentity({ seed, circle: 'st-marys.example' }), ...shared })
await patient.grant({ to: doctor.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
for (const value of [44, 61, 43, 42]) await patient.seal(unwrap(parseResource(heartRate(value))))

const low = new Map<Did, TransactionId[]>()
for await (const event of doctor.follow({ heightFirst: 1 })) {
  if (event.kind === 'diagnosis') break // our own: enough for an example
  if (event.kind !== 'reading' || event.dataType !== VITAL_SIGNS.heartRate || !event.openable) continue
  try {
    const opened = await doctor.read(event.id, { purpose: 'TREAT' }) // T_data is committed first
    const { quantity, effectiveMs } = unwrap(parseResource(opened.bytes))
    if (quantity === undefined || quantity.unscaled >= 50n * 10n ** BigInt(quantity.scale)) continue
    const causes = [...(low.get(event.patient) ?? []), event.id]
    low.set(event.patient, causes)
    if (causes.length < 3) continue
    const about = { patient: event.patient, causes } // tx_diag names these three readings
    const codes = ['http://hl7.org/fhir/sid/icd-10|R00.1'] as const
    await doctor.diagnose(
      createDiagnosis({ ...about, conclusion: 'Bradycardia', codes, issuedAtMs: effectiveMs }),
      about,
    )
    console.log(`diagnosis citing ${causes.length} readings`)
    low.delete(event.patient)
  } catch (error) {
    if (!isVitalsealError(error, 'ERR_POLICY_DENIED')) throw error
    console.warn(`no longer permitted: ${error.details.reasons.join('; ')}`)
  }
}

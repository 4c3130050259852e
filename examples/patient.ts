// (a) A patient's phone: seal a FHIR Observation, grant a doctor for 30 days.
import { createPatient } from 'vitalseal/actors'
import { parseResource, VITAL_SIGNS } from 'vitalseal/fhir'
import { deriveIdentity } from 'vitalseal/identity'
import { createClinician } from 'vitalseal/actors'
import { doctorSeed, heartRate, seed, shared } from './app.ts'

// One account per care circle: the ledger alone cannot link this patient's other circles.
const patient = await createPatient({ identity: deriveIdentity({ seed, circle: 'st-marys.example' }), ...shared })
const doctor = await createClinician({ identity: deriveIdentity({ seed: doctorSeed, circle: 'practice' }), ...shared })
const observation = parseResource(heartRate(44)) // the FHIR JSON as it came
if (!observation.ok) throw new Error(`the device sent something unusable: ${observation.message}`)
const reading = await patient.seal(observation.value) // encrypts, records tx_IoT, stores
const { height } = await patient.grant({
  to: doctor.did,
  dataTypes: [VITAL_SIGNS.heartRate],
  purposes: ['TREAT'],
  access: { days: 30 },
})
console.log(`sealed ${reading.record}; readable by ${doctor.did} from block ${height}`)

// Policy alone: evaluate, explain, who may read.
import {
  createGrant,
  createPolicyIndex,
  createWindow,
  evaluateAccess,
  explainDecision,
  explainGrant,
  lintGrant,
  whoMayRead,
} from 'vitalseal/policy'
import { parseDid, unwrap } from 'vitalseal/primitives'

const [patient, doctor] = [process.argv[2] ?? '', process.argv[3] ?? ''].map((text) => unwrap(parseDid(text)))
if (patient === undefined || doctor === undefined) throw new Error('usage: policy PATIENT-DID DOCTOR-DID')
const dataType = 'http://loinc.org|8867-4'
const atMs = Date.UTC(2026, 5, 1)
const grant = createGrant({
  grantor: patient,
  grantee: doctor,
  dataTypes: [dataType],
  actions: ['access'],
  purposes: ['TREAT'],
  access: createWindow({ fromMs: atMs, days: 30 }),
  obligations: [{ kind: 'notify-patient' }],
})
const index = createPolicyIndex([grant])
const decision = evaluateAccess(index, {
  patient,
  requester: doctor,
  dataType,
  action: 'access',
  purpose: 'ETREAT',
  atMs,
})
switch (decision.kind) {
  case 'permit':
    console.log('until', new Date(decision.untilMs), decision.obligations)
    break
  case 'deny':
    console.log('no:', explainDecision(decision))
    break
  case 'indeterminate':
    console.log('ask a person:', explainDecision(decision))
    break
}
console.log(explainGrant(grant))
for (const reader of whoMayRead(index, { patient, dataType, atMs }))
  console.log(reader.grantee, new Date(reader.untilMs))
for (const finding of lintGrant(grant)) console.warn(finding.message)

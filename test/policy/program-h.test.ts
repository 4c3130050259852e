import { describe, expect, it } from 'vitest'

import {
  createGrant,
  createPolicyIndex,
  createWindow,
  evaluateAccess,
  explainDecision,
  explainGrant,
  lintGrant,
  whoMayRead,
} from '../../src/policy/index.ts'
import { parseDid, unwrap } from '../../src/primitives/index.ts'
import { ann, bob } from './fixtures.ts'

/** Program (h) of the design: policy alone. Only its imports, arguments and output differ from what is printed there. */
function programH(args: readonly string[]): readonly string[] {
  const output: string[] = []
  const log = (...values: readonly unknown[]): void => {
    output.push(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '))
  }
  const [patient, doctor] = [args[0] ?? '', args[1] ?? ''].map((text) => unwrap(parseDid(text)))
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
      log('until', new Date(decision.untilMs), decision.obligations)
      break
    case 'deny':
      log('no:', explainDecision(decision))
      break
    case 'indeterminate':
      log('ask a person:', explainDecision(decision))
      break
  }
  log(explainGrant(grant))
  for (const reader of whoMayRead(index, { patient, dataType, atMs })) log(reader.grantee, new Date(reader.untilMs))
  for (const finding of lintGrant(grant)) log(finding.message)
  return output
}

describe('the program of the design', () => {
  it('runs as printed', () => {
    expect(programH([ann, bob])).toEqual([
      'until "2026-07-01T00:00:00.000Z" [{"kind":"notify-patient"}]',
      `${bob} may read http://loinc.org|8867-4 for treatment from 1 June 2026 until 1 July 2026; notify patient`,
      `${bob} "2026-07-01T00:00:00.000Z"`,
    ])
  })
})

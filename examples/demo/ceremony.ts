/**
 * Holds the ceremony for the keys of the demo's exclusive sale: others than the institution rely on them. It takes some
 * minutes, so its outcome is kept here, and the demo checks all of that, as each party would.
 *
 *   npm run ceremony
 */
import { writeFileSync } from 'node:fs'
import { unwrap } from 'vitalseal/primitives'
import {
  closePowers,
  compileRequirement,
  contributeToCeremony,
  encodeTranscript,
  encodeZkObject,
  finishCeremony,
  startCeremony,
  validateCeremony,
} from 'vitalseal/zk'

import { asked, CEREMONY_FILES } from './asked.ts'

/** Each would do this on a machine of its own, and pass the file on. */
const PARTIES = ['institution', 'hospital', 'patients’ association']

const circuit = compileRequirement(asked)
let ceremony = startCeremony(circuit)
for (const round of ['powers', 'delta']) {
  for (const party of PARTIES) {
    const contributed = await contributeToCeremony(ceremony)
    ceremony = contributed.ceremony
    console.log(`${round}: ${party} took part, ${Buffer.from(contributed.digest).toString('hex')}`)
  }
  if (round === 'powers') {
    console.log('powers: closed by anybody, some minutes')
    ceremony = await closePowers(ceremony, { circuit })
  }
}
const result = finishCeremony(ceremony)
const checked = unwrap(await validateCeremony(result, { circuit }))
writeFileSync(CEREMONY_FILES.provingKey, encodeZkObject(result.provingKey))
writeFileSync(CEREMONY_FILES.audit, encodeZkObject(result.audit))
writeFileSync(CEREMONY_FILES.transcript, encodeTranscript(circuit.id, result.contributions))
console.log(
  `${checked.contributions.length} contributions hold; the key is ${Buffer.from(checked.provingKey.verifyingKey.digest).toString('hex')}`,
)

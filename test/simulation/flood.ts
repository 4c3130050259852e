// Floods one replica with nonsense. Usage: node scripts/run-ts.mjs test/simulation/flood.ts [--messages 1000000] [--real 10000]
// [--seed S]. Exits with 1 when a limit is exceeded; an exception of the replica ends it.
import { parseArgs } from 'node:util'

import { createSimulatedKeys } from '../../src/pbft/simulator/index.ts'
import { createSigner, createVerifier } from '../../src/primitives/signature.ts'
import { flood, type FloodResult, type Keys } from './nonsense.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    real: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

function describe(name: string, result: FloodResult, seconds: number): void {
  const { messages, taken, ignored, rejected, waiting, accused, signatureChecks } = result
  console.log(`${messages} messages with ${name} in ${seconds.toFixed(0)} s, ${signatureChecks} signature checks`)
  console.log(`  ${taken} taken, ${waiting} kept for later, ${ignored} ignored, ${rejected} rejected`)
  console.log(`  at most ${result.entriesMax} entries in the replica, ${result.entriesAllowed} allowed`)
  console.log(
    `  at most ${result.inboxMax} votes in the inbox, ${result.inboxAllowed} allowed; ${accused.size} accused`,
  )
  const isBounded = result.entriesMax <= result.entriesAllowed && result.inboxMax <= result.inboxAllowed
  if (!isBounded || accused.size > 1) process.exitCode = 1
}

function run(name: string, keys: Keys, count: number): void {
  const started = process.hrtime.bigint()
  const result = flood(keys, count, Number(values.seed))
  describe(name, result, Number(process.hrtime.bigint() - started) / 1e9)
}

if (values.help) {
  console.log('node scripts/run-ts.mjs test/simulation/flood.ts [OPTIONS]\n')
  console.log(
    '--messages N  with simulated signatures (1000000)\n--real N      with secp256k1 (10000)\n--seed S      (1)',
  )
} else {
  run('simulated signatures', createSimulatedKeys(4, 1), Number(values.messages))
  const signers = Array.from({ length: 4 }, (_, at) => createSigner(new Uint8Array(32).fill(at + 1)))
  run('secp256k1', { signers, verifier: createVerifier() }, Number(values.real))
}

// Plants bugs into copies of the core and counts the seeds until the simulator finds each. Usage:
// node scripts/run-ts.mjs test/simulation/mutation-gate.ts [--seeds 2000] [--only NAME,NAME] [--jobs J] [--write]. Fails if one
// survives; --write puts what it found into the table of docs/guide/pbft-bugs.md.
import { parseArgs } from 'node:util'

import { hunt } from './hunt.ts'
import { runMutationGate } from './planting.ts'
import { coreCount, serveJobs } from './pool.ts'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      only: { type: 'string' },
      jobs: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  })
  const survivors = await runMutationGate({
    program: import.meta.url,
    workers: values.jobs === undefined ? coreCount() : Number(values.jobs),
    seeds: Number(values.seeds),
    only: values.only?.split(','),
    isWritten: values.write,
  })
  if (survivors > 0) process.exitCode = 1
}

if (!serveJobs(hunt)) await main()

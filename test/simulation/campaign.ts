// Runs many seeds of the simulator over all cores. Usage: npm run sim -- [--seeds N] [--seed FIRST] [--nodes n] ..., see
// --help. Prints what was found with what it takes to run it again; the last line is `simulated N seeds, V violations`.
import { parseArgs } from 'node:util'

import type { Strategy } from '../../src/pbft/simulator/index.ts'
import { runCrashPoints, runRegressions, runSeeds, runTwins, type Outcome } from './batches.ts'
import { runJob } from './jobs.ts'
import { coreCount, serveJobs } from './pool.ts'

const help = `Simulates groups of replicas with faults, and reports every property that does not hold.

--seeds N         how many seeds (1000)
--seed S          the first (1)
--nodes n         replicas (4, 5, 6, 7 and 10 mixed)
--byzantine S     one faulty replica of this strategy in every seed
--twins R         scenarios of twins too: 2 rounds (4,096), 3 rounds (262,144), or "sample" of 4 to 8 rounds
--twins-count N   no more than so many of them
--crash-points    every crash point too
--regressions     every scenario that showed a bug too
--gate            what every push runs: 10,000 seeds, regressions, twins of two rounds
--explain         print the transcript of failing seeds, made small first
--jobs J          processes (one for each core)`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      byzantine: { type: 'string' },
      twins: { type: 'string' },
      'twins-count': { type: 'string' },
      'crash-points': { type: 'boolean', default: false },
      regressions: { type: 'boolean', default: false },
      gate: { type: 'boolean', default: false },
      explain: { type: 'boolean', default: false },
      jobs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return
  }
  const run = { program: import.meta.url, workers: values.jobs === undefined ? coreCount() : Number(values.jobs) }
  const outcomes: Outcome[] = []
  const twins = values.twins ?? (values.gate ? '2' : undefined)
  if (values.regressions || values.gate) outcomes.push(await runRegressions(run))
  if (twins !== undefined) {
    const rounds = twins === 'sample' ? twins : Number(twins)
    const all = rounds === 'sample' ? 10_000 : 64 ** rounds
    const count = values['twins-count'] === undefined ? all : Number(values['twins-count'])
    outcomes.push(await runTwins(rounds, { first: 0, count }, run))
  }
  if (values['crash-points']) outcomes.push(await runCrashPoints(run))
  const seeds = {
    first: Number(values.seed),
    count: Number(values.seeds ?? (values.gate ? 10_000 : outcomes.length > 0 ? 0 : 1_000)),
    replicaCount: values.nodes === undefined ? undefined : Number(values.nodes),
    byzantine: values.byzantine as Strategy | undefined,
    isExplained: values.explain,
  }
  if (seeds.count > 0) outcomes.push(await runSeeds(seeds, run))
  const violations = outcomes.reduce((sum, { report }) => sum + report.findings.length, 0)
  if (seeds.count > 0) console.log(`simulated ${seeds.count} seeds, ${violations} violations`)
  if (violations > 0) process.exitCode = 1
}

if (!serveJobs(runJob)) await main()

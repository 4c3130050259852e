// What a night is for: a million seeds, all twins of three rounds, every crash point, every planted bug. Usage:
// node scripts/run-ts.mjs test/simulation/nightly.ts [--minutes M] [--seeds N] [--seed FIRST] [--jobs J]. Ends with what was run;
// --minutes stops early, and says so.
import { parseArgs } from 'node:util'

import { runAll, runCrashPoints, runRegressions, split, type Outcome } from './batches.ts'
import { hunt, type Hunt } from './hunt.ts'
import { runJob, type Job } from './jobs.ts'
import { runMutationGate } from './planting.ts'
import { coreCount, serveJobs } from './pool.ts'

/** A shorter night plants no bugs: looking for them takes some minutes. */
const PLANTING_MS = 20 * 60_000
/** Part of what is left of a bounded night that twins may take. */
const TWINS_SHARE = 0.3

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seeds: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1000000' },
      jobs: { type: 'string' },
    },
  })
  const workers = values.jobs === undefined ? coreCount() : Number(values.jobs)
  const run = { program: import.meta.url, workers }
  const endsAt = values.minutes === undefined ? Infinity : performance.now() + 60_000 * Number(values.minutes)
  const left = (): number => Math.max(0, endsAt - performance.now())
  /** Jobs until a moment; one that has begun is finished. */
  function* until(moment: number, jobs: Iterable<Job>): Generator<Job> {
    for (const job of jobs) {
      if (performance.now() > moment) return
      yield job
    }
  }

  const regressions = await runRegressions(run)
  const crashPoints = await runCrashPoints(run)
  const isPlanting = left() > PLANTING_MS
  const survivors = isPlanting ? await runMutationGate({ ...run, seeds: 2_000, isWritten: false }) : 0
  const twinsJobs = split({ first: 0, count: 64 ** 3 }, 256, (first, count): Job => ({
    kind: 'twins',
    rounds: 3,
    first,
    count,
  }))
  const twinsEnd = performance.now() + TWINS_SHARE * left()
  const twins = await runAll(until(twinsEnd, twinsJobs), { ...run, total: 64 ** 3, name: 'scenarios of twins' })
  const seedRange = { first: Number(values.seed), count: Number(values.seeds) }
  const seedJobs = split(seedRange, 25, (first, count): Job => ({ kind: 'seeds', first, count }))
  const seeds = await runAll(until(endsAt, seedJobs), { ...run, total: seedRange.count, name: 'seeds' })

  const tell = (name: string, { report, seconds }: Outcome, wanted?: number): void => {
    const part = wanted === undefined || report.count >= wanted ? '' : ` of ${wanted}, for want of time`
    console.log(`${name}: ${report.count}${part}, ${report.findings.length} violations, ${seconds.toFixed(0)} s`)
  }
  tell('regressions', regressions)
  tell('crash points', crashPoints)
  tell('twins of 3 rounds', twins, 64 ** 3)
  tell(`seeds from ${values.seed}`, seeds, seedRange.count)
  console.log(`planted bugs: ${isPlanting ? `${survivors} survived` : 'not run, for want of time'}`)
  const outcomes = [regressions, crashPoints, twins, seeds]
  const violations = outcomes.reduce((sum, { report }) => sum + report.findings.length, 0)
  console.log(`simulated ${seeds.report.count} seeds, ${violations} violations`)
  if (violations + survivors > 0) process.exitCode = 1
}

const serve = (job: Job | Hunt): unknown => ('name' in job ? hunt(job) : runJob(job))
if (!serveJobs(serve)) await main()

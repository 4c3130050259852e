// Runs many seeds of the simulator over all cores. Usage: npm run sim -- [--seeds N] [--seed FIRST] [--nodes n] ..., see
// --help. Prints what was found with what it takes to run it again; the last line is `simulated N seeds, V violations`.
import { parseArgs } from 'node:util'

import type { Strategy } from '../../src/pbft/simulator/index.ts'
import { addReports, countCrashPoints, emptyReport, runJob, type Job, type Report } from './jobs.ts'
import { coreCount, runJobs, serveJobs } from './pool.ts'

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

/** What one kind of jobs came to. */
export interface Outcome {
  readonly report: Report
  readonly seconds: number
  /** Time that processors worked. */
  readonly busySeconds: number
}

/** Runs jobs over all cores, and prints what they find. */
export async function runAll(
  jobs: Iterable<Job>,
  options: { readonly program: string; readonly workers: number; readonly total: number; readonly name: string },
): Promise<Outcome> {
  const started = performance.now()
  let report = emptyReport
  let busyMs = 0
  await runJobs<Job, Report>(options.program, jobs, {
    workers: options.workers,
    onAnswer: (answer) => {
      report = addReports(report, answer.result)
      busyMs += answer.busyMs
      for (const { what, property, message, transcript } of answer.result.findings) {
        console.log(`${what}\n  ${property}: ${message}`)
        if (transcript !== undefined) console.log(transcript)
      }
      const { count, findings } = report
      const progress = `${count} of ${options.total} ${options.name}, ${findings.length} violations`
      if (process.stderr.isTTY) process.stderr.write(`\r${progress}${count >= options.total ? '\n' : ''}`)
    },
  })
  return { report, seconds: (performance.now() - started) / 1_000, busySeconds: busyMs / 1_000 }
}

/** Splits a range into jobs. */
export function* split<J>(
  range: { readonly first: number; readonly count: number },
  size: number,
  make: (first: number, count: number) => J,
): Generator<J> {
  const end = range.first + range.count
  for (let first = range.first; first < end; first += size) yield make(first, Math.min(size, end - first))
}

/** Runs seeds. */
export async function runSeeds(
  options: Omit<Extract<Job, { kind: 'seeds' }>, 'kind'>,
  run: { readonly program: string; readonly workers: number },
): Promise<Outcome> {
  const jobs = split(options, 25, (first, count): Job => ({ ...options, kind: 'seeds', first, count }))
  const outcome = await runAll(jobs, { ...run, total: options.count, name: 'seeds' })
  const { report, seconds, busySeconds } = outcome
  const perCore = (report.count / busySeconds).toFixed(1)
  const speed = Math.round(report.simulatedMs / 1_000 / busySeconds)
  console.log(
    `${perCore} seeds/s of one core, ${(report.events / busySeconds / 1_000).toFixed(0)} k events/s, ${speed} times real time; ${seconds.toFixed(1)} s in all`,
  )
  const share = (part: number): string => `${part} (${((100 * part) / Math.max(1, report.count)).toFixed(1)} %)`
  console.log(
    `with Byzantine replicas ${share(report.byzantine)}, with crashes ${share(report.crashes)}, with view changes ${share(report.viewChanges)}, with secp256k1 ${share(report.real)}, run twice ${share(report.repeated)}`,
  )
  return outcome
}

/** Runs scenarios of twins. */
export async function runTwins(
  rounds: number | 'sample',
  range: { readonly first: number; readonly count: number },
  run: { readonly program: string; readonly workers: number },
): Promise<Outcome> {
  const jobs = split(range, 128, (first, count): Job => ({ kind: 'twins', rounds, first, count }))
  const outcome = await runAll(jobs, { ...run, total: range.count, name: 'scenarios of twins' })
  const { report, seconds } = outcome
  console.log(
    `simulated ${report.count} scenarios of twins in ${rounds === 'sample' ? '4 to 8' : rounds} rounds, ${report.findings.length} violations; ${seconds.toFixed(1)} s`,
  )
  return outcome
}

/** Runs every crash point. */
export async function runCrashPoints(run: { readonly program: string; readonly workers: number }): Promise<Outcome> {
  const total = countCrashPoints()
  const jobs = split({ first: 0, count: total }, 50, (first, count): Job => ({ kind: 'crash-points', first, count }))
  const outcome = await runAll(jobs, { ...run, total, name: 'crash points' })
  const { report, seconds } = outcome
  console.log(`simulated ${report.count} crash points, ${report.findings.length} violations; ${seconds.toFixed(1)} s`)
  return outcome
}

/** Runs every scenario that showed a bug. */
export async function runRegressions(run: { readonly program: string; readonly workers: number }): Promise<Outcome> {
  const outcome = await runAll([{ kind: 'regressions' }], { ...run, workers: 1, total: 1, name: 'regressions' })
  console.log(`simulated ${outcome.report.count} regressions, ${outcome.report.findings.length} violations`)
  return outcome
}

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

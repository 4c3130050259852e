// Runs jobs of one kind over all cores, and prints what they find and how long they took.
import { addReports, countCrashPoints, emptyReport, type Job, type Report } from './jobs.ts'
import { runJobs } from './pool.ts'

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

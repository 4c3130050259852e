// What a campaign consists of: seeds, scenarios of twins, crash points, regressions. Each job is data and gives a report.
import {
  crashPointScenario,
  explainRun,
  generateScenario,
  listCrashPoints,
  shrinkScenario,
  simulate,
  simulateTwins,
  twinsRounds,
  TWINS_ROUND_CHOICES,
  type Scenario,
  type SimulationRun,
  type Strategy,
  type TwinsRound,
  type Violation,
} from '../../src/pbft/simulator/index.ts'
import { createDraws } from '../../src/pbft/simulator/random.ts'
import { createRealKeys } from './real-keys.ts'
import { regressions } from './regressions.ts'

/** Some seeds, some scenarios of twins, some crash points, or all regressions. */
export type Job =
  | {
      readonly kind: 'seeds'
      readonly first: number
      readonly count: number
      readonly replicaCount?: number | undefined
      readonly byzantine?: Strategy | undefined
      readonly isExplained?: boolean
    }
  | { readonly kind: 'twins'; readonly rounds: number | 'sample'; readonly first: number; readonly count: number }
  | { readonly kind: 'crash-points'; readonly first: number; readonly count: number }
  | { readonly kind: 'regressions' }

/** What was found wrong. */
export interface Finding extends Violation {
  /** How to run it again. */
  readonly what: string
  readonly transcript: string | undefined
}

/** How much was run, and what came of it. */
export interface Report {
  readonly count: number
  readonly findings: readonly Finding[]
  readonly events: number
  readonly simulatedMs: number
  readonly byzantine: number
  readonly crashes: number
  readonly viewChanges: number
  /** Run twice, to compare trace hashes. */
  readonly repeated: number
  /** With secp256k1 signatures. */
  readonly real: number
}

export const emptyReport: Report = {
  count: 0,
  findings: [],
  events: 0,
  simulatedMs: 0,
  byzantine: 0,
  crashes: 0,
  viewChanges: 0,
  repeated: 0,
  real: 0,
}

/** Returns the sum of two reports. */
export function addReports(left: Report, right: Report): Report {
  return {
    count: left.count + right.count,
    findings: [...left.findings, ...right.findings],
    events: left.events + right.events,
    simulatedMs: left.simulatedMs + right.simulatedMs,
    byzantine: left.byzantine + right.byzantine,
    crashes: left.crashes + right.crashes,
    viewChanges: left.viewChanges + right.viewChanges,
    repeated: left.repeated + right.repeated,
    real: left.real + right.real,
  }
}

const isReal = (seed: number): boolean => seed % 100 === 50
const isRepeated = (seed: number): boolean => seed % 100 === 0

/** The scenario of a seed in a campaign; one in a hundred is small and has real keys. */
export function campaignScenario(seed: number, options: { readonly replicaCount?: number | undefined } = {}): Scenario {
  const { replicaCount } = options
  if (!isReal(seed)) return generateScenario(seed, replicaCount === undefined ? {} : { replicaCount })
  const scenario = generateScenario(seed, { replicaCount: 4 })
  return { ...scenario, requestCount: 4, faults: { ...scenario.faults, clientFlood: 0 }, keys: createRealKeys }
}

/** Runs a job. */
export function runJob(job: Job): Report {
  switch (job.kind) {
    case 'seeds':
      return runEach(job.first, job.count, (seed) => runSeed(seed, job))
    case 'twins':
      return runEach(job.first, job.count, (index) => runTwins(index, job.rounds))
    case 'crash-points':
      return runCrashPoints(job.first, job.count)
    case 'regressions':
      return regressions.map(({ what, scenario }) => runScenario(`regression ${what}`, scenario)).reduce(addReports)
  }
}

function runEach(first: number, count: number, run: (index: number) => Report): Report {
  let sum = emptyReport
  for (let index = first; index < first + count; index++) sum = addReports(sum, run(index))
  return sum
}

function runSeed(seed: number, job: Extract<Job, { kind: 'seeds' }>): Report {
  const { byzantine, replicaCount, isExplained = false } = job
  const generated = campaignScenario(seed, { replicaCount })
  const scenario = byzantine === undefined ? generated : { ...generated, byzantine: [byzantine] }
  const report = runScenario(`seed ${seed}`, scenario, { isExplained, isRepeated: isRepeated(seed) })
  return { ...report, real: scenario.keys === undefined ? 0 : 1 }
}

function runScenario(
  what: string,
  scenario: Scenario,
  options: { readonly isExplained?: boolean; readonly isRepeated?: boolean } = {},
): Report {
  const { isExplained = false, isRepeated: runsTwice = false } = options
  const run = simulate(scenario)
  const findings: Finding[] = run.violations.slice(0, 1).map((violation) => ({
    ...violation,
    what: `${what} ${JSON.stringify(scenario)}`,
    transcript: isExplained ? explainRun(simulate(shrinkScenario(scenario))) : undefined,
  }))
  if (runsTwice && simulate(scenario).traceHash !== run.traceHash)
    findings.push({ property: 'determinism', message: 'two runs differ', what, transcript: undefined })
  return { ...describeRun(run), findings, repeated: runsTwice ? 1 : 0 }
}

function describeRun({ scenario, eventCount, simulatedMs, viewMax }: SimulationRun): Report {
  return {
    ...emptyReport,
    count: 1,
    events: eventCount,
    simulatedMs,
    byzantine: (scenario.byzantine?.length ?? 0) > 0 ? 1 : 0,
    crashes: (scenario.faults?.crashes ?? 0) > 0 ? 1 : 0,
    viewChanges: viewMax > 0 ? 1 : 0,
  }
}

/** Rounds of one scenario: by number, or four to eight at random. */
export function roundsOf(index: number, rounds: number | 'sample'): TwinsRound[] {
  if (rounds !== 'sample') return twinsRounds(index, rounds)
  const draws = createDraws(index, 'twins')
  return Array.from({ length: draws.between(4, 8) }, () => twinsRounds(draws.below(TWINS_ROUND_CHOICES), 1)).flat()
}

function runTwins(index: number, rounds: number | 'sample'): Report {
  const run = simulateTwins(roundsOf(index, rounds))
  const what = `twins ${index} of ${rounds} rounds ${JSON.stringify(run.rounds)}`
  const findings = run.violations.slice(0, 1).map((violation) => ({ ...violation, what, transcript: undefined }))
  return { ...emptyReport, count: 1, findings, events: run.packetCount, byzantine: 1 }
}

let crashPoints: ReturnType<typeof listCrashPoints> | undefined

/** How many crash points there are. */
export function countCrashPoints(): number {
  crashPoints ??= listCrashPoints()
  return crashPoints.length
}

function runCrashPoints(first: number, count: number): Report {
  countCrashPoints()
  return (crashPoints ?? [])
    .slice(first, first + count)
    .map((point) => runScenario(`crash point ${JSON.stringify(point)}`, crashPointScenario(point)))
    .reduce(addReports, emptyReport)
}

import { describe, expect, it } from 'vitest'

import {
  crashPointScenario,
  explainRun,
  generateScenario,
  listCrashPoints,
  simulate,
  simulateTwins,
  STRATEGIES,
  twinsRounds,
  type CrashPoint,
  type Faults,
  type Scenario,
} from '../../src/pbft/simulator/index.ts'
import { campaignScenario, roundsOf } from './jobs.ts'
import { mutants } from './mutants.ts'
import { regressions } from './regressions.ts'

/** Fails with the transcript's end, so that a failing seed can be read where it failed. */
function expectNoViolation(scenario: Scenario): void {
  const run = simulate(scenario)
  expect(run.violations, run.violations.length > 0 ? explainRun(run, { linesMax: 60 }) : '').toEqual([])
}

describe('the campaign', () => {
  it('finds nothing in its first seeds; npm run sim runs as many as asked for', () => {
    for (let seed = 1; seed <= 25; seed++) expectNoViolation(generateScenario(seed))
  })

  it('mixes sizes, Byzantine replicas and crashes as demanded', () => {
    const scenarios = Array.from({ length: 1_000 }, (_, index) => generateScenario(index + 1))
    expect(new Set(scenarios.map(({ replicaCount }) => replicaCount))).toEqual(new Set([4, 5, 6, 7, 10]))
    const byzantine = scenarios.filter((scenario) => (scenario.byzantine?.length ?? 0) > 0)
    const crashing = scenarios.filter((scenario) => (scenario.faults?.crashes ?? 0) > 0)
    expect(byzantine.length).toBeGreaterThanOrEqual(600)
    expect(crashing.length).toBeGreaterThanOrEqual(300)
    expect(new Set(byzantine.flatMap((scenario) => scenario.byzantine))).toEqual(new Set(STRATEGIES))
  })
})

describe.each(STRATEGIES)('one replica of four that is %s', (strategy) => {
  it.each([1, 2])('harms nobody, by seed %i', (seed) => {
    const faults = { loss: 0.1, delayTicksMax: 3, partitions: 1, crashes: 1 }
    expectNoViolation({ seed, replicaCount: 4, requestCount: 8, byzantine: [strategy], faults })
  })
})

describe('a fault', () => {
  it.each([
    ['asymmetric links', { asymmetricLinks: 6 }],
    ['a damaged log', { rottenDisks: 1, crashes: 1 }],
    ['a wiped disk', { wipedDisks: 1, crashes: 1 }],
    ['a slow node and slow disks', { slowNodes: 1, slowDisks: 2, crashes: 1 }],
    ['clocks that drift apart', { skewMs: 2_000, drift: 0.1 }],
    ['a client that floods', { clientFlood: 300, loss: 0.1 }],
  ] as const satisfies readonly (readonly [string, Faults])[])('harms nobody: %s', (_, faults) => {
    for (const seed of [1, 2]) expectNoViolation({ seed, replicaCount: 4, requestCount: 8, faults })
  })
})

describe('secp256k1 signatures', () => {
  it('take the place of simulated ones, and a run is the same again', () => {
    const scenario = { ...campaignScenario(50), requestCount: 1, byzantine: [], faults: { crashes: 1 } }
    expectNoViolation(scenario)
    expect(simulate(scenario).traceHash).toBe(simulate(scenario).traceHash)
  })
})

describe('bugs that were found', () => {
  it.each(regressions.map((one) => [one.what, one] as const))('stay away: %s', (_, { scenario }) => {
    expectNoViolation(scenario)
  })
})

describe('twins', () => {
  it('number every scenario once', () => {
    const all = Array.from({ length: 4_096 }, (_, index) => JSON.stringify(twinsRounds(index, 2)))
    expect(new Set(all).size).toBe(4_096)
  })

  it('do no harm in one scenario of 2 rounds in 40, nor in some of 3 and more; npm run sim -- --gate runs them all', () => {
    const runs = Array.from({ length: 32 }, (_, at) => simulateTwins(roundsOf(128 * at + at, 2)))
    for (let index = 0; index < 6; index++) {
      runs.push(simulateTwins(roundsOf(43_690 * index, 3)), simulateTwins(roundsOf(index, 'sample')))
    }
    expect(runs.flatMap((run) => run.violations.map((violation) => ({ ...violation, rounds: run.rounds })))).toEqual([])
    expect(Math.min(...runs.map(({ height }) => height))).toBeGreaterThan(0)
  })
})

describe('crash points', () => {
  const points = listCrashPoints()

  it('are every effect of every member, three ways each', () => {
    expect(new Set(points.map(({ member }) => member))).toEqual(new Set([0, 1, 2, 3]))
    expect(points.length).toBeGreaterThan(900)
    expect(simulate(crashPointScenario(points[0] as CrashPoint)).viewMax).toBeGreaterThan(0)
  })

  it('do no harm, one in 29; npm run sim -- --crash-points runs them all', () => {
    for (let at = 0; at < points.length; at += 29) expectNoViolation(crashPointScenario(points[at] as CrashPoint))
  })
})

describe('more than f faulty replicas', () => {
  it('are found out: two that equivocate together make two of four disagree', () => {
    const runs = Array.from({ length: 30 }, (_, seed) =>
      simulate({ seed, replicaCount: 4, requestCount: 6, byzantine: ['equivocate', 'equivocate'] }),
    )
    expect(runs.flatMap((run) => run.violations.map(({ property }) => property))).toContain('S1')
  })
})

describe('the mutation gate', () => {
  it('plants at least 14 bugs, each under its own name', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(14)
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  })
})

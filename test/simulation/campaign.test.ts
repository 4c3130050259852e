import { describe, expect, it } from 'vitest'

import { explainRun, generateScenario, simulate, STRATEGIES, type Scenario } from '../../src/pbft/simulator/index.ts'
import { mutants } from './mutants.ts'

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

/**
 * Simulating, shrinking and explaining.
 */

import type { Violation } from './observers.ts'
import type { Faults, Scenario } from './scenario.ts'
import { World } from './world.ts'

/** What came of a scenario. */
export interface SimulationRun {
  readonly scenario: Scenario
  /** What did not hold; the run ends at the first. */
  readonly violations: readonly Violation[]
  /** Last certified heights of the correct replicas. */
  readonly heights: readonly number[]
  /** State roots of the correct replicas. */
  readonly stateRoots: readonly string[]
  /** The same for the same scenario, whatever the machine. */
  readonly traceHash: string
  readonly eventCount: number
  readonly simulatedMs: number
  /** The highest view that a correct replica reached. */
  readonly viewMax: number
}

/**
 * Runs a scenario in virtual time and tells which properties did not hold.
 *
 * Deterministic: nothing but the scenario matters. Cost: some tens of milliseconds for four replicas.
 */
export function simulate(scenario: Scenario): SimulationRun {
  const world = new World(scenario)
  world.run()
  return {
    scenario,
    violations: world.observers.violations,
    heights: world.heights(),
    stateRoots: world.stateRoots(),
    traceHash: world.traceHash(),
    eventCount: world.eventCount,
    simulatedMs: Math.floor(world.events.nowMs),
    viewMax: world.viewMax,
  }
}

/** Simpler scenarios than this one, the most simplified first. */
function simplify(scenario: Scenario): Scenario[] {
  const { requestCount = 20, byzantine = [], faults = {} } = scenario
  const without = (names: readonly (keyof Faults)[]): Faults =>
    Object.fromEntries(Object.entries(faults).filter(([name]) => !names.includes(name as keyof Faults)))
  const named = Object.keys(faults) as (keyof Faults)[]
  const halved = Object.entries(faults).flatMap(([name, value]) => {
    const half = name === 'loss' || name === 'duplication' ? (value as number) / 2 : Math.floor((value as number) / 2)
    return half > 0.01 ? [{ ...faults, [name]: half }] : []
  })
  return [
    { ...scenario, faults: {} },
    ...named.map((name) => ({ ...scenario, faults: without([name]) })),
    ...byzantine.map((_, at) => ({ ...scenario, byzantine: byzantine.filter((_one, index) => index !== at) })),
    ...(requestCount > 1 ? [{ ...scenario, requestCount: Math.ceil(requestCount / 2) }] : []),
    ...(requestCount > 1 ? [{ ...scenario, requestCount: requestCount - 1 }] : []),
    ...halved.map((smaller) => ({ ...scenario, faults: smaller })),
  ]
}

/** The same scenario with one thing less in its schedule. */
function withoutOne(scenario: Scenario): Scenario[] {
  const { schedule } = scenario
  if (schedule === undefined) return []
  return Object.entries(schedule).flatMap(([name, list]: [string, readonly unknown[]]) =>
    list.map((_, at) => ({
      ...scenario,
      schedule: { ...schedule, [name]: list.filter((_one, index) => index !== at) },
    })),
  )
}

const ATTEMPTS_MAX = 300

function fails(scenario: Scenario): boolean {
  return simulate(scenario).violations.length > 0
}

/** Takes the first simpler scenario that fails, as long as there is one. */
function shrinkBy(simpler: (scenario: Scenario) => Scenario[], scenario: Scenario): Scenario {
  let smallest = scenario
  for (let attempts = 0; attempts < ATTEMPTS_MAX;) {
    const found = simpler(smallest).find((candidate) => {
      attempts += 1
      return JSON.stringify(candidate) !== JSON.stringify(smallest) && fails(candidate)
    })
    if (found === undefined) return smallest
    smallest = found
  }
  return smallest
}

/**
 * Returns a scenario as simple as possible that still violates a property; the same one if it violates none.
 *
 * Cost: some hundred runs. Removes faults, faulty replicas and requests one by one as long as something still breaks, then
 * single events: the result names its schedule, and nothing in it can be left out.
 */
export function shrinkScenario(scenario: Scenario): Scenario {
  if (!fails(scenario)) return scenario
  const fewer = scenario.schedule === undefined ? shrinkBy(simplify, scenario) : scenario
  return shrinkBy(withoutOne, { ...fewer, schedule: new World(fewer).schedule() })
}

/**
 * Returns the transcript of a run for people: the scenario, what was sent to whom, and what broke.
 *
 * Runs the scenario again. Long runs keep their last lines, where the violation is.
 */
export function explainRun(run: SimulationRun, options: { readonly linesMax?: number } = {}): string {
  const { linesMax = 400 } = options
  const lines: string[] = []
  let dropped = 0
  const world = new World(run.scenario, (atMs, line) => {
    lines.push(`${atMs.toFixed(1).padStart(9)} ms  ${line}`)
    if (lines.length > linesMax) {
      lines.shift()
      dropped += 1
    }
  })
  world.run()
  return [
    // A factory of applications has no text: JSON leaves it out.
    `scenario ${JSON.stringify(run.scenario)}`,
    ...(dropped > 0 ? [`(${dropped} earlier lines)`] : []),
    ...lines,
    ...world.observers.violations.map(({ property, message }) => `VIOLATED ${property}: ${message}`),
    `heights ${world.heights().join(', ')}; ${world.eventCount} events; highest view ${world.viewMax}`,
  ].join('\n')
}

import { describe, expect, it } from 'vitest'

import {
  createSimulatedApplication,
  explainRun,
  shrinkScenario,
  simulate,
  type Scenario,
} from '../../src/pbft/simulator/index.ts'
import { createDraws } from '../../src/pbft/simulator/random.ts'
import { Events } from '../../src/pbft/simulator/events.ts'

const quiet: Scenario = { seed: 1, replicaCount: 4, requestCount: 10 }
const stormy: Scenario = {
  ...quiet,
  faults: { loss: 0.2, duplication: 0.1, delayTicksMax: 4, partitions: 1, crashes: 3, skewMs: 500 },
}

describe('simulate', () => {
  it('finds nothing wrong in a quiet group', () => {
    const run = simulate(quiet)
    expect(run.violations).toEqual([])
    expect(new Set(run.stateRoots).size).toBe(1)
    expect(new Set(run.heights).size).toBe(1)
  })

  it('is one run for one scenario, and another for another seed', () => {
    const run = simulate(stormy)
    expect(run.violations).toEqual([])
    expect(simulate(stormy)).toEqual(run)
    expect(simulate({ ...stormy, seed: 2 }).traceHash).not.toBe(run.traceHash)
  })

  it('runs any application that keeps the contract', () => {
    let made = 0
    const application = () => {
      made += 1
      return createSimulatedApplication()
    }
    expect(simulate({ ...stormy, application }).violations).toEqual([])
    // One for each replica, and one for each start after a crash.
    expect(made).toBeGreaterThan(4)
  })
})

/** A state machine that is not deterministic: its third header differs from replica to replica. */
function unsteady(): Scenario['application'] {
  let made = 0
  return () => {
    const application = createSimulatedApplication()
    const own = made++
    return {
      ...application,
      apply: (batch, height) => {
        const applied = application.apply(batch, height)
        return height < 3 ? applied : { ...applied, headerDigest: new Uint8Array(32).fill(own) as never }
      },
    }
  }
}

describe('what breaks', () => {
  const broken: Scenario = { ...stormy, application: unsteady() as NonNullable<Scenario['application']> }

  it('is told with its property', () => {
    const [violation] = simulate(broken).violations
    expect(violation?.property).toBe('S1')
  })

  it('is made small', () => {
    const small = shrinkScenario(broken)
    expect(small.faults).toEqual({})
    expect(small.requestCount).toBeLessThanOrEqual(broken.requestCount ?? 0)
    expect(simulate(small).violations).not.toEqual([])
    expect(shrinkScenario(quiet)).toBe(quiet)
  })

  it('is explained by a transcript that ends with it', () => {
    const text = explainRun(simulate(broken), { linesMax: 20 })
    expect(text).toMatch(/^scenario \{"seed":1/)
    expect(text).toMatch(/earlier lines/)
    expect(text).toMatch(/ms  \d -> \d (commit|prepare)/)
    expect(text).toMatch(/VIOLATED S1: /)
  })
})

describe('parts of a world', () => {
  it('draws from streams that do not depend on one another', () => {
    const alone = createDraws(7, 'network')
    const beside = createDraws(7, 'network')
    createDraws(7, 'disk').next()
    const numbers = Array.from({ length: 1_000 }, () => alone.next())
    expect(numbers).toEqual(Array.from({ length: 1_000 }, () => beside.next()))
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    expect(mean).toBeGreaterThan(0.45)
    expect(mean).toBeLessThan(0.55)
  })

  it('lets events happen in the order of time, then of making', () => {
    const events = new Events()
    const seen: string[] = []
    for (const [name, at] of [
      ['c', 3],
      ['a', 1],
      ['d', 3],
      ['b', 2],
    ] as const) {
      events.after(at, () => seen.push(name))
    }
    while (events.step(2.5)) continue
    expect(seen.join('')).toBe('ab')
    while (events.step(10)) continue
    expect(seen.join('')).toBe('abcd')
    expect(events.nowMs).toBe(3)
  })
})

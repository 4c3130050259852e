import { describe, expect, it } from 'vitest'

import {
  createSimulatedApplication,
  explainRun,
  shrinkScenario,
  simulate,
  type Scenario,
  type Schedule,
} from '../../src/pbft/simulator/index.ts'
import { Disk } from '../../src/pbft/simulator/disk.ts'
import { isCut } from '../../src/pbft/simulator/plan.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { createDraws } from '../../src/pbft/simulator/random.ts'
import { Events } from '../../src/pbft/simulator/events.ts'

const nothing: Schedule = {
  requests: [],
  crashes: [],
  lostDisks: [],
  partitions: [],
  links: [],
  slowNodes: [],
  slowDisks: [],
}
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
    const { requests, ...rest } = small.schedule ?? { requests: [] }
    expect(requests).toHaveLength(3)
    expect(Object.values(rest).flat()).toEqual([])
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

describe('latency without faults (L3)', () => {
  const exact = (replicaCount: number, delayMs: number): Scenario => ({
    seed: 1,
    replicaCount,
    constantDelayMs: delayMs,
    schedule: {
      ...nothing,
      requests: [1, 2, 3].map((turn) => ({ atMs: 11 * delayMs * turn, client: 0, payload: `${turn}`, to: 0 })),
    },
  })

  it.each([4, 5, 6, 7, 10])('is 3d to execution, 4d to the certificate, 5d to the answer, for %i replicas', (count) => {
    for (const delayMs of [5, 50, 90]) expect(simulate(exact(count, delayMs)).violations).toEqual([])
  })

  it('is noticed where it is not: a request that reaches a backup first takes one delay more', () => {
    const scenario = exact(4, 10)
    const requests = (scenario.schedule?.requests ?? []).map((request) => ({ ...request, to: 1 }))
    const [violation] = simulate({ ...scenario, schedule: { ...nothing, requests } }).violations
    expect(violation).toMatchObject({
      property: 'L3',
      message: expect.stringContaining('took 60 ms, not 50 ms') as string,
    })
  })
})

describe('an application that forgets what it has executed', () => {
  it('executes a request twice when a faulty leader proposes it again (S4)', () => {
    const forgetful: Scenario['application'] = () => {
      const executed: string[] = []
      const application = createSimulatedApplication()
      const apply: typeof application.apply = (batch, height) => {
        executed.push(...batch.requests.map((request) => toHex(request.id)))
        return application.apply(batch, height)
      }
      return { ...application, apply, executed: () => executed }
    }
    const properties = [1, 2, 3, 4, 5, 6].flatMap((seed) => {
      const run = simulate({ seed, replicaCount: 4, byzantine: ['propose-again'], application: forgetful })
      return run.violations.map(({ property }) => property)
    })
    expect(new Set(properties)).toEqual(new Set(['S4']))
  })
})

describe('parts of a world', () => {
  it('finds a torn tail and drops it, and a record that rotted before it', () => {
    const disk = new Disk()
    const record = (index: number) => ({ index, bytes: Uint8Array.of(index), keepFrom: 0 })
    for (const index of [0, 1, 2, 3]) disk.append(record(index))
    disk.synced(1)
    disk.crash(2, { isTorn: true })
    expect(disk.read()).toEqual({ records: [record(0), record(1), record(2)], isDamaged: false })
    disk.append(record(3))
    disk.crash(0, { isTorn: true })
    expect(disk.read().records).toHaveLength(3)
    disk.rot(1)
    expect(disk.read().isDamaged).toBe(true)
    disk.wipe()
    expect(disk.read()).toEqual({ records: [], isDamaged: false })
  })

  it.each([
    ['split', [[0, 2]], [[0, 1]]],
    [
      'isolate',
      [
        [3, 0],
        [0, 3],
      ],
      [[0, 2]],
    ],
    ['one-way', [[0, 3]], [[3, 0]]],
    [
      'ring',
      [[0, 2]],
      [
        [0, 1],
        [3, 0],
      ],
    ],
    [
      'leaders',
      [[1, 0]],
      [
        [0, 1],
        [1, 2],
      ],
    ],
  ] as const)('cuts the links of a partition: %s', (shape, cut, kept) => {
    const partition = { shape, fromMs: 0, untilMs: 1, side: [0, 1], alone: 3 }
    const judge = ([from, to]: readonly [number, number]): boolean =>
      isCut(partition, { from, to, view: 5, replicaCount: 4 })
    expect(cut.map(judge)).toEqual(cut.map(() => true))
    expect(kept.map(judge)).toEqual(kept.map(() => false))
  })

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

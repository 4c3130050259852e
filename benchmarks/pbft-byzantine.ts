/**
 * What a faulty member and a flooding client do to throughput: a minute of virtual time for each, on links of 50 ms, with two
 * small batches in flight and the timers of a node. The network is what limits such a group, computing takes a fixed time by
 * a model, signatures are simulated: so the figures are the same on every machine.
 */

import { settleConfig } from '../src/pbft/config.ts'
import { MESSAGE_KINDS, type Application } from '../src/pbft/index.ts'
import {
  createSimulatedApplication,
  createSimulatedKeys,
  createSimulatedRequest,
  STRATEGIES,
  type Strategy,
} from '../src/pbft/simulator/index.ts'
import type { Saboteur } from '../src/pbft/simulator/means.ts'
import { createDraws } from '../src/pbft/simulator/random.ts'
import { createSaboteur } from '../src/pbft/simulator/strategies.ts'
import { concatBytes, fromHex } from '../src/primitives/bytes.ts'
import type { Signer } from '../src/primitives/signature.ts'
import { runClocked, type Arrival, type ClockedOptions, type ClockedRun, type Faulty } from './clocked-network.ts'
import type { Report } from './measure.ts'

const MEMBERS = [0, 1, 2, 3]
const TICK_MS = 10
const TIMEOUT_TICKS = 200
const RUN_MS = 60_000
/** From here on a run counts as steady. */
const STEADY_MS = 10_000
/** A signature check by node:crypto, and anything else: requests that are known, or too many, cost no check. */
const CHECK_MS = 0.3
const STEP_MS = 0.05
/** Half as much again as two batches of eight every 150 ms. */
const OVERLOAD_PER_SECOND = 150
/** Less than these are: honest clients that ask for no more than they can get. */
const HONEST_PER_SECOND = 80
const HONEST_CLIENTS = 8
const FLOOD_PER_SECOND = 300
const FLOODER = 99

const keys = createSimulatedKeys(MEMBERS.length, 1)

/** A state machine in which a request takes effect once; its blocks are the ids of those that did. */
function createOnce(): Application {
  const inner = createSimulatedApplication()
  return {
    ...inner,
    apply(batch, height) {
      const before = inner.executed().length
      const applied = inner.apply(batch, height)
      const ids = inner.executed().slice(before)
      return { ...applied, block: concatBytes(...ids.map((id) => fromHex(id))) }
    },
  }
}

const options: ClockedOptions = {
  replicaCount: MEMBERS.length,
  blockBytes: 1024 * 1024,
  blockTimeMs: 50,
  linkMs: 50,
  tickMs: TICK_MS,
  stepMs: (message) =>
    message !== undefined && MESSAGE_KINDS[message[1] as number] !== 'request' ? CHECK_MS : STEP_MS,
  untilMs: RUN_MS,
  signers: keys.signers,
  verifier: keys.verifier,
  application: createOnce,
  config: { timeoutTicks: TIMEOUT_TICKS, batchTransactionsMax: 8, windowSize: 2 },
}

/** Requests at an even pace, whatever becomes of them; clients ask everyone. */
function arrivalsOf(perSecond: number, make: (at: number) => Pick<Arrival, 'request' | 'to'>): Arrival[] {
  const count = (perSecond * RUN_MS) / 1_000
  return Array.from({ length: count }, (_, at) => ({ atMs: (at * 1_000) / perSecond, to: MEMBERS, ...make(at) }))
}

/** Requests that arrived and were certified at a correct member, a second. */
function rateOf({ certifiedMs }: ClockedRun, fromMs: number): number {
  return certifiedMs.filter((atMs) => atMs >= fromMs).length / ((RUN_MS - fromMs) / 1_000)
}

function sabotage(index: number, strategy: Strategy): Faulty {
  return {
    index,
    sabotage: (config) =>
      createSaboteur(strategy, {
        config,
        settings: settleConfig(config),
        signers: keys.signers,
        signer: keys.signers[index] as Signer,
        index,
        draws: createDraws(1, strategy),
        timeoutMs: TIMEOUT_TICKS * TICK_MS,
        submitted: () => undefined,
      }) as Saboteur,
  }
}

/** One member of four is faulty, by each strategy that is not two processes: who leads first, or who leads next. */
function measureStrategies(report: Report): void {
  const arrivals = arrivalsOf(OVERLOAD_PER_SECOND, (at) => ({ request: createSimulatedRequest(0, `request ${at}`) }))
  const whole = runClocked(options, arrivals)
  report.figure({
    op: 'P9: without faults, overloaded',
    impl: `50 ms links, view ${whole.view}`,
    median: rateOf(whole, STEADY_MS),
    unit: 'tx/s',
    n: MEMBERS.length,
  })
  const ratios = STRATEGIES.filter((strategy) => strategy !== 'twins').flatMap((strategy) =>
    [0, 1].map((index) => {
      const run = runClocked({ ...options, faulty: sabotage(index, strategy) }, arrivals)
      const steady = rateOf(run, STEADY_MS) / rateOf(whole, STEADY_MS)
      const all = rateOf(run, 0) / rateOf(whole, 0)
      report.figure({
        op: `P9: ${strategy}, ${index === 0 ? 'the first primary' : 'a backup'}`,
        impl: `whole minute ${all.toFixed(3)}, view ${run.view}`,
        median: steady,
        unit: 'of tx/s without faults',
        n: MEMBERS.length,
      })
      return Math.min(steady, all)
    }),
  )
  const worst = Math.min(...ratios)
  report.demand({
    ratio: 'P9: tx/s with one Byzantine member of 4, worst strategy / without faults',
    value: worst,
    demand: '>= 0.3',
    holds: worst >= 0.3,
  })
}

/** One client asks for three times what the group can order: everyone for the same, or each member for something else. */
function measureFlood(report: Report): void {
  const honest = arrivalsOf(HONEST_PER_SECOND, (at) => ({
    request: createSimulatedRequest(at % HONEST_CLIENTS, `request ${at}`),
  }))
  const floods = {
    'the same of all': (at: number) => ({ request: createSimulatedRequest(FLOODER, `${at}`) }),
    'other of each': (at: number) => ({ request: createSimulatedRequest(FLOODER, `${at}`), to: [at % MEMBERS.length] }),
  }
  const without = rateOf(runClocked(options, honest), STEADY_MS)
  for (const [name, make] of Object.entries(floods)) {
    const flood = arrivalsOf(FLOOD_PER_SECOND, make).map((arrival) => ({ ...arrival, isCounted: false }))
    const both = [...honest, ...flood].sort((left, right) => left.atMs - right.atMs)
    const ratio = rateOf(runClocked(options, both), STEADY_MS) / without
    report.demand({
      ratio: `P10: honest tx/s while one client asks ${name} / without it`,
      value: ratio,
      demand: '>= 0.8',
      holds: ratio >= 0.8,
    })
  }
}

/** Runs the measurements with faulty members and clients. */
export function measureByzantine(report: Report): void {
  measureStrategies(report)
  measureFlood(report)
}

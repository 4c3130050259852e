/**
 * Scenarios: what a simulation is given. Everything random follows from the seed.
 */

import type { Application } from '../types.ts'
import type { SimulatedKeys } from './keys.ts'
import type { Schedule } from './schedule.ts'
import { createDraws, type Draws } from './random.ts'

/** What a faulty replica does; it holds its own key and sees what it is sent. */
export const STRATEGIES = [
  'silent',
  'selective-silence',
  'delay',
  'slow-proposals',
  'withhold',
  'withhold-batch',
  'equivocate',
  'vote-for-all',
  'wrong-digest',
  'propose-again',
  'forged-view-change',
  'stale-view-change',
  'null-new-view',
  'wrong-new-view',
  'replay',
  'replay-elsewhere',
  'lie-in-transfer',
  'checkpoint-liar',
  'unsigned-claims',
  'garbage',
  'flood',
  'quota-flood',
  'twins',
] as const

/** A way to be faulty. */
export type Strategy = (typeof STRATEGIES)[number]

/** What goes wrong with network, disks, clocks and processes until the faults stop. */
export interface Faults {
  /** Probability that a message is lost. */
  readonly loss?: number
  /** Probability that a message arrives twice. */
  readonly duplication?: number
  /** Messages take 1 ms to this many times 10 ms, some far longer, so that they overtake one another. Default 2. */
  readonly delayTicksMax?: number
  /** How often the network splits for a while. */
  readonly partitions?: number
  /** How many directions of links are slow or lossy while the other direction is well. */
  readonly asymmetricLinks?: number
  /** How often a replica crashes, between any two of its effects, and starts again from its disk. */
  readonly crashes?: number
  /** How many replicas lose their disk; with the Byzantine ones at most f, or safety is not promised. */
  readonly wipedDisks?: number
  /** How many replicas find a damaged record before the tail of their log: they count as a lost disk does. */
  readonly rottenDisks?: number
  /** How many replicas take long to handle what arrives. */
  readonly slowNodes?: number
  /** How many replicas have a disk whose syncs take long. */
  readonly slowDisks?: number
  /** How far clocks are apart. */
  readonly skewMs?: number
  /** How much faster or slower clocks and timers may run, as a fraction. */
  readonly drift?: number
  /** Requests that one client sends to all replicas as fast as it can. */
  readonly clientFlood?: number
}

/** One simulation. */
export interface Scenario {
  readonly seed: number
  readonly replicaCount: number
  /** Requests of well-behaved clients. Default 20. */
  readonly requestCount?: number
  /** One faulty replica for each entry; at most f, or nothing is promised. */
  readonly byzantine?: readonly Strategy[]
  readonly faults?: Faults
  /** What happens when; drawn from the seed when left out. */
  readonly schedule?: Schedule
  /** Whether replicas are given every message verified, or stand behind an inbox that verifies what decides. Default `every`. */
  readonly verification?: 'every' | 'deciding'
  /** Every message takes exactly so long, disks take no time, and latency must be exact (L3); for runs without faults. */
  readonly constantDelayMs?: number
  /** The state machine, made anew for each start of a replica. Default: a hash chain over requests. */
  readonly application?: () => Application
  /** Keys of the members. Default: simulated ones. */
  readonly keys?: (memberCount: number, seed: number) => SimulatedKeys
}

/** A probability that a fault is part of a scenario, and how much of it. */
function perhaps(draws: Draws, probability: number, amount: () => number): number {
  const isPart = draws.chance(probability)
  const drawn = amount()
  return isPart ? drawn : 0
}

/**
 * Returns the scenario of a seed in a campaign: groups of 4 (more than half), 5, 6, 7 and 10, two thirds with Byzantine
 * replicas, half with crashes.
 */
export function generateScenario(seed: number, options: { readonly replicaCount?: number } = {}): Scenario {
  const draws = createDraws(seed, 'scenario')
  const replicaCount = options.replicaCount ?? draws.pick([4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 7, 7, 10])
  const faultMax = Math.floor((replicaCount - 1) / 3)
  const byzantineCount = draws.chance(0.67) ? draws.between(1, faultMax) : 0
  const byzantine = Array.from({ length: byzantineCount }, () => draws.pick(STRATEGIES))
  // Few blocks and a network that splits again and again: many views, little progress.
  const isStorm = draws.chance(0.25)
  const lostDisk = byzantineCount < faultMax && draws.chance(0.3) ? draws.pick(['wipedDisks', 'rottenDisks']) : ''
  const calm = {
    seed,
    replicaCount,
    requestCount: isStorm ? draws.between(3, 8) : draws.between(6, 24),
    byzantine,
  }
  const faults: Record<keyof Faults, number> = {
    loss: perhaps(draws, 0.6, () => draws.next() * 0.3),
    duplication: perhaps(draws, 0.4, () => draws.next() * 0.2),
    delayTicksMax: draws.between(1, 6),
    partitions: isStorm ? draws.between(4, 10) : perhaps(draws, 0.4, () => draws.between(1, 3)),
    asymmetricLinks: perhaps(draws, 0.2, () => draws.between(1, replicaCount)),
    crashes: perhaps(draws, 0.5, () => draws.between(1, 4)),
    wipedDisks: lostDisk === 'wipedDisks' ? 1 : 0,
    rottenDisks: lostDisk === 'rottenDisks' ? 1 : 0,
    slowNodes: perhaps(draws, 0.15, () => 1),
    slowDisks: perhaps(draws, 0.25, () => draws.between(1, 2)),
    skewMs: perhaps(draws, 0.3, () => draws.between(0, 2_000)),
    drift: perhaps(draws, 0.2, () => draws.next() * 0.1),
    clientFlood: perhaps(draws, 0.03, () => draws.between(40, 300)),
  }
  const inbox = draws.chance(0.25) ? ({ verification: 'deciding' } as const) : {}
  // What is zero is left out: a printed scenario names what matters.
  return { ...calm, ...inbox, faults: Object.fromEntries(Object.entries(faults).filter(([, amount]) => amount > 0)) }
}

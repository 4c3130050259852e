/**
 * Scenarios: what a simulation is given. Everything random follows from the seed.
 */

import type { Application } from '../types.ts'
import { createDraws } from './random.ts'

/** What a faulty replica does; it holds its own key and sees what it is sent. */
export const STRATEGIES = [
  'silent',
  'equivocate',
  'delay',
  'withhold',
  'replay',
  'wrong-new-view',
  'lie-in-transfer',
  'checkpoint-liar',
  'garbage',
  'flood',
  'twins',
] as const

/** A way to be faulty. */
export type Strategy = (typeof STRATEGIES)[number]

/** What goes wrong with network, disks and processes until the faults stop. */
export interface Faults {
  /** Probability that a message is lost. */
  readonly loss?: number
  /** Probability that a message arrives twice. */
  readonly duplication?: number
  /** Messages take 1 to this many ticks of 10 ms, some far longer. Default 2. */
  readonly delayTicksMax?: number
  /** How often the network splits for a while. */
  readonly partitions?: number
  /** How often a replica crashes, between any two of its effects, and starts again from its disk. */
  readonly crashes?: number
  /** How many replicas lose their disk; with the Byzantine ones at most f, or safety is not promised. */
  readonly wipedDisks?: number
  /** How far clocks are apart. */
  readonly skewMs?: number
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
  /** The state machine, made anew for each start of a replica. Default: a hash chain over requests. */
  readonly application?: () => Application
}

/**
 * Returns the scenario of a seed in a campaign: groups of 4 (half of them), 5, 6, 7 and 10, two thirds with Byzantine
 * replicas, half with crashes.
 */
export function generateScenario(seed: number, options: { readonly replicaCount?: number } = {}): Scenario {
  const draws = createDraws(seed, 'scenario')
  const replicaCount = options.replicaCount ?? draws.pick([4, 4, 4, 4, 5, 6, 7, 10])
  const faultMax = Math.floor((replicaCount - 1) / 3)
  const byzantineCount = draws.chance(0.67) ? draws.between(1, faultMax) : 0
  const byzantine = Array.from({ length: byzantineCount }, () => draws.pick(STRATEGIES))
  // Few blocks and a network that splits again and again: many views, little progress.
  const isStorm = draws.chance(0.25)
  const wipedDisks = byzantineCount < faultMax && draws.chance(0.3) ? 1 : 0
  return {
    seed,
    replicaCount,
    requestCount: isStorm ? draws.between(3, 8) : draws.between(6, 30),
    byzantine,
    faults: {
      loss: draws.chance(0.6) ? draws.next() * 0.3 : 0,
      duplication: draws.chance(0.4) ? draws.next() * 0.2 : 0,
      delayTicksMax: draws.between(1, 6),
      partitions: isStorm ? draws.between(4, 10) : draws.chance(0.4) ? draws.between(1, 3) : 0,
      crashes: draws.chance(0.5) ? draws.between(1, 4) : 0,
      wipedDisks,
      skewMs: draws.chance(0.3) ? draws.between(0, 2_000) : 0,
    },
  }
}

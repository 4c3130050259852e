/**
 * Crash points, one by one: a short fixed scenario in which one member stops before each of its effects in turn, and starts
 * again from what its disk holds. Between any record written and any message sent is where recovery can be wrong.
 */

import type { PlannedRequest, Schedule, UnsyncedFate } from './schedule.ts'
import type { Scenario } from './scenario.ts'
import { World } from './world.ts'

/** One crash. */
export interface CrashPoint {
  readonly member: number
  /** Effects that it carries out before. */
  readonly effects: number
  /** What becomes of records that were written and not synced. */
  readonly unsynced: Exclude<UnsyncedFate, 'drawn'>
}

const UNSYNCED_FATES = ['lost', 'kept', 'torn'] as const
const DOWN_MS = 150

const requests: readonly PlannedRequest[] = [20, 60, 150, 320, 400, 520, 900, 1_100].map((atMs, at) => ({
  atMs,
  client: at % 3,
  payload: `request ${at}`,
  to: at % 4,
}))

/** Eight requests of which some meet a first leader that nobody hears, so that the view changes, and two checkpoints. */
const schedule: Schedule = {
  requests,
  crashes: [],
  lostDisks: [],
  partitions: [{ shape: 'isolate', fromMs: 200, untilMs: 850, side: [], alone: 0 }],
  links: [],
  slowNodes: [],
  slowDisks: [],
}

const undisturbed: Scenario = { seed: 1, replicaCount: 4, faults: { delayTicksMax: 2 }, schedule }

/** Returns the scenario of one crash point. */
export function crashPointScenario({ member, effects, unsynced }: CrashPoint): Scenario {
  const crash = { member, effects, unsynced, atMs: 0, downMs: DOWN_MS }
  return { ...undisturbed, schedule: { ...schedule, crashes: [crash] } }
}

/**
 * Returns every crash point of the scenario: each effect of each member, with what was not synced lost, kept and torn.
 *
 * Cost: one run. Several thousand points.
 */
export function listCrashPoints(): CrashPoint[] {
  const world = new World(undisturbed)
  world.run()
  return world
    .effectCounts()
    .flatMap((count, member) =>
      Array.from({ length: count }, (_, effects) => UNSYNCED_FATES.map((unsynced) => ({ member, effects, unsynced }))),
    )
    .flat()
}

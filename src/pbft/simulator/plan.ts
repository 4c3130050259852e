/**
 * The plan of a scenario: who crashes and when, which disks are lost, how the network splits, when clients ask. All of it
 * is data, drawn before the first event, so that it can be printed, changed and made smaller.
 */

import { deriveQuorum } from '../quorum.ts'
import type { Draws } from './random.ts'
import type { Faults, Scenario } from './scenario.ts'
import { PARTITION_SHAPES, type Partition, type PlannedCrash, type PlannedLink, type Schedule } from './schedule.ts'

/** When faults stop at the latest; what follows is judged for progress too. */
export const CHAOS_MS = 2_600

/** What a plan is drawn for: the members in the order in which faults befall them, the Byzantine ones first. */
export interface PlannedGroup {
  readonly order: readonly number[]
  readonly processCount: number
}

/** Returns the schedule of a scenario: its own, or one drawn from its seed. */
export function planScenario(scenario: Scenario, group: PlannedGroup, draws: Draws): Schedule {
  if (scenario.schedule !== undefined) return scenario.schedule
  const { requestCount = 20, faults = {}, replicaCount, byzantine = [] } = scenario
  const correct = group.order.slice(byzantine.length).sort((left, right) => left - right)
  const many = <T>(count: number | undefined, make: (at: number) => T): T[] =>
    Array.from({ length: count ?? 0 }, (_, at) => make(at))
  return {
    requests: many(requestCount, (count) => ({
      atMs: draws.below(CHAOS_MS - 300),
      client: count % 3,
      payload: `request ${count}`,
      to: draws.below(group.processCount),
    })),
    crashes: many(faults.crashes, () => planCrash(draws, correct)).flat(),
    lostDisks: planLostDisks(scenario, group.order, draws),
    partitions: many(faults.partitions, () => planPartition(draws, replicaCount)),
    links: many(faults.asymmetricLinks, () => planLink(draws, replicaCount)),
    slowNodes: draws.shuffle(correct).slice(0, faults.slowNodes ?? 0),
    slowDisks: draws.shuffle(correct).slice(0, faults.slowDisks ?? 0),
  }
}

/** A lost disk counts as one of the f faults. */
function planLostDisks(scenario: Scenario, order: readonly number[], draws: Draws): Schedule['lostDisks'] {
  const { byzantine = [], replicaCount } = scenario
  const { wipedDisks = 0, rottenDisks = 0 }: Faults = scenario.faults ?? {}
  const room = Math.max(deriveQuorum(replicaCount).faultMax - byzantine.length, 0)
  const members = order.slice(byzantine.length, byzantine.length + Math.min(room, wipedDisks + rottenDisks))
  return members.map((member, at) => ({
    member,
    atMs: draws.between(300, CHAOS_MS - 600),
    downMs: draws.between(60, 900),
    isRotten: at >= wipedDisks,
  }))
}

function planCrash(draws: Draws, correct: readonly number[]): PlannedCrash[] {
  const member = draws.pick(correct)
  const atMs = draws.below(CHAOS_MS - 600)
  const downMs = draws.between(60, 900)
  const crash = (fromMs: number, time: number): PlannedCrash => ({
    member,
    atMs: fromMs,
    effects: draws.below(6),
    downMs: time,
    unsynced: 'drawn',
    byMs: fromMs + 60,
  })
  const first = crash(atMs, downMs)
  // Whatever the first crash left on disk is all that the second finds.
  return draws.chance(0.4) ? [first, crash(atMs + downMs + draws.between(20, 300), 60)] : [first]
}

function planPartition(draws: Draws, replicaCount: number): Partition {
  const fromMs = draws.below(CHAOS_MS - 500)
  const untilMs = Math.min(CHAOS_MS, fromMs + draws.between(200, 1_500))
  const members = Array.from({ length: replicaCount }, (_, index) => index)
  const side = members.filter(() => draws.chance(0.5))
  return { shape: draws.pick(PARTITION_SHAPES), fromMs, untilMs, side, alone: draws.below(replicaCount) }
}

function planLink(draws: Draws, replicaCount: number): PlannedLink {
  const from = draws.below(replicaCount)
  const to = (from + draws.between(1, replicaCount - 1)) % replicaCount
  const isLossy = draws.chance(0.5)
  return { from, to, loss: isLossy ? draws.next() : 0, delayMs: isLossy ? 0 : draws.between(20, 300) }
}

/** Tells whether a partition keeps a message from arriving, in the highest view that was reached so far. */
export function isCut(
  partition: Partition,
  link: { readonly from: number; readonly to: number; readonly view: number; readonly replicaCount: number },
): boolean {
  const { shape, side, alone } = partition
  const { from, to, view, replicaCount } = link
  switch (shape) {
    case 'split':
      return side.includes(from) !== side.includes(to)
    case 'isolate':
      return from === alone || to === alone
    case 'one-way':
      return to === alone
    case 'ring':
      return ![1, replicaCount - 1].includes((from - to + replicaCount) % replicaCount)
    case 'leaders':
      // Whoever leads is cut off from a part of the others, and so is his successor.
      return view % replicaCount === from && side.includes(to)
  }
}

/** Returns the time after which nothing new is planned. */
export function endOfSchedule(schedule: Schedule): number {
  const { requests, crashes, lostDisks, partitions } = schedule
  return Math.max(
    0,
    ...requests.map(({ atMs }) => atMs),
    ...crashes.map(({ atMs, byMs = 0, downMs }) => Math.max(atMs, byMs) + downMs),
    ...lostDisks.map(({ atMs, downMs }) => atMs + downMs),
    ...partitions.map(({ untilMs }) => untilMs),
  )
}

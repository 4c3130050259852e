/**
 * The plan of a scenario: who crashes and when, which disks are lost, how the network splits, when clients ask. All of it
 * is drawn before the first event.
 */

import type { Request } from '../batch.ts'
import { deriveQuorum } from '../quorum.ts'
import { createSimulatedRequest } from './application.ts'
import type { Draws } from './random.ts'
import type { Scenario } from './scenario.ts'

/** When faults stop; what follows is judged for progress too. */
export const CHAOS_MS = 3_000

/** An order to the network for a while: who does not reach whom. */
export interface Partition {
  readonly fromMs: number
  readonly untilMs: number
  /** Tells whether a message is lost, in the highest view that was reached so far. */
  readonly blocks: (from: number, to: number, view: number) => boolean
}

/** A member stops at some time, after so many more effects, and starts again later. */
export interface PlannedCrash {
  readonly member: number
  readonly atMs: number
  readonly effects: number
  readonly downMs: number
}

/** Everything that is to happen. */
export interface Plan {
  readonly requests: readonly { readonly atMs: number; readonly request: Request }[]
  readonly crashes: readonly PlannedCrash[]
  readonly wipes: readonly { readonly member: number; readonly atMs: number }[]
  readonly partitions: readonly Partition[]
}

/** Returns the plan of a scenario. */
export function planScenario(
  scenario: Scenario,
  group: { readonly order: readonly number[]; readonly draws: Draws },
): Plan {
  const { requestCount = 20, faults = {}, replicaCount, byzantine = [] } = scenario
  const { order, draws } = group
  const faultyCount = byzantine.length
  const correct = order.slice(faultyCount).sort((left, right) => left - right)
  const requests = Array.from({ length: requestCount }, (_, count) => ({
    atMs: draws.below(CHAOS_MS - 300),
    request: createSimulatedRequest(count % 3, `request ${count}`),
  }))
  const crashes = Array.from({ length: faults.crashes ?? 0 }, () => planCrash(draws, correct)).flat()
  const wipes = order
    .slice(faultyCount, faultyCount + wipeCount(replicaCount, faultyCount, faults.wipedDisks))
    .map((member) => ({ member, atMs: draws.between(300, CHAOS_MS - 600) }))
  const partitions = Array.from({ length: faults.partitions ?? 0 }, () => planPartition(draws, replicaCount))
  return { requests, crashes, wipes, partitions }
}

/** A lost disk counts as one of the f faults. */
function wipeCount(replicaCount: number, faultyCount: number, wanted = 0): number {
  return Math.min(wanted, Math.max(deriveQuorum(replicaCount).faultMax - faultyCount, 0))
}

function planCrash(draws: Draws, correct: readonly number[]): PlannedCrash[] {
  const member = draws.pick(correct)
  const atMs = draws.below(CHAOS_MS - 600)
  const downMs = draws.between(60, 900)
  const first = { member, atMs, effects: draws.below(6), downMs }
  // Whatever the first crash left on disk is all that the second finds.
  if (!draws.chance(0.4)) return [first]
  const againMs = atMs + downMs + draws.between(20, 300)
  return [first, { member, atMs: againMs, effects: draws.below(6), downMs: 60 }]
}

function planPartition(draws: Draws, replicaCount: number): Partition {
  const fromMs = draws.below(CHAOS_MS - 500)
  const untilMs = Math.min(CHAOS_MS, fromMs + draws.between(200, 1_500))
  const side = Array.from({ length: replicaCount }, () => draws.chance(0.5))
  const alone = draws.below(side.length)
  const shape = draws.pick(['split', 'isolate', 'one-way', 'leaders'] as const)
  const blocks = (from: number, to: number, view: number): boolean => {
    if (shape === 'split') return side[from] !== side[to]
    // Whoever leads is cut off from a part of the others, and so is his successor.
    if (shape === 'leaders') return view % side.length === from && side[to] === true
    return shape === 'isolate' ? from === alone || to === alone : to === alone
  }
  return { fromMs, untilMs, blocks }
}

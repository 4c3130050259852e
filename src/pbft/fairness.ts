/**
 * Fairness (pbft.md 1.12 d): a primary that passes the same request over again and again loses its place.
 *
 * A batch passes over the request that has waited longest here when it holds one that came here clearly later than the primary
 * was told of the other, since whoever orders as requests arrive has the older one first; and when it holds nothing that ever waited
 * here. Where half of the places of a client are taken here, all of them may be taken at the primary, by requests that it did
 * not send here. Then its requests are not watched: or one client, telling every member something else, could depose one good
 * primary after the other.
 */

import type { Batch } from './batch.ts'
import type { Core } from './core.ts'
import { whenTold } from './performance.ts'
import type { PoolEntry } from './pool.ts'

/** The request that is watched, or undefined when none is. */
function findWatched({ pool }: Core): PoolEntry | undefined {
  for (const entry of pool.entries()) if (whenTold(entry) !== undefined && !pool.isCrowded(entry)) return entry
  return undefined
}

/**
 * Counts a block that passes over the request that is watched.
 *
 * @param batch - what was executed
 * @param waited - what of it had waited here
 */
export function countSkip(core: Core, batch: Batch, waited: readonly PoolEntry[]): void {
  const { performance, timers } = core
  const watched = findWatched(core)
  if (watched?.arrival !== timers.watchedArrival) {
    timers.watchedArrival = watched?.arrival ?? -1
    timers.skips = 0
  }
  if (watched === undefined || batch.requests.length === 0) return
  const toldTick = Math.max(whenTold(watched) ?? core.tick, timers.viewEnteredTick)
  const laterTick = toldTick + 2 * performance.roundTripTicks
  const isPassed = waited.length === 0 || waited.some(({ arrivedTick }) => arrivedTick > laterTick)
  if (isPassed) timers.skips += 1
}

/** Tells whether the primary has passed over one request for so long, and so often, that it cannot be chance. */
export function isUnfair(core: Core, patienceTicks: number): boolean {
  const { settings, tick, timers } = core
  if (timers.skips < 2 * settings.windowSize) return false
  const watched = findWatched(core)
  if (watched?.arrival !== timers.watchedArrival) return false
  return tick - Math.max(watched.arrivedTick, timers.viewEnteredTick) > patienceTicks
}

/**
 * Watching how well the primary works, after Aardvark and Prime (pbft.md 1.12): a primary that does a little just before each
 * timeout would slow the whole group for ever, and a timeout alone never notices.
 *
 * Turnaround: requests that are known must be in a proposal within `turnaroundTicks`, or four measured round trips where those
 * take longer. Rate: where requests wait all the while, a view must order `requiredRatePercent` of the best that the last n
 * views did in as long a time; a new view is asked for little at first and for more from period to period.
 *
 * Where more is asked for than the group can order, requests wait whoever leads. So once 2f others were tried under such a load, a
 * primary is too late only if he orders less than half of what f + 1 of them did, and the load costs 2f view changes, not one
 * each turnaround.
 *
 * A false alarm costs a view change, so both look at the third oldest request that waits: one may be unknown to the primary
 * because a message was lost. And only those count that this replica itself told the primary: a faulty member might tell all
 * but him. Everything is counted in ticks and requests of this replica; nothing is believed of others.
 */

import { currentPrimary, type Core, type Performance } from './core.ts'
import { RATE_REQUESTS_MIN } from './limits.ts'
import type { Slot } from './log.ts'
import { isBehind } from './peers.ts'
import type { PoolEntry } from './pool.ts'

/** How many requests must wait before the primary is blamed. */
const WITNESSES = 3
/** What a view owes in its second period, and by how much that grows in each that follows. */
const FIRST_PERCENT = 50
const PERCENT_STEP = 10

/** Returns the measurements of a replica that begins. */
export function createPerformance(): Performance {
  return {
    roundTripTicks: 1,
    backlogTick: undefined,
    periodTick: 0,
    executedCount: 0,
    servedCount: 0,
    periods: 0,
    lastServedCount: 0,
    viewBest: 0,
    formerBests: [],
    loadedRates: new Map(),
  }
}

/** Notes how long a proposal of this view took to be committed. */
export function measureRoundTrip(core: Core, slot: Slot): void {
  if (slot.accepted === undefined) return
  const { performance } = core
  const { roundTripTicks } = performance
  const found = Math.max(1, core.tick - slot.acceptedTick)
  performance.roundTripTicks = Math.max(found, roundTripTicks - Math.ceil(roundTripTicks / 8))
}

/** Begins to measure a new view. */
export function measureView(core: Core): void {
  const { performance, settings } = core
  performance.formerBests = [...performance.formerBests, performance.viewBest].slice(-settings.replicaCount)
  performance.viewBest = 0
  performance.periods = 0
  performance.lastServedCount = 0
  beginPeriod(core)
  performance.backlogTick = undefined
}

function beginPeriod(core: Core): void {
  core.performance.periodTick = core.tick
  core.performance.executedCount = 0
  core.performance.servedCount = 0
}

/** Called each tick in a view that works: tells whether its primary does too little. */
export function isTooSlow(core: Core): boolean {
  const waited = waitedTicks(core)
  const isLate = missesTurnaround(core, waited)
  const isWeak = missesRate(core, waited)
  if (!isLate && !isWeak) return false
  // A replica that is itself behind sees no proposals, whoever the primary is.
  return currentPrimary(core) !== core.self && !isBehind(core)
}

/** How long the third oldest request has waited in this view since the primary was told of it; 0 when there are fewer. */
function waitedTicks(core: Core): number {
  let count = 0
  for (const entry of core.pool.waiting()) {
    const toldTick = whenTold(entry)
    if (toldTick === undefined || ++count < WITNESSES) continue
    return core.tick - Math.max(toldTick, core.timers.viewEnteredTick)
  }
  return 0
}

/** When this replica told the primary of a request; of those that a member passes on it does so only when they have waited. */
export function whenTold({ isOwn, arrivedTick, forwardedTick }: PoolEntry): number | undefined {
  if (isOwn) return arrivedTick
  return forwardedTick > arrivedTick ? forwardedTick : undefined
}

function missesTurnaround(core: Core, waited: number): boolean {
  if (core.settings.turnaroundTicks === 0 || waited <= turnaroundLimit(core)) return false
  const mark = findMark(core)
  return mark === undefined ? mayDoMore(core) : currentRate(core) < (mark * FIRST_PERCENT) / 100
}

/** Tells whether the primary could have proposed what waits: the window has room, or he filled it with what others asked for. */
function mayDoMore(core: Core): boolean {
  return hasRoom(core) || 2 * core.performance.servedCount < core.performance.executedCount
}

function turnaroundLimit({ performance, settings }: Core): number {
  return Math.max(settings.turnaroundTicks, 4 * performance.roundTripTicks)
}

/**
 * How many of the requests that waited here are being ordered a period: in this one if it is long enough to tell, or else in the
 * last. Others do not count, or a primary with a client of its own could let everyone else wait.
 */
function currentRate(core: Core): number {
  const { performance, settings, tick } = core
  const elapsed = tick - performance.periodTick
  if (2 * elapsed < turnaroundLimit(core)) return performance.lastServedCount
  return (performance.servedCount * settings.timeoutTicks) / elapsed
}

/** Notes at the end of a view what its primary did, if requests waited for him. */
export function rateLoaded(core: Core): void {
  if (2 * waitedTicks(core) < turnaroundLimit(core)) return
  core.performance.loadedRates.set(currentPrimary(core), currentRate(core))
}

/**
 * What f + 1 members have done as primaries while requests waited, or undefined where too few were tried to tell. Faulty members
 * alone cannot set it higher than correct ones can reach. And with 2f others tried, f + 1 of them are correct if this primary is
 * not, so they cannot set it too low for him either.
 */
function findMark(core: Core): number | undefined {
  const { faultMax } = core.settings
  const primary = currentPrimary(core)
  const rates = [...core.performance.loadedRates].flatMap(([member, rate]) => (member === primary ? [] : [rate]))
  const mark = rates.sort((left, right) => right - left)[faultMax] ?? 0
  return rates.length < 2 * faultMax || mark < RATE_REQUESTS_MIN ? undefined : mark
}

/** Tells whether one more proposal would fit between the watermarks and into the window. */
function hasRoom({ executed, log, settings }: Core): boolean {
  let next = Math.max(executed, log.stable) + 1
  while (log.find(next)?.accepted !== undefined || log.find(next)?.committed !== undefined) next++
  return log.isInWindow(next) && next - executed <= settings.windowSize
}

function missesRate(core: Core, waited: number): boolean {
  const { performance, settings, tick } = core
  const isBacklog = waited > settings.batchWaitTicks + 4 * performance.roundTripTicks
  performance.backlogTick = isBacklog ? (performance.backlogTick ?? tick) : undefined
  if (tick - performance.periodTick < settings.timeoutTicks) return false
  const { executedCount, backlogTick, periodTick } = performance
  const isJudged = backlogTick !== undefined && backlogTick <= periodTick
  const misses = isJudged && executedCount < requiredCount(core)
  performance.viewBest = Math.max(performance.viewBest, executedCount)
  performance.periods += 1
  performance.lastServedCount = performance.servedCount
  beginPeriod(core)
  return misses
}

/** What this view owes in one period; nothing in its first, and nothing where too little was ever done to tell. */
function requiredCount({ performance, settings }: Core): number {
  const { viewBest, formerBests, periods } = performance
  const best = Math.max(viewBest, ...formerBests)
  if (best < RATE_REQUESTS_MIN || periods === 0) return 0
  const percent = Math.min(settings.requiredRatePercent, FIRST_PERCENT + PERCENT_STEP * (periods - 1))
  return (best * percent) / 100
}

/**
 * What a tick sets in motion: batches that are due, requests that were forgotten, and questions when nothing moves.
 *
 * The replica has no clock: the host calls `tick` at an even pace and says what time it is, which only dates proposals.
 */

import { broadcast, currentPrimary, seal, sendTo, type Core } from './core.ts'
import { isClosed } from './member-epoch.ts'
import { BACKOFF_EXPONENT_MAX, FORWARDS_PER_TICK_MAX } from './limits.ts'
import { watchView } from './new-view.ts'
import { propose } from './proposal.ts'
import { watchProgress } from './status.ts'

/** Takes a tick of the host. */
export function handleTick(core: Core, nowMs: number): void {
  core.tick += 1
  core.nowMs = nowMs
  // After the end of its epoch a replica answers, and begins nothing.
  if (isClosed(core)) return
  watchView(core)
  propose(core)
  forwardRequests(core)
  watchProgress(core)
}

/**
 * Makes requests known that wait for long: those of one's own clients to all, so that all watch the primary; those of
 * others to the primary. Again after twice as long each time in a view: where too much is asked for, everything waits, and
 * would be sent for ever. They are judged again first: what became void since it came, as by another request with its nonce, is
 * executed by no primary, and none is to blame.
 */
function forwardRequests(core: Core): void {
  const patience = Math.max(1, Math.floor(core.settings.timeoutTicks / 2))
  const primary = currentPrimary(core)
  let forwarded = 0
  for (const entry of core.pool.entries()) {
    // Later ones arrived later; what was forwarded since waits behind them only for a while.
    if (core.tick - entry.arrivedTick < patience || forwarded >= FORWARDS_PER_TICK_MAX) return
    if (core.tick - entry.forwardedTick < patience * 2 ** Math.min(entry.forwards, BACKOFF_EXPONENT_MAX)) continue
    entry.forwardedTick = core.tick
    entry.forwards += 1
    forwarded += 1
    if (!core.application.check(entry.request).ok) {
      core.pool.drop(entry.request)
      continue
    }
    const { bytes } = seal(core, { kind: 'request', body: entry.request })
    if (entry.isOwn) broadcast(core, bytes)
    else sendTo(core, primary, bytes)
  }
}

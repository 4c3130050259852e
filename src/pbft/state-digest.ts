/**
 * A digest of everything that a replica has in mind, for comparing runs and copies.
 */

import type { CborValue } from '../primitives/codec.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import type { Core } from './core.ts'
import type { Slot } from './log.ts'

/** Returns the digest of a replica's state. Cost: proportional to open slots and waiting requests. */
export function digestState(core: Core): Digest32 {
  const { settings, timers, performance } = core
  const head = core.application.head()
  const position: CborValue = [
    core.view,
    core.mode,
    core.executed,
    core.certified,
    core.log.stable,
    core.tick,
    core.nowMs ?? null,
  ]
  const flags: CborValue = [core.halted, core.recovery === undefined, core.nextMembers === undefined]
  const patience: CborValue = [timers.progressTick, timers.backoff, timers.skips, timers.lastStatusTick]
  const { roundTripTicks, backlogTick, periodTick, executedCount, servedCount, periods, lastServedCount } = performance
  const { viewBest, formerBests, loadedRates } = performance
  const speed: CborValue = [
    roundTripTicks,
    backlogTick ?? null,
    periodTick,
    executedCount,
    servedCount,
    periods,
    lastServedCount,
    viewBest,
    formerBests,
    [...loadedRates].map(([member, rate]) => [member, Math.floor(rate)]),
  ]
  const slots = core.log.slots().map(describeSlot)
  const requests = [...core.pool.entries()].map(({ request }) => request.id)
  const viewChanges = [...core.viewChanges.values()].map(({ signer, body }) => [signer, body.view])
  const state: CborValue = [position, flags, patience, speed, slots, requests, viewChanges]
  return taggedHash(
    LEDGER_TAGS.pbftState,
    settings.chainDigest,
    settings.memberEpoch,
    core.self,
    head.headerDigest,
    state,
  )
}

function describeSlot(slot: Slot): CborValue {
  const { sequence, accepted, prepared, committed } = slot
  return [
    sequence,
    accepted?.body.digest ?? null,
    [...slot.prepares.values()].map(({ signer, body }) => [signer, body.digest]),
    [...slot.commits.values()].map(({ signer, body }) => [signer, body.digest]),
    prepared === undefined ? null : [prepared.view, prepared.digest],
    committed?.digest ?? null,
  ]
}

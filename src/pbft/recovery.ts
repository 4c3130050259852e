/**
 * Recovery of a replica that has lost the memory of its votes: an empty disk under a known identity (pbft.md 1.10).
 *
 * It may have voted for anything up to L above the stable checkpoint of that time, and may not vote otherwise now. So it
 * follows silently until its stable checkpoint is 2L above the highest certified one that Q others report: one of them is
 * correct and had executed that old checkpoint. Claims without a certificate count for nothing, or a liar could stall it.
 */

import type { Core } from './core.ts'
import { encodeRecord } from './record.ts'

/** Called after each step: fixes the target when enough have answered, and ends the silence when it is reached. */
export function watchRecovery(core: Core): void {
  const { recovery, settings, log } = core
  if (recovery === undefined) return
  const needed = Math.min(settings.quorum, settings.replicaCount - 1)
  if (recovery.target === undefined && recovery.replies.size >= needed) {
    recovery.target = Math.max(log.stable, ...recovery.replies.values()) + 2 * settings.logSpan
    // A group of one has nobody to contradict.
    if (settings.replicaCount === 1) recovery.target = log.stable
  }
  if (recovery.target === undefined || log.stable < recovery.target) return
  core.recovery = undefined
  core.outbox.persist(encodeRecord({ kind: 'recovered' }))
}

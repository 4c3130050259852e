/**
 * Segments of the write-ahead log: a checkpoint record, then everything that is still open, so that what came before may go.
 */

import { toKey, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { findBatchBytes } from './batches.ts'
import type { Core } from './core.ts'
import { RECORDS_PER_SEQUENCE_MAX } from './limits.ts'
import type { Slot } from './log.ts'
import { encodeRecord, type ReplicaRecord } from './record.ts'

/** Called after each step: keeps the log short while no checkpoint does. */
export function watchLogLength(core: Core): void {
  if (core.outbox.recordCount > RECORDS_PER_SEQUENCE_MAX * (core.settings.logSpan + 1)) writeSegment(core)
}

/** Begins a new segment at the stable checkpoint. */
export function writeSegment(core: Core): void {
  const { log, checkpoint } = core
  const records: ReplicaRecord[] = [{ kind: 'checkpoint', height: log.stable, certificate: checkpoint }]
  if (core.recovery !== undefined) records.push({ kind: 'recovering' })
  if (core.newView !== undefined) {
    const viewChanges = core.newViewProof.map(({ bytes }) => bytes)
    records.push({ kind: 'new-view', message: core.newView.bytes, viewChanges })
  }
  const own = core.viewChanges.get(core.self)
  if (core.mode === 'view-change' && own !== undefined) records.push({ kind: 'view-change', message: own.bytes })
  for (const slot of log.slots()) records.push(...slotRecords(core, slot))
  core.outbox.persistSegment(records.map(encodeRecord))
}

/** What a slot still needs. Its batch is written once: a reader takes it from the first record that names it. */
function slotRecords(core: Core, slot: Slot): ReplicaRecord[] {
  const { accepted, prepared } = slot
  const written = new Set<string>()
  const once = (digest: Digest32): Bytes | null => {
    const key = toKey(digest)
    if (written.has(key)) return null
    written.add(key)
    return findBatchBytes(core, slot, digest) ?? null
  }
  const records: ReplicaRecord[] = []
  if (accepted !== undefined) {
    const { digest } = accepted.body
    if (slot.isWhole) written.add(toKey(digest))
    const prepare = slot.prepares.get(core.self)?.bytes ?? null
    records.push({ kind: 'accepted', proposal: accepted.bytes, batch: once(digest), prepare })
  }
  if (prepared !== undefined) {
    const own = slot.commits.get(core.self)
    const commit = own?.body.view === prepared.view ? own.bytes : null
    records.push({ kind: 'prepared', certificate: prepared, batch: once(prepared.digest), commit })
  }
  const entry = core.history.find(slot.sequence)
  if (entry !== undefined) {
    const { commit, headerDigest, vote } = entry
    records.push({ kind: 'executed', commit, batch: once(commit.digest), headerDigest, vote: vote ?? null })
  }
  return records
}

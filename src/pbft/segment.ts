/**
 * Segments of the write-ahead log: a checkpoint record, then everything that is still open, so that what came before may go.
 */

import { toKey } from '../primitives/bytes.ts'
import type { Core } from './core.ts'
import type { Slot } from './log.ts'
import { encodeRecord, type ReplicaRecord } from './record.ts'

/** Records in multiples of L after which a segment is due without a new checkpoint: views that fail write records too. */
const RECORDS_PER_SEQUENCE_MAX = 12

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

function slotRecords(core: Core, slot: Slot): ReplicaRecord[] {
  const { accepted, prepared } = slot
  const records: ReplicaRecord[] = []
  if (prepared !== undefined) {
    const batch = slot.batches.get(toKey(prepared.digest))?.bytes ?? null
    const own = slot.commits.get(core.self)
    const commit = own?.body.view === prepared.view ? own.bytes : null
    records.push({ kind: 'prepared', certificate: prepared, batch, commit })
  }
  if (accepted !== undefined) {
    const batch = accepted.batch === null ? (slot.batches.get(toKey(accepted.body.digest))?.bytes ?? null) : null
    const prepare = slot.prepares.get(core.self)?.bytes ?? null
    records.push({ kind: 'accepted', proposal: accepted.bytes, batch, prepare })
  }
  const entry = core.history.find(slot.sequence)
  if (entry !== undefined) {
    const { commit, headerDigest, vote, batch } = entry
    records.push({ kind: 'executed', commit, batch: batch.bytes, headerDigest, vote: vote ?? null })
  }
  return records
}

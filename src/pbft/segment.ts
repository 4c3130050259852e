/**
 * Segments of the write-ahead log: a checkpoint record, then everything that is still open, so that what came before may go.
 */

import { toHex } from '../primitives/bytes.ts'
import type { Core } from './core.ts'
import type { Slot } from './log.ts'
import { encodeRecord } from './record.ts'

/** Begins a new segment at the stable checkpoint. */
export function writeSegment(core: Core): void {
  const { log, checkpoint, outbox } = core
  outbox.persistSegment(encodeRecord({ kind: 'checkpoint', height: log.stable, certificate: checkpoint }))
  if (core.recovery !== undefined) outbox.persist(encodeRecord({ kind: 'recovering' }))
  for (const slot of log.slots()) writeSlot(core, slot)
}

function writeSlot(core: Core, slot: Slot): void {
  const { accepted, prepared } = slot
  if (prepared !== undefined) {
    const batch = slot.batches.get(toHex(prepared.digest))?.bytes ?? null
    const own = slot.commits.get(core.self)
    const commit = own?.body.view === prepared.view ? own.bytes : null
    core.outbox.persist(encodeRecord({ kind: 'prepared', certificate: prepared, batch, commit }))
  }
  if (accepted !== undefined) {
    const batch = accepted.batch === null ? (slot.batches.get(toHex(accepted.body.digest))?.bytes ?? null) : null
    const prepare = slot.prepares.get(core.self)?.bytes ?? null
    core.outbox.persist(encodeRecord({ kind: 'accepted', proposal: accepted.bytes, batch, prepare }))
  }
  const entry = core.history.find(slot.sequence)
  if (entry === undefined) return
  const { commit, headerDigest, vote } = entry
  const record = { commit, batch: entry.batch.bytes, headerDigest, vote: vote ?? null }
  core.outbox.persist(encodeRecord({ kind: 'executed', ...record }))
}

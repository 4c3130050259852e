/**
 * Finding batches: in the slot, among executed blocks, or at another replica.
 *
 * Proposals carried over by a NEW-VIEW name their batch by digest only; whoever lacks it asks, and checks the answer by hash.
 */

import { equalBytes, toKey, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { nullBatch, parseBatch, type Batch } from './batch.ts'
import { seal, sendTo, type Core } from './core.ts'
import type { Slot } from './log.ts'
import type { CommitCertificate } from './shape.ts'

/** The batch that was executed under this number, if it is the one of the digest: kept as bytes, its requests are done. */
function findExecuted(core: Core, slot: Slot, digest: Digest32): Pick<Batch, 'bytes' | 'digest'> | undefined {
  const executed = core.history.find(slot.sequence)?.batch
  return executed !== undefined && equalBytes(executed.digest, digest) ? executed : undefined
}

/** Returns the batch of a digest if it is known for this slot; one that was executed is read again. */
export function findBatch(core: Core, slot: Slot, digest: Digest32): Batch | undefined {
  const empty = nullBatch()
  if (equalBytes(empty.digest, digest)) return empty
  const held = slot.batches.get(toKey(digest))
  if (held !== undefined) return held
  const executed = findExecuted(core, slot, digest)
  const again = executed === undefined ? undefined : parseBatch(executed.bytes)
  return again?.ok === true ? again.value : undefined
}

/** Returns the bytes of a batch if it is known for this slot. */
export function findBatchBytes(core: Core, slot: Slot, digest: Digest32): Bytes | undefined {
  return (slot.batches.get(toKey(digest)) ?? findExecuted(core, slot, digest))?.bytes
}

/** Tells whether the batch of a digest is known for this slot. */
export function hasBatch(core: Core, slot: Slot, digest: Digest32): boolean {
  return equalBytes(nullBatch().digest, digest) || findBatchBytes(core, slot, digest) !== undefined
}

/** Returns a batch that this replica can serve. */
export function findServed(core: Core, digest: Digest32): Pick<Batch, 'bytes'> | undefined {
  for (const slot of core.log.slots()) {
    const bytes = findBatchBytes(core, slot, digest)
    if (bytes !== undefined) return { bytes }
  }
  return undefined
}

/** Asks a member for a batch. */
export function fetchBatch(core: Core, from: number, digest: Digest32): void {
  const request = seal(core, { kind: 'fetch', body: { what: 'batch', height: 0, index: 0, digest } })
  sendTo(core, from, request.bytes)
}

/** Asks one of those who committed a batch for it; the turn passes to another with each attempt. */
export function fetchFromHolders(core: Core, commit: CommitCertificate): void {
  const holders = commit.commits.map(({ signer }) => signer).filter((signer) => signer !== core.self)
  const holder = holders[core.fetchTurn++ % holders.length]
  if (holder !== undefined) fetchBatch(core, holder, commit.digest)
}

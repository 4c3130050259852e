/**
 * Finding batches: in the slot, among executed blocks, or at another replica.
 *
 * Proposals carried over by a NEW-VIEW name their batch by digest only; whoever lacks it asks, and checks the answer by hash.
 */

import { equalBytes, toKey } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { nullBatch, type Batch } from './batch.ts'
import { seal, sendTo, type Core } from './core.ts'
import type { Slot } from './log.ts'
import type { CommitCertificate } from './shape.ts'

/** Returns the batch of a digest if it is known for this slot. */
export function findBatch(slot: Slot, digest: Digest32): Batch | undefined {
  const empty = nullBatch()
  return equalBytes(empty.digest, digest) ? empty : slot.batches.get(toKey(digest))
}

/** Returns a batch that this replica can serve. */
export function findServed(core: Core, digest: Digest32): Pick<Batch, 'bytes'> | undefined {
  for (const slot of core.log.slots()) {
    const batch = slot.batches.get(toKey(digest)) ?? core.history.find(slot.sequence)?.batch
    if (batch !== undefined && equalBytes(batch.digest, digest)) return batch
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

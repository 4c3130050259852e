/**
 * From one set of members to the next (pbft.md 1.14).
 *
 * Each epoch has replicas of its own: a host makes new ones when the closing block is delivered, and lets the old one answer
 * for a while. What is ordered behind the closing block is never executed, by nobody, whoever proposed it: nothing of one
 * epoch reaches into the next, so that any change of members is safe.
 */

import { rejectArgument } from '../errors.ts'
import { findBatch } from './batches.ts'
import type { Batch } from './batch.ts'
import type { Member } from './certificate.ts'
import type { ReplicaConfig } from './config.ts'
import type { Core } from './core.ts'
import type { Application } from './types.ts'

/**
 * Returns the configuration of the epoch that follows a closing block.
 *
 * @param config - of the epoch that closed
 * @param closing - `height` and `nextMembers` of the delivered block
 * @throws When nothing follows: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function deriveNextConfig(
  config: ReplicaConfig,
  closing: { readonly height: number; readonly members: readonly Member[] },
): ReplicaConfig {
  const { height, members } = closing
  if (members.length === 0) rejectArgument('closing.members', 'the members of the next epoch', 'none')
  return Object.freeze({ ...config, members, memberEpoch: (config.memberEpoch ?? 0) + 1, baseHeight: height })
}

/**
 * Returns the member epoch that an encoded message says it is of, or undefined where the bytes are no message. Total.
 *
 * Cheap and unverified: it tells a host which of two replicas to ask, and that a later epoch has begun elsewhere. Nobody is
 * to blame for a message of another epoch.
 */
export function findMemberEpoch(bytes: Uint8Array): number | undefined {
  const [array = 0, kind = 0, head = 0] = bytes
  // Six elements; a small number; then an unsigned integer of at most four bytes.
  if (array !== 0x86 || kind > 0x17 || head > 0x1a) return undefined
  if (head < 0x18) return head
  const byteCount = 2 ** (head - 0x18)
  if (bytes.length < 3 + byteCount) return undefined
  return bytes.subarray(3, 3 + byteCount).reduce((number, byte) => number * 256 + byte, 0)
}

/** Tells whether the block that closes the epoch is final here: the old replica only answers from now on. */
export function isClosed(core: Core): boolean {
  return core.nextMembers !== undefined && core.certified >= core.executed
}

const closing = new WeakMap<Batch, boolean>()

/** Tells whether a batch that may close the epoch is on its way below this sequence number. */
export function awaitsClosing(core: Core, sequence: number): boolean {
  const { application, executed, log } = core
  if (application.mayCloseEpoch === undefined) return false
  for (let earlier = executed + 1; earlier < sequence; earlier++) {
    const slot = log.find(earlier)
    const digest = slot?.accepted?.body.digest ?? slot?.committed?.digest
    const batch = slot === undefined || digest === undefined ? undefined : findBatch(core, slot, digest)
    if (batch !== undefined && mayClose(application, batch)) return true
  }
  return false
}

/** A batch is asked about once, however often it is looked at while it is in flight. */
function mayClose(application: Application, batch: Batch): boolean {
  let answer = closing.get(batch)
  if (answer === undefined) {
    answer = application.mayCloseEpoch?.({ requests: batch.requests, timeMs: batch.timeMs }) === true
    closing.set(batch, answer)
  }
  return answer
}

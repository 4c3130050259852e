/** What a verified bundle rests on: the words that a verifier prints. */

import { hashMembers, type LedgerView, type MemberSet } from '../chain/index.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { deriveQuorum } from '../pbft/index.ts'

/** One set of members and the blocks that it certified. */
export interface EpochStep {
  readonly memberEpoch: number
  readonly heightFirst: number
  readonly heightLast: number
  readonly members: readonly Did[]
  readonly membersHash: Digest32
  /** Signatures that make a certificate. */
  readonly quorum: number
}

/** The newest block. */
export interface AuditHead {
  readonly height: number
  /** Digest of its header; that of the genesis at height 0. */
  readonly hash: Digest32
  readonly timeMs: number
}

/** What was relied on, and how much was checked. */
export interface Evidence {
  readonly form: 'ledger' | 'patient'
  readonly patient: Did | null
  readonly head: AuditHead
  /** The members by epoch: who trusts the result trusts that a quorum of each was honest. */
  readonly epochs: readonly EpochStep[]
  /** Blocks, or headers of blocks, that were verified. */
  readonly blockCount: number
  readonly transactionCount: number
  /** Of these, refused by the ledger. */
  readonly refusedCount: number
}

/** A view out of a verified bundle. */
export interface AuditedLedger extends LedgerView {
  readonly evidence: Evidence
}

/** Returns what is printed of an epoch. */
export function describeEpoch({ memberEpoch, heightFirst, members }: MemberSet, heightLast: number): EpochStep {
  const { quorum } = deriveQuorum(members.length)
  const dids = members.map(({ did }) => did)
  return { memberEpoch, heightFirst, heightLast, members: dids, membersHash: hashMembers(members), quorum }
}

/** Returns the epochs up to a height out of the sets of members in their order; the last may have no block yet. */
export function describeEpochs(sets: readonly MemberSet[], heightLast: number): readonly EpochStep[] {
  return sets
    .filter(({ memberEpoch, heightFirst }) => memberEpoch === 0 || heightFirst <= heightLast)
    .map((set, index) => describeEpoch(set, Math.min(heightLast, (sets[index + 1]?.heightFirst ?? Infinity) - 1)))
}

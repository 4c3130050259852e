/**
 * The contract between the replica, the application that it orders for, and the host that drives it: data only.
 */

import type { Result } from '../errors.ts'
import type { Bytes, Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import type { Aggregation } from './aggregate.ts'
import type { ProposedBatch, Request } from './batch.ts'
import type { Certificate, Member } from './certificate.ts'
import type { PeerMessage } from './message.ts'

/** What executing a batch gives. */
export interface Applied {
  /** The block, as the host stores it. */
  readonly block: Bytes
  /** What the execution certificate signs; nothing in it may depend on the view. */
  readonly headerDigest: Digest32
  readonly stateRoot: Digest32
  /**
   * Positions in the batch of requests that had no effect at all. They may be ordered again, if `check` still takes them: a
   * proposer that puts a request before what it needs must not spoil it for good.
   */
  readonly skipped?: readonly number[]
  /** Set by the block that closes the member epoch: who follows. */
  readonly nextMembers?: readonly Member[]
}

/** The members of one epoch. */
export interface MemberSet {
  /** Counts the sets, from 0. */
  readonly memberEpoch: number
  /** In the order that gives indexes. */
  readonly members: readonly Member[]
}

/** Where a state machine stands. */
export interface Head {
  /** Blocks applied; 0 before the first. */
  readonly height: number
  readonly headerDigest: Digest32
  readonly stateRoot: Digest32
  /** Who orders the next block, where the application knows it: then a replica of another epoch is refused. */
  readonly members?: MemberSet
}

/**
 * Port: the state machine being ordered. Deterministic: the same batches in the same order give the same headers on every
 * replica, whatever the machine. Nothing in it throws on what a request holds.
 */
export interface Application {
  /** Last applied block. After a restart, whatever the host rebuilt: the replica applies the rest of its log again. */
  head(): Head
  /**
   * Judges one request at the head: form, signature, that id and client are those of its bytes, and that it was not
   * executed before (its nonce is not used up). A replica that restarts knows from nowhere else what is done.
   */
  check(request: Request): Result<unknown>
  /** Judges the form of a batch at vote time, without state (execution decides nonces and quotas). */
  validate(batch: ProposedBatch): Result<unknown>
  /**
   * Tells whether a batch may close the member epoch; its proposer then proposes nothing behind it until it is executed.
   * Only a hint, which saves work: what is ordered behind the closing block is never executed.
   */
  mayCloseEpoch?(batch: ProposedBatch): boolean
  /** Executes the batch as block `height`, always the next one. Requests that state refuses are skipped or get a receipt. */
  apply(batch: ProposedBatch, height: number): Applied
  /** The state at the head, in chunks of at most 1 MiB. */
  snapshot(): Iterable<Uint8Array>
  /** Takes over a state if it is the expected one; otherwise a failure, and nothing has changed. */
  restore(chunks: Iterable<Uint8Array>, expected: Pick<Head, 'height' | 'headerDigest'>): Result<Head>
}

/** One entry of the write-ahead log; opaque to the host. */
export interface LogRecord {
  /** Counts up by one. */
  readonly index: number
  readonly bytes: Bytes
  /** Once this record, and what was delivered ahead of it, is durable, records below this index may be deleted. */
  readonly keepFrom: number
}

/** What a host tells the replica. */
export type Input =
  | { readonly kind: 'message'; readonly message: Verified<PeerMessage> }
  /** `source`: names the connection it came by, so that whoever sends forged requests is not listened to for a while. */
  | { readonly kind: 'request'; readonly request: Request; readonly source?: string }
  | { readonly kind: 'tick'; readonly nowMs: number }

/** What the replica tells its host, in order. See the duties in the opening comment of the folder. */
export type Effect =
  /** Append to the log. */
  | { readonly kind: 'persist'; readonly record: LogRecord }
  /** Send to these members, not before record `after` is durable. */
  | { readonly kind: 'send'; readonly to: readonly Did[]; readonly bytes: Bytes; readonly after: number }
  /** Block `height` is final; heights come in order, and again after a restart where `head()` had not reached them. */
  | {
      readonly kind: 'deliver'
      readonly height: number
      readonly block: Bytes
      readonly certificate: Certificate
      /** Set when this block closes the member epoch: make a new replica with these members and the next epoch. */
      readonly nextMembers: readonly Member[] | null
      readonly after: number
    }
  /** A member broke the protocol; `verifyEvidence` proves it to anyone. */
  | { readonly kind: 'evidence'; readonly accused: Did; readonly evidence: Bytes }
  /** An input had no effect: `ignored` is harmless (late, twice), `rejected` is a fault of the sender. */
  | {
      readonly kind: 'reject'
      readonly grade: 'ignored' | 'rejected'
      readonly from: Did | null
      readonly reason: string
    }
  /** This replica has stopped: its state differs from the group's. */
  | { readonly kind: 'halt'; readonly height: number; readonly reason: string }

/** What a replica is doing. */
export type ReplicaMode = 'normal' | 'view-change' | 'recovering' | 'syncing' | 'closed' | 'halted'

/** What a replica tells about itself. */
export interface ReplicaStatus {
  readonly memberEpoch: number
  readonly view: number
  readonly mode: ReplicaMode
  /** Last block with an execution certificate. */
  readonly height: number
  /** Last executed block. */
  readonly executedHeight: number
  /** Last stable checkpoint, h. */
  readonly stableHeight: number
  readonly primary: Did
  /** Requests that wait or are in flight. */
  readonly requestCount: number
  /** Votes, slots, proposals and view changes that are kept; bounded by L and n whatever peers send. */
  readonly entryCount: number
  /** Set when the group stands no fault: fewer than four replicas. */
  readonly warning: string | null
}

/** The replica: owns its state, and is a pure function of its inputs otherwise. */
export interface Replica {
  /** Takes one input. Never throws on what a peer or a client sent; throws only when an invariant of its own is broken. */
  step(input: Input): readonly Effect[]
  /**
   * Tells what a message would be worth, before its signature is checked: 0, nothing (late, known, of another view); a
   * number, with so many valid ones that say the same something is decided; Infinity, nothing yet.
   */
  needs(message: PeerMessage): number
  /** Where it stands; cheap. */
  status(): ReplicaStatus
  /**
   * Adds up the members' BLS shares of the last stable checkpoint to a certificate of constant size.
   *
   * Asked by the host after it has that block, when it has time: about 20 ms, and no commit waits for it. Undefined where
   * the replica holds no shares, as after a restart; the certificate in list form is as good.
   */
  aggregate(options: { readonly blsVerifier: BlsVerifier }): Aggregation | undefined
  /**
   * Requests that are known here and not executed, oldest first: when an epoch has closed, they go to the replica of the
   * next one.
   */
  pending(): readonly Request[]
  /** Digest of the whole state: two replicas that took the same inputs have the same one. */
  digest(): Digest32
}

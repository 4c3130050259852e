/**
 * PBFT as a library that a test can own: a replica without clock, timer, transport, storage or random source.
 *
 * Replicas of a group of n order requests `{ id, client, bytes }`; f = floor((n - 1) / 3) of them may fail in any way. The
 * roles: a client hands a request to a replica; the primary puts requests into batches and numbers them; all vote; each
 * executes what is committed on its {@link Application}, signs the header, and Q signatures make a {@link Certificate} with
 * which the block is final for anyone. The papers (HC Docchain, PS 4.2.10) name the phases; where their counts and their
 * restart of the first phase are unsafe or stand still, `docs/papers/PBFT.md` says what is done instead.
 *
 * A host drives the replica by {@link Replica.step} and owes it this:
 *
 * 1. One input at a time; the effects of one carried out, in their order, before the next.
 * 2. `persist`: append the record to the log. A record is durable when it survives loss of power. If that fails, stop: send
 *    nothing more and start again from what the disk holds.
 * 3. `send`: not before record `after` is durable. Sending to some, late, twice or never is allowed.
 * 4. `deliver`: store the block with its certificate; it is final. Not before record `after` is durable.
 * 5. Records below the `keepFrom` of a durable record may be deleted once everything delivered ahead of it is stored.
 * 6. `halt`: stop for good, keep the data. An exception out of `step` means the same.
 * 7. `tick` at an even pace (10 ms fits the defaults), with the time; nothing else is timed.
 * 8. Peers' bytes go through an inbox (`createInbox`), which hands the replica what it needs, verified, and takes requests and
 *    ticks too. What a transport claims about the sender is not needed.
 * 9. After a restart: the records that the disk holds, without a torn tail, and an application at the height of the last
 *    delivered block that is stored, or below. Where the disk is lost: an empty log. Never reuse a key with a log left out.
 * 10. `deliver` with `nextMembers` closes the member epoch: a new replica with {@link deriveNextConfig}, its requests out of
 *    {@link Replica.pending}; the old one answers for a while. Messages go to the replica of {@link findMemberEpoch}.
 *
 * What an attacker may do: run f replicas and any number of clients, see, delay, drop, repeat and forge messages. Safety
 * holds always; progress needs that messages between correct replicas arrive within some time, unknown to them. Not
 * promised: anything once more than f replicas fail; secrecy of requests; fairness between clients beyond the timeout.
 *
 * @packageDocumentation
 */

export { authenticateMessages, type Checked, type MessageErrorCode } from './authenticate.ts'
export { aggregateShares, type AggregateOptions, type Aggregation } from './aggregate.ts'
export { type Batch, type ProposedBatch, type Request } from './batch.ts'
export {
  createCertificate,
  encodeCertificate,
  parseCertificate,
  signExecution,
  signExecutionShare,
  verifyCertificate,
  type Certificate,
  type CertificateProof,
  type ExecutedBlock,
  type Member,
  type VerifyCertificateOptions,
} from './certificate.ts'
export { type ReplicaConfig } from './config.ts'
export { deriveNextConfig, findMemberEpoch } from './member-epoch.ts'
export { verifyEvidence } from './evidence.ts'
export {
  MESSAGE_KINDS,
  type ExecVote,
  type Fetch,
  type Fetched,
  type MessageBodies,
  type MessageKind,
  type MessageOf,
  type NewView,
  type NewViewEntry,
  type PeerMessage,
  type SnapshotPart,
  type Status,
  type ViewChange,
} from './message.ts'
export { createInbox, type Inbox, type InboxOptions } from './inbox.ts'
export { deriveQuorum, type Quorum } from './quorum.ts'
export type { CommitCertificate, Ordering, PreparedCertificate, SignedVote } from './shape.ts'
export { createReplica, type ReplicaOptions } from './replica.ts'
export { computeNewView, computeO, type NewViewOrder } from './view-change.ts'
export {
  type Application,
  type Applied,
  type Effect,
  type Head,
  type Input,
  type LogRecord,
  type MemberSet,
  type Replica,
  type ReplicaMode,
  type ReplicaStatus,
} from './types.ts'
export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'

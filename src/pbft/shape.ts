/**
 * Wire shapes shared by messages, certificates and records (pbft.md 1.4): counters below 2^48, digests, signatures, votes
 * and the three certificates. All are strict DAG-CBOR tuples with counted limits.
 */

import type { Digest32 } from '../primitives/hash.ts'
import { bytesOf, listOf, nullable, tuple, uint, viewOf, type Shape } from '../primitives/shape.ts'
import { SIGNATURE_BYTES, type Signature } from '../primitives/signature.ts'
import { MEMBERS_MAX, VIEW_MAX } from './limits.ts'

/** A view. */
export const viewShape: Shape<number> = uint(VIEW_MAX)
/** A sequence number, which is the height of its block; 0 is the state before the first. */
export const sequenceShape: Shape<number> = uint(VIEW_MAX)
/** The index of a member. */
export const indexShape: Shape<number> = uint(MEMBERS_MAX - 1)
/** The epoch of a member set. */
export const epochShape: Shape<number> = uint(2 ** 32 - 1)
/** 32 bytes out of a hash. */
export const digestShape = bytesOf(32) as unknown as Shape<Digest32>
/** r | s | hint. */
export const signatureShape = bytesOf(SIGNATURE_BYTES) as unknown as Shape<Signature>

/** A digest in a message or record, whose bytes the reader owns: not copied again. */
export const digestView = viewOf(32) as unknown as Shape<Digest32>
/** A signature in a message or record; see {@link digestView}. */
export const signatureView = viewOf(SIGNATURE_BYTES) as unknown as Shape<Signature>

/** What PRE-PREPARE, PREPARE and COMMIT say: in this view, this sequence number orders the batch of this digest. */
export interface Ordering {
  readonly view: number
  readonly sequence: number
  readonly digest: Digest32
}

/** One member's signature in a certificate. */
export interface SignedVote {
  readonly signer: number
  readonly signature: Signature
}

/** Proof that a quorum saw one proposal: the primary's PRE-PREPARE and Q - 1 PREPAREs of other replicas. */
export interface PreparedCertificate extends Ordering {
  readonly prePrepare: Signature
  readonly prepares: readonly SignedVote[]
}

/** Proof that a sequence number orders a batch: Q COMMITs of one view. */
export interface CommitCertificate extends Ordering {
  readonly commits: readonly SignedVote[]
}

const signedVote: Shape<SignedVote> = tuple({ signer: indexShape, signature: signatureView })
const signedVotes = listOf(signedVote, { name: 'votes', countMax: MEMBERS_MAX })

/** Body of PRE-PREPARE, PREPARE and COMMIT. */
export const orderingShape: Shape<Ordering> = tuple({ view: viewShape, sequence: sequenceShape, digest: digestView })

/** A prepared certificate. */
export const preparedShape: Shape<PreparedCertificate> = tuple({
  view: viewShape,
  sequence: sequenceShape,
  digest: digestView,
  prePrepare: signatureView,
  prepares: signedVotes,
})

/** A commit certificate. */
export const commitShape: Shape<CommitCertificate> = tuple({
  view: viewShape,
  sequence: sequenceShape,
  digest: digestView,
  commits: signedVotes,
})

/** Signatures by member index; null where a member did not sign. */
export const signatureListShape = listOf(nullable(signatureShape), { name: 'signatures', countMax: MEMBERS_MAX })

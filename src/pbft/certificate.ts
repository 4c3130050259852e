/**
 * Execution certificates: proof that a block is final, for anyone who knows the members.
 *
 * Replicas order batches; each computes the header when it executes, from the batch and the parent alone, and signs its
 * digest. Q signatures make the certificate. It holds no view: two correct replicas may commit one sequence number in
 * different views, and a proof of commits would then differ. f + 1 signatures would show correctness; Q are required, so
 * that two conflicting certificates expose at least 2Q - n members that signed both.
 *
 * What an attacker may do: leave out, repeat or foist signatures. Not promised: that the members were the right ones, which
 * the reader must know from the chain of epochs.
 */

import { rejectArgument, type Result } from '../errors.ts'
import { equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { createId, toDigest, type ChainId } from '../primitives/ids.ts'
import { constant, encodeShape, mapped, parseShape, tuple, type Shape } from '../primitives/shape.ts'
import {
  createVerifier,
  type Signature,
  type SignedDigest,
  type Signer,
  type Verifier,
} from '../primitives/signature.ts'
import { TAGS } from '../primitives/tags.ts'
import { messageLimits } from './limits.ts'
import { deriveQuorum } from './quorum.ts'
import { digestShape, epochShape, sequenceShape, signatureListShape } from './shape.ts'

/** One replica of the group, in the order that gives indexes. */
export interface Member {
  readonly did: Did
}

/** Proof that a quorum of one member epoch executed a block. */
export interface Certificate {
  readonly chainId: ChainId
  readonly memberEpoch: number
  readonly height: number
  readonly headerDigest: Digest32
  /** By member index, null where a member did not sign; as many entries as members. */
  readonly proof: { readonly kind: 'list'; readonly signatures: readonly (Signature | null)[] }
}

/** What an EXEC-VOTE signs. */
export type ExecutedBlock = Pick<Certificate, 'chainId' | 'memberEpoch' | 'height' | 'headerDigest'>

/** A certificate inside messages, records and bundles. */
export const certificateShape: Shape<Certificate> = tuple({
  chainId: mapped(digestShape, {
    parse: (digest) => createId('chain', digest),
    format: (chainId) => toDigest(chainId),
  }),
  memberEpoch: epochShape,
  height: sequenceShape,
  headerDigest: digestShape,
  proof: tuple({
    kind: mapped(constant(0), { parse: () => 'list' as const, format: () => 0 as const }),
    signatures: signatureListShape,
  }),
})

/** Returns the digest that an EXEC-VOTE signs; the same for every member, so that signatures can be aggregated. */
export function executionDigest(block: ExecutedBlock): Digest32 {
  return taggedHash(TAGS.pbftExecVote, ...executionFields(block))
}

function executionFields({ chainId, memberEpoch, height, headerDigest }: ExecutedBlock): readonly CborValue[] {
  return [toDigest(chainId), memberEpoch, height, headerDigest]
}

/** Signs an executed block as one member of its epoch. Cost: one signature. */
export function signExecution(block: ExecutedBlock, options: { readonly signer: Signer }): Signature {
  return options.signer.sign(TAGS.pbftExecVote, executionFields(block))
}

/**
 * Returns the certificate made of members' signatures.
 *
 * @param block - what they signed
 * @param votes - one signature by index; the first Q by index are taken, so that any replica makes the smallest form
 * @param memberCount - members of the epoch
 * @throws When there are fewer than Q: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createCertificate(
  block: ExecutedBlock,
  votes: ReadonlyMap<number, Signature>,
  memberCount: number,
): Certificate {
  const { quorum } = deriveQuorum(memberCount)
  const signers = [...votes.keys()].filter((index) => index < memberCount).sort((left, right) => left - right)
  if (signers.length < quorum) rejectArgument('votes', `at least ${quorum} signatures`, `${signers.length}`)
  const chosen = new Set(signers.slice(0, quorum))
  const signatures = Array.from({ length: memberCount }, (_, index) =>
    chosen.has(index) ? (votes.get(index) ?? null) : null,
  )
  const { chainId, memberEpoch, height, headerDigest } = block
  return Object.freeze({
    chainId,
    memberEpoch,
    height,
    headerDigest,
    proof: Object.freeze({ kind: 'list', signatures: Object.freeze(signatures) }),
  })
}

/** Returns the signatures of a certificate as items for a verifier, or undefined when their number cannot be right. */
export function certificateItems(
  certificate: Certificate,
  members: readonly Did[],
): readonly SignedDigest[] | undefined {
  const { signatures } = certificate.proof
  if (signatures.length !== members.length) return undefined
  const digest = executionDigest(certificate)
  const items = signatures.flatMap((signature, index) =>
    signature === null ? [] : [{ signer: members[index] as Did, digest, signature }],
  )
  return items.length >= deriveQuorum(members.length).quorum ? items : undefined
}

/**
 * Tells whether a certificate proves that a quorum of these members executed the block with this header.
 *
 * Cost: at least Q signature checks. Every signature present must hold, so that nobody can be named without having signed.
 *
 * @param certificate - as parsed; foreign values are a `false`
 * @param options - members of that epoch in order, chain id, and the digest of the header in hand
 */
export function verifyCertificate(
  certificate: Certificate,
  options: {
    readonly members: readonly Member[]
    readonly chainId: ChainId
    readonly headerDigest: Digest32
    readonly verifier?: Verifier
  },
): certificate is Verified<Certificate> {
  const { members, chainId, headerDigest, verifier = createVerifier() } = options
  try {
    if (certificate.chainId !== chainId || !equalBytes(certificate.headerDigest, headerDigest)) return false
    const items = certificateItems(
      certificate,
      members.map(({ did }) => did),
    )
    return items !== undefined && verifyAll(verifier, items)
  } catch {
    return false
  }
}

/** Tells whether all signatures hold. */
export function verifyAll(verifier: Verifier, items: readonly SignedDigest[]): boolean {
  if (verifier.verifyBatch !== undefined) return verifier.verifyBatch(items).every(Boolean)
  return items.every((item) => verifier.verify(item))
}

/**
 * Returns the canonical bytes of a certificate; with the list form 65 bytes a signature and 76 around them.
 *
 * @throws When a field does not fit: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCertificate(certificate: Certificate): Bytes {
  return encodeShape(certificate, certificateShape, { object: 'certificate', limits: messageLimits })
}

/** Reads a certificate. Total; form only, see {@link verifyCertificate}. */
export function parseCertificate(bytes: Uint8Array): Result<Certificate, CodecErrorCode> {
  return parseShape(bytes, certificateShape, { object: 'certificate', limits: messageLimits })
}

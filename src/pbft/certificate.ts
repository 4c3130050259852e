/**
 * Execution certificates: proof that a block is final, for anyone who knows the members.
 *
 * Replicas order batches; each computes the header when it executes, from the batch and the parent alone, and signs its
 * digest. Q signatures make the certificate. It holds no view: two correct replicas may commit one sequence number in
 * different views, and a proof of commits would then differ. f + 1 signatures would show correctness; Q are required, so
 * that two conflicting certificates expose at least 2Q - n members that signed both.
 *
 * The proof is a list of signatures, or, where members have BLS keys, their sum with a bitmap of who signed: constant size,
 * made off the path of ordering (`aggregate.ts`). Readers take either.
 *
 * What an attacker may do: leave out, repeat or foist signatures. Not promised: that the members were the right ones, which
 * the reader must know from the chain of epochs.
 */

import { rejectArgument, type Result } from '../errors.ts'
import type { BlsSignature, BlsSigner } from '../primitives/bls-signature.ts'
import { equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import type { CborValue, CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import type { Member } from '../primitives/member.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import {
  bytesOf,
  bytesUpTo,
  constant,
  encodeShape,
  Mismatch,
  parseShape,
  tuple,
  unknownVersion,
  type Shape,
} from '../primitives/shape.ts'
import {
  createVerifier,
  type Signature,
  type SignedDigest,
  type Signer,
  type Verifier,
} from '../primitives/signature.ts'
import { parseSignerBitmap } from '../primitives/signer-bitmap.ts'
import { LEDGER_TAGS, TAGS } from '../primitives/tags.ts'
import { MEMBERS_MAX, messageLimits } from './limits.ts'
import { deriveQuorum } from './quorum.ts'
import { digestShape, epochShape, sequenceShape, signatureListShape } from './shape.ts'

export type { Member } from '../primitives/member.ts'
export { deriveQuorum } from './quorum.ts'

/** One signature a member, or the sum of several. */
export type CertificateProof =
  /** By member index, null where a member did not sign; as many entries as members. */
  | { readonly kind: 'list'; readonly signatures: readonly (Signature | null)[] }
  /** Of constant size: a bit for each member, and the sum of the BLS signatures of those whose bit is set. */
  | { readonly kind: 'aggregate'; readonly signers: Bytes; readonly signature: Bytes }

/** Proof that a quorum of one member epoch executed a block. The chain id is signed, never sent. */
export interface Certificate {
  readonly memberEpoch: number
  readonly height: number
  readonly headerDigest: Digest32
  readonly proof: CertificateProof
}

/** What an EXEC-VOTE signs. */
export interface ExecutedBlock {
  readonly chainId: ChainId
  readonly memberEpoch: number
  readonly height: number
  readonly headerDigest: Digest32
}

const LIST = 0
const AGGREGATE = 1

const listProof = tuple({ kind: constant(LIST), signatures: signatureListShape })
const aggregateProof = tuple({
  kind: constant(AGGREGATE),
  signers: bytesUpTo(MEMBERS_MAX / 8),
  signature: bytesOf(48),
})

const proofShape: Shape<CertificateProof> = {
  read(value) {
    const kind = Array.isArray(value) ? (value[0] as CborValue) : undefined
    const isAggregate = kind === AGGREGATE
    if (typeof kind === 'number' && kind !== LIST && !isAggregate)
      return unknownVersion('proof', kind).within('kind', 0)
    const read = (isAggregate ? aggregateProof : listProof).read(value)
    if (read instanceof Mismatch) return read
    return { ...read, kind: isAggregate ? 'aggregate' : 'list' } as CertificateProof
  },
  write: (proof) =>
    proof.kind === 'aggregate'
      ? aggregateProof.write({ ...proof, kind: AGGREGATE })
      : listProof.write({ ...proof, kind: LIST }),
}

/** A certificate inside messages, records and bundles. */
export const certificateShape: Shape<Certificate> = tuple({
  memberEpoch: epochShape,
  height: sequenceShape,
  headerDigest: digestShape,
  proof: proofShape,
})

/** Returns the digest that an EXEC-VOTE signs; the same for every member, so that signatures can be aggregated. */
export function executionDigest(block: ExecutedBlock): Digest32 {
  return taggedHash(LEDGER_TAGS.pbftExecVote, ...executionFields(block))
}

function executionFields({ chainId, memberEpoch, height, headerDigest }: ExecutedBlock): readonly CborValue[] {
  return [toDigest(chainId), memberEpoch, height, headerDigest]
}

/** Signs an executed block as one member of its epoch. Cost: one signature. */
export function signExecution(block: ExecutedBlock, options: { readonly signer: Signer }): Signature {
  return options.signer.sign(LEDGER_TAGS.pbftExecVote, executionFields(block))
}

/** Signs an executed block with a member's BLS key, for an aggregate; 48 bytes. Cost: about 4 ms. */
export function signExecutionShare(block: ExecutedBlock, options: { readonly blsSigner: BlsSigner }): BlsSignature {
  return options.blsSigner.sign(TAGS.blsCertificate, executionFields(block))
}

/** Tells whether an aggregate is one of these members' BLS signatures of the block; how many they are is not judged. */
export function verifyShares(
  block: ExecutedBlock,
  proof: Extract<CertificateProof, { readonly kind: 'aggregate' }>,
  options: { readonly members: readonly Member[]; readonly blsVerifier: BlsVerifier },
): boolean {
  const { members, blsVerifier } = options
  const { signers: bitmap, signature } = proof
  return blsVerifier.verifyAggregate({
    members,
    bitmap,
    tag: TAGS.blsCertificate,
    fields: executionFields(block),
    signature,
  })
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
  const { memberEpoch, height, headerDigest } = block
  return Object.freeze({
    memberEpoch,
    height,
    headerDigest,
    proof: Object.freeze({ kind: 'list', signatures: Object.freeze(signatures) }),
  })
}

/**
 * Returns the signatures of a certificate in list form as items for a verifier, or undefined when their number cannot be
 * right or it has the other form.
 */
export function certificateItems(
  certificate: Certificate,
  group: { readonly chainId: ChainId; readonly members: readonly Did[] },
): readonly SignedDigest[] | undefined {
  const { chainId, members } = group
  const { proof } = certificate
  if (proof.kind !== 'list' || proof.signatures.length !== members.length) return undefined
  const { memberEpoch, height, headerDigest } = certificate
  const digest = executionDigest({ chainId, memberEpoch, height, headerDigest })
  const items = proof.signatures.flatMap((signature, index) =>
    signature === null ? [] : [{ signer: members[index] as Did, digest, signature }],
  )
  return items.length >= deriveQuorum(members.length).quorum ? items : undefined
}

/** How a certificate is verified. */
export interface VerifyCertificateOptions {
  /** Members of its epoch, in order. */
  readonly members: readonly Member[]
  readonly chainId: ChainId
  /** Digest of the header in hand. */
  readonly headerDigest: Digest32
  readonly verifier?: Verifier
  /** Needed for the aggregate form: `createBlsVerifier` of `vitalseal/primitives`. */
  readonly blsVerifier?: BlsVerifier | undefined
}

/**
 * Tells whether a certificate proves that a quorum of these members executed the block with this header.
 *
 * Takes either form. Cost: of a list at least Q signature checks, of an aggregate about 16 ms. Every signature present must
 * hold, so that nobody can be named without having signed.
 *
 * @param certificate - as parsed; foreign values are a `false`
 * @param options - members of that epoch in order, chain id, the digest of the header in hand, and the verifiers
 */
export function verifyCertificate(
  certificate: Certificate,
  options: VerifyCertificateOptions,
): certificate is Verified<Certificate> {
  try {
    if (!equalBytes(certificate.headerDigest, options.headerDigest)) return false
    return certificate.proof.kind === 'aggregate'
      ? verifyAggregateForm(certificate, options)
      : verifyListForm(certificate, options)
  } catch {
    return false
  }
}

function verifyListForm(certificate: Certificate, options: VerifyCertificateOptions): boolean {
  const { members, chainId, verifier = createVerifier() } = options
  const items = certificateItems(certificate, { chainId, members: members.map(({ did }) => did) })
  return items !== undefined && verifyAll(verifier, items)
}

function verifyAggregateForm(certificate: Certificate, options: VerifyCertificateOptions): boolean {
  const { members, chainId, blsVerifier } = options
  const { proof, memberEpoch, height, headerDigest } = certificate
  if (blsVerifier === undefined || proof.kind !== 'aggregate') return false
  const signers = parseSignerBitmap(proof.signers, members.length)
  if (!signers.ok || signers.value.length < deriveQuorum(members.length).quorum) return false
  return verifyShares({ chainId, memberEpoch, height, headerDigest }, proof, { members, blsVerifier })
}

/** Tells whether all signatures hold. */
export function verifyAll(verifier: Verifier, items: readonly SignedDigest[]): boolean {
  if (verifier.verifyBatch !== undefined) return verifier.verifyBatch(items).every(Boolean)
  return items.every((item) => verifier.verify(item))
}

/**
 * Returns the canonical bytes of a certificate: in list form 67 bytes a signature and about 45 around them; as an aggregate
 * at most 112 bytes for 31 members.
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

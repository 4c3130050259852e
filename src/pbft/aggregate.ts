/**
 * Certificates of constant size: BLS signatures of a quorum, added up (pbft.md 1.13).
 *
 * Nothing of this stands between a proposal and its commit: members add a share to their EXEC-VOTE of a checkpoint, and the
 * sum is made when the host asks. The sum is verified at once; only when it fails is it halved until whoever spoiled it is
 * found, so that f faulty members cost a logarithm and no certificate.
 */

import { encodeSignerBitmap } from '../primitives/signer-bitmap.ts'
import type { Member } from '../primitives/member.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import { verifyShares, type Certificate, type CertificateProof, type ExecutedBlock } from './certificate.ts'
import { deriveQuorum } from './quorum.ts'

type AggregateProof = Extract<CertificateProof, { readonly kind: 'aggregate' }>

/** What comes of adding up shares. */
export interface Aggregation {
  /** Undefined where fewer than Q shares hold. */
  readonly certificate: Certificate | undefined
  /** Members whose share does not hold, or who have no BLS key; only as many as were looked at. */
  readonly invalid: readonly number[]
}

/** The group that signed, and who checks. */
export interface AggregateOptions {
  /** Members of the epoch, in order. */
  readonly members: readonly Member[]
  /** `createBlsVerifier` of `vitalseal/primitives`. */
  readonly blsVerifier: BlsVerifier
}

/**
 * Returns the certificate of constant size that members' shares make.
 *
 * Cost: about 16 ms and 0.8 ms a share where all hold; for each one that does not, about 16 ms for each halving.
 *
 * @param block - what they signed
 * @param shares - 48 bytes by member index, as `signExecutionShare` makes them; foreign
 */
export function aggregateShares(
  block: ExecutedBlock,
  shares: ReadonlyMap<number, Uint8Array>,
  options: AggregateOptions,
): Aggregation {
  const { members } = options
  const { quorum } = deriveQuorum(members.length)
  const candidates = [...shares.keys()].filter((index) => index < members.length).sort((left, right) => left - right)
  const holding = new Set(candidates)
  const invalid: number[] = []
  for (;;) {
    const chosen = [...holding].slice(0, quorum)
    if (chosen.length < quorum) return { certificate: undefined, invalid }
    const proof = addUp(chosen, shares, options)
    if (proof !== undefined && verifyShares(block, proof, options)) {
      const { memberEpoch, height, headerDigest } = block
      return { certificate: Object.freeze({ memberEpoch, height, headerDigest, proof }), invalid }
    }
    for (const index of findInvalid(block, chosen, shares, options)) {
      holding.delete(index)
      invalid.push(index)
    }
  }
}

function addUp(
  indexes: readonly number[],
  shares: ReadonlyMap<number, Uint8Array>,
  { members, blsVerifier }: AggregateOptions,
): AggregateProof | undefined {
  const signature = blsVerifier.aggregate(indexes.map((index) => shares.get(index) as Uint8Array))
  if (signature === undefined) return undefined
  return Object.freeze({ kind: 'aggregate', signers: encodeSignerBitmap(indexes, members.length), signature })
}

/**
 * Halves a set whose sum does not hold, until single shares stand alone. Two halves may hold although their sum did not
 * only if a sum was the identity; then each share is judged by itself, so that the set always shrinks.
 */
function findInvalid(
  block: ExecutedBlock,
  indexes: readonly number[],
  shares: ReadonlyMap<number, Uint8Array>,
  options: AggregateOptions,
): readonly number[] {
  if (indexes.length === 1) return indexes
  const middle = Math.ceil(indexes.length / 2)
  const halves = [indexes.slice(0, middle), indexes.slice(middle)]
  const found = halves.flatMap((half) => {
    const proof = addUp(half, shares, options)
    const isValid = proof !== undefined && verifyShares(block, proof, options)
    return isValid ? [] : findInvalid(block, half, shares, options)
  })
  return found.length > 0 ? found : indexes
}

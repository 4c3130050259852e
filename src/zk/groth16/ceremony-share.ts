/**
 * Contributions to a ceremony: each multiplies a secret that nobody knows by a factor of its own, and proves that it knows
 * the factor. If one contributor of several forgets his factor, nobody ever knows the secret.
 *
 * The proof is one of Schnorr over everything that came before, so a contribution cannot be chosen to cancel an earlier one,
 * and cannot be moved to another place or ceremony.
 *
 * @see Bowe, Gabizon, Miers, "Scalable multi-party computation for zk-SNARK parameters in the random beacon model", 2017/1050
 */

import { generatorOfG1, generatorOfG2 } from '../../primitives/bls12-381-group.ts'
import { encodeG1, encodeG2, parseG1, parseG2, type G1Point, type G2Point } from '../../primitives/bls12-381.ts'
import type { Bytes } from '../../primitives/bytes.ts'
import { taggedHash, type Digest32 } from '../../primitives/hash.ts'
import { randomBytes } from '../../primitives/random.ts'
import { bytesOf, tuple, type Shape } from '../../primitives/shape.ts'
import { ZK_TAGS } from '../../primitives/tags.ts'
import { digestToField, drawField, encodeField, FIELD_ORDER, parseField, type FieldElement } from '../field.ts'
import { isSameTarget, multiplyPairings, prepareG2 } from './pairing.ts'

/** The secrets that are shared. */
export type CeremonySecret = 'tau' | 'alpha' | 'beta' | 'delta'

/** One factor of one secret, in bytes. */
export interface Share {
  /** The secret after it, in G1: 48 bytes. */
  readonly result: Bytes
  /** The factor in G1, 48 bytes. */
  readonly first: Bytes
  /** The factor in G2, 96 bytes. */
  readonly second: Bytes
  /** Schnorr's commitment, 48 bytes. */
  readonly commitment: Bytes
  /** Schnorr's response, 32 bytes. */
  readonly response: Bytes
}

/** A share on the wire. */
export const shareShape: Shape<Share> = tuple({
  result: bytesOf(48),
  first: bytesOf(48),
  second: bytesOf(96),
  commitment: bytesOf(48),
  response: bytesOf(32),
})

interface Statement {
  readonly secret: CeremonySecret
  /** Digest of everything before this contribution. */
  readonly transcript: Digest32
}

function challengeOf({ secret, transcript }: Statement, share: Omit<Share, 'response'>): FieldElement {
  const { result, first, second, commitment } = share
  return digestToField(taggedHash(ZK_TAGS.zkCeremony, 'share', secret, transcript, result, first, second, commitment))
}

/** Makes the share of a factor; the factor stays with the caller. */
export function createShare(statement: Statement, previous: G1Point, factor: FieldElement): Share {
  const nonce = drawField(randomBytes)
  const [g1, g2] = [generatorOfG1(), generatorOfG2()]
  const share = {
    result: encodeG1(previous.multiply(factor) as G1Point),
    first: encodeG1(g1.multiply(factor) as G1Point),
    second: encodeG2(g2.multiply(factor) as G2Point),
    commitment: encodeG1(g1.multiply(nonce) as G1Point),
  }
  const response = (nonce + challengeOf(statement, share) * factor) % FIELD_ORDER
  return { ...share, response: encodeField(response) }
}

/** e(left, g2) = e(previous, second). */
function isRatio(left: G1Point, previous: G1Point, second: G2Point): boolean {
  return isSameTarget(
    multiplyPairings([[left, prepareG2(generatorOfG2())]]),
    multiplyPairings([[previous, prepareG2(second)]]),
  )
}

/**
 * Returns the secret after a share; undefined where the share does not follow from the secret before, or is not proved, or
 * changes nothing.
 */
export function followShare(statement: Statement, previous: G1Point, share: Share): G1Point | undefined {
  const [result, first, commitment] = [share.result, share.first, share.commitment].map(parseG1)
  const second = parseG2(share.second)
  const response = parseField(share.response)
  if (result?.ok !== true || first?.ok !== true || commitment?.ok !== true || !second.ok || !response.ok)
    return undefined
  const g1 = generatorOfG1()
  if (first.value.equals(g1) || response.value === 0n) return undefined
  const challenge = challengeOf(statement, share)
  const isKnown = g1.multiplyUnsafe(response.value).equals(commitment.value.add(first.value.multiplyUnsafe(challenge)))
  if (!isKnown || !isRatio(first.value, g1, second.value)) return undefined
  return isRatio(result.value, previous, second.value) ? result.value : undefined
}

/** Returns the digest of the transcript after a contribution. */
export function extendTranscript(before: Digest32, contribution: Uint8Array): Digest32 {
  return taggedHash(ZK_TAGS.zkCeremony, 'contribution', before, contribution)
}

/** Returns the digest with which the transcript of a circuit begins. */
export function beginTranscript(circuit: Bytes): Digest32 {
  return taggedHash(ZK_TAGS.zkCeremony, 'begin', circuit)
}

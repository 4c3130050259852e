/**
 * Merkle trees of RFC 6962: one root for a list, and the verification of what is claimed about it.
 *
 * Leaf = SHA-256(00 | data), node = SHA-256(01 | left | right), split at the largest power of two below the count, empty
 * tree = SHA-256 of nothing. The last node is never doubled to fill a level: with doubling, [a, b, c] and [a, b, c, c] have
 * one root, so that a valid block can be made to look invalid (CVE-2012-2459).
 *
 * A prover may choose everything but the roots. Counts must come from where the root comes from (a header): a proof says
 * nothing about a tree whose size the prover chose. This file verifies; `merkle-tree.ts` proves.
 *
 * @see RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2 for the verification
 */

import { rejectArgument } from '../errors.ts'
import { copyBytes, equalBytes } from './bytes.ts'
import { sha256, type Digest32 } from './hash.ts'
import { HASH_BYTES, NODE_PREFIX, hashLeafData, hashPairInto } from './tree-hash.ts'

/** Returns the hash of one leaf: SHA-256(00 | data). */
export function hashMerkleLeaf(data: Uint8Array): Digest32 {
  return hashLeafData(data)
}

/** Returns the hash of an inner node: SHA-256(01 | left | right). */
export function hashMerkleNode(left: Uint8Array, right: Uint8Array): Digest32 {
  const hash = new Uint8Array(HASH_BYTES)
  const slot = (bytes: Uint8Array): { readonly bytes: Uint8Array; readonly offset: 0 } => ({ bytes, offset: 0 })
  hashPairInto(NODE_PREFIX, slot(left), slot(right), slot(hash))
  return hash as Digest32
}

/**
 * Returns the root of a list of leaf hashes.
 *
 * Cost: one hash for each leaf but one, and memory for one hash per level.
 *
 * @param leafHashes - from {@link hashMerkleLeaf}, in order
 * @throws When a leaf hash is not 32 bytes: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashMerkleTree(leafHashes: Iterable<Uint8Array>): Digest32 {
  const accumulator = createMerkleAccumulator()
  for (const leafHash of leafHashes) accumulator.append(leafHash)
  return accumulator.root()
}

/** The root of a growing list, without the list: one hash for each bit of the count that is set (a compact range). */
export interface MerkleAccumulator {
  /** How many leaves were appended. */
  readonly count: number
  /** Roots of the complete subtrees, the largest first: with `count`, all there is to keep. */
  peaks(): readonly Digest32[]
  /** Adds a leaf hash at the end; one hash on average. */
  append(leafHash: Uint8Array): void
  /** The root of everything appended so far; a hash for each peak but one. */
  root(): Digest32
}

/**
 * Creates an accumulator, empty or continued from what another one kept.
 *
 * Who continues from peaks that came from outside compares `root()` with a trusted root first.
 *
 * @throws When the peaks do not fit the count: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createMerkleAccumulator(
  from: { readonly count: number; readonly peaks: readonly Uint8Array[] } = { count: 0, peaks: [] },
): MerkleAccumulator {
  let count = from.count
  if (!isCount(count)) rejectArgument('count', 'an integer from 0', String(count))
  if (from.peaks.length !== countOnes(count))
    rejectArgument('peaks', `${countOnes(count)} hashes`, `${from.peaks.length}`)
  const peaks = from.peaks.map((peak) => copyHash(peak, 'peaks'))
  return {
    get count() {
      return count
    },
    peaks: () => peaks.map((peak) => copyBytes(peak) as Digest32),
    append(leafHash) {
      let hash = copyHash(leafHash, 'leafHash')
      // Appending is adding one in binary: each trailing one of the count is a peak that the carry swallows.
      for (let rest = count; rest % 2 === 1; rest = Math.floor(rest / 2))
        hash = hashMerkleNode(peaks.pop() as Digest32, hash)
      peaks.push(hash)
      count++
    },
    root() {
      const last = peaks.at(-1)
      if (last === undefined) return sha256(new Uint8Array(0))
      return peaks.slice(0, -1).reduceRight((right, left) => hashMerkleNode(left, right), copyBytes(last) as Digest32)
    },
  }
}

/**
 * Tells whether a leaf stands at an index of the tree with this root. Total.
 *
 * @param claim - `root` and `count` from a trusted place, `index` from 0, `leafHash` computed by the verifier with
 *   {@link hashMerkleLeaf}, `proof` the siblings from the leaf upwards
 * @see RFC 9162 section 2.1.3.2
 */
export function verifyInclusion(claim: {
  readonly root: Uint8Array
  readonly count: number
  readonly index: number
  readonly leafHash: Uint8Array
  readonly proof: readonly Uint8Array[]
}): boolean {
  const { root, count, index, leafHash, proof } = claim
  if (!isCount(count) || !isCount(index) || index >= count) return false
  if (!isHash(root) || !isHash(leafHash) || !isHashList(proof)) return false
  const climb = new Climb(index, count)
  let hash = leafHash
  for (const sibling of proof) {
    const side = climb.step()
    if (side === 'none') return false
    hash = side === 'left' ? hashMerkleNode(sibling, hash) : hashMerkleNode(hash, sibling)
  }
  return climb.isDone() && equalBytes(hash, root)
}

/** The root of a tree and the number of its leaves. */
export interface MerkleHead {
  readonly root: Uint8Array
  readonly count: number
}

/**
 * Tells whether the later tree holds the leaves of the earlier one, unchanged and in front. Total.
 *
 * As in the standards an earlier count of 0 is refused: every list continues the empty one, and no proof could add to it.
 *
 * @param claim - two heads from trusted places and the `proof` between them
 * @see RFC 9162 section 2.1.4.2
 */
export function verifyConsistency(claim: {
  readonly earlier: MerkleHead
  readonly later: MerkleHead
  readonly proof: readonly Uint8Array[]
}): boolean {
  const { earlier, later, proof } = claim
  if (!isCount(earlier.count) || !isCount(later.count) || earlier.count < 1 || earlier.count > later.count) return false
  if (!isHash(earlier.root) || !isHash(later.root) || !isHashList(proof)) return false
  if (earlier.count === later.count) return proof.length === 0 && equalBytes(earlier.root, later.root)
  const climb = new Climb(earlier.count - 1, later.count)
  climb.skipCompleted()
  // A complete earlier tree is a node of the later one and is not sent; otherwise the first hash is such a node.
  const [start, ...siblings] = isPowerOfTwo(earlier.count) ? [earlier.root, ...proof] : proof
  if (start === undefined) return false
  let earlierHash = start
  let laterHash = start
  for (const sibling of siblings) {
    const side = climb.step()
    if (side === 'none') return false
    if (side === 'left') earlierHash = hashMerkleNode(sibling, earlierHash)
    laterHash = side === 'left' ? hashMerkleNode(sibling, laterHash) : hashMerkleNode(laterHash, sibling)
  }
  return climb.isDone() && equalBytes(earlierHash, earlier.root) && equalBytes(laterHash, later.root)
}

/** The way from a node to the root: `fn` and `sn` of RFC 9162. Divisions, since counts may exceed 32 bits. */
class Climb {
  #index: number
  #last: number

  constructor(index: number, count: number) {
    this.#index = index
    this.#last = count - 1
  }

  #up(): void {
    this.#index = Math.floor(this.#index / 2)
    this.#last = Math.floor(this.#last / 2)
  }

  /** Leaves the levels at which the node ends a complete subtree: the earlier tree has the same node there. */
  skipCompleted(): void {
    while (this.#index % 2 === 1) this.#up()
  }

  /** Says on which side the next sibling stands, and goes up; a node without sibling rises until it has one. */
  step(): 'left' | 'right' | 'none' {
    if (this.#last === 0) return 'none'
    const isRight = this.#index % 2 === 1
    const isLast = this.#index === this.#last
    if (isLast && !isRight) while (this.#index % 2 === 0 && this.#index !== 0) this.#up()
    this.#up()
    return isRight || isLast ? 'left' : 'right'
  }

  /** Whether the root is reached. */
  isDone(): boolean {
    return this.#last === 0
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

function isHashList(value: unknown): value is readonly Uint8Array[] {
  // Spread first: `every` would pass over the holes of a sparse array.
  return Array.isArray(value) && [...(value as readonly unknown[])].every(isHash)
}

function isPowerOfTwo(count: number): boolean {
  return countOnes(count) === 1
}

function countOnes(count: number): number {
  let ones = 0
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

function copyHash(hash: Uint8Array, argument: string): Digest32 {
  if (!isHash(hash)) rejectArgument(argument, `${HASH_BYTES} bytes`, 'another length')
  return copyBytes(hash) as Digest32
}

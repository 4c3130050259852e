/**
 * Proofs about the Merkle trees of `merkle.ts`: a list that grows, and what its owner can show of it.
 *
 * The tree keeps every complete node, 64 bytes for a leaf in two flat arrays per level, so that a proof takes a few
 * hashes whatever the size. It answers for each earlier size too: a header of height h commits to the first h leaves only.
 *
 * @see RFC 6962 sections 2.1.1 and 2.1.2
 */

import { rejectArgument } from '../errors.ts'
import type { Bytes } from './bytes.ts'
import { sha256, type Digest32 } from './hash.ts'
import { hashMerkleNode } from './merkle.ts'
import { HASH_BYTES, NODE_PREFIX, hashPairInto } from './tree-hash.ts'

/** An append-only Merkle tree that can prove. */
export interface MerkleTree {
  /** How many leaves it has. */
  readonly count: number
  /** Adds a leaf hash at the end; one hash on average. */
  append(leafHash: Uint8Array): void
  /** The root of the first `count` leaves (default: all). */
  root(count?: number): Digest32
  /** The siblings of leaf `index` in the tree of the first `count` leaves (default: all), from the leaf upwards. */
  proveInclusion(of: { readonly index: number; readonly count?: number }): readonly Bytes[]
  /** Shows that the first `laterCount` leaves (default: all) begin with the first `earlierCount`, which is at least 1. */
  proveConsistency(of: { readonly earlierCount: number; readonly laterCount?: number }): readonly Bytes[]
}

/** Hashes of one level in one array that doubles. */
class Level {
  bytes = new Uint8Array(8 * HASH_BYTES)
  count = 0

  /** Makes room for one more hash and returns where it goes; `bytes` may be another array afterwards. */
  reserve(): number {
    const offset = this.count++ * HASH_BYTES
    if (offset === this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    return offset
  }

  at(index: number): Bytes {
    return this.bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  }
}

class StoredTree implements MerkleTree {
  readonly #levels: Level[] = [new Level()]

  get count(): number {
    return this.#level(0).count
  }

  append(leafHash: Uint8Array): void {
    if (!(leafHash instanceof Uint8Array) || leafHash.length !== HASH_BYTES) {
      rejectArgument('leafHash', `${HASH_BYTES} bytes`, 'another length')
    }
    const leaves = this.#level(0)
    const offset = leaves.reserve()
    leaves.bytes.set(leafHash, offset)
    for (let height = 0; this.#level(height).count % 2 === 0; height++) this.#join(height)
  }

  root(count: number = this.count): Digest32 {
    this.#assertCount('count', count, 0, this.count)
    return (count === 0 ? sha256(new Uint8Array(0)) : this.#hashRange(0, count)) as Digest32
  }

  proveInclusion(of: { readonly index: number; readonly count?: number }): readonly Bytes[] {
    const count = of.count ?? this.count
    this.#assertCount('count', count, 1, this.count)
    this.#assertCount('index', of.index, 0, count - 1)
    return this.#descend(count, (start, split) => (of.index < start + split ? 'left' : 'right')).siblings.toReversed()
  }

  proveConsistency(of: { readonly earlierCount: number; readonly laterCount?: number }): readonly Bytes[] {
    const { earlierCount, laterCount = this.count } = of
    this.#assertCount('laterCount', laterCount, 1, this.count)
    this.#assertCount('earlierCount', earlierCount, 1, laterCount)
    // SUBPROOF of RFC 6962: follow the right edge of the earlier tree until a node of the later one ends there.
    const { siblings, start, size } = this.#descend(laterCount, (from, split, width) => {
      if (from + width === earlierCount) return 'stop'
      return earlierCount <= from + split ? 'left' : 'right'
    })
    // The verifier has the earlier root: the node is sent only where it is not that root.
    if (start > 0) siblings.push(this.#hashRange(start, size))
    return siblings.toReversed()
  }

  /** Goes down from the root of the first `count` leaves and notes what it turns away from. */
  #descend(
    count: number,
    turn: (start: number, split: number, size: number) => 'left' | 'right' | 'stop',
  ): { readonly siblings: Bytes[]; readonly start: number; readonly size: number } {
    const siblings: Bytes[] = []
    let start = 0
    let size = count
    while (size > 1) {
      const split = largestPowerOfTwoBelow(size)
      const way = turn(start, split, size)
      if (way === 'stop') break
      siblings.push(way === 'left' ? this.#hashRange(start + split, size - split) : this.#hashRange(start, split))
      start += way === 'left' ? 0 : split
      size = way === 'left' ? split : size - split
    }
    return { siblings, start, size }
  }

  /** The hash of the subtree over `size` leaves from `start`; stored when it is complete. */
  #hashRange(start: number, size: number): Bytes {
    const height = Math.log2(size)
    if (Number.isInteger(height)) return this.#level(height).at(start / size)
    const split = largestPowerOfTwoBelow(size)
    return hashMerkleNode(this.#hashRange(start, split), this.#hashRange(start + split, size - split))
  }

  /** Writes the parent of the last two hashes of a level. */
  #join(height: number): void {
    const children = this.#level(height)
    if (this.#levels.length === height + 1) this.#levels.push(new Level())
    const parents = this.#level(height + 1)
    const offset = parents.reserve()
    const right = (children.count - 1) * HASH_BYTES
    const { bytes } = children
    const target = { bytes: parents.bytes, offset }
    hashPairInto(NODE_PREFIX, { bytes, offset: right - HASH_BYTES }, { bytes, offset: right }, target)
  }

  #level(height: number): Level {
    return this.#levels[height] as Level
  }

  #assertCount(argument: string, value: number, min: number, max: number): void {
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      rejectArgument(argument, `an integer from ${min} to ${max}`, String(value))
    }
  }
}

/** `k` of RFC 6962: the largest power of two smaller than a size of at least 2. */
function largestPowerOfTwoBelow(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/**
 * Creates a tree over leaf hashes, to which more can be appended.
 *
 * Cost: one hash for each leaf; 64 to 128 bytes of memory for each.
 *
 * @param leafHashes - from `hashMerkleLeaf`, in order
 * @throws When a leaf hash is not 32 bytes: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createMerkleTree(leafHashes: Iterable<Uint8Array> = []): MerkleTree {
  const tree = new StoredTree()
  for (const leafHash of leafHashes) tree.append(leafHash)
  return tree
}

/**
 * Returns the inclusion proof of one leaf, for those who keep no tree: the siblings from the leaf upwards.
 *
 * Cost: one hash for each leaf. For several proofs of one list see {@link createMerkleTree}.
 *
 * @throws When the index is outside of the list or a hash is not 32 bytes: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createInclusionProof(of: {
  readonly leafHashes: Iterable<Uint8Array>
  readonly index: number
}): readonly Bytes[] {
  return createMerkleTree(of.leafHashes).proveInclusion({ index: of.index })
}

/**
 * Returns the proof that a list begins with its first `earlierCount` leaves, for those who keep no tree.
 *
 * Cost: one hash for each leaf.
 *
 * @throws When `earlierCount` is 0 or exceeds the list, or a hash is not 32 bytes: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createConsistencyProof(of: {
  readonly leafHashes: Iterable<Uint8Array>
  readonly earlierCount: number
}): readonly Bytes[] {
  return createMerkleTree(of.leafHashes).proveConsistency({ earlierCount: of.earlierCount })
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { toHex } from '../../src/primitives/bytes.ts'
import {
  createMerkleAccumulator,
  hashMerkleLeaf,
  hashMerkleNode,
  hashMerkleTree,
  verifyConsistency,
  verifyInclusion,
} from '../../src/primitives/merkle.ts'
import { createMerkleTree } from '../../src/primitives/merkle-tree.ts'
import { propertyRuns } from '../support/property.ts'

const COUNT_MAX = 40
const leafHashes = Array.from({ length: COUNT_MAX }, (_, index) => hashMerkleLeaf(Uint8Array.of(index)))
const tree = createMerkleTree(leafHashes)

/** The definition of RFC 6962 2.1, word for word. */
function slowRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hashMerkleTree([])
  if (leaves.length === 1) return leaves[0] as Uint8Array
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return hashMerkleNode(slowRoot(leaves.slice(0, split)), slowRoot(leaves.slice(split)))
}

/** Every (earlier, later) pair and every (index, count) pair is small enough to be tried. */
describe('for every size up to 40', () => {
  it('root, tree and accumulator agree with the definition', () => {
    const accumulator = createMerkleAccumulator()
    for (let count = 0; count <= COUNT_MAX; count++) {
      const expected = toHex(slowRoot(leafHashes.slice(0, count)))
      expect(toHex(tree.root(count))).toBe(expected)
      expect(toHex(accumulator.root())).toBe(expected)
      const continued = createMerkleAccumulator({ count, peaks: accumulator.peaks() })
      expect(toHex(continued.root())).toBe(expected)
      if (count < COUNT_MAX) accumulator.append(leafHashes[count] as Uint8Array)
    }
  })

  it('each leaf has a proof, which holds for no other index', () => {
    for (let count = 1; count <= COUNT_MAX; count++) {
      const root = tree.root(count)
      for (let index = 0; index < count; index++) {
        const claim = {
          root,
          count,
          leafHash: leafHashes[index] as Uint8Array,
          proof: tree.proveInclusion({ index, count }),
        }
        for (let other = 0; other < count; other++) {
          expect(verifyInclusion({ ...claim, index: other }), `${other} of ${count}`).toBe(other === index)
        }
      }
    }
  })

  it('each size has a consistency proof to each later one, which holds for no other earlier size', () => {
    for (let laterCount = 1; laterCount <= COUNT_MAX; laterCount++) {
      const later = { root: tree.root(laterCount), count: laterCount }
      for (let count = 1; count <= laterCount; count++) {
        const earlier = { root: tree.root(count), count }
        const proof = tree.proveConsistency({ earlierCount: count, laterCount })
        expect(verifyConsistency({ earlier, later, proof }), `${count} to ${laterCount}`).toBe(true)
        for (const other of [count - 1, count + 1]) {
          expect(
            verifyConsistency({ earlier: { ...earlier, count: other }, later, proof }),
            `${other} to ${laterCount}`,
          ).toBe(false)
        }
      }
    }
  })
})

/** Changes one bit of one hash, or drops, doubles or swaps hashes; undefined where that changes nothing. */
function spoil(proof: readonly Uint8Array[], how: { kind: number; at: number; bit: number }): Uint8Array[] | undefined {
  const copy = proof.map((hash) => Uint8Array.from(hash))
  const at = how.at % Math.max(1, copy.length)
  const hash = copy[at]
  if (hash === undefined) return [new Uint8Array(32)]
  if (how.kind === 0) hash[how.bit >> 3] = (hash[how.bit >> 3] as number) ^ (1 << (how.bit & 7))
  else if (how.kind === 1) copy.splice(at, 1)
  else if (how.kind === 2) copy.splice(at, 0, hash)
  else if (copy.length < 2) return undefined
  else copy.reverse()
  return copy
}

const change = fc.record({ kind: fc.nat(3), at: fc.nat(8), bit: fc.nat(255) })
const sizes = fc.tuple(fc.integer({ min: 1, max: COUNT_MAX }), fc.integer({ min: 1, max: COUNT_MAX }))

describe('a changed proof', () => {
  it('of inclusion is refused', () => {
    fc.assert(
      fc.property(sizes, change, ([a, b], how) => {
        const [index, count] = [Math.min(a, b) - 1, Math.max(a, b)]
        const proof = spoil(tree.proveInclusion({ index, count }), how)
        if (proof === undefined) return
        const leafHash = leafHashes[index] as Uint8Array
        expect(verifyInclusion({ root: tree.root(count), count, index, leafHash, proof })).toBe(false)
      }),
      propertyRuns(500),
    )
  })

  it('of consistency is refused', () => {
    fc.assert(
      fc.property(sizes, change, ([a, b], how) => {
        const [count, laterCount] = [Math.min(a, b), Math.max(a, b)]
        const proof = spoil(tree.proveConsistency({ earlierCount: count, laterCount }), how)
        if (proof === undefined) return
        const earlier = { root: tree.root(count), count }
        const later = { root: tree.root(laterCount), count: laterCount }
        expect(verifyConsistency({ earlier, later, proof })).toBe(false)
      }),
      propertyRuns(500),
    )
  })

  it('a changed list gives another root', () => {
    fc.assert(
      fc.property(fc.nat(COUNT_MAX - 1), fc.nat(COUNT_MAX - 1), fc.nat(2), (at, to, kind) => {
        const list: Uint8Array[] = [...leafHashes]
        const [moved] = list.splice(at, 1) as [Uint8Array]
        if (kind === 0) list.splice(to, 0, moved)
        if (kind === 1) list.splice(at, 0, moved, moved)
        const isSame = kind === 0 && at === to
        expect(toHex(hashMerkleTree(list)) === toHex(tree.root())).toBe(isSame)
      }),
      propertyRuns(),
    )
  })
})

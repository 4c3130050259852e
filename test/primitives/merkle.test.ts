import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import type { Digest32 } from '../../src/primitives/hash.ts'
import {
  createMerkleAccumulator,
  hashMerkleLeaf,
  hashMerkleNode,
  hashMerkleTree,
  verifyConsistency,
  verifyInclusion,
} from '../../src/primitives/merkle.ts'
import { createConsistencyProof, createInclusionProof, createMerkleTree } from '../../src/primitives/merkle-tree.ts'
import { describeVectors } from '../support/vectors.ts'
import { leaves, proofsOfSevenLeaves, roots } from '../vectors/merkle/known-answers.ts'

const leafHashes = leaves.map((leaf) => hashMerkleLeaf(fromHex(leaf)))
const seven = leafHashes.slice(0, 7)

describe('hashes of RFC 6962 2.1', () => {
  it('prefixes leaves with 00 and nodes with 01', () => {
    const sha256 = (hex: string): string => createHash('sha256').update(fromHex(hex)).digest('hex')
    const data = new Uint8Array(1000).fill(7)
    expect(toHex(hashMerkleLeaf(data))).toBe(sha256(`00${toHex(data)}`))
    const [left, right] = leafHashes.slice(0, 2) as [Digest32, Digest32]
    expect(toHex(hashMerkleNode(left, right))).toBe(sha256(`01${toHex(left)}${toHex(right)}`))
  })

  it.each(roots.map((root, count) => ({ root, count })))(
    'gives the published root of $count leaves',
    ({ root, count }) => {
      const first = leafHashes.slice(0, count)
      expect(toHex(hashMerkleTree(first))).toBe(root)
      expect(toHex(createMerkleTree(first).root())).toBe(root)
      expect(toHex(createMerkleTree(leafHashes).root(count))).toBe(root)
    },
  )

  it('never doubles the last node: [a, b, c] and [a, b, c, c] differ (CVE-2012-2459)', () => {
    const three = leafHashes.slice(0, 3)
    const four = [...three, three[2] as Uint8Array]
    expect(toHex(hashMerkleTree(three))).not.toBe(toHex(hashMerkleTree(four)))
  })
})

describe('proofs of RFC 6962 2.1.3, letter by letter', () => {
  const node = new Map<string, Uint8Array>(
    Array.from('abcdefj').map((name, index) => [name, seven[index] as Uint8Array]),
  )
  for (const [name, children] of Object.entries(proofsOfSevenLeaves.nodes)) {
    const [left, right] = Array.from(children).map((child) => node.get(child) as Uint8Array)
    node.set(name, hashMerkleNode(left as Uint8Array, right as Uint8Array))
  }
  const toLetters = (proof: readonly Uint8Array[]): string =>
    proof.map((hash) => [...node].find(([, other]) => toHex(other) === toHex(hash))?.[0]).join('')
  const root = hashMerkleTree(seven)

  it.each(proofsOfSevenLeaves.inclusion)('the audit path of leaf $index is $path', ({ index, path }) => {
    const proof = createInclusionProof({ leafHashes: seven, index })
    expect(toLetters(proof)).toBe(path)
    expect(verifyInclusion({ root, count: 7, index, leafHash: seven[index] as Uint8Array, proof })).toBe(true)
  })

  it.each(proofsOfSevenLeaves.consistency)('the proof from $earlierCount to 7 is $path', ({ earlierCount, path }) => {
    const proof = createConsistencyProof({ leafHashes: seven, earlierCount })
    expect(toLetters(proof)).toBe(path)
    const earlier = { root: hashMerkleTree(seven.slice(0, earlierCount)), count: earlierCount }
    expect(verifyConsistency({ earlier, later: { root, count: 7 }, proof })).toBe(true)
  })
})

describe('what a prover may send', () => {
  const root = hashMerkleTree(seven)
  const leafHash = seven[4] as Uint8Array
  const inclusion = { root, count: 7, index: 4, leafHash, proof: createInclusionProof({ leafHashes: seven, index: 4 }) }
  const consistency = {
    earlier: { root: hashMerkleTree(seven.slice(0, 3)), count: 3 },
    later: { root, count: 7 },
    proof: createConsistencyProof({ leafHashes: seven, earlierCount: 3 }),
  }
  const short = new Uint8Array(31)

  it('is refused for an inclusion claim of wrong form, without throwing', () => {
    expect(verifyInclusion(inclusion)).toBe(true)
    const spoiled: readonly Partial<Record<keyof typeof inclusion, unknown>>[] = [
      { root: short },
      { root: undefined },
      { leafHash: short },
      { leafHash: new Uint8Array(0) },
      { index: -1 },
      { index: 7 },
      { index: 4.5 },
      { index: NaN },
      { index: '4' },
      { count: 0 },
      { count: 4 },
      { count: 9 },
      { count: Infinity },
      { count: 2 ** 53 },
      { proof: null },
      { proof: inclusion.proof.slice(1) },
      { proof: [...inclusion.proof, root] },
      { proof: [...inclusion.proof.slice(0, 2), short] },
      { proof: [inclusion.proof[0], undefined, inclusion.proof[2]] },
      { proof: new Array(3) },
    ]
    for (const change of spoiled)
      expect(verifyInclusion({ ...inclusion, ...change } as never), JSON.stringify(change)).toBe(false)
  })

  it('is refused for the index after the last one', () => {
    const single = { root: leafHash, count: 1, leafHash, proof: [] }
    expect([0, 1].map((index) => verifyInclusion({ ...single, index }))).toEqual([true, false])
  })

  it('is refused when an inner node is shown as a leaf', () => {
    // Node k over the first four leaves, with l beside it: a true path, but to no leaf of a tree of seven.
    const k = hashMerkleTree(seven.slice(0, 4))
    const l = hashMerkleTree(seven.slice(4))
    expect(verifyInclusion({ root, count: 7, index: 0, leafHash: k, proof: [l] })).toBe(false)
    // Only a count that the prover chose makes it pass: counts come from the header.
    expect(verifyInclusion({ root, count: 2, index: 0, leafHash: k, proof: [l] })).toBe(true)
  })

  it('is refused for a consistency claim of wrong form, without throwing', () => {
    expect(verifyConsistency(consistency)).toBe(true)
    const { earlier, later, proof } = consistency
    const spoiled: readonly Partial<Record<keyof typeof consistency, unknown>>[] = [
      { earlier: { ...earlier, root: short } },
      { earlier: { ...earlier, root: new Uint8Array(32) } },
      { later: { ...later, root: new Uint8Array(32) } },
      { earlier: { ...earlier, count: 0 } },
      { earlier: { ...earlier, count: 2 } },
      { earlier: { ...earlier, count: 4 } },
      { earlier: { ...earlier, count: 7 } },
      { earlier: { ...earlier, count: 8 } },
      { earlier: { ...earlier, count: 2.5 } },
      { later: { ...later, root: short } },
      { later: { ...later, count: 9 } },
      { later: { ...later, count: 3 } },
      { later: earlier },
      { earlier: later, later: earlier },
      { proof: [] },
      { proof: undefined },
      { proof: proof.slice(1) },
      { proof: [...proof, root] },
      { proof: [...proof.slice(0, 3), short] },
      { proof: new Array(4) },
    ]
    for (const change of spoiled)
      expect(verifyConsistency({ ...consistency, ...change } as never), JSON.stringify(change)).toBe(false)
  })

  it('is an empty proof for equal heads and nothing else', () => {
    const { later } = consistency
    expect(verifyConsistency({ earlier: later, later, proof: [] })).toBe(true)
    expect(verifyConsistency({ earlier: later, later, proof: [root] })).toBe(false)
    const empty = { root: hashMerkleTree([]), count: 0 }
    expect(verifyConsistency({ earlier: empty, later: empty, proof: [] })).toBe(false)
  })

  it('works for counts beyond 32 bits', () => {
    // The leftmost leaf of 2^40 equal leaves: each level's node is the hash of two equal ones.
    const proof: Uint8Array[] = []
    let hash = hashMerkleLeaf(new Uint8Array(0))
    for (let height = 0; height < 40; height++) {
      proof.push(hash)
      hash = hashMerkleNode(hash, hash)
    }
    const leaf = proof[0] as Uint8Array
    expect(verifyInclusion({ root: hash, count: 2 ** 40, index: 2 ** 35 + 1, leafHash: leaf, proof })).toBe(true)
    expect(verifyInclusion({ root: hash, count: 2 ** 40 + 1, index: 0, leafHash: leaf, proof })).toBe(false)
    expect(verifyInclusion({ root: hash, count: 2 ** 40, index: 0, leafHash: leaf, proof: proof.slice(1) })).toBe(false)
  })
})

describe('arguments of the prover', () => {
  it('must be in range', () => {
    const tree = createMerkleTree(seven)
    const code = 'ERR_ARGUMENT_INVALID'
    const calls: (() => unknown)[] = [
      () => {
        tree.append(new Uint8Array(31))
      },
      () => {
        tree.append(undefined as never)
      },
      () => tree.root(8),
      () => tree.proveInclusion({ index: 7 }),
      () => tree.proveInclusion({ index: -1 }),
      () => tree.proveInclusion({ index: 3, count: 3 }),
      () => tree.proveInclusion({ index: 0, count: 8 }),
      () => tree.proveConsistency({ earlierCount: 0 }),
      () => tree.proveConsistency({ earlierCount: 8 }),
      () => tree.proveConsistency({ earlierCount: 5, laterCount: 4 }),
      () => createInclusionProof({ leafHashes: [], index: 0 }),
      () => hashMerkleTree([new Uint8Array(33)]),
      () => createMerkleAccumulator({ count: 3, peaks: [seven[0] as Uint8Array] }),
      () => createMerkleAccumulator({ count: 1, peaks: [new Uint8Array(31)] }),
      () => createMerkleAccumulator({ count: -1, peaks: [] }),
    ]
    for (const call of calls) expect(call, String(call)).toThrow(expect.objectContaining({ code }))
    expect(tree.count).toBe(7)
  })

  it('are copied: what the caller does with them later changes nothing', () => {
    const leafHash = Uint8Array.from(seven[0] as Uint8Array)
    const accumulator = createMerkleAccumulator()
    accumulator.append(leafHash)
    const root = accumulator.root()
    root.fill(1)
    leafHash.fill(0)
    ;(accumulator.peaks()[0] as Uint8Array).fill(2)
    expect(toHex(accumulator.root())).toBe(roots[1])
  })
})

interface InclusionCase {
  readonly file: string
  readonly leafIdx: number
  readonly treeSize: number
  readonly root: string
  readonly leafHash: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

interface ConsistencyCase {
  readonly file: string
  readonly size1: number
  readonly size2: number
  readonly root1: string
  readonly root2: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

describeVectors('merkle/rfc6962.json', 107, (contents, count) => {
  const cases = JSON.parse(contents.toString()) as readonly (InclusionCase | ConsistencyCase)[]
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
  it.each(cases)('$file', (vector) => {
    const proof = (vector.proof ?? []).map(bytes)
    const holds =
      'leafIdx' in vector
        ? verifyInclusion({
            root: bytes(vector.root),
            count: vector.treeSize,
            index: vector.leafIdx,
            leafHash: bytes(vector.leafHash),
            proof,
          })
        : verifyConsistency({
            earlier: { root: bytes(vector.root1), count: vector.size1 },
            later: { root: bytes(vector.root2), count: vector.size2 },
            proof,
          })
    expect(holds).toBe(!vector.wantErr)
    count()
  })
})

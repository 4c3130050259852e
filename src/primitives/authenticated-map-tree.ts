/**
 * The tree of the authenticated map over raw paths: finding, changing, hashing and proving.
 *
 * Stored is a crit-bit tree: an inner node names the bit on which its two subtrees first differ. The levels between two
 * branches, with one side empty, exist in the hash only: the hash kept in a node is that of the highest level that is its
 * own, right below its parent's branch. It depends on where the parent branches; so whatever gets another parent is hashed
 * anew. The form of a crit-bit tree follows from the set of its paths alone, hence so does the root, whatever the history.
 *
 * Changes mark the way to the root; hashing happens when a root is asked for, once for each marked node.
 *
 * @see Bernstein, "Crit-bit trees", for the stored form
 */

import { NO_NODE, NodeStore, isLeaf, type NodeRef, type NodeUsage, type Pin } from './authenticated-map-nodes.ts'
import { EMPTY_SLOT, PATH_BITS, bitOf, hashUpwards, type MapProof } from './authenticated-map-proof.ts'
import { copyBytes, equalBytes, type Bytes } from './bytes.ts'
import type { Digest32 } from './hash.ts'
import { HASH_BYTES, NODE_PREFIX, hashPairInto, type Slot } from './tree-hash.ts'

/** One version of the tree. */
export interface TreeVersion {
  readonly root: NodeRef
  readonly count: number
}

/** A version that is kept. */
export interface TreeSnapshot extends TreeVersion {
  readonly pin: Pin
}

/** One entry, in the order of paths. */
export interface TreeEntry {
  readonly path: Bytes
  readonly value: Bytes
}

/** A mutable tree over paths of 32 bytes, with snapshots. Callers check lengths. */
export class MapTree {
  readonly #nodes = new NodeStore()
  /** Inner nodes of the last walk, from the root. */
  readonly #trail: NodeRef[] = []
  #root: NodeRef = NO_NODE
  #count = 0

  /** The present version. Valid until the next change. */
  get head(): TreeVersion {
    return { root: this.#root, count: this.#count }
  }

  /** What is stored: without snapshots a leaf for each entry, and an inner node for each but one. */
  get usage(): NodeUsage {
    return this.#nodes.usage
  }

  /** Returns a copy of the value at a path. */
  get(version: TreeVersion, path: Uint8Array): Bytes | undefined {
    const leaf = this.#find(version, path)
    return leaf === NO_NODE ? undefined : copyBytes(this.#nodes.value(leaf))
  }

  /** Tells whether a path is there. */
  has(version: TreeVersion, path: Uint8Array): boolean {
    return this.#find(version, path) !== NO_NODE
  }

  /** Gives a path a value. */
  set(path: Uint8Array, value: Uint8Array): void {
    const nodes = this.#nodes
    if (this.#root === NO_NODE) {
      this.#root = nodes.createLeaf(path, value)
      this.#count = 1
      return
    }
    const leaf = this.#closest(this.#root, path)
    const bit = nodes.firstDifference(leaf, path)
    if (bit === PATH_BITS && equalBytes(nodes.value(leaf), value)) return
    const below = this.#walk(path, bit)
    this.#rise(path, bit === PATH_BITS ? nodes.replaceValue(leaf, value) : this.#branch(below, bit, path, value))
  }

  /** Tells whether the path was there. */
  delete(path: Uint8Array): boolean {
    const nodes = this.#nodes
    const leaf = this.#find(this.head, path)
    if (leaf === NO_NODE) return false
    this.#walk(path, PATH_BITS)
    nodes.discard(leaf)
    this.#count--
    const parent = this.#trail.pop()
    if (parent === undefined) {
      this.#root = NO_NODE
      return true
    }
    const sibling = nodes.child(parent, bitOf(path, nodes.bit(parent)) === 0 ? 1 : 0)
    nodes.discard(parent)
    // The sibling rises to its parent's place; an inner node gets longer by the levels in between.
    this.#rise(path, isLeaf(sibling) ? sibling : nodes.touch(sibling))
    return true
  }

  /** Returns the root hash; 32 zero bytes for the empty tree. Hashes what was changed. */
  hash(version: TreeVersion): Digest32 {
    if (version.root === NO_NODE) return new Uint8Array(HASH_BYTES) as Digest32
    this.#rehash(version.root, 0)
    return this.#nodes.hash(version.root)
  }

  /** Returns the proof of presence or absence of a path. */
  prove(version: TreeVersion, path: Uint8Array): MapProof {
    this.hash(version)
    const { count, root } = version
    const nodes = this.#nodes
    const siblings: (Bytes | null)[] = []
    if (root === NO_NODE) return { count, siblings, other: null }
    const end = nodes.firstDifference(this.#closest(root, path), path)
    let node = root
    while (!isLeaf(node)) {
      const bit = nodes.bit(node)
      while (siblings.length < Math.min(bit, end)) siblings.push(null)
      if (end < bit) {
        // The path leaves between two branches: its place is empty, beside the subtree of this node.
        siblings.push(this.#hashAt(node, end + 1))
        return { count, siblings, other: null }
      }
      const side = bitOf(path, bit)
      siblings.push(nodes.hash(nodes.child(node, side === 0 ? 1 : 0)))
      node = nodes.child(node, side)
    }
    if (end === PATH_BITS) return { count, siblings, other: null }
    return { count, siblings, other: { path: copyBytes(nodes.path(node)), valueHash: nodes.valueHash(node) } }
  }

  /** Returns the entries in the order of their paths. A version that changes meanwhile gives nonsense: take a snapshot. */
  *entries(version: TreeVersion): Generator<TreeEntry, void, undefined> {
    const stack = version.root === NO_NODE ? [] : [version.root]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (isLeaf(node)) yield { path: copyBytes(this.#nodes.path(node)), value: copyBytes(this.#nodes.value(node)) }
      else stack.push(this.#nodes.child(node, 1), this.#nodes.child(node, 0))
    }
  }

  /** Keeps the present version, hashed. Costs what hashing costs; later changes copy what they touch. */
  snapshot(): TreeSnapshot {
    this.hash(this.head)
    return { ...this.head, pin: this.#nodes.pin() }
  }

  /** Whether a snapshot of this tree is still kept. */
  isKept(snapshot: TreeSnapshot): boolean {
    return this.#nodes.isPinned(snapshot.pin)
  }

  /** Gives a kept snapshot up. */
  release(snapshot: TreeSnapshot): void {
    this.#nodes.unpin(snapshot.pin)
  }

  /** Makes a kept snapshot the present again; it stays kept, later ones do not. */
  rollback(snapshot: TreeSnapshot): void {
    this.#nodes.returnTo(snapshot.pin, this.#root)
    this.#root = snapshot.root
    this.#count = snapshot.count
  }

  /** The leaf that shares the longest prefix with the path, or one of several. */
  #closest(root: NodeRef, path: Uint8Array): NodeRef {
    let node = root
    while (!isLeaf(node)) node = this.#nodes.child(node, bitOf(path, this.#nodes.bit(node)))
    return node
  }

  #find({ root }: TreeVersion, path: Uint8Array): NodeRef {
    if (root === NO_NODE) return NO_NODE
    const leaf = this.#closest(root, path)
    return this.#nodes.firstDifference(leaf, path) === PATH_BITS ? leaf : NO_NODE
  }

  /** Notes the inner nodes on the path that branch before a bit, and returns the node below them. */
  #walk(path: Uint8Array, before: number): NodeRef {
    this.#trail.length = 0
    let node = this.#root
    while (!isLeaf(node)) {
      const bit = this.#nodes.bit(node)
      if (bit >= before) break
      this.#trail.push(node)
      node = this.#nodes.child(node, bitOf(path, bit))
    }
    return node
  }

  /** Puts a new leaf beside a subtree, under a new branch. */
  #branch(below: NodeRef, bit: number, path: Uint8Array, value: Uint8Array): NodeRef {
    this.#count++
    const leaf = this.#nodes.createLeaf(path, value)
    // The subtree gets shorter by the levels above the new branch.
    const beside = isLeaf(below) ? below : this.#nodes.touch(below)
    return this.#nodes.createInner(bit, bitOf(path, bit) === 0 ? [leaf, beside] : [beside, leaf])
  }

  /** Puts a node in the place where the last walk ended, and marks the way to the root. */
  #rise(path: Uint8Array, node: NodeRef): void {
    const nodes = this.#nodes
    let child = node
    for (let parent = this.#trail.pop(); parent !== undefined; parent = this.#trail.pop()) {
      const side = bitOf(path, nodes.bit(parent))
      // A marked node belongs to the present alone, since snapshots are hashed, and all above it are marked too.
      if (nodes.child(parent, side) === child && nodes.isDirty(parent)) return
      const changed = nodes.touch(parent)
      nodes.setChild(changed, side, child)
      child = changed
    }
    this.#root = child
  }

  /** Computes the hash of a marked node at a level, after those below it. */
  #rehash(node: NodeRef, level: number): void {
    const nodes = this.#nodes
    if (!nodes.isDirty(node)) return
    if (isLeaf(node)) {
      nodes.hashLeaf(node)
      return
    }
    const bit = nodes.bit(node)
    this.#rehash(nodes.child(node, 0), bit + 1)
    this.#rehash(nodes.child(node, 1), bit + 1)
    this.#hashInto(nodes.hashSlot(node), node, level)
    nodes.setHashed(node)
  }

  /** The hash of an inner node at a level between its parent's branch and its own. */
  #hashAt(inner: NodeRef, level: number): Digest32 {
    const bytes = new Uint8Array(HASH_BYTES)
    this.#hashInto({ bytes, offset: 0 }, inner, level)
    return bytes as Digest32
  }

  #hashInto(target: Slot, inner: NodeRef, level: number): void {
    const nodes = this.#nodes
    hashPairInto(NODE_PREFIX, nodes.hashSlot(nodes.child(inner, 0)), nodes.hashSlot(nodes.child(inner, 1)), target)
    const bit = nodes.bit(inner)
    if (bit === level) return
    const path = this.#anyPath(inner)
    for (let above = bit - 1; above >= level; above--) hashUpwards(target, EMPTY_SLOT, bitOf(path, above))
  }

  /** The path of some leaf below: all have the same bits above the branch. */
  #anyPath(inner: NodeRef): Uint8Array {
    let node = inner
    while (!isLeaf(node)) node = this.#nodes.child(node, 0)
    return this.#nodes.path(node)
  }
}

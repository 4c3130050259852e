/**
 * Nodes of the authenticated map: leaves and inner nodes in flat records, shared between the present and its snapshots.
 *
 * A node knows the period in which it was made; a snapshot ends a period. Nodes older than the newest snapshot are never
 * changed but copied, and wait in that snapshot's list of the dead when the present no longer needs them. So a snapshot
 * costs nothing, and giving one up or going back to it costs what was changed since.
 *
 * Only nodes with a branch are stored: a million keys have a million leaves (72 bytes and the value's cell) and as many
 * inner nodes (48 bytes). The levels between two branches have an empty side; the tree hashes them on the way.
 */

import { PATH_BITS, hashMapValue } from './authenticated-map-proof.ts'
import { RecordPool, type RecordNumber } from './authenticated-map-records.ts'
import { ValueArena } from './authenticated-map-values.ts'
import { copyBytes, type Bytes } from './bytes.ts'
import type { Digest32 } from './hash.ts'
import { HASH_BYTES, LEAF_PREFIX, hashPairInto, type Slot } from './tree-hash.ts'

/** A node: twice its record number, odd for a leaf. */
export type NodeRef = number
/** No node: the empty tree. */
export const NO_NODE = 0

// Words of a record: an inner node, and a leaf.
const [HASH, LEFT, RIGHT, BIT, INNER_STAMP, INNER_WORDS] = [0, 8, 9, 10, 11, 12] as const
const [PATH, LEAF_HASH, ADDRESS, LEAF_STAMP, LEAF_WORDS] = [0, 8, 16, 17, 18] as const

/** One moment that is kept: the nodes of periods up to `period` are as they were. */
export interface Pin {
  readonly period: number
  /** Nodes that the pinned tree has and the next pin, or the present, has not. */
  dead: NodeRef[]
}

/** How much is stored: nodes in use, and the bytes of all pages of values. */
export interface NodeUsage {
  readonly leaves: number
  readonly inner: number
  readonly valueBytes: number
}

/** Tells leaves from inner nodes. */
export function isLeaf(node: NodeRef): boolean {
  return node % 2 === 1
}

/** All nodes of one map: of its present and of its snapshots. */
export class NodeStore {
  readonly #inner = new RecordPool(INNER_WORDS)
  readonly #leaves = new RecordPool(LEAF_WORDS)
  readonly #values = new ValueArena((leaf, address) => this.#leaves.setWord(leaf, ADDRESS, address))
  readonly #pins: Pin[] = []
  /** Grows with every pin; a node's stamp is twice its period, and odd while its hash is to be computed. */
  #period = 1

  /** What is stored for the present and for snapshots. */
  get usage(): NodeUsage {
    return { leaves: this.#leaves.inUse, inner: this.#inner.inUse, valueBytes: this.#values.byteCount }
  }

  /** Makes a leaf of the present. */
  createLeaf(path: Uint8Array, value: Uint8Array): NodeRef {
    const record = this.#leaves.allocate()
    this.#leaves.bytesOf(record).set(path, this.#leaves.offsetOf(record, PATH))
    this.#leaves.setWord(record, ADDRESS, this.#values.write(record, value))
    this.#leaves.setWord(record, LEAF_STAMP, this.#period * 2 + 1)
    return record * 2 + 1
  }

  /** Makes an inner node of the present. */
  createInner(bit: number, children: readonly [NodeRef, NodeRef]): NodeRef {
    const record = this.#inner.allocate()
    this.#inner.setWord(record, LEFT, children[0])
    this.#inner.setWord(record, RIGHT, children[1])
    this.#inner.setWord(record, BIT, bit)
    this.#inner.setWord(record, INNER_STAMP, this.#period * 2 + 1)
    return record * 2
  }

  /** The bit of the path on which an inner node branches. */
  bit(inner: NodeRef): number {
    return this.#inner.getWord(inner / 2, BIT)
  }

  /** The left (0) or right (1) subtree. */
  child(inner: NodeRef, side: 0 | 1): NodeRef {
    return this.#inner.getWord(inner / 2, LEFT + side)
  }

  /** Changes a subtree of an inner node that {@link NodeStore.touch} gave. */
  setChild(inner: NodeRef, side: 0 | 1, child: NodeRef): void {
    this.#inner.setWord(inner / 2, LEFT + side, child)
  }

  /** The path of a leaf. Valid until the next change. */
  path(leaf: NodeRef): Uint8Array {
    const { bytes, offset } = this.#leafSlot(leaf, PATH)
    return bytes.subarray(offset, offset + HASH_BYTES)
  }

  /** The value of a leaf. Valid until the next change. */
  value(leaf: NodeRef): Bytes {
    return this.#values.view(this.#leaves.getWord(leaf >>> 1, ADDRESS))
  }

  /** The hash of the value of a leaf; computed, not kept. */
  valueHash(leaf: NodeRef): Digest32 {
    return hashMapValue(this.value(leaf))
  }

  /** Where the hash of a node stands: for an inner node that of the highest level that is its own. */
  hashSlot(node: NodeRef): Slot {
    if (isLeaf(node)) return this.#leafSlot(node, LEAF_HASH)
    return { bytes: this.#inner.bytesOf(node / 2), offset: this.#inner.offsetOf(node / 2, HASH) }
  }

  /** A copy of the hash of a node. */
  hash(node: NodeRef): Digest32 {
    const { bytes, offset } = this.hashSlot(node)
    return copyBytes(bytes.subarray(offset, offset + HASH_BYTES)) as Digest32
  }

  /** The first bit at which a path leaves that of a leaf; 256 when they are equal. */
  firstDifference(leaf: NodeRef, path: Uint8Array): number {
    const { bytes, offset } = this.#leafSlot(leaf, PATH)
    for (let i = 0; i < HASH_BYTES; i++) {
      const difference = (bytes[offset + i] as number) ^ (path[i] as number)
      if (difference !== 0) return i * 8 + Math.clz32(difference) - 24
    }
    return PATH_BITS
  }

  /** Whether the hash of a node is to be computed. */
  isDirty(node: NodeRef): boolean {
    return this.#stamp(node) % 2 === 1
  }

  /** Computes the hash of a leaf. */
  hashLeaf(leaf: NodeRef): void {
    const valueHash = { bytes: this.valueHash(leaf), offset: 0 }
    hashPairInto(LEAF_PREFIX, this.#leafSlot(leaf, PATH), valueHash, this.#leafSlot(leaf, LEAF_HASH))
    this.setHashed(leaf)
  }

  /** Marks the hash of a node as computed. */
  setHashed(node: NodeRef): void {
    this.#setStamp(node, this.#stamp(node) & ~1)
  }

  /** Gives a leaf another value; returns the leaf that has it, which is another one when a snapshot needs the old. */
  replaceValue(leaf: NodeRef, value: Uint8Array): NodeRef {
    if (!this.isOwn(leaf)) {
      const copy = this.createLeaf(copyBytes(this.path(leaf)), value)
      this.discard(leaf)
      return copy
    }
    const address = this.#leaves.getWord(leaf >>> 1, ADDRESS)
    if (!this.#values.overwrite(address, value)) {
      this.#values.free(address)
      this.#leaves.setWord(leaf >>> 1, ADDRESS, this.#values.write(leaf >>> 1, value))
    }
    this.#setStamp(leaf, this.#stamp(leaf) | 1)
    return leaf
  }

  /** Returns an inner node that may be changed, with its hash to be computed: this one, or a copy. */
  touch(inner: NodeRef): NodeRef {
    if (this.isOwn(inner)) {
      this.#setStamp(inner, this.#stamp(inner) | 1)
      return inner
    }
    const copy = this.createInner(this.bit(inner), [this.child(inner, 0), this.child(inner, 1)])
    this.discard(inner)
    return copy
  }

  /** Whether no snapshot has the node. */
  isOwn(node: NodeRef): boolean {
    return this.#periodOf(node) > (this.#pins.at(-1)?.period ?? 0)
  }

  /** Takes a node out of the present. */
  discard(node: NodeRef): void {
    if (this.isOwn(node)) this.#free(node)
    else (this.#pins.at(-1) as Pin).dead.push(node)
  }

  /** Keeps everything that the present tree has. */
  pin(): Pin {
    const pin: Pin = { period: this.#period++, dead: [] }
    this.#pins.push(pin)
    return pin
  }

  /** Whether a pin of this store still holds. */
  isPinned(pin: Pin): boolean {
    return this.#pins.includes(pin)
  }

  /** Frees what only this pin needed. What an earlier one has too waits for that one. */
  unpin(pin: Pin): void {
    const index = this.#pins.indexOf(pin)
    const earlier = this.#pins[index - 1]
    this.#pins.splice(index, 1)
    for (const node of pin.dead) {
      if (earlier !== undefined && this.#periodOf(node) <= earlier.period) earlier.dead.push(node)
      else this.#free(node)
    }
    pin.dead = []
  }

  /** Frees what was made after the pin: in the present tree under `root`, and for later pins, which end here. */
  returnTo(pin: Pin, root: NodeRef): void {
    this.#freeYounger(root, pin.period)
    for (const later of this.#pins.splice(this.#pins.indexOf(pin) + 1)) {
      for (const node of later.dead) if (this.#periodOf(node) > pin.period) this.#free(node)
      later.dead = []
    }
    pin.dead = []
  }

  /** An older node has older children only, since it was never changed: the search ends there. */
  #freeYounger(node: NodeRef, period: number): void {
    if (node === NO_NODE || this.#periodOf(node) <= period) return
    if (!isLeaf(node)) {
      this.#freeYounger(this.child(node, 0), period)
      this.#freeYounger(this.child(node, 1), period)
    }
    this.#free(node)
  }

  #free(node: NodeRef): void {
    if (!isLeaf(node)) {
      this.#inner.release(node / 2)
      return
    }
    this.#values.free(this.#leaves.getWord(node >>> 1, ADDRESS))
    this.#leaves.release(node >>> 1)
  }

  #leafSlot(leaf: NodeRef, word: number): Slot {
    const record: RecordNumber = leaf >>> 1
    return { bytes: this.#leaves.bytesOf(record), offset: this.#leaves.offsetOf(record, word) }
  }

  #periodOf(node: NodeRef): number {
    return this.#stamp(node) >>> 1
  }

  #stamp(node: NodeRef): number {
    return isLeaf(node) ? this.#leaves.getWord(node >>> 1, LEAF_STAMP) : this.#inner.getWord(node / 2, INNER_STAMP)
  }

  #setStamp(node: NodeRef, stamp: number): void {
    if (isLeaf(node)) this.#leaves.setWord(node >>> 1, LEAF_STAMP, stamp)
    else this.#inner.setWord(node / 2, INNER_STAMP, stamp)
  }
}

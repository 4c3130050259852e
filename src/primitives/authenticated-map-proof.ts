/**
 * The hashes of the authenticated map, and proofs that a key has a value or is absent: all that a verifier needs.
 *
 * The map is a compact sparse Merkle tree. A key's path is the tagged hash of its tuple, 256 bits. Leaf = SHA-256(00 | path |
 * value hash), inner node = SHA-256(01 | left | right), an empty subtree is 32 zero bytes, and a subtree with one leaf is
 * that leaf. The map's root binds the tree and the number of its entries.
 *
 * A prover may send anything. Absence is shown by an empty place on the key's path, or by another leaf there; then its path
 * must agree with the key's on every bit that the proof descends, and the way is hashed along the key's path: a verifier who
 * follows the other leaf's path takes any leaf for the absence of a key that is present. What no honest tree contains is refused: an empty subtree or a single leaf
 * beside an empty one. What a proof says holds under its root; whether the root is right, its block's certificate says.
 */

import type { Result } from '../errors.ts'
import { equalBytes, type Bytes } from './bytes.ts'
import type { CborValue, CodecErrorCode } from './codec.ts'
import { taggedHash, type Digest32 } from './hash.ts'
import { codecLimits, type CodecLimits } from './limits.ts'
import { Mismatch, bytesOf, constant, encodeShape, listOf, mapped, nullable, parseShape, tuple, uint } from './shape.ts'
import { TAGS } from './tags.ts'
import { HASH_BYTES, LEAF_PREFIX, NODE_PREFIX, hashPairInto, type Slot } from './tree-hash.ts'

/** A key: a tuple of values, so that no two keys share bytes. Its first element should say what kind of entry it is. */
export type MapKey = readonly CborValue[]

/** Length of a path, and the bit at which two equal paths differ. */
export const PATH_BITS = 256

/** A proof about one key: the way from the root to its place. */
export interface MapProof {
  /** Entries of the map. */
  readonly count: number
  /** From the root downwards; null for an empty subtree. At most 256, the last is never null. */
  readonly siblings: readonly (Bytes | null)[]
  /** The leaf of another key that stands in the place of an absent one; null for a present key and for an empty place. */
  readonly other: { readonly path: Bytes; readonly valueHash: Bytes } | null
}

/** Returns the path of a key. */
export function hashMapKey(key: MapKey): Digest32 {
  return taggedHash(TAGS.mapPath, ...key)
}

/** Returns the hash of a value that a leaf holds. */
export function hashMapValue(value: Uint8Array): Digest32 {
  return taggedHash(TAGS.mapValue, value)
}

/** Returns the root of a map from that of its tree and the number of its entries. */
export function hashMapRoot(treeRoot: Uint8Array, count: number): Digest32 {
  return taggedHash(TAGS.mapRoot, treeRoot, count)
}

/** One bit of a path; bit 0 is the most significant of the first byte. */
export function bitOf(path: Uint8Array, bit: number): 0 | 1 {
  return (((path[bit >>> 3] as number) >>> (7 - (bit & 7))) & 1) as 0 | 1
}

/** Hash of an empty subtree. */
export const EMPTY_SLOT: Slot = { bytes: new Uint8Array(HASH_BYTES), offset: 0 }

/** Replaces the hash of a subtree by that of its parent: one level up, on the side that the path's bit says. */
export function hashUpwards(hash: Slot, sibling: Slot, side: 0 | 1): void {
  hashPairInto(NODE_PREFIX, side === 0 ? hash : sibling, side === 0 ? sibling : hash, hash)
}

const hash32 = bytesOf(HASH_BYTES)

const sibling = nullable(
  mapped(hash32, {
    // Null is the one form of an empty subtree.
    parse: (hash) => (isZero(hash) ? new Mismatch('null for an empty subtree') : hash),
    format: (hash) => hash,
  }),
)

const siblings = mapped(listOf(sibling, { name: 'siblings', countMax: PATH_BITS }), {
  parse: (list) => (list.at(-1) === null ? new Mismatch('a last sibling that is not empty') : list),
  format: (list) => list,
})

const version = 1
const proofShape = mapped(
  tuple({
    version: constant(version),
    count: uint(Number.MAX_SAFE_INTEGER),
    siblings,
    other: nullable(tuple({ path: hash32, valueHash: hash32 })),
  }),
  {
    parse: ({ count, siblings, other }): MapProof => ({ count, siblings, other }),
    format: (proof) => ({ version, ...proof }) as const,
  },
)

/** The longest proof has 256 siblings of 34 bytes. */
const proofLimits: CodecLimits = { ...codecLimits, bytesMax: 10_240, depthMax: 3, itemsMax: 512 }
const proofOptions = { object: 'proof', limits: proofLimits } as const

/**
 * Returns the bytes of a proof: 34 for each sibling that is not empty, one for each that is, and about ten.
 *
 * A proof in a map of a million entries takes about 700 bytes.
 *
 * @throws When the proof was not made by a map: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeMapProof(proof: MapProof): Bytes {
  return encodeShape(proof, proofShape, proofOptions)
}

/**
 * Reads a proof. Total; form only.
 *
 * @param bytes - at most 10,240
 * @returns the proof, or the code of the codec that says what is wrong with its form
 */
export function parseMapProof(bytes: Uint8Array): Result<MapProof, CodecErrorCode> {
  return parseShape(bytes, proofShape, proofOptions)
}

/** What a proof is held against. */
export interface MapClaim {
  /** The root of the map, 32 bytes, from a header that is trusted. */
  readonly root: Uint8Array
  readonly key: MapKey
  /** The value that the key is said to have; null says that it has none. An empty value is a value. */
  readonly value: Uint8Array | null
  readonly proof: MapProof
}

/**
 * Tells whether a key has a value, or none, in the map with this root. Total.
 *
 * Cost: a hash for each level of the proof, about twenty in a map of a million entries. No secret takes part.
 *
 * @see design of the map at the head of this file
 */
export function verifyMapProof(claim: MapClaim): boolean {
  try {
    const { root, key, value, proof } = claim
    const treeRoot = hashProof(hashMapKey(key), value === null ? null : hashMapValue(value), proof)
    return treeRoot !== undefined && equalBytes(hashMapRoot(treeRoot, proof.count), root)
  } catch {
    // A key or a proof of types that no map takes.
    return false
  }
}

/**
 * Returns the root of the tree in which the proof shows the path with the value hash, or without any (null).
 *
 * Undefined when the proof has a form that no tree gives, or shows something else.
 */
export function hashProof(path: Uint8Array, valueHash: Uint8Array | null, proof: MapProof): Digest32 | undefined {
  const { siblings: list, other } = proof
  if (!isWellFormed(list) || (other !== null && valueHash !== null)) return undefined
  if (other !== null && !showsOther(other, path, list.length)) return undefined
  const hash: Slot = { bytes: new Uint8Array(HASH_BYTES), offset: 0 }
  const leaf = other ?? (valueHash === null ? null : { path, valueHash })
  if (leaf !== null)
    hashPairInto(LEAF_PREFIX, { bytes: leaf.path, offset: 0 }, { bytes: leaf.valueHash, offset: 0 }, hash)
  for (let bit = list.length - 1; bit >= 0; bit--) {
    const beside = list[bit]
    hashUpwards(hash, beside === null ? EMPTY_SLOT : { bytes: beside as Bytes, offset: 0 }, bitOf(path, bit))
  }
  return hash.bytes as Digest32
}

/** Under the last branch stands one leaf or nothing, so the other side of it must hold something: else it was no branch. */
function isWellFormed(list: MapProof['siblings']): boolean {
  if (!Array.isArray(list) || list.length > PATH_BITS || list.at(-1) === null) return false
  return [...(list as readonly unknown[])].every((hash) => hash === null || (isHash(hash) && !isZero(hash)))
}

/** Whether the other leaf can stand at that depth on the path, and is not the leaf of the path itself. */
function showsOther(other: NonNullable<MapProof['other']>, path: Uint8Array, depth: number): boolean {
  if (!isHash(other.path) || !isHash(other.valueHash)) return false
  for (let bit = 0; bit < depth; bit++) if (bitOf(other.path, bit) !== bitOf(path, bit)) return false
  return !equalBytes(other.path, path)
}

function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

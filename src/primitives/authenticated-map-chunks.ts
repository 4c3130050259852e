/**
 * A version of the authenticated map as chunks, for snapshots that travel, and the way back.
 *
 * Chunk = `[version, tree root, count, [[path, value]...]]`, paths ascending within a chunk and from chunk to chunk; every
 * chunk repeats what the map's root binds, so that the first one from a liar already ends the work, and no more entries are
 * taken than the root admits. One version gives the same chunks everywhere. Whether the entries are the right ones shows at
 * the end, when they hash to the root: the sender of chunks is trusted with nothing but the time it takes.
 */

import { fail, succeed, type Result } from '../errors.ts'
import { hashMapRoot } from './authenticated-map-proof.ts'
import { MapTree, type TreeEntry, type TreeVersion } from './authenticated-map-tree.ts'
import { compareBytes, equalBytes, type Bytes } from './bytes.ts'
import type { CodecErrorCode } from './codec.ts'
import { MAP_CHUNK_BYTES_MAX, MAP_VALUE_BYTES_MAX, codecLimits, type CodecLimits } from './limits.ts'
import { bytesOf, bytesUpTo, constant, encodeShape, listOf, parseShape, tuple, uint } from './shape.ts'
import { HASH_BYTES } from './tree-hash.ts'

const version = 1
/** A chunk ends before the entry that would make it longer. */
const CHUNK_BYTES = MAP_CHUNK_BYTES_MAX / 2
/** Heads of an entry and of its two byte strings, at most. */
const ENTRY_HEAD_BYTES = 8
const ENTRIES_MAX: number = Math.floor(CHUNK_BYTES / (HASH_BYTES + ENTRY_HEAD_BYTES))

const chunkShape = tuple({
  version: constant(version),
  treeRoot: bytesOf(HASH_BYTES),
  count: uint(Number.MAX_SAFE_INTEGER),
  entries: listOf(tuple({ path: bytesOf(HASH_BYTES), value: bytesUpTo(MAP_VALUE_BYTES_MAX) }), {
    name: 'entries',
    countMax: ENTRIES_MAX,
  }),
})

const chunkLimits: CodecLimits = {
  ...codecLimits,
  bytesMax: MAP_CHUNK_BYTES_MAX,
  depthMax: 3,
  itemsMax: 4 + 3 * ENTRIES_MAX,
  stringBytesMax: MAP_VALUE_BYTES_MAX,
}

/** Returns the chunks of a version that does not change meanwhile; at least one, also for an empty map. */
export function* encodeChunks(tree: MapTree, of: TreeVersion): Generator<Bytes, void, undefined> {
  const treeRoot = tree.hash(of)
  const encode = (entries: readonly TreeEntry[]): Bytes =>
    encodeShape({ version, treeRoot, count: of.count, entries }, chunkShape, { object: 'chunk', limits: chunkLimits })
  let entries: TreeEntry[] = []
  let byteCount = 0
  for (const entry of tree.entries(of)) {
    const entryBytes = HASH_BYTES + ENTRY_HEAD_BYTES + entry.value.length
    if (entries.length > 0 && byteCount + entryBytes > CHUNK_BYTES) {
      yield encode(entries)
      entries = []
      byteCount = 0
    }
    entries.push(entry)
    byteCount += entryBytes
  }
  if (entries.length > 0 || of.count === 0) yield encode(entries)
}

function refuse(path: string, expected: string): Result<never, 'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
}

/**
 * Builds a tree from chunks. Total, as far as the iteration itself does not throw.
 *
 * @param from - `root`: the map's root, trusted
 */
export function parseChunks(from: {
  readonly root: Uint8Array
  readonly chunks: Iterable<Uint8Array>
}): Result<MapTree, CodecErrorCode> {
  const tree = new MapTree()
  let last: Bytes | undefined
  let number = 0
  for (const bytes of from.chunks) {
    const object = `chunks.${number++}`
    const chunk = parseShape(bytes, chunkShape, { object, limits: chunkLimits })
    if (!chunk.ok) return chunk
    const { treeRoot, count, entries } = chunk.value
    if (!equalBytes(hashMapRoot(treeRoot, count), from.root)) return refuse(object, 'a chunk of the map with this root')
    if (tree.head.count + entries.length > count) return refuse(`${object}.entries`, `${count} entries in all`)
    for (const [index, { path, value }] of entries.entries()) {
      if (last !== undefined && compareBytes(last, path) >= 0) {
        return refuse(`${object}.entries.${index}`, 'ascending paths')
      }
      tree.set(path, value)
      last = path
    }
  }
  // An empty map has a chunk too: what arrived without any is a transfer that failed.
  if (number === 0) return refuse('chunks', 'at least one chunk')
  const root = hashMapRoot(tree.hash(tree.head), tree.head.count)
  return equalBytes(root, from.root) ? succeed(tree) : refuse('chunks', 'entries that hash to the root')
}

/**
 * Snapshots of a ledger: the header at the head, the history before it, and the state, in chunks.
 *
 * Whoever takes one over knows the digest of a certified header, and from it everything here is proven: the header by its
 * digest, the history by its root, the state by its root.
 */

import { fail, succeed, type Result } from '../errors.ts'
import { restoreAuthenticatedMap } from '../primitives/authenticated-map.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { createMerkleAccumulator, hashMerkleLeaf, type MerkleAccumulator } from '../primitives/merkle.ts'
import { bytesOf, counter, encodeShape, listOf, parseShape, tuple, type Shape } from '../primitives/shape.ts'
import { hashHeader, headerShape, type Header } from './header.ts'
import { createState, type State } from './state.ts'

/** The newest block of a ledger. */
export interface LedgerHead {
  readonly header: Header
  readonly digest: Digest32
  /** History before this header: what its `historyRoot` commits to. */
  readonly before: { readonly count: number; readonly peaks: readonly Uint8Array[] }
}

const digest = bytesOf(32) as Shape<Digest32>

/** What a snapshot holds besides the map: the header at the head, and the history before it. */
const metaShape = tuple({
  header: headerShape,
  historyCount: counter,
  historyPeaks: listOf(digest, { name: 'peaks', countMax: 64 }),
})

/** Yields the chunks of a ledger at its head. */
export function* writeSnapshot({ header, before }: LedgerHead, state: State): Generator<Uint8Array> {
  const { count: historyCount, peaks } = before
  const meta = { header, historyCount, historyPeaks: peaks as readonly Digest32[] }
  // Kept before anything is given out: the ledger may go on between two chunks.
  const kept = state.snapshot()
  try {
    yield encodeShape(meta, metaShape, { object: 'snapshot' })
    yield* kept.exportChunks()
  } finally {
    kept.release()
  }
}

/** Returns what a snapshot holds, if it is the one that the header with this digest commits to. */
export function readSnapshot(
  chunks: Iterable<Uint8Array>,
  headerDigest: Digest32,
): Result<Pick<LedgerHead, 'header' | 'before'> & { readonly state: State; readonly history: MerkleAccumulator }> {
  const [first, ...rest] = chunks
  const meta = parseShape(first ?? new Uint8Array(), metaShape, { object: 'snapshot' })
  if (!meta.ok) return meta
  const { header, historyCount: count, historyPeaks: peaks } = meta.value
  const wrong = (expected: string) =>
    fail('ERR_CHAIN_PROOF', `snapshot: expected ${expected}`, { path: 'snapshot', details: { height: header.height } })
  if (!equalBytes(hashHeader(header), headerDigest)) return wrong('the header that was asked for')
  const before = { count, peaks }
  const history = restoreHistory(before)
  if (count !== header.height - 1 || history === undefined || !equalBytes(history.root(), header.historyRoot)) {
    return wrong('the history before its header')
  }
  history.append(hashMerkleLeaf(headerDigest))
  const map = restoreAuthenticatedMap({ root: header.stateRoot, chunks: rest })
  return map.ok ? succeed({ header, before, history, state: createState(map.value) }) : map
}

function restoreHistory(before: LedgerHead['before']): MerkleAccumulator | undefined {
  try {
    return createMerkleAccumulator(before)
  } catch {
    return undefined
  }
}

/**
 * Tagged hashing beside bare SHA-256, Merkle trees of a Healthchain block, and the authenticated map with a million keys.
 *
 * Healthchain (HC) fits 5,349 tx_IoT into a block of 1 MiB; its tree is the one measured. The map's keys and values have the
 * form and the size of a ledger's: a kind, an account of 33 bytes and a number; 40 bytes of value. Its memory counts the
 * engine's heap and all buffers: nodes, paths and values.
 */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

import { createAuthenticatedMap, type AuthenticatedMap } from '../src/primitives/authenticated-map.ts'
import { encodeMapProof, verifyMapProof, type MapKey } from '../src/primitives/authenticated-map-proof.ts'
import { encodeCbor } from '../src/primitives/codec.ts'
import { taggedHash } from '../src/primitives/hash.ts'
import { createMerkleTree } from '../src/primitives/merkle-tree.ts'
import { hashMerkleLeaf, hashMerkleNode, hashMerkleTree, verifyInclusion } from '../src/primitives/merkle.ts'
import { TAGS } from '../src/primitives/tags.ts'
import { NODE_PREFIX, hashPairInto } from '../src/primitives/tree-hash.ts'
import { heapUsedMiB, interleave, type Report } from './measure.ts'

const KIB = 1024
/** Many short turns: on a busy machine a long one measures the neighbours. */
const HASH_SIZES = [
  { name: '64 B', bytes: 64, rounds: 401, isDemanded: false },
  { name: '1 KiB', bytes: KIB, rounds: 401, isDemanded: true },
  { name: '1 MiB', bytes: KIB * KIB, rounds: 61, isDemanded: true },
]
const BLOCK_LEAVES = 5_349
const LEAF_BYTES = 96
const KEYS = 1_000_000
const BLOCK_CHANGES = 5_000
const VALUE_BYTES = 40
const HEAP_MIB_MAX = 250

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  await measureHashing(report)
  await measureMerkle(report)
  await measureMap(report)
}

async function measureHashing(report: Report): Promise<void> {
  report.note('taggedHash of one byte field, beside SHA-256 of the same field alone and of the same encoding')
  for (const { name, bytes, rounds, isDemanded } of HASH_SIZES) {
    const field = new Uint8Array(bytes).fill(7)
    const encoding = encodeCbor([TAGS.mapValue, field], {
      bytesMax: Infinity,
      depthMax: 2,
      itemsMax: 3,
      stringBytesMax: bytes,
      mapKeysMax: 0,
    })
    const seconds = await interleave(
      {
        bare: () => nobleSha256(field),
        encoding: () => nobleSha256(encoding),
        tagged: () => taggedHash(TAGS.mapValue, field),
      },
      { rounds, msPerRound: 1 },
    )
    const { bare, encoding: same, tagged } = seconds as { bare: number; encoding: number; tagged: number }
    const figure = (impl: string, median: number): void => {
      report.figure({ op: `hash ${name}`, impl, median: median * 1e6, unit: 'us', n: bytes })
    }
    figure('sha256 of the field', bare)
    figure('sha256 of the encoding', same)
    figure('taggedHash', tagged)
    const value = tagged / bare
    if (isDemanded)
      report.demand({ ratio: `taggedHash / sha256 at ${name}`, value, demand: '<= 1.2', holds: value <= 1.2 })
    else report.note(`taggedHash / sha256 at ${name}: ${value.toFixed(2)}`)
  }
}

async function measureMerkle(report: Report): Promise<void> {
  const leaves = Array.from({ length: BLOCK_LEAVES }, (_, index) => new Uint8Array(LEAF_BYTES).fill(index))
  const leafHashes = leaves.map(hashMerkleLeaf)
  const tree = createMerkleTree(leafHashes)
  const root = tree.root()
  const index = 3_000
  const leafHash = leafHashes[index] as Uint8Array
  const proof = tree.proveInclusion({ index })
  const block = new Uint8Array(65).fill(1)
  const half = new Uint8Array(32).fill(1)
  const slot = { bytes: new Uint8Array(4_096), offset: 64 }
  const candidates = {
    'root from leaves': () => hashMerkleTree(leaves.map(hashMerkleLeaf)),
    'root from leaf hashes': () => hashMerkleTree(leafHashes),
    'tree that can prove': () => createMerkleTree(leafHashes),
    'inclusion proof from a tree': () => tree.proveInclusion({ index }),
    'inclusion verified': () => verifyInclusion({ root, count: BLOCK_LEAVES, index, leafHash, proof }),
    'one node': () => hashMerkleNode(half, half),
    'one node into a page': () => {
      hashPairInto(NODE_PREFIX, slot, slot, slot)
    },
    'sha256 of 65 bytes': () => nobleSha256(block),
  }
  const seconds = await interleave(candidates, { rounds: 101, msPerRound: 2 })
  for (const [op, median] of Object.entries(seconds)) {
    report.figure({ op, impl: 'RFC 6962', median: median * 1e6, unit: 'us', n: BLOCK_LEAVES })
  }
  report.figure({ op: 'inclusion proof', impl: 'RFC 6962', median: proof.length * 32, unit: 'bytes', n: BLOCK_LEAVES })
}

/** Numbers below a bound, the same in each run (mulberry32). */
function createStream(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Made anew for each use, as a rule makes it from a transaction. */
function keyOf(index: number): MapKey {
  const account = new Uint8Array(33).fill(2)
  new DataView(account.buffer).setUint32(1, index)
  return ['acct', account, 0]
}

function valueOf(number: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES)
  new DataView(value.buffer).setFloat64(0, number)
  return value
}

async function measureMap(report: Report): Promise<void> {
  const before = heapUsedMiB()
  const map = createAuthenticatedMap()
  const start = process.hrtime.bigint()
  for (let index = 0; index < KEYS; index++) map.set(keyOf(index), valueOf(index))
  map.root()
  const loadSeconds = Number(process.hrtime.bigint() - start) / 1e9
  const figure = (op: string, median: number, unit: string, impl = 'map'): void => {
    report.figure({ op, impl, median, unit, n: KEYS })
  }
  figure('load and first root', loadSeconds, 's')
  reportMemory(report, 'heap and buffers', heapUsedMiB() - before)

  const next = createStream(1)
  let change = KEYS
  const changeOne = (): void => {
    map.set(keyOf(next(KEYS)), valueOf(change++))
  }
  const changes = {
    block: () => changeBlock(map, changeOne),
    kept: () => {
      const snapshot = map.snapshot()
      changeBlock(map, changeOne)
      snapshot.release()
    },
  }
  const calls = {
    single: () => {
      changeOne()
      return map.root()
    },
    get: () => map.get(keyOf(next(KEYS))),
    prove: () => map.prove(keyOf(next(KEYS))),
    proveAndVerify: () => {
      proveAndVerify(map, next(KEYS))
    },
  }
  const seconds = { ...(await interleave(changes)), ...(await interleave(calls, { rounds: 201, msPerRound: 2 })) }
  const us = (name: string, per = 1): number => ((seconds[name] as number) * 1e6) / per
  figure('change and root', us('single'), 'us')
  figure('change, in a block of 5,000', us('block', BLOCK_CHANGES), 'us')
  figure('change, in a block of 5,000', us('kept', BLOCK_CHANGES), 'us', 'map with a snapshot')
  figure('get', us('get'), 'us')
  figure('prove', us('prove'), 'us')
  figure('prove and verify', us('proveAndVerify'), 'us')
  figure('proof of presence', encodeMapProof(map.prove(keyOf(5))).length, 'bytes')
  figure('proof of absence', encodeMapProof(map.prove(keyOf(KEYS))).length, 'bytes')
  const snapshot = map.snapshot()
  changeBlock(map, changeOne)
  reportMemory(report, 'heap and buffers after the changes, with a snapshot', heapUsedMiB() - before)
  snapshot.release()
}

function changeBlock(map: AuthenticatedMap, changeOne: () => void): Uint8Array {
  for (let index = 0; index < BLOCK_CHANGES; index++) changeOne()
  return map.root()
}

function proveAndVerify(map: AuthenticatedMap, index: number): void {
  const key = keyOf(index)
  const value = map.get(key) ?? null
  if (!verifyMapProof({ root: map.root(), key, value, proof: map.prove(key) })) throw new Error('a proof does not hold')
}

function reportMemory(report: Report, ratio: string, value: number): void {
  report.demand({
    ratio: `MiB of a map with ${KEYS.toLocaleString('en-US')} keys: ${ratio}`,
    value,
    demand: `<= ${HEAP_MIB_MAX}`,
    holds: value <= HEAP_MIB_MAX,
  })
}

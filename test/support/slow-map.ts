import { createHash } from 'node:crypto'

import { hashMapValue } from '../../src/primitives/authenticated-map-proof.ts'
import { fromHex } from '../../src/primitives/bytes.ts'

/** Path in hexadecimal to value. */
export type SlowMap = ReadonlyMap<string, Uint8Array>

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

const bitAt = (path: Uint8Array, bit: number): number => ((path[Math.floor(bit / 8)] as number) >> (7 - (bit % 8))) & 1

type Entry = readonly [path: Uint8Array, value: Uint8Array]

/** The definition of the compact sparse Merkle tree, level by level, with nothing kept. */
function rebuild(entries: readonly Entry[], level: number): Uint8Array {
  const [first, ...others] = entries
  if (first === undefined) return new Uint8Array(32)
  if (others.length === 0) return sha256(Uint8Array.of(0), first[0], hashMapValue(first[1]))
  const side = (bit: number): Uint8Array =>
    rebuild(
      entries.filter(([path]) => bitAt(path, level) === bit),
      level + 1,
    )
  return sha256(Uint8Array.of(1), side(0), side(1))
}

/** The root of a tree with these entries, the slow and obvious way. */
export function slowTreeRoot(map: SlowMap): Uint8Array {
  return rebuild(
    [...map].map(([path, value]) => [fromHex(path), value]),
    0,
  )
}

/**
 * Opening some leaf blocks of a record's tree. Positions are constants of the circuit, so a path needs no selectors; nodes
 * that several paths share are hashed once.
 */

import type { TreeShape } from '../commitment/tree-shape.ts'
import { constant, type Linear } from '../relations/linear.ts'
import type { CircuitBuilder } from '../relations/builder.ts'
import { hashPoseidonWires } from './poseidon.ts'
import type { FieldElement } from '../field.ts'

/** What is opened of a tree. */
export interface TreeOpening {
  readonly shape: TreeShape
  /** Leaf blocks that hold attributes; what lies beyond is zero. */
  readonly usedBlocks: number
  /** The 16 elements of each opened block, by its index. */
  readonly blocks: ReadonlyMap<number, readonly Linear[]>
  /** Values of the nodes of a level, for those beside the paths. */
  readonly nodeValue: (level: number, index: number) => FieldElement
}

/** Returns the root that the opened blocks and their neighbours hash to. */
export function openTree(builder: CircuitBuilder, opening: TreeOpening): Linear {
  const { shape, usedBlocks, blocks, nodeValue } = opening
  const onPath = new Map<number, Linear>()
  for (const [index, elements] of blocks) {
    onPath.set(
      index,
      builder.within(`block ${index}`, () => hashPoseidonWires(builder, 'leaf', elements)),
    )
  }
  let level: ReadonlyMap<number, Linear> = onPath
  let used = usedBlocks
  for (const [depth, arity] of shape.slice(1).entries()) {
    const above = new Map<number, Linear>()
    const known = level
    const knownUsed = used
    const childOf = (index: number): Linear => {
      if (index >= knownUsed) return constant(0n)
      return known.get(index) ?? builder.allocate(`node ${depth}.${index}`, nodeValue(depth, index))
    }
    for (const parent of new Set([...known.keys()].map((index) => Math.floor(index / arity)))) {
      const children = Array.from({ length: arity }, (_, i) => childOf(parent * arity + i))
      above.set(
        parent,
        builder.within(`node ${depth + 1}.${parent}`, () => hashPoseidonWires(builder, 'node', children)),
      )
    }
    level = above
    used = Math.ceil(used / arity)
  }
  return level.get(0)!
}

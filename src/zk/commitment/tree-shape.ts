/**
 * Shapes of the tree of a record. Leaf blocks hold 15 attributes and a salt; the upper levels are as wide as the number of
 * attributes needs, since a narrow node costs fewer constraints than a wide one.
 */

import { rejectArgument } from '../../errors.ts'

/** Children of a node: the inputs of an instance of Poseidon. */
export type Arity = 8 | 16

/** Arities from the leaf blocks upwards; the first is always 16. */
export type TreeShape = readonly Arity[]

/** Attributes in a leaf block; the slot after them holds the salt. */
export const BLOCK_LEAVES = 15

/** By what each can hold, smallest first. */
const SHAPES: readonly TreeShape[] = [[16], [16, 8], [16, 8, 8], [16, 8, 16], [16, 16, 16]]

/** Most leaves of a record. */
export const LEAVES_MAX = 3_840

/** Returns how many leaf blocks a shape has. */
export function blockCountOf(shape: TreeShape): number {
  return shape.slice(1).reduce<number>((product, arity) => product * arity, 1)
}

/** Returns the narrowest shape that holds so many leaves: up to 15, 120, 960, 1,920 or 3,840. */
export function chooseTreeShape(leafCount: number): TreeShape {
  const shape = SHAPES.find((candidate) => blockCountOf(candidate) * BLOCK_LEAVES >= leafCount)
  return shape ?? rejectArgument('leafCount', `at most ${LEAVES_MAX}`, `${leafCount}`)
}

/**
 * Flat arrays of integers that grow: a million entries without a million objects.
 */

import { NONE } from './layout.ts'

/** Returns an array of integers with room for `size` of them, the given ones first, the others {@link NONE}. */
export function allocate(size: number, integers: ArrayLike<number> = []): Int32Array<ArrayBuffer> {
  const array = new Int32Array(size).fill(NONE, integers.length)
  array.set(integers)
  return array
}

/** Returns the array, or a larger copy where it has no room for `width` integers from `start` on. */
export function withRoom(array: Int32Array<ArrayBuffer>, start: number, width: number): Int32Array<ArrayBuffer> {
  while (start + width > array.length) array = allocate(2 * array.length, array)
  return array
}

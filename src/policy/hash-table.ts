/**
 * Open addressing in flat arrays of integers: a million entries without a million objects, each found by touching memory
 * once or twice.
 *
 * An entry is a few integers in a row, the first of them never {@link NONE}. Tables are at most half full and a power of two
 * long. Where to look next depends on the whole hash, so that only equal hashes make a search longer.
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
  return start + width > array.length ? allocate(2 * array.length, array) : array
}

/** Returns where an entry is, or the free place where it belongs. */
export function findPlace(
  table: Int32Array<ArrayBuffer>,
  width: number,
  hash: number,
  isFound: (place: number) => boolean,
): number {
  const mask = table.length - 1
  // An odd number of entries visits each place.
  const step = width * ((hash >>> 7) | 1)
  let place = (width * (hash ^ (hash >>> 15))) & mask
  while (table[place] !== NONE && !isFound(place)) place = (place + step) & mask
  return place
}

/** Returns the table, or a larger one with the same entries where it is more than half full. */
export function withFreePlaces(
  table: Int32Array<ArrayBuffer>,
  width: number,
  count: number,
  hashAt: (place: number) => number,
): Int32Array<ArrayBuffer> {
  if (2 * width * count <= table.length) return table
  const larger = allocate(2 * table.length)
  for (let place = 0; place < table.length; place += width) {
    if (table[place] === NONE) continue
    larger.set(
      table.subarray(place, place + width),
      findPlace(larger, width, hashAt(place), () => false),
    )
  }
  return larger
}

/**
 * Powers in a group with a cheap endomorphism: the exponent is written in a large base whose power the endomorphism is,
 * so that all digits share one chain of squarings, a quarter (or half) as long as the exponent.
 *
 * Groups are written multiplicatively. {@link splitPower} branches on the exponent, which must be public or used once.
 * {@link splitPowerUniform} does the same operations for every exponent, as far as JavaScript's integers allow.
 *
 * @see Galbraith, Lin and Scott 2011; Smart and Siksek 1999, for the splitting of exponents by an endomorphism
 */

/** A group of which one power costs nearly nothing. */
export interface SplitGroup<E> {
  readonly one: E
  readonly square: (a: E) => E
  readonly multiply: (a: E, b: E) => E
  readonly invert: (a: E) => E
  /** The power `base`. */
  readonly endomorphism: (a: E) => E
  readonly base: bigint
  /** Digits of the largest exponent in that base. */
  readonly digitCount: number
}

/** Width of the windows in bits, of both ways. */
const SLIDING_BITS = 5
const FIXED_BITS = 4

function digitsOf(exponent: bigint, { base, digitCount }: { readonly base: bigint; readonly digitCount: number }) {
  const digits: bigint[] = []
  for (let rest = exponent; digits.length < digitCount; rest /= base) digits.push(rest % base)
  return digits
}

/** The windowed non-adjacent form: odd numbers below 2^4 in size, most of them zero; least first. */
function slidingWindows(exponent: bigint): readonly number[] {
  const windows: number[] = []
  const size = 2 ** SLIDING_BITS
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    let window = 0
    if ((rest & 1n) === 1n) {
      window = Number(BigInt.asUintN(SLIDING_BITS, rest))
      if (window >= size / 2) window -= size
      rest -= BigInt(window)
    }
    windows.push(window)
  }
  return windows
}

function applyTable<E>(table: readonly E[], image: (a: E) => E): readonly E[] {
  return table.map((entry) => image(entry))
}

/** The table for each digit: the first, and its images under the endomorphism. */
function tablesFrom<E>(group: SplitGroup<E>, first: readonly E[]): readonly (readonly E[])[] {
  const tables = [first]
  while (tables.length < group.digitCount) tables.push(applyTable(tables.at(-1) as readonly E[], group.endomorphism))
  return tables
}

function oddPowers<E>(group: SplitGroup<E>, element: E): readonly E[] {
  const squared = group.square(element)
  const powers = [element]
  while (powers.length < 2 ** (SLIDING_BITS - 2)) powers.push(group.multiply(powers.at(-1) as E, squared))
  return powers
}

/**
 * Returns a power of an element. The time depends on the exponent: for exponents that are public, or used once.
 *
 * @param exponent - from zero to the order of the group, not included
 */
export function splitPower<E>(group: SplitGroup<E>, element: E, exponent: bigint): E {
  const rows = digitsOf(exponent, group).map(slidingWindows)
  const tables = tablesFrom(group, oddPowers(group, element))
  let result: E | undefined
  for (let column = Math.max(...rows.map((row) => row.length)) - 1; column >= 0; column--) {
    if (result !== undefined) result = group.square(result)
    for (const [i, row] of rows.entries()) {
      const window = row[column] ?? 0
      if (window === 0) continue
      const entry = tables[i]?.[(Math.abs(window) - 1) / 2] as E
      const factor = window < 0 ? group.invert(entry) : entry
      result = result === undefined ? factor : group.multiply(result, factor)
    }
  }
  return result ?? group.one
}

/** Digits from -8 to 7, of which every exponent has as many; least first. */
function fixedWindows(exponent: bigint, count: number): readonly number[] {
  const half = 2 ** (FIXED_BITS - 1)
  let shifted = exponent
  for (let i = 0; i < count; i++) shifted += BigInt(half) << BigInt(FIXED_BITS * i)
  return Array.from({ length: count }, (_, i) => Number((shifted >> BigInt(FIXED_BITS * i)) & 15n) - half)
}

/**
 * Returns a power of an element by the same sequence of operations for every exponent: for exponents that are secret and
 * used again.
 *
 * @param exponent - from zero to the order of the group, not included
 */
export function splitPowerUniform<E>(group: SplitGroup<E>, element: E, exponent: bigint): E {
  const windowCount = Math.floor(group.base.toString(2).length / FIXED_BITS) + 1
  const rows = digitsOf(exponent, group).map((digit) => fixedWindows(digit, windowCount))
  const first = [group.one, element]
  while (first.length <= 2 ** (FIXED_BITS - 1)) first.push(group.multiply(first.at(-1) as E, element))
  const tables = tablesFrom(group, first).map((table) => [table, applyTable(table, group.invert)] as const)
  let result = group.one
  for (let column = windowCount - 1; column >= 0; column--) {
    if (column < windowCount - 1) for (let i = 0; i < FIXED_BITS; i++) result = group.square(result)
    for (const [i, row] of rows.entries()) {
      const window = row[column] as number
      const entry = tables[i]?.[window < 0 ? 1 : 0][Math.abs(window)] as E
      result = group.multiply(result, entry)
    }
  }
  return result
}

/** Powers of one element, for many exponents. */
export interface PowerTable<E> {
  readonly rows: readonly (readonly E[])[]
}

/** Returns a table for powers of one element: 16 rows of 16 for a base of 64 bits. Cost: about 250 multiplications. */
export function createPowerTable<E>(group: SplitGroup<E>, element: E): PowerTable<E> {
  const rows: (readonly E[])[] = []
  let start = element
  for (let bits = 0; bits < group.base.toString(2).length; bits += FIXED_BITS) {
    const row = [group.one, start]
    while (row.length < 2 ** FIXED_BITS) row.push(group.multiply(row.at(-1) as E, start))
    rows.push(row)
    start = group.multiply(row.at(-1) as E, start)
  }
  return { rows }
}

/** Returns a power of the element of the table, by the same sequence of operations for every exponent. */
export function tablePower<E>(group: SplitGroup<E>, { rows }: PowerTable<E>, exponent: bigint): E {
  const digits = digitsOf(exponent, group)
  let result = group.one
  for (const digit of digits.toReversed()) {
    result = group.endomorphism(result)
    for (const [i, row] of rows.entries()) {
      result = group.multiply(result, row[Number((digit >> BigInt(FIXED_BITS * i)) & 15n)] as E)
    }
  }
  return result
}

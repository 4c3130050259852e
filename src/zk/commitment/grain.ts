/**
 * Round constants and matrices of Poseidon, generated as the paper's authors do: by the Grain LFSR in self-shrinking
 * mode, seeded with the parameters, so that nobody chose them.
 *
 * @see Grassi, Khovratovich, Rechberger, Roy, Schofnegger, "Poseidon", 2019/458, appendix E, and 2.3 for the matrix
 */

import { FIELD_ORDER, invertAll, type FieldElement } from '../field.ts'

/** What names an instance of Poseidon with S-box x^5 over the scalar field. */
export interface PoseidonShape {
  /** Elements of the state, t. */
  readonly width: number
  /** Rounds with S-boxes on the whole state, R_F. */
  readonly fullRounds: number
  /** Rounds with one S-box, R_P. */
  readonly partialRounds: number
}

/** The constants of an instance. */
export interface PoseidonConstants {
  /** By round and position. */
  readonly rounds: readonly (readonly FieldElement[])[]
  /** Rows of the MDS matrix. */
  readonly matrix: readonly (readonly FieldElement[])[]
}

const FIELD_BITS = 255
const STATE_BITS = 80
/** Bits that are thrown away at first. */
const WARM_UP_BITS = 160

/** The register as the authors seed it: field, S-box, sizes, then ones. */
function seedBits({ width, fullRounds, partialRounds }: PoseidonShape): number[] {
  const bits: number[] = []
  const write = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1)
  }
  write(1, 2) // a prime field
  write(0, 4) // x^5
  write(FIELD_BITS, 12)
  write(width, 12)
  write(fullRounds, 10)
  write(partialRounds, 10)
  while (bits.length < STATE_BITS) bits.push(1)
  return bits
}

function createGrain(shape: PoseidonShape): () => number {
  const state = seedBits(shape)
  let first = 0
  const at = (offset: number): number => state[(first + offset) % STATE_BITS]!
  const step = (): number => {
    const bit = at(62) ^ at(51) ^ at(38) ^ at(23) ^ at(13) ^ at(0)
    state[first] = bit
    first = (first + 1) % STATE_BITS
    return bit
  }
  for (let i = 0; i < WARM_UP_BITS; i++) step()
  // Of each pair of bits the first says whether the second counts.
  return () => {
    for (;;) {
      const counts = step()
      const bit = step()
      if (counts === 1) return bit
    }
  }
}

/** Generates the constants of an instance. Cost: about 20 ms for width 9, 45 ms for width 17. */
export function generatePoseidonConstants(shape: PoseidonShape): PoseidonConstants {
  const nextBit = createGrain(shape)
  const draw = (): bigint => {
    let value = 0n
    for (let i = 0; i < FIELD_BITS; i++) value = (value << 1n) | BigInt(nextBit())
    return value
  }
  const drawBelowOrder = (): FieldElement => {
    for (;;) {
      const value = draw()
      if (value < FIELD_ORDER) return value
    }
  }
  const list = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
  const { width, fullRounds, partialRounds } = shape
  const rounds = list(fullRounds + partialRounds, () => list(width, drawBelowOrder))
  // A Cauchy matrix: 1 / (x_i + y_j). Here the generator reduces instead of drawing again.
  const xs = list(width, draw)
  const ys = list(width, draw)
  const matrix = xs.map((x) => ys.map((y) => (x + y) % FIELD_ORDER))
  for (const row of matrix) invertAll(row)
  return { rounds, matrix }
}

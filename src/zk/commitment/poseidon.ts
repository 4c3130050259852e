/**
 * Poseidon over the scalar field of BLS12-381, S-box x^5, 128 bits: the hash that costs little inside a circuit.
 *
 * Three widths, each named by its rounds, since instances of one width with other rounds exist and give other hashes:
 * (3, 8, 57), (9, 8, 57) and (17, 8, 57), that is 2, 8 and 16 inputs. The first element of the state, the capacity,
 * carries a domain tag of the use; inputs are always as many as the width takes, so no padding can be ambiguous.
 * Cryptanalysis so far breaks reduced rounds only.
 *
 * @see "Poseidon: A New Hash Function for Zero-Knowledge Proof Systems", 2019/458
 */

import { rejectArgument } from '../../errors.ts'
import { ZK_TAGS, type Tag } from '../../primitives/tags.ts'
import { FIELD_ORDER, textToField, type FieldElement } from '../field.ts'
import { generatePoseidonConstants, type PoseidonConstants, type PoseidonShape } from './grain.ts'

/** Widths in use; an instance takes one input less. */
export type PoseidonWidth = 3 | 9 | 17

/** What a hash is for. */
export type PoseidonDomain = 'leaf' | 'node' | 'commitment' | 'person' | 'study' | 'record' | 'context'

const FULL_ROUNDS = 8
const PARTIAL_ROUNDS = 57

const domainTags: Readonly<Record<PoseidonDomain, Tag>> = {
  leaf: ZK_TAGS.zkLeaf,
  node: ZK_TAGS.zkNode,
  commitment: ZK_TAGS.zkCommitment,
  person: ZK_TAGS.zkPerson,
  study: ZK_TAGS.zkStudy,
  record: ZK_TAGS.zkRecord,
  context: ZK_TAGS.zkContext,
}

const known = new Map<PoseidonWidth, PoseidonConstants>()

/** Returns the element that stands in the capacity for a use. */
export function poseidonCapacity(domain: PoseidonDomain): FieldElement {
  return textToField(domainTags[domain])
}

/** Returns rounds and width of an instance. */
export function poseidonShape(width: PoseidonWidth): PoseidonShape {
  return { width, fullRounds: FULL_ROUNDS, partialRounds: PARTIAL_ROUNDS }
}

/** Returns the constants of an instance; generated on first use. */
export function poseidonConstants(width: PoseidonWidth): PoseidonConstants {
  let constants = known.get(width)
  if (constants === undefined) known.set(width, (constants = generatePoseidonConstants(poseidonShape(width))))
  return constants
}

/** Returns the width that takes that many inputs. */
export function poseidonWidthFor(inputCount: number): PoseidonWidth {
  const width = inputCount + 1
  if (width === 3 || width === 9 || width === 17) return width
  return rejectArgument('inputs', '2, 8 or 16 elements', `${inputCount}`)
}

/** Tells whether round `index` puts the whole state through the S-box. */
export function isFullRound(index: number): boolean {
  return index < FULL_ROUNDS / 2 || index >= FULL_ROUNDS / 2 + PARTIAL_ROUNDS
}

/** x^5. */
function sBox(x: FieldElement): FieldElement {
  const square = (x * x) % FIELD_ORDER
  return (((square * square) % FIELD_ORDER) * x) % FIELD_ORDER
}

/** Multiplies the state by the matrix; products are summed before they are reduced, which costs a third. */
export function mixPoseidon(matrix: PoseidonConstants['matrix'], state: readonly FieldElement[]): FieldElement[] {
  return matrix.map((row) => {
    let sum = 0n
    for (let i = 0; i < row.length; i++) sum += row[i]! * state[i]!
    return sum % FIELD_ORDER
  })
}

/**
 * Returns the permutation of a state of 3, 9 or 17 elements.
 *
 * Cost: about 0.2, 0.6 and 1.5 ms.
 */
export function permutePoseidon(input: readonly FieldElement[]): FieldElement[] {
  const { rounds, matrix } = poseidonConstants(poseidonWidthFor(input.length - 1))
  let state = [...input]
  for (const [index, constants] of rounds.entries()) {
    const isFull = isFullRound(index)
    for (let i = 0; i < state.length; i++) {
      const shifted = (state[i]! + constants[i]!) % FIELD_ORDER
      state[i] = isFull || i === 0 ? sBox(shifted) : shifted
    }
    state = mixPoseidon(matrix, state)
  }
  return state
}

/**
 * Returns the hash of 2, 8 or 16 elements for a use: the first element of the permuted state.
 *
 * @param domain - what it is for
 * @param inputs - exactly as many as an instance takes
 */
export function hashPoseidon(domain: PoseidonDomain, inputs: readonly FieldElement[]): FieldElement {
  return permutePoseidon([poseidonCapacity(domain), ...inputs])[0]!
}

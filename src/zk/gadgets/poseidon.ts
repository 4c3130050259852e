/**
 * Poseidon as constraints: three for each S-box, none for the rest. 240, 384 and 576 for widths 3, 9 and 17, less three
 * for each input that is constant.
 *
 * The state between S-boxes is a linear combination of S-box outputs whose coefficients depend on the width only. They are
 * worked out once for each width; a hash then only fills in its own wires.
 */

import {
  isFullRound,
  poseidonCapacity,
  poseidonConstants,
  poseidonWidthFor,
  type PoseidonDomain,
  type PoseidonWidth,
} from '../commitment/poseidon.ts'
import { FIELD_ORDER, type FieldElement } from '../field.ts'
import { ONE, type CircuitBuilder } from '../relations/builder.ts'
import { combine, constant, isConstant, sum, type Linear } from '../relations/linear.ts'

/** The input of one S-box after the first round, or the output: a constant, and coefficients of earlier S-box outputs. */
interface Mixture {
  readonly constant: FieldElement
  /** Index of the S-box that the first coefficient belongs to. */
  readonly first: number
  readonly coefficients: readonly FieldElement[]
}

interface Template {
  /** Of each S-box after the first round. */
  readonly inputs: readonly Mixture[]
  readonly output: Mixture
}

const templates = new Map<PoseidonWidth, Template>()

function templateOf(width: PoseidonWidth): Template {
  let template = templates.get(width)
  if (template === undefined) templates.set(width, (template = makeTemplate(width)))
  return template
}

/** Follows the permutation with vectors of coefficients in place of numbers. */
function makeTemplate(width: PoseidonWidth): Template {
  const { rounds, matrix } = poseidonConstants(width)
  const inputs: Mixture[] = []
  // The state right after the S-boxes of a round; the first round's outputs are the first variables.
  let boxes = width
  let first = 0
  let state = identityState(width, 0)
  for (const [index, constants] of rounds.entries()) {
    if (index === 0) continue
    const mixed = mix(matrix, state)
    for (let i = 0; i < width; i++) mixed[i]!.constant = (mixed[i]!.constant + constants[i]!) % FIELD_ORDER
    const boxed = isFullRound(index) ? width : 1
    for (let i = 0; i < boxed; i++) inputs.push({ ...mixed[i]!, first })
    if (boxed === width) {
      first = boxes
      state = identityState(width, 0)
    } else {
      const position = boxes - first
      state = [{ constant: 0n, coefficients: unit(position) }, ...mixed.slice(1)]
    }
    boxes += boxed
  }
  return { inputs, output: { ...mix(matrix, state)[0]!, first } }
}

interface Vector {
  constant: FieldElement
  coefficients: FieldElement[]
}

function unit(position: number): FieldElement[] {
  return Array.from({ length: position + 1 }, (_, i) => (i === position ? 1n : 0n))
}

function identityState(width: number, start: number): Vector[] {
  return Array.from({ length: width }, (_, i) => ({ constant: 0n, coefficients: unit(start + i) }))
}

function mix(matrix: readonly (readonly FieldElement[])[], state: readonly Vector[]): Vector[] {
  const length = Math.max(...state.map(({ coefficients }) => coefficients.length))
  return matrix.map((row) => {
    const coefficients = Array.from({ length }, () => 0n)
    let total = 0n
    for (const [i, part] of state.entries()) {
      const factor = row[i]!
      total += factor * part.constant
      for (let j = 0; j < part.coefficients.length; j++) coefficients[j]! += factor * part.coefficients[j]!
    }
    return { constant: total % FIELD_ORDER, coefficients: coefficients.map((value) => value % FIELD_ORDER) }
  })
}

function fillIn(mixture: Mixture, boxes: readonly Linear[]): Linear {
  const parts = mixture.coefficients.map((factor, i) => [factor, boxes[mixture.first + i]!] as const)
  return combine([[mixture.constant, ONE], ...parts])
}

/** x^5; the last product has x on the right, so that x^4 stays out of the right-hand sides, which cost most to prove. */
function sBox(builder: CircuitBuilder, name: string, x: Linear): Linear {
  if (isConstant(x)) return constant(x.value ** 5n)
  const square = builder.allocate(`${name} square`, (x.value * x.value) % FIELD_ORDER)
  builder.enforce(`${name} square`, x, x, square)
  const fourth = builder.allocate(`${name} fourth`, (square.value * square.value) % FIELD_ORDER)
  builder.enforce(`${name} fourth`, square, square, fourth)
  const fifth = builder.allocate(`${name} fifth`, (fourth.value * x.value) % FIELD_ORDER)
  builder.enforce(`${name} fifth`, fourth, x, fifth)
  return fifth
}

/** Returns the hash of 2, 8 or 16 combinations for a use. */
export function hashPoseidonWires(builder: CircuitBuilder, domain: PoseidonDomain, inputs: readonly Linear[]): Linear {
  const width = poseidonWidthFor(inputs.length)
  const template = templateOf(width)
  return builder.within(domain, () => {
    const firstRound = poseidonConstants(width).rounds[0]!
    const boxes = [constant(poseidonCapacity(domain)), ...inputs].map((input, i) =>
      sBox(builder, `s-box ${i}`, sum([input, constant(firstRound[i]!)])),
    )
    for (const mixture of template.inputs) boxes.push(sBox(builder, `s-box ${boxes.length}`, fillIn(mixture, boxes)))
    return fillIn(template.output, boxes)
  })
}

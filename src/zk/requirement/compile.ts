/**
 * The circuit of a requirement. Public inputs, in this order: R, h, requirementDigest, contextHash, nStudy, nRecord.
 *
 * It says: I know a record and what opens h, and a person secret k to which h is bound; the record meets the requirement
 * (R = 1); nStudy and nRecord follow from k, the study of the context and the serial of the record. Only leaf blocks with
 * attributes that the requirement asks about are opened.
 *
 * Every public input is in a constraint that binds it: an unused one could be exchanged in a finished proof.
 */

import { rejectArgument } from '../../errors.ts'
import type { OpenedRecord } from '../commitment/commit.ts'
import { countLeaves, leafCountOf, leafPositions, treeShapeOf, type Schema } from '../commitment/schema.ts'
import { usedBlocks } from '../commitment/tree.ts'
import { BLOCK_LEAVES, blockCountOf } from '../commitment/tree-shape.ts'
import { digestToField, type FieldElement } from '../field.ts'
import { allocateBool, multiply } from '../gadgets/boolean.ts'
import { assertEqual } from '../gadgets/equality.ts'
import { openTree } from '../gadgets/merkle.ts'
import { hashPoseidonWires } from '../gadgets/poseidon.ts'
import { CircuitBuilder, ONE } from '../relations/builder.ts'
import { constant, type Linear } from '../relations/linear.ts'
import { createCircuit, type Circuit } from '../relations/circuit.ts'
import type { Witness } from '../relations/relation.ts'
import { normalize } from './expression.ts'
import { createPredicate } from './predicate.ts'
import type { Requirement } from './requirement.ts'

/**
 * What R says. `assert`: the circuit has no witness unless the requirement is met, and R is 1; the cheaper form. `report`:
 * R is the answer, 1 or 0.
 */
export type RequirementMode = 'assert' | 'report'

/** The circuit of one requirement. */
export interface RequirementCircuit extends Circuit {
  readonly requirement: Requirement
  readonly mode: RequirementMode
}

/** Values of the public inputs. */
export interface RequirementInputs {
  readonly result: FieldElement
  readonly commitment: FieldElement
  readonly requirement: FieldElement
  readonly context: FieldElement
  readonly studyNullifier: FieldElement
  /** Zero where the claim is not exclusive. */
  readonly recordNullifier: FieldElement
}

/** Everything that the circuit computes with. */
export interface RequirementAssignment {
  readonly inputs: RequirementInputs
  readonly record: Pick<OpenedRecord, 'levels' | 'blocks' | 'inputs'>
  readonly personSecret: FieldElement
  readonly study: FieldElement
  readonly terms: FieldElement
  readonly isExclusive: boolean
}

/** The public inputs in their order, as proofs take them. */
export function listInputs(inputs: RequirementInputs): FieldElement[] {
  const { result, commitment, requirement, context, studyNullifier, recordNullifier } = inputs
  return [result, commitment, requirement, context, studyNullifier, recordNullifier]
}

/** Positions of leaf blocks that a requirement opens, ascending. */
function openedBlocks({ schema, attributes }: Requirement): number[] {
  const positions = leafPositions(schema)
  const opened = new Set<number>()
  for (const name of attributes) {
    const first = positions.get(name)!
    const last = first + leafCountOf(schema.attributes[name]!) - 1
    for (let block = Math.floor(first / BLOCK_LEAVES); block <= Math.floor(last / BLOCK_LEAVES); block++) {
      opened.add(block)
    }
  }
  // A requirement about the time of the attestation alone still opens something: the root is never taken on trust.
  return opened.size === 0 ? [0] : [...opened].sort((a, b) => a - b)
}

/** The wires of an opened block; what the schema leaves empty is zero. */
function allocateBlock(
  builder: CircuitBuilder,
  index: number,
  leafCount: number,
  values: readonly FieldElement[],
): Linear[] {
  return Array.from({ length: BLOCK_LEAVES + 1 }, (_, slot) => {
    const isEmpty = slot < BLOCK_LEAVES && index * BLOCK_LEAVES + slot >= leafCount
    const name = slot === BLOCK_LEAVES ? `salt ${index}` : `leaf ${index * BLOCK_LEAVES + slot}`
    return isEmpty ? constant(0n) : builder.allocate(name, values[slot]!)
  })
}

function openRecordWires(
  builder: CircuitBuilder,
  requirement: Requirement,
  record: RequirementAssignment['record'],
): { readonly root: Linear; readonly leaf: (position: number) => Linear } {
  const leafCount = countLeaves(requirement.schema)
  const blocks = new Map(
    openedBlocks(requirement).map((index) => [index, allocateBlock(builder, index, leafCount, record.blocks[index]!)]),
  )
  const root = openTree(builder, {
    shape: treeShapeOf(requirement.schema),
    usedBlocks: usedBlocks(leafCount),
    blocks,
    nodeValue: (level, index) => record.levels[level]![index]!,
  })
  return { root, leaf: (position) => blocks.get(Math.floor(position / BLOCK_LEAVES))![position % BLOCK_LEAVES]! }
}

/** h binds the opened tree to schema, subject, time, person and serial. */
function bindCommitment(
  builder: CircuitBuilder,
  schema: Schema,
  parts: { readonly root: Linear; readonly person: Linear; readonly values: readonly FieldElement[] },
): { readonly commitment: Linear; readonly issuedAtMs: Linear; readonly serial: Linear } {
  const [subject, issuedAtMs, rho, serial] = (
    [
      ['subject', 2],
      ['issuedAtMs', 3],
      ['rho', 4],
      ['record serial', 6],
    ] as const
  ).map(([name, position]) => builder.allocate(name, parts.values[position]!)) as [Linear, Linear, Linear, Linear]
  const inputs = [parts.root, constant(digestToField(schema.id)), subject, issuedAtMs, rho, parts.person, serial]
  const commitment = hashPoseidonWires(builder, 'commitment', [...inputs, constant(0n)])
  return { commitment, issuedAtMs, serial }
}

/** Runs all gadgets of a requirement. */
function synthesize(
  requirement: Requirement,
  mode: RequirementMode,
  assignment: RequirementAssignment,
): CircuitBuilder {
  const builder = new CircuitBuilder()
  const { inputs, record } = assignment
  const result = builder.publicInput('R', inputs.result)
  const h = builder.publicInput('h', inputs.commitment)
  const digest = builder.publicInput('requirementDigest', inputs.requirement)
  const context = builder.publicInput('contextHash', inputs.context)
  const nStudy = builder.publicInput('nStudy', inputs.studyNullifier)
  const nRecord = builder.publicInput('nRecord', inputs.recordNullifier)

  assertEqual(builder, 'requirementDigest', digest, constant(digestToField(requirement.digest)))
  const k = builder.allocate('person secret', assignment.personSecret)
  const study = builder.allocate('study', assignment.study)
  const terms = builder.allocate('terms', assignment.terms)
  assertEqual(builder, 'contextHash', hashPoseidonWires(builder, 'context', [study, terms]), context)
  assertEqual(builder, 'nStudy', hashPoseidonWires(builder, 'study', [k, study]), nStudy)

  const { root, leaf } = builder.within('record', () => openRecordWires(builder, requirement, record))
  const person = hashPoseidonWires(builder, 'person', [k, constant(0n)])
  const bound = bindCommitment(builder, requirement.schema, { root, person, values: record.inputs })
  assertEqual(builder, 'h', bound.commitment, h)
  const isExclusive = allocateBool(builder, 'is exclusive', assignment.isExclusive)
  const recordTag = hashPoseidonWires(builder, 'record', [k, bound.serial])
  assertEqual(builder, 'nRecord', multiply(builder, 'exclusive nRecord', isExclusive, recordTag), nRecord)

  const form = normalize(requirement.expression)
  const predicate = createPredicate(builder, requirement.schema, { leaf, issuedAtMs: bound.issuedAtMs })
  builder.within('requirement', () => {
    if (mode === 'assert') {
      predicate.assert(form)
      assertEqual(builder, 'R', result, ONE)
    } else assertEqual(builder, 'R', predicate.evaluate(form), result)
  })
  return builder
}

/** An assignment of zeros: the shape does not depend on values. */
function zeroAssignment({ schema }: Requirement): RequirementAssignment {
  const zeros = (count: number): FieldElement[] => Array.from({ length: count }, () => 0n)
  const shape = treeShapeOf(schema)
  const blocks = Array.from({ length: blockCountOf(shape) }, () => zeros(BLOCK_LEAVES + 1))
  return {
    inputs: { result: 0n, commitment: 0n, requirement: 0n, context: 0n, studyNullifier: 0n, recordNullifier: 0n },
    record: { levels: shape.map(() => zeros(blocks.length)), blocks, inputs: zeros(8) },
    personSecret: 0n,
    study: 0n,
    terms: 0n,
    isExclusive: false,
  }
}

/**
 * Compiles a requirement to its circuit.
 *
 * Cost: about 0.1 s for 3,000 constraints; the same requirement always gives the same circuit, so keep it.
 *
 * @param requirement - what is to be proved
 * @param options - `mode`: default `assert`
 */
export function compileRequirement(
  requirement: Requirement,
  options: { readonly mode?: RequirementMode } = {},
): RequirementCircuit {
  const { mode = 'assert' } = options
  if (mode !== 'assert' && mode !== 'report') rejectArgument('mode', 'assert or report', 'something else')
  const { relation } = synthesize(requirement, mode, zeroAssignment(requirement)).finish()
  return Object.freeze({ ...createCircuit(relation), requirement, mode })
}

/** Returns the witness of a circuit; whether it satisfies the relation is the caller's question. */
export function assignRequirement(circuit: RequirementCircuit, assignment: RequirementAssignment): Witness {
  return synthesize(circuit.requirement, circuit.mode, assignment).finish().witness
}

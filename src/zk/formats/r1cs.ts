/**
 * `.r1cs` files: circuits as circom and snarkjs exchange them (iden3's format, version 1), for `-p bls12381`.
 *
 * Names of wires and constraints are not part of the format; read back, they are numbers.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import { concatBytes, joinBytes, type Bytes } from '../../primitives/bytes.ts'
import { FIELD_BYTES, FIELD_ORDER } from '../field.ts'
import { CONSTRAINTS_MAX } from '../relations/builder.ts'
import { createCircuit, type Circuit } from '../relations/circuit.ts'
import type { Constraint, Row } from '../relations/relation.ts'
import {
  readSections,
  SectionReader,
  writeElement,
  writeModulus,
  writeSections,
  writeUint32,
  writeUint64,
} from './binary-sections.ts'

const MAGIC = 'r1cs'
const VERSION = 1
const HEADER = 1
const CONSTRAINTS = 2
const LABELS = 3
/** A term: a wire and a coefficient. */
const TERM_BYTES = 4 + FIELD_BYTES
/** A constraint without terms. */
const CONSTRAINT_BYTES_MIN = 12
/** A wire in the map of labels. */
const LABEL_BYTES = 8

function writeRow({ wires, coefficients }: Row): Bytes {
  const terms = wires.flatMap((wire, i) => [writeUint32(wire), writeElement(coefficients[i]!)])
  return joinBytes([writeUint32(wires.length), ...terms])
}

/** Returns the `.r1cs` file of a circuit. All public inputs are public inputs there, none is an output. */
export function encodeR1cs({ relation }: Circuit): Bytes {
  const { publicCount, wireNames, constraints } = relation
  const wireCount = wireNames.length
  const header = concatBytes(
    writeUint32(FIELD_BYTES),
    writeModulus(),
    ...[wireCount, 0, publicCount, wireCount - publicCount - 1].map(writeUint32),
    writeUint64(wireCount),
    writeUint32(constraints.length),
  )
  const body = joinBytes(constraints.flatMap(({ a, b, c }) => [a, b, c].map(writeRow)))
  const labels = joinBytes(wireNames.map((_, wire) => writeUint64(wire)))
  return writeSections(MAGIC, VERSION, [
    [HEADER, header],
    [CONSTRAINTS, body],
    [LABELS, labels],
  ])
}

/** A combination with ascending wires and coefficients other than zero, each below r; undefined for another. */
function readRow(reader: SectionReader, wireCount: number): Row | undefined {
  const count = reader.uint32()
  if (count > reader.left / TERM_BYTES) return undefined
  const terms: [number, bigint][] = []
  for (let i = 0; i < count; i++) terms.push([reader.uint32(), reader.integer()])
  // circom does not sort; what counts is that a wire comes once.
  terms.sort(([left], [right]) => left - right)
  const isSound = terms.every(
    ([wire, coefficient], i) =>
      wire < wireCount && coefficient > 0n && coefficient < FIELD_ORDER && (i === 0 || terms[i - 1]![0] < wire),
  )
  return isSound ? { wires: terms.map(([wire]) => wire), coefficients: terms.map(([, value]) => value) } : undefined
}

interface Header {
  readonly wireCount: number
  readonly publicCount: number
  readonly constraintCount: number
}

function readHeader(bytes: Uint8Array): Header | undefined {
  const reader = new SectionReader(bytes)
  if (reader.uint32() !== FIELD_BYTES || reader.integer() !== FIELD_ORDER) return undefined
  const [wireCount, outputs, publicInputs] = [reader.uint32(), reader.uint32(), reader.uint32()]
  reader.uint32()
  reader.uint64()
  const constraintCount = reader.uint32()
  const publicCount = outputs + publicInputs
  if (!reader.isComplete || wireCount < publicCount + 1 || constraintCount > CONSTRAINTS_MAX) return undefined
  return wireCount > 4 * CONSTRAINTS_MAX ? undefined : { wireCount, publicCount, constraintCount }
}

function readConstraints(bytes: Uint8Array, { wireCount, constraintCount }: Header): Constraint[] | undefined {
  if (constraintCount > bytes.length / CONSTRAINT_BYTES_MIN) return undefined
  const reader = new SectionReader(bytes)
  const constraints: Constraint[] = []
  for (let i = 0; i < constraintCount; i++) {
    const [a, b, c] = [readRow(reader, wireCount), readRow(reader, wireCount), readRow(reader, wireCount)]
    if (a === undefined || b === undefined || c === undefined || reader.isShort) return undefined
    constraints.push({ name: `constraint ${i}`, a, b, c })
  }
  return reader.isComplete ? constraints : undefined
}

/**
 * Reads the `.r1cs` file of a circuit over the scalar field of BLS12-381. Total.
 *
 * A circuit from elsewhere is code from elsewhere: this reads what it says and cannot tell whether it says enough.
 *
 * @returns the circuit, or `ERR_CODEC_MALFORMED`, for circuits over another field too
 */
export function parseR1cs(bytes: Uint8Array): Result<Circuit, 'ERR_CODEC_MALFORMED'> {
  const sections = readSections(bytes, MAGIC, VERSION)
  const [header, body, labels] = [HEADER, CONSTRAINTS, LABELS].map((section) => sections?.get(section))
  const head = header === undefined ? undefined : readHeader(header)
  // The map says nothing here, but its length keeps a short file from claiming millions of wires.
  const isWhole = head !== undefined && labels?.length === head.wireCount * LABEL_BYTES
  const constraints = !isWhole || body === undefined ? undefined : readConstraints(body, head)
  if (head === undefined || constraints === undefined) {
    const expected = 'a circuit over the scalar field of BLS12-381, version 1'
    return fail('ERR_CODEC_MALFORMED', `r1cs: expected ${expected}`, {
      path: 'r1cs',
      details: { byteOffset: 0, expected },
    })
  }
  const wireNames = Array.from({ length: head.wireCount }, (_, wire) => (wire === 0 ? 'one' : `wire ${wire}`))
  return succeed(createCircuit({ publicCount: head.publicCount, wireNames, constraints }))
}

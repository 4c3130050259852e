/**
 * `.zkey` files: Groth16 keys over BLS12-381 as snarkjs writes them (version 1). Points as in `curve-sections.ts`, the quotient
 * in the same basis as here; coefficients of the left and right sides times 2^512 modulo r, with a row for one and each public
 * input behind the constraints.
 *
 * Such a file holds no powers of tau, without which nobody can tell what its points are. So what comes out of it proves nothing
 * yet: check it with the `.ptau` file that it was made from.
 */

import { fail, succeed, type Failure, type Result } from '../../errors.ts'
import { toHex } from '../../primitives/bytes.ts'
import { FIELD_BYTES, FIELD_ORDER, invertField, type FieldElement } from '../field.ts'
import { BASE_ORDER } from '../groth16/base-field.ts'
import { DOMAIN_LOG_MAX } from '../groth16/domain.ts'
import { isInSubgroup, toG1, toG2, type G1Vector, type G2Vector } from '../groth16/pairing.ts'
import { G1_FULL_BYTES, G2_FULL_BYTES } from '../groth16/point-bytes.ts'
import { createProvingKey, type ProvingKey } from '../groth16/proving-key.ts'
import { domainLogOf, rowCountOf } from '../groth16/quadratic-program.ts'
import { areAllInG1, areAllInG2 } from '../groth16/subgroup.ts'
import {
  createVerifyingKey,
  INPUTS_MAX,
  type KeyErrorCode,
  type Setup,
  type VerifyingPoints,
} from '../groth16/verifying-key.ts'
import type { Circuit } from '../relations/circuit.ts'
import type { Relation } from '../relations/relation.ts'
import { readSections, SectionReader } from './binary-sections.ts'
import { COORDINATE_BYTES, readG1Points, readG2Points, toIntegerFromLittle } from './curve-sections.ts'

/** What a `.zkey` file does not say. */
export interface ZkeyOptions {
  /** The circuit of the key, from the `.r1cs` file or compiled here. */
  readonly circuit: Circuit
  /** Default `verifier`, which promises least. */
  readonly setup?: Setup
}

const MAGIC = 'zkey'
const VERSION = 1
const GROTH16 = 1
/** Sections in the order of their numbers from 1; the contributions at the end are another program's transcript. */
const SECTIONS = ['protocol', 'header', 'inputs', 'rows', 'a', 'b1', 'b2', 'c', 'h', 'contributions'] as const
type Sections = Readonly<Record<(typeof SECTIONS)[number], Uint8Array>>
/** A coefficient: matrix, row and wire in front of it. */
const TERM_BYTES = 12 + FIELD_BYTES

function malformed(path: string, expected: string): Failure<'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `${path}: expected ${expected}`, { path, details: { byteOffset: 0, expected } })
}

function invalidPoint(path: string, group: 'G1' | 'G2'): Failure<'ERR_CRYPTO_INVALID_POINT'> {
  return fail('ERR_CRYPTO_INVALID_POINT', `${path}: expected points of ${group}`, { path, details: { group } })
}

function nameSections(found: ReadonlyMap<number, Uint8Array> | undefined): Sections | undefined {
  if (found?.size !== SECTIONS.length) return undefined
  const named = SECTIONS.map((name, i) => [name, found.get(i + 1)] as const)
  return named.every(([, bytes]) => bytes !== undefined) ? (Object.fromEntries(named) as Sections) : undefined
}

interface Header {
  readonly wireCount: number
  readonly publicCount: number
  readonly size: number
  /** alpha, beta and delta. */
  readonly first: G1Vector
  /** beta, gamma and delta. */
  readonly second: G2Vector
}

function readHeader(bytes: Uint8Array): Header | undefined {
  const reader = new SectionReader(bytes)
  const isCurve =
    reader.uint32() === COORDINATE_BYTES && toIntegerFromLittle(reader.view(COORDINATE_BYTES)) === BASE_ORDER
  if (!isCurve || reader.uint32() !== FIELD_BYTES || reader.integer() !== FIELD_ORDER) return undefined
  const [wireCount, publicCount, size] = [reader.uint32(), reader.uint32(), reader.uint32()]
  const g1 = (): G1Vector | undefined => readG1Points(reader.view(G1_FULL_BYTES), 1)
  const g2 = (): G2Vector | undefined => readG2Points(reader.view(G2_FULL_BYTES), 1)
  const [alpha, beta1, beta2, gamma, delta1, delta2] = [g1(), g1(), g2(), g2(), g1(), g2()]
  if (!reader.isComplete || alpha === undefined || beta1 === undefined || delta1 === undefined) return undefined
  if (beta2 === undefined || gamma === undefined || delta2 === undefined) return undefined
  const join = <E>(...parts: { xs: E[]; ys: E[] }[]): { xs: E[]; ys: E[] } => ({
    xs: parts.flatMap(({ xs }) => xs),
    ys: parts.flatMap(({ ys }) => ys),
  })
  return { wireCount, publicCount, size, first: join(alpha, beta1, delta1), second: join(beta2, gamma, delta2) }
}

/** Both sides of each row as this library has them: constraints, then one row for one and each public input. */
function rowsOf({ constraints, publicCount }: Relation): Map<number, FieldElement>[][] {
  const toMap = ({ wires, coefficients }: { wires: readonly number[]; coefficients: readonly FieldElement[] }) =>
    new Map(wires.map((wire, i) => [wire, coefficients[i]!]))
  const inputs = Array.from({ length: publicCount + 1 }, (_, input) => new Map([[input, 1n]]))
  return [[...constraints.map(({ a }) => toMap(a)), ...inputs], constraints.map(({ b }) => toMap(b))]
}

let inverse: FieldElement | undefined

/** Tells whether the left and right sides in a file are those of a relation. */
function areRows(bytes: Uint8Array, relation: Relation): boolean {
  const reader = new SectionReader(bytes)
  const count = reader.uint32()
  if (bytes.length !== 4 + count * TERM_BYTES) return false
  inverse ??= invertField(2n ** 512n % FIELD_ORDER)
  const sides = rowsOf(relation)
  const expected = sides.flat().reduce((sum, row) => sum + row.size, 0)
  for (let i = 0; i < count; i++) {
    const [side, row, wire] = [reader.uint32(), reader.uint32(), reader.uint32()]
    const value = reader.integer()
    const terms = sides[side]?.[row]
    // A term that comes twice is not found the second time.
    if (value >= FIELD_ORDER || terms?.get(wire) !== (value * inverse) % FIELD_ORDER) return false
    terms.delete(wire)
  }
  return count === expected
}

/** The points of the verifying key; each in its subgroup and not the identity. */
function readVerifyingPoints({ first, second }: Header, inputs: G1Vector): VerifyingPoints | Failure<KeyErrorCode> {
  const points = {
    alpha: toG1(first, 0),
    beta: toG2(second, 0),
    gamma: toG2(second, 1),
    delta: toG2(second, 2),
    inputs: inputs.xs.map((_, i) => toG1(inputs, i)),
  }
  const { alpha, beta, gamma, delta } = points
  if (![alpha, toG1(first, 1), toG1(first, 2)].every(isInSubgroup)) return invalidPoint('zkey.header', 'G1')
  if (![beta, gamma, delta].every(isInSubgroup)) return invalidPoint('zkey.header', 'G2')
  return points.inputs.every(isInSubgroup) ? points : invalidPoint('zkey.inputs', 'G1')
}

/**
 * Reads the proving key of a `.zkey` file, with its verifying key. Total in the bytes. Sizes follow from the circuit and are
 * compared before anything is decoded; every point is on its curve and in its subgroup.
 *
 * Cost: about 1 s for 3,000 constraints, most of it for the subgroups. What it returns cannot prove yet: pass it to
 * {@link validateProvingKey} with what {@link parsePtau} reads.
 *
 * @returns the key; or `ERR_CODEC_MALFORMED`, also for other curves and proof systems; `ERR_ZK_KEY_MISMATCH` for the key of
 *   another circuit; `ERR_CRYPTO_INVALID_POINT`; `ERR_ZK_INSECURE_KEY` where nobody contributed to it, for example
 */
export function parseZkey(
  bytes: Uint8Array,
  options: ZkeyOptions,
): Result<ProvingKey, KeyErrorCode | 'ERR_ZK_KEY_MISMATCH'> {
  const { circuit, setup = 'verifier' } = options
  const { relation } = circuit
  if (rowCountOf(relation) > 2 ** DOMAIN_LOG_MAX) return malformed('zkey', `at most 2^${DOMAIN_LOG_MAX} rows`)
  if (relation.publicCount > INPUTS_MAX) return malformed('zkey', `at most ${INPUTS_MAX} public inputs`)
  const sections = nameSections(readSections(bytes, MAGIC, VERSION))
  const header = sections === undefined ? undefined : readHeader(sections.header)
  const protocol = new SectionReader(sections?.protocol ?? new Uint8Array(0))
  if (sections === undefined || header === undefined || protocol.uint32() !== GROTH16 || !protocol.isComplete) {
    return malformed('zkey', 'a Groth16 key over BLS12-381, version 1')
  }
  const [wireCount, domainLog] = [relation.wireNames.length, domainLogOf(relation)]
  const isOfCircuit =
    header.wireCount === wireCount && header.publicCount === relation.publicCount && header.size === 2 ** domainLog
  if (!isOfCircuit || !areRows(sections.rows, relation)) {
    return fail('ERR_ZK_KEY_MISMATCH', 'zkey: expected the key of this circuit', {
      path: 'zkey',
      details: { circuit: toHex(circuit.id), found: 'another' },
    })
  }
  const inputs = readG1Points(sections.inputs, header.publicCount + 1)
  const [a, b1, b2] = [
    readG1Points(sections.a, wireCount),
    readG1Points(sections.b1, wireCount),
    readG2Points(sections.b2, wireCount),
  ]
  const [c, h] = [readG1Points(sections.c, wireCount - header.publicCount - 1), readG1Points(sections.h, header.size)]
  if (inputs === undefined || a === undefined || b1 === undefined) return malformed('zkey', 'points of their curves')
  if (b2 === undefined || c === undefined || h === undefined) return malformed('zkey', 'points of their curves')
  const points = readVerifyingPoints(header, inputs)
  if ('ok' in points) return points
  const vectors = [a, b1, c, h]
  if (!areAllInG1({ xs: vectors.flatMap(({ xs }) => xs), ys: vectors.flatMap(({ ys }) => ys) })) {
    return invalidPoint('zkey', 'G1')
  }
  if (!areAllInG2(b2)) return invalidPoint('zkey', 'G2')
  const verifyingKey = createVerifyingKey(circuit.id, setup, points)
  if (!verifyingKey.ok) return verifyingKey
  const fixed = { xs: header.first.xs.slice(1), ys: header.first.ys.slice(1) }
  return succeed(createProvingKey(verifyingKey.value, { domainLog, fixed, a, b1, b2, c, h }))
}

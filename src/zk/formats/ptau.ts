/**
 * `.ptau` files: the powers of tau that snarkjs makes its keys from (version 1, `bls12381`). Of them only what a prover
 * checks a key with is read: [tau^i]_1 for i = 0..n, [tau]_2 and [tau^n]_2.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import type { PointErrorCode } from '../../primitives/bls12-381.ts'
import { BASE_ORDER } from '../groth16/base-field.ts'
import { DOMAIN_LOG_MAX } from '../groth16/domain.ts'
import type { KeyAudit } from '../groth16/key-audit.ts'
import { G1_FULL_BYTES, G2_FULL_BYTES } from '../groth16/point-bytes.ts'
import { domainLogOf, rowCountOf } from '../groth16/quadratic-program.ts'
import { areAllInG1, areAllInG2 } from '../groth16/subgroup.ts'
import type { Circuit } from '../relations/circuit.ts'
import { readSections, SectionReader } from './binary-sections.ts'
import { COORDINATE_BYTES, readG1Points, readG2Points, toIntegerFromLittle } from './curve-sections.ts'

const MAGIC = 'ptau'
const VERSION = 1
const HEADER = 1
const FIRST = 2
const SECOND = 3

function malformed(expected: string): Result<never, 'ERR_CODEC_MALFORMED'> {
  return fail('ERR_CODEC_MALFORMED', `ptau: expected ${expected}`, {
    path: 'ptau',
    details: { byteOffset: 0, expected },
  })
}

/** The exponent of the largest domain that a file serves; undefined for another curve or form. */
function readPower(header: Uint8Array): number | undefined {
  const reader = new SectionReader(header)
  const [bytes, order] = [reader.uint32(), reader.view(COORDINATE_BYTES)]
  const [power, ceremonyPower] = [reader.uint32(), reader.uint32()]
  if (!reader.isComplete || bytes !== COORDINATE_BYTES || toIntegerFromLittle(order) !== BASE_ORDER) return undefined
  return power <= ceremonyPower && power <= 28 ? power : undefined
}

/**
 * Reads from a `.ptau` file what a key for a circuit is checked with. Total in the bytes.
 *
 * Cost: about 0.1 ms for each row of the domain. Whether these are powers of one number, and those of the key, is for
 * {@link validateProvingKey}. The file has to be larger than the circuit: for a domain of 2^k rows of power k + 1 or more.
 *
 * @param circuit - the one of the key
 * @returns the audit, or `ERR_CODEC_MALFORMED`, or `ERR_CRYPTO_INVALID_POINT` for a point outside of its subgroup
 */
export function parsePtau(bytes: Uint8Array, circuit: Circuit): Result<KeyAudit, PointErrorCode> {
  if (rowCountOf(circuit.relation) > 2 ** DOMAIN_LOG_MAX) return malformed(`at most 2^${DOMAIN_LOG_MAX} rows`)
  const sections = readSections(bytes, MAGIC, VERSION)
  const [header, first, second] = [sections?.get(HEADER), sections?.get(FIRST), sections?.get(SECOND)]
  const power = header === undefined ? undefined : readPower(header)
  if (power === undefined || first === undefined || second === undefined) {
    return malformed('powers of tau over BLS12-381, version 1')
  }
  const isWhole =
    first.length === (2 ** (power + 1) - 1) * G1_FULL_BYTES && second.length === 2 ** power * G2_FULL_BYTES
  if (!isWhole) return malformed('as many points as its power says')
  const size = 2 ** domainLogOf(circuit.relation)
  if (2 ** power <= size) return malformed('a power above that of the domain of the circuit')
  const powers = readG1Points(first.subarray(0, (size + 1) * G1_FULL_BYTES), size + 1)
  const secondAt = (i: number): Uint8Array => second.subarray(i * G2_FULL_BYTES, (i + 1) * G2_FULL_BYTES)
  const [tau, tauToSize] = [readG2Points(secondAt(1), 1), readG2Points(secondAt(size), 1)]
  if (powers === undefined || tau === undefined || tauToSize === undefined) return malformed('points on their curves')
  const inG2 = { xs: [...tau.xs, ...tauToSize.xs], ys: [...tau.ys, ...tauToSize.ys] }
  for (const [group, isIn] of [
    ['G1', areAllInG1(powers)],
    ['G2', areAllInG2(inG2)],
  ] as const) {
    if (isIn) continue
    return fail('ERR_CRYPTO_INVALID_POINT', `ptau: expected points of ${group}`, { path: 'ptau', details: { group } })
  }
  return succeed(Object.freeze({ kind: 'key-audit', circuit: circuit.id, powers, second: inG2 }))
}

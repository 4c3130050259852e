/**
 * The state of a ceremony as a file that goes from party to party. Not secret; about 900 bytes for each row of the domain in
 * the first round, 800 in the second.
 */

import { fail, succeed, type Result } from '../../errors.ts'
import { equalBytes, type Bytes } from '../../primitives/bytes.ts'
import type { CodecErrorCode } from '../../primitives/codec.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import { codecLimits } from '../../primitives/limits.ts'
import {
  bytesOf,
  choice,
  encodeShape,
  listOf,
  parseShape,
  versioned,
  viewUpTo,
  type Shape,
} from '../../primitives/shape.ts'
import type { Circuit } from '../relations/circuit.ts'
import {
  CEREMONY_ROUNDS,
  contributionShape,
  CONTRIBUTIONS_MAX,
  type Ceremony,
  type CeremonyKey,
  type CeremonyPowers,
} from './ceremony.ts'
import type { G1Vector, G2Vector } from './pairing.ts'
import { encodeG1Vector, encodeG2Vector, parseG1Vector, parseG2Vector } from './point-bytes.ts'
import { PROVING_KEY_BYTES_MAX } from './proving-key.ts'
import { domainLogOf } from './quadratic-program.ts'

/** Sections of a round: vectors of G1, then vectors of G2. */
const SECTIONS_MAX = 9

const ceremonyShape = versioned(1, {
  circuit: bytesOf(32) as unknown as Shape<Digest32>,
  contributions: listOf(contributionShape, { name: 'contributions', countMax: CONTRIBUTIONS_MAX }),
  round: choice('round', CEREMONY_ROUNDS),
  first: listOf(viewUpTo(PROVING_KEY_BYTES_MAX), { name: 'sections', countMax: SECTIONS_MAX }),
  second: listOf(viewUpTo(PROVING_KEY_BYTES_MAX), { name: 'sections', countMax: SECTIONS_MAX }),
})
const OBJECT = {
  object: 'ceremony',
  limits: { ...codecLimits, bytesMax: PROVING_KEY_BYTES_MAX, stringBytesMax: PROVING_KEY_BYTES_MAX },
}

interface Sections {
  readonly first: readonly G1Vector[]
  readonly second: readonly G2Vector[]
}

function sectionsOf({ state }: Ceremony): Sections {
  if (state.round === 'powers') {
    const { tau1, alpha1, beta1, tau2, beta2 } = state.powers
    return { first: [tau1, alpha1, beta1], second: [tau2, beta2] }
  }
  const { points, alpha1, fixed2, inputs, powers, second } = state.key
  return {
    first: [points.fixed, points.a, points.b1, points.c, points.h, alpha1, inputs, powers],
    second: [points.b2, fixed2, second],
  }
}

/** How many points each section has, by the circuit. */
function countsOf(round: Ceremony['state']['round'], { relation }: Circuit): { first: number[]; second: number[] } {
  const size = 2 ** domainLogOf(relation)
  const wires = relation.wireNames.length
  const inputs = relation.publicCount + 1
  return round === 'powers'
    ? { first: [2 * size, size, size], second: [size + 1, 1] }
    : { first: [2, wires, wires, wires - inputs, size, 1, inputs, size + 1], second: [wires, 2, 2] }
}

/** Returns the file of a ceremony. */
export function encodeCeremony(ceremony: Ceremony): Bytes {
  const { first, second } = sectionsOf(ceremony)
  const { circuit, contributions, state } = ceremony
  return encodeShape(
    {
      circuit,
      contributions,
      round: state.round,
      first: first.map(encodeG1Vector),
      second: second.map(encodeG2Vector),
    },
    ceremonyShape,
    OBJECT,
  )
}

function hasCounts(
  vectors: readonly ({ readonly xs: readonly unknown[] } | undefined)[],
  counts: readonly number[],
): boolean {
  return vectors.length === counts.length && vectors.every((vector, i) => vector?.xs.length === counts[i])
}

function buildPowers({ first, second }: Sections): CeremonyPowers {
  const [tau1, alpha1, beta1] = first as [G1Vector, G1Vector, G1Vector]
  const [tau2, beta2] = second as [G2Vector, G2Vector]
  return { tau1, alpha1, beta1, tau2, beta2 }
}

function buildKey({ first, second }: Sections, domainLog: number): CeremonyKey {
  const [fixed, a, b1, c, h, alpha1, inputs, powers] = first as [
    G1Vector,
    G1Vector,
    G1Vector,
    G1Vector,
    G1Vector,
    G1Vector,
    G1Vector,
    G1Vector,
  ]
  const [b2, fixed2, ends] = second as [G2Vector, G2Vector, G2Vector]
  return { points: { domainLog, fixed, a, b1, b2, c, h }, alpha1, fixed2, inputs, powers, second: ends }
}

/**
 * Reads the file of a ceremony. Total. Points are on their curves and as many as the circuit has; the rest is for
 * `contributeToCeremony` and `validateCeremony` to check.
 *
 * @param circuit - compiled here
 */
export function parseCeremony(bytes: Uint8Array, circuit: Circuit): Result<Ceremony, CodecErrorCode> {
  const parts = parseShape(bytes, ceremonyShape, OBJECT)
  if (!parts.ok) return parts
  const { contributions, round } = parts.value
  const counts = countsOf(round, circuit)
  const [first, second] = [parts.value.first.map(parseG1Vector), parts.value.second.map(parseG2Vector)]
  const isWhole =
    equalBytes(parts.value.circuit, circuit.id) && hasCounts(first, counts.first) && hasCounts(second, counts.second)
  if (!isWhole) {
    const expected = 'a ceremony of this circuit'
    return fail('ERR_CODEC_MALFORMED', `ceremony: expected ${expected}`, {
      path: 'ceremony',
      details: { byteOffset: 0, expected },
    })
  }
  const sections = { first: first as G1Vector[], second: second as G2Vector[] }
  const state: Ceremony['state'] =
    round === 'powers'
      ? { round, powers: buildPowers(sections) }
      : { round, key: buildKey(sections, domainLogOf(circuit.relation)) }
  return succeed({ kind: 'ceremony', circuit: parts.value.circuit, contributions, state })
}

import { beforeAll, describe, expect, test } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { generatorOfG1 } from '../../src/primitives/bls12-381-group.ts'
import { encodeG1, type G1Point } from '../../src/primitives/bls12-381.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { baseFieldOfG1 } from '../../src/zk/groth16/base-field.ts'
import { validateCeremony, encodeTranscript, parseTranscript } from '../../src/zk/groth16/ceremony-check.ts'
import { encodeCeremony, parseCeremony } from '../../src/zk/groth16/ceremony-file.ts'
import { closePowers, finishCeremony, type CeremonyResult } from '../../src/zk/groth16/ceremony-key.ts'
import { contributeToCeremony, startCeremony, type Ceremony } from '../../src/zk/groth16/ceremony.ts'
import { generateProofKeys } from '../../src/zk/groth16/generate.ts'
import { evaluateLagrange } from '../../src/zk/groth16/quadratic-program.ts'
import { rootOfUnity, powersOf } from '../../src/zk/groth16/domain.ts'
import { fromG1, toG1 } from '../../src/zk/groth16/pairing.ts'
import { interpolatePoints, multiplyEach } from '../../src/zk/groth16/point-transform.ts'
import { createProvingKey, provingPoints } from '../../src/zk/groth16/proving-key.ts'
import { proveRelation } from '../../src/zk/groth16/prove.ts'
import { verifyRelation } from '../../src/zk/groth16/verify.ts'
import { createVerifyingKey, verifyingPoints } from '../../src/zk/groth16/verifying-key.ts'
import { createCircuit, type Circuit } from '../../src/zk/relations/circuit.ts'
import type { Witness } from '../../src/zk/relations/relation.ts'
import { build } from './circuits.ts'

/** x^3 + 5 = y. */
function cube(x: bigint, add = 5n): { circuit: Circuit; witness: Witness } {
  const { relation, witness } = build((builder) => {
    const y = builder.publicInput('y', x ** 3n + add)
    const root = builder.allocate('x', x)
    const square = builder.allocate('square', x * x)
    builder.enforce('square', root, root, square)
    const terms = new Map([...y.terms, [0, FIELD_ORDER - add]])
    builder.enforce('cube', square, root, { terms, value: 0n })
  })
  return { circuit: createCircuit(relation), witness }
}

const { circuit, witness } = cube(3n)

describe('transforms of points', () => {
  const base = generatorOfG1()
  const times = (scalar: bigint): G1Point => base.multiply(scalar) as G1Point

  test('each point times its scalar', () => {
    const points = fromG1([times(1n), times(2n), times(3n)])
    const product = multiplyEach(baseFieldOfG1, points, [FIELD_ORDER - 1n, 0n, 12_345n])
    expect(toG1(product, 0).equals(base.negate())).toBe(true)
    expect(toG1(product, 1).is0()).toBe(true)
    expect(toG1(product, 2).equals(times(37_035n))).toBe(true)
  })

  test('powers of tau become Lagrange polynomials at tau', () => {
    const tau = 987_654_321n
    const powers = fromG1(powersOf(tau, 8).map(times))
    const lagrange = evaluateLagrange(tau, { log: 3, first: 1n, step: rootOfUnity(3), count: 8 })
    const points = interpolatePoints(baseFieldOfG1, powers)
    for (const [i, value] of lagrange.entries()) expect(toG1(points, i).equals(times(value))).toBe(true)
  })
})

describe('a ceremony', () => {
  let result: CeremonyResult
  let own: string
  let afterPowers: Ceremony
  beforeAll(async () => {
    let ceremony = startCeremony(circuit)
    const first = await contributeToCeremony(ceremony)
    const second = await contributeToCeremony(first.ceremony)
    own = toHex(second.digest)
    afterPowers = second.ceremony
    ceremony = await closePowers(second.ceremony, { circuit })
    ceremony = (await contributeToCeremony(ceremony)).ceremony
    ceremony = (await contributeToCeremony(ceremony)).ceremony
    result = finishCeremony(ceremony)
  }, 60_000)

  test('ends with a key that proves, and in which each party finds its part', async () => {
    const { provingKey, contributions } = unwrap(await validateCeremony(result, { circuit }))
    expect(contributions.map(toHex)).toHaveLength(4)
    expect(contributions.map(toHex)[1]).toBe(own)
    expect(result.verifyingKey.setup).toBe('ceremony')
    const proof = await proveRelation(provingKey, { circuit, witness })
    expect(verifyRelation(result.verifyingKey, { proof, inputs: [32n] })).toBe(true)
    expect(verifyRelation(result.verifyingKey, { proof, inputs: [33n] })).toBe(false)
  })

  const checkOf = async (change: Partial<CeremonyResult>, of: Circuit = circuit): Promise<string> => {
    const checked = await validateCeremony({ ...result, ...change }, { circuit: of })
    if (checked.ok) return 'sound'
    return checked.code === 'ERR_ZK_INSECURE_KEY' ? checked.details.check : checked.code
  }

  test('is refused with a contribution missing, moved, twice or changed', async () => {
    const { contributions } = result
    const [one, two, three, four] = contributions as [never, never, never, never]
    expect(await checkOf({ contributions: [one, two, three] })).toBe('secrets')
    expect(await checkOf({ contributions: [two, three, four] })).toBe('contributions')
    expect(await checkOf({ contributions: [two, one, three, four] })).toBe('contributions')
    expect(await checkOf({ contributions: [one, two, three, four, four] })).toBe('contributions')
    expect(await checkOf({ contributions: [one, two] })).toBe('contributions')
    expect(await checkOf({ contributions: [] })).toBe('contributions')
    for (const name of ['result', 'first', 'second', 'commitment', 'response'] as const) {
      const shares = contributions[0]!.shares.map((share, i) =>
        i === 0 ? { ...share, [name]: contributions[1]!.shares[0]![name] } : share,
      )
      expect(await checkOf({ contributions: [{ ...contributions[0]!, shares }, two, three, four] })).toBe(
        'contributions',
      )
    }
    const short = { ...contributions[0]!, shares: contributions[0]!.shares.slice(1) }
    expect(await checkOf({ contributions: [short, two, three, four] })).toBe('contributions')
  })

  test('is refused where a factor of one or a foreign factor stands in it', async () => {
    const trivial = encodeG1(generatorOfG1())
    const shares = result.contributions[3]!.shares.map((share) => ({ ...share, first: trivial }))
    const changed = [...result.contributions.slice(0, 3), { round: 'delta' as const, shares }]
    expect(await checkOf({ contributions: changed })).toBe('contributions')
  })

  test('is refused for another circuit, another mark, and a spoiled key', async () => {
    expect(await checkOf({}, cube(3n, 6n).circuit)).toBe('contributions')
    const points = provingPoints(result.provingKey)
    const marked = unwrap(createVerifyingKey(circuit.id, 'verifier', verifyingPoints(result.verifyingKey)))
    expect(await checkOf({ provingKey: createProvingKey(marked, points), verifyingKey: marked })).toBe('secrets')
    const { xs, ys } = fromG1([toG1(points.h, 1).add(generatorOfG1()) as G1Point])
    const h = { xs: points.h.xs.with(1, xs[0]!), ys: points.h.ys.with(1, ys[0]!) }
    expect(await checkOf({ provingKey: createProvingKey(result.verifyingKey, { ...points, h }) })).toBe('H')
    const audit = { ...result.audit, powers: { xs: [], ys: [] } }
    expect(await checkOf({ audit })).toBe('secrets')
  })

  test('is refused with another verifying key beside its proving key', async () => {
    // Somebody's own key, under which he can forge, in the place of the one that nobody can forge under.
    const own = (await generateProofKeys(circuit, { trust: 'single-verifier' })).verifyingKey
    const marked = unwrap(createVerifyingKey(circuit.id, 'ceremony', verifyingPoints(own)))
    expect(await checkOf({ verifyingKey: marked })).toBe('verifying key')
    const { verifyingKey } = result
    expect(await checkOf({ verifyingKey: { ...verifyingKey } })).toBe('sound')
    expect(await checkOf({ verifyingKey: { ...verifyingKey, digest: marked.digest } })).toBe('verifying key')
    expect(await checkOf({ verifyingKey: { ...marked, digest: verifyingKey.digest } })).toBe('verifying key')
    expect(await checkOf({ verifyingKey: { ...verifyingKey, setup: 'verifier' } })).toBe('verifying key')
  })

  test('keeps its rounds apart', async () => {
    await expect(closePowers(startCeremony(circuit), { circuit })).rejects.toThrow('contributions to the first round')
    await expect(closePowers(afterPowers, { circuit: cube(3n, 6n).circuit })).rejects.toThrow('that of the ceremony')
    expect(() => finishCeremony(afterPowers)).toThrow('the second round')
    // Without a contribution to delta it stays at one, which lets everybody forge.
    const closed = await closePowers(afterPowers, { circuit })
    expect(() => finishCeremony(closed)).toThrow('delta equals gamma')
  })

  test('multiplies no point outside of the subgroup by a secret', async () => {
    if (afterPowers.state.round !== 'powers') throw new Error('another round')
    const { powers } = afterPowers.state
    const tau1 = { xs: powers.tau1.xs.with(2, 0n), ys: powers.tau1.ys.with(2, 2n) }
    const spoiled: Ceremony = { ...afterPowers, state: { round: 'powers', powers: { ...powers, tau1 } } }
    await expect(contributeToCeremony(spoiled)).rejects.toMatchObject({ code: 'ERR_ZK_INSECURE_KEY' })
  })

  test('goes from party to party as a file, in both rounds', async () => {
    const closed = await closePowers(afterPowers, { circuit })
    for (const ceremony of [startCeremony(circuit), afterPowers, closed]) {
      const bytes = encodeCeremony(ceremony)
      expect(unwrap(parseCeremony(bytes, circuit))).toEqual(ceremony)
      expect(parseCeremony(bytes, cube(3n, 6n).circuit).ok).toBe(false)
      expect(parseCeremony(Uint8Array.of(...bytes, 0), circuit).ok).toBe(false)
      for (let length = 0; length < bytes.length; length += 131) {
        expect(parseCeremony(bytes.subarray(0, length), circuit).ok).toBe(false)
      }
      const spoiled = bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
      expect(parseCeremony(spoiled, circuit).ok).toBe(false)
    }
    if (closed.state.round !== 'delta') throw new Error('another round')
    const { key } = closed.state
    const inputs = { xs: key.inputs.xs.slice(1), ys: key.inputs.ys.slice(1) }
    const short: Ceremony = { ...closed, state: { round: 'delta', key: { ...key, inputs } } }
    expect(parseCeremony(encodeCeremony(short), circuit).ok).toBe(false)
  })

  test('transcripts are read strictly', () => {
    const bytes = encodeTranscript(circuit.id, result.contributions)
    expect(unwrap(parseTranscript(bytes))).toEqual(result.contributions)
    for (let length = 0; length < bytes.length; length += 29)
      expect(parseTranscript(bytes.subarray(0, length)).ok).toBe(false)
    expect(parseTranscript(Uint8Array.of(...bytes, 0)).ok).toBe(false)
  })
})

import { beforeAll, describe, expect, test } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../src/primitives/bls12-381-group.ts'
import { pairingCurve, type CurveFp2, type G1Point, type G2Point } from '../../src/primitives/bls12-381.ts'
import { encodeZkObject, parseZkObject } from '../../src/zk/formats/zk-object.ts'
import { generateProofKeys, type ProofKeys } from '../../src/zk/groth16/generate.ts'
import { fromG1, fromG2, toG1, toG2, type G1Vector, type G2Vector } from '../../src/zk/groth16/pairing.ts'
import { proveRelation } from '../../src/zk/groth16/prove.ts'
import { createProvingKey, provingPoints, type ProvingPoints } from '../../src/zk/groth16/proving-key.ts'
import { validateProvingKey } from '../../src/zk/groth16/validate-key.ts'
import { verifyRelation } from '../../src/zk/groth16/verify.ts'
import { createVerifyingKey, verifyingPoints, type VerifyingPoints } from '../../src/zk/groth16/verifying-key.ts'
import { createCircuit, type Circuit } from '../../src/zk/relations/circuit.ts'
import type { Witness } from '../../src/zk/relations/relation.ts'
import { build } from './circuits.ts'

/** x^3 = y, and a public input that only its own rule has. */
function cube(x: bigint): { circuit: Circuit; witness: Witness } {
  const { relation, witness } = build((builder) => {
    const y = builder.publicInput('y', x ** 3n)
    const label = builder.publicInput('label', 9n)
    const root = builder.allocate('x', x)
    const square = builder.allocate('square', x * x)
    builder.enforce('square', root, root, square)
    builder.enforce('cube', square, root, y)
    builder.enforce('label', label, label, { terms: new Map([[0, 81n]]), value: 81n })
  })
  return { circuit: createCircuit(relation), witness }
}

const { circuit, witness } = cube(11n)
let keys: ProofKeys
beforeAll(async () => {
  keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
})

const shiftG1 = (vector: G1Vector, index: number, by: G1Point = generatorOfG1()): G1Vector => {
  const { xs, ys } = fromG1([toG1(vector, index).add(by) as G1Point])
  return { xs: vector.xs.with(index, xs[0]!), ys: vector.ys.with(index, ys[0]!) }
}
const shiftG2 = (vector: G2Vector, index: number): G2Vector => {
  const { xs, ys } = fromG2([toG2(vector, index).add(generatorOfG2()) as G2Point])
  return { xs: vector.xs.with(index, xs[0]!), ys: vector.ys.with(index, ys[0]!) }
}
const judge = async (options: {
  points?: Partial<ProvingPoints>
  key?: Partial<VerifyingPoints>
  audit?: Partial<ProofKeys['audit']>
}): Promise<unknown> => {
  const verifyingKey = unwrap(
    createVerifyingKey(circuit.id, 'verifier', { ...verifyingPoints(keys.verifyingKey), ...options.key }),
  )
  const key = createProvingKey(verifyingKey, { ...provingPoints(keys.provingKey), ...options.points })
  const result = await validateProvingKey(key, { circuit, audit: { ...keys.audit, ...options.audit } })
  return result.ok ? 'sound' : result.details
}

describe("the check of somebody else's key", () => {
  test('passes an honest key, which then proves', async () => {
    const parsed = unwrap(parseZkObject('proving-key', encodeZkObject(keys.provingKey)))
    const audit = unwrap(parseZkObject('key-audit', encodeZkObject(keys.audit)))
    const steps: string[] = []
    const onProgress = ({ step }: { step: string }): void => void steps.push(step)
    const key = unwrap(await validateProvingKey(parsed, { circuit, audit, onProgress }))
    expect([...new Set(steps)]).toEqual([
      'subgroups',
      'powers',
      'fixed points',
      'private wires',
      'public inputs',
      'quotient',
    ])
    const proof = await proveRelation(key, { circuit, witness })
    expect(verifyRelation(keys.verifyingKey, { proof, inputs: witness.slice(1, 3) })).toBe(true)
  })

  test('names what was changed', async () => {
    const points = provingPoints(keys.provingKey)
    const { inputs, alpha, gamma, delta, beta } = verifyingPoints(keys.verifyingKey)
    const { powers, second } = keys.audit
    const shifted = (point: G2Point): G2Point => point.add(generatorOfG2()) as G2Point
    const cases: [string, Parameters<typeof judge>[0]][] = [
      ['A', { points: { a: shiftG1(points.a, 3) } }],
      ['A', { points: { a: shiftG1(points.a, 1) } }],
      ['B in G1', { points: { b1: shiftG1(points.b1, 3) } }],
      ['B in G2', { points: { b2: shiftG2(points.b2, 3) } }],
      ['B in G2', { points: { b2: shiftG2(points.b2, 0) } }],
      ['C', { points: { c: shiftG1(points.c, 1) } }],
      ['C', { key: { alpha: alpha.add(generatorOfG1()) as G1Point } }],
      ['IC', { key: { inputs: [inputs[0]!, inputs[1]!.add(generatorOfG1()) as G1Point, inputs[2]!] } }],
      ['IC', { key: { gamma: shifted(gamma) } }],
      ['beta and delta', { key: { delta: shifted(delta) } }],
      ['beta and delta', { key: { beta: shifted(beta) } }],
      ['beta and delta', { points: { fixed: shiftG1(points.fixed, 1) } }],
      ['H', { points: { h: shiftG1(points.h, 2) } }],
      ['powers of tau', { audit: { powers: shiftG1(powers, 0) } }],
      ['powers of tau', { audit: { powers: shiftG1(powers, 2) } }],
      ['powers of tau', { audit: { second: shiftG2(second, 0) } }],
      ['powers of tau', { audit: { second: shiftG2(second, 1) } }],
      ['counts', { points: { domainLog: 5 } }],
      ['counts', { points: { h: { xs: points.h.xs.slice(1), ys: points.h.ys.slice(1) } } }],
      ['counts', { audit: { powers: { xs: powers.xs.slice(1), ys: powers.ys.slice(1) } } }],
      ['counts', { key: { inputs: inputs.slice(0, 2) } }],
    ]
    for (const [check, change] of cases) expect(await judge(change)).toEqual({ check })
  }, 60_000)

  test('finds a point outside of the subgroup, whose pairings look right', async () => {
    // (0, 2) has order 3.
    const torsion = pairingCurve.G1.Point.fromAffine({ x: 0n, y: 2n }) as G1Point
    const { a, h } = provingPoints(keys.provingKey)
    expect(await judge({ points: { a: shiftG1(a, 3, torsion) } })).toEqual({ check: 'subgroups' })
    expect(await judge({ points: { h: shiftG1(h, 1, torsion) } })).toEqual({ check: 'subgroups' })
  })

  test('refuses a tau of zero and an identity where none may be', async () => {
    const zero: CurveFp2 = { c0: 0n, c1: 0n }
    const { powers, second } = keys.audit
    const identity = { xs: powers.xs.with(1, 0n), ys: powers.ys.with(1, 0n) }
    expect(await judge({ audit: { powers: identity } })).toEqual({ check: 'identity' })
    const none = { xs: second.xs.with(0, zero), ys: second.ys.with(0, zero) }
    expect(await judge({ audit: { second: none } })).toEqual({ check: 'identity' })
  })

  test('belongs to the circuit that was compiled here', async () => {
    const { relation } = build((builder) => {
      const y = builder.publicInput('y', 4n)
      const x = builder.allocate('x', 2n)
      builder.enforce('square', x, x, y)
    })
    const result = await validateProvingKey(keys.provingKey, { circuit: createCircuit(relation), audit: keys.audit })
    expect(result).toMatchObject({ ok: false, code: 'ERR_ZK_KEY_MISMATCH' })
    const audit = { ...keys.audit, circuit: createCircuit(relation).id }
    expect(await validateProvingKey(keys.provingKey, { circuit, audit })).toMatchObject({ code: 'ERR_ZK_KEY_MISMATCH' })
  })

  test('audit files are read strictly', () => {
    const bytes = encodeZkObject(keys.audit)
    expect(unwrap(parseZkObject('key-audit', bytes))).toEqual(keys.audit)
    for (let length = 0; length < bytes.length; length += 13) {
      expect(parseZkObject('key-audit', bytes.subarray(0, length)).ok).toBe(false)
    }
    expect(parseZkObject('key-audit', Uint8Array.of(...bytes, 0)).ok).toBe(false)
    for (const at of [bytes.length - 1, 200]) {
      expect(
        parseZkObject(
          'key-audit',
          bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
        ).ok,
      ).toBe(false)
    }
  })
})

import { beforeAll, describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { generatorOfG1, generatorOfG2 } from '../../src/primitives/bls12-381-group.ts'
import { encodeG1, encodeG2, pairingCurve, type G1Point, type G2Point } from '../../src/primitives/bls12-381.ts'
import { concatBytes, toHex, type Verified } from '../../src/primitives/bytes.ts'
import { FIELD_ORDER, invertField } from '../../src/zk/field.ts'
import { createPortableBackend, type CurveBackend } from '../../src/zk/groth16/backend.ts'
import { generateProofKeys, type ProofKeys } from '../../src/zk/groth16/generate.ts'
import { fromG1, fromG2, toG1, type G1Vector } from '../../src/zk/groth16/pairing.ts'
import { createProof, parseProof, parseProofPoints, type Proof } from '../../src/zk/groth16/proof.ts'
import { proveRelation } from '../../src/zk/groth16/prove.ts'
import { encodeProvingKey, parseProvingKey, type ProvingKey } from '../../src/zk/groth16/proving-key.ts'
import { validateProvingKey } from '../../src/zk/groth16/validate-key.ts'
import { verifyRelation, verifyRelations } from '../../src/zk/groth16/verify.ts'
import {
  createVerifyingKey,
  encodeVerifyingKey,
  parseVerifyingKey,
  verifyingPoints,
  type VerifyingKey,
} from '../../src/zk/groth16/verifying-key.ts'
import { toUInt } from '../../src/zk/gadgets/integer.ts'
import { assertEqual } from '../../src/zk/gadgets/equality.ts'
import { createCircuit, type Circuit } from '../../src/zk/relations/circuit.ts'
import type { Witness } from '../../src/zk/relations/relation.ts'
import { build } from './circuits.ts'

/** s = d^2 + salt, and d has 16 bits; public: s and a number that only its own row has. */
function example(d: bigint, salt: bigint, factor = 1n): { circuit: Circuit; witness: Witness; inputs: bigint[] } {
  const sum = (d * d * factor + salt) % FIELD_ORDER
  const { relation, witness } = build((builder) => {
    const s = builder.publicInput('s', sum)
    const label = builder.publicInput('label', 7n)
    const hidden = builder.allocate('d', d)
    toUInt(builder, 'd', hidden, 16)
    const square = builder.allocate('square', (d * d) % FIELD_ORDER)
    builder.enforce('square', hidden, hidden, square)
    const blind = builder.allocate('salt', salt)
    builder.enforce(
      'sum',
      square,
      { terms: new Map([[0, factor]]), value: factor },
      {
        terms: new Map([...s.terms, ...[...blind.terms].map(([wire]) => [wire, FIELD_ORDER - 1n] as const)]),
        value: 0n,
      },
    )
    assertEqual(builder, 'label', label, { terms: new Map([[0, 7n]]), value: 7n })
  })
  return { circuit: createCircuit(relation), witness, inputs: [sum, 7n] }
}

const { circuit, witness, inputs } = example(500n, 12_345n)
let keys: ProofKeys
let proof: Proof
beforeAll(async () => {
  keys = await generateProofKeys(circuit, { trust: 'single-verifier' })
  proof = await proveRelation(keys.provingKey, { circuit, witness })
})

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run()
  } catch (error) {
    return isVitalsealError(error) ? error.code : `another error: ${String(error)}`
  }
  return 'no error'
}
const holds = (changed: Partial<{ proof: Proof; inputs: readonly bigint[] }>): boolean =>
  verifyRelation(keys.verifyingKey, { proof, inputs, ...changed })

/** A point on the curve outside of the subgroup, of order 3. */
function torsionPoint(): G1Point {
  const { Fp } = pairingCurve.fields
  const { Point } = pairingCurve.G1
  // (0, 2) lies on y^2 = x^3 + 4, and 3 (0, 2) is the identity.
  const point = Point.fromAffine({ x: 0n, y: Fp.create(2n) })
  expect(point.double().equals(point.negate())).toBe(true)
  return point as G1Point
}

/** The compressed form of any point of the curve; the library's own encoder refuses points outside of the subgroup. */
function compress(point: G1Point): Uint8Array {
  const { x, y } = point.toAffine()
  const bytes = Uint8Array.from(Buffer.from(x.toString(16).padStart(96, '0'), 'hex'))
  bytes[0]! |= 0x80 | (2n * y > pairingCurve.fields.Fp.ORDER ? 0x20 : 0)
  return bytes
}

describe('a proof', () => {
  test('holds for its inputs, with keys and proofs of fixed sizes', () => {
    expect(holds({})).toBe(true)
    expect(proof.bytes).toHaveLength(192)
    expect(keys.verifyingKey.bytes).toHaveLength(48 + 3 * 96 + 3 * 48)
    expect(keys.verifyingKey).toMatchObject({ setup: 'verifier', circuit: circuit.id })
  })

  test('is another one each time', async () => {
    const again = await proveRelation(keys.provingKey, { circuit, witness })
    expect(toHex(again.bytes)).not.toBe(toHex(proof.bytes))
    expect(holds({ proof: again })).toBe(true)
  })

  test('holds for no other input, and under no other key', async () => {
    const other = await generateProofKeys(circuit, { trust: 'single-verifier' })
    expect(verifyRelation(other.verifyingKey, { proof, inputs })).toBe(false)
    expect(holds({ inputs: [inputs[0]! + 1n, 7n] })).toBe(false)
    expect(holds({ inputs: [inputs[0]!, 8n] })).toBe(false)
    expect(holds({ inputs: [7n, inputs[0]!] })).toBe(false)
  })

  test('takes each input under one name and exactly as many as there are', () => {
    const [s, label] = inputs as [bigint, bigint]
    const aliases = [
      [s + FIELD_ORDER, label],
      [s, label + FIELD_ORDER],
      [s - FIELD_ORDER, label],
      [s],
      [],
      [s, label, 0n],
      [Number(s), 7] as never,
      [`${s}`, '7'] as never,
      undefined as never,
      { 0: s, 1: label, length: 2 } as never,
    ]
    for (const changed of aliases) expect(holds({ inputs: changed })).toBe(false)
  })

  test('can be changed into another that holds, so its bytes are no id', () => {
    const { a, b, c } = unwrap(parseProofPoints(proof.bytes))
    const s = 12_345n
    const changed = createProof({
      a: a.multiply(s) as G1Point,
      b: b.multiply(invertField(s)) as G2Point,
      c,
    })
    expect(toHex(changed.bytes)).not.toBe(toHex(proof.bytes))
    expect(holds({ proof: changed })).toBe(true)
  })

  test('with a torsion point added is refused, although the pairing would not notice', () => {
    const { a, b, c } = unwrap(parseProofPoints(proof.bytes))
    const torsion = torsionPoint()
    expect(compress(a)).toEqual(encodeG1(a))
    for (const bytes of [
      concatBytes(compress(a.add(torsion) as G1Point), proof.bytes.subarray(48)),
      concatBytes(proof.bytes.subarray(0, 144), compress(c.add(torsion) as G1Point)),
    ]) {
      expect(bytes).toHaveLength(192)
      expect(parseProof(bytes)).toMatchObject({ ok: false, code: 'ERR_CRYPTO_INVALID_POINT' })
      expect(holds({ proof: { kind: 'proof', bytes } })).toBe(false)
    }
    // What the pairing sees of it: nothing.
    const { Fp12 } = pairingCurve.fields
    const lines = pairingCurve.utils.calcPairingPrecomputes(b)
    const pair = (point: G1Point): typeof Fp12.ONE => {
      const { x, y } = point.toAffine()
      return Fp12.finalExponentiate(pairingCurve.millerLoopBatch([[lines, x, y]]))
    }
    expect(Fp12.eql(pair(a), pair(a.add(torsion) as G1Point))).toBe(true)
  })

  test('has 192 bytes of three canonical points and nothing else', () => {
    const { bytes } = proof
    const { a, b, c } = unwrap(parseProofPoints(bytes))
    expect(unwrap(parseProof(bytes)).bytes).toEqual(bytes)
    const refused = [
      bytes.subarray(0, 191),
      Uint8Array.of(...bytes, 0),
      new Uint8Array(192),
      new Uint8Array(0),
      // Identities, an uncompressed flag, a sign that the identity may not have.
      concatBytes(Uint8Array.of(0xc0), new Uint8Array(47), bytes.subarray(48)),
      concatBytes(bytes.subarray(0, 48), Uint8Array.of(0xc0), new Uint8Array(95), bytes.subarray(144)),
      concatBytes(bytes.subarray(0, 144), Uint8Array.of(0xc0), new Uint8Array(47)),
      bytes.map((byte, i) => (i === 0 ? byte & 0x7f : byte)),
      concatBytes(encodeG1(a), bytes.subarray(144), encodeG2(b)),
      // x + p fits into 48 bytes for some points only; x = p stands for all aliases.
      concatBytes(withFlag(pairingCurve.fields.Fp.ORDER), bytes.subarray(48)),
      'proof' as never,
      null as never,
    ]
    for (const changed of refused) {
      expect(parseProof(changed).ok).toBe(false)
      expect(holds({ proof: { kind: 'proof', bytes: changed } })).toBe(false)
    }
    for (let i = 0; i < 192; i += 5) {
      const flipped = bytes.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(holds({ proof: { kind: 'proof', bytes: flipped } })).toBe(false)
    }
    expect(createProof({ a, b, c }).bytes).toEqual(bytes)
  })

  function withFlag(x: bigint): Uint8Array {
    const bytes = Uint8Array.from(Buffer.from(x.toString(16).padStart(96, '0'), 'hex'))
    bytes[0]! |= 0x80
    return bytes
  }
})

describe('a batch', () => {
  test('tells which proofs hold', async () => {
    const second = await proveRelation(keys.provingKey, { circuit, witness })
    const good = { proof, inputs }
    const bad = { proof: second, inputs: [inputs[0]! + 1n, 7n] }
    const malformed = { proof: { kind: 'proof' as const, bytes: new Uint8Array(192) }, inputs }
    const verify = (items: (typeof good)[]): boolean[] => verifyRelations(keys.verifyingKey, items)
    expect(verify([])).toEqual([])
    expect(verify([good])).toEqual([true])
    expect(verify([bad])).toEqual([false])
    expect(verify([good, { proof: second, inputs }, good])).toEqual([true, true, true])
    expect(verify([good, bad, malformed, good, good, bad])).toEqual([true, false, false, true, true, false])
    expect(verify([good, { proof, inputs: [inputs[0]! + FIELD_ORDER, 7n] }])).toEqual([true, false])
  })

  test('is total: what is no item, proof or list of inputs is refused, and the others are judged', () => {
    const good = { proof, inputs }
    const odd: unknown[] = [
      null,
      undefined,
      {},
      7,
      { inputs },
      { proof: null, inputs },
      { proof: {}, inputs },
      { proof: { kind: 'proof', bytes: '00'.repeat(192) }, inputs },
      { proof, inputs: null },
      // Holes: a list that is long enough and holds nothing.
      { proof, inputs: new Array(2) },
    ]
    for (const item of odd) {
      expect(verifyRelation(keys.verifyingKey, item as never)).toBe(false)
      expect(verifyRelations(keys.verifyingKey, [good, item as never, good])).toEqual([true, false, true])
    }
  })

  test('refuses torsion points as a single verification does', () => {
    const { a, c } = unwrap(parseProofPoints(proof.bytes))
    const torsion = torsionPoint()
    const items = [
      concatBytes(compress(a.add(torsion) as G1Point), proof.bytes.subarray(48)),
      concatBytes(proof.bytes.subarray(0, 144), compress(c.add(torsion) as G1Point)),
      concatBytes(
        compress(a.add(torsion) as G1Point),
        proof.bytes.subarray(48, 144),
        compress(c.subtract(torsion) as G1Point),
      ),
      proof.bytes,
    ].map((bytes) => ({ proof: { kind: 'proof' as const, bytes }, inputs }))
    expect(verifyRelations(keys.verifyingKey, items)).toEqual([false, false, false, true])
  })

  test('refuses a B outside of its subgroup', () => {
    const { Fp2 } = pairingCurve.fields
    // x = 2 + 0 i gives a point of the curve of G2 that is not in the subgroup.
    const x = Fp2.fromBigTuple([2n, 0n])
    const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n])))
    let outside = pairingCurve.G2.Point.ZERO
    // r times the point: nothing of the subgroup is left in it.
    for (const bit of FIELD_ORDER.toString(2)) {
      outside = outside.double()
      if (bit === '1') outside = outside.add(pairingCurve.G2.Point.fromAffine({ x, y }))
    }
    expect(outside.is0()).toBe(false)
    const { b } = unwrap(parseProofPoints(proof.bytes))
    const shifted = b.add(outside).toAffine()
    const hex = (value: bigint): string => value.toString(16).padStart(96, '0')
    const bytes = Uint8Array.from(Buffer.from(hex(shifted.x.c1) + hex(shifted.x.c0), 'hex'))
    const isLarger = 2n * (shifted.y.c1 === 0n ? shifted.y.c0 : shifted.y.c1) > pairingCurve.fields.Fp.ORDER
    bytes[0]! |= 0x80 | (isLarger ? 0x20 : 0)
    const changed = concatBytes(proof.bytes.subarray(0, 48), bytes, proof.bytes.subarray(144))
    const items = [
      { proof: { kind: 'proof' as const, bytes: changed }, inputs },
      { proof, inputs },
    ]
    expect(verifyRelations(keys.verifyingKey, items)).toEqual([false, true])
    expect(holds({ proof: { kind: 'proof', bytes: changed } })).toBe(false)
  })

  test('is not fooled by errors that cancel out', () => {
    const { a, b, c } = unwrap(parseProofPoints(proof.bytes))
    const shift = pairingCurve.G1.Point.BASE
    const items = [c.add(shift), c.subtract(shift)].map((changed) => ({
      proof: createProof({ a, b, c: changed as G1Point }),
      inputs,
    }))
    expect(verifyRelations(keys.verifyingKey, items)).toEqual([false, false])
  })
})

describe('proving', () => {
  test('refuses a witness that breaks a rule, naming the rule only', async () => {
    for (const [changed, rule] of [
      [witness.with(1, 1n), 'sum'],
      [witness.with(2, 8n), 'label'],
      [witness.slice(1), 'form of the witness'],
    ] as const) {
      const run = proveRelation(keys.provingKey, { circuit, witness: changed })
      await expect(run).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', path: 'witness' })
      await expect(run).rejects.toThrow(`breaks "${rule}"`)
    }
    const { witness: wide } = example(2n ** 16n, 1n)
    await expect(proveRelation(keys.provingKey, { circuit, witness: wide })).rejects.toThrow('breaks "d bit 15"')
  })

  test('takes a key of this circuit that was made or checked here', async () => {
    const other = example(500n, 12_345n, 2n)
    const code = (key: ProvingKey, of: Circuit = circuit): Promise<string> =>
      codeOf(() => proveRelation(key as Verified<ProvingKey>, { circuit: of, witness }))
    expect(await code(keys.provingKey, other.circuit)).toBe('ERR_ZK_KEY_MISMATCH')
    expect(await code({ ...keys.provingKey })).toBe('ERR_ZK_INSECURE_KEY')
    const parsed = unwrap(parseProvingKey(encodeProvingKey(keys.provingKey)))
    expect(await code(parsed)).toBe('ERR_ZK_INSECURE_KEY')
  })

  test('lets no proof out that does not hold: a fault in the arithmetic could give the record away', async () => {
    const portable = createPortableBackend()
    const wrong = ({ xs, ys }: G1Vector): G1Vector => fromG1([toG1({ xs, ys }).add(generatorOfG1()) as G1Point])
    const faulty: CurveBackend[] = [
      { ...portable, sumG1: async (points, scalars) => wrong(await portable.sumG1(points, scalars)) },
      { ...portable, sumG2: () => fromG2([generatorOfG2()]) },
      { ...portable, evaluateBetweenRoots: (coefficients) => coefficients.map(() => 1n) },
      { ...portable, interpolate: (values) => [...values] },
    ]
    for (const backend of faulty) {
      expect(await codeOf(() => proveRelation(keys.provingKey, { circuit, witness, backend }))).toBe(
        'ERR_ZK_INSECURE_KEY',
      )
    }
  })

  test('takes randomness from nowhere else: what a caller gives repeats neither proofs nor keys', async () => {
    const random = (byteCount: number): Uint8Array => new Uint8Array(byteCount).fill(7)
    const options = { circuit, witness, random, seed: new Uint8Array(32) }
    const proofs = [await proveRelation(keys.provingKey, options), await proveRelation(keys.provingKey, options)]
    expect(toHex(proofs[0]!.bytes)).not.toBe(toHex(proofs[1]!.bytes))
    const trusted = { trust: 'single-verifier', random, seed: new Uint8Array(32) } as const
    const pair = [await generateProofKeys(circuit, trusted), await generateProofKeys(circuit, trusted)]
    expect(toHex(pair[0]!.verifyingKey.bytes)).not.toBe(toHex(pair[1]!.verifyingKey.bytes))
  })

  test('reports progress and ends when told', async () => {
    const steps: string[] = []
    await proveRelation(keys.provingKey, {
      circuit,
      witness,
      onProgress: ({ step, done, total }) => void steps.push(`${step} ${done}/${total}`),
    })
    expect(steps).toEqual(['quotient 0/7', 'H 1/7', 'A 2/7', 'B 3/7', 'B 4/7', 'C 5/7', 'check 6/7', 'check 7/7'])
    let left = 3
    const signal = {
      get aborted() {
        return left-- <= 0
      },
      addEventListener: () => undefined,
    }
    expect(await codeOf(() => proveRelation(keys.provingKey, { circuit, witness, signal }))).toBe('ERR_ABORTED')
    left = 2
    expect(await codeOf(() => generateProofKeys(circuit, { trust: 'single-verifier', signal }))).toBe('ERR_ABORTED')
  })
})

describe('keys', () => {
  test('generation asks for the word, and for a circuit in which nothing is loose', async () => {
    expect(await codeOf(() => generateProofKeys(circuit, {} as never))).toBe('ERR_ARGUMENT_INVALID')
    const loose = build((builder) => {
      builder.publicInput('nonce', 1n)
      const x = builder.allocate('x', 2n)
      builder.enforce('square', x, x, x)
    })
    const run = generateProofKeys(createCircuit(loose.relation), { trust: 'single-verifier' })
    await expect(run).rejects.toThrow('found "nonce" in none')
  })

  test('generation takes as many public inputs as a key file can hold', async () => {
    const withInputs = (count: number): Circuit =>
      createCircuit(
        build((builder) => {
          const inputs = Array.from({ length: count }, (_, i) => builder.publicInput(`x${i}`, 1n))
          for (const [i, input] of inputs.entries()) builder.enforce(`${i}`, input, input, input)
        }).relation,
      )
    const most = await generateProofKeys(withInputs(256), { trust: 'single-verifier' })
    const back = unwrap(parseVerifyingKey(encodeVerifyingKey(most.verifyingKey)))
    expect(back.digest).toEqual(most.verifyingKey.digest)
    await expect(generateProofKeys(withInputs(257), { trust: 'single-verifier' })).rejects.toThrow(
      'at most 256 public inputs',
    )
  })

  test('a verifying key comes back from its bytes, and nothing else is one', () => {
    const bytes = encodeVerifyingKey(keys.verifyingKey)
    const parsed = unwrap(parseVerifyingKey(bytes))
    expect(parsed).toEqual(keys.verifyingKey)
    expect(verifyRelation(parsed, { proof, inputs })).toBe(true)
    expect(parseVerifyingKey(Uint8Array.of(...bytes, 0)).ok).toBe(false)
    for (let length = 0; length < bytes.length; length += 11) {
      expect(parseVerifyingKey(bytes.subarray(0, length)).ok).toBe(false)
    }
    for (let i = 0; i < bytes.length; i += 41) {
      const other = parseVerifyingKey(bytes.map((byte, at) => (at === i ? byte ^ 1 : byte)))
      if (other.ok) expect(toHex(other.value.digest)).not.toBe(toHex(keys.verifyingKey.digest))
    }
  })

  test('and proofs are copies: bytes that change later change nothing', async () => {
    const [proofBytes, keyBytes, fileBytes] = [
      Uint8Array.from(proof.bytes),
      encodeVerifyingKey(keys.verifyingKey),
      encodeProvingKey(keys.provingKey),
    ]
    const [read, key, file] = [
      unwrap(parseProof(proofBytes)),
      unwrap(parseVerifyingKey(keyBytes)),
      unwrap(parseProvingKey(fileBytes)),
    ]
    for (const bytes of [proofBytes, keyBytes, fileBytes]) bytes.fill(0)
    expect(verifyRelation(key, { proof: read, inputs })).toBe(true)
    const checked = unwrap(await validateProvingKey(file, { circuit, audit: keys.audit }))
    expect(holds({ proof: await proveRelation(checked, { circuit, witness }) })).toBe(true)
  })

  test('whose delta is gamma or the generator is refused', () => {
    const points = verifyingPoints(keys.verifyingKey)
    const { gamma } = points
    const generator = generatorOfG2()
    const weak = [gamma, gamma.negate(), generator, generator.negate()] as G2Point[]
    for (const delta of weak) {
      expect(createVerifyingKey(circuit.id, 'verifier', { ...points, delta })).toMatchObject({
        ok: false,
        code: 'ERR_ZK_INSECURE_KEY',
      })
      const start = 48 + 2 * 96
      const changed = Uint8Array.from(keys.verifyingKey.bytes)
      changed.set(encodeG2(delta), start)
      const file = encodeVerifyingKey({ ...keys.verifyingKey, bytes: changed })
      expect(parseVerifyingKey(file)).toMatchObject({ ok: false, code: 'ERR_ZK_INSECURE_KEY' })
      expect(() => verifyRelation({ ...keys.verifyingKey, bytes: changed }, { proof, inputs })).toThrow('delta equals')
    }
    // snarkjs leaves gamma at the generator; that alone is sound.
    expect(createVerifyingKey(circuit.id, 'verifier', { ...points, gamma: generator }).ok).toBe(true)
  })

  test('whose delta equals gamma would let anybody prove anything', () => {
    // With delta = gamma, C = -sum of the inputs cancels them: A = alpha and B = beta need no witness.
    const { alpha, beta, gamma, inputs: ic } = verifyingPoints(keys.verifyingKey)
    const claimed = [1n, 1n, 99n]
    const sum = ic.reduce((total, point, i) => total.add(point.multiply(claimed[i]!)), pairingCurve.G1.Point.ZERO)
    const product = pairingCurve.pairingBatch([
      { g1: alpha, g2: beta },
      { g1: alpha.negate(), g2: beta },
      { g1: sum.negate(), g2: gamma },
      { g1: sum, g2: gamma },
    ])
    expect(pairingCurve.fields.Fp12.eql(product, pairingCurve.fields.Fp12.ONE)).toBe(true)
  })

  test('with a point outside of the subgroup or an identity is refused', () => {
    const change = (start: number, part: Uint8Array): VerifyingKey['bytes'] => {
      const bytes = Uint8Array.from(keys.verifyingKey.bytes)
      bytes.set(part, start)
      return bytes
    }
    const { alpha } = verifyingPoints(keys.verifyingKey)
    for (const bytes of [
      change(0, compress(alpha.add(torsionPoint()) as G1Point)),
      change(48, Uint8Array.of(0xc0, ...new Uint8Array(95))),
      change(336, Uint8Array.of(0xc0, ...new Uint8Array(47))),
      keys.verifyingKey.bytes.slice(0, 336),
      keys.verifyingKey.bytes.slice(0, 335),
    ]) {
      expect(parseVerifyingKey(encodeVerifyingKey({ ...keys.verifyingKey, bytes })).ok).toBe(false)
      expect(() => verifyingPoints({ ...keys.verifyingKey, bytes })).toThrow('refused by the check "points"')
    }
  })

  test('a proving key comes back from its bytes', () => {
    const bytes = encodeProvingKey(keys.provingKey)
    const parsed = unwrap(parseProvingKey(bytes))
    expect(encodeProvingKey(parsed)).toEqual(bytes)
    expect(parsed.verifyingKey).toEqual(keys.verifyingKey)
    expect(parseProvingKey(Uint8Array.of(...bytes, 0)).ok).toBe(false)
    for (let length = 0; length < bytes.length; length += 97) {
      expect(parseProvingKey(bytes.subarray(0, length)).ok).toBe(false)
    }
    // Somewhere inside of the points: off the curve.
    for (const at of [bytes.length - 1, bytes.length - 500, 700, 900]) {
      expect(parseProvingKey(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))).ok).toBe(false)
    }
  })
})

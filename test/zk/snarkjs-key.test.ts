import { beforeAll, describe, expect, test } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { pairingCurve } from '../../src/primitives/bls12-381.ts'
import type { Verified } from '../../src/primitives/bytes.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { parsePtau } from '../../src/zk/formats/ptau.ts'
import { parseR1cs } from '../../src/zk/formats/r1cs.ts'
import { fromSnarkjs, toSnarkjs } from '../../src/zk/formats/snarkjs.ts'
import { parseWtns } from '../../src/zk/formats/wtns.ts'
import { parseZkey } from '../../src/zk/formats/zkey.ts'
import { BASE_ORDER } from '../../src/zk/groth16/base-field.ts'
import { generateProofKeys } from '../../src/zk/groth16/generate.ts'
import { proveRelation } from '../../src/zk/groth16/prove.ts'
import type { ProvingKey } from '../../src/zk/groth16/proving-key.ts'
import { validateProvingKey } from '../../src/zk/groth16/validate-key.ts'
import { verifyRelation } from '../../src/zk/groth16/verify.ts'
import { createCircuit } from '../../src/zk/relations/circuit.ts'
import { INPUTS, KEY, OUR_PROOF, PTAU, R1CS, THEIR_PROOF, WTNS, ZKEY } from '../vectors/zk/snarkjs-key.ts'

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
const [zkey, ptau] = [bytesOf(ZKEY), bytesOf(PTAU)]
const circuit = unwrap(parseR1cs(bytesOf(R1CS)))
const witness = unwrap(parseWtns(bytesOf(WTNS)))
const inputs = unwrap(fromSnarkjs('inputs', INPUTS))

/** Where the body of a section begins and ends. */
function findSection(bytes: Uint8Array, wanted: number): { start: number; end: number } {
  const view = new DataView(bytes.buffer)
  for (let at = 12; ;) {
    const [type, length] = [view.getUint32(at, true), Number(view.getBigUint64(at + 4, true))]
    if (type === wanted) return { start: at + 12, end: at + 12 + length }
    at += 12 + length
  }
}

function write(bytes: Uint8Array, at: number, value: Uint8Array | number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (typeof value === 'number') new DataView(copy.buffer).setUint32(at, value, true)
  else copy.set(value, at)
  return copy
}

/** Writes into the body of a section. */
function patch(bytes: Uint8Array, section: number, offset: number, value: Uint8Array | number): Uint8Array {
  return write(bytes, findSection(bytes, section).start + offset, value)
}

/** Gives a section another body. */
function replace(bytes: Uint8Array, section: number, body: Uint8Array): Uint8Array {
  const { start, end } = findSection(bytes, section)
  const head = Uint8Array.from(bytes.subarray(0, start))
  new DataView(head.buffer).setBigUint64(start - 8, BigInt(body.length), true)
  return Uint8Array.of(...head, ...body, ...bytes.subarray(end))
}

const littleEndian = (value: bigint, length = 48): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')).reverse()
const montgomery = (value: bigint): Uint8Array => littleEndian((value * 2n ** 384n) % BASE_ORDER)
const readInteger = (bytes: Uint8Array, at: number, length = 48): bigint =>
  BigInt(`0x${Buffer.from(bytes.slice(at, at + length).reverse()).toString('hex')}`)
/** (0, 2), a point of the curve of order 3. */
const torsion = Uint8Array.of(...montgomery(0n), ...montgomery(2n))

const read = (bytes: Uint8Array, of = circuit): string => {
  const key = parseZkey(bytes, { circuit: of })
  return key.ok ? 'accepted' : `${key.code} ${key.path}`
}

describe('.zkey', () => {
  let key: Verified<ProvingKey>
  beforeAll(async () => {
    const read = unwrap(parseZkey(zkey, { circuit }))
    key = unwrap(await validateProvingKey(read, { circuit, audit: unwrap(parsePtau(ptau, circuit)) }))
  })

  test('proves, once it was checked with the powers that it was made from', async () => {
    const unchecked = unwrap(parseZkey(zkey, { circuit }))
    const prove = (with_: ProvingKey): Promise<unknown> =>
      proveRelation(with_ as Verified<ProvingKey>, { circuit, witness })
    await expect(prove(unchecked)).rejects.toMatchObject({ code: 'ERR_ZK_INSECURE_KEY' })
    const proof = await proveRelation(key, { circuit, witness })
    expect(verifyRelation(key.verifyingKey, { proof, inputs })).toBe(true)
    expect(verifyRelation(key.verifyingKey, { proof, inputs: [inputs[0]! + 1n, 7n] })).toBe(false)
  })

  test('holds the verifying key that its program exports, under which both proofs hold', () => {
    expect(toSnarkjs(key.verifyingKey)).toEqual(KEY)
    expect(key.verifyingKey).toMatchObject({ setup: 'verifier', circuit: circuit.id })
    expect(unwrap(parseZkey(zkey, { circuit, setup: 'ceremony' })).verifyingKey.setup).toBe('ceremony')
    for (const written of [THEIR_PROOF, OUR_PROOF]) {
      const proof = unwrap(fromSnarkjs('proof', written))
      expect(verifyRelation(key.verifyingKey, { proof, inputs })).toBe(true)
    }
  })

  test('is not believed: other powers, or one point of another key, do not pass the check', async () => {
    const other = await generateProofKeys(circuit, { trust: 'single-verifier' })
    const check = async (bytes: Uint8Array, audit = unwrap(parsePtau(ptau, circuit))): Promise<unknown> =>
      validateProvingKey(unwrap(parseZkey(bytes, { circuit })), { circuit, audit })
    expect(await check(zkey, other.audit)).toMatchObject({ ok: false, code: 'ERR_ZK_INSECURE_KEY' })
    for (const section of [5, 6, 8, 9]) {
      const { start } = findSection(zkey, section)
      // The second point in place of the first.
      const changed = write(zkey, start, zkey.slice(start + 96, start + 192))
      expect(await check(changed)).toMatchObject({ ok: false, code: 'ERR_ZK_INSECURE_KEY' })
    }
  })

  test('of another circuit is refused as such', () => {
    const [first, ...rest] = circuit.relation.constraints
    const changes = [
      { constraints: [...rest, first!] },
      { constraints: rest },
      { publicCount: 1 },
      { wireNames: [...circuit.relation.wireNames, 'another'] },
      {
        constraints: [
          { ...first!, a: { ...first!.a, coefficients: first!.a.coefficients.map((c) => c + 1n) } },
          ...rest,
        ],
      },
    ]
    for (const change of changes) {
      expect(read(zkey, createCircuit({ ...circuit.relation, ...change }))).toBe('ERR_ZK_KEY_MISMATCH zkey')
    }
    const header = 4 + 48 + 4 + 32
    for (const field of [0, 4, 8]) expect(read(patch(zkey, 2, header + field, 40))).toBe('ERR_ZK_KEY_MISMATCH zkey')
    const row = (offset: number, value: Uint8Array | number): string => read(patch(zkey, 4, offset, value))
    for (const [offset, value] of [
      [0, 23],
      [0, 4_000_000_000],
      [4, 1],
      [4, 2],
      [8, 1],
      [8, 4_000_000_000],
      [12, 5],
      [16, littleEndian(1n, 32)],
      [16, littleEndian(readInteger(zkey, findSection(zkey, 4).start + 16, 32) + FIELD_ORDER, 32)],
      // The second term in place of the first.
      [4, zkey.slice(findSection(zkey, 4).start + 48, findSection(zkey, 4).start + 92)],
    ] as const) {
      expect(row(offset, value)).toBe('ERR_ZK_KEY_MISMATCH zkey')
    }
  })

  test('has exactly its sections', () => {
    for (let length = 0; length < zkey.length; length += 7)
      expect(read(zkey.subarray(0, length))).toContain('MALFORMED')
    expect(read(Uint8Array.of(...zkey, 0))).toContain('MALFORMED')
    const refused = [
      write(zkey, 0, 0),
      write(zkey, 4, 2),
      write(zkey, 8, 9),
      write(zkey, 8, 4_000_000_000),
      write(zkey, findSection(zkey, 10).start - 12, 11),
      write(zkey, findSection(zkey, 10).start - 12, 9),
      write(zkey, findSection(zkey, 5).start - 8, 4_000_000_000),
      patch(zkey, 1, 0, 2),
      replace(zkey, 1, new Uint8Array(5)),
      patch(zkey, 2, 0, 32),
      patch(zkey, 2, 4, littleEndian(BASE_ORDER + 2n)),
      patch(zkey, 2, 52, 48),
      patch(zkey, 2, 56, littleEndian(FIELD_ORDER + 2n, 32)),
      replace(zkey, 2, zkey.slice(findSection(zkey, 2).start, findSection(zkey, 2).end - 1)),
      ...[3, 5, 6, 7, 8, 9].map((section) => replace(zkey, section, new Uint8Array(96))),
      ...[3, 5, 6, 7, 8, 9].map((section) => replace(zkey, section, new Uint8Array(0))),
    ]
    for (const bytes of refused) expect(read(bytes)).toBe('ERR_CODEC_MALFORMED zkey')
    expect(read('zkey' as never)).toBe('ERR_CODEC_MALFORMED zkey')
  })

  test('has canonical points of the right groups', () => {
    for (const section of [3, 5, 6, 7, 8, 9]) {
      const { start } = findSection(zkey, section)
      // A point that is not the identity: its first coordinate under another name, and another first coordinate.
      let at = start
      while (readInteger(zkey, at) === 0n) at += section === 7 ? 192 : 96
      const x = readInteger(zkey, at)
      expect(read(write(zkey, at, littleEndian(x + BASE_ORDER)))).toBe('ERR_CODEC_MALFORMED zkey')
      expect(read(write(zkey, at, littleEndian(x ^ 1n)))).toBe('ERR_CODEC_MALFORMED zkey')
      if (section !== 7) expect(read(write(zkey, at, torsion))).toMatch(/^ERR_CRYPTO_INVALID_POINT zkey/)
    }
    const points = 4 + 48 + 4 + 32 + 12
    // alpha, beta, beta, gamma, delta, delta: outside of the subgroup, and the identity.
    for (const offset of [0, 96, 576]) {
      expect(read(patch(zkey, 2, points + offset, torsion))).toBe('ERR_CRYPTO_INVALID_POINT zkey.header')
    }
    for (const offset of [192, 384, 672]) {
      expect(read(patch(zkey, 2, points + offset, new Uint8Array(192)))).toBe('ERR_CRYPTO_INVALID_POINT zkey.header')
    }
    expect(read(patch(zkey, 3, 0, new Uint8Array(96)))).toBe('ERR_CRYPTO_INVALID_POINT zkey.inputs')
    expect(read(patch(zkey, 7, circuit.relation.constraints[0]!.b.wires[0]! * 192, outsideG2()))).toBe(
      'ERR_CRYPTO_INVALID_POINT zkey',
    )
  })

  test('to which nobody contributed is refused', () => {
    const gamma = 4 + 48 + 4 + 32 + 12 + 2 * 96 + 192
    const { start } = findSection(zkey, 2)
    const changed = patch(zkey, 2, gamma + 192 + 96, zkey.slice(start + gamma, start + gamma + 192))
    expect(read(changed)).toBe('ERR_ZK_INSECURE_KEY key')
  })

  test('of more rows than any key has is refused', () => {
    const constraints = Array.from({ length: 2 ** 20 }, () => circuit.relation.constraints[0]!)
    const relation = { ...circuit.relation, constraints }
    expect(read(zkey, { id: circuit.id, constraintCount: 2 ** 20, relation })).toBe('ERR_CODEC_MALFORMED zkey')
    const many = { ...circuit.relation, publicCount: 257 }
    const refused = parseZkey(zkey, { circuit: { ...circuit, relation: many } })
    expect(refused.ok ? '' : refused.message).toBe('zkey: expected at most 256 public inputs')
  })

  /** The first point on the curve of G2 with x = c0 + 3 i, which lies outside of the subgroup. */
  function outsideG2(): Uint8Array {
    const { Fp2 } = pairingCurve.fields
    for (let c0 = 1n; ; c0++) {
      const x = Fp2.fromBigTuple([c0, 3n])
      try {
        const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n])))
        return Uint8Array.from([x.c0, x.c1, y.c0, y.c1].flatMap((value) => [...montgomery(value)]))
      } catch {
        continue
      }
    }
  }
})

describe('.ptau', () => {
  const readPowers = (bytes: Uint8Array, of = circuit): string => {
    const audit = parsePtau(bytes, of)
    return audit.ok ? 'accepted' : `${audit.code} ${audit.path}`
  }

  test('gives n + 1 powers in one group and two in the other', () => {
    const audit = unwrap(parsePtau(ptau, circuit))
    expect(audit.powers.xs).toHaveLength(17)
    expect(audit.second.xs).toHaveLength(2)
    expect(audit.circuit).toEqual(circuit.id)
  })

  test('serves circuits that it is large enough for', () => {
    const rows = (count: number) => ({
      ...circuit.relation,
      constraints: Array.from({ length: count - 3 }, () => circuit.relation.constraints[0]!),
    })
    expect(readPowers(ptau, createCircuit(rows(16)))).toBe('accepted')
    // A domain of 2^5 rows needs [tau^32]_2, and the file ends with [tau^31]_2.
    expect(readPowers(ptau, createCircuit(rows(17)))).toBe('ERR_CODEC_MALFORMED ptau')
  })

  test('is refused otherwise', () => {
    for (let length = 0; length < ptau.length; length += 97) {
      expect(readPowers(ptau.subarray(0, length))).toContain('MALFORMED')
    }
    const { start } = findSection(ptau, 2)
    const refused = [
      Uint8Array.of(...ptau, 0),
      write(ptau, 0, 0),
      write(ptau, 4, 2),
      patch(ptau, 1, 0, 32),
      patch(ptau, 1, 4, littleEndian(BASE_ORDER + 2n)),
      patch(ptau, 1, 52, 6),
      patch(ptau, 1, 52, 4_000_000_000),
      patch(ptau, 1, 56, 4),
      replace(ptau, 1, new Uint8Array(60)),
      replace(ptau, 2, new Uint8Array(96)),
      replace(ptau, 3, new Uint8Array(192)),
      write(ptau, start + 96, littleEndian(readInteger(ptau, start + 96) + BASE_ORDER)),
      write(ptau, start + 96, littleEndian(readInteger(ptau, start + 96) ^ 1n)),
      patch(ptau, 3, 192, littleEndian(1n)),
    ]
    for (const bytes of refused) expect(readPowers(bytes)).toBe('ERR_CODEC_MALFORMED ptau')
    expect(readPowers(write(ptau, start + 96, torsion))).toBe('ERR_CRYPTO_INVALID_POINT ptau')
  })
})

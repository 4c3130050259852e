import { describe, expect, test } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { concatBytes, toHex } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { writeModulus, writeSections, writeUint32, writeUint64 } from '../../src/zk/formats/binary-sections.ts'
import { encodeR1cs, parseR1cs } from '../../src/zk/formats/r1cs.ts'
import { encodeWtns, parseWtns } from '../../src/zk/formats/wtns.ts'
import { toUInt } from '../../src/zk/gadgets/integer.ts'
import { createCircuit } from '../../src/zk/relations/circuit.ts'
import { findBroken } from '../../src/zk/relations/relation.ts'
import { build } from './circuits.ts'

const { relation, witness } = build((builder) => void toUInt(builder, 'x', builder.publicInput('x', 5n), 4))
const circuit = createCircuit(relation)

const setUint32 = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  new DataView(copy.buffer).setUint32(at, value, true)
  return copy
}

describe('.r1cs', () => {
  const bytes = encodeR1cs(circuit)

  test('comes back as the same circuit', () => {
    const parsed = unwrap(parseR1cs(bytes))
    expect(parsed.id).toEqual(circuit.id)
    expect(parsed.relation.publicCount).toBe(1)
    expect(parsed.relation.wireNames).toEqual(['one', 'wire 1', 'wire 2', 'wire 3', 'wire 4'])
    expect(findBroken(parsed.relation, witness)).toEqual([])
    expect(encodeR1cs(parsed)).toEqual(bytes)
    expect(toHex(sha256(bytes))).toBe('a57f97cd93b24dc306309b8b777a6bba06a3c1af09d1f12cc7d60e50dbfeefb8')
  })

  test('of many constraints comes back as well', () => {
    // More than an engine takes as arguments of one call.
    const empty = { wires: [], coefficients: [] }
    const constraint = { name: 'nothing', a: empty, b: empty, c: empty }
    const large = createCircuit({ ...relation, constraints: Array.from({ length: 150_000 }, () => constraint) })
    expect(unwrap(parseR1cs(encodeR1cs(large))).id).toEqual(large.id)
    const values = [1n, ...Array.from({ length: 150_000 }, (_, i) => BigInt(i))]
    expect(unwrap(parseWtns(encodeWtns(values)))).toHaveLength(values.length)
  })

  test('outputs of circom are public inputs', () => {
    // wires, then outputs and public inputs, behind 12 + 12 bytes of heads, the field and the modulus.
    const at = 12 + 12 + 4 + 32 + 4
    const parsed = unwrap(parseR1cs(setUint32(setUint32(bytes, at, 1), at + 4, 0)))
    expect(parsed.relation.publicCount).toBe(1)
  })

  test('anything else is refused, and sizes before memory is taken', () => {
    for (let length = 0; length < bytes.length; length++) expect(parseR1cs(bytes.subarray(0, length)).ok).toBe(false)
    expect(parseR1cs(Uint8Array.of(...bytes, 0)).ok).toBe(false)
    const body = 12 + 12 + 64
    const refused = [
      setUint32(bytes, 4, 2),
      setUint32(bytes, 8, 4_000_000_000),
      setUint32(bytes, 12 + 4, 4_000_000_000),
      setUint32(bytes, 24, 31),
      bytes.map((byte, i) => (i === 28 ? byte ^ 2 : byte)),
      setUint32(bytes, 60, 4_000_000_000),
      setUint32(bytes, 60, 1),
      setUint32(bytes, 84, 4_000_000_000),
      setUint32(bytes, 84, 3),
      setUint32(bytes, 84, 5),
      setUint32(bytes, body + 12, 4_000_000_000),
      setUint32(bytes, body + 16, 9),
    ]
    for (const changed of refused) expect(parseR1cs(changed)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
    expect(parseR1cs('r1cs' as never).ok).toBe(false)
  })

  test('a short file cannot claim millions of wires', () => {
    const wires = 4 * 2 ** 20
    const header = concatBytes(
      ...[writeUint32(32), writeModulus()],
      ...[wires, 0, 0, wires - 1].map(writeUint32),
      ...[writeUint64(wires), writeUint32(0)],
    )
    const file = (...more: [number, Uint8Array][]): Uint8Array =>
      writeSections('r1cs', 1, [[1, header], [2, new Uint8Array(0)], ...more])
    expect(parseR1cs(file()).ok).toBe(false)
    expect(parseR1cs(file([3, new Uint8Array(8)])).ok).toBe(false)
  })

  test('coefficients are canonical', () => {
    const body = 12 + 12 + 64 + 12
    const order = Uint8Array.from(Buffer.from(FIELD_ORDER.toString(16), 'hex')).reverse()
    for (const coefficient of [order, new Uint8Array(32)]) {
      const changed = Uint8Array.from(bytes)
      changed.set(coefficient, body + 8)
      expect(parseR1cs(changed).ok).toBe(false)
    }
  })
})

describe('.wtns', () => {
  const bytes = encodeWtns(witness)

  test('comes back', () => {
    expect(unwrap(parseWtns(bytes))).toEqual(witness)
    expect(toHex(sha256(bytes))).toBe('3439a24ab4606b560522376d9a84b6532d966a7245e88dbb2aefbc16a7468ee5')
  })

  test('anything else is refused', () => {
    for (let length = 0; length < bytes.length; length++) expect(parseWtns(bytes.subarray(0, length)).ok).toBe(false)
    expect(parseWtns(Uint8Array.of(...bytes, 0)).ok).toBe(false)
    expect(parseWtns(encodeR1cs(circuit)).ok).toBe(false)
    const values = 12 + 12 + 40 + 12
    const order = Uint8Array.from(Buffer.from(FIELD_ORDER.toString(16), 'hex')).reverse()
    const alias = Uint8Array.from(bytes)
    alias.set(order, values + 32)
    expect(parseWtns(alias).ok).toBe(false)
    expect(parseWtns(setUint32(bytes, values, 2)).ok).toBe(false)
    expect(parseWtns(setUint32(bytes, 60, 4_000_000_000)).ok).toBe(false)
  })
})

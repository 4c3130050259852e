import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../../src/primitives/codec.ts'
import { parseId } from '../../src/primitives/ids.ts'
import { attestCommitment, validateAttestation } from '../../src/zk/commitment/attestation.ts'
import { commitValues, encodeOpening, openRecord, parseOpening, type Opening } from '../../src/zk/commitment/commit.ts'
import {
  commitPerson,
  deriveRecordNullifier,
  deriveStudyNullifier,
  generatePersonSecret,
  parsePersonSecret,
} from '../../src/zk/commitment/person.ts'
import { hashPoseidon, poseidonCapacity } from '../../src/zk/commitment/poseidon.ts'
import {
  createSchema,
  formatDecimal,
  leafPositions,
  parseDecimal,
  treeShapeOf,
  type Attribute,
  type Schema,
} from '../../src/zk/commitment/schema.ts'
import { encodeSchema, parseSchema } from '../../src/zk/commitment/schema-file.ts'
import { buildTree, rootOf } from '../../src/zk/commitment/tree.ts'
import { chooseTreeShape } from '../../src/zk/commitment/tree-shape.ts'
import { ABSENT, encodeCode, encodeValues } from '../../src/zk/commitment/values.ts'
import { encodeField, FIELD_ORDER, invertAll, invertField, parseField } from '../../src/zk/field.ts'
import { propertyRuns } from '../support/property.ts'
import {
  chainId,
  commitmentOptions,
  createTestRandom,
  digestOf,
  hospital,
  institution,
  issuedAtMs,
  patient,
  person,
  personSecret,
  recordSerial,
  schema,
  values,
  wideSchema,
} from './fixtures.ts'

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return isVitalsealError(error) ? error.code : 'another error'
  }
  return 'no error'
}

const commit = (seed = 'opening', change: Partial<typeof commitmentOptions> = {}): Opening =>
  commitValues(schema, values, { ...commitmentOptions, ...change }, createTestRandom(seed))

describe('field', () => {
  test('an element has one encoding, and r is none', () => {
    expect(unwrap(parseField(encodeField(FIELD_ORDER - 1n)))).toBe(FIELD_ORDER - 1n)
    const order = Uint8Array.from(Buffer.from(FIELD_ORDER.toString(16), 'hex'))
    expect(parseField(order)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED' })
    expect(parseField(new Uint8Array(31)).ok).toBe(false)
  })

  test('inverses', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n }), { maxLength: 9 }), (list) => {
        const inverses = [...list]
        invertAll(inverses)
        for (const [i, value] of list.entries()) {
          expect(inverses[i]).toBe(invertField(value))
          expect((value * inverses[i]!) % FIELD_ORDER).toBe(value === 0n ? 0n : 1n)
        }
      }),
      propertyRuns(20),
    )
  })
})

describe('schema', () => {
  test('names, order, widths and units change the id', () => {
    const base = { a: { kind: 'int', bits: 8 }, b: { kind: 'flag' } } as const
    const ids = [
      createSchema('s', base),
      createSchema('t', base),
      createSchema('s', { b: base.b, a: base.a }),
      createSchema('s', { ...base, a: { kind: 'int', bits: 9 } }),
      createSchema('s', { ...base, a: { kind: 'int', bits: 8, minimum: 1 } }),
      createSchema('s', { ...base, a: { kind: 'decimal', bits: 8, scale: 0, unit: 'g' } }),
      createSchema('s', { ...base, a: { kind: 'decimal', bits: 8, scale: 0, unit: 'mg' } }),
    ].map(({ id }) => toHex(id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each<[string, Record<string, Attribute>]>([
    ['no attributes', {}],
    ['0 bits', { a: { kind: 'int', bits: 0 } }],
    ['54 bits', { a: { kind: 'int', bits: 54 } }],
    ['65 bits', { a: { kind: 'decimal', bits: 65, scale: 0, unit: 'g' } }],
    ['19 digits', { a: { kind: 'decimal', bits: 8, scale: 19, unit: 'g' } }],
    ['a code twice', { a: { kind: 'code', codes: ['x', 'x'] } }],
    ['no code', { a: { kind: 'code', codes: [] } }],
    ['no slots', { a: { kind: 'list', slots: 0 } }],
    ['257 slots', { a: { kind: 'list', slots: 257 } }],
    ['an integer as name', { 7: { kind: 'flag' } }],
    ['too many leaves', Object.fromEntries(Array.from({ length: 3_841 }, (_, i) => [`a${i}`, { kind: 'flag' }]))],
  ])('refuses %s', (_, attributes) => {
    expect(codeOf(() => createSchema('s', attributes))).toBe('ERR_ARGUMENT_INVALID')
  })

  test('the shape follows the number of leaves', () => {
    const shapes = [1, 15, 16, 120, 121, 960, 961, 1_920, 1_921, 3_840].map((count) => chooseTreeShape(count).join())
    expect(shapes).toEqual([
      '16',
      '16',
      '16,8',
      '16,8',
      '16,8,8',
      '16,8,8',
      '16,8,16',
      '16,8,16',
      '16,16,16',
      '16,16,16',
    ])
    expect(codeOf(() => chooseTreeShape(3_841))).toBe('ERR_ARGUMENT_INVALID')
    expect(treeShapeOf(wideSchema(1_000))).toEqual([16, 8, 16])
  })
})

describe('the bytes of a schema', () => {
  const bytes = encodeSchema(schema)
  const parse = (tuple: readonly CborValue[]): string => {
    const parsed = parseSchema(encodeCbor([...tuple]))
    return parsed.ok ? toHex(parsed.value.id) : parsed.code
  }

  test('come back as the same schema, with its id computed anew', () => {
    expect(unwrap(parseSchema(bytes))).toEqual(schema)
    expect(toHex(bytes)).toBe(
      [
        '83016d64696162657465732d32303236878267676c75636f73658567646563696d616c1001666d6d6f6c2f4c61308263',
        '6167658363696e7408008264626f726e8164646174658266736d6f6b65728164666c61678265626c6f6f648264636f64',
        '658862412b62412d62422b62422d6341422b6341422d624f2b624f2d826b74656d70657261747572658363696e740838',
        '278269646961676e6f73657382646c69737403',
      ].join(''),
    )
    const others = [
      createSchema('s', { a: { kind: 'decimal', bits: 64, scale: 18, unit: 'g', minimum: '-9.5' } }),
      createSchema('s', { a: { kind: 'int', bits: 53, minimum: -1 }, b: { kind: 'list', slots: 256 } }),
      createSchema('s', { ['__proto__']: { kind: 'flag' } }),
      wideSchema(3_840),
    ]
    for (const other of others) {
      const parsed = unwrap(parseSchema(encodeSchema(other as Schema)))
      expect(parsed.id).toEqual(other.id)
      expect(encodeSchema(parsed)).toEqual(encodeSchema(other as Schema))
    }
    // What is 0 by default is written the same whether it was said or not.
    const said = createSchema('s', { a: { kind: 'int', bits: 8, minimum: 0 } })
    expect(unwrap(parseSchema(encodeSchema(said))).attributes).toEqual({ a: { kind: 'int', bits: 8 } })
  })

  test('are refused truncated, longer, or as anything else', () => {
    for (let length = 0; length < bytes.length; length++) expect(parseSchema(bytes.subarray(0, length)).ok).toBe(false)
    expect(parseSchema(Uint8Array.of(...bytes, 0))).toMatchObject({ code: 'ERR_CODEC_TRAILING_BYTES' })
    expect(parseSchema(new Uint8Array(1024 * 1024 + 1))).toMatchObject({ code: 'ERR_CODEC_LIMIT' })
    expect(parseSchema('schema' as never).ok).toBe(false)
    const flag = ['a', ['flag']]
    expect(parse([1, 's', [flag]])).toHaveLength(64)
    expect(parse([2, 's', [flag]])).toBe('ERR_CODEC_VERSION')
    const malformed: CborValue[][] = [
      [1, '', [flag]],
      [1, 'e\u0301', [flag]],
      [1, 's', []],
      [1, 's', [flag, flag]],
      [1, 's', [['7', ['flag']]]],
      [1, 's', [['a', []]]],
      [1, 's', [['a', ['text']]]],
      [1, 's', [['a', ['flag', 1]]]],
      [1, 's', [['a', ['date', 1]]]],
      [1, 's', [['a', ['int', 8]]]],
      [1, 's', [['a', ['int', 54, 0]]]],
      [1, 's', [['a', ['int', 0, 0]]]],
      [1, 's', [['a', ['int', 8, 0, 0]]]],
      [1, 's', [['a', ['int', '8', 0]]]],
      [1, 's', [['a', ['int', 53, 2]]]],
      [1, 's', [['a', ['decimal', 8, 1, 'g']]]],
      [1, 's', [['a', ['decimal', 8, 1, 'g', '-0']]]],
      [1, 's', [['a', ['decimal', 8, 1, 'g', '01']]]],
      [1, 's', [['a', ['decimal', 8, 1, 'g', '1.0']]]],
      [1, 's', [['a', ['decimal', 8, 1, '', '1']]]],
      [1, 's', [['a', ['decimal', 65, 1, 'g', '1']]]],
      [1, 's', [['a', ['decimal', 8, 19, 'g', '1']]]],
      [1, 's', [['a', ['decimal', 8, 4_000_000_000, 'g', '1']]]],
      [1, 's', [['a', ['decimal', 8, -1, 'g', '1']]]],
      [1, 's', [['a', ['code', []]]]],
      [1, 's', [['a', ['code', ['x', 'x']]]]],
      [1, 's', [['a', ['code', ['x', 1]]]]],
      [1, 's', [['a', ['code', 'x']]]],
      [1, 's', [['a', ['list', 257]]]],
      [1, 's', Array.from({ length: 16 }, (_, i) => [`a${i}`, ['list', 256]])],
    ]
    for (const tuple of malformed) expect(parse(tuple)).toBe('ERR_CODEC_MALFORMED')
    expect(parse([1, 's', Array.from({ length: 3_841 }, (_, i) => [`a${i}`, ['flag']])])).toBe('ERR_CODEC_LIMIT')
  })

  test('a schema that does not fit is not written', () => {
    const codes = Array.from({ length: 60_000 }, (_, i) => `a code that is far too long ${i}`)
    expect(codeOf(() => encodeSchema(createSchema('s', { a: { kind: 'code', codes } })))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('values', () => {
  test('each kind has one exact encoding', () => {
    const { born, ...rest } = values
    expect(encodeValues(schema, { ...rest, born })).toEqual([
      63n,
      81n,
      709_900n,
      0n,
      7n,
      77n,
      encodeCode('E11'),
      encodeCode('I10'),
      0n,
    ])
    expect([...leafPositions(schema)]).toEqual(
      Object.entries({ glucose: 0, age: 1, born: 2, smoker: 3, blood: 4, temperature: 5, diagnoses: 6 }),
    )
  })

  test('what is left out is absent; an empty list is present', () => {
    const leaves = encodeValues(schema, { diagnoses: [] })
    expect(leaves).toEqual([ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, 0n, 0n, 0n])
  })

  test.each<[string, object]>([
    ['another name', { height: 1 }],
    ['a name of the prototype', { toString: 1 }],
    ['too large', { age: 256 }],
    ['negative', { age: -1 }],
    ['below the minimum', { temperature: -41 }],
    ['a fraction', { age: 1.5 }],
    ['text for a number', { age: '81' }],
    ['a number for a decimal', { glucose: 6.3 }],
    ['too many digits', { glucose: '6.31' }],
    ['an exponent', { glucose: '6e1' }],
    ['a leading zero', { glucose: '06.3' }],
    ['no such day', { born: '2023-02-29' }],
    ['an unknown code', { blood: 'C' }],
    ['a code twice', { diagnoses: ['E11', 'E11'] }],
    ['too many codes', { diagnoses: ['a', 'b', 'c', 'd'] }],
  ])('refuses %s without naming it', (_, given) => {
    expect(codeOf(() => encodeValues(schema, given))).toBe('ERR_ARGUMENT_INVALID')
    try {
      encodeValues(schema, given)
    } catch (error) {
      for (const value of Object.values(given)) expect((error as Error).message).not.toContain(`${value}`)
    }
  })

  test('decimals are exact, both ways', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), fc.integer({ min: 0, max: 18 }), (n, scale) => {
        expect(parseDecimal(formatDecimal(n, scale), scale)).toBe(n)
      }),
      propertyRuns(100),
    )
  })
})

describe('commitment', () => {
  test('is pinned', () => {
    expect(toHex(commit().commitment)).toBe('60c5cd7912e1026515fb9df25600c886326f265580cc72be335ca80df8a335f5')
  })

  test('is bound to each value, subject, schema, time, person, serial and salt', () => {
    const other = createSchema('other', schema.attributes)
    const variants = [
      commit(),
      commit('another secret'),
      commit('opening', { subject: institution.did }),
      commit('opening', { issuedAtMs: issuedAtMs + 1 }),
      commit('opening', { person: commitPerson(generatePersonSecret(createTestRandom('else'))) }),
      commit('opening', { recordSerial: digestOf('record 2') }),
      commitValues(other, values, commitmentOptions, createTestRandom('opening')),
      commitValues(schema, { ...values, age: 80 }, commitmentOptions, createTestRandom('opening')),
      commitValues(schema, { ...values, diagnoses: [] }, commitmentOptions, createTestRandom('opening')),
    ].map(({ commitment }) => toHex(commitment))
    expect(new Set(variants).size).toBe(variants.length)
  })

  test('cannot be guessed: who knows everything but its secret finds no value that fits', () => {
    const opening = commit()
    const small = createSchema('age', { age: { kind: 'int', bits: 8 } })
    const target = commitValues(small, { age: 81 }, commitmentOptions, createTestRandom('unknown'))
    const guess = (age: number, seed: string): string =>
      toHex(commitValues(small, { age }, commitmentOptions, createTestRandom(seed)).commitment)
    const ages = Array.from({ length: 256 }, (_, age) => age)
    expect(ages.filter((age) => guess(age, 'a guess') === toHex(target.commitment))).toEqual([])
    expect(ages.filter((age) => guess(age, 'unknown') === toHex(target.commitment))).toEqual([81])
    // Nor does an opened block give its neighbours away: its last leaf is a salt of its own.
    const [block] = openRecord(opening, schema).blocks
    expect(block).toHaveLength(16)
    expect(block![15]).not.toBe(openRecord(commit('another secret'), schema).blocks[0]![15])
  })

  test('equals the tree written out by hand', () => {
    const opening = commit()
    const { blocks, inputs } = openRecord(opening, schema)
    expect(blocks).toHaveLength(1)
    expect(blocks[0]!.slice(0, 9)).toEqual(encodeValues(schema, values))
    expect(blocks[0]!.slice(9, 15)).toEqual([0n, 0n, 0n, 0n, 0n, 0n])
    expect(inputs[0]).toBe(hashPoseidon('leaf', blocks[0]!))
    expect(encodeField(hashPoseidon('commitment', inputs))).toEqual(opening.commitment)
  })

  test('levels of a large tree: zero where no attribute is', () => {
    const blocks = Array.from({ length: 9 }, (_, i) => Array.from({ length: 16 }, (_, j) => BigInt(16 * i + j + 1)))
    const levels = buildTree(blocks, [16, 8, 8])
    expect(levels.map((level) => level.length)).toEqual([64, 8, 1])
    const leaf = blocks.map((block) => hashPoseidon('leaf', block))
    const first = hashPoseidon('node', leaf.slice(0, 8))
    const second = hashPoseidon('node', [leaf[8]!, 0n, 0n, 0n, 0n, 0n, 0n, 0n])
    expect(rootOf(levels)).toBe(hashPoseidon('node', [first, second, 0n, 0n, 0n, 0n, 0n, 0n]))
  })

  test('a use has a tag of its own', () => {
    const domains = ['leaf', 'node', 'commitment', 'person', 'study', 'record', 'context'] as const
    expect(new Set(domains.map(poseidonCapacity)).size).toBe(domains.length)
    expect(hashPoseidon('study', [1n, 2n])).not.toBe(hashPoseidon('record', [1n, 2n]))
    expect(codeOf(() => hashPoseidon('study', [1n]))).toBe('ERR_ARGUMENT_INVALID')
  })

  test('an opening survives its encoding, and nothing else is one', () => {
    const opening = commitValues(schema, { age: 81, diagnoses: [] }, commitmentOptions, createTestRandom('x'))
    const bytes = encodeOpening(opening)
    expect(unwrap(parseOpening(bytes, schema))).toEqual(opening)
    expect(parseOpening(Uint8Array.of(...bytes, 0), schema).ok).toBe(false)
    for (let length = 0; length < bytes.length; length += 7) {
      expect(parseOpening(bytes.subarray(0, length), schema).ok).toBe(false)
    }
    expect(parseOpening(bytes, createSchema('other', schema.attributes))).toMatchObject({ path: 'opening.schema' })
    const changed = Uint8Array.from(bytes)
    changed[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1
    const parsed = parseOpening(changed, schema)
    expect(!parsed.ok || toHex(parsed.value.commitment) !== toHex(opening.commitment)).toBe(true)
  })

  test('refuses what it cannot bind', () => {
    expect(codeOf(() => commit('x', { issuedAtMs: -1 }))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => commit('x', { recordSerial: new Uint8Array(31) as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => commit('x', { person: new Uint8Array(32).fill(255) as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => commitValues(schema, values, commitmentOptions, () => new Uint8Array(32)))).toBe(
      'ERR_CRYPTO_NO_RANDOM',
    )
  })
})

describe('person', () => {
  test('nullifiers are the same for one study and record, others elsewhere', () => {
    const other = generatePersonSecret()
    const study = digestOf('study 1')
    expect(deriveStudyNullifier(personSecret, study)).toEqual(deriveStudyNullifier(personSecret, study))
    const all = [
      deriveStudyNullifier(personSecret, study),
      deriveStudyNullifier(personSecret, digestOf('study 2')),
      deriveStudyNullifier(other, study),
      deriveRecordNullifier(personSecret, study),
      deriveRecordNullifier(personSecret, recordSerial),
      person,
    ].map(toHex)
    expect(new Set(all).size).toBe(all.length)
  })

  test('a secret is a field element other than zero', () => {
    expect(unwrap(parsePersonSecret(personSecret))).toEqual(personSecret)
    expect(parsePersonSecret(new Uint8Array(32)).ok).toBe(false)
    expect(parsePersonSecret(new Uint8Array(32).fill(255)).ok).toBe(false)
    expect(codeOf(() => commitPerson(new Uint8Array(32) as never))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('attestation', () => {
  const attestation = attestCommitment(commit(), { signer: hospital, chainId })

  test('holds on its chain only', () => {
    expect(validateAttestation(attestation, { chainId }).ok).toBe(true)
    const other = unwrap(parseId('chain', '22'.repeat(32)))
    expect(validateAttestation(attestation, { chainId: other })).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  test.each([
    ['issuer', { issuer: institution.did }],
    ['commitment', { commitment: commit('another').commitment }],
    ['an alias of a commitment', { commitment: new Uint8Array(32).fill(255) as never }],
    ['subject', { subject: institution.did }],
    ['schema', { schema: digestOf('schema') }],
    ['time', { issuedAtMs: issuedAtMs - 1 }],
    ['a time that is none', { issuedAtMs: 0.5 }],
    ['signature', { signature: attestCommitment(commit(), { signer: patient, chainId }).signature }],
  ])('covers the %s', (_, change) => {
    expect(validateAttestation({ ...attestation, ...change }, { chainId })).toMatchObject({
      ok: false,
      code: 'ERR_SIGNATURE_INVALID',
    })
  })
})

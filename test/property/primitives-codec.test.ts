import { createHash } from 'node:crypto'
import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'

import { createAgreementKey } from '../../src/primitives/agreement.ts'
import { compareBytes, equalBytes, fromHex, isPortableText, toHex } from '../../src/primitives/bytes.ts'
import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { createCid, createRecordId, DAG_CBOR_CODEC, parseRecordId, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { createDid, parseDid, toPublicKey } from '../../src/primitives/did.ts'
import { taggedHash } from '../../src/primitives/hash.ts'
import { openHpke, sealHpke } from '../../src/primitives/hpke.ts'
import { parseId } from '../../src/primitives/ids.ts'
import { isDataType } from '../../src/primitives/label.ts'
import {
  account,
  bytesUpTo,
  choices,
  contentId,
  counter,
  encodeShape,
  identifier,
  label,
  link,
  listOf,
  nullable,
  parseShape,
  tuple,
} from '../../src/primitives/shape.ts'
import { TAGS, type Tag } from '../../src/primitives/tags.ts'
import { propertyRuns } from '../support/property.ts'
import { expectReadOrRefused, expectTotal, mutated } from './fuzz-support.ts'

const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter(isPortableText)
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const cid = fc
  .tuple(fc.constantFrom(RAW_CODEC, DAG_CBOR_CODEC), digest)
  .map(([codec, bytes]) => createCid(codec, bytes))

/** Every value of strict DAG-CBOR, in the form in which it comes back. */
const { value: cborValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.nat({ max: 70_000 }),
    fc.bigInt({ min: -(2n ** 64n), max: -SAFE - 1n }),
    fc.bigInt({ min: SAFE + 1n, max: 2n ** 64n - 1n }),
    text,
    fc.uint8Array({ maxLength: 300 }),
    cid,
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 30, noNullPrototype: true },
    ),
  ),
}))

const samples = [
  [3, new Uint8Array(33).fill(2), 0, 7, 1_790_000_000_000, new Uint8Array(33).fill(0x55), new Uint8Array(65)],
  {
    a: [],
    bb: { '': null },
    c: createCid(RAW_CODEC, new Uint8Array(32)),
    '\u00fc\u{1f3e5}': 'text that is not short at all',
  },
  [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],
  [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    -1,
    -25,
    -257,
    2n ** 64n - 1n,
    -(2n ** 64n),
    true,
    false,
    null,
  ],
].map((value) => encodeCbor(value))

const cbor = { parse: (bytes: Uint8Array) => parseCbor(bytes), encode: encodeCbor }

function isStrict(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value === 'string') return isPortableText(value)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || CID.asCID(value) !== null)
    return true
  return Object.entries(value).every(([key, child]) => isPortableText(key) && isStrict(child))
}

/** The second opinion: another reader, and whether it writes the same bytes. The samples stay within the limits. */
function slowAccepts(bytes: Uint8Array): boolean {
  try {
    const value: unknown = decode(bytes)
    return isStrict(value) && equalBytes(new Uint8Array(encode(value)), bytes)
  } catch {
    return false
  }
}

describe('strict DAG-CBOR', () => {
  it('reads what it wrote, and no beginning of it', () => {
    fc.assert(
      fc.property(cborValue, fc.nat({ max: 2 ** 20 }), (value, cut) => {
        const bytes = encodeCbor(value)
        expect(parseCbor(bytes)).toEqual({ ok: true, value })
        expect(toHex(bytes)).toBe(toHex(encode(value)))
        expect(parseCbor(bytes.subarray(0, cut % bytes.length)).ok).toBe(false)
      }),
      propertyRuns(),
    )
  })

  it('reads foreign bytes to what encodes to them, or refuses with a code', () => {
    expectTotal(cbor, samples, 1_500)
  })

  it('accepts exactly what another reader reads and writes back, and holds no float', () => {
    let accepted = 0
    const inputs = fc.oneof(mutated(samples), fc.uint8Array({ maxLength: 12 }))
    fc.assert(
      fc.property(inputs, (bytes) => {
        const result = parseCbor(bytes)
        if (!result.ok && result.code === 'ERR_CODEC_LIMIT') return
        expect(result.ok, toHex(bytes)).toBe(slowAccepts(bytes))
        accepted += result.ok ? 1 : 0
      }),
      propertyRuns(1_500),
    )
    expect(accepted).toBeGreaterThan(0)
  })

  it('agrees with the other reader on all inputs of one and two bytes, and on every first byte of five', () => {
    const different: string[] = []
    for (let first = 0; first < 256; first++) {
      const inputs = [Uint8Array.of(first), Uint8Array.of(first, 0x61, 0x61, 0, 0)]
      for (let second = 0; second < 256; second++) inputs.push(Uint8Array.of(first, second))
      for (const bytes of inputs) {
        const result = parseCbor(bytes)
        const isTooLong = !result.ok && result.code === 'ERR_CODEC_LIMIT'
        if (!isTooLong && result.ok !== slowAccepts(bytes)) different.push(toHex(bytes))
      }
    }
    expect(different).toEqual([])
  })

  it('gives two different values different bytes', () => {
    fc.assert(
      fc.property(cborValue, cborValue, (left, right) => {
        const isSame = equalBytes(encodeCbor(left), encodeCbor(right))
        if (isSame) expect(left).toEqual(right)
        else expect(left).not.toEqual(right)
      }),
      propertyRuns(),
    )
  })
})

describe('shapes', () => {
  const shape = tuple({
    sender: account,
    nonce: counter,
    record: contentId,
    label,
    words: choices('word', ['a', 'b', 'c']),
    notes: listOf(tuple({ text: identifier, data: nullable(bytesUpTo(8)) }), { name: 'notes', countMax: 3 }),
    block: link,
  })
  const wire = {
    parse: (bytes: Uint8Array) => parseShape(bytes, shape, { object: 'sample' }),
    encode: (value: Parameters<typeof shape.write>[0]) => encodeShape(value, shape, { object: 'sample' }),
  }
  const value = fc.record({
    sender: digest.map((bytes) => createDid(Uint8Array.of(2, ...bytes))),
    nonce: fc.nat({ max: 2 ** 32 - 1 }),
    record: cid.map(createRecordId),
    label: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => toHex(bytes) as never),
    words: fc.subarray(['a', 'b', 'c'] as const, { minLength: 1 }),
    notes: fc.array(
      fc.record({
        text: text.filter((one) => one !== '').map((one) => one.normalize('NFC')),
        data: fc.option(fc.uint8Array({ maxLength: 8 })),
      }),
      { maxLength: 3 },
    ),
    block: cid,
  })

  it('read what they wrote', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(wire.parse(wire.encode(one))).toEqual({ ok: true, value: one })
      }),
      propertyRuns(),
    )
  })

  it('read foreign bytes to what encodes to them, or refuse with a path', () => {
    const valid = fc.sample(value, { numRuns: 5, seed: 7 }).map(wire.encode)
    expectTotal(wire, valid, 1_000)
    fc.assert(
      fc.property(mutated(valid), (bytes) => {
        const result = wire.parse(bytes)
        if (!result.ok) expect(`${result.path} ${result.message}`).toMatch(/^(sample[.\w]*) \1 at byte \d+: /)
      }),
      propertyRuns(),
    )
  })

  it('refuse a field of another kind in any place', () => {
    const base = decode<CborValue[]>(wire.encode(fc.sample(value, { numRuns: 1, seed: 7 })[0] as never))
    fc.assert(
      fc.property(fc.nat({ max: 6 }), cborValue, (place, part) => {
        expectReadOrRefused(wire, encodeCbor(base.map((field, i) => (i === place ? part : field))))
      }),
      propertyRuns(),
    )
  })
})

describe('taggedHash', () => {
  const tag = fc.constantFrom<Tag>(...Object.values(TAGS))
  const fields = fc.array(fc.oneof(cborValue, fc.uint8Array({ minLength: 4_000, maxLength: 4_200 })), { maxLength: 4 })

  it('is SHA-256 of the encoded tuple, by other code', () => {
    fc.assert(
      fc.property(tag, fields, (one, list) => {
        const slow = createHash('sha256')
          .update(encode([one, ...list]))
          .digest('hex')
        expect(toHex(taggedHash(one, ...list))).toBe(slow)
      }),
      propertyRuns(),
    )
  })

  it('differs where tag or fields differ', () => {
    fc.assert(
      fc.property(tag, fields, tag, fields, (oneTag, one, otherTag, other) => {
        const isSameInput = equalBytes(encodeCbor([oneTag, ...one]), encodeCbor([otherTag, ...other]))
        expect(equalBytes(taggedHash(oneTag, ...one), taggedHash(otherTag, ...other))).toBe(isSameInput)
      }),
      propertyRuns(100),
    )
  })
})

describe('names as text', () => {
  const DID = createDid(Uint8Array.of(3, ...new Uint8Array(32).fill(9)))
  const RECORD = createRecordId(createCid(RAW_CODEC, new Uint8Array(32).fill(9)))
  const near = (valid: string) =>
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 70 }),
      fc
        .tuple(fc.nat({ max: valid.length }), fc.nat({ max: 2 }), fc.string({ maxLength: 2 }))
        .map(([at, cut, insert]) => valid.slice(0, at) + insert + valid.slice(at + cut)),
    )

  it('are read by their one spelling only, and nothing throws', () => {
    fc.assert(
      fc.property(near(DID), near(RECORD), near('ab'.repeat(32)), (didText, recordText, idText) => {
        const did = parseDid(didText)
        if (did.ok) expect(createDid(toPublicKey(did.value))).toBe(didText)
        const record = parseRecordId(recordText)
        if (record.ok) expect(createRecordId(CID.parse(recordText))).toBe(recordText)
        const id = parseId('transaction', idText)
        if (id.ok) expect(toHex(fromHex(idText))).toBe(idText)
        expect(typeof isDataType(didText)).toBe('boolean')
      }),
      propertyRuns(500),
    )
  })

  it('come back for every key and digest', () => {
    fc.assert(
      fc.property(digest, fc.constantFrom(2, 3), cid, (bytes, first, one) => {
        const key = Uint8Array.of(first, ...bytes)
        expect(toPublicKey(createDid(key))).toEqual(key)
        expect(parseRecordId(createRecordId(one)).ok).toBe(true)
      }),
      propertyRuns(),
    )
  })
})

describe('compareBytes', () => {
  it('orders as hexadecimal text does', () => {
    const bytes = fc.uint8Array({ maxLength: 6, max: 3 })
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const expected = toHex(left) < toHex(right) ? -1 : toHex(left) > toHex(right) ? 1 : 0
        expect(Math.sign(compareBytes(left, right))).toBe(expected)
      }),
      propertyRuns(),
    )
  })
})

describe('HPKE', () => {
  const recipient = createAgreementKey(new Uint8Array(32).fill(5))
  const sender = createAgreementKey(new Uint8Array(32).fill(6))
  const bytes = fc.uint8Array({ maxLength: 100 })

  it('opens what was sealed, in both modes, and nothing that was changed', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.boolean(), fc.nat(), (plaintext, info, aad, isAuth, at) => {
        const message = { info, aad, plaintext, ...(isAuth ? { sender } : {}) }
        const sealed = sealHpke({ ...message, recipient: recipient.publicKey })
        const open = { ...message, ...sealed, recipient, ...(isAuth ? { sender: sender.publicKey } : {}) }
        expect(openHpke(open as never)).toEqual(plaintext)
        const changed = sealed.ciphertext.map((byte, i) => (i === at % sealed.ciphertext.length ? byte ^ 0x10 : byte))
        expect(openHpke({ ...open, ciphertext: changed } as never)).toBeUndefined()
      }),
      propertyRuns(20),
    )
  })

  it('opens nothing that was made up, and throws nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 30, maxLength: 34 }), bytes, (enc, ciphertext) => {
        expect(openHpke({ recipient, enc, info: new Uint8Array(), ciphertext })).toBeUndefined()
      }),
      propertyRuns(40),
    )
  })
})

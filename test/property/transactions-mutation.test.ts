import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { encodeCbor, parseCbor, type CborValue } from '../../src/primitives/codec.ts'
import { compareBytes } from '../../src/primitives/bytes.ts'
import {
  encodeTransaction,
  parseTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  type UnsignedTransaction,
} from '../../src/transactions/index.ts'
import { chainId } from '../support/parties.ts'
import { propertyRuns } from '../support/property.ts'
import { samples, signerOf } from '../support/transactions.ts'

const encoded = (Object.values(samples) as (() => UnsignedTransaction)[]).map((make) => {
  const unsigned = make()
  return encodeTransaction(signTransaction(unsigned, { chainId, signer: signerOf(unsigned) }))
})

/** Bytes that were changed here and there, cut, and put together from two samples. */
const mutants = fc.record({
  source: fc.nat(encoded.length - 1),
  other: fc.nat(encoded.length - 1),
  flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
  cut: fc.option(fc.tuple(fc.nat(), fc.nat()), { nil: undefined }),
})

function mutate({ source, other, flips, cut }: typeof mutants extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  let bytes = Uint8Array.from(encoded[source]!)
  if (cut !== undefined) {
    const tail = encoded[other]!
    bytes = new Uint8Array([...bytes.subarray(0, cut[0] % bytes.length), ...tail.subarray(cut[1] % tail.length)])
  }
  for (const [at, mask] of flips) bytes[at % bytes.length] = bytes[at % bytes.length]! ^ mask
  return bytes
}

const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.maxSafeInteger(),
  fc.uint8Array({ maxLength: 70 }),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(fc.nat(), fc.uint8Array({ minLength: 32, maxLength: 33 })), { maxLength: 4 }),
)

function expectTotal(bytes: Uint8Array): void {
  const parsed = parseTransaction(bytes)
  if (!parsed.ok) {
    expect(parsed.code).toMatch(/^ERR_CODEC_/)
    expect(parsed.path).toMatch(/^transaction/)
    return
  }
  // Whatever parses has one encoding: the one that was parsed.
  expect(compareBytes(encodeTransaction(parsed.value), bytes)).toBe(0)
  const valid = validateTransaction(parsed.value, { chainId })
  if (!valid.ok) expect(valid.code).toMatch(/^ERR_(SIGNATURE|TRANSACTIONS|IDENTITY|CRYPTO)_/)
}

describe('transactions from hostile bytes', () => {
  it('fail as values with a path, or have one encoding', () => {
    fc.assert(
      fc.property(mutants, (mutant) => expectTotal(mutate(mutant))),
      propertyRuns(1_000),
    )
  })

  it('of any element in any place', () => {
    const swaps = fc.record({ source: fc.nat(encoded.length - 1), at: fc.nat(), value: leaf })
    fc.assert(
      fc.property(swaps, ({ source, at, value }) => {
        const elements = unwrap(parseCbor(encoded[source]!)) as readonly CborValue[]
        expectTotal(encodeCbor(elements.with(at % elements.length, value)))
      }),
      propertyRuns(1_000),
    )
  })

  it('of any bytes at all', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), expectTotal), propertyRuns(1_000))
  })
})

/**
 * Byte strings near valid ones, and the law that every parser of foreign bytes keeps. For all wire values.
 */
import fc from 'fast-check'
import { expect } from 'vitest'

import type { ErrorCode } from '../../src/errors.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { propertyRuns } from '../support/property.ts'

/** Heads, lengths and marks that decide how a decoder goes on; random bytes meet them too rarely. */
const POISON = [
  0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x9a, 0x9b, 0x9f, 0xa0, 0xa1,
  0xbb, 0xbf, 0xd8, 0x2a, 0xf4, 0xf6, 0xf7, 0xf9, 0xfa, 0xfb, 0xff,
]

type Edit = (bytes: number[]) => void

const place = fc.nat({ max: 2 ** 20 })
const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...POISON))

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, byte).map(
    ([at, value]): Edit =>
      (bytes) =>
        void (bytes[at % (bytes.length || 1)] = value),
  ),
  fc.tuple(place, fc.nat({ max: 7 })).map(([at, bit]): Edit => (bytes) => {
    const i = at % (bytes.length || 1)
    bytes[i] = (bytes[i] ?? 0) ^ (1 << bit)
  }),
  fc.tuple(place, fc.array(byte, { minLength: 1, maxLength: 9 })).map(
    ([at, insert]): Edit =>
      (bytes) =>
        void bytes.splice(at % (bytes.length + 1), 0, ...insert),
  ),
  fc.tuple(place, fc.nat({ max: 40 })).map(
    ([at, count]): Edit =>
      (bytes) =>
        void bytes.splice(at % (bytes.length + 1), count),
  ),
  fc.tuple(place, place, fc.nat({ max: 40 })).map(([from, to, count]): Edit => (bytes) => {
    const start = from % (bytes.length + 1)
    bytes.splice(to % (bytes.length + 1), 0, ...bytes.slice(start, start + count))
  }),
)

/** Valid samples after one to six edits: bytes set, flipped, inserted, removed, repeated elsewhere. */
export function mutated(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([sample, edits]) => {
      const bytes = Array.from(sample)
      for (const apply of edits) apply(bytes)
      return Uint8Array.from(bytes)
    })
}

/** Every beginning of the bytes, without the whole. */
export function truncations(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, length) => bytes.slice(0, length))
}

/** The bytes with each bit flipped in turn. */
export function bitFlips(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    return flipped
  })
}

/** A wire value as the tests see it. */
export interface Wire<T> {
  readonly parse: (
    bytes: Uint8Array,
  ) =>
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly code: ErrorCode; readonly message: string }
  readonly encode: (value: T) => Uint8Array
}

/** The law for one input: it is read and encodes to the same bytes, or it is refused with a code. Nothing throws. */
export function expectReadOrRefused<T>(wire: Wire<T>, bytes: Uint8Array): boolean {
  const result = wire.parse(bytes)
  if (result.ok) expect(toHex(wire.encode(result.value))).toBe(toHex(bytes))
  else expect(`${result.code} ${result.message}`).toMatch(/^ERR_[A-Z]+_[A-Z_]+ ./)
  return result.ok
}

/** The law for many inputs: mutations of samples and random bytes; no prototype gets a new member. */
export function expectTotal<T>(wire: Wire<T>, samples: readonly Uint8Array[], runs = 300): void {
  const before = Object.getOwnPropertyNames(Object.prototype).length
  for (const sample of samples) expect(expectReadOrRefused(wire, sample), 'a sample is valid').toBe(true)
  const inputs = fc.oneof(
    { weight: 5, arbitrary: mutated(samples) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  )
  fc.assert(
    fc.property(inputs, (bytes) => void expectReadOrRefused(wire, bytes)),
    propertyRuns(runs),
  )
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(before)
}

import { expect, it } from 'vitest'
import { generateIdentity, type Identity } from '../../src/identity/index.ts'
import type { Failure, Result } from '../../src/errors.ts'
import { concatBytes, toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import type { RandomSource } from '../../src/primitives/random.ts'
import { Mismatch, type Shape } from '../../src/primitives/shape.ts'
import type { CborValue } from '../../src/primitives/codec.ts'
import { createVerifier } from '../../src/primitives/signature.ts'

/** The bytes 00, 01, ... 1f. */
export const countingSeed = Uint8Array.from({ length: 32 }, (_, i) => i)

/** Two ledgers. */
export const [chainId, otherChainId] = ['one', 'two'].map((text) => createId('chain', sha256(toUtf8(text)))) as [
  ReturnType<typeof createId<'chain'>>,
  ReturnType<typeof createId<'chain'>>,
]

/** One verifier for a file, so that it can remember keys. */
export const verifier = createVerifier()

/** A random source that gives the same bytes in every run. */
export function fixedRandom(name: string): RandomSource {
  let count = 0
  return (byteCount) => {
    const blocks: Uint8Array[] = []
    for (let i = 0; i * 32 < byteCount; i++) blocks.push(sha256(toUtf8(`${name} ${count++}`)))
    return concatBytes(...blocks).slice(0, byteCount)
  }
}

/** The same party in every run. */
export function party(name: string): Identity {
  return generateIdentity({}, fixedRandom(name))
}

/** The failure, or a failed test. */
export function failureOf(result: Result<unknown>): Failure {
  if (result.ok) throw new Error('expected a failure')
  return result
}

/** What a shape says about a value that was already decoded. */
export function mismatchOf(shape: Shape<unknown>, value: CborValue): string {
  const read = shape.read(value)
  if (!(read instanceof Mismatch)) throw new Error('expected a mismatch')
  return `${read.names.toReversed().join('.')}: ${read.expected}`
}

/** The tests that every wire value has: round trip, pinned bytes, trailing bytes, truncation at each byte. */
export function testWireForm<T>(options: {
  readonly value: T
  readonly pinned: string
  readonly encode: (value: T) => Uint8Array
  readonly parse: (bytes: Uint8Array) => Result<T>
}): void {
  const { value, pinned, encode, parse } = options
  const bytes = encode(value)
  it('encodes to the pinned bytes', () => {
    expect(Buffer.from(bytes).toString('hex')).toBe(pinned)
  })
  it('reads back what it wrote', () => {
    const parsed = parse(bytes)
    expect(parsed).toEqual({ ok: true, value })
    if (parsed.ok) expect(encode(parsed.value)).toEqual(bytes)
  })
  it('refuses trailing bytes and truncation at every byte', () => {
    expect(failureOf(parse(concatBytes(bytes, Uint8Array.of(0)))).code).toBe('ERR_CODEC_TRAILING_BYTES')
    for (let length = 0; length < bytes.length; length++) {
      expect(failureOf(parse(bytes.slice(0, length))).code, `${length} bytes`).toBe('ERR_CODEC_MALFORMED')
    }
  })
  it('refuses a longer spelling of its first length', () => {
    const head = bytes[0] as number
    const spelled = concatBytes(Uint8Array.of((head & 0xe0) | 24, head & 0x1f), bytes.slice(1))
    expect(failureOf(parse(spelled)).code).toBe('ERR_CODEC_NOT_CANONICAL')
  })
}

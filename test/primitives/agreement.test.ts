import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { VitalsealError } from '../../src/errors.ts'
import { assertAgreementPublicKey, createAgreementKey, isAgreementPublicKey } from '../../src/primitives/agreement.ts'
import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import { codeOf } from '../support/failure.ts'

const P = 2n ** 255n - 19n

function littleEndian(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((number >> BigInt(8 * i)) & 255n))
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P
  return result
}

/** Doubling by u alone on v^2 = u^3 + 486662 u^2 + u; undefined is the point at infinity. */
function double(u: bigint): bigint | undefined {
  const denominator = (4n * u * (u * u + 486_662n * u + 1n)) % P
  if (denominator === 0n) return undefined
  return ((u * u - 1n) ** 2n * power(denominator, P - 2n)) % P
}

function hasLowOrder(u: bigint): boolean {
  let point: bigint | undefined = u
  for (let i = 0; i < 3 && point !== undefined; i++) point = double(point)
  return point === undefined
}

const ORDER_EIGHT = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]
const LOW_ORDER = [0n, 1n, P - 1n, ...ORDER_EIGHT]

describe('X25519 agreement', () => {
  const alice = createAgreementKey(fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'))
  const bob = createAgreementKey(fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))

  it('gives the keys and the secret of RFC 7748, 6.1', () => {
    expect(toHex(alice.publicKey)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(toHex(bob.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
    expect(toHex(alice.agree(bob.publicKey))).toBe(secret)
    expect(toHex(bob.agree(alice.publicKey))).toBe(secret)
  })

  it('refuses every point whose order divides eight, on the curve and on its twist', () => {
    for (const u of LOW_ORDER) {
      expect(hasLowOrder(u), `${u}`).toBe(true)
      expect(isAgreementPublicKey(littleEndian(u)), `${u}`).toBe(false)
      expect(codeOf(() => alice.agree(littleEndian(u)))).toBe('ERR_CRYPTO_INVALID_POINT')
    }
    // The neighbours of the list are ordinary points.
    for (const u of [2n, P - 2n, ...ORDER_EIGHT.flatMap((root) => [root - 1n, root + 1n])]) {
      expect(hasLowOrder(u), `${u}`).toBe(false)
      expect(isAgreementPublicKey(littleEndian(u)), `${u}`).toBe(true)
    }
  })

  it('takes the largest canonical key and refuses p, what is above it, and the top bit', () => {
    expect(isAgreementPublicKey(littleEndian(P - 2n))).toBe(true)
    for (const u of [P, P + 1n, P + 2n, P + 9n, 2n ** 255n - 1n, 9n + 2n ** 255n, 2n ** 256n - 1n]) {
      expect(isAgreementPublicKey(littleEndian(u)), `${u}`).toBe(false)
      expect(codeOf(() => alice.agree(littleEndian(u)))).toBe('ERR_CRYPTO_INVALID_POINT')
    }
    // One byte below 2^255 - 19 in the middle is enough to be canonical.
    expect(isAgreementPublicKey(littleEndian(2n ** 255n - 1n - (1n << 64n)))).toBe(true)
  })

  it.each([
    ['31 bytes', new Uint8Array(31).fill(9)],
    ['33 bytes', new Uint8Array(33).fill(9)],
    ['an array', Array.from(bob.publicKey)],
    ['text', toHex(bob.publicKey)],
    ['nothing', undefined],
  ])('refuses %s as a public key', (_name, key) => {
    expect(isAgreementPublicKey(key)).toBe(false)
    expect(
      codeOf(() => {
        assertAgreementPublicKey(key)
      }),
    ).toBe('ERR_CRYPTO_INVALID_POINT')
  })

  it.each([31, 33, 0])('refuses a secret key of %i bytes without quoting it', (length) => {
    expect(codeOf(() => createAgreementKey(new Uint8Array(length).fill(0xab)))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => createAgreementKey('x'.repeat(32) as never))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('clamps as RFC 7748, 5 says: the lowest three bits and the highest two do not count', () => {
    const secret = new Uint8Array(32).fill(0x55)
    const twin = secret.slice()
    twin[0] = (twin[0] as number) ^ 7
    twin[31] = (twin[31] as number) ^ 0x80
    expect(createAgreementKey(twin).publicKey).toEqual(createAgreementKey(secret).publicKey)
  })

  it('keeps a copy of the secret and prints without it', () => {
    const secret = new Uint8Array(32).fill(0xab)
    const key = createAgreementKey(secret)
    const before = key.agree(alice.publicKey)
    secret.fill(1)
    expect(key.agree(alice.publicKey)).toEqual(before)
    for (const text of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]) {
      expect(text).not.toMatch(/abab|171/)
    }
    expect(Object.isFrozen(key)).toBe(true)
  })

  it('names the group and nothing of the key', () => {
    try {
      alice.agree(new Uint8Array(32))
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(VitalsealError)
      expect((error as VitalsealError).details).toEqual({ group: 'x25519' })
    }
  })
})

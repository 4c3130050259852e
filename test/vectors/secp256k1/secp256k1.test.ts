import { createHmac } from 'node:crypto'

import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toHex, toUtf8 } from '../../../src/primitives/bytes.ts'
import { toPublicKey } from '../../../src/primitives/did.ts'
import { sha256 } from '../../../src/primitives/hash.ts'
import { signHash } from '../../../src/primitives/secp256k1.ts'
import { createSigner, parseSigningKey } from '../../../src/primitives/signature.ts'
import { compress, judgeHash, ORDER, to32, toNumber } from '../../support/ecdsa.ts'
import { describeVectors } from '../../support/vectors.ts'

/** Only the curve below the prehash can run vectors that sign a bare hash; `signDigest` is this and SHA-256 before it. */
function signPlainly(hash: string, secretKey: string, entropy: Uint8Array | false = false) {
  const signature = signHash(fromHex(hash), fromHex(secretKey), entropy)
  return { pair: toHex(signature.subarray(0, 64)), recovery: signature[64] }
}

function keyOf(secretKey: string): Uint8Array {
  return toPublicKey(createSigner(fromHex(secretKey)).did)
}

interface Signing {
  readonly d: string
  readonly m: string
  readonly signature: string
  readonly recoveryId: number
}
interface Refusal {
  readonly description: string
  readonly d: string
  readonly Q: string
  readonly m: string
  readonly signature: string
  readonly strict?: boolean
}
interface EcdsaFile {
  readonly valid: readonly Signing[]
  readonly invalid: { readonly [kind in 'sign' | 'verify' | 'recover']: readonly Refusal[] }
  readonly extraEntropy: readonly (Signing & Record<string, string>)[]
}

describeVectors('secp256k1/ecdsa.json', 170, (contents, count) => {
  const { valid, invalid, extraEntropy } = JSON.parse(contents.toString()) as EcdsaFile

  it(`${valid.length} deterministic signatures, which also verify`, () => {
    for (const { d, m, signature, recoveryId } of valid) {
      count()
      expect(signPlainly(m, d)).toEqual({ pair: signature, recovery: recoveryId })
      expect(judgeHash(keyOf(d), fromHex(m), fromHex(signature))).toBe(true)
    }
  })

  it(`${extraEntropy.length} set of signatures with added entropy`, () => {
    // What each name stands for is said in the suite's own test, not in the file.
    const entropies = {
      '0': to32(0n),
      '1': to32(1n),
      Rand: fromHex('6e723d3fd94ed5d2b6bdd4f123364b0f3ca52af829988a63f8afe91d29db1c33'),
      N: to32(ORDER),
      Max: to32(2n ** 256n - 1n),
    }
    for (const vector of extraEntropy) {
      count()
      expect(signPlainly(vector.m, vector.d).pair).toBe(vector.signature)
      for (const [name, entropy] of Object.entries(entropies)) {
        expect(signPlainly(vector.m, vector.d, entropy)).toEqual({
          pair: vector[`extraEntropy${name}`],
          recovery: vector[`recoveryId${name}`],
        })
      }
    }
  })

  it.each(invalid.sign)('no signer: $description', ({ d }) => {
    count()
    expect(() => createSigner(fromHex(d))).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it.each(invalid.verify)('not verified: $description', ({ Q, m, signature, strict }) => {
    count()
    expect(judgeHash(fromHex(Q), fromHex(m), fromHex(signature))).toBe(false)
    // The one with high s is refused for that reason alone.
    if (strict === true) expect(judgeHash(fromHex(Q), fromHex(m), lowered(fromHex(signature)))).toBe(true)
  })

  it.each(invalid.recover)('no key is recovered, and none verifies: $description', ({ m, signature }) => {
    count()
    // Nothing is recovered in this library; such a signature and such a hash must be refused under any key.
    const hash = fromHex(m)
    expect(hash.length === 32 && judgeHash(keyOf(toHex(to32(1n))), hash, fromHex(signature))).toBe(false)
  })
})

function lowered(pair: Uint8Array): Uint8Array {
  return concatBytes(pair.subarray(0, 32), to32(ORDER - toNumber(pair.subarray(32))))
}

interface PointRow {
  readonly description?: string
  readonly P?: string
  readonly Q?: string
  readonly d?: string
  readonly compress?: boolean
  readonly expected?: string | boolean | null
  readonly exception?: string
}
interface PointsFile {
  readonly valid: Readonly<Record<string, readonly PointRow[]>>
  readonly invalid: Readonly<Record<string, readonly PointRow[]>>
}

/** Whether our key parser takes the bytes; 65 bytes are never a key of ours, their compressed form is. */
function isKey(hex: string): boolean {
  const bytes = fromHex(hex)
  if (bytes.length !== 33) expect(parseSigningKey(bytes)).toMatchObject({ code: 'ERR_CODEC_MALFORMED' })
  const compressed = bytes.length === 33 ? bytes : compress(bytes)
  return compressed !== undefined && parseSigningKey(compressed).ok
}

/**
 * The library computes with no points but those of signatures. So these rows are read for their keys: each P, Q and result
 * is a key, each P, Q or d that an operation refuses is none. The results themselves are the curve package's.
 */
describeVectors('secp256k1/points.json', 432, (contents, count) => {
  const { valid, invalid } = JSON.parse(contents.toString()) as PointsFile

  for (const [operation, rows] of Object.entries(valid)) {
    it(`${rows.length} rows of ${operation}`, () => {
      for (const { P, Q, expected, d } of rows) {
        count()
        if (typeof expected === 'boolean') expect(isKey(P as string)).toBe(expected)
        else
          for (const point of [P, Q, isPoint(expected) ? expected : undefined])
            if (point) expect(isKey(point)).toBe(true)
        if (operation === 'pointFromScalar')
          expect(toHex(keyOf(d as string))).toBe(toHex(compress(fromHex(expected as string)) as Uint8Array))
      }
    })
  }

  for (const [operation, rows] of Object.entries(invalid)) {
    it(`${rows.length} refused rows of ${operation}`, () => {
      for (const { P, Q, d, exception } of rows) {
        count()
        const points = [P, Q].filter((point) => point !== undefined)
        if (exception === 'Expected Point') expect(points.every(isKey)).toBe(false)
        else expect(isSecretKey(d as string)).toBe(false)
      }
    })
  }
})

function isPoint(expected: string | boolean | null | undefined): expected is string {
  return typeof expected === 'string' && expected.length > 64
}

function isSecretKey(hex: string): boolean {
  try {
    createSigner(fromHex(hex))
    return true
  } catch {
    return false
  }
}

/** RFC 6979, 3.2, step by step: the nonces of a hash and a key, in order. */
function* nonces(hash: Uint8Array, secretKey: Uint8Array): Generator<bigint> {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
    createHmac('sha256', key)
      .update(concatBytes(...parts))
      .digest()
  const seed = concatBytes(secretKey, to32(toNumber(hash) % ORDER))
  let [v, k]: Uint8Array[] = [new Uint8Array(32).fill(1), new Uint8Array(32)]
  for (const step of [0, 1]) {
    k = hmac(k as Uint8Array, v as Uint8Array, Uint8Array.of(step), seed)
    v = hmac(k, v as Uint8Array)
  }
  for (;;) {
    v = hmac(k as Uint8Array, v as Uint8Array)
    const nonce = toNumber(v)
    if (nonce > 0n && nonce < ORDER) yield nonce
    k = hmac(k as Uint8Array, v, Uint8Array.of(0))
    v = hmac(k, v)
  }
}

interface NonceCase {
  readonly message: string
  readonly d: string
  readonly k0: string
  readonly k1: string
  readonly k15: string
}

function checkNonces({ message, d, k0, k1, k15 }: NonceCase): void {
  const hash = sha256(toUtf8(message))
  const generated = nonces(hash, fromHex(d))
  const first16 = Array.from({ length: 16 }, () => toHex(to32(generated.next().value as bigint)))
  expect([first16[0], first16[1], first16[15]]).toEqual([k0, k1, k15])
  // The signer does not show its nonce, but r is the x coordinate of its multiple of G.
  const r = secp256k1.Point.BASE.multiply(toNumber(fromHex(k0))).x % ORDER
  expect(signPlainly(toHex(hash), d).pair.slice(0, 64)).toBe(toHex(to32(r)))
}

describe('known answers without the folder', () => {
  it('the nonce of "Satoshi Nakamoto" under secret key 1, in the generator and in the signer', () => {
    const nonce = '8f8a276c19f4149656b280621e358cce24f5f52542772691ee69063b74f15d15'
    expect(toHex(to32(nonces(sha256(toUtf8('Satoshi Nakamoto')), to32(1n)).next().value as bigint))).toBe(nonce)
    const r = secp256k1.Point.BASE.multiply(toNumber(fromHex(nonce))).x
    expect(signPlainly(toHex(sha256(toUtf8('Satoshi Nakamoto'))), toHex(to32(1n))).pair.slice(0, 64)).toBe(
      toHex(to32(r)),
    )
  })
})

describeVectors('secp256k1/rfc6979_k.json', 10, (contents, count) => {
  const cases = JSON.parse(contents.toString()) as readonly NonceCase[]
  it.each(cases)('the nonces of "$message"', (vector) => {
    count()
    checkNonces(vector)
  })
})

import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, it } from 'vitest'

import {
  createReEncryptionKey,
  decapsulate,
  encapsulate,
  parsePreObject,
  reEncrypt,
  reEncryptFragment,
  splitReEncryptionKey,
  unwrap,
  verifyCapsule,
  verifyReEncryptionKey,
  verifyReKeyFragment,
} from '../../src/pre/index.ts'
import { fromHex, toHex, type Bytes } from '../../src/primitives/bytes.ts'
import { toBytes } from '../support/bls.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { delegateTo, END_MS, institution, june, NOW_MS, owner, sealFor } from './world.ts'

// Whatever is no point of its group, in every place of every object where a point stands.
const { G1, G2, fields } = bls12_381
const P = fields.Fp.ORDER

function flagged(bytes: Uint8Array, flags: number): string {
  const changed = Uint8Array.from(bytes)
  changed[0] = ((changed[0] as number) & 0x1f) | flags
  return toHex(changed)
}

/** The first small x on the curve whose point is of another order, and the first that is on no point. */
function strayG1(): { readonly outside: string; readonly offCurve: string } {
  const found: { outside?: string; offCurve?: string } = {}
  for (let x = 1n; found.outside === undefined || found.offCurve === undefined; x++) {
    const encoded = flagged(toBytes(x, 48), 0x80)
    const square = fields.Fp.add(fields.Fp.mul(fields.Fp.sqr(x), x), 4n)
    const hasY = fields.Fp.pow(square, (P - 1n) / 2n) === 1n
    if (!hasY) found.offCurve ??= encoded
    else if (!G1.Point.fromAffine({ x, y: fields.Fp.sqrt(square) }).isTorsionFree()) found.outside ??= encoded
  }
  return found as { readonly outside: string; readonly offCurve: string }
}

/** The same over Fp2: found by trying, with the curve package's own reading. */
function strayG2(): { readonly outside: string; readonly offCurve: string } {
  const found: { outside?: string; offCurve?: string } = {}
  for (let c0 = 1n; found.outside === undefined || found.offCurve === undefined; c0++) {
    const { Fp2 } = fields
    const x = Fp2.fromBigTuple([c0, 0n])
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n]))
    const encoded = flagged(Uint8Array.from([...toBytes(0n, 48), ...toBytes(c0, 48)]), 0x80)
    if (Fp2.eql(Fp2.pow(square, (P * P - 1n) / 2n), Fp2.ONE)) {
      const point = G2.Point.fromAffine({ x, y: Fp2.sqrt(square) })
      if (!point.isTorsionFree()) found.outside ??= encoded
    } else found.offCurve ??= encoded
  }
  return found as { readonly outside: string; readonly offCurve: string }
}

const [g1, g2] = [G1.Point.BASE.multiply(7n).toBytes(true), G2.Point.BASE.multiply(7n).toBytes(true)]
const beyond = flagged(toBytes(P + 3n, 48), 0x80)
const badG1 = {
  'off the curve': strayG1().offCurve,
  'off the subgroup': strayG1().outside,
  'the identity': `c0${'00'.repeat(47)}`,
  'x from p on': beyond,
  'flag uncompressed': flagged(g1, 0x00),
  'flag infinity': flagged(g1, 0xc0),
  'sign flag alone': flagged(g1, 0x20),
  'all ones': 'ff'.repeat(48),
}
const badG2 = {
  'off the curve': strayG2().offCurve,
  'off the subgroup': strayG2().outside,
  'the identity': `c0${'00'.repeat(95)}`,
  'x from p on': `${beyond}${'00'.repeat(48)}`,
  'second half from p on': `${flagged(g2.subarray(0, 48), 0x80)}${toHex(toBytes(P, 48))}`,
  'flag uncompressed': flagged(g2, 0x00),
  'flag infinity': flagged(g2, 0xc0),
  'all ones': 'ff'.repeat(96),
}
const refused = 'ERR_DECRYPTION_FAILED'
const checks = { signer: owner.signer.did, nowMs: NOW_MS, verifier: { verify: () => true } }

/** The object with one part replaced in its encoding, and its id made again where it has one. */
function replaced<K extends Parameters<typeof parsePreObject>[0]>(kind: K, bytes: Bytes, part: Bytes, other: string) {
  const before = toHex(bytes)
  expect(before).toContain(toHex(part))
  return unwrap(parsePreObject(kind, fromHex(before.replace(toHex(part), other))))
}

describe('what is no point', () => {
  const { capsule } = sealFor()
  const key = delegateTo()
  const converted = reEncrypt(capsule, key)
  const split = { ...owner, to: { publicKey: institution.publicKey }, condition: june, expiresAtMs: END_MS }
  const [fragment] = splitReEncryptionKey({ ...split, threshold: 2, total: 3 })
  if (fragment === undefined || !verifyReKeyFragment(fragment, checks)) throw new Error('refused')
  const part = reEncryptFragment(capsule, fragment)

  it.each(Object.entries(badG1))('of G1, %s, is refused in every place of every object', (_, bad) => {
    const point = capsule.core.subarray(0, 48)
    for (const place of [point, capsule.delegator]) {
      const changed = replaced('capsule', capsule.bytes, place, bad)
      expect(verifyCapsule(changed)).toBe(false)
      expect(codeOf(() => decapsulate(changed, owner.keys))).toBe(refused)
    }
    for (const place of [key.delegator, key.delegatee, key.ephemeral, key.commitment]) {
      const changed = replaced('re-encryption-key', key.bytes, place, bad)
      expect(verifyReEncryptionKey(changed, checks)).toBe(false)
    }
    for (const place of [point, converted.delegator, converted.delegatee, converted.ephemeral]) {
      const changed = replaced('re-encrypted-capsule', converted.bytes, place, bad)
      expect(codeOf(() => decapsulate(changed, institution))).toBe(refused)
    }
    for (const place of [fragment.commitment, fragment.coefficients[0] as Bytes, fragment.ephemeral]) {
      const changed = replaced('re-key-fragment', fragment.bytes, place, bad)
      expect(verifyReKeyFragment(changed, checks)).toBe(false)
    }
    // What the caller gives.
    const own = fromHex(bad)
    expect(codeOf(() => encapsulate({ to: own, condition: june }))).toBe('ERR_CRYPTO_INVALID_POINT')
    const options = { ...owner, to: { publicKey: own }, condition: june, expiresAtMs: END_MS }
    expect(codeOf(() => createReEncryptionKey(options))).toBe('ERR_CRYPTO_INVALID_POINT')
  })

  it.each(Object.entries(badG2))('of G2, %s, is refused in re-keys and fragments', (_, bad) => {
    expect(verifyReEncryptionKey(replaced('re-encryption-key', key.bytes, key.element, bad), checks)).toBe(false)
    const changed = replaced('re-key-fragment', fragment.bytes, fragment.element, bad)
    expect(verifyReKeyFragment(changed, checks)).toBe(false)
  })

  it('has another length, and is not read', () => {
    const uncompressed = toHex(G1.Point.BASE.toBytes(false))
    expect(codeOf(() => encapsulate({ to: fromHex(uncompressed), condition: june }))).toBe('ERR_CRYPTO_INVALID_POINT')
    for (const [kind, bytes] of [
      ['re-key-fragment', fragment.bytes],
      ['capsule-fragment', part.bytes],
    ] as const) {
      for (let length = 0; length < bytes.length; length += 7) {
        expect(codeOfResult(parsePreObject(kind, bytes.subarray(0, length)))).toMatch(/^ERR_CODEC_/)
      }
      expect(codeOfResult(parsePreObject(kind, Uint8Array.of(...bytes, 0)))).toBe('ERR_CODEC_TRAILING_BYTES')
      for (const position of [1, 2, 3]) {
        const changed = Uint8Array.from(bytes)
        changed[position] = 9
        expect(codeOfResult(parsePreObject(kind, changed))).toBe('ERR_CODEC_VERSION')
      }
    }
  })
})

import { createHash } from 'node:crypto'

import { unwrap } from '../../src/errors.ts'
import {
  createPreKeyPair,
  createReEncryptionKey,
  encapsulate,
  parsePreObject,
  reEncrypt,
  verifyCapsule,
  verifyReEncryptionKey,
  type Capsule,
  type Condition,
  type PreKeyPair,
  type PreRole,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
} from '../../src/pre/index.ts'
import { generatePreSecret } from '../../src/primitives/bls-secret.ts'
import type { Bytes, Verified } from '../../src/primitives/bytes.ts'
import type { RandomSource } from '../../src/primitives/random.ts'
import { createSigner, type Signer } from '../../src/primitives/signature.ts'

/** A random source that gives the same bytes in every run; one for each name. */
export function seededRandom(name: string): RandomSource {
  let count = 0
  return (byteCount) => {
    const parts: Buffer[] = []
    for (let length = 0; length < byteCount; length += 32) {
      parts.push(createHash('sha256').update(`${name} ${count++}`).digest())
    }
    return new Uint8Array(Buffer.concat(parts).subarray(0, byteCount))
  }
}

/** A pair of keys by name. */
export function keysOf<R extends PreRole>(name: string, role: R): PreKeyPair<R> {
  return createPreKeyPair(generatePreSecret(seededRandom(`${name} as ${role}`)), role)
}

/** A signer by name. */
export function signerOf(name: string): Signer {
  return createSigner(seededRandom(`${name} signs`)(32), seededRandom(`${name} hedges`))
}

export const NOW_MS = 1_780_000_000_000
export const END_MS = NOW_MS + 86_400_000

export const owner = { keys: keysOf('owner', 'delegator'), signer: signerOf('owner') }
export const institution = keysOf('institution', 'delegatee')
export const stranger = keysOf('stranger', 'delegatee')
export const june: Condition = { type: 'http://loinc.org|8867-4', epoch: '2026-06' }
export const july: Condition = { type: 'http://loinc.org|8867-4', epoch: '2026-07' }

/** A capsule for the owner, checked. */
export function sealFor(
  condition: Condition | readonly Condition[] = june,
  options: { readonly to?: Uint8Array; readonly associatedData?: Uint8Array; readonly random?: RandomSource } = {},
): { readonly capsule: Verified<Capsule>; readonly key: Bytes } {
  const { to = owner.keys.publicKey, random, ...rest } = options
  const { capsule, key } = encapsulate({ to, condition, ...rest }, random)
  if (!verifyCapsule(capsule)) throw new Error('the capsule does not hold')
  return { capsule, key }
}

/** A re-key of the owner, checked. */
export function delegateTo(
  to: Uint8Array = institution.publicKey,
  condition: Condition = june,
  random?: RandomSource,
): Verified<ReEncryptionKey> {
  const key = createReEncryptionKey({ ...owner, to: { publicKey: to }, condition, expiresAtMs: END_MS }, random)
  return checkReKey(key)
}

export function checkReKey(key: ReEncryptionKey): Verified<ReEncryptionKey> {
  if (!verifyReEncryptionKey(key, { signer: owner.signer.did, nowMs: NOW_MS }))
    throw new Error('the re-key does not hold')
  return key
}

/** A capsule converted for the institution, after its journey as bytes. */
export function convertFor(capsule: Verified<Capsule>, key: Verified<ReEncryptionKey>): ReEncryptedCapsule {
  return unwrap(parsePreObject('re-encrypted-capsule', reEncrypt(capsule, key).bytes))
}

/** The bytes with one bit turned. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
  return flipped
}

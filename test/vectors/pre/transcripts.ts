import { bls12_381 } from '@noble/curves/bls12-381.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'

import { fromHex, type Bytes } from '../../../src/primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../../../src/primitives/codec.ts'
import { vectorRandom } from './make.ts'
import published from './vectors.json' with { type: 'json' }

/**
 * What the equations of `cpre` hash, for the published vectors, written down a second time: no code of src/pre, and no
 * arithmetic of groups. Who computes the equations again brings that.
 */

const { cpre } = published

export const scalarOf = (tag: string, ...parts: CborValue[]): bigint =>
  bls12_381.G1.hashToScalar(encodeCbor([0, ...parts]), { DST: `vitalseal/pre/${tag}/v1` })
export const digestOf = (tag: string, ...parts: CborValue[]): Uint8Array =>
  sha256(encodeCbor([`vitalseal/pre/${tag}/v1`, ...parts]))
export const derive = (secret: Uint8Array, tag: string, ...parts: CborValue[]): Uint8Array =>
  hkdf(sha256, secret, undefined, encodeCbor([`vitalseal/pre/${tag}/v1`, ...parts]), 32)

export const ownerSecret = BigInt(`0x${cpre.ownerSecret}`)
export const delegateeSecret = BigInt(`0x${cpre.delegateeSecret}`)
const ownerPublicKey = fromHex(cpre.ownerPublicKey)
const { type, epoch, extra } = cpre.condition
export const condition: CborValue = [1, type, epoch, extra]
/** What Q_w is the hash of, and under which tag. */
export const conditionInput = { message: encodeCbor([1, ownerPublicKey, condition]), DST: 'vitalseal/pre/condition/v1' }
/** Facts of the capsule with one condition. */
export const facts: CborValue[] = [1, ownerPublicKey, [condition], fromHex(cpre.associatedData)]
/** m of that capsule, from what was drawn. */
export const message = digestOf('message', vectorRandom('capsule')(32), ...facts)

/** Of the encoding of a re-key: the terms stand behind version, suite and kind. */
export function termsOf(key: {
  readonly delegator: Bytes
  readonly delegatee: Bytes
  readonly delegateeKeys: Bytes | null
  readonly expiresAtMs: number
  readonly ephemeral: Bytes
  readonly ephemeralProof: Bytes
}): CborValue[] {
  const did = (position: number): Bytes => fromHex(cpre.reKey.slice(2 * position, 2 * (position + 33)))
  const account = 4 + 50 + 50 + encodeCbor(condition).length + 2
  const { delegator, delegatee, delegateeKeys, expiresAtMs, ephemeral, ephemeralProof } = key
  const made = [delegateeKeys, expiresAtMs, ephemeral, ephemeralProof]
  return [1, delegator, delegatee, condition, did(account), did(account + 35), ...made]
}

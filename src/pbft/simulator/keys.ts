/**
 * Simulated signatures: a keyed hash in place of a curve, unforgeable by construction inside one simulation and thousands
 * of times faster. A strategy that may use a key is given its signer; nobody else can make its signatures.
 */

import { concatBytes, toUtf8 } from '../../primitives/bytes.ts'
import { createDid, type Did } from '../../primitives/did.ts'
import { sha256, taggedHash, type Digest32 } from '../../primitives/hash.ts'
import {
  SIGNATURE_BYTES,
  type Signature,
  type SignedDigest,
  type Signer,
  type Verifier,
} from '../../primitives/signature.ts'

/** Signers of one simulation and the verifier that knows them all. */
export interface SimulatedKeys {
  readonly signers: readonly Signer[]
  readonly verifier: Verifier
}

function mark(secret: Uint8Array, digest: Digest32): Signature {
  const signature = new Uint8Array(SIGNATURE_BYTES)
  signature.set(sha256(concatBytes(secret, digest)))
  return signature as Signature
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false
  return true
}

/**
 * Returns as many signers as asked for, and their verifier. For simulations only: the secrets follow from the seed.
 *
 * @param count - members
 * @param seed - two seeds share no key
 */
export function createSimulatedKeys(count: number, seed: number): SimulatedKeys {
  const secrets = new Map<Did, Uint8Array>()
  const signers = Array.from({ length: count }, (_, index): Signer => {
    const secret = sha256(toUtf8(`simulated key ${index} of seed ${seed}`))
    const did = createDid(concatBytes(Uint8Array.of(2), sha256(secret)))
    secrets.set(did, secret)
    return Object.freeze({ did, sign: (tag, fields) => mark(secret, taggedHash(tag, ...fields)) } satisfies Signer)
  })
  const verify = ({ signer, digest, signature }: SignedDigest): boolean => {
    const secret = secrets.get(signer)
    return secret !== undefined && isSame(mark(secret, digest), signature)
  }
  return { signers, verifier: Object.freeze({ verify }) }
}

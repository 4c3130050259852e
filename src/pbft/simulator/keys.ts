/**
 * Simulated signatures: a small keyed mixing function in place of a curve, thousands of times faster. Nobody in a simulation
 * computes it but the signer who holds the key, so a strategy makes no signature of others; outside of simulations it
 * protects nothing.
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

const LANES = 4

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** One word of a mark: every bit depends on the key and on the whole digest. */
function mixLane(secret: Uint8Array, digest: Uint8Array, lane: number): number {
  let hash = wordAt(secret, 4 * lane)
  for (let at = 0; at < 32; at += 4) {
    hash = Math.imul(hash ^ wordAt(digest, at), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ wordAt(secret, 16 + 4 * lane), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

function mark(secret: Uint8Array, digest: Digest32): Signature {
  const signature = new Uint8Array(SIGNATURE_BYTES)
  for (let lane = 0; lane < LANES; lane++) {
    const word = mixLane(secret, digest, lane)
    for (let byte = 0; byte < 4; byte++) signature[4 * lane + byte] = word >>> (8 * byte)
  }
  return signature as Signature
}

function isMark(secret: Uint8Array, digest: Digest32, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  for (let lane = 0; lane < LANES; lane++) {
    if (wordAt(signature, 4 * lane) !== mixLane(secret, digest, lane)) return false
  }
  for (let at = 4 * LANES; at < SIGNATURE_BYTES; at++) if (signature[at] !== 0) return false
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
    return secret !== undefined && isMark(secret, digest, signature)
  }
  return { signers, verifier: Object.freeze({ verify }) }
}

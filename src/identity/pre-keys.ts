/**
 * PRE keys over BLS12-381: the two ports of this folder that need a pairing library, apart from everything else, so that
 * only programs which import a function of this file carry it.
 */

import { parseG1 } from '../primitives/bls12-381.ts'
import type { PreSecret } from '../primitives/bls-secret.ts'
import { createPrePossession, derivePrePublicKey, verifyPrePossession } from '../primitives/pre-possession.ts'
import type { PreKey, PreKeyVerifier } from './key-record.ts'

/** Port: makes the public half of PRE keys. */
export interface PreKeyMaker {
  /** Returns the public key of a secret and the proof that the secret is held, for this context. */
  makePreKey(secret: PreSecret, context: Uint8Array): PreKey
}

/** Returns the maker over BLS12-381. Cost of each key: about 13 ms. Hand it to `deriveIdentity` as `pre`. */
export function createPreKeyMaker(): PreKeyMaker {
  return Object.freeze({
    makePreKey: (secret: PreSecret, context: Uint8Array) =>
      Object.freeze({ publicKey: derivePrePublicKey(secret), proof: createPrePossession(secret, context) }),
  })
}

/** Returns the verifier over BLS12-381. Cost of each proof: about 20 ms. Hand it to `validateKeyRecord`. */
export function createPreKeyVerifier(): PreKeyVerifier {
  return Object.freeze({
    isPublicKey: (publicKey: Uint8Array) => parseG1(publicKey).ok,
    verifyPossession: verifyPrePossession,
  })
}

/** What the rules of sharing compute with: the check of a proof, and the verifying keys that were read lately. */

import { toHex } from '../../primitives/bytes.ts'
import { sha256 } from '../../primitives/hash.ts'
import { createRecentMap } from '../../primitives/recent.ts'
import { parseZkObject, verifyProof, type CurveBackend, type VerifyingKey } from '../../zk/index.ts'

/** How the rules check proofs. Every copy of a ledger must come to the same answers. */
export interface SharingRulesOptions {
  /** Default: the portable one. */
  readonly backend?: CurveBackend | undefined
  /** Checks a claim's proof and attestation; default {@link verifyProof}. For tests in which proofs are not the subject. */
  readonly verifyClaim?: typeof verifyProof | undefined
}

/** What one table of rules shares. */
export interface SharingPorts {
  readonly verifyClaim: typeof verifyProof
  readonly backend: CurveBackend | undefined
  /** Reads a verifying key; undefined where it is none. */
  readonly readKey: (bytes: Uint8Array) => VerifyingKey | undefined
}

/** Verifying keys kept read: reading one costs 13 ms, preparing it 8 ms. */
const KEYS_MAX = 64

/** Returns the ports of one table of rules. */
export function createPorts({ backend, verifyClaim = verifyProof }: SharingRulesOptions): SharingPorts {
  const known = createRecentMap<string, VerifyingKey>(KEYS_MAX)
  return {
    verifyClaim,
    backend,
    readKey(bytes) {
      const name = toHex(sha256(bytes))
      const read = known.get(name)
      if (read !== undefined) return read
      const parsed = parseZkObject('verifying-key', bytes)
      if (!parsed.ok) return undefined
      known.set(name, parsed.value)
      return parsed.value
    },
  }
}

/**
 * A verifier that remembers which signatures hold, from the pool to the block.
 *
 * Whether a signature over a digest is a key's follows from these three alone, so that a replica that saw a transaction
 * earlier and one that did not come to the same answer. Nothing else about a transaction may be remembered: rights, keys and
 * issuers change between the pool and the block.
 */

import { equalBytes, toHex } from '../primitives/bytes.ts'
import { createRecentMap } from '../primitives/recent.ts'
import type { SignedDigest, Verifier } from '../primitives/signature.ts'

/** Two views of one memory. */
export interface SignatureMemory {
  /** Remembers what holds. */
  readonly remembering: Verifier
  /** Looks up what is remembered, and remembers nothing: what is executed does not come again. */
  readonly recalling: Verifier
}

/** Signatures that are remembered: those of a full pool. */
const SIGNATURES_MAX = 65_536

/** Returns an empty memory before a verifier. */
export function createSignatureMemory(verifier: Verifier): SignatureMemory {
  const known = createRecentMap<string, Pick<SignedDigest, 'signer' | 'signature'>>(SIGNATURES_MAX)
  const isKnown = (name: string, { signer, signature }: SignedDigest): boolean => {
    const held = known.get(name)
    return held?.signer === signer && equalBytes(held.signature, signature)
  }
  return {
    remembering: {
      verify(item) {
        const name = toHex(item.digest)
        if (isKnown(name, item)) return true
        const holds = verifier.verify(item)
        if (holds) known.set(name, { signer: item.signer, signature: item.signature })
        return holds
      },
    },
    recalling: {
      verify: (item) => (known.size > 0 && isKnown(toHex(item.digest), item)) || verifier.verify(item),
    },
  }
}

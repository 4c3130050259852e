/**
 * A memory of signatures that were found valid: certificates repeat votes, and a vote is verified once.
 */

import { toKey } from '../primitives/bytes.ts'
import { createRecentMap } from '../primitives/recent.ts'
import type { SignedDigest, Verifier } from '../primitives/signature.ts'

/** The signer is part of it: the digest of an EXEC-VOTE is the same for every member. */
function nameItem({ signer, digest, signature }: SignedDigest): string {
  return `${signer}${toKey(digest)}${toKey(signature)}`
}

/**
 * Returns a verifier that asks another one only for what it does not remember as valid. Nothing invalid is remembered.
 *
 * @param entriesMax - signatures remembered, about 300 bytes each
 */
export function rememberVerified(verifier: Verifier, entriesMax: number): Verifier {
  const known = createRecentMap<string, true>(entriesMax)
  const verify = (item: SignedDigest): boolean => {
    const name = nameItem(item)
    if (known.get(name) === true) return true
    const holds = verifier.verify(item)
    if (holds) known.set(name, true)
    return holds
  }
  const askMany = verifier.verifyBatch?.bind(verifier)
  if (askMany === undefined) return { verify }
  return {
    verify,
    verifyBatch(items) {
      const names = items.map(nameItem)
      const isKnown = names.map((name) => known.get(name) === true)
      const answers = askMany(items.filter((_, at) => !isKnown[at]))
      let next = 0
      return names.map((name, at) => {
        if (isKnown[at] === true) return true
        const holds = answers[next++] === true
        if (holds) known.set(name, true)
        return holds
      })
    },
  }
}

// Real secp256k1 keys for a few seeds of a campaign. Signatures are verified by OpenSSL, each once: certificates repeat them.
import { createOpensslVerifier } from '../../src/node/openssl-verifier.ts'
import type { SimulatedKeys } from '../../src/pbft/simulator/index.ts'
import { createDraws } from '../../src/pbft/simulator/random.ts'
import { toHex, toUtf8 } from '../../src/primitives/bytes.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createSigner, type SignedDigest } from '../../src/primitives/signature.ts'

/** Returns keys that follow from the seed, with nonces that follow from it too: a run can be repeated. */
export function createRealKeys(memberCount: number, seed: number): SimulatedKeys {
  const draws = createDraws(seed, 'nonces')
  const random = (byteCount: number): Uint8Array => Uint8Array.from({ length: byteCount }, () => draws.below(256))
  const signers = Array.from({ length: memberCount }, (_, index) =>
    createSigner(sha256(toUtf8(`real key ${index} of seed ${seed}`)), random),
  )
  const openssl = createOpensslVerifier()
  const known = new Map<string, boolean>()
  const verify = (item: SignedDigest): boolean => {
    const key = `${item.signer}/${toHex(item.digest)}/${toHex(item.signature)}`
    let holds = known.get(key)
    if (holds === undefined) {
      holds = openssl.verify(item)
      known.set(key, holds)
    }
    return holds
  }
  return { signers, verifier: Object.freeze({ verify }) }
}

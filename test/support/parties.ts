import { deriveIdentity, type Identity } from '../../src/identity/index.ts'
import { createId, type ChainId } from '../../src/primitives/ids.ts'
import type { Did } from '../../src/primitives/did.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import type { RandomSource } from '../../src/primitives/random.ts'
import type { Directory } from '../../src/keys/index.ts'

/** A random source that gives the same bytes in each run. */
export function seededRandom(seed: string): RandomSource {
  let block = 0
  return (byteCount) => {
    const bytes = new Uint8Array(byteCount)
    for (let start = 0; start < byteCount; start += 32) {
      bytes.set(sha256(toUtf8(`${seed} ${block++}`)).subarray(0, byteCount - start), start)
    }
    return bytes
  }
}

/** The ledger that all tests share, and another one. */
export const chainId: ChainId = createId('chain', sha256(toUtf8('a test ledger')))
export const otherChainId: ChainId = createId('chain', sha256(toUtf8('another test ledger')))

/** A party with keys that are the same in each run. */
export function party(name: string): Identity {
  return deriveIdentity({ seed: sha256(toUtf8(`seed of ${name}`)), circle: 'test' }, seededRandom(name))
}

/** A directory that numbers the given parties from 0. */
export function directoryOf(...dids: readonly Did[]): Directory {
  return {
    indexOf(did) {
      const index = dids.indexOf(did)
      return index === -1 ? undefined : index
    },
    accountAt: (index) => dids[index],
  }
}

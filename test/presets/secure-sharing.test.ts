import { describe, expect, it } from 'vitest'

import { createGenesis, createLedger, RULES } from '../../src/chain/index.ts'
import {
  consortium,
  consortiumKinds,
  secureSharing,
  secureSharingKinds,
  secureSharingRules,
  withSharing,
} from '../../src/presets/index.ts'
import { SHARING_KINDS } from '../../src/sharing/index.ts'
import { believingVerifier, digest, forge, registration, START_MS } from '../support/chain-fast.ts'
import { codeOf } from '../support/failure.ts'
import { party, seededRandom } from '../support/parties.ts'

const options = { members: [{ did: party('node').did }], timeMs: START_MS }

describe('the preset secureSharing', () => {
  it('has the kinds of a consortium, and four more at the end', () => {
    expect(secureSharingKinds).toEqual([...consortiumKinds, ...SHARING_KINDS])
    expect(secureSharing(options)).toEqual({ ...options, preset: 'secure-sharing', kinds: secureSharingKinds })
    expect(Object.keys(secureSharingRules()).sort()).toEqual([...secureSharingKinds].sort())
  })

  it('extends a consortium, once, and leaves it as it was', () => {
    const plain = consortium(options)
    expect(withSharing(plain)).toEqual({ ...plain, kinds: secureSharingKinds })
    expect(withSharing(withSharing(plain))).toEqual(withSharing(plain))
    expect(plain.kinds).toEqual(Object.keys(RULES))
  })

  it('is executed with its rules only, and a consortium takes none of its kinds with them', () => {
    const sharing = createGenesis(withSharing(consortium(options)), seededRandom('presets'))
    expect(codeOf(() => createLedger({ genesis: sharing }))).toBe('ERR_ARGUMENT_INVALID')
    expect(codeOf(() => createLedger({ genesis: sharing, rules: secureSharingRules() }))).toBe('returned')
    const genesis = createGenesis(consortium(options), seededRandom('presets'))
    const ledger = createLedger({ genesis, rules: secureSharingRules(), verifier: believingVerifier })
    const ann = party('ann')
    const bytes = [registration(ann), { kind: 'withdrawal', commitment: digest('h') } as const].map(
      (draft, nonce) => forge(genesis, draft, { sender: ann.did, nonce, issuedAtMs: START_MS }).bytes,
    )
    expect(ledger.applyBatch({ transactions: bytes, timeMs: START_MS }).skipped).toEqual([
      { index: 1, because: 'kind' },
    ])
  })
})

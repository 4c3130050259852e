import { describe, expect, it } from 'vitest'

import { createLedger, createLocalLedger, replayBlock, type StoredBlock } from '../../src/chain/index.ts'
import { createVerifier } from '../../src/primitives/signature.ts'
import { createTransaction, signTransaction } from '../../src/transactions/index.ts'
import { createTestGenesis, registration, START_MS } from '../support/chain-fast.ts'
import { party } from '../support/parties.ts'

const [ann, node] = [party('ann'), party('node')]
const genesis = createTestGenesis({})

async function makeBlock(): Promise<StoredBlock> {
  const ledger = createLocalLedger({ genesis, signer: node.signer, clock: () => START_MS })
  const unsigned = createTransaction({ ...registration(ann), sender: ann.did, nonce: 0, issuedAtMs: START_MS })
  await ledger.submit(signTransaction(unsigned, { chainId: genesis.chainId, signer: ann.signer }))
  return (await ledger.store.read(1)) as StoredBlock
}

describe('replaying a block', () => {
  it('executes nothing that no quorum signed, and takes the real one afterwards', async () => {
    const block = await makeBlock()
    const ledger = createLedger({ genesis })
    const before = ledger.head()
    const options = { verifier: createVerifier() }
    const spoilt = Uint8Array.from(block.certificate)
    spoilt[spoilt.length - 20] = (spoilt.at(-20) ?? 0) ^ 1
    const refused = replayBlock(ledger, { ...block, certificate: spoilt }, options)
    expect(refused?.code).toBe('ERR_CHAIN_CERTIFICATE')
    expect(ledger.head()).toEqual(before)
    expect(replayBlock(ledger, block, options)).toBeUndefined()
    expect(ledger.head().height).toBe(1)
  })
})

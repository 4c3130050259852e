import { expect, it } from 'vitest'

import { exportAuditBundle, parseAuditBundle, validateAuditBundle } from '../../src/audit/index.ts'
import { createGenesis, createLocalLedger } from '../../src/chain/index.ts'
import { unwrap } from '../../src/errors.ts'
import type { Identity } from '../../src/identity/index.ts'
import { secureSharing, secureSharingRules } from '../../src/presets/index.ts'
import { createTransaction, signTransaction, type Draft } from '../../src/transactions/index.ts'
import { digest, registration } from '../support/chain-fast.ts'
import { party, seededRandom } from '../support/parties.ts'
import {
  ann,
  BUDGET,
  claimOn,
  hospital,
  institute,
  payee,
  proxy,
  publication,
  START_MS,
} from '../support/sharing-world.ts'

it('the bundle of a claimant holds her claim and what others did about it, and needs no rules to be verified', async () => {
  const node = party('node')
  const balances = [{ account: institute.did, amount: BUDGET }]
  const options = secureSharing({ members: [{ did: node.did }], timeMs: START_MS, balances })
  const genesis = createGenesis(options, seededRandom('audit of sharing'))
  const rules = secureSharingRules({ verifyClaim: () => true })
  const ledger = createLocalLedger({ genesis, rules, signer: node.signer, clock: () => START_MS })
  const submit = async (by: Identity, draft: Draft) => {
    const nonce = await ledger.nonce({ sender: by.did })
    const unsigned = createTransaction({ ...draft, sender: by.did, nonce, issuedAtMs: START_MS })
    const signed = signTransaction(unsigned, { chainId: genesis.chainId, signer: by.signer })
    await ledger.submit(signed)
    return signed
  }
  for (const who of [institute, hospital, proxy, ann, payee]) await submit(who, registration(who))
  const listing = await submit(institute, publication({ issuers: [hospital.did] }))
  const { id: claim, signature: claimSignature } = await submit(ann, claimOn(listing.id))
  await submit(proxy, { kind: 'share', step: 'delegate', claim })
  await submit(proxy, { kind: 'share', step: 'convert', claim, converted: digest('converted') })
  await submit(institute, { kind: 'share', step: 'acknowledge', claim, claimSignature })

  const bytes = await exportAuditBundle({ store: ledger.store, genesis, rules }, { patient: ann.did })
  const view = unwrap(await validateAuditBundle(unwrap(parseAuditBundle(bytes)), { genesis }))
  expect([...view.transactions({ patient: ann.did })].map(({ transaction }) => transaction.kind)).toEqual([
    ...['register', 'claim', 'share', 'share', 'share'],
  ])
  const whole = await exportAuditBundle({ store: ledger.store, genesis, rules })
  const bundle = unwrap(parseAuditBundle(whole))
  expect((await validateAuditBundle(bundle, { genesis, rules })).ok).toBe(true)
  // The rules that check proofs do not accept what a rule that believes let in.
  expect(await validateAuditBundle(bundle, { genesis, rules: secureSharingRules() })).toMatchObject({
    ok: false,
    code: 'ERR_CHAIN_PROOF',
  })
})

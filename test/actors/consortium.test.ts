import { describe, expect, it } from 'vitest'

import {
  createClinician,
  createInstitution,
  createLocalConsortium,
  createOwnerCapsules,
  createPatient,
  createProxy,
  createRegistrar,
} from '../../src/actors/index.ts'
import { createGenesis, createLocalLedger, replayLedger, type StoredBlock } from '../../src/chain/index.ts'
import { parseResource, VITAL_SIGNS } from '../../src/fhir/index.ts'
import {
  createAgreementProof,
  createPreKeyMaker,
  createPreKeyVerifier,
  generateIdentity,
  type Identity,
  type PreKeyVerifier,
} from '../../src/identity/index.ts'
import { consortium } from '../../src/presets/index.ts'
import { isVitalsealError, unwrap } from '../../src/errors.ts'
import { fromUtf8 } from '../../src/primitives/bytes.ts'
import { createTransaction, signTransaction } from '../../src/transactions/index.ts'
import { createMemoryBlockstore } from '../../src/storage/index.ts'

const START_MS = 1_763_600_000_000
const reading = unwrap(
  parseResource(
    '{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2026-06-01T08:00:00Z","valueQuantity":{"value":44,"code":"/min"}}',
  ),
)

describe('four replicas in memory, with a registrar', () => {
  it('admit, seal, grant, read and revoke; the blocks replay from the genesis', async () => {
    const nodes = Array.from({ length: 4 }, () => generateIdentity())
    const [clerk, ann, bob, eve] = Array.from({ length: 4 }, () => generateIdentity()) as [
      Identity,
      Identity,
      Identity,
      Identity,
    ]
    const genesis = createGenesis(
      consortium({ members: nodes.map(({ did }) => ({ did })), registrars: [clerk.did], timeMs: START_MS }),
    )
    const ledger = createLocalConsortium({ genesis, signers: nodes.map(({ signer }) => signer), clock: () => START_MS })
    const shared = { ledger, blocks: createMemoryBlockstore(), clock: () => START_MS }

    const registrar = await createRegistrar({ identity: clerk, ...shared })
    const admit = (identity: Identity, role: 'patient' | 'clinician') => {
      const challenge = registrar.challenge()
      const proof = createAgreementProof(
        { record: identity.keys, chainId: ledger.chainId, challenge },
        { agreement: identity.agreement, registrar: clerk.keys.agreement },
      )
      const credential = registrar.certify({
        subject: identity.did,
        role,
        valid: { fromMs: START_MS, untilMs: START_MS + 86_400_000 },
        organisation: 'hospital.example',
      })
      return registrar.admit({ keys: identity.keys, proof, challenge }, [credential])
    }
    await admit(ann, 'patient')
    await admit(bob, 'clinician')
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    await expect(createPatient({ identity: eve, ...shared })).rejects.toSatisfy((error) => isVitalsealError(error))

    const sealed = await patient.seal(reading)
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
    expect(fromUtf8((await doctor.read(sealed.id, { purpose: 'TREAT' })).bytes)).toContain('44')
    await patient.revoke({ from: bob.did })
    await expect(doctor.read(sealed.id, { purpose: 'TREAT' })).rejects.toMatchObject({ code: 'ERR_POLICY_DENIED' })
    await registrar.revoke(bob.did)
    await expect(doctor.read(sealed.id, { purpose: 'TREAT' })).rejects.toSatisfy((error) => isVitalsealError(error))

    expect(new Set(ledger.stateRoots()).size).toBe(1)
    expect(ledger.messageCount).toBeGreaterThan(100)
    const height = await ledger.store.height()
    const blocks = (await Promise.all(
      Array.from({ length: height }, (_, i) => ledger.store.read(i + 1)),
    )) as StoredBlock[]
    const replayed = await replayLedger(blocks, { genesis })
    expect(replayed.ok).toBe(true)
    if (replayed.ok) expect(replayed.value.state.root()).toEqual(ledger.ledger.state.root())
  }, 30_000)

  it('converts on a ledger of four: every replica judges PRE keys alike', async () => {
    const nodes = Array.from({ length: 4 }, () => generateIdentity())
    const genesis = createGenesis(consortium({ members: nodes.map(({ did }) => ({ did })), timeMs: START_MS }))
    const signers = nodes.map(({ signer }) => signer)
    const start = (preKeyVerifier?: PreKeyVerifier) =>
      createLocalConsortium({ genesis, signers, clock: () => START_MS, preKeyVerifier })
    const pre = createPreKeyMaker()
    const [ann, study] = [generateIdentity({ pre }), generateIdentity({ pre })]
    const ledger = start(createPreKeyVerifier())
    const shared = { ledger, blocks: createMemoryBlockstore(), clock: () => START_MS }
    const patient = await createPatient({ identity: ann, ...shared, capsules: createOwnerCapsules(ann) })
    const proxy = await createProxy({ identity: generateIdentity(), ...shared })
    const institution = await createInstitution({ identity: study, ...shared })
    const sealed = await patient.seal(reading)
    const dataTypes = [VITAL_SIGNS.heartRate]
    await patient.grant({ to: study.did, dataTypes, actions: ['use'], purposes: ['HRESCH'], access: { days: 30 } })
    const order = { to: study.did, proxy: proxy.did, dataType: VITAL_SIGNS.heartRate }
    const { bytes } = await patient.createReEncryptionKey(order)
    await institution.receive((await proxy.convert(await proxy.accept(bytes))).id)
    expect(fromUtf8((await institution.open(sealed.id)).bytes)).toContain('44')
    expect(new Set(ledger.stateRoots()).size).toBe(1)
    // Without the means to judge them, such an account stays out.
    const blind = { ...shared, ledger: start() }
    await expect(createInstitution({ identity: study, ...blind })).rejects.toMatchObject({ code: 'ERR_CHAIN_NONCE' })
  }, 30_000)

  it('keeps its members: a change is refused at once', async () => {
    const nodes = Array.from({ length: 4 }, () => generateIdentity())
    const members = nodes.map(({ did }) => ({ did }))
    const genesis = createGenesis(consortium({ members, timeMs: START_MS }))
    const ledger = createLocalConsortium({ genesis, signers: nodes.map(({ signer }) => signer), clock: () => START_MS })
    const [first] = nodes as [Identity, ...Identity[]]
    const draft = { kind: 'config', memberEpoch: 0, members: members.toReversed(), approvals: [] } as const
    const unsigned = createTransaction({ ...draft, sender: first.did, nonce: 0, issuedAtMs: START_MS })
    const transaction = signTransaction(unsigned, { chainId: ledger.chainId, signer: first.signer })
    await expect(ledger.submit(transaction)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      path: 'transaction',
    })
    const alone = createGenesis(consortium({ members: members.slice(0, 1), timeMs: START_MS }))
    const local = createLocalLedger({ genesis: alone, signer: first.signer, clock: () => START_MS })
    const other = signTransaction(unsigned, { chainId: local.chainId, signer: first.signer })
    await expect(local.submit(other)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', path: 'transaction' })
  })
})

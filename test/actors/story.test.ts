import { describe, expect, it } from 'vitest'

import { createClinician, createPatient, type Patient } from '../../src/actors/index.ts'
import { createGenesis, createLocalLedger } from '../../src/chain/index.ts'
import { createDiagnosis, parseResource, VITAL_SIGNS } from '../../src/fhir/index.ts'
import { deriveIdentity, generateIdentity, signKeyRotation } from '../../src/identity/index.ts'
import { consortium } from '../../src/presets/index.ts'
import { unwrap } from '../../src/errors.ts'
import { fromUtf8 } from '../../src/primitives/bytes.ts'
import { createMemoryBlockstore, type Blockstore } from '../../src/storage/index.ts'
import { createTransaction, signTransaction } from '../../src/transactions/index.ts'

const START_MS = 1_763_600_000_000
const DAY_MS = 86_400_000

const reading = (value: number, code = '8867-4', unit = '/min') =>
  unwrap(
    parseResource(
      JSON.stringify({
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code }] },
        effectiveDateTime: '2026-06-01T08:00:00Z',
        valueQuantity: { value, code: unit },
      }),
    ),
  )

function createWorld() {
  const node = generateIdentity()
  let nowMs = START_MS
  const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: START_MS }))
  const clock = () => nowMs
  const ledger = createLocalLedger({ genesis, signer: node.signer, clock })
  const blocks = createMemoryBlockstore()
  return { ledger, blocks, clock, genesis, pass: (ms: number) => void (nowMs += ms) }
}

const denied = expect.objectContaining({ code: 'ERR_POLICY_DENIED' }) as unknown

describe('a patient, her doctor, and a ledger in memory', () => {
  it('seals, grants, reads, revokes', async () => {
    const shared = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    const sealed = await patient.seal(reading(44))
    await expect(doctor.read(sealed.id, { purpose: 'TREAT' })).rejects.toThrow(denied)
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
    expect(JSON.parse(fromUtf8((await doctor.read(sealed.id, { purpose: 'TREAT' })).bytes))).toMatchObject({
      valueQuantity: { value: 44 },
    })
    const { epoch } = await patient.revoke({ from: bob.did })
    expect(epoch).toBe(2)
    await expect(doctor.read(sealed.id, { purpose: 'TREAT' })).rejects.toThrow(denied)
    const later = await patient.seal(reading(45))
    expect(() =>
      doctor.keyRing.openingKey({ patient: ann.did, label: patient.keyRing.label(VITAL_SIGNS.heartRate), epoch: 2 }),
    ).toThrow(expect.objectContaining({ code: 'ERR_KEYS_NOT_HELD' }))
    expect(fromUtf8((await patient.open(later.id)).bytes)).toContain('45')
  })

  it('blames nobody for envelopes that were made for an earlier key of the doctor', async () => {
    const shared = createWorld()
    const { ledger, clock } = shared
    const ann = generateIdentity()
    const seed = (byte: number) => new Uint8Array(32).map((_, index) => index ^ byte)
    const before = deriveIdentity({ seed: seed(1), circle: 'ward' })
    const after = deriveIdentity({ seed: seed(2), circle: 'ward', did: before.did })
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: before, ...shared })
    const all = { dataTypes: 'all', purposes: ['TREAT'], access: { days: 30 } } as const
    await patient.grant({ to: doctor.did, ...all })
    const kinds = async () => {
      const found: string[] = []
      const { height } = await ledger.view()
      for await (const { header, committed } of ledger.follow({ heightFirst: 1 })) {
        found.push(...committed.map(({ transaction }) => transaction.kind))
        if (header.height === height) break
      }
      return found
    }
    const has = (kind: string, count: number) =>
      expect.poll(async () => (await kinds()).filter((each) => each === kind).length, { timeout: 20_000 }).toBe(count)
    await has('acknowledge', 1)

    const { chainId } = ledger
    const previousSignature = signKeyRotation({ record: after.keys, chainId }, { signer: before.signer })
    const change = createTransaction({
      kind: 'register',
      operation: 'rotate-key',
      subject: before.did,
      keys: after.keys,
      credentials: [],
      previousSignature,
      sender: before.did,
      nonce: await ledger.nonce({ sender: before.did, delegate: 0 }),
      issuedAtMs: clock(),
    })
    await ledger.submit(signTransaction(change, { chainId, signer: before.signer }))
    await createClinician({ identity: after, ...shared })
    await patient.rotate()
    await has('acknowledge', 2)
    expect(await kinds()).not.toContain('complaint')
  })

  it('starts no epoch for a fault that a new epoch does not mend', async () => {
    const { ledger, ...shared } = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    let faults = 0
    const unsteady: typeof ledger = {
      ...ledger,
      submit: (transaction, options) =>
        transaction.kind === 'key' && faults-- > 0
          ? Promise.reject(new Error('no network'))
          : ledger.submit(transaction, options),
    }
    const patient = await createPatient({ identity: ann, ledger: unsteady, ...shared })
    await createClinician({ identity: bob, ledger, ...shared })
    const grant = { to: bob.did, dataTypes: 'all', purposes: ['TREAT'], access: { days: 30 } } as const
    faults = 1
    await expect(patient.grant(grant)).rejects.toThrow('no network')
    expect(patient.keyRing.epochs(ann.did).map(({ epoch }) => epoch)).toEqual([1])
    expect(await patient.grant(grant)).toMatchObject({ epoch: 1, skipped: [] })
  })

  it('gives a doctor exactly the granted type, and a second grant adds to the first', async () => {
    const shared = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    const pulse = await patient.seal(reading(44))
    const glucose = await patient.seal(reading(6.3, '15074-8', 'mmol/L'))
    const grant = (dataType: (typeof VITAL_SIGNS)[keyof typeof VITAL_SIGNS]) =>
      patient.grant({ to: bob.did, dataTypes: [dataType], purposes: ['TREAT'], access: { days: 30 } })
    await grant(VITAL_SIGNS.heartRate)
    await doctor.read(pulse.id, { purpose: 'TREAT' })
    await expect(doctor.read(glucose.id, { purpose: 'TREAT' })).rejects.toThrow(denied)
    await grant(VITAL_SIGNS.glucose)
    await doctor.read(glucose.id, { purpose: 'TREAT' })
    await doctor.read(pulse.id, { purpose: 'TREAT' })
    await patient.revoke({ from: bob.did, dataTypes: [VITAL_SIGNS.glucose] })
    await expect(doctor.read(glucose.id, { purpose: 'TREAT' })).rejects.toThrow(denied)
    const next = await patient.seal(reading(46))
    expect(fromUtf8((await doctor.read(next.id, { purpose: 'TREAT' })).bytes)).toContain('46')
  })

  it('writes a diagnosis that cites its readings and that the patient opens, although she is offline', async () => {
    const shared = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    const causes = [await patient.seal(reading(44)), await patient.seal(reading(43))].map(({ id }) => id)
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
    const about = { patient: ann.did, causes }
    const report = createDiagnosis({
      ...about,
      conclusion: 'Bradycardia',
      codes: ['http://hl7.org/fhir/sid/icd-10|R00.1'],
      issuedAtMs: START_MS,
    })
    const { id } = await doctor.diagnose(report, about)
    expect(fromUtf8((await patient.open(id)).bytes)).toContain('Bradycardia')
    expect((await patient.open(id)).from).toBe(bob.did)
  })

  it('seals again under a new epoch when a permit has ended in between', async () => {
    const shared = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    await patient.seal(reading(44))
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 1 } })
    shared.pass(2 * DAY_MS)
    const later = await patient.seal(reading(45))
    expect(patient.keyRing.epochs(ann.did).find(({ current }) => current)?.recipients).toEqual([])
    await expect(doctor.read(later.id, { purpose: 'TREAT' })).rejects.toThrow(denied)
  })

  it('is restored from its identity and the ledger', async () => {
    const shared = createWorld()
    const ann = generateIdentity()
    const first = await createPatient({ identity: ann, ...shared })
    const sealed = await first.seal(reading(44))
    first.close()
    const again = await createPatient({ identity: ann, ...shared })
    expect(fromUtf8((await again.open(sealed.id)).bytes)).toContain('44')
    const next = await again.seal(reading(45))
    expect(next.height).toBeGreaterThan(sealed.height)
  })

  it('tells followers what happened, with names where they know them', async () => {
    const shared = createWorld()
    const [ann, bob] = [generateIdentity(), generateIdentity()]
    const patient = await createPatient({ identity: ann, ...shared })
    const doctor = await createClinician({ identity: bob, ...shared })
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 30 } })
    const sealed = await patient.seal(reading(44))
    await doctor.read(sealed.id, { purpose: 'TREAT' })
    await patient.revoke({ from: bob.did })
    const kinds: string[] = []
    for await (const event of doctor.follow()) {
      kinds.push(event.kind)
      if (event.kind === 'reading') expect(event).toMatchObject({ dataType: VITAL_SIGNS.heartRate, openable: true })
      if (event.kind === 'revoked') break
    }
    expect(kinds).toEqual(['granted', 'reading', 'read', 'revoked'])
    expect(doctor.keyRing.complaints()).toEqual([])
  })

  it('keeps the shared store free of what the ledger refused', async () => {
    const shared = createWorld()
    const ann = generateIdentity()
    const patient = await createPatient({ identity: ann, ...shared })
    const stored = async (blocks: Blockstore, seal: (patient: Patient) => Promise<unknown>) => {
      const kept: string[] = []
      const spy: Blockstore = {
        get: (cid) => blocks.get(cid),
        put: (cid, bytes) => (kept.push(cid.toString()), blocks.put(cid, bytes)),
      }
      const second = await createPatient({ identity: ann, ...shared, blocks: spy })
      await seal(second)
      return kept
    }
    await patient.seal(reading(44))
    const kept = await stored(shared.blocks, async (second) => {
      // Two devices of one account: the other one rotates first, so that the first attempt of this one is refused.
      await patient.rotate()
      await second.seal(reading(45))
    })
    expect(kept).toHaveLength(1)
  })
})

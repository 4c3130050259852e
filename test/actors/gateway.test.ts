import { describe, expect, it } from 'vitest'

import {
  createDevice,
  createGateway,
  createPatient,
  createStorageNode,
  createStorageRequest,
  createClinician,
  type CounterStore,
} from '../../src/actors/index.ts'
import { createGenesis, createLocalLedger } from '../../src/chain/index.ts'
import { VITAL_SIGNS } from '../../src/fhir/index.ts'
import { generateIdentity } from '../../src/identity/index.ts'
import { consortium } from '../../src/presets/index.ts'
import { fromUtf8, toUtf8 } from '../../src/primitives/bytes.ts'
import { TIME_MS_MAX } from '../../src/primitives/limits.ts'
import { createMemoryBlockstore } from '../../src/storage/index.ts'
import { digest } from '../support/transactions.ts'

const START_MS = 1_763_600_000_000
const pulse = (value: number) =>
  toUtf8(
    `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectiveDateTime":"2026-06-01T08:00:00Z","valueQuantity":{"value":${value},"code":"/min"}}`,
  )

function createCounters(): CounterStore & { value: number } {
  const store = {
    value: 0,
    load: () => Promise.resolve(store.value),
    save: (counter: number) => {
      store.value = counter
      return Promise.resolve()
    },
  }
  return store
}

async function createHome() {
  const [node, ann, phone] = [generateIdentity(), generateIdentity(), generateIdentity()]
  let nowMs = START_MS
  const clock = () => nowMs
  const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: START_MS }))
  const shared = {
    ledger: createLocalLedger({ genesis, signer: node.signer, clock }),
    blocks: createMemoryBlockstore(),
    clock,
  }
  const patient = await createPatient({ identity: ann, ...shared })
  await patient.addDelegate({
    slot: 1,
    signingKey: phone.did,
    agreement: phone.keys.agreement,
    rights: ['publish'],
    notAfterMs: TIME_MS_MAX,
  })
  const counters = createCounters()
  const options = { identity: phone, ...shared, patient: ann.did, slot: 1, counters }
  const gateway = await createGateway(options)
  const device = createDevice({ secretKey: digest('watch'), gateway: phone.keys.agreement })
  return { shared, patient, gateway, device, counters, options, ann, phone, pass: (ms: number) => void (nowMs += ms) }
}

const refused = { code: 'ERR_DECRYPTION_FAILED' }

describe('a gateway between a device and the ledger', () => {
  it('seals what its device sent, as a delegate of the patient', async () => {
    const { gateway, device, patient } = await createHome()
    gateway.pair(device.publicKey)
    // The type is new: the owner lists it, the delegate may only publish.
    await expect(gateway.receive(device.seal(pulse(44)))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/) as unknown,
    })
    expect(gateway.queued).toBe(1)
    await patient.seal({ type: 'Observation', dataType: VITAL_SIGNS.heartRate, effectiveMs: 0, bytes: pulse(43) })
    const [sealed] = await gateway.flush()
    expect(gateway.queued).toBe(0)
    expect(fromUtf8((await patient.open(sealed!.id)).bytes)).toContain('"value":44')
  })

  it('takes each frame once, also after a restart, and none of another device', async () => {
    const { gateway, device, patient, options, counters, phone } = await createHome()
    await patient.seal({ type: 'Observation', dataType: VITAL_SIGNS.heartRate, effectiveMs: 0, bytes: pulse(43) })
    gateway.pair(device.publicKey)
    const frame = device.seal(pulse(44))
    await gateway.receive(frame)
    await expect(gateway.receive(frame)).rejects.toMatchObject(refused)
    const both = device.seal(pulse(45))
    const twice = await Promise.allSettled([gateway.receive(both), gateway.receive(both)])
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const flipped = Uint8Array.from(device.seal(pulse(46)))
    flipped[flipped.length - 1] = flipped[flipped.length - 1]! ^ 1
    await expect(gateway.receive(flipped)).rejects.toMatchObject(refused)
    const stranger = createDevice({ secretKey: digest('stranger'), gateway: phone.keys.agreement, counterNext: 100 })
    await expect(gateway.receive(stranger.seal(pulse(47)))).rejects.toMatchObject(refused)
    await expect(gateway.receive(new Uint8Array(3))).rejects.toMatchObject(refused)
    expect(counters.value).toBe(2)
    const again = await createGateway(options)
    again.pair(device.publicKey)
    await expect(again.receive(frame)).rejects.toMatchObject(refused)
    expect(() => {
      again.pair(stranger.publicKey)
    }).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  it('cannot rotate or grant, and seals nothing once its slot is taken back', async () => {
    const { gateway, device, patient } = await createHome()
    await patient.seal({ type: 'Observation', dataType: VITAL_SIGNS.heartRate, effectiveMs: 0, bytes: pulse(43) })
    gateway.pair(device.publicKey)
    await expect(
      gateway.submit({
        kind: 'access',
        patient: gateway.did,
        grantee: generateIdentity().did,
        grants: [],
        supersedes: null,
      }),
    ).rejects.toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
    await gateway.receive(device.seal(pulse(44)))
    const { epoch } = await patient.removeDelegate(1)
    expect(epoch).toBe(2)
    await expect(gateway.receive(device.seal(pulse(45)))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/) as unknown,
    })
    expect(gateway.queued).toBe(1)
  })
})

describe('a storage node', () => {
  it('serves applied records to whoever shows his own live permit', async () => {
    const { shared, patient, ann, pass } = await createHome()
    const bob = generateIdentity()
    const doctor = await createClinician({ identity: bob, ...shared })
    const sealed = await patient.seal({
      type: 'Observation',
      dataType: VITAL_SIGNS.heartRate,
      effectiveMs: 0,
      bytes: pulse(44),
    })
    await patient.grant({ to: bob.did, dataTypes: [VITAL_SIGNS.heartRate], purposes: ['TREAT'], access: { days: 1 } })
    const { label } = doctor.keyRing.openingKey({
      patient: ann.did,
      label: patient.keyRing.label(VITAL_SIGNS.heartRate),
      epoch: 1,
    })
    const { id: ticket } = await doctor.submit({
      kind: 'data',
      mode: 'read',
      patient: ann.did,
      label,
      record: sealed.record,
      purpose: 'TREAT',
    })
    const node = createStorageNode(shared)
    const { chainId } = shared.ledger
    const ask = (identity: typeof bob, over: Partial<{ ticket: typeof ticket | null; issuedAtMs: number }> = {}) =>
      createStorageRequest(
        { record: sealed.record, ticket, issuedAtMs: shared.clock(), ...over },
        { chainId, signer: identity.signer, requester: identity.did },
      )
    await doctor.submit({
      kind: 'data',
      mode: 'read',
      patient: ann.did,
      label,
      record: sealed.record,
      purpose: 'TREAT',
    })
    const denied = { code: 'ERR_POLICY_DENIED' }

    expect((await node.serve(ask(bob))).at(-1)?.cid.toString()).toBe(sealed.record)
    expect(await node.serve(ask(ann, { ticket: null }))).toHaveLength(1)
    await expect(node.serve(ask(bob, { ticket: null }))).rejects.toMatchObject(denied)
    await expect(node.serve(ask(generateIdentity()))).rejects.toMatchObject(denied)
    await expect(node.serve({ ...ask(bob), requester: ann.did })).rejects.toMatchObject(denied)
    await expect(node.serve(ask(bob, { issuedAtMs: START_MS - 120_000 }))).rejects.toMatchObject(denied)
    pass(2 * 86_400_000)
    await expect(node.serve(ask(bob))).rejects.toMatchObject({
      ...denied,
      message: expect.stringContaining('ended') as unknown,
    })
    node.close()
  })
})

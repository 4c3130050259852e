import { beforeAll, describe, expect, it, vi } from 'vitest'

import {
  createInstitution,
  createOwnerCapsules,
  createPatient,
  createProxy,
  createStorageNode,
  createStorageRequest,
  type Institution,
  type Patient,
  type Proxy,
  type ReKeyStore,
} from '../../src/actors/index.ts'
import { careCondition, openDelivery, sealDelivery } from '../../src/actors/capsules.ts'
import { createGenesis, createLocalLedger } from '../../src/chain/index.ts'
import { parseResource, VITAL_SIGNS } from '../../src/fhir/index.ts'
import {
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  generateIdentity,
  type Identity,
  type PreIdentity,
} from '../../src/identity/index.ts'
import { consortium } from '../../src/presets/index.ts'
import { unwrap } from '../../src/errors.ts'
import { fromUtf8, toHex } from '../../src/primitives/bytes.ts'
import { createCid, createRecordId, RAW_CODEC } from '../../src/primitives/content-id.ts'
import type { DataType } from '../../src/primitives/did.ts'
import { randomBytes } from '../../src/primitives/random.ts'
import { createMemoryBlockstore } from '../../src/storage/index.ts'

const START_MS = 1_763_600_000_000
const DAY_MS = 86_400_000
const pre = createPreKeyMaker()
const withPre = (byte: number) => deriveIdentity({ seed: new Uint8Array(32).fill(byte), circle: 'study', pre })
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown

const reading = (value: number, loinc = '8867-4', unit = '/min') =>
  unwrap(
    parseResource(
      JSON.stringify({
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: loinc }] },
        effectiveDateTime: '2026-06-01T08:00:00Z',
        valueQuantity: { value, code: unit },
      }),
    ),
  )

interface World {
  readonly shared: ReturnType<typeof createShared>
  readonly ann: PreIdentity
  readonly patient: Patient
  readonly proxy: Proxy
  readonly study: Institution
}

function createShared() {
  const node = generateIdentity()
  let nowMs = START_MS
  const clock = () => nowMs
  const genesis = createGenesis(consortium({ members: [{ did: node.did }], timeMs: START_MS }))
  const preKeyVerifier = createPreKeyVerifier()
  const ledger = createLocalLedger({ genesis, signer: node.signer, clock, preKeyVerifier })
  return { ledger, blocks: createMemoryBlockstore(), clock, pass: (ms: number) => void (nowMs += ms) }
}

async function createWorld(): Promise<World> {
  const shared = createShared()
  const ann = withPre(1)
  const patient = await createPatient({ identity: ann, ...shared, capsules: createOwnerCapsules(ann) })
  const proxy = await createProxy({ identity: generateIdentity(), ...shared })
  const study = await createInstitution({ identity: withPre(2), ...shared })
  return { shared, ann, patient, proxy, study }
}

const uses = ({ study }: World, days = 30) =>
  ({
    to: study.did,
    dataTypes: [VITAL_SIGNS.heartRate],
    purposes: ['HRESCH'],
    actions: ['use'],
    access: { days },
  }) as const
const order = ({ study, proxy }: World, dataType: DataType = VITAL_SIGNS.heartRate) => ({
  to: study.did,
  proxy: proxy.did,
  dataType,
})

describe('owner, proxy, institution', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })

  it('convert what is granted and nothing else, and revocation ends it', async () => {
    const { patient, proxy, study, shared } = world
    const heart = await patient.seal(reading(44))
    const sugar = await patient.seal(reading(6.3, '15074-8', 'mmol/L'))
    // Nothing is granted: the ledger refuses the re-key.
    await expect(patient.createReEncryptionKey(order(world))).rejects.toThrow(code('ERR_POLICY_DENIED'))
    await patient.grant(uses(world))
    await expect(patient.createReEncryptionKey(order(world, VITAL_SIGNS.bodyWeight))).rejects.toThrow(
      code('ERR_POLICY_DENIED'),
    )
    const delivery = await patient.createReEncryptionKey(order(world))
    expect(delivery).toMatchObject({ epoch: 1, untilMs: START_MS + 30 * DAY_MS })
    // Leave to use brings no envelope.
    expect(patient.keyRing.epochs(patient.did)[0]?.recipients).toEqual([])
    await expect(study.open(heart.id)).rejects.toThrow(code('ERR_KEYS_NOT_HELD'))

    expect(await proxy.accept(delivery.bytes)).toBe(delivery.reKey)
    expect(proxy.held()).toEqual([delivery.reKey])
    const { id } = await proxy.convert(delivery.reKey)
    expect(await study.receive(id)).toEqual({
      patient: patient.did,
      label: patient.keyRing.label(VITAL_SIGNS.heartRate),
      epoch: 1,
      records: [heart.id],
    })
    expect(fromUtf8((await study.open(heart.id)).bytes)).toContain('44')
    await expect(study.open(sugar.id)).rejects.toThrow(code('ERR_KEYS_NOT_HELD'))
    // The proxy holds no key.
    expect(() =>
      proxy.keyRing.openingKey({
        patient: patient.did,
        label: patient.keyRing.label(VITAL_SIGNS.heartRate),
        epoch: 1,
      }),
    ).toThrow(code('ERR_KEYS_NOT_HELD'))

    const { epoch } = await patient.revoke({ from: study.did })
    expect(epoch).toBe(2)
    await expect(proxy.convert(delivery.reKey)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    expect(proxy.held()).toEqual([])
    // Nor with the bytes that it kept, nor after a new grant.
    await expect(proxy.accept(delivery.bytes)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    await patient.grant(uses(world))
    await expect(proxy.accept(delivery.bytes)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    const later = await patient.seal(reading(45))
    await expect(study.open(later.id)).rejects.toThrow(code('ERR_KEYS_NOT_HELD'))
    // What was opened stays open.
    expect(fromUtf8((await study.open(heart.id)).bytes)).toContain('44')

    const next = await patient.createReEncryptionKey(order(world))
    expect(next.epoch).toBe(2)
    await proxy.accept(next.bytes)
    await study.receive((await proxy.convert(next.reKey)).id)
    expect(fromUtf8((await study.open(later.id)).bytes)).toContain('45')

    // The end of the grant is the end of the re-key, also where nobody says so.
    shared.pass(31 * DAY_MS)
    await expect(proxy.convert(next.reKey)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    expect(proxy.held()).toEqual([])
    const after = await patient.seal(reading(46))
    expect(patient.keyRing.epochs(patient.did).at(-1)).toMatchObject({ epoch: 3, current: true })
    await expect(study.open(after.id)).rejects.toThrow(code('ERR_KEYS_NOT_HELD'))
  })
})

describe('a proxy', () => {
  it('refuses what is not recorded, for somebody else, or other than recorded', async () => {
    const world = await createWorld()
    const { patient, proxy, study, shared, ann } = world
    const { ledger } = shared
    await patient.seal(reading(44))
    await patient.grant(uses(world))
    const delivery = await patient.createReEncryptionKey(order(world))
    const other = await createProxy({ identity: generateIdentity(), ...shared })
    await expect(other.accept(delivery.bytes)).rejects.toThrow(code('ERR_DECRYPTION_FAILED'))
    await expect(other.convert(delivery.reKey)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    await expect(proxy.convert(delivery.reKey)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    for (const at of [0, 40, delivery.bytes.length - 1]) {
      const flipped = delivery.bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
      await expect(proxy.accept(flipped)).rejects.toThrow(code('ERR_DECRYPTION_FAILED'))
    }
    // A re-key of hers that the ledger does not know, and a capsule of another type beside the right re-key.
    const capsules = createOwnerCapsules(ann)
    const label = patient.keyRing.label(VITAL_SIGNS.heartRate)
    const context = { chainId: ledger.chainId, patient: ann.did, label, epoch: 1 }
    const delegatee = withPre(2).keys
    const secret = randomBytes(32)
    const keys = { proxy: (await ledger.view()).keys(proxy.did) ?? delegatee }
    const unknown = capsules.createReKey({ context, delegatee, expiresAtMs: delivery.untilMs })
    const sealedKey = { context, bytes: await capsules.sealKey(secret, context) }
    const send = (reKey: Uint8Array, sealed = sealedKey) =>
      proxy.accept(sealDelivery({ reKey, sealedKey: sealed }, keys, randomBytes))
    await expect(send(unknown.bytes)).rejects.toThrow(code('ERR_CHAIN_REKEY'))

    for (const wrong of [
      { ...context, label: patient.keyRing.label(VITAL_SIGNS.bodyWeight) },
      { ...context, epoch: 2 },
    ]) {
      // The owner records one type and epoch, and makes the re-key for another.
      const reKey = capsules.createReKey({ context: wrong, delegatee, expiresAtMs: delivery.untilMs })
      await patient.submit({
        kind: 'rekey',
        reKey: reKey.id,
        proxy: proxy.did,
        delegatee: study.did,
        label,
        epoch: 1,
        untilMs: delivery.untilMs,
      })
      await expect(send(reKey.bytes)).rejects.toThrow(code('ERR_PRE_CONDITION_MISMATCH'))
      // And a capsule for another condition than that of its re-key.
      const good = capsules.createReKey({ context, delegatee, expiresAtMs: delivery.untilMs })
      await patient.submit({
        kind: 'rekey',
        reKey: good.id,
        proxy: proxy.did,
        delegatee: study.did,
        label,
        epoch: 1,
        untilMs: delivery.untilMs,
      })
      const bytes = await capsules.sealKey(secret, wrong)
      await expect(send(good.bytes, { context, bytes })).rejects.toThrow(code('ERR_PRE_CONDITION_MISMATCH'))
      // The right capsule with a key that nobody committed to: the institution finds out.
      const id = await send(good.bytes)
      await expect(study.receive((await proxy.convert(id)).id)).rejects.toThrow(code('ERR_KEYS_COMMITMENT'))
    }
    expect(careCondition(context)).toEqual({ type: label, epoch: '1', extra: [ledger.chainId] })
    expect(
      openDelivery(new Uint8Array(3), { chainId: ledger.chainId, proxy: proxy.did, agreement: ann.agreement }),
    ).toBe(undefined)
  })

  it('leaves what it converted where the digest on the ledger says, and an institution believes nothing else', async () => {
    const world = await createWorld()
    const { patient, proxy, study, shared } = world
    const heart = await patient.seal(reading(44))
    await patient.grant(uses(world))
    const { bytes } = await patient.createReEncryptionKey(order(world))
    const { id } = await proxy.convert(await proxy.accept(bytes))
    const other = await createInstitution({ identity: withPre(3), ...shared })
    await expect(other.receive(id)).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))
    await expect(study.receive(heart.id)).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))

    const view = await shared.ledger.view({ patient: patient.did })
    const [conversion] = [...view.transactions({ kind: 'conversion' })]
    const cid = createCid(RAW_CODEC, conversion?.transaction.converted ?? new Uint8Array(32))
    const block = shared.blocks.get(cid) as Uint8Array
    expect(block.length).toBeLessThan(1_100)
    const damaged = { ...shared, blocks: createMemoryBlockstore() }
    const flipped = block.map((byte, index) => (index === 9 ? byte ^ 1 : byte))
    damaged.blocks.put(cid, flipped)
    const reader = await createInstitution({ identity: withPre(2), ...damaged })
    await expect(reader.receive(id)).rejects.toThrow(code('ERR_STORAGE_CORRUPT'))
    // Together proxy and institution have this key; the master secret and other types are out of their reach (test/pre).
    expect((await study.receive(id)).records).toEqual([heart.id])
    expect(toHex(block)).not.toContain('valueQuantity')
  })

  it('is refused by the ledger where it would go on after a revocation', async () => {
    const world = await createWorld()
    const { patient, proxy } = world
    await patient.seal(reading(44))
    await patient.grant(uses(world))
    const { bytes } = await patient.createReEncryptionKey(order(world))
    await proxy.accept(bytes)
    const conversion = {
      kind: 'conversion',
      patient: patient.did,
      delegatee: world.study.did,
      reKey: new Uint8Array(32) as never,
      converted: new Uint8Array(32) as never,
    } as const
    await expect(proxy.submit(conversion)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
  })

  it('is of no use to a patient without capsules, or for an institution without keys', async () => {
    const world = await createWorld()
    const { patient, proxy, shared } = world
    const plain = await createPatient({ identity: generateIdentity(), ...shared })
    await expect(plain.createReEncryptionKey(order(world))).rejects.toThrow(code('ERR_ARGUMENT_INVALID'))
    await patient.seal(reading(44))
    await patient.grant({ ...uses(world), to: plain.did })
    await expect(patient.createReEncryptionKey({ ...order(world), to: plain.did })).rejects.toThrow(
      code('ERR_IDENTITY_INVALID'),
    )
    await expect(patient.createReEncryptionKey({ ...order(world), to: proxy.did })).rejects.toThrow(
      code('ERR_IDENTITY_INVALID'),
    )
  })
})

describe('a proxy with a store', () => {
  function createStore(): ReKeyStore & { readonly entries: Map<string, Uint8Array>; isBroken: boolean } {
    const entries = new Map<string, Uint8Array>()
    const reach = () => (store.isBroken ? Promise.reject(new Error('disk')) : Promise.resolve())
    const store = {
      entries,
      isBroken: false,
      put: (id: string, bytes: Uint8Array) => reach().then(() => void entries.set(id, Uint8Array.from(bytes))),
      list: () => reach().then(() => [...entries.values()]),
      delete: (id: string) => reach().then(() => void entries.delete(id)),
    }
    return store
  }

  async function createStored() {
    const world = await createWorld()
    const { shared, patient } = world
    const store = createStore()
    const identity = generateIdentity()
    const start = () => createProxy({ identity, ...shared, store })
    const proxy = await start()
    const heart = await patient.seal(reading(44))
    await patient.grant(uses(world))
    const delivery = await patient.createReEncryptionKey({ ...order(world), proxy: proxy.did })
    return { ...world, store, identity, start, proxy, heart, delivery }
  }

  it('goes on after a restart, and deletes there too what is revoked', async () => {
    const { store, start, proxy, heart, delivery, patient, study } = await createStored()
    await proxy.accept(delivery.bytes)
    proxy.close()
    expect([...store.entries.keys()]).toEqual([delivery.reKey])

    const again = await start()
    expect(again.held()).toEqual([delivery.reKey])
    await study.receive((await again.convert(delivery.reKey)).id)
    expect(fromUtf8((await study.open(heart.id)).bytes)).toContain('44')
    await patient.revoke({ from: study.did })
    await expect(again.convert(delivery.reKey)).rejects.toThrow(code('ERR_CHAIN_REKEY'))
    expect([...store.entries]).toEqual([])
    expect((await start()).held()).toEqual([])
  })

  it('deletes as it reads of a revocation, without being asked, and later where the store fails', async () => {
    const { store, proxy, delivery, patient, study, shared } = await createStored()
    await proxy.accept(delivery.bytes)
    await patient.revoke({ from: study.did })
    await vi.waitFor(() => expect([...store.entries]).toEqual([]))

    await patient.grant(uses({ shared, study } as World))
    const next = await patient.createReEncryptionKey(order({ study, proxy } as World))
    await proxy.accept(next.bytes)
    store.isBroken = true
    await patient.revoke({ from: study.did })
    await expect(proxy.convert(next.reKey)).rejects.toThrow('disk')
    expect(proxy.held()).toEqual([])
    store.isBroken = false
    await patient.rotate()
    await vi.waitFor(() => expect([...store.entries]).toEqual([]))
  })

  it('forgets what ended while it was down, and does without what it cannot open', async () => {
    const { store, start, proxy, delivery, patient, study, shared } = await createStored()
    await proxy.accept(delivery.bytes)
    proxy.close()
    store.entries.set('foreign', new Uint8Array(9))
    await patient.revoke({ from: study.did })
    expect((await start()).held()).toEqual([])
    expect([...store.entries.keys()]).toEqual(['foreign'])

    await patient.grant({ ...uses({ shared, study } as World), access: { days: 60 } })
    const next = await patient.createReEncryptionKey({ ...order({ study, proxy } as World) })
    await (await start()).accept(next.bytes)
    shared.pass(61 * DAY_MS)
    expect((await start()).held()).toEqual([])
    expect([...store.entries.keys()]).toEqual(['foreign'])
  })

  it('holds nothing that the store did not take, and nothing in it is readable', async () => {
    const { store, proxy, delivery, identity, shared } = await createStored()
    store.isBroken = true
    await expect(proxy.accept(delivery.bytes)).rejects.toThrow('disk')
    expect(proxy.held()).toEqual([])
    store.isBroken = false
    await proxy.accept(delivery.bytes)
    const [bytes] = [...store.entries.values()] as [Uint8Array]
    const of = { chainId: shared.ledger.chainId, proxy: proxy.did }
    const opened = openDelivery(bytes, { ...of, agreement: identity.agreement })
    expect(opened?.reKey.id).toBe(delivery.reKey)
    expect(openDelivery(bytes, { ...of, agreement: generateIdentity().agreement })).toBe(undefined)
    expect(toHex(bytes)).not.toContain(toHex(opened?.reKey.element ?? new Uint8Array(1)))
  })
})

describe('a storage node', () => {
  const denied = (sentence: string) =>
    expect.objectContaining({
      code: 'ERR_POLICY_DENIED',
      message: expect.stringContaining(sentence) as unknown,
    }) as unknown

  async function createArchive() {
    const world = await createWorld()
    const { patient, proxy, shared } = world
    const heart = await patient.seal(reading(44))
    const sugar = await patient.seal(reading(6.3, '15074-8', 'mmol/L'))
    await patient.grant(uses(world))
    const { bytes } = await patient.createReEncryptionKey(order(world))
    const { id: ticket } = await proxy.convert(await proxy.accept(bytes))
    const node = createStorageNode(shared)
    const ask = (
      record: typeof heart.record,
      over: { readonly by?: Identity; readonly ticket?: typeof ticket | null } = {},
    ) => {
      const { by = withPre(2), ticket: shown = ticket } = over
      const request = { record, ticket: shown, issuedAtMs: shared.clock() }
      const { chainId } = shared.ledger
      return node.serve(createStorageRequest(request, { chainId, signer: by.signer, requester: by.did }))
    }
    return { ...world, heart, sugar, ticket, node, ask }
  }

  it('serves an institution what its conversion opens, and the converted block', async () => {
    const { patient, shared, heart, sugar, ticket, node, ask } = await createArchive()
    expect((await ask(heart.record)).at(-1)?.cid.toString()).toBe(heart.record)
    const view = await shared.ledger.view({ patient: patient.did })
    const [conversion] = [...view.transactions({ kind: 'conversion' })]
    const cid = createCid(RAW_CODEC, conversion?.transaction.converted ?? new Uint8Array(32))
    const converted = await ask(createRecordId(cid))
    expect(converted.map((block) => block.cid.toString())).toEqual([cid.toString()])
    // Later records of the same type and epoch, as the re-key opens them.
    expect(await ask((await patient.seal(reading(45))).record)).toHaveLength(1)

    await expect(ask(heart.record, { ticket: null })).rejects.toThrow(denied('no permit'))
    await expect(ask(createRecordId(cid), { ticket: null })).rejects.toThrow(denied('no such record'))
    await expect(ask(heart.record, { ticket: heart.id })).rejects.toThrow(denied('no permit'))
    await expect(ask(sugar.record)).rejects.toThrow(denied('no conversion'))
    const stranger = withPre(3)
    await createInstitution({ identity: stranger, ...shared })
    for (const record of [heart.record, createRecordId(cid)]) {
      await expect(ask(record, { by: stranger, ticket })).rejects.toThrow(denied('no conversion'))
    }
    // The same type in the next epoch is another key.
    await patient.rotate()
    await expect(ask((await patient.seal(reading(46))).record)).rejects.toThrow(denied('no conversion'))
    expect(await ask(heart.record)).toHaveLength(1)
    node.close()
  })

  it('refuses after the end of the re-key, to the millisecond', async () => {
    const { shared, heart, node, ask } = await createArchive()
    shared.pass(30 * DAY_MS - 1)
    expect(await ask(heart.record)).toHaveLength(1)
    shared.pass(1)
    await expect(ask(heart.record)).rejects.toThrow(denied('has ended or was revoked'))
    node.close()
  })

  it('refuses after a revocation, also when somebody grants again', async () => {
    const world = await createArchive()
    const { patient, study, heart, node, ask } = world
    expect(await ask(heart.record)).toHaveLength(1)
    await patient.revoke({ from: study.did })
    await expect(ask(heart.record)).rejects.toThrow(denied('has ended or was revoked'))
    await patient.grant(uses(world))
    await expect(ask(heart.record)).rejects.toThrow(denied('has ended or was revoked'))
    node.close()
  })
})

/**
 * Research (HRESCH): one type of a patient's data is converted by a proxy for an institution that no record was sealed for.
 * Before the grant the proxy is refused, after the revocation too; the institution opens exactly the records of that type.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import {
  createInstitution,
  createProxy,
  createStorageRequest,
  type Institution,
  type Patient,
  type Proxy,
  type ReKeyStore,
  type Sealed,
} from 'vitalseal/actors'
import { listProxies, whoCanDecrypt } from 'vitalseal/audit'
import type { Identity } from 'vitalseal/identity'
import { randomBytes, sha256, type TransactionId } from 'vitalseal/primitives'

import type { Notebook } from './checks.ts'
import type { Reading } from './resources.ts'
import { DIRECTORY, type World } from './world.ts'

/** Who converts, and for whom. */
export interface Research {
  readonly institution: Institution
  /** Another institution, which wants the same. */
  readonly rival: Institution
  readonly institutionIdentity: Identity
  readonly proxyIdentity: Identity
  /** Starts the proxy; it takes up what it has stored. */
  startProxy(): Promise<Proxy>
  /** Ids of the re-keys that are on its disk. */
  stored(): readonly string[]
}

/** What the report shows. */
export interface Converted {
  /** Names of the records that the institution opened. */
  readonly names: readonly string[]
  readonly records: readonly TransactionId[]
  readonly convertedAtHeight: number
  readonly revokedAtHeight: number
}

/** Keeps re-keys as files; what is in them is sealed to the proxy. */
function createReKeyFolder(directory: string): ReKeyStore {
  mkdirSync(directory, { recursive: true })
  const path = (name: string) => `${directory}/${name}`
  return {
    put: (id, bytes) => writeFile(path(id), bytes),
    list: async () => Promise.all((await readdir(directory)).map((name) => readFile(path(name)))),
    delete: (id) => rm(path(id), { force: true }),
  }
}

/** Admits a proxy and an institution. */
export async function createResearch(world: World): Promise<Research> {
  const directory = `${DIRECTORY}/proxy`
  const store = createReKeyFolder(directory)
  const proxyIdentity = await world.admit('proxy in the cloud', 'proxy')
  const [institutionIdentity, rivalIdentity] = world.institutions
  if (institutionIdentity === undefined || rivalIdentity === undefined)
    throw new Error('the world has two institutions')
  return {
    institutionIdentity,
    institution: await createInstitution({ identity: institutionIdentity, ...world.shared }),
    rival: await createInstitution({ identity: rivalIdentity, ...world.shared }),
    proxyIdentity,
    startProxy: () => createProxy({ identity: proxyIdentity, ...world.shared, store }),
    stored: () => readdirSync(directory),
  }
}

/** A record of the story. */
interface Told {
  readonly reading: Reading
  readonly record: Sealed
}

/** What the steps work on. */
interface Scene {
  readonly patient: Patient
  readonly research: Research
  readonly world: World
  readonly notebook: Notebook
  /** The name of a step or a check, with the patient's before it. */
  readonly story: (name: string) => string
  /** Whose type is converted. */
  readonly first: Told
  /** All records of that type, the first among them, and the others. */
  readonly chosen: readonly Told[]
  readonly others: readonly Told[]
}

const equal = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0

/** Asks a storage node for a record as the institution would. */
function askForRecord({ research, world }: Scene, { record }: Sealed, ticket: TransactionId | null) {
  const { institutionIdentity: identity } = research
  const request = createStorageRequest(
    { record, ticket, issuedAtMs: Date.now() },
    { chainId: world.ledger.chainId, signer: identity.signer, requester: identity.did },
  )
  return world.storage.serve(request)
}

/** Tells how the type of the first reading reaches the institution, and how that ends. */
export async function tellResearch(scene: Scene): Promise<Converted> {
  const { patient, research, notebook, story, first, chosen } = scene
  const { institution, proxyIdentity } = research
  const order = { to: institution.did, proxy: proxyIdentity.did, dataType: first.reading.resource.dataType }
  const proxy = await research.startProxy()
  await notebook.step(story('research: a proxy without a grant is refused'), 3, () =>
    refuseWithout(scene, proxy, order),
  )

  const delivery = await notebook.step(story('grant of use for HRESCH, re-key to the proxy: rekey'), 1, async () => {
    const { to, dataType } = order
    await patient.grant({ to, dataTypes: [dataType], actions: ['use'], purposes: ['HRESCH'], access: { days: 30 } })
    return patient.createReEncryptionKey(order)
  })

  await proxy.accept(delivery.bytes)
  proxy.close()
  const restarted = await research.startProxy()
  notebook.check(story('the proxy has its re-key after a restart'), restarted.held().join() === delivery.reKey)
  const conversion = await notebook.step(
    story('the proxy converts, the institution opens: conversion'),
    chosen.length,
    async () => openConverted(scene, await restarted.convert(delivery.reKey)),
  )

  const revokedAtHeight = await notebook.step(story('research ends: revoked, the re-key deleted'), 1, async () => {
    const { height } = await patient.revoke({ from: institution.did })
    await refuseAfter(scene, restarted, { reKey: delivery.reKey, ticket: conversion.id })
    return height
  })
  restarted.close()
  const names = chosen.map((told) => told.reading.name)
  return {
    names,
    records: chosen.map(({ record }) => record.id),
    convertedAtHeight: conversion.height,
    revokedAtHeight,
  }
}

async function refuseWithout(
  { patient, research, notebook, story, first }: Scene,
  proxy: Proxy,
  order: Parameters<Patient['createReEncryptionKey']>[0],
): Promise<void> {
  await notebook.expectFailure(story('no re-key is recorded without a grant'), 'ERR_POLICY_DENIED', () =>
    patient.createReEncryptionKey(order),
  )
  const conversion = {
    kind: 'conversion',
    patient: patient.did,
    delegatee: research.institution.did,
    reKey: sha256(randomBytes(32)),
    converted: sha256(randomBytes(32)),
  } as const
  await notebook.expectFailure(story('the ledger takes no conversion without a grant'), 'ERR_CHAIN_REKEY', () =>
    proxy.submit(conversion),
  )
  await notebook.expectFailure(story('the institution holds no key before'), 'ERR_KEYS_NOT_HELD', () =>
    research.institution.open(first.record.id),
  )
}

async function openConverted(
  scene: Scene,
  conversion: { readonly id: TransactionId; readonly height: number },
): Promise<{ readonly id: TransactionId; readonly height: number }> {
  const { patient, research, world, notebook, story, first, chosen, others } = scene
  const { institution, proxyIdentity } = research
  const { records } = await institution.receive(conversion.id)
  const wanted = chosen.map(({ record }) => record.id)
  notebook.check(story('the institution gets exactly the records of that type'), records.join() === wanted.join())
  for (const { reading, record } of chosen) {
    const { bytes } = await institution.open(record.id)
    notebook.check(
      story(`${reading.name} comes to the institution byte for byte`),
      equal(bytes, reading.resource.bytes),
    )
    const blocks = await askForRecord(scene, record, conversion.id)
    notebook.check(story(`${reading.name} is served on the conversion’s ticket`), blocks.length > 0)
    await notebook.expectFailure(story(`${reading.name} is not served without a ticket`), 'ERR_POLICY_DENIED', () =>
      askForRecord(scene, record, null),
    )
  }
  for (const { reading, record } of others) {
    await notebook.expectFailure(story(`${reading.name} stays closed to the institution`), 'ERR_KEYS_NOT_HELD', () =>
      institution.open(record.id),
    )
  }
  const view = await world.ledger.view({ patient: patient.did })
  const [entry, ...more] = listProxies(view, patient.did)
  notebook.check(
    story('the audit names the proxy, the institution and the conversion'),
    more.length === 0 &&
      entry?.proxy === proxyIdentity.did &&
      entry.delegatee === institution.did &&
      entry.conversions.join() === conversion.id,
  )
  const holders = whoCanDecrypt(view, first.record.record)
  const through = (did: string) => holders.find(({ holder }) => holder === did)?.through
  notebook.check(
    story('who can decrypt: the institution by re-encryption, the proxy not'),
    through(institution.did) === 're-encryption' && through(proxyIdentity.did) === undefined,
  )
  return conversion
}

async function refuseAfter(
  scene: Scene,
  proxy: Proxy,
  { reKey, ticket }: { readonly reKey: string; readonly ticket: TransactionId },
): Promise<void> {
  const { patient, research, world, notebook, story, first } = scene
  const { institution } = research
  const { reading, record } = first
  await notebook.expectFailure(story('the proxy is refused after the revocation'), 'ERR_CHAIN_REKEY', () =>
    proxy.convert(reKey),
  )
  // One that kept the re-key is refused by the ledger; what it converts all the same is on no record.
  const view = await world.ledger.view({ patient: patient.did })
  for (const { transaction } of view.transactions({ kind: 'rekey' })) {
    const conversion = { patient: patient.did, delegatee: institution.did, converted: sha256(randomBytes(32)) }
    await notebook.expectFailure(story('the ledger takes no conversion any more'), 'ERR_CHAIN_REKEY', () =>
      proxy.submit({ kind: 'conversion', ...conversion, reKey: transaction.reKey }),
    )
  }
  notebook.check(
    story('the proxy has deleted the re-key, on its disk too'),
    proxy.held().length === 0 && research.stored().length === 0,
  )
  await notebook.expectFailure(story('the ticket of the conversion counts no more'), 'ERR_POLICY_DENIED', () =>
    askForRecord(scene, record, ticket),
  )
  const later = await patient.seal(reading.resource)
  await notebook.expectFailure(story('what is sealed later stays closed to the institution'), 'ERR_KEYS_NOT_HELD', () =>
    institution.open(later.id),
  )
  const { bytes } = await institution.open(record.id)
  notebook.check(story('what the institution opened stays open to it'), equal(bytes, reading.resource.bytes))
}

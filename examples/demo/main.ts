/**
 * The data path on real FHIR R4 data: register, grant, seal, publish, read, refuse, rotate, revoke.
 *
 *   npm run demo                      the official examples (Patient/f001, Patient/example)
 *   npm run demo -- FILE              a FHIR Bundle or NDJSON file of your own
 *
 * Leaves out/demo/: the sealed blocks (IPFS blocks on disk) and transactions.car. Exit code 0 only if every check held.
 */
import { FsBlockstore } from 'blockstore-fs'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { deriveIdentity, generateSeed, type Identity } from 'vitalseal/identity'
import { createKeyRing, extendEpoch, rotateEpoch, type KeyDrafts, type KeyRing, type Recipient } from 'vitalseal/keys'
import { evaluateAccess, explainDecision, type Purpose } from 'vitalseal/policy'
import {
  createId,
  DAG_CBOR_CODEC,
  hashBlock,
  randomBytes,
  VitalsealError,
  type DataType,
  type Did,
  type Digest32,
  type RecordId,
} from 'vitalseal/primitives'
import { encodeCar, openRecord, sealRecord, storeRecord, type Blockstore } from 'vitalseal/storage'

import { createNotebook } from './checks.ts'
import { createList, type Published } from './list.ts'
import { readExamples, readUserFile, type Cast, type Reading } from './resources.ts'

const DIRECTORY = 'out/demo'
const DAY_MS = 86_400_000

const [argument] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') {
  console.log(
    'usage: npm run demo [-- FILE]\n\nFILE: a FHIR Bundle or NDJSON file; without it the official FHIR R4 examples',
  )
  process.exit(0)
}

const notebook = createNotebook()
const chainId = createId('chain', randomBytes(32) as Digest32)
const list = createList({ chainId, nowMs: Date.now })
rmSync(DIRECTORY, { recursive: true, force: true })
mkdirSync(DIRECTORY, { recursive: true })
const blocks = new FsBlockstore(`${DIRECTORY}/blocks`)
await blocks.open()

const casts = readCasts()
const identityOf = (circle: string) => deriveIdentity({ seed: generateSeed(), circle })
const registrar = identityOf('hospital')
const doctor = identityOf('practice of E. van den Broek') // Practitioner/f001
const colleague = identityOf('practice of Carla Espinosa') // Practitioner/f204
const ringOf = (identity: Identity) => createKeyRing({ identity, chainId, directory: list })
const doctorRing = ringOf(doctor)
const colleagueRing = ringOf(colleague)

/** The data of this run; a file that cannot be used ends it with a sentence. */
function readCasts(): readonly Cast[] {
  try {
    return argument === undefined ? readExamples() : readUserFile(argument)
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`)
    process.exit(2)
  }
}

/** A registration by the registrar. */
async function register(identity: Identity): Promise<void> {
  const { did: subject, keys } = identity
  await list.publish(
    { kind: 'register', operation: 'add', subject, keys, credentials: [], previousSignature: null },
    registrar.signer,
  )
}

/** Publishes tx_keys one after the other, each naming the one before. */
async function publishKeys({ drafts, skipped }: KeyDrafts, patient: Identity, ring: KeyRing): Promise<void> {
  if (skipped.length > 0) notebook.check(`nobody is skipped, but ${skipped.length} were`, false)
  for (const draft of drafts) await list.publish({ ...draft, previous: ring.latest(patient.did) }, patient.signer)
}

const recipient = (identity: Identity, dataTypes: Recipient['dataTypes']): Recipient => ({
  keys: identity.keys,
  index: list.indexOf(identity.did) as number,
  dataTypes,
})

/** Seals a reading and publishes tx_IoT. */
async function seal(reading: Reading, patient: Identity, ring: KeyRing): Promise<Published> {
  const key = ring.sealingKey(reading.dataType)
  const record = await storeRecord(await sealRecord(reading.bytes, { key }), { blocks })
  const { label, epoch } = key
  return list.publish({ kind: 'iot', record, label, epoch }, patient.signer)
}

/** What a reader does: publish T_data, ask the policy, open with the keys held. */
async function read(
  id: Published,
  reader: { readonly identity: Identity; readonly ring: KeyRing },
  purpose: Purpose = 'TREAT',
  from: Blockstore = blocks,
): Promise<Uint8Array> {
  if (id.kind !== 'iot') throw new Error('not a tx_IoT')
  const { sender: patient, record, label, epoch } = id
  const { identity, ring } = reader
  await list.publish({ kind: 'data', mode: 'read', patient, label, record, purpose }, identity.signer)
  const atMs = Date.now()
  const decision = evaluateAccess(list.policy, {
    patient,
    requester: identity.did,
    dataType: label,
    action: 'access',
    purpose,
    atMs,
    dataAtMs: id.issuedAtMs,
  })
  if (decision.kind !== 'permit') {
    throw new VitalsealError('ERR_POLICY_DENIED', explainDecision(decision), {
      details: { reasons: [explainDecision(decision)], height: list.transactions.length },
    })
  }
  return openRecord(record, { key: ring.openingKey({ patient, label, epoch }), blocks: from })
}

function firstOf<T>(items: readonly T[]): T {
  const [first] = items
  if (first === undefined) throw new Error('nothing to show')
  return first
}

const equal = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0

async function tellStory(cast: Cast): Promise<void> {
  const patient = identityOf(`care circle of ${cast.patient}`)
  const ring = ringOf(patient)
  const story = (name: string) => `${cast.patient}: ${name}`
  const types = [...new Set(cast.readings.map(({ dataType }) => dataType))]
  const granted = cast.granted ?? types.slice(0, Math.max(1, Math.ceil(types.length / 2)))
  const isGranted = ({ dataType }: Reading) => granted.includes(dataType)
  const first = firstOf(cast.readings)
  const reader = { identity: doctor, ring: doctorRing }

  await notebook.step(story('register, first epoch'), 2, async () => {
    await register(patient)
    await list.follow(ring)
    await publishKeys(await rotateEpoch(ring, { dataTypes: types }), patient, ring)
  })

  const readings = await notebook.step(story('seal, store, tx_IoT'), cast.readings.length, async () => {
    const sealed: { readonly reading: Reading; readonly transaction: Published }[] = []
    for (const reading of cast.readings) sealed.push({ reading, transaction: await seal(reading, patient, ring) })
    return sealed
  })

  await notebook.step(story('grant to E. van den Broek, 30 days: T_access, tx_key'), granted.length, async () => {
    const access = { fromMs: Date.now() - 1, untilMs: Date.now() + 30 * DAY_MS }
    const terms = {
      dataTypes: granted.map((type) => ring.label(type)),
      actions: ['access', 'write'],
      purposes: ['TREAT'],
      access,
    } as const
    await list.publish(
      { kind: 'access', patient: patient.did, grantee: doctor.did, grants: [terms], supersedes: null },
      patient.signer,
    )
    await publishKeys(await extendEpoch(ring, { recipients: [recipient(doctor, granted)] }), patient, ring)
  })

  await notebook.step(story('read what was granted, be refused the rest'), readings.length, async () => {
    for (const { reading, transaction } of readings) {
      const own = await read(transaction, { identity: patient, ring })
      notebook.check(story(`${reading.name} comes back to the patient`), equal(own, reading.bytes))
      if (isGranted(reading)) {
        const bytes = await read(transaction, reader)
        notebook.check(story(`${reading.name} comes back byte for byte`), equal(bytes, reading.bytes))
      } else {
        await notebook.expectFailure(story(`${reading.name} is refused, another type`), 'ERR_POLICY_DENIED', () =>
          read(transaction, reader),
        )
        if (transaction.kind !== 'iot') continue
        const { label, epoch, sender } = transaction
        await notebook.expectFailure(
          story(`${reading.name}: the doctor holds no key either`),
          'ERR_KEYS_NOT_HELD',
          () => doctorRing.openingKey({ patient: sender, label, epoch }),
        )
      }
    }
    const { transaction } = firstOf(readings)
    await notebook.expectFailure(story('another doctor is refused'), 'ERR_POLICY_DENIED', () =>
      read(transaction, { identity: colleague, ring: colleagueRing }),
    )
    await notebook.expectFailure(story('another purpose is refused'), 'ERR_POLICY_DENIED', () =>
      read(transaction, reader, 'HRESCH'),
    )
    await notebook.expectFailure(story('a changed block is found'), 'ERR_STORAGE_CORRUPT', () =>
      read(transaction, reader, 'TREAT', tamper(blocks)),
    )
  })

  const diagnosis = await notebook.step(story('diagnosis under the doctor’s own key: tx_diag'), 1, async () => {
    const { transaction: cause } = firstOf(readings)
    const key = doctorRing.writingKey({ patient: patient.did, label: ring.label(first.dataType) })
    const text = new TextEncoder().encode('{"resourceType":"DiagnosticReport","status":"final"}')
    const record = await storeRecord(await sealRecord(text, { key, kind: 'diagnosis' }), { blocks })
    const { label, epoch } = key
    const published = await list.publish({ kind: 'diagnosis', causes: [cause.id], record, label, epoch }, doctor.signer)
    const opening = ring.diagnosisKey({ patient: patient.did, doctor: doctor.did, label, epoch })
    notebook.check(
      story('the patient opens the diagnosis'),
      equal(await openRecord(record, { key: opening, blocks, kind: 'diagnosis' }), text),
    )
    return published
  })
  notebook.check(
    story('the diagnosis names its cause'),
    diagnosis.kind === 'diagnosis' && diagnosis.causes.length === 1,
  )

  await notebook.step(story('rotate: a new epoch for the same readers'), 1, async () => {
    await publishKeys(await rotateEpoch(ring, { recipients: [recipient(doctor, granted)] }), patient, ring)
    const again = await seal(first, patient, ring)
    notebook.check(story('the doctor opens the new epoch'), equal(await read(again, reader), first.bytes))
  })

  await notebook.step(story('revoke: empty T_access, epoch without the doctor'), 1, async () => {
    const old = ring.sealingKey(first.dataType)
    const last = list.transactions.findLast(({ kind, sender }) => kind === 'access' && sender === patient.did)
    await list.publish(
      { kind: 'access', patient: patient.did, grantee: doctor.did, grants: [], supersedes: last?.id ?? null },
      patient.signer,
    )
    await publishKeys(await rotateEpoch(ring), patient, ring)
    await notebook.expectFailure(story('a key of the old epoch seals no more'), 'ERR_KEYS_EPOCH_SUPERSEDED', () =>
      sealRecord(first.bytes, { key: old }),
    )
    const later = await seal(first, patient, ring)
    await notebook.expectFailure(story('the revoked doctor is refused'), 'ERR_POLICY_DENIED', () => read(later, reader))
    if (later.kind !== 'iot') return
    const { label, epoch, record } = later
    await notebook.expectFailure(story('the revoked doctor holds no key of new data'), 'ERR_KEYS_NOT_HELD', () =>
      doctorRing.openingKey({ patient: patient.did, label, epoch }),
    )
    const stale = doctorRing.openingKey({ patient: patient.did, label, epoch: epoch - 1 })
    await notebook.expectFailure(
      story('the keys of the epoch before do not open new data'),
      'ERR_DECRYPTION_FAILED',
      () => openRecord(record, { key: stale, blocks }),
    )
    await expectOldStillOpens(
      story('what was sealed before stays open to him, as the documentation says'),
      patient.did,
      readings[0]?.transaction,
      first,
    )
  })
}

async function expectOldStillOpens(
  name: string,
  patient: Did,
  transaction: Published | undefined,
  reading: Reading,
): Promise<void> {
  if (transaction?.kind !== 'iot') throw new Error('not a tx_IoT')
  const key = doctorRing.openingKey({ patient, label: transaction.label, epoch: transaction.epoch })
  notebook.check(name, equal(await openRecord(transaction.record, { key, blocks }), reading.bytes))
}

/** A store that changes one byte of everything that it returns. */
function tamper(store: Blockstore): Blockstore {
  return {
    put: (cid, bytes) => store.put(cid, bytes),
    async get(cid) {
      const parts: Uint8Array[] = []
      for await (const part of store.get(cid) as AsyncIterable<Uint8Array>) parts.push(part)
      const bytes = Buffer.concat(parts)
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
      return Uint8Array.from(bytes)
    },
  }
}

await notebook.step('register two doctors', 2, async () => {
  await register(doctor)
  await register(colleague)
  await list.follow(doctorRing)
  await list.follow(colleagueRing)
})
for (const cast of casts) await tellStory(cast)

await notebook.step('replay the whole list from its bytes', list.bytes.length, async () => {
  const again = createList({ chainId, nowMs: Date.now })
  for (const bytes of list.bytes) await again.publishBytes(bytes)
  notebook.check(
    'the list replays to the same transactions',
    again.transactions.every(({ id }, i) => id === list.transactions[i]?.id),
  )
  const foreign = createList({ chainId: createId('chain', randomBytes(32) as Digest32), nowMs: Date.now })
  await notebook.expectFailure('and is refused on another chain', 'ERR_SIGNATURE_INVALID', () =>
    foreign.publishBytes(list.bytes[0] as Uint8Array),
  )
  await notebook.expectFailure('and no transaction counts twice', 'ERR_NONCE', () =>
    again.publishBytes(list.bytes[0] as Uint8Array),
  )
})

const records = new Set<RecordId>()
for (const transaction of list.transactions)
  if ('record' in transaction && transaction.record !== null) records.add(transaction.record)
const archive = list.bytes.map((bytes) => ({ cid: hashBlock(DAG_CBOR_CODEC, bytes), bytes: Uint8Array.from(bytes) }))
writeFileSync(
  `${DIRECTORY}/transactions.car`,
  encodeCar({ roots: archive.slice(-1).map(({ cid }) => cid), blocks: archive }),
)
const typeCount = new Set<DataType>(casts.flatMap(({ readings }) => readings.map(({ dataType }) => dataType))).size
console.log(
  `\n${list.transactions.length} transactions, ${records.size} sealed records, ${typeCount} types of data; see ${DIRECTORY}/`,
)
process.exitCode = notebook.finish() ? 0 : 1

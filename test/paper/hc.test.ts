import { beforeEach, describe, expect, it } from 'vitest'

import { toUtf8 } from '../../src/primitives/bytes.ts'
import { digestOfRecord } from '../../src/primitives/content-id.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { sha256, taggedHash } from '../../src/primitives/hash.ts'
import { toDigest } from '../../src/primitives/ids.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { labelBytes } from '../../src/primitives/label.ts'
import { createVerifier } from '../../src/primitives/signature.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { createMemoryBlockstore, openRecord, sealRecord, storeRecord } from '../../src/storage/index.ts'
import {
  createTransaction,
  hashTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  type Transaction,
} from '../../src/transactions/index.ts'
import { chainId } from '../support/parties.ts'
import {
  createKeyWorld,
  directory,
  glucose,
  heartRate,
  people,
  recipient,
  type KeyWorld,
} from '../support/key-world.ts'

/**
 * HC: "Healthchain: A Blockchain-based Privacy Preserving Scheme for Large-scale Health Data". One test for each step of
 * equations 1 to 3 and Algorithms 2 to 4; Algorithm 1 belongs to the Userchain.
 */

const { ann, bob, carol } = people
const ts = 1_763_600_000_000
const IoT = toUtf8('{"resourceType":"Observation","valueQuantity":{"value":44.0}}')
const diag = toUtf8('{"resourceType":"Condition","code":{"text":"Bradycardia"}}')
const notHeld: unknown = expect.objectContaining({ code: 'ERR_KEYS_NOT_HELD' })

let world: KeyWorld
let blocks: ReturnType<typeof createMemoryBlockstore>

beforeEach(async () => {
  world = createKeyWorld()
  blocks = createMemoryBlockstore()
  await world.publish(await world.rotate({ dataTypes: [heartRate, glucose] }))
  await world.publish(
    await world.rotate({ recipients: [recipient('bob', [heartRate]), recipient('carol', [heartRate])] }),
  )
})

const from = ({ did }: typeof ann) => ({ sender: did, nonce: 0, issuedAtMs: ts })

async function sealReading() {
  const key = world.rings.ann.sealingKey(heartRate)
  return storeRecord(await sealRecord(IoT, { key }), { blocks })
}

async function sendReading(): Promise<Transaction<'iot'>> {
  const record = await sealReading()
  const label = world.rings.ann.label(heartRate)
  const unsigned = createTransaction({ ...from(ann), kind: 'iot', record, label, epoch: 2 })
  return signTransaction(unsigned, { chainId, signer: ann.signer })
}

async function sendDiagnosis(causes: readonly Transaction<'iot'>[]): Promise<Transaction<'diagnosis'>> {
  const label = world.rings.ann.label(heartRate)
  const key = world.rings.bob.writingKey({ patient: ann.did, label })
  const record = await storeRecord(await sealRecord(diag, { key, kind: 'diagnosis' }), { blocks })
  const ids = causes.map(({ id }) => id).sort()
  const unsigned = createTransaction({ ...from(bob), kind: 'diagnosis', causes: ids, record, label, epoch: 2 })
  return signTransaction(unsigned, { chainId, signer: bob.signer })
}

describe('HC IV-B1, equation 1: tx_IoT = {ID, ts_1, HEIoT, S, htxI}', () => {
  it('names sender, time and ciphertext; the signature is over these', async () => {
    const { sender, issuedAtMs, record, signature, id, ...rest } = await sendReading()
    expect([sender, issuedAtMs]).toEqual([ann.did, ts])
    expect(digestOfRecord(record)).toHaveLength(32)
    // What the paper's tuple leaves open: slot and number of the sender, type and epoch of the key.
    expect(Object.keys(rest).sort()).toEqual(['delegate', 'epoch', 'kind', 'label', 'nonce'])
    const tuple = [
      3,
      toPublicKey(ann.did),
      0,
      0,
      ts,
      new Uint8Array([0x55, ...digestOfRecord(record)]),
      labelBytes(rest.label),
      2,
    ]
    const digest = taggedHash(TAGS.transaction, toDigest(chainId), tuple)
    expect(toDigest(id)).toEqual(digest)
    expect(createVerifier().verify({ signer: ann.did, digest, signature })).toBe(true)
  })

  it('htxI does not hash the signature, as the paper has it: two signatures, one name', async () => {
    const first = await sendReading()
    const again = signTransaction(first, { chainId, signer: ann.signer })
    expect(again.signature).not.toEqual(first.signature)
    expect(again.id).toBe(first.id)
    // The paper's htxI = H(ID, ts_1, HEIoT, S): whoever can sign twice has two names for one reading.
    const literal = ({ sender, issuedAtMs, record, signature }: Transaction<'iot'>) =>
      sha256(encodeCbor([sender, issuedAtMs, record, signature]))
    expect(literal(again)).not.toEqual(literal(first))
  })

  it('the literal H(ID, ts, X) is one hash for two kinds; ours are two', async () => {
    const reading = await sendReading()
    const { record, label, epoch } = reading
    const write = { kind: 'data', mode: 'write', patient: ann.did, record, label, epoch } as const
    const document = createTransaction({ ...write, ...from(ann) })
    const literal = (id: string, time: number, x: string) => sha256(toUtf8(`${id}${time}${x}`))
    // The border between time and content moves without a change of the hash.
    expect(literal(ann.did, ts, record)).toEqual(literal(ann.did, Math.floor(ts / 10), `${ts % 10}${record}`))
    expect(hashTransaction(document, { chainId })).not.toEqual(toDigest(reading.id))
  })
})

describe('HC IV-B1, equation 2: tx_key = {ID, ts_2, Env_ij, Env_Ui, Sig, htxk}', () => {
  it('holds one envelope for each doctor, one for the user, and one signature over all', () => {
    const transaction = world.ledger[1]!
    expect(transaction.sender).toBe(ann.did)
    const indexes = transaction.envelopes.map(({ index }) => index)
    expect(indexes).toEqual([bob, carol].map(({ did }) => directory.indexOf(did)).sort())
    expect(transaction.ownEnvelopes.map(({ delegate }) => delegate)).toEqual([0])
    const [first, ...rest] = transaction.envelopes
    const swapped = { ...transaction, envelopes: [{ ...first!, enc: rest[0]!.enc }, ...rest] }
    expect(validateTransaction(swapped, { chainId })).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  it('Env_ij says whose it is, and opens for nobody else', async () => {
    const { drafts } = await world.rotate({ recipients: [recipient('bob', [heartRate])] })
    const draft = drafts[0]!
    const index = directory.indexOf(carol.did) as number
    const passedOn = { ...draft, envelopes: [{ ...draft.envelopes[0]!, index }] }
    const outcome = await world.publish({ drafts: [passedOn], skipped: [] })
    expect(outcome).toMatchObject({ bob: 'not-for-us', carol: 'commitment-mismatch' })
  })
})

describe('HC IV-B2, equation 3: tx_diag = {ID_Dj, ts_3, htxI, HEdm, S_j, htxd}', () => {
  it('names the doctor, the readings that are its cause, and the ciphertext', async () => {
    const readings = [await sendReading(), await sendReading()]
    const transaction = unwrap(validateTransaction(await sendDiagnosis(readings), { chainId }))
    expect(transaction.sender).toBe(bob.did)
    expect(transaction.causes).toEqual(readings.map(({ id }) => id).sort())
    expect(digestOfRecord(transaction.record)).toHaveLength(32)
  })

  it('every cause is signed: none can be taken out or put in', async () => {
    const readings = [await sendReading(), await sendReading()]
    const transaction = await sendDiagnosis(readings)
    const fewer = { ...transaction, causes: transaction.causes.slice(1) }
    expect(validateTransaction(fewer, { chainId })).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })
})

describe('HC Algorithm 2: IoT data security', () => {
  it('line 2, EIoT = Enc(Ik, IoT): only the key of that type opens it', async () => {
    const record = await sealReading()
    const { ann: ring, bob: doctor } = world.rings
    const of = { patient: ann.did, label: ring.label(heartRate), epoch: 2 }
    expect(await openRecord(record, { key: doctor.openingKey(of), blocks })).toEqual(IoT)
    const other = ring.openingKey({ ...of, label: ring.label(glucose) })
    await expect(openRecord(record, { key: other, blocks })).rejects.toMatchObject({ code: 'ERR_DECRYPTION_FAILED' })
  })

  it('line 3, get HEIoT: the address is the hash of the ciphertext', async () => {
    const sealed = await sealRecord(IoT, { key: world.rings.ann.sealingKey(heartRate) })
    const record = await storeRecord(sealed, { blocks })
    expect(digestOfRecord(record)).toEqual(sha256(sealed.blocks[0]!.bytes))
  })

  it('line 4, ts_1: the sender dates it, and the date is signed', async () => {
    const transaction = await sendReading()
    const later = { ...transaction, issuedAtMs: ts + 1 }
    expect(validateTransaction(later, { chainId })).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  it('lines 5 to 8, S, htx and tx_IoT: whoever reads it can check it', async () => {
    expect(unwrap(validateTransaction(await sendReading(), { chainId })).kind).toBe('iot')
  })
})

describe('HC Algorithm 3: key management', () => {
  it('line 2, a new IoT key: what the old one opens, the new one does not', async () => {
    const before = await sealReading()
    await world.publish(await world.rotate({ recipients: [recipient('bob', [heartRate])] }))
    const of = { patient: ann.did, label: world.rings.ann.label(heartRate) }
    const key = world.rings.bob.openingKey({ ...of, epoch: 3 })
    await expect(openRecord(before, { key, blocks })).rejects.toMatchObject({ code: 'ERR_DECRYPTION_FAILED' })
    expect(await openRecord(before, { key: world.rings.bob.openingKey({ ...of, epoch: 2 }), blocks })).toEqual(IoT)
  })

  it('lines 3 to 6, a diagnosis key for each doctor: his own and nobody else’s', () => {
    const of = { patient: ann.did, label: world.rings.ann.label(heartRate), epoch: 2 }
    for (const [name, other] of [
      ['bob', carol],
      ['carol', bob],
    ] as const) {
      expect(world.rings[name].diagnosisKey({ ...of, doctor: people[name].did }).epoch).toBe(2)
      expect(() => world.rings[name].diagnosisKey({ ...of, doctor: other.did })).toThrow(notHeld)
    }
  })

  it('line 8, ts_2: the date is signed', () => {
    const later = { ...world.ledger[1]!, issuedAtMs: ts }
    expect(validateTransaction(later, { chainId })).toMatchObject({ code: 'ERR_SIGNATURE_INVALID' })
  })

  it('line 9, Env_U holds every key: the user opens readings and each doctor’s diagnosis', () => {
    const { ann: ring } = world.rings
    const of = { patient: ann.did, label: ring.label(heartRate), epoch: 2 }
    expect(ring.openingKey(of).epoch).toBe(2)
    for (const doctor of [bob.did, carol.did]) expect(ring.diagnosisKey({ ...of, doctor }).epoch).toBe(2)
  })

  it('line 9, Env_U does not grow with the doctors', () => {
    const ownBytes = (count: number) => world.ledger[count]!.ownEnvelopes[0]!.ciphertext.length
    expect(ownBytes(1)).toBe(ownBytes(0))
  })

  it('lines 10 to 13, signature and htx_key, which the paper hashes into itself', () => {
    const { id, signature, ...unsigned } = world.ledger[1]!
    expect(toDigest(id)).toEqual(hashTransaction(unsigned, { chainId }))
    expect(createVerifier().verify({ signer: ann.did, digest: toDigest(id), signature })).toBe(true)
  })

  it('IV-B5, adding a doctor: the current key and a diagnosis key, for him only', async () => {
    const record = await sealReading()
    const outcome = await world.publish(await world.extend({ recipients: [recipient('dave', [heartRate])] }))
    expect(outcome).toMatchObject({ bob: 'not-for-us', carol: 'not-for-us', dave: 'opened' })
    const of = { patient: ann.did, label: world.rings.ann.label(heartRate), epoch: 2 }
    expect(await openRecord(record, { key: world.rings.dave.openingKey(of), blocks })).toEqual(IoT)
  })

  it('IV-B5, revoking a doctor: no envelope, no key, no reading', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('carol', [heartRate])] }))
    const record = await sealReading()
    const of = { patient: ann.did, label: world.rings.ann.label(heartRate), epoch: 3 }
    expect(() => world.rings.bob.openingKey(of)).toThrow(notHeld)
    const old = world.rings.bob.openingKey({ ...of, epoch: 2 })
    await expect(openRecord(record, { key: old, blocks })).rejects.toMatchObject({ code: 'ERR_DECRYPTION_FAILED' })
  })
})

describe('HC Algorithm 4: disease diagnosis', () => {
  it('line 1, Edm = Enc(dk, diag): the patient opens it, another doctor does not', async () => {
    const { record, label } = await sendDiagnosis([await sendReading()])
    const of = { patient: ann.did, doctor: bob.did, label, epoch: 2 }
    expect(await openRecord(record, { key: world.rings.ann.diagnosisKey(of), blocks, kind: 'diagnosis' })).toEqual(diag)
    expect(() => world.rings.carol.diagnosisKey(of)).toThrow(notHeld)
    const own = world.rings.carol.diagnosisKey({ ...of, doctor: carol.did })
    await expect(openRecord(record, { key: own, blocks, kind: 'diagnosis' })).rejects.toMatchObject({
      code: 'ERR_DECRYPTION_FAILED',
    })
    // V-A says that not even the doctor can get dk_ij; Env_ij hands it to him, and he needs it to write.
    expect(await openRecord(record, { key: world.rings.bob.diagnosisKey(of), blocks, kind: 'diagnosis' })).toEqual(diag)
  })

  it('line 2, get HEdm: the address is the hash of the ciphertext', async () => {
    const { record } = await sendDiagnosis([await sendReading()])
    expect(digestOfRecord(record)).toHaveLength(32)
    // Under the doctor's key, not under that of the type: who may read the readings does not read the diagnosis.
    const key = world.rings.carol.openingKey({ patient: ann.did, label: world.rings.ann.label(heartRate), epoch: 2 })
    await expect(openRecord(record, { key, blocks, kind: 'diagnosis' })).rejects.toMatchObject({
      code: 'ERR_DECRYPTION_FAILED',
    })
  })

  it('lines 3 to 6, ts_3, S_j and htxd: the doctor answers for it', async () => {
    const transaction = await sendDiagnosis([await sendReading()])
    expect(unwrap(validateTransaction(transaction, { chainId })).id).toBe(transaction.id)
    expect(validateTransaction({ ...transaction, sender: carol.did }, { chainId })).toMatchObject({
      code: 'ERR_SIGNATURE_INVALID',
    })
  })
})

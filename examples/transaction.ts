// Build, sign, encode, parse and validate a tx_IoT; no actors.
import {
  createId,
  createLabeler,
  createSigner,
  createVerifier,
  randomBytes,
  sha256,
  toDigest,
} from 'vitalseal/primitives'
import { createMemoryBlockstore, createSealingKey, sealRecord, storeRecord } from 'vitalseal/storage'
import {
  createTransaction,
  encodeTransaction,
  parseTransaction,
  signTransaction,
  validateTransaction,
} from 'vitalseal/transactions'

const chainId = createId('chain', sha256(new TextEncoder().encode('my first ledger')))
const signer = createSigner(randomBytes(32))
const label = createLabeler().label('http://loinc.org|8867-4')
const key = createSealingKey(randomBytes(32), { chainId, patient: signer.did, label, epoch: 1 })
const sealed = await sealRecord(new TextEncoder().encode('{"resourceType":"Observation"}'), { key })
const record = await storeRecord(sealed, { blocks: createMemoryBlockstore() })

const unsigned = createTransaction({
  kind: 'iot',
  record,
  label,
  epoch: 1,
  sender: signer.did,
  nonce: 0,
  issuedAtMs: 1_763_600_000_000,
})
const bytes = encodeTransaction(signTransaction(unsigned, { chainId, signer })) // at most 176 bytes
const parsed = parseTransaction(bytes) // total: never throws on foreign bytes
if (!parsed.ok) throw new Error(`${parsed.code} ${parsed.path}`)
const valid = validateTransaction(parsed.value, { chainId, verifier: createVerifier() })
if (!valid.ok) throw new Error(`${valid.code}: ${valid.message}`)
if (valid.value.kind === 'iot') console.log(valid.value.record) // HEIoT, the address of the ciphertext
console.log(bytes.length, 'bytes', toDigest(valid.value.id)) // htxI

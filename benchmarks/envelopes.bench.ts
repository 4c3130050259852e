/**
 * Area envelopes: what a tx_key costs for 5, 100 and 1,000 doctors, beside RSA-1024, with which HC measured.
 */
import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto'

import { generateIdentity } from '../src/identity/index.ts'
import { createKeyRing, rotateEpoch, type KeyDraft, type Recipient } from '../src/keys/index.ts'
import { createId, type ChainId } from '../src/primitives/ids.ts'
import type { Digest32 } from '../src/primitives/hash.ts'
import type { Verified } from '../src/primitives/bytes.ts'
import { createLabeler } from '../src/primitives/label.ts'
import {
  createTransaction,
  encodeTransaction,
  signTransaction,
  type KeyTransaction,
} from '../src/transactions/index.ts'
import { interleave, type Report } from './measure.ts'

const COUNTS = [5, 100, 1_000] as const
const DATA_TYPE = 'http://loinc.org|8867-4'
/** HC Table II: bytes of tx_key for five doctors. */
const PAPER_BYTES = 1_188
/** HC 6.B: milliseconds to make one tx_key. */
const PAPER_MS = 4.809

const chainId: ChainId = createId('chain', new Uint8Array(32).fill(1) as Digest32)

/** Runs the area. */
export async function run(report: Report): Promise<void> {
  const owner = generateIdentity()
  const labeler = createLabeler()
  const doctors = Array.from({ length: 1_000 }, () => generateIdentity())
  const indexes = new Map<string, number>(doctors.map(({ did }, index) => [did, index]))
  const directory = {
    indexOf: (did: string) => indexes.get(did),
    accountAt: (index: number) => doctors[index]?.did,
  }
  const ring = createKeyRing({ identity: owner, chainId, directory, labeler })
  const recipients = doctors.map(({ keys }, index): Recipient => ({ keys, index, dataTypes: [DATA_TYPE] }))
  const draftFor = async (count: number) => {
    const { drafts } = await rotateEpoch(ring, { recipients: recipients.slice(0, count) })
    return drafts[0] as KeyDraft
  }
  const signed = (draft: KeyDraft) =>
    signTransaction(createTransaction({ ...draft, previous: null, sender: owner.did, nonce: 0, issuedAtMs: 1 }), {
      chainId,
      signer: owner.signer,
    }) as Verified<KeyTransaction>

  const drafts = new Map<number, Verified<KeyTransaction>>()
  for (const count of COUNTS) drafts.set(count, signed(await draftFor(count)))

  const made = await interleave(
    {
      5: async () => signed(await draftFor(5)),
      100: async () => signed(await draftFor(100)),
      1000: async () => signed(await draftFor(1_000)),
    },
    { rounds: 3, msPerRound: 200 },
  )
  const openers = Object.fromEntries(
    COUNTS.map((count) => {
      const transaction = drafts.get(count) as Verified<KeyTransaction>
      return [
        String(count),
        () =>
          createKeyRing({
            identity: doctors[count - 1] as (typeof doctors)[number],
            chainId,
            directory,
            labeler,
          }).apply(transaction),
      ]
    }),
  )
  const opened = await interleave(openers, { rounds: 9, msPerRound: 60 })
  const rsa = measureRsa()
  const rsaTimes = await interleave({ seal: rsa.seal, open: rsa.open }, { rounds: 9 })

  for (const count of COUNTS) {
    const bytes = encodeTransaction(drafts.get(count) as KeyTransaction).length
    report.figure({ op: 'make tx_key', impl: 'vitalseal', median: (made[count] as number) * 1e3, unit: 'ms', n: count })
    report.figure({
      op: 'open one envelope',
      impl: 'vitalseal',
      median: (opened[count] as number) * 1e3,
      unit: 'ms',
      n: count,
    })
    report.figure({ op: 'size of tx_key', impl: 'vitalseal', median: bytes, unit: 'bytes', n: count })
  }
  report.figure({ op: 'make tx_key', impl: 'HC (paper, other machine)', median: PAPER_MS, unit: 'ms', n: 5 })
  report.figure({ op: 'size of tx_key', impl: 'HC (paper)', median: PAPER_BYTES, unit: 'bytes', n: 5 })
  report.figure({
    op: 'wrap two keys',
    impl: 'RSA-1024 OAEP, OpenSSL',
    median: (rsaTimes['seal'] as number) * 1e3,
    unit: 'ms',
    n: 1,
  })
  report.figure({
    op: 'unwrap two keys',
    impl: 'RSA-1024 OAEP, OpenSSL',
    median: (rsaTimes['open'] as number) * 1e3,
    unit: 'ms',
    n: 1,
  })
  report.note(
    'RSA-1024 is below 112 bits of strength and wraps nothing that a recipient could check; it is here because HC measured with it',
  )

  const perEnvelope = (count: number) => ((made[count] as number) - (made[5] as number)) / (count - 5)
  const bytesOf = (count: number) => encodeTransaction(drafts.get(count) as KeyTransaction).length
  const bytesPer = (low: number, high: number) => (bytesOf(high) - bytesOf(low)) / (high - low)
  report.demand(atMost('seconds for 1,000 envelopes', made[1_000] as number, 4))
  report.demand(atMost('time per envelope, 1,000 over 100', perEnvelope(1_000) / perEnvelope(100), 1.3))
  report.demand(atMost('bytes per envelope, 1,000 over 100', bytesPer(100, 1_000) / bytesPer(5, 100), 1.05))
  report.demand(atMost('opening one of 1,000 over one of 5', (opened[1_000] as number) / (opened[5] as number), 1.3))
  report.demand(atMost('bytes for five doctors', bytesOf(5), PAPER_BYTES))
}

function atMost(ratio: string, value: number, bound: number) {
  return { ratio, value, demand: `<= ${bound}`, holds: value <= bound }
}

function measureRsa() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  // Two 32-byte keys, type and diagnosis, fit one block of OAEP with SHA-1.
  const keys = randomBytes(64)
  const wrapped = publicEncrypt({ key: publicKey, padding }, keys)
  return {
    seal: () => publicEncrypt({ key: publicKey, padding }, keys),
    open: () => privateDecrypt({ key: privateKey, padding }, wrapped),
  }
}

import { build } from 'esbuild'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, toHex } from '../../src/primitives/bytes.ts'
import { encodeHead } from '../../src/primitives/codec.ts'
import type { Label } from '../../src/primitives/label.ts'
import type { Signature } from '../../src/primitives/signature.ts'
import {
  createTransaction,
  encodeTransaction,
  ENVELOPE_BYTES_MAX,
  HANDED_MAX,
  hashTransaction,
  KEY_LABELS_MAX,
  parseTransaction,
  signTransaction,
  unwrap,
  validateTransaction,
  type Envelope,
  type PublishBody,
  type UnsignedTransaction,
} from '../../src/transactions/index.ts'
import { leastCpuMs } from '../support/cost.ts'
import { codeOfResult } from '../support/failure.ts'
import { chainId, party } from '../support/parties.ts'
import { digest, doctor, label, patient, phone, samples, signerOf, transactionId } from '../support/transactions.ts'

const COUNTER_MAX = 2 ** 32 - 1
const KIB = 1_024

function sign(unsigned: UnsignedTransaction) {
  return signTransaction(unsigned, { chainId, signer: signerOf(unsigned) })
}

/** What the other side says of a transaction that is made, sent, read and validated. */
function send(make: () => UnsignedTransaction): string {
  try {
    const bytes = encodeTransaction(sign(make()))
    const parsed = parseTransaction(bytes)
    return codeOfResult(parsed.ok ? validateTransaction(parsed.value, { chainId }) : parsed)
  } catch (error) {
    return (error as { code: string }).code
  }
}

const causes = (count: number) => Array.from({ length: count }, (_, i) => transactionId(`${i}`)).sort()
const labels = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.padStart(32, '0') as Label)
const commitment = digest('commitment')
const envelope = (index: number, ciphertextBytes = 48, handed: Envelope['handed'] = []): Envelope => ({
  index,
  enc: digest('enc'),
  ciphertext: new Uint8Array(ciphertextBytes),
  commitment,
  handed,
})
const key = (change: Partial<UnsignedTransaction<'key'>>) => createTransaction({ ...samples.key(), ...change })
const access = (change: Partial<UnsignedTransaction<'access'>>) => createTransaction({ ...samples.access(), ...change })
const [terms] = samples.access().grants
const own = (delegate: number) => ({ delegate, enc: digest('own'), ciphertext: new Uint8Array(52) })
const delegate = (slot: number) => createTransaction({ ...samples.delegateFill(), slot })

const YEAR_MS = 366 * 86_400_000
const published = samples.requirementPublish() as UnsignedTransaction<'requirement'> & PublishBody
const { deadlines } = published
const publish = (change: Partial<PublishBody>) => createTransaction({ ...published, ...change })
const dids = (count: number) => Array.from({ length: count }, (_, i) => party(`${i}`).did).sort()
const witnesses = (count: number) =>
  dids(count).map((account) => ({ account, signature: new Uint8Array(65) as Signature }))

/** Each limit of DESIGN.md 4 that a transaction meets: the last value that passes, and the first that does not. */
const borders: Record<string, [() => UnsignedTransaction, () => UnsignedTransaction]> = {
  'nonce 2^32 - 1': [
    () => createTransaction({ ...samples.iot(), nonce: COUNTER_MAX }),
    () => createTransaction({ ...samples.iot(), nonce: COUNTER_MAX + 1 }),
  ],
  'epoch 2^32 - 1 of a record': [
    () => createTransaction({ ...samples.iot(), epoch: COUNTER_MAX }),
    () => createTransaction({ ...samples.iot(), epoch: COUNTER_MAX + 1 }),
  ],
  'epoch 2^32 - 1 of a tx_key': [
    () => key({ epoch: COUNTER_MAX, previous: transactionId('last') }),
    () => key({ epoch: COUNTER_MAX + 1, previous: transactionId('last') }),
  ],
  'epoch 1 of a document': [
    () => createTransaction({ ...samples.dataWrite(), epoch: 1 } as UnsignedTransaction<'data'>),
    () => createTransaction({ ...samples.dataWrite(), epoch: 0 } as UnsignedTransaction<'data'>),
  ],
  '64 causes': [
    () => createTransaction({ ...samples.diagnosis(), causes: causes(64) }),
    () => createTransaction({ ...samples.diagnosis(), causes: causes(65) }),
  ],
  'delegate slot 8': [() => delegate(8), () => delegate(9)],
  'delegate slot 1': [() => delegate(1), () => delegate(0)],
  '1,024 recipients': [
    () => key({ envelopes: Array.from({ length: 1_024 }, (_, i) => envelope(i)) }),
    () => key({ envelopes: Array.from({ length: 1_025 }, (_, i) => envelope(i)) }),
  ],
  'recipient 2^32 - 1': [
    () => key({ envelopes: [envelope(COUNTER_MAX)] }),
    () => key({ envelopes: [envelope(COUNTER_MAX + 1)] }),
  ],
  [`${KEY_LABELS_MAX} labels`]: [
    () => key({ labels: labels(KEY_LABELS_MAX).map((each) => ({ label: each, commitment })) }),
    () => key({ labels: labels(KEY_LABELS_MAX + 1).map((each) => ({ label: each, commitment })) }),
  ],
  [`envelopes of ${ENVELOPE_BYTES_MAX} bytes`]: [
    () => key({ envelopes: [envelope(0, ENVELOPE_BYTES_MAX)] }),
    () => key({ envelopes: [envelope(0, ENVELOPE_BYTES_MAX + 1)] }),
  ],
  [`${HANDED_MAX} handed keys`]: [
    () =>
      key({
        envelopes: [
          envelope(
            0,
            48,
            Array.from({ length: HANDED_MAX }, () => ({ epoch: 1, label })),
          ),
        ],
      }),
    () =>
      key({
        envelopes: [
          envelope(
            0,
            48,
            Array.from({ length: HANDED_MAX + 1 }, () => ({ epoch: 1, label })),
          ),
        ],
      }),
  ],
  'nine own envelopes': [
    () => key({ ownEnvelopes: Array.from({ length: 9 }, (_, i) => own(i)) }),
    () => key({ ownEnvelopes: Array.from({ length: 10 }, (_, i) => own(i)) }),
  ],
  '64 grants': [
    () => access({ grants: Array.from({ length: 64 }, () => terms!) }),
    () => access({ grants: Array.from({ length: 65 }, () => terms!) }),
  ],
  '1,024 types of a grant': [
    () => access({ grants: [{ ...terms!, dataTypes: labels(1_025).slice(1) }] }),
    () => access({ grants: [{ ...terms!, dataTypes: labels(1_026).slice(1) }] }),
  ],
  'organisations of 1,024 bytes': [
    () => access({ grantee: { role: 'clinician', organisation: 'ü'.repeat(512) } }),
    () => access({ grantee: { role: 'clinician', organisation: `${'ü'.repeat(512)}x` } }),
  ],
  'organisations in normalization form C': [
    () => access({ grantee: { role: 'clinician', organisation: 'caf\u00e9' } }),
    () => access({ grantee: { role: 'clinician', organisation: 'cafe\u0301' } }),
  ],
  'an amount of 2^53 - 1': [
    () => createTransaction({ ...samples.transfer(), amount: Number.MAX_SAFE_INTEGER }),
    () => createTransaction({ ...samples.transfer(), amount: Number.MAX_SAFE_INTEGER + 1 }),
  ],
  'a text of 16 KiB': [
    () => publish({ text: { schema: new Uint8Array(16 * KIB), requirement: new Uint8Array(16 * KIB) } }),
    () => publish({ text: { schema: new Uint8Array(16 * KIB + 1), requirement: new Uint8Array(0) } }),
  ],
  '64 issuers': [() => publish({ issuers: dids(64) }), () => publish({ issuers: dids(65) })],
  'one issuer': [() => publish({ issuers: dids(1) }), () => publish({ issuers: [] })],
  '16 keywords': [() => publish({ keywords: labels(16) }), () => publish({ keywords: labels(17) })],
  '32 witnesses': [() => publish({ witnesses: witnesses(32) }), () => publish({ witnesses: witnesses(33) })],
  'a verifying key of 1,024 bytes': [
    () => publish({ verifyingKey: new Uint8Array(1_024) }),
    () => publish({ verifyingKey: new Uint8Array(1_025) }),
  ],
  'a million shares': [
    () => publish({ price: 0, sharesMax: 1_000_000 }),
    () => publish({ price: 0, sharesMax: 1_000_001 }),
  ],
  'one share': [() => publish({ sharesMax: 1 }), () => publish({ sharesMax: 0 })],
  'a budget of 2^53 - 1': [
    () => publish({ price: Number.MAX_SAFE_INTEGER, sharesMax: 1 }),
    () => publish({ price: (Number.MAX_SAFE_INTEGER + 1) / 2, sharesMax: 2 }),
  ],
  'a minute for a step': [
    () => publish({ deadlines: { ...deadlines, convertWithinMs: 60_000 } }),
    () => publish({ deadlines: { ...deadlines, convertWithinMs: 59_999 } }),
  ],
  'a year for a step': [
    () => publish({ deadlines: { ...deadlines, judgeWithinMs: YEAR_MS } }),
    () => publish({ deadlines: { ...deadlines, judgeWithinMs: YEAR_MS + 1 } }),
  ],
  'proofs of 192 bytes': [
    () => createTransaction({ ...samples.claim(), proof: new Uint8Array(192) }),
    () => createTransaction({ ...samples.claim(), proof: new Uint8Array(193) }),
  ],
  'times up to the last date': [
    () => createTransaction({ ...samples.iot(), issuedAtMs: 8_640_000_000_000_000 }),
    () => createTransaction({ ...samples.iot(), issuedAtMs: 8_640_000_000_000_001 }),
  ],
}

describe('limits of transactions (DESIGN.md 4)', () => {
  it.each(Object.entries(borders))('%s pass, one more does not', (_name, [last, beyond]) => {
    expect(send(last)).toBe('accepted')
    expect(send(beyond)).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each([
    ['tx_key', 256 * KIB, (count: number) => key({ envelopes: keyEnvelopes(count) })],
    ['T_access', 64 * KIB, (count: number) => accessOf(count)],
  ])('%s of exactly %i bytes passes, one more does not', (_name, bytesMax, make) => {
    const spare = bytesMax - encodeTransaction(sign(make(0))).length
    expect(encodeTransaction(sign(make(spare)))).toHaveLength(bytesMax)
    expect(send(() => make(spare))).toBe('accepted')
    expect(send(() => make(spare + 1))).toBe('ERR_ARGUMENT_INVALID')
  })
})

/** 17 envelopes of which the last can grow by `spare` bytes; all heads stay of one length. */
function keyEnvelopes(spare: number): Envelope[] {
  return Array.from({ length: 17 }, (_, i) =>
    envelope(i, i < 15 ? ENVELOPE_BYTES_MAX : i === 15 ? 4_000 : 1_000 + spare),
  )
}

/** Grants that fill most of 64 KiB, with an organisation that grows by `spare` bytes. */
function accessOf(spare: number) {
  const grants = Array.from({ length: 3 }, () => ({ ...terms!, dataTypes: labels(1_025).slice(1) }))
  const rest = { ...terms!, dataTypes: labels(705).slice(1) }
  return access({ grantee: { role: 'clinician', organisation: 'x'.repeat(300 + spare) }, grants: [...grants, rest] })
}

describe('input made to exhaust the reader of transactions', () => {
  const tuple = (kind: number, ...parts: string[]) => concatBytes(Uint8Array.of(0x89, kind), ...parts.map(fromHex))
  const filled = (kind: number, byte: number, length: number) =>
    concatBytes(Uint8Array.of(0x89, kind), new Uint8Array(length - 2).fill(byte))
  const largest = encodeTransaction(sign(key({ envelopes: Array.from({ length: 1_024 }, (_, i) => envelope(i)) })))
  const bombs: Record<string, [Uint8Array, string]> = {
    'nesting of 17': [tuple(3, '81'.repeat(17)), 'ERR_CODEC_LIMIT'],
    '256 KiB of nesting': [filled(4, 0x81, 256 * KIB), 'ERR_CODEC_LIMIT'],
    '1 MiB in place of 64 KiB': [filled(3, 0x00, 1_024 * KIB), 'ERR_CODEC_LIMIT'],
    '1 MiB in place of 256 KiB': [filled(4, 0x00, 1_024 * KIB), 'ERR_CODEC_LIMIT'],
    'a claim of 2^32 - 1 envelopes': [tuple(4, `9affffffff${'00'.repeat(10)}`), 'ERR_CODEC_LIMIT'],
    'a claim of 4 GiB of ciphertext': [tuple(4, `5affffffff${'00'.repeat(10)}`), 'ERR_CODEC_LIMIT'],
    '65,537 items': [concatBytes(fromHex('82049a00010001'), new Uint8Array(65_537).fill(0xf6)), 'ERR_CODEC_LIMIT'],
    '65,000 items of no meaning': [concatBytes(fromHex('820499fde8'), new Uint8Array(65_000)), 'ERR_CODEC_MALFORMED'],
    '65,000 empty lists as envelopes': [
      concatBytes(fromHex('8d04'), largest.subarray(2, 50), fromHex('99fde8'), new Uint8Array(65_000).fill(0x80)),
      'ERR_CODEC_MALFORMED',
    ],
    'a text of 16 KiB and one byte': [
      concatBytes(Uint8Array.of(0x89, 3), encodeHead(3, 16 * KIB + 1), new Uint8Array(16 * KIB + 1).fill(0x61)),
      'ERR_CODEC_LIMIT',
    ],
    'a map of 257 keys': [tuple(3, `b90101${'6161'.repeat(600)}`), 'ERR_CODEC_LIMIT'],
    'the largest tx_key, and its last byte missing': [largest.subarray(0, -1), 'ERR_CODEC_MALFORMED'],
    'the largest tx_key': [largest, 'accepted'],
  }

  it.each(Object.entries(bombs))('%s: told within 50 ms', (_name, [bytes, outcome]) => {
    const ms = leastCpuMs(() => {
      const parsed = parseTransaction(bytes)
      expect(codeOfResult(parsed.ok ? validateTransaction(parsed.value, { chainId }) : parsed)).toBe(outcome)
      if (!parsed.ok) expect(parsed.path).toMatch(/^transaction/)
    }, 7)
    expect(ms).toBeLessThanOrEqual(50)
  })

  it('all of it in a heap of 32 MiB', async () => {
    const contents = `export { parseTransaction, validateTransaction } from './src/transactions/index.ts'`
    const resolveDir = `${import.meta.dirname}/../..`
    const options = { bundle: true, format: 'iife', globalName: 'lib', platform: 'node', write: false } as const
    const bundle = (await build({ ...options, stdin: { contents, resolveDir } })).outputFiles[0]!.text
    const judge = `inputs.map((bytes) => {
      const parsed = lib.parseTransaction(bytes)
      const result = parsed.ok ? lib.validateTransaction(parsed.value, { chainId }) : parsed
      return result.ok ? 'accepted' : result.code
    })`
    const script = `const { parentPort, workerData: { inputs, chainId } } = require('node:worker_threads'); parentPort.postMessage(${judge})`
    const worker = new Worker(`${bundle};${script}`, {
      eval: true,
      workerData: { inputs: Object.values(bombs).map(([bytes]) => Uint8Array.from(bytes)), chainId },
      resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 },
    })
    const outcomes = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
    }).finally(() => worker.terminate())
    expect(outcomes).toEqual(Object.values(bombs).map(([, outcome]) => outcome))
  })
})

describe('sizes on the wire', () => {
  // One line a kind: whoever changes a size changes the format.
  const sizes = Object.entries(samples).map(([name, make]) => [name, encodeTransaction(sign(make())).length])
  it('are pinned', () => {
    expect(Object.fromEntries(sizes)).toMatchInlineSnapshot(`
      {
        "access": 243,
        "accessRevoke": 187,
        "accessRole": 217,
        "acknowledge": 149,
        "claim": 703,
        "complaint": 149,
        "config": 476,
        "conversion": 253,
        "dataRead": 170,
        "dataWrite": 204,
        "delegateEmpty": 120,
        "delegateFill": 195,
        "diagnosis": 203,
        "iot": 168,
        "key": 447,
        "registerAdd": 505,
        "registerRevoke": 154,
        "rekey": 246,
        "requirementDigest": 274,
        "requirementPublish": 1133,
        "requirementWithdraw": 150,
        "shareAcknowledge": 217,
        "shareClose": 150,
        "shareConvert": 184,
        "shareDelegate": 150,
        "shareDispute": 184,
        "shareJudge": 151,
        "transfer": 185,
        "withdrawal": 149,
      }
    `)
  })

  it('and so is the id of one transaction of each kind, which covers every byte that is signed', () => {
    // A registration holds signatures, which differ from one making to the next.
    const rest = Object.entries(samples).filter(([name]) => name !== 'registerAdd')
    const ids = rest.map(([name, make]) => [name, toHex(hashTransaction(make(), { chainId }))])
    expect(Object.fromEntries(ids)).toMatchInlineSnapshot(`
      {
        "access": "31873116b46d36ff417338168a54be941aac6ada02a243df9f825c819bc4141e",
        "accessRevoke": "716fa22dac547352e184d274e5f423f3d879e0ac409bd5956a9ecf47eb1bd78a",
        "accessRole": "734a8ea743f31904cca44849c7ed403ea635be1c9fd86cf7c4fc1a16ba29ebf2",
        "acknowledge": "2f9d1acc6966ea57011d52702bbf0493eed8ddaee7dc8739e83a0012bef90726",
        "claim": "00d8b9123feb1b72654c0963bbbe5a4cd07c50693634b86928b837d40a542502",
        "complaint": "329bf5360e56989289daf16ac5ef4a846f8458c18b07c9293eac222d62523a39",
        "config": "b0526bc2fa0bbd34dfca521dafec53a6470f2da449b4b71b84dd071cd5f7a83f",
        "conversion": "098c8205d73dea82de1865f5a8aff30aab39fe49e55b1966fe6c8704fdfd74bb",
        "dataRead": "b29e1abe9968966b5ed9492944673e7590ef1cbef5ed8bbfa65f2194c53c5866",
        "dataWrite": "e266df2faa4578545d76a3f62658956eaaabc67c2c2df4b544769468861bfbf2",
        "delegateEmpty": "67d751a69eb3dcca872d5e7eef56485b99a9d6bdfd475af710f1ecec3377768d",
        "delegateFill": "8039a785f23dfeb091e41266af9521ce8069a890be20540494094d5382e55997",
        "diagnosis": "70349152846f5e5590a3952924a55ae23d5f518179fcd5bdfe81703949ce03e7",
        "iot": "164376fc1b4ad2c21f5c4bb08edf1a8f2020481c0492c0c6a12235ec12dd50d3",
        "key": "aed54c3d3b13d5927d120e1279346cb721728bde74adb52491eecc4b813615de",
        "registerRevoke": "632792a0e730f7ce410e27c7bc35a5fb3a157757d4a683ec2c704cdcbb27511a",
        "rekey": "ae229d01994de0deb801a8e9bddbf436037aa4ea2d8d7d9b2d9d7bb5e3bf9b93",
        "requirementDigest": "cf6a44aff248f7875d589546effc0a63375c5cb48bd80ffe2dcd982b33523200",
        "requirementPublish": "e88dbbceada1b3c735d30bce4b7969fb51b23a5184bd8284c4c19a0564775b9a",
        "requirementWithdraw": "08592e20b25bed10ce2e896ead942fdc35cb76120e1bd7187aba36e724c647a4",
        "shareAcknowledge": "49a329d5bef1a4d0e25e43981dfb0e896155b35cf9290c631e2327b3d4118dac",
        "shareClose": "e0e2b78ff348714db3d9c5dedb27df73df94bc168cf02b8511df9e96efde1055",
        "shareConvert": "4545c89da5f0d0b4f19462e4907554c0f0816bf598afd654a2b11acceb0f04b5",
        "shareDelegate": "7b56827a870454eb9fb4ab232588735c60e27a9eb0567bbd188af651d5f4e0d3",
        "shareDispute": "f823b92fb02ee3201592c3dae80dfb3b1dd1c899f5fd15e2b31f32f15de28d36",
        "shareJudge": "9d85621c20a19e5e7fd5ec02b25d41f0e1b3e1cacdcb197c37594cc630b71b83",
        "transfer": "de42f87130319480213d90cd9f331ac5737e5c48ed143f507077c40d285b809f",
        "withdrawal": "a31a4bbb4bac54eafcbb4f98047289910f9fef35a5d489b3e8a808a0f90f9b02",
      }
    `)
  })
})

describe('a signature', () => {
  it('holds for one kind, slot, nonce and account only', () => {
    const signed = sign(samples.iot())
    const { signature } = signed
    const document = createTransaction({ ...samples.dataWrite() })
    const others: UnsignedTransaction[] = [
      document,
      createTransaction({ ...samples.iot(), nonce: 1 }),
      createTransaction({ ...samples.iot(), sender: doctor.did }),
    ]
    for (const other of others) {
      expect(validateTransaction({ ...other, signature }, { chainId, signingKey: patient.did })).toMatchObject({
        code: 'ERR_SIGNATURE_INVALID',
      })
    }
    // The phone fills two slots: what it signed for one does not go through the other.
    const slot = (delegate: number) => createTransaction({ ...samples.iot(), delegate })
    const first = signTransaction(slot(1), { chainId, signer: phone.signer })
    const options = { chainId, signingKey: phone.did, rights: ['publish'] as const }
    expect(unwrap(validateTransaction(first, options)).delegate).toBe(1)
    expect(validateTransaction({ ...first, delegate: 2 }, options).ok).toBe(false)
  })
})

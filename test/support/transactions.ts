import { createCredential, issueCredential } from '../../src/identity/index.ts'
import { createRecordId, hashBlock, RAW_CODEC } from '../../src/primitives/content-id.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { createId } from '../../src/primitives/ids.ts'
import { TIME_MS_MAX } from '../../src/primitives/limits.ts'
import type { Signature } from '../../src/primitives/signature.ts'
import { createTransaction, type Transaction, type UnsignedTransaction } from '../../src/transactions/index.ts'
import { chainId, party } from './parties.ts'

export const patient = party('ann')
export const doctor = party('bob')
export const registrar = party('registrar')
export const phone = party('phone')

export const record = createRecordId(hashBlock(RAW_CODEC, toUtf8('a ciphertext')))
export const heartRate = 'http://loinc.org|8867-4'
export const label = createLabeler().label(heartRate)
export const issuedAtMs = 1_763_600_000_000
export const digest = (text: string) => sha256(toUtf8(text))
export const transactionId = (text: string) => createId('transaction', digest(text))

const header = { sender: patient.did, nonce: 0, issuedAtMs }

/** One transaction of each kind and form, as small as its kind allows. */
export const samples = {
  registerAdd: () =>
    createTransaction({
      ...header,
      kind: 'register',
      sender: registrar.did,
      operation: 'add',
      subject: doctor.did,
      keys: doctor.keys,
      credentials: [
        issueCredential(
          createCredential({
            kind: 'E-Cert',
            issuer: registrar.did,
            subject: doctor.did,
            role: 'clinician',
            organisation: 'hospital.example',
            notBeforeMs: issuedAtMs,
            notAfterMs: issuedAtMs + 86_400_000,
          }),
          { chainId, signer: registrar.signer },
        ),
      ],
      previousSignature: null,
    }),
  registerRevoke: () =>
    createTransaction({
      ...header,
      kind: 'register',
      sender: registrar.did,
      operation: 'revoke',
      subject: doctor.did,
      keys: null,
      credentials: [],
      previousSignature: null,
    }),
  delegateFill: () =>
    createTransaction({
      ...header,
      kind: 'delegate',
      slot: 1,
      signingKey: phone.did,
      agreement: phone.keys.agreement,
      rights: ['publish'],
      notAfterMs: TIME_MS_MAX,
    }),
  delegateEmpty: () => createTransaction({ ...header, kind: 'delegate', slot: 8, signingKey: null }),
  iot: () => createTransaction({ ...header, kind: 'iot', record, label, epoch: 1 }),
  key: () =>
    createTransaction({
      ...header,
      kind: 'key',
      mode: 'rotate',
      epoch: 1,
      previous: null,
      labels: [{ label, commitment: digest('type key') }],
      envelopes: [
        {
          index: 3,
          enc: digest('enc'),
          ciphertext: new Uint8Array(88),
          commitment: digest('diagnosis key'),
          handed: [
            { epoch: 1, label },
            { epoch: 1, doctorIndex: 2 },
          ],
        },
      ],
      ownEnvelopes: [{ delegate: 0, enc: digest('own'), ciphertext: new Uint8Array(52) }],
      escrow: null,
    }),
  diagnosis: () =>
    createTransaction({
      ...header,
      kind: 'diagnosis',
      sender: doctor.did,
      causes: [transactionId('one')],
      record,
      label,
      epoch: 1,
    }),
  access: () =>
    createTransaction({
      ...header,
      kind: 'access',
      patient: patient.did,
      grantee: doctor.did,
      grants: [
        {
          dataTypes: [label],
          actions: ['access', 'write'],
          purposes: ['TREAT'],
          access: { fromMs: issuedAtMs, untilMs: issuedAtMs + 1 },
          data: { fromMs: 0, untilMs: 1 },
          effect: 'permit',
          obligations: [
            { kind: 'redact', labels: ['R'] },
            { kind: 'notify-patient' },
            { kind: 'exclusive-until', untilMs: 5 },
            { kind: 'delete-after', afterMs: 6 },
          ],
        },
      ],
      supersedes: null,
    }),
  accessRole: () =>
    createTransaction({
      ...header,
      kind: 'access',
      patient: patient.did,
      grantee: { role: 'clinician', organisation: 'hospital.example' },
      grants: [
        {
          dataTypes: 'all',
          actions: ['access'],
          purposes: ['ETREAT'],
          access: { fromMs: 0, untilMs: 1 },
          effect: 'deny',
        },
      ],
      supersedes: transactionId('before'),
    }),
  accessRevoke: () =>
    createTransaction({
      ...header,
      kind: 'access',
      patient: patient.did,
      grantee: doctor.did,
      grants: [],
      supersedes: null,
    }),
  dataWrite: () =>
    createTransaction({ ...header, kind: 'data', mode: 'write', patient: patient.did, record, label, epoch: 1 }),
  dataRead: () =>
    createTransaction({
      ...header,
      kind: 'data',
      sender: doctor.did,
      mode: 'read',
      patient: patient.did,
      label,
      record: null,
      purpose: 'TREAT',
    }),
  acknowledge: () =>
    createTransaction({ ...header, kind: 'acknowledge', sender: doctor.did, answers: transactionId('a tx_key') }),
  complaint: () =>
    createTransaction({ ...header, kind: 'complaint', sender: doctor.did, answers: transactionId('a tx_key') }),
  transfer: () =>
    createTransaction({ ...header, kind: 'transfer', payee: doctor.did, amount: 1, memo: digest('memo') }),
  rekey: () =>
    createTransaction({
      ...header,
      kind: 'rekey',
      reKey: digest('a re-key'),
      proxy: registrar.did,
      delegatee: doctor.did,
      label,
      epoch: 1,
      untilMs: issuedAtMs + 1,
    }),
  conversion: () =>
    createTransaction({
      ...header,
      kind: 'conversion',
      sender: registrar.did,
      patient: patient.did,
      delegatee: doctor.did,
      reKey: digest('a re-key'),
      converted: digest('a converted capsule'),
    }),
  config: () =>
    createTransaction({
      ...header,
      kind: 'config',
      sender: registrar.did,
      memberEpoch: 0,
      members: [
        { did: doctor.did },
        { did: patient.did, bls: { publicKey: new Uint8Array(96).fill(7), proof: new Uint8Array(48).fill(8) } },
      ],
      approvals: [
        { member: 0, signature: new Uint8Array(65).fill(1) as Signature },
        { member: 2, signature: new Uint8Array(65).fill(2) as Signature },
      ],
    }),
  requirementPublish: () =>
    createTransaction({
      ...header,
      kind: 'requirement',
      sender: doctor.did,
      step: 'publish',
      study: digest('study'),
      requirement: digest('requirement'),
      schema: digest('schema'),
      text: { schema: Uint8Array.of(1, 2), requirement: Uint8Array.of(3) },
      issuers: [registrar.did],
      ageMsMax: 86_400_000,
      checksWithdrawal: true,
      keywords: ['diabetes', 'glucose'],
      verifyingKey: new Uint8Array(715).fill(9),
      witnesses: [{ account: patient.did, signature: new Uint8Array(65).fill(1) as Signature }],
      price: 1_000_000,
      sharesMax: 100,
      exclusiveForMs: 5,
      expiresAtMs: issuedAtMs + 86_400_000,
      deadlines: { convertWithinMs: 60_000, answerWithinMs: 60_001, judgeWithinMs: 60_002 },
    }),
  requirementDigest: () =>
    createTransaction({
      ...header,
      kind: 'requirement',
      sender: doctor.did,
      step: 'publish',
      study: digest('study'),
      requirement: digest('requirement'),
      schema: digest('schema'),
      text: null,
      issuers: [registrar.did],
      ageMsMax: null,
      checksWithdrawal: false,
      keywords: [],
      verifyingKey: new Uint8Array(0),
      witnesses: [],
      price: 0,
      sharesMax: 1,
      exclusiveForMs: null,
      expiresAtMs: 0,
      deadlines: { convertWithinMs: 60_000, answerWithinMs: 60_000, judgeWithinMs: 60_000 },
    }),
  requirementWithdraw: () =>
    createTransaction({
      ...header,
      kind: 'requirement',
      sender: doctor.did,
      step: 'withdraw',
      listing: transactionId('a listing'),
    }),
  claim: () =>
    createTransaction({
      ...header,
      kind: 'claim',
      listing: transactionId('a listing'),
      issuer: registrar.did,
      commitment: digest('h'),
      attestedAtMs: issuedAtMs,
      attestation: new Uint8Array(65).fill(3) as Signature,
      studyNullifier: digest('nStudy'),
      recordNullifier: digest('nRecord'),
      proof: new Uint8Array(192).fill(4),
      expiresAtMs: issuedAtMs + 1,
      payee: patient.did,
      proxy: doctor.did,
      reKey: digest('a re-key'),
      share: digest('a share'),
    }),
  shareDelegate: () =>
    createTransaction({
      ...header,
      kind: 'share',
      sender: doctor.did,
      step: 'delegate',
      claim: transactionId('claim'),
    }),
  shareConvert: () =>
    createTransaction({
      ...header,
      kind: 'share',
      sender: doctor.did,
      step: 'convert',
      claim: transactionId('claim'),
      converted: digest('a converted capsule'),
    }),
  shareAcknowledge: () =>
    createTransaction({
      ...header,
      kind: 'share',
      sender: doctor.did,
      step: 'acknowledge',
      claim: transactionId('claim'),
      claimSignature: new Uint8Array(65).fill(5) as Signature,
    }),
  shareDispute: () =>
    createTransaction({
      ...header,
      kind: 'share',
      sender: doctor.did,
      step: 'dispute',
      claim: transactionId('claim'),
      evidence: digest('evidence'),
    }),
  shareJudge: () =>
    createTransaction({
      ...header,
      kind: 'share',
      sender: registrar.did,
      step: 'judge',
      claim: transactionId('claim'),
      verdict: 'not-as-attested',
    }),
  shareClose: () => createTransaction({ ...header, kind: 'share', step: 'close', claim: transactionId('claim') }),
  withdrawal: () =>
    createTransaction({ ...header, kind: 'withdrawal', sender: registrar.did, commitment: digest('h') }),
} satisfies Record<string, () => UnsignedTransaction>

/** Who signs for a sample. */
export function signerOf({ sender }: UnsignedTransaction | Transaction) {
  const signer = [patient, doctor, registrar].find(({ did }) => did === sender)?.signer
  if (signer === undefined) throw new Error('a sample of nobody')
  return signer
}

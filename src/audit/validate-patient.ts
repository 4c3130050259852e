/**
 * Verification of one patient's bundle: from one certified header to each transaction, and that none is missing.
 *
 * What was not executed is proven: members who certified a header executed its block, so that receipts and state under its
 * roots are what a quorum of them computed. Signatures of senders are checked again here, so that an entry speaks for its
 * sender and not only for the members.
 */

import { equalBytes, type Verified } from '../primitives/bytes.ts'
import { verifyMapProof } from '../primitives/authenticated-map-proof.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { COUNTER_MAX, TIME_MS_MAX } from '../primitives/limits.ts'
import { hashMerkleLeaf, verifyInclusion } from '../primitives/merkle.ts'
import { reportStep } from '../primitives/progress.ts'
import { encodeShape, parseShape, transactionId, uint, type Shape } from '../primitives/shape.ts'
import { encodeKeyRecord, RIGHTS } from '../identity/index.ts'
import { parseTransaction, validateTransaction, type Transaction } from '../transactions/index.ts'
import {
  accountShape,
  createView,
  credentialListShape,
  hashHeader,
  hashReceipt,
  hashTransactionLeaf,
  parseHeader,
  parseReceipt,
  stateKeys,
  type Committed,
  type MemberSet,
  type Header,
  type Receipt,
  type StateKey,
} from '../chain/index.ts'
import { createAccountBook, type AccountBook, type Slot } from './account-book.ts'
import type { Excerpt, ExcerptEntry, PatientBundle, ProvenAccount, ProvenValue } from './bundle-format.ts'
import { describeEpochs, type AuditedLedger } from './evidence.ts'
import { breakAt, refuseProof } from './refusal.ts'
import { checkCertificate, checkEpoch, readEpochs, readHeader } from './validate-epochs.ts'
import { checkTrusted, type Verification } from './verification.ts'

interface Walk {
  readonly bundle: PatientBundle
  readonly verification: Verification
  readonly head: Header
  readonly headHash: Digest32
  /** The members by epoch, oldest first. */
  readonly epochs: readonly MemberSet[]
  readonly book: AccountBook
  /** Numbers of the accounts that the bundle proves. */
  readonly numbers: ReadonlyMap<Did, number>
  readonly committed: Committed[]
  /** How many of the patient's own transactions were seen. */
  ownSeen: number
}

const countShape = uint(COUNTER_MAX)

/** Returns the view of a patient's bundle, or stops at the first link that breaks. */
export async function validatePatientBundle(bundle: PatientBundle, verification: Verification): Promise<AuditedLedger> {
  const { genesis, patient, excerpts } = bundle
  const { head, headHash, epochs } = readHead(bundle, verification)
  const numbers = new Map(bundle.accounts.map((proven) => [proven.did, readNumber(proven, head)]))
  const walk: Walk = {
    bundle,
    verification,
    head,
    headHash,
    epochs,
    book: createAccountBook(genesis.registrars),
    numbers,
    committed: [],
    ownSeen: 0,
  }
  readOwnList(walk)
  let before = 0
  for (const [index, excerpt] of excerpts.entries()) {
    before = readExcerpt(walk, excerpt, before)
    await reportStep(verification, { done: index + 1, total: excerpts.length, step: 'proofs' })
  }
  finish(walk)
  const { committed } = walk
  const { height, timeMs } = head
  const { chainId, registrars } = genesis
  return {
    ...createView({ chainId, registrars, height, timeMs, committed, numbers }),
    evidence: {
      form: 'patient',
      patient,
      head: { height, hash: headHash, timeMs },
      epochs: describeEpochs(epochs, height),
      blockCount: excerpts.length,
      transactionCount: committed.length,
      refusedCount: committed.filter(({ receipt }) => receipt.code !== null).length,
    },
  }
}

function readHead(bundle: PatientBundle, verification: Verification): Pick<Walk, 'head' | 'headHash' | 'epochs'> {
  const { genesis, head: proven, heightLast } = bundle
  const head = readHeader(proven.header, genesis, heightLast)
  const headHash = hashHeader(head)
  checkTrusted(head.height, headHash, verification.trustedHead)
  const epochs = readEpochs(bundle, head, verification)
  const present = checkEpoch(epochs, head)
  checkCertificate({ header: head, hash: headHash, certificate: proven.certificate }, present, verification)
  return { head, headHash, epochs }
}

/** The value that the state has under a key, after its proof. */
function readState<T>(head: Header, key: StateKey, { value, proof }: ProvenValue, shape: Shape<T>): T | undefined {
  if (!verifyMapProof({ root: head.stateRoot, key, value, proof })) refuseProof(head.height, `state entry ${key[0]}`)
  if (value === null) return undefined
  const parsed = parseShape(value, shape, { object: key[0] })
  return parsed.ok ? parsed.value : breakAt(head.height, 'state', parsed.message)
}

function readNumber({ did, account }: ProvenAccount, head: Header): number {
  const entry = readState(head, stateKeys.account(did), account, accountShape)
  return entry?.index ?? breakAt(head.height, 'account', `${did} is not registered`)
}

/** The list of the patient's transactions, from which nothing may be missing. */
function readOwnList({ bundle, head }: Walk): void {
  const { patient, own } = bundle
  const list = stateKeys.own(patient)
  const value = own.count === 0 ? null : encodeShape(own.count, countShape, { object: 'own' })
  readState(head, list, { value, proof: own.proof }, countShape)
  if (own.entries.length !== own.count)
    breakAt(
      head.height,
      'completeness',
      `expected ${own.count} transactions of the patient, found ${own.entries.length}`,
    )
  for (const [index, { id, proof }] of own.entries.entries()) {
    const entry = { value: encodeShape(id, transactionId, { object: 'own' }), proof }
    readState(head, [...list, index], entry, transactionId)
  }
}

/** Reads one block's excerpt and returns its height. */
function readExcerpt(walk: Walk, { header: bytes, historyProof, transactions }: Excerpt, before: number): number {
  const { bundle, epochs, head, headHash, verification } = walk
  const header = readHeader(bytes, bundle.genesis, before)
  checkEpoch(epochs, header)
  const { height } = header
  if (height <= before) breakAt(height, 'order', `expected a block after ${before}`)
  if (height > head.height) breakAt(height, 'order', `expected a block up to the head, ${head.height}`)
  const hash = hashHeader(header)
  const count = head.height - 1
  const isInHistory =
    height === head.height
      ? historyProof.length === 0 && equalBytes(hash, headHash)
      : verifyInclusion({
          root: head.historyRoot,
          count,
          index: height - 1,
          leafHash: hashMerkleLeaf(hash),
          proof: historyProof,
        })
  if (!isInHistory) refuseProof(height, 'its header under the head')
  checkTrusted(height, hash, verification.trustedHead)
  let position = -1
  for (const entry of transactions) {
    if (entry.position <= position) breakAt(height, 'order', 'expected transactions in the order of the block')
    position = entry.position
    readEntry(walk, header, entry)
  }
  return height
}

function readEntry(walk: Walk, header: Header, entry: ExcerptEntry): void {
  const { bundle, book, committed } = walk
  const { height, timeMs, count } = header
  const { position: index } = entry
  const receipt = parseReceipt(entry.receipt)
  if (!receipt.ok) breakAt(height, 'receipt', receipt.message)
  const transaction = readTransaction(walk, header, entry)
  const { transactionsRoot, receiptsRoot } = header
  const leafHash = hashTransactionLeaf(transaction)
  if (!verifyInclusion({ root: transactionsRoot, count, index, leafHash, proof: entry.transactionProof }))
    refuseProof(height, `transaction ${transaction.id}`)
  const isReceipt =
    receipt.value.id === transaction.id &&
    verifyInclusion({
      root: receiptsRoot,
      count,
      index,
      leafHash: hashReceipt(receipt.value),
      proof: entry.receiptProof,
    })
  if (!isReceipt) refuseProof(height, `the receipt of ${transaction.id}`)
  const isOwn = bundle.own.entries[walk.ownSeen]?.id === transaction.id
  if (isOwn) walk.ownSeen++
  const patient = isOwn ? bundle.patient : supportOf(walk, height, transaction, receipt.value)
  if (isOwn && receipt.value.code === null) checkNamed(walk, height, transaction)
  const added: Committed = { transaction, receipt: receipt.value, height, timeMs, patient }
  committed.push(added)
  book.apply(added)
}

function readTransaction(
  walk: Walk,
  { height, timeMs }: Header,
  { transaction: bytes }: ExcerptEntry,
): Verified<Transaction> {
  const { bundle, verification, book } = walk
  const { chainId } = bundle.genesis
  const { verifier, preKeyVerifier } = verification
  const parsed = parseTransaction(bytes)
  if (!parsed.ok) breakAt(height, 'transaction', parsed.message)
  const { sender, delegate, kind } = parsed.value
  const slot = book.slot(sender, delegate) ?? firstKey(walk, parsed.value)
  if (slot === undefined || timeMs >= slot.notAfterMs)
    breakAt(height, 'signature', `no key of slot ${delegate} of ${sender} is shown for a ${kind}`)
  const valid = validateTransaction(parsed.value, {
    chainId,
    verifier,
    signingKey: slot.signingKey,
    rights: slot.rights,
    signingKeyOf: (did) => book.slot(did, 0)?.signingKey ?? did,
    preKeyVerifier,
  })
  return valid.ok ? valid.value : breakAt(height, 'signature', valid.message)
}

/** The key of an account that registers itself or, named by the genesis, others: its own first one. */
function firstKey(
  { bundle, book }: Walk,
  { sender, delegate, kind }: Pick<Transaction, 'sender' | 'delegate' | 'kind'>,
): Slot | undefined {
  if (kind !== 'register' || delegate !== 0 || book.account(sender) !== undefined) return undefined
  const { registrars } = bundle.genesis
  if (registrars.length > 0 && !registrars.includes(sender)) return undefined
  return { signingKey: sender, rights: RIGHTS, notAfterMs: TIME_MS_MAX }
}

/** Whose affairs a transaction of others concerns: only what shows the keys of an account may be there. */
function supportOf({ numbers, bundle }: Walk, height: number, transaction: Transaction, { code }: Receipt): Did {
  const about =
    transaction.kind === 'register'
      ? transaction.subject
      : transaction.kind === 'delegate'
        ? transaction.sender
        : undefined
  const isSupport = code === null && about !== undefined && about !== bundle.patient && numbers.has(about)
  return isSupport
    ? about
    : breakAt(height, 'transaction', `${transaction.id} is not the next that concerns the patient`)
}

/** Everyone whom a transaction gives something must be shown, or an audit would overlook him. */
function checkNamed({ numbers }: Walk, height: number, transaction: Transaction): void {
  if (transaction.kind === 'access' && typeof transaction.grantee === 'string' && !numbers.has(transaction.grantee))
    breakAt(height, 'account', `the grantee ${transaction.grantee} is not shown`)
  if (transaction.kind !== 'key') return
  const shown = new Set(numbers.values())
  const named = transaction.envelopes.flatMap(({ index, handed }) => [
    index,
    ...handed.flatMap((key) => ('doctorIndex' in key ? [key.doctorIndex] : [])),
  ])
  const missing = named.find((number) => !shown.has(number))
  if (missing !== undefined) breakAt(height, 'account', `the recipient with number ${missing} is not shown`)
}

function finish(walk: Walk): void {
  const { bundle, head, ownSeen } = walk
  const missing = bundle.own.entries[ownSeen]
  if (missing !== undefined) breakAt(head.height, 'completeness', `transaction ${missing.id} of the patient is missing`)
  for (const account of bundle.accounts) checkAccount(walk, account)
  const { trustedHead } = walk.verification
  if (trustedHead === undefined || [0, head.height].includes(trustedHead.height)) return
  const isShown = [...bundle.epochs, ...bundle.excerpts].some(({ header }) => {
    const parsed = parseHeader(header)
    return parsed.ok && parsed.value.height === trustedHead.height
  })
  if (!isShown) breakAt(trustedHead.height, 'trusted head', 'the bundle does not show this block; export it with it')
}

/** The keys and credentials that the shown registrations give must be those of the state: then none was left out. */
function checkAccount({ book, head }: Walk, { did, account, credentials }: ProvenAccount): void {
  const entry = readState(head, stateKeys.account(did), account, accountShape)
  const shown = book.account(did)
  const isSame =
    entry !== undefined &&
    entry.isRevoked === shown?.isRevoked &&
    equalBytes(encodeKeyRecord(entry.keys), encodeKeyRecord(shown.keys))
  if (!isSame) breakAt(head.height, 'account', `the registrations of ${did} are not all shown`)
  const held = readState(head, stateKeys.credentials(did), credentials, credentialListShape) ?? []
  const write = (list: typeof held) => encodeShape(list, credentialListShape, { object: 'credentials' })
  if (!equalBytes(write(held), write(book.credentials(did))))
    breakAt(head.height, 'account', `the credentials of ${did} are not all shown`)
}

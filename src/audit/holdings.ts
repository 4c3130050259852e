/**
 * Which keys who received: one pass over what a ledger says of a patient, in its order.
 *
 * An envelope is sealed, so what it holds is taken from the rule of tx_key: the types that the recipient's grants covered
 * at that block, of those listed. An owner who puts in more breaks his own policy outside of the ledger, and nobody can see
 * that here; one who puts in less is complained of.
 */

import { rightsOf } from '../identity/index.ts'
import { createPolicyIndex, findCoverage, type Action, type Coverage, type PolicyIndex } from '../policy/index.ts'
import type { Committed, LedgerView } from '../chain/index.ts'
import { toHex } from '../primitives/bytes.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import type { HandedKey, KeyTransaction, RekeyBody, Transaction } from '../transactions/index.ts'
import { createAccountBook, type AccountBook } from './account-book.ts'

/** How somebody came to a key. */
export type Through = 'owner' | 'delegate' | 'envelope' | 'author' | 'handed' | 're-encryption'

/** What a key opens within its epoch. */
export type Opens =
  /** Everything: the epoch root. */
  | { readonly kind: 'root' }
  /** Each type: the secret from which type keys follow. */
  | { readonly kind: 'types' }
  /** These types. */
  | { readonly kind: 'labels'; readonly labels: ReadonlySet<Label> }
  /** What this doctor sealed. */
  | { readonly kind: 'diagnosis'; readonly doctor: Did }

/** One key that somebody received. */
export interface Holding {
  readonly holder: Did
  readonly epoch: number
  readonly since: TransactionId
  readonly through: Through
  readonly opens: Opens
}

/** A record as it was entered. */
export interface Recording {
  readonly record: RecordId
  readonly owner: Did
  /** The owner, or the doctor under whose diagnosis key it is sealed. */
  readonly author: Did
  readonly label: Label
  readonly epoch: number
  readonly issuedAtMs: number
  readonly height: number
}

/** An answer to a tx_key, and its block. */
export interface Answer {
  readonly state: 'acknowledged' | 'complained'
  readonly height: number
}

/** What a ledger says of a patient's keys. */
export interface Holdings {
  readonly byEpoch: ReadonlyMap<number, readonly Holding[]>
  readonly records: readonly Recording[]
  /** The patient's newest epoch; 0 before the first. */
  readonly epoch: number
  answer(of: { readonly transaction: TransactionId; readonly holder: Did }): Answer | undefined
  /** Accounts as they stand at the end of the view. */
  readonly book: AccountBook
}

/** Coverage on a ledger: an account's grants with its credentials. */
export function coverageIn(
  { policy, book }: { readonly policy: PolicyIndex<Label>; readonly book: AccountBook },
  of: {
    readonly patient: Did
    readonly grantee: Did
    readonly atMs: number
    readonly dataAtMs?: number
    readonly action?: Action
  },
): Coverage<Label> | undefined {
  return findCoverage(policy, { ...of, credentials: book.held(of.grantee) })
}

/** Tells whether a coverage holds a type. */
export function covers(coverage: Coverage<Label>, label: Label): boolean {
  return (coverage.dataTypes === 'all' || coverage.dataTypes.includes(label)) && !coverage.except.includes(label)
}

/** Tells whether a key of a record's epoch opens it. */
export function isOpenedBy({ author, owner, label }: Recording, opens: Opens): boolean {
  const isUnderTypeKey = author === owner
  switch (opens.kind) {
    case 'root':
      return true
    case 'types':
      return isUnderTypeKey
    case 'labels':
      return isUnderTypeKey && opens.labels.has(label)
    case 'diagnosis':
      return !isUnderTypeKey && opens.doctor === author
  }
}

const known = /* @__PURE__ */ new WeakMap<LedgerView, Map<Did, Holdings>>()

/** Returns what a view says of a patient's keys. Cost: one pass over the view, once for each view and patient. */
export function holdingsOf(view: LedgerView, patient: Did): Holdings {
  const byPatient = known.get(view) ?? new Map<Did, Holdings>()
  known.set(view, byPatient)
  const found = byPatient.get(patient) ?? collect(view, patient)
  byPatient.set(patient, found)
  return found
}

/** Every place where a record was entered; two owners may have entered the same ciphertext. */
export function findRecordings(view: LedgerView, record: RecordId): readonly Recording[] {
  const owners = new Set<Did>()
  for (const { transaction, patient } of view.transactions({}))
    if ('record' in transaction && transaction.record === record) owners.add(patient)
  return [...owners].flatMap((owner) => holdingsOf(view, owner).records.filter((entry) => entry.record === record))
}

interface Collecting {
  readonly view: LedgerView
  readonly patient: Did
  readonly policy: PolicyIndex<Label>
  readonly book: AccountBook
  readonly byEpoch: Map<number, Holding[]>
}

function collect(view: LedgerView, patient: Did): Holdings {
  const collecting: Collecting = {
    view,
    patient,
    policy: createPolicyIndex<Label>(),
    book: createAccountBook(view.registrars),
    byEpoch: new Map(),
  }
  const records: Recording[] = []
  const answers = new Map<string, Answer>()
  const rekeys = new Map<string, RekeyBody>()
  for (const entry of view.transactions({})) {
    const { transaction, height } = entry
    collecting.book.apply(entry)
    if (entry.patient !== patient) continue
    const recording = toRecording(entry)
    if (recording !== undefined) records.push(recording)
    if (transaction.kind === 'access') {
      const { sender: grantor, grantee, grants } = transaction
      collecting.policy.apply({ patient, grantor, grantee, grants }, { height })
    }
    if (transaction.kind === 'key') addKeys(collecting, entry as Committed<'key'>)
    if (transaction.kind === 'rekey') rekeys.set(nameOfRekey(transaction), transaction)
    if (transaction.kind === 'conversion') addConverted(collecting, transaction, rekeys.get(nameOfRekey(transaction)))
    if (transaction.kind === 'acknowledge' || transaction.kind === 'complaint') {
      const state = transaction.kind === 'acknowledge' ? 'acknowledged' : 'complained'
      answers.set(`${transaction.answers} ${transaction.sender}`, { state, height })
    }
  }
  return {
    byEpoch: collecting.byEpoch,
    records,
    epoch: Math.max(0, ...collecting.byEpoch.keys()),
    answer: ({ transaction, holder }) => answers.get(`${transaction} ${holder}`),
    book: collecting.book,
  }
}

function toRecording({ transaction, patient: owner, height }: Committed): Recording | undefined {
  const isWrite =
    transaction.kind === 'iot' ||
    transaction.kind === 'diagnosis' ||
    (transaction.kind === 'data' && transaction.mode === 'write')
  if (!isWrite) return undefined
  const { record, sender: author, label, epoch, issuedAtMs } = transaction
  return { record, owner, author, label, epoch, issuedAtMs, height }
}

function add({ byEpoch }: Collecting, holding: Holding): void {
  const list = byEpoch.get(holding.epoch)
  if (list === undefined) byEpoch.set(holding.epoch, [holding])
  else list.push(holding)
}

function addKeys(collecting: Collecting, { transaction, timeMs }: Committed<'key'>): void {
  const { view, patient } = collecting
  const { id: since, epoch, envelopes } = transaction
  addOwn(collecting, transaction)
  const listed = transaction.labels.map(({ label }) => label).filter((label) => label !== ALL_TYPES_LABEL)
  for (const { index, handed } of envelopes) {
    const holder = view.accountAt(index)
    if (holder === undefined) continue
    const coverage = coverageIn(collecting, { patient, grantee: holder, atMs: timeMs })
    add(collecting, { holder, epoch, since, through: 'envelope', opens: opensFor(coverage, listed) })
    add(collecting, { holder, epoch, since, through: 'author', opens: { kind: 'diagnosis', doctor: holder } })
    for (const key of handed) addHanded(collecting, { holder, since, key })
  }
}

function opensFor(coverage: Coverage<Label> | undefined, listed: readonly Label[]): Opens {
  // Whoever only writes is covered for no type and holds a diagnosis key alone.
  if (coverage === undefined) return { kind: 'labels', labels: new Set() }
  if (coverage.dataTypes === 'all' && coverage.except.length === 0) return { kind: 'types' }
  return { kind: 'labels', labels: new Set(listed.filter((label) => covers(coverage, label))) }
}

function addOwn(collecting: Collecting, transaction: KeyTransaction): void {
  const { patient, book } = collecting
  const { id: since, epoch, mode, ownEnvelopes } = transaction
  // Who makes an epoch with the account key knows its root, also where no envelope says so.
  const isMadeByAccount = mode === 'rotate' && transaction.delegate === 0
  if (isMadeByAccount || ownEnvelopes.some(({ delegate }) => delegate === 0))
    add(collecting, { holder: patient, epoch, since, through: 'owner', opens: { kind: 'root' } })
  for (const { delegate } of ownEnvelopes) {
    const slot = delegate === 0 ? undefined : book.slot(patient, delegate)
    if (slot === undefined) continue
    const kind = rightsOf(slot.rights).includes('rotate') ? 'root' : 'types'
    add(collecting, { holder: slot.signingKey, epoch, since, through: 'delegate', opens: { kind } })
  }
}

/** A re-key by its delegatee and id, which the ledger keeps apart from others' of the same id. */
export function nameOfRekey({ delegatee, reKey }: Pick<RekeyBody, 'delegatee' | 'reKey'>): string {
  return `${delegatee} ${toHex(reKey)}`
}

/** What was converted is the key of a type: the delegatee has it from then on. */
function addConverted(
  collecting: Collecting,
  { id: since, delegatee: holder }: Transaction<'conversion'>,
  rekey: RekeyBody | undefined,
): void {
  if (rekey === undefined) return
  const { epoch, label } = rekey
  const opens: Opens = { kind: 'labels', labels: new Set([label]) }
  add(collecting, { holder, epoch, since, through: 're-encryption', opens })
}

function addHanded(
  collecting: Collecting,
  { holder, since, key }: { readonly holder: Did; readonly since: TransactionId; readonly key: HandedKey },
): void {
  const { epoch } = key
  if ('doctorIndex' in key) {
    const doctor = collecting.view.accountAt(key.doctorIndex)
    if (doctor !== undefined)
      add(collecting, { holder, epoch, since, through: 'handed', opens: { kind: 'diagnosis', doctor } })
    return
  }
  const opens: Opens =
    key.label === ALL_TYPES_LABEL ? { kind: 'types' } : { kind: 'labels', labels: new Set([key.label]) }
  add(collecting, { holder, epoch, since, through: 'handed', opens })
}

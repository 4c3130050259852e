/**
 * How a key ring takes a tx_key: order, commitments, then the envelope that is meant for it.
 */

import type { Did } from '../primitives/did.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import type { Envelope, HandedKey, KeyTransaction, OwnEnvelope } from '../transactions/index.ts'
import { openEnvelope, openOwnEnvelope, type EnvelopeContents, type EnvelopeContext } from './envelope.ts'
import {
  agreesWithEpoch,
  createEpochKeys,
  createPatientKeys,
  noteCommitments,
  takeDiagnosisKey,
  takeOwnSecret,
  takeTypeKey,
  type EpochKeys,
  type PatientKeys,
} from './epoch-keys.ts'
import type { Complaint, KeyOutcome, RingState } from './ring-state.ts'

/** A fault found in an envelope, or the outcome. */
type Taken = Complaint['because'] | 'opened' | 'not-for-us'

interface Arrival {
  readonly state: RingState
  readonly known: PatientKeys
  readonly keys: EpochKeys
  readonly context: EnvelopeContext
}

/**
 * Takes a tx_key that the ledger applied. Cost: opening one envelope, whatever their number.
 *
 * @returns `out-of-order` where it does not follow the last one seen (nothing is taken then); `commitment-mismatch` where
 *   the envelope is faulty (a complaint was noted)
 */
export function applyKeyTransaction(state: RingState, transaction: KeyTransaction): KeyOutcome {
  const { sender: patient, epoch, id, mode, labels } = transaction
  const known = state.patients.get(patient) ?? createPatientKeys()
  if (!isInOrder(known, transaction)) return 'out-of-order'
  const keys = known.epochs.get(epoch) ?? createEpochKeys({ chainId: state.chainId, patient, epoch })
  known.epochs.set(epoch, keys)
  known.latest = id
  known.epochCurrent = epoch
  state.patients.set(patient, known)
  const taken = take({ state, known, keys, context: { ...keys.name, mode, labels } }, transaction)
  if (taken === 'opened' || taken === 'not-for-us') return taken
  state.complaints.push({ patient, transaction: id, epoch, because: taken })
  return 'commitment-mismatch'
}

function isInOrder(known: PatientKeys, { mode, epoch, previous }: KeyTransaction): boolean {
  // A ring that starts in the middle takes the first tx_key that it sees.
  if (known.latest === null) return true
  return previous === known.latest && epoch === (mode === 'rotate' ? known.epochCurrent + 1 : known.epochCurrent)
}

function take(arrival: Arrival, transaction: KeyTransaction): Taken {
  const { state, keys } = arrival
  if (!agreesWithEpoch(keys, transaction)) return 'commitment-repeated-differently'
  noteCommitments(keys, transaction)
  if (transaction.sender === state.owner) {
    return takeOwn(
      arrival,
      transaction.ownEnvelopes.find(({ delegate }) => delegate === state.slot),
    )
  }
  const index = state.directory.indexOf(state.addressee.did)
  const envelope = transaction.envelopes.find((candidate) => candidate.index === index)
  return envelope === undefined ? 'not-for-us' : takeReceived(arrival, envelope)
}

function takeOwn({ state, known, keys, context }: Arrival, envelope: OwnEnvelope | undefined): Taken {
  if (envelope === undefined) {
    // Labels that another delegate added must still follow from the secret that is held.
    const [level, secret] =
      keys.root === undefined ? (['types', keys.typesSecret] as const) : (['root', keys.root] as const)
    if (secret === undefined) return 'not-for-us'
    return takeOwnSecret(keys, level, secret) ? 'opened' : 'other-key-than-committed'
  }
  const contents = openOwnEnvelope(envelope, { context, agreement: state.agreement })
  if (contents === undefined) return 'does-not-open'
  if (!takeOwnSecret(keys, contents.level, contents.secret)) return 'other-key-than-committed'
  for (const { position, name } of contents.names) noteName(known, context, position, name)
  return 'opened'
}

function takeReceived(arrival: Arrival, envelope: Envelope): Taken {
  const { state, keys, context } = arrival
  const { addressee: to, agreement } = state
  const contents = openEnvelope(envelope, { context, to, agreement })
  if (contents === undefined) return 'does-not-open'
  const doctor = { did: to.did, index: envelope.index }
  // All or nothing would let one bad key hide the good ones; each is judged by itself, and any bad one is complained of.
  const good = [
    takeDiagnosisKey(keys, doctor, contents.diagnosisKey),
    ...takeTypeKeys(arrival, contents),
    ...envelope.handed.map((handed, i) => takeHanded(arrival, handed, contents.handedKeys[i] as Uint8Array)),
  ]
  return good.every(Boolean) ? 'opened' : 'other-key-than-committed'
}

function takeTypeKeys({ known, keys, context }: Arrival, contents: EnvelopeContents): readonly boolean[] {
  return contents.typeKeys.map(({ position, key, name }) => {
    const { label } = context.labels[position] as { readonly label: Label }
    if (name !== null && label !== ALL_TYPES_LABEL) noteName(known, context, position, name)
    return takeTypeKey(keys, label, key)
  })
}

function takeHanded({ state, known }: Arrival, handed: HandedKey, key: Uint8Array): boolean {
  const epoch = known.epochs.get(handed.epoch)
  if (epoch === undefined) return false
  if ('label' in handed) return takeTypeKey(epoch, handed.label, key)
  const did: Did | undefined = state.directory.accountAt(handed.doctorIndex)
  return did !== undefined && takeDiagnosisKey(epoch, { did, index: handed.doctorIndex }, key)
}

function noteName(
  known: PatientKeys,
  { labels }: EnvelopeContext,
  position: number,
  name: EnvelopeContents['typeKeys'][number]['name'],
): void {
  const listed = labels[position]
  if (listed !== undefined && name !== null) known.names.set(listed.label, name)
}

/**
 * How a key ring takes a tx_key: order, commitments, then the envelope that is meant for it.
 */

import type { DataType, Did } from '../primitives/did.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import type { Envelope, HandedKey, KeyTransaction, OwnEnvelope } from '../transactions/index.ts'
import { openEnvelope, openOwnEnvelope, type EnvelopeContents, type EnvelopeContext } from './envelope.ts'
import {
  agreesWithEpoch,
  createEpochKeys,
  createPatientKeys,
  isTypesSecret,
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
  const name = { chainId: state.chainId, patient, epoch }
  const keys = known.epochs.get(epoch) ?? createEpochKeys(name, { isWhole: mode === 'rotate' })
  const taken = take({ state, known, keys, context: { ...name, mode, labels } }, transaction)
  // Last, so that a port that threw on the way leaves a ring to which the same tx_key can be given again.
  known.epochs.set(epoch, keys)
  known.latest = id
  known.epochCurrent = epoch
  state.patients.set(patient, known)
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
    const own = transaction.ownEnvelopes.find(({ delegate }) => delegate === state.slot)
    return own === undefined ? checkHeld(keys) : takeOwn(arrival, own)
  }
  const index = state.directory.indexOf(state.addressee.did)
  const envelope = transaction.envelopes.find((candidate) => candidate.index === index)
  return envelope === undefined ? 'not-for-us' : takeReceived(arrival, envelope)
}

/** Labels that another device added must follow from the secret that is held. */
function checkHeld(keys: EpochKeys): Taken {
  if (keys.typesSecret === undefined) return 'not-for-us'
  return isTypesSecret(keys, keys.typesSecret) ? 'opened' : 'other-key-than-committed'
}

function takeOwn(arrival: Arrival, envelope: OwnEnvelope): Taken {
  const { state, keys, context } = arrival
  const contents = openOwnEnvelope(envelope, { context, agreement: state.agreement })
  if (contents === undefined) return 'does-not-open'
  const isTaken = takeOwnSecret(keys, contents.level, contents.secret)
  contents.secret.fill(0)
  if (!isTaken) return 'other-key-than-committed'
  for (const { position, name } of contents.names) noteName(arrival, position, name)
  return 'opened'
}

function takeReceived(arrival: Arrival, envelope: Envelope): Taken {
  const { state, keys, context } = arrival
  const { addressee: to, agreement } = state
  const contents = openEnvelope(envelope, { context, to, agreement })
  if (contents === undefined) return 'does-not-open'
  const { typeKeys, diagnosisKey, handedKeys } = contents
  const doctor = { did: to.did, index: envelope.index }
  // All or nothing would let one bad key hide the good ones; each is judged by itself, and any bad one is complained of.
  const good = [
    takeDiagnosisKey(keys, doctor, diagnosisKey),
    ...typeKeys.map((entry) => takeListed(arrival, entry)),
    ...envelope.handed.map((handed, i) => takeHanded(arrival, handed, handedKeys[i] as Uint8Array)),
    // Who was given the key of all types must find every type under it, also where another key was committed to.
    keys.typesSecret === undefined || isTypesSecret(keys, keys.typesSecret),
  ]
  for (const key of [diagnosisKey, ...handedKeys, ...typeKeys.map((entry) => entry.key)]) key.fill(0)
  return good.every(Boolean) ? 'opened' : 'other-key-than-committed'
}

function takeListed(arrival: Arrival, { position, key, name }: EnvelopeContents['typeKeys'][number]): boolean {
  const { label } = arrival.context.labels[position] as { readonly label: Label }
  if (!takeTypeKey(arrival.keys, label, key)) return false
  if (name !== null && label !== ALL_TYPES_LABEL) noteName(arrival, position, name)
  return true
}

/** A key of an epoch, or of a part of one, that passed before the ring began cannot be judged: it is not taken, nor complained of. */
function takeHanded({ state, known, keys }: Arrival, handed: HandedKey, key: Uint8Array): boolean {
  const epoch = handed.epoch === keys.name.epoch ? keys : known.epochs.get(handed.epoch)
  if (epoch === undefined) return true
  if ('label' in handed) {
    return takeTypeKey(epoch, handed.label, key) || !(epoch.isWhole || epoch.commitments.has(handed.label))
  }
  const index = handed.doctorIndex
  const did: Did | undefined = state.directory.accountAt(index)
  const isTaken = did !== undefined && takeDiagnosisKey(epoch, { did, index }, key)
  return isTaken || !(epoch.isWhole || epoch.diagnosisCommitments.has(index))
}

/**
 * Notes what a type is called. Where the ring can compute labels itself, a false name is not believed: a delegate could
 * otherwise call one type by the name of another, and the owner would grant the wrong one.
 */
function noteName({ state, known, context }: Arrival, position: number, name: DataType): void {
  const label = context.labels[position]?.label
  if (label === undefined) return
  const { labeler, owner } = state
  const isChecked = labeler !== undefined && (context.patient === owner || !labeler.isPrivate)
  if (!isChecked || labeler.label(name) === label) known.names.set(label, name)
}

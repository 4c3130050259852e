/**
 * The rule of tx_key: `rotate` opens the owner's next epoch, `extend` adds to the current one.
 *
 * What each recipient holds afterwards is what his grants cover now; the envelope's contents are sealed, and an owner who
 * puts more into it breaks his own policy, which the recipient's acknowledgement makes visible. A recipient without a live
 * grant is refused. The epoch ends when the first of those who hold its keys may no longer.
 */

import { ACCOUNT_SLOT } from '../../identity/index.ts'
import { equalBytes, type Verified } from '../../primitives/bytes.ts'
import { ALL_TYPES_LABEL, type Label } from '../../primitives/label.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import { transactionId } from '../../primitives/shape.ts'
import type { KeyTransaction } from '../../transactions/index.ts'
import {
  accountIdShape,
  answerShape,
  epochShape,
  holderShape,
  keys,
  LABELS_PER_HOLDER_MAX,
  labelShape,
  slotShape,
  type EpochEntry,
  type HolderEntry,
} from '../entities.ts'
import { covers } from '../grants.ts'
import type { RefusalCode } from '../receipt.ts'
import { apply, refuse, type Execution, type Rule } from '../rule.ts'
import type { StateWriter } from '../state.ts'
import { heldCoverage } from './access.ts'
import { noteLabel } from './records.ts'

/** Opens or extends an epoch. */
export const applyKey: Rule<'key'> = (state, transaction, execution) => {
  const { id, sender: owner, mode, epoch, previous } = transaction
  const current = state.get(keys.epoch(owner), epochShape)
  if (previous !== (current?.latest ?? null)) return refuse(owner, 'ERR_CHAIN_PREVIOUS')
  if (epoch !== (current?.epoch ?? 0) + (mode === 'rotate' ? 1 : 0)) return refuse(owner, 'ERR_CHAIN_EPOCH')
  if (mode === 'extend') {
    if (current?.mustRotate === true) return refuse(owner, 'ERR_CHAIN_MUST_ROTATE')
    if (execution.timeMs >= (current?.notAfterMs ?? 0)) return refuse(owner, 'ERR_CHAIN_EPOCH_ENDED')
  }
  const labelFault = listLabels(state, transaction)
  if (labelFault !== undefined) return refuse(owner, labelFault)
  const ends = [mode === 'extend' ? (current as EpochEntry).notAfterMs : TIME_MS_MAX]
  const fault =
    giveToRecipients(state, transaction, execution, ends) ??
    giveToDelegates(state, transaction, execution, ends) ??
    markHanded(state, transaction)
  if (fault !== undefined) return refuse(owner, fault)
  state.append(keys.epochKeys(owner, epoch), id, transactionId)
  state.set(keys.epoch(owner), { epoch, latest: id, mustRotate: false, notAfterMs: Math.min(...ends) }, epochShape)
  return apply(owner)
}

/** Lists the labels; a commitment that was made in this epoch must be the same. */
function listLabels(
  state: StateWriter,
  { sender: owner, epoch, labels }: Verified<KeyTransaction>,
): RefusalCode | undefined {
  for (const { label, commitment } of labels) {
    const known = state.get(keys.label(owner, label), labelShape)
    if (known?.epoch === epoch && !equalBytes(known.commitment, commitment)) return 'ERR_KEYS_COMMITMENT'
    noteLabel(state, owner, label)
    state.set(keys.label(owner, label), { epoch, commitment }, labelShape)
  }
  return undefined
}

function giveToRecipients(
  state: StateWriter,
  transaction: Verified<KeyTransaction>,
  { timeMs }: Execution,
  ends: number[],
): RefusalCode | undefined {
  const { id, sender: owner, epoch, envelopes, labels } = transaction
  const listed = labels.map(({ label }) => label)
  for (const envelope of envelopes) {
    const recipient = state.entry(keys.index, envelope.index, accountIdShape)
    if (recipient === undefined || recipient === owner) return 'ERR_CHAIN_RECIPIENT'
    const coverage = heldCoverage(state, { patient: owner, grantee: recipient, atMs: timeMs })
    if (coverage === undefined) return 'ERR_CHAIN_RECIPIENT'
    const before = state.get(keys.holder(owner, recipient), holderShape)
    const held = before?.epoch === epoch ? before : undefined
    // The key of one doctor in one epoch is one key, whoever else holds it.
    if (held !== undefined && !equalBytes(held.commitment, envelope.commitment)) return 'ERR_KEYS_COMMITMENT'
    const handed = envelope.handed.filter((key) => key.epoch === epoch)
    const handedLabels = handed.flatMap((key) => ('label' in key ? key.label : []))
    // A type key of this epoch is one, whichever list it comes in.
    if (!handedLabels.every((label) => coversKey(coverage, label))) return 'ERR_CHAIN_RECIPIENT'
    const dataTypes = heldTypes(coverage, [...listed, ...handedLabels], held?.dataTypes ?? [])
    if (dataTypes.length > LABELS_PER_HOLDER_MAX) return 'ERR_CHAIN_LIMIT'
    const entry: HolderEntry = {
      epoch,
      dataTypes,
      commitment: envelope.commitment,
      isHandedOver: held?.isHandedOver ?? false,
      holdsHanded: held?.holdsHanded === true || handed.some((key) => 'doctorIndex' in key),
      untilMs: coverage.untilMs,
    }
    state.set(keys.holder(owner, recipient), entry, holderShape)
    state.set(keys.answer(id, recipient), 'offered', answerShape)
    if (held === undefined) state.append(keys.holders(owner, epoch), recipient, accountIdShape)
    ends.push(coverage.untilMs)
  }
  return undefined
}

type HeldCoverage = NonNullable<ReturnType<typeof heldCoverage>>

/** Tells whether a coverage holds the key of a label; that of all types only where nothing is excepted. */
function coversKey(coverage: HeldCoverage, label: Label): boolean {
  if (label !== ALL_TYPES_LABEL) return covers(coverage, label)
  return coverage.dataTypes === 'all' && coverage.except.length === 0
}

/** What a recipient holds afterwards: what he held, and of the listed labels those that his grants cover. */
function heldTypes(
  coverage: HeldCoverage,
  listed: readonly Label[],
  before: HolderEntry['dataTypes'],
): HolderEntry['dataTypes'] {
  if (before === 'all' || coversKey(coverage, ALL_TYPES_LABEL)) return 'all'
  return [...new Set([...before, ...listed.filter((label) => coversKey(coverage, label))])].sort()
}

/** Every own envelope is for the account, or for a live delegate that has an agreement key to seal it to. */
function giveToDelegates(
  state: StateWriter,
  { sender: owner, epoch, ownEnvelopes }: Verified<KeyTransaction>,
  { timeMs }: Execution,
  ends: number[],
): RefusalCode | undefined {
  for (const { delegate } of ownEnvelopes) {
    const slot = state.get(keys.slot(owner, delegate), slotShape)
    if (slot === undefined || slot.signingKey === null || timeMs >= slot.notAfterMs) return 'ERR_CHAIN_SLOT'
    if (delegate !== ACCOUNT_SLOT && slot.agreement === null) return 'ERR_CHAIN_SLOT'
    state.set(keys.slot(owner, delegate), { ...slot, keyEpoch: epoch }, slotShape)
    ends.push(slot.notAfterMs)
  }
  return undefined
}

/**
 * A doctor whose diagnosis key of this epoch somebody else got no longer seals by the lenient rule. He has his own envelope
 * first: who gets one later would not be told apart from who seals alone.
 */
function markHanded(
  state: StateWriter,
  { sender: owner, epoch, envelopes }: Verified<KeyTransaction>,
): RefusalCode | undefined {
  for (const handed of envelopes.flatMap((envelope) => envelope.handed)) {
    if (!('doctorIndex' in handed) || handed.epoch !== epoch) continue
    const doctor = state.entry(keys.index, handed.doctorIndex, accountIdShape)
    const holder = doctor === undefined ? undefined : state.get(keys.holder(owner, doctor), holderShape)
    if (doctor === undefined || holder?.epoch !== epoch) return 'ERR_CHAIN_RECIPIENT'
    state.set(keys.holder(owner, doctor), { ...holder, isHandedOver: true }, holderShape)
  }
  return undefined
}

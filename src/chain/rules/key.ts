/**
 * The rule of tx_key: `rotate` opens the owner's next epoch, `extend` adds to the current one.
 *
 * What each recipient holds afterwards is what his grants cover now; the envelope's contents are sealed, and an owner who
 * puts more into it breaks his own policy, which the recipient's acknowledgement makes visible. A recipient without a live
 * grant is refused. The epoch ends when the first of those who hold its keys may no longer.
 */

import { equalBytes, type Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import { ALL_TYPES_LABEL, type Label } from '../../primitives/label.ts'
import { TIME_MS_MAX } from '../../primitives/limits.ts'
import { transactionId } from '../../primitives/shape.ts'
import type { KeyTransaction } from '../../transactions/index.ts'
import {
  accountIdShape,
  epochShape,
  holderShape,
  keys,
  labelShape,
  slotShape,
  type EpochEntry,
  type HolderEntry,
} from '../entities.ts'
import { covers } from '../grants.ts'
import type { RefusalCode } from '../receipt.ts'
import { apply, refuse, type Execution, type Rule } from '../rule.ts'
import type { StateReader, StateWriter } from '../state.ts'
import { heldCoverage } from './access.ts'

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
    giveToRecipients(state, transaction, execution, ends) ?? giveToDelegates(state, transaction, execution, ends)
  if (fault !== undefined) return refuse(owner, fault)
  markHanded(state, transaction)
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
    state.set(keys.label(owner, label), { epoch, commitment }, labelShape)
  }
  return undefined
}

/** The labels that an epoch lists, of those a coverage holds. */
function heldTypes(
  state: StateReader,
  owner: Did,
  epoch: number,
  coverage: NonNullable<ReturnType<typeof heldCoverage>>,
  listed: readonly Label[],
): HolderEntry['dataTypes'] {
  if (coverage.dataTypes === 'all' && coverage.except.length === 0) return 'all'
  return listed.filter(
    (label) =>
      label !== ALL_TYPES_LABEL &&
      covers(coverage, label) &&
      state.get(keys.label(owner, label), labelShape)?.epoch === epoch,
  )
}

function giveToRecipients(
  state: StateWriter,
  transaction: Verified<KeyTransaction>,
  { timeMs }: Execution,
  ends: number[],
): RefusalCode | undefined {
  const { sender: owner, epoch, envelopes, labels } = transaction
  const listed = labels.map(({ label }) => label)
  for (const { index } of envelopes) {
    const recipient = state.entry(keys.index, index, accountIdShape)
    if (recipient === undefined || recipient === owner) return 'ERR_CHAIN_RECIPIENT'
    const coverage = heldCoverage(state, { patient: owner, grantee: recipient, atMs: timeMs })
    if (coverage === undefined) return 'ERR_CHAIN_RECIPIENT'
    const before = state.get(keys.holder(owner, recipient), holderShape)
    const isNew = before?.epoch !== epoch
    const types = heldTypes(state, owner, epoch, coverage, listed)
    const kept = isNew || before.dataTypes === 'all' || types === 'all' ? [] : before.dataTypes
    const dataTypes =
      !isNew && before.dataTypes === 'all' ? 'all' : types === 'all' ? types : [...new Set([...kept, ...types])].sort()
    const entry = { epoch, dataTypes, isHandedOver: !isNew && before.isHandedOver, untilMs: coverage.untilMs }
    state.set(keys.holder(owner, recipient), entry, holderShape)
    if (isNew) state.append(keys.holders(owner, epoch), recipient, accountIdShape)
    ends.push(coverage.untilMs)
  }
  return undefined
}

/** Every own envelope is for the account or for a live delegate whose rights need keys. */
function giveToDelegates(
  state: StateWriter,
  { sender: owner, epoch, ownEnvelopes }: Verified<KeyTransaction>,
  { timeMs }: Execution,
  ends: number[],
): RefusalCode | undefined {
  for (const { delegate } of ownEnvelopes) {
    const slot = state.get(keys.slot(owner, delegate), slotShape)
    if (slot === undefined || slot.signingKey === null || timeMs >= slot.notAfterMs) return 'ERR_CHAIN_SLOT'
    state.set(keys.slot(owner, delegate), { ...slot, keyEpoch: epoch }, slotShape)
    ends.push(slot.notAfterMs)
  }
  return undefined
}

/** A doctor whose diagnosis key of this epoch somebody else got no longer seals by the lenient rule. */
function markHanded(state: StateWriter, { sender: owner, epoch, envelopes }: Verified<KeyTransaction>): void {
  for (const handed of envelopes.flatMap((envelope) => envelope.handed)) {
    if (!('doctorIndex' in handed) || handed.epoch !== epoch) continue
    const doctor = state.entry(keys.index, handed.doctorIndex, accountIdShape)
    const holder = doctor === undefined ? undefined : state.get(keys.holder(owner, doctor), holderShape)
    if (doctor === undefined || holder?.epoch !== epoch) continue
    state.set(keys.holder(owner, doctor), { ...holder, isHandedOver: true }, holderShape)
  }
}

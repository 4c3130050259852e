/**
 * What tx_IoT, T_data write and tx_diag share: where an owner's keys stand, and how a record is entered.
 *
 * Records under type keys are refused outside of the current epoch, once something was taken from a recipient, and once a
 * permit of a recipient has ended: nobody who may no longer read holds the key of what is accepted. What a doctor seals
 * under his own diagnosis key needs his live grant and the current epoch only, so that an offline patient never stops a
 * diagnosis; unless that key was handed to others, when the stricter rule holds.
 */

import type { RecordId } from '../../primitives/content-id.ts'
import type { Did } from '../../primitives/did.ts'
import type { TransactionId } from '../../primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../../primitives/label.ts'
import { transactionId } from '../../primitives/shape.ts'
import {
  epochShape,
  holderShape,
  keys,
  labelNameShape,
  labelShape,
  recordShape,
  type RecordEntry,
} from '../entities.ts'
import { coverageOf, covers } from '../grants.ts'
import type { RefusalCode } from '../receipt.ts'
import { apply, refuse, type Execution, type Outcome } from '../rule.ts'
import type { StateReader, StateWriter } from '../state.ts'

/** A record that is to be entered. */
export interface RecordToEnter {
  readonly owner: Did
  readonly author: Did
  readonly record: RecordId
  readonly label: Label
  readonly epoch: number
  readonly kind: RecordEntry['kind']
  readonly transaction: TransactionId
  readonly issuedAtMs: number
}

type Sealed = Pick<RecordToEnter, 'owner' | 'author' | 'label' | 'epoch'>

/** Why a type key of the owner may not seal now, if so. */
function typeKeyFault(state: StateReader, { owner, label, epoch }: Sealed, timeMs: number): RefusalCode | undefined {
  const current = state.get(keys.epoch(owner), epochShape)
  if (current?.epoch !== epoch) return 'ERR_CHAIN_EPOCH'
  if (current.mustRotate) return 'ERR_CHAIN_MUST_ROTATE'
  if (timeMs >= current.notAfterMs) return 'ERR_CHAIN_EPOCH_ENDED'
  return state.get(keys.label(owner, label), labelShape)?.epoch === epoch ? undefined : 'ERR_CHAIN_LABEL'
}

/** Why the writer's diagnosis key may not seal now, if so. */
function diagnosisKeyFault(state: StateReader, sealed: Sealed, timeMs: number): RefusalCode | undefined {
  const { owner, author, label, epoch } = sealed
  const current = state.get(keys.epoch(owner), epochShape)
  if (current?.epoch !== epoch) return 'ERR_CHAIN_EPOCH'
  const holder = state.get(keys.holder(owner, author), holderShape)
  if (holder?.epoch !== epoch) return 'ERR_CHAIN_RECIPIENT'
  if (holder.isHandedOver && current.mustRotate) return 'ERR_CHAIN_MUST_ROTATE'
  if (holder.isHandedOver && timeMs >= current.notAfterMs) return 'ERR_CHAIN_EPOCH_ENDED'
  const coverage = coverageOf(state, { patient: owner, grantee: author, atMs: timeMs, action: 'write' })
  return coverage !== undefined && covers(coverage, label) ? undefined : 'ERR_POLICY_DENIED'
}

/** Enters a record, or refuses it. */
export function enterRecord(state: StateWriter, entry: RecordToEnter, { timeMs, height }: Execution): Outcome {
  const { owner, author, record, label, epoch, kind, transaction, issuedAtMs } = entry
  // Zero stands for all types where keys are listed; no record has all types.
  if (label === ALL_TYPES_LABEL) return refuse(owner, 'ERR_CHAIN_LABEL')
  const fault = owner === author ? typeKeyFault(state, entry, timeMs) : diagnosisKeyFault(state, entry, timeMs)
  if (fault !== undefined) return refuse(owner, fault)
  if (state.has(keys.content(owner, record))) return refuse(owner, 'ERR_CHAIN_CONTENT')
  state.set(keys.content(owner, record), { transaction, label, epoch, author, kind, issuedAtMs, height }, recordShape)
  noteLabel(state, owner, label)
  state.append(keys.records(owner, label), transaction, transactionId)
  return apply(owner)
}

/** Enters a label in the list of its owner's when it is new there: before its first record and its first key. */
export function noteLabel(state: StateWriter, owner: Did, label: Label): void {
  const isKnown = state.has(keys.records(owner, label)) || state.has(keys.label(owner, label))
  if (!isKnown) state.append(keys.labels(owner), label, labelNameShape)
}

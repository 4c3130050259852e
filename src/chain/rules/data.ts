/**
 * The rule of T_data (DP Protocols 3 and 4): a write enters a document; a read is decided and recorded, also when denied.
 */

import { keys, recordShape } from '../entities.ts'
import { decide } from '../grants.ts'
import { apply, refuse, type Rule } from '../rule.ts'
import { enterRecord } from './records.ts'

/** Enters a document, or decides about a read. */
export const applyData: Rule<'data'> = (state, transaction, execution) => {
  const { id, sender, patient, label, issuedAtMs } = transaction
  if (transaction.mode === 'write') {
    const { record, epoch } = transaction
    const entry = {
      owner: patient,
      author: sender,
      record,
      label,
      epoch,
      kind: 'data',
      transaction: id,
      issuedAtMs,
    } as const
    return enterRecord(state, entry, execution)
  }
  const { record, purpose } = transaction
  const known = record === null ? undefined : state.get(keys.content(patient, record), recordShape)
  // The label decides which grant counts: a reader may not name one that fits him better.
  if (record !== null && known?.label !== label) return refuse(patient, 'ERR_CHAIN_CONTENT')
  const decision = decide(state, {
    patient,
    requester: sender,
    dataType: label,
    action: 'access',
    purpose,
    atMs: execution.timeMs,
    ...(known === undefined ? {} : { dataAtMs: known.issuedAtMs }),
  })
  switch (decision.kind) {
    case 'permit':
      return apply(patient, { untilMs: decision.untilMs })
    case 'deny':
      return refuse(patient, 'ERR_POLICY_DENIED')
    case 'indeterminate':
      return refuse(patient, 'ERR_POLICY_INDETERMINATE')
  }
}

/** The rule of tx_diag: its causes exist and have one owner; the doctor may write and seals under his own key. */

import type { Did } from '../../primitives/did.ts'
import { keys, transactionShape } from '../entities.ts'
import { refuse, type Rule } from '../rule.ts'
import { enterRecord } from './records.ts'

/** What enters a record that a diagnosis may be about; a T_data that reads is noted under another name. */
const CAUSE_KINDS = ['iot', 'data']

/** Enters a diagnosis. */
export const applyDiagnosis: Rule<'diagnosis'> = (state, transaction, execution) => {
  const { id, sender, causes, record, label, epoch, issuedAtMs } = transaction
  let owner: Did | undefined
  for (const cause of causes) {
    const known = state.get(keys.transaction(cause), transactionShape)
    const isCause = known?.code === null && CAUSE_KINDS.includes(known.kind)
    if (!isCause || (owner !== undefined && known.owner !== owner)) return refuse(owner ?? sender, 'ERR_CHAIN_CAUSE')
    owner = known.owner
  }
  return enterRecord(
    state,
    { owner: owner as Did, author: sender, record, label, epoch, kind: 'diagnosis', transaction: id, issuedAtMs },
    execution,
  )
}

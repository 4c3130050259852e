/** The rule of tx_IoT: the owner (or a delegate) enters a reading sealed under a type key of the current epoch. */

import type { Rule } from '../rule.ts'
import { enterRecord } from './records.ts'

/** Enters a reading. */
export const applyIot: Rule<'iot'> = (state, { id, sender, record, label, epoch, issuedAtMs }, execution) =>
  enterRecord(
    state,
    { owner: sender, author: sender, record, label, epoch, kind: 'iot', transaction: id, issuedAtMs },
    execution,
  )

/** The open table of rules: one for each kind; later modules add theirs beside these. */

import type { TransactionKind } from '../../transactions/index.ts'
import type { Rule } from '../rule.ts'
import { applyAccess } from './access.ts'
import { applyAcknowledge, applyComplaint } from './answer.ts'
import { applyConfig } from './config.ts'
import { applyData } from './data.ts'
import { applyDelegate } from './delegate.ts'
import { applyDiagnosis } from './diagnosis.ts'
import { applyIot } from './iot.ts'
import { applyKey } from './key.ts'
import { applyRegister } from './register.ts'
import { applyConversion, applyRekey } from './rekey.ts'
import { applyTransfer } from './transfer.ts'

/** Rules by kind. A kind without a rule does not exist on a ledger. */
export type RuleTable = { readonly [K in TransactionKind]?: Rule<K> }

/** The rules of the kinds in `transactions`. */
export const RULES: RuleTable = {
  register: applyRegister,
  delegate: applyDelegate,
  iot: applyIot,
  key: applyKey,
  diagnosis: applyDiagnosis,
  access: applyAccess,
  data: applyData,
  transfer: applyTransfer,
  acknowledge: applyAcknowledge,
  complaint: applyComplaint,
  config: applyConfig,
  rekey: applyRekey,
  conversion: applyConversion,
}

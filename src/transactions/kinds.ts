/**
 * The table of kinds. Later modules add theirs beside these: an entry here, and the body in {@link TransactionBodies}.
 */

import { accessKind, type AccessBody } from './access.ts'
import { acknowledgeKind, complaintKind, type AnswerBody } from './answer.ts'
import { claimKind, withdrawalKind, type ClaimBody, type WithdrawalBody } from './claim.ts'
import { configKind, type ConfigBody } from './config.ts'
import { dataKind, type DataBody } from './data.ts'
import { delegateKind, type DelegateBody } from './delegate.ts'
import { diagnosisKind, type DiagnosisBody } from './diagnosis.ts'
import { iotKind, type IotBody } from './iot.ts'
import { keyKind, type KeyBody } from './key.ts'
import type { KindDefinition } from './kind.ts'
import { registerKind, type RegisterBody } from './register.ts'
import { conversionKind, rekeyKind, type ConversionBody, type RekeyBody } from './rekey.ts'
import { requirementKind, type RequirementBody } from './requirement.ts'
import { shareKind, type ShareBody } from './share.ts'
import { transferKind, type TransferBody } from './transfer.ts'

/** What each kind of transaction says besides sender, nonce and time. */
export interface TransactionBodies {
  readonly register: RegisterBody
  readonly delegate: DelegateBody
  readonly iot: IotBody
  readonly key: KeyBody
  readonly diagnosis: DiagnosisBody
  readonly access: AccessBody
  readonly data: DataBody
  readonly transfer: TransferBody
  readonly acknowledge: AnswerBody
  readonly complaint: AnswerBody
  readonly config: ConfigBody
  readonly rekey: RekeyBody
  readonly conversion: ConversionBody
  readonly requirement: RequirementBody
  readonly claim: ClaimBody
  readonly share: ShareBody
  readonly withdrawal: WithdrawalBody
}

/** The kinds by name. */
export const KINDS: { readonly [K in keyof TransactionBodies]: KindDefinition<TransactionBodies[K]> } = {
  register: registerKind,
  delegate: delegateKind,
  iot: iotKind,
  key: keyKind,
  diagnosis: diagnosisKind,
  access: accessKind,
  data: dataKind,
  transfer: transferKind,
  acknowledge: acknowledgeKind,
  complaint: complaintKind,
  config: configKind,
  rekey: rekeyKind,
  conversion: conversionKind,
  requirement: requirementKind,
  claim: claimKind,
  share: shareKind,
  withdrawal: withdrawalKind,
}

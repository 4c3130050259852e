/**
 * Signed transactions: tx_IoT, tx_key and tx_diag of HC, T_access and T_data of DP, and what they need beside them.
 *
 * Build with {@link createTransaction}, sign with {@link signTransaction}, send {@link encodeTransaction}; on the other side
 * {@link parseTransaction} and {@link validateTransaction}. What needs the state of a ledger is not judged here.
 *
 * @packageDocumentation
 */

export {
  isVitalsealError,
  unwrap,
  VitalsealError,
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  type Result,
} from '../errors.ts'
export { grantee as granteeShape, grantTerms as grantTermsShape, type AccessBody } from './access.ts'
export type { AnswerBody } from './answer.ts'
export type { ClaimBody, WithdrawalBody } from './claim.ts'
export { approveMembers, hashMemberChange, type ConfigBody, type MemberApproval, type MemberChange } from './config.ts'
export type { DataBody, DataReadBody, DataWriteBody } from './data.ts'
export type { DelegateBody } from './delegate.ts'
export type { DiagnosisBody } from './diagnosis.ts'
export { formatTransaction } from './format.ts'
export { hashGrant } from './grant-id.ts'
export type { IotBody } from './iot.ts'
export {
  ENVELOPE_BYTES_MAX,
  HANDED_MAX,
  KEY_LABELS_MAX,
  type Envelope,
  type HandedKey,
  type KeyBody,
  type LabelCommitment,
  type OwnEnvelope,
} from './key.ts'
export type { ValidationCode } from './kind.ts'
export type { TransactionBodies } from './kinds.ts'
export type { RegisterBody } from './register.ts'
export type { ConversionBody, RekeyBody } from './rekey.ts'
export {
  REQUIREMENT_BYTES_MAX,
  type KeyWitness,
  type PublishBody,
  type RequirementBody,
  type ShareDeadlines,
  type WithdrawBody,
} from './requirement.ts'
export type {
  AcknowledgeStep,
  CloseStep,
  ConvertStep,
  DelegateStep,
  DisputeStep,
  JudgeStep,
  ShareBody,
} from './share.ts'
export {
  attachSignature,
  createTransaction,
  encodeTransaction,
  hashTransaction,
  parseTransaction,
  signTransaction,
  validateTransaction,
  type ValidateTransactionOptions,
} from './transaction.ts'
export type { TransferBody } from './transfer.ts'
export type {
  AccessTransaction,
  DataTransaction,
  DiagnosisTransaction,
  Draft,
  IotTransaction,
  KeyTransaction,
  ParsedTransaction,
  Transaction,
  TransactionHeader,
  TransactionKind,
  UnsignedTransaction,
} from './wire.ts'

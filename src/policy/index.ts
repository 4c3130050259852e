/**
 * Policy: who may do what with which of a patient's data, why and when, decided with reasons.
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
export { isAction, isPurpose } from './words.ts'
export {
  ACTIONS,
  PURPOSES,
  type AccessRequest,
  type Action,
  type Clause,
  type Decision,
  type Grant,
  type Grantee,
  type GrantSet,
  type GrantTerms,
  type HeldCredential,
  type Obligation,
  type Permit,
  type Purpose,
  type Reason,
  type ReasonCode,
  type Refusal,
  type RoleGrantee,
  type TimeWindow,
} from './types.ts'

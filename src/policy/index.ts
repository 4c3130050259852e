/**
 * Policy: who may do what with which of a patient's data, why and when, decided with reasons (DP's POLICYCHECK, CL's
 * policies with expiry). No hash, no curve, no codec, no clock: it compares strings and numbers.
 *
 * The owner may do everything. A grantor's newest set for a grantee replaces the older one; across grantors and roles a
 * deny overrides; what nobody permitted is denied; what is not understood is indeterminate and never a permit. An
 * attacker may hand in any grant or request: signatures of grants, the authentication of the requester and the
 * verification of credentials are the caller's, on a ledger its rules'. A decision protects data only where keys follow
 * it (`keys`): {@link findCoverage} says what a key envelope may hold.
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
export {
  findCoverage,
  whoMayRead,
  type Coverage,
  type CoverageQuery,
  type Reader,
  type ReaderQuery,
} from './coverage.ts'
export { evaluateAccess } from './evaluate.ts'
export { explainDecision, explainGrant, type ExplainOptions } from './explain.ts'
export { createGrant, createWindow } from './grant.ts'
export { EXPIRY_MS_MAX, lintGrant, type GrantFinding } from './lint.ts'
export { isNarrowing } from './narrowing.ts'
export { createPolicyIndex, GRANTORS_MAX, GRANTS_PER_SET_MAX, type MayGrant, type PolicyIndex } from './policy-index.ts'
export { isAction, isPurpose } from './words.ts'
export {
  ACTIONS,
  END_OF_TIME_MS,
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

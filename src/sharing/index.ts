/**
 * The sharing contract of PS: an institution publishes a requirement with a price, a patient claims with a proof, a proxy
 * converts what she sealed, and the ledger pays, or gives the money back.
 *
 * The ledger checks the proof and every deadline itself, by block time. Nobody else is trusted with the money: not the
 * proxy, not the institution, and of the issuer only its word on values.
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
export { findAnswered, type AnsweredQuery } from './answered.ts'
export { attestRecord, openAttested, type Attested, type AttestOptions } from './attest.ts'
export { createEvidence, judgeShare, sharedClaimOf, type DisputeCase } from './dispute.ts'
export { openShareDelivery, sealShareDelivery, type ShareDelivery } from './delivery.ts'
export {
  CLAIM_STATES,
  claimShape,
  licenceShape,
  listingShape,
  personShape,
  sharesLeftShape,
  sharingKeys,
  withdrawalShape,
  type ClaimEntry,
  type ClaimState,
  type LicenceEntry,
  type ListingEntry,
} from './entities.ts'
export {
  acknowledgeShare,
  evaluateShare,
  findClaim,
  type ClaimHistory,
  type NextStep,
  type PendingShare,
  type RefundedShare,
  type SettledShare,
  type ShareState,
} from './evaluate.ts'
export { findListing, findListings, openListing, type Listing, type ListingQuery, type OpenListing } from './listing.ts'
export { proveClaim, type ClaimOptions } from './prove-claim.ts'
export { publishRequirement, witnessKey, type RequirementTerms } from './publish.ts'
export type { SharingRulesOptions } from './rules/ports.ts'
export { createSharingRules, SHARING_KINDS } from './rules/table.ts'
export {
  conditionOfClaim,
  CONVERTED_SHARE_BYTES_MAX,
  openShare,
  openShareWith,
  parseShareBlock,
  sealShare,
  SHARE_BLOCK_BYTES_MAX,
  SHARE_RECORD_BYTES_MAX,
  shareCondition,
  type OpenedShare,
  type SealedShare,
  type SealShareOptions,
  type ShareBlock,
  type SharedClaim,
} from './share.ts'
export {
  attestationOfClaim,
  contextOfClaim,
  deriveRecordSerial,
  deriveStudy,
  statementOfClaim,
  type AttestedPart,
  type ClaimTerms,
  type ListedTerms,
} from './terms.ts'
export { findLicenceViolations, type ExclusiveSale, type LicenceViolation } from './violations.ts'

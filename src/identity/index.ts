/**
 * Who takes part: key records, credentials, delegates, and pseudonyms from a seed.
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
  CHALLENGE_BYTES,
  createAgreementProof,
  generateChallenge,
  verifyAgreementProof,
  type AgreementClaim,
} from './agreement-proof.ts'
export {
  CREDENTIAL_CHAIN_MAX,
  ISSUABLE_ROLES,
  validateCredentials,
  type CredentialChainOptions,
} from './credential-chain.ts'
export {
  createCredential,
  CREDENTIAL_KINDS,
  CREDENTIALS_MAX,
  credentialShape,
  credentialsShape,
  encodeCredential,
  hashCredential,
  isCredentialLive,
  isSameStatement,
  issueCredential,
  parseCredential,
  QUOTA_CLASSES,
  roundToMonths,
  validateCredential,
  verifyCredential,
  type Credential,
  type CredentialKind,
  type UnsignedCredential,
} from './credential.ts'
export {
  ACCOUNT_SLOT,
  delegateShape,
  hasRight,
  RIGHTS,
  rightsOf,
  rightsShape,
  type Delegate,
  type DelegateChange,
  type DelegateRevocation,
  type Right,
} from './delegates.ts'
export {
  createKeyRecord,
  encodeKeyRecord,
  hashKeyRecord,
  keyRecordShape,
  parseKeyRecord,
  PRE_KEY_ROLES,
  preKeyContext,
  signatureShape,
  validateKeyRecord,
  verifyKeyRecord,
  type KeyRecord,
  type KeyRecordErrorCode,
  type PreKey,
  type PreKeyRole,
  type PreKeys,
  type PreKeyVerifier,
  type UnsignedKeyRecord,
} from './key-record.ts'
export { signKeyRotation, verifyKeyRotation, type KeyRotation } from './key-rotation.ts'
export { deriveIdentity, generateIdentity, type Identity, type IdentityOptions, type PreIdentity } from './identity.ts'
export { encodeMultikey, parseMultikey, type Multikey, type MultikeyType } from './multikey.ts'
export { createPreKeyMaker, createPreKeyVerifier, type PreKeyMaker } from './pre-keys.ts'
export { explainPseudonymity, PSEUDONYMITY_LINKS, PSEUDONYMITY_NOTICE } from './pseudonymity.ts'
export { generateCircleId, generateSeed, SEED_BYTES, type PreSecrets } from './seed.ts'

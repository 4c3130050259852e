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
  CREDENTIAL_KINDS,
  CREDENTIALS_MAX,
  credentialShape,
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
  preKeyContext,
  signatureShape,
  validateKeyRecord,
  verifyKeyRecord,
  type KeyRecord,
  type KeyRecordErrorCode,
  type PreKey,
  type PreKeys,
  type PreKeyVerifier,
  type UnsignedKeyRecord,
} from './key-record.ts'

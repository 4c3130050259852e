/**
 * Keys of records: one epoch per owner, type keys and diagnosis keys derived from it, envelopes, rotation, revocation.
 *
 * {@link rotateEpoch} and {@link extendEpoch} make the tx_keys of an owner; a {@link KeyRing} follows tx_keys and holds what
 * they gave. Whoever is left out of a rotation opens nothing that is sealed afterwards; what he could open before, he still
 * can: no cryptography takes it back.
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
export { receiveTypeKey, sealTypeKey, type CapsuleContext, type CapsuleSealer, type SealedTypeKey } from './capsule.ts'
export type { KeyDraft, KeyDrafts } from './drafts.ts'
export { createKeyRing, type KeyRing } from './key-ring.ts'
export type { DelegateRecipient, KeyToHand, Recipient, SkippedRecipient } from './recipients.ts'
export type { EpochView } from './ring-keys.ts'
export type { Complaint, Directory, KeyOutcome } from './ring-state.ts'
export { extendEpoch, rotateEpoch, type EpochOptions } from './rotation.ts'

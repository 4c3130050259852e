/**
 * Proxy re-encryption on BLS12-381: data sealed for one party is converted for another by a proxy that learns nothing.
 *
 * {@link encapsulate} seals a key for its owner under conditions; {@link createReEncryptionKey} lets a proxy convert what
 * is sealed under one condition for one delegatee; {@link reEncrypt} converts; {@link decapsulate} opens, for both.
 * {@link createEpochSealer} puts any number of records under one capsule; {@link splitReEncryptionKey} makes it take t of n
 * proxies.
 *
 * A proxy and a delegatee together can open everything of that one condition, past and future, and nothing else; they
 * never learn the owner's secret. Revoking a re-key means that an honest proxy deletes it, or that the epoch ends: what was
 * opened stays open. Owners, conditions, sizes and times are visible to the proxy. Not promised: constant time, safety
 * against quantum computers, secrecy of what was sealed before the owner's secret was lost, and who made a capsule. The
 * level of security is about 120 bits. No third party has reviewed the scheme or this code.
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
export type {
  G1Element,
  G2Element,
  GtElement,
  PairingGroups,
  PreparedG2,
  PreparedGt,
} from '../primitives/pairing-groups.ts'
export { createPairingGroups } from '../primitives/portable-groups.ts'
export { ASSOCIATED_DATA_BYTES_MAX, type Capsule, type CapsuleFacts } from './capsule.ts'
export {
  combineFragments,
  findFaultyFragments,
  proveCapsuleFragment,
  reEncryptFragment,
  verifyCapsuleFragment,
  type CapsuleFragment,
  type VerifyFragmentOptions,
} from './capsule-fragment.ts'
export { CONDITIONS_MAX, createOpaqueCondition, type Condition } from './condition.ts'
export { decapsulate } from './decapsulate.ts'
export { createReEncryptionKey, type Delegatee, type ReKeyOptions } from './delegate.ts'
export { encapsulate, verifyCapsule, type EncapsulateOptions } from './encapsulate.ts'
export {
  createEpochOpener,
  createEpochSealer,
  RECORD_BYTES_MAX,
  type EpochOpener,
  type EpochSealer,
} from './epoch-records.ts'
export { createPreKeyPair, generatePreKeyPair, type PreKeyPair, type PreRole } from './keys.ts'
export { parsePreObject, type PreObjects } from './parse.ts'
export { reEncrypt, type ReEncryptedCapsule, type ReEncryptOptions } from './re-encrypt.ts'
export { verifyReEncryptionKey, type ReEncryptionKey, type ReKeyTerms, type VerifyReKeyOptions } from './re-key.ts'
export {
  FRAGMENTS_MAX,
  splitReEncryptionKey,
  verifyReKeyFragment,
  type ReKeyFragment,
  type Sharing,
  type SplitOptions,
} from './re-key-fragment.ts'
export type { IbBytes } from './ib-parameters.ts'
export type { IbMasterShares } from './ib-threshold.ts'
export { ibpre, parseIbObject, type IbErrorCode, type IbObjects, type IbOptions, type IbScheme } from './ibpre.ts'
export { openShown, showOpening, SHOWN_OPENING_BYTES, type ShownOpening } from './shown-opening.ts'
export { rewrapKey, unwrapKey, wrapKey } from './rewrap.ts'

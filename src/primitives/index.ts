/**
 * What everything else stands on: bytes, canonical encoding, tagged hashing, names of parties and contents, signatures,
 * key derivation, sealing to keys and to recipients, and randomness as a port.
 *
 * Nothing here knows a patient, a policy or a transaction. Group elements are checked where bytes become points. Not
 * constant time: JavaScript gives no such promise.
 *
 * @packageDocumentation
 */

export {
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  isVitalsealError,
  type Result,
  unwrap,
  VitalsealError,
} from '../errors.ts'
export { type AeadContext, type AeadHeader, type AeadMessage, openAead, sealAead } from './aead.ts'
export { type AgreementKey, createAgreementKey, isAgreementPublicKey } from './agreement.ts'
export {
  type AuthenticatedMap,
  createAuthenticatedMap,
  type MapChange,
  type MapReader,
  type MapSnapshot,
  restoreAuthenticatedMap,
} from './authenticated-map.ts'
export {
  encodeMapProof,
  type MapClaim,
  type MapKey,
  type MapProof,
  parseMapProof,
  verifyMapProof,
} from './authenticated-map-proof.ts'
export {
  type BlsSecretKey,
  deriveBlsSecretKey,
  generateBlsSecretKey,
  generatePreSecret,
  parseBlsSecretKey,
  parsePreSecret,
  type PreSecret,
} from './bls-secret.ts'
export {
  aggregateBlsSignatures,
  type BlsPossession,
  type BlsPublicKey,
  type BlsSignature,
  type BlsSigner,
  type BlsTag,
  createBlsSigner,
  type SignedByMany,
  type SignedByOne,
  validateBlsPossession,
  verifyBlsAggregate,
  verifyBlsSignature,
} from './bls-signature.ts'
export {
  type BlsScalar,
  encodeG1,
  encodeG2,
  encodeScalar,
  type G1Point,
  type G2Point,
  parseG1,
  parseG2,
  parseScalar,
  type PointErrorCode,
} from './bls12-381.ts'
export { type Brand, type Bytes, equalBytes, fromHex, toHex, type Verified } from './bytes.ts'
export { type CborValue, type CodecErrorCode, encodeCbor, parseCbor } from './codec.ts'
export {
  type ContentCodec,
  createRecordId,
  DAG_CBOR_CODEC,
  digestOfRecord,
  hashBlock,
  parseRecordId,
  RAW_CODEC,
  type RecordId,
  toCid,
} from './content-id.ts'
export { createDid, type DataType, type Did, parseDid, toPublicKey } from './did.ts'
export { type Digest32, sha256, taggedHash } from './hash.ts'
export {
  createHpkeRecipient,
  createHpkeSender,
  type HpkeAead,
  hpkeAes128Gcm,
  hpkeAes256Gcm,
  hpkeChaCha20Poly1305,
  type HpkeCipher,
  type HpkePsk,
  type HpkeRecipient,
  type HpkeRecipientOptions,
  type HpkeSender,
  type HpkeSenderOptions,
  type HpkeSetting,
  openHpke,
  sealHpke,
} from './hpke.ts'
export { type ChainId, createId, type GrantId, type IdKinds, parseId, toDigest, type TransactionId } from './ids.ts'
export { hkdf, type HkdfInput, hkdfTagged } from './kdf.ts'
export { ALL_TYPES_LABEL, createLabeler, isDataType, isLabel, type Label, type Labeler } from './label.ts'
export { type CodecLimits, codecLimits } from './limits.ts'
export { type Member, type MemberBlsKey } from './member.ts'
export { type BlsVerifier, createBlsVerifier, createMemberBlsKey, type MembersAggregate } from './member-bls.ts'
export {
  createMerkleAccumulator,
  hashMerkleLeaf,
  hashMerkleNode,
  hashMerkleTree,
  type MerkleAccumulator,
  type MerkleHead,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
export { createConsistencyProof, createInclusionProof, createMerkleTree, type MerkleTree } from './merkle-tree.ts'
export type { Progress, ProgressOptions, Signal } from './progress.ts'
export type { Clock } from './clock.ts'
export { randomBytes, type RandomSource } from './random.ts'
export { type Role, ROLES } from './roles.ts'
export { Mismatch, type Shape } from './shape.ts'
export {
  createSigner,
  createVerifier,
  type Signature,
  type SignedDigest,
  type Signer,
  toSignature,
  type Verifier,
} from './signature.ts'
export { encodeSignerBitmap, parseSignerBitmap } from './signer-bitmap.ts'
export { LEDGER_TAGS, PRE_TAGS, type Tag, TAGS, ZK_TAGS } from './tags.ts'

/**
 * Zero-knowledge proofs that a private record meets a published requirement (PS: ZKPKeyGen, Prove, Verify): Groth16 over
 * BLS12-381 with circuits, commitment and keys of its own.
 *
 * An issuer (hospital) commits to the values and attests the commitment; the patient proves; an institution or a ledger
 * verifies. A verifier learns that the requirement holds by that issuer's word, and a nullifier of person and study; not the
 * values, not the person. Whoever set up a key alone can forge proofs under it, so it convinces nobody else; a bad proving
 * key could leak the record, so none is used unchecked. What is proved is as true as its issuer. Not constant time: prove on
 * a device of one's own. About 120 bits of security; not against quantum computers.
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
export { attestCommitment, validateAttestation, type Attestation } from './commitment/attestation.ts'
export {
  commitValues,
  encodeOpening,
  parseOpening,
  type Commitment,
  type CommitmentOptions,
  type Opening,
} from './commitment/commit.ts'
export {
  commitPerson,
  deriveRecordNullifier,
  deriveStudyNullifier,
  generatePersonSecret,
  parsePersonSecret,
  type Nullifier,
  type PersonCommitment,
  type PersonSecret,
} from './commitment/person.ts'
export { readValues } from './commitment/read-values.ts'
export { hashPoseidon, type PoseidonDomain } from './commitment/poseidon.ts'
export {
  createSchema,
  type Attribute,
  type Attributes,
  type Schema,
  type ValueOf,
  type Values,
} from './commitment/schema.ts'
export { encodeSchema, parseSchema } from './commitment/schema-file.ts'
export type { FieldElement } from './field.ts'
export { parsePtau } from './formats/ptau.ts'
export { encodeR1cs, parseR1cs } from './formats/r1cs.ts'
export {
  fromSnarkjs,
  toSnarkjs,
  type ReadCode,
  type SnarkjsKeyOptions,
  type SnarkjsObjects,
} from './formats/snarkjs.ts'
export { encodeWtns, parseWtns } from './formats/wtns.ts'
export { parseZkey, type ZkeyOptions } from './formats/zkey.ts'
export { encodeZkObject, parseZkObject, type ZkObjects } from './formats/zk-object.ts'
export { createPortableBackend, type CurveBackend, type Eventually } from './groth16/backend.ts'
export type { AffineVector } from './groth16/affine.ts'
export {
  contributeToCeremony,
  startCeremony,
  type Ceremony,
  type CeremonyKey,
  type CeremonyPowers,
  type Contribution,
} from './groth16/ceremony.ts'
export { encodeTranscript, parseTranscript, validateCeremony, type CheckedCeremony } from './groth16/ceremony-check.ts'
export { encodeCeremony, parseCeremony } from './groth16/ceremony-file.ts'
export type { Share } from './groth16/ceremony-share.ts'
export { closePowers, finishCeremony, type CeremonyResult } from './groth16/ceremony-key.ts'
export { generateProofKeys, type GenerateKeysOptions, type ProofKeys } from './groth16/generate.ts'
export type { KeyAudit } from './groth16/key-audit.ts'
export type { G1Vector, G2Vector, PreparedG2, TargetElement } from './groth16/pairing.ts'
export type { Proof } from './groth16/proof.ts'
export { proveRelation, type ProveOptions } from './groth16/prove.ts'
export type { ProvingKey, ProvingPoints } from './groth16/proving-key.ts'
export { validateProvingKey, type ValidateKeyOptions } from './groth16/validate-key.ts'
export { verifyRelation, verifyRelations, type ProvenInputs } from './groth16/verify.ts'
export type { KeyErrorCode, Setup, VerifyingKey } from './groth16/verifying-key.ts'
export { CircuitBuilder } from './relations/builder.ts'
export { createCircuit, type Circuit } from './relations/circuit.ts'
export type { Linear } from './relations/linear.ts'
export { findBroken, type Constraint, type Relation, type Row, type Witness } from './relations/relation.ts'
export { compileRequirement, type RequirementCircuit, type RequirementMode } from './requirement/compile.ts'
export { evaluateOpening, evaluateRequirement } from './requirement/evaluate.ts'
export { explainRequirement, type ExplainRequirementOptions } from './requirement/explain.ts'
export type { Atom, Expression } from './requirement/expression.ts'
export { lintRequirement, type LintOptions, type RequirementFinding } from './requirement/lint.ts'
export {
  findPresentationFault,
  prove,
  publicInputsOf,
  verifyProof,
  verifyProofs,
  type Presentation,
  type PresentationFault,
  type PresentedStatement,
  type ProveRequirementOptions,
  type RequirementFacts,
  type VerifyRequirementOptions,
} from './requirement/present.ts'
export {
  createRequirement,
  encodeRequirement,
  parseRequirement,
  type NameOf,
  type Requirement,
  type RequirementBuilder,
  type RequirementOptions,
} from './requirement/requirement.ts'
export type { Nullifiers, ProofContext, Statement } from './requirement/statement.ts'
export type { MessageLike, NodeWorkerLike, WebWorkerLike, WorkerLike } from './worker/messages.ts'
export {
  createRemoteProver,
  type RemoteKey,
  type RemoteKeys,
  type RemoteOptions,
  type RemoteProveOptions,
  type RemoteProver,
} from './worker/remote.ts'
export { serveProver, type ServeProverOptions } from './worker/serve.ts'

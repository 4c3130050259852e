/**
 * Proving that a record meets a requirement, and checking such proofs: Prove and Verify of PS.
 *
 * PS lets the institution compare the patient's proof with one of its own. Proofs are randomized, so two of them are never
 * equal; what is checked here is the equation, the issuer's word and the context.
 *
 * What everybody learns who sees a presentation: that the requirement holds (R = 1), h, which links all proofs made with it,
 * and the nullifiers. What nobody learns: the values, and which person it was.
 */

import { rejectArgument, VitalsealError } from '../../errors.ts'
import { equalBytes, toHex, type Verified } from '../../primitives/bytes.ts'
import type { Did } from '../../primitives/did.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import type { ProgressOptions } from '../../primitives/progress.ts'
import type { Verifier } from '../../primitives/signature.ts'
import { validateAttestation, type Attestation } from '../commitment/attestation.ts'
import { openRecord, type Opening } from '../commitment/commit.ts'
import {
  commitPerson,
  deriveRecordNullifier,
  deriveStudyNullifier,
  readSecret,
  type PersonSecret,
} from '../commitment/person.ts'
import { digestToField, parseField, type FieldElement } from '../field.ts'
import type { CurveBackend } from '../groth16/backend.ts'
import type { Proof } from '../groth16/proof.ts'
import { proveRelation } from '../groth16/prove.ts'
import { assertUsable, type ProvingKey } from '../groth16/proving-key.ts'
import { verifyRelation, verifyRelations } from '../groth16/verify.ts'
import type { VerifyingKey } from '../groth16/verifying-key.ts'
import { assignRequirement, listInputs, type RequirementCircuit, type RequirementInputs } from './compile.ts'
import { evaluateOpening } from './evaluate.ts'
import { contextFields, hashContext, type ContextFields, type Nullifiers, type Statement } from './statement.ts'

/** A proof of a requirement with the public values that only its maker could compute. */
export interface Presentation {
  readonly proof: Proof
  /** R: whether the record meets the requirement. */
  readonly result: boolean
  readonly nullifiers: Nullifiers
}

/** What a patient proves with. */
export interface ProveRequirementOptions extends ProgressOptions {
  /** Compiled here, from the requirement that was shown. */
  readonly circuit: RequirementCircuit
  readonly statement: Statement
  /** Secret. */
  readonly opening: Opening
  /** Secret. */
  readonly personSecret: PersonSecret
  readonly backend?: CurveBackend
}

/** A presentation and what it claims to be about. */
export interface PresentedStatement {
  readonly presentation: Presentation
  readonly statement: Statement
}

/**
 * What a verifier has to know of a requirement. A {@link RequirementCircuit} is one.
 *
 * A ledger may know these facts only, where the requirement itself is not public. It judges by them that a proof belongs to
 * this digest and key, not what the digest stands for: provers compile the requirement that they were shown, and whoever
 * relies on a key checked that it is the key of that circuit.
 */
export interface RequirementFacts {
  /** Id of the circuit. */
  readonly id: Digest32
  readonly requirement: {
    readonly digest: Digest32
    readonly schema: { readonly id: Digest32 }
    /** Whose word counts. */
    readonly issuers: readonly Did[]
    /** Oldest attestation that is accepted; null for any. */
    readonly ageMsMax: number | null
    readonly checksWithdrawal: boolean
  }
}

/** What a verifier goes by. */
export interface VerifyRequirementOptions {
  /** Compiled here from the requirement as published, or what was published of it. */
  readonly circuit: RequirementFacts
  /** On a ledger block time. */
  readonly nowMs: number
  /** What R must be; default true. Only circuits in mode `report` can say false. */
  readonly result?: boolean
  /** For attestations; by default the portable one. */
  readonly verifier?: Verifier
  /** Tells whether an issuer withdrew its word; needed where the requirement asks for it. */
  readonly isWithdrawn?: (attestation: Attestation) => boolean
  readonly backend?: CurveBackend
}

/** Why a presentation does not count. */
export type PresentationFault =
  | 'key'
  | 'context'
  | 'expired'
  | 'issuer'
  | 'schema'
  | 'age'
  | 'withdrawn'
  | 'attestation'
  | 'result'
  | 'nullifiers'
  | 'proof'

function fieldsOf(key: VerifyingKey, circuit: RequirementFacts, { attestation, context }: Statement): ContextFields {
  const { digest } = circuit.requirement
  return contextFields(context, { verifyingKey: key.digest, requirement: digest, claimant: attestation.subject })
}

/** Refuses what would make a proof that nobody accepts. */
function checkOpening({ circuit, statement, opening, personSecret }: ProveRequirementOptions): void {
  const { attestation } = statement
  const { requirement } = circuit
  const reject = (argument: string, expected: string): never => rejectArgument(argument, expected, 'another')
  if (!equalBytes(opening.schema, requirement.schema.id)) reject('opening', 'a record of the schema of the requirement')
  if (!equalBytes(opening.commitment, attestation.commitment) || opening.subject !== attestation.subject) {
    reject('opening', 'the opening of the attested commitment')
  }
  if (!requirement.issuers.includes(attestation.issuer)) reject('attestation', 'one of an issuer that is accepted')
  if (!equalBytes(commitPerson(personSecret), opening.person))
    reject('personSecret', 'the secret that the record is bound to')
}

/**
 * Proves that an opened record meets a requirement.
 *
 * Run by the patient. Cost: about 2 s for 3,000 constraints. No random parameter, on purpose: a repeated value would give the
 * record away. Show {@link explainRequirement} and {@link lintRequirement} first: whoever sees the proof knows that the
 * requirement holds.
 *
 * @param key - generated here, or validated against the circuit: a bad key could leak the record
 * @param options - what is proved, from what, to whom
 * @returns the proof, R and the nullifiers
 * @throws When the record does not meet it: `ERR_ZK_REQUIREMENT_NOT_MET`, naming no value; when opening, attestation and
 *   secret do not belong together: `ERR_ARGUMENT_INVALID`; for another key: `ERR_ZK_KEY_MISMATCH`, `ERR_ZK_INSECURE_KEY`;
 *   when ended: `ERR_ABORTED`. {@link VitalsealError}
 */
export async function prove(key: Verified<ProvingKey>, options: ProveRequirementOptions): Promise<Presentation> {
  const { circuit, statement, opening, personSecret } = options
  assertUsable(key, circuit.id)
  checkOpening(options)
  const { requirement, mode } = circuit
  const result = evaluateOpening(requirement, opening)
  if (!result && mode === 'assert') {
    throw new VitalsealError('ERR_ZK_REQUIREMENT_NOT_MET', 'the record does not meet the requirement', {
      details: { requirement: toHex(requirement.digest) },
    })
  }
  const { isExclusive = false, study } = statement.context
  const nullifiers: Nullifiers = {
    study: deriveStudyNullifier(personSecret, study),
    record: isExclusive ? deriveRecordNullifier(personSecret, opening.recordSerial) : null,
  }
  const fields = fieldsOf(key.verifyingKey, circuit, statement)
  const inputs = inputsOf(circuit, { statement, presentation: { result, nullifiers } }, fields)
  if (inputs === undefined) return rejectArgument('opening', 'a commitment', 'something else')
  const record = openRecord(opening, requirement.schema)
  const secret = readSecret(personSecret)
  const witness = assignRequirement(circuit, { inputs, record, personSecret: secret, ...fields, isExclusive })
  const proof = await proveRelation(key, { ...options, witness })
  return Object.freeze({ proof, result, nullifiers: Object.freeze(nullifiers) })
}

/** Reads a public value; undefined for an alias or another form. */
function readElement(bytes: Uint8Array): FieldElement | undefined {
  const value = parseField(bytes)
  return value.ok ? value.value : undefined
}

function inputsOf(
  circuit: RequirementFacts,
  { statement, presentation }: { statement: Statement; presentation: Pick<Presentation, 'result' | 'nullifiers'> },
  fields: ContextFields,
): RequirementInputs | undefined {
  const { result, nullifiers } = presentation
  const commitment = readElement(statement.attestation.commitment)
  const studyNullifier = readElement(nullifiers.study)
  const recordNullifier = nullifiers.record === null ? 0n : readElement(nullifiers.record)
  if (commitment === undefined || studyNullifier === undefined || recordNullifier === undefined) return undefined
  // Zero stands for "not exclusive": it is no nullifier.
  const { isExclusive = false } = statement.context
  if ((recordNullifier !== 0n) !== isExclusive || (nullifiers.record !== null) !== isExclusive) return undefined
  return {
    result: result ? 1n : 0n,
    commitment,
    requirement: digestToField(circuit.requirement.digest),
    context: hashContext(fields),
    studyNullifier,
    recordNullifier,
  }
}

/** What can be told without looking at the proof. */
function findFaultBefore(
  { statement }: PresentedStatement,
  key: VerifyingKey,
  options: VerifyRequirementOptions,
): PresentationFault | undefined {
  const { circuit, nowMs, verifier, isWithdrawn } = options
  const { requirement } = circuit
  const { attestation, context } = statement
  const ageMs = nowMs - attestation.issuedAtMs
  if (!equalBytes(key.circuit, circuit.id)) return 'key'
  if (!(nowMs < context.expiresAtMs)) return 'expired'
  if (!requirement.issuers.includes(attestation.issuer)) return 'issuer'
  if (!equalBytes(attestation.schema, requirement.schema.id)) return 'schema'
  if (!(ageMs >= 0) || (requirement.ageMsMax !== null && ageMs > requirement.ageMsMax)) return 'age'
  if (requirement.checksWithdrawal && isWithdrawn?.(attestation) !== false) return 'withdrawn'
  const { chainId } = context
  const checked = validateAttestation(attestation, verifier === undefined ? { chainId } : { chainId, verifier })
  return checked.ok ? undefined : 'attestation'
}

/** The public inputs of a presentation, or why it does not count before its proof is looked at. */
function prepare(
  item: PresentedStatement,
  key: VerifyingKey,
  options: VerifyRequirementOptions,
): readonly FieldElement[] | PresentationFault {
  try {
    const fault = findFaultBefore(item, key, options)
    if (fault !== undefined) return fault
    if (item.presentation.result !== (options.result ?? true)) return 'result'
    const inputs = inputsOf(options.circuit, item, fieldsOf(key, options.circuit, item.statement))
    return inputs === undefined ? 'nullifiers' : listInputs(inputs)
  } catch {
    // A field of the statement has another form, which contextFields refuses by throwing.
    return 'context'
  }
}

/**
 * Returns why a presentation does not count; undefined where it does. Total in presentation and statement.
 *
 * Whether the nullifiers and the nonce were seen before, whether the claimant is the sender, and whether the key is the one
 * that was published, is the caller's to check.
 *
 * @throws When the verifying key is none: `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function findPresentationFault(
  key: VerifyingKey,
  options: VerifyRequirementOptions & PresentedStatement,
): PresentationFault | undefined {
  const inputs = prepare(options, key, options)
  if (typeof inputs === 'string') return inputs
  return verifyRelation(key, { proof: options.presentation.proof, inputs }, options.backend) ? undefined : 'proof'
}

/**
 * Tells whether a presentation proves the requirement of the circuit in its context, by the word of an accepted issuer.
 *
 * Cost: about 18 ms. What is the caller's to check: see {@link findPresentationFault}.
 *
 * @throws When the verifying key is none: `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function verifyProof(key: VerifyingKey, options: VerifyRequirementOptions & PresentedStatement): boolean {
  return findPresentationFault(key, options) === undefined
}

/**
 * Tells of each presentation whether it counts; about three times cheaper than one by one where all do.
 *
 * @throws When the verifying key is none: `ERR_ZK_INSECURE_KEY`. {@link VitalsealError}
 */
export function verifyProofs(
  key: VerifyingKey,
  items: readonly PresentedStatement[],
  options: VerifyRequirementOptions,
): boolean[] {
  const prepared = items.map((item) => prepare(item, key, options))
  const sound = prepared.flatMap((inputs, i) =>
    typeof inputs === 'string' ? [] : [{ proof: items[i]!.presentation.proof, inputs }],
  )
  const answers = verifyRelations(key, sound, options.backend)[Symbol.iterator]()
  return prepared.map((inputs) => (typeof inputs === 'string' ? false : answers.next().value === true))
}

/**
 * Returns the public inputs of a presentation in their order, for other programs that verify Groth16.
 *
 * @throws When a value of it has no canonical form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function publicInputsOf(
  key: VerifyingKey,
  options: PresentedStatement & { readonly circuit: RequirementFacts },
): readonly FieldElement[] {
  const inputs = inputsOf(options.circuit, options, fieldsOf(key, options.circuit, options.statement))
  return inputs === undefined ? rejectArgument('presentation', 'canonical values', 'others') : listInputs(inputs)
}

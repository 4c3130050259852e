/**
 * The issuer's part: commit to the values of a record for one study, vouch for them, and give the opening to the patient.
 *
 * The issuer signs for one pseudonymous account, so it knows which person is behind it; nobody else learns that. It looks
 * at the values before it signs: what it says of them is what everybody goes by.
 */

import { fail, succeed, type Result } from '../errors.ts'
import { signatureShape, type KeyRecord } from '../identity/index.ts'
import type { AgreementKey } from '../primitives/agreement.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { openHpke, sealHpke } from '../primitives/hpke.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { codecLimits, FRAME_BYTES_MAX } from '../primitives/limits.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { account, bytesOf, bytesUpTo, encodeShape, parseShape, versioned } from '../primitives/shape.ts'
import type { Signer, Verifier } from '../primitives/signature.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'
import {
  attestCommitment,
  commitValues,
  encodeOpening,
  parseOpening,
  validateAttestation,
  type Attestation,
  type Opening,
  type PersonCommitment,
  type Schema,
  type Values,
} from '../zk/index.ts'
import { deriveRecordSerial } from './terms.ts'

/** What an issuer vouches for. */
export interface AttestOptions<S> {
  readonly schema: Schema<S>
  /** As they are in the record; checked by the issuer. */
  readonly values: Values<S>
  /** The exact bytes of the record. */
  readonly record: Uint8Array
  /** Key record of the account that may claim: the patient's pseudonym in the study. */
  readonly subject: KeyRecord
  /** From the patient: `commitPerson(personSecret)`. The same each time: an issuer that takes another lets her claim twice. */
  readonly person: PersonCommitment
  /** Now. */
  readonly issuedAtMs: number
  readonly signer: Signer
  /** The issuer's account, where it has another signing key by now; default `signer.did`. */
  readonly issuer?: Did
  readonly chainId: ChainId
}

/** A commitment with its opening. */
export interface Attested {
  readonly attestation: Attestation
  /** Secret. */
  readonly opening: Opening
}

const OBJECT = 'attested'
const limits = { ...codecLimits, bytesMax: FRAME_BYTES_MAX + 1_024, stringBytesMax: FRAME_BYTES_MAX }
const attestedShape = versioned(1, {
  issuer: account,
  signature: signatureShape,
  opening: bytesUpTo(FRAME_BYTES_MAX),
})
const sealedShape = versioned(1, { enc: bytesOf(32), ciphertext: bytesUpTo(FRAME_BYTES_MAX) })

function infoOf(chainId: ChainId, subject: Did): Bytes {
  return encodeCbor([LEDGER_TAGS.sharingOpening, toDigest(chainId), toPublicKey(subject)])
}

/**
 * Commits to the values of a record and signs the commitment; the opening comes sealed to its subject.
 *
 * Run by the issuer, once for each study, with a record serial from the exact bytes, so that an exclusive licence holds
 * whoever attests.
 *
 * @param random - a repeated answer lets readers compare records
 * @returns the attestation, and the message for the patient
 * @throws When a value does not fit the schema: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function attestRecord<S>(
  options: AttestOptions<S>,
  random: RandomSource = randomBytes,
): { readonly attestation: Attestation; readonly sealed: Bytes } {
  const { schema, values, record, subject, person, issuedAtMs, chainId } = options
  const signer = { ...options.signer, did: options.issuer ?? options.signer.did }
  const recordSerial = deriveRecordSerial(record)
  const opening = commitValues(schema, values, { subject: subject.did, issuedAtMs, person, recordSerial }, random)
  const attestation = attestCommitment(opening, { signer, chainId })
  const parts = { issuer: attestation.issuer, signature: attestation.signature, opening: encodeOpening(opening) }
  const plaintext = encodeShape(parts, attestedShape, { object: OBJECT, limits })
  const sealed = sealHpke({ recipient: subject.agreement, info: infoOf(chainId, subject.did), plaintext }, random)
  return { attestation, sealed: encodeShape(sealed, sealedShape, { object: OBJECT, limits }) }
}

/**
 * Opens the message of an issuer, and checks commitment and signature. Total.
 *
 * Run by the patient. Whether the values are hers, she sees from the opening; whether the record is, `sealShare` checks.
 *
 * @returns or `ERR_DECRYPTION_FAILED`: not for this account, schema and ledger, or not as an issuer makes it
 */
export function openAttested(
  sealed: Uint8Array,
  of: {
    readonly subject: Did
    readonly agreement: AgreementKey
    readonly schema: Schema
    readonly chainId: ChainId
    /** Default: an account's first key is its present one. */
    readonly verifier?: Verifier
  },
): Result<Attested, 'ERR_DECRYPTION_FAILED'> {
  const attested = read(sealed, of)
  if (attested !== undefined && validateAttestation(attested.attestation, of).ok) return succeed(attested)
  return fail('ERR_DECRYPTION_FAILED', 'attested: expected a message of an issuer to this account', {
    path: OBJECT,
    details: {},
  })
}

function read(sealed: Uint8Array, of: Parameters<typeof openAttested>[1]): Attested | undefined {
  const message = parseShape(sealed, sealedShape, { object: OBJECT, limits })
  if (!message.ok) return undefined
  const plaintext = openHpke({ recipient: of.agreement, info: infoOf(of.chainId, of.subject), ...message.value })
  const parts = plaintext === undefined ? undefined : parseShape(plaintext, attestedShape, { object: OBJECT, limits })
  const opening = parts?.ok === true ? parseOpening(parts.value.opening, of.schema) : undefined
  if (parts?.ok !== true || opening?.ok !== true || opening.value.subject !== of.subject) return undefined
  const { commitment, subject, schema, issuedAtMs } = opening.value
  const { issuer, signature } = parts.value
  return { opening: opening.value, attestation: { issuer, commitment, subject, schema, issuedAtMs, signature } }
}

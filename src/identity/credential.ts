/**
 * Credentials: what an issuer says a party is (PS's E-Cert and T-Cert; CL's health wallet; HC's consortium membership).
 *
 * An E-Cert names role and organisation and is what role grants match. A T-Cert vouches for a pseudonym: it has no
 * organisation, its validity is rounded to calendar months, and its quota is one of few classes, since exact values would
 * link it to its twin (`design/security.md` 9). It hides the link from the ledger, never from its issuer.
 *
 * The issuer signs the chain id and the tuple, so that a credential counts on one ledger only.
 */

import { fail, isVitalsealError, rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import { toHex, type Bytes, type Verified } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue, type CodecErrorCode } from '../primitives/codec.ts'
import type { Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { ROLES, type Role } from '../primitives/roles.ts'
import {
  account,
  choice,
  constant,
  encodeShape,
  identifier,
  listOf,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  timeMs,
  tuple,
  uint,
  writeShape,
  type Shape,
} from '../primitives/shape.ts'
import { createVerifier, type Signature, type Signer, type Verifier } from '../primitives/signature.ts'
import { TAGS } from '../primitives/tags.ts'
import { signatureShape } from './key-record.ts'
import { ceilToMonth, floorToMonth } from './months.ts'

/** Kinds of credentials. Wire positions: append only. */
export const CREDENTIAL_KINDS = ['E-Cert', 'T-Cert'] as const
/** E-Cert: a party under its own name. T-Cert: a pseudonym. */
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** Credentials that one account may hold. */
export const CREDENTIALS_MAX = 16

/**
 * The quotas that a T-Cert may carry, in transactions per minute. The field on the wire is the number itself, as in an
 * E-Cert; few values make many holders alike, null (the ledger's figure) most of all.
 */
export const QUOTA_CLASSES: readonly number[] = [60, 600, 6_000, 60_000]

/** What an issuer signs. */
export interface UnsignedCredential {
  readonly version: 1
  readonly kind: CredentialKind
  /** The issuer's account. */
  readonly issuer: Did
  /** The account that the credential is about. */
  readonly subject: Did
  readonly role: Role
  /** As role grants name it; null in each T-Cert. */
  readonly organisation: string | null
  /** First millisecond in which it counts. */
  readonly notBeforeMs: number
  /** First millisecond in which it no longer counts. */
  readonly notAfterMs: number
  /** Transactions in each minute of block time, replacing the ledger's figure; null leaves that figure. */
  readonly quotaPerMinute: number | null
}

/** A credential with its issuer's signature. */
export interface Credential extends UnsignedCredential {
  readonly signature: Signature
}

const unsignedShape: Shape<UnsignedCredential> = tuple({
  version: constant(1),
  kind: choice('kind', CREDENTIAL_KINDS),
  issuer: account,
  subject: account,
  role: choice('role', ROLES),
  organisation: nullable(identifier),
  notBeforeMs: timeMs,
  notAfterMs: timeMs,
  quotaPerMinute: nullable(uint(COUNTER_MAX, 1)),
})

/**
 * The wire form `[[1, kind, issuer33, subject33, role, organisation, notBeforeMs, notAfterMs, quota], signature65]`; form only.
 *
 * @internal
 */
export const credentialShape: Shape<Credential> = mapped(tuple({ terms: unsignedShape, signature: signatureShape }), {
  parse: ({ terms, signature }) => ({ ...terms, signature }),
  format: ({ signature, ...terms }) => ({ terms, signature }),
})

/**
 * The credentials of one account, as a registration lists them: at most 16, none of them twice.
 *
 * @internal
 */
export const credentialsShape: Shape<readonly Credential[]> = mapped(
  listOf(credentialShape, { name: 'credentials', countMax: CREDENTIALS_MAX }),
  { parse: refuseDuplicates, format: (credentials) => credentials },
)

/** Signatures do not count: one statement signed twice is still one. */
function refuseDuplicates(credentials: readonly Credential[]): readonly Credential[] | Mismatch {
  const seen = new Set<string>()
  for (const [index, credential] of credentials.entries()) {
    const terms = toHex(encodeCbor(unsignedShape.write(credential)))
    if (seen.has(terms)) return new Mismatch('a credential that is not in the list yet').within(String(index), index)
    seen.add(terms)
  }
  return credentials
}

const OBJECT = 'credential'

/** Returns the window rounded outwards to calendar months, as a T-Cert demands it. */
export function roundToMonths(window: { readonly notBeforeMs: number; readonly notAfterMs: number }): {
  readonly notBeforeMs: number
  readonly notAfterMs: number
} {
  return { notBeforeMs: floorToMonth(window.notBeforeMs), notAfterMs: ceilToMonth(window.notAfterMs) }
}

interface Fault {
  readonly field: keyof UnsignedCredential
  readonly expected: string
}

/** The first rule between the fields that does not hold. */
function findFault(credential: UnsignedCredential): Fault | undefined {
  const { kind, organisation, notBeforeMs, notAfterMs, quotaPerMinute } = credential
  if (notBeforeMs >= notAfterMs) return { field: 'notAfterMs', expected: 'a time after notBeforeMs' }
  if (kind === 'E-Cert') return undefined
  if (organisation !== null) return { field: 'organisation', expected: 'null in a T-Cert, since it would link it' }
  const month = 'the first millisecond of a month in a T-Cert; use roundToMonths'
  if (floorToMonth(notBeforeMs) !== notBeforeMs) return { field: 'notBeforeMs', expected: month }
  if (floorToMonth(notAfterMs) !== notAfterMs) return { field: 'notAfterMs', expected: month }
  if (quotaPerMinute === null || QUOTA_CLASSES.includes(quotaPerMinute)) return undefined
  return { field: 'quotaPerMinute', expected: `null or one of ${QUOTA_CLASSES.join(', ')} in a T-Cert` }
}

/**
 * Returns a credential that is not yet signed, checked and frozen.
 *
 * @param terms - `organisation` and `quotaPerMinute` are null when absent; for a T-Cert the times come from
 *   {@link roundToMonths}
 * @throws When a field has a wrong form or breaks a rule of its kind: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createCredential(
  terms: Omit<UnsignedCredential, 'version' | 'organisation' | 'quotaPerMinute'> & {
    readonly organisation?: string | null
    readonly quotaPerMinute?: number | null
  },
): UnsignedCredential {
  const { kind, issuer, subject, role, organisation = null, notBeforeMs, notAfterMs, quotaPerMinute = null } = terms
  const credential: UnsignedCredential = {
    version: 1,
    kind,
    issuer,
    subject,
    role,
    organisation,
    notBeforeMs,
    notAfterMs,
    quotaPerMinute,
  }
  writeShape(credential, unsignedShape, { object: OBJECT })
  const fault = findFault(credential)
  if (fault !== undefined) rejectArgument(`${OBJECT}.${fault.field}`, fault.expected, 'another value')
  return Object.freeze(credential)
}

function signedFields(credential: UnsignedCredential, chainId: ChainId): readonly CborValue[] {
  return [toDigest(chainId), writeShape(credential, unsignedShape, { object: OBJECT })]
}

/**
 * Returns the digest that the issuer signs, 32 bytes: of the chain id and the unsigned tuple.
 *
 * @throws When a field has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function hashCredential(credential: UnsignedCredential, options: { readonly chainId: ChainId }): Digest32 {
  return taggedHash(TAGS.credential, ...signedFields(credential, options.chainId))
}

/**
 * Returns the credential with its issuer's signature. Run by the issuer. Cost: one signature.
 *
 * @param credential - from {@link createCredential}
 * @param options - the ledger on which it counts, and the signer of the issuer's current key
 * @throws When a field has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function issueCredential(
  credential: UnsignedCredential,
  options: { readonly chainId: ChainId; readonly signer: Signer },
): Credential {
  const { chainId, signer } = options
  return Object.freeze({ ...credential, signature: signer.sign(TAGS.credential, signedFields(credential, chainId)) })
}

/**
 * Returns the canonical bytes of a credential, its signature included.
 *
 * @throws When a field has a wrong form: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function encodeCredential(credential: Credential): Bytes {
  return encodeShape(credential, credentialShape, { object: OBJECT })
}

/**
 * Reads a credential from foreign bytes. Total; form only.
 *
 * @param bytes - from {@link encodeCredential}
 * @returns the credential, or a failure of the codec with the path of the field
 */
export function parseCredential(bytes: Uint8Array): Result<Credential, CodecErrorCode> {
  return parseShape(bytes, credentialShape, { object: OBJECT })
}

/** Tells whether a credential counts at a time: from `notBeforeMs` on, no longer at `notAfterMs`. */
export function isCredentialLive(
  credential: Pick<UnsignedCredential, 'notBeforeMs' | 'notAfterMs'>,
  atMs: number,
): boolean {
  return credential.notBeforeMs <= atMs && atMs < credential.notAfterMs
}

/** Tells whether two credentials of one subject say the same; their signatures do not count. */
export function isSameStatement(one: Credential, other: Credential): boolean {
  return (
    one.kind === other.kind &&
    one.issuer === other.issuer &&
    one.role === other.role &&
    one.organisation === other.organisation &&
    one.notBeforeMs === other.notBeforeMs &&
    one.notAfterMs === other.notAfterMs &&
    one.quotaPerMinute === other.quotaPerMinute
  )
}

/** Returns the refusal of a field of a credential. Kept inside the folder. */
export function refuseCredential(path: string, expected: string): Failure<'ERR_IDENTITY_INVALID'> {
  return fail('ERR_IDENTITY_INVALID', `${path}: expected ${expected}`, { path, details: { expected } })
}

/**
 * Returns the digest under which the signature is to be judged, or the rule that the fields break. Kept inside the folder.
 */
export function checkCredential(
  credential: Credential,
  options: { readonly chainId: ChainId; readonly path: string },
): Result<Digest32, 'ERR_IDENTITY_INVALID'> {
  const { chainId, path } = options
  try {
    writeShape(credential, credentialShape, { object: path })
    const fault = findFault(credential)
    if (fault !== undefined) return refuseCredential(`${path}.${fault.field}`, fault.expected)
    return succeed(hashCredential(credential, { chainId }))
  } catch (error) {
    return refuseCredential(isVitalsealError(error) ? error.path : path, 'every field in its form')
  }
}

/** Returns the refusal of an issuer's signature. Kept inside the folder. */
export function refuseSignature(path: string, issuer: Did): Failure<'ERR_SIGNATURE_INVALID'> {
  const full = `${path}.signature`
  const message = `${full}: expected a signature by the issuer's key, for this ledger`
  return fail('ERR_SIGNATURE_INVALID', message, { path: full, details: { signer: issuer } })
}

/**
 * Returns the credential marked `Verified`, or the first rule that it breaks: form, rules of its kind, issuer's signature.
 *
 * Total. Cost: one signature verification. Judges neither time ({@link isCredentialLive}) nor whether the issuer may
 * issue it: `validateCredentials` does both, down from a registrar.
 *
 * @param credential - from {@link parseCredential}
 * @param options - the ledger; `signingKey`: the issuer's current key, its account by default; `verifier`: default
 *   {@link createVerifier}
 * @returns the credential, or `ERR_IDENTITY_INVALID` or `ERR_SIGNATURE_INVALID` with the path
 */
export function validateCredential(
  credential: Credential,
  options: { readonly chainId: ChainId; readonly signingKey?: Did; readonly verifier?: Verifier },
): Result<Verified<Credential>, 'ERR_IDENTITY_INVALID' | 'ERR_SIGNATURE_INVALID'> {
  const { chainId, signingKey, verifier = createVerifier() } = options
  const checked = checkCredential(credential, { chainId, path: OBJECT })
  if (!checked.ok) return checked
  const { issuer, signature } = credential
  const holds = verifier.verify({ signer: signingKey ?? issuer, digest: checked.value, signature })
  return holds ? succeed(credential as Verified<Credential>) : refuseSignature(OBJECT, issuer)
}

/** Tells whether {@link validateCredential} accepts the credential, and marks it. */
export function verifyCredential(
  credential: Credential,
  options: { readonly chainId: ChainId; readonly signingKey?: Did; readonly verifier?: Verifier },
): credential is Verified<Credential> {
  return validateCredential(credential, options).ok
}

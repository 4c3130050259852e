/**
 * Credentials: what an issuer says a party is (PS's E-Cert and T-Cert; CL's health wallet; HC's consortium membership).
 *
 * An E-Cert names role and organisation and is what role grants match. A T-Cert vouches for a pseudonym: it has no
 * organisation, its validity is rounded to calendar months, and its quota is one of few classes, since exact values would
 * link it to its twin (`design/security.md` 9). It hides the link from the ledger, never from its issuer.
 *
 * The issuer signs the chain id and the tuple, so that a credential counts on one ledger only.
 */

import type { Did } from '../primitives/did.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { ROLES, type Role } from '../primitives/roles.ts'
import {
  account,
  choice,
  constant,
  identifier,
  mapped,
  nullable,
  timeMs,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { signatureShape } from './key-record.ts'

/** Kinds of credentials. Wire positions: append only. */
export const CREDENTIAL_KINDS = ['E-Cert', 'T-Cert'] as const
/** E-Cert: a party under its own name. T-Cert: a pseudonym. */
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** Credentials that one account may hold. */
export const CREDENTIALS_MAX = 16

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

/** The wire form `[[1, kind, issuer33, subject33, role, organisation, notBeforeMs, notAfterMs, quota], signature65]`; form only. */
export const credentialShape: Shape<Credential> = mapped(tuple({ terms: unsignedShape, signature: signatureShape }), {
  parse: ({ terms, signature }) => ({ ...terms, signature }),
  format: ({ signature, ...terms }) => ({ terms, signature }),
})

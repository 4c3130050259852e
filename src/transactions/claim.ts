/**
 * claim and withdrawal: a patient shows that her record meets a published requirement (PS steps 4 and 5), and an issuer
 * takes its word on a commitment back.
 *
 * Everything that the patient agrees to is under the proof: listing, payee, price, licence, proxy, re-key, and the sealed
 * share. Its sender is the account that the issuer attested, under a pseudonym of this study.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { account, bytesOf, nullable, timeMs, transactionId, tuple } from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { signatureShape } from '../identity/index.ts'
import { digest } from './key.ts'
import type { KindDefinition } from './kind.ts'

/** Bytes of a proof. */
const PROOF_BYTES = 192

/** Body of a claim; its sender is the claimant. */
export interface ClaimBody {
  readonly listing: TransactionId
  /** Who attested the commitment. */
  readonly issuer: Did
  /** h, 32 bytes. */
  readonly commitment: Bytes
  /** When the issuer attested it. */
  readonly attestedAtMs: number
  /** The issuer's signature: chain id, issuer, h, sender, schema, time. */
  readonly attestation: Signature
  /** Of the person in the study, 32 bytes. */
  readonly studyNullifier: Bytes
  /** Of the person and the record, 32 bytes; null where the licence is not exclusive. */
  readonly recordNullifier: Bytes | null
  /** 192 bytes. Never an id: anybody can make another proof of it. */
  readonly proof: Bytes
  /** From this time on the proof does not count. */
  readonly expiresAtMs: number
  /** Who is paid. */
  readonly payee: Did
  /** Who converts. */
  readonly proxy: Did
  /** Id of the re-key that the proxy gets, 32 bytes. */
  readonly reKey: Digest32
  /** SHA-256 of the sealed share, 32 bytes: its address in a store of blocks. */
  readonly share: Digest32
}

/** claim. */
export const claimKind: KindDefinition<ClaimBody> = {
  version: 15,
  sentBy: 'account',
  body: tuple({
    listing: transactionId,
    issuer: account,
    commitment: bytesOf(32),
    attestedAtMs: timeMs,
    attestation: signatureShape,
    studyNullifier: bytesOf(32),
    recordNullifier: nullable(bytesOf(32)),
    proof: bytesOf(PROOF_BYTES),
    expiresAtMs: timeMs,
    payee: account,
    proxy: account,
    reKey: digest,
    share: digest,
  }),
}

/** Body of a withdrawal; its sender is the issuer. */
export interface WithdrawalBody {
  /** h, 32 bytes, as attested by the sender. */
  readonly commitment: Bytes
}

/** withdrawal: nothing more is claimed with this commitment where a requirement asks for it. */
export const withdrawalKind: KindDefinition<WithdrawalBody> = {
  version: 17,
  sentBy: 'account',
  body: tuple({ commitment: bytesOf(32) }),
}

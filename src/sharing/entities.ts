/**
 * What the state holds of listings and claims, and under which keys. One table: rules, queries and proofs use the same.
 *
 * Everything that decides about money is here, so that a rule needs no earlier transaction: a listing as claims are judged by
 * it, how many of its shares are left, each claim with its deadline, and the two kinds of nullifiers.
 */

import type { StateKey } from '../chain/index.ts'
import { toHex, type Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  account,
  bytesOf,
  bytesUpTo,
  choice,
  flag,
  listOf,
  nullable,
  timeMs,
  transactionId,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import type { PublishBody } from '../transactions/index.ts'

/** `listing/<id>`: what an institution published, as far as claims are judged by it. It never changes. */
export interface ListingEntry extends Pick<
  PublishBody,
  | 'study'
  | 'requirement'
  | 'schema'
  | 'issuers'
  | 'ageMsMax'
  | 'checksWithdrawal'
  | 'verifyingKey'
  | 'price'
  | 'exclusiveForMs'
  | 'expiresAtMs'
  | 'deadlines'
> {
  readonly institution: Did
}

/** Where a claim can stand, in the order of the wire: append only. */
export const CLAIM_STATES = ['claimed', 'delegated', 'converted', 'disputed', 'settled', 'refunded'] as const

/** Where a claim stands. */
export type ClaimState = (typeof CLAIM_STATES)[number]

/** `claim/<id>`: a claim and where it stands. */
export interface ClaimEntry {
  readonly listing: TransactionId
  readonly claimant: Did
  /** The key that signed the claim; her account may have another one since. */
  readonly signingKey: Did
  readonly issuer: Did
  readonly payee: Did
  readonly proxy: Did
  readonly studyNullifier: Bytes
  readonly recordNullifier: Bytes | null
  readonly state: ClaimState
  /** From this time on the step that the state waits for is late; null where it waits for none. */
  readonly untilMs: number | null
}

/** `licence/<record nullifier>`: the exclusive licence on a record. */
export interface LicenceEntry {
  readonly claim: TransactionId
  /** From this time on another claim may sell the record. */
  readonly untilMs: number
}

const digest = bytesOf(32) as Shape<Digest32>
const ISSUERS_MAX = 64
const KEY_BYTES_MAX = 1_024

/** `listing/`: a listing. */
export const listingShape: Shape<ListingEntry> = tuple({
  institution: account,
  study: digest,
  requirement: digest,
  schema: digest,
  issuers: listOf(account, { name: 'issuers', countMax: ISSUERS_MAX, countMin: 1 }),
  ageMsMax: nullable(timeMs),
  checksWithdrawal: flag,
  verifyingKey: bytesUpTo(KEY_BYTES_MAX),
  price: uint(Number.MAX_SAFE_INTEGER),
  exclusiveForMs: nullable(timeMs),
  expiresAtMs: timeMs,
  deadlines: tuple({ convertWithinMs: timeMs, answerWithinMs: timeMs, judgeWithinMs: timeMs }),
})
/** `left/`: shares of a listing that are paid for and not claimed. */
export const sharesLeftShape: Shape<number> = uint(Number.MAX_SAFE_INTEGER)
/** `claim/`: a claim. */
export const claimShape: Shape<ClaimEntry> = tuple({
  listing: transactionId,
  claimant: account,
  signingKey: account,
  issuer: account,
  payee: account,
  proxy: account,
  studyNullifier: bytesOf(32),
  recordNullifier: nullable(bytesOf(32)),
  state: choice('state', CLAIM_STATES),
  untilMs: nullable(timeMs),
})
/** `person/`: the claim of a person in a study. */
export const personShape: Shape<TransactionId> = transactionId
/** `licence/`: the exclusive licence on a record. */
export const licenceShape: Shape<LicenceEntry> = tuple({ claim: transactionId, untilMs: timeMs })
/** `withdrawn/`: when an issuer took its word on a commitment back. */
export const withdrawalShape: Shape<number> = timeMs

/** The keys of the state. */
export const sharingKeys = {
  /** List of the ids of all listings. */
  listings: ['listing'] as StateKey,
  /** A listing. */
  listing: (id: TransactionId): StateKey => ['listing', id],
  /** Shares that can still be claimed; absent once the listing was withdrawn. */
  sharesLeft: (listing: TransactionId): StateKey => ['left', listing],
  /** List of the ids of all claims of a listing. */
  claims: (listing: TransactionId): StateKey => ['claim', 'of', listing],
  /** A claim. */
  claim: (id: TransactionId): StateKey => ['claim', id],
  /**
   * The claim of the person with this nullifier of a study of an institution. Of that institution alone: under a key that it
   * made, it can forge a claim with the nullifier of another one's study, which must not use that up.
   */
  person: (institution: Did, studyNullifier: Uint8Array): StateKey => ['person', institution, toHex(studyNullifier)],
  /** The exclusive licence on the record with this nullifier. */
  licence: (recordNullifier: Uint8Array): StateKey => ['licence', toHex(recordNullifier)],
  /** When an issuer took back its word on a commitment. */
  withdrawn: (issuer: Did, commitment: Uint8Array): StateKey => ['withdrawn', issuer, toHex(commitment)],
} as const

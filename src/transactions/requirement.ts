/**
 * requirement: an institution publishes what it asks of records, with the price and the terms, or takes it back (PS step 1).
 *
 * The requirement itself is published in full or by digest only; what a ledger needs to judge a claim is in the clear in
 * both cases. The transaction's id is the id of the listing.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  account,
  bytesUpTo,
  flag,
  identifier,
  listOf,
  nullable,
  timeMs,
  transactionId,
  tuple,
  uint,
} from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { signatureShape } from '../identity/index.ts'
import { digest } from './key.ts'
import { checkOrder, compareText, formsOf, refuseField, type KindDefinition } from './kind.ts'

/** Somebody's signature that he took part in the ceremony of a verifying key. */
export interface KeyWitness {
  readonly account: Did
  readonly signature: Signature
}

/** How long the steps of a share may take. */
export interface ShareDeadlines {
  /** How long proxy and patient have from the claim to the conversion. */
  readonly convertWithinMs: number
  /** How long the institution has from the conversion to its answer. */
  readonly answerWithinMs: number
  /** How long the issuer has from a dispute to its verdict. */
  readonly judgeWithinMs: number
}

/** Publishes a requirement; its sender is the institution. */
export interface PublishBody {
  readonly step: 'publish'
  /** The institution's name of the study, 32 bytes; with its account it names the study in which a person claims once. */
  readonly study: Digest32
  /** Digest of the requirement. */
  readonly requirement: Digest32
  /** Id of the record schema. */
  readonly schema: Digest32
  /** Schema and requirement, for everybody to read; null where those who ask get them from the institution. */
  readonly text: { readonly schema: Bytes; readonly requirement: Bytes } | null
  /** Issuers whose attestation counts, ascending; as in the requirement. */
  readonly issuers: readonly Did[]
  /** Oldest attestation that counts; null for any age. */
  readonly ageMsMax: number | null
  /** Whether an attestation that its issuer withdrew is refused. */
  readonly checksWithdrawal: boolean
  /** Words by which patients find it, ascending, each once. */
  readonly keywords: readonly string[]
  /** The verifying key, encoded. */
  readonly verifyingKey: Bytes
  /** Who took part in its ceremony, ascending by account; empty for a key that the institution made. */
  readonly witnesses: readonly KeyWitness[]
  /** Micro-units for each share. */
  readonly price: number
  /** Shares that are paid for. */
  readonly sharesMax: number
  /** How long a share is exclusive, from its claim on; null where it is not. */
  readonly exclusiveForMs: number | null
  /** From this time on nothing is claimed. */
  readonly expiresAtMs: number
  readonly deadlines: ShareDeadlines
}

/** Takes a listing back: nothing more is claimed, and what is not claimed is refunded. */
export interface WithdrawBody {
  readonly step: 'withdraw'
  readonly listing: TransactionId
}

/** Body of a requirement transaction. */
export type RequirementBody = PublishBody | WithdrawBody

/** Longest text of a schema or a requirement. */
export const REQUIREMENT_BYTES_MAX = 16_384
/** Longest encoding of a verifying key. */
const VERIFYING_KEY_BYTES_MAX = 1_024
const ISSUERS_MAX = 64
const KEYWORDS_MAX = 16
const WITNESSES_MAX = 32
/** Most shares of one listing. */
const SHARES_MAX = 1_000_000
/** Longest step of a share: a year. */
const STEP_MS_MAX = 366 * 86_400_000
/** Shortest step: a minute. */
const STEP_MS_MIN = 60_000

const text = bytesUpTo(REQUIREMENT_BYTES_MAX)
const stepMs = uint(STEP_MS_MAX, STEP_MS_MIN)
/** requirement. */
export const requirementKind: KindDefinition<RequirementBody> = {
  version: 14,
  sentBy: 'account',
  body: formsOf<RequirementBody, 'step'>('step', {
    publish: {
      study: digest,
      requirement: digest,
      schema: digest,
      text: nullable(tuple({ schema: text, requirement: text })),
      issuers: listOf(account, { name: 'issuers', countMax: ISSUERS_MAX, countMin: 1 }),
      ageMsMax: nullable(timeMs),
      checksWithdrawal: flag,
      keywords: listOf(identifier, { name: 'keywords', countMax: KEYWORDS_MAX }),
      verifyingKey: bytesUpTo(VERIFYING_KEY_BYTES_MAX),
      witnesses: listOf(tuple({ account, signature: signatureShape }), { name: 'witnesses', countMax: WITNESSES_MAX }),
      price: uint(Number.MAX_SAFE_INTEGER),
      sharesMax: uint(SHARES_MAX, 1),
      exclusiveForMs: nullable(timeMs),
      expiresAtMs: timeMs,
      deadlines: tuple({ convertWithinMs: stepMs, answerWithinMs: stepMs, judgeWithinMs: stepMs }),
    },
    withdraw: { listing: transactionId },
  }),
  check(body) {
    if (body.step === 'withdraw') return undefined
    const { issuers, keywords, witnesses, price, sharesMax } = body
    const isPayable = Number.isSafeInteger(price * sharesMax)
    return (
      checkOrder('issuers', issuers, compareText) ??
      checkOrder('keywords', keywords, compareText) ??
      checkOrder('witnesses', witnesses, (left, right) => compareText(left.account, right.account)) ??
      (isPayable ? undefined : refuseField('price', 'a budget below 2^53'))
    )
  },
}

/**
 * share: the steps from a claim to payment or refund (PS steps 6 to 9).
 *
 * claimed, delegated, converted, then settled or refunded. The acknowledgement carries both signatures: the claimant's over
 * her claim, and the institution's as its sender.
 */

import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { choice, transactionId } from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { signatureShape } from '../identity/index.ts'
import { digest } from './key.ts'
import { formsOf, type KindDefinition } from './kind.ts'

/**
 * What an issuer says of a share that an institution disputes: it opens to what was attested; to something else, which is the
 * claimant's doing; or it does not open, which may be the proxy's, so that she may claim again. Append only.
 */
const VERDICTS = ['as-attested', 'not-as-attested', 'not-converted'] as const

/** The proxy has the re-key that the claim names, and the sealed share. */
export interface DelegateStep {
  readonly step: 'delegate'
  readonly claim: TransactionId
}

/** The proxy converted. */
export interface ConvertStep {
  readonly step: 'convert'
  readonly claim: TransactionId
  /** SHA-256 of the converted capsule, 32 bytes: its address in a store of blocks. */
  readonly converted: Digest32
}

/** The institution has what it asked for; pays. */
export interface AcknowledgeStep {
  readonly step: 'acknowledge'
  readonly claim: TransactionId
  /** The claimant's signature of the claim, as it is on the ledger. */
  readonly claimSignature: Signature
}

/** The institution does not have it; the issuer is asked. */
export interface DisputeStep {
  readonly step: 'dispute'
  readonly claim: TransactionId
  /** Digest of what the institution shows the issuer off the ledger, 32 bytes. */
  readonly evidence: Digest32
}

/** The issuer's word; pays or refunds. */
export interface JudgeStep {
  readonly step: 'judge'
  readonly claim: TransactionId
  readonly verdict: (typeof VERDICTS)[number]
}

/** A deadline has passed; pays or refunds. Anybody may send it. */
export interface CloseStep {
  readonly step: 'close'
  readonly claim: TransactionId
}

/** Body of a share transaction, told apart by `step`. */
export type ShareBody = DelegateStep | ConvertStep | AcknowledgeStep | DisputeStep | JudgeStep | CloseStep

const claim = transactionId

/** share. */
export const shareKind: KindDefinition<ShareBody> = {
  version: 16,
  sentBy: 'account',
  body: formsOf<ShareBody, 'step'>('step', {
    delegate: { claim },
    convert: { claim, converted: digest },
    acknowledge: { claim, claimSignature: signatureShape },
    dispute: { claim, evidence: digest },
    judge: { claim, verdict: choice('verdict', VERDICTS) },
    close: { claim },
  }),
}

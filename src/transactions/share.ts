/**
 * share: the steps from a claim to payment or refund (PS steps 6 to 9).
 *
 * claimed, delegated, converted, then settled or refunded. The acknowledgement carries both signatures: the claimant's over
 * her claim, and the institution's as its sender.
 */

import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { choice, transactionId, tuple, type Shape } from '../primitives/shape.ts'
import type { Signature } from '../primitives/signature.ts'
import { signatureShape } from '../identity/index.ts'
import { digest } from './key.ts'
import { variantOf, type KindDefinition } from './kind.ts'

/** Names of the steps, in the order of the wire: append only. */
const STEPS = ['delegate', 'convert', 'acknowledge', 'dispute', 'judge', 'close'] as const

/** What an issuer says of a share that an institution disputes. */
const VERDICTS = ['as-attested', 'not-as-attested'] as const

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

/** Says which form it is; the number was looked at before. */
function step<const S extends (typeof STEPS)[number]>(name: S): Shape<S> {
  return { read: () => name, write: () => STEPS.indexOf(name) }
}

const claim = transactionId
const forms: readonly Shape<ShareBody>[] = [
  tuple({ step: step('delegate'), claim }),
  tuple({ step: step('convert'), claim, converted: digest }),
  tuple({ step: step('acknowledge'), claim, claimSignature: signatureShape }),
  tuple({ step: step('dispute'), claim, evidence: digest }),
  tuple({ step: step('judge'), claim, verdict: choice('verdict', VERDICTS) }),
  tuple({ step: step('close'), claim }),
] as readonly Shape<unknown>[] as readonly Shape<ShareBody>[]

/** share. */
export const shareKind: KindDefinition<ShareBody> = {
  version: 16,
  sentBy: 'account',
  body: variantOf<ShareBody>({ at: 0, name: 'step', forms, formOf: (body) => STEPS.indexOf(body.step) }),
}

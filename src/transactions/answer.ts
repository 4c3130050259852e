/**
 * acknowledge and complaint: what a recipient says about the envelope that a tx_key holds for him.
 *
 * Nobody else can tell a junk envelope from a good one. Until a recipient has answered, an audit says that keys were
 * offered, not that he has them.
 */

import type { TransactionId } from '../primitives/ids.ts'
import { transactionId, tuple } from '../primitives/shape.ts'
import type { KindDefinition } from './kind.ts'

/** Body of acknowledge and of complaint. */
export interface AnswerBody {
  /** The tx_key that is answered. */
  readonly answers: TransactionId
}

function answerKind(version: number): KindDefinition<AnswerBody> {
  return { version, sentBy: 'publish', body: tuple({ answers: transactionId }) }
}

/** acknowledge: the keys are the committed ones. */
export const acknowledgeKind: KindDefinition<AnswerBody> = answerKind(9)
/** complaint: the envelope does not open, or holds other keys than the committed ones. */
export const complaintKind: KindDefinition<AnswerBody> = answerKind(10)

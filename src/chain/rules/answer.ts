/** The rules of acknowledge and complaint: each recipient of a tx_key answers it once. */

import type { Did } from '../../primitives/did.ts'
import { choice } from '../../primitives/shape.ts'
import { holderShape, keys, transactionShape } from '../entities.ts'
import { apply, refuse, type Outcome, type Rule } from '../rule.ts'
import type { StateWriter } from '../state.ts'
import type { TransactionId } from '../../primitives/ids.ts'

/** What a recipient may say. Wire positions: append only. */
export const ANSWERS = ['acknowledged', 'complained'] as const
/** `answer/<tx_key>/<recipient>`. */
export const answerShape = choice('answer', ANSWERS)

function answer(
  state: StateWriter,
  of: { readonly answers: TransactionId; readonly sender: Did; readonly answer: (typeof ANSWERS)[number] },
): Outcome {
  const { answers, sender } = of
  const known = state.get(keys.transaction(answers), transactionShape)
  const owner = known?.owner ?? sender
  const isRecipient =
    known?.kind === 'key' && known.code === null && state.get(keys.holder(owner, sender), holderShape) !== undefined
  if (!isRecipient || state.has(keys.answer(answers, sender))) return refuse(owner, 'ERR_CHAIN_ANSWER')
  state.set(keys.answer(answers, sender), of.answer, answerShape)
  return apply(owner)
}

/** Notes that the keys are the committed ones. */
export const applyAcknowledge: Rule<'acknowledge'> = (state, { answers, sender }) =>
  answer(state, { answers, sender, answer: 'acknowledged' })

/** Notes that they are not. */
export const applyComplaint: Rule<'complaint'> = (state, { answers, sender }) =>
  answer(state, { answers, sender, answer: 'complained' })

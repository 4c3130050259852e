/** The rules of acknowledge and complaint: each recipient of a tx_key answers it once. */

import type { Did } from '../../primitives/did.ts'
import { answerShape, keys, transactionShape, type Answer } from '../entities.ts'
import { apply, refuse, type Outcome, type Rule } from '../rule.ts'
import type { StateWriter } from '../state.ts'
import type { TransactionId } from '../../primitives/ids.ts'

function answer(
  state: StateWriter,
  of: { readonly answers: TransactionId; readonly sender: Did; readonly answer: Answer },
): Outcome {
  const { answers, sender } = of
  const owner = state.get(keys.transaction(answers), transactionShape)?.owner ?? sender
  const before = state.get(keys.answer(answers, sender), answerShape)
  if (before !== 'offered') return refuse(owner, 'ERR_CHAIN_ANSWER')
  state.set(keys.answer(answers, sender), of.answer, answerShape)
  return apply(owner)
}

/** Notes that the keys are the committed ones. */
export const applyAcknowledge: Rule<'acknowledge'> = (state, { answers, sender }) =>
  answer(state, { answers, sender, answer: 'acknowledged' })

/** Notes that they are not. */
export const applyComplaint: Rule<'complaint'> = (state, { answers, sender }) =>
  answer(state, { answers, sender, answer: 'complained' })

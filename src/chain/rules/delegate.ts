/**
 * The rule of delegate: fills or empties a slot. Whoever held keys of the current epoch through it still holds them, so the
 * owner must rotate; the nonce of the slot continues.
 */

import { epochShape, keys, slotShape, type SlotEntry } from '../entities.ts'
import { apply, type Rule } from '../rule.ts'

const EMPTY: SlotEntry = { signingKey: null, agreement: null, rights: [], notAfterMs: 0, nonceNext: 0, keyEpoch: 0 }

/** Fills or empties a slot. */
export const applyDelegate: Rule<'delegate'> = (state, transaction) => {
  const { sender, slot: number } = transaction
  const slot = state.get(keys.slot(sender, number), slotShape) ?? EMPTY
  const current = state.get(keys.epoch(sender), epochShape)
  if (slot.keyEpoch > 0 && slot.keyEpoch === current?.epoch) {
    state.set(keys.epoch(sender), { ...current, mustRotate: true }, epochShape)
  }
  const filled =
    transaction.signingKey === null
      ? { signingKey: null, agreement: null, rights: [], notAfterMs: 0 }
      : {
          signingKey: transaction.signingKey,
          agreement: transaction.agreement,
          rights: transaction.rights,
          notAfterMs: transaction.notAfterMs,
        }
  state.set(keys.slot(sender, number), { ...filled, nonceNext: slot.nonceNext, keyEpoch: 0 }, slotShape)
  return apply(sender)
}

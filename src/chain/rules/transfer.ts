/** The rule of transfer, and the balance arithmetic that escrow uses too: integer micro-units, never below zero. */

import type { Did } from '../../primitives/did.ts'
import { balanceShape, keys } from '../entities.ts'
import { apply, refuse, type Rule } from '../rule.ts'
import type { StateReader, StateWriter } from '../state.ts'

/** The balance of an account. */
export function balanceOf(state: StateReader, did: Did): number {
  return state.get(keys.balance(did), balanceShape) ?? 0
}

/** Adds to a balance; false, and nothing changed, when it would leave the safe integers. */
export function credit(state: StateWriter, did: Did, amount: number): boolean {
  const sum = balanceOf(state, did) + amount
  if (!Number.isSafeInteger(sum)) return false
  state.set(keys.balance(did), sum, balanceShape)
  return true
}

/** Takes from a balance; false, and nothing changed, when it does not hold so much. */
export function debit(state: StateWriter, did: Did, amount: number): boolean {
  const rest = balanceOf(state, did) - amount
  if (rest < 0) return false
  state.set(keys.balance(did), rest, balanceShape)
  return true
}

/** Moves an amount from a balance into an escrow; false when the balance does not hold so much or the escrow exists. */
export function lockEscrow(
  state: StateWriter,
  of: { readonly name: string; readonly payer: Did; readonly amount: number },
): boolean {
  if (state.has(keys.escrow(of.name)) || !debit(state, of.payer, of.amount)) return false
  state.set(keys.escrow(of.name), of.amount, balanceShape)
  return true
}

/** The amount in an escrow; undefined when there is none. */
export function escrowOf(state: StateReader, name: string): number | undefined {
  return state.get(keys.escrow(name), balanceShape)
}

/**
 * Moves a part of one escrow, or all of it, into another, which is made where there is none; false, and nothing changed, when
 * the first does not hold so much. An escrow that is moved as a whole is no more.
 */
export function moveEscrow(
  state: StateWriter,
  of: { readonly from: string; readonly to: string; readonly amount: number | 'all' },
): boolean {
  const { from, to } = of
  const held = escrowOf(state, from) ?? -1
  const amount = of.amount === 'all' ? held : of.amount
  const sum = (escrowOf(state, to) ?? 0) + amount
  if (from === to || held < amount || held < 0 || !Number.isSafeInteger(sum)) return false
  if (of.amount === 'all') state.delete(keys.escrow(from))
  else state.set(keys.escrow(from), held - amount, balanceShape)
  state.set(keys.escrow(to), sum, balanceShape)
  return true
}

/** Pays out a whole escrow; false, and nothing changed, when there is none or the balance would leave the safe integers. */
export function releaseEscrow(state: StateWriter, of: { readonly name: string; readonly payee: Did }): boolean {
  const amount = escrowOf(state, of.name)
  if (amount === undefined || !credit(state, of.payee, amount)) return false
  state.delete(keys.escrow(of.name))
  return true
}

/** Moves micro-units between accounts. */
export const applyTransfer: Rule<'transfer'> = (state, { sender, payee, amount }) => {
  if (!state.has(keys.account(payee))) return refuse(sender, 'ERR_CHAIN_ACCOUNT')
  return debit(state, sender, amount) && credit(state, payee, amount)
    ? apply(sender)
    : refuse(sender, 'ERR_CHAIN_BALANCE')
}

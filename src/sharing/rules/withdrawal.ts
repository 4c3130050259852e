/** The rule of withdrawal: an issuer takes its word on a commitment back; claims that were made before go on. */

import { apply, refuse, type Rule } from '../../chain/index.ts'
import { sharingKeys, withdrawalShape } from '../entities.ts'

/** Notes a withdrawal, once. */
export const applyWithdrawal: Rule<'withdrawal'> = (state, { sender, commitment }, { timeMs }) => {
  const key = sharingKeys.withdrawn(sender, commitment)
  if (state.has(key)) return refuse(sender, 'ERR_SHARING_STATE')
  state.set(key, timeMs, withdrawalShape)
  return apply(sender)
}

/** The rules of the four kinds of sharing, for a ledger whose genesis names them. */

import type { RuleTable } from '../../chain/index.ts'
import { createClaimRule } from './claim.ts'
import { createPorts, type SharingRulesOptions } from './ports.ts'
import { createRequirementRule } from './requirement.ts'
import { applyShare } from './share.ts'
import { applyWithdrawal } from './withdrawal.ts'

/** Names of the kinds of sharing. */
export const SHARING_KINDS = ['requirement', 'claim', 'share', 'withdrawal'] as const

/**
 * Returns the rules of requirement, claim, share and withdrawal.
 *
 * @example const rules = { ...RULES, ...createSharingRules() }
 */
export function createSharingRules(
  options: SharingRulesOptions = {},
): Pick<Required<RuleTable>, (typeof SHARING_KINDS)[number]> {
  const ports = createPorts(options)
  return {
    requirement: createRequirementRule(ports),
    claim: createClaimRule(ports),
    share: applyShare,
    withdrawal: applyWithdrawal,
  }
}

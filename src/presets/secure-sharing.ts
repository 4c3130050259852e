/**
 * The preset `secureSharing` of PS: a consortium on which institutions publish requirements, patients claim with proofs, and
 * the ledger holds the money.
 *
 * Its kinds are those of a consortium and four more. The rules of these check proofs, which needs pairings; a bundle has them
 * only where {@link secureSharingRules} is imported, and whoever executes such a ledger needs them: replicas, clients, auditors.
 */

import { RULES, type RuleTable } from '../chain/index.ts'
import { createSharingRules, SHARING_KINDS, type SharingRulesOptions } from '../sharing/index.ts'
import { consortium, consortiumKinds, type ConsortiumOptions } from './consortium.ts'

/** Kinds of a consortium with the sharing contract. */
export const secureSharingKinds: readonly string[] = /* @__PURE__ */ [...consortiumKinds, ...SHARING_KINDS]

/**
 * Returns the options of a genesis with the kinds of sharing added, for example to those of `consortium`.
 *
 * @example const genesis = createGenesis(withSharing(consortium({ members: [{ did }], timeMs: Date.now() })))
 */
export function withSharing<T extends { readonly kinds: readonly string[] }>(
  options: T,
): T & { readonly kinds: readonly string[] } {
  return { ...options, kinds: [...new Set([...options.kinds, ...SHARING_KINDS])] }
}

/**
 * Returns the options of `createGenesis` for a consortium with the sharing contract.
 *
 * @example const genesis = createGenesis(secureSharing({ members: [{ did }], timeMs: Date.now() }))
 */
export function secureSharing(options: ConsortiumOptions): ReturnType<typeof consortium> {
  return { ...withSharing(consortium(options)), preset: 'secure-sharing' }
}

/**
 * Returns the rules of a consortium and those of sharing; a ledger takes those of the kinds that its genesis names.
 *
 * @example const ledger = createLocalLedger({ genesis, signer, clock: Date.now, rules: secureSharingRules() })
 */
export function secureSharingRules(options: SharingRulesOptions = {}): RuleTable {
  return { ...RULES, ...createSharingRules(options) }
}

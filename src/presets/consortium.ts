/**
 * The preset `consortium`: hospitals run the members, a registrar of theirs admits accounts, everything is one ledger.
 */

import { RULES, type Parameters } from '../chain/index.ts'
import type { Did } from '../primitives/did.ts'
import type { Member } from '../primitives/member.ts'

/** What a genesis of a consortium is made of. */
export interface ConsortiumOptions {
  /** The replicas, in the order that gives them indexes; four stand one fault. */
  readonly members: readonly Member[]
  /** Milliseconds UTC; no block is older. */
  readonly timeMs: number
  /** Who admits accounts; nobody: each account registers itself (development only). */
  readonly registrars?: readonly Did[]
  readonly balances?: readonly { readonly account: Did; readonly amount: number }[]
  readonly parameters?: Partial<Parameters>
}

/** Kinds of a consortium: all that need neither pairings nor proofs. */
export const consortiumKinds: readonly string[] = /* @__PURE__ */ Object.keys(RULES)

/**
 * Returns the options of `createGenesis` for a consortium.
 *
 * @example const genesis = createGenesis(consortium({ members: [{ did }], timeMs: Date.now() }))
 */
export function consortium(options: ConsortiumOptions): ConsortiumOptions & {
  readonly preset: string
  readonly kinds: readonly string[]
} {
  return { ...options, preset: 'consortium', kinds: consortiumKinds }
}

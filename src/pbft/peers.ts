/**
 * Where the group stands, by the claims of its members.
 */

import type { Core } from './core.ts'

/** Returns the height that at least one correct replica has executed, by the claims of f + 1. */
export function groupHeight(core: Core, claim: 'executed' | 'certified'): number {
  const claims = core.peers.map((peer, index) => (index === core.self ? core[claim] : peer[claim]))
  claims.sort((left, right) => right - left)
  return claims[core.settings.weakQuorum - 1] as number
}

/** Tells whether the group has blocks or certificates that this replica lacks. */
export function isBehind(core: Core): boolean {
  return groupHeight(core, 'executed') > core.executed || groupHeight(core, 'certified') > core.certified
}

/**
 * Presets by name, and the rules that a genesis needs by the kinds that it names.
 *
 * They are read from disk when they are asked for: a node of a ledger without proofs loads nothing that checks any.
 */

import { RULES, type Genesis, type RuleTable } from '../chain/index.ts'
import type { consortium } from '../presets/index.ts'

/** Names of the presets of which this package makes a genesis. */
export const PRESETS: readonly PresetName[] = ['consortium', 'secure-sharing']

/** Name of a preset. */
export type PresetName = 'consortium' | 'secure-sharing'

/** Tells whether a text names a preset; nothing stands for the default. */
export function isPreset(name: string | undefined): name is PresetName | undefined {
  return name === undefined || PRESETS.some((preset) => preset === name)
}

/** Returns the function that makes the options of a genesis. */
export async function loadPreset(name: PresetName): Promise<typeof consortium> {
  const presets = await import('../presets/index.ts')
  return name === 'consortium' ? presets.consortium : presets.secureSharing
}

/** Returns the rules of the kinds of a genesis; kinds that this package does not know have none. */
export async function loadRules({ kinds }: Pick<Genesis, 'kinds'>): Promise<RuleTable> {
  if (kinds.every((kind) => Object.hasOwn(RULES, kind))) return RULES
  const { secureSharingRules } = await import('../presets/index.ts')
  return secureSharingRules()
}

/**
 * What in a grant is wider than people usually mean.
 */

import type { DataType } from '../primitives/did.ts'
import { DAY_MS } from './civil-date.ts'
import { findMalformed } from './terms.ts'
import { PURPOSES, type Grant } from './types.ts'
import { coveredPurposes } from './words.ts'

/** Something to ask the patient about before a grant is signed. */
export interface GrantFinding {
  readonly rule: 'all-types' | 'no-expiry' | 'all-purposes'
  /** One sentence for people. */
  readonly message: string
}

/** Ten years: whoever grants for longer has not thought of an end. */
export const EXPIRY_MS_MAX: number = 3_652 * DAY_MS

/**
 * Lists what in a permit is wider than people usually mean: all types, all purposes, ten years or more. A deny may be as
 * wide as it likes.
 */
export function lintGrant<T extends string = DataType>(grant: Grant<T>): readonly GrantFinding[] {
  if (findMalformed(grant) !== undefined || (grant.effect ?? 'permit') !== 'permit') return []
  const { dataTypes, purposes, access } = grant
  const rules = [
    ['all-types', dataTypes === 'all', 'covers all types of data'],
    ['no-expiry', access.untilMs - access.fromMs >= EXPIRY_MS_MAX, 'lasts for ten years or more'],
    ['all-purposes', coveredPurposes(purposes) === coveredPurposes(PURPOSES), 'holds for all purposes'],
  ] as const
  return rules.flatMap(([rule, isFound, message]) => (isFound ? [{ rule, message }] : []))
}

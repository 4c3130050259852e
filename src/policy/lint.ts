/**
 * What in a grant is wider than people usually mean.
 */

import type { DataType } from '../primitives/did.ts'
import { findMalformed } from './terms.ts'
import { PURPOSES, type Grant } from './types.ts'
import { coveredPurposes, maskOf } from './words.ts'

/** Something to ask the patient about before a grant is signed. */
export interface GrantFinding {
  readonly rule: 'all-types' | 'no-expiry' | 'all-purposes'
  /** One sentence for people. */
  readonly message: string
}

/** Ten years: whoever grants for longer has not thought of an end. */
export const EXPIRY_MS_MAX: number = 3_652 * 24 * 60 * 60_000

/**
 * Lists what in a permit is wider than people usually mean: all types, all purposes, ten years or more. A deny may be as
 * wide as it likes.
 */
export function lintGrant<T extends string = DataType>(grant: Grant<T>): readonly GrantFinding[] {
  if (findMalformed(grant) !== undefined || (grant.effect ?? 'permit') !== 'permit') return []
  const { dataTypes, purposes, access } = grant
  const findings: GrantFinding[] = []
  if (dataTypes === 'all') {
    findings.push({ rule: 'all-types', message: 'covers every type of data; name the types' })
  }
  if (access.untilMs - access.fromMs >= EXPIRY_MS_MAX) {
    findings.push({ rule: 'no-expiry', message: 'lasts for ten years or longer; choose an end' })
  }
  if (coveredPurposes(maskOf(purposes, PURPOSES)) === maskOf(PURPOSES, PURPOSES)) {
    findings.push({
      rule: 'all-purposes',
      message: 'holds for every purpose; name the purposes',
    })
  }
  return findings
}

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explainPseudonymity, PSEUDONYMITY_LINKS, PSEUDONYMITY_NOTICE } from '../../src/identity/index.ts'

const guide = readFileSync(new URL('../../docs/guide/identity.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ')

describe('the limits of pseudonyms', () => {
  it('are told in full', () => {
    const text = explainPseudonymity()
    expect(text.startsWith(PSEUDONYMITY_NOTICE)).toBe(true)
    expect(text.split('\n')).toHaveLength(2 + PSEUDONYMITY_LINKS.length)
    for (const link of PSEUDONYMITY_LINKS) expect(text).toContain(link)
  })

  it('name those from whom nothing is hidden, and claim no anonymity', () => {
    for (const word of ['registrar', 'doctors', 'gateway', 'timing', 'GDPR', 'not anonymity']) {
      expect(PSEUDONYMITY_NOTICE).toContain(word)
    }
  })

  it('stand in the guide as the library prints them', () => {
    expect(guide).toContain(PSEUDONYMITY_NOTICE)
    for (const link of PSEUDONYMITY_LINKS) expect(guide).toContain(link)
  })
})

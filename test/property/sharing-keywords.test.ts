import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { normalizeKeywords } from '../../src/sharing/publish.ts'
import { propertyRuns } from '../support/property.ts'

const word = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 20 }))
const words = fc.array(word, { maxLength: 6 })

describe('keywords', () => {
  it('have one spelling: whoever searches for what was published finds it', () => {
    fc.assert(
      fc.property(words, (published) => {
        const once = normalizeKeywords(published)
        expect(normalizeKeywords(once)).toEqual(once)
        for (const variant of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) {
          expect(normalizeKeywords(published.map((text) => `  ${text.normalize(variant)} `))).toEqual(once)
        }
      }),
      propertyRuns(),
    )
  })

  it('stand in the order of the wire, each once, in a form that it takes', () => {
    fc.assert(
      fc.property(words, (published) => {
        const once = normalizeKeywords(published)
        expect(once).toEqual([...new Set(once)].sort((left, right) => (left < right ? -1 : 1)))
        for (const text of once) expect(text).toBe(text.normalize('NFC'))
        expect(once).not.toContain('')
      }),
      propertyRuns(),
    )
  })
})

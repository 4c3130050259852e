import { describe, expect, it } from 'vitest'

import { isNarrowing, type Grant, type GrantTerms } from '../../src/policy/index.ts'
import { DAY_MS, ECG, GLUCOSE, HEART_RATE, JULY_MS, june, JUNE_MS } from './fixtures.ts'

const atMs = JUNE_MS + DAY_MS

function narrows(before: readonly GrantTerms[], after: readonly GrantTerms[]): boolean {
  return isNarrowing({ before, after, atMs })
}

describe('isNarrowing', () => {
  const wide = june({ dataTypes: [ECG, HEART_RATE], actions: ['access', 'use'], purposes: ['TREAT'] })

  it('says no of equal and of wider sets', () => {
    const wider: readonly Partial<Grant>[] = [
      {},
      { dataTypes: [GLUCOSE, HEART_RATE, ECG] },
      { dataTypes: 'all' },
      { actions: ['access', 'use', 'write'] },
      { purposes: ['TREAT', 'HRESCH'] },
      { access: { fromMs: JUNE_MS, untilMs: JULY_MS + 1 } },
    ]
    for (const change of wider) expect(narrows([wide], [{ ...wide, ...change }])).toBe(false)
    expect(narrows([june({ purposes: ['ETREAT'] })], [june({ purposes: ['TREAT'] })])).toBe(false)
    expect(narrows([], [wide])).toBe(false)
    expect(narrows([], [])).toBe(false)
  })

  it.each<Partial<Grant>>([
    { dataTypes: [HEART_RATE] },
    { dataTypes: [] },
    { actions: ['access'] },
    { purposes: ['ETREAT', 'COC'] },
    { access: { fromMs: JUNE_MS, untilMs: JULY_MS - 1 } },
    { access: { fromMs: atMs + 1, untilMs: JULY_MS } },
    { data: { fromMs: 0, untilMs: JULY_MS } },
    { effect: 'deny' },
    { obligations: [{ kind: 'notify-patient' }] },
  ])('says yes when %j is what is left', (change) => {
    expect(narrows([wide], [{ ...wide, ...change }])).toBe(true)
  })

  it('says yes to a revocation and to all types becoming some', () => {
    expect(narrows([wide], [])).toBe(true)
    expect(narrows([june({ dataTypes: 'all' })], [june({ dataTypes: [ECG, HEART_RATE] })])).toBe(true)
  })

  it('does not mind what is over: the past of a window, an ended grant', () => {
    expect(narrows([wide], [{ ...wide, access: { fromMs: atMs, untilMs: JULY_MS } }])).toBe(false)
    expect(narrows([{ ...wide, access: { fromMs: 0, untilMs: atMs } }], [])).toBe(false)
    expect(narrows([{ ...wide, access: { fromMs: 0, untilMs: atMs + 1 } }], [])).toBe(true)
    expect(narrows([], [{ ...wide, effect: 'deny', access: { fromMs: 0, untilMs: atMs } }])).toBe(false)
  })

  it('accepts types spread over several grants', () => {
    expect(
      narrows(
        [wide],
        [
          { ...wide, dataTypes: [ECG] },
          { ...wide, dataTypes: [HEART_RATE] },
        ],
      ),
    ).toBe(false)
    expect(
      narrows(
        [
          { ...wide, dataTypes: [ECG] },
          { ...wide, dataTypes: [HEART_RATE] },
        ],
        [wide],
      ),
    ).toBe(false)
    // Split by purposes nothing is lost either; yes is allowed there, and costs one rotation of keys.
    expect(
      narrows(
        [june({ purposes: ['TREAT', 'HRESCH'] })],
        [june({ purposes: ['TREAT'] }), june({ purposes: ['HRESCH'] })],
      ),
    ).toBe(true)
  })

  it('says yes to a new deny and to a wider one, no to one that stays, shrinks or goes', () => {
    const denial = june({ dataTypes: [ECG], effect: 'deny' })
    expect(narrows([wide], [wide, denial])).toBe(true)
    expect(narrows([wide, denial], [wide, denial])).toBe(false)
    expect(narrows([wide, denial], [wide, { ...denial, dataTypes: [ECG, GLUCOSE] }])).toBe(true)
    expect(narrows([wide, denial], [wide, { ...denial, purposes: ['ETREAT'] }])).toBe(false)
    expect(narrows([wide, denial], [wide])).toBe(false)
    expect(narrows([], [denial])).toBe(true)
  })

  it('accepts fewer obligations and the same in another order', () => {
    const bound = june({ obligations: [{ kind: 'notify-patient' }, { kind: 'delete-after', afterMs: 5 }] })
    expect(narrows([bound], [june()])).toBe(false)
    expect(narrows([bound], [{ ...bound, obligations: bound.obligations?.toReversed() ?? [] }])).toBe(false)
    expect(narrows([bound], [june({ obligations: [{ kind: 'delete-after', afterMs: 4 }] })])).toBe(true)
  })

  it('fears what is not understood in the new set, and misses none of it from the old one', () => {
    const odd = [{ ...wide, effect: 'maybe' }, { ...wide, supersedes: 1 }, null] as unknown as readonly GrantTerms[]
    for (const terms of odd) {
      expect(narrows([wide], [wide, terms])).toBe(true)
      expect(narrows([wide, terms], [wide])).toBe(false)
    }
  })
})

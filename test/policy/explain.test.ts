import { describe, expect, it } from 'vitest'

import {
  createGrant,
  createPolicyIndex,
  END_OF_TIME_MS,
  evaluateAccess,
  explainDecision,
  explainGrant,
  lintGrant,
  PURPOSES,
  unwrap,
  type Grant,
} from '../../src/policy/index.ts'
import { formatMoment } from '../../src/policy/civil-date.ts'
import {
  ann,
  ask,
  bob,
  cardiology,
  carol,
  certified,
  dave,
  DAY_MS,
  ECG,
  GLUCOSE,
  HEART_RATE,
  JULY_MS,
  june,
  JUNE_MS,
} from './fixtures.ts'

const names = new Map<string, string>([
  [ann, 'Ann'],
  [bob, 'Dr Bob'],
  [dave, 'her guardian'],
  [HEART_RATE, 'heart rate'],
  [ECG, 'ECG'],
  [GLUCOSE, 'glucose'],
])
const options = { nameOf: (named: string) => names.get(named) }

describe('explainGrant', () => {
  it('says who may do what with which data, why and when', () => {
    expect(explainGrant(june(), options)).toBe(
      'Dr Bob may read heart rate for treatment from 1 June 2026 until 1 July 2026',
    )
    expect(explainGrant(june())).toBe(`${bob} may read ${HEART_RATE} for treatment from 1 June 2026 until 1 July 2026`)
  })

  it.each<readonly [Partial<Grant>, string]>([
    [{ dataTypes: [ECG, HEART_RATE, GLUCOSE] }, 'Dr Bob may read ECG, heart rate and glucose for'],
    [{ dataTypes: 'all' }, 'Dr Bob may read all types of data for'],
    [{ dataTypes: [] }, 'Dr Bob has nothing granted'],
    [{ actions: ['access', 'write', 'disclose'] }, 'Dr Bob may read, write and disclose heart rate'],
    [{ effect: 'deny' }, 'Dr Bob may not read heart rate'],
    [{ purposes: ['HRESCH', 'PATRQT'] }, "heart rate for healthcare research and the patient's request from"],
    [{ grantee: cardiology }, 'each clinician of cardiology.example may read'],
    [{ patient: ann, grantor: dave }, 'until 1 July 2026, by decision of her guardian'],
    [{ access: { fromMs: JUNE_MS + 90 * 60_000 + 999, untilMs: END_OF_TIME_MS } }, 'from 1 June 2026 01:30 UTC on'],
    [{ data: { fromMs: 0, untilMs: DAY_MS } }, ', on data from 1 January 1970 until 2 January 1970'],
    [
      {
        obligations: [
          { kind: 'redact', labels: ['PSY', 'HIV'] },
          { kind: 'notify-patient' },
          { kind: 'exclusive-until', untilMs: JULY_MS },
          { kind: 'delete-after', afterMs: JUNE_MS },
        ],
      },
      '; redact PSY and HIV; notify patient; exclusive until 1 July 2026; delete after 1 June 2026',
    ],
  ])('%j: %s', (change, words) => {
    expect(explainGrant(june(change), options)).toContain(words)
  })

  it('has a word for each purpose', () => {
    const words = PURPOSES.map((purpose) => explainGrant(june({ purposes: [purpose] })))
    expect(new Set(words).size).toBe(PURPOSES.length)
    for (const sentence of words) expect(sentence).not.toMatch(/undefined|for [A-Z]/)
  })

  it('is total on grants that the library does not understand', () => {
    const odd = (change: object): Grant => ({ ...june(), ...change })
    expect(explainGrant(odd({ effect: 'maybe' }), options)).toContain('Dr Bob maybe? read heart rate')
    expect(explainGrant(odd({ actions: ['print'], purposes: ['FUN'] }), options)).toContain(
      'may print heart rate for FUN',
    )
    expect(explainGrant(odd({ obligations: [{ kind: 'dance' }] }), options)).toContain('; {"kind":"dance"}')
    for (const change of [{ access: null }, { dataTypes: 5 }, { supersedes: 1 }, { obligations: {} }]) {
      expect(explainGrant(odd(change), options)).toBe('Dr Bob has a grant that is not understood')
    }
  })
})

describe('explainDecision', () => {
  const index = createPolicyIndex()
  unwrap(index.apply(june({ obligations: [{ kind: 'notify-patient' }] }), { height: 412 }))
  const sentence = 'Dr Bob may read heart rate for treatment from 1 June 2026 until 1 July 2026; notify patient'

  it('gives the answer, then one sentence for each reason and duty', () => {
    expect(explainDecision(evaluateAccess(index, ask()), options)).toBe(
      `Permitted until 1 July 2026: "${sentence}" of block 412 permits it. Duty: notify patient.`,
    )
    expect(explainDecision(evaluateAccess(index, ask({ requester: ann })))).toBe(
      'Permitted: the requester is the owner.',
    )
    expect(explainDecision(evaluateAccess(index, ask({ requester: carol })))).toBe('Denied: nothing was granted.')
    expect(explainDecision(evaluateAccess(index, ask({ purpose: 'HRESCH' })), options)).toBe(
      `Denied: "${sentence}" of block 412 does not fit (purposes).`,
    )
    expect(explainDecision(evaluateAccess(index, ask({ atMs: JULY_MS })), options)).toContain('has ended (access).')
    expect(explainDecision(evaluateAccess(index, ask({ atMs: 0 })), options)).toContain('has not begun (access).')
    expect(explainDecision(evaluateAccess(index, ask({ action: 'print' as 'use' })))).toBe(
      'A person has to decide: is not understood (request).',
    )
  })

  it('says when it was the credential, and when a grant denies', () => {
    const roles = createPolicyIndex([june({ grantee: cardiology, effect: 'deny' })])
    const expired = certified({ notAfterMs: JUNE_MS })
    expect(explainDecision(evaluateAccess(roles, ask({ credentials: [expired] })))).toContain('has ended (credential).')
    expect(explainDecision(evaluateAccess(roles, ask({ credentials: [certified()] })))).toContain('denies it (effect).')
  })
})

describe('formatMoment', () => {
  it('agrees with the calendar of the platform', () => {
    const format = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
    for (let day = 0; day < 160_000; day += day < 1_600 ? 1 : 13)
      expect(formatMoment(day * DAY_MS)).toBe(format.format(day * DAY_MS))
    for (const day of [11_015, 11_016, 11_017, 47_540, 47_541, 47_542, 100_000_000]) {
      expect(formatMoment(day * DAY_MS)).toBe(format.format(day * DAY_MS))
    }
  })

  it('adds the time where it is not midnight', () => {
    expect(formatMoment(JUNE_MS - 60_000)).toBe('31 May 2026 23:59 UTC')
    expect(formatMoment(JUNE_MS + 59_999)).toBe('1 June 2026')
    expect(formatMoment(JUNE_MS + 60_000)).toBe('1 June 2026 00:01 UTC')
  })
})

describe('lintGrant', () => {
  const rules = (change: Partial<Grant>): readonly string[] =>
    lintGrant(createGrant(june(change))).map(({ rule }) => rule)

  it('finds what is wider than people mean', () => {
    expect(rules({})).toEqual([])
    expect(rules({ dataTypes: 'all' })).toEqual(['all-types'])
    expect(rules({ access: { fromMs: 0, untilMs: 3_652 * DAY_MS } })).toEqual(['no-expiry'])
    expect(rules({ access: { fromMs: 0, untilMs: 3_652 * DAY_MS - 1 } })).toEqual([])
    expect(rules({ purposes: PURPOSES })).toEqual(['all-purposes'])
    expect(rules({ purposes: PURPOSES.filter((purpose) => purpose !== 'PUBHLTH') })).toEqual([])
    expect(rules({ purposes: ['TREAT', 'HRESCH', 'PATRQT', 'HPAYMT', 'HOPERAT', 'PUBHLTH'] })).toEqual(['all-purposes'])
    expect(lintGrant(june({ dataTypes: 'all' }))[0]?.message).toBe('covers all types of data')
  })

  it('lets a deny be as wide as it likes, and is total', () => {
    expect(rules({ dataTypes: 'all', purposes: PURPOSES, effect: 'deny' })).toEqual([])
    expect(lintGrant({ ...june(), access: null } as unknown as Grant)).toEqual([])
  })
})

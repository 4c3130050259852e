import { describe, expect, it } from 'vitest'

import {
  createPolicyIndex,
  END_OF_TIME_MS,
  findCoverage,
  whoMayRead,
  type Coverage,
  type CoverageQuery,
  type Grant,
  type GrantSet,
  type GrantTerms,
} from '../../src/policy/index.ts'
import {
  ann,
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

const anyone = { mayGrant: () => true }
const atMs = JUNE_MS + DAY_MS

function cover(grants: readonly (Grant | GrantSet)[], changes: Partial<CoverageQuery> = {}): Coverage | undefined {
  return findCoverage(createPolicyIndex(grants, anyone), { patient: ann, grantee: bob, atMs, ...changes })
}

function set(...grants: readonly GrantTerms[]): GrantSet {
  return { patient: ann, grantor: ann, grantee: bob, grants }
}

describe('findCoverage', () => {
  it('gives the types and the end of what may be accessed now', () => {
    expect(cover([june({ dataTypes: [HEART_RATE, GLUCOSE] })])).toEqual({
      dataTypes: [GLUCOSE, HEART_RATE],
      except: [],
      untilMs: JULY_MS,
    })
    expect(cover([june({ dataTypes: 'all' })])).toEqual({ dataTypes: 'all', except: [], untilMs: JULY_MS })
  })

  it('gives nothing before, after, to others, and for other actions', () => {
    expect(cover([june()], { atMs: JUNE_MS - 1 })).toBeUndefined()
    expect(cover([june()], { atMs: JUNE_MS })).toBeDefined()
    expect(cover([june()], { atMs: JULY_MS - 1 })).toBeDefined()
    expect(cover([june()], { atMs: JULY_MS })).toBeUndefined()
    expect(cover([june()], { grantee: carol })).toBeUndefined()
    expect(cover([june({ actions: ['write'] })])).toBeUndefined()
    expect(cover([june({ actions: ['write'] })], { action: 'write' })).toBeDefined()
  })

  it('gives the owner everything without end', () => {
    expect(cover([], { grantee: ann })).toEqual({ dataTypes: 'all', except: [], untilMs: END_OF_TIME_MS })
  })

  it('takes away what is denied, by name from all', () => {
    const denial = june({ dataTypes: [ECG], effect: 'deny' })
    expect(cover([set(june({ dataTypes: 'all' }), denial)])).toEqual({
      dataTypes: 'all',
      except: [ECG],
      untilMs: JULY_MS,
    })
    expect(cover([set(june({ dataTypes: [ECG, GLUCOSE] }), denial)])?.dataTypes).toEqual([GLUCOSE])
    expect(cover([set(june({ dataTypes: [ECG] }), denial)])).toBeUndefined()
    expect(cover([set(june({ dataTypes: [ECG] }), june({ dataTypes: 'all', effect: 'deny' }))])).toBeUndefined()
    expect(cover([june({ dataTypes: 'all' }), { ...denial, patient: ann, grantor: dave }])?.except).toEqual([ECG])
  })

  it('keeps a type that is denied for some purposes only', () => {
    const denied = (purposes: Grant['purposes']): GrantSet =>
      set(june({ purposes: ['TREAT'] }), june({ purposes, effect: 'deny' }))
    expect(cover([denied(['ETREAT'])])?.dataTypes).toEqual([HEART_RATE])
    expect(cover([denied(['TREAT', 'HRESCH'])])).toBeUndefined()
    expect(cover([set(june({ purposes: ['ETREAT'] }), june({ purposes: ['TREAT'], effect: 'deny' }))])).toBeUndefined()
  })

  it('follows roles while the credential holds', () => {
    const toRole = june({ grantee: cardiology })
    expect(cover([toRole])).toBeUndefined()
    expect(cover([toRole], { credentials: [certified()] })?.untilMs).toBe(JULY_MS)
    expect(cover([toRole], { credentials: [certified({ notAfterMs: atMs + 1 })] })?.untilMs).toBe(atMs + 1)
    expect(cover([toRole], { credentials: [certified({ notAfterMs: atMs })] })).toBeUndefined()
    expect(cover([toRole], { credentials: [certified({ organisation: null })] })).toBeUndefined()
    expect(cover([june(), { ...toRole, effect: 'deny' }], { credentials: [certified()] })).toBeUndefined()
    const soon = certified({ notBeforeMs: atMs + 5 })
    expect(cover([june(), { ...toRole, effect: 'deny' }], { credentials: [soon] })?.untilMs).toBe(atMs + 5)
  })

  it('ends when a type is lost, not when a permit ends beside another', () => {
    const until = (days: number, changes: Partial<Grant> = {}): Grant =>
      june({ access: { fromMs: JUNE_MS, untilMs: JUNE_MS + days * DAY_MS }, ...changes })
    const day = (coverage: Coverage | undefined): number => ((coverage?.untilMs ?? 0) - JUNE_MS) / DAY_MS
    expect(day(cover([set(until(10), until(20))]))).toBe(20)
    expect(day(cover([set(until(10), until(20, { dataTypes: [ECG] }))]))).toBe(10)
    expect(day(cover([set(until(10), until(20, { dataTypes: 'all' }))]))).toBe(20)
    expect(day(cover([set(until(20), until(10, { dataTypes: 'all' }))]))).toBe(10)
    const renewal = june({ access: { fromMs: JUNE_MS + 10 * DAY_MS, untilMs: JUNE_MS + 15 * DAY_MS } })
    expect(day(cover([set(until(10), renewal)]))).toBe(15)
    const denial = june({ access: renewal.access, effect: 'deny', dataTypes: [ECG] })
    expect(day(cover([set(until(20, { dataTypes: 'all' }), denial)]))).toBe(10)
    expect(day(cover([set(until(20), denial)]))).toBe(20)
  })

  it('ends early rather than look at more than sixteen changes', () => {
    const many = Array.from({ length: 20 }, (_, place) =>
      june({ dataTypes: 'all', access: { fromMs: JUNE_MS, untilMs: JUNE_MS + (2 + place) * DAY_MS } }),
    )
    expect(cover([set(...many.slice(0, 16))])?.untilMs).toBe(JUNE_MS + 17 * DAY_MS)
    expect(cover([set(...many.slice(0, 17))])?.untilMs).toBe(JUNE_MS + 18 * DAY_MS)
    expect(cover([set(...many)])?.untilMs).toBe(JUNE_MS + 18 * DAY_MS)
  })

  it('gives the key of data as it is made: a window in the past covers nothing, one that ends bounds the end', () => {
    const of = (fromMs: number, untilMs: number): Grant => june({ data: { fromMs, untilMs } })
    expect(cover([of(0, atMs)])).toBeUndefined()
    expect(cover([of(0, atMs + 1)])?.untilMs).toBe(atMs + 1)
    expect(cover([of(atMs + 1, JULY_MS)])).toBeUndefined()
    expect(cover([of(0, atMs)], { dataAtMs: atMs - 1 })?.untilMs).toBe(JULY_MS)
    expect(cover([of(0, atMs)], { dataAtMs: atMs })).toBeUndefined()
    expect(cover([set(june(), { ...of(0, atMs), effect: 'deny' })])?.untilMs).toBe(JULY_MS)
    expect(cover([set(june(), { ...of(0, atMs), effect: 'deny' })], { dataAtMs: 5 })).toBeUndefined()
  })

  it('gives nothing that may fall under what is not understood', () => {
    const odd = (change: object): GrantTerms => ({ ...june(), ...change })
    for (const change of [
      { effect: 'maybe' },
      { obligations: [{ kind: 'dance' }] },
      { actions: ['print'] },
      { supersedes: 1 },
    ]) {
      expect(cover([set(june(), odd(change))])).toBeUndefined()
    }
    expect(cover([set(june(), odd({ purposes: ['FUN'], dataTypes: [ECG] }))])?.dataTypes).toEqual([HEART_RATE])
    expect(cover([set(june({ dataTypes: 'all' }), odd({ effect: 'maybe', dataTypes: [ECG] }))])?.except).toEqual([ECG])
    expect(
      cover([set(june(), odd({ effect: 'maybe', access: { fromMs: JULY_MS - 9, untilMs: JULY_MS } }))])?.untilMs,
    ).toBe(JULY_MS - 9)
  })
})

describe('whoMayRead', () => {
  const index = createPolicyIndex([
    june(),
    june({ grantee: carol, dataTypes: 'all', purposes: ['HRESCH'] }),
    june({ grantee: cardiology, dataTypes: [ECG], data: { fromMs: 0, untilMs: 5 } }),
    june({ grantee: dave, access: { fromMs: JULY_MS, untilMs: JULY_MS + 1 } }),
    june({ grantor: bob, grantee: dave }),
  ])

  it('lists each reader with types, end and grants, and not the owner', () => {
    const readers = whoMayRead(index, { patient: ann, atMs })
    expect(readers.map(({ grantee, dataTypes }) => [grantee, dataTypes])).toEqual(
      [
        [bob, [HEART_RATE]],
        [carol, 'all'],
      ]
        .sort()
        .concat([[cardiology as never, [ECG]]]),
    )
    expect(readers.every(({ untilMs, grants }) => untilMs === JULY_MS && grants.length === 1)).toBe(true)
  })

  it('asks for a type, for a purpose', () => {
    const readersOf = (query: object): readonly unknown[] =>
      whoMayRead(index, { patient: ann, atMs, ...query }).map(({ grantee, dataTypes }) => [grantee, dataTypes])
    expect(readersOf({ dataType: ECG })).toEqual([
      [carol, [ECG]],
      [cardiology, [ECG]],
    ])
    expect(readersOf({ purpose: 'ETREAT' })).toEqual([
      [bob, [HEART_RATE]],
      [cardiology, [ECG]],
    ])
    expect(readersOf({ dataType: HEART_RATE, purpose: 'CLINTRCH' })).toEqual([[carol, [HEART_RATE]]])
    expect(readersOf({ atMs: JULY_MS })).toEqual([[dave, [HEART_RATE]]])
    expect(readersOf({ patient: carol })).toEqual([])
    expect(readersOf({ purpose: 'PAYMENT' })).toEqual([])
  })

  it('does not list who is denied that very type, nor who is denied', () => {
    const denied = createPolicyIndex([
      set(june({ dataTypes: [ECG, GLUCOSE] }), june({ dataTypes: [ECG], effect: 'deny' })),
    ])
    expect(whoMayRead(denied, { patient: ann, dataType: ECG, atMs })).toEqual([])
    expect(whoMayRead(denied, { patient: ann, dataType: GLUCOSE, atMs })).toHaveLength(1)
    expect(whoMayRead(denied, { patient: ann, atMs })[0]).toMatchObject({ dataTypes: [GLUCOSE] })
    const partly = createPolicyIndex([set(june(), june({ data: { fromMs: 0, untilMs: 5 }, effect: 'deny' }))])
    expect(whoMayRead(partly, { patient: ann, dataType: HEART_RATE, atMs })).toHaveLength(1)
  })
})

import { describe, expect, it } from 'vitest'

import { VitalsealError } from '../../src/errors.ts'
import { ACTIONS, createGrant, createWindow, END_OF_TIME_MS, PURPOSES, type Grant } from '../../src/policy/index.ts'
import { TIME_MS_MAX } from '../../src/primitives/limits.ts'
import { ann, bob, cardiology, carol, DAY_MS, ECG, GLUCOSE, HEART_RATE, june, JUNE_MS } from './fixtures.ts'

/** The argument that the error names. */
function argumentOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof VitalsealError && error.code === 'ERR_ARGUMENT_INVALID') return error.path
    throw error
  }
  throw new Error('accepted')
}

describe('createGrant', () => {
  it('fills in the patient, the effect and the obligations, and puts words in the order of the wire', () => {
    const grant = createGrant(
      june({
        dataTypes: [GLUCOSE, HEART_RATE, GLUCOSE],
        actions: ['disclose', 'access', 'access'],
        purposes: ['HRESCH', 'TREAT'],
        obligations: [
          { untilMs: 5, kind: 'exclusive-until' },
          { kind: 'delete-after', afterMs: 7 },
          { kind: 'exclusive-until', untilMs: 5 },
        ],
      }),
    )
    expect(grant).toEqual({
      patient: ann,
      grantor: ann,
      grantee: bob,
      dataTypes: [GLUCOSE, HEART_RATE],
      actions: ['access', 'disclose'],
      purposes: ['TREAT', 'HRESCH'],
      access: { fromMs: JUNE_MS, untilMs: JUNE_MS + 30 * DAY_MS },
      effect: 'permit',
      obligations: [
        { kind: 'delete-after', afterMs: 7 },
        { kind: 'exclusive-until', untilMs: 5 },
      ],
    })
    expect('data' in grant).toBe(false)
    expect(createGrant(grant)).toEqual(grant)
  })

  it('copies, and freezes to the bottom', () => {
    const labels = ['PSY']
    const fields = june({
      grantee: { ...cardiology },
      data: { fromMs: 1, untilMs: 2 },
      obligations: [{ kind: 'redact', labels }],
    })
    const grant = createGrant(fields)
    labels.push('HIV')
    expect(grant.obligations).toEqual([{ kind: 'redact', labels: ['PSY'] }])
    const parts = [grant, grant.grantee, grant.dataTypes, grant.actions, grant.access, grant.data, grant.obligations]
    for (const part of [...parts, ...(grant.obligations ?? [])]) expect(Object.isFrozen(part)).toBe(true)
    expect(Object.isFrozen(fields.access)).toBe(true)
    expect(Object.isFrozen(labels)).toBe(false)
  })

  it('accepts each word, a role, another grantor, an empty list of types, and windows of one millisecond', () => {
    expect(createGrant(june({ actions: ACTIONS, purposes: PURPOSES })).purposes).toEqual(PURPOSES)
    expect(createGrant(june({ patient: carol, grantee: cardiology }))).toMatchObject({ patient: carol, grantor: ann })
    expect(createGrant(june({ dataTypes: [] })).dataTypes).toEqual([])
    expect(createGrant(june({ dataTypes: 'all' })).dataTypes).toBe('all')
    const moment = { fromMs: END_OF_TIME_MS - 1, untilMs: END_OF_TIME_MS }
    expect(createGrant(june({ access: moment, data: { fromMs: 0, untilMs: 1 } })).access).toEqual(moment)
    expect(createGrant(june({ dataTypes: [`a|${'b'.repeat(1_022)}`] })).dataTypes).toHaveLength(1)
  })

  it.each<readonly [string, object]>([
    ['patient', { patient: 'did:key:zQ3sshort' }],
    ['patient', { patient: `${ann}1` }],
    ['grantor', { grantor: ann.replace('zQ3s', 'zDna'), patient: ann }],
    ['grantee', { grantee: 'bob' }],
    ['grantee', { grantee: { role: 'wizard', organisation: 'cardiology.example' } }],
    ['grantee', { grantee: { role: 'clinician', organisation: '' } }],
    ['grantee', { grantee: { role: 'clinician', organisation: 'a', ward: 3 } }],
    ['grantee', { grantee: null }],
    ['dataTypes', { dataTypes: 'any' }],
    ['dataTypes', { dataTypes: ['all'] }],
    ['dataTypes', { dataTypes: [''] }],
    ['dataTypes', { dataTypes: ['b'.repeat(1_025)] }],
    ['dataTypes', { dataTypes: undefined }],
    ['actions', { actions: [] }],
    ['actions', { actions: ['print'] }],
    ['actions', { actions: 'access' }],
    ['purposes', { purposes: [] }],
    ['purposes', { purposes: ['TREAT', 'FUN'] }],
    ['purposes', { purposes: ['constructor'] }],
    ['access', { access: { fromMs: 5, untilMs: 5 } }],
    ['access', { access: { fromMs: -1, untilMs: 5 } }],
    ['access', { access: { fromMs: 0.5, untilMs: 5 } }],
    ['access', { access: { fromMs: 0, untilMs: END_OF_TIME_MS + 1 } }],
    ['access', { access: { fromMs: 0, untilMs: 1, everyMs: 5 } }],
    ['access', { access: undefined }],
    ['data', { data: { fromMs: 6, untilMs: 5 } }],
    ['data', { data: null }],
    ['effect', { effect: 'maybe' }],
    ['effect', { effect: null }],
    ['obligations', { obligations: [{ kind: 'dance' }] }],
    ['obligations', { obligations: [{ kind: 'notify-patient', by: 'post' }] }],
    ['obligations', { obligations: [{ kind: 'redact', labels: [] }] }],
    ['obligations', { obligations: [{ kind: 'delete-after', untilMs: 1 }] }],
    ['obligations', { obligations: [{ kind: 'exclusive-until', untilMs: NaN }] }],
    ['obligations', { obligations: [null] }],
    ['obligations', { obligations: 'none' }],
    ['terms', { supersedes: 'x' }],
  ])('refuses, naming %s: %j', (argument, change) => {
    expect(argumentOf(() => createGrant({ ...june(), ...change } as Grant))).toBe(argument)
  })

  it('refuses what is no object', () => {
    for (const value of [null, undefined, 5, 'grant']) {
      expect(argumentOf(() => createGrant(value as unknown as Grant))).toBe('terms')
    }
  })

  it('does not show what it refused', () => {
    expect(() => createGrant(june({ dataTypes: [ECG, 'HIV'.repeat(400) as typeof ECG] }))).toThrow(
      /^"dataTypes" expected 'all' or types, found something else$/,
    )
  })
})

describe('createWindow', () => {
  it('adds days of 24 hours and minutes', () => {
    expect(createWindow({ fromMs: 7, days: 2 })).toEqual({ fromMs: 7, untilMs: 7 + 2 * 86_400_000 })
    expect(createWindow({ fromMs: 7, minutes: 1 })).toEqual({ fromMs: 7, untilMs: 60_007 })
    expect(createWindow({ fromMs: 0, days: 1, minutes: 30 })).toEqual({ fromMs: 0, untilMs: 88_200_000 })
    expect(Object.isFrozen(createWindow({ fromMs: 7, days: 2 }))).toBe(true)
  })

  it('ends at the last moment that a date can name, and not beyond', () => {
    const fromMs = END_OF_TIME_MS - 60_000
    expect(END_OF_TIME_MS).toBe(TIME_MS_MAX)
    expect(new Date(createWindow({ fromMs, minutes: 1 }).untilMs).getTime()).toBe(END_OF_TIME_MS)
    expect(argumentOf(() => createWindow({ fromMs: fromMs + 1, minutes: 1 }))).toBe('options')
  })

  it.each([
    { fromMs: 0 },
    { fromMs: 0, days: 0, minutes: 0 },
    { fromMs: -1, days: 1 },
    { fromMs: 0, days: 1.5 },
    { fromMs: 0, days: -1, minutes: 1_500 },
    { fromMs: NaN, days: 1 },
    { fromMs: 0, minutes: Infinity },
  ])('refuses %j', (options) => {
    expect(argumentOf(() => createWindow(options))).toBe('options')
  })
})

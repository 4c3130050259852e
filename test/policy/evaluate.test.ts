import { describe, expect, it } from 'vitest'

import {
  createGrant,
  createPolicyIndex,
  END_OF_TIME_MS,
  evaluateAccess,
  PURPOSES,
  unwrap,
  type AccessRequest,
  type Decision,
  type Grant,
  type GrantSet,
  type GrantTerms,
  type Purpose,
} from '../../src/policy/index.ts'
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
  eve,
  GLUCOSE,
  type HEART_RATE,
  JULY_MS,
  june,
  JUNE_MS,
} from './fixtures.ts'

const anyone = { mayGrant: () => true }

function decide(grants: readonly (Grant | GrantSet)[], changes: Partial<AccessRequest> = {}): Decision {
  return evaluateAccess(createPolicyIndex(grants, anyone), ask(changes))
}

/** The kind, and the end of a permit. */
function outcome(decision: Decision): string | number {
  return decision.kind === 'permit' ? decision.untilMs : decision.kind
}

function codes(decision: Decision): readonly (string | undefined)[] {
  return decision.reasons.map(({ code, clause }) => (clause === undefined ? code : `${code}: ${clause}`))
}

/** One set of Ann's for Bob. */
function set(...grants: readonly GrantTerms[]): GrantSet {
  return { patient: ann, grantor: ann, grantee: bob, grants }
}

describe('the owner', () => {
  it('may do everything, at any time, whatever was granted or denied', () => {
    const denial = june({ grantor: dave, patient: ann, grantee: ann, dataTypes: 'all', effect: 'deny' })
    const decision = decide([denial], { requester: ann, action: 'write', purpose: 'PATRQT', atMs: 0 })
    expect(decision).toEqual({
      kind: 'permit',
      reasons: [{ code: 'owner' }],
      obligations: [],
      untilMs: END_OF_TIME_MS,
    })
  })

  it('is only the owner of his own data', () => {
    expect(decide([june()], { patient: bob, requester: ann }).kind).toBe('deny')
    expect(codes(decide([june()], { patient: bob, requester: ann }))).toEqual(['no-grant'])
  })
})

describe('one grant', () => {
  it('permits what it says, with its reason, its height and its end', () => {
    const index = createPolicyIndex()
    unwrap(index.apply(june({ obligations: [{ kind: 'notify-patient' }] }), { height: 412 }))
    expect(evaluateAccess(index, ask())).toEqual({
      kind: 'permit',
      reasons: [
        { code: 'granted', grant: createGrant(june({ obligations: [{ kind: 'notify-patient' }] })), height: 412 },
      ],
      obligations: [{ kind: 'notify-patient' }],
      untilMs: JULY_MS,
    })
  })

  it('denies all else, naming the clause that does not fit', () => {
    expect(codes(decide([], {}))).toEqual(['no-grant'])
    expect(codes(decide([june()], { requester: carol }))).toEqual(['no-grant'])
    expect(codes(decide([june()], { dataType: GLUCOSE }))).toEqual(['data-type: dataTypes'])
    expect(codes(decide([june()], { action: 'write' }))).toEqual(['action: actions'])
    expect(codes(decide([june()], { purpose: 'HRESCH' }))).toEqual(['purpose: purposes'])
    expect(codes(decide([june()], { atMs: JUNE_MS - 1 }))).toEqual(['not-yet: access'])
    expect(codes(decide([june()], { atMs: JULY_MS }))).toEqual(['expired: access'])
    const dated = june({ data: { fromMs: JUNE_MS, untilMs: JULY_MS } })
    expect(codes(decide([dated], { dataAtMs: JULY_MS }))).toEqual(['data-window: data'])
  })

  it('names the grant and its height in a denial, too', () => {
    const index = createPolicyIndex()
    unwrap(index.apply(june(), { height: 7 }))
    expect(evaluateAccess(index, ask({ dataType: ECG })).reasons).toEqual([
      { code: 'data-type', clause: 'dataTypes', grant: createGrant(june()), height: 7 },
    ])
  })

  it.each([
    [JUNE_MS - 1, 'deny'],
    [JUNE_MS, JULY_MS],
    [JULY_MS - 1, JULY_MS],
    [JULY_MS, 'deny'],
  ])('is half-open in the time of access: at %d, %s', (atMs, expected) => {
    expect(outcome(decide([june()], { atMs }))).toBe(expected)
  })

  it.each([
    [99, 'deny'],
    [100, JULY_MS],
    [199, JULY_MS],
    [200, 'deny'],
  ])('is half-open in the time of the data: of %d, %s', (dataAtMs, expected) => {
    expect(outcome(decide([june({ data: { fromMs: 100, untilMs: 200 } })], { dataAtMs }))).toBe(expected)
  })

  it('for all types covers each type, for none covers nothing', () => {
    expect(decide([june({ dataTypes: 'all' })], { dataType: GLUCOSE }).kind).toBe('permit')
    expect(codes(decide([june({ dataTypes: [] })]))).toEqual(['no-grant'])
  })
})

describe('purposes', () => {
  const covered: Partial<Record<Purpose, readonly Purpose[]>> = {
    TREAT: ['TREAT', 'ETREAT', 'BTG', 'ERTREAT', 'COC'],
    ETREAT: ['ETREAT', 'BTG', 'ERTREAT'],
    HRESCH: ['HRESCH', 'BIORCH', 'CLINTRCH'],
  }

  it.each(PURPOSES)('a permit or deny of %s covers its kinds and nothing else', (granted) => {
    for (const effect of ['permit', 'deny'] as const) {
      const hits = PURPOSES.filter(
        (purpose) => codes(decide([june({ purposes: [granted], effect })], { purpose }))[0] !== 'purpose: purposes',
      )
      expect(hits).toEqual(covered[granted] ?? [granted])
    }
  })

  it('is-a holds for purposes only: access is no kind of use', () => {
    expect(decide([june({ actions: ['use'] })]).kind).toBe('deny')
  })
})

describe('roles', () => {
  const toRole = june({ grantee: cardiology })

  it('match a credential of that role and organisation', () => {
    expect(decide([toRole]).kind).toBe('deny')
    expect(outcome(decide([toRole], { credentials: [certified()] }))).toBe(JULY_MS)
    expect(decide([toRole], { credentials: [certified({ role: 'analyser' })] }).kind).toBe('deny')
    expect(decide([toRole], { credentials: [certified({ organisation: 'cardiology.example ' })] }).kind).toBe('deny')
    expect(decide([toRole], { credentials: [certified({ organisation: null })] }).kind).toBe('deny')
    // A credential without organisation is not one of an organisation that is called null.
    const toNull = june({ grantee: { role: 'clinician', organisation: 'null' } })
    expect(decide([toNull], { credentials: [certified({ organisation: null })] }).kind).toBe('deny')
    expect(decide([toNull], { credentials: [certified({ organisation: 'null' })] }).kind).toBe('permit')
  })

  it.each([
    [JUNE_MS + DAY_MS + 1, JULY_MS + DAY_MS, 'deny', 'not-yet: credential'],
    [JUNE_MS + DAY_MS, JULY_MS + DAY_MS, JULY_MS, 'granted'],
    [0, JUNE_MS + DAY_MS + 1, JUNE_MS + DAY_MS + 1, 'granted'],
    [0, JUNE_MS + DAY_MS, 'deny', 'expired: credential'],
  ])('the validity of the credential is half-open: [%d, %d): %s', (notBeforeMs, notAfterMs, expected, code) => {
    const decision = decide([toRole], { credentials: [certified({ notBeforeMs, notAfterMs })] })
    expect(outcome(decision)).toBe(expected)
    expect(codes(decision)).toEqual([code])
  })

  it('no party can be called by the name of a role', () => {
    const index = createPolicyIndex([toRole])
    for (const name of ['role 1 cardiology.example', 'clinician', '']) {
      expect(evaluateAccess(index, ask({ requester: name as typeof bob })).kind).not.toBe('permit')
    }
  })
})

describe('several grants', () => {
  it('permit when one of them does', () => {
    expect(decide([set(june({ dataTypes: [ECG] }), june())]).kind).toBe('permit')
    expect(codes(decide([set(june({ dataTypes: [ECG] }), june())]))).toEqual(['granted'])
  })

  it('deny when one of them denies: in a set, across grantors, across roles', () => {
    const denial = june({ effect: 'deny', purposes: ['ETREAT'] })
    const emergency = { purpose: 'BTG' } as const
    for (const grants of [
      [set(june(), denial)],
      [june(), { ...denial, patient: ann, grantor: dave }],
      [june(), { ...denial, grantee: cardiology }],
    ]) {
      const credentials = [certified()]
      expect(codes(decide(grants, { ...emergency, credentials }))).toEqual(['denied: effect'])
      expect(decide(grants, { credentials }).kind).toBe('permit')
    }
    expect(decide([june(), { ...denial, grantee: cardiology }], emergency).kind).toBe('permit')
  })

  it('a deny that has ended, or of other data, denies nothing', () => {
    const denial = june({ effect: 'deny', data: { fromMs: 0, untilMs: 100 } })
    expect(decide([set(june(), denial)], { dataAtMs: 99 }).kind).toBe('deny')
    expect(decide([set(june(), denial)], { dataAtMs: 100 }).kind).toBe('permit')
    const ended = june({ effect: 'deny', access: { fromMs: 0, untilMs: JUNE_MS + DAY_MS } })
    expect(decide([set(june(), ended)]).kind).toBe('permit')
    expect(decide([set(june(), ended)], { atMs: JUNE_MS + DAY_MS - 1 }).kind).toBe('deny')
  })

  it('give the same reasons in the same order, whatever came first', () => {
    const grants = [
      june({ grantor: dave, patient: ann }),
      june(),
      june({ grantor: carol, patient: ann, effect: 'permit' }),
    ]
    const decision = decide(grants)
    expect(decision.reasons).toHaveLength(3)
    expect(decide(grants.toReversed())).toEqual(decision)
  })

  it('merge the obligations of all permits that apply, each once, in a fixed order', () => {
    const one = june({ obligations: [{ kind: 'notify-patient' }, { kind: 'delete-after', afterMs: 9 }] })
    const two = june({
      grantor: dave,
      patient: ann,
      obligations: [{ kind: 'redact', labels: ['PSY'] }, { kind: 'notify-patient' }],
    })
    const later = june({
      grantor: carol,
      patient: ann,
      access: { fromMs: JULY_MS, untilMs: JULY_MS + 1 },
      obligations: [{ kind: 'delete-after', afterMs: 1 }],
    })
    const obligations = [
      { kind: 'delete-after', afterMs: 9 },
      { kind: 'notify-patient' },
      { kind: 'redact', labels: ['PSY'] },
    ]
    for (const grants of [
      [one, two, later],
      [later, two, one],
    ]) {
      expect(decide(grants)).toMatchObject({ kind: 'permit', obligations })
    }
  })
})

describe('until when', () => {
  const until = (days: number, changes: Partial<Grant> = {}): Grant =>
    june({ patient: ann, access: { fromMs: JUNE_MS, untilMs: JUNE_MS + days * DAY_MS }, ...changes })
  const from = (day: number, days: number, changes: Partial<Grant> = {}): Grant =>
    until(day, { access: { fromMs: JUNE_MS + day * DAY_MS, untilMs: JUNE_MS + (day + days) * DAY_MS }, ...changes })

  it.each<readonly [string, readonly GrantTerms[], number]>([
    ['the end of the only permit', [until(30)], 30],
    ['the later of two ends', [until(30), until(20)], 30],
    ['the end of a permit that follows without a gap', [until(30), from(30, 10)], 40],
    ['not that of one after a gap', [until(30), from(31, 10)], 30],
    ['the start of a deny', [until(30), from(20, 10, { effect: 'deny' })], 20],
    ['not that of a deny of another type', [until(30), from(20, 10, { effect: 'deny', dataTypes: [ECG] })], 30],
    ['not that of a deny after the end', [until(30), from(31, 10, { effect: 'deny' })], 30],
    [
      'the start of a permit that asks for more',
      [until(30), from(20, 20, { obligations: [{ kind: 'notify-patient' }] })],
      20,
    ],
    [
      'not of one that asks for what is asked already',
      [
        until(30, { obligations: [{ kind: 'notify-patient' }] }),
        from(20, 20, { obligations: [{ kind: 'notify-patient' }] }),
      ],
      40,
    ],
    ['the start of a grant that is not understood', [until(30), from(20, 5, { effect: 'maybe' as 'deny' })], 20],
  ])('%s', (_, grants, day) => {
    expect(outcome(decide([set(...grants)]))).toBe(JUNE_MS + day * DAY_MS)
  })

  it('the end of the credential, or the start of a credential that leads to a deny', () => {
    const credential = certified({ notAfterMs: JUNE_MS + 5 * DAY_MS })
    expect(outcome(decide([june({ grantee: cardiology })], { credentials: [credential] }))).toBe(JUNE_MS + 5 * DAY_MS)
    const renewed = certified({ notBeforeMs: credential.notAfterMs })
    expect(outcome(decide([june({ grantee: cardiology })], { credentials: [credential, renewed] }))).toBe(JULY_MS)
    const denial = june({ grantee: cardiology, effect: 'deny' })
    expect(outcome(decide([june(), denial], { credentials: [renewed] }))).toBe(credential.notAfterMs)
  })
})

describe('data of unknown date', () => {
  const dated = june({ data: { fromMs: JUNE_MS, untilMs: JULY_MS } })

  it('is permitted by nobody who asks for a date, and not denied either', () => {
    expect(decide([dated]).kind).toBe('indeterminate')
    expect(codes(decide([dated]))).toEqual(['data-window: data'])
    expect(decide([dated], { dataAtMs: JUNE_MS }).kind).toBe('permit')
  })

  it('is permitted by another grant that asks for none', () => {
    expect(codes(decide([set(dated, june())]))).toEqual(['granted'])
  })

  it('may fall under a deny, which leaves the question open', () => {
    expect(codes(decide([set({ ...dated, effect: 'deny' }, june())]))).toEqual(['data-window: data'])
    expect(decide([set({ ...dated, effect: 'deny' }, june())]).kind).toBe('indeterminate')
    expect(decide([set({ ...dated, effect: 'deny' }, june())], { dataAtMs: JULY_MS }).kind).toBe('permit')
  })
})

describe('what the library does not understand', () => {
  const odd: readonly (readonly [string, object])[] = [
    ['actions', { actions: ['access', 'print'] }],
    ['actions', { actions: ['print'] }],
    ['purposes', { purposes: ['TREAT', 'FUN'] }],
    ['purposes', { purposes: ['constructor'] }],
    ['effect', { effect: 'maybe' }],
    ['obligations', { obligations: [{ kind: 'dance' }] }],
    ['obligations', { obligations: [{ kind: 'redact', labels: [] }] }],
    ['obligations', { obligations: 'none' }],
    ['terms', { supersedes: 'x' }],
    ['access', { access: { fromMs: 1, untilMs: 1 } }],
    ['access', { access: null }],
    ['data', { data: { fromMs: '1', untilMs: 2 } }],
    ['dataTypes', { dataTypes: '' }],
    ['dataTypes', { dataTypes: ['all'] }],
    ['dataTypes', { dataTypes: undefined }],
    ['actions', { actions: [] }],
    ['effect', { effect: null }],
  ]

  it.each(odd)('is indeterminate, never permit, naming %s: %j', (clause, change) => {
    const terms = { ...june(), ...change } as Grant
    expect(codes(decide([set(terms)]))).toEqual([`unknown-clause: ${clause}`])
    expect(decide([set(terms)]).kind).toBe('indeterminate')
    expect(decide([set(terms, june())]).kind).toBe('indeterminate')
    expect(decide([set(terms, june({ effect: 'deny' }))]).kind).toBe('deny')
    expect(decide([set(terms)], { requester: ann }).kind).toBe('permit')
    expect(decide([set(terms)], { requester: eve }).kind).toBe('deny')
  })

  it('is no grant at all', () => {
    for (const terms of [null, undefined, 5, 'all', true, {}, [], [june()]]) {
      const decision = decide([set(terms as GrantTerms, june())])
      expect(decision.kind).toBe('indeterminate')
      expect(decision.reasons.map(({ code }) => code)).toEqual(['unknown-clause'])
    }
  })

  it('names the grant as it came, and shows it in the list', () => {
    const terms = { ...june(), effect: 'maybe', obligations: [{ kind: 'dance', partners: 2 }] } as unknown as Grant
    const [reason] = decide([set(terms)]).reasons
    expect(reason?.grant).toEqual({ ...terms, patient: ann })
    expect(createPolicyIndex([set(terms)]).grants(ann)).toEqual([{ ...terms, patient: ann }])
  })

  it('does not matter where a clause that is understood leads away', () => {
    const terms = { ...june(), purposes: ['FUN'] } as unknown as GrantTerms
    expect(codes(decide([set(terms)], { dataType: ECG }))).toEqual(['data-type: dataTypes'])
    expect(codes(decide([set(terms)], { action: 'write' }))).toEqual(['action: actions'])
    expect(codes(decide([set(terms)], { atMs: JULY_MS }))).toEqual(['expired: access'])
    expect(decide([set(terms, june())], { dataType: ECG }).kind).toBe('deny')
  })

  it('includes terms that name other parties than their set', () => {
    for (const change of [
      { patient: dave },
      { grantor: dave },
      { grantee: carol },
      { grantee: cardiology },
      { grantee: null },
    ]) {
      expect(codes(decide([set({ ...june(), ...change })]))).toEqual(['unknown-clause: terms'])
    }
    expect(decide([set(createGrant(june()))]).kind).toBe('permit')
  })

  it('includes data that no wire carries', () => {
    const circle: { kind: string; self?: unknown } = { kind: 'notify-patient' }
    circle.self = circle
    for (const obligation of [
      circle,
      { kind: 'notify-patient', times: 5n },
      { kind: 'notify-patient', by: undefined },
    ]) {
      const terms = { ...june(), obligations: [obligation] } as unknown as GrantTerms
      // The same words without the odd part were read before: they must not lend it their meaning.
      const decision = decide([june({ obligations: [{ kind: 'notify-patient' }] }), set(terms)])
      expect(codes(decision)).toEqual(['unknown-clause: obligations'])
    }
  })

  it.each<object>([
    { action: 'print' },
    { purpose: 'FUN' },
    { purpose: '__proto__' },
    { atMs: NaN },
    { atMs: -1 },
    { atMs: JUNE_MS + 0.5 },
    { atMs: undefined },
    { dataAtMs: NaN },
    { dataAtMs: null },
    { requester: undefined },
    { patient: null },
    { credentials: [certified({ notAfterMs: NaN })] },
    { credentials: [certified({ notBeforeMs: -1 })] },
  ])('in a request is indeterminate, for the owner, too: %j', (change) => {
    for (const requester of [ann, bob]) {
      const decision = decide([june()], { requester, ...change })
      expect(decision.kind).toBe('indeterminate')
      expect(codes(decision)).toEqual(['unknown-clause: request'])
    }
  })

  it('is a type of data that nobody has heard of: denied', () => {
    expect(decide([june()], { dataType: '' as typeof HEART_RATE }).kind).toBe('deny')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  ACTIONS,
  createGrant,
  createPolicyIndex,
  evaluateAccess,
  findCoverage,
  isNarrowing,
  PURPOSES,
  unwrap,
  whoMayRead,
  type AccessRequest,
  type CoverageQuery,
  type Grantee,
  type GrantSet,
  type GrantTerms,
  type HeldCredential,
  type PolicyIndex,
  type TimeWindow,
} from '../../src/policy/index.ts'
import type { DataType } from '../../src/primitives/did.ts'
import { cardiology, party } from '../policy/fixtures.ts'
import { PolicyModel, sortedTexts } from '../policy/model.ts'
import { propertyRuns } from '../support/property.ts'

// A small world, so that grants meet.
const parties = [1, 2, 3, 4].map(party)
const types: readonly DataType[] = ['a|1', 'b|2', 'c|3']
const ward = { role: 'clinician', organisation: 'ward' } as const

const time = fc.integer({ min: 0, max: 9 })
const did = fc.constantFrom(...parties)
// Two owners and two doctors see enough of each other that answers are not all denials.
const owner = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...parties.slice(0, 2)) }, { weight: 1, arbitrary: did })
const doctor = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...parties.slice(2)) }, { weight: 1, arbitrary: did })
const grantee: fc.Arbitrary<Grantee> = fc.oneof(doctor, fc.constantFrom(cardiology, ward))
const window: fc.Arbitrary<TimeWindow> = fc
  .tuple(time, fc.integer({ min: 1, max: 9 }))
  .map(([fromMs, length]) => ({ fromMs, untilMs: fromMs + length }))

/** Mostly known words, now and then one that the library has never heard of. */
function words<W extends string>(known: readonly W[], odd: string): fc.Arbitrary<readonly W[]> {
  const word = fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.constant(odd as W) },
  )
  return fc.array(word, { minLength: 1, maxLength: 3 })
}

const oddities = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom({ kind: 'notify-patient' } as const, { kind: 'delete-after', afterMs: 4 } as const),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'dance' } as never) },
)

const terms: fc.Arbitrary<GrantTerms> = fc
  .record({
    dataTypes: fc.oneof(fc.constant('all' as const), fc.subarray([...types], { minLength: 0 })),
    actions: words(ACTIONS.slice(0, 2), 'print'),
    purposes: words(PURPOSES.slice(0, 8), 'FUN'),
    access: window,
    data: fc.option(window, { nil: undefined, freq: 3 }),
    effect: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('permit' as const, 'permit' as const, 'deny' as const) },
      { weight: 1, arbitrary: fc.constant('maybe' as 'deny') },
    ),
    obligations: fc.array(oddities, { maxLength: 2 }),
  })
  .map(({ data, ...rest }) => (data === undefined ? rest : { ...rest, data }))

const set: fc.Arbitrary<GrantSet> = fc.record({
  patient: owner,
  grantor: did,
  grantee,
  grants: fc.array(terms, { maxLength: 3 }),
})

const credential: fc.Arbitrary<HeldCredential> = fc
  .tuple(fc.constantFrom(cardiology, ward, { role: 'clinician', organisation: null } as const), window)
  .map(([role, { fromMs, untilMs }]) => ({ ...role, notBeforeMs: fromMs, notAfterMs: untilMs }))

const request: fc.Arbitrary<AccessRequest> = fc
  .record({
    patient: owner,
    requester: doctor,
    dataType: fc.constantFrom(...types),
    action: fc.constantFrom('access' as const, 'access' as const, 'write' as const),
    purpose: fc.constantFrom(...PURPOSES.slice(0, 8)),
    atMs: time,
    dataAtMs: fc.option(time, { nil: undefined }),
    credentials: fc.array(credential, { maxLength: 2 }),
  })
  .map(({ dataAtMs, ...rest }) => (dataAtMs === undefined ? rest : { ...rest, dataAtMs }))

const sets = fc.array(set, { minLength: 1, maxLength: 25 })

function applied(history: readonly GrantSet[]): { index: PolicyIndex; model: PolicyModel } {
  const index = createPolicyIndex([], { mayGrant: () => true })
  const model = new PolicyModel()
  for (const next of history) {
    unwrap(index.apply(next))
    model.apply(next)
  }
  return { index, model }
}

describe('the index against a list of everything', () => {
  it('decides alike, with the same obligations and the same end', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(sets, fc.array(request, { minLength: 8, maxLength: 8 }), (history, requests) => {
        const { index, model } = applied(history)
        for (const question of requests) {
          const decision = evaluateAccess(index, question)
          const { kind, obligations } = model.answer(question)
          expect(decision.kind).toBe(kind)
          expect(decision.reasons.length).toBeGreaterThan(0)
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
          if (decision.kind !== 'permit') continue
          expect(sortedTexts(decision.obligations)).toEqual(obligations)
          expect(decision.obligations.map((obligation) => JSON.stringify(obligation))).toEqual(obligations)
          expect(decision.untilMs).toBe(model.untilMs(question))
        }
      }),
      propertyRuns(400),
    )
    // A world in which one answer never comes would prove little.
    for (const kind of ['permit', 'deny', 'indeterminate']) expect(seen.get(kind) ?? 0).toBeGreaterThan(20)
  })

  it('covers alike, and until the same moment', () => {
    const query: fc.Arbitrary<CoverageQuery> = fc
      .record({
        patient: owner,
        grantee: doctor,
        atMs: time,
        dataAtMs: fc.option(time, { nil: undefined }),
        credentials: fc.array(credential, { maxLength: 2 }),
      })
      .map(({ dataAtMs, ...rest }) => (dataAtMs === undefined ? rest : { ...rest, dataAtMs }))
    fc.assert(
      fc.property(sets, fc.array(query, { minLength: 6, maxLength: 6 }), (history, queries) => {
        const { index, model } = applied(history)
        // A type that no grant names stands for all the others.
        for (const question of queries)
          expect(model.judge(question, findCoverage(index, question), [...types, 'z|9'])).toBe('right')
      }),
      propertyRuns(300),
    )
  })

  it('lists as readers exactly those whom some request would serve', () => {
    fc.assert(
      fc.property(sets, owner, time, fc.constantFrom(...types), (history, patient, atMs, dataType) => {
        const { index, model } = applied(history)
        const readers = whoMayRead(index, { patient, dataType, atMs }).map(({ grantee: name }) => name)
        for (const name of parties.filter((other) => other !== patient)) {
          const isServed = Array.from({ length: 17 }, (_, dataAtMs) => dataAtMs).some((dataAtMs) =>
            model.isCovered({ patient, grantee: name, atMs, dataAtMs }, dataType),
          )
          // Which data of the past is left by two grants together is told by asking for it; a reader is never missing.
          if (isServed) expect(readers).toContain(name)
        }
        expect(readers).not.toContain(patient)
      }),
      propertyRuns(200),
    )
  })

  it('gives back what was last said, in an order without history', () => {
    fc.assert(
      fc.property(sets, (history) => {
        const { index, model } = applied(history)
        const newest = new Map(
          history.map((next) => [JSON.stringify([next.patient, next.grantor, next.grantee]), next]),
        )
        const again = createPolicyIndex([...newest.values()].reverse(), { mayGrant: () => true })
        let count = 0
        for (const patient of parties) {
          const grants = index.grants(patient)
          expect(grants).toEqual(again.grants(patient))
          count += grants.length
          for (const name of [...parties, cardiology, ward]) {
            expect(index.grants(patient, name)).toHaveLength(model.termsFor(patient, [name]).length)
          }
        }
        expect(index.grantCount).toBe(count)
      }),
      propertyRuns(200),
    )
  })
})

describe('laws', () => {
  it('a set that does not narrow takes no permit away', () => {
    const mild = fc.array(
      terms.map((one) => ({ ...one, effect: one.effect === 'deny' ? ('permit' as const) : (one.effect ?? 'permit') })),
      { maxLength: 3 },
    )
    let kept = 0
    fc.assert(
      fc.property(mild, mild, request, fc.boolean(), (before, extra, question, isWider) => {
        const [patient, requester] = parties as [AccessRequest['patient'], AccessRequest['requester']]
        const after = isWider ? [...before, ...extra] : extra
        const asked = { ...question, patient, requester, credentials: [] }
        if (isNarrowing({ before, after, atMs: asked.atMs })) return
        kept++
        const answerOf = (grants: readonly GrantTerms[]): string =>
          evaluateAccess(createPolicyIndex([{ patient, grantor: patient, grantee: requester, grants }]), asked).kind
        if (answerOf(before) === 'permit') expect(answerOf(after)).toBe('permit')
      }),
      propertyRuns(600),
    )
    expect(kept).toBeGreaterThan(50)
  })

  it('createGrant changes nothing of what a grant means', () => {
    fc.assert(
      fc.property(terms, request, (one, question) => {
        const [grantor, name] = parties as [AccessRequest['patient'], AccessRequest['requester']]
        let grant
        try {
          grant = createGrant({ ...one, grantor, grantee: name })
        } catch {
          return
        }
        const asked = { ...question, patient: grantor, requester: name }
        const [made, raw] = [grant, { ...one, grantor, grantee: name }].map((each) => createPolicyIndex([each]))
        expect(evaluateAccess(made!, asked)).toEqual(evaluateAccess(raw!, asked))
        expect(createGrant(grant)).toEqual(grant)
        if (grant.dataTypes.length > 0) expect(made!.grants(grantor)).toEqual([grant])
      }),
      propertyRuns(200),
    )
  })

  it('no foreign grant throws, none that is malformed permits', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('all', 'access', ['access'], ['TREAT'], null))
    const names = [
      'dataTypes',
      'actions',
      'purposes',
      'access',
      'data',
      'effect',
      'obligations',
      'supersedes',
      '__proto__',
    ]
    const change = fc.dictionary(fc.constantFrom(...names), value, { minKeys: 1, maxKeys: 3 })
    fc.assert(
      fc.property(terms, change, request, (one, odd, question) => {
        const [patient, requester] = parties as [AccessRequest['patient'], AccessRequest['requester']]
        const foreign = { ...one, ...odd } as GrantTerms
        const index = createPolicyIndex([{ patient, grantor: patient, grantee: requester, grants: [foreign] }])
        const decision = evaluateAccess(index, { ...question, patient, requester })
        let isWellFormed = true
        try {
          createGrant({ ...foreign, grantor: patient, grantee: requester })
        } catch {
          isWellFormed = false
        }
        if (!isWellFormed) {
          expect(decision.kind).not.toBe('permit')
          expect(findCoverage(index, { patient, grantee: requester, atMs: question.atMs })).toBeUndefined()
        }
      }),
      propertyRuns(400),
    )
  })
})

import { beforeEach, describe, expect, it } from 'vitest'

import { epochShape, keys, REKEYS_PER_PAIR_MAX, rekeysShape } from '../../../src/chain/entities.ts'
import type { GrantTerms } from '../../../src/policy/index.ts'
import type { TransactionId } from '../../../src/primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../../../src/primitives/label.ts'
import type { Draft } from '../../../src/transactions/index.ts'
import { freshRecord } from '../../support/chain-world.ts'
import {
  A,
  B,
  C,
  createFastWorld,
  digest,
  keyDraft,
  START_MS,
  terms,
  type FastWorld,
} from '../../support/chain-fast.ts'
import { party } from '../../support/parties.ts'

const [ann, bob, proxy, institute] = [party('ann'), party('bob'), party('proxy'), party('institute')]
const HOUR_MS = 3_600_000
const END_MS = START_MS + HOUR_MS
let world: FastWorld
let granted: TransactionId

const uses = (labels: readonly Label[] | 'all', more: Parameters<typeof terms>[1] = {}) =>
  terms(labels, { actions: ['use'], purposes: ['HRESCH'], ...more })
const access = (
  grants: readonly GrantTerms<Label>[],
  supersedes: TransactionId | null = granted,
  grantee: Extract<Draft, { kind: 'access' }>['grantee'] = institute.did,
) => ({ kind: 'access', patient: ann.did, grantee, grants, supersedes }) as const
const rekey = (more: Partial<Draft<'rekey'>> = {}): Draft<'rekey'> => ({
  kind: 'rekey',
  reKey: digest('re-key'),
  proxy: proxy.did,
  delegatee: institute.did,
  label: A,
  epoch: 1,
  untilMs: END_MS,
  ...more,
})
const conversion = (more: Partial<Draft<'conversion'>> = {}): Draft<'conversion'> => ({
  kind: 'conversion',
  patient: ann.did,
  delegatee: institute.did,
  reKey: digest('re-key'),
  converted: digest('converted'),
  ...more,
})
const reading = { kind: 'iot', label: A, epoch: 1 } as const
const inUse = () => world.ledger.state.get(keys.rekeys(ann.did, institute.did), rekeysShape)
const epoch = () => world.ledger.state.get(keys.epoch(ann.did), epochShape)

/** Ann's epoch 1 with types A and B; the institute may use A for an hour. */
beforeEach(() => {
  world = createFastWorld({ people: [ann, bob, proxy, institute] })
  expect(world.send(ann.did, keyDraft({ epoch: 1, listed: [A, B] }))).toBe(null)
  expect(world.send(ann.did, access([uses([A])], null))).toBe(null)
  granted = world.last()
})

describe('rekey', () => {
  it('is recorded under a live grant, and the epoch ends with it', () => {
    expect(world.send(ann.did, rekey())).toBe(null)
    expect(inUse()).toEqual([{ reKey: digest('re-key'), proxy: proxy.did, label: A, epoch: 1, untilMs: END_MS }])
    expect(epoch()).toMatchObject({ mustRotate: false, notAfterMs: END_MS })
    world.nowMs = END_MS - 1
    expect(world.send(ann.did, { ...reading, record: freshRecord() })).toBe(null)
    world.nowMs = END_MS
    expect(world.send(ann.did, { ...reading, record: freshRecord() })).toBe('ERR_CHAIN_EPOCH_ENDED')
  })

  it.each<readonly [string, Partial<Draft<'rekey'>>, string]>([
    ['a type that is not granted', { label: B }, 'ERR_POLICY_DENIED'],
    ['a type without a key', { label: C }, 'ERR_CHAIN_LABEL'],
    ['an epoch to come', { epoch: 2 }, 'ERR_CHAIN_EPOCH'],
    ['longer than the grant', { untilMs: END_MS + 1 }, 'ERR_POLICY_DENIED'],
    ['no time at all', { untilMs: START_MS }, 'ERR_POLICY_DENIED'],
    ['the owner as delegatee', { delegatee: ann.did }, 'ERR_CHAIN_RECIPIENT'],
    ['the owner as proxy', { proxy: ann.did }, 'ERR_CHAIN_RECIPIENT'],
    ['one party as both', { proxy: institute.did }, 'ERR_CHAIN_RECIPIENT'],
    ['somebody without a grant', { delegatee: bob.did }, 'ERR_POLICY_DENIED'],
    ['a proxy that nobody knows', { proxy: party('eve').did }, 'ERR_CHAIN_ACCOUNT'],
    ['a delegatee that nobody knows', { delegatee: party('eve').did }, 'ERR_CHAIN_ACCOUNT'],
  ])('is refused for %s', (_, more, code) => {
    expect(world.send(ann.did, rekey(more))).toBe(code)
    expect(inUse()).toBe(undefined)
  })

  it('of somebody else is about his own data', () => {
    expect(world.send(bob.did, rekey())).toBe('ERR_CHAIN_EPOCH')
  })

  it('is for one type, also where the key of all types is listed', () => {
    const previous = epoch()?.latest ?? null
    world.send(ann.did, keyDraft({ mode: 'extend', epoch: 1, listed: [ALL_TYPES_LABEL], own: [], previous }))
    world.send(ann.did, access([uses('all')]))
    expect(world.send(ann.did, rekey({ label: ALL_TYPES_LABEL }))).toBe('ERR_CHAIN_LABEL')
    expect(world.send(ann.did, rekey({ label: B }))).toBe(null)
  })

  it('needs leave to use: leave to access comes with keys of its own', () => {
    world.send(ann.did, access([terms([A])]))
    expect(world.send(ann.did, rekey())).toBe('ERR_POLICY_DENIED')
  })

  it('is refused in an epoch that is closed or has ended, and in one that is past', () => {
    const previous = () => epoch()?.latest ?? null
    expect(world.send(ann.did, keyDraft({ epoch: 2, listed: [A], previous: previous() }))).toBe(null)
    expect(world.send(ann.did, rekey())).toBe('ERR_CHAIN_EPOCH')
    expect(world.send(ann.did, rekey({ epoch: 2, untilMs: START_MS + 1_000 }))).toBe(null)
    world.nowMs += 1_000
    expect(world.send(ann.did, rekey({ epoch: 2, reKey: digest('next') }))).toBe('ERR_CHAIN_EPOCH_ENDED')
    world.send(ann.did, keyDraft({ epoch: 3, listed: [A], previous: previous() }))
    expect(world.send(ann.did, rekey({ epoch: 3, reKey: digest('next') }))).toBe(null)
    // What is granted no more closes the epoch for every re-key.
    world.send(ann.did, access([], null))
    world.send(ann.did, access([uses([A])], world.last()))
    expect(world.send(ann.did, rekey({ epoch: 3, reKey: digest('other') }))).toBe('ERR_CHAIN_MUST_ROTATE')
  })

  it('has an id of its own, and there are 256 in use for a pair at most', () => {
    expect(world.send(ann.did, rekey())).toBe(null)
    expect(world.send(ann.did, rekey({ untilMs: END_MS - 1 }))).toBe('ERR_CHAIN_REKEY')
    const many = Array.from({ length: REKEYS_PER_PAIR_MAX - 1 }, (_, n) =>
      world.forge(ann.did, rekey({ reKey: digest(`${n}`), untilMs: END_MS }), {
        nonce: world.ledger.nonceNext({ sender: ann.did, delegate: 0 }) + n,
      }),
    )
    expect(world.block(many).block.receipts.filter(({ code }) => code !== null)).toEqual([])
    expect(inUse()).toHaveLength(REKEYS_PER_PAIR_MAX)
    expect(world.send(ann.did, rekey({ reKey: digest('one more') }))).toBe('ERR_CHAIN_LIMIT')
  })
})

describe('conversion', () => {
  it('is noted of the proxy, and tells until when it counts', () => {
    world.send(ann.did, rekey({ untilMs: END_MS - 5 }))
    const made = world.forge(proxy.did, conversion())
    expect(world.block([made]).block.receipts).toEqual([{ id: made.id, code: null, untilMs: END_MS - 5 }])
    const own = keys.own(ann.did)
    expect(world.ledger.state.count(own)).toBeGreaterThan(3)
    expect(world.ledger.state.has(keys.transaction(made.id))).toBe(true)
  })

  it('is refused of anyone else, without a re-key, and from its end on', () => {
    expect(world.send(proxy.did, conversion())).toBe('ERR_CHAIN_REKEY')
    world.send(ann.did, rekey({ untilMs: START_MS + 10 }))
    expect(world.send(bob.did, conversion())).toBe('ERR_CHAIN_REKEY')
    expect(world.send(proxy.did, conversion({ reKey: digest('another') }))).toBe('ERR_CHAIN_REKEY')
    expect(world.send(proxy.did, conversion({ delegatee: bob.did }))).toBe('ERR_CHAIN_REKEY')
    expect(world.send(proxy.did, conversion({ patient: bob.did }))).toBe('ERR_CHAIN_REKEY')
    world.nowMs = START_MS + 9
    expect(world.send(proxy.did, conversion())).toBe(null)
    world.nowMs = START_MS + 10
    expect(world.send(proxy.did, conversion())).toBe('ERR_CHAIN_REKEY')
  })

  it('goes on in later epochs for as long as the grant lives', () => {
    world.send(ann.did, rekey())
    world.send(ann.did, keyDraft({ epoch: 2, listed: [A], previous: epoch()?.latest ?? null }))
    expect(world.send(proxy.did, conversion())).toBe(null)
  })

  it('ends with the grant: revoked, narrowed or shortened, and a later grant does not bring it back', () => {
    world.send(ann.did, rekey())
    expect(world.send(ann.did, access([], null))).toBe(null)
    expect(inUse()).toEqual([])
    expect(epoch()).toMatchObject({ mustRotate: true })
    expect(world.send(ann.did, { ...reading, record: freshRecord() })).toBe('ERR_CHAIN_MUST_ROTATE')
    expect(world.send(proxy.did, conversion())).toBe('ERR_CHAIN_REKEY')
    expect(world.send(ann.did, access([uses([A])], world.ids.at(-3) ?? null))).toBe(null)
    expect(world.send(proxy.did, conversion())).toBe('ERR_CHAIN_REKEY')
    // Nor does recording it again, in a new epoch and for as long as one likes.
    world.send(ann.did, keyDraft({ epoch: 2, listed: [A], previous: epoch()?.latest ?? null }))
    expect(world.send(ann.did, rekey({ epoch: 2 }))).toBe('ERR_CHAIN_REKEY')
    expect(world.send(ann.did, rekey({ epoch: 2, reKey: digest('another') }))).toBe(null)
  })

  it('goes on under a wider grant, and for less long under a shorter one', () => {
    world.send(ann.did, rekey())
    expect(world.send(ann.did, access([uses([A, B])]))).toBe(null)
    expect(epoch()).toMatchObject({ mustRotate: false, notAfterMs: END_MS })
    const wider = world.last()
    expect(world.send(proxy.did, conversion())).toBe(null)
    expect(world.send(ann.did, access([uses([A, B], { forMs: 20 })], wider))).toBe(null)
    expect(inUse()).toMatchObject([{ untilMs: START_MS + 20 }])
    expect(epoch()).toMatchObject({ mustRotate: false, notAfterMs: START_MS + 20 })
    const shorter = world.last()
    expect(world.send(ann.did, access([uses([B])], shorter))).toBe(null)
    expect([inUse(), epoch()?.mustRotate]).toEqual([[], true])
  })

  it('of a past epoch that ends leaves the current one open', () => {
    world.send(ann.did, rekey())
    world.send(ann.did, keyDraft({ epoch: 2, listed: [A], previous: epoch()?.latest ?? null }))
    world.send(ann.did, access([], null))
    expect(inUse()).toEqual([])
    expect(epoch()).toMatchObject({ epoch: 2, mustRotate: false })
  })

  it('is no act of the owner or the delegatee', () => {
    world.send(ann.did, rekey())
    expect(world.send(ann.did, conversion())).toBe('ERR_CHAIN_REKEY')
    expect(world.send(institute.did, conversion())).toBe('ERR_CHAIN_REKEY')
  })
})

describe('a registrar', () => {
  it.each(['institute', 'ann'])('stops conversions when it revokes an account: %s', (revoked) => {
    const registrar = party('registrar')
    world = createFastWorld({ people: [], registrars: [registrar.did] })
    const admit = (identity: typeof ann, operation: 'add' | 'revoke' = 'add') =>
      world.send(registrar.did, {
        kind: 'register',
        operation,
        subject: identity.did,
        keys: operation === 'add' ? identity.keys : null,
        credentials: [],
        previousSignature: null,
      })
    for (const identity of [ann, proxy, institute]) expect(admit(identity)).toBe(null)
    world.send(ann.did, keyDraft({ epoch: 1, listed: [A] }))
    world.send(ann.did, access([uses([A])], null))
    expect(world.send(ann.did, rekey())).toBe(null)
    expect(world.send(proxy.did, conversion())).toBe(null)
    expect(admit(revoked === 'ann' ? ann : institute, 'revoke')).toBe(null)
    expect(world.send(proxy.did, conversion())).toBe('ERR_CHAIN_ACCOUNT')
  })

  it('sees a role that is denied stop conversions for as long as it is', () => {
    // A deny for a role concerns whoever holds it; nobody here does, and the epoch closes all the same.
    world.send(ann.did, rekey())
    const role = { role: 'institution', organisation: 'study.example' } as const
    expect(world.send(ann.did, access([uses([A], { effect: 'deny' })], null, role))).toBe(null)
    expect(epoch()).toMatchObject({ mustRotate: true })
    expect(world.send(proxy.did, conversion())).toBe(null)
  })
})

import { beforeEach, describe, expect, it } from 'vitest'

import type { TransactionId } from '../../src/primitives/ids.ts'
import type { Signature } from '../../src/primitives/signature.ts'
import { licenceShape, sharingKeys } from '../../src/sharing/index.ts'
import type { ShareBody } from '../../src/transactions/index.ts'
import { digest, emptySignature } from '../support/chain-fast.ts'
import { party } from '../support/parties.ts'
import {
  ann,
  bob,
  BUDGET,
  claimOn,
  clinic,
  createSharingWorld,
  DAY_MS,
  DEADLINES,
  END_MS,
  exclusively,
  HOUR_MS,
  hospital,
  institute,
  payee,
  proxy,
  START_MS,
  type Sent,
  type SharingWorld,
} from '../support/sharing-world.ts'
import type { Identity } from '../../src/identity/index.ts'

/** Proofs are not the subject here. */
const verifyClaim = () => true
let world: SharingWorld
let listing: TransactionId
let claimed: Sent
let claim: TransactionId

const PRICE = 100
const everybody = { institute, hospital, clinic, proxy, ann, bob, payee }
const delegate = (): ShareBody => ({ step: 'delegate', claim })
const convert = (): ShareBody => ({ step: 'convert', claim, converted: digest('converted') })
const acknowledge = (claimSignature = claimed.signature as Signature): ShareBody => ({
  step: 'acknowledge',
  claim,
  claimSignature,
})
const dispute = (): ShareBody => ({ step: 'dispute', claim, evidence: digest('evidence') })
const judge = (verdict: Verdict = 'as-attested'): ShareBody => ({
  step: 'judge',
  claim,
  verdict,
})
const close = (): ShareBody => ({ step: 'close', claim })

type Verdict = Extract<ShareBody, { readonly step: 'judge' }>['verdict']
type Standing = 'claimed' | 'delegated' | 'converted' | 'disputed' | 'settled' | 'refunded'
const steps = { delegate, convert, acknowledge, dispute, judge, close }
const parties = {
  delegate: proxy,
  convert: proxy,
  acknowledge: institute,
  dispute: institute,
  judge: hospital,
  close: bob,
}

/** Leads the claim to a state, each step at once. */
function lead(to: Standing): void {
  const path: Record<Standing, readonly (readonly [Identity, () => ShareBody])[]> = {
    claimed: [],
    delegated: [[proxy, delegate]],
    converted: [
      [proxy, delegate],
      [proxy, convert],
    ],
    disputed: [
      [proxy, delegate],
      [proxy, convert],
      [institute, dispute],
    ],
    settled: [
      [proxy, delegate],
      [proxy, convert],
      [institute, acknowledge],
    ],
    refunded: [],
  }
  for (const [by, make] of path[to]) expect(world.step(by, make())).toBe(null)
  if (to === 'refunded') expect(world.step(bob, close(), deadline())).toBe(null)
}

const stateOf = () => world.entryOf(claim)?.state
const deadline = () => world.entryOf(claim)?.untilMs ?? 0
const isClaimedBy = (name: string) => world.state.has(sharingKeys.person(institute.did, digest(name)))

beforeEach(() => {
  world = createSharingWorld({ verifyClaim })
  listing = world.publish()
  claimed = world.claim(listing)
  claim = claimed.id
})

describe('the way of a share', () => {
  it('leads from the claim to the payment, and every receipt says until when', () => {
    expect(claimed).toMatchObject({ untilMs: START_MS + HOUR_MS, owner: ann.did })
    expect([stateOf(), world.escrow(listing), world.escrow(claim)]).toEqual(['claimed', PRICE, PRICE])
    const delegated = world.submit(proxy, { kind: 'share', ...delegate() }, START_MS + 1)
    expect(delegated).toMatchObject({ code: null, untilMs: START_MS + HOUR_MS, owner: ann.did })
    const converted = world.submit(proxy, { kind: 'share', ...convert() }, START_MS + 2)
    expect(converted).toMatchObject({ code: null, untilMs: START_MS + 2 + 2 * HOUR_MS, owner: ann.did })
    const settled = world.submit(institute, { kind: 'share', ...acknowledge() }, START_MS + 3)
    expect(settled).toMatchObject({ code: null, untilMs: null, owner: ann.did })
    expect(world.entryOf(claim)).toMatchObject({ state: 'settled', untilMs: null })
    expect([world.balance(payee), world.escrow(claim), world.sharesLeft(listing)]).toEqual([PRICE, undefined, 1])
    expect(world.balance(institute)).toBe(BUDGET - 2 * PRICE)
  })

  it('leads over a dispute to a payment or a refund', () => {
    lead('disputed')
    expect(deadline()).toBe(START_MS + 3 * HOUR_MS)
    expect(world.step(hospital, judge('as-attested'))).toBe(null)
    expect([stateOf(), world.balance(payee)]).toEqual(['settled', PRICE])
  })

  it('is listed under the claimant, also what the others do and fail to do, but not what strangers try', () => {
    const own = world.state.count(['own', ann.did])
    expect(world.step(bob, convert())).toBe('ERR_SHARING_STATE')
    expect(world.step(institute, convert())).toBe('ERR_SHARING_STATE')
    expect(world.step(proxy, delegate())).toBe(null)
    expect(world.state.count(['own', ann.did])).toBe(own + 2)
  })

  it('concerns the claimant where a party is refused, and him alone where a stranger is', () => {
    const owner = (by: Identity) => world.submit(by, { kind: 'share', ...convert() }).owner
    for (const who of [proxy, hospital, institute, ann]) expect(owner(who)).toBe(ann.did)
    for (const stranger of [bob, clinic, payee]) expect(owner(stranger)).toBe(stranger.did)
  })

  it('of a claim that nobody made is refused, and concerns its sender', () => {
    claim = listing
    expect(world.submit(proxy, { kind: 'share', ...delegate() })).toMatchObject({
      code: 'ERR_SHARING_STATE',
      owner: proxy.did,
    })
  })
})

describe('every step in every state', () => {
  const allowed: Record<Standing, readonly (keyof typeof steps)[]> = {
    claimed: ['delegate'],
    delegated: ['convert'],
    converted: ['acknowledge', 'dispute'],
    disputed: ['judge'],
    settled: [],
    refunded: [],
  }

  it.each(Object.keys(allowed) as Standing[])('%s takes what belongs to it in time, and nothing else', (standing) => {
    lead(standing)
    for (const name of Object.keys(steps) as (keyof typeof steps)[]) {
      if (allowed[standing].includes(name)) continue
      expect(world.step(parties[name], steps[name]()), name).toBe('ERR_SHARING_STATE')
      expect(stateOf()).toBe(standing)
    }
    const [next] = allowed[standing]
    if (next !== undefined) expect(world.step(parties[next], steps[next]())).toBe(null)
  })

  it.each<readonly [Standing, keyof typeof steps]>([
    ['claimed', 'delegate'],
    ['delegated', 'convert'],
    ['converted', 'acknowledge'],
    ['converted', 'dispute'],
    ['disputed', 'judge'],
  ])('%s takes %s of one party only', (standing, name) => {
    lead(standing)
    for (const other of Object.values(everybody)) {
      if (other === parties[name]) continue
      expect(world.step(other, steps[name]())).toBe('ERR_SHARING_STATE')
    }
    expect(stateOf()).toBe(standing)
    expect(world.step(parties[name], steps[name]())).toBe(null)
  })
})

describe('deadlines', () => {
  it.each<readonly [Standing, keyof typeof steps]>([
    ['claimed', 'delegate'],
    ['delegated', 'convert'],
    ['converted', 'dispute'],
    ['disputed', 'judge'],
  ])('%s: %s counts until the last millisecond, and is late from the deadline on', (standing, name) => {
    lead(standing)
    const untilMs = deadline()
    const late = createLate(standing)
    expect(world.step(parties[name], steps[name](), untilMs - 1)).toBe(null)
    late(() => expect(world.step(parties[name], steps[name](), untilMs)).toBe('ERR_SHARING_STATE'))
  })

  it.each<readonly [Standing, 'settled' | 'refunded']>([
    ['claimed', 'refunded'],
    ['delegated', 'refunded'],
    ['converted', 'settled'],
    ['disputed', 'settled'],
  ])('%s: anybody closes it from the deadline on, and it is %s', (standing, ending) => {
    lead(standing)
    const untilMs = deadline()
    expect(world.step(bob, close(), untilMs - 1)).toBe('ERR_SHARING_STATE')
    expect(world.step(bob, close(), untilMs)).toBe(null)
    expect(stateOf()).toBe(ending)
    expect(world.step(bob, close(), untilMs)).toBe('ERR_SHARING_STATE')
    expect(world.balance(payee)).toBe(ending === 'settled' ? PRICE : 0)
    expect([world.escrow(listing), world.sharesLeft(listing)]).toEqual(
      ending === 'settled' ? [PRICE, 1] : [2 * PRICE, 2],
    )
  })

  it('an acknowledgement counts after its deadline too, until somebody closes', () => {
    lead('converted')
    expect(world.step(institute, acknowledge(), deadline())).toBe(null)
    expect(stateOf()).toBe('settled')
  })

  /** The same claim on another ledger, where the step comes too late. */
  function createLate(standing: Standing): (run: () => void) => void {
    const before = { world, listing, claimed, claim }
    world = createSharingWorld({ verifyClaim })
    listing = world.publish()
    claimed = world.claim(listing)
    claim = claimed.id
    lead(standing)
    const after = { world, listing, claimed, claim }
    ;({ world, listing, claimed, claim } = before)
    return (run) => {
      ;({ world, listing, claimed, claim } = after)
      run()
    }
  }
})

describe('an acknowledgement', () => {
  it('carries the signature of the claimant over this claim', () => {
    const other = world.claim(listing, { studyNullifier: digest('bob in the study') }, bob)
    lead('converted')
    expect(world.step(institute, acknowledge(emptySignature))).toBe('ERR_SHARING_PROOF')
    expect(world.step(institute, acknowledge(other.signature as Signature))).toBe('ERR_SHARING_PROOF')
    expect(stateOf()).toBe('converted')
    expect(world.step(institute, acknowledge())).toBe(null)
  })

  it('carries a signature of the key that her account had when she claimed', () => {
    const [before, after] = [party('the second key of bob'), party('the third key of bob')]
    world.rotateKey(bob, before)
    const draft = claimOn(listing, { studyNullifier: digest('bob in the study') })
    claimed = world.submit(before, draft, START_MS, bob.did)
    claim = claimed.id
    expect(world.entryOf(claim)).toMatchObject({ claimant: bob.did, signingKey: before.did })
    world.rotateKey(bob, after, before)
    lead('converted')
    expect(world.step(institute, acknowledge())).toBe(null)
  })
})

describe('a dispute', () => {
  it('needs a judge who is not the institution', () => {
    listing = world.publish({ issuers: [institute.did] })
    claimed = world.claim(listing, { issuer: institute.did, studyNullifier: digest('another') })
    claim = claimed.id
    lead('converted')
    expect(world.step(institute, dispute())).toBe('ERR_SHARING_STATE')
    expect(world.step(bob, close(), deadline())).toBe(null)
    expect(stateOf()).toBe('settled')
  })

  it('is judged by the issuer who attested, not by another that is listed', () => {
    lead('disputed')
    expect(world.step(clinic, judge('not-as-attested'))).toBe('ERR_SHARING_STATE')
  })
})

describe('a refund', () => {
  it('gives the listing its share back, and the person another claim, where nobody converted', () => {
    lead('delegated')
    expect(isClaimedBy('ann in the study')).toBe(true)
    expect(world.step(ann, close(), deadline())).toBe(null)
    expect([world.escrow(listing), world.escrow(claim), world.sharesLeft(listing)]).toEqual([2 * PRICE, undefined, 2])
    expect(isClaimedBy('ann in the study')).toBe(false)
    expect(world.claim(listing).code).toBe(null)
  })

  it('by verdict leaves the person without another claim in the study', () => {
    lead('disputed')
    expect(world.step(hospital, judge('not-as-attested'))).toBe(null)
    expect([stateOf(), world.balance(payee), world.sharesLeft(listing)]).toEqual(['refunded', 0, 2])
    expect(isClaimedBy('ann in the study')).toBe(true)
  })

  it('by the verdict that it does not open leaves her another, since the proxy may have done that', () => {
    lead('disputed')
    expect(world.step(hospital, judge('not-converted'))).toBe(null)
    expect([stateOf(), world.balance(payee), world.sharesLeft(listing)]).toEqual(['refunded', 0, 2])
    expect(isClaimedBy('ann in the study')).toBe(false)
  })

  it.each<readonly [string, () => void, number]>([
    ['was withdrawn', () => world.submit(institute, { kind: 'requirement', step: 'withdraw', listing }), 0],
    ['has ended', () => undefined, PRICE],
  ])('goes to the institution where the listing %s', (_, endListing, stillLocked) => {
    listing = world.publish({
      study: digest('a long one'),
      deadlines: { ...DEADLINES, convertWithinMs: END_MS - START_MS },
    })
    claim = world.claim(listing, { studyNullifier: digest('another') }).id
    const before = world.balance(institute)
    endListing()
    expect(world.step(bob, close(), END_MS)).toBe(null)
    expect(world.balance(institute)).toBe(before + 2 * PRICE - stillLocked)
    expect([world.escrow(claim), world.escrow(listing)]).toEqual([
      undefined,
      stillLocked === 0 ? undefined : stillLocked,
    ])
  })

  it('goes to the listing one millisecond before that ends', () => {
    listing = world.publish({
      study: digest('a long one'),
      deadlines: { ...DEADLINES, convertWithinMs: END_MS - START_MS - 1 },
    })
    claim = world.claim(listing, { studyNullifier: digest('another') }).id
    expect(world.step(bob, close(), END_MS - 1)).toBe(null)
    expect([world.escrow(listing), world.sharesLeft(listing)]).toEqual([2 * PRICE, 2])
  })

  it('frees the record, but not under the licence of a later claim', () => {
    const recordNullifier = digest('a record')
    const licence = () => world.state.get(sharingKeys.licence(recordNullifier), licenceShape)
    const sell = (study: string, exclusiveForMs: number) => {
      listing = world.publish({ study: digest(study), ...exclusively(world, exclusiveForMs) })
      return world.claim(listing, { studyNullifier: digest(study), recordNullifier }).id
    }
    claim = sell('first', HOUR_MS)
    expect(licence()).toEqual({ claim, untilMs: START_MS + HOUR_MS })
    expect(world.step(bob, close(), deadline())).toBe(null)
    expect(licence()).toBe(undefined)
    // The licence of the second ends before its claim does, and a third follows.
    claim = sell('second', 1)
    const secondUntilMs = deadline()
    world.chain.nowMs += 1
    const third = sell('third', DAY_MS)
    expect(world.step(bob, close(), secondUntilMs)).toBe(null)
    expect([stateOf(), licence()?.claim]).toEqual(['refunded', third])
  })
})

import { beforeEach, describe, expect, it } from 'vitest'

import type { Identity } from '../../src/identity/index.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { claimShape, licenceShape, personShape, sharingKeys } from '../../src/sharing/index.ts'
import type { Draft } from '../../src/transactions/index.ts'
import { digest } from '../support/chain-fast.ts'
import { party } from '../support/parties.ts'
import {
  ann,
  bob,
  claimOn,
  clinic,
  createSharingWorld,
  DAY_MS,
  END_MS,
  exclusively,
  HOUR_MS,
  hospital,
  institute,
  payee,
  proxy,
  publication,
  registerCertified,
  START_MS,
  type SharingWorld,
} from '../support/sharing-world.ts'

/** Proofs are not the subject here, but that nothing refused costs one is. */
let proofs = 0
const verifyClaim = () => {
  proofs += 1
  return true
}
let world: SharingWorld
let listing: TransactionId

const send = (more: Partial<Draft<'claim'>> = {}, by: Identity = ann, atMs?: number) =>
  world.submit(by, claimOn(listing, more), atMs).code
const ofAnn = { studyNullifier: digest('ann in the study') }
const ofBob = { studyNullifier: digest('bob in the study') }
const revoke = (who: Identity) =>
  world.submit(who, {
    kind: 'register',
    operation: 'revoke',
    subject: who.did,
    keys: null,
    credentials: [],
    previousSignature: null,
  })

beforeEach(() => {
  world = createSharingWorld({ verifyClaim })
  listing = world.publish()
  proofs = 0
})

describe('a claim', () => {
  it('is written down with its first deadline, and takes its price and share from the listing', () => {
    const sent = world.submit(ann, claimOn(listing), START_MS + 5)
    expect(sent).toMatchObject({ code: null, untilMs: START_MS + 5 + HOUR_MS, owner: ann.did })
    const entry = world.state.get(sharingKeys.claim(sent.id), claimShape)
    expect(entry).toEqual({
      listing,
      claimant: ann.did,
      signingKey: ann.did,
      issuer: hospital.did,
      payee: payee.did,
      proxy: proxy.did,
      studyNullifier: digest('ann in the study'),
      recordNullifier: null,
      state: 'claimed',
      untilMs: START_MS + 5 + HOUR_MS,
    })
    expect([world.escrow(listing), world.escrow(sent.id), world.sharesLeft(listing)]).toEqual([100, 100, 1])
    expect(world.state.count(sharingKeys.claims(listing))).toBe(1)
    expect(proofs).toBe(1)
  })

  it('costs no proof where anything else refuses it', () => {
    send()
    proofs = 0
    expect(send()).toBe('ERR_SHARING_CLAIMED')
    expect(send({ ...ofBob, proxy: party('nobody').did }, bob)).toBe('ERR_CHAIN_ACCOUNT')
    expect(proofs).toBe(0)
  })
})

describe('the listing of a claim', () => {
  it('is one of this ledger, and open', () => {
    const open = listing
    listing = world.submit(institute, { kind: 'withdrawal', commitment: digest('any') }).id
    expect(send()).toBe('ERR_SHARING_LISTING')
    listing = open
    world.submit(institute, { kind: 'requirement', step: 'withdraw', listing })
    expect(send()).toBe('ERR_SHARING_LISTING')
  })

  it('takes claims until the millisecond before it ends', () => {
    const late = { expiresAtMs: END_MS + HOUR_MS }
    expect(send(late, ann, END_MS - 1)).toBe(null)
    expect(send({ ...late, ...ofBob }, bob, END_MS)).toBe('ERR_SHARING_LISTING')
  })

  it('takes as many claims as it has shares', () => {
    expect(send()).toBe(null)
    expect(send(ofBob, bob)).toBe(null)
    expect(world.sharesLeft(listing)).toBe(0)
    expect(send({ studyNullifier: digest('carol') }, clinic)).toBe('ERR_SHARING_LISTING')
  })

  it('may cost nothing', () => {
    listing = world.publish({ price: 0, study: digest('for free') })
    const claim = world.claim(listing)
    world.step(proxy, { step: 'delegate', claim: claim.id })
    expect(world.step(bob, { step: 'close', claim: claim.id }, START_MS + HOUR_MS)).toBe(null)
    expect([world.escrow(listing), world.escrow(claim.id), world.sharesLeft(listing)]).toEqual([0, undefined, 2])
    expect(world.submit(institute, { kind: 'requirement', step: 'withdraw', listing }).code).toBe(null)
  })
})

describe('the word of an issuer', () => {
  it('counts where the listing names the issuer', () => {
    expect(send({ issuer: bob.did })).toBe('ERR_SHARING_LISTING')
    expect(send({ issuer: clinic.did })).toBe(null)
  })

  it('counts from when it was given until it is too old', () => {
    listing = world.publish({ ageMsMax: HOUR_MS, study: digest('fresh') })
    expect(send({ attestedAtMs: START_MS + 1 }, ann, START_MS)).toBe('ERR_SHARING_PROOF')
    expect(send({ attestedAtMs: START_MS }, ann, START_MS + HOUR_MS + 1)).toBe('ERR_SHARING_PROOF')
    expect(send({ attestedAtMs: START_MS + 1 }, ann, START_MS + HOUR_MS + 1)).toBe(null)
  })

  it('counts no more once it is withdrawn, where the listing asks, and the issuer is the one who gave it', () => {
    const strict = world.publish({ checksWithdrawal: true, study: digest('strict') })
    const commitment = digest('a commitment')
    expect(world.submit(clinic, { kind: 'withdrawal', commitment }).code).toBe(null)
    expect(world.submit(hospital, { kind: 'withdrawal', commitment: digest('another') }).code).toBe(null)
    const before = listing
    listing = strict
    expect(send()).toBe(null)
    expect(world.submit(hospital, { kind: 'withdrawal', commitment })).toMatchObject({
      code: null,
      owner: hospital.did,
    })
    expect(world.submit(hospital, { kind: 'withdrawal', commitment }).code).toBe('ERR_SHARING_STATE')
    expect(send(ofBob, bob)).toBe('ERR_SHARING_PROOF')
    listing = before
    expect(send(ofBob, bob)).toBe(null)
  })
})

describe('the time of a claim', () => {
  it('ends where its proof ends', () => {
    const endsAtMs = START_MS + HOUR_MS
    expect(send({ expiresAtMs: endsAtMs }, ann, endsAtMs - 1)).toBe(null)
    expect(send({ ...ofBob, expiresAtMs: endsAtMs }, bob, endsAtMs)).toBe('ERR_SHARING_PROOF')
  })
})

describe('the parties of a claim', () => {
  it('are three: claimant, proxy and institution', () => {
    expect(send({ proxy: ann.did })).toBe('ERR_SHARING_LISTING')
    expect(send({ proxy: institute.did })).toBe('ERR_SHARING_LISTING')
    expect(send({}, institute)).toBe('ERR_SHARING_LISTING')
    expect(send({ proxy: bob.did, payee: ann.did })).toBe(null)
  })

  it.each(['payee', 'proxy'] as const)('have accounts: the %s', (name) => {
    expect(send({ [name]: party('nobody').did })).toBe('ERR_CHAIN_ACCOUNT')
  })

  it.each([payee, proxy, hospital, institute])('have accounts that were not revoked', (who) => {
    revoke(who)
    expect(send()).toBe('ERR_CHAIN_ACCOUNT')
  })
})

describe('with registrars', () => {
  const registrar = party('registrar')
  const certified = () => createSharingWorld({ verifyClaim, registrars: [registrar.did] })
  const roles = [
    [hospital, 'issuer'],
    [proxy, 'proxy'],
    [institute, 'institution'],
  ] as const

  it.each(roles.map(([who, role]) => [role, who] as const))(
    'a claim needs its %s certified until the end',
    (_, who) => {
      world = certified()
      const endsAtMs = START_MS + HOUR_MS
      for (const [other, held] of roles) {
        registerCertified(world, registrar, other, held, other === who ? endsAtMs : END_MS + DAY_MS)
      }
      for (const other of [ann, bob, payee]) registerCertified(world, registrar, other)
      listing = world.publish()
      expect(send({}, ann, endsAtMs - 1)).toBe(null)
      expect(send(ofBob, bob, endsAtMs)).toBe('ERR_CHAIN_CREDENTIAL')
    },
  )

  it('a credential of another role does not do', () => {
    world = certified()
    for (const [who, role] of roles) registerCertified(world, registrar, who, who === proxy ? 'issuer' : role)
    for (const other of [ann, payee]) registerCertified(world, registrar, other)
    listing = world.publish()
    expect(send()).toBe('ERR_CHAIN_CREDENTIAL')
  })
})

describe('nullifiers', () => {
  it('let a person claim once in a study, from whatever account and for whatever listing of it', () => {
    expect(send()).toBe(null)
    expect(send({}, bob)).toBe('ERR_SHARING_CLAIMED')
    listing = world.publish({ price: 1 })
    expect(send({}, bob)).toBe('ERR_SHARING_CLAIMED')
    expect(send({ studyNullifier: digest('ann in another study') }, bob)).toBe(null)
  })

  it('of a study are not used up, nor freed, by another institution, which can forge claims under its own key', () => {
    const rival = world.submit(clinic, publication({ price: 0, study: digest('any') })).id
    const { id: forged, code } = world.submit(bob, claimOn(rival))
    expect(code).toBe(null)
    const { id } = world.claim(listing)
    expect(world.step(bob, { step: 'close', claim: forged }, START_MS + HOUR_MS)).toBe(null)
    const claimOf = ({ did }: Identity) => world.state.get(sharingKeys.person(did, ofAnn.studyNullifier), personShape)
    expect([claimOf(institute), claimOf(clinic)]).toEqual([id, undefined])
  })

  it('of records are there exactly where the licence is exclusive', () => {
    expect(send({ recordNullifier: digest('a record') })).toBe('ERR_SHARING_LISTING')
    listing = world.publish({ study: digest('exclusive'), ...exclusively(world, HOUR_MS) })
    expect(send()).toBe('ERR_SHARING_LISTING')
    expect(send({ recordNullifier: digest('a record') })).toBe(null)
  })

  it('of a record keep it from a second buyer until the licence ends', () => {
    const recordNullifier = digest('a record')
    listing = world.publish({ study: digest('first'), ...exclusively(world, HOUR_MS) })
    const first = world.claim(listing, { recordNullifier }).id
    const licence = () => world.state.get(sharingKeys.licence(recordNullifier), licenceShape)
    expect(licence()).toEqual({ claim: first, untilMs: START_MS + HOUR_MS })
    listing = world.publish({ study: digest('second'), ...exclusively(world, HOUR_MS) })
    // By the word of another issuer, from another account, in another study.
    const again = { ...ofBob, recordNullifier, issuer: clinic.did }
    expect(send(again, bob, START_MS + HOUR_MS - 1)).toBe('ERR_SHARING_EXCLUSIVE')
    expect(send({ ...again, recordNullifier: digest('another record') }, clinic)).toBe(null)
    expect(send({ ...again, studyNullifier: digest('later') }, bob, START_MS + HOUR_MS)).toBe(null)
    expect(licence()?.untilMs).toBe(START_MS + 2 * HOUR_MS)
  })
})

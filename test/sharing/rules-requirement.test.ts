import { beforeEach, describe, expect, it } from 'vitest'

import { toDigest } from '../../src/primitives/ids.ts'
import { listingShape, sharingKeys, witnessKey } from '../../src/sharing/index.ts'
import type { PublishBody } from '../../src/transactions/index.ts'
import { createRequirement, createSchema, encodeRequirement, encodeSchema, encodeZkObject } from '../../src/zk/index.ts'
import { digest, emptySignature } from '../support/chain-fast.ts'
import { party } from '../support/parties.ts'
import {
  ann,
  bob,
  BUDGET,
  clinic,
  createSharingWorld,
  createTestKey,
  DEADLINES,
  END_MS,
  exclusively,
  HOUR_MS,
  hospital,
  institute,
  proxy,
  publication,
  registerCertified,
  START_MS,
  type SharingWorld,
} from '../support/sharing-world.ts'

let world: SharingWorld
beforeEach(() => {
  world = createSharingWorld({ verifyClaim: () => true })
})

const publish = (more: Partial<PublishBody> = {}, atMs?: number) =>
  world.submit(institute, publication(more), atMs).code
const withdraw = (listing: ReturnType<SharingWorld['publish']>, by = institute, atMs?: number) =>
  world.submit(by, { kind: 'requirement', step: 'withdraw', listing }, atMs).code

describe('publishing', () => {
  it('pays for all shares in advance and keeps what claims are judged by', () => {
    const sent = world.submit(institute, publication({ price: 500 }))
    expect(sent).toMatchObject({ code: null, untilMs: null, owner: institute.did })
    expect([world.balance(institute), world.escrow(sent.id), world.sharesLeft(sent.id)]).toEqual([0, BUDGET, 2])
    expect(world.state.get(sharingKeys.listing(sent.id), listingShape)).toMatchObject({
      institution: institute.did,
      study: digest('a study'),
      price: 500,
      deadlines: DEADLINES,
    })
    expect(world.state.count(sharingKeys.listings)).toBe(1)
  })

  it('needs the money', () => {
    expect(publish({ price: 501 })).toBe('ERR_CHAIN_BALANCE')
    expect(publish({ price: Number.MAX_SAFE_INTEGER, sharesMax: 1 })).toBe('ERR_CHAIN_BALANCE')
    expect(world.balance(institute)).toBe(BUDGET)
    expect(publish({ price: 500 })).toBe(null)
    expect(publish({ price: 1, sharesMax: 1 })).toBe('ERR_CHAIN_BALANCE')
    expect(publish({ price: 0 })).toBe(null)
  })

  it('is for a time to come', () => {
    expect(publish({ expiresAtMs: START_MS + 1 })).toBe(null)
    expect(publish({ expiresAtMs: START_MS })).toBe('ERR_SHARING_TERMS')
  })

  it('needs a verifying key of six inputs', () => {
    const { bytes, circuit, setup } = createTestKey()
    const short = encodeZkObject({ kind: 'verifying-key', circuit, setup, digest: circuit, bytes: bytes.slice(0, -48) })
    expect(publish({ verifyingKey: short })).toBe('ERR_SHARING_TERMS')
    const encoded = encodeZkObject(createTestKey())
    expect(publish({ verifyingKey: encoded.with(-1, (encoded.at(-1) as number) ^ 1) })).toBe('ERR_SHARING_TERMS')
    expect(publish({ verifyingKey: new Uint8Array() })).toBe('ERR_SHARING_TERMS')
    expect(publish({ verifyingKey: Uint8Array.of(...encoded, 0) })).toBe('ERR_SHARING_TERMS')
    expect(publish({ verifyingKey: encoded })).toBe(null)
  })

  it('needs the role of an institution where there are registrars, until the millisecond before its end', () => {
    const registrar = party('registrar')
    world = createSharingWorld({ verifyClaim: () => true, registrars: [registrar.did] })
    registerCertified(world, registrar, institute, 'institution', START_MS + HOUR_MS)
    registerCertified(world, registrar, hospital, 'issuer')
    expect(world.submit(hospital, publication({ price: 0 })).code).toBe('ERR_CHAIN_CREDENTIAL')
    expect(publish({}, START_MS + HOUR_MS - 1)).toBe(null)
    expect(publish({}, START_MS + HOUR_MS)).toBe('ERR_CHAIN_CREDENTIAL')
  })
})

describe('the text of a listing', () => {
  const schema = createSchema('glucose', { glucose: { kind: 'int', bits: 8 } })
  const other = createSchema('glucose', { glucose: { kind: 'int', bits: 9 } })
  const asked = createRequirement(schema, (r) => r.gte('glucose', 7), {
    issuers: [hospital.did, clinic.did],
    ageMsMax: HOUR_MS,
    checksWithdrawal: true,
  })
  const text = { schema: encodeSchema(schema), requirement: encodeRequirement(asked) }
  const said: Partial<PublishBody> = {
    text,
    requirement: asked.digest,
    schema: schema.id,
    ageMsMax: HOUR_MS,
    checksWithdrawal: true,
  }

  it('says what the listing says', () => {
    expect(publish(said)).toBe(null)
    expect(publish({ ...said, text: null })).toBe(null)
  })

  it.each<readonly [string, Partial<PublishBody>]>([
    ['another requirement', { requirement: digest('another') }],
    ['another schema', { schema: other.id }],
    ['the text of another schema', { text: { ...text, schema: encodeSchema(other) } }],
    ['fewer issuers', { issuers: [hospital.did] }],
    ['another age', { ageMsMax: HOUR_MS + 1 }],
    ['any age', { ageMsMax: null }],
    ['no look at withdrawals', { checksWithdrawal: false }],
    ['no text of a schema', { text: { ...text, schema: new Uint8Array() } }],
    ['no text of a requirement', { text: { ...text, requirement: Uint8Array.of(0x80) } }],
  ])('is not that of %s', (_, more) => {
    expect(publish({ ...said, ...more })).toBe('ERR_SHARING_TERMS')
  })
})

describe('an exclusive licence', () => {
  const terms = (more: Parameters<typeof exclusively>[2] = {}) => exclusively(world, HOUR_MS, more)

  it('needs a key from a ceremony, with two witnesses', () => {
    expect(publish(terms())).toBe(null)
    expect(publish(terms({ key: createTestKey('verifier') }))).toBe('ERR_SHARING_TERMS')
    expect(publish(terms({ witnesses: [clinic] }))).toBe('ERR_SHARING_TERMS')
    expect(publish(terms({ witnesses: [] }))).toBe('ERR_SHARING_TERMS')
    expect(publish({ ...terms({ key: createTestKey('verifier'), witnesses: [] }), exclusiveForMs: null })).toBe(null)
  })

  it('needs witnesses with accounts, none of them the institution', () => {
    expect(publish(terms({ witnesses: [clinic, institute] }))).toBe('ERR_SHARING_TERMS')
    expect(publish(terms({ witnesses: [clinic, bob, institute] }))).toBe('ERR_SHARING_TERMS')
    expect(publish(terms({ witnesses: [clinic, party('nobody')] }))).toBe('ERR_SHARING_TERMS')
    world.submit(bob, {
      kind: 'register',
      operation: 'revoke',
      subject: bob.did,
      keys: null,
      credentials: [],
      previousSignature: null,
    })
    expect(publish(terms({ witnesses: [clinic, bob] }))).toBe('ERR_SHARING_TERMS')
    expect(publish(terms({ witnesses: [clinic, ann] }))).toBe(null)
  })

  it('needs witnesses with a role where there are registrars: patients have as many accounts as they like', () => {
    const registrar = party('registrar')
    world = createSharingWorld({ verifyClaim: () => true, registrars: [registrar.did] })
    registerCertified(world, registrar, institute, 'institution')
    registerCertified(world, registrar, clinic, 'issuer', START_MS + HOUR_MS)
    registerCertified(world, registrar, hospital, 'validator')
    registerCertified(world, registrar, ann, 'patient')
    registerCertified(world, registrar, bob)
    for (const nobody of [ann, bob]) {
      expect(publish(terms({ witnesses: [clinic, nobody] }))).toBe('ERR_SHARING_TERMS')
    }
    expect(publish(terms({ witnesses: [clinic, hospital] }), START_MS + HOUR_MS - 1)).toBe(null)
    expect(publish(terms({ witnesses: [clinic, hospital] }), START_MS + HOUR_MS)).toBe('ERR_SHARING_TERMS')
  })

  it('needs their signatures over this key on this ledger', () => {
    const { witnesses, ...rest } = terms()
    const key = createTestKey('ceremony')
    const other = witnessKey(createTestKey('ceremony', 30n), { signer: bob.signer, chainId: world.chainId })
    const { genesis } = createSharingWorld({ budget: 1 }).chain
    const elsewhere = witnessKey(key, { signer: bob.signer, chainId: genesis.chainId })
    const unnamed = {
      account: bob.did,
      signature: bob.signer.sign('vitalseal/zk/attestation/v1', [toDigest(world.chainId), key.digest]),
    }
    for (const wrong of [other, elsewhere, unnamed, { account: bob.did, signature: emptySignature }]) {
      const changed = witnesses.map((witness) => (witness.account === bob.did ? wrong : witness))
      expect(publish({ ...rest, witnesses: changed })).toBe('ERR_SHARING_TERMS')
      // Also where nobody relies on it: nothing false is published.
      expect(publish({ ...rest, witnesses: changed, exclusiveForMs: null })).toBe('ERR_SHARING_TERMS')
    }
    expect(publish({ ...rest, witnesses })).toBe(null)
  })
})

describe('withdrawing', () => {
  it('gives back what is not claimed, at once, and once', () => {
    const listing = world.publish()
    const claim = world.claim(listing).id
    expect(withdraw(listing, ann)).toBe('ERR_SHARING_STATE')
    expect(withdraw(claim)).toBe('ERR_SHARING_LISTING')
    expect(withdraw(listing)).toBe(null)
    expect([world.balance(institute), world.escrow(listing), world.escrow(claim)]).toEqual([
      BUDGET - 100,
      undefined,
      100,
    ])
    expect(world.sharesLeft(listing)).toBe(undefined)
    expect(withdraw(listing)).toBe('ERR_SHARING_LISTING')
    // What was claimed goes on.
    expect(world.step(proxy, { step: 'delegate', claim })).toBe(null)
  })

  it('is possible when everything was sold, and after the end', () => {
    const listing = world.publish({ sharesMax: 1 })
    world.claim(listing)
    expect(withdraw(listing)).toBe(null)
    const other = world.publish()
    expect(withdraw(other, institute, END_MS + 1)).toBe(null)
    expect(world.balance(institute)).toBe(BUDGET - 100)
  })
})

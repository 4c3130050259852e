import { beforeEach, describe, expect, it } from 'vitest'

import { credentialListShape, keys, slotShape } from '../../../src/chain/entities.ts'
import { accountShape } from '../../../src/chain/index.ts'
import {
  createCredential,
  createKeyRecord,
  issueCredential,
  signKeyRotation,
  type Credential,
  type Identity,
} from '../../../src/identity/index.ts'
import type { Role } from '../../../src/primitives/roles.ts'
import { encodeTransaction } from '../../../src/transactions/index.ts'
import {
  createChainWorld,
  freshRecord,
  heartRate,
  HOUR_MS,
  labeler,
  START_MS,
  type ChainWorld,
} from '../../support/chain-world.ts'
import { registration, terms } from '../../support/chain-fast.ts'
import { party } from '../../support/parties.ts'

const [clerk, ann, bob, hospital, office] = [
  party('clerk'),
  party('ann'),
  party('bob'),
  party('hospital'),
  party('office'),
]
const A = labeler.label(heartRate)
const ORGANISATION = 'hospital.example'
let world: ChainWorld

beforeEach(() => {
  world = createChainWorld({ registrars: [clerk.did], quotaPerMinute: 20 })
})

interface Says {
  readonly by?: Identity
  readonly about: Identity
  readonly role: Role
  readonly organisation?: string
  readonly fromMs?: number
  readonly untilMs?: number
  readonly quotaPerMinute?: number
}

function credential({ by = clerk, about, role, organisation = ORGANISATION, ...more }: Says): Credential {
  const { fromMs = START_MS, untilMs = START_MS + HOUR_MS, quotaPerMinute = null } = more
  const unsigned = createCredential({
    kind: 'E-Cert',
    issuer: by.did,
    subject: about.did,
    role,
    organisation,
    notBeforeMs: fromMs,
    notAfterMs: untilMs,
    quotaPerMinute,
  })
  return issueCredential(unsigned, { chainId: world.genesis.chainId, signer: by.signer })
}

const add = (who: Identity, ...credentials: readonly Credential[]) =>
  world.send(clerk, registration(who, { credentials }))
const revoke = (who: Identity, by = clerk) => world.send(by, registration(who, { operation: 'revoke', keys: null }))
const accountOf = (who: Identity) => world.ledger.state.get(keys.account(who.did), accountShape)
const credentialsOf = (who: Identity) => world.ledger.state.get(keys.credentials(who.did), credentialListShape)

describe('who registers', () => {
  it('a registrar of the genesis does, before he has an account himself', () => {
    expect(add(ann)).toBe(null)
    expect(add(clerk)).toBe(null)
    expect(add(bob)).toBe(null)
    expect(accountOf(ann)?.index).toBe(0)
    // His nonces went on when he got his account.
    expect(world.ledger.nonceNext({ sender: clerk.did, delegate: 0 })).toBe(3)
  })

  it('nobody else does, and an unknown account sends nothing at all', () => {
    expect(world.send(ann, registration(ann))).toBe('unknown-account')
    add(ann)
    expect(world.send(ann, registration(bob))).toBe('ERR_CHAIN_REGISTRAR')
    expect(accountOf(bob)).toBe(undefined)
  })

  it('nobody goes on as a registrar without an account in another kind', () => {
    expect(world.send(clerk, { kind: 'transfer', payee: ann.did, amount: 1, memo: null })).toBe('unknown-account')
  })

  it('everybody registers himself where the genesis names no registrars, and a refusal does not lock him out', () => {
    world = createChainWorld()
    expect(world.send(ann, registration(bob))).toBe('ERR_CHAIN_REGISTRAR')
    const selfMade = credential({ by: ann, about: ann, role: 'institution' })
    expect(world.send(ann, registration(ann, { credentials: [selfMade] }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(accountOf(ann)).toBe(undefined)
    expect(world.send(ann, registration(ann))).toBe(null)
    expect(world.ledger.nonceNext({ sender: ann.did, delegate: 0 })).toBe(3)
  })
})

describe('revocation', () => {
  it('ends everything that the account sends, and comes once', () => {
    add(ann, credential({ about: ann, role: 'clinician' }))
    const phone = party('phone')
    const slot = {
      slot: 1,
      signingKey: phone.did,
      agreement: null,
      rights: ['publish'],
      notAfterMs: START_MS + HOUR_MS,
    } as const
    expect(world.send(ann, { kind: 'delegate', ...slot })).toBe(null)
    expect(revoke(ann)).toBe(null)
    expect(world.send(ann, { kind: 'delegate', slot: 1, signingKey: null })).toBe('unknown-account')
    const answer = {
      kind: 'acknowledge',
      answers: world.sign(ann, { kind: 'delegate', slot: 2, signingKey: null }).id,
    } as const
    expect(world.send(phone, answer, { sender: ann.did, delegate: 1 })).toBe('unknown-account')
    expect(credentialsOf(ann)).toBe(undefined)
    expect(revoke(ann)).toBe('ERR_CHAIN_ACCOUNT')
    expect(add(ann)).toBe('ERR_CHAIN_ACCOUNT')
    expect(revoke(bob)).toBe('ERR_CHAIN_ACCOUNT')
  })

  it('of a registrar ends what he does and all that he certified', () => {
    world = createChainWorld({ registrars: [clerk.did, office.did] })
    add(clerk)
    add(ann)
    add(bob, credential({ about: bob, role: 'clinician' }))
    const late = credential({ about: hospital, role: 'institution' })
    const permit = terms([A], { access: { fromMs: START_MS, untilMs: START_MS + HOUR_MS } })
    const grantee = { role: 'clinician', organisation: ORGANISATION } as const
    world.send(ann, { kind: 'access', patient: ann.did, grantee, grants: [permit], supersedes: null })
    const read = { kind: 'data', mode: 'read', patient: ann.did, label: A, record: null, purpose: 'TREAT' } as const
    expect(world.send(bob, read)).toBe(null)
    expect(revoke(clerk, office)).toBe(null)
    expect(world.send(bob, read)).toBe('ERR_POLICY_DENIED')
    expect(add(hospital)).toBe('unknown-account')
    expect(world.send(office, registration(hospital, { credentials: [late] }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(world.send(office, registration(hospital))).toBe(null)
  })
})

describe('rotation of the signing key', () => {
  const next = party('the next key')
  function rotate(who: Identity, more: { readonly signer?: Identity; readonly by?: Identity } = {}): string | null {
    const { signer = who, by = clerk } = more
    const record = createKeyRecord({ did: who.did, agreement: next.keys.agreement }, { signer: next.signer })
    const previousSignature = signKeyRotation({ record, chainId: world.genesis.chainId }, { signer: signer.signer })
    return world.send(by, registration(who, { operation: 'rotate-key', keys: record, previousSignature }))
  }
  const transfer = { kind: 'delegate', slot: 1, signingKey: null } as const

  it('gives the account to the new key and takes it from the old one', () => {
    add(ann)
    expect(world.send(ann, transfer)).toBe(null)
    expect(rotate(ann)).toBe(null)
    expect(world.send(ann, transfer)).toBe('signature')
    expect(world.send(next, transfer, { sender: ann.did })).toBe(null)
    expect(world.ledger.state.get(keys.slot(ann.did, 0), slotShape)).toMatchObject({
      signingKey: next.did,
      nonceNext: 2,
    })
    expect(accountOf(ann)?.keys.agreement).toEqual(next.keys.agreement)
  })

  it('needs the old key: no registrar takes an account over', () => {
    add(ann)
    expect(rotate(ann, { signer: clerk })).toBe('ERR_CHAIN_ACCOUNT')
    expect(rotate(bob)).toBe('ERR_CHAIN_ACCOUNT')
    rotate(ann)
    // Once more with the key that is no longer the current one.
    expect(rotate(ann)).toBe('ERR_CHAIN_ACCOUNT')
    expect(revoke(ann)).toBe(null)
    expect(rotate(ann, { signer: next })).toBe('ERR_CHAIN_ACCOUNT')
  })

  it('keeps the keys of a known account when it is added again', () => {
    add(ann)
    rotate(ann)
    expect(add(ann, credential({ about: ann, role: 'patient' }))).toBe(null)
    expect(accountOf(ann)?.keys.signingKey).toBe(next.did)
    expect(credentialsOf(ann)).toHaveLength(1)
  })

  it('makes a signature that was checked before worth nothing', () => {
    add(ann)
    const waiting = world.sign(ann, transfer)
    const bytes = encodeTransaction(waiting)
    expect(world.ledger.admit(bytes).ok).toBe(true)
    rotate(ann)
    expect(world.ledger.applyBatch({ transactions: [bytes], timeMs: world.nowMs }).skipped).toEqual([
      { index: 0, because: 'signature' },
    ])
  })
})

describe('credentials', () => {
  const institution = (more: Partial<Says> = {}) => credential({ about: hospital, role: 'institution', ...more })
  const staff = (more: Partial<Says> = {}) => credential({ by: hospital, about: bob, role: 'clinician', ...more })

  it('come from registrars, and from institutions for their own', () => {
    add(hospital, institution())
    expect(add(bob, staff())).toBe(null)
    expect(add(bob, staff({ organisation: 'elsewhere.example' }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(add(bob, staff({ role: 'institution' }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(add(ann, credential({ by: bob, about: ann, role: 'patient' }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(add(ann, credential({ by: ann, about: ann, role: 'patient' }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(accountOf(ann)).toBe(undefined)
  })

  it('of a certified registrar count for every organisation, but make no registrar', () => {
    add(office, credential({ about: office, role: 'registrar', organisation: 'office.example' }))
    expect(add(bob, credential({ by: office, about: bob, role: 'clinician' }))).toBe(null)
    expect(add(bob, credential({ by: office, about: bob, role: 'registrar' }))).toBe('ERR_CHAIN_CREDENTIAL')
  })

  it('lend a quota, and make none', () => {
    add(hospital, institution({ quotaPerMinute: 50 }))
    expect(add(bob, staff({ quotaPerMinute: 51 }))).toBe('ERR_CHAIN_CREDENTIAL')
    expect(add(bob, staff({ quotaPerMinute: 50 }))).toBe(null)
    add(office, credential({ about: office, role: 'institution', organisation: 'office.example' }))
    const lent = credential({
      by: office,
      about: ann,
      role: 'clinician',
      organisation: 'office.example',
      quotaPerMinute: 1,
    })
    expect(add(ann, lent)).toBe('ERR_CHAIN_CREDENTIAL')
  })

  it('are issued while their issuer is certified, to the millisecond', () => {
    add(hospital, institution({ untilMs: START_MS + 1_000 }))
    world.nowMs = START_MS + 999
    expect(add(bob, staff())).toBe(null)
    world.nowMs = START_MS + 1_000
    expect(add(ann, staff({ about: ann }))).toBe('ERR_CHAIN_CREDENTIAL')
  })

  it('are listed once each, sixteen at most; what has ended makes room', () => {
    const short = (n: number) =>
      credential({ about: bob, role: 'clinician', organisation: `${n}.example`, untilMs: START_MS + 1_000 })
    const first = Array.from({ length: 15 }, (_, n) => short(n))
    expect(add(bob, ...first)).toBe(null)
    expect(add(bob, ...first)).toBe(null)
    expect(credentialsOf(bob)).toHaveLength(15)
    expect(add(bob, credential({ about: bob, role: 'clinician' }))).toBe(null)
    expect(add(bob, credential({ about: bob, role: 'analyser' }))).toBe('ERR_CHAIN_CREDENTIAL')
    world.nowMs = START_MS + 1_000
    expect(add(bob, credential({ about: bob, role: 'analyser' }))).toBe(null)
    expect(credentialsOf(bob)).toHaveLength(2)
  })

  it('with a signature of somebody else stay out of blocks', () => {
    const forged = { ...credential({ about: bob, role: 'clinician' }), role: 'analyser' as const }
    expect(add(bob, forged)).toBe('signature')
  })

  describe('match role grants', () => {
    const read = { kind: 'data', mode: 'read', patient: ann.did, label: A, record: null, purpose: 'TREAT' } as const
    const toRole = (effect: 'permit' | 'deny' = 'permit') =>
      world.send(ann, {
        kind: 'access',
        patient: ann.did,
        grantee: { role: 'clinician', organisation: ORGANISATION },
        grants: [terms([A], { effect, access: { fromMs: START_MS, untilMs: START_MS + 10 * HOUR_MS } })],
        supersedes: null,
      })

    it('as long as they last', () => {
      add(ann)
      add(bob, credential({ about: bob, role: 'clinician' }))
      toRole()
      world.nowMs = START_MS + HOUR_MS - 1
      expect(world.send(bob, read)).toBe(null)
      world.nowMs = START_MS + HOUR_MS
      expect(world.send(bob, read)).toBe('ERR_POLICY_DENIED')
    })

    it('as long as their institution is certified, and again when it is', () => {
      add(ann)
      add(hospital, institution({ untilMs: START_MS + 1_000 }))
      add(bob, staff())
      toRole()
      world.nowMs = START_MS + 999
      expect(world.send(bob, read)).toBe(null)
      world.nowMs = START_MS + 1_000
      expect(world.send(bob, read)).toBe('ERR_POLICY_DENIED')
      add(hospital, institution({ fromMs: START_MS + 1_000 }))
      expect(world.send(bob, read)).toBe(null)
      revoke(hospital)
      expect(world.send(bob, read)).toBe('ERR_POLICY_DENIED')
    })

    it('end an epoch where they end, and where one begins whose role is denied', async () => {
      add(ann)
      add(bob, credential({ about: bob, role: 'clinician', fromMs: START_MS + 5_000 }))
      toRole('deny')
      const toBob = {
        kind: 'access',
        patient: ann.did,
        grantee: bob.did,
        grants: [terms([A], { access: { fromMs: START_MS, untilMs: START_MS + HOUR_MS } })],
        supersedes: null,
      } as const
      expect(world.send(ann, toBob)).toBe(null)
      expect(await world.rotate(ann, { recipients: [world.recipient(bob, [heartRate])] })).toBe(null)
      const write = () => world.send(ann, { kind: 'iot', record: freshRecord(), label: A, epoch: 1 })
      world.nowMs = START_MS + 4_999
      expect(write()).toBe(null)
      world.nowMs = START_MS + 5_000
      expect(write()).toBe('ERR_CHAIN_EPOCH_ENDED')
    })
  })
})

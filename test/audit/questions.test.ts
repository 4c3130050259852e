import { describe, expect, it } from 'vitest'

import { assessRevocation, compareAccess, whoCanDecrypt } from '../../src/audit/index.ts'
import { createCredential, issueCredential } from '../../src/identity/index.ts'
import type { Did } from '../../src/primitives/did.ts'
import type { RecordId } from '../../src/primitives/content-id.ts'
import { glucose, heartRate, HOUR_MS, labeler } from '../support/chain-world.ts'
import {
  ann,
  bob,
  canOpen,
  carol,
  createAuditWorld,
  dan,
  people,
  phone,
  registerAll,
  type AuditWorld,
} from './world.ts'

const patient = ann.did

/** Names of those who can open a record, in order of their keys. */
function holders(world: AuditWorld, record: RecordId): readonly string[] {
  return whoCanDecrypt(world.view(), record).map(
    ({ holder, through, state }) => `${nameOf(holder)} ${through} ${state}`,
  )
}

function nameOf(did: Did): string {
  return Object.entries(people).find(([, identity]) => identity.did === did)?.[0] ?? did
}

function gaps(world: AuditWorld): readonly string[] {
  return compareAccess(world.view(), { patient }).map(({ kind, holder, records, because }) => {
    return `${kind} ${records.length}: ${nameOf(holder)} ${because}`
  })
}

async function started(): Promise<AuditWorld> {
  const world = createAuditWorld()
  registerAll(world, ann, bob, carol, dan, phone)
  expect(await world.rotate(ann, { dataTypes: [heartRate, glucose] })).toBe(null)
  return world
}

describe('whoCanDecrypt', () => {
  it('names the owner alone before anything is granted, and nobody for an unknown record', async () => {
    const world = await started()
    const record = world.seal(heartRate)
    expect(holders(world, record)).toEqual(['ann owner acknowledged'])
    expect(whoCanDecrypt(world.view(), 'bafy' as RecordId)).toEqual([])
  })

  it('gives each recipient what his grant covered, with the tx_key and what he said of it', async () => {
    const world = await started()
    const [heart, sugar] = [world.seal(heartRate), world.seal(glucose)]
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    expect(holders(world, heart)).toEqual(['ann owner acknowledged', 'bob envelope offered'])
    expect(holders(world, sugar)).toEqual(['ann owner acknowledged'])
    const [, holder] = whoCanDecrypt(world.view(), heart)
    const answers = world.ringOf(bob).latest(patient)
    expect(holder).toMatchObject({ epoch: 1, since: answers })
    if (answers === null) throw new Error('no tx_key')
    expect(world.send(bob, { kind: 'complaint', answers })).toBe(null)
    expect(holders(world, heart)).toEqual(['ann owner acknowledged', 'bob envelope complained'])
    await world.give(bob, [heartRate])
    expect(holders(world, heart)).toEqual(['ann owner acknowledged', 'bob envelope offered'])
    const next = world.ringOf(bob).latest(patient)
    if (next !== null) expect(world.send(bob, { kind: 'acknowledge', answers: next })).toBe(null)
    expect(holders(world, heart)).toEqual(['ann owner acknowledged', 'bob envelope acknowledged'])
  })

  it('takes the grant as it stood before the tx_key, also in one block', async () => {
    const world = await started()
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    // The wider grant comes after the envelope, so that the envelope holds one type only.
    world.grant(bob, 'all')
    const sugar = world.seal(glucose)
    expect(holders(world, sugar)).toEqual(['ann owner acknowledged'])
    await world.give(bob, 'all')
    expect(holders(world, sugar)).toEqual(['ann owner acknowledged', 'bob envelope offered'])
  })

  it('knows delegates by their rights, authors, and keys that were handed over', async () => {
    const world = await started()
    const fields = {
      slot: 1,
      signingKey: phone.did,
      agreement: phone.keys.agreement,
      notAfterMs: world.nowMs + HOUR_MS,
    }
    expect(world.send(ann, { kind: 'delegate', ...fields, rights: ['publish'] })).toBe(null)
    world.grant(bob, 'all')
    world.grant(carol, [glucose])
    const delegates = [{ slot: 1, agreement: phone.keys.agreement, rights: ['publish'] as const }]
    const recipients = [world.recipient(bob, 'all'), world.recipient(carol, [glucose])]
    expect(await world.rotate(ann, { dataTypes: [heartRate, glucose], recipients, delegates })).toBe(null)
    const heart = world.seal(heartRate)
    const diagnosis = world.diagnose(bob, heart, heartRate)
    expect(holders(world, heart)).toEqual(['ann owner acknowledged', 'phone delegate offered', 'bob envelope offered'])
    expect(holders(world, diagnosis)).toEqual(['ann owner acknowledged', 'bob author acknowledged'])
    await world.give(carol, [glucose], [{ epoch: 2, doctor: bob.did }])
    expect(holders(world, diagnosis)).toContain('carol handed offered')
    expect(holders(world, heart)).toHaveLength(3)
    expect(world.send(ann, { kind: 'delegate', slot: 1, signingKey: null })).toBe(null)
    expect(gaps(world)).toContainEqual(
      'can-decrypt-may-not-read 1: phone is no longer a delegate of the owner; the keys of epoch 2 open them still',
    )
  })

  it('names exactly those whose rings open the record', async () => {
    const world = await started()
    const records = [world.seal(heartRate)]
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    records.push(world.seal(heartRate), world.seal(glucose))
    world.grant(carol, 'all')
    await world.give(carol, 'all', [{ epoch: 1, dataType: heartRate }])
    records.push(world.diagnose(bob, records[1] as RecordId, heartRate), world.seal(glucose))
    world.revoke(bob)
    expect(await world.rotate(ann, { recipients: [world.recipient(carol, 'all')] })).toBe(null)
    records.push(world.seal(heartRate), world.seal(glucose), world.diagnose(carol, records[0] as RecordId, glucose))
    const view = world.view()
    let listed = 0
    for (const { transaction } of view.transactions({ patient })) {
      if (transaction.kind !== 'iot' && transaction.kind !== 'diagnosis') continue
      const { record, label, epoch, sender: author } = transaction
      const able = [ann, bob, carol, dan].filter((identity) => canOpen(world, identity, { author, label, epoch }))
      const named = whoCanDecrypt(view, record).map(({ holder }) => nameOf(holder))
      expect(named.toSorted()).toEqual(able.map(({ did }) => nameOf(did)).toSorted())
      listed += named.length
    }
    expect(records).toHaveLength(8)
    expect(listed).toBe(18)
    // A view of the patient alone says the same.
    for (const record of records)
      expect(whoCanDecrypt(world.view({ patient }), record)).toEqual(whoCanDecrypt(view, record))
  })
})

describe('compareAccess', () => {
  it('finds nothing where keys follow the grants', async () => {
    const world = await started()
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    world.seal(heartRate)
    world.seal(glucose)
    expect(gaps(world)).toEqual([])
  })

  it('says who may read without a key, and why', async () => {
    const world = await started()
    world.seal(heartRate)
    world.grant(bob, [heartRate])
    expect(gaps(world)).toEqual([
      'may-read-cannot-decrypt 1: bob may read them, and has no key of epoch 1 that opens them; the owner can hand it over',
    ])
    await world.give(bob, [heartRate])
    expect(gaps(world)).toEqual([])
    const answers = world.ringOf(bob).latest(patient)
    if (answers !== null) world.send(bob, { kind: 'complaint', answers })
    const height = world.ledger.header?.height
    expect(gaps(world)).toEqual([
      `may-read-cannot-decrypt 1: bob complained in block ${height} that the envelope of epoch 1 does not hold the committed keys`,
    ])
    expect(compareAccess(world.view(), { patient, label: labeler.label(glucose) })).toEqual([])
    expect(compareAccess(world.view(), { patient: dan.did })).toEqual([])
  })

  it('says who can open without leave, and why', async () => {
    const world = await started()
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    world.grant(carol, [heartRate], { hours: 1 })
    await world.give(carol, [heartRate])
    const record = world.seal(heartRate)
    world.diagnose(bob, record, heartRate)
    const height = world.revoke(bob)
    world.nowMs += 2 * HOUR_MS
    expect(await world.rotate(ann)).toBe(null)
    world.seal(heartRate)
    expect(gaps(world)).toEqual([
      `can-decrypt-may-not-read 1: bob lost the grant in block ${height}; the keys of epoch 1 were given before and open them still`,
      'can-decrypt-may-not-read 1: carol has no grant that covers them now; the keys of epoch 1 open them still',
      'can-decrypt-may-not-read 1: bob sealed them under an own diagnosis key of epoch 1, which opens them still',
    ])
  })

  it('sees holders of a role, who get no key by it, and accounts that a registrar revoked', async () => {
    const world = createAuditWorld({ registrars: [dan.did] })
    const organisation = 'st-marys.example'
    const credential = issueCredential(
      createCredential({
        kind: 'E-Cert',
        issuer: dan.did,
        subject: bob.did,
        role: 'clinician',
        organisation,
        notBeforeMs: world.nowMs,
        notAfterMs: world.nowMs + 48 * HOUR_MS,
      }),
      { chainId: world.genesis.chainId, signer: dan.signer },
    )
    const register = { kind: 'register', operation: 'add', previousSignature: null } as const
    for (const { did: subject, keys } of [dan, ann, bob]) {
      const credentials = subject === bob.did ? [credential] : []
      expect(world.send(dan, { ...register, subject, keys, credentials })).toBe(null)
    }
    expect(await world.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
    world.seal(heartRate)
    world.grant({ role: 'clinician', organisation }, [heartRate])
    expect(gaps(world)).toEqual([
      'may-read-cannot-decrypt 1: bob may read them by a role, which gives no key of epoch 1 by itself; a read that asks for keys lets the owner answer',
    ])
    await world.give(bob, [heartRate])
    expect(gaps(world)).toEqual([])
    const revocation = { operation: 'revoke', subject: bob.did, keys: null, credentials: [] } as const
    expect(world.send(dan, { ...register, ...revocation })).toBe(null)
    expect(gaps(world)).toEqual([
      'can-decrypt-may-not-read 1: bob was revoked by a registrar; the keys of epoch 1 open them still',
    ])
    // The ledger closes no epoch for it: until the owner rotates, new records are open to him as well.
    expect(assessRevocation(world.view(), { patient, grantee: bob.did }).heightEffective).toBe(null)
    world.seal(heartRate)
    expect(await world.rotate(ann)).toBe(null)
    const { heightEffective, stillOpen } = assessRevocation(world.view(), { patient, grantee: bob.did })
    expect([heightEffective, stillOpen.length]).toEqual([world.ledger.header?.height, 2])
  })
})

describe('assessRevocation', () => {
  it('tells what stays open, what is closed, what was read, and from which block on', async () => {
    const world = await started()
    const first = world.seal(heartRate)
    const sugar = world.seal(glucose)
    world.grant(bob, [heartRate])
    expect(assessRevocation(world.view(), { patient, grantee: bob.did }).heightEffective).toBe(null)
    await world.give(bob, [heartRate])
    const second = world.seal(heartRate)
    expect(world.read(bob, second, heartRate)).toBe(null)
    expect(world.read(bob, sugar, glucose)).toBe('ERR_POLICY_DENIED')
    const height = world.revoke(bob)
    expect(await world.rotate(ann)).toBe(null)
    const third = world.seal(heartRate)
    expect(assessRevocation(world.view(), { patient, grantee: bob.did })).toEqual({
      heightEffective: height,
      stillOpen: [first, second],
      closed: [sugar, third],
      readBefore: [second],
    })
    // As it was before the revocation.
    expect(assessRevocation(world.view().at(height - 1), { patient, grantee: bob.did })).toMatchObject({
      heightEffective: null,
      closed: [sugar],
    })
    expect(assessRevocation(world.view(), { patient, grantee: dan.did })).toEqual({
      heightEffective: 0,
      stillOpen: [],
      closed: [first, sugar, second, third],
      readBefore: [],
    })
  })

  it('counts a record in the block of the revocation, before it', async () => {
    const world = await started()
    world.grant(bob, [heartRate])
    await world.give(bob, [heartRate])
    const label = labeler.label(heartRate)
    const record = world.seal(heartRate)
    const draft = { kind: 'iot', label, epoch: 1 } as const
    const sealed = world.sign(ann, {
      ...draft,
      record: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' as RecordId,
    })
    const revocation = world.sign(ann, { kind: 'access', patient, grantee: bob.did, supersedes: null, grants: [] })
    const { block } = world.block([sealed, revocation])
    expect(block.receipts.map(({ code }) => code)).toEqual([null, null])
    const { heightEffective, stillOpen } = assessRevocation(world.view(), { patient, grantee: bob.did })
    expect(heightEffective).toBe(block.header.height + 1)
    expect(stillOpen).toHaveLength(2)
    expect(stillOpen).toContain(record)
  })

  it('takes an expiry for what it is', async () => {
    const world = await started()
    world.grant(bob, [heartRate], { hours: 1 })
    await world.give(bob, [heartRate])
    world.seal(heartRate)
    world.nowMs += HOUR_MS
    expect(await world.rotate(ann)).toBe(null)
    expect(assessRevocation(world.view(), { patient, grantee: bob.did })).toMatchObject({
      heightEffective: world.ledger.header?.height,
    })
  })
})

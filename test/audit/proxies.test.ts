import { describe, expect, it } from 'vitest'

import {
  assessRevocation,
  compareAccess,
  exportAuditBundle,
  listProxies,
  parseAuditBundle,
  validateAuditBundle,
  whoCanDecrypt,
} from '../../src/audit/index.ts'
import { unwrap } from '../../src/errors.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { toUtf8, toHex } from '../../src/primitives/bytes.ts'
import type { Did } from '../../src/primitives/did.ts'
import { glucose, heartRate, HOUR_MS, labeler } from '../support/chain-world.ts'
import { ann, bob, carol, createAuditWorld, registerAll, type AuditWorld } from './world.ts'

const patient = ann.did
const label = labeler.label(heartRate)
const digest = (text: string) => sha256(toUtf8(text))
const reKey = digest('re-key')

/** Bob is the proxy, Carol the delegatee. */
const record = (world: AuditWorld, epoch = 1, id = reKey) =>
  world.send(ann, {
    kind: 'rekey',
    reKey: id,
    proxy: bob.did,
    delegatee: carol.did,
    label,
    epoch,
    untilMs: world.nowMs + HOUR_MS,
  })
const convert = (world: AuditWorld, id = reKey) =>
  world.send(bob, {
    kind: 'conversion',
    patient,
    delegatee: carol.did,
    reKey: id,
    converted: digest('converted'),
  })

async function started() {
  const world = createAuditWorld()
  registerAll(world, ann, bob, carol)
  expect(await world.rotate(ann, { dataTypes: [heartRate, glucose] })).toBe(null)
  const [heart, sugar] = [world.seal(heartRate), world.seal(glucose)]
  world.grant(carol, [heartRate], { actions: ['use'] })
  expect(record(world)).toBe(null)
  return { world, heart, sugar }
}

const throughOf = (world: AuditWorld, of: Parameters<typeof whoCanDecrypt>[1], holder: Did) =>
  whoCanDecrypt(world.view(), of).find((each) => each.holder === holder)?.through

describe('proxies in an audit', () => {
  it('are listed with what they may convert, for whom, until when, and what they converted', async () => {
    const { world } = await started()
    const untilMs = world.nowMs + HOUR_MS
    const [entry, ...rest] = listProxies(world.view({ patient }), patient)
    expect(rest).toEqual([])
    expect(entry).toMatchObject({
      proxy: bob.did,
      delegatee: carol.did,
      label,
      epoch: 1,
      reKey: toHex(reKey),
      untilMs,
      isInUse: true,
      conversions: [],
    })
    expect(convert(world)).toBe(null)
    expect(listProxies(world.view(), patient)[0]?.conversions).toHaveLength(1)
    expect(listProxies(world.view(), bob.did)).toEqual([])
    world.nowMs = untilMs
    world.block([])
    expect(listProxies(world.view(), patient)).toMatchObject([{ isInUse: false, untilMs }])
  })

  it('make a delegatee a holder of one type and epoch from the conversion on, who may have it', async () => {
    const { world, heart, sugar } = await started()
    expect(throughOf(world, heart, carol.did)).toBe(undefined)
    expect(convert(world)).toBe(null)
    expect(throughOf(world, heart, carol.did)).toBe('re-encryption')
    expect([throughOf(world, sugar, carol.did), throughOf(world, heart, bob.did)]).toEqual([undefined, undefined])
    expect(compareAccess(world.view(), { patient })).toEqual([])
  })

  it('end with the grant for good, and what was converted stays open', async () => {
    const { world, heart, sugar } = await started()
    expect(convert(world)).toBe(null)
    const height = world.revoke(carol)
    expect(listProxies(world.view(), patient)).toMatchObject([{ isInUse: false, untilMs: world.nowMs }])
    expect(convert(world)).toBe('ERR_CHAIN_REKEY')
    expect(compareAccess(world.view(), { patient })).toMatchObject([
      { kind: 'can-decrypt-may-not-read', holder: carol.did, records: [heart] },
    ])
    expect(await world.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
    const later = world.seal(heartRate)
    expect(throughOf(world, later, carol.did)).toBe(undefined)
    expect(assessRevocation(world.view(), { patient, grantee: carol.did })).toMatchObject({
      stillOpen: [heart],
      closed: [sugar, later],
    })
    expect(height).toBeGreaterThan(0)
    world.grant(carol, [heartRate], { actions: ['use'] })
    expect(record(world, 2, digest('next'))).toBe(null)
    expect(listProxies(world.view(), patient).map(({ isInUse }) => isInUse)).toEqual([false, true])
  })

  it('are in the bundle of their patient, which verifies by itself', async () => {
    const { world } = await started()
    expect(convert(world)).toBe(null)
    const bundle = unwrap(parseAuditBundle(await exportAuditBundle(world.source, { patient })))
    const { chainId } = world.genesis
    const view = unwrap(await validateAuditBundle(bundle, { chainId }))
    expect(listProxies(view, patient)).toEqual(listProxies(world.view(), patient))
  })
})

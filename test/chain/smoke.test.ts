import { expect, it } from 'vitest'
import { createChainWorld, freshRecord, heartRate, HOUR_MS, labeler, registerAll } from '../support/chain-world.ts'
import { party } from '../support/parties.ts'

it('works', async () => {
  const world = createChainWorld()
  const [ann, bob] = [party('ann'), party('bob')]
  registerAll(world, ann, bob)
  const label = labeler.label(heartRate)
  expect(await world.rotate(ann, { dataTypes: [heartRate] })).toBe(null)
  expect(world.send(ann, { kind: 'iot', record: freshRecord(), label, epoch: 1 })).toBe(null)
  expect(await world.extend(ann, { recipients: [world.recipient(bob, [heartRate])] })).toBe('ERR_CHAIN_RECIPIENT')
  const access = { fromMs: world.nowMs, untilMs: world.nowMs + HOUR_MS }
  expect(
    world.send(ann, {
      kind: 'access',
      patient: ann.did,
      grantee: bob.did,
      supersedes: null,
      grants: [{ dataTypes: [label], actions: ['access', 'write'], purposes: ['TREAT'], access }],
    }),
  ).toBe(null)
  expect(await world.extend(ann, { recipients: [world.recipient(bob, [heartRate])] })).toBe(null)
  expect(world.send(bob, { kind: 'data', mode: 'read', patient: ann.did, label, record: null, purpose: 'TREAT' })).toBe(
    null,
  )
  expect(
    world.send(bob, { kind: 'data', mode: 'read', patient: ann.did, label, record: null, purpose: 'HRESCH' }),
  ).toBe('ERR_POLICY_DENIED')
  expect(
    world.send(ann, { kind: 'iot', record: freshRecord(), label, epoch: 1 }, { atMs: world.nowMs + HOUR_MS }),
  ).toBe('ERR_CHAIN_EPOCH_ENDED')
  expect(await world.rotate(ann)).toBe(null)
  expect(world.send(ann, { kind: 'iot', record: freshRecord(), label, epoch: 1 })).toBe('ERR_CHAIN_EPOCH')
  expect(world.send(ann, { kind: 'iot', record: freshRecord(), label, epoch: 2 })).toBe(null)
})

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { assessRevocation, compareAccess, whoCanDecrypt } from '../../src/audit/index.ts'
import type { Identity } from '../../src/identity/index.ts'
import type { DataType } from '../../src/primitives/did.ts'
import { ann, bob, canOpen, carol, createAuditWorld, registerAll, type AuditWorld } from '../audit/world.ts'
import { glucose, heartRate, labeler } from '../support/chain-world.ts'
import { propertyRuns } from '../support/property.ts'

const doctors = [bob, carol] as const
const types: readonly DataType[] = [heartRate, glucose]

/** One thing that somebody does; what the ledger refuses is left undone. */
const steps = fc.array(
  fc.record({
    what: fc.constantFrom('grant', 'grant all', 'revoke', 'give', 'hand', 'rotate', 'seal', 'seal', 'diagnose'),
    doctor: fc.nat(1),
    type: fc.nat(1),
  }),
  { minLength: 4, maxLength: 12 },
)
type Step = { readonly what: string; readonly doctor: number; readonly type: number }

interface Story {
  readonly world: AuditWorld
  /** What is granted to each doctor now. */
  readonly granted: Map<Identity, readonly DataType[] | 'all'>
}

async function step({ world, granted }: Story, { what, doctor: who, type: which }: Step): Promise<void> {
  const doctor = doctors[who] as Identity
  const type = types[which] as DataType
  const known = granted.get(doctor)
  switch (what) {
    case 'grant':
    case 'grant all': {
      const all = what === 'grant' ? [type] : 'all'
      world.grant(doctor, all)
      granted.set(doctor, all)
      return
    }
    case 'revoke':
      world.revoke(doctor)
      granted.delete(doctor)
      return
    case 'rotate': {
      const recipients = [...granted].map(([to, dataTypes]) => world.recipient(to, dataTypes))
      await world.rotate(ann, { dataTypes: types, recipients })
      return
    }
    case 'give':
      if (known !== undefined) await world.give(doctor, known)
      return
    case 'hand':
      // An earlier epoch may be handed to whoever has a grant at all.
      if (known !== undefined && world.epoch() > 1) await world.give(doctor, known, [{ epoch: 1, dataType: type }])
      return
    case 'seal':
      world.seal(type)
      return
    default:
      world.diagnose(doctor, world.seal(type), type)
  }
}

it('an audit names exactly those whose keys open a record', { timeout: 120_000 }, async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const world = createAuditWorld()
      registerAll(world, ann, bob, carol)
      await world.rotate(ann, { dataTypes: types })
      const story: Story = { world, granted: new Map() }
      // The ledger refuses what the epoch does not allow; the story goes on.
      for (const next of script) await step(story, next).catch(() => undefined)
      const view = world.view()
      const openedBy = new Map<Identity, number>()
      for (const { transaction } of view.transactions({ patient: ann.did })) {
        if (transaction.kind !== 'iot' && transaction.kind !== 'diagnosis') continue
        const { record, label, epoch, sender: author } = transaction
        const able = [ann, ...doctors].filter((identity) => canOpen(world, identity, { author, label, epoch }))
        const named = whoCanDecrypt(view, record).map(({ holder }) => holder)
        expect(named.toSorted()).toEqual(able.map(({ did }) => did).toSorted())
        for (const identity of able) openedBy.set(identity, (openedBy.get(identity) ?? 0) + 1)
        compared++
      }
      for (const doctor of doctors) {
        const effect = assessRevocation(view, { patient: ann.did, grantee: doctor.did })
        expect(effect.stillOpen).toHaveLength(openedBy.get(doctor) ?? 0)
        const gaps = compareAccess(view, { patient: ann.did }).filter(({ holder }) => holder === doctor.did)
        const granted = story.granted.get(doctor)
        const labels = granted === 'all' ? types : (granted ?? [])
        // Whoever may read nothing and can open something is a gap; whoever may read everything he can open is none of that kind.
        const open = gaps.filter(({ kind }) => kind === 'can-decrypt-may-not-read').flatMap(({ records }) => records)
        const beyond = [...view.transactions({ patient: ann.did })].filter(
          ({ transaction }) =>
            'record' in transaction &&
            'label' in transaction &&
            transaction.kind !== 'data' &&
            effect.stillOpen.includes(transaction.record) &&
            !labels.some((type) => labeler.label(type) === transaction.label),
        )
        expect(open).toHaveLength(beyond.length)
      }
    }),
    propertyRuns(15),
  )
  expect(compared).toBeGreaterThan(4)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { KeyRing } from '../../src/keys/index.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import type { DataType } from '../../src/primitives/did.ts'
import { createKeyWorld, ecg, glucose, heartRate, people, recipient, ringOf } from '../support/key-world.ts'
import { propertyRuns } from '../support/property.ts'

const TYPES = [heartRate, glucose, ecg]
const DOCTORS = ['bob', 'carol', 'dave'] as const
const ann = people.ann.did

const grant = fc.oneof(fc.constant('all' as const), fc.subarray(TYPES), fc.constant(undefined))
const step = fc.record({
  mode: fc.constantFrom('rotate', 'extend'),
  dataTypes: fc.subarray(TYPES),
  bob: grant,
  carol: grant,
  dave: grant,
})

/** What a doctor was given in an epoch: types by name, or the secret of all. */
interface Held {
  readonly types: Set<DataType>
  hasAll: boolean
}

/** The slow and obvious version: who was ever given which key, by hand. */
class Model {
  epoch = 0
  readonly listed = new Map<number, Set<DataType>>()
  readonly held = new Map<string, Held>()

  take({ mode, dataTypes, ...grants }: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
    if (mode === 'rotate') this.epoch++
    const listed = this.listed.get(this.epoch) ?? new Set()
    this.listed.set(this.epoch, listed)
    for (const type of dataTypes) listed.add(type)
    for (const name of DOCTORS) for (const type of grants[name] === 'all' ? [] : (grants[name] ?? [])) listed.add(type)
    for (const name of DOCTORS) {
      const given = grants[name]
      if (given === undefined) continue
      const held = this.held.get(`${name} ${this.epoch}`) ?? { types: new Set(), hasAll: false }
      this.held.set(`${name} ${this.epoch}`, held)
      if (given === 'all') held.hasAll = true
      else for (const type of given) held.types.add(type)
    }
  }

  opens(name: string, epoch: number, type: DataType): boolean {
    const held = this.held.get(`${name} ${epoch}`)
    return this.listed.get(epoch)?.has(type) === true && (held?.hasAll === true || held?.types.has(type) === true)
  }
}

function holds(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_KEYS_NOT_HELD' })
    return false
  }
}

function expectExactly(model: Model, name: (typeof DOCTORS)[number], ring: KeyRing, owner: KeyRing): void {
  expect(ring.complaints()).toEqual([])
  for (let epoch = 1; epoch <= model.epoch + 1; epoch++) {
    for (const type of TYPES) {
      const of = { patient: ann, label: owner.label(type), epoch }
      const where = `${name}, epoch ${epoch}, ${type}`
      expect(
        holds(() => ring.openingKey(of)),
        where,
      ).toBe(model.opens(name, epoch, type))
      for (const doctor of DOCTORS) {
        expect(
          holds(() => ring.diagnosisKey({ ...of, doctor: people[doctor].did })),
          `${where}, diagnoses of ${doctor}`,
        ).toBe(doctor === name && model.held.has(`${name} ${epoch}`))
      }
    }
  }
}

describe.each([
  ['private', undefined],
  ['public', createLabeler()],
] as const)('key rings, %s labels', (_kind, labeler) => {
  it('open exactly what was granted, whatever was rotated and extended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
        const options = labeler === undefined ? {} : { labeler }
        const world = createKeyWorld(options)
        const model = new Model()
        const first = { mode: 'rotate', dataTypes: [], bob: undefined, carol: undefined, dave: undefined } as const
        for (const taken of [{ ...first, dataTypes: [heartRate] }, ...steps]) {
          const { mode, dataTypes, ...grants } = taken
          const recipients = DOCTORS.flatMap((name) => {
            const given = grants[name]
            return given === undefined ? [] : [recipient(name, given)]
          })
          await world.publish(await world[mode]({ dataTypes, recipients }))
          model.take(taken)
        }
        for (const name of DOCTORS) {
          expectExactly(model, name, world.rings[name], world.rings.ann)
          // And the same after a restart.
          const again = ringOf(name, options)
          for (const transaction of world.ledger) await again.apply(transaction)
          expectExactly(model, name, again, world.rings.ann)
        }
        // The owner opens everything that is listed.
        for (const [epoch, types] of model.listed) {
          for (const type of types) {
            expect(world.rings.ann.openingKey({ patient: ann, label: world.rings.ann.label(type), epoch }).epoch).toBe(
              epoch,
            )
          }
        }
      }),
      propertyRuns(12),
    )
  }, 60_000)
})

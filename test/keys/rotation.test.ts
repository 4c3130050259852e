import { describe, expect, it } from 'vitest'

import { generateIdentity } from '../../src/identity/index.ts'
import { createKeyRing, rotateEpoch, type KeyDraft, type Recipient } from '../../src/keys/index.ts'
import type { TransactionId } from '../../src/primitives/ids.ts'
import { ALL_TYPES_LABEL, createLabeler } from '../../src/primitives/label.ts'
import { encodeTransaction } from '../../src/transactions/index.ts'
import { chainId, directoryOf, seededRandom } from '../support/parties.ts'
import { createKeyWorld, ecg, glucose, heartRate, people, recipient, ringOf, signDraft } from '../support/key-world.ts'

/** Every draft is a transaction within its limits, through its bytes. */
function expectSendable(drafts: readonly KeyDraft[], last: TransactionId | null = null): void {
  let previous = last
  for (const [nonce, draft] of drafts.entries()) {
    const transaction = signDraft(draft, { previous, nonce })
    expect(encodeTransaction(transaction).length).toBeLessThanOrEqual(256 * 1024)
    previous = transaction.id
  }
}

describe('rotateEpoch', () => {
  it('makes the first epoch without recipients and lists its types in order', async () => {
    const { drafts, skipped } = await createKeyWorld().rotate({ dataTypes: [heartRate, glucose] })
    expect(skipped).toEqual([])
    expect(drafts).toHaveLength(1)
    expect(drafts[0]).toMatchObject({ kind: 'key', mode: 'rotate', epoch: 1, envelopes: [], escrow: null })
    expect(drafts[0]!.labels.map(({ label }) => label)).toEqual(drafts[0]!.labels.map(({ label }) => label).sort())
    expect(drafts[0]!.ownEnvelopes.map(({ delegate }) => delegate)).toEqual([0])
  })

  it('keeps the types of the epoch before, and replaces them where types are named', async () => {
    const world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate, glucose] }))
    const labels = async (options: object) =>
      (await world.rotate(options)).drafts[0]!.labels.map(({ label }) => label).sort()
    const of = (...types: (typeof heartRate)[]) => types.map((type) => world.rings.ann.label(type)).sort()
    expect(await labels({})).toEqual(of(heartRate, glucose))
    expect(await labels({ dataTypes: [ecg] })).toEqual(of(ecg))
    expect(await labels({ dataTypes: [ecg], recipients: [recipient('bob', [glucose])] })).toEqual(of(ecg, glucose))
  })

  it('commits to the key of all types only while somebody holds it', async () => {
    const world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate] }))
    await world.publish(await world.rotate({ recipients: [recipient('bob', 'all')] }))
    expect(world.ledger[1]!.labels[0]!.label).toBe(ALL_TYPES_LABEL)
    await world.publish(await world.rotate({}))
    expect(world.ledger[2]!.labels.map(({ label }) => label)).not.toContain(ALL_TYPES_LABEL)
  })

  it('skips a recipient with an unusable key and reports him, and serves the others', async () => {
    const world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate] }))
    const broken: Recipient = {
      ...recipient('bob', [heartRate]),
      keys: { ...people.bob.keys, agreement: new Uint8Array(32) },
    }
    const drafts = await world.rotate({
      recipients: [
        broken,
        recipient('carol', [heartRate]),
        recipient('carol', [heartRate]),
        recipient('ann', [heartRate]),
        recipient('dave', [heartRate], [{ epoch: 7, dataType: heartRate }]),
        { ...recipient('phone', [heartRate]), index: -1 },
      ],
      delegates: [
        { slot: 3, agreement: new Uint8Array(32), rights: ['publish'] },
        { slot: 4, agreement: people.phone.keys.agreement, rights: [] },
        { slot: 0, agreement: people.phone.keys.agreement, rights: ['rotate'] },
        { slot: 9, agreement: people.phone.keys.agreement, rights: ['rotate'] },
      ],
    })
    const names = new Map<unknown, string>(Object.entries(people).map(([name, { did }]) => [did, name]))
    expect(drafts.skipped.map(({ recipient: who }) => names.get(who) ?? who).sort()).toEqual([
      0,
      3,
      4,
      9,
      'ann',
      'bob',
      'carol',
      'dave',
      'phone',
    ])
    const outcome = await world.publish(drafts)
    expect(outcome).toMatchObject({ ann: 'opened', bob: 'not-for-us', carol: 'opened', dave: 'not-for-us' })
  })

  it('stops when the caller wants to, and tells how far it is', async () => {
    const { rings } = createKeyWorld()
    const steps: number[] = []
    await rotateEpoch(rings.ann, {
      recipients: [recipient('bob', [heartRate]), recipient('carol', [heartRate])],
      onProgress: ({ done, total }) => void steps.push(done / total),
    })
    expect(steps).toEqual([0, 0.5, 1])
    const signal = { aborted: true, addEventListener: () => undefined }
    await expect(rotateEpoch(rings.ann, { recipients: [recipient('bob', [heartRate])], signal })).rejects.toMatchObject(
      { code: 'ERR_ABORTED' },
    )
  })

  it('splits what does not fit one transaction into a rotation and extensions', async () => {
    // Recipients with the same keys: what counts here is their number.
    const doctors = Array.from({ length: 1_100 }, (_, index): Recipient => ({
      ...recipient('bob', [heartRate]),
      index: index + 10,
    }))
    const world = createKeyWorld({ labeler: createLabeler() })
    const { drafts, skipped } = await world.rotate({ recipients: doctors })
    expect(skipped).toEqual([])
    expect(drafts.map(({ mode, envelopes }) => [mode, envelopes.length])).toEqual([
      ['rotate', 1_024],
      ['extend', 76],
    ])
    expect(drafts[1]!.ownEnvelopes).toEqual([])
    const first = signDraft(drafts[0]!, { previous: null, nonce: 0 })
    const second = signDraft(drafts[1]!, { previous: first.id, nonce: 1 })
    expect(await world.rings.ann.apply(first)).toBe('opened')
    expect(await world.rings.ann.apply(second)).toBe('opened')
    expect(encodeTransaction(first).length).toBeLessThanOrEqual(256 * 1024)
  }, 20_000)

  it('splits by bytes where envelopes are long', async () => {
    const types = Array.from({ length: 120 }, (_, i) => `http://loinc.org|${i}` as const)
    const doctors = Array.from({ length: 40 }, (_, index): Recipient => ({
      ...recipient('bob', types),
      index: index + 10,
    }))
    const { drafts, skipped } = await createKeyWorld().rotate({ recipients: doctors })
    expect(skipped).toEqual([])
    expect(drafts.length).toBeGreaterThan(1)
    expectSendable(drafts)
    expect(drafts.flatMap(({ envelopes }) => envelopes)).toHaveLength(40)
  })

  it('counts own envelopes, however many names they carry', async () => {
    // 250 names take 9 KiB in each of nine own envelopes, beside which recipients have less room.
    const types = Array.from({ length: 250 }, (_, i) => `http://hospital.example/local|${i}` as const)
    const delegates = Array.from({ length: 8 }, (_, i) => ({
      slot: i + 1,
      agreement: people.phone.keys.agreement,
      rights: ['publish'] as const,
    }))
    const doctors = Array.from({ length: 400 }, (_, index): Recipient => ({
      ...recipient('bob', types.slice(0, 10)),
      index: index + 10,
    }))
    const { drafts, skipped } = await createKeyWorld().rotate({ dataTypes: types, delegates, recipients: doctors })
    expect(skipped).toEqual([])
    expectSendable(drafts)
    expect(drafts.flatMap(({ envelopes }) => envelopes)).toHaveLength(400)
    expect(drafts[0]!.ownEnvelopes).toHaveLength(9)
  }, 20_000)

  it.each([
    ['private', undefined],
    ['public', createLabeler()],
  ] as const)(
    'serves whoever reads everything, whatever the number and names of types: %s labels',
    async (_, labeler) => {
      const world = createKeyWorld(labeler === undefined ? {} : { labeler })
      const types = Array.from({ length: 1_030 }, (_name, i) => `urn:oid:2.16.840.1.113883.6.24|${i}` as const)
      await world.publish(await world.rotate({}))
      const phone = { slot: 1, agreement: people.phone.keys.agreement, rights: ['publish'] as const }
      const drafts = await world.rotate({
        dataTypes: types,
        delegates: [phone],
        recipients: [recipient('bob', 'all'), recipient('carol', [types[0]!, types[1_029]!]), recipient('dave', [])],
      })
      expect(drafts.skipped).toEqual([])
      expect(drafts.drafts.map(({ mode }) => mode)).toEqual(['rotate', ...drafts.drafts.slice(1).map(() => 'extend')])
      expectSendable(drafts.drafts, world.ledger[0]!.id)
      const { rings } = world
      const published = await world.publish(drafts)
      expect(published).toMatchObject({ ann: 'opened', phone: 'opened' })
      expect(rings.bob.complaints().concat(rings.carol.complaints())).toEqual([])
      const patient = people.ann.did
      const openable = (name: 'bob' | 'carol' | 'dave' | 'phone') =>
        rings[name]
          .epochs(patient)
          .at(-1)!
          .types.filter((type) => type.openable).length
      expect([openable('bob'), openable('carol'), openable('dave'), openable('phone')]).toEqual([1_030, 2, 0, 1_030])
      const label = rings.ann.label(types[1_029]!)
      expect(rings.phone.label(types[1_029]!)).toBe(label)
      if (labeler === undefined) expect(rings.bob.dataType({ patient, label })).toBe(types[1_029])
      // A restart of the owner's app gives back every name as well.
      const again = ringOf('ann', labeler === undefined ? {} : { labeler })
      for (const transaction of world.ledger) expect(await again.apply(transaction)).toBe('opened')
      expect(again.dataType({ patient, label })).toBe(types[1_029])
      await world.publish(await world.rotate({}))
      expect(rings.ann.epochs(patient).at(-1)!.types).toHaveLength(1_030)
    },
    20_000,
  )

  it('gives names of 1,024 bytes, one envelope after the other', async () => {
    const world = createKeyWorld()
    const types = Array.from({ length: 40 }, (_, i) => `urn:long|${`${i}`.padStart(1_015, 'x')}` as const)
    const drafts = await world.rotate({ dataTypes: types, recipients: [recipient('bob', 'all')] })
    expectSendable(drafts.drafts)
    await world.publish(drafts)
    expect(world.rings.bob.epochs(people.ann.did)[0]!.types.every(({ dataType }) => dataType !== undefined)).toBe(true)
  })

  it('makes new keys each time', async () => {
    const { rings } = createKeyWorld()
    const [first, second] = [
      await rotateEpoch(rings.ann, { dataTypes: [heartRate] }),
      await rotateEpoch(rings.ann, { dataTypes: [heartRate] }),
    ]
    expect(first.drafts[0]!.labels[0]!.commitment).not.toEqual(second.drafts[0]!.labels[0]!.commitment)
  })

  it('refuses a random source that gives zeros', async () => {
    const { rings } = createKeyWorld()
    await expect(rotateEpoch(rings.ann, {}, (byteCount) => new Uint8Array(byteCount))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_NO_RANDOM',
    })
  })
})

describe('the size of a tx_key (HC Table II: 1,188 bytes for five doctors)', () => {
  it('stays below with one type, public labels and one own envelope', async () => {
    const random = seededRandom('size')
    const [owner, ...doctors] = Array.from({ length: 6 }, () => generateIdentity({}, random))
    const ring = createKeyRing({ identity: owner!, chainId, directory: directoryOf(), labeler: createLabeler() })
    const recipients = doctors.map(({ keys }, index): Recipient => ({
      keys,
      index: 1_000_000 + index,
      dataTypes: [heartRate],
    }))
    const { drafts } = await rotateEpoch(ring, { recipients }, random)
    const transaction = signDraft({ ...drafts[0]! }, { previous: null, nonce: 0 })
    const bytes = encodeTransaction(transaction).length
    expect(bytes).toBeLessThanOrEqual(1_188)
    expect(bytes).toBeGreaterThan(1_000)
  })
})

describe('extendEpoch', () => {
  it('is not for a ring that holds no root', async () => {
    const world = createKeyWorld()
    await expect(world.extend({ dataTypes: [heartRate] })).rejects.toMatchObject({ code: 'ERR_KEYS_NOT_HELD' })
  })

  it('tells a new reader of everything what the types are called', async () => {
    const world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate, glucose] }))
    await world.publish(await world.extend({ recipients: [recipient('bob', 'all')] }))
    const types = world.rings.bob.epochs(people.ann.did)[0]!.types
    expect(types.map(({ dataType }) => dataType).sort()).toEqual([glucose, heartRate].sort())
  })

  it('adds a delegate to the running epoch', async () => {
    const world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate] }))
    expect(() => world.rings.phone.sealingKey(heartRate)).toThrow()
    const phone = { slot: 1, agreement: people.phone.keys.agreement, rights: ['publish'] as const }
    const outcome = await world.publish(await world.extend({ dataTypes: [heartRate], delegates: [phone] }))
    expect(outcome.phone).toBe('opened')
    expect(world.rings.phone.sealingKey(heartRate).epoch).toBe(1)
  })
})

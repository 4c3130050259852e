import { describe, expect, it } from 'vitest'

import { generateIdentity } from '../../src/identity/index.ts'
import { createKeyRing, rotateEpoch, type Recipient } from '../../src/keys/index.ts'
import type { Verified } from '../../src/primitives/bytes.ts'
import { ALL_TYPES_LABEL, createLabeler } from '../../src/primitives/label.ts'
import { encodeTransaction, type KeyTransaction } from '../../src/transactions/index.ts'
import { chainId, directoryOf, seededRandom } from '../support/parties.ts'
import { createKeyWorld, ecg, glucose, heartRate, people, recipient, signDraft } from '../support/key-world.ts'

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
      ],
      delegates: [{ slot: 3, agreement: new Uint8Array(32), rights: ['publish'] }],
    })
    const names = new Map<unknown, string>(Object.entries(people).map(([name, { did }]) => [did, name]))
    expect(drafts.skipped.map(({ recipient: who }) => names.get(who) ?? who).sort()).toEqual([
      3,
      'ann',
      'bob',
      'carol',
      'dave',
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
    let previous: Verified<KeyTransaction>['id'] | null = null
    for (const [nonce, draft] of drafts.entries()) {
      const transaction = signDraft(draft, { previous, nonce })
      expect(encodeTransaction(transaction).length).toBeLessThanOrEqual(256 * 1024)
      previous = transaction.id
    }
    expect(drafts.flatMap(({ envelopes }) => envelopes)).toHaveLength(40)
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

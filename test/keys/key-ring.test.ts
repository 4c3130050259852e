import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'

import { hashKeyRecord } from '../../src/identity/index.ts'
import { encodeContents, sealEnvelope } from '../../src/keys/envelope.ts'
import { rotateEpoch, type KeyRing } from '../../src/keys/index.ts'
import { toUtf8 } from '../../src/primitives/bytes.ts'
import { createLabeler, type Label } from '../../src/primitives/label.ts'
import {
  createMemoryBlockstore,
  openRecord,
  sealRecord,
  storeRecord,
  type OpeningKey,
  type SealingKey,
} from '../../src/storage/index.ts'
import type { Envelope } from '../../src/transactions/index.ts'
import {
  createKeyWorld,
  directory,
  ecg,
  glucose,
  heartRate,
  people,
  recipient,
  ringOf,
  signDraft,
  type KeyWorld,
} from '../support/key-world.ts'

const ann = people.ann.did
const notHeld: unknown = expect.objectContaining({ code: 'ERR_KEYS_NOT_HELD' })

/** Seals under one key and opens under another. */
async function opens(sealing: SealingKey, opening: OpeningKey): Promise<boolean> {
  const blocks = createMemoryBlockstore()
  const id = await storeRecord(await sealRecord(toUtf8('44 /min'), { key: sealing }), { blocks })
  return openRecord(id, { key: opening, blocks }).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'ERR_DECRYPTION_FAILED' })
      return false
    },
  )
}

describe.each([
  ['private', undefined],
  ['public', createLabeler()],
] as const)('with %s labels', (_kind, labeler) => {
  let world: KeyWorld
  let label: (dataType: typeof heartRate) => Label
  const open = (ring: KeyRing, dataType: typeof heartRate, epoch: number) =>
    ring.openingKey({ patient: ann, label: label(dataType), epoch })

  beforeEach(async () => {
    world = createKeyWorld(labeler === undefined ? {} : { labeler })
    label = (dataType) => world.rings.ann.label(dataType)
    await world.publish(await world.rotate({ dataTypes: [heartRate, glucose] }))
  })

  it('gives nobody anything in the first epoch but its owner', async () => {
    const { rings } = world
    expect(rings.ann.epochs(ann)).toMatchObject([{ epoch: 1, current: true, recipients: [] }])
    expect(() => open(rings.bob, heartRate, 1)).toThrow(notHeld)
    expect(await opens(rings.ann.sealingKey(heartRate), open(rings.ann, heartRate, 1))).toBe(true)
  })

  it('lets a doctor granted one type open that type and no other', async () => {
    const { rings } = world
    const outcome = await world.publish(await world.extend({ recipients: [recipient('bob', [heartRate])] }))
    expect(outcome).toMatchObject({ ann: 'opened', bob: 'opened', carol: 'not-for-us' })
    expect(await opens(rings.ann.sealingKey(heartRate), open(rings.bob, heartRate, 1))).toBe(true)
    expect(() => open(rings.bob, glucose, 1)).toThrow(notHeld)
    expect(() => open(rings.carol, heartRate, 1)).toThrow(notHeld)
    // The heart-rate key does not open what is sealed as glucose either.
    expect(await opens(rings.ann.sealingKey(glucose), open(rings.bob, heartRate, 1))).toBe(false)
  })

  it('gives nothing of epoch 2 to a doctor of epoch 1, and leaves him epoch 1', async () => {
    const { rings } = world
    await world.publish(
      await world.rotate({ recipients: [recipient('bob', [heartRate]), recipient('carol', [heartRate])] }),
    )
    await world.publish(await world.rotate({ recipients: [recipient('carol', [heartRate])] }))
    expect(() => open(rings.bob, heartRate, 3)).toThrow(notHeld)
    expect(await opens(rings.ann.sealingKey(heartRate), open(rings.bob, heartRate, 2))).toBe(false)
    expect(await opens(rings.ann.sealingKey(heartRate), open(rings.carol, heartRate, 3))).toBe(true)
    expect(open(rings.bob, heartRate, 2).epoch).toBe(2)
  })

  it('lets a doctor granted all types derive each of them, and no diagnosis key but his own', async () => {
    const { rings } = world
    await world.publish(
      await world.rotate({
        dataTypes: [heartRate, glucose, ecg],
        recipients: [recipient('bob', 'all'), recipient('carol', [ecg])],
      }),
    )
    for (const dataType of [heartRate, glucose, ecg]) {
      expect(await opens(rings.ann.sealingKey(dataType), open(rings.bob, dataType, 2))).toBe(true)
    }
    const of = { patient: ann, label: label(ecg), epoch: 2 }
    expect(() => rings.bob.diagnosisKey({ ...of, doctor: people.carol.did })).toThrow(notHeld)
    expect(await opens(rings.bob.writingKey(of), rings.bob.diagnosisKey({ ...of, doctor: people.bob.did }))).toBe(true)
    // A type added later follows from the same secret, once the epoch lists it.
    const later = 'http://loinc.org|8310-5'
    expect(() => open(rings.bob, later, 2)).toThrow(notHeld)
    await world.publish(await world.extend({ dataTypes: [later] }))
    expect(await opens(rings.ann.sealingKey(later), open(rings.bob, later, 2))).toBe(true)
    expect(() => open(rings.carol, later, 2)).toThrow(notHeld)
  })

  it('lets owner and writer open a diagnosis, and others when it is handed over', async () => {
    const { rings } = world
    await world.publish(
      await world.rotate({ recipients: [recipient('bob', [heartRate]), recipient('carol', [heartRate])] }),
    )
    const of = { patient: ann, label: label(heartRate), epoch: 2, doctor: people.bob.did }
    const writing = rings.bob.writingKey(of)
    expect(await opens(writing, rings.ann.diagnosisKey(of))).toBe(true)
    expect(await opens(writing, rings.bob.diagnosisKey(of))).toBe(true)
    expect(() => rings.carol.diagnosisKey(of)).toThrow(notHeld)
    expect(() => rings.phone.diagnosisKey(of)).toThrow(notHeld)
    await world.publish(
      await world.extend({ recipients: [recipient('carol', [heartRate], [{ epoch: 2, doctor: people.bob.did }])] }),
    )
    expect(await opens(writing, rings.carol.diagnosisKey(of))).toBe(true)
  })

  it('hands over an earlier epoch when the owner wants it', async () => {
    const { rings } = world
    const { drafts } = await world.rotate({
      recipients: [recipient('dave', [glucose], [{ epoch: 1, dataType: heartRate }])],
    })
    const old = rings.ann.sealingKey(heartRate)
    const blocks = createMemoryBlockstore()
    const id = await storeRecord(await sealRecord(toUtf8('44'), { key: old }), { blocks })
    await world.publish({ drafts, skipped: [] })
    expect(await openRecord(id, { key: open(rings.dave, heartRate, 1), blocks })).toEqual(toUtf8('44'))
    expect(() => open(rings.dave, glucose, 1)).toThrow(notHeld)
    expect(() => open(rings.dave, heartRate, 2)).toThrow(notHeld)
  })

  it('refuses to seal under an old key once a newer epoch is known', async () => {
    const old = world.rings.ann.sealingKey(heartRate)
    await world.publish(await world.rotate({}))
    await expect(sealRecord(toUtf8('44'), { key: old })).rejects.toMatchObject({
      code: 'ERR_KEYS_EPOCH_SUPERSEDED',
      details: { epoch: 1, epochCurrent: 2 },
    })
  })

  it('lets a delegate that publishes seal, and neither rotate nor write diagnoses', async () => {
    const { rings } = world
    const phone = { slot: 1, agreement: people.phone.keys.agreement, rights: ['publish'] as const }
    await world.publish(await world.rotate({ delegates: [phone], recipients: [recipient('bob', [heartRate])] }))
    expect(await opens(rings.phone.sealingKey(heartRate), open(rings.bob, heartRate, 2))).toBe(true)
    expect(() => rings.phone.sealingKey(ecg)).toThrow()
    const of = { patient: ann, label: label(heartRate), epoch: 2, doctor: people.bob.did }
    expect(() => rings.phone.diagnosisKey(of)).toThrow(notHeld)
    await expect(rotateEpoch(rings.phone, { account: people.ann.keys.agreement })).rejects.toThrow(notHeld)
  })

  it('lets a delegate that rotates make the next epoch, which the account can open', async () => {
    const { rings } = world
    const phone = { slot: 1, agreement: people.phone.keys.agreement, rights: ['rotate'] as const }
    await world.publish(await world.rotate({ delegates: [phone] }))
    const drafts = await rotateEpoch(rings.phone, { account: people.ann.keys.agreement, delegates: [phone] })
    const outcome = await world.publish(drafts, { signedBy: people.phone, delegate: 1 })
    expect(outcome).toMatchObject({ ann: 'opened', phone: 'opened' })
    expect(rings.ann.sealingKey(heartRate).epoch).toBe(3)
  })

  it('is restored by replaying the ledger', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('bob', [heartRate])] }))
    const again = ringOf('ann', labeler === undefined ? {} : { labeler })
    for (const transaction of world.ledger) expect(await again.apply(transaction)).toBe('opened')
    expect(await opens(again.sealingKey(heartRate), open(world.rings.bob, heartRate, 2))).toBe(true)
    expect(again.latest(ann)).toBe(world.ledger.at(-1)?.id)
  })

  it('takes tx_keys in their order only', async () => {
    const { drafts } = await world.rotate({})
    await world.publish({ drafts, skipped: [] })
    const rival = signDraft(drafts[0]!, { previous: world.ledger[0]!.id, nonce: 9 })
    expect(await world.rings.ann.apply(rival)).toBe('out-of-order')
    expect(await world.rings.ann.apply(world.ledger[0]!)).toBe('out-of-order')
    expect(world.rings.ann.latest(ann)).toBe(world.ledger[1]!.id)
  })

  it('holds nothing after dispose', () => {
    world.rings.ann.dispose()
    expect(world.rings.ann.epochs(ann)).toEqual([])
    expect(() => world.rings.ann.sealingKey(heartRate)).toThrow()
  })

  it('prints without a secret', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('bob', 'all')] }))
    const text = inspect(world.rings, { depth: 20, showHidden: true }) + JSON.stringify(world.rings)
    // The only long run of digits in it is the chain id; secrets would show as byte lists or under their names.
    expect(text.replaceAll(world.rings.ann.chainId, '')).not.toMatch(/[0-9a-f]{64}|Uint8Array|root|secret/i)
  })
})

describe('envelopes that are not what they should be', () => {
  let world: KeyWorld
  beforeEach(async () => {
    world = createKeyWorld()
    await world.publish(await world.rotate({ dataTypes: [heartRate, glucose] }))
  })

  it.each([
    ['another ciphertext', (envelope) => ({ ...envelope, ciphertext: envelope.ciphertext.map((byte) => byte ^ 1) })],
    ['another encapsulated key', (envelope) => ({ ...envelope, enc: people.carol.keys.agreement })],
    ['another commitment', (envelope) => ({ ...envelope, commitment: new Uint8Array(32).fill(7) as never })],
    [
      'another recipient’s envelope',
      (envelope) => ({ ...envelope, index: directory.indexOf(people.carol.did) as number }),
    ],
  ] as [string, (envelope: Envelope) => Envelope][])(
    '%s: one outcome and a complaint, and nothing is held',
    async (_case, change) => {
      const { drafts } = await world.rotate({ recipients: [recipient('bob', [heartRate])] })
      const [draft] = drafts
      const envelopes = draft!.envelopes.map(change)
      const victim = envelopes[0]!.index === directory.indexOf(people.carol.did) ? 'carol' : 'bob'
      const outcome = await world.publish({ drafts: [{ ...draft!, envelopes }], skipped: [] })
      expect(outcome[victim]).toBe('commitment-mismatch')
      expect(world.rings[victim].complaints()).toMatchObject([
        { patient: ann, epoch: 2, because: 'does-not-open', transaction: world.ledger[1]!.id },
      ])
      expect(() =>
        world.rings[victim].openingKey({ patient: ann, label: world.rings.ann.label(heartRate), epoch: 2 }),
      ).toThrow(notHeld)
    },
  )

  it('a key that is not the committed one is complained of', async () => {
    // The same draft with other commitments to its type keys would also change the info; so the owner lies about the key inside.
    const { drafts } = await world.rotate({ recipients: [recipient('bob', [heartRate])] })
    const draft = drafts[0]!
    const [honest] = draft.envelopes
    const plaintext = encodeContents({
      typeKeys: [
        {
          position: draft.labels.findIndex(({ label }) => label === world.rings.ann.label(heartRate)),
          key: new Uint8Array(32).fill(1),
          name: heartRate,
        },
      ],
      diagnosisKey: new Uint8Array(32).fill(2),
      handedKeys: [],
    })
    const envelope = sealEnvelope(
      {
        context: { chainId: world.rings.ann.chainId, patient: ann, epoch: 2, mode: 'rotate', labels: draft.labels },
        to: { did: people.bob.did, keyRecord: hashKeyRecord(people.bob.keys) },
        agreement: people.bob.keys.agreement,
        plaintext,
        outer: honest!,
      },
      (byteCount) => new Uint8Array(byteCount).fill(9),
    )
    const outcome = await world.publish({ drafts: [{ ...draft, envelopes: [envelope] }], skipped: [] })
    expect(outcome.bob).toBe('commitment-mismatch')
    expect(world.rings.bob.complaints()).toMatchObject([{ because: 'other-key-than-committed' }])
    expect(() =>
      world.rings.bob.openingKey({ patient: ann, label: world.rings.ann.label(heartRate), epoch: 2 }),
    ).toThrow(notHeld)
  })

  it('a commitment that changes within an epoch is complained of by everyone', async () => {
    const { drafts } = await world.extend({ dataTypes: [heartRate] })
    const labels = drafts[0]!.labels.map((entry) => ({ ...entry, commitment: new Uint8Array(32).fill(3) as never }))
    const outcome = await world.publish({ drafts: [{ ...drafts[0]!, labels }], skipped: [] })
    expect(outcome).toMatchObject({ ann: 'commitment-mismatch', bob: 'commitment-mismatch' })
    expect(world.rings.ann.complaints()).toMatchObject([{ because: 'commitment-repeated-differently' }])
    expect(world.rings.ann.sealingKey(heartRate).epoch).toBe(1)
  })

  it('an own envelope of the wrong secret is complained of', async () => {
    const [first, second] = [await world.rotate({}), await world.rotate({})]
    const mixed = { ...first.drafts[0]!, ownEnvelopes: second.drafts[0]!.ownEnvelopes }
    const outcome = await world.publish({ drafts: [mixed], skipped: [] })
    expect(outcome.ann).toBe('commitment-mismatch')
  })
})

import { beforeEach, describe, expect, it } from 'vitest'

import { hashKeyRecord } from '../../src/identity/index.ts'
import { encodeContents, encodeOwnContents, sealEnvelope, sealOwnEnvelope } from '../../src/keys/envelope.ts'
import { commitDiagnosisKey, commitTypeKey } from '../../src/keys/epoch-secrets.ts'
import { createKeyRing, rotateEpoch, type Directory, type KeyDraft } from '../../src/keys/index.ts'
import { stateOf } from '../../src/keys/key-ring.ts'
import { randomBytes } from '../../src/primitives/random.ts'
import { ALL_TYPES_LABEL, createLabeler } from '../../src/primitives/label.ts'
import { sealRecord } from '../../src/storage/index.ts'
import type { Envelope } from '../../src/transactions/index.ts'
import { chainId } from '../support/parties.ts'
import {
  createKeyWorld,
  directory,
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
const phone = { slot: 1, agreement: people.phone.keys.agreement, rights: ['rotate'] as const }
const byPhone = { signedBy: people.phone, delegate: 1 }
const key = (byte: number) => new Uint8Array(32).fill(byte)
const only = (draft: KeyDraft) => ({ drafts: [draft], skipped: [] })

/** An own envelope whose contents the maker chose freely. */
function forgeOwn(draft: KeyDraft, slot: number, contents: Parameters<typeof encodeOwnContents>[0]) {
  const { mode, epoch, labels } = draft
  const agreement = slot === 0 ? people.ann.keys.agreement : people.phone.keys.agreement
  const context = { chainId, patient: ann, epoch, mode, labels }
  return sealOwnEnvelope({ context, slot, agreement, plaintext: encodeOwnContents(contents) }, randomBytes)
}

/** An envelope for Bob whose contents the maker chose freely. */
function forge(draft: KeyDraft, contents: Parameters<typeof encodeContents>[0], outer: Partial<Envelope> = {}) {
  const { mode, epoch, labels } = draft
  const of = { chainId, patient: ann, epoch }
  const commitment = commitDiagnosisKey(contents.diagnosisKey, { ...of, doctor: people.bob.did })
  return sealEnvelope(
    {
      context: { ...of, mode, labels },
      to: { did: people.bob.did, keyRecord: hashKeyRecord(people.bob.keys) },
      agreement: people.bob.keys.agreement,
      plaintext: encodeContents(contents),
      outer: { index: directory.indexOf(people.bob.did) as number, commitment, handed: [], ...outer },
    },
    randomBytes,
  )
}

let world: KeyWorld
beforeEach(async () => {
  world = createKeyWorld()
  await world.publish(await world.rotate({ dataTypes: [heartRate, glucose], delegates: [phone] }))
})

describe('a hostile delegate with the right to rotate', () => {
  async function draftOfPhone(options: object = {}): Promise<KeyDraft> {
    const account = people.ann.keys.agreement
    return (await rotateEpoch(world.rings.phone, { account, delegates: [phone], ...options })).drafts[0]!
  }

  it('cannot keep the owner from rotating by an envelope of junk', async () => {
    const draft = await draftOfPhone()
    const [own, ...rest] = draft.ownEnvelopes
    const junk = { ...own!, ciphertext: own!.ciphertext.map((byte) => byte ^ 1) }
    const outcome = await world.publish(only({ ...draft, ownEnvelopes: [junk, ...rest] }), byPhone)
    expect(outcome.ann).toBe('commitment-mismatch')
    expect(() => world.rings.ann.sealingKey(heartRate)).toThrow(notHeld)

    const rescue = await world.rotate({ recipients: [recipient('bob', [heartRate])] })
    expect(await world.publish(rescue)).toMatchObject({ ann: 'opened', bob: 'opened', phone: 'not-for-us' })
    expect(world.rings.ann.sealingKey(heartRate).epoch).toBe(3)
    expect(() => world.rings.phone.sealingKey(heartRate)).toThrow(notHeld)
  })

  it('cannot open an epoch without an envelope of the account', async () => {
    const draft = await draftOfPhone()
    expect(() =>
      signDraft({ ...draft, ownEnvelopes: draft.ownEnvelopes.slice(1) }, { previous: world.ledger[0]!.id, nonce: 1 }),
    ).toThrow(expect.objectContaining({ path: 'transaction.ownEnvelopes' }))
  })

  it('cannot call one type by the name of another and so widen what the owner grants later', async () => {
    const { rings } = world
    const draft = await draftOfPhone()
    const swapped = draft.labels.map((_, position) => ({
      position,
      name: rings.ann.label(heartRate) === draft.labels[position]!.label ? glucose : heartRate,
    }))
    await world.publish(only(draft), byPhone)
    const root = stateOf(rings.phone).patients.get(ann)!.epochs.get(2)!.root!
    const lie: KeyDraft = {
      ...draft,
      mode: 'extend',
      ownEnvelopes: [
        forgeOwn({ ...draft, mode: 'extend' }, 0, { level: 'root', secret: root, names: swapped }),
        forgeOwn({ ...draft, mode: 'extend' }, 1, { level: 'root', secret: root, names: swapped }),
      ],
    }
    const label = rings.ann.label(glucose)
    const outcome = await world.publish(only(lie), byPhone)
    expect(outcome).toMatchObject({ ann: 'opened', phone: 'opened' })
    // Asked before anything else: computing a label notes its name again.
    expect(rings.ann.dataType({ patient: ann, label })).toBe(glucose)

    await world.publish(await world.rotate({ recipients: [recipient('bob', [heartRate])] }))
    expect(rings.bob.openingKey({ patient: ann, label: rings.ann.label(heartRate), epoch: 3 }).epoch).toBe(3)
    expect(() => rings.bob.openingKey({ patient: ann, label, epoch: 3 })).toThrow(notHeld)
  })

  it('cannot give the owner a second root of the same epoch', async () => {
    const bare = createKeyWorld()
    await bare.publish(await bare.rotate({ delegates: [phone] }))
    const draft: KeyDraft = {
      kind: 'key',
      mode: 'extend',
      epoch: 1,
      labels: [],
      envelopes: [],
      ownEnvelopes: [],
      escrow: null,
    }
    const other = forgeOwn(draft, 0, { level: 'root', secret: key(5), names: [] })
    const outcome = await bare.publish(only({ ...draft, ownEnvelopes: [other] }), byPhone)
    expect(outcome.ann).toBe('commitment-mismatch')
    expect(stateOf(bare.rings.ann).patients.get(ann)!.epochs.get(1)!.root).not.toEqual(key(5))
  })

  it('cannot make the owner write or open under a diagnosis key that is not the committed one', async () => {
    const { rings } = world
    const draft = await draftOfPhone()
    const contents = { typeKeys: [], diagnosisKey: key(7), handedKeys: [] }
    const outcome = await world.publish(only({ ...draft, envelopes: [forge(draft, contents)] }), byPhone)
    expect(outcome).toMatchObject({ ann: 'opened', bob: 'opened' })
    const of = { patient: ann, doctor: people.bob.did, label: rings.ann.label(heartRate), epoch: 2 }
    expect(rings.bob.diagnosisKey(of).epoch).toBe(2)
    // Ann derives another key than the one that Bob was given; hers is not the committed one and opens nothing.
    expect(() => rings.ann.diagnosisKey(of)).toThrow(notHeld)
  })
})

describe('a hostile owner', () => {
  it('cannot give the key of all types under which not all types stand', async () => {
    const { drafts } = await world.rotate({})
    const of = { chainId, patient: ann, epoch: 2 }
    const commitment = commitTypeKey(key(8), { ...of, label: ALL_TYPES_LABEL })
    const draft = { ...drafts[0]!, labels: [{ label: ALL_TYPES_LABEL, commitment }, ...drafts[0]!.labels] }
    const contents = {
      typeKeys: [{ position: 0, key: key(8), name: null }],
      diagnosisKey: key(9),
      handedKeys: [],
    }
    const outcome = await world.publish(only({ ...draft, envelopes: [forge(draft, contents)] }))
    expect(outcome.bob).toBe('commitment-mismatch')
    expect(world.rings.bob.complaints()).toMatchObject([{ because: 'other-key-than-committed' }])
    const label = world.rings.ann.label(heartRate)
    expect(() => world.rings.bob.openingKey({ patient: ann, label, epoch: 2 })).toThrow(notHeld)
  })

  it.each([
    ['a position beyond the list', { typeKeys: [{ position: 1_000, key: key(1), name: null }] }],
    ['a handed key that the outside does not list', { handedKeys: [key(1)] }],
  ])('is complained of for %s', async (_case, change) => {
    const draft = (await world.rotate({})).drafts[0]!
    const contents = { typeKeys: [], diagnosisKey: key(9), handedKeys: [], ...change }
    const outcome = await world.publish(only({ ...draft, envelopes: [forge(draft, contents)] }))
    expect(outcome.bob).toBe('commitment-mismatch')
    expect(world.rings.bob.complaints()).toMatchObject([{ because: 'does-not-open' }])
  })

  it('is complained of for a handed key that nobody committed to', async () => {
    const draft = (await world.rotate({})).drafts[0]!
    const label = createLabeler().label('http://loinc.org|unheard-of')
    const contents = { typeKeys: [], diagnosisKey: key(9), handedKeys: [key(1)] }
    const envelope = forge(draft, contents, { handed: [{ epoch: 1, label }] })
    const outcome = await world.publish(only({ ...draft, envelopes: [envelope] }))
    expect(outcome.bob).toBe('commitment-mismatch')
  })

  it('cannot pass an envelope off as one of another mode, epoch or owner', async () => {
    const draft = (await world.rotate({ recipients: [recipient('bob', [heartRate])] })).drafts[0]!
    await world.publish(only(draft))
    const extension = (await world.extend({ dataTypes: [heartRate] })).drafts[0]!
    const replayed = { ...extension, envelopes: draft.envelopes }
    expect(await world.publish(only(replayed))).toMatchObject({ bob: 'commitment-mismatch' })
    const next = (await world.rotate({})).drafts[0]!
    expect(await world.publish(only({ ...next, envelopes: draft.envelopes }))).toMatchObject({
      bob: 'commitment-mismatch',
    })
    expect(world.rings.bob.complaints().map(({ because }) => because)).toEqual(['does-not-open', 'does-not-open'])
  })
})

describe('a ring that starts in the middle', () => {
  it('takes what follows, and accuses nobody of keys from before', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('bob', [heartRate])] }))
    const handed = [
      { epoch: 1, dataType: glucose },
      { epoch: 2, doctor: people.bob.did },
    ]
    await world.publish(await world.extend({ recipients: [recipient('carol', [heartRate], handed)] }))
    const late = ringOf('carol')
    expect(await late.apply(world.ledger.at(-1)!)).toBe('opened')
    expect(late.complaints()).toEqual([])
    const label = world.rings.ann.label(glucose)
    expect(() => late.openingKey({ patient: ann, label, epoch: 1 })).toThrow(notHeld)
    // From the beginning, the same transactions give the key.
    expect(world.rings.carol.openingKey({ patient: ann, label, epoch: 1 }).epoch).toBe(1)
    expect(await late.apply(world.ledger[0]!)).toBe('out-of-order')
    await world.publish(await world.rotate({ recipients: [recipient('carol', [heartRate])] }))
    expect(await late.apply(world.ledger.at(-1)!)).toBe('opened')
  })

  it('takes a tx_key again when a port threw the first time', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('bob', [heartRate])] }))
    let isDown = true
    const flaky: Directory = {
      ...directory,
      indexOf(did) {
        if (isDown) throw new Error('the ledger client is offline')
        return directory.indexOf(did)
      },
    }
    const ring = createKeyRing({ identity: people.bob, chainId, directory: flaky })
    await expect(ring.apply(world.ledger[1]!)).rejects.toThrow('offline')
    expect(ring.epochs(ann)).toEqual([])
    isDown = false
    expect(await ring.apply(world.ledger[1]!)).toBe('opened')
  })
})

describe('dispose', () => {
  it('overwrites every secret, refuses to seal, and takes nothing more', async () => {
    await world.publish(await world.rotate({ recipients: [recipient('bob', 'all')], delegates: [phone] }))
    await world.publish(await world.extend({ dataTypes: [heartRate], delegates: [phone] }))
    for (const name of ['ann', 'bob', 'phone'] as const) {
      const ring = world.rings[name]
      ring.epochs(ann) // derives and keeps every type key that it can
      const sealing = name === 'bob' ? undefined : ring.sealingKey(heartRate)
      const held = [...stateOf(ring).patients.values()].flatMap(({ epochs }) =>
        [...epochs.values()].flatMap((epoch) => [
          ...(epoch.root === undefined ? [] : [epoch.root]),
          ...(epoch.typesSecret === undefined ? [] : [epoch.typesSecret]),
          ...epoch.typeKeys.values(),
          ...epoch.diagnosisKeys.values(),
        ]),
      )
      expect(held.length).toBeGreaterThan(1)
      expect(held.every((secret) => secret.some((byte) => byte !== 0))).toBe(true)
      ring.dispose()
      expect(held.every((secret) => secret.every((byte) => byte === 0))).toBe(true)
      if (sealing !== undefined) {
        await expect(sealRecord(key(1), { key: sealing })).rejects.toMatchObject({ code: 'ERR_KEYS_EPOCH_SUPERSEDED' })
      }
      await expect(ring.apply(world.ledger[0]!)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
      await expect(rotateEpoch(ring)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
    }
  })
})

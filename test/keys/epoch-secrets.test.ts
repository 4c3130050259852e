import { describe, expect, it } from 'vitest'

import { hashKeyRecord } from '../../src/identity/index.ts'
import {
  encodeContents,
  encodeOwnContents,
  openEnvelope,
  openOwnEnvelope,
  sealEnvelope,
  sealOwnEnvelope,
} from '../../src/keys/envelope.ts'
import {
  commitDiagnosisKey,
  commitTypeKey,
  deriveDiagnosisKey,
  deriveDiagnosisSecret,
  deriveTypeKey,
  deriveTypesSecret,
} from '../../src/keys/epoch-secrets.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { ALL_TYPES_LABEL, createLabeler } from '../../src/primitives/label.ts'
import { chainId, otherChainId, party } from '../support/parties.ts'
import { heartRate } from '../support/key-world.ts'

const [ann, bob, carol] = [party('ann'), party('bob'), party('carol')]
const label = createLabeler().label(heartRate)
const root = Uint8Array.from({ length: 32 }, (_, i) => i)
const name = { chainId, patient: ann.did, epoch: 2 }
const typesSecret = deriveTypesSecret(root)
const diagnosisSecret = deriveDiagnosisSecret(root)
const typeKey = deriveTypeKey(typesSecret, label)
const diagnosisKey = deriveDiagnosisKey(diagnosisSecret, { doctor: bob.did, epoch: 2 })

describe('keys of an epoch', () => {
  it('are pinned: whoever changes one of them loses every record sealed before', () => {
    const pinned = {
      typesSecret,
      diagnosisSecret,
      typeKey,
      diagnosisKey,
      typeCommitment: commitTypeKey(typeKey, { ...name, label }),
      diagnosisCommitment: commitDiagnosisKey(diagnosisKey, { ...name, doctor: bob.did }),
    }
    expect(Object.fromEntries(Object.entries(pinned).map(([key, bytes]) => [key, toHex(bytes)])))
      .toMatchInlineSnapshot(`
      {
        "diagnosisCommitment": "c459221fa81a2875a533bfb1eca51436acd887b43623bf81e08786b91ffe722d",
        "diagnosisKey": "3c49abc1677acf472808918e8bba2d4047115d2aa567c65e4aa685e591316317",
        "diagnosisSecret": "b591d58cf95d67a9f918f83905c56512d6c1649f91f4e6cd3ff5aef85a4b5036",
        "typeCommitment": "f5ba280b41c18935ab32c3d9bbb9128581523730aaf5cf73cd951c0736db9428",
        "typeKey": "89340e060715831cc4fc3ff7eb3157491703d90f09bbc460599612531b3666e5",
        "typesSecret": "9c66b68f1e06f540abd18ad575f3d2bc534e9b25b96a2690dd8b1acfa9739372",
      }
    `)
  })

  it('differ by everything that they are named by', () => {
    const keys = [
      root,
      typesSecret,
      diagnosisSecret,
      typeKey,
      diagnosisKey,
      deriveDiagnosisKey(diagnosisSecret, { doctor: carol.did, epoch: 2 }),
      deriveDiagnosisKey(diagnosisSecret, { doctor: bob.did, epoch: 3 }),
      commitTypeKey(typeKey, { ...name, label }),
      commitTypeKey(typeKey, { ...name, label: ALL_TYPES_LABEL }),
      commitTypeKey(typeKey, { ...name, label, epoch: 3 }),
      commitTypeKey(typeKey, { ...name, label, patient: bob.did }),
      commitTypeKey(typeKey, { ...name, label, chainId: otherChainId }),
      commitDiagnosisKey(typeKey, { ...name, doctor: bob.did }),
    ].map(toHex)
    expect(new Set(keys).size).toBe(keys.length)
    expect(deriveTypeKey(typesSecret, ALL_TYPES_LABEL)).toEqual(typesSecret)
  })
})

describe('envelopes', () => {
  const context = {
    ...name,
    mode: 'rotate',
    labels: [{ label, commitment: commitTypeKey(typeKey, { ...name, label }) }],
  } as const
  const to = { did: bob.did, keyRecord: hashKeyRecord(bob.keys) }
  const fixed = (byteCount: number) => new Uint8Array(byteCount).fill(7)
  const contents = { typeKeys: [{ position: 0, key: typeKey, name: heartRate }], diagnosisKey, handedKeys: [] }
  const outer = { index: 1, commitment: commitDiagnosisKey(diagnosisKey, { ...name, doctor: bob.did }), handed: [] }
  const seal = () =>
    sealEnvelope({ context, to, agreement: bob.agreement.publicKey, plaintext: encodeContents(contents), outer }, fixed)
  const ownContents = { level: 'root', secret: root, names: [{ position: 0, name: heartRate }] } as const
  const sealOwn = () =>
    sealOwnEnvelope(
      { context, slot: 0, agreement: ann.agreement.publicKey, plaintext: encodeOwnContents(ownContents) },
      fixed,
    )

  it('are pinned, and so is all that they are bound to', () => {
    expect([toHex(seal().ciphertext), toHex(sealOwn().ciphertext)]).toMatchInlineSnapshot(`
      [
        "ccf63003d6bdb4362715820543d39e2219759d3b26a91efbf9d061190cf4e94be5fc0470e04d3881425f2c2f410e2a744ef5934f44d3fdbd94d3aadd1f01ae9b3c0c28be544692960c2717494943fa5c8c864e8a302bf608ea57af48779b614fc2367883e8024268e7097091ee3e73a59c",
        "348131eb1234ea38514e03b670d0bdf2082a4f041e6d1549668ae2f11fcbb54a0c229224e5a05fa0f4e7313e77e90632add33a8620a4fa8ddff3bb05e1774e0cd7dabe49035d623b33b294473053d5",
      ]
    `)
  })

  it('open in their place', () => {
    expect(openEnvelope(seal(), { context, to, agreement: bob.agreement })).toEqual(contents)
    expect(openOwnEnvelope(sealOwn(), { context, agreement: ann.agreement })).toEqual(ownContents)
  })

  const others = {
    'another chain': { chainId: otherChainId },
    'another patient': { patient: carol.did },
    'another epoch': { epoch: 3 },
    'another mode': { mode: 'extend' as const },
    'another list of commitments': { labels: [] },
    'another commitment': { labels: [{ label, commitment: outer.commitment }] },
    'another label': { labels: [{ label: ALL_TYPES_LABEL, commitment: context.labels[0].commitment }] },
  }
  it.each(Object.entries(others))('do not open for %s', (_case, change) => {
    const changed = { ...context, ...change }
    expect(openEnvelope(seal(), { context: changed, to, agreement: bob.agreement })).toBeUndefined()
    expect(openOwnEnvelope(sealOwn(), { context: changed, agreement: ann.agreement })).toBeUndefined()
  })

  it('do not open for another recipient, another key record, another outside, another use or another slot', () => {
    const sealed = seal()
    const open = (envelope: typeof sealed, addressee = to, agreement = bob.agreement) =>
      openEnvelope(envelope, { context, to: addressee, agreement })
    expect(open(sealed, to, carol.agreement)).toBeUndefined()
    expect(open(sealed, { ...to, did: carol.did })).toBeUndefined()
    expect(open(sealed, { ...to, keyRecord: hashKeyRecord(carol.keys) })).toBeUndefined()
    expect(open({ ...sealed, commitment: context.labels[0].commitment })).toBeUndefined()
    expect(open({ ...sealed, handed: [{ epoch: 1, label }] })).toBeUndefined()
    expect(open({ ...sealed, enc: carol.agreement.publicKey })).toBeUndefined()
    expect(
      open({ ...sealOwn(), index: 1, commitment: outer.commitment, handed: [] }, to, ann.agreement),
    ).toBeUndefined()
    expect(openOwnEnvelope({ ...sealOwn(), delegate: 1 }, { context, agreement: ann.agreement })).toBeUndefined()
    expect(openOwnEnvelope({ delegate: 0, ...sealed }, { context, agreement: bob.agreement })).toBeUndefined()
  })

  it('do not open with any byte changed or missing', () => {
    const sealed = seal()
    const { ciphertext } = sealed
    const options = { context, to, agreement: bob.agreement }
    for (let at = 0; at < ciphertext.length; at += 7) {
      const flipped = Uint8Array.from(ciphertext)
      flipped[at] = (flipped[at] as number) ^ 1
      expect(openEnvelope({ ...sealed, ciphertext: flipped }, options)).toBeUndefined()
    }
    for (const length of [0, 15, 16, ciphertext.length - 1]) {
      expect(openEnvelope({ ...sealed, ciphertext: ciphertext.subarray(0, length) }, options)).toBeUndefined()
    }
  })
})

import { describe, expect, it } from 'vitest'

import {
  encapsulate,
  openShown,
  parsePreObject,
  reEncrypt,
  showOpening,
  verifyCapsule,
  verifyReEncryptionKey,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
} from '../../src/pre/index.ts'
import { unwrap } from '../../src/errors.ts'
import { ephemeralOf, assembleReKey, signedFields, termsOf } from '../../src/pre/re-key.ts'
import { conditionPoint } from '../../src/pre/transcript.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { G1Element, GtElement } from '../../src/primitives/pairing-groups.ts'
import { PRE_TAGS } from '../../src/primitives/tags.ts'
import { craftConverted, groups } from './crafting.ts'
import { delegateTo, END_MS, flipBit, institution, july, keysOf, NOW_MS, sealFor, signerOf } from './world.ts'

const mallory = { keys: keysOf('mallory', 'delegator'), signer: signerOf('mallory') }
const alice = sealFor()
const converted = reEncrypt(alice.capsule, delegateTo())

/** A re-key of Mallory's with an E of her choice; X and rk belong together, and to no y. */
function forge(ephemeral: G1Element): ReEncryptionKey {
  const terms = termsOf({
    ...converted,
    delegator: mallory.keys.publicKey,
    delegatorAccount: mallory.signer.did,
    condition: july,
    expiresAtMs: END_MS,
    ephemeral: groups.encodeG1(ephemeral),
  })
  const x = 7n as BlsScalar
  const commitment = groups.encodeG1(groups.multiplyBaseG1(x))
  const point = conditionPoint(groups, mallory.keys.publicKey, july)
  return assembleReKey({
    ...terms,
    commitment,
    element: groups.encodeG2(groups.multiplyG2(point, x)),
    signature: mallory.signer.sign(PRE_TAGS.preReKey, signedFields(terms, commitment)),
  })
}

/** What a proxy that looks away makes with it. */
function convertWith(reKey: ReEncryptionKey): ReEncryptedCapsule {
  const { capsule } = encapsulate({ to: mallory.keys.publicKey, condition: july })
  if (!verifyCapsule(capsule)) throw new Error('the capsule does not hold')
  return craftConverted(capsule, reKey, groups.parseGt(converted.element) as GtElement)
}

describe('an owner who takes the ephemeral point of another', () => {
  const point = groups.parseG1(converted.ephemeral) as G1Element

  it.each([
    ['as it is', point],
    ['times five, so that it looks fresh', groups.multiplyG1(point, 5n as BlsScalar)],
  ] as const)('%s finds no proxy, and is shown nothing that would open what is the other’s', (_, taken) => {
    const reKey = forge(taken)
    expect(verifyReEncryptionKey(reKey, { signer: mallory.signer.did, nowMs: NOW_MS })).toBe(false)
    const made = convertWith(reKey)
    expect(showOpening(made, institution)).toBeUndefined()
    expect(openShown(made, undefined)).toEqual({ kind: 'does-not-open' })
  })

  it('cannot do so with an honest proof for other terms, nor with one bit of it turned', () => {
    expect(ephemeralOf(groups, converted)).toBeDefined()
    expect(ephemeralOf(groups, { ...termsOf(converted), expiresAtMs: END_MS + 1 })).toBeUndefined()
    for (const bit of [0, 1, 8, 255, 256, 300, 511]) {
      const ephemeralProof = flipBit(converted.ephemeralProof, bit) as typeof converted.ephemeralProof
      expect(ephemeralOf(groups, { ...termsOf(converted), ephemeralProof })).toBeUndefined()
    }
  })
})

it('an honest re-key is shown, and opens', () => {
  const received = unwrap(parsePreObject('re-encrypted-capsule', converted.bytes))
  const opened = openShown(received, showOpening(received, institution))
  expect(opened.kind === 'opens' && toHex(opened.key)).toBe(toHex(alice.key))
})

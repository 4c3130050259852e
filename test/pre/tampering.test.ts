import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import {
  combineFragments,
  decapsulate,
  encapsulate,
  findFaultyFragments,
  parsePreObject,
  proveCapsuleFragment,
  reEncrypt,
  reEncryptFragment,
  splitReEncryptionKey,
  verifyCapsule,
  verifyCapsuleFragment,
  verifyReEncryptionKey,
  verifyReKeyFragment,
  type Capsule,
  type CapsuleFragment,
  type Condition,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
  type ReKeyFragment,
} from '../../src/pre/index.ts'
import { conditionField, encodeCondition } from '../../src/pre/condition.ts'
import { toHex, type Verified } from '../../src/primitives/bytes.ts'
import { encodeCbor } from '../../src/primitives/codec.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { convertFor, delegateTo, END_MS, flipBit, institution, july, june, NOW_MS, owner, sealFor } from './world.ts'

const options = { signer: owner.signer.did, nowMs: NOW_MS }
const { signer } = options
const terms = { ...owner, to: { publicKey: institution.publicKey }, condition: june, expiresAtMs: END_MS }

function split(threshold = 2, total = 3): readonly Verified<ReKeyFragment>[] {
  return splitReEncryptionKey({ ...terms, threshold, total }).map((fragment) => {
    if (!verifyReKeyFragment(fragment, options)) throw new Error('the fragment does not hold')
    return fragment
  })
}

/** Turns a bit of bytes that somebody else holds too. */
function turn(bytes: Uint8Array): void {
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
}

describe('what was checked', () => {
  it('is what is converted, whatever becomes of the objects', () => {
    const { capsule, key } = sealFor()
    const reKey = delegateTo()
    for (const bytes of [capsule.core, capsule.delegator, reKey.element, reKey.delegatee, reKey.ephemeral]) turn(bytes)
    expect(toHex(decapsulate(reEncrypt(capsule, reKey), institution))).toBe(toHex(key))
  })

  it('is asked again: what was changed does not hold any more', () => {
    const { capsule } = sealFor()
    turn(capsule.core)
    expect(verifyCapsule(capsule)).toBe(false)
    turn(capsule.core)
    expect(codeOf(() => reEncrypt(capsule, delegateTo()))).toBe('ERR_ARGUMENT_INVALID')
    expect(verifyCapsule(capsule)).toBe(true)
    const reKey = delegateTo()
    expect(verifyReEncryptionKey(reKey, { ...options, nowMs: END_MS })).toBe(false)
    expect(codeOf(() => reEncrypt(sealFor().capsule, reKey))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('is the object, not what a hand puts into it later', () => {
    const made = delegateTo()
    const reKey = { ...made, element: made.element, bytes: made.bytes } as {
      -readonly [N in keyof ReEncryptionKey]: ReEncryptionKey[N]
    }
    expect(verifyReEncryptionKey(reKey, options)).toBe(true)
    reKey.expiresAtMs = 2 * END_MS
    reKey.condition = july
    const verified = reKey as ReEncryptionKey as Verified<ReEncryptionKey>
    expect(codeOf(() => reEncrypt(sealFor(july).capsule, verified))).toBe('ERR_PRE_CONDITION_MISMATCH')
    expect(codeOf(() => reEncrypt(sealFor().capsule, verified, { nowMs: END_MS }))).toBe('ERR_PRE_EXPIRED')
  })

  it('is what a property says once', () => {
    const [one, two] = [sealFor().capsule, sealFor(july).capsule]
    let reads = 0
    const twofold = { ...one } as Capsule
    Object.defineProperty(twofold, 'core', { get: () => (reads++ === 0 ? one.core : two.core) })
    expect(verifyCapsule(twofold)).toBe(true)
    const converted = reEncrypt(twofold as Verified<Capsule>, delegateTo())
    expect(converted.capsule.bytes).toEqual(one.bytes)
  })

  it('has an id and an encoding of its own', () => {
    const [one, two] = [delegateTo(), delegateTo()]
    const whole = { ...one, element: one.element, bytes: one.bytes }
    expect(verifyReEncryptionKey(whole, options)).toBe(true)
    expect(verifyReEncryptionKey({ ...whole, id: two.id }, options)).toBe(false)
    expect(verifyReEncryptionKey({ ...whole, bytes: two.bytes }, options)).toBe(false)
  })

  it('is a time', () => {
    const nowMs = null as unknown as number
    expect(verifyReEncryptionKey(delegateTo(), { ...options, nowMs })).toBe(false)
    expect(codeOf(() => reEncrypt(sealFor().capsule, delegateTo(), { nowMs }))).toBe('ERR_PRE_EXPIRED')
  })
})

describe('what a conversion gives away', () => {
  it('is nobody else’s: changing it changes no later one', () => {
    const { capsule, key } = sealFor()
    const reKey = delegateTo()
    const share = split()[0] as Verified<ReKeyFragment>
    const converted = reEncrypt(capsule, reKey)
    const fragment = reEncryptFragment(capsule, share)
    const before = toHex(fragment.bytes)
    for (const { element } of [converted, fragment]) turn(element)
    for (const { capsule: inner } of [converted, fragment]) turn(inner.core)
    expect(toHex(decapsulate(reEncrypt(capsule, reKey), institution))).toBe(toHex(key))
    expect(toHex(reEncryptFragment(capsule, share).bytes)).toBe(before)
    expect(verifyCapsuleFragment(proveCapsuleFragment(capsule, share), { signer })).toBe(true)
  })

  it('has lists that nobody changes, and nothing in common with its neighbours', () => {
    expect(Object.isFrozen(encapsulate({ to: owner.keys.publicKey, condition: june }).capsule.conditions)).toBe(true)
    const [one, two] = split(3, 3) as unknown as [ReKeyFragment, ReKeyFragment]
    expect(Object.isFrozen(one.coefficients)).toBe(true)
    expect(one.commitment).not.toBe(two.commitment)
    expect(one.signature).not.toBe(two.signature)
    expect(one.coefficients[0]).not.toBe(two.coefficients[0])
  })
})

describe('a re-key', () => {
  it.each([
    ['whole', delegateTo()],
    ['in fragments', split()[0] as ReKeyFragment],
  ] as const)('%s prints without what converts', (_, reKey) => {
    expect(Object.keys(reKey)).not.toContain('element')
    expect(Object.keys(reKey)).not.toContain('bytes')
    expect(inspect(reKey)).not.toMatch(/element|bytes:/)
    expect(JSON.stringify(reKey)).not.toMatch(/"element"|"bytes"/)
    expect(reKey.element).toHaveLength(96)
  })
})

describe('objects made by hand', () => {
  const { capsule } = sealFor()
  const reKey = delegateTo()
  const converted = convertFor(capsule, reKey)
  const share = split()[0] as Verified<ReKeyFragment>
  const fragment = proveCapsuleFragment(capsule, share)
  const whole = { ...reKey, element: reKey.element, bytes: reKey.bytes }
  const part = { ...share, element: share.element, bytes: share.bytes }
  const thrower = new Proxy({}, { get: () => expect.unreachable('nobody sees this') })

  it.each<object>([
    thrower,
    { kind: 'capsule' },
    { ...capsule, core: new Uint8Array(3) },
    { ...capsule, conditions: [] },
    { ...capsule, conditions: [{ type: 'a\u0301' }] },
    { ...capsule, delegator: 'text' },
  ])('are no capsules: %#', (object) => {
    expect(verifyCapsule(object as Capsule)).toBe(false)
    if (object !== thrower)
      expect(codeOf(() => decapsulate(object as Capsule, owner.keys))).toBe('ERR_DECRYPTION_FAILED')
  })

  it.each<object>([
    thrower,
    { kind: 're-encryption-key' },
    { ...whole, condition: null },
    { ...whole, delegatorAccount: 'did:key:z' },
    { ...whole, element: undefined },
    { ...whole, signature: new Uint8Array(3) },
    { ...whole, expiresAtMs: '0' },
  ])('are no re-keys: %#', (object) => {
    expect(verifyReEncryptionKey(object as ReEncryptionKey, options)).toBe(false)
  })

  it.each<object>([
    thrower,
    { kind: 're-key-fragment' },
    { ...part, coefficients: undefined },
    { ...part, id: reKey.id },
    { ...part, total: 1e9 },
  ])('are no fragments of re-keys: %#', (object) => {
    expect(verifyReKeyFragment(object as ReKeyFragment, options)).toBe(false)
  })

  it.each<object | null>([
    thrower,
    null,
    { kind: 'capsule-fragment' },
    { ...fragment, capsule: null },
    { ...fragment, proof: undefined },
    { ...fragment, reKeyId: 'text' },
  ])('are no fragments of capsules: %#', (object) => {
    expect(verifyCapsuleFragment(object as CapsuleFragment, { signer })).toBe(false)
    expect(codeOfResult(combineFragments([object as CapsuleFragment]))).toBe('ERR_PRE_NOT_ENOUGH_FRAGMENTS')
  })

  it.each<object>([
    { ...converted, capsule: null },
    { ...converted, element: 'text' },
    { kind: 're-encrypted-capsule' },
  ])('are no converted capsules: %#', (object) => {
    expect(codeOf(() => decapsulate(object as ReEncryptedCapsule, institution))).toBe('ERR_DECRYPTION_FAILED')
  })

  it.each([undefined, null, {}, 'text', fragment])('are nothing to open: %#', (object) => {
    expect(codeOf(() => decapsulate(object as Capsule, institution))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('a proxy that is to blame', () => {
  const shares = split()
  const { capsule, key } = sealFor()
  const [one, two] = shares.map((share) => proveCapsuleFragment(capsule, share)) as [CapsuleFragment, CapsuleFragment]

  it('cannot spoil a combination by the proof of the capsule, which no id covers', () => {
    const core = flipBit(two.capsule.core, 8 * two.capsule.core.length - 1) as Capsule['core']
    const spoilt = { ...two, capsule: { ...two.capsule, core } }
    expect(codeOfResult(combineFragments([one, spoilt]))).toBe('ERR_PRE_NOT_ENOUGH_FRAGMENTS')
    expect(findFaultyFragments([one, spoilt], { signer })).toEqual([2])
    const three = proveCapsuleFragment(capsule, shares[2] as Verified<ReKeyFragment>)
    expect(toHex(decapsulate(unwrap(combineFragments([spoilt, one, three])), institution))).toBe(toHex(key))
  })

  it('is named when it answers for another capsule or another re-key than it was asked for', () => {
    const elsewhere = proveCapsuleFragment(sealFor().capsule, shares[1] as Verified<ReKeyFragment>)
    const later = proveCapsuleFragment(capsule, split()[1] as Verified<ReKeyFragment>)
    const asked = { signer, capsule, reKeyId: one.reKeyId }
    expect(findFaultyFragments([one, two], asked)).toEqual([])
    expect(findFaultyFragments([one, elsewhere], asked)).toEqual([2])
    expect(findFaultyFragments([one, later], asked)).toEqual([2])
  })

  it('is not the one in whose name another made a fragment', () => {
    const forged = { ...one, element: two.element, proof: null }
    for (const all of [
      [forged, one, two],
      [one, forged, two],
    ]) {
      expect(findFaultyFragments(all, { signer })).toEqual([])
    }
    expect(findFaultyFragments([forged, two], { signer })).toEqual([1])
  })
})

describe('conditions', () => {
  const wide = (mark: string, epochLength: number): Condition => ({
    type: mark,
    epoch: 'y'.repeat(epochLength),
    extra: Array.from({ length: 8 }, () => 'z'.repeat(1_024)),
  })
  const bytesOf = (conditions: readonly Condition[]) =>
    conditions.reduce((sum, condition) => sum + encodeCondition(condition).length, 0)
  const most = (() => {
    const conditions = [wide('1', 1_024), wide('2', 1_024), wide('3', 1_024)]
    const rest = 32_768 - bytesOf(conditions) - bytesOf([{ ...wide('4', 1_024), extra: [] }])
    const extra = ['z'.repeat(1_024), 'z'.repeat(1_024), 'z'.repeat(1_024), 'z'.repeat(rest - 3 * 1_027 - 3)]
    return [...conditions, { ...wide('4', 1_024), extra }]
  })()
  const more = most.map((condition, i) => (i === 3 ? { ...condition, type: '44' } : condition))

  it('of one capsule have at most 32 KiB, and a capsule of as many is converted like any other', () => {
    expect(bytesOf(most)).toBe(32_768)
    const { capsule, key } = sealFor(most, { associatedData: new Uint8Array(1_024) })
    const reKey = delegateTo(institution.publicKey, most[0])
    expect(toHex(decapsulate(convertFor(capsule, reKey), institution))).toBe(toHex(key))
    expect(toHex(decapsulate(capsule, owner.keys))).toBe(toHex(key))
    expect(codeOf(() => sealFor(more))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('of more are not read', () => {
    const wire = (conditions: readonly Condition[]) =>
      encodeCbor([1, 1, 1, new Uint8Array(48), conditions.map(conditionField), new Uint8Array(0), new Uint8Array(240)])
    expect(codeOfResult(parsePreObject('capsule', wire(most)))).toBe('accepted')
    expect(codeOfResult(parsePreObject('capsule', wire(more)))).toBe('ERR_CODEC_LIMIT')
  })
})

import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import {
  combineFragments,
  decapsulate,
  findFaultyFragments,
  FRAGMENTS_MAX,
  parsePreObject,
  proveCapsuleFragment,
  reEncryptFragment,
  splitReEncryptionKey,
  verifyCapsuleFragment,
  verifyReKeyFragment,
  type CapsuleFragment,
  type ReKeyFragment,
} from '../../src/pre/index.ts'
import { toHex, type Verified } from '../../src/primitives/bytes.ts'
import { codeOf, codeOfResult } from '../support/failure.ts'
import { delegateTo, END_MS, flipBit, institution, july, june, NOW_MS, owner, sealFor, signerOf } from './world.ts'

const signer = owner.signer.did

function split(threshold: number, total: number, condition = june): readonly Verified<ReKeyFragment>[] {
  const to = { publicKey: institution.publicKey }
  const fragments = splitReEncryptionKey({ ...owner, to, condition, expiresAtMs: END_MS, threshold, total })
  return fragments.map((fragment) => {
    if (!verifyReKeyFragment(fragment, { signer, nowMs: NOW_MS })) throw new Error('the fragment does not hold')
    return fragment
  })
}

/** After its journey as bytes. */
function sent(fragment: CapsuleFragment): CapsuleFragment {
  return unwrap(parsePreObject('capsule-fragment', fragment.bytes))
}

function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]]
  return items.flatMap((item, i) => subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]))
}

const keys = split(3, 5)
const { capsule, key } = sealFor()
const fragments = keys.map((fragment) => sent(reEncryptFragment(capsule, fragment)))

describe('three of five proxies', () => {
  it('convert in every choice, in every order, to what the whole re-key makes', () => {
    const choices = subsets(fragments, 3)
    expect(choices).toHaveLength(10)
    const elements = choices.map((choice) => {
      const converted = unwrap(combineFragments(choice.toReversed()))
      expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
      return toHex(converted.element)
    })
    expect(new Set(elements).size).toBe(1)
    expect(toHex(decapsulate(unwrap(combineFragments(fragments)), institution))).toBe(toHex(key))
  })

  it('give a converted capsule like any other', () => {
    const converted = unwrap(combineFragments(fragments.slice(2)))
    expect(unwrap(parsePreObject('re-encrypted-capsule', converted.bytes))).toEqual(converted)
    expect(converted.reKeyId).toBe(keys[0]?.id)
  })

  it('are needed: two, and one three times over, are not enough', () => {
    const [one, two] = fragments as [CapsuleFragment, CapsuleFragment]
    const few = combineFragments([one, two, one, two])
    expect(few).toMatchObject({ code: 'ERR_PRE_NOT_ENOUGH_FRAGMENTS', details: { threshold: 3, found: 2 } })
    expect(combineFragments([one, one, one])).toMatchObject({ details: { threshold: 3, found: 1 } })
    expect(combineFragments([])).toMatchObject({ code: 'ERR_PRE_NOT_ENOUGH_FRAGMENTS', details: { found: 0 } })
  })

  it('two that claim a threshold of two combine to what does not open', () => {
    const claimed = fragments.slice(0, 2).map((fragment) => ({
      ...fragment,
      threshold: 2,
      coefficients: fragment.coefficients.slice(0, 1),
    }))
    const converted = unwrap(combineFragments(claimed))
    expect(codeOf(() => decapsulate(converted, institution))).toBe('ERR_DECRYPTION_FAILED')
  })
})

describe('what does not belong together', () => {
  it('is left aside: fragments of two re-keys, two capsules, two numbers', () => {
    const foreign = [
      ...split(3, 5).map((fragment) => reEncryptFragment(capsule, fragment)),
      ...keys.map((fragment) => reEncryptFragment(sealFor().capsule, fragment)),
      ...split(3, 4).map((fragment) => reEncryptFragment(capsule, fragment)),
    ]
    const mixed = [foreign[0], fragments[0], foreign[6], fragments[1], foreign[11]] as CapsuleFragment[]
    expect(codeOfResult(combineFragments(mixed))).toBe('ERR_PRE_NOT_ENOUGH_FRAGMENTS')
    const converted = unwrap(combineFragments([...mixed, fragments[4] as CapsuleFragment]))
    expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
  })

  it('is not parsed: a fragment as a re-key, and the other way round', () => {
    const fragment = keys[0] as ReKeyFragment
    expect(codeOfResult(parsePreObject('re-encryption-key', fragment.bytes))).not.toBe('accepted')
    expect(codeOfResult(parsePreObject('re-key-fragment', delegateTo().bytes))).not.toBe('accepted')
    expect(codeOfResult(parsePreObject('re-encrypted-capsule', (fragments[0] as CapsuleFragment).bytes))).not.toBe(
      'accepted',
    )
  })

  it('is refused by a proxy: conditions, time, unchecked fragments', () => {
    const fragment = keys[0] as Verified<ReKeyFragment>
    expect(codeOf(() => reEncryptFragment(sealFor(july).capsule, fragment))).toBe('ERR_PRE_CONDITION_MISMATCH')
    expect(codeOf(() => reEncryptFragment(capsule, fragment, { nowMs: END_MS }))).toBe('ERR_PRE_EXPIRED')
    expect(codeOf(() => reEncryptFragment(capsule, { ...fragment }))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('fragments of a re-key', () => {
  it('come back from their bytes and hold for their signer and time', () => {
    for (const fragment of keys) {
      const again = unwrap(parsePreObject('re-key-fragment', fragment.bytes))
      expect(again).toEqual(fragment)
      expect(verifyReKeyFragment(again, { signer, nowMs: NOW_MS })).toBe(true)
    }
    const fragment = unwrap(parsePreObject('re-key-fragment', (keys[0] as ReKeyFragment).bytes))
    expect(verifyReKeyFragment(fragment, { signer, nowMs: END_MS })).toBe(false)
    expect(verifyReKeyFragment(fragment, { signer: signerOf('another').did, nowMs: NOW_MS })).toBe(false)
  })

  it('do not hold with the element, index or commitments of another', () => {
    const [one, two] = keys as readonly ReKeyFragment[] as [ReKeyFragment, ReKeyFragment]
    const other = split(3, 5)[0] as ReKeyFragment
    const changed: readonly ReKeyFragment[] = [
      { ...one, element: two.element },
      { ...one, index: 2 },
      { ...one, coefficients: other.coefficients },
      { ...one, coefficients: one.coefficients.toReversed() },
      { ...one, commitment: other.commitment },
      { ...one, signature: other.signature },
      { ...one, total: 6 },
      { ...one, threshold: 4 },
      { ...one, id: two.id.replace(/^../, '00') },
      { ...one, ephemeral: other.ephemeral },
    ]
    for (const fragment of changed) expect(verifyReKeyFragment(fragment, { signer, nowMs: NOW_MS })).toBe(false)
  })

  it('number two to sixteen, of which two to all are needed', () => {
    const options = { ...owner, to: { publicKey: institution.publicKey }, condition: june, expiresAtMs: END_MS }
    for (const [threshold, total] of [
      [1, 3],
      [4, 3],
      [2, 1],
      [2, FRAGMENTS_MAX + 1],
      [2.5, 3],
      [2, Number.NaN],
    ] as const) {
      expect(codeOf(() => splitReEncryptionKey({ ...options, threshold, total }))).toBe('ERR_ARGUMENT_INVALID')
    }
    const all = splitReEncryptionKey({ ...options, threshold: FRAGMENTS_MAX, total: FRAGMENTS_MAX })
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    const made = all.map((fragment) => {
      if (!verifyReKeyFragment(fragment, { signer, nowMs: NOW_MS })) throw new Error('refused')
      return reEncryptFragment(capsule, fragment)
    })
    expect(codeOfResult(combineFragments(made.slice(1)))).toBe('ERR_PRE_NOT_ENOUGH_FRAGMENTS')
    expect(toHex(decapsulate(unwrap(combineFragments(made)), institution))).toBe(toHex(key))
  })

  it('are refused when an index or a number is out of range', () => {
    const { bytes, index } = keys[4] as ReKeyFragment
    expect(index).toBe(5)
    // The numbers 5, 3, 5 stand together.
    const at = bytes.findIndex((byte, i) => byte === 5 && bytes[i + 1] === 3 && bytes[i + 2] === 5)
    const withNumbers = (...numbers: number[]) => {
      const changed = Uint8Array.from(bytes)
      changed.set(numbers, at)
      return codeOfResult(parsePreObject('re-key-fragment', changed))
    }
    expect(withNumbers(5, 3, 5)).toBe('accepted')
    for (const numbers of [
      [0, 3, 5],
      [6, 3, 5],
      [5, 6, 5],
      [5, 1, 5],
      [5, 2, 5],
      [5, 3, 4],
      [17, 3, 17],
    ]) {
      expect(withNumbers(...numbers)).toBe('ERR_CODEC_MALFORMED')
    }
  })
})

describe('blame', () => {
  const proved = keys.map((fragment) => sent(proveCapsuleFragment(capsule, fragment)))

  it('accepts what was done rightly', () => {
    expect(proved.map((fragment) => verifyCapsuleFragment(fragment, { signer }))).toEqual(keys.map(() => true))
    expect(findFaultyFragments(proved, { signer })).toEqual([])
  })

  it('names the proxies whose fragments spoil a combination, and does without them', () => {
    const other = fragments.map((fragment) => fragment.element)
    const cheating = proved.map((fragment) =>
      fragment.index === 2 || fragment.index === 4
        ? { ...fragment, element: other[0] as CapsuleFragment['element'] }
        : fragment,
    )
    const spoilt = unwrap(combineFragments(cheating.slice(1)))
    expect(codeOf(() => decapsulate(spoilt, institution))).toBe('ERR_DECRYPTION_FAILED')
    const faulty = findFaultyFragments(cheating, { signer })
    expect(faulty).toEqual([2, 4])
    const rest = cheating.filter(({ index }) => !faulty.includes(index))
    expect(toHex(decapsulate(unwrap(combineFragments(rest)), institution))).toBe(toHex(key))
  })

  it('names who gives no proof, or one of another capsule, proxy or signer', () => {
    const [one, two] = proved as [CapsuleFragment, CapsuleFragment]
    const elsewhere = proveCapsuleFragment(sealFor().capsule, keys[0] as Verified<ReKeyFragment>)
    const wrong: readonly CapsuleFragment[] = [
      fragments[0] as CapsuleFragment,
      { ...one, proof: two.proof },
      { ...one, proof: elsewhere.proof },
      { ...one, capsule: elsewhere.capsule },
      { ...one, reKeyId: split(3, 5)[0]?.id as string },
      { ...one, index: 2 },
    ]
    for (const fragment of wrong) expect(verifyCapsuleFragment(fragment, { signer })).toBe(false)
    expect(verifyCapsuleFragment(one, { signer: signerOf('another').did })).toBe(false)
  })

  it('does not accept one bit of a proof turned', () => {
    const [one] = proved as [CapsuleFragment]
    for (const bit of [0, 255, 256, 257, 300, 640, 1_023]) {
      const proof = flipBit(one.proof as Uint8Array, bit) as CapsuleFragment['proof']
      expect(verifyCapsuleFragment({ ...one, proof }, { signer })).toBe(false)
    }
  })
})

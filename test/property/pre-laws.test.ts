import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import {
  combineFragments,
  decapsulate,
  encapsulate,
  parsePreObject,
  reEncryptFragment,
  splitReEncryptionKey,
  verifyCapsule,
  verifyReKeyFragment,
  type Condition,
} from '../../src/pre/index.ts'
import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import type { GtElement } from '../../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'
import { convertFor, delegateTo, END_MS, institution, NOW_MS, owner, sealFor } from '../pre/world.ts'
import { propertyRuns } from '../support/property.ts'

const groups = createPairingGroups()
const scalar = fc.bigInt({ min: 1n, max: BLS_GROUP_ORDER - 1n }).map((value) => value as BlsScalar)
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((value) => value.normalize('NFC'))
  .filter((value) => !value.startsWith('\ufeff') && !/\p{Surrogate}/u.test(value) && value !== '')
const condition: fc.Arbitrary<Condition> = fc
  .record({ type: text, epoch: fc.option(text), extra: fc.option(fc.array(text, { minLength: 1, maxLength: 3 })) })
  .map(({ type, epoch, extra }) => ({
    type,
    ...(epoch === null ? {} : { epoch }),
    ...(extra === null ? {} : { extra }),
  }))

describe('groups', () => {
  const z = groups.pair([[groups.g1, groups.prepareG2(groups.g2)]]) as GtElement

  it('multiples and powers by a sum are sums and products', () => {
    fc.assert(
      fc.property(scalar, scalar, (a, b) => {
        const sum = ((a + b) % BLS_GROUP_ORDER) as BlsScalar
        if (sum === 0n) return
        const one = groups.addG1(groups.multiplyG1Public(groups.g1, a), groups.multiplyBaseG1(b))
        expect(toHex(groups.encodeG1(one as NonNullable<typeof one>))).toBe(
          toHex(groups.encodeG1(groups.multiplyG1Public(groups.g1, sum))),
        )
        const two = groups.addG2(groups.multiplyG2Public(groups.g2, a), groups.multiplyBaseG2(b))
        expect(toHex(groups.encodeG2(two as NonNullable<typeof two>))).toBe(
          toHex(groups.encodeG2(groups.multiplyG2Public(groups.g2, sum))),
        )
        const product = groups.multiplyGt(groups.powerGt(z, a), groups.powerGtPublic(z, b)) as GtElement
        expect(groups.isEqualGt(product, groups.powerGtPublic(z, sum))).toBe(true)
      }),
      propertyRuns(10),
    )
  })

  it('pairings move scalars from one side to the other, and elements of GT come back from bytes', () => {
    fc.assert(
      fc.property(scalar, scalar, (a, b) => {
        const left = groups.pair([
          [groups.multiplyG1Public(groups.g1, a), groups.prepareG2(groups.multiplyG2Public(groups.g2, b))],
        ]) as GtElement
        const product = ((a * b) % BLS_GROUP_ORDER) as BlsScalar
        expect(groups.isEqualGt(left, groups.powerGt(z, product))).toBe(true)
        expect(groups.isEqualGt(groups.parseGt(groups.encodeGt(left)) as GtElement, left)).toBe(true)
      }),
      propertyRuns(10),
    )
  })
})

describe('capsules', () => {
  it('open for owner and delegatee under any condition', () => {
    fc.assert(
      fc.property(condition, fc.uint8Array({ maxLength: 64 }), (wanted, associatedData) => {
        const { capsule, key } = sealFor(wanted, { associatedData })
        const again = unwrap(parsePreObject('capsule', capsule.bytes))
        expect(again).toEqual(capsule)
        expect(toHex(decapsulate(again, owner.keys))).toBe(toHex(key))
        const converted = convertFor(capsule, delegateTo(institution.publicKey, wanted))
        expect(toHex(decapsulate(converted, institution))).toBe(toHex(key))
      }),
      propertyRuns(8),
    )
  })

  it('any t of n proxies convert, in any order', () => {
    const numbers = fc
      .integer({ min: 2, max: 6 })
      .chain((total) => fc.tuple(fc.constant(total), fc.integer({ min: 2, max: total })))
    fc.assert(
      fc.property(numbers, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), ([total, threshold], order) => {
        const wanted = { type: 'law' }
        const { capsule, key } = encapsulate({ to: owner.keys.publicKey, condition: wanted })
        if (!verifyCapsule(capsule)) throw new Error('refused')
        const to = { publicKey: institution.publicKey }
        const options = { ...owner, to, condition: wanted, expiresAtMs: END_MS, threshold, total }
        const chosen = splitReEncryptionKey(options)
          .map((fragment, i) => ({ fragment, at: order[i] as number }))
          .sort((a, b) => a.at - b.at)
          .slice(0, threshold)
        const fragments = chosen.map(({ fragment }) => {
          if (!verifyReKeyFragment(fragment, { signer: owner.signer.did, nowMs: NOW_MS })) throw new Error('refused')
          return reEncryptFragment(capsule, fragment)
        })
        expect(toHex(decapsulate(unwrap(combineFragments(fragments)), institution))).toBe(toHex(key))
        expect(combineFragments(fragments.slice(1)).ok).toBe(false)
      }),
      propertyRuns(5),
    )
  })

  it('reading is total, and what reads writes the same bytes', () => {
    const kinds = [
      'capsule',
      're-encryption-key',
      're-encrypted-capsule',
      're-key-fragment',
      'capsule-fragment',
    ] as const
    const real = sealFor({ type: 'x' }).capsule.bytes
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(real.length - 1), fc.nat(255)).map(([at, byte]) => {
        const changed = Uint8Array.from(real)
        changed[at] = byte
        return changed
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...kinds), bytes, (kind, input) => {
        const parsed = parsePreObject(kind, input)
        if (parsed.ok) expect(toHex(parsed.value.bytes)).toBe(toHex(input))
      }),
      propertyRuns(300),
    )
  })
})

import { describe, expect, it } from 'vitest'

import { openShown, reEncrypt, showOpening, SHOWN_OPENING_BYTES } from '../../src/pre/index.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { craftConverted, groups } from './crafting.ts'
import { delegateTo, flipBit, institution, keysOf, sealFor } from './world.ts'

const { capsule, key } = sealFor()
const reKey = delegateTo()
const converted = reEncrypt(capsule, reKey)
const shown = showOpening(converted, institution)!

describe('what a delegatee shows', () => {
  it('has 112 bytes and lets anybody open this conversion, and others by the same re-key', () => {
    expect(shown).toHaveLength(SHOWN_OPENING_BYTES)
    expect(openShown(converted, shown)).toEqual({ kind: 'opens', key })
    const next = sealFor()
    expect(openShown(reEncrypt(next.capsule, reKey), shown)).toEqual({ kind: 'opens', key: next.key })
    // Every time another proof of the same.
    expect(toHex(showOpening(converted, institution)!)).not.toBe(toHex(shown))
  })

  it('is not what is shown for another re-key, or by somebody else', () => {
    const other = reEncrypt(capsule, delegateTo())
    expect(openShown(other, shown)).toEqual({ kind: 'not-shown' })
    expect(() => showOpening(converted, keysOf('mallory', 'delegatee'))).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }) as Error,
    )
  })

  it('holds with no bit turned, none missing and none more', () => {
    for (const bit of [0, 3, 100, 383, 384, 600, 639, 640, 800, 895])
      expect(openShown(converted, flipBit(shown, bit))).toEqual({ kind: 'not-shown' })
    expect(openShown(converted, shown.slice(1))).toEqual({ kind: 'not-shown' })
    expect(openShown(converted, Uint8Array.of(...shown, 0))).toEqual({ kind: 'not-shown' })
    expect(openShown(converted, undefined)).toEqual({ kind: 'not-shown' })
    expect(openShown(converted, new Uint8Array(SHOWN_OPENING_BYTES))).toEqual({ kind: 'not-shown' })
  })

  it('proves as well that a conversion does not open', () => {
    const element = groups.parseGt(converted.element)!
    const spoilt = craftConverted(capsule, reKey, groups.powerGt(element, 2n as BlsScalar))
    expect(openShown(spoilt, showOpening(spoilt, institution))).toEqual({ kind: 'does-not-open' })
  })
})

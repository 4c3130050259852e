import { describe, expect, it } from 'vitest'

import type { BlsScalar } from '../../../src/primitives/bls12-381.ts'
import { fromHex, toHex } from '../../../src/primitives/bytes.ts'
import { toCanonical, type Fp12 } from '../../../src/primitives/fp12.ts'
import type { G1Element, G2Element, GtElement } from '../../../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../../../src/primitives/portable-groups.ts'
import fixture from './mcl.json' with { type: 'json' }

const groups = createPairingGroups()
const p = groups.parseG1(fromHex(fixture.g1)) as G1Element
const q = groups.parseG2(fromHex(fixture.g2)) as G2Element
const paired = groups.pair([[p, groups.prepareG2(q)]]) as GtElement
const coefficients = (element: GtElement) =>
  toCanonical(element as unknown as Fp12).map((coefficient) => coefficient.toString(16))

describe('what mcl-wasm computes', () => {
  it('is our pairing', () => {
    expect(coefficients(paired)).toEqual(fixture.pairing)
  })

  it.each(fixture.cases)('is our multiple and power by $scalar', ({ scalar, g1, g2, gt }) => {
    const k = BigInt(`0x${scalar}`) as BlsScalar
    for (const multiple of [groups.multiplyG1(p, k), groups.multiplyG1Public(p, k)]) {
      expect(toHex(groups.encodeG1(multiple))).toBe(g1)
    }
    for (const multiple of [groups.multiplyG2(q, k), groups.multiplyG2Public(q, k)]) {
      expect(toHex(groups.encodeG2(multiple))).toBe(g2)
    }
    for (const power of [groups.powerGt(paired, k), groups.powerGtPublic(paired, k)]) {
      expect(coefficients(power)).toEqual(gt)
    }
  })
})

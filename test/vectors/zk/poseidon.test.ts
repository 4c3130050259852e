import { grainGenConstants, poseidon } from '@noble/curves/abstract/poseidon.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { describe, expect, test } from 'vitest'

import { concatBytes, toHex } from '../../../src/primitives/bytes.ts'
import { sha256 } from '../../../src/primitives/hash.ts'
import { generatePoseidonConstants } from '../../../src/zk/commitment/grain.ts'
import {
  mixPoseidon,
  permutePoseidon,
  poseidonConstants,
  poseidonShape,
  type PoseidonWidth,
} from '../../../src/zk/commitment/poseidon.ts'
import { encodeField, FIELD_ORDER } from '../../../src/zk/field.ts'

const hex = (values: readonly bigint[]): string[] => values.map((value) => value.toString(16).padStart(64, '0'))
const counting = (width: number): bigint[] => Array.from({ length: width }, (_, i) => BigInt(i))

/** The permutation with any number of partial rounds, written as in the paper. */
function permuteAs(width: number, partialRounds: number, input: readonly bigint[]): bigint[] {
  const { rounds, matrix } = generatePoseidonConstants({ width, fullRounds: 8, partialRounds })
  return rounds.reduce<bigint[]>(
    (state, constants, round) => {
      const shifted = state.map((x, i) => (x + constants[i]!) % FIELD_ORDER)
      const isFull = round < 4 || round >= 4 + partialRounds
      return mixPoseidon(
        matrix,
        shifted.map((x, i) => (isFull || i === 0 ? x ** 5n % FIELD_ORDER : x)),
      )
    },
    [...input],
  )
}

describe('Poseidon', () => {
  test('poseidonperm_x5_255_3 of the reference', () => {
    expect(hex(permutePoseidon(counting(3)))).toEqual([
      '28ce19420fc246a05553ad1e8c98f5c9d67166be2c18e9e4cb4b4e317dd2a78a',
      '51f3e312c95343a896cfd8945ea82ba956c1118ce9b9859b6ea56637b4b1ddc4',
      '3b2b69139b235626a0bfb56c9527ae66a7bf486ad8c11c14d1da0c69bbe0f79a',
    ])
  })

  test('poseidonperm_x5_255_5 of the reference', () => {
    expect(hex(permuteAs(5, 60, counting(5)))).toEqual([
      '2a918b9c9f9bd7bb509331c81e297b5707f6fc7393dcee1b13901a0b22202e18',
      '65ebf8671739eeb11fb217f2d5c5bf4a0c3f210e3f3cd3b08b5db75675d797f7',
      '2cc176fc26bc70737a696a9dfd1b636ce360ee76926d182390cdb7459cf585ce',
      '4dc4e29d283afd2a491fe6aef122b9a968e74eff05341f3cc23fda1781dcb566',
      '03ff622da276830b9451b88b85e6184fd6ae15c8ab3ee25a5667be8592cce3b1',
    ])
  })

  test("first constants of width 17 by the authors' generator", () => {
    expect(hex(poseidonConstants(17).rounds[0]!.slice(0, 3))).toEqual([
      '1c315090c83d068a731a83f8aa8f2ddf240f326751ae7216af41e53f2a26a6b6',
      '6daadc6d9e0c72939fcd5d1a0c00a0c527ea87a804f1e8dd344a3c04d1935d53',
      '35526518612dd0e5330b0c00b8d34380011911e4a2c7499b5e768a3dde996d4e',
    ])
  })

  test.each<[PoseidonWidth, string, string]>([
    [
      3,
      '28ce19420fc246a05553ad1e8c98f5c9d67166be2c18e9e4cb4b4e317dd2a78a',
      '0f2b0f1a2bdef1fde256a8d2e60770e3a759b97e05f8cd66e18d149c5db727af',
    ],
    [
      9,
      '21f9e7663e8fd410b78d7512235dca84c6623a2a7464a3a1ef2ed3d6b97266b7',
      'bf2355d4e3b52cb46585aa7079fd1e4d29835f6d048a4eecacf335e7944e4caf',
    ],
    [
      17,
      '39298a8afdcfa92f3aaee2ffc35c744f848f45050d2579a3e2a21701a9aaa252',
      '15324497964717b468d9180044b2b756f136b7b94ffcbee4310042fdb6866ac1',
    ],
  ])('width %d equals an independent implementation, and its constants are pinned', (width, first, digest) => {
    const { roundConstants, mds } = grainGenConstants({
      Fp: bls12_381.fields.Fr,
      t: width,
      roundsFull: 8,
      roundsPartial: 57,
    })
    const { rounds, matrix } = poseidonConstants(width)
    expect(rounds).toEqual(roundConstants)
    expect(matrix).toEqual(mds)
    const other = poseidon({
      Fp: bls12_381.fields.Fr,
      t: width,
      roundsFull: 8,
      roundsPartial: 57,
      sboxPower: 5,
      mds,
      roundConstants,
    })
    const output = permutePoseidon(counting(width))
    expect(hex(output)[0]).toBe(first)
    expect(output).toEqual(other(counting(width)))
    expect(poseidonShape(width)).toEqual({ width, fullRounds: 8, partialRounds: 57 })
    expect(toHex(sha256(concatBytes(...[...rounds, ...matrix].flat().map(encodeField))))).toBe(digest)
  })
})

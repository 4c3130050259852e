import { expect, it } from 'vitest'

import { unwrap } from '../../../src/errors.ts'
import { fromSnarkjs } from '../../../src/zk/formats/snarkjs.ts'
import { verifyRelation } from '../../../src/zk/groth16/verify.ts'
import { describeVectors } from '../../support/vectors.ts'

interface Vectors {
  readonly vk: object
  readonly cases: readonly {
    readonly id: string
    readonly proof: object
    readonly publicSignals: unknown
    readonly expect: boolean
  }[]
}

describeVectors('groth16/bls12-381.json', 8, (contents, count) => {
  const { vk, cases } = JSON.parse(contents.toString()) as Vectors
  const key = unwrap(fromSnarkjs('verifying-key', vk))
  it.each(cases)('$id', ({ proof, publicSignals, expect: expected }) => {
    count()
    const inputs = unwrap(fromSnarkjs('inputs', publicSignals))
    expect(verifyRelation(key, { proof: unwrap(fromSnarkjs('proof', proof)), inputs })).toBe(expected)
  })
})

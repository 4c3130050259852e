import { describe, expect, test } from 'vitest'

import { unwrap } from '../../src/errors.ts'
import { pairingCurve } from '../../src/primitives/bls12-381.ts'
import { FIELD_ORDER } from '../../src/zk/field.ts'
import { fromSnarkjs, toSnarkjs } from '../../src/zk/formats/snarkjs.ts'
import { verifyRelation } from '../../src/zk/groth16/verify.ts'
import { ALPHA_BETA, INPUTS, KEY, PROOF } from '../vectors/zk/snarkjs.ts'

const change = (object: object, name: string, value: unknown): object => ({ ...object, [name]: value })
const P = pairingCurve.fields.Fp.ORDER

describe('the JSON of snarkjs', () => {
  const key = unwrap(fromSnarkjs('verifying-key', KEY))
  const proof = unwrap(fromSnarkjs('proof', PROOF))
  const inputs = unwrap(fromSnarkjs('inputs', INPUTS))

  test('its proof holds here, for its inputs only', () => {
    expect(verifyRelation(key, { proof, inputs })).toBe(true)
    expect(verifyRelation(key, { proof, inputs: inputs.with(0, inputs[0]! + 1n) })).toBe(false)
  })

  test('e(alpha, beta) in a key is allowed and not believed', () => {
    expect(unwrap(fromSnarkjs('verifying-key', change(KEY, 'vk_alphabeta_12', ALPHA_BETA)))).toEqual(key)
    expect(unwrap(fromSnarkjs('verifying-key', change(KEY, 'vk_alphabeta_12', 'nonsense')))).toEqual(key)
  })

  test('comes back unchanged', () => {
    expect(toSnarkjs(proof)).toEqual(PROOF)
    expect({ ...toSnarkjs(key) }).toEqual(KEY)
    expect(toSnarkjs(inputs)).toEqual(INPUTS)
  })

  test.each<[string, object]>([
    ['another protocol', change(PROOF, 'protocol', 'plonk')],
    ['another curve', change(PROOF, 'curve', 'bn128')],
    ['a field too many', change(PROOF, 'note', '')],
    ['no pi_b', { pi_a: PROOF.pi_a, pi_c: PROOF.pi_c, protocol: 'groth16', curve: 'bls12381' }],
    ['a number', change(PROOF, 'pi_a', [1, 2, 1])],
    ['an alias', change(PROOF, 'pi_a', [`${BigInt(PROOF.pi_a[0]!) + P}`, PROOF.pi_a[1], '1'])],
    ['a leading zero', change(PROOF, 'pi_a', [`0${PROOF.pi_a[0]!}`, PROOF.pi_a[1], '1'])],
    ['a sign', change(PROOF, 'pi_a', [`+${PROOF.pi_a[0]!}`, PROOF.pi_a[1], '1'])],
    ['an exponent', change(PROOF, 'pi_a', ['1e3', PROOF.pi_a[1], '1'])],
    ['a projective form', change(PROOF, 'pi_a', [PROOF.pi_a[0], PROOF.pi_a[1], '2'])],
    ['the identity', change(PROOF, 'pi_a', ['0', '1', '0'])],
    ['zeros', change(PROOF, 'pi_a', ['0', '0', '1'])],
    ['a point off the curve', change(PROOF, 'pi_c', ['1', '1', '1'])],
    ['a point of order 3', change(PROOF, 'pi_c', ['0', '2', '1'])],
    ['a list', []],
  ])('refuses a proof with %s', (_, value) => {
    expect(fromSnarkjs('proof', value).ok).toBe(false)
  })

  test.each<[string, object]>([
    ['another number of inputs', change(KEY, 'nPublic', KEY.nPublic + 1)],
    ['a negative number of inputs', change(KEY, 'nPublic', -1)],
    ['inputs without end', change(KEY, 'nPublic', 1e9)],
    ['delta equal to gamma', change(KEY, 'vk_delta_2', KEY.vk_gamma_2)],
    ['an unknown field', change(KEY, 'x', 1)],
    ['an identity in IC', change(KEY, 'IC', [['0', '1', '0'], ...KEY.IC.slice(1)])],
    ['null', null as never],
  ])('refuses a key with %s', (_, value) => {
    expect(fromSnarkjs('verifying-key', value).ok).toBe(false)
  })

  test('refuses inputs that are no decimals below r', () => {
    for (const value of [
      [`${FIELD_ORDER}`],
      ['-1'],
      [1],
      ['01'],
      ['0x1'],
      [''],
      'x',
      new Array(3),
      Array(300).fill('0'),
    ]) {
      expect(fromSnarkjs('inputs', value).ok).toBe(false)
    }
    expect(unwrap(fromSnarkjs('inputs', [`${FIELD_ORDER - 1n}`, '0']))).toEqual([FIELD_ORDER - 1n, 0n])
  })
})

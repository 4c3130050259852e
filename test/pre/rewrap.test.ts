import { describe, expect, it } from 'vitest'

import { rewrapKey, unwrapKey, wrapKey } from '../../src/pre/index.ts'
import { createAgreementKey } from '../../src/primitives/agreement.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { codeOf } from '../support/failure.ts'
import { flipBit, july, june, seededRandom } from './world.ts'

const owner = createAgreementKey(seededRandom('owner agrees')(32))
const doctor = createAgreementKey(seededRandom('doctor agrees')(32))
const key = new Uint8Array(32).fill(5)
const wrapped = wrapKey(key, { to: owner.publicKey, condition: june })

describe('the baseline', () => {
  it('the owner opens, and seals again for somebody else', () => {
    expect(wrapped).toHaveLength(88)
    expect(toHex(unwrapKey(wrapped, { agreement: owner, condition: june }))).toBe(toHex(key))
    const again = rewrapKey(wrapped, { agreement: owner, to: doctor.publicKey, condition: june })
    expect(toHex(unwrapKey(again, { agreement: doctor, condition: june }))).toBe(toHex(key))
    expect(codeOf(() => unwrapKey(again, { agreement: owner, condition: june }))).toBe('ERR_DECRYPTION_FAILED')
  })

  it('opens under its condition and recipient only, and with no bit turned', () => {
    expect(codeOf(() => unwrapKey(wrapped, { agreement: owner, condition: july }))).toBe('ERR_DECRYPTION_FAILED')
    expect(codeOf(() => unwrapKey(wrapped, { agreement: doctor, condition: june }))).toBe('ERR_DECRYPTION_FAILED')
    for (let bit = 0; bit < 8 * wrapped.length; bit += 11) {
      const changed = flipBit(wrapped, bit)
      expect(codeOf(() => unwrapKey(changed, { agreement: owner, condition: june }))).toBe('ERR_DECRYPTION_FAILED')
    }
  })

  it('refuses keys of another length and recipients without a key', () => {
    expect(codeOf(() => wrapKey(key.subarray(1), { to: owner.publicKey, condition: june }))).toBe(
      'ERR_ARGUMENT_INVALID',
    )
    expect(codeOf(() => wrapKey(key, { to: new Uint8Array(32), condition: june }))).toBe('ERR_CRYPTO_INVALID_POINT')
  })
})

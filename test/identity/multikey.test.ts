import { base58btc } from 'multiformats/bases/base58'
import { describe, expect, it } from 'vitest'
import { encodeMultikey, parseMultikey, type MultikeyType } from '../../src/identity/index.ts'
import { fromHex, toHex } from '../../src/primitives/bytes.ts'
import { createDid } from '../../src/primitives/did.ts'

interface Sample {
  readonly type: MultikeyType
  readonly hex: string
  readonly text: string
}

/**
 * Examples that circulate for the did:key method (secp256k1 and X25519 in its specification; the BLS12-381 ones in the
 * tests of Aries and Credo, whose JWKs give the bytes): several implementations agree on each pair.
 */
const samples: readonly Sample[] = [
  {
    type: 'secp256k1',
    hex: '03874c15c7fda20e539c6e5ba573c139884c351188799f5458b4b41f7924f235cd',
    text: 'zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme',
  },
  {
    type: 'x25519',
    hex: '2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74',
    text: 'z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F',
  },
  {
    type: 'bls12-381-g1',
    hex: '8f58b2450a615d0b1881923b20fb220f6bd5d01d255070609e8e9e553f3f3938075bc43082e3f39e9949dc7e4711793f',
    text: 'z3tEFALUKUzzCAvytMHX8X4SnsNsq6T5tC5Zb18oQEt1FqNcJXqJ3AA9umgzA9yoqPBeWA',
  },
  {
    type: 'bls12-381-g2',
    hex:
      '827ea7a3e7ddbdc84e8d27f55d0be73ddb8ba30a691cbab9342b3006345228f979f7b06e199787b3a404352922dbd62f' +
      '04d6ef3ebb833b28f34b6c1c006bc470e0131581b09691c1d5fcbd7b16380a63370a5fe15db30e590d84cd4ba71ecea4',
    text:
      'zUC71nmwvy83x1UzNKbZbS7N9QZx8rqpQx3Ee3jGfKiEkZngTKzsRoqobX6wZdZF5F93pSGYYco3gpK9tc53ruWUo2tkBB9b' +
      'xPCFBUjq2th8FbtT4xih6y6Q1K9EL4Th86NiCGT',
  },
]

describe('Multikey', () => {
  it.each(samples)('of $type', ({ type, hex, text }) => {
    const encoded = encodeMultikey({ type, publicKey: fromHex(hex) })
    expect(encoded).toBe(text)
    expect(parseMultikey(encoded)).toEqual({ ok: true, value: { type, publicKey: fromHex(hex) } })
  })

  it('of a signing key is its did without the method', () => {
    const { hex, text } = samples[0] as Sample
    expect(createDid(fromHex(hex))).toBe(`did:key:${text}`)
  })

  it('refuses what is no key of these kinds', () => {
    const { text } = samples[0] as Sample
    const of = (hex: string) => base58btc.encode(fromHex(hex))
    const zeros = (count: number) => '00'.repeat(count)
    const broken: unknown[] = [
      '',
      'z',
      text.slice(1),
      text.slice(0, -1),
      `${text}1`,
      `z1${text.slice(1)}`,
      text.toUpperCase(),
    ]
    broken.push(`did:key:${text}`, ` ${text}`, 'z0OIl', `m${text.slice(1)}`, 'z'.repeat(137), `z${'1'.repeat(100_000)}`)
    broken.push(of(`e701${zeros(33)}`), of(`e70104${zeros(32)}`), of(`e70102${zeros(31)}`), of(`e70102${zeros(33)}`))
    broken.push(of(`ec01${zeros(31)}`), of(`ec01${zeros(33)}`), of(`ea0101${zeros(47)}`), of(`ea0181${zeros(46)}`))
    broken.push(of(`eb0101${zeros(95)}`), of(`ed01${zeros(32)}`), of(`e702${zeros(33)}`), of('ec01'), of('ec'))
    broken.push(null, undefined, 7, fromHex('00'), {})
    for (const value of broken) {
      expect(parseMultikey(value as string)).toMatchObject({ ok: false, code: 'ERR_CODEC_MALFORMED', path: 'multikey' })
    }
  })

  it('encodes no bytes that it would refuse', () => {
    for (const { type, hex } of samples) {
      const publicKey = fromHex(hex)
      expect(() => encodeMultikey({ type, publicKey: publicKey.slice(1) })).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'publicKey' }),
      )
      expect(toHex(publicKey)).toBe(hex)
    }
    for (const type of ['ed25519', 'toString']) {
      expect(() => encodeMultikey({ type: type as MultikeyType, publicKey: new Uint8Array(32) })).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path: 'type' }),
      )
    }
  })
})

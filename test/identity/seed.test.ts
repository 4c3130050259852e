import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto'
import { encode } from '@ipld/dag-cbor'
import { mapHashToField } from '@noble/curves/abstract/modular.js'
import { describe, expect, it } from 'vitest'
import { createPreKeyMaker, deriveIdentity, generateCircleId, generateSeed } from '../../src/identity/index.ts'
import {
  deriveAgreementSecret,
  deriveLabelKey,
  derivePreSecrets,
  deriveSigningSecret,
} from '../../src/identity/seed.ts'
import { toHex } from '../../src/primitives/bytes.ts'
import { toPublicKey } from '../../src/primitives/did.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { countingSeed, fixedRandom } from './fixtures.ts'

/** The versioned surface: a change of one of these values locks people out of their accounts. */
const vectors = [
  {
    circle: 'st-marys.example',
    signing: '0eec1c95a2a6d60a3b84b84f009ecc1ea4b78b3cd486bdf24e701a936686d8af',
    agreement: 'd1c6f44efbb197b20e40b53e37142fdf4cbba4eabdc8b9adb9ddea5d204f4a47',
    label: 'ce1b5b3fbe55b6e73768a87c657c8b3b6cf040c2f980c07aaa87b9f9eb745b59',
    delegator: '182e2105b1d9f8fec6cc6b56403333e04ca9be5e2a6c7e643580a8947557a62a',
    delegatee: '342cd4f74f310ec0db8fc87aeadf6abd4c774c744c26656d3a3d88304f2f1884',
    did: 'did:key:zQ3shceUAResTQSGNxJnhfreWSTD9wLoihZCXoauKvGVEMyTd',
    agreementKey: '267293683a470ea7875389b2962041770e549cd541431de4f8f094d481f01a02',
    heartRate: '01750265651b704995d2544fd98eead4',
    delegatorKey: 'b68de247ecb9a949a014c005c2ea740c8366c406100d7b1521330494519ec091fcf23cdab6b9c147c23095ab7e5ca1c3',
    delegateeKey: 'a271ae06ea21270697c281aa7f84c7838ca631c18cbd80ecaf3332dbdee95a7ee7a9b50d4e6be033177d205e95fef4ff',
  },
  {
    circle: 'étude 7',
    signing: '83e1b2d64340512c9b1ffdbc98560ae08829ffed455293b2eaeaca2d0bdd86cb',
    agreement: '99f955fdca540b03aaa4ab1a291515cf8db5ff68d7342842b3d5c41162b0494f',
    label: '19c07ee53bd7952ba53b2160d31e1a6a7f22e06098ff2143550f76105203023f',
    delegator: '408e9ca7262b9abff8c05621373d7df8ab20aae1082b8482a11c686a5d91ff0c',
    delegatee: '54eabe2967695777fcbb0652e5aba987d9b6e0dc6066b4a370129171e32eeade',
    did: 'did:key:zQ3shjWBPPo1Wt39EgYLCXxKhzoHTE8LbUQkaKwj82PKf6kns',
    agreementKey: '3160e2903470ae70f6d51a981d12f4b9b2188211118de2486379d65ac401072a',
    heartRate: '42e7c7cd580d5b73ad855f3afa156370',
    delegatorKey: 'a91bc1a03bdb5bcb9a7464a3d41953df98a90ff9b7f624dd003d76e05362894c82204da4c19908f92211bdee83663a1e',
    delegateeKey: '88cfd485ee273b2eb644c027001541bd572d84b332090fdff18797d7c44e9569f356deab6ab68c414d2a0beec0e91b7f',
  },
]

describe.each(vectors)('keys of the seed 00..1f in the circle $circle', (vector) => {
  const path = { seed: countingSeed, circle: vector.circle }

  it('are the pinned ones', () => {
    const identity = deriveIdentity({ ...path, pre: createPreKeyMaker() })
    const pre = derivePreSecrets(path)
    expect({
      circle: vector.circle,
      signing: toHex(deriveSigningSecret(path)),
      agreement: toHex(deriveAgreementSecret(path)),
      label: toHex(deriveLabelKey(path)),
      delegator: toHex(pre.delegator),
      delegatee: toHex(pre.delegatee),
      did: identity.did,
      agreementKey: toHex(identity.agreement.publicKey),
      heartRate: identity.labeler.label('http://loinc.org|8867-4'),
      delegatorKey: toHex(identity.keys.pre!.delegator.publicKey),
      delegateeKey: toHex(identity.keys.pre!.delegatee.publicKey),
    }).toEqual(vector)
  })

  it('are what node:crypto derives from the description', () => {
    const derive = (purpose: string, byteCount: number) =>
      new Uint8Array(
        hkdfSync('sha256', countingSeed, '', encode([TAGS.seedDerivation, purpose, vector.circle]), byteCount),
      )
    const order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
    const scalar = mapHashToField(derive('signing', 48), order)
    expect(toHex(scalar)).toBe(vector.signing)
    const ecdh = createECDH('secp256k1')
    ecdh.setPrivateKey(scalar)
    const identity = deriveIdentity(path)
    expect(toHex(toPublicKey(identity.did))).toBe(ecdh.getPublicKey('hex', 'compressed'))

    const secret = derive('agreement', 32)
    const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret])
    const spki = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
      format: 'der',
      type: 'spki',
    })
    expect(toHex(identity.agreement.publicKey)).toBe(spki.subarray(-32).toString('hex'))

    const preSecret = (purpose: string) => {
      // KeyGen of draft-irtf-cfrg-bls-signature-05, section 2.3, with its salt, our key_info and L = 48.
      const salt = createHash('sha256').update('BLS-SIG-KEYGEN-SALT-').digest()
      const info = Buffer.concat([Buffer.from(TAGS.preSecret), Buffer.of(0, 48)])
      const wide = hkdfSync('sha256', Buffer.concat([derive(purpose, 32), Buffer.of(0)]), salt, info, 48)
      const groupOrder = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n
      return (BigInt(`0x${Buffer.from(wide).toString('hex')}`) % groupOrder).toString(16).padStart(64, '0')
    }
    expect(preSecret('pre-delegator')).toBe(vector.delegator)
    expect(preSecret('pre-delegatee')).toBe(vector.delegatee)

    const labeler = createLabeler({ labelKey: derive('label', 32) })
    expect(identity.labeler.label('http://loinc.org|8867-4')).toBe(labeler.label('http://loinc.org|8867-4'))
  })
})

describe('seeds and circles', () => {
  it('share no key between circles, seeds and purposes', () => {
    const paths = [
      { seed: countingSeed, circle: 'a' },
      { seed: countingSeed, circle: 'b' },
      { seed: countingSeed.map((byte) => byte ^ 1), circle: 'a' },
    ]
    const secrets = paths.flatMap((path) => {
      const { delegator, delegatee } = derivePreSecrets(path)
      return [deriveSigningSecret(path), deriveAgreementSecret(path), deriveLabelKey(path), delegator, delegatee].map(
        toHex,
      )
    })
    expect(new Set(secrets).size).toBe(15)
  })

  it('are random where they are generated, and refuse a dead source', () => {
    expect(generateSeed()).toHaveLength(32)
    expect(generateSeed()).not.toEqual(generateSeed())
    expect(generateCircleId(fixedRandom('circle'))).toMatch(/^[0-9a-f]{32}$/)
    expect(generateCircleId()).not.toBe(generateCircleId())
    for (const generate of [generateSeed, generateCircleId]) {
      expect(() => generate((byteCount) => new Uint8Array(byteCount))).toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_NO_RANDOM' }),
      )
    }
  })

  it.each([
    ['a short seed', { seed: new Uint8Array(31), circle: 'a' }, 'seed'],
    ['a long seed', { seed: new Uint8Array(33), circle: 'a' }, 'seed'],
    ['a seed as text', { seed: '00'.repeat(32) as never, circle: 'a' }, 'seed'],
    ['no circle', { seed: countingSeed, circle: '' }, 'circle'],
    ['a circle in another normalization form', { seed: countingSeed, circle: 'e\u0301tude' }, 'circle'],
    ['a circle of 1,025 bytes', { seed: countingSeed, circle: 'a'.repeat(1_025) }, 'circle'],
    ['a circle that is no text', { seed: countingSeed, circle: 7 as never }, 'circle'],
  ])('refuse %s', (_, options, path) => {
    expect(() => deriveIdentity(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', path }))
  })

  it('take a circle of 1,024 bytes', () => {
    expect(deriveIdentity({ seed: countingSeed, circle: 'a'.repeat(1_024) }).did).toMatch(/^did:key:zQ3s/)
  })
})

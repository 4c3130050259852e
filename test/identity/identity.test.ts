import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import {
  createPreKeyMaker,
  createPreKeyVerifier,
  deriveIdentity,
  generateIdentity,
  hashKeyRecord,
  signKeyRotation,
  validateKeyRecord,
  verifyKeyRotation,
  type Identity,
  type PreIdentity,
} from '../../src/identity/index.ts'
import {
  deriveAgreementSecret,
  deriveLabelKey,
  derivePreSecrets,
  deriveSigningSecret,
} from '../../src/identity/seed.ts'
import { taggedHash } from '../../src/primitives/hash.ts'
import { createLabeler } from '../../src/primitives/label.ts'
import { TAGS } from '../../src/primitives/tags.ts'
import { chainId, countingSeed, failureOf, fixedRandom, party, verifier } from './fixtures.ts'

const path = { seed: countingSeed, circle: 'printing' }
const pre = createPreKeyMaker()
const heartRate = 'http://loinc.org|8867-4'

describe('an identity', () => {
  const identity = deriveIdentity({ ...path, pre })

  it('signs, agrees and labels as the keys that it shows', () => {
    const signature = identity.signer.sign(TAGS.grant, [1, 'field'])
    const digest = taggedHash(TAGS.grant, 1, 'field')
    expect(verifier.verify({ signer: identity.did, digest, signature })).toBe(true)
    const peer = party('peer')
    expect(identity.agreement.agree(peer.agreement.publicKey)).toEqual(peer.agreement.agree(identity.keys.agreement))
    expect(identity.labeler.isPrivate).toBe(true)
    expect(identity.labeler.label(heartRate)).not.toBe(createLabeler().label(heartRate))
    expect(identity.signer.did).toBe(identity.did)
    expect(identity.keys).toMatchObject({ did: identity.did, signingKey: identity.did })
  })

  it('has a record that others accept, PRE proofs included', () => {
    expect(validateKeyRecord(identity.keys, { preKeyVerifier: createPreKeyVerifier() }).ok).toBe(true)
    const without = deriveIdentity(path)
    expect(validateKeyRecord(without.keys).ok).toBe(true)
    expect(without.keys).not.toHaveProperty('pre')
    expect(without).not.toHaveProperty('preSecrets')
    expect(without.did).toBe(identity.did)
    expect(without.labeler.label(heartRate)).toBe(identity.labeler.label(heartRate))
  })

  it('is the same again, except for its hedged signatures', () => {
    const again = deriveIdentity({ ...path, pre })
    expect(hashKeyRecord(again.keys)).toEqual(hashKeyRecord(identity.keys))
    expect(again.keys.signature).not.toEqual(identity.keys.signature)
    const fixed = [1, 2].map(() => deriveIdentity(path, fixedRandom('hedge')).keys.signature)
    expect(fixed[0]).toEqual(fixed[1])
  })

  it('refuses to sign without randomness', () => {
    let calls = 0
    const dying = (byteCount: number) => new Uint8Array(byteCount).fill(calls++ === 0 ? 1 : 0)
    const dead = deriveIdentity(path, dying)
    expect(() => dead.signer.sign(TAGS.grant, [])).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_NO_RANDOM' }))
  })

  it('signs with no PRE key: none of its functions takes one, and copies are handed out', () => {
    const secrets = identity.preSecrets()
    expect(secrets).toEqual(derivePreSecrets(path))
    secrets.delegator.fill(0)
    expect(identity.preSecrets()).toEqual(derivePreSecrets(path))
    expect(Object.keys(identity).sort()).toEqual(
      ['agreement', 'did', 'dispose', 'keys', 'labeler', 'preSecrets', 'signer'].sort(),
    )
  })

  it('does not depend on the caller’s seed afterwards', () => {
    const seed = Uint8Array.from(countingSeed)
    const kept = deriveIdentity({ seed, circle: 'printing' })
    seed.fill(9)
    expect(kept.labeler.label(heartRate)).toBe(identity.labeler.label(heartRate))
    expect(countingSeed[1]).toBe(1)
  })

  it('is frozen, with all that hangs on it', () => {
    for (const part of [identity, identity.signer, identity.agreement, identity.labeler, identity.keys]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('an identity after a rotation of its key', () => {
  it('acts for the old account with the new key', () => {
    const old = deriveIdentity(path)
    const next = deriveIdentity({
      seed: countingSeed.map((byte) => byte ^ 0xff),
      circle: 'printing',
      did: old.did,
      pre,
    })
    expect(next.did).toBe(old.did)
    expect(next.signer.did).not.toBe(old.did)
    expect(validateKeyRecord(next.keys, { preKeyVerifier: createPreKeyVerifier() }).ok).toBe(true)
    const signature = signKeyRotation({ record: next.keys, chainId }, { signer: old.signer })
    expect(verifyKeyRotation({ record: next.keys, chainId }, { signingKey: old.did, signature })).toBe(true)
  })
})

describe('a generated identity', () => {
  it('is another each time, and the same from the same random bytes', () => {
    expect(generateIdentity().did).not.toBe(generateIdentity().did)
    expect(generateIdentity({}, fixedRandom('seed')).did).toBe(generateIdentity({ pre }, fixedRandom('seed')).did)
    expect(generateIdentity({ pre }, fixedRandom('seed')).keys.pre).toBeDefined()
  })

  it('needs randomness', () => {
    expect(() => generateIdentity({}, () => new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_NO_RANDOM' }),
    )
  })
})

describe('printing an identity', () => {
  /** All the ways in which bytes commonly reach a log. */
  function spellings(secret: Uint8Array): readonly string[] {
    const buffer = Buffer.from(secret)
    const parts = [...secret]
    return [
      buffer.toString('hex'),
      buffer.toString('base64'),
      buffer.toString('base64url'),
      parts.join(','),
      parts.join(', '),
      parts.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      BigInt(`0x${buffer.toString('hex')}`).toString(),
      buffer.toString('latin1'),
    ]
  }

  function everyPrint(value: object): string {
    const lines: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => {
      lines.push(parts.map((part) => inspect(part)).join(' '))
    })
    console.log(value)
    log.mockRestore()
    const deep = {
      depth: Infinity,
      maxArrayLength: Infinity,
      maxStringLength: Infinity,
      breakLength: Infinity,
    } as const
    lines.push(inspect(value, { ...deep, showHidden: true, getters: true, compact: true }))
    lines.push(inspect(value, { ...deep, showProxy: true }), JSON.stringify(value), Object.values(value).join())
    const all = (part: object): string =>
      Reflect.ownKeys(part)
        .map((key) => (part as Record<PropertyKey, unknown>)[key])
        .map((member) =>
          typeof member === 'function' ? member.toString() : `${JSON.stringify(member)}${inspect(member, deep)}`,
        )
        .join()
    lines.push(
      all(value),
      ...Object.values(value).flatMap((part) => (typeof part === 'object' ? [all(part as object)] : [])),
    )
    return lines.join('\n').replaceAll(/\s+/g, ' ')
  }

  const secrets = [
    countingSeed,
    deriveSigningSecret(path),
    deriveAgreementSecret(path),
    deriveLabelKey(path),
    ...Object.values(derivePreSecrets(path)),
  ]

  it('shows no secret in any spelling', () => {
    const identity = deriveIdentity({ ...path, pre })
    const printed = everyPrint(identity)
    expect(printed).toContain(identity.did)
    for (const secret of secrets) {
      for (const spelling of spellings(secret)) expect(printed.includes(spelling)).toBe(false)
    }
  })

  it('would be caught if it did', () => {
    for (const secret of secrets) {
      const printed = everyPrint({ nested: { secret }, hex: Buffer.from(secret).toString('hex') })
      expect(spellings(secret).some((spelling) => printed.includes(spelling))).toBe(true)
    }
  })

  it('shares no memory between what it shows and what it keeps', () => {
    const { keys, agreement, signer } = deriveIdentity({ ...path, pre })
    const shown = [
      keys.agreement,
      keys.signature,
      agreement.publicKey,
      keys.pre!.delegator.publicKey,
      keys.pre!.delegatee.proof,
    ]
    for (const bytes of [...shown, signer.sign(TAGS.grant, [])]) expect(bytes.buffer.byteLength).toBe(bytes.length)
  })
})

describe('disposing of an identity', () => {
  const uses: readonly (readonly [string, (identity: Identity) => unknown])[] = [
    ['sign', ({ signer }) => signer.sign(TAGS.grant, [])],
    ['agree', ({ agreement }) => agreement.agree(party('peer').agreement.publicKey)],
    ['label', ({ labeler }) => labeler.label(heartRate)],
    ['preSecrets', (identity) => (identity as PreIdentity).preSecrets()],
  ]

  it('stops every use, says so, and may happen twice', () => {
    const identity = deriveIdentity({ ...path, pre })
    for (const [, use] of uses) expect(() => use(identity)).not.toThrow()
    identity.dispose()
    identity.dispose()
    for (const [name, use] of uses) {
      expect(() => use(identity), name).toThrow(
        expect.objectContaining({
          code: 'ERR_ARGUMENT_INVALID',
          message: expect.stringContaining('disposed') as string,
        }),
      )
    }
    expect(identity.did).toBe(identity.keys.did)
  })

  it('overwrites the bytes that it held', () => {
    const identity = deriveIdentity({ ...path, pre })
    const wiped: string[] = []
    const fill = vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, value) {
      if (value === 0) wiped.push(Buffer.from(this).toString('hex'))
      for (let i = 0; i < this.length; i++) this[i] = value
      return this
    })
    identity.dispose()
    fill.mockRestore()
    const { delegator, delegatee } = derivePreSecrets(path)
    const held = [deriveSigningSecret(path), deriveLabelKey(path), delegator, delegatee]
    expect(wiped).toEqual(held.map((secret) => Buffer.from(secret).toString('hex')))
  })

  it('leaves other identities of the same seed alone', () => {
    const [one, two] = [deriveIdentity(path), deriveIdentity(path)]
    one.dispose()
    expect(two.labeler.label(heartRate)).toMatch(/^[0-9a-f]{32}$/)
    expect(failureOf(validateKeyRecord({ ...one.keys, did: party('x').did })).code).toBe('ERR_SIGNATURE_INVALID')
  })
})

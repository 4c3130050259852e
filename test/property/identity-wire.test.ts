import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createCredential,
  createPreKeyMaker,
  CREDENTIAL_KINDS,
  delegateShape,
  encodeCredential,
  encodeKeyRecord,
  encodeMultikey,
  generateIdentity,
  isCredentialLive,
  issueCredential,
  parseCredential,
  parseKeyRecord,
  parseMultikey,
  QUOTA_CLASSES,
  RIGHTS,
  rightsOf,
  roundToMonths,
  validateCredential,
  validateKeyRecord,
  verifyAgreementProof,
  type DelegateChange,
} from '../../src/identity/index.ts'
import { ceilToMonth, floorToMonth } from '../../src/identity/months.ts'
import type { Result } from '../../src/errors.ts'
import { createDid } from '../../src/primitives/did.ts'
import { sha256 } from '../../src/primitives/hash.ts'
import { createId } from '../../src/primitives/ids.ts'
import { TIME_MS_MAX } from '../../src/primitives/limits.ts'
import { ROLES } from '../../src/primitives/roles.ts'
import { encodeShape, parseShape } from '../../src/primitives/shape.ts'
import { createVerifier } from '../../src/primitives/signature.ts'
import { propertyRuns } from '../support/property.ts'

const chainId = createId('chain', sha256(Uint8Array.of(1)))
const verifier = createVerifier()
const issuer = generateIdentity()
const holder = generateIdentity({ pre: createPreKeyMaker() })
// The proofs are judged elsewhere; here every bit must be covered by the signature before they are looked at.
const preKeyVerifier = { isPublicKey: () => true, verifyPossession: () => true }

const timeMs = fc.integer({ min: 0, max: TIME_MS_MAX })
const did = fc
  .tuple(fc.constantFrom(2, 3), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([first, rest]) => createDid(Uint8Array.of(first, ...rest)))
const organisation = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => text.normalize('NFC'))

const eCert = fc.record({
  kind: fc.constant(CREDENTIAL_KINDS[0]),
  subject: did,
  role: fc.constantFrom(...ROLES),
  organisation: fc.option(organisation),
  notBeforeMs: timeMs,
  notAfterMs: timeMs,
  quotaPerMinute: fc.option(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
})
const tCert = fc
  .record({
    kind: fc.constant(CREDENTIAL_KINDS[1]),
    subject: did,
    role: fc.constantFrom(...ROLES),
    notBeforeMs: fc.integer({ min: 0, max: 4e12 }),
    notAfterMs: fc.integer({ min: 4e12, max: 8e12 }),
    quotaPerMinute: fc.option(fc.constantFrom(...QUOTA_CLASSES)),
  })
  .map((terms) => ({ ...terms, ...roundToMonths(terms) }))
const credential = fc
  .oneof(eCert, tCert)
  .filter(({ notBeforeMs, notAfterMs }) => notBeforeMs < notAfterMs)
  .map((terms) =>
    issueCredential(createCredential({ ...terms, issuer: issuer.did }), { chainId, signer: issuer.signer }),
  )

const delegate: fc.Arbitrary<DelegateChange> = fc.oneof(
  fc.record({ slot: fc.integer({ min: 1, max: 8 }), signingKey: fc.constant(null) }),
  fc.record({
    slot: fc.integer({ min: 1, max: 8 }),
    signingKey: did,
    agreement: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes))),
    rights: fc.subarray([...RIGHTS], { minLength: 1 }).map(rightsOf),
    notAfterMs: timeMs,
  }),
)

const delegates = { object: 'delegate' }
const parseDelegate = (bytes: Uint8Array) => parseShape(bytes, delegateShape, delegates)
const encodeDelegate = (change: DelegateChange) => encodeShape(change, delegateShape, delegates)

/** Bytes that are nearly right: one sample with bytes changed, cut out, doubled, or two samples spliced. */
function mutants(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const sample = fc.constantFrom(...samples)
  const at = fc.nat({ max: 600 })
  return fc.oneof(
    fc
      .tuple(sample, fc.array(fc.tuple(at, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }))
      .map(([bytes, edits]) => {
        const edited = Uint8Array.from(bytes)
        for (const [index, value] of edits) edited[index % bytes.length] = value
        return edited
      }),
    fc.tuple(sample, at, at).map(([bytes, from, count]) => {
      const start = from % bytes.length
      return Uint8Array.of(...bytes.slice(0, start), ...bytes.slice(start + (count % 40)))
    }),
    fc.tuple(sample, sample, at).map(([left, right, cut]) => {
      return Uint8Array.of(...left.slice(0, cut % left.length), ...right.slice(cut % right.length))
    }),
  )
}

/** Reading never throws, and what it accepts it writes back byte for byte. */
function expectCanonical<T>(
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => Result<T>,
  encode: (value: T) => Uint8Array,
) {
  const parsed = parse(bytes)
  if (parsed.ok) expect(encode(parsed.value)).toEqual(Uint8Array.from(bytes))
  else expect(parsed.code).toMatch(/^ERR_CODEC_/)
}

const records = [holder.keys, issuer.keys].map(encodeKeyRecord)
const samples = fc.sample(credential, { numRuns: 6, seed: 7 })
const credentials = samples.map(encodeCredential)
const changes = fc.sample(delegate, { numRuns: 6, seed: 7 }).map(encodeDelegate)

describe('reading identities from foreign bytes', () => {
  it('never throws and reads one value from one encoding', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutants([...records, ...credentials, ...changes]))
    fc.assert(
      fc.property(bytes, (input) => {
        expectCanonical(input, parseKeyRecord, encodeKeyRecord)
        expectCanonical(input, parseCredential, encodeCredential)
        expectCanonical(input, parseDelegate, encodeDelegate)
      }),
      propertyRuns(2_000),
    )
  })

  it('round-trips credentials and delegates, and an honest credential is valid', () => {
    fc.assert(
      fc.property(credential, delegate, (issued, change) => {
        expect(parseCredential(encodeCredential(issued))).toEqual({ ok: true, value: issued })
        expect(parseDelegate(encodeDelegate(change))).toEqual({ ok: true, value: change })
        expect(validateCredential(issued, { chainId, verifier }).ok).toBe(true)
      }),
      propertyRuns(200),
    )
  })

  it('accepts no record and no credential of which a bit was changed, but for the hint', () => {
    const certificate = credentials[0] as Uint8Array
    for (const [bytes, isAccepted] of [
      [records[0] as Uint8Array, acceptsRecord],
      [certificate, acceptsCredential],
    ] as const) {
      for (let index = 0; index < bytes.length; index++) {
        const changed = Uint8Array.from(bytes)
        changed[index] = (changed[index] as number) ^ (1 << (index % 8))
        expect(isAccepted(changed), `byte ${index}`).toBe(index === bytes.length - 1)
      }
    }
  })

  it('marks a mutant only when it says exactly what was signed', () => {
    fc.assert(
      fc.property(mutants(records), (input) => {
        if (!acceptsRecord(input)) return
        const honest = records.some((bytes) => Buffer.compare(bytes.subarray(0, -1), input.subarray(0, -1)) === 0)
        expect(honest).toBe(true)
      }),
      propertyRuns(500),
    )
  })

  it('never takes foreign bytes for a proof of possession', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (proof) => {
        const claim = { record: holder.keys, chainId, challenge: sha256(Uint8Array.of(2)) }
        expect(verifyAgreementProof(claim, { registrar: issuer.agreement, proof })).toBe(false)
      }),
      propertyRuns(100),
    )
  })
})

function acceptsRecord(bytes: Uint8Array): boolean {
  const parsed = parseKeyRecord(bytes)
  return parsed.ok && validateKeyRecord(parsed.value, { verifier, preKeyVerifier }).ok
}

function acceptsCredential(bytes: Uint8Array): boolean {
  const parsed = parseCredential(bytes)
  return parsed.ok && validateCredential(parsed.value, { chainId, verifier }).ok
}

describe('laws', () => {
  it('Multikey: reading undoes writing, and every text that reads is the one that is written', () => {
    const key = fc.oneof(
      fc.tuple(fc.constant('x25519' as const), fc.uint8Array({ minLength: 32, maxLength: 32 })),
      fc.tuple(fc.constant('bls12-381-g1' as const), fc.uint8Array({ minLength: 48, maxLength: 48 })),
    )
    fc.assert(
      fc.property(key, fc.string({ maxLength: 80 }), fc.nat(), ([type, bytes], noise, at) => {
        const publicKey = Uint8Array.from(bytes)
        if (type !== 'x25519') publicKey[0] = (publicKey[0] as number) | 0x80
        const text = encodeMultikey({ type, publicKey })
        expect(parseMultikey(text)).toEqual({ ok: true, value: { type, publicKey } })
        const index = at % text.length
        for (const candidate of [noise, text.slice(0, index) + noise.slice(0, 1) + text.slice(index + 1)]) {
          const parsed = parseMultikey(candidate)
          if (parsed.ok) expect(encodeMultikey(parsed.value)).toBe(candidate)
        }
      }),
      propertyRuns(200),
    )
  })

  it('months: rounding encloses, is idempotent, and agrees with Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIME_MS_MAX - 32 * 86_400_000 }), (atMs) => {
        const [floor, ceil] = [floorToMonth(atMs), ceilToMonth(atMs)]
        const date = new Date(atMs)
        expect(floor).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) || 0)
        expect(floor <= atMs && atMs <= ceil).toBe(true)
        expect([floorToMonth(floor), ceilToMonth(ceil)]).toEqual([floor, ceil])
      }),
      propertyRuns(500),
    )
  })

  it('credentials: live exactly inside of the half-open validity', () => {
    fc.assert(
      fc.property(timeMs, timeMs, timeMs, (notBeforeMs, notAfterMs, atMs) => {
        const expected = !(atMs < notBeforeMs) && atMs < notAfterMs
        expect(isCredentialLive({ notBeforeMs, notAfterMs }, atMs)).toBe(expected)
      }),
      propertyRuns(200),
    )
  })
})

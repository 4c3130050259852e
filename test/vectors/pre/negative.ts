import { bls12_381 } from '@noble/curves/bls12-381.js'

import { toHex } from '../../../src/primitives/bytes.ts'

/** A changed object and what must be answered. */
export interface NegativeVector {
  readonly name: string
  readonly kind: 'capsule' | 're-encryption-key' | 're-encrypted-capsule'
  readonly bytes: string
  /** A code of reading; or what the checks say of an object that reads: refused by the public check, or only on opening. */
  readonly outcome: string
}

const REFUSED = 'refused'
const NOT_OPENED = 'ERR_DECRYPTION_FAILED'

const { Fp, Fp12, Fp6 } = bls12_381.fields
const ORDER = bls12_381.fields.Fr.ORDER

function hexOf(number: bigint, byteCount: number): string {
  return number.toString(16).padStart(2 * byteCount, '0')
}

/** (1 + c0)/c1: the encoding, also of what is outside of GT. */
function compress(f: ReturnType<typeof Fp12.create>): string {
  return toHex(Fp6.toBytes(Fp6.mul(Fp6.add(Fp6.ONE, f.c0), Fp6.inv(f.c1))))
}

function elementOfOrder(order: bigint): string {
  const some = Fp12.fromBigTwelve([3n, 1n, 4n, 1n, 5n, 9n, 2n, 6n, 5n, 3n, 5n, 8n])
  return compress(Fp12.pow(some, (Fp.ORDER ** 12n - 1n) / order))
}

/** A point of the curve outside of the subgroup: the first small x that has a y. */
function strayPoint(): string {
  for (let x = 1n; ; x++) {
    const right = Fp.add(Fp.mul(Fp.sqr(x), x), 4n)
    if (Fp.pow(right, (Fp.ORDER - 1n) / 2n) !== 1n) continue
    const point = bls12_381.G1.Point.fromAffine({ x, y: Fp.sqrt(right) })
    if (!point.isTorsionFree()) return `80${hexOf(x, 47)}`
  }
}

const IDENTITY_G1 = `c0${'00'.repeat(47)}`

function replace(bytes: string, part: string, other: string): string {
  if (part.length !== other.length || !bytes.includes(part)) throw new Error('nothing to replace')
  return bytes.replace(part, other)
}

/** The negative vectors of published objects. */
export function makeNegative(cpre: { readonly [name: string]: unknown }): readonly NegativeVector[] {
  const [capsule, reKey, converted] = [cpre['capsule'], cpre['reKey'], cpre['converted']] as [string, string, string]
  const core = capsule.slice(-288)
  const [point, masked, challenge, response] = [
    core.slice(0, 96),
    core.slice(96, 160),
    core.slice(160, 224),
    core.slice(224),
  ] as [string, string, string, string]
  const element = converted.slice(-576)
  const ofCapsule = (name: string, part: string, other: string): NegativeVector => {
    return { name, kind: 'capsule', bytes: replace(capsule, part, other), outcome: REFUSED }
  }
  const ofElement = (name: string, other: string): NegativeVector => {
    return { name, kind: 're-encrypted-capsule', bytes: replace(converted, element, other), outcome: NOT_OPENED }
  }
  const parse = (name: string, kind: NegativeVector['kind'], bytes: string, outcome: string): NegativeVector => {
    return { name, kind, bytes, outcome }
  }
  const owner = cpre['ownerPublicKey'] as string
  const commitment = reKey.slice(-2 * (2 + 65 + 2 + 96 + 48), -2 * (2 + 65 + 2 + 96))
  const flipped = (hex: string) => `${hex.slice(0, -1)}${(parseInt(hex.slice(-1), 16) ^ 1).toString(16)}`
  return [
    parse('trailing byte', 'capsule', `${capsule}00`, 'ERR_CODEC_TRAILING_BYTES'),
    parse('truncated', 'capsule', capsule.slice(0, -2), 'ERR_CODEC_MALFORMED'),
    parse('another version', 'capsule', replace(capsule, '87010101', '87020101'), 'ERR_CODEC_VERSION'),
    parse('another suite', 'capsule', replace(capsule, '87010101', '87010201'), 'ERR_CODEC_VERSION'),
    parse('another kind', 'capsule', replace(capsule, '87010101', '87010102'), 'ERR_CODEC_VERSION'),
    parse('a huge length', 'capsule', '870101015bffffffffffffffff', 'ERR_CODEC_LIMIT'),
    parse('a re-key as a capsule', 'capsule', reKey, 'ERR_CODEC_MALFORMED'),
    ofCapsule('the identity as point', point, IDENTITY_G1),
    ofCapsule('a point outside of the subgroup', point, strayPoint()),
    ofCapsule(
      'an uncompressed flag',
      point,
      `${(parseInt(point.slice(0, 2), 16) & 0x7f).toString(16)}${point.slice(2)}`,
    ),
    ofCapsule('x from the order of the field on', point, `9a${hexOf(Fp.ORDER, 48).slice(2)}`),
    ofCapsule('the generator as point', point, toHex(bls12_381.G1.Point.BASE.toBytes(true))),
    ofCapsule('another mask', masked, flipped(masked)),
    ofCapsule('challenge zero', challenge, hexOf(0n, 32)),
    ofCapsule('challenge r', challenge, hexOf(ORDER, 32)),
    ofCapsule('challenge r + 1', challenge, hexOf(ORDER + 1n, 32)),
    ofCapsule('response zero', response, hexOf(0n, 32)),
    ofCapsule('response r', response, hexOf(ORDER, 32)),
    ofCapsule('another response', response, flipped(response)),
    ofCapsule('another owner', owner, cpre['delegateePublicKey'] as string),
    ofCapsule(
      'another condition',
      toHex(new TextEncoder().encode('2026-06')),
      toHex(new TextEncoder().encode('2026-07')),
    ),
    ofElement('an element of order 37', elementOfOrder(37n)),
    ofElement('an element of order 4513', elementOfOrder(4513n)),
    ofElement('minus one', '00'.repeat(288)),
    ofElement('an integer from the order of the field on', `${hexOf(Fp.ORDER, 48)}${element.slice(96)}`),
    ofElement('the inverse of T', inverseOf(element)),
    ofElement('another element', flipped(element)),
    parse(
      'another re-key id',
      're-encrypted-capsule',
      replace(converted, cpre['reKeyId'] as string, flipped(cpre['reKeyId'] as string)),
      NOT_OPENED,
    ),
    parse('the identity as X', 're-encryption-key', replace(reKey, commitment, IDENTITY_G1), REFUSED),
    parse(
      'another signature',
      're-encryption-key',
      `${reKey.slice(0, -130)}${flipped(reKey.slice(-130, -2))}ff`,
      REFUSED,
    ),
    parse(
      'another owner',
      're-encryption-key',
      replace(reKey, owner, toHex(bls12_381.G1.Point.BASE.toBytes(true))),
      REFUSED,
    ),
  ]
}

/** -alpha encodes the inverse. */
function inverseOf(element: string): string {
  const parts = Array.from({ length: 6 }, (_, i) => BigInt(`0x${element.slice(96 * i, 96 * i + 96)}`))
  return parts.map((part) => hexOf(Fp.neg(part), 48)).join('')
}

/** A changed object of the identity-based scheme, what is done with it, and the answer. */
export interface IbNegativeVector {
  readonly name: string
  readonly use: 'parameters' | 'secret-key' | 're-key' | 'decrypt' | 'reEncrypt' | 'authVerify' | 'verifyKeyShare'
  readonly bytes: string
  readonly outcome: string
}

/** The negative vectors of published objects of the identity-based scheme. */
export function makeIbNegative(ib: { readonly [name: string]: unknown }): readonly IbNegativeVector[] {
  const { parameters, secretKey, ciphertext, reKey, converted, signature, keyShares } = ib as {
    readonly [name: string]: string
  } & { readonly keyShares: readonly string[] }
  const flip = (hex: string, byte: number): string => {
    const at = byte < 0 ? hex.length + 2 * byte : 2 * byte
    const changed = (parseInt(hex.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0')
    return hex.slice(0, at) + changed + hex.slice(at + 2)
  }
  const [g1, g2] = [bls12_381.G1.Point.BASE.toBytes(true), bls12_381.G2.Point.BASE.toBytes(true)].map(toHex)
  const [first1, first2] = [parameters?.slice(12, 108), parameters?.slice(2 * 206, 2 * 302)]
  const invalid = 'ERR_CRYPTO_INVALID_POINT'
  const vector = (name: string, use: IbNegativeVector['use'], bytes: string, outcome: string): IbNegativeVector => {
    return { name, use, bytes, outcome }
  }
  const text = (value: string) => toHex(new TextEncoder().encode(value))
  const element = converted?.slice(-576) as string
  return [
    vector('another g^a', 'parameters', replace(parameters as string, first1 as string, g1 as string), invalid),
    vector('another h^a', 'parameters', replace(parameters as string, first2 as string, g2 as string), invalid),
    vector('the identity as g^a', 'parameters', replace(parameters as string, first1 as string, IDENTITY_G1), invalid),
    vector('another Z', 'parameters', flip(parameters as string, -1), invalid),
    vector('another name', 'secret-key', replace(secretKey as string, text('alice'), text('alicf')), invalid),
    vector('another name', 're-key', replace(reKey as string, text('alice'), text('alicf')), 'ERR_SIGNATURE_INVALID'),
    vector('another delegatee', 're-key', replace(reKey as string, text('bob'), text('bod')), 'ERR_SIGNATURE_INVALID'),
    vector('another type', 're-key', replace(reKey as string, text('heart'), text('hearu')), 'ERR_SIGNATURE_INVALID'),
    vector('another type', 'decrypt', replace(ciphertext as string, text('heart'), text('hearu')), NOT_OPENED),
    vector('another mask', 'decrypt', flip(ciphertext as string, 4 + 6 + 11 + 2 + 150), NOT_OPENED),
    vector('another response', 'decrypt', flip(ciphertext as string, 4 + 6 + 11 + 2 + 239), NOT_OPENED),
    vector('other data', 'decrypt', flip(ciphertext as string, -1), NOT_OPENED),
    vector('a truncated one', 'decrypt', ciphertext?.slice(0, -2) as string, NOT_OPENED),
    vector('another response', 'reEncrypt', flip(ciphertext as string, 4 + 6 + 11 + 2 + 239), 'ERR_ARGUMENT_INVALID'),
    vector(
      'another type',
      'reEncrypt',
      replace(ciphertext as string, text('heart'), text('hearu')),
      'ERR_PRE_CONDITION_MISMATCH',
    ),
    vector('a converted one', 'reEncrypt', converted as string, 'ERR_CODEC_MALFORMED'),
    vector('T of order 37', 'decrypt', replace(converted as string, element, elementOfOrder(37n)), NOT_OPENED),
    vector('T of order 4513', 'decrypt', replace(converted as string, element, elementOfOrder(4513n)), NOT_OPENED),
    vector('another T', 'decrypt', replace(converted as string, element, inverseOf(element)), NOT_OPENED),
    vector('another s0', 'authVerify', flip(signature as string, 7), 'refused'),
    vector('another kind', 'authVerify', flip(signature as string, 3), 'refused'),
    vector('another d0', 'verifyKeyShare', flip(keyShares[0] as string, 20), 'refused'),
    vector('another centre', 'verifyKeyShare', flip(keyShares[1] as string, 4), 'refused'),
  ]
}

/** A changed fragment, record or wrapped key, and the answer of what takes it. */
export interface OtherNegativeVector {
  readonly name: string
  readonly kind: 're-key-fragment' | 'capsule-fragment' | 'record' | 'wrapped-key'
  readonly bytes: string
  readonly outcome: string
}

/** The negative vectors of published fragments, of the epoch record and of the wrapped key. */
export function makeOtherNegative(
  cpre: { readonly [name: string]: unknown },
  rewrap: { readonly [name: string]: unknown },
): readonly OtherNegativeVector[] {
  const [share] = cpre['reKeyFragments'] as readonly [string]
  const [part] = cpre['capsuleFragments'] as readonly [string]
  const [record, wrapped] = [cpre['record'], rewrap['wrapped']] as [string, string]
  // The point of G2 stands last, behind the signature; so does the proof of a fragment.
  const element = share.slice(-192)
  const flip = (hex: string, byte: number): string => {
    const at = hex.length + 2 * byte
    return (
      hex.slice(0, at) + (parseInt(hex.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0') + hex.slice(at + 2)
    )
  }
  const vector = (name: string, kind: OtherNegativeVector['kind'], bytes: string, outcome: string) => {
    return { name, kind, bytes, outcome }
  }
  const generator = toHex(bls12_381.G2.Point.BASE.toBytes(true))
  return [
    vector('trailing byte', 're-key-fragment', `${share}00`, 'ERR_CODEC_TRAILING_BYTES'),
    vector('a re-key as a fragment', 're-key-fragment', cpre['reKey'] as string, 'ERR_CODEC_MALFORMED'),
    vector('another element', 're-key-fragment', replace(share, element, generator), REFUSED),
    vector('the identity as element', 're-key-fragment', replace(share, element, `c0${'00'.repeat(95)}`), REFUSED),
    vector('another signature', 're-key-fragment', flip(share, -(96 + 2 + 30)), REFUSED),
    vector('trailing byte', 'capsule-fragment', `${part}00`, 'ERR_CODEC_TRAILING_BYTES'),
    vector('a converted capsule as a fragment', 'capsule-fragment', cpre['converted'] as string, 'ERR_CODEC_MALFORMED'),
    vector('another proof', 'capsule-fragment', flip(part, -1), REFUSED),
    vector('another ciphertext', 'record', flip(record, -20), NOT_OPENED),
    vector('another tag', 'record', flip(record, -1), NOT_OPENED),
    vector('another salt', 'record', replace(record, record.slice(16, 32), flip(record.slice(16, 32), -1)), NOT_OPENED),
    vector('truncated', 'record', record.slice(0, -2), NOT_OPENED),
    vector('a capsule as a record', 'record', cpre['capsule'] as string, NOT_OPENED),
    vector('another tag', 'wrapped-key', flip(wrapped, -1), NOT_OPENED),
    vector(
      'another ephemeral key',
      'wrapped-key',
      replace(wrapped, wrapped.slice(16, 32), flip(wrapped.slice(16, 32), -1)),
      NOT_OPENED,
    ),
    vector('truncated', 'wrapped-key', wrapped.slice(0, -2), NOT_OPENED),
  ]
}

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

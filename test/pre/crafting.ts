import { BLS_GROUP_ORDER } from '../../src/primitives/bls-secret.ts'
import type { BlsScalar } from '../../src/primitives/bls12-381.ts'
import { copyBytes, type Bytes, type Verified } from '../../src/primitives/bytes.ts'
import type { G1Element, G2Element, GtElement, PreparedG2 } from '../../src/primitives/pairing-groups.ts'
import { createPairingGroups } from '../../src/primitives/portable-groups.ts'
import { createCapsule, hashCapsule, joinCore, splitCore, type Capsule } from '../../src/pre/capsule.ts'
import { sortConditions, type Condition } from '../../src/pre/condition.ts'
import { assembleConverted, convertedWire, type ReEncryptedCapsule } from '../../src/pre/re-encrypt.ts'
import type { ReEncryptionKey } from '../../src/pre/re-key.ts'
import { capsuleScalar, conditionPoint, maskMessage, proveScalar, reopen } from '../../src/pre/transcript.ts'
import { june, owner } from './world.ts'

/** What attackers compute, with the library's own parts in another order. */
export const groups = createPairingGroups()

export function pairOne(left: G1Element, right: G2Element): GtElement {
  return groups.pair([[left, groups.prepareG2(right)]]) as GtElement
}

/** Z_w^exponent for the owner. */
export function sharedFor(condition: Condition, exponent: bigint): GtElement {
  const base = pairOne(
    groups.parseG1(owner.keys.publicKey) as G1Element,
    conditionPoint(groups, owner.keys.publicKey, condition),
  )
  return groups.powerGt(base, exponent as BlsScalar)
}

/** A capsule whose maker does as he likes; the proof always holds, since he knows the scalar. */
export function craftCapsule(wish: {
  readonly conditions?: readonly Condition[]
  /** Behind C; by default as the first message gives it. */
  readonly scalar?: (honest: BlsScalar) => BlsScalar
  /** What is hidden for each condition. */
  readonly messages: readonly Bytes[]
  /** Exponent of Z_w in the mask; by default that of C. */
  readonly maskScalar?: BlsScalar
  /** From which message r and the nonce of the proof come; the first by default. */
  readonly from?: number
  /** Another message for the nonce: then the proof holds, and is not what the message gives. */
  readonly nonceFrom?: Bytes
}): Capsule {
  const conditions = sortConditions(wish.conditions ?? [june])
  const facts = { delegator: owner.keys.publicKey, conditions, associatedData: new Uint8Array(0) }
  const source = wish.messages[wish.from ?? 0] as Bytes
  const honest = capsuleScalar(source, facts)
  const scalar = wish.scalar?.(honest) ?? honest
  const point = groups.encodeG1(groups.multiplyBaseG1(scalar))
  const masked = conditions.map((condition, i) => {
    const shared = groups.encodeGt(sharedFor(condition, wish.maskScalar ?? scalar))
    return maskMessage(wish.messages[i] as Bytes, shared, { facts, condition, point })
  })
  const id = hashCapsule(facts, { point, masked })
  const proof = proveScalar(groups, { message: wish.nonceFrom ?? source, scalar }, id)
  if (proof === undefined) throw new Error('no proof')
  return createCapsule({ ...facts, core: joinCore({ point, masked, ...proof }) })
}

/** A converted capsule whose proxy does as it likes. */
export function craftConverted(
  capsule: Capsule,
  key: ReEncryptionKey,
  element: GtElement | Uint8Array,
): ReEncryptedCapsule {
  const bytes = element instanceof Uint8Array ? copyBytes(element) : groups.encodeGt(element)
  return assembleConverted(convertedWire(capsule, key, { reKeyId: key.id, element: bytes }), capsule)
}

/** What a colluder does with the key of a condition: the whole of opening, or undefined. */
export function openWith(
  conditionKey: G2Element | PreparedG2,
  capsule: Capsule,
  condition: Condition = june,
): Bytes | undefined {
  const parts = splitCore(capsule)
  const lines = Array.isArray(conditionKey) ? (conditionKey as PreparedG2) : groups.prepareG2(conditionKey as G2Element)
  const shared = groups.encodeGt(groups.pair([[groups.parseG1(parts.point) as G1Element, lines]]) as GtElement)
  for (const masked of parts.masked) {
    const message = maskMessage(masked, shared, { facts: capsule, condition, point: parts.point })
    const opened = reopen(groups, capsule, message)
    if (opened !== undefined) return opened.key
  }
  return undefined
}

export function invert(scalar: bigint): BlsScalar {
  let [a, b, x, y] = [scalar, BLS_GROUP_ORDER, 1n, 0n]
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  return (((x % BLS_GROUP_ORDER) + BLS_GROUP_ORDER) % BLS_GROUP_ORDER) as BlsScalar
}

/** As the types want it, without the check. */
export function unchecked<T>(value: T): Verified<T> {
  return value as Verified<T>
}

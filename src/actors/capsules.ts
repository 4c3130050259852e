/**
 * Type keys in capsules: what `keys`, owner, proxy and institution need of `pre`, in one place.
 *
 * Inside the product a capsule has one condition: the label of a type, the key epoch, and the ledger. Three objects travel:
 * from the owner to the proxy, sealed to the proxy, the re-key with the capsule; from the proxy to the institution, as a
 * block whose digest is on the ledger, the converted capsule; and with either the type key, sealed under the capsule's key.
 */

import { VitalsealError } from '../errors.ts'
import { hashKeyRecord, type KeyRecord, type PreIdentity } from '../identity/index.ts'
import type { CapsuleContext, CapsuleSealer, SealedTypeKey } from '../keys/index.ts'
import {
  createEpochOpener,
  createEpochSealer,
  createPreKeyPair,
  createReEncryptionKey,
  decapsulate,
  parsePreObject,
  type Condition,
  type PreKeyPair,
  type ReEncryptedCapsule,
  type ReEncryptionKey,
} from '../pre/index.ts'
import type { AgreementKey } from '../primitives/agreement.ts'
import { fromHex, toHex, type Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { openHpke, sealHpke } from '../primitives/hpke.ts'
import { toDigest, type ChainId } from '../primitives/ids.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, bytesUpTo, encodeShape, parseShape, tuple } from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'

/** Longest capsule, re-key or converted capsule of the product; each has less than 1 KiB. */
const OBJECT_BYTES_MAX = 2_048
/** Longest sealed key. */
const KEY_BYTES_MAX = 256
/** Longest block of a converted capsule. */
export const CONVERTED_BYTES_MAX: number = OBJECT_BYTES_MAX + KEY_BYTES_MAX + 64

const KEY_ID = 'type key'

const sealedKeyShape = tuple({ capsule: bytesUpTo(OBJECT_BYTES_MAX), key: bytesUpTo(KEY_BYTES_MAX) })
const convertedKeyShape = tuple({ capsule: bytesUpTo(OBJECT_BYTES_MAX), key: bytesUpTo(KEY_BYTES_MAX) })
const deliveryShape = tuple({ reKey: bytesUpTo(OBJECT_BYTES_MAX), sealedKey: bytesUpTo(2 * OBJECT_BYTES_MAX) })
const sealedDeliveryShape = tuple({ enc: bytesOf(32), ciphertext: bytesUpTo(4 * OBJECT_BYTES_MAX) })

/** Port: what an owner needs to let a proxy convert. {@link createOwnerCapsules} is the one over BLS12-381. */
export interface OwnerCapsules extends CapsuleSealer {
  /** Returns a re-key for one delegatee, as its id of 32 bytes and its bytes. */
  createReKey(options: {
    readonly context: CapsuleContext
    /** The delegatee's keys, from the ledger. */
    readonly delegatee: KeyRecord
    readonly expiresAtMs: number
  }): { readonly id: Digest32; readonly bytes: Bytes }
}

/** The one condition of a capsule in the product. */
export function careCondition({ chainId, label, epoch }: CapsuleContext): Condition {
  return { type: label, epoch: `${epoch}`, extra: [chainId] }
}

/** One side's keys of an identity. */
export function preKeysOf<R extends 'delegator' | 'delegatee'>(identity: PreIdentity, role: R): PreKeyPair<R> {
  const secrets = identity.preSecrets()
  const pair = createPreKeyPair(secrets[role], role)
  secrets.delegator.fill(0)
  secrets.delegatee.fill(0)
  return pair
}

/**
 * Returns what {@link Patient} needs to let proxies convert; pass it as `capsules`. Carries the pairing code, which other
 * patients do without.
 *
 * @param identity - the patient's, made with `pre: createPreKeyMaker()`
 */
export function createOwnerCapsules(identity: PreIdentity, random: RandomSource = randomBytes): OwnerCapsules {
  const keys = preKeysOf(identity, 'delegator')
  return Object.freeze({
    async sealKey(key: Uint8Array, context: CapsuleContext) {
      const sealer = createEpochSealer({ to: keys.publicKey, condition: careCondition(context) }, random)
      const sealed = { capsule: sealer.capsule.bytes, key: await sealer.seal(KEY_ID, key) }
      return encodeShape(sealed, sealedKeyShape, { object: 'sealedKey' })
    },
    createReKey({ context, delegatee, expiresAtMs }: Parameters<OwnerCapsules['createReKey']>[0]) {
      const { publicKey } = delegatee.pre?.delegatee ?? failPre(delegatee.did)
      const reKey = createReEncryptionKey(
        {
          keys,
          to: { publicKey, did: delegatee.did, keyRecord: hashKeyRecord(delegatee) },
          condition: careCondition(context),
          signer: identity.signer,
          account: identity.did,
          expiresAtMs,
        },
        random,
      )
      return { id: fromHex(reKey.id) as unknown as Digest32, bytes: reKey.bytes }
    },
  })
}

function failPre(did: Did): never {
  throw new VitalsealError('ERR_IDENTITY_INVALID', `${did} has no keys for re-encryption on this ledger`, {
    details: { expected: 'a key record with PRE keys' },
  })
}

function deliveryInfo(chainId: ChainId, proxy: Did): Bytes {
  return encodeCbor([LEDGER_TAGS.reKeyDelivery, toDigest(chainId), toPublicKey(proxy)])
}

/** Seals a re-key and a type key in a capsule to a proxy. */
export function sealDelivery(
  delivery: { readonly reKey: Uint8Array; readonly sealedKey: SealedTypeKey },
  to: { readonly proxy: KeyRecord },
  random: RandomSource,
): Bytes {
  const { reKey, sealedKey } = delivery
  const { did, agreement } = to.proxy
  const wire = { reKey: reKey as Bytes, sealedKey: sealedKey.bytes }
  const plaintext = encodeShape(wire, deliveryShape, { object: 'delivery' })
  const info = deliveryInfo(sealedKey.context.chainId, did)
  const sealed = sealHpke({ recipient: agreement, info, plaintext }, random)
  return encodeShape(sealed, sealedDeliveryShape, { object: 'delivery' })
}

/** A delivery as its proxy finds it; nothing is checked but the form. */
export interface OpenedDelivery {
  readonly reKey: ReEncryptionKey
  readonly capsule: Uint8Array
  /** The type key, sealed under the capsule's key. */
  readonly key: Bytes
}

/** Opens a delivery; undefined for whatever is none for this proxy. */
export function openDelivery(
  bytes: Uint8Array,
  of: { readonly chainId: ChainId; readonly proxy: Did; readonly agreement: AgreementKey },
): OpenedDelivery | undefined {
  const sealed = parseShape(bytes, sealedDeliveryShape, { object: 'delivery' })
  if (!sealed.ok) return undefined
  const plaintext = openHpke({ recipient: of.agreement, info: deliveryInfo(of.chainId, of.proxy), ...sealed.value })
  const delivery = plaintext === undefined ? undefined : parseShape(plaintext, deliveryShape, { object: 'delivery' })
  if (delivery?.ok !== true) return undefined
  const reKey = parsePreObject('re-encryption-key', delivery.value.reKey)
  const inner = parseShape(delivery.value.sealedKey, sealedKeyShape, { object: 'sealedKey' })
  return reKey.ok && inner.ok ? { reKey: reKey.value, ...inner.value } : undefined
}

/** The block that an institution receives. */
export function encodeConverted(converted: ReEncryptedCapsule, key: Bytes): Bytes {
  return encodeShape({ capsule: converted.bytes, key }, convertedKeyShape, { object: 'converted' })
}

/**
 * Opens what a proxy converted and returns the type key in it, 32 bytes; secret.
 *
 * @throws When it is not what that re-key makes for these keys: `ERR_DECRYPTION_FAILED`. {@link VitalsealError}
 */
export async function openConverted(
  bytes: Uint8Array,
  of: { readonly keys: PreKeyPair<'delegatee'>; readonly reKey: Uint8Array },
): Promise<Bytes> {
  const wire = parseShape(bytes, convertedKeyShape, { object: 'converted' })
  const capsule = wire.ok ? parsePreObject('re-encrypted-capsule', wire.value.capsule) : undefined
  if (!wire.ok || capsule?.ok !== true || capsule.value.reKeyId !== toHex(of.reKey)) {
    throw new VitalsealError('ERR_DECRYPTION_FAILED', 'not what the recorded re-key converts', { details: {} })
  }
  return createEpochOpener(decapsulate(capsule.value, of.keys)).open(KEY_ID, wire.value.key)
}

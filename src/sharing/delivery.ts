/**
 * The re-key of a claim on its way to the proxy, sealed to it: `[claim32, enc32, ciphertext]`.
 *
 * Made when the claim is on the ledger, which says everything else: whose it is, for whom, until when, and which block is
 * to be converted.
 */

import type { KeyRecord } from '../identity/index.ts'
import { parsePreObject, type ReEncryptionKey } from '../pre/index.ts'
import type { AgreementKey } from '../primitives/agreement.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { encodeCbor } from '../primitives/codec.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import { openHpke, sealHpke } from '../primitives/hpke.ts'
import { toDigest, type ChainId, type TransactionId } from '../primitives/ids.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { bytesOf, bytesUpTo, encodeShape, parseShape, transactionId, tuple } from '../primitives/shape.ts'
import { LEDGER_TAGS } from '../primitives/tags.ts'

/** A re-key with the claim that names it. */
export interface ShareDelivery {
  readonly claim: TransactionId
  readonly reKey: ReEncryptionKey
}

const OBJECT = 'delivery'
const shape = tuple({ claim: transactionId, enc: bytesOf(32), ciphertext: bytesUpTo(4_096) })

function infoOf(chainId: ChainId, proxy: Did, claim: TransactionId): Bytes {
  return encodeCbor([LEDGER_TAGS.sharingDelivery, toDigest(chainId), toPublicKey(proxy), toDigest(claim)])
}

/** Seals the re-key of a claim to its proxy. */
export function sealShareDelivery(
  delivery: { readonly chainId: ChainId; readonly claim: TransactionId; readonly reKey: Uint8Array },
  to: { readonly proxy: KeyRecord },
  random: RandomSource = randomBytes,
): Bytes {
  const { chainId, claim, reKey } = delivery
  const { did, agreement } = to.proxy
  const sealed = sealHpke({ recipient: agreement, info: infoOf(chainId, did, claim), plaintext: reKey }, random)
  return encodeShape({ claim, ...sealed }, shape, { object: OBJECT })
}

/** Opens a delivery; undefined for whatever is none for this proxy. Total. */
export function openShareDelivery(
  bytes: Uint8Array,
  of: { readonly chainId: ChainId; readonly proxy: Did; readonly agreement: AgreementKey },
): ShareDelivery | undefined {
  const sealed = parseShape(bytes, shape, { object: OBJECT })
  if (!sealed.ok) return undefined
  const { claim, enc, ciphertext } = sealed.value
  const info = infoOf(of.chainId, of.proxy, claim)
  const plaintext = openHpke({ recipient: of.agreement, info, enc, ciphertext })
  const reKey = plaintext === undefined ? undefined : parsePreObject('re-encryption-key', plaintext)
  return reKey?.ok === true ? { claim, reKey: reKey.value } : undefined
}

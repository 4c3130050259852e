/**
 * Digital envelopes (HC's Env_ij and Env_Ui): keys of an epoch, sealed by HPKE to one recipient.
 *
 * RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the transaction around it is signed. The info
 * string binds what the paper leaves open: ledger, owner, recipient and the recipient's keys, epoch, mode, use, and every
 * commitment that the transaction makes, so that an envelope opens in its place and nowhere else. The associated data is
 * empty.
 */

import type { AgreementKey } from '../primitives/agreement.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { encodeCbor, type CborValue } from '../primitives/codec.ts'
import { toPublicKey, type DataType, type Did } from '../primitives/did.ts'
import { taggedHash, type Digest32 } from '../primitives/hash.ts'
import { openHpke, sealHpke } from '../primitives/hpke.ts'
import { toDigest } from '../primitives/ids.ts'
import { isDataType, labelBytes } from '../primitives/label.ts'
import type { RandomSource } from '../primitives/random.ts'
import {
  bytesOf,
  choice,
  encodeShape,
  identifier,
  listOf,
  mapped,
  Mismatch,
  nullable,
  parseShape,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import { TAGS } from '../primitives/tags.ts'
import {
  HANDED_MAX,
  KEY_LABELS_MAX,
  type Envelope,
  type LabelCommitment,
  type OwnEnvelope,
} from '../transactions/index.ts'
import { EPOCH_SECRET_BYTES, type EpochName } from './epoch-secrets.ts'

/** What all envelopes of one tx_key are bound to. */
export interface EnvelopeContext extends EpochName {
  readonly mode: 'rotate' | 'extend'
  readonly labels: readonly LabelCommitment[]
}

/** One type key in an envelope. */
export interface EnvelopeKey {
  /** Position in the label list of the transaction. */
  readonly position: number
  readonly key: Bytes
  /** The type, where labels are HMACs that the recipient cannot compute. */
  readonly name: DataType | null
}

/** What a recipient finds inside. */
export interface EnvelopeContents {
  readonly typeKeys: readonly EnvelopeKey[]
  readonly diagnosisKey: Bytes
  /** Parallel to the envelope's list of handed keys. */
  readonly handedKeys: readonly Bytes[]
}

/** How much the holder of an own envelope may derive: sT for publishing, e for rotating. */
const OWN_LEVELS = ['types', 'root'] as const

/** What the owner or a delegate finds inside. */
export interface OwnContents {
  readonly level: (typeof OWN_LEVELS)[number]
  /** sT or e. */
  readonly secret: Bytes
  /** Names of the labels, for delegates that have no label key. */
  readonly names: readonly { readonly position: number; readonly name: DataType }[]
}

const key32 = bytesOf(EPOCH_SECRET_BYTES)
const position = uint(KEY_LABELS_MAX - 1)
const dataType: Shape<DataType> = mapped(identifier, {
  parse: (text) => (isDataType(text) ? text : new Mismatch('system|code')),
  format: (name) => name,
})

const contentsShape: Shape<EnvelopeContents> = tuple({
  typeKeys: listOf(tuple({ position, key: key32, name: nullable(dataType) }), {
    name: 'keys',
    countMax: KEY_LABELS_MAX,
  }),
  diagnosisKey: key32,
  handedKeys: listOf(key32, { name: 'handed keys', countMax: HANDED_MAX }),
})

const ownShape: Shape<OwnContents> = tuple({
  level: choice('level', OWN_LEVELS),
  secret: key32,
  names: listOf(tuple({ position, name: dataType }), { name: 'names', countMax: KEY_LABELS_MAX }),
})

/** Uses of an envelope; wire positions in the info string. */
const USES = ['recipient', 'own'] as const

function createInfo(
  context: EnvelopeContext,
  use: (typeof USES)[number],
  recipient: readonly CborValue[],
  commitments: readonly CborValue[],
): Bytes {
  const { chainId, patient, epoch, mode, labels } = context
  const listed = labels.map(({ label, commitment }) => [labelBytes(label), commitment])
  return encodeCbor([
    TAGS.envelope,
    USES.indexOf(use),
    toDigest(chainId),
    toPublicKey(patient),
    epoch,
    mode,
    ...recipient,
    taggedHash(TAGS.envelopeCommitments, listed, ...commitments),
  ])
}

/** To whom an envelope is addressed: account and the digest of the key record that was used. */
export interface Addressee {
  readonly did: Did
  readonly keyRecord: Digest32
}

function recipientInfo(
  context: EnvelopeContext,
  to: Addressee,
  { commitment, handed }: Pick<Envelope, 'commitment' | 'handed'>,
): Bytes {
  const listed = handed.map((key) => [key.epoch, 'label' in key ? labelBytes(key.label) : key.doctorIndex])
  return createInfo(context, 'recipient', [toPublicKey(to.did), to.keyRecord], [commitment, listed])
}

function ownInfo(context: EnvelopeContext, to: { readonly slot: number; readonly agreement: Uint8Array }): Bytes {
  return createInfo(context, 'own', [to.slot, to.agreement], [])
}

/** Returns the plaintext of an envelope, so that its size is known before anything is sealed. */
export function encodeContents(contents: EnvelopeContents): Bytes {
  return encodeShape(contents, contentsShape, { object: 'envelope' })
}

/**
 * Seals keys to a recipient. Cost: about 1.2 ms.
 *
 * @param options - `agreement`: the recipient's X25519 key; `plaintext` from {@link encodeContents}
 * @throws When the recipient's key is unusable: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function sealEnvelope(
  options: {
    readonly context: EnvelopeContext
    readonly to: Addressee
    readonly agreement: Uint8Array
    readonly plaintext: Uint8Array
    readonly outer: Pick<Envelope, 'index' | 'commitment' | 'handed'>
  },
  random: RandomSource,
): Envelope {
  const { context, to, agreement, plaintext, outer } = options
  return { ...outer, ...sealHpke({ recipient: agreement, info: recipientInfo(context, to, outer), plaintext }, random) }
}

/** Opens an envelope; undefined when it does not open or does not hold what its outside says. Cost: about 0.9 ms. */
export function openEnvelope(
  envelope: Envelope,
  options: { readonly context: EnvelopeContext; readonly to: Addressee; readonly agreement: AgreementKey },
): EnvelopeContents | undefined {
  const { context, to, agreement } = options
  const { enc, ciphertext } = envelope
  const plaintext = openHpke({ recipient: agreement, enc, ciphertext, info: recipientInfo(context, to, envelope) })
  const contents = parseContents(plaintext, contentsShape)
  if (contents === undefined) return undefined
  const { typeKeys, handedKeys } = contents
  const inRange = typeKeys.every((entry) => entry.position < context.labels.length)
  return inRange && handedKeys.length === envelope.handed.length ? contents : undefined
}

/** What stands in an opened envelope, which is wiped: the contents are copies. */
function parseContents<T>(plaintext: Bytes | undefined, shape: Shape<T>): T | undefined {
  if (plaintext === undefined) return undefined
  const parsed = parseShape(plaintext, shape, { object: 'envelope' })
  plaintext.fill(0)
  return parsed.ok ? parsed.value : undefined
}

/** Returns the plaintext of an own envelope. */
export function encodeOwnContents(contents: OwnContents): Bytes {
  return encodeShape(contents, ownShape, { object: 'envelope' })
}

/**
 * Seals the epoch's secret to the owner or to one of the owner's delegates.
 *
 * @param options - `plaintext` from {@link encodeOwnContents}
 * @throws When the key is unusable: `ERR_CRYPTO_INVALID_POINT`. {@link VitalsealError}
 */
export function sealOwnEnvelope(
  options: {
    readonly context: EnvelopeContext
    readonly slot: number
    readonly agreement: Uint8Array
    readonly plaintext: Uint8Array
  },
  random: RandomSource,
): OwnEnvelope {
  const { context, slot, agreement, plaintext } = options
  const sealed = sealHpke({ recipient: agreement, info: ownInfo(context, { slot, agreement }), plaintext }, random)
  return { delegate: slot, ...sealed }
}

/** Opens an own envelope; undefined when it does not open. */
export function openOwnEnvelope(
  envelope: OwnEnvelope,
  options: { readonly context: EnvelopeContext; readonly agreement: AgreementKey },
): OwnContents | undefined {
  const { context, agreement } = options
  const { delegate: slot, enc, ciphertext } = envelope
  const info = ownInfo(context, { slot, agreement: agreement.publicKey })
  return parseContents(openHpke({ recipient: agreement, enc, ciphertext, info }), ownShape)
}

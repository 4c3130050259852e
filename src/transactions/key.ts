/**
 * tx_key (HC equation 2): keys of one epoch, each in an envelope for whom it is meant.
 *
 * `{ID_Ui, ts_2, Env_ij, Env_Ui, Sig_i, htxk_i}` is sender, time, `envelopes`, `ownEnvelopes`, signature and id. The
 * paper binds an envelope to nothing, so that a doctor can pass one on as if it came from the patient, and commits to no
 * key, so that two doctors can be given two; here each envelope is bound to its transaction and each key is committed to.
 */

import { ACCOUNT_SLOT } from '../identity/index.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { COUNTER_MAX, DELEGATE_SLOT_MAX, RECIPIENTS_MAX } from '../primitives/limits.ts'
import {
  bytesOf,
  bytesUpTo,
  choice,
  either,
  label,
  listOf,
  mapped,
  nullable,
  transactionId,
  tuple,
  uint,
  type Shape,
} from '../primitives/shape.ts'
import { checkOrder, compareText, refuseField, type KindDefinition } from './kind.ts'

/** A type and the commitment to its key. */
export interface LabelCommitment {
  /** Zero stands for the key of all types. */
  readonly label: Label
  readonly commitment: Digest32
}

/** A key of an earlier epoch, or of another doctor, that an envelope hands over. */
export type HandedKey =
  { readonly epoch: number; readonly label: Label } | { readonly epoch: number; readonly doctorIndex: number }

/** Env_ij: HPKE for one recipient. */
export interface Envelope {
  /** The recipient's number on this ledger. */
  readonly index: number
  /** Encapsulated key, 32 bytes. */
  readonly enc: Bytes
  readonly ciphertext: Bytes
  /** Commitment to the recipient's diagnosis key of this epoch. */
  readonly commitment: Digest32
  readonly handed: readonly HandedKey[]
}

/** Env_Ui: HPKE for the owner or one of the owner's delegates. */
export interface OwnEnvelope {
  /** Slot of the delegate; 0 is the account itself. */
  readonly delegate: number
  readonly enc: Bytes
  readonly ciphertext: Bytes
}

/** Body of tx_key. */
export interface KeyBody {
  /** `rotate` starts the next epoch, `extend` adds labels and envelopes to the current one. */
  readonly mode: 'rotate' | 'extend'
  readonly epoch: number
  /** The owner's last applied tx_key; null for the first. */
  readonly previous: TransactionId | null
  /** Ascending by label. */
  readonly labels: readonly LabelCommitment[]
  /** Ascending by index. */
  readonly envelopes: readonly Envelope[]
  /** Ascending by delegate. */
  readonly ownEnvelopes: readonly OwnEnvelope[]
  /** Digest of the escrow of this epoch's keys; null when there is none. */
  readonly escrow: Digest32 | null
}

/** Labels of one tx_key. */
export const KEY_LABELS_MAX = 1_024
/** Bytes of one envelope's ciphertext. */
export const ENVELOPE_BYTES_MAX = 16_384
/** Keys that one envelope hands over. */
export const HANDED_MAX = 256

/** A digest, 32 bytes. */
export const digest: Shape<Digest32> = bytesOf(32) as Shape<Digest32>
const recipientIndex = uint(COUNTER_MAX)

const handedKey: Shape<HandedKey> = mapped(
  tuple({
    epoch: uint(COUNTER_MAX, 1),
    of: either<Label, number>(label, recipientIndex, {
      isFirst: (value) => value instanceof Uint8Array,
      isFirstValue: (value) => typeof value === 'string',
    }),
  }),
  {
    parse: ({ epoch, of }) => (typeof of === 'string' ? { epoch, label: of } : { epoch, doctorIndex: of }),
    format: (handed) => ({ epoch: handed.epoch, of: 'label' in handed ? handed.label : handed.doctorIndex }),
  },
)

const envelope: Shape<Envelope> = tuple({
  index: recipientIndex,
  enc: bytesOf(32),
  ciphertext: bytesUpTo(ENVELOPE_BYTES_MAX),
  commitment: digest,
  handed: listOf(handedKey, { name: 'handed keys', countMax: HANDED_MAX }),
})

const ownEnvelope: Shape<OwnEnvelope> = tuple({
  delegate: uint(DELEGATE_SLOT_MAX),
  enc: bytesOf(32),
  ciphertext: bytesUpTo(ENVELOPE_BYTES_MAX),
})

/** tx_key. */
export const keyKind: KindDefinition<KeyBody> = {
  version: 4,
  sentBy: 'rotate',
  body: tuple({
    mode: choice('mode', ['rotate', 'extend']),
    epoch: uint(COUNTER_MAX, 1),
    previous: nullable(transactionId),
    labels: listOf(tuple({ label, commitment: digest }), { name: 'labels', countMax: KEY_LABELS_MAX }),
    envelopes: listOf(envelope, { name: 'envelopes', countMax: RECIPIENTS_MAX }),
    ownEnvelopes: listOf(ownEnvelope, { name: 'own envelopes', countMax: DELEGATE_SLOT_MAX + 1 }),
    escrow: nullable(digest),
  }),
  check({ mode, epoch, previous, labels, envelopes, ownEnvelopes }) {
    const isFirst = mode === 'rotate' && epoch === 1
    if (isFirst !== (previous === null)) {
      return refuseField('previous', isFirst ? 'null in the first epoch' : 'the last tx_key')
    }
    if (mode === 'rotate' && !ownEnvelopes.some(({ delegate }) => delegate === ACCOUNT_SLOT)) {
      return refuseField('ownEnvelopes', 'an envelope of the account itself')
    }
    const tooEarly = envelopes.findIndex(({ handed }) => handed.some((key) => key.epoch > epoch))
    return (
      checkOrder('labels', labels, (a, b) => compareText(a.label, b.label)) ??
      checkOrder('envelopes', envelopes, (a, b) => a.index - b.index) ??
      checkOrder('ownEnvelopes', ownEnvelopes, (a, b) => a.delegate - b.delegate) ??
      (tooEarly === -1 ? undefined : refuseField(`envelopes.${tooEarly}.handed`, `epochs up to ${epoch}`))
    )
  },
}

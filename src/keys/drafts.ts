/**
 * How keys become tx_keys: which label, which envelope and which own envelope goes into which transaction.
 *
 * Labels are cut into groups whose keys and names fit one envelope, so that whoever reads everything can be served however
 * many types there are; each group is one transaction, or several where its envelopes are too many or too long for one.
 * The first of all carries the mode that was asked for, the others extend.
 */

import type { Bytes } from '../primitives/bytes.ts'
import { toUtf8 } from '../primitives/bytes.ts'
import { HPKE_TAG_BYTES } from '../primitives/hpke.ts'
import { ALL_TYPES_LABEL } from '../primitives/label.ts'
import { KEY_TRANSACTION_BYTES_MAX, RECIPIENTS_MAX } from '../primitives/limits.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import {
  ENVELOPE_BYTES_MAX,
  type Draft,
  type Envelope,
  type LabelCommitment,
  type OwnEnvelope,
} from '../transactions/index.ts'
import {
  encodeContents,
  encodeOwnContents,
  sealEnvelope,
  sealOwnEnvelope,
  type EnvelopeContents,
  type EnvelopeContext,
} from './envelope.ts'
import type { Making } from './making.ts'
import type { Admitted, AdmittedOwn, SkippedRecipient } from './recipients.ts'

/**
 * A tx_key to be sent. `previous` is the id of the owner's last tx_key (`ring.latest`), for each further draft that of the
 * draft before it.
 */
export type KeyDraft = Omit<Draft<'key'>, 'previous'>

/** Drafts in the order in which they must be sent, and who is not in them. */
export interface KeyDrafts {
  readonly drafts: readonly KeyDraft[]
  readonly skipped: readonly SkippedRecipient[]
}

/** Room for the tuple around labels and envelopes: header, signature, ids, list heads. */
const OVERHEAD_BYTES = 512
const LABEL_ENTRY_BYTES = 54
/** Beside its ciphertext: index, encapsulated key, commitment, heads. */
const ENVELOPE_OVERHEAD_BYTES = 82
const HANDED_ENTRY_BYTES = 24
/** In an envelope: a key with its head; heads of the lists, diagnosis key and tag; position and heads of an entry. */
const KEY_BYTES = 34
const CONTENTS_OVERHEAD_BYTES = 64
const ENTRY_OVERHEAD_BYTES = 7

/** An envelope whose contents are known and that is not sealed yet. */
interface Prepared {
  readonly admitted: Admitted
  readonly plaintext: Bytes
  readonly outer: Pick<Envelope, 'index' | 'commitment' | 'handed'>
  readonly byteCount: number
}

interface PreparedOwn {
  readonly to: AdmittedOwn
  readonly plaintext: Bytes
}

/** One transaction. */
interface Part {
  readonly labels: readonly LabelCommitment[]
  readonly own: readonly PreparedOwn[]
  readonly envelopes: readonly Prepared[]
}

/** Seals everything that is to be sent. Cost: about 1.2 ms an envelope. */
export async function createDrafts(
  making: Making,
  mode: 'rotate' | 'extend',
  options: ProgressOptions & { readonly recipients: readonly Admitted[]; readonly own: readonly AdmittedOwn[] },
): Promise<readonly KeyDraft[]> {
  const { recipients, own } = options
  const handedMax = Math.max(0, ...recipients.map(({ handed }) => handed.length))
  const parts = groupLabels(making, handedMax).flatMap((labels, group) =>
    split(labels, prepareOwn(making, labels, own), prepareGroup(making, { labels, group, recipients })),
  )
  const total = parts.reduce((count, { envelopes }) => count + envelopes.length, 0)
  const drafts: KeyDraft[] = []
  let done = 0
  for (const { labels, own: prepared, envelopes } of parts) {
    const partMode = drafts.length === 0 ? mode : 'extend'
    const context: EnvelopeContext = { ...making.name, mode: partMode, labels }
    const ownEnvelopes = prepared.map((item) => sealOwn(making, context, item))
    const sealed: Envelope[] = []
    for (const item of envelopes) {
      await reportStep(options, { done: done++, total, step: 'sealing envelopes' })
      sealed.push(seal(making, context, item))
    }
    const { epoch } = making.name
    drafts.push({ kind: 'key', mode: partMode, epoch, labels, envelopes: sealed, ownEnvelopes, escrow: null })
  }
  await reportStep(options, { done, total, step: 'sealing envelopes' })
  return drafts
}

/** Labels in groups whose keys and names fit one envelope; there is one group even when there is no label. */
function groupLabels({ labels, names }: Making, handedMax: number): readonly (readonly LabelCommitment[])[] {
  const bytesMax = ENVELOPE_BYTES_MAX - CONTENTS_OVERHEAD_BYTES - handedMax * KEY_BYTES
  const groups: LabelCommitment[][] = [[]]
  let byteCount = 0
  for (const entry of labels) {
    const entryBytes = KEY_BYTES + ENTRY_OVERHEAD_BYTES + toUtf8(names.get(entry.label) ?? '').length
    if (byteCount + entryBytes > bytesMax) {
      groups.push([])
      byteCount = 0
    }
    groups.at(-1)?.push(entry)
    byteCount += entryBytes
  }
  return groups
}

function prepareOwn(
  { root, typesSecret, names }: Making,
  labels: readonly LabelCommitment[],
  own: readonly AdmittedOwn[],
): readonly PreparedOwn[] {
  const listed = labels.flatMap(({ label }, position) => {
    const name = names.get(label)
    return name === undefined ? [] : [{ position, name }]
  })
  return own.map((to) => {
    const { level } = to
    const secret = level === 'root' ? root : typesSecret
    return { to, plaintext: encodeOwnContents({ level, secret, names: listed }) }
  })
}

/** Everyone has an envelope in the first group; in a further one, whoever is to read something of it. */
function prepareGroup(
  making: Making,
  options: {
    readonly labels: readonly LabelCommitment[]
    readonly group: number
    readonly recipients: readonly Admitted[]
  },
): readonly Prepared[] {
  const { labels, group, recipients } = options
  return recipients.flatMap((admitted) => {
    const { diagnosisKey, commitment, recipient } = admitted
    const handed = group === 0 ? admitted.handed : []
    const typeKeys = typeKeysFor(making, labels, recipient.dataTypes)
    if (group > 0 && typeKeys.length === 0) return []
    const plaintext = encodeContents({ typeKeys, diagnosisKey, handedKeys: handed.map(({ key }) => key) })
    const outer = { index: recipient.index, commitment, handed: handed.map(({ named }) => named) }
    const byteCount = plaintext.length + HPKE_TAG_BYTES + ENVELOPE_OVERHEAD_BYTES + handed.length * HANDED_ENTRY_BYTES
    return [{ admitted, plaintext, outer, byteCount }]
  })
}

/**
 * Exactly the keys that the grant covers; who reads all types gets sT, and names where he could not compute labels. By
 * label and not by name: names come from envelopes as well, and another may have chosen them.
 */
function typeKeysFor(
  { state, names, typeKeys, labelsOf }: Making,
  labels: readonly LabelCommitment[],
  dataTypes: Admitted['recipient']['dataTypes'],
): EnvelopeContents['typeKeys'] {
  const isPrivate = state.labeler?.isPrivate ?? true
  const granted = dataTypes === 'all' ? undefined : new Set(dataTypes.map((dataType) => labelsOf.get(dataType)))
  return labels.flatMap(({ label }, position) => {
    const isAll = label === ALL_TYPES_LABEL
    const isCovered = granted === undefined ? isAll || isPrivate : !isAll && granted.has(label)
    if (!isCovered) return []
    const name = isPrivate && !isAll ? (names.get(label) ?? null) : null
    return [{ position, key: typeKeys.get(label) as Bytes, name }]
  })
}

/** Parts of at most 1,024 recipients and 256 KiB; the first one exists even when nobody receives anything. */
function split(
  labels: readonly LabelCommitment[],
  own: readonly PreparedOwn[],
  envelopes: readonly Prepared[],
): readonly Part[] {
  const bytesMax = KEY_TRANSACTION_BYTES_MAX - OVERHEAD_BYTES - labels.length * LABEL_ENTRY_BYTES
  const chunks: Prepared[][] = [[]]
  let byteCount = own.reduce(
    (sum, { plaintext }) => sum + plaintext.length + HPKE_TAG_BYTES + ENVELOPE_OVERHEAD_BYTES,
    0,
  )
  for (const item of envelopes) {
    if (chunks.at(-1)?.length === RECIPIENTS_MAX || byteCount + item.byteCount > bytesMax) {
      chunks.push([])
      byteCount = 0
    }
    chunks.at(-1)?.push(item)
    byteCount += item.byteCount
  }
  return chunks.map((chunk, number) => ({ labels, own: number === 0 ? own : [], envelopes: chunk }))
}

function seal({ random }: Making, context: EnvelopeContext, { admitted, plaintext, outer }: Prepared): Envelope {
  const { to, recipient } = admitted
  const envelope = sealEnvelope({ context, to, agreement: recipient.keys.agreement, plaintext, outer }, random)
  plaintext.fill(0)
  return envelope
}

function sealOwn({ random }: Making, context: EnvelopeContext, { to, plaintext }: PreparedOwn): OwnEnvelope {
  const envelope = sealOwnEnvelope({ context, slot: to.slot, agreement: to.agreement, plaintext }, random)
  plaintext.fill(0)
  return envelope
}

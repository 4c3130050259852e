/**
 * Making tx_key: `rotate` starts an epoch with new keys, `extend` adds to the current one (HC Algorithm 3).
 *
 * To revoke a doctor is to rotate without him. Whoever is to receive something is named with a checked key record and the
 * types that his grant covers; each envelope holds exactly these. A recipient whose keys are unusable is skipped and
 * reported, never a reason to stop: one bad key must not keep a revocation from happening. What does not fit one
 * transaction becomes one `rotate` and following `extend`s.
 */

import { isVitalsealError, rejectArgument, VitalsealError } from '../errors.ts'
import { hashKeyRecord, rightsOf, type KeyRecord, type Right } from '../identity/index.ts'
import type { Bytes, Verified } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import { KEY_TRANSACTION_BYTES_MAX, RECIPIENTS_MAX } from '../primitives/limits.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { HPKE_TAG_BYTES } from '../primitives/hpke.ts'
import {
  ENVELOPE_BYTES_MAX,
  KEY_LABELS_MAX,
  type Draft,
  type Envelope,
  type HandedKey,
  type LabelCommitment,
  type OwnEnvelope,
} from '../transactions/index.ts'
import {
  encodeContents,
  sealEnvelope,
  sealOwnEnvelope,
  type EnvelopeContents,
  type EnvelopeContext,
} from './envelope.ts'
import { findDiagnosisKey, findTypeKey, type EpochKeys, type PatientKeys } from './epoch-keys.ts'
import {
  commitDiagnosisKey,
  commitTypeKey,
  deriveDiagnosisKey,
  deriveDiagnosisSecret,
  deriveTypeKey,
  deriveTypesSecret,
  EPOCH_SECRET_BYTES,
  type EpochName,
} from './epoch-secrets.ts'
import { stateOf, type KeyRing } from './key-ring.ts'
import type { RingState } from './ring-state.ts'

/** A key of an earlier epoch, or another doctor's diagnosis key, to be handed to a recipient. */
export type KeyToHand =
  { readonly epoch: number; readonly dataType: DataType } | { readonly epoch: number; readonly doctor: Did }

/** To whom keys go, and which. */
export interface Recipient {
  readonly keys: Verified<KeyRecord>
  /** The account's number on the ledger. */
  readonly index: number
  /** What the grant covers; `'all'` hands over the key of all types. */
  readonly dataTypes: readonly DataType[] | 'all'
  /** Keys handed over besides, listed on the ledger for the audit. */
  readonly handed?: readonly KeyToHand[]
}

/** A delegate that gets the epoch's secret: e with the right to rotate, otherwise sT. */
export interface DelegateRecipient {
  readonly slot: number
  /** X25519 public key. */
  readonly agreement: Uint8Array
  readonly rights: readonly Right[]
}

/** Whom an epoch does not reach, and why. */
export interface SkippedRecipient {
  /** The account, or the slot of a delegate. */
  readonly recipient: Did | number
  readonly because: string
}

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

/** What an epoch is made for. */
export interface EpochOptions extends ProgressOptions {
  /** Types under which records will be sealed; those of recipients are added. */
  readonly dataTypes?: readonly DataType[]
  readonly recipients?: readonly Recipient[]
  readonly delegates?: readonly DelegateRecipient[]
}

/** Room for the tuple around labels and envelopes: header, signature, ids, list heads. */
const OVERHEAD_BYTES = 512
const LABEL_ENTRY_BYTES = 54
/** Beside its ciphertext: index, encapsulated key, commitment, heads. */
const ENVELOPE_OVERHEAD_BYTES = 82
const HANDED_ENTRY_BYTES = 24

interface Making {
  readonly state: RingState
  readonly known: PatientKeys | undefined
  readonly name: EpochName
  readonly root: Bytes
  readonly typesSecret: Bytes
  readonly diagnosisSecret: Bytes
  /** The keys of the listed labels, each derived once. */
  readonly typeKeys: ReadonlyMap<Label, Bytes>
  readonly labels: readonly LabelCommitment[]
  readonly names: ReadonlyMap<Label, DataType>
  readonly random: RandomSource
}

/** An envelope whose contents are known and that is not sealed yet. */
interface Prepared {
  readonly recipient: Recipient
  readonly plaintext: Bytes
  readonly outer: Pick<Envelope, 'index' | 'commitment' | 'handed'>
  readonly byteCount: number
}

/**
 * Returns the tx_keys that start the owner's next epoch, with new keys for the given recipients and for nobody else.
 *
 * Cost: about 1.2 ms a recipient. The first epoch must be published before any grant, without recipients.
 *
 * @param ring - of the owner, or of a delegate with the right to rotate
 * @param options - `dataTypes`: default those of the current epoch; `delegates`: every delegate that holds a key; the
 *   account itself always gets its envelope; `account`: its agreement key, where a delegate rotates
 * @returns drafts in order of sending, and who was skipped
 * @throws When the ring may not rotate: `ERR_KEYS_NOT_HELD`; when there are too many types: `ERR_ARGUMENT_INVALID`.
 *   {@link VitalsealError}
 * @see HC Algorithm 3; DESIGN.md 3.7
 */
export async function rotateEpoch(
  ring: KeyRing,
  options: EpochOptions & { readonly account?: Uint8Array } = {},
  random: RandomSource = randomBytes,
): Promise<KeyDrafts> {
  const state = stateOf(ring)
  const known = state.patients.get(state.owner)
  const epoch = (known?.epochCurrent ?? 0) + 1
  if (known !== undefined && known.epochs.get(known.epochCurrent)?.root === undefined)
    throw mayNotRotate(known.epochCurrent)
  const name: EpochName = { chainId: state.chainId, patient: state.owner, epoch }
  const root = drawBytes(random, EPOCH_SECRET_BYTES)
  const before = known?.epochs.get(known.epochCurrent)
  const listed = options.dataTypes === undefined && before !== undefined ? [...before.commitments.keys()] : []
  const making = make(ring, { state, known, name, root, random }, { ...options, listed })
  const own = accountRecipient(state, options.account)
  return assemble(making, 'rotate', { ...options, delegates: [own, ...(options.delegates ?? [])] })
}

/**
 * Returns the tx_keys that add types, recipients or delegates to the owner's current epoch.
 *
 * @param ring - of the owner, or of a delegate with the right to rotate
 * @returns drafts in order of sending, and who was skipped
 * @throws When the ring does not hold the root of the epoch: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
 */
export async function extendEpoch(
  ring: KeyRing,
  options: EpochOptions & { readonly account?: Uint8Array },
  random: RandomSource = randomBytes,
): Promise<KeyDrafts> {
  const state = stateOf(ring)
  const known = state.patients.get(state.owner)
  const keys = known?.epochs.get(known.epochCurrent)
  if (keys?.root === undefined) throw mayNotRotate(known?.epochCurrent ?? 0)
  const making = make(ring, { state, known, name: keys.name, root: keys.root, random }, { ...options, listed: [] })
  // New names must reach the owner's other devices, and this one after a restart.
  const isKnown = state.slot === 0 || options.account !== undefined
  const own = isKnown ? [accountRecipient(state, options.account)] : []
  return assemble(making, 'extend', { ...options, delegates: [...own, ...(options.delegates ?? [])] })
}

function mayNotRotate(epoch: number): VitalsealError {
  const message = `the root of epoch ${epoch} is not held; only the owner and delegates with the right to rotate hold it`
  return new VitalsealError('ERR_KEYS_NOT_HELD', message, { details: { label: ALL_TYPES_LABEL, epoch } })
}

/** The account itself: the holder, or named where a delegate rotates. */
function accountRecipient(state: RingState, given: Uint8Array | undefined): DelegateRecipient {
  const agreement =
    state.slot === 0
      ? state.agreement.publicKey
      : (given ?? rejectArgument('options.account', "the account's agreement key, since a delegate rotates", 'nothing'))
  return { slot: 0, agreement, rights: ['publish', 'rotate', 'grant'] }
}

function make(
  ring: KeyRing,
  parts: Pick<Making, 'state' | 'known' | 'name' | 'root' | 'random'>,
  options: EpochOptions & { readonly listed: readonly Label[] },
): Making {
  const { name, root } = parts
  const recipients = options.recipients ?? []
  const names = new Map<Label, DataType>(parts.known?.names)
  const types = [
    ...(options.dataTypes ?? []),
    ...recipients.flatMap(({ dataTypes }) => (dataTypes === 'all' ? [] : dataTypes)),
  ]
  const labels = new Set<Label>(options.listed)
  for (const dataType of types) {
    const label = ring.label(dataType)
    names.set(label, dataType)
    labels.add(label)
  }
  // The key of all types is committed to only when somebody holds it.
  labels.delete(ALL_TYPES_LABEL)
  if (recipients.some(({ dataTypes }) => dataTypes === 'all')) labels.add(ALL_TYPES_LABEL)
  if (labels.size > KEY_LABELS_MAX)
    rejectArgument('options.dataTypes', `at most ${KEY_LABELS_MAX} types`, `${labels.size}`)
  const typesSecret = deriveTypesSecret(root)
  const typeKeys = new Map([...labels].sort().map((label) => [label, deriveTypeKey(typesSecret, label)]))
  const committed = [...typeKeys].map(([label, key]) => ({ label, commitment: commitTypeKey(key, { ...name, label }) }))
  const diagnosisSecret = deriveDiagnosisSecret(root)
  return { ...parts, names, labels: committed, typesSecret, diagnosisSecret, typeKeys }
}

async function assemble(making: Making, mode: 'rotate' | 'extend', options: EpochOptions): Promise<KeyDrafts> {
  const skipped: SkippedRecipient[] = []
  const prepared = prepareAll(making, options.recipients ?? [], skipped)
  const chunks = split(making, prepared)
  const drafts: KeyDraft[] = []
  let done = 0
  for (const [number, chunk] of chunks.entries()) {
    const chunkMode = number === 0 ? mode : 'extend'
    const context: EnvelopeContext = { ...making.name, mode: chunkMode, labels: making.labels }
    const ownEnvelopes = number === 0 ? sealOwn(making, context, options.delegates ?? [], skipped) : []
    const envelopes: Envelope[] = []
    for (const item of chunk) {
      await reportStep(options, { done: done++, total: prepared.length, step: 'sealing envelopes' })
      const sealed = sealOne(making, context, item, skipped)
      if (sealed !== undefined) envelopes.push(sealed)
    }
    const { epoch } = making.name
    drafts.push({ kind: 'key', mode: chunkMode, epoch, labels: making.labels, envelopes, ownEnvelopes, escrow: null })
  }
  await reportStep(options, { done, total: prepared.length, step: 'sealing envelopes' })
  return { drafts, skipped }
}

function prepareAll(
  making: Making,
  recipients: readonly Recipient[],
  skipped: SkippedRecipient[],
): readonly Prepared[] {
  const prepared: Prepared[] = []
  const seen = new Set<number>()
  for (const recipient of [...recipients].sort((a, b) => a.index - b.index)) {
    const { index, keys } = recipient
    const because = seen.has(index) ? 'named twice' : undefined
    seen.add(index)
    const item = because ?? prepare(making, recipient)
    if (typeof item === 'string') skipped.push({ recipient: keys.did, because: item })
    else prepared.push(item)
  }
  return prepared
}

/** The contents of a recipient's envelope, or why there can be none. */
function prepare(making: Making, recipient: Recipient): Prepared | string {
  const { name, diagnosisSecret } = making
  const doctor = recipient.keys.did
  if (doctor === name.patient) return 'is the owner, whose envelope is another'
  const diagnosisKey = deriveDiagnosisKey(diagnosisSecret, { doctor, epoch: name.epoch })
  const handed = (recipient.handed ?? []).map((key) => findHanded(making, key))
  if (handed.includes(undefined)) return 'is to be handed a key that the ring does not hold'
  const found = handed as readonly { readonly named: HandedKey; readonly key: Bytes }[]
  const contents: EnvelopeContents = {
    typeKeys: typeKeysFor(making, recipient),
    diagnosisKey,
    handedKeys: found.map(({ key }) => key),
  }
  const plaintext = encodeContents(contents)
  const byteCount = plaintext.length + HPKE_TAG_BYTES
  if (byteCount > ENVELOPE_BYTES_MAX)
    return `has keys for more than ${ENVELOPE_BYTES_MAX} bytes; extend in several steps`
  return {
    recipient,
    plaintext,
    outer: {
      index: recipient.index,
      commitment: commitDiagnosisKey(diagnosisKey, { ...name, doctor }),
      handed: found.map(({ named }) => named),
    },
    byteCount: byteCount + ENVELOPE_OVERHEAD_BYTES + found.length * HANDED_ENTRY_BYTES,
  }
}

/** Exactly the keys that the grant covers; who reads all types gets sT, and names where he could not compute labels. */
function typeKeysFor(
  { state, labels, names, typeKeys }: Making,
  { dataTypes }: Recipient,
): EnvelopeContents['typeKeys'] {
  const isPrivate = state.labeler?.isPrivate ?? true
  const granted = dataTypes === 'all' ? undefined : new Set(dataTypes)
  return labels.flatMap(({ label }, position) => {
    const dataType = names.get(label)
    const isAll = label === ALL_TYPES_LABEL
    const isCovered =
      granted === undefined ? isAll || isPrivate : !isAll && dataType !== undefined && granted.has(dataType)
    if (!isCovered) return []
    return [{ position, key: typeKeys.get(label) as Bytes, name: isPrivate && !isAll ? (dataType ?? null) : null }]
  })
}

function findHanded(
  { state, known }: Making,
  handed: KeyToHand,
): { readonly named: HandedKey; readonly key: Bytes } | undefined {
  const keys: EpochKeys | undefined = known?.epochs.get(handed.epoch)
  if (keys === undefined) return undefined
  if ('doctor' in handed) {
    const index = state.directory.indexOf(handed.doctor)
    if (index === undefined || !keys.diagnosisCommitments.has(index)) return undefined
    const key = findDiagnosisKey(keys, { did: handed.doctor, index })
    return key === undefined ? undefined : { named: { epoch: handed.epoch, doctorIndex: index }, key }
  }
  const label = labelIn(state, handed.dataType)
  const key = label === undefined ? undefined : findTypeKey(keys, label)
  return label === undefined || key === undefined ? undefined : { named: { epoch: handed.epoch, label }, key }
}

function labelIn(state: RingState, dataType: DataType): Label | undefined {
  if (state.labeler !== undefined) return state.labeler.label(dataType)
  const names = state.patients.get(state.owner)?.names ?? []
  return [...names].find(([, name]) => name === dataType)?.[0]
}

/** Parts of at most 1,024 recipients and 256 KiB; the first one exists even when nobody receives anything. */
function split({ labels }: Making, prepared: readonly Prepared[]): readonly (readonly Prepared[])[] {
  const bytesMax = KEY_TRANSACTION_BYTES_MAX - OVERHEAD_BYTES - labels.length * LABEL_ENTRY_BYTES
  // Own envelopes go into the first part; they are at most nine, each of at most the size of a recipient's.
  const chunks: Prepared[][] = [[]]
  let byteCount = 9 * ENVELOPE_OVERHEAD_BYTES
  for (const item of prepared) {
    let chunk = chunks[chunks.length - 1] as Prepared[]
    if (chunk.length === RECIPIENTS_MAX || byteCount + item.byteCount > bytesMax) {
      chunk = []
      chunks.push(chunk)
      byteCount = 0
    }
    chunk.push(item)
    byteCount += item.byteCount
  }
  return chunks
}

function sealOne(
  making: Making,
  context: EnvelopeContext,
  item: Prepared,
  skipped: SkippedRecipient[],
): Envelope | undefined {
  const { keys } = item.recipient
  const to: { readonly did: Did; readonly keyRecord: Digest32 } = { did: keys.did, keyRecord: hashKeyRecord(keys) }
  try {
    const { plaintext, outer } = item
    return sealEnvelope({ context, to, agreement: keys.agreement, plaintext, outer }, making.random)
  } catch (error) {
    if (!isVitalsealError(error, 'ERR_CRYPTO_INVALID_POINT')) throw error
    skipped.push({ recipient: keys.did, because: 'has an unusable agreement key' })
    return undefined
  }
}

function sealOwn(
  { root, typesSecret, names, labels, random }: Making,
  context: EnvelopeContext,
  delegates: readonly DelegateRecipient[],
  skipped: SkippedRecipient[],
): readonly OwnEnvelope[] {
  const listed = labels.flatMap(({ label }, position) => {
    const name = names.get(label)
    return name === undefined ? [] : [{ position, name }]
  })
  const sealed: OwnEnvelope[] = []
  for (const { slot, agreement, rights } of [...delegates].sort((a, b) => a.slot - b.slot)) {
    const level = rightsOf(rights).includes('rotate') ? 'root' : 'types'
    const secret = level === 'root' ? root : typesSecret
    try {
      sealed.push(sealOwnEnvelope({ context, slot, agreement, contents: { level, secret, names: listed } }, random))
    } catch (error) {
      if (slot === 0 || !isVitalsealError(error, 'ERR_CRYPTO_INVALID_POINT')) throw error
      skipped.push({ recipient: slot, because: 'has an unusable agreement key' })
    }
  }
  return sealed
}

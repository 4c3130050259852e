/**
 * To whom keys of an epoch go: recipients with their grants, delegates with their rights, and who gets none.
 *
 * One bad entry must not keep a revocation from happening, so whoever cannot be served is skipped and reported.
 */

import { hashKeyRecord, rightsOf, type KeyRecord, type Right } from '../identity/index.ts'
import { isAgreementPublicKey } from '../primitives/agreement.ts'
import type { Bytes, Verified } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { COUNTER_MAX, DELEGATE_SLOT_MAX } from '../primitives/limits.ts'
import { HANDED_MAX, type HandedKey } from '../transactions/index.ts'
import type { Addressee, OwnContents } from './envelope.ts'
import { findDiagnosisKey, findTypeKey } from './epoch-keys.ts'
import { commitDiagnosisKey, deriveDiagnosisKey } from './epoch-secrets.ts'
import type { Making } from './making.ts'

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
  /** Keys handed over besides, listed on the ledger for the audit; at most 256. */
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

/** A key to be handed over: how the ledger lists it, and the key. */
interface Handed {
  readonly named: HandedKey
  readonly key: Bytes
}

/** A recipient who can be served. */
export interface Admitted {
  readonly recipient: Recipient
  readonly to: Addressee
  readonly diagnosisKey: Bytes
  readonly commitment: Digest32
  readonly handed: readonly Handed[]
}

/** A delegate that can be served, or the account itself. */
export interface AdmittedOwn {
  readonly slot: number
  readonly agreement: Uint8Array
  readonly level: OwnContents['level']
}

/** Returns the recipients who can be served, in the order of the wire; the others are added to `skipped`. */
export function admitRecipients(
  making: Making,
  recipients: readonly Recipient[],
  skipped: SkippedRecipient[],
): readonly Admitted[] {
  const admitted: Admitted[] = []
  const seen = new Set<number>()
  for (const recipient of [...recipients].sort((a, b) => a.index - b.index)) {
    const item = seen.has(recipient.index) ? 'named twice' : admit(making, recipient)
    seen.add(recipient.index)
    if (typeof item === 'string') skipped.push({ recipient: recipient.keys.did, because: item })
    else admitted.push(item)
  }
  return admitted
}

/** The recipient, or why there can be no envelope for him. */
function admit(making: Making, recipient: Recipient): Admitted | string {
  const { name, diagnosisSecret } = making
  const { keys, index } = recipient
  const doctor = keys.did
  if (doctor === name.patient) return 'is the owner, whose envelope is another'
  if (!Number.isSafeInteger(index) || index < 0 || index > COUNTER_MAX) return 'has no number on the ledger'
  if (!isAgreementPublicKey(keys.agreement)) return 'has an unusable agreement key'
  const toHand = recipient.handed ?? []
  if (toHand.length > HANDED_MAX) return `is to be handed more than ${HANDED_MAX} keys; extend in several steps`
  const handed = toHand.map((key) => findHanded(making, key))
  if (handed.includes(undefined)) return 'is to be handed a key that the ring does not hold'
  const diagnosisKey = deriveDiagnosisKey(diagnosisSecret, { doctor, epoch: name.epoch })
  return {
    recipient,
    to: { did: doctor, keyRecord: hashKeyRecord(keys) },
    diagnosisKey,
    commitment: commitDiagnosisKey(diagnosisKey, { ...name, doctor }),
    handed: handed as readonly Handed[],
  }
}

function findHanded({ state, known }: Making, toHand: KeyToHand): Handed | undefined {
  const { epoch } = toHand
  const keys = known?.epochs.get(epoch)
  if (keys === undefined) return undefined
  if ('doctor' in toHand) {
    const index = state.directory.indexOf(toHand.doctor)
    const key = index === undefined ? undefined : findDiagnosisKey(keys, { did: toHand.doctor, index })
    return index === undefined || key === undefined ? undefined : { named: { epoch, doctorIndex: index }, key }
  }
  const { dataType } = toHand
  const label = state.labeler?.label(dataType) ?? [...(known?.names ?? [])].find(([, name]) => name === dataType)?.[0]
  const key = label === undefined ? undefined : findTypeKey(keys, label)
  return label === undefined || key === undefined ? undefined : { named: { epoch, label }, key }
}

/** Returns the delegates that can be served, in the order of the wire; the others are added to `skipped`. */
export function admitDelegates(
  delegates: readonly DelegateRecipient[],
  skipped: SkippedRecipient[],
): readonly AdmittedOwn[] {
  const admitted: AdmittedOwn[] = []
  const seen = new Set<number>()
  for (const { slot, agreement, rights } of [...delegates].sort((a, b) => a.slot - b.slot)) {
    const held = rightsOf(rights)
    const because = seen.has(slot) ? 'named twice' : delegateFault(slot, agreement, held)
    seen.add(slot)
    if (because === undefined) admitted.push({ slot, agreement, level: held.includes('rotate') ? 'root' : 'types' })
    else skipped.push({ recipient: slot, because })
  }
  return admitted
}

function delegateFault(slot: number, agreement: Uint8Array, held: readonly Right[]): string | undefined {
  if (!Number.isSafeInteger(slot) || slot < 1 || slot > DELEGATE_SLOT_MAX) return 'is no slot of a delegate'
  if (!isAgreementPublicKey(agreement)) return 'has an unusable agreement key'
  return held.length === 0 ? 'has no right that needs a key' : undefined
}

/**
 * What a key ring knows of one patient: every epoch's public commitments, and the keys that it was given.
 *
 * A key enters only after it was compared with its commitment.
 */

import { copyBytes, equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import type { KeyBody } from '../transactions/index.ts'
import {
  commitDiagnosisKey,
  commitTypeKey,
  deriveDiagnosisKey,
  deriveDiagnosisSecret,
  deriveTypeKey,
  deriveTypesSecret,
  type EpochName,
} from './epoch-secrets.ts'

/** One epoch of one patient. */
export interface EpochKeys {
  readonly name: EpochName
  /** Whether the ring saw its first tx_key, and so knows every commitment. */
  readonly isWhole: boolean
  /** Commitments to type keys, as the tx_keys of the epoch list them. */
  readonly commitments: Map<Label, Digest32>
  /** Commitments to diagnosis keys, by the doctor's index: also the list of recipients. */
  readonly diagnosisCommitments: Map<number, Digest32>
  /** Secrets from here on. */
  root?: Bytes
  typesSecret?: Bytes
  readonly typeKeys: Map<Label, Bytes>
  readonly diagnosisKeys: Map<number, Bytes>
}

/** All epochs of one patient. */
export interface PatientKeys {
  epochCurrent: number
  /** The last tx_key seen. */
  latest: TransactionId | null
  readonly epochs: Map<number, EpochKeys>
  /** Names of labels, as envelopes told them or the labeler made them. */
  readonly names: Map<Label, DataType>
}

/** Returns an empty record of a patient. */
export function createPatientKeys(): PatientKeys {
  return { epochCurrent: 0, latest: null, epochs: new Map(), names: new Map() }
}

/** Returns an epoch about which nothing is known yet. */
export function createEpochKeys(name: EpochName, options: { readonly isWhole: boolean }): EpochKeys {
  return {
    name,
    isWhole: options.isWhole,
    commitments: new Map(),
    diagnosisCommitments: new Map(),
    typeKeys: new Map(),
    diagnosisKeys: new Map(),
  }
}

/**
 * Tells whether the commitments of a tx_key agree with those of the same epoch before it: a repeated one must be equal,
 * or two recipients could be given two keys under one name.
 */
export function agreesWithEpoch(epoch: EpochKeys, body: Pick<KeyBody, 'labels' | 'envelopes'>): boolean {
  const isSame = (known: Digest32 | undefined, listed: Digest32) => known === undefined || equalBytes(known, listed)
  return (
    body.labels.every(({ label, commitment }) => isSame(epoch.commitments.get(label), commitment)) &&
    body.envelopes.every(({ index, commitment }) => isSame(epoch.diagnosisCommitments.get(index), commitment))
  )
}

/** Notes the commitments of a tx_key that {@link agreesWithEpoch}. */
export function noteCommitments(epoch: EpochKeys, body: Pick<KeyBody, 'labels' | 'envelopes'>): void {
  for (const { label, commitment } of body.labels) epoch.commitments.set(label, commitment)
  for (const { index, commitment } of body.envelopes) epoch.diagnosisCommitments.set(index, commitment)
}

/** Takes a type key if it is the one that was committed to; the zero label brings the key of all types. */
export function takeTypeKey(epoch: EpochKeys, label: Label, key: Uint8Array): boolean {
  const commitment = epoch.commitments.get(label)
  if (commitment === undefined || !equalBytes(commitTypeKey(key, { ...epoch.name, label }), commitment)) return false
  // What is held already is the same key: a second copy would outlive the wiping of the first.
  if (label === ALL_TYPES_LABEL) epoch.typesSecret ??= copyBytes(key)
  else if (!epoch.typeKeys.has(label)) epoch.typeKeys.set(label, copyBytes(key))
  return true
}

/** Takes a diagnosis key if it is the one that was committed to. */
export function takeDiagnosisKey(
  epoch: EpochKeys,
  doctor: { readonly did: Did; readonly index: number },
  key: Uint8Array,
): boolean {
  const { index, did } = doctor
  const commitment = epoch.diagnosisCommitments.get(index)
  const made = commitDiagnosisKey(key, { ...epoch.name, doctor: did })
  if (commitment === undefined || !equalBytes(made, commitment)) return false
  if (!epoch.diagnosisKeys.has(index)) epoch.diagnosisKeys.set(index, copyBytes(key))
  return true
}

/** Tells whether every type key that was committed to follows from sT. */
export function isTypesSecret(epoch: EpochKeys, typesSecret: Uint8Array): boolean {
  for (const [label, commitment] of epoch.commitments) {
    const key = deriveTypeKey(typesSecret, label)
    if (!equalBytes(commitTypeKey(key, { ...epoch.name, label }), commitment)) return false
  }
  return true
}

/**
 * Takes e or sT of an own envelope if every type key that was committed to follows from it, and if it is the one that is
 * held already: an epoch has one root.
 */
export function takeOwnSecret(epoch: EpochKeys, level: 'types' | 'root', secret: Uint8Array): boolean {
  const typesSecret = level === 'root' ? deriveTypesSecret(secret) : copyBytes(secret)
  const isOther = (held: Uint8Array | undefined, given: Uint8Array) => held !== undefined && !equalBytes(held, given)
  if (level === 'root' && isOther(epoch.root, secret)) return false
  if (isOther(epoch.typesSecret, typesSecret) || !isTypesSecret(epoch, typesSecret)) return false
  epoch.typesSecret ??= typesSecret
  if (level === 'root') epoch.root ??= copyBytes(secret)
  return true
}

/**
 * Returns the key of a type: as given, or derived from the key of all types and then compared with its commitment.
 * Undefined when it is not held, or when the types of the epoch do not list it.
 */
export function findTypeKey(epoch: EpochKeys, label: Label): Bytes | undefined {
  if (label === ALL_TYPES_LABEL) return undefined
  if (!epoch.typeKeys.has(label) && epoch.typesSecret !== undefined) {
    takeTypeKey(epoch, label, deriveTypeKey(epoch.typesSecret, label))
  }
  return epoch.typeKeys.get(label)
}

/**
 * Returns the diagnosis key of a doctor: as given, or derived from the root and then compared with its commitment.
 * Undefined when it is not held, or when the doctor is no recipient of the epoch.
 */
export function findDiagnosisKey(
  epoch: EpochKeys,
  doctor: { readonly did: Did; readonly index: number },
): Bytes | undefined {
  if (!epoch.diagnosisKeys.has(doctor.index) && epoch.root !== undefined) {
    const of = { doctor: doctor.did, epoch: epoch.name.epoch }
    takeDiagnosisKey(epoch, doctor, deriveDiagnosisKey(deriveDiagnosisSecret(epoch.root), of))
  }
  return epoch.diagnosisKeys.get(doctor.index)
}

/** Overwrites the secrets of an epoch, as far as JavaScript allows. */
export function wipeEpoch(epoch: EpochKeys): void {
  for (const key of [epoch.root, epoch.typesSecret, ...epoch.typeKeys.values(), ...epoch.diagnosisKeys.values()])
    key?.fill(0)
  delete epoch.root
  delete epoch.typesSecret
  epoch.typeKeys.clear()
  epoch.diagnosisKeys.clear()
}

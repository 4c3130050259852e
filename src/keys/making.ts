/**
 * What making the tx_keys of one epoch starts from: its secrets, its labels with their keys and commitments, their names.
 */

import type { Bytes } from '../primitives/bytes.ts'
import type { DataType } from '../primitives/did.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import type { RandomSource } from '../primitives/random.ts'
import type { LabelCommitment } from '../transactions/index.ts'
import type { PatientKeys } from './epoch-keys.ts'
import {
  commitTypeKey,
  deriveDiagnosisSecret,
  deriveTypeKey,
  deriveTypesSecret,
  type EpochName,
} from './epoch-secrets.ts'
import { labelOf } from './ring-keys.ts'
import type { RingState } from './ring-state.ts'

/** An epoch for which tx_keys are being made. Holds secrets. */
export interface Making {
  readonly state: RingState
  readonly known: PatientKeys | undefined
  readonly name: EpochName
  readonly root: Bytes
  readonly random: RandomSource
  readonly typesSecret: Bytes
  readonly diagnosisSecret: Bytes
  /** Ascending by label; the key of all types, under label zero, only when somebody is to hold it. */
  readonly labels: readonly LabelCommitment[]
  /** The keys of the labels, each derived once. */
  readonly typeKeys: ReadonlyMap<Label, Bytes>
  /** Labels of the types that the caller named. */
  readonly labelsOf: ReadonlyMap<DataType, Label>
  readonly names: ReadonlyMap<Label, DataType>
}

/**
 * Derives what is needed to make tx_keys.
 *
 * @param parts - whose epoch, and its root
 * @param listed - `labels`: to be listed whatever their names; `dataTypes`: to be listed besides; `toAll`: somebody is
 *   to hold the key of all types
 */
export function createMaking(
  parts: Pick<Making, 'state' | 'known' | 'name' | 'root' | 'random'>,
  listed: { readonly labels: readonly Label[]; readonly dataTypes: Iterable<DataType>; readonly toAll: boolean },
): Making {
  const { state, known, name, root } = parts
  const names = new Map<Label, DataType>(known?.names)
  const labelsOf = new Map<DataType, Label>()
  for (const dataType of listed.dataTypes) if (!labelsOf.has(dataType)) labelsOf.set(dataType, labelOf(state, dataType))
  for (const [dataType, label] of labelsOf) names.set(label, dataType)
  const labels = new Set<Label>([...listed.labels, ...labelsOf.values()])
  labels.delete(ALL_TYPES_LABEL)
  if (listed.toAll) labels.add(ALL_TYPES_LABEL)
  const typesSecret = deriveTypesSecret(root)
  const typeKeys = new Map([...labels].sort().map((label) => [label, deriveTypeKey(typesSecret, label)]))
  return {
    ...parts,
    typesSecret,
    diagnosisSecret: deriveDiagnosisSecret(root),
    labels: [...typeKeys].map(([label, key]) => ({ label, commitment: commitTypeKey(key, { ...name, label }) })),
    typeKeys,
    labelsOf,
    names,
  }
}

/** Overwrites what was derived, as far as JavaScript allows; the root belongs to whoever gave it. */
export function wipeMaking({ typesSecret, diagnosisSecret, typeKeys }: Making): void {
  for (const secret of [typesSecret, diagnosisSecret, ...typeKeys.values()]) secret.fill(0)
}

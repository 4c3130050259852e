/**
 * What a key ring hands out: sealing keys of the current epoch, opening keys of every epoch that it holds.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import { createOpeningKey, createSealingKey, type OpeningKey, type SealingKey } from '../storage/index.ts'
import { findDiagnosisKey, findTypeKey, type EpochKeys } from './epoch-keys.ts'
import type { RingState } from './ring-state.ts'

/** One epoch, as a ring sees it. */
export interface EpochView {
  readonly epoch: number
  readonly current: boolean
  /** Types that the epoch lists, and whether the ring can open them. */
  readonly types: readonly {
    readonly label: Label
    readonly dataType: DataType | undefined
    readonly openable: boolean
  }[]
  /** Who was given keys of it. */
  readonly recipients: readonly Did[]
}

/** The refusal of a key that a ring does not hold. */
export function notHeld(of: { readonly label: Label; readonly epoch: number }, wayOut: string): VitalsealError {
  const { label, epoch } = of
  const message = `no key of label ${label} in epoch ${epoch} is held; ${wayOut}`
  return new VitalsealError('ERR_KEYS_NOT_HELD', message, { details: { label, epoch } })
}

function currentEpoch(
  state: RingState,
  patient: Did,
): { readonly epoch: number; readonly keys: EpochKeys | undefined } {
  const known = state.patients.get(patient)
  const epoch = known?.epochCurrent ?? 0
  return { epoch, keys: known?.epochs.get(epoch) }
}

/** The label of one of the owner's types. */
export function labelOf(state: RingState, dataType: DataType): Label {
  if (state.labeler !== undefined) {
    const label = state.labeler.label(dataType)
    state.patients.get(state.owner)?.names.set(label, dataType)
    return label
  }
  const names = state.patients.get(state.owner)?.names ?? new Map<Label, DataType>()
  for (const [label, name] of names) if (name === dataType) return label
  return rejectArgument('dataType', 'a type that an own envelope names', 'another type; extend the epoch by it first')
}

function seal(
  state: RingState,
  of: { readonly patient: Did; readonly label: Label; readonly epoch: number },
  key: Bytes,
): SealingKey {
  const epochCurrent = () => state.patients.get(of.patient)?.epochCurrent ?? Infinity
  return createSealingKey(key, { chainId: state.chainId, ...of }, { epochCurrent })
}

/** Key that seals the owner's records of a type now. */
export function sealingKey(state: RingState, dataType: DataType): SealingKey {
  const label = labelOf(state, dataType)
  const { epoch, keys } = currentEpoch(state, state.owner)
  const key = keys?.commitments.has(label) === true ? findTypeKey(keys, label) : undefined
  if (key === undefined) throw notHeld({ label, epoch }, 'extend the epoch by this type first')
  return seal(state, { patient: state.owner, label, epoch }, key)
}

/** Key under which the holder writes about a patient now. */
export function writingKey(state: RingState, of: { readonly patient: Did; readonly label: Label }): SealingKey {
  const { did } = state.addressee
  const index = state.directory.indexOf(did)
  const { epoch, keys } = currentEpoch(state, of.patient)
  const key = keys === undefined || index === undefined ? undefined : findDiagnosisKey(keys, { did, index })
  if (key === undefined) throw notHeld({ ...of, epoch }, 'ask the patient for a grant')
  return seal(state, { ...of, epoch }, key)
}

/** Key that opens a patient's records of a type and epoch. */
export function openingKey(
  state: RingState,
  of: { readonly patient: Did; readonly label: Label; readonly epoch: number },
): OpeningKey {
  const keys = state.patients.get(of.patient)?.epochs.get(of.epoch)
  const key = keys === undefined ? undefined : findTypeKey(keys, of.label)
  if (key === undefined || of.label === ALL_TYPES_LABEL) throw notHeld(of, 'ask the patient for a grant')
  return createOpeningKey(key, { chainId: state.chainId, ...of })
}

/** Key that opens what a doctor wrote about a patient in an epoch. */
export function diagnosisKey(
  state: RingState,
  of: { readonly patient: Did; readonly doctor: Did; readonly label: Label; readonly epoch: number },
): OpeningKey {
  const { doctor: did, ...context } = of
  const keys = state.patients.get(of.patient)?.epochs.get(of.epoch)
  const index = state.directory.indexOf(did)
  const key = keys === undefined || index === undefined ? undefined : findDiagnosisKey(keys, { did, index })
  if (key === undefined) throw notHeld(of, 'ask the patient to hand it over')
  return createOpeningKey(key, { chainId: state.chainId, ...context })
}

/** Every epoch of a patient that the ring knows, oldest first. */
export function viewEpochs(state: RingState, patient: Did): readonly EpochView[] {
  const known = state.patients.get(patient)
  if (known === undefined) return []
  return [...known.epochs.values()]
    .sort((a, b) => a.name.epoch - b.name.epoch)
    .map((keys) => ({
      epoch: keys.name.epoch,
      current: keys.name.epoch === known.epochCurrent,
      types: [...keys.commitments.keys()]
        .filter((label) => label !== ALL_TYPES_LABEL)
        .map((label) => ({
          label,
          dataType: known.names.get(label),
          openable: findTypeKey(keys, label) !== undefined,
        })),
      recipients: [...keys.diagnosisCommitments.keys()].flatMap((index) => state.directory.accountAt(index) ?? []),
    }))
}

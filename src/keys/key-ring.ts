/**
 * Key rings: follow tx_key and hold exactly what its envelopes gave.
 *
 * One ring serves the owner (or one of the owner's delegates) and every patient who granted something to its holder. It is
 * fed the tx_keys that a ledger applied, in their order; what it holds follows from them and the holder's agreement key
 * alone, so a restart costs a replay and nothing is stored.
 */

import { rejectArgument } from '../errors.ts'
import { hashKeyRecord, type Identity } from '../identity/index.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { Label, Labeler } from '../primitives/label.ts'
import type { OpeningKey, SealingKey } from '../storage/index.ts'
import type { KeyTransaction } from '../transactions/index.ts'
import { wipeEpoch } from './epoch-keys.ts'
import { applyKeyTransaction } from './ring-apply.ts'
import { diagnosisKey, labelOf, openingKey, sealingKey, viewEpochs, writingKey, type EpochView } from './ring-keys.ts'
import type { Complaint, Directory, KeyOutcome, RingState } from './ring-state.ts'

/** Keys of one holder; owns changing state. Prints without its secrets. */
export interface KeyRing {
  /** The account whose records it seals: the holder's, or the one that the holder is a delegate of. */
  readonly owner: Did
  readonly chainId: ChainId
  /**
   * Takes a tx_key that a ledger applied, of this chain: a ring cannot tell an envelope of another chain from a faulty one.
   *
   * @throws When the ring was disposed of: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
   */
  apply(transaction: Verified<KeyTransaction>): Promise<KeyOutcome>
  /**
   * Returns the key that seals the owner's records of a type in the current epoch; it refuses once a newer one is known.
   *
   * @throws When the epoch does not list the type, or the ring does not hold it: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  sealingKey(dataType: DataType): SealingKey
  /**
   * Returns the key that opens a patient's records of a type and epoch.
   *
   * @throws When the ring does not hold it: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  openingKey(of: { readonly patient: Did; readonly label: Label; readonly epoch: number }): OpeningKey
  /**
   * Returns the key under which the holder writes about a patient: his own diagnosis key of the current epoch.
   *
   * @throws When the ring does not hold it: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  writingKey(of: { readonly patient: Did; readonly label: Label }): SealingKey
  /**
   * Returns the key that opens what a doctor wrote about a patient in an epoch.
   *
   * @throws When the ring does not hold it: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  diagnosisKey(of: {
    readonly patient: Did
    readonly doctor: Did
    readonly label: Label
    readonly epoch: number
  }): OpeningKey
  /** Returns what is known of a patient's epochs, oldest first. */
  epochs(patient: Did): readonly EpochView[]
  /** Returns the id of a patient's last tx_key, which the next one names as `previous`; null before the first. */
  latest(patient: Did): TransactionId | null
  /** Returns the label of one of the owner's types. */
  label(dataType: DataType): Label
  /** Returns the type behind a patient's label, where an envelope named it. */
  dataType(of: { readonly patient: Did; readonly label: Label }): DataType | undefined
  /** Returns every complaint so far, oldest first. */
  complaints(): readonly Complaint[]
  /**
   * Wipes the secrets, as far as JavaScript allows; nothing is held afterwards, and nothing is taken. Sealing keys that it
   * gave refuse from then on; opening keys are the caller's copies and stay.
   */
  dispose(): void
}

const states = new WeakMap<KeyRing, RingState>()

/** Returns the state of a ring, for the files of this folder. */
export function stateOf(ring: KeyRing): RingState {
  const state = states.get(ring) ?? rejectArgument('ring', 'a key ring of createKeyRing', 'another object')
  return assertInUse(state)
}

/** A ring that was disposed of would otherwise begin to hold keys again. */
function assertInUse(state: RingState): RingState {
  return state.isDisposed ? rejectArgument('ring', 'a key ring in use', 'one that was disposed of') : state
}

/**
 * Returns an empty key ring.
 *
 * @param options - `identity`: the holder's; `delegateOf`: the account and slot that it acts for, if any; `directory`: the
 *   numbers of accounts on the ledger; `labeler`: default the identity's private
 *   one, for a delegate none; pass the public one on ledgers with public labels. Envelopes are sealed to one key record: who
 *   has changed his keys keeps a ring of the earlier identity beside the new one, for what was sealed to it
 */
export function createKeyRing(options: {
  readonly identity: Identity
  readonly chainId: ChainId
  readonly directory: Directory
  readonly delegateOf?: { readonly patient: Did; readonly slot: number }
  readonly labeler?: Labeler
}): KeyRing {
  const { identity, chainId, directory, delegateOf } = options
  const state: RingState = {
    chainId,
    owner: delegateOf?.patient ?? identity.did,
    slot: delegateOf?.slot ?? 0,
    agreement: identity.agreement,
    addressee: { did: identity.did, keyRecord: hashKeyRecord(identity.keys) },
    // A delegate has no label key: it knows the types that own envelopes name.
    labeler: options.labeler ?? (delegateOf === undefined ? identity.labeler : undefined),
    directory,
    patients: new Map(),
    complaints: [],
    isDisposed: false,
  }
  const ring: KeyRing = {
    owner: state.owner,
    chainId,
    // A promise, so that a later ring may open envelopes by Web Crypto or in an HSM.
    apply: (transaction) => new Promise((resolve) => resolve(applyKeyTransaction(assertInUse(state), transaction))),
    sealingKey: (dataType) => sealingKey(state, dataType),
    openingKey: (of) => openingKey(state, of),
    writingKey: (of) => writingKey(state, of),
    diagnosisKey: (of) => diagnosisKey(state, of),
    epochs: (patient) => viewEpochs(state, patient),
    latest: (patient) => state.patients.get(patient)?.latest ?? null,
    label: (dataType) => labelOf(state, dataType),
    dataType: ({ patient, label }) => state.patients.get(patient)?.names.get(label),
    complaints: () => [...state.complaints],
    dispose() {
      for (const patient of state.patients.values()) for (const epoch of patient.epochs.values()) wipeEpoch(epoch)
      state.patients.clear()
      state.isDisposed = true
    },
  }
  states.set(ring, state)
  return Object.freeze(ring)
}

/**
 * Making tx_key: `rotate` starts an epoch with new keys, `extend` adds to the current one (HC Algorithm 3).
 *
 * To revoke a doctor is to rotate without him. Whoever is to receive something is named with a checked key record and the
 * types that his grant covers; each envelope holds exactly these. A recipient whose keys are unusable is skipped and
 * reported, never a reason to stop: one bad key must not keep a revocation from happening. What does not fit one
 * transaction becomes one `rotate` and following `extend`s.
 */

import { rejectArgument, VitalsealError } from '../errors.ts'
import { ACCOUNT_SLOT } from '../identity/index.ts'
import { isAgreementPublicKey } from '../primitives/agreement.ts'
import type { DataType } from '../primitives/did.ts'
import { ALL_TYPES_LABEL } from '../primitives/label.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import { drawBytes, randomBytes, type RandomSource } from '../primitives/random.ts'
import { createDrafts, type KeyDrafts } from './drafts.ts'
import { EPOCH_SECRET_BYTES, type EpochName } from './epoch-secrets.ts'
import { stateOf, type KeyRing } from './key-ring.ts'
import { createMaking, wipeMaking, type Making } from './making.ts'
import {
  admitDelegates,
  admitRecipients,
  type AdmittedOwn,
  type DelegateRecipient,
  type Recipient,
  type SkippedRecipient,
} from './recipients.ts'
import type { RingState } from './ring-state.ts'

/** What an epoch is made for. */
export interface EpochOptions extends ProgressOptions {
  /** Types under which records will be sealed; those of recipients are added. */
  readonly dataTypes?: readonly DataType[]
  readonly recipients?: readonly Recipient[]
  /** Delegates that get a secret; each learns the names of the types that this call lists. */
  readonly delegates?: readonly DelegateRecipient[]
}

/**
 * Returns the tx_keys that start the owner's next epoch, with new keys for the given recipients and for nobody else.
 *
 * Cost: about 1.2 ms a recipient. The first epoch must be published before any grant, without recipients. The owner may
 * always rotate, also out of an epoch that a delegate opened and kept from him.
 *
 * @param ring - of the owner, or of a delegate with the right to rotate
 * @param options - `dataTypes`: default those of the current epoch; `delegates`: every delegate that holds a key; the
 *   account itself always gets its envelope; `account`: its agreement key, where a delegate rotates
 * @returns drafts in order of sending, and who was skipped
 * @throws When the ring may not rotate: `ERR_KEYS_NOT_HELD`; when a type or the account's key is of another form:
 *   `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 * @see HC Algorithm 3; DESIGN.md 3.7
 */
export async function rotateEpoch(
  ring: KeyRing,
  options: EpochOptions & { readonly account?: Uint8Array } = {},
  random: RandomSource = randomBytes,
): Promise<KeyDrafts> {
  const state = stateOf(ring)
  const known = state.patients.get(state.owner)
  const epochCurrent = known?.epochCurrent ?? 0
  const before = known?.epochs.get(epochCurrent)
  // A new root needs no old one. That a delegate holds the old one shows that he had the right to rotate.
  if (state.slot !== ACCOUNT_SLOT && before !== undefined && before.root === undefined) throw mayNotRotate(epochCurrent)
  const account = accountKey(state, options.account)
  const name: EpochName = { chainId: state.chainId, patient: state.owner, epoch: epochCurrent + 1 }
  const root = drawBytes(random, EPOCH_SECRET_BYTES)
  try {
    const labels = options.dataTypes === undefined ? [...(before?.commitments.keys() ?? [])] : []
    const making = createMaking({ state, known, name, root, random }, { labels, ...typesOf(options) })
    return await assemble(making, 'rotate', { ...options, account })
  } finally {
    root.fill(0)
  }
}

/**
 * Returns the tx_keys that add types, recipients or delegates to the owner's current epoch.
 *
 * @param ring - of the owner, or of a delegate with the right to rotate
 * @param options - as for {@link rotateEpoch}; for a recipient of all types every type of the epoch is listed again, so
 *   that he learns the names
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
  const types = typesOf(options)
  const labels = types.toAll ? [...keys.commitments.keys()] : []
  const making = createMaking({ state, known, name: keys.name, root: keys.root, random }, { labels, ...types })
  // New names must reach the owner's other devices, and this one after a restart.
  const isKnown = state.slot === ACCOUNT_SLOT || options.account !== undefined
  return assemble(making, 'extend', { ...options, account: isKnown ? accountKey(state, options.account) : undefined })
}

function mayNotRotate(epoch: number): VitalsealError {
  const message = `the root of epoch ${epoch} is not held; only the owner and delegates with the right to rotate hold it`
  return new VitalsealError('ERR_KEYS_NOT_HELD', message, { details: { label: ALL_TYPES_LABEL, epoch } })
}

/** The agreement key of the account itself: the holder's, or named where a delegate rotates. */
function accountKey(state: RingState, given: Uint8Array | undefined): Uint8Array {
  const key = state.slot === ACCOUNT_SLOT ? state.agreement.publicKey : given
  if (isAgreementPublicKey(key)) return key
  return rejectArgument('options.account', "the account's agreement key, since a delegate rotates", 'something else')
}

function typesOf({ dataTypes = [], recipients = [] }: EpochOptions) {
  const granted = recipients.flatMap((recipient) => (recipient.dataTypes === 'all' ? [] : recipient.dataTypes))
  return { dataTypes: [...dataTypes, ...granted], toAll: recipients.some((recipient) => recipient.dataTypes === 'all') }
}

async function assemble(
  making: Making,
  mode: 'rotate' | 'extend',
  options: EpochOptions & { readonly account: Uint8Array | undefined },
): Promise<KeyDrafts> {
  const { account, recipients = [], delegates = [] } = options
  const skipped: SkippedRecipient[] = []
  const admitted = admitRecipients(making, recipients, skipped)
  const self: readonly AdmittedOwn[] =
    account === undefined ? [] : [{ slot: ACCOUNT_SLOT, agreement: account, level: 'root' }]
  const own = [...self, ...admitDelegates(delegates, skipped)]
  try {
    return { drafts: await createDrafts(making, mode, { ...options, recipients: admitted, own }), skipped }
  } finally {
    wipeMaking(making)
    for (const { diagnosisKey } of admitted) diagnosisKey.fill(0)
  }
}

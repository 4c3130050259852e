/**
 * Type keys outside of envelopes: sealed to a capsule that a proxy can convert, and taken back out of one.
 *
 * How a capsule is made is for a port, so that this folder carries no pairings. What comes out of a converted capsule is
 * held only when it is the key that a tx_key of the ledger committed to, as with envelopes.
 */

import { VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { DataType, Did } from '../primitives/did.ts'
import type { ChainId } from '../primitives/ids.ts'
import { ALL_TYPES_LABEL, type Label } from '../primitives/label.ts'
import { findTypeKey, takeTypeKey as takeCommitted } from './epoch-keys.ts'
import { stateOf, type KeyRing } from './key-ring.ts'
import { labelOf, notHeld } from './ring-keys.ts'

/** Which key is in a capsule: the one condition that it is sealed for. */
export interface CapsuleContext {
  readonly chainId: ChainId
  readonly patient: Did
  readonly label: Label
  readonly epoch: number
}

/** Port: seals a key so that its owner opens it, and whoever a proxy converts it for. */
export interface CapsuleSealer {
  /** Returns the capsule and the sealed key, as one object. The key is secret, 32 bytes; it is not kept. */
  sealKey(key: Uint8Array, context: CapsuleContext): Promise<Bytes>
}

/** A type key in a capsule. */
export interface SealedTypeKey {
  readonly context: CapsuleContext
  readonly bytes: Bytes
}

/**
 * Returns the key of one of the owner's types in the current epoch, sealed to a capsule.
 *
 * @throws When the epoch does not list the type, or the ring does not hold it: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
 */
export async function sealTypeKey(
  ring: KeyRing,
  options: { readonly dataType: DataType; readonly sealer: CapsuleSealer },
): Promise<SealedTypeKey> {
  const state = stateOf(ring)
  const { chainId, owner: patient } = state
  const label = labelOf(state, options.dataType)
  const known = state.patients.get(patient)
  const epoch = known?.epochCurrent ?? 0
  const keys = known?.epochs.get(epoch)
  const key = keys === undefined ? undefined : findTypeKey(keys, label)
  if (key === undefined) throw notHeld({ label, epoch }, 'extend the epoch by this type first')
  const context = { chainId, patient, label, epoch }
  return { context, bytes: await options.sealer.sealKey(key, context) }
}

/**
 * Takes a type key of 32 bytes, out of a capsule, into the ring, which opens the records of that type and epoch from then on.
 *
 * @throws When a tx_key that the ring has seen did not commit to this key: `ERR_KEYS_COMMITMENT`. {@link VitalsealError}
 */
export function receiveTypeKey(
  ring: KeyRing,
  of: { readonly patient: Did; readonly label: Label; readonly epoch: number; readonly key: Uint8Array },
): void {
  const { patient, label, epoch, key } = of
  const keys = stateOf(ring).patients.get(patient)?.epochs.get(epoch)
  if (keys !== undefined && label !== ALL_TYPES_LABEL && takeCommitted(keys, label, key)) return
  throw new VitalsealError('ERR_KEYS_COMMITMENT', `not the key that was committed to in epoch ${epoch}`, {
    details: { epoch },
  })
}

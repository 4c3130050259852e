/**
 * The institution: receives what a proxy converted for it, and opens the records under it (PS 4.2.9).
 */

import { rejectArgument } from '../errors.ts'
import type { PreIdentity } from '../identity/index.ts'
import { receiveTypeKey } from '../keys/index.ts'
import { createCid, createRecordId, RAW_CODEC } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { readBlock } from '../storage/index.ts'
import { createActorCore, registerIfNew, type Actor, type ActorOptions, type Opened } from './actor.ts'
import { CONVERTED_BYTES_MAX, openConverted, preKeysOf } from './capsules.ts'

/** A type and an epoch that an institution can open. */
export interface Received {
  readonly patient: Did
  readonly label: Label
  readonly epoch: number
  /** Records on the ledger that open now, oldest first; later ones of this epoch open too. */
  readonly records: readonly TransactionId[]
}

/** Who reads what is converted. */
export interface Institution extends Actor {
  /**
   * Takes the key that a conversion holds for this institution.
   *
   * @param conversion - the transaction of the proxy
   * @throws When it is none for this institution: `ERR_ARGUMENT_INVALID`; when the block is missing or damaged:
   *   `ERR_STORAGE_NOT_FOUND` or `ERR_STORAGE_CORRUPT`; when it does not open: `ERR_DECRYPTION_FAILED`; when it holds another
   *   key than the owner committed to: `ERR_KEYS_COMMITMENT`. {@link VitalsealError}
   */
  receive(conversion: TransactionId): Promise<Received>
  /**
   * Opens a record under a key that was received.
   *
   * @throws When there is none: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  open(id: TransactionId): Promise<Opened>
}

/**
 * Returns the institution's actor. Registers the identity where the ledger does not know it.
 *
 * @param options - `identity`: one made with `pre: createPreKeyMaker()`
 */
export async function createInstitution(
  options: ActorOptions & { readonly identity: PreIdentity },
): Promise<Institution> {
  const core = createActorCore(options)
  await registerIfNew(core)
  const { follower, keyRing, did } = core
  const keys = preKeysOf(options.identity, 'delegatee')
  return {
    ...core,
    async receive(conversion) {
      await follower.reached((await options.ledger.view()).height)
      const found = follower.conversion(conversion)
      if (found?.delegatee !== did) rejectArgument('conversion', 'a conversion for this institution', 'another id')
      const { patient, label, epoch, converted, reKey } = found
      const cid = createCid(RAW_CODEC, converted)
      const record = createRecordId(cid)
      const bytes = await readBlock(options.blocks, cid, { bytesMax: CONVERTED_BYTES_MAX, record, signal: undefined })
      const key = await openConverted(bytes, { keys, reKey })
      receiveTypeKey(keyRing, { patient, label, epoch, key })
      key.fill(0)
      return { patient, label, epoch, records: follower.recordsOf({ patient, label, epoch }) }
    },
    async open(id) {
      return core.openEntry(follower.record(id) ?? rejectArgument('id', 'a record on the ledger', 'another id'))
    },
  }
}

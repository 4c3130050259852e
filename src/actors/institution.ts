/**
 * The institution: receives what a proxy converted for it, and opens the records under it (PS 4.2.9); receives the shares
 * that it pays for, and answers them.
 */

import type { AppliedReceipt } from '../chain/index.ts'
import { rejectArgument } from '../errors.ts'
import type { PreIdentity } from '../identity/index.ts'
import { receiveTypeKey } from '../keys/index.ts'
import { createCid, createRecordId, RAW_CODEC } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { acknowledgeShare } from '../sharing/index.ts'
import { readBlock } from '../storage/index.ts'
import type { Requirement } from '../zk/index.ts'
import { actorOf, createActorCore, registerIfNew, type Actor, type ActorOptions, type Opened } from './actor.ts'
import { CONVERTED_BYTES_MAX, openConverted, preKeysOf } from './capsules.ts'
import { disputeShare, receiveShare, type ReceivedShare } from './receive-share.ts'

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
  /**
   * Opens a share that a proxy converted for a listing of this institution, and compares all of it with the claim and the
   * issuer's word: the share by its digest, the opening by h, the record by its serial. Answers nothing yet. Give the
   * `requirement` of a listing that names a digest only.
   *
   * @throws When the claim is none to this institution's listings, or not converted: `ERR_SHARING_STATE`; when a block is
   *   missing or damaged: `ERR_STORAGE_NOT_FOUND` or `ERR_STORAGE_CORRUPT`; when it is not what was attested:
   *   `ERR_SHARING_CONTENT`. Dispute in both cases, before the deadline. {@link VitalsealError}
   * @see privacy-preserving-secure-sharing, step 7
   */
  receiveShare(claim: TransactionId, options?: { readonly requirement?: Requirement }): Promise<ReceivedShare>
  /**
   * Says that the share is what was asked for, and pays.
   *
   * @throws When it is not converted, or was answered: `ERR_SHARING_STATE`. {@link VitalsealError}
   * @see privacy-preserving-secure-sharing, steps 8 and 9
   */
  acknowledge(claim: TransactionId): Promise<AppliedReceipt>
  /**
   * Says that it is not, and asks the issuer. Again, for example after a crash: returns the same evidence, while the store has
   * the same conversion or still none.
   *
   * @returns the evidence, for the issuer alone: it opens the share
   * @throws When it is not converted, was answered, or the time to answer has passed: `ERR_SHARING_STATE`. {@link VitalsealError}
   */
  dispute(claim: TransactionId): Promise<{ readonly evidence: Uint8Array<ArrayBuffer>; readonly untilMs: number }>
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
    ...actorOf(core),
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
    receiveShare: (claim, { requirement } = {}) => receiveShare(core, keys, { claim, requirement }),
    acknowledge: async (claim) => core.submit(acknowledgeShare(await options.ledger.view(), claim)),
    dispute: (claim) => disputeShare(core, keys, claim),
  }
}

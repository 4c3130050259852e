/**
 * The clinician: follows patients, reads what is granted, writes diagnoses (DP's medical staff, HC's doctor node).
 */

import { rejectArgument } from '../errors.ts'
import type { Resource } from '../fhir/index.ts'
import type { Purpose } from '../policy/index.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Blockstore } from '../storage/index.ts'
import {
  actorOf,
  createActorCore,
  registerIfNew,
  type Actor,
  type ActorCore,
  type ActorOptions,
  type Opened,
  type Sealed,
} from './actor.ts'
import { createOutbox, sealAndRecord } from './sealing.ts'

/** The doctor's side of the product. */
export interface Clinician extends Actor {
  /**
   * Reads a record: T_data is committed before the key is used, also when it is refused.
   *
   * @throws When no grant permits it: `ERR_POLICY_DENIED`; when the keys are missing: `ERR_KEYS_NOT_HELD`. {@link VitalsealError}
   */
  read(id: TransactionId, options: ProgressOptions & { readonly purpose: Purpose }): Promise<Opened>
  /** Seals a diagnosis under the doctor's own key and records tx_diag with its causes. */
  diagnose(
    resource: Resource,
    options: ProgressOptions & { readonly patient: Did; readonly causes: readonly TransactionId[] },
  ): Promise<Sealed>
}

/**
 * Returns the clinician's actor. Registers the identity where the ledger does not know it. Answers each envelope: it is
 * acknowledged when it holds what was committed to, complained of otherwise.
 */
export async function createClinician(options: ActorOptions & { readonly outbox?: Blockstore }): Promise<Clinician> {
  const core = createActorCore(options)
  await registerIfNew(core)
  answerEnvelopes(core)
  const outbox = createOutbox(options.outbox)
  const { follower, keyRing } = core
  const find = (id: TransactionId) =>
    follower.record(id) ?? rejectArgument('id', 'a record on the ledger', 'another id')
  return {
    ...actorOf(core),
    async read(id, { purpose, ...progress }) {
      const entry = find(id)
      const { patient, label, record } = entry
      await core.submit({ kind: 'data', mode: 'read', patient, label, record, purpose }, progress)
      return core.openEntry(entry)
    },
    diagnose(resource, { patient, causes, ...progress }) {
      const [first] = causes
      // The doctor has no label key: a diagnosis goes under the label of what caused it.
      const { label } = find(first ?? rejectArgument('causes', 'at least one reading', 'none'))
      return sealAndRecord(
        core,
        resource,
        {
          outbox,
          kind: 'diagnosis',
          key: () => keyRing.writingKey({ patient, label }),
          renew: () => Promise.resolve(),
          record: ({ epoch }, record) =>
            core.submit({ kind: 'diagnosis', causes: [...new Set(causes)].sort(), record, label, epoch }, progress),
        },
        progress,
      )
    },
  }
}

/** Says of each tx_key that comes from now on and addresses the holder whether its envelope is good; not of earlier ones. */
function answerEnvelopes(core: ActorCore): void {
  core.follower.onCommitted(({ transaction, patient }, outcome) => {
    if (transaction.kind !== 'key' || patient === core.did) return
    if (outcome !== 'opened' && outcome !== 'commitment-mismatch') return
    const kind = outcome === 'opened' ? 'acknowledge' : 'complaint'
    // An answer that is refused was given before; nothing depends on it here.
    core.submit({ kind, answers: transaction.id }).catch(() => undefined)
  })
}

/**
 * tx_diag (HC equation 3): a diagnosis was sealed and stored, and these readings are its cause.
 *
 * `{ID_Dj, ts_3, htxI_i, HEdm, S_j, htxd_j}` is sender, time, `causes`, `record`, signature and id. Whose diagnosis it is
 * follows from the causes, which must have one owner: the ledger checks that.
 */

import type { RecordId } from '../primitives/content-id.ts'
import type { TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import { CAUSES_MAX, COUNTER_MAX } from '../primitives/limits.ts'
import { contentId, label, listOf, transactionId, tuple, uint } from '../primitives/shape.ts'
import { checkOrder, compareText, type KindDefinition } from './kind.ts'

/** Body of tx_diag. */
export interface DiagnosisBody {
  /** htxI: the readings that led to it, ascending, 1 to 64. */
  readonly causes: readonly TransactionId[]
  /** HEdm: address of the ciphertext. */
  readonly record: RecordId
  readonly label: Label
  /** Key epoch of the owner under which the writer's diagnosis key was made, from 1. */
  readonly epoch: number
}

/** tx_diag. */
export const diagnosisKind: KindDefinition<DiagnosisBody> = {
  version: 5,
  sentBy: 'publish',
  body: tuple({
    causes: listOf(transactionId, { name: 'causes', countMin: 1, countMax: CAUSES_MAX }),
    record: contentId,
    label,
    epoch: uint(COUNTER_MAX, 1),
  }),
  check: ({ causes }) => checkOrder('causes', causes, compareText),
}

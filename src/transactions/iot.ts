/**
 * tx_IoT (HC equation 1): a device reading was sealed and stored.
 *
 * `{ID_Ui, ts_1, HEIoT, S_i, htxI_i}` is sender, time, `record`, signature and id. The paper's tuple says neither which
 * type of data it is nor under which key it was sealed; label and epoch do.
 */

import type { RecordId } from '../primitives/content-id.ts'
import type { Label } from '../primitives/label.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { contentId, label, tuple, uint } from '../primitives/shape.ts'
import type { KindDefinition } from './kind.ts'

/** Body of tx_IoT. */
export interface IotBody {
  /** HEIoT: address of the ciphertext. */
  readonly record: RecordId
  readonly label: Label
  /** Key epoch under which the record was sealed, from 1. */
  readonly epoch: number
}

/** tx_IoT. */
export const iotKind: KindDefinition<IotBody> = {
  version: 3,
  sentBy: 'publish',
  body: tuple({ record: contentId, label, epoch: uint(COUNTER_MAX, 1) }),
}

/**
 * T_data (DP Protocol 4): a document was stored (RW = 0), or is about to be read (RW = 1).
 *
 * The paper's message names no owner, so that its POLICYCHECK looks up the requester's own policies and never lets a
 * doctor in; here the owner is a field. A read names the content id that it wants, or null to ask for the keys that a
 * role grant promises. It is committed before the key is used, also when it is refused.
 */

import { PURPOSES, type Purpose } from '../policy/index.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { Label } from '../primitives/label.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { account, choice, contentId, label, nullable, uint } from '../primitives/shape.ts'
import { formsOf, type KindDefinition } from './kind.ts'

/** T_data with RW = 0. */
export interface DataWriteBody {
  readonly mode: 'write'
  readonly patient: Did
  /** H(C): address of the ciphertext. */
  readonly record: RecordId
  readonly label: Label
  /** Key epoch under which the record was sealed, from 1. */
  readonly epoch: number
}

/** T_data with RW = 1. */
export interface DataReadBody {
  readonly mode: 'read'
  readonly patient: Did
  readonly label: Label
  /** The record to read; null asks for keys. */
  readonly record: RecordId | null
  readonly purpose: Purpose
}

/** Body of T_data; `mode` is the paper's RW. */
export type DataBody = DataWriteBody | DataReadBody

/** T_data. */
export const dataKind: KindDefinition<DataBody> = {
  version: 7,
  sentBy: 'publish',
  body: formsOf<DataBody, 'mode'>('mode', {
    write: { patient: account, record: contentId, label, epoch: uint(COUNTER_MAX, 1) },
    read: { patient: account, label, record: nullable(contentId), purpose: choice('purpose', PURPOSES) },
  }),
}

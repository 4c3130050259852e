/**
 * transfer: moves micro-units from the sender's balance (HC's Healthcoin under one preset, a plain balance under others).
 */

import type { Did } from '../primitives/did.ts'
import type { Bytes } from '../primitives/bytes.ts'
import { account, bytesOf, nullable, tuple, uint } from '../primitives/shape.ts'
import { refuseField, type KindDefinition } from './kind.ts'

/** Body of a transfer. */
export interface TransferBody {
  readonly payee: Did
  /** Integer micro-units, from 1. */
  readonly amount: number
  /** 32 bytes for the payee's books, or null. */
  readonly memo: Bytes | null
}

/** transfer. */
export const transferKind: KindDefinition<TransferBody> = {
  version: 8,
  sentBy: 'account',
  body: tuple({ payee: account, amount: uint(Number.MAX_SAFE_INTEGER, 1), memo: nullable(bytesOf(32)) }),
  check: ({ payee }, sender) =>
    payee === sender ? refuseField('payee', 'another account than the sender') : undefined,
}

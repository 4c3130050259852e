/**
 * rekey and conversion: proxy re-encryption as a ledger sees it (PS 4.2.4 and 4.2.8).
 *
 * A rekey records that the owner let a proxy convert one type of one key epoch for one delegatee, and until when. The re-key
 * itself goes to the proxy off the ledger; its id commits to all of its terms. A conversion is the proxy's word that it
 * converted, with the digest of what came out, before it gives that to anyone.
 */

import type { Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { Label } from '../primitives/label.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { account, label, timeMs, tuple, uint } from '../primitives/shape.ts'
import { digest } from './key.ts'
import type { KindDefinition } from './kind.ts'

/** Body of rekey; its sender is the owner. */
export interface RekeyBody {
  /** Id of the re-key, 32 bytes. */
  readonly reKey: Digest32
  /** Who converts. */
  readonly proxy: Did
  /** For whom. */
  readonly delegatee: Did
  /** The type of data that is converted. */
  readonly label: Label
  /** The key epoch whose key is converted, from 1. */
  readonly epoch: number
  /** From this time on the proxy converts nothing with it; milliseconds UTC, not after the grant's end. */
  readonly untilMs: number
}

/** Body of conversion; its sender is the proxy. */
export interface ConversionBody {
  /** The owner. */
  readonly patient: Did
  readonly delegatee: Did
  /** Id of the re-key that converted. */
  readonly reKey: Digest32
  /** SHA-256 of the converted object, 32 bytes: its address in a store of blocks. */
  readonly converted: Digest32
}

/** rekey. */
export const rekeyKind: KindDefinition<RekeyBody> = {
  version: 12,
  sentBy: 'grant',
  body: tuple({
    reKey: digest,
    proxy: account,
    delegatee: account,
    label,
    epoch: uint(COUNTER_MAX, 1),
    untilMs: timeMs,
  }),
}

/** conversion. */
export const conversionKind: KindDefinition<ConversionBody> = {
  version: 13,
  sentBy: 'publish',
  body: tuple({ patient: account, delegatee: account, reKey: digest, converted: digest }),
}

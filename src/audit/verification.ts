/** What both forms of a bundle are verified with. */

import { rejectArgument } from '../errors.ts'
import { equalBytes, toHex } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { toDigest } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Verifier } from '../primitives/signature.ts'
import type { LedgerPorts } from '../chain/index.ts'
import type { AuditBundle } from './bundle-format.ts'
import { breakAt } from './refusal.ts'

/** A block that the verifier knows already. */
export interface TrustedHead {
  readonly height: number
  /** Digest of its header. */
  readonly hash: Uint8Array
}

/** Ports, and what is known already. */
export interface Verification extends ProgressOptions, LedgerPorts {
  readonly verifier: Verifier
  readonly trustedHead?: TrustedHead
}

/**
 * Stops when the bundle ends before the block that is trusted; the block before the first is the genesis.
 *
 * @throws When the height is none, since it would never be compared: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function checkReach({ genesis, heightLast }: AuditBundle, trusted: TrustedHead | undefined): void {
  if (trusted === undefined) return
  const { height } = trusted
  if (!Number.isSafeInteger(height) || height < 0)
    rejectArgument('options.trustedHead.height', 'an integer from 0', `${height}`)
  if (height > heightLast)
    breakAt(height, 'trusted head', `expected this block, found ${heightLast} as the last; ask for a newer bundle`)
  checkTrusted(0, toDigest(genesis.chainId), trusted)
}

/** Stops when a block of the trusted height is another one. */
export function checkTrusted(height: number, hash: Digest32, trusted: TrustedHead | undefined): void {
  if (trusted?.height !== height || equalBytes(hash, trusted.hash)) return
  breakAt(height, 'trusted head', `expected ${toHex(trusted.hash)}, found ${toHex(hash)}`)
}

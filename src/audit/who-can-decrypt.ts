/** Who holds a key that opens a record: what mathematics allows, whatever the policy says. */

import type { LedgerView } from '../chain/index.ts'
import type { RecordId } from '../primitives/content-id.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import {
  findRecordings,
  holdingsOf,
  isOpenedBy,
  type Holding,
  type Holdings,
  type Recording,
  type Through,
} from './holdings.ts'

/** Somebody who can open a record. */
export interface Holder {
  readonly holder: Did
  /** Epoch of the key. */
  readonly epoch: number
  /** The tx_key that gave it, or the conversion. */
  readonly since: TransactionId
  readonly through: Through
  /**
   * What the holder said: only `acknowledged` shows that the envelope held the committed key. The owner and the author of a
   * record are known to hold theirs.
   */
  readonly state: 'offered' | 'acknowledged' | 'complained'
}

/**
 * Lists who can open a record by what the ledger says, each once.
 *
 * Revoked readers stay in the list: a key that was given cannot be taken back. A delegatee is in it from the first conversion
 * on. Not seen here: keys passed on outside of the ledger, a proxy's among them; {@link listProxies} says which proxies there are.
 *
 * @param view - the whole ledger, or everything that concerns the patient
 * @returns empty for a record that the view does not know
 */
export function whoCanDecrypt(view: LedgerView, record: RecordId): readonly Holder[] {
  return findRecordings(view, record).flatMap((recording) => [
    ...holdersOf(holdingsOf(view, recording.owner), recording).values(),
  ])
}

/** Who can open one entered record. A holder with several keys counts by the first that was not complained of. */
export function holdersOf(holdings: Holdings, recording: Recording): ReadonlyMap<Did, Holder> {
  const holders = new Map<Did, Holder>()
  for (const holding of holdings.byEpoch.get(recording.epoch) ?? []) {
    if (!isOpenedBy(recording, holding.opens)) continue
    const before = holders.get(holding.holder)
    if (before !== undefined && before.state !== 'complained') continue
    const state = stateOf(holdings, holding)
    if (before !== undefined && state === 'complained') continue
    const { holder, epoch, since, through } = holding
    holders.set(holder, { holder, epoch, since, through, state })
  }
  return holders
}

function stateOf(holdings: Holdings, { holder, since, through }: Holding): Holder['state'] {
  // Whoever sealed under a key holds it.
  if (through === 'owner' || through === 'author') return 'acknowledged'
  return holdings.answer({ transaction: since, holder })?.state ?? 'offered'
}

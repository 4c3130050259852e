/** Where a bundle comes from. */

import { rejectArgument, unwrap } from '../errors.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import {
  replayLedger,
  type Genesis,
  type Ledger,
  type LedgerPorts,
  type LedgerStore,
  type StoredBlock,
} from '../chain/index.ts'

/** Where a bundle comes from. A ledger of `createLocalLedger` fits. */
export interface BundleSource extends LedgerPorts {
  readonly store: LedgerStore
  readonly genesis: Genesis
  /** The state at the newest stored block, for a patient's proofs; replayed from the store when absent. */
  readonly ledger?: Ledger
}

/** Reads one block of a store that must have it. */
export async function readStored({ store }: Pick<BundleSource, 'store'>, height: number): Promise<StoredBlock> {
  return (await store.read(height)) ?? rejectArgument('source.store', `block ${height}`, 'nothing')
}

/** Yields the blocks of a store up to a height. */
export async function* readAll(source: Pick<BundleSource, 'store'>, heightLast: number): AsyncGenerator<StoredBlock> {
  for (let height = 1; height <= heightLast; height++) yield await readStored(source, height)
}

/** The state machine at the newest stored block. */
export async function ledgerAtHead(source: BundleSource, total: number, options: ProgressOptions): Promise<Ledger> {
  const { ledger, genesis, rules, verifier, preKeyVerifier, blsVerifier } = source
  if (ledger !== undefined) {
    if (ledger.header?.height === total) return ledger
    return rejectArgument('source.ledger', `the ledger at block ${total}`, `at block ${ledger.header?.height ?? 0}`)
  }
  const replayed = await replayLedger(readAll(source, total), {
    ...options,
    genesis,
    total,
    rules,
    verifier,
    preKeyVerifier,
    blsVerifier,
  })
  return unwrap(replayed)
}

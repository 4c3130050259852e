/**
 * What stands behind a key ring. The files of this folder share it; nobody else sees it.
 */

import type { AgreementKey } from '../primitives/agreement.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { Labeler } from '../primitives/label.ts'
import type { Addressee } from './envelope.ts'
import type { PatientKeys } from './epoch-keys.ts'

/** Port: the numbers that a ledger gave to its accounts. */
export interface Directory {
  /** The account's number; undefined when it is not registered. */
  indexOf(did: Did): number | undefined
  /** The account with that number. */
  accountAt(index: number): Did | undefined
}

/** What became of a tx_key. */
export type KeyOutcome = 'opened' | 'not-for-us' | 'commitment-mismatch' | 'out-of-order'

/** An envelope that is not what it should be: to be published, so that audits do not count its keys as received. */
export interface Complaint {
  readonly patient: Did
  /** The tx_key. */
  readonly transaction: TransactionId
  readonly epoch: number
  readonly because: 'does-not-open' | 'other-key-than-committed' | 'commitment-repeated-differently'
}

/** State behind a ring; holds secrets. */
export interface RingState {
  readonly chainId: ChainId
  /** The account whose records the ring seals. */
  readonly owner: Did
  /** The holder's slot of that account; 0 is the account itself. */
  readonly slot: number
  readonly agreement: AgreementKey
  /** The holder as a recipient of others' envelopes. */
  readonly addressee: Addressee
  /** Absent for delegates, which know the types that own envelopes name. */
  readonly labeler: Labeler | undefined
  readonly directory: Directory
  readonly patients: Map<Did, PatientKeys>
  readonly complaints: Complaint[]
  isDisposed: boolean
}

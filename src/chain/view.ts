/**
 * Views: what is known of a ledger up to one height, of all or of one patient, for questions and reports.
 *
 * A view holds committed transactions with their receipts; it neither signs nor executes. Whoever makes one has verified
 * what is in it: a local ledger by executing, a bundle by certificates and proofs.
 */

import { createPolicyIndex, type GrantSet, type PolicyIndex } from '../policy/index.ts'
import type { KeyRecord } from '../identity/index.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { Label } from '../primitives/label.ts'
import type { Transaction, TransactionKind } from '../transactions/index.ts'
import type { AppliedBlock } from './ledger.ts'
import type { Receipt } from './receipt.ts'

/** A transaction in a block, with what became of it. */
export interface Committed<K extends TransactionKind = TransactionKind> {
  readonly transaction: Verified<Transaction<K>>
  readonly receipt: Receipt
  readonly height: number
  /** Block time. */
  readonly timeMs: number
  /** Whose affairs it concerns. */
  readonly patient: Did
}

/** Which transactions. */
export interface TransactionFilter<K extends TransactionKind> {
  /** Of every kind when absent. */
  readonly kind?: K
  readonly patient?: Did
  readonly sender?: Did
  readonly label?: Label
  /** Default `applied`. */
  readonly outcome?: 'applied' | 'refused' | 'any'
}

/** Verified transactions up to one height. */
export interface LedgerView {
  readonly chainId: ChainId
  readonly height: number
  readonly timeMs: number
  /** Accounts that admit others, by the genesis; where that is not known, those that have done so. */
  readonly registrars: readonly Did[]
  /** Grants as they stand at this height. */
  readonly policy: PolicyIndex<Label>
  /** Transactions in their order. */
  transactions<K extends TransactionKind = TransactionKind>(filter: TransactionFilter<K>): Iterable<Committed<K>>
  /** The transaction with this id; undefined when the view does not hold it. */
  find(id: TransactionId): Committed | undefined
  /** The key record of an account, as registered last. */
  keys(did: Did): KeyRecord | undefined
  /** The number of an account; undefined when it is not registered. */
  indexOf(did: Did): number | undefined
  /** The account with that number. */
  accountAt(index: number): Did | undefined
  /** The same ledger as it was. */
  at(height: number): LedgerView
}

/** Everything that was committed, oldest first. */
export interface ViewSource {
  readonly chainId: ChainId
  /** Height and block time of the newest block, also when it is empty. */
  readonly height: number
  readonly timeMs: number
  readonly committed: readonly Committed[]
  /** Those of the genesis; default: who registered others. */
  readonly registrars?: readonly Did[]
  /** Numbers of accounts, where not every registration is among what was committed; default: counted. */
  readonly numbers?: ReadonlyMap<Did, number>
}

/** Returns the transactions of a block that was just applied, with whose affairs each concerns. */
export function collectCommitted({ block, transactions, owners }: AppliedBlock): readonly Committed[] {
  const { height, timeMs } = block.header
  return transactions.map((transaction, position) => ({
    transaction,
    receipt: block.receipts[position] as Receipt,
    height,
    timeMs,
    patient: owners[position] as Did,
  }))
}

/** Returns the view of what was committed. Cost: one pass. */
export function createView(source: ViewSource): LedgerView {
  const { chainId, height, timeMs, committed } = source
  const policy = createPolicyIndex<Label>()
  const records = new Map<Did, KeyRecord>()
  const registrars = new Set<Did>(source.registrars)
  const numbers = new Map<Did, number>(source.numbers)
  const byId = new Map<TransactionId, Committed>()
  for (const entry of committed) {
    const { transaction, receipt } = entry
    byId.set(transaction.id, entry)
    if (receipt.code !== null) continue
    if (transaction.kind === 'access') {
      const { patient, sender: grantor, grantee, grants } = transaction
      const set: GrantSet<Label> = { patient, grantor, grantee, grants }
      policy.apply(set, { height: entry.height })
    }
    if (
      transaction.kind === 'register' &&
      source.registrars === undefined &&
      transaction.sender !== transaction.subject
    )
      registrars.add(transaction.sender)
    if (transaction.kind === 'register' && transaction.keys !== null) {
      const { subject, operation, keys: record } = transaction
      if (source.numbers === undefined && !numbers.has(subject)) numbers.set(subject, numbers.size)
      // Adding a known account adds credentials; its keys stay.
      if (operation === 'rotate-key' || !records.has(subject)) records.set(subject, record)
    }
  }
  const accounts = new Map<number, Did>([...numbers].map(([did, index]) => [index, did]))
  return {
    chainId,
    height,
    timeMs,
    registrars: [...registrars],
    policy,
    *transactions<K extends TransactionKind = TransactionKind>({
      kind,
      patient,
      sender,
      label,
      outcome = 'applied',
    }: TransactionFilter<K>) {
      for (const entry of committed) {
        const { transaction, receipt } = entry
        if (kind !== undefined && transaction.kind !== kind) continue
        if (outcome !== 'any' && (receipt.code === null) !== (outcome === 'applied')) continue
        if (patient !== undefined && entry.patient !== patient) continue
        if (sender !== undefined && transaction.sender !== sender) continue
        if (label !== undefined && !('label' in transaction && transaction.label === label)) continue
        yield entry as unknown as Committed<K>
      }
    },
    find: (id) => byId.get(id),
    keys: (did) => records.get(did),
    indexOf: (did) => numbers.get(did),
    accountAt: (index) => accounts.get(index),
    at(earlier) {
      const until = committed.filter((entry) => entry.height <= earlier)
      const last = until.at(-1)
      return createView({
        ...source,
        height: Math.min(earlier, height),
        timeMs: earlier < height ? (last?.timeMs ?? 0) : timeMs,
        committed: until,
      })
    },
  }
}

/**
 * Executing one transaction: who signs for the account now, the next nonce, the quota, then the rule of its kind.
 *
 * What is malformed, badly signed, out of turn or over quota is skipped and leaves no trace. Everything else gets a receipt;
 * a refusal changes only nonce, quota and the entries `tx/` and `own/`. The state before the transaction decides; of checks
 * that were made earlier only those of signatures are remembered, which no state can change (`signature-memory.ts`).
 */

import type { Did } from '../primitives/did.ts'
import type { Verified } from '../primitives/bytes.ts'
import { transactionId } from '../primitives/shape.ts'
import {
  validateTransaction,
  type ParsedTransaction,
  type Transaction,
  type TransactionKind,
} from '../transactions/index.ts'
import { isCredentialLive, type PreKeyVerifier } from '../identity/index.ts'
import { heldCredentials, registrarsOf, signingKeyOf } from './credentials.ts'
import { keys, quotaShape, READ_KIND, slotShape, transactionShape, type SlotEntry } from './entities.ts'
import type { Receipt } from './receipt.ts'
import type { Execution, Outcome, Rule } from './rule.ts'
import { membersOf } from './rules/config.ts'
import { accountSlot } from './rules/register.ts'
import type { RuleTable } from './rules/table.ts'
import type { State, StateReader, StateWriter } from './state.ts'

/** Why a transaction is not taken into a block. */
export type SkipReason = 'form' | 'kind' | 'unknown-account' | 'signature' | 'delegate' | 'nonce' | 'quota'

/** What became of a transaction: a receipt, or nothing at all. */
export type Executed =
  | {
      readonly kind: 'receipt'
      readonly receipt: Receipt
      readonly transaction: Verified<Transaction>
      /** Whose affairs it concerns. */
      readonly owner: Did
    }
  | { readonly kind: 'skipped'; readonly because: SkipReason }

/** How transactions are executed on a ledger. */
export interface Executor {
  /** Tells whether the ledger has the kind, and the signature holds for the key that signs now. */
  authenticate(state: StateReader, parsed: ParsedTransaction, at: Execution): Verified<Transaction> | SkipReason
  execute(state: State, parsed: ParsedTransaction, at: Execution): Executed
  /** Tells whether the sender has used up what it may send in this minute of block time. */
  isOverQuota(state: StateReader, sender: Did, timeMs: number): boolean
  /** Nonce of the next transaction of an account and delegate. */
  nonceNext(state: StateReader, of: { readonly sender: Did; readonly delegate: number }): number
}

/** Length of the quota's window: a minute of block time. */
export const QUOTA_WINDOW_MS = 60_000

/** The key and rights of a sender; undefined when there is none. */
function signerOf(state: StateReader, { sender, delegate, kind }: ParsedTransaction): SlotEntry | undefined {
  const slot = state.get(keys.slot(sender, delegate), slotShape)
  if (slot !== undefined && slot.signingKey !== null) return slot
  // Who registers himself, and a registrar of the genesis, is known by his own first key until he has an account.
  // So is a member of the group who changes it: replicas need no accounts.
  if (delegate !== 0 || state.has(keys.account(sender)) || !isKnownWithoutAccount(state, kind, sender)) return undefined
  return { ...accountSlot(sender), nonceNext: slot?.nonceNext ?? 0 }
}

function isKnownWithoutAccount(state: StateReader, kind: TransactionKind, sender: Did): boolean {
  if (kind === 'config') return membersOf(state).members.some(({ did }) => did === sender)
  if (kind !== 'register') return false
  const registrars = registrarsOf(state)
  return registrars.length === 0 || registrars.includes(sender)
}

/** Returns an executor with the given rules. */
export function createExecutor(options: {
  readonly rules: RuleTable
  readonly quotaPerMinute: number
  readonly preKeyVerifier?: PreKeyVerifier | undefined
}): Executor {
  const { rules, quotaPerMinute, preKeyVerifier } = options

  function authenticate(
    state: StateReader,
    parsed: ParsedTransaction,
    at: Execution,
  ): Verified<Transaction> | SkipReason {
    if (rules[parsed.kind] === undefined) return 'kind'
    const slot = signerOf(state, parsed)
    if (slot === undefined || slot.signingKey === null) return 'unknown-account'
    if (at.timeMs >= slot.notAfterMs) return 'delegate'
    const valid = validateTransaction(parsed, {
      chainId: at.chainId,
      verifier: at.verifier,
      signingKey: slot.signingKey,
      rights: slot.rights,
      signingKeyOf: (account: Did) => signingKeyOf(state, account) ?? account,
      preKeyVerifier,
    })
    if (valid.ok) return valid.value
    return valid.path === 'transaction.delegate' ? 'delegate' : 'signature'
  }

  const nonceNext: Executor['nonceNext'] = (state, { sender, delegate }) =>
    state.get(keys.slot(sender, delegate), slotShape)?.nonceNext ?? 0

  const isOverQuota = (state: StateReader, sender: Did, timeMs: number): boolean => {
    const used = state.get(keys.quota(sender), quotaShape)
    if (used?.minute !== Math.floor(timeMs / QUOTA_WINDOW_MS)) return false
    return used.count >= quotaOf(state, sender, timeMs, quotaPerMinute)
  }

  return {
    authenticate,
    isOverQuota,
    nonceNext,
    execute(state, parsed, at) {
      // What costs nothing comes before the signature.
      if (parsed.nonce !== nonceNext(state, parsed)) return { kind: 'skipped', because: 'nonce' }
      if (isOverQuota(state, parsed.sender, at.timeMs)) return { kind: 'skipped', because: 'quota' }
      const transaction = authenticate(state, parsed, at)
      if (typeof transaction === 'string') return { kind: 'skipped', because: transaction }
      const rule = rules[transaction.kind] as Rule
      state.draft((writer) => {
        takeNonce(writer, transaction, at)
        return { keep: true, result: undefined }
      })
      const outcome = state.draft((writer) => {
        const judged = rule(writer, transaction, at)
        return { keep: judged.code === null, result: judged }
      })
      state.draft((writer) => {
        note(writer, transaction, outcome, at)
        return { keep: true, result: undefined }
      })
      const { id } = transaction
      return {
        kind: 'receipt',
        transaction,
        owner: outcome.owner,
        receipt: { id, code: outcome.code, untilMs: outcome.untilMs ?? null },
      }
    },
  }
}

/** Transactions of an account in one minute of block time; a credential replaces the ledger's figure. */
export function quotaOf(state: StateReader, did: Did, timeMs: number, quotaPerMinute: number): number {
  const live = heldCredentials(state, did).filter((credential) => isCredentialLive(credential, timeMs))
  const granted = live.flatMap((credential) => credential.quotaPerMinute ?? [])
  return granted.length === 0 ? quotaPerMinute : Math.max(...granted)
}

function takeNonce(writer: StateWriter, { sender, delegate, nonce }: Transaction, { timeMs }: Execution): void {
  const slot = writer.get(keys.slot(sender, delegate), slotShape) ?? { ...accountSlot(sender), signingKey: null }
  writer.set(keys.slot(sender, delegate), { ...slot, nonceNext: nonce + 1 }, slotShape)
  const minute = Math.floor(timeMs / QUOTA_WINDOW_MS)
  const used = writer.get(keys.quota(sender), quotaShape)
  const count = used?.minute === minute ? used.count + 1 : 1
  writer.set(keys.quota(sender), { minute, count }, quotaShape)
}

function note(writer: StateWriter, transaction: Transaction, outcome: Outcome, { height, position }: Execution): void {
  const { owner, code } = outcome
  const { id } = transaction
  const kind = transaction.kind === 'data' && transaction.mode === 'read' ? READ_KIND : transaction.kind
  writer.set(keys.transaction(id), { height, position, owner, kind, code }, transactionShape)
  writer.append(keys.own(owner), id, transactionId)
}

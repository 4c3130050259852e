/**
 * Executing one transaction: who signs for the account now, the next nonce, the quota, then the rule of its kind.
 *
 * What is malformed, badly signed, out of turn or over quota is skipped and leaves no trace. Everything else gets a receipt;
 * a refusal changes only nonce, quota and the entries `tx/` and `own/`. The state before the transaction decides; a check
 * that was made earlier counts only if the signing key is still the same.
 */

import type { Did } from '../primitives/did.ts'
import { toHex, type Verified } from '../primitives/bytes.ts'
import { COUNTER_MAX } from '../primitives/limits.ts'
import { createRecentMap } from '../primitives/recent.ts'
import { transactionId } from '../primitives/shape.ts'
import {
  hashTransaction,
  validateTransaction,
  type ParsedTransaction,
  type Transaction,
} from '../transactions/index.ts'
import type { PreKeyVerifier } from '../identity/index.ts'
import { keys, quotaShape, slotShape, transactionShape, type SlotEntry } from './entities.ts'
import { liveCredentials } from './grants.ts'
import type { Receipt } from './receipt.ts'
import type { Execution, Outcome, Rule } from './rule.ts'
import { accountSlot } from './rules/register.ts'
import type { RuleTable } from './rules/table.ts'
import type { State, StateReader, StateWriter } from './state.ts'

/** Why a transaction is not taken into a block. */
export type SkipReason = 'unknown-account' | 'signature' | 'delegate' | 'nonce' | 'quota' | 'kind'

/** What became of a transaction: a receipt, or nothing at all. */
export type Executed =
  | { readonly kind: 'receipt'; readonly receipt: Receipt; readonly transaction: Verified<Transaction> }
  | { readonly kind: 'skipped'; readonly because: SkipReason }

/** How transactions are executed on a ledger. */
export interface Executor {
  /** Tells whether the signature holds for the key that signs now, and remembers it. */
  authenticate(state: StateReader, parsed: ParsedTransaction, at: Execution): Verified<Transaction> | SkipReason
  execute(state: State, parsed: ParsedTransaction, at: Execution): Executed
  /** Nonce of the next transaction of an account and delegate. */
  nonceNext(state: StateReader, of: { readonly sender: Did; readonly delegate: number }): number
}

/** Length of the quota's window: a minute of block time. */
export const QUOTA_WINDOW_MS = 60_000
/** Signatures that were checked and whose transactions are not executed yet. */
const AUTHENTICATED_MAX = 65_536

/** The key and rights of a sender; undefined when there is none. */
function signerOf(
  state: StateReader,
  { sender, delegate, kind }: ParsedTransaction,
  at: Execution,
): SlotEntry | undefined {
  const slot = state.get(keys.slot(sender, delegate), slotShape)
  if (slot !== undefined) return slot.signingKey === null ? undefined : slot
  // An account that registers itself is known by its own first key.
  const isSelfRegistration = kind === 'register' && delegate === 0 && at.registrars.length === 0
  return isSelfRegistration ? accountSlot(sender) : undefined
}

/** Returns an executor with the given rules. */
export function createExecutor(options: {
  readonly rules: RuleTable
  readonly quotaPerMinute: number
  readonly preKeyVerifier?: PreKeyVerifier
}): Executor {
  const { rules, quotaPerMinute, preKeyVerifier } = options
  const authenticated = createRecentMap<string, Verified<Transaction>>(AUTHENTICATED_MAX)

  function authenticate(
    state: StateReader,
    parsed: ParsedTransaction,
    at: Execution,
  ): Verified<Transaction> | SkipReason {
    const slot = signerOf(state, parsed, at)
    if (slot === undefined || slot.signingKey === null) return 'unknown-account'
    if (at.timeMs >= slot.notAfterMs) return 'delegate'
    // The digest of what came names it, never the signature: replicas that remember and those that do not must agree.
    const digest = hashTransaction(parsed, { chainId: at.chainId })
    const name = `${slot.signingKey} ${toHex(digest)} ${toHex(parsed.signature)}`
    const known = authenticated.get(name)
    if (known !== undefined) return known
    const valid = validateTransaction(parsed, {
      chainId: at.chainId,
      verifier: at.verifier,
      signingKey: slot.signingKey,
      rights: slot.rights,
      signingKeyOf: (account: Did) => state.get(keys.slot(account, 0), slotShape)?.signingKey ?? account,
      ...(preKeyVerifier === undefined ? {} : { preKeyVerifier }),
    })
    if (!valid.ok) return valid.path === 'transaction.delegate' ? 'delegate' : 'signature'
    authenticated.set(name, valid.value)
    return valid.value
  }

  return {
    authenticate,
    nonceNext: (state, { sender, delegate }) => state.get(keys.slot(sender, delegate), slotShape)?.nonceNext ?? 0,
    execute(state, parsed, at) {
      const rule = rules[parsed.kind] as Rule | undefined
      if (rule === undefined) return { kind: 'skipped', because: 'kind' }
      const transaction = authenticate(state, parsed, at)
      if (typeof transaction === 'string') return { kind: 'skipped', because: transaction }
      const slot = state.get(keys.slot(transaction.sender, transaction.delegate), slotShape)
      if (transaction.nonce !== (slot?.nonceNext ?? 0) || transaction.nonce >= COUNTER_MAX) {
        return { kind: 'skipped', because: 'nonce' }
      }
      if (isOverQuota(state, transaction.sender, at.timeMs, quotaPerMinute))
        return { kind: 'skipped', because: 'quota' }
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
      return { kind: 'receipt', transaction, receipt: { id, code: outcome.code, untilMs: outcome.untilMs ?? null } }
    },
  }
}

/** Transactions of an account in one minute of block time; a credential replaces the ledger's figure. */
export function quotaOf(state: StateReader, did: Did, timeMs: number, quotaPerMinute: number): number {
  const granted = liveCredentials(state, did, timeMs).flatMap((credential) => credential.quotaPerMinute ?? [])
  return granted.length === 0 ? quotaPerMinute : Math.max(...granted)
}

function isOverQuota(state: StateReader, did: Did, timeMs: number, quotaPerMinute: number): boolean {
  const used = state.get(keys.quota(did), quotaShape)
  if (used?.minute !== Math.floor(timeMs / QUOTA_WINDOW_MS)) return false
  return used.count >= quotaOf(state, did, timeMs, quotaPerMinute)
}

function takeNonce(writer: StateWriter, { sender, delegate, nonce }: Transaction, { timeMs }: Execution): void {
  const slot = writer.get(keys.slot(sender, delegate), slotShape) ?? { ...accountSlot(sender), signingKey: null }
  writer.set(keys.slot(sender, delegate), { ...slot, nonceNext: nonce + 1 }, slotShape)
  const minute = Math.floor(timeMs / QUOTA_WINDOW_MS)
  const used = writer.get(keys.quota(sender), quotaShape)
  const count = used?.minute === minute ? used.count + 1 : 1
  writer.set(keys.quota(sender), { minute, count }, quotaShape)
}

function note(writer: StateWriter, { id, kind }: Transaction, outcome: Outcome, { height, position }: Execution): void {
  const { owner, code } = outcome
  writer.set(keys.transaction(id), { height, position, owner, kind, code }, transactionShape)
  writer.append(keys.own(owner), id, transactionId)
}

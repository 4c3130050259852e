/**
 * What clients hand to this node, from the moment it is taken until it is final.
 *
 * The replica orders requests as they come and leaves out what is not the next of its sender. So transactions are handed to
 * it in the order of nonces, and again where a proposer changed that order: those that come early wait in the pool, whose limits keep a flood of one sender from
 * the others and which never gives up a revocation for anything else. What was left out of a block is remembered, so that
 * whoever sends it again hears why.
 */

import {
  createPool,
  type AppliedBlock,
  type Ledger,
  type Pooled,
  type PoolLimits,
  type SkipReason,
} from '../chain/index.ts'
import { fail, succeed, type Failure, type Result } from '../errors.ts'
import { toPublicKey } from '../primitives/did.ts'
import { toDigest, createId, type TransactionId } from '../primitives/ids.ts'
import { createRecentMap } from '../primitives/recent.ts'
import type { Request } from '../pbft/index.ts'
import { hashTransaction, parseTransaction, type ParsedTransaction } from '../transactions/index.ts'

/** A transaction is given up when it waits this long: those before it never came. */
const WAIT_MS_MAX = 120_000
/** Refusals that are remembered. */
const REFUSALS_MAX = 65_536
/** Transactions handed over at once; the rest after the next block. */
const HANDED_MAX = 2_000
const QUOTA_WINDOW_MS = 60_000

/** What became of a request that was given to the replica. */
export type Handed = 'taken' | 'full' | 'refused'

type Slot = Pick<ParsedTransaction, 'sender' | 'delegate'>

interface Entry {
  readonly id: TransactionId
  readonly pooled: Pooled
  readonly sinceMs: number
}

/** A transaction that will not be executed: it waited in vain, or what came before it changed who may send it. */
export interface GivenUp {
  readonly id: TransactionId
  readonly failure: Failure
}

/** Takes transactions, and hands them over in their order. */
export interface Intake {
  /** Transactions that were taken and are not final yet. */
  readonly size: number
  /** Takes a transaction, or says why not. Taking one again is safe. */
  submit(bytes: Uint8Array): Result<TransactionId>
  /** Notes what a final block holds, and what of its batch was left out; returns what will never be executed. */
  settle(applied: AppliedBlock, batch: readonly Uint8Array[]): readonly TransactionId[]
  /** Why a transaction was left out of its block; undefined where it was not. */
  refusalOf(id: TransactionId): Failure | undefined
  /** Hands over what is next of each sender, as long as there is room. */
  pump(): void
  /** Hands everything over again: a new replica knows nothing of it. */
  repeat(): void
  /**
   * Gives up what waits for too long; returns that and what the replica refused, with the reasons. What the replica has, and somebody here waits for, is handed over again
   * instead: it may be ordered yet.
   */
  sweep(isAwaited?: (id: TransactionId) => boolean): readonly GivenUp[]
}

const laneOf = ({ sender, delegate }: Slot): string => `${sender} ${delegate}`
const placeOf = (transaction: Pick<ParsedTransaction, 'sender' | 'delegate' | 'nonce'>): string =>
  `${laneOf(transaction)} ${transaction.nonce}`

/**
 * Returns an empty intake.
 *
 * @param options - `hand`: gives a request to the replica; `full`: it has no room for this sender now
 */
export function createIntake(options: {
  readonly ledger: Ledger
  readonly nowMs: () => number
  readonly hand: (request: Request) => Handed
  readonly limits?: PoolLimits
}): Intake {
  const { ledger, nowMs, hand, limits } = options
  const { chainId } = ledger.genesis
  const pool = createPool(limits)
  /** One for each sender, delegate and nonce. */
  const entries = new Map<string, Entry>()
  /** Those of the entries that were not handed over. */
  const waiting = new Set<string>()
  /** Nonce after the last one handed over, where the ledger is not yet that far. */
  const handedNext = new Map<string, number>()
  const refusals = createRecentMap<TransactionId, Failure>(REFUSALS_MAX)

  /** What the replica refused since the last sweep. */
  let lost: GivenUp[] = []

  function explainLoss(transaction: ParsedTransaction): Failure {
    const nonceNext = ledger.nonceNext(transaction)
    const because = transaction.nonce === nonceNext ? 'signature' : 'nonce'
    return toFailure(transaction, { because, nonceNext, nowMs: nowMs() })
  }

  /** Whether it waits for one before it that did not come. */
  const isEarly = ({ pooled: { transaction } }: Entry): boolean =>
    waiting.has(placeOf(transaction)) && transaction.nonce !== nextOf(transaction)

  const nextOf = (of: Slot): number => Math.max(handedNext.get(laneOf(of)) ?? 0, ledger.nonceNext(of))

  function handOver({ transaction, bytes }: Pooled): Handed {
    const { id, sender, nonce } = transaction
    const handed = hand({ id: toDigest(id), client: toPublicKey(sender), bytes })
    if (handed === 'taken') {
      waiting.delete(placeOf(transaction))
      handedNext.set(laneOf(transaction), Math.max(nextOf(transaction), nonce + 1))
    }
    // Since it was taken the state has changed: it can never be executed.
    if (handed === 'refused') {
      forget(placeOf(transaction))
      lost.push({ id, failure: explainLoss(transaction) })
    }
    return handed
  }

  function pump(): void {
    if (waiting.size === 0) return
    const held = new Set<string>()
    for (const pooled of pool.take({ countMax: HANDED_MAX, bytesMax: Infinity, nonceNextOf: nextOf })) {
      const lane = laneOf(pooled.transaction)
      // Nothing overtakes another of the same sender.
      if (!held.has(lane) && handOver(pooled) !== 'taken') held.add(lane)
    }
  }

  function forget(place: string): Entry | undefined {
    const entry = entries.get(place)
    if (entry === undefined) return undefined
    entries.delete(place)
    waiting.delete(place)
    pool.drop([entry.pooled.transaction])
    return entry
  }

  /** Whoever sends it again is heard again: the replica may have given it up too. */
  function giveUp({ id, pooled: { transaction } }: Entry): GivenUp {
    forget(placeOf(transaction))
    handedNext.delete(laneOf(transaction))
    return { id, failure: explainLoss(transaction) }
  }

  /** The same again: the replica may have lost it, as when its view changed; otherwise that costs it nothing. */
  function submitAgain({ id, pooled }: Entry): Result<TransactionId> {
    if (!waiting.has(placeOf(pooled.transaction))) handOver(pooled)
    return succeed(id)
  }

  function submit(bytes: Uint8Array): Result<TransactionId> {
    const admitted = ledger.admit(bytes, { timeMs: nowMs() })
    if (!admitted.ok) return admitted
    const { transaction, nonceNext } = admitted.value
    const { id } = transaction
    const refusal = refusals.get(id)
    if (refusal !== undefined) return refusal
    const pooled: Pooled = { transaction, bytes: Uint8Array.from(bytes) }
    const place = placeOf(transaction)
    // Asked first: what the pool gave up for a revocation is still among the entries, and comes in again.
    const added = pool.add(pooled, nonceNext)
    if (!added.ok) {
      const entry = entries.get(place)
      return entry?.id === id ? submitAgain(entry) : added
    }
    entries.set(place, { id, pooled, sinceMs: nowMs() })
    waiting.add(place)
    if (transaction.nonce === nextOf(transaction)) handOver(pooled)
    if (waiting.size > 0 && entries.has(placeOf({ ...transaction, nonce: transaction.nonce + 1 }))) pump()
    return succeed(id)
  }

  function refuse(bytes: Uint8Array, because: SkipReason): readonly TransactionId[] {
    const parsed = parseTransaction(bytes)
    if (!parsed.ok) return []
    handedNext.delete(laneOf(parsed.value))
    const place = placeOf(parsed.value)
    const id = createId('transaction', hashTransaction(parsed.value, { chainId }))
    // A proposer put it before the one that it follows: it is handed over again in its turn.
    if (because === 'nonce' && parsed.value.nonce >= ledger.nonceNext(parsed.value)) {
      if (entries.get(place)?.id === id) waiting.add(place)
      return []
    }
    forget(place)
    refusals.set(id, toFailure(parsed.value, { because, nonceNext: ledger.nonceNext(parsed.value), nowMs: nowMs() }))
    return [id]
  }

  return {
    get size() {
      return entries.size
    },
    submit,
    settle({ transactions, skipped }, batch) {
      const refused: TransactionId[] = []
      for (const transaction of transactions) {
        const lane = laneOf(transaction)
        if ((handedNext.get(lane) ?? 0) <= transaction.nonce + 1) handedNext.delete(lane)
        const entry = forget(placeOf(transaction))
        // Another one of the same sender with the same nonce was first.
        if (entry !== undefined && entry.id !== transaction.id) refused.push(...refuse(entry.pooled.bytes, 'nonce'))
      }
      for (const { index, because } of skipped) refused.push(...refuse(batch[index] ?? new Uint8Array(), because))
      pump()
      return refused
    },
    refusalOf: (id) => refusals.get(id),
    pump,
    repeat() {
      handedNext.clear()
      for (const place of entries.keys()) waiting.add(place)
      pump()
    },
    sweep(isAwaited = () => false) {
      const now = nowMs()
      const givenUp = lost
      lost = []
      for (const [place, entry] of entries) {
        const isOver = now - entry.sinceMs >= WAIT_MS_MAX
        const isRepeated = isOver && isAwaited(entry.id) && !isEarly(entry)
        // A clock that was set back would keep it for as long.
        if (entry.sinceMs > now || isRepeated) entries.set(place, { ...entry, sinceMs: now })
        if (isRepeated && !waiting.has(place)) handOver(entry.pooled)
        else if (isOver && !isRepeated) givenUp.push(giveUp(entry))
      }
      return givenUp
    },
  }
}

/** Why a transaction that was ordered entered no block, in the words of whoever would have refused it at once. */
function toFailure(
  { sender, nonce }: ParsedTransaction,
  { because, nonceNext, nowMs }: { readonly because: SkipReason; readonly nonceNext: number; readonly nowMs: number },
): Failure {
  if (because === 'nonce') {
    const message = `nonce ${nonce} of ${sender}: expected ${nonceNext}; build the transaction again`
    return fail('ERR_CHAIN_NONCE', message, { path: 'transaction.nonce', details: { nonceNext, found: nonce } })
  }
  if (because === 'quota') {
    const retryAtMs = (Math.floor(nowMs / QUOTA_WINDOW_MS) + 1) * QUOTA_WINDOW_MS
    const message = `too many transactions of ${sender} in this minute; build it again after it`
    return fail('ERR_CHAIN_QUOTA', message, { path: 'transaction', details: { retryAtMs } })
  }
  const message = `transaction of ${sender}: ${because}; nothing of it entered a block`
  return fail('ERR_SIGNATURE_INVALID', message, { path: 'transaction', details: { signer: sender } })
}

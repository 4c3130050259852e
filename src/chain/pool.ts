/**
 * The pool: transactions that wait for a block, in the order of each sender's nonces.
 *
 * Bounded in number, bytes and per account; nonces may run up to 64 ahead, since a phone may publish faster than blocks
 * come. What takes access away is never thrown out for what gives it: when the pool is full, revocations make room.
 */

import { fail, succeed, type Result } from '../errors.ts'
import type { Bytes, Verified } from '../primitives/bytes.ts'
import type { Transaction } from '../transactions/index.ts'

/** Limits of a pool. */
export interface PoolLimits {
  readonly transactionsMax: number
  readonly bytesMax: number
  readonly perAccountMax: number
  /** How far a nonce may be ahead of the next one. */
  readonly nonceAheadMax: number
}

/** Limits where a host names no others (DESIGN.md 4). */
export const poolLimits: PoolLimits = {
  transactionsMax: 50_000,
  bytesMax: 64 * 1024 * 1024,
  perAccountMax: 256,
  nonceAheadMax: 64,
}

/** A transaction in the pool. */
export interface Pooled {
  readonly transaction: Verified<Transaction>
  readonly bytes: Bytes
}

/** Transactions that wait. Owns changing state. */
export interface Pool {
  readonly size: number
  /**
   * Takes a transaction, unless its nonce is used or too far ahead, or there is no room.
   *
   * @param pooled - authenticated by the ledger
   * @param nonceNext - the ledger's next nonce of its sender and delegate
   */
  add(pooled: Pooled, nonceNext: number): Result<void, 'ERR_CHAIN_NONCE' | 'ERR_CODEC_LIMIT'>
  /** The next transactions that can be executed, fair between senders, within limits. They stay until dropped. */
  take(limits: {
    readonly countMax: number
    readonly bytesMax: number
    readonly nonceNextOf: (of: Verified<Transaction>) => number
  }): readonly Pooled[]
  /** Drops what has been committed, or can no longer be. */
  drop(transactions: Iterable<Verified<Transaction>>): void
}

interface Lane {
  readonly waiting: Map<number, Pooled>
  bytes: number
}

/** Tells whether a transaction only takes access away: an empty T_access, an emptied slot, a revoked account. */
export function isRevocation(transaction: Verified<Transaction>): boolean {
  switch (transaction.kind) {
    case 'access':
      return transaction.grants.length === 0
    case 'delegate':
      return transaction.signingKey === null
    case 'register':
      return transaction.operation === 'revoke'
    default:
      return false
  }
}

/** Returns an empty pool. */
export function createPool(limits: PoolLimits = poolLimits): Pool {
  const lanes = new Map<string, Lane>()
  const perAccount = new Map<string, number>()
  let size = 0
  let byteCount = 0

  const laneOf = ({ sender, delegate }: Transaction) => `${sender} ${delegate}`

  function remove(transaction: Verified<Transaction>): void {
    const name = laneOf(transaction)
    const lane = lanes.get(name)
    const pooled = lane?.waiting.get(transaction.nonce)
    if (lane === undefined || pooled === undefined) return
    lane.waiting.delete(transaction.nonce)
    lane.bytes -= pooled.bytes.length
    // Behind the others: whoever was served waits until they were.
    lanes.delete(name)
    if (lane.waiting.size > 0) lanes.set(name, lane)
    size--
    byteCount -= pooled.bytes.length
    const rest = (perAccount.get(transaction.sender) ?? 1) - 1
    if (rest === 0) perAccount.delete(transaction.sender)
    else perAccount.set(transaction.sender, rest)
  }

  /**
   * What may be thrown out for a revocation: last transactions of the fullest lanes, no revocation among them, none of the
   * revocation's own lane, which could not be executed without those before it. Undefined when there is not enough.
   */
  function findRoom(transaction: Verified<Transaction>, bytesNeeded: number): readonly Pooled[] | undefined {
    const victims: Pooled[] = []
    let bytes = byteCount + bytesNeeded
    const isEnough = () => size - victims.length < limits.transactionsMax && bytes <= limits.bytesMax
    const own = laneOf(transaction)
    const others = [...lanes].filter(([name]) => name !== own).sort(([, a], [, b]) => b.bytes - a.bytes)
    for (const [, { waiting }] of others) {
      for (const nonce of [...waiting.keys()].sort((a, b) => b - a)) {
        if (isEnough()) return victims
        const last = waiting.get(nonce) as Pooled
        if (isRevocation(last.transaction)) break
        victims.push(last)
        bytes -= last.bytes.length
      }
    }
    return isEnough() ? victims : undefined
  }

  function limit(name: string, allowed: number, found: number): Result<never, 'ERR_CODEC_LIMIT'> {
    return fail('ERR_CODEC_LIMIT', `pool: expected at most ${allowed} ${name}; try again after the next block`, {
      path: 'pool',
      details: { limit: name, allowed, found },
    })
  }

  return {
    get size() {
      return size
    },
    add(pooled, nonceNext) {
      const { transaction, bytes } = pooled
      const { nonce, sender } = transaction
      const lane = lanes.get(laneOf(transaction)) ?? { waiting: new Map<number, Pooled>(), bytes: 0 }
      if (nonce < nonceNext || nonce > nonceNext + limits.nonceAheadMax || lane.waiting.has(nonce)) {
        return fail(
          'ERR_CHAIN_NONCE',
          `nonce ${nonce}: expected ${nonceNext} to ${nonceNext + limits.nonceAheadMax}, not yet in the pool`,
          {
            path: 'transaction.nonce',
            details: { nonceNext, found: nonce },
          },
        )
      }
      const isUrgent = isRevocation(transaction)
      const isFull = size >= limits.transactionsMax || byteCount + bytes.length > limits.bytesMax
      const held = perAccount.get(sender) ?? 0
      if (held >= limits.perAccountMax && !isUrgent)
        return limit('transactions of one account', limits.perAccountMax, held + 1)
      const room = isFull && isUrgent ? findRoom(transaction, bytes.length) : []
      if (room === undefined || (isFull && !isUrgent)) {
        return size >= limits.transactionsMax
          ? limit('transactions', limits.transactionsMax, size + 1)
          : limit('bytes', limits.bytesMax, byteCount + bytes.length)
      }
      for (const victim of room) remove(victim.transaction)
      lanes.set(laneOf(transaction), lane)
      lane.waiting.set(nonce, pooled)
      lane.bytes += bytes.length
      perAccount.set(sender, held + 1)
      size++
      byteCount += bytes.length
      return succeed(undefined)
    },
    take({ countMax, bytesMax, nonceNextOf }) {
      const taken: Pooled[] = []
      let bytes = 0
      // One of each lane in turn, so that a flood of one sender does not hold up the others.
      let fronts = [...lanes.values()].map(({ waiting }) => {
        const [first] = waiting.values()
        return { waiting, nonce: first === undefined ? 0 : nonceNextOf(first.transaction) }
      })
      while (fronts.length > 0 && taken.length < countMax) {
        const still: typeof fronts = []
        for (const { waiting, nonce } of fronts) {
          const next = waiting.get(nonce)
          if (next === undefined || taken.length === countMax || bytes + next.bytes.length > bytesMax) continue
          taken.push(next)
          bytes += next.bytes.length
          still.push({ waiting, nonce: nonce + 1 })
        }
        fronts = still
      }
      return taken
    },
    drop(transactions) {
      for (const transaction of transactions) remove(transaction)
    },
  }
}

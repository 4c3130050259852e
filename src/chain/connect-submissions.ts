/**
 * Transactions that a client has submitted and not yet seen in a block.
 *
 * What decides is the ledger: the transaction stands in a verified block, or its nonce does with another transaction. A
 * member's word that it takes none counts when f + 1 members say the same, of which one is correct; and only once the client
 * has the blocks that they had when they said it, since a transaction that is executed is refused too when it comes again.
 *
 * Each speaks at an endpoint of its own: a liar may pass on the proof of another member, and speak in one name after the other.
 */

import { VitalsealError } from '../errors.ts'
import type { Did } from '../primitives/did.ts'
import type { TransactionId } from '../primitives/ids.ts'
import { throwIfAborted, type ProgressOptions } from '../primitives/progress.ts'
import { encodeTransaction, type Transaction } from '../transactions/index.ts'
import type { VerifiedChain } from './connect-chain.ts'
import type { Endpoint } from './connect-endpoint.ts'
import { faultMaxOf } from './connect-sources.ts'
import { QUOTA_WINDOW_MS } from './execute.ts'
import type { ClientFrame, ServerFrame, SubmitRefusal } from './ledger-protocol.ts'
import type { Committed } from './view.ts'

/** A frame that submits. */
export type SubmitFrame = Extract<ClientFrame, { readonly kind: 'submit' }>
/** What a member answers. */
export type Answer = Extract<ServerFrame, { readonly kind: 'answer' }>
/** Where, and in whose name. */
export type Answerer = Pick<Endpoint, 'url' | 'member'>

/** Transactions under way. */
export interface Submissions {
  readonly size: number
  /** Submits, and resolves when it stands in a block, whatever became of it there. */
  submit(transaction: Transaction, progress?: ProgressOptions): Promise<Committed>
  /** Takes a member's answer; none where no member was proved. */
  onAnswer(answerer: Answerer, answer: Answer): void
  /** Looks again: there is a new block, or time has passed. */
  review(): void
  /** Everything that waits, for an endpoint that is new. */
  frames(): readonly SubmitFrame[]
  /** Ends all that wait. */
  fail(error: VitalsealError): void
}

interface Pending {
  readonly transaction: Transaction
  readonly frame: SubmitFrame
  /** The last word of each endpoint. */
  readonly refusals: Map<string, { readonly member: Did; readonly refusal: SubmitRefusal; readonly height: number }>
  readonly takers: Set<Did>
  readonly result: Promise<Committed>
  resolve(committed: Committed): void
  reject(error: unknown): void
  readonly onTaken: Set<() => void>
  /** Reviews since it was sent last, and how many make it be sent again. */
  reviews: number
  patience: number
}

/** Reviews after which a transaction is sent again, at first and at most; it doubles. */
const PATIENCE_FIRST = 4
const PATIENCE_MAX = 32

/** Returns submissions to a chain; `broadcast` sends to all endpoints that are there. */
export function createSubmissions(options: {
  readonly chain: VerifiedChain
  readonly broadcast: (frame: SubmitFrame) => void
}): Submissions {
  const { chain, broadcast } = options
  const pending = new Map<TransactionId, Pending>()

  function begin(transaction: Transaction): Pending {
    const { id } = transaction
    const frame: SubmitFrame = { kind: 'submit', id, transaction: encodeTransaction(transaction) }
    const { promise, resolve, reject } = createDeferred<Committed>()
    const created: Pending = {
      transaction,
      frame,
      refusals: new Map(),
      takers: new Set(),
      result: promise,
      resolve,
      reject,
      onTaken: new Set(),
      reviews: 0,
      patience: PATIENCE_FIRST,
    }
    pending.set(id, created)
    broadcast(frame)
    return created
  }

  /** Ends a submission where the ledger, or enough members, have decided. */
  function decide(one: Pending): void {
    const { transaction } = one
    const committed = chain.feed.find(transaction.id)
    if (committed !== undefined) {
      pending.delete(transaction.id)
      one.resolve(committed)
      return
    }
    const refusal = isNonceUsed(transaction) ? 'ERR_CHAIN_NONCE' : findRefusal(one)
    if (refusal === undefined) return
    pending.delete(transaction.id)
    one.reject(toError(refusal, transaction, chain))
  }

  const isNonceUsed = ({ sender, delegate, nonce }: Transaction) => nonce < chain.ledger.nonceNext({ sender, delegate })

  function findRefusal({ refusals }: Pending): Exclude<SubmitRefusal, 'busy'> | undefined {
    const members = chain.members()
    const needed = faultMaxOf(members) + 1
    const refusers = new Map<SubmitRefusal, Set<Did>>()
    for (const { member, refusal, height } of refusals.values()) {
      if (refusal === 'busy' || height > chain.height() || !members.includes(member)) continue
      const same = (refusers.get(refusal) ?? new Set()).add(member)
      if (same.size >= needed) return refusal
      refusers.set(refusal, same)
    }
    return undefined
  }

  function note(one: Pending, { url, member }: Answerer, { refusal, height }: Answer): void {
    if (member === undefined) return
    if (refusal !== null) {
      one.refusals.set(url, { member, refusal, height })
      decide(one)
      return
    }
    one.refusals.delete(url)
    one.takers.add(member)
    const members = chain.members()
    const count = members.filter((taker) => one.takers.has(taker)).length
    if (count === faultMaxOf(members) + 1) for (const call of one.onTaken) call()
  }

  return {
    get size() {
      return pending.size
    },
    async submit(transaction, { signal, onProgress } = {}) {
      throwIfAborted(signal)
      const known = chain.feed.find(transaction.id)
      if (known !== undefined) return known
      await onProgress?.({ done: 0, total: 2, step: 'send' })
      const one = pending.get(transaction.id) ?? begin(transaction)
      decide(one)
      const ended = createDeferred<never>()
      const report = () => {
        Promise.resolve({ done: 1, total: 2, step: 'wait' }).then(onProgress).catch(ended.reject)
      }
      const onAbort = () => {
        ended.reject(abandoned())
      }
      one.onTaken.add(report)
      signal?.addEventListener('abort', onAbort)
      try {
        const committed = await Promise.race([one.result, ended.promise])
        await onProgress?.({ done: 2, total: 2, step: 'final' })
        return committed
      } finally {
        one.onTaken.delete(report)
        signal?.removeEventListener?.('abort', onAbort)
      }
    },
    onAnswer(answerer, answer) {
      const one = pending.get(answer.id)
      if (one !== undefined) note(one, answerer, answer)
    },
    review() {
      for (const one of [...pending.values()]) {
        decide(one)
        if (!pending.has(one.transaction.id) || ++one.reviews < one.patience) continue
        one.reviews = 0
        one.patience = Math.min(2 * one.patience, PATIENCE_MAX)
        broadcast(one.frame)
      }
    },
    frames: () => [...pending.values()].map(({ frame }) => frame),
    fail(error) {
      const all = [...pending.values()]
      pending.clear()
      for (const one of all) one.reject(error)
    },
  }
}

/** A promise and what settles it; a rejection that nobody waits for any more is no fault. */
export function createDeferred<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

/** The caller ended the wait. */
function abandoned(): VitalsealError {
  const message = 'ended by the signal of the caller; the transaction may still enter a block'
  return new VitalsealError('ERR_ABORTED', message, { details: {} })
}

function toError(
  refusal: Exclude<SubmitRefusal, 'busy'>,
  { sender, delegate, nonce }: Transaction,
  { ledger }: VerifiedChain,
): VitalsealError {
  const path = 'transaction'
  switch (refusal) {
    case 'ERR_CHAIN_NONCE': {
      const nonceNext = ledger.nonceNext({ sender, delegate })
      const message = `nonce ${nonce} of ${sender}: expected ${nonceNext}; build the transaction again`
      return new VitalsealError(refusal, message, { path: `${path}.nonce`, details: { nonceNext, found: nonce } })
    }
    case 'ERR_CHAIN_QUOTA': {
      const nowMs = ledger.header?.timeMs ?? ledger.genesis.timeMs
      const retryAtMs = (Math.floor(nowMs / QUOTA_WINDOW_MS) + 1) * QUOTA_WINDOW_MS
      const message = `too many transactions of ${sender} in this minute; try again after it`
      return new VitalsealError(refusal, message, { path, details: { retryAtMs } })
    }
    case 'ERR_SIGNATURE_INVALID':
      return new VitalsealError(refusal, `transaction of ${sender}: the members do not know this signature`, {
        path,
        details: { signer: sender },
      })
    case 'ERR_CODEC_MALFORMED':
      return new VitalsealError(refusal, 'transaction: expected one that the members can read', {
        path,
        details: { byteOffset: 0, expected: 'a transaction that the members can read' },
      })
    case 'ERR_CHAIN_MEMBERS':
      return new VitalsealError(refusal, 'transaction: the members refuse this change of members', {
        path,
        details: {},
      })
  }
}

/**
 * The ledger as a program in the same process as a node sees it: what it reads was executed here, what it submits is taken
 * by this node and final when the promise resolves.
 */

import { toAppliedReceipt, type Committed, type LedgerClient } from '../chain/index.ts'
import { rejectArgument, unwrap, VitalsealError } from '../errors.ts'
import { throwIfAborted, type ProgressOptions, type Signal } from '../primitives/progress.ts'
import { encodeTransaction, type Transaction } from '../transactions/index.ts'
import type { NodeHost, Settlement } from './host.ts'

/** Returns a client of the node in this process. Closing it leaves the node running. */
export function createHostClient(host: NodeHost): LedgerClient {
  const { feed, ledger } = host
  const closing = createClosing()

  async function order(transaction: Transaction, { signal }: ProgressOptions): Promise<Committed> {
    closing.assertOpen()
    throwIfAborted(signal)
    const { id } = transaction
    const known = feed.find(id)
    if (known !== undefined) return known
    const settlement = await settle(host, transaction, signal)
    throwIfAborted(signal)
    if (settlement instanceof VitalsealError) throw settlement
    if (settlement !== undefined) unwrap(settlement)
    return feed.find(id) ?? rejectArgument('transaction', 'an id of this ledger', 'that of another')
  }

  return {
    chainId: ledger.genesis.chainId,
    submit: async (transaction, options = {}) => toAppliedReceipt(await order(transaction, options)),
    follow(options = {}) {
      closing.assertOpen()
      return feed.follow({ ...options, signal: closing.joinedWith(options.signal) })
    },
    async view(query) {
      await Promise.resolve()
      closing.assertOpen()
      return feed.view(query)
    },
    async nonce({ sender, delegate = 0 }) {
      await Promise.resolve()
      closing.assertOpen()
      return ledger.nonceNext({ sender, delegate })
    },
    close: () => {
      closing.close()
    },
  }
}

/** Submits, and waits for what becomes of it. */
async function settle(host: NodeHost, transaction: Transaction, signal: Signal | undefined): Promise<Settlement> {
  // Listened to before it is submitted: in a group of one it may be final at once.
  let end = (): void => undefined
  const settled = new Promise<Settlement>((resolve) => {
    const onAbort = () => {
      resolve(undefined)
    }
    const unlisten = host.onSettled(transaction.id, resolve)
    signal?.addEventListener('abort', onAbort)
    end = () => {
      unlisten()
      signal?.removeEventListener?.('abort', onAbort)
    }
  })
  try {
    unwrap(host.submit(encodeTransaction(transaction)))
    return await settled
  } finally {
    end()
  }
}

interface Closing {
  close(): void
  assertOpen(): void
  /** A signal that ends when the client is closed or the caller's own signal is aborted. */
  joinedWith(signal: Signal | undefined): Signal
}

function createClosing(): Closing {
  const listeners = new Set<() => void>()
  let isClosed = false
  return {
    close() {
      isClosed = true
      for (const listener of listeners) listener()
      listeners.clear()
    },
    assertOpen() {
      if (isClosed) throw new VitalsealError('ERR_NODE_STOPPED', 'this client was closed', { details: {} })
    },
    joinedWith: (signal) => ({
      get aborted() {
        return isClosed || signal?.aborted === true
      },
      addEventListener(kind, listener) {
        listeners.add(listener)
        signal?.addEventListener(kind, listener)
      },
    }),
  }
}

/**
 * A ledger over the network: a client that believes nobody.
 *
 * Every block is verified by the members that the blocks before it decided, back to the genesis, and executed here; views,
 * nonces and receipts come from the client's own state. Several endpoints are used at once and none is trusted: whoever sends
 * what does not hold is dropped, whoever keeps others waiting is asked last. Up to f members may lie, sleep or lag. What they
 * can do is delay; what a network can do is keep the client from everybody, which shows as `ERR_CHAIN_UNREACHABLE`.
 *
 * Cost: the ledger from its genesis is read and executed, once where a store keeps the blocks; all of it is in memory.
 */

import { rejectArgument, type VitalsealError } from '../errors.ts'
import { throwIfAborted, type ProgressOptions } from '../primitives/progress.ts'
import { randomBytes, type RandomSource } from '../primitives/random.ts'
import { createVerifier } from '../primitives/signature.ts'
import { toAppliedReceipt, type LedgerClient } from './client.ts'
import { createVerifiedChain } from './connect-chain.ts'
import { startSession } from './connect-session.ts'
import type { Genesis } from './genesis.ts'
import type { LedgerPorts } from './ports.ts'
import type { Socket } from './socket.ts'
import type { LedgerStore } from './store.ts'

/** What a connection to a ledger is made of. */
export interface ConnectOptions extends ProgressOptions, LedgerPorts {
  /** From somewhere else than from the endpoints: it is what is trusted. */
  readonly genesis: Genesis
  /** Addresses of members, for example `wss://node.example/ledger`; more than f of them. */
  readonly endpoints: readonly string[]
  /** Opens a connection: `(url) => new WebSocket(url)`, or `openSocket` of `vitalseal/node` on Node 20. */
  readonly openSocket: (endpoint: string) => Socket
  /**
   * Resolves after so many milliseconds. With it the client opens lost connections again, sends again, and finds out who
   * keeps it waiting. Without it a lost connection is opened again only by the next `submit`, and all endpoints are asked.
   */
  readonly wait?: (delayMs: number) => Promise<void>
  /** Keeps blocks between runs; they are verified again when they are read. */
  readonly store?: LedgerStore
}

/**
 * Connects to a ledger; resolves when the blocks are taken that it had for certain when the endpoints answered.
 *
 * `submit` is safe to repeat, goes to all endpoints, and goes out again until a verified block holds the transaction; it
 * throws `ERR_CHAIN_NONCE`, `ERR_CHAIN_QUOTA` or `ERR_SIGNATURE_INVALID` when f + 1 members refuse it so, and
 * `ERR_CHAIN_UNREACHABLE` when nobody can be reached. `signal` and `onProgress` of the options are for connecting.
 *
 * @throws When no endpoint answers: `ERR_CHAIN_UNREACHABLE`; when a certified block does not execute to its header:
 *   `ERR_CHAIN_PROOF`; when the signal is aborted: `ERR_ABORTED`. {@link VitalsealError}
 * @example const ledger = await connectLedger({ genesis, endpoints, openSocket: (url) => new WebSocket(url) })
 */
export async function connectLedger(
  options: ConnectOptions,
  random: RandomSource = randomBytes,
): Promise<LedgerClient> {
  const { genesis, openSocket, wait, signal, onProgress, verifier = createVerifier() } = options
  const urls = [...new Set(options.endpoints)]
  if (urls.length === 0) rejectArgument('endpoints', 'at least one address', 'none')
  const chain = createVerifiedChain({ ...options, verifier })
  await chain.load(options)
  throwIfAborted(signal)
  const session = startSession({ chain, urls, openSocket, wait, verifier, random, onProgress })
  signal?.addEventListener('abort', session.abort)
  session.reach.connectAll()
  await session.ready

  const answer = <T>(give: () => T): Promise<T> =>
    new Promise((resolve) => {
      session.assertOpen()
      resolve(give())
    })

  return {
    chainId: genesis.chainId,
    async submit(transaction, progress) {
      session.assertOpen()
      if (wait === undefined) session.reach.connectAll()
      const committed = session.submissions.submit(transaction, progress)
      session.reach.beat()
      return toAppliedReceipt(await committed)
    },
    async *follow({ heightFirst = 1, signal: callerSignal } = {}) {
      session.assertOpen()
      const ending = createEnding(callerSignal)
      const forget = session.onEnd(ending.end)
      try {
        yield* chain.feed.follow({ heightFirst, signal: ending.signal })
        ending.throwIfFailed()
      } finally {
        forget()
      }
    },
    view: (query) => answer(() => chain.feed.view(query)),
    nonce: ({ sender, delegate = 0 }) => answer(() => chain.ledger.nonceNext({ sender, delegate })),
    close: session.close,
  }
}

/** A signal that the caller may give, or the client when nothing more will come. */
function createEnding(caller: ProgressOptions['signal']): {
  readonly signal: NonNullable<ProgressOptions['signal']>
  readonly end: (error: VitalsealError) => void
  throwIfFailed(): void
} {
  const listeners: (() => void)[] = []
  let failure: VitalsealError | undefined
  return {
    signal: {
      get aborted() {
        return failure !== undefined || caller?.aborted === true
      },
      addEventListener(kind, listener) {
        listeners.push(listener)
        caller?.addEventListener(kind, listener)
      },
    },
    end(error) {
      failure = error
      for (const listener of listeners) listener()
    },
    throwIfFailed() {
      if (failure !== undefined) throw failure
    },
  }
}

/**
 * How applications reach a ledger: submit, follow, ask. Everything that a client returns was verified.
 *
 * {@link createLocalLedger} is a ledger of one member in memory: for examples, tests and work offline. It executes what is
 * submitted at once, one block each, with real certificates.
 */

import { fail, unwrap, VitalsealError, type Result } from '../errors.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import type { Signer, Verifier } from '../primitives/signature.ts'
import { createCertificate, encodeCertificate, signExecution } from '../pbft/index.ts'
import { encodeTransaction, type Transaction } from '../transactions/index.ts'
import { encodeBlock } from './block.ts'
import { keys, slotShape, transactionShape } from './entities.ts'
import type { Genesis } from './genesis.ts'
import type { Header } from './header.ts'
import { createLedger, type AppliedBlock } from './ledger.ts'
import type { Receipt } from './receipt.ts'
import { createMemoryLedgerStore, type LedgerStore } from './store.ts'
import { createView, type Committed, type LedgerView } from './view.ts'

/** One block, as a follower sees it. */
export interface FollowedBlock {
  readonly header: Header
  readonly committed: readonly Committed[]
}

/** A receipt of an applied transaction, and where it stands. */
export interface AppliedReceipt {
  readonly id: TransactionId
  readonly height: number
  readonly timeMs: number
  /** Of a permitted read: until when the permit counts; null otherwise. */
  readonly untilMs: number | null
}

/** Reads a ledger. */
export interface LedgerReader {
  readonly chainId: ChainId
  /** Blocks from `heightFirst` on, and each new one as it comes; ends when the client is closed or the signal is aborted. */
  follow(options?: ProgressOptions & { readonly heightFirst?: number }): AsyncIterable<FollowedBlock>
  /** What concerns one patient, or everything, up to now. */
  view(options?: ProgressOptions & { readonly patient?: Did }): Promise<LedgerView>
  /** Nonce of the next transaction of an account and delegate. */
  nonce(of: { readonly sender: Did; readonly delegate?: number }): Promise<number>
}

/** Writes to a ledger. */
export interface LedgerWriter {
  /**
   * Submits a transaction and waits until it is final; submitting the same one again is safe.
   *
   * @throws When the ledger refused it: `ERR_CHAIN_REFUSED` with the code of the refusal; when it takes no such transaction
   *   at all: `ERR_CHAIN_NONCE` or `ERR_CHAIN_QUOTA` or `ERR_SIGNATURE_INVALID`. {@link VitalsealError}
   */
  submit(transaction: Transaction, options?: ProgressOptions): Promise<AppliedReceipt>
}

/** Both, over one connection. */
export interface LedgerClient extends LedgerReader, LedgerWriter {
  /** Ends every follower. */
  close(): void
}

/** A ledger in memory, and the store of its blocks. */
export interface LocalLedger extends LedgerClient {
  readonly store: LedgerStore
  readonly genesis: Genesis
}

/**
 * Returns a ledger of one member, in memory.
 *
 * @param options - `signer` of the genesis' only member; `clock` stamps the blocks
 */
export function createLocalLedger(options: {
  readonly genesis: Genesis
  readonly signer: Signer
  readonly clock: Clock
  readonly store?: LedgerStore
  readonly verifier?: Verifier
}): LocalLedger {
  const { genesis, signer, clock, store = createMemoryLedgerStore(), verifier } = options
  const { chainId, members } = genesis
  const ledger = createLedger({ genesis, ...(verifier === undefined ? {} : { verifier }) })
  const blocks: FollowedBlock[] = []
  const committed: Committed[] = []
  const waiting = new Set<() => void>()
  let isClosed = false

  function commit(applied: AppliedBlock): FollowedBlock {
    const { header, receipts } = applied.block
    const { height, timeMs } = header
    const entries = applied.transactions.map((transaction, i): Committed => {
      const receipt = receipts[i] as Receipt
      const patient = ledger.state.get(keys.transaction(transaction.id), transactionShape)?.owner ?? transaction.sender
      return { transaction, receipt, height, timeMs, patient }
    })
    committed.push(...entries)
    const followed = { header, committed: entries }
    blocks.push(followed)
    for (const wake of waiting) wake()
    waiting.clear()
    return followed
  }

  async function execute(transaction: Transaction): Promise<Committed> {
    const bytes = encodeTransaction(transaction)
    const admitted = ledger.admit(bytes)
    unwrap(admitted as Result<unknown>)
    const applied = ledger.applyBatch({ transactions: [bytes], timeMs: clock() })
    const { headerDigest, block, skipped } = applied
    const executed = { chainId, memberEpoch: 0, height: block.header.height, headerDigest }
    const certificate = createCertificate(executed, new Map([[0, signExecution(executed, { signer })]]), members.length)
    await store.append({
      height: executed.height,
      block: encodeBlock(block),
      certificate: encodeCertificate(certificate),
    })
    const { committed: entries } = commit(applied)
    const [skip] = skipped
    if (skip !== undefined)
      unwrap(refuseSkipped(transaction, skip.because, ledger.nonceNext(transaction), block.header.timeMs))
    return entries[0] as Committed
  }

  // One at a time: a second block must not be built before the first is stored.
  let turn: Promise<unknown> = Promise.resolve()

  return {
    chainId,
    genesis,
    store,
    async submit(transaction) {
      const known = committed.find((entry) => entry.transaction.id === transaction.id)
      const result = known === undefined ? turn.then(() => execute(transaction)) : Promise.resolve(known)
      turn = result.catch(() => undefined)
      return toApplied(await result)
    },
    async *follow({ heightFirst = 1, signal } = {}) {
      let next = Math.max(1, heightFirst) - 1
      while (!isClosed && signal?.aborted !== true) {
        const block = blocks[next]
        if (block === undefined) {
          await new Promise<void>((wake) => {
            waiting.add(wake)
            signal?.addEventListener('abort', wake)
          })
        } else {
          next++
          yield block
        }
      }
    },
    view({ patient } = {}) {
      const { header } = ledger
      const isWanted = (entry: Committed) => entry.transaction.kind === 'register' || entry.patient === patient
      return Promise.resolve(
        createView({
          chainId,
          height: header?.height ?? 0,
          timeMs: header?.timeMs ?? genesis.timeMs,
          committed: patient === undefined ? [...committed] : committed.filter(isWanted),
        }),
      )
    },
    nonce: ({ sender, delegate = 0 }) =>
      Promise.resolve(ledger.state.get(keys.slot(sender, delegate), slotShape)?.nonceNext ?? 0),
    close() {
      isClosed = true
      for (const wake of waiting) wake()
      waiting.clear()
    },
  }
}

function refuseSkipped(
  { sender, nonce }: Transaction,
  because: string,
  nonceNext: number,
  timeMs: number,
): Result<never, 'ERR_CHAIN_NONCE' | 'ERR_CHAIN_QUOTA' | 'ERR_SIGNATURE_INVALID'> {
  if (because === 'nonce') {
    const message = `nonce ${nonce} of ${sender}: expected ${nonceNext}; build the transaction again`
    return fail('ERR_CHAIN_NONCE', message, { path: 'transaction.nonce', details: { nonceNext, found: nonce } })
  }
  if (because === 'quota') {
    const retryAtMs = (Math.floor(timeMs / 60_000) + 1) * 60_000
    const message = `too many transactions of ${sender} in this minute; try again after it`
    return fail('ERR_CHAIN_QUOTA', message, { path: 'transaction', details: { retryAtMs } })
  }
  const message = `transaction of ${sender}: ${because}; nothing of it entered a block`
  return fail('ERR_SIGNATURE_INVALID', message, { path: 'transaction', details: { signer: sender } })
}

function toApplied({ transaction, receipt, height, timeMs }: Committed): AppliedReceipt {
  const { id } = transaction as Verified<Transaction>
  const { code, untilMs } = receipt
  if (code === null) return { id, height, timeMs, untilMs }
  throw new VitalsealError('ERR_CHAIN_REFUSED', `refused in block ${height}: ${code}`, {
    path: 'transaction',
    details: { code, height },
  })
}

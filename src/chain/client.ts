/**
 * How applications reach a ledger: submit, follow, ask. Everything that a client returns was verified.
 *
 * {@link createLocalLedger} is a ledger of one member in memory: for examples, tests and work offline. It executes what is
 * submitted at once, one block each, with real certificates.
 */

import { rejectArgument, unwrap, VitalsealError, type Result } from '../errors.ts'
import type { Verified } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Did } from '../primitives/did.ts'
import type { ChainId, TransactionId } from '../primitives/ids.ts'
import type { ProgressOptions } from '../primitives/progress.ts'
import { createVerifier, type Signer } from '../primitives/signature.ts'
import { createCertificate, encodeCertificate, signExecution } from '../pbft/certificate.ts'
import { encodeTransaction, type Transaction } from '../transactions/index.ts'
import { encodeBlock } from './block.ts'
import { createFeed, type FollowedBlock } from './feed.ts'
import type { Genesis } from './genesis.ts'
import { createLedger, refuseNonce, type AppliedBlock } from './ledger.ts'
import type { LedgerPorts } from './ports.ts'
import { replayBlock } from './replay.ts'
import { createMemoryLedgerStore, type LedgerStore } from './store.ts'
import type { Committed, LedgerView } from './view.ts'

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
 * @param options - `signer` of the genesis' only member; `clock` stamps the blocks; `store`: default in memory, empty; the
 *   blocks of an earlier run that it holds are executed and verified first
 * @throws When the genesis has other members than the signer, or a kind without a rule: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createLocalLedger(
  options: LedgerPorts & {
    readonly genesis: Genesis
    readonly signer: Signer
    readonly clock: Clock
    readonly store?: LedgerStore
  },
): LocalLedger {
  const { genesis, signer, clock, store = createMemoryLedgerStore() } = options
  const { verifier = createVerifier(), rules, preKeyVerifier, blsVerifier } = options
  const { chainId, members } = genesis
  if (members.length !== 1 || members[0]?.did !== signer.did)
    rejectArgument('genesis.members', 'the signer alone', `${members.length} members`)
  const ledger = createLedger({ genesis, rules, verifier, preKeyVerifier, blsVerifier })
  const feed = createFeed(genesis)
  /** A block that is executed and that the store did not take: it is offered again before anything else. */
  let unstored: AppliedBlock | undefined

  async function open(): Promise<void> {
    const last = await store.height()
    for (let height = 1; height <= last; height++) {
      const stored = (await store.read(height)) ?? rejectArgument('store', `block ${height}`, 'none')
      const failure = replayBlock(
        ledger,
        { ...stored, height },
        { verifier, blsVerifier, onBlock: (applied) => feed.commit(applied) },
      )
      if (failure !== undefined) unwrap(failure)
    }
  }

  let opened: Promise<void> | undefined
  const ready = () => (opened ??= open())

  async function keep(applied: AppliedBlock): Promise<void> {
    unstored = applied
    const { block, headerDigest } = applied
    const executed = { chainId, memberEpoch: 0, height: block.header.height, headerDigest }
    const certificate = createCertificate(executed, new Map([[0, signExecution(executed, { signer })]]), members.length)
    await store.append({
      height: executed.height,
      block: encodeBlock(block),
      certificate: encodeCertificate(certificate),
    })
    unstored = undefined
    feed.commit(applied)
  }

  async function execute(transaction: Transaction): Promise<Committed> {
    await ready()
    if (unstored !== undefined) await keep(unstored)
    const known = feed.find(transaction.id)
    if (known !== undefined) return known
    // Others than the signer could not go on, and nobody else is here.
    if (transaction.kind === 'config') rejectArgument('transaction', 'no change of members on a local ledger', 'config')
    const bytes = encodeTransaction(transaction)
    const timeMs = clock()
    // What cannot enter a block makes none.
    const { nonceNext } = unwrap(ledger.admit(bytes, { timeMs }) as Result<{ readonly nonceNext: number }>)
    if (transaction.nonce !== nonceNext) unwrap(refuseNonce(transaction, nonceNext))
    await keep(ledger.applyBatch({ transactions: [bytes], timeMs }))
    return feed.find(transaction.id) ?? rejectArgument('transaction', 'an id of this ledger', 'that of another')
  }

  // One at a time: a second block must not be built before the first is stored.
  let turn: Promise<unknown> = Promise.resolve()

  return {
    chainId,
    genesis,
    store,
    async submit(transaction) {
      const result = turn.then(() => execute(transaction))
      turn = result.catch(() => undefined)
      return toAppliedReceipt(await result)
    },
    async *follow(progress) {
      await ready()
      yield* feed.follow(progress)
    },
    async view(query) {
      await ready()
      return feed.view(query)
    },
    async nonce({ sender, delegate = 0 }) {
      await ready()
      return ledger.nonceNext({ sender, delegate })
    },
    close: () => {
      feed.close()
    },
  }
}

/** Returns the receipt of an applied transaction, or throws that it was refused. */
export function toAppliedReceipt({ transaction, receipt, height, timeMs }: Committed): AppliedReceipt {
  const { id } = transaction as Verified<Transaction>
  const { code, untilMs } = receipt
  if (code === null) return { id, height, timeMs, untilMs }
  throw new VitalsealError('ERR_CHAIN_REFUSED', `refused in block ${height}: ${code}`, {
    path: 'transaction',
    details: { code, height },
  })
}

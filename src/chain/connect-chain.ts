/**
 * The ledger of a client: built from blocks that anybody may bring, each verified before it is executed.
 *
 * A block is judged by what the blocks before it decided: it follows them, a quorum of their members signed its header, and
 * its transactions are those of that header. Only then is it executed, so that a lie costs its teller a connection and the
 * ledger nothing. A block that passes and then gives another header contradicts a quorum: the client stops for good.
 */

import { unwrap, type Result } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { createId, type ChainId } from '../primitives/ids.ts'
import { throwIfAborted, type ProgressOptions } from '../primitives/progress.ts'
import { createVerifier } from '../primitives/signature.ts'
import { hashTransaction, parseTransaction, type Transaction } from '../transactions/index.ts'
import { hashTransactions, type Block } from './block.ts'
import { createFeed, type Feed } from './feed.ts'
import type { Genesis } from './genesis.ts'
import { encodeHeader } from './header.ts'
import { judgeBlock, refuseBlock } from './judge-block.ts'
import { createLedger, type AppliedBlock, type Ledger } from './ledger.ts'
import type { LedgerPorts } from './ports.ts'
import type { LedgerStore, StoredBlock } from './store.ts'

/** A ledger that grows by verified blocks. */
export interface VerifiedChain {
  readonly ledger: Ledger
  readonly feed: Feed
  height(): number
  /** Who orders and certifies the next block. */
  members(): readonly Did[]
  /** Takes over what the store holds, as far as it holds together. */
  load(progress: ProgressOptions): Promise<void>
  /** Returns the block when it is the next one, or why it is not. Executes nothing. */
  judge(stored: StoredBlock): Result<Block>
  /**
   * Executes the next block, as it came out of `judge`, and keeps it.
   *
   * @throws When it does not give the header that a quorum signed: `ERR_CHAIN_PROOF`; and what the store throws. {@link VitalsealError}
   */
  take(block: Block, stored: StoredBlock): Promise<void>
}

/** Returns a ledger at its genesis. */
export function createVerifiedChain(
  options: LedgerPorts & { readonly genesis: Genesis; readonly store?: LedgerStore | undefined },
): VerifiedChain {
  const { genesis, store, rules, preKeyVerifier, blsVerifier, verifier = createVerifier() } = options
  const verifiers = { verifier, blsVerifier }
  const ledger = createLedger({ genesis, rules, preKeyVerifier, ...verifiers })
  const feed = createFeed(genesis)
  const heightNow = () => ledger.header?.height ?? 0
  let membersNow: readonly Did[] = []
  let membersReadAt = -1

  function judge(stored: StoredBlock): Result<Block> {
    const judged = judgeBlock(ledger, stored, verifiers)
    if (!judged.ok || holdsTransactions(judged.value, genesis.chainId)) return judged
    return refuseBlock(stored.height, 'its transactions are not those of its header')
  }

  function execute({ header, transactions }: Block): AppliedBlock {
    const applied = ledger.applyBatch({ transactions, timeMs: header.timeMs })
    if (equalBytes(encodeHeader(applied.block.header), encodeHeader(header))) return applied
    const failure = refuseBlock(
      header.height,
      'executed here, it gives another header than the one that a quorum signed',
    )
    return unwrap<never>(failure)
  }

  return {
    ledger,
    feed,
    height: heightNow,
    members() {
      // Read from the state once a block.
      if (membersReadAt !== heightNow()) membersNow = ledger.members.members.map(({ did }) => did)
      membersReadAt = heightNow()
      return membersNow
    },
    async load({ signal, onProgress }) {
      const total = (await store?.height()) ?? 0
      for (let height = 1; height <= total; height++) {
        throwIfAborted(signal)
        const stored = await store?.read(height)
        const judged = stored === undefined ? undefined : judge({ ...stored, height })
        // What does not hold together is fetched anew.
        if (judged?.ok !== true) return
        feed.commit(execute(judged.value))
        await onProgress?.({ done: height, total, step: 'load' })
      }
    },
    judge,
    async take(block, stored) {
      const applied = execute(block)
      await store?.append(stored)
      feed.commit(applied)
    },
  }
}

/** Without it, an altered transaction would show only after it was executed. */
function holdsTransactions({ header, transactions }: Block, chainId: ChainId): boolean {
  const leaves: Pick<Transaction, 'id' | 'signature'>[] = []
  for (const bytes of transactions) {
    const parsed = parseTransaction(bytes)
    if (!parsed.ok) return false
    const { signature } = parsed.value
    leaves.push({ id: createId('transaction', hashTransaction(parsed.value, { chainId })), signature })
  }
  return equalBytes(hashTransactions(leaves), header.transactionsRoot)
}

/**
 * The ledger as the application of a replica: keeps what was executed until it is final, and lets blocks that come from
 * other nodes with their certificates run ahead of the replica.
 *
 * A replica that is far behind is offered a snapshot. A node keeps every block, so it takes no state on trust and offers
 * none: the offer is one empty chunk that says how far the group is, the node reads the blocks up to there, executes each,
 * and then the offer is one of a state that is here already.
 */

import {
  hashHeader,
  hashTransactions,
  parseBlock,
  replayBlock,
  type AppliedBlock,
  type Block,
  type Ledger,
  type StoredBlock,
} from '../chain/index.ts'
import { fail, rejectArgument, succeed, type Failure, type Result } from '../errors.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { createId } from '../primitives/ids.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import type { Verifier } from '../primitives/signature.ts'
import {
  parseCertificate,
  verifyCertificate,
  type Application,
  type Applied,
  type Member,
  type Request,
} from '../pbft/index.ts'
import { hashTransaction, parseTransaction } from '../transactions/index.ts'

/** Who can certify a block. */
interface Electorate {
  readonly memberEpoch: number
  readonly members: readonly Member[]
}

/** A block that the replica executed and that is not final yet. */
interface Executed extends Electorate, Settled {}

/** A block with the batch that it was made of; what state refused of that is not in the block. */
export interface Settled {
  readonly applied: AppliedBlock
  readonly batch: readonly Uint8Array[]
}

/** The application of a replica over a ledger. */
export interface LedgerApplication extends Application {
  /** Lets the next check of this very request pass: the ledger has admitted it a moment ago. */
  vouch(request: Request): void
  /** Takes the executed block of a height, now that it is final; undefined where {@link LedgerApplication.follow} took it. */
  settle(height: number): Settled | undefined
  /**
   * Takes a block that another node has: verifies it by its certificate, executes it where that has not been done, and
   * returns it; or says why it is none. Nothing is executed that is not final.
   */
  follow(stored: StoredBlock): Result<Settled>
  /** Height up to which a snapshot was offered; 0 where none was. */
  readonly offeredHeight: number
  /** Height of the last state that the replica took over. */
  readonly adoptedHeight: number
  /** To be called when a replica of a new epoch begins: all that is executed is final. */
  begin(): void
}

/**
 * Returns the application over a ledger.
 *
 * @param options - `verifier` and `blsVerifier`: for certificates of followed blocks
 */
export function createLedgerApplication(options: {
  readonly ledger: Ledger
  readonly verifier: Verifier
  readonly blsVerifier?: BlsVerifier | undefined
}): LedgerApplication {
  const { ledger, ...verifiers } = options
  const executed = new Map<number, Executed>()
  /** What the replica is told when it comes to heights that were followed. */
  const ahead = new Map<number, Applied>()
  const vouched = new WeakSet<Request>()
  let offeredHeight = 0
  let adoptedHeight = 0

  function apply(batch: Parameters<Application['apply']>[0], height: number): Applied {
    const followed = ahead.get(height)
    if (followed !== undefined) {
      ahead.delete(height)
      return followed
    }
    if (height !== ledger.head().height + 1) rejectArgument('height', 'the next height', `${height}`)
    const { members, memberEpoch } = ledger.members
    const transactions = batch.requests.map(({ bytes }) => bytes)
    const applied = ledger.applyBatch({ transactions, timeMs: batch.timeMs })
    executed.set(height, { applied, batch: transactions, members, memberEpoch })
    return ledger.encodeApplied(applied)
  }

  function followExecuted(known: Executed, stored: StoredBlock): Result<Settled> {
    const block = parseCertified(stored, known, ledger, verifiers)
    if (!block.ok) return block
    if (!equalBytes(hashHeader(block.value.header), known.applied.headerDigest))
      return refuse(stored.height, 'another block than the one that was executed here is certified')
    return succeed(known)
  }

  function followNext(stored: StoredBlock): Result<Settled> {
    const block = parseCertified(stored, ledger.members, ledger, verifiers)
    if (!block.ok) return block
    let result: AppliedBlock | undefined
    const onBlock = (applied: AppliedBlock) => {
      result = applied
    }
    const failure = replayBlock(ledger, stored, { ...verifiers, onBlock })
    if (failure !== undefined) return failure
    if (result === undefined) return refuse(stored.height, 'nothing was executed')
    // The store has the block; the replica only wants to know what it gave.
    const told = { ...ledger.encodeApplied(result), block: new Uint8Array() }
    ahead.set(stored.height, told)
    return succeed({ applied: result, batch: block.value.transactions })
  }

  return {
    ...ledger,
    apply,
    check: (request) => (vouched.delete(request) ? succeed(undefined) : ledger.check(request)),
    vouch: (request) => void vouched.add(request),
    settle(height) {
      const settled = executed.get(height)
      executed.delete(height)
      return settled
    },
    follow(stored) {
      const known = executed.get(stored.height)
      const followed =
        known !== undefined
          ? followExecuted(known, stored)
          : stored.height === ledger.head().height + 1
            ? followNext(stored)
            : refuse(stored.height, 'not the next block')
      if (followed.ok) executed.delete(stored.height)
      return followed
    },
    snapshot: () => [new Uint8Array()],
    restore(_, { height, headerDigest }) {
      offeredHeight = Math.max(offeredHeight, height)
      const head = ledger.head()
      const told = ahead.get(height)
      if (told === undefined || !equalBytes(told.headerDigest, headerDigest))
        return refuse(height, 'the blocks up to the offered state are not here yet')
      for (const passed of ahead.keys()) if (passed <= height) ahead.delete(passed)
      adoptedHeight = height
      return succeed({ ...head, height, headerDigest, stateRoot: told.stateRoot })
    },
    get offeredHeight() {
      return offeredHeight
    },
    get adoptedHeight() {
      return adoptedHeight
    },
    begin() {
      executed.clear()
      ahead.clear()
    },
  }
}

function refuse(height: number, because: string): Failure<'ERR_CHAIN_PROOF'> {
  return fail('ERR_CHAIN_PROOF', `block ${height}: ${because}`, { path: `blocks.${height}`, details: { height } })
}

/** Reads a block, and tells whether a quorum certified exactly these bytes, before anything of it is executed. */
function parseCertified(
  { height, block: bytes, certificate: certificateBytes }: StoredBlock,
  { members, memberEpoch }: Electorate,
  { genesis }: Ledger,
  verifiers: { readonly verifier: Verifier; readonly blsVerifier?: BlsVerifier | undefined },
): Result<Block> {
  const block = parseBlock(bytes)
  if (!block.ok) return block
  const certificate = parseCertificate(certificateBytes)
  if (!certificate.ok) return certificate
  const { header, transactions } = block.value
  const { chainId } = genesis
  const isCertified =
    certificate.value.height === height &&
    certificate.value.memberEpoch === memberEpoch &&
    header.height === height &&
    verifyCertificate(certificate.value, { members, chainId, headerDigest: hashHeader(header), ...verifiers })
  if (!isCertified) {
    const details = { height, memberEpoch }
    return fail('ERR_CHAIN_CERTIFICATE', `block ${height}: no quorum of its members signed it`, {
      path: `blocks.${height}`,
      details,
    })
  }
  const root = hashBody(transactions, genesis)
  return root !== undefined && equalBytes(root, header.transactionsRoot)
    ? block
    : refuse(height, 'its transactions are not those of its header')
}

function hashBody(transactions: readonly Uint8Array[], { chainId }: Ledger['genesis']): Digest32 | undefined {
  const named = transactions.map((bytes) => {
    const parsed = parseTransaction(bytes)
    if (!parsed.ok) return undefined
    const id = createId('transaction', hashTransaction(parsed.value, { chainId }))
    return { id, signature: parsed.value.signature }
  })
  return named.every((entry) => entry !== undefined) ? hashTransactions(named) : undefined
}

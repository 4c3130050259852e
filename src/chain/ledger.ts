/**
 * The ledger: kinds, rules and state as one deterministic state machine, ordered by any engine.
 *
 * `check` judges one transaction for the pool, `validate` the form of a proposed batch, `apply` executes it. The same
 * batches in the same order give the same headers everywhere. Synchronous and in memory; what is durable is the host's.
 */

import { fail, rejectArgument, succeed, type Result } from '../errors.ts'
import { equalBytes, type Bytes, type Verified } from '../primitives/bytes.ts'
import { toPublicKey, type Did } from '../primitives/did.ts'
import type { Digest32 } from '../primitives/hash.ts'
import { toDigest } from '../primitives/ids.ts'
import { TIME_MS_MAX } from '../primitives/limits.ts'
import type { Member } from '../primitives/member.ts'
import type { BlsVerifier } from '../primitives/member-bls.ts'
import { createMerkleAccumulator, hashMerkleLeaf, type MerkleAccumulator } from '../primitives/merkle.ts'
import { createVerifier } from '../primitives/signature.ts'
import type { Application, Applied, Request } from '../pbft/index.ts'
import { hashTransaction, parseTransaction, type ParsedTransaction, type Transaction } from '../transactions/index.ts'
import { encodeBlock, hashReceipts, hashTransactions, type Block } from './block.ts'
import { accountListShape, balanceShape, keys, memberSetShape, type MemberSet } from './entities.ts'
import { createExecutor, QUOTA_WINDOW_MS, type Executor, type SkipReason } from './execute.ts'
import type { Genesis } from './genesis.ts'
import { hashHeader, hashMembers, type Header } from './header.ts'
import type { LedgerPorts } from './ports.ts'
import type { Receipt } from './receipt.ts'
import type { Execution } from './rule.ts'
import { findMemberFault, membersOf } from './rules/config.ts'
import { RULES, type RuleTable } from './rules/table.ts'
import { createSignatureMemory } from './signature-memory.ts'
import { readSnapshot, writeSnapshot, type LedgerHead } from './snapshot.ts'
import { createState, type State, type StateReader } from './state.ts'

/** A block that was just applied, with what it was made of. */
export interface AppliedBlock {
  readonly block: Block
  readonly headerDigest: Digest32
  readonly transactions: readonly Verified<Transaction>[]
  /** Whose affairs each of them concerns. */
  readonly owners: readonly Did[]
  readonly skipped: readonly { readonly index: number; readonly because: SkipReason }[]
  /** Set by the block that closes the member epoch: who orders the next one. */
  readonly nextMembers: readonly Member[] | null
}

/** The state machine of a ledger. */
export interface Ledger extends Application {
  readonly genesis: Genesis
  /** The state at the head. */
  readonly state: StateReader & Pick<State, 'prove' | 'root'>
  /** The header at the head; undefined before the first block. */
  readonly header: Header | undefined
  /** Who orders and certifies the next block, by the state at the head. */
  readonly members: MemberSet
  /** Returns an applied block as consensus wants it. */
  encodeApplied(applied: AppliedBlock): Applied
  /** Nonce of the next transaction of an account and delegate. */
  nonceNext(of: { readonly sender: Did; readonly delegate: number }): number
  /** Executes the next batch and returns the block with everything known about it. */
  applyBatch(batch: { readonly transactions: readonly Uint8Array[]; readonly timeMs: number }): AppliedBlock
  /**
   * Judges one transaction as the pool does: form, kind, signature under the current key.
   *
   * @param bytes - foreign
   * @param options - `timeMs`: about when the next block will be; with it the quota is judged too
   * @returns the transaction and the nonce that is next for its sender and delegate, which the pool compares
   */
  admit(
    bytes: Uint8Array,
    options?: { readonly timeMs?: number },
  ): Result<{ readonly transaction: Verified<Transaction>; readonly nonceNext: number }>
}

/** First element of a config transaction. */
const CONFIG_VERSION = 11

/** The number of a transaction's kind: canonical CBOR has it in the byte behind the head of the array. */
function kindVersionOf(bytes: Uint8Array): number | undefined {
  return bytes[1]
}

/**
 * Returns a ledger at its genesis.
 *
 * @param options - the ports must be those of every other replica: without `preKeyVerifier` registrations with PRE keys stay
 *   out, without `blsVerifier` no BLS key enters later
 * @throws When the genesis names a kind for which there is no rule, since others would execute it, or a member without a
 *   proof of its BLS key: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createLedger(options: LedgerPorts & { readonly genesis: Genesis }): Ledger {
  const { genesis, verifier = createVerifier(), preKeyVerifier, blsVerifier, rules = RULES } = options
  const { chainId, parameters, kinds } = genesis
  const unknown = findUnknownKind(genesis, rules)
  if (unknown !== undefined) rejectArgument('genesis.kinds', `kinds out of ${Object.keys(rules).join(', ')}`, unknown)
  const allowed = Object.fromEntries(Object.entries(rules).filter(([kind]) => kinds.includes(kind))) as RuleTable
  const executor: Executor = createExecutor({
    rules: allowed,
    quotaPerMinute: parameters.quotaPerMinute,
    preKeyVerifier,
  })
  if (blsVerifier !== undefined) assertPossession(genesis, blsVerifier)
  const memory = createSignatureMemory(verifier)
  let state = createGenesisState(genesis)
  let history: MerkleAccumulator = createMerkleAccumulator()
  let head: LedgerHead | undefined

  // The state keeps what it has read: as long as nobody changes them, the members are one object.
  const hashes = new WeakMap<MemberSet, Digest32>()
  function hashOf(set: MemberSet): Digest32 {
    const hash = hashes.get(set) ?? hashMembers(set.members)
    hashes.set(set, hash)
    return hash
  }

  const headNow = (): ReturnType<Application['head']> => ({
    height: head?.header.height ?? 0,
    headerDigest: head?.digest ?? toDigest(chainId),
    stateRoot: head?.header.stateRoot ?? state.root(),
    members: membersOf(state),
  })

  const executionAt = (position: number, timeMs: number): Omit<Execution, 'verifier'> => ({
    chainId,
    height: (head?.header.height ?? 0) + 1,
    position,
    timeMs,
    blsVerifier,
  })

  function applyBatch(batch: { readonly transactions: readonly Uint8Array[]; readonly timeMs: number }): AppliedBlock {
    assertTime(batch.timeMs)
    const height = (head?.header.height ?? 0) + 1
    const timeMs = Math.max(head?.header.timeMs ?? genesis.timeMs, batch.timeMs)
    const ordering = membersOf(state)
    const included: {
      readonly bytes: Bytes
      readonly transaction: Verified<Transaction>
      readonly receipt: Receipt
      readonly owner: Did
    }[] = []
    const skipped: { readonly index: number; readonly because: SkipReason }[] = []
    for (const [index, bytes] of batch.transactions.entries()) {
      const parsed = parseTransaction(bytes)
      if (!parsed.ok) {
        skipped.push({ index, because: 'form' })
        continue
      }
      const at = { ...executionAt(included.length, timeMs), verifier: memory.recalling }
      const executed = executor.execute(state, parsed.value, at)
      if (executed.kind === 'skipped') skipped.push({ index, because: executed.because })
      else included.push({ ...executed, bytes: Uint8Array.from(bytes) })
    }
    const receipts = included.map(({ receipt }) => receipt)
    const transactions = included.map(({ transaction }) => transaction)
    const following = membersOf(state)
    const closes = following.memberEpoch !== ordering.memberEpoch
    const membersHash = hashOf(ordering)
    const header: Header = {
      chainId,
      memberEpoch: ordering.memberEpoch,
      height,
      timeMs,
      parent: head?.digest ?? toDigest(chainId),
      transactionsRoot: hashTransactions(transactions),
      count: included.length,
      receiptsRoot: hashReceipts(receipts),
      stateRoot: state.root(),
      historyRoot: history.root(),
      membersHash,
      nextMembersHash: closes ? hashOf(following) : membersHash,
    }
    const headerDigest = hashHeader(header)
    head = { header, digest: headerDigest, before: { count: history.count, peaks: history.peaks() } }
    history.append(hashMerkleLeaf(headerDigest))
    return {
      block: { header, transactions: included.map(({ bytes }) => bytes), receipts },
      headerDigest,
      transactions,
      owners: included.map(({ owner }) => owner),
      skipped,
      nextMembers: closes ? following.members : null,
    }
  }

  function admit(
    bytes: Uint8Array,
    { timeMs }: { readonly timeMs?: number } = {},
  ): Result<{ readonly transaction: Verified<Transaction>; readonly nonceNext: number }> {
    const parsed = parseTransaction(bytes)
    if (!parsed.ok) return parsed
    const { sender, delegate } = parsed.value
    const nowMs = Math.max(head?.header.timeMs ?? genesis.timeMs, timeMs ?? 0)
    // Before the signature: refusing a flood costs no curve arithmetic.
    if (timeMs !== undefined && executor.isOverQuota(state, sender, nowMs)) return refuseQuota(sender, nowMs)
    const at = { ...executionAt(0, nowMs), verifier: memory.remembering }
    const transaction = executor.authenticate(state, parsed.value, at)
    if (typeof transaction === 'string') return refuseAdmission(parsed.value, transaction)
    // Whoever proposes waits for a change of members to be executed: one that will be refused must not cost that.
    const fault = transaction.kind === 'config' ? findMemberFault(state, transaction, at) : undefined
    if (fault !== undefined) return refuseMembers(fault)
    return succeed({ transaction, nonceNext: executor.nonceNext(state, { sender, delegate }) })
  }

  return {
    genesis,
    get state() {
      return state
    },
    get header() {
      return head?.header
    },
    head: headNow,
    get members() {
      return membersOf(state)
    },
    applyBatch,
    encodeApplied,
    nonceNext: (of) => executor.nonceNext(state, of),
    admit,
    check(request) {
      const checked = checkRequest(request, genesis)
      if (!checked.ok) return checked
      const admitted = admit(request.bytes)
      if (!admitted.ok) return admitted
      // What was executed must not be waited for again, also by a replica that forgot it in a restart.
      const { transaction, nonceNext } = admitted.value
      return transaction.nonce < nonceNext ? refuseNonce(transaction, nonceNext) : succeed(undefined)
    },
    validate: ({ requests }) => validateBatch(requests, genesis),
    mayCloseEpoch: ({ requests }) => requests.some(({ bytes }) => kindVersionOf(bytes) === CONFIG_VERSION),
    apply({ requests, timeMs }, height): Applied {
      if (height !== (head?.header.height ?? 0) + 1) rejectArgument('height', 'the next height', `${height}`)
      return encodeApplied(applyBatch({ transactions: requests.map(({ bytes }) => bytes), timeMs }))
    },
    *snapshot() {
      if (head === undefined) return
      yield* writeSnapshot(head, state)
    },
    restore(chunks, expected) {
      const restored = readSnapshot(chunks, expected.headerDigest)
      if (!restored.ok) return restored
      state = restored.value.state
      history = restored.value.history
      const { header, before } = restored.value
      head = { header, digest: expected.headerDigest, before }
      return succeed(headNow())
    },
  }
}

/** Returns the first kind that a genesis names and for which there is no rule. */
export function findUnknownKind({ kinds }: Genesis, rules: RuleTable = RULES): string | undefined {
  return kinds.find((kind) => !Object.hasOwn(rules, kind))
}

/** Told before anything is executed: a caller's mistake must not leave half a block in the state. */
function assertTime(timeMs: number): void {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0 || timeMs > TIME_MS_MAX)
    rejectArgument('batch.timeMs', 'integer milliseconds', 'something else')
}

function encodeApplied({ block, headerDigest, nextMembers, skipped: leftOut }: AppliedBlock): Applied {
  const skipped = leftOut.map(({ index }) => index)
  const applied = { block: encodeBlock(block), headerDigest, stateRoot: block.header.stateRoot, skipped }
  return nextMembers === null ? applied : { ...applied, nextMembers }
}

/** A key without proof would let its owner sign for the others (docs/papers/PBFT.md). */
function assertPossession({ members }: Genesis, blsVerifier: BlsVerifier): void {
  const index = members.findIndex((member) => member.bls !== undefined && !blsVerifier.verifyPossession(member))
  if (index !== -1) rejectArgument(`genesis.members.${index}.bls.proof`, 'a proof of possession of its key', 'another')
}

function createGenesisState(genesis: Genesis): State {
  const state = createState()
  state.draft((writer) => {
    for (const { account, amount } of genesis.balances) writer.set(keys.balance(account), amount, balanceShape)
    writer.set(keys.registrars, genesis.registrars, accountListShape)
    writer.set(keys.members, { memberEpoch: 0, heightFirst: 1, members: genesis.members }, memberSetShape)
    return { keep: true, result: undefined }
  })
  return state
}

function refuseAdmission(transaction: ParsedTransaction, because: SkipReason): Result<never> {
  const message = `transaction of ${transaction.sender}: ${because}; nothing of it will enter a block`
  return fail('ERR_SIGNATURE_INVALID', message, { path: 'transaction', details: { signer: transaction.sender } })
}

function refuseMembers(fault: string): Result<never, 'ERR_CHAIN_MEMBERS'> {
  return fail('ERR_CHAIN_MEMBERS', `change of members: ${fault}`, { path: 'transaction', details: {} })
}

/** Returns the refusal of who sent too much in this minute. */
function refuseQuota(sender: Did, timeMs: number): Result<never, 'ERR_CHAIN_QUOTA'> {
  const retryAtMs = (Math.floor(timeMs / QUOTA_WINDOW_MS) + 1) * QUOTA_WINDOW_MS
  const message = `too many transactions of ${sender} in this minute; try again after it`
  return fail('ERR_CHAIN_QUOTA', message, { path: 'transaction', details: { retryAtMs } })
}

/** Returns the refusal of a nonce that was used. */
export function refuseNonce({ sender, nonce }: Transaction, nonceNext: number): Result<never, 'ERR_CHAIN_NONCE'> {
  const message = `nonce ${nonce} of ${sender}: expected ${nonceNext}; build the transaction again`
  return fail('ERR_CHAIN_NONCE', message, { path: 'transaction.nonce', details: { nonceNext, found: nonce } })
}

/** Form, and that id and client are those of the bytes. Whose key signs now is for execution to judge. */
function checkRequest({ id, client, bytes }: Request, { chainId }: Genesis): Result<unknown> {
  const parsed = parseTransaction(bytes)
  if (!parsed.ok) return parsed
  const isNamed =
    equalBytes(hashTransaction(parsed.value, { chainId }), id) && equalBytes(toPublicKey(parsed.value.sender), client)
  if (isNamed) return succeed(undefined)
  const expected = 'id and client of its bytes'
  return fail('ERR_CODEC_MALFORMED', `request: expected ${expected}`, {
    path: 'request',
    details: { byteOffset: 0, expected },
  })
}

/** Tells whether a batch or a block keeps the limits of its ledger. */
export function checkLimits(
  transactions: readonly Uint8Array[],
  { parameters }: Genesis,
): Result<undefined, 'ERR_CODEC_LIMIT'> {
  const { blockBytesMax, blockTransactionsMax } = parameters
  const byteCount = transactions.reduce((sum, bytes) => sum + bytes.length, 0)
  if (transactions.length > blockTransactionsMax)
    return overLimit('transactions', blockTransactionsMax, transactions.length)
  return byteCount > blockBytesMax ? overLimit('bytes', blockBytesMax, byteCount) : succeed(undefined)
}

function validateBatch(requests: readonly Request[], genesis: Genesis): Result<unknown> {
  const limits = checkLimits(
    requests.map(({ bytes }) => bytes),
    genesis,
  )
  if (!limits.ok) return limits
  for (const request of requests) {
    const checked = checkRequest(request, genesis)
    if (!checked.ok) return checked
  }
  return succeed(undefined)
}

function overLimit(limit: string, allowed: number, found: number): Result<never, 'ERR_CODEC_LIMIT'> {
  return fail('ERR_CODEC_LIMIT', `batch: expected at most ${allowed} ${limit}, found ${found}`, {
    path: 'batch',
    details: { limit, allowed, found },
  })
}

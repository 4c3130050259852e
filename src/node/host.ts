/**
 * A node without sockets: one member's replica, its ledger and its disk, driven by messages, clients and a timer.
 *
 * It executes the blocks of its disk again, gives the replica the records of its log, and then takes inputs one at a time;
 * nothing leaves before what it rests on is durable. Where the group has gone on without it, it reads final blocks from
 * others, verifies and executes each. When the members change, it goes on with a replica of the next epoch, or without a vote.
 *
 * It stops for good when a write fails or its state differs from the group's: nothing is sent or acknowledged since, and what
 * the disk holds is consistent. Not kept: a snapshot of the state, which would make a start of a long ledger faster.
 */

import {
  createFeed,
  createLedger,
  replayBlock,
  type Feed,
  type Genesis,
  type Ledger,
  type LedgerPorts,
  type PoolLimits,
  type StoredBlock,
} from '../chain/index.ts'
import {
  fail,
  isVitalsealError,
  rejectArgument,
  succeed,
  unwrap,
  VitalsealError,
  type Failure,
  type Result,
} from '../errors.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import { toHex, type Bytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Did } from '../primitives/did.ts'
import { createId, type ChainId, type TransactionId } from '../primitives/ids.ts'
import { reportStep, type ProgressOptions } from '../primitives/progress.ts'
import type { Signer, Verifier } from '../primitives/signature.ts'
import { hashTransaction, parseTransaction } from '../transactions/index.ts'
import { EpochReplicas, type ReplicaTuning } from './epoch-replicas.ts'
import { createIntake, type Intake } from './intake.ts'
import { createLedgerApplication, type LedgerApplication, type Settled } from './ledger-application.ts'
import type { NodeStore } from './level-store.ts'
import { createTeller, type NodeEvent, type NodeMode } from './node-events.ts'

/** Reads final blocks that others have, from a height on, as long as they have more. */
export type FetchBlocks = (heightFirst: number) => AsyncIterable<StoredBlock>

/** What a host is made of. */
export interface HostOptions extends ProgressOptions, LedgerPorts {
  readonly genesis: Genesis
  readonly signer: Signer
  /** Of a member whose BLS key the group knows: its votes for checkpoints then carry a share. */
  readonly blsSigner?: BlsSigner | undefined
  readonly store: NodeStore
  /** Sends bytes to members; may lose them. */
  readonly send: (to: readonly Did[], bytes: Bytes) => void
  readonly verifier: Verifier
  readonly clock: Clock
  /** Where it is left out, a node that fell far behind stays behind. */
  readonly fetchBlocks?: FetchBlocks | undefined
  readonly tuning?: ReplicaTuning | undefined
  readonly poolLimits?: PoolLimits | undefined
  readonly onEvent?: ((event: NodeEvent) => void | Promise<void>) | undefined
}

/** How a node is. */
export interface HostStatus {
  readonly did: Did
  readonly chainId: ChainId
  /** Last block that is final and stored. */
  readonly height: number
  /** Last executed block, and the state after it: equal heights have equal roots on all nodes. */
  readonly executedHeight: number
  readonly stateRoot: string
  readonly memberEpoch: number
  readonly memberCount: number
  readonly view: number
  readonly mode: NodeMode
  readonly primary: Did
  /** Last stable checkpoint of the replica. */
  readonly stableHeight: number
  /** Requests that the replica knows and has not executed. */
  readonly requestCount: number
  /** Transactions that clients gave to this node and that are not final yet. */
  readonly intakeCount: number
  /** Set when the group stands no fault. */
  readonly warning: string | null
  /** Why the node has stopped itself; null while it runs. */
  readonly failure: { readonly code: string; readonly message: string } | null
}

/** What became of a transaction: undefined where it is final, otherwise why it never will be, or that the node stopped. */
export type Settlement = Failure | VitalsealError | undefined

/** Milliseconds between ticks. */
const TICK_MS = 10
/** Ticks between looks at what waits for too long. */
const SWEEP_TICKS = 100
/** Ticks between two attempts to read blocks from others: after one that brought some, and after one that did not. */
const FETCH_TICKS = 20
const IDLE_TICKS = 100

/**
 * Opens a host: executes the blocks of its store, and starts to tick. The store is its own from now on.
 *
 * @param options - `onProgress`: told of each block that is executed again
 * @throws When a stored block does not follow from those before it: `ERR_CHAIN_PROOF`; when the log does not read:
 *   `ERR_PBFT_LOG_CORRUPT`. {@link VitalsealError}
 */
export async function openHost(options: HostOptions): Promise<NodeHost> {
  const host = new NodeHost(options)
  await host.replay(options)
  host.start()
  return host
}

/** One member, driven. */
export class NodeHost {
  readonly ledger: Ledger
  readonly feed: Feed
  readonly #options: HostOptions
  readonly #application: LedgerApplication
  readonly #replicas: EpochReplicas
  readonly #intake: Intake
  readonly #tell: ReturnType<typeof createTeller>
  readonly #listeners = new Set<() => void>()
  readonly #waiters = new Map<TransactionId, Set<(settlement: Settlement) => void>>()
  #timer: ReturnType<typeof setInterval> | undefined
  #isReplaying = true
  #isStopped = false
  #failure: VitalsealError | undefined
  #height = 0
  #tick = 0
  #fetchTick = 0
  /** Highest block that the replica called final without those before it: blocks up to here are read from other nodes. */
  #gapHeight = 0
  #fetching: Promise<void> | undefined
  #shownView = ''

  /** Makes a host that has not started; see {@link openHost}. */
  constructor(options: HostOptions) {
    const {
      genesis,
      signer,
      blsSigner,
      store,
      rules,
      verifier,
      preKeyVerifier,
      blsVerifier,
      clock,
      poolLimits,
      send,
      tuning = {},
    } = options
    this.#options = options
    this.#tell = createTeller(options.onEvent, clock)
    // Blocks of the own disk were verified before they were stored, and carry a digest: executing them is enough.
    const lenient: Verifier = { verify: (item) => this.#isReplaying || verifier.verify(item) }
    this.ledger = createLedger({ genesis, rules, verifier: lenient, preKeyVerifier, blsVerifier })
    this.feed = createFeed(genesis)
    this.#application = createLedgerApplication({ ledger: this.ledger, verifier, blsVerifier })
    this.#replicas = new EpochReplicas({
      genesis,
      signer,
      blsSigner,
      ledger: this.ledger,
      application: this.#application,
      store,
      verifier,
      tuning,
      send,
      tell: this.#tell,
      onDeliver: (height) => {
        this.#deliver(height)
      },
      onFailure: (error) => {
        this.#fail(error)
      },
    })
    this.#intake = createIntake({
      ledger: this.ledger,
      nowMs: clock,
      hand: (request) => {
        this.#application.vouch(request)
        return this.#replicas.hand(request)
      },
      ...(poolLimits === undefined ? {} : { limits: poolLimits }),
    })
  }

  /** Executes the blocks of the store, up to where the log of the replica knows of them. */
  async replay(progress: ProgressOptions): Promise<void> {
    const { store, blsVerifier } = this.#options
    const { deliveredHeight: total } = store.head
    const verifier: Verifier = { verify: () => true }
    for (let height = 1; height <= total; height++) {
      const stored = (await store.read(height)) ?? rejectArgument('store', `block ${height}`, 'none')
      const onBlock = (applied: Settled['applied']) => void this.feed.commit(applied)
      const failure = replayBlock(this.ledger, stored, { verifier, blsVerifier, onBlock })
      if (failure !== undefined) unwrap(failure)
      this.#height = height
      await reportStep(progress, { done: height, total, step: 'replay' })
    }
    this.#isReplaying = false
  }

  /** Begins to vote, or to follow, and to tick. */
  start(): void {
    this.#replicas.begin()
    this.#fetching = this.#follow(this.#readOwn())
    this.#timer = setInterval(() => {
      this.#onTick()
    }, TICK_MS)
  }

  /**
   * Takes a message of a member; resolves, where that is not at once, when what it led to is durable.
   *
   * @param from - who brought it, for those who watch; the replica relies on signatures alone
   */
  receive(from: Did, bytes: Uint8Array): Promise<void> | undefined {
    return this.#isStopped ? undefined : this.#replicas.receive(from, bytes)
  }

  /**
   * Takes a transaction of a client, or says why not. Taking one again is safe; {@link NodeHost.onSettled} tells what became
   * of it.
   *
   * @throws When the node has stopped: `ERR_NODE_STOPPED`, or the error that stopped it. {@link VitalsealError}
   */
  submit(bytes: Uint8Array): Result<TransactionId> {
    this.assertRunning()
    if (this.#replicas.status() === undefined) return refuseFollowing(this.ledger.members.memberEpoch)
    const taken = this.#intake.submit(bytes)
    if (taken.ok || taken.code !== 'ERR_CHAIN_NONCE') return taken
    // The nonce may be used because this very transaction was committed.
    const parsed = parseTransaction(bytes)
    if (!parsed.ok) return taken
    const { chainId } = this.#options.genesis
    const id = createId('transaction', hashTransaction(parsed.value, { chainId }))
    return this.feed.find(id) === undefined ? taken : succeed(id)
  }

  /** Calls back once when a transaction is final, never will be, or the node stops; returns what ends that. */
  onSettled(id: TransactionId, listener: (settlement: Settlement) => void): () => void {
    const listeners = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#waiters.delete(id)
    }
  }

  /** Calls back after each new final block; returns what ends that. */
  onBlock(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Throws where nothing is taken any more.
   *
   * @throws When the node has stopped: `ERR_NODE_STOPPED`, or the error that stopped it. {@link VitalsealError}
   */
  assertRunning(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isStopped) throw stopped()
  }

  /** Height of the last block that is final and stored. */
  get height(): number {
    return this.#height
  }

  /** Everyone to whom this node speaks: the members, and for a while those of the epoch before. */
  members(): readonly Did[] {
    return this.#replicas.members()
  }

  /** How it is; cheap. */
  status(): HostStatus {
    const { signer, genesis } = this.#options
    const { memberEpoch, members } = this.ledger.members
    const { height: executedHeight, stateRoot } = this.ledger.head()
    const replica = this.#replicas.status()
    const failure = this.#failure === undefined ? null : { code: this.#failure.code, message: this.#failure.message }
    return {
      did: signer.did,
      chainId: genesis.chainId,
      height: this.#height,
      executedHeight,
      stateRoot: toHex(stateRoot),
      memberEpoch: replica?.memberEpoch ?? memberEpoch,
      memberCount: members.length,
      view: replica?.view ?? 0,
      mode: this.#isStopped ? 'stopped' : (replica?.mode ?? 'following'),
      primary: replica?.primary ?? (members[0]?.did as Did),
      stableHeight: replica?.stableHeight ?? 0,
      requestCount: replica?.requestCount ?? 0,
      intakeCount: this.#intake.size,
      warning: replica?.warning ?? null,
      failure,
    }
  }

  /** Stops; resolves when everything that was under way is durable and the store is closed. */
  async stop(): Promise<void> {
    this.#end(stopped())
    await this.#fetching
    await this.#options.store.close()
  }

  #onTick(): void {
    this.#tick += 1
    this.#replicas.tick(this.#options.clock())
    this.#tellView()
    if (this.#tick % SWEEP_TICKS === 0) this.#sweep()
    if (this.#tick >= this.#fetchTick && this.#fetching === undefined) this.#fetch()
  }

  /** The group has blocks that no replica will send: it is far ahead, in a later epoch, or there is no replica here. */
  #isFarBehind(): boolean {
    const { memberEpoch } = this.ledger.members
    const isFar = this.#application.offeredHeight > this.ledger.head().height
    return isFar || this.#replicas.heardEpoch > memberEpoch || this.#replicas.status() === undefined
  }

  #fetch(): void {
    const { fetchBlocks, store } = this.#options
    const isFar = this.#isFarBehind()
    if (fetchBlocks === undefined || (!isFar && this.#gapHeight <= this.#height)) return
    const heightBefore = this.#height
    const untilHeight = isFar ? Infinity : this.#gapHeight
    this.#fetching = this.#follow(fetchBlocks(store.head.height + 1), untilHeight).finally(() => {
      const isFruitless = this.#height === heightBefore
      // Whoever claims a later epoch without blocks of it costs an attempt a second.
      if (isFruitless) this.#replicas.forgetHeard()
      this.#fetchTick = this.#tick + (isFruitless ? IDLE_TICKS : FETCH_TICKS)
    })
  }

  /** Blocks that this node had followed before it was stopped, and that its replica does not know of. */
  async *#readOwn(): AsyncIterable<StoredBlock> {
    const { store } = this.#options
    for (let height = this.#height + 1; height <= store.head.height; height++) {
      const stored = await store.read(height)
      if (stored !== undefined) yield stored
    }
  }

  /** Takes final blocks of others, one after the other. */
  async #follow(blocks: AsyncIterable<StoredBlock>, untilHeight = Infinity): Promise<void> {
    try {
      for await (const stored of blocks) {
        if (this.#isStopped || stored.height > Math.min(this.#height + 1, untilHeight)) return
        if (stored.height <= this.#height) continue
        const followed = this.#application.follow(stored)
        if (!followed.ok) {
          this.#tell({ kind: 'reject', grade: 'rejected', from: null, reason: followed.message })
          return
        }
        await this.#keep(stored)
        // The replica may have delivered it meanwhile.
        if (!this.#isStopped && stored.height === this.#height + 1) this.#commit(followed.value)
      }
    } catch (error) {
      if (isVitalsealError(error, 'ERR_NODE_DISK')) this.#fail(error)
      else this.#tell({ kind: 'reject', grade: 'ignored', from: null, reason: `blocks of others: ${reasonOf(error)}` })
    } finally {
      this.#fetching = undefined
    }
  }

  async #keep(stored: StoredBlock): Promise<void> {
    // What the replica called final is in its log: after a restart it is there before anything is asked.
    const isKnown = this.#replicas.status() === undefined || stored.height <= this.#gapHeight
    const delivered = isKnown ? { deliveredHeight: stored.height } : {}
    await this.#options.store.write({ blocks: [stored], ...delivered })
  }

  /**
   * Takes what the replica calls final. Where the certificates before it are gone at those whom it asked, it goes on from a
   * later one: that block is not stored, and waits executed until other nodes have sent those between.
   */
  #deliver(height: number): void {
    if (height > this.#options.store.head.height) {
      this.#gapHeight = height
      return
    }
    const settled = this.#application.settle(height)
    if (settled !== undefined && height === this.#height + 1) this.#commit(settled)
  }

  /** A block is final and stored: from here on it is acknowledged. */
  #commit({ applied, batch }: Settled): void {
    this.#height = applied.block.header.height
    this.feed.commit(applied)
    const refused = this.#intake.settle(applied, batch)
    this.#tell({ kind: 'block', height: this.#height, count: applied.transactions.length })
    if (this.#replicas.follow()) this.#intake.repeat()
    for (const { id } of applied.transactions) this.#settle(id, undefined)
    for (const id of refused) this.#settle(id, this.#intake.refusalOf(id))
    for (const listener of [...this.#listeners]) listener()
  }

  #sweep(): void {
    for (const { id, failure } of this.#intake.sweep((awaited) => this.#waiters.has(awaited))) this.#settle(id, failure)
  }

  #settle(id: TransactionId, settlement: Settlement): void {
    const listeners = this.#waiters.get(id)
    if (listeners === undefined) return
    this.#waiters.delete(id)
    for (const listener of listeners) listener(settlement)
  }

  #tellView(): void {
    const { view, primary, mode, memberEpoch } = this.status()
    const shown = `${view} ${primary} ${mode} ${memberEpoch}`
    if (shown === this.#shownView) return
    this.#shownView = shown
    this.#tell({ kind: 'view', view, primary, mode, memberEpoch })
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return
    this.#failure = isVitalsealError(error) ? error : broken(this.ledger.head().height, error)
    this.#end(this.#failure)
    this.#tell({ kind: 'halt', reason: this.#failure.message })
  }

  #end(reason: VitalsealError): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearInterval(this.#timer)
    this.#replicas.stop()
    this.feed.close()
    for (const id of [...this.#waiters.keys()]) this.#settle(id, reason)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function refuseFollowing(memberEpoch: number): Failure<'ERR_PBFT_NOT_A_MEMBER'> {
  const message = 'this node is no member and orders nothing: give the transaction to one that is'
  return fail('ERR_PBFT_NOT_A_MEMBER', message, { path: 'transaction', details: { memberEpoch } })
}

function stopped(): VitalsealError<'ERR_NODE_STOPPED'> {
  return new VitalsealError('ERR_NODE_STOPPED', 'the node has stopped: ask another one', { details: {} })
}

/** The error for an exception out of the replica: an invariant of ours is broken. */
function broken(height: number, cause: unknown): VitalsealError<'ERR_PBFT_HALTED'> {
  const message = `stopped at ${height}: ${reasonOf(cause)}`
  return new VitalsealError('ERR_PBFT_HALTED', message, { details: { height }, cause })
}

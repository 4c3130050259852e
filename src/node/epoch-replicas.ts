/**
 * The replicas of one member, epoch by epoch: the one that votes now, and for a while the one of the epoch before, which
 * answers those who have not seen its last block. A party that is no member has none and only follows.
 */

import type { Genesis, Ledger } from '../chain/index.ts'
import type { BlsSigner } from '../primitives/bls-signature.ts'
import { equalBytes, type Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { Signer, Verifier } from '../primitives/signature.ts'
import {
  createInbox,
  createReplica,
  type Effect,
  type LogRecord,
  type ReplicaConfig,
  type ReplicaStatus,
  type Request,
} from '../pbft/index.ts'
import type { Handed } from './intake.ts'
import type { LedgerApplication } from './ledger-application.ts'
import type { NodeStore } from './level-store.ts'
import { peekMessage } from './peek-message.ts'
import { ReplicaDriver } from './replica-driver.ts'
import type { createTeller } from './node-events.ts'

/** Settings of the replica that a node may choose for itself; the group works best where all choose alike. */
export type ReplicaTuning = Omit<ReplicaConfig, 'chainId' | 'members' | 'memberEpoch' | 'baseHeight'>

/** What the replicas of a member need. */
export interface EpochOptions {
  readonly genesis: Genesis
  readonly signer: Signer
  readonly blsSigner?: BlsSigner | undefined
  readonly ledger: Ledger
  readonly application: LedgerApplication
  readonly store: NodeStore
  readonly verifier: Verifier
  readonly tuning: ReplicaTuning
  readonly send: (to: readonly Did[], bytes: Bytes) => void
  readonly tell: ReturnType<typeof createTeller>
  /** A block is final and stored. */
  readonly onDeliver: (height: number) => void
  readonly onFailure: (error: unknown) => void
}

/** Ticks for which the replica of a former epoch still answers. */
const FORMER_TICKS = 6_000
/** What pbft takes at most for a batch, and its standard number. */
const BATCH_BYTES_MAX = 1024 * 1024
const BATCH_TRANSACTIONS = 500

interface Epoch {
  readonly driver: ReplicaDriver
  readonly config: ReplicaConfig
}

/** Drives the replicas of one member. */
export class EpochReplicas {
  readonly #options: EpochOptions
  #current: Epoch | undefined
  #former: (Epoch & { readonly untilTick: number }) | undefined
  #memberEpoch = -1
  #heardEpoch = 0
  #tick = 0

  /** Begins nothing yet; see {@link EpochReplicas.begin}. */
  constructor(options: EpochOptions) {
    this.#options = options
  }

  /** The latest epoch of which a message came: where it is later than that of the ledger, the group has gone on. */
  get heardEpoch(): number {
    return this.#heardEpoch
  }

  /** Forgets of which epochs it heard, until it hears of them again. */
  forgetHeard(): void {
    this.#heardEpoch = 0
  }

  /** Begins with the records that the store holds. */
  begin(): void {
    const { store, ledger } = this.#options
    const records = store.takeRecords()
    const isOfNow = store.head.memberEpoch === ledger.members.memberEpoch && records.length > 0
    this.#enter(isOfNow ? records : undefined)
  }

  /** To be called after each final block: where it closed the epoch, goes on in the next; returns whether it did. */
  follow(): boolean {
    if (this.#options.ledger.members.memberEpoch === this.#memberEpoch) return false
    const left = this.#current
    // One that was left behind has nothing to tell.
    this.#former?.driver.stop()
    this.#former = undefined
    if (left?.driver.replica.status().mode === 'closed') {
      left.driver.retire()
      this.#former = { ...left, untilTick: this.#tick + FORMER_TICKS }
    } else left?.driver.stop()
    const pending = left?.driver.replica.pending() ?? []
    this.#options.application.begin()
    this.#enter(undefined)
    for (const request of pending) this.hand(request)
    return true
  }

  #enter(records: readonly LogRecord[] | undefined): void {
    const { signer, blsSigner, store, ledger, application, verifier, onDeliver, onFailure, tell } = this.#options
    const { memberEpoch, members } = ledger.members
    this.#memberEpoch = memberEpoch
    this.#current = undefined
    const self = members.find(({ did }) => did === signer.did)
    if (self === undefined) return
    const config = this.#configure()
    // A log that is left out says that this member has never voted in this epoch.
    const log = records ?? (store.head.memory === 'lost' ? [] : undefined)
    // A change of members may name another key than this node's: it votes all the same, without shares.
    const isKnown =
      blsSigner !== undefined && self.bls !== undefined && equalBytes(self.bls.publicKey, blsSigner.publicKey)
    const bls = isKnown ? { blsSigner } : {}
    const replica = createReplica({ config, signer, application, log, ...bls })
    const driver = new ReplicaDriver({
      replica,
      inbox: createInbox({ config, replica, verifier }),
      memberEpoch,
      application,
      store,
      send: (to, bytes) => {
        this.#send(to, bytes)
      },
      onDeliver: ({ height }) => {
        onDeliver(height)
      },
      onEvidence: ({ accused, evidence }) => {
        tell({ kind: 'evidence', accused, evidence })
      },
      onReject: ({ grade, from, reason }) => {
        tell({ kind: 'reject', grade, from, reason })
      },
      onFailure,
    })
    this.#current = { driver, config }
  }

  #configure(): ReplicaConfig {
    const { genesis, ledger, tuning } = this.#options
    const { memberEpoch, heightFirst, members } = ledger.members
    const { blockBytesMax, blockTransactionsMax } = genesis.parameters
    return {
      chainId: genesis.chainId,
      members,
      memberEpoch,
      baseHeight: heightFirst - 1,
      batchBytesMax: Math.min(blockBytesMax, BATCH_BYTES_MAX),
      batchTransactionsMax: Math.min(blockTransactionsMax, BATCH_TRANSACTIONS),
      ...tuning,
    }
  }

  #send(to: readonly Did[], bytes: Bytes): void {
    const { send, tell, signer } = this.#options
    const peeked = peekMessage(bytes)
    if (peeked !== undefined) tell({ kind: 'message', direction: 'sent', from: signer.did, to, ...peeked })
    send(to, bytes)
  }

  /** Takes a message; resolves, where that is not at once, when what it led to is durable. */
  receive(from: Did, bytes: Uint8Array): Promise<void> | undefined {
    const { tell, signer } = this.#options
    const peeked = peekMessage(bytes)
    if (peeked === undefined) {
      tell({ kind: 'reject', grade: 'rejected', from, reason: 'no message' })
      return undefined
    }
    tell({ kind: 'message', direction: 'received', from, to: [signer.did], ...peeked })
    this.#heardEpoch = Math.max(this.#heardEpoch, peeked.memberEpoch)
    const epoch = [this.#current, this.#former].find((each) => each?.driver.memberEpoch === peeked.memberEpoch)
    if (epoch === undefined) return undefined
    epoch.driver.receive(bytes, from)
    return epoch.driver.settling()
  }

  /** Gives a request of a client to the replica. */
  hand(request: Request): Handed {
    if (this.#current === undefined) return 'full'
    return judge(this.#current.driver.step({ kind: 'request', request }))
  }

  /** Lets time pass. */
  tick(nowMs: number): void {
    this.#tick += 1
    this.#current?.driver.step({ kind: 'tick', nowMs })
    this.#former?.driver.step({ kind: 'tick', nowMs })
    if (this.#former === undefined || this.#former.untilTick > this.#tick) return
    this.#former.driver.stop()
    this.#former = undefined
  }

  /** How the replica is; undefined where there is none. */
  status(): ReplicaStatus | undefined {
    return this.#current?.driver.replica.status()
  }

  /** Everyone to whom there is something to say: members now, and of the epoch that still answers. */
  members(): readonly Did[] {
    const sets = [this.#options.ledger.members, this.#current?.config, this.#former?.config]
    return [...new Set(sets.flatMap((set) => set?.members.map(({ did }) => did) ?? []))]
  }

  /** Ends all: nothing leaves any more. */
  stop(): void {
    this.#current?.driver.stop()
    this.#former?.driver.stop()
  }
}

/** What became of a request, by the effects that it had. */
function judge(effects: readonly Effect[]): Handed {
  for (const effect of effects) {
    const isOfRequest = effect.kind === 'reject' && effect.from === null && effect.reason.startsWith('request: ')
    if (!isOfRequest || effect.grade === 'ignored') continue
    return effect.reason.endsWith('full') ? 'full' : 'refused'
  }
  return 'taken'
}

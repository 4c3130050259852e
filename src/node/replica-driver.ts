/**
 * Drives one replica as `vitalseal/pbft` demands of a host: one input at a time, effects in their order, and nothing leaves
 * before what it rests on is durable.
 *
 * Inputs are not held up by the disk: while a write is under way they are stepped, and their records go with the next one.
 * After a write that failed, a halt or an exception nothing leaves any more.
 */

import { VitalsealError } from '../errors.ts'
import type { Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import type { StoredBlock } from '../chain/index.ts'
import { encodeCertificate, type Effect, type Inbox, type Input, type LogRecord, type Replica } from '../pbft/index.ts'
import type { LedgerApplication } from './ledger-application.ts'
import type { NodeStore, StoreChange } from './level-store.ts'

type EffectOf<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>

/** What a driver needs. */
export interface DriverOptions {
  readonly replica: Replica
  /** Before that replica: verifies what decides something, and nothing else. */
  readonly inbox: Inbox
  readonly memberEpoch: number
  readonly application: LedgerApplication
  readonly store: NodeStore
  readonly send: (to: readonly Did[], bytes: Bytes) => void
  /** A block is final and stored. */
  readonly onDeliver: (effect: EffectOf<'deliver'>) => void
  readonly onEvidence: (effect: EffectOf<'evidence'>) => void
  readonly onReject: (effect: EffectOf<'reject'>) => void
  /** The replica has stopped for good, and nothing has left since. */
  readonly onFailure: (error: unknown) => void
}

interface Waiting {
  readonly effect: EffectOf<'send' | 'deliver'>
  /** The write after which it may leave. */
  readonly write: number
}

/** One replica, its log and what waits for the disk. */
export class ReplicaDriver {
  readonly replica: Replica
  readonly memberEpoch: number
  readonly #options: DriverOptions
  /** Writes that were begun, and those of them that are durable. */
  #writeCount = 0
  #durableCount = 0
  /** Last record that is durable. */
  #durableIndex: number
  #waiting: Waiting[] = []
  #isStopped = false
  #isRetired = false
  #lastWrite: Promise<void> | undefined

  /** Takes over a replica that has not been stepped. */
  constructor(options: DriverOptions) {
    this.#options = options
    this.replica = options.replica
    this.memberEpoch = options.memberEpoch
    const { head } = options.store
    this.#durableIndex = head.memberEpoch === options.memberEpoch ? (head.last?.index ?? -1) : -1
  }

  /** Takes a tick or a request; returns the effects, which are being carried out. */
  step(input: Input): readonly Effect[] {
    return this.#take(() => this.#options.inbox.step(input))
  }

  /** Takes the bytes that a peer brings. */
  receive(bytes: Uint8Array, from: Did): void {
    this.#take(() => this.#options.inbox.receive(bytes, from))
  }

  #take(give: () => readonly Effect[]): readonly Effect[] {
    if (this.#isStopped) return []
    try {
      const effects = give()
      this.#carryOut(effects)
      return effects
    } catch (error) {
      this.#fail(error)
      return []
    }
  }

  /** Its epoch has closed: it answers from what it knows, and writes nothing more. */
  retire(): void {
    this.#isRetired = true
  }

  /** Ends it: what waits never leaves. */
  stop(): void {
    this.#isStopped = true
    this.#waiting = []
  }

  /** Resolves when what is under way is durable; undefined where nothing is. */
  settling(): Promise<void> | undefined {
    return this.#durableCount < this.#writeCount ? this.#lastWrite : undefined
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return
    this.stop()
    this.#options.onFailure(error)
  }

  #carryOut(effects: readonly Effect[]): void {
    if (this.#isRetired) {
      for (const effect of effects) if (effect.kind === 'send' && effect.after <= this.#durableIndex) this.#let(effect)
      return
    }
    const change = this.#collect(effects)
    if (change !== undefined) this.#write(change)
    for (const effect of effects) {
      if (this.#isStopped) return
      this.#carry(effect)
    }
  }

  /** What must be durable of a step; its blocks go with its records, which is early enough for both. */
  #collect(effects: readonly Effect[]): StoreChange | undefined {
    const { application, store, memberEpoch } = this.#options
    const records: LogRecord[] = []
    const blocks: StoredBlock[] = []
    for (const effect of effects) {
      if (effect.kind === 'persist') records.push(effect.record)
      if (effect.kind === 'deliver') {
        const { height, block, certificate } = effect
        // Behind a gap, where a replica went on from a later certificate: the host reads these blocks from other nodes.
        const isNext = height <= store.head.height + 1 + blocks.length
        if (isNext) blocks.push({ height, block, certificate: encodeCertificate(certificate) })
      }
    }
    const hasRecovered = store.head.memory === 'lost' && this.replica.status().mode !== 'recovering'
    if (records.length + blocks.length === 0 && !hasRecovered) return undefined
    const deliveredHeight = Math.max(store.head.deliveredHeight, application.adoptedHeight, blocks.at(-1)?.height ?? 0)
    return { memberEpoch, records, blocks, deliveredHeight, ...(hasRecovered ? { memory: 'kept' } : {}) }
  }

  #write(change: StoreChange): void {
    this.#writeCount += 1
    const write = this.#writeCount
    const lastIndex = change.records?.at(-1)?.index
    this.#lastWrite = this.#options.store
      .write(change)
      .then(() => {
        this.#release(write, lastIndex)
      })
      .catch((error: unknown) => {
        this.#fail(error)
      })
  }

  #carry(effect: Effect): void {
    const { onEvidence, onReject } = this.#options
    switch (effect.kind) {
      case 'persist':
        return
      case 'send':
      case 'deliver': {
        const mayLeave = effect.kind === 'send' && effect.after <= this.#durableIndex
        if (mayLeave) this.#let(effect)
        else this.#waiting.push({ effect, write: this.#writeCount })
        return
      }
      case 'evidence':
        onEvidence(effect)
        return
      case 'reject':
        onReject(effect)
        return
      case 'halt': {
        const details = { height: effect.height }
        this.#fail(new VitalsealError('ERR_PBFT_HALTED', `stopped at ${effect.height}: ${effect.reason}`, { details }))
      }
    }
  }

  #release(write: number, lastIndex: number | undefined): void {
    if (this.#isStopped) return
    this.#durableCount = write
    this.#durableIndex = lastIndex ?? this.#durableIndex
    while (!this.#isStopped && (this.#waiting[0]?.write ?? Infinity) <= write)
      this.#let((this.#waiting.shift() as Waiting).effect)
  }

  #let(effect: EffectOf<'send' | 'deliver'>): void {
    if (effect.kind === 'send') this.#options.send(effect.to, effect.bytes)
    else this.#options.onDeliver(effect)
  }
}

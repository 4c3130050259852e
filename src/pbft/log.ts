/**
 * The message log: slots for the sequence numbers between the watermarks h and h + L, and votes counted by what they say.
 *
 * A slot keeps at most one vote of each kind and member, for the current view only, so memory is bounded by L and n. Votes
 * are compared by (view, digest) when they are counted, never taken as "a message from this member".
 */

import { equalBytes, toKey } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { Batch } from './batch.ts'
import type { VerifiedMessage } from './message.ts'
import type { CommitCertificate, PreparedCertificate, SignedVote } from './shape.ts'

/** A PREPARE or COMMIT. */
export type Vote = VerifiedMessage<'prepare'> | VerifiedMessage<'commit'>

/** What a replica knows about one sequence number. */
export interface Slot {
  readonly sequence: number
  /** The PRE-PREPARE of the current view that this replica accepted, without the batch that came with it. */
  accepted: VerifiedMessage<'pre-prepare'> | undefined
  /** Whether the bytes of the accepted PRE-PREPARE hold its batch. */
  isWhole: boolean
  acceptedTick: number
  /** A PRE-PREPARE whose batch is being fetched. */
  waiting: VerifiedMessage<'pre-prepare'> | undefined
  /** A batch that this replica is to propose again and lacks. */
  wanted: Digest32 | undefined
  readonly prepares: Map<number, VerifiedMessage<'prepare'>>
  readonly commits: Map<number, VerifiedMessage<'commit'>>
  /** The prepared certificate of the highest view; outlives views. */
  prepared: PreparedCertificate | undefined
  /** Set once; what the sequence number orders for ever. */
  committed: CommitCertificate | undefined
  /** Batches by digest that one of the above names. */
  readonly batches: Map<string, Batch>
}

function createSlot(sequence: number): Slot {
  return {
    sequence,
    accepted: undefined,
    isWhole: false,
    acceptedTick: 0,
    waiting: undefined,
    wanted: undefined,
    prepares: new Map(),
    commits: new Map(),
    prepared: undefined,
    committed: undefined,
    batches: new Map(),
  }
}

/** Notes which proposal a slot accepted, and when. */
export function setAccepted(slot: Slot, message: VerifiedMessage<'pre-prepare'>, tick: number): void {
  slot.acceptedTick = tick
  slot.accepted = { ...message, batch: null }
  slot.isWhole = message.batch !== null
}

/** The slots above the stable checkpoint. */
export class MessageLog {
  readonly #slots = new Map<number, Slot>()
  readonly #span: number
  #stable: number

  /**
   * Makes an empty log.
   *
   * @param stable - h
   * @param span - L
   */
  constructor(stable: number, span: number) {
    this.#stable = stable
    this.#span = span
  }

  /** h, the low watermark. */
  get stable(): number {
    return this.#stable
  }

  /** h + L, the high watermark. */
  get high(): number {
    return this.#stable + this.#span
  }

  /** Tells whether a sequence number is between the watermarks. */
  isInWindow(sequence: number): boolean {
    return sequence > this.#stable && sequence <= this.high
  }

  /** Returns the slot, making it when there is none; callers have checked the window. */
  slot(sequence: number): Slot {
    let slot = this.#slots.get(sequence)
    if (slot === undefined) {
      slot = createSlot(sequence)
      this.#slots.set(sequence, slot)
    }
    return slot
  }

  /** Returns the slot if there is one. */
  find(sequence: number): Slot | undefined {
    return this.#slots.get(sequence)
  }

  /** Slots in ascending order. */
  slots(): readonly Slot[] {
    return [...this.#slots.values()].sort((left, right) => left.sequence - right.sequence)
  }

  /** Votes, proposals and batches kept. */
  get entryCount(): number {
    let count = 0
    for (const { prepares, commits, batches } of this.#slots.values())
      count += 1 + prepares.size + commits.size + batches.size
    return count
  }

  /** Moves the low watermark up and frees what lies below. */
  advance(stable: number): void {
    this.#stable = stable
    for (const sequence of this.#slots.keys()) if (sequence <= stable) this.#slots.delete(sequence)
  }

  /** Drops what belongs to a view that is left: votes and proposals, but no certificate and no batch that one names. */
  leaveView(): void {
    for (const slot of this.#slots.values()) {
      const kept = new Set(
        [slot.prepared, slot.committed, slot.accepted?.body].map((named) => named && toKey(named.digest)),
      )
      slot.accepted = undefined
      slot.waiting = undefined
      slot.wanted = undefined
      slot.prepares.clear()
      slot.commits.clear()
      for (const digest of slot.batches.keys()) if (!kept.has(digest)) slot.batches.delete(digest)
    }
  }
}

/** Returns the votes that say what is asked, as entries of a certificate, in order of the members. */
export function matchingVotes(
  votes: ReadonlyMap<number, Vote>,
  wanted: { readonly view: number; readonly digest: Digest32 },
): SignedVote[] {
  const matching: SignedVote[] = []
  for (const { signer, body, signature } of votes.values()) {
    if (body.view !== wanted.view || !equalBytes(body.digest, wanted.digest) || signature === null) continue
    matching.push({ signer, signature })
  }
  return matching.sort((left, right) => left.signer - right.signer)
}

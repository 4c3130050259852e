/**
 * The inbox: from a peer's bytes to the effects of the replica, with as few signature checks as decide (pbft.md 1.13, P3).
 *
 * It stands between transport and replica. Messages of the wrong form are refused; votes that cannot matter any more are
 * dropped unverified; the others wait until, with them, a quorum would be complete, and only then are as many verified as
 * that takes: 1 + (Q - 2) + (Q - 1) a block instead of 1 + (n - 2) + (n - 1), and Q - 1 EXEC-VOTEs instead of n - 1.
 * Everything else is verified as it comes.
 *
 * What an attacker may do: send anything under any name. One vote waits for each place and member, so that memory is bounded
 * by 3 L n whatever comes. Where a member seems to vote twice for one place, the later vote is verified at once: a forged one
 * never displaces an honest one, costs one check at most, and two valid ones that differ both reach the replica, as evidence.
 * A forged vote blames nobody. Where the transport does not say who brings a message, anyone may also speak up in state
 * transfer under the name of the member that was asked, and spoil one attempt after the other.
 */

import { equalBytes, toKey, type Bytes } from '../primitives/bytes.ts'
import type { Did } from '../primitives/did.ts'
import { createVerifier, type Verifier } from '../primitives/signature.ts'
import { readMessage, verifyMessage, type Checked } from './authenticate.ts'
import { settleConfig, type ReplicaConfig } from './config.ts'
import { REMEMBERED_SIGNATURES_MAX } from './limits.ts'
import type { MessageKind, MessageOf, PeerMessage } from './message.ts'
import type { Effect, Input, Replica } from './types.ts'
import { rememberVerified } from './verified-memory.ts'

/** What an inbox stands between. */
export interface InboxOptions {
  /** The configuration of the replica. */
  readonly config: ReplicaConfig
  readonly replica: Replica
  /** The default runs everywhere; `vitalseal/node` has a faster one. */
  readonly verifier?: Verifier | undefined
}

/** Feeds a replica with what its peers send. Make a new one with each new replica, after a restart too. */
export interface Inbox {
  /**
   * Takes the bytes of a peer, at most 4 MiB; returns the effects of all that follows, in order. Total.
   *
   * @param bytes - a message
   * @param from - who brings it, where the transport knows; then what speaks for its sender alone is taken from that member only
   */
  receive(bytes: Uint8Array, from?: Did): readonly Effect[]
  /** Takes a tick or a request, as `Replica.step` does; votes that waited may decide something now. */
  step(input: Input): readonly Effect[]
  /** Votes that wait unverified; at most 3 L n. */
  readonly entryCount: number
}

/**
 * What nobody passes on for another. REQUEST and FETCHED bear no signature, and an old STATUS or FETCH, sent again by another,
 * would use up what its sender is answered in a tick.
 */
const DIRECT_KINDS: ReadonlySet<MessageKind> = new Set<MessageKind>(['request', 'status', 'fetch', 'fetched'])

/** Makes a message of bytes: form only. */
export type ReadMessage = (bytes: Uint8Array) => Checked<PeerMessage>

type Vote = MessageOf<'prepare'> | MessageOf<'commit'> | MessageOf<'exec-vote'>

/** Votes that wait for one place, by member. */
type Place = Map<number, Vote>

function isVote(message: PeerMessage): message is Vote {
  return message.kind === 'prepare' || message.kind === 'commit' || message.kind === 'exec-vote'
}

/** What a vote is about. */
function placeOf({ kind, body }: Vote): string {
  return kind === 'exec-vote' ? `${kind}/${body.sequence}` : `${kind}/${body.sequence}/${body.view}`
}

function saysOf(vote: Vote): Bytes {
  return vote.kind === 'exec-vote' ? vote.body.headerDigest : vote.body.digest
}

/** Tells whether two votes for one place agree. */
function sayTheSame(left: Vote, right: Vote): boolean {
  return equalBytes(saysOf(left), saysOf(right))
}

/**
 * Returns an inbox for a replica.
 *
 * @throws When the configuration is out of range: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function createInbox(options: InboxOptions): Inbox {
  const settings = settleConfig(options.config)
  return createInboxThatReads(options, (bytes) => readMessage(settings, bytes))
}

/** Returns an inbox that reads messages so; a simulation reads what goes to many only once. */
export function createInboxThatReads(options: InboxOptions, read: ReadMessage): Inbox {
  return new VoteInbox(options, read)
}

class VoteInbox implements Inbox {
  readonly #replica: Replica
  readonly #read: ReadMessage
  readonly #settings: ReturnType<typeof settleConfig>
  readonly #verifier: Verifier
  readonly #places = new Map<string, Place>()
  #effects: Effect[] = []
  /** Whether what the replica needs may have changed since the places were last looked through. */
  #isStale = false

  constructor({ config, replica, verifier = createVerifier() }: InboxOptions, read: ReadMessage) {
    this.#replica = replica
    this.#read = read
    this.#settings = settleConfig(config)
    const { logSpan, replicaCount } = this.#settings
    this.#verifier = rememberVerified(verifier, Math.min(3 * logSpan * replicaCount, REMEMBERED_SIGNATURES_MAX))
  }

  get entryCount(): number {
    let count = 0
    for (const place of this.#places.values()) count += place.size
    return count
  }

  receive(bytes: Uint8Array, from?: Did): readonly Effect[] {
    const read = this.#read(bytes)
    if (!read.ok) this.#refuse('rejected', read.message)
    else if (from !== undefined && from !== read.value.from && DIRECT_KINDS.has(read.value.kind))
      this.#refuse('rejected', `${read.value.kind}: brought by another member`)
    else if (this.#replica.needs(read.value) === 0) this.#refuse('ignored', `${read.value.kind}: of no use any more`)
    else if (isVote(read.value)) this.#takeVote(read.value)
    else this.#verifyAndFeed(read.value)
    return this.#finish()
  }

  step(input: Input): readonly Effect[] {
    this.#feed(input)
    this.#isStale = true
    return this.#finish()
  }

  #refuse(grade: 'ignored' | 'rejected', reason: string): void {
    this.#effects.push({ kind: 'reject', grade, from: null, reason })
  }

  #feed(input: Input): void {
    const effects = this.#replica.step(input)
    for (const effect of effects) {
      this.#effects.push(effect)
      // Whatever changes what is needed is written to the log first.
      if (effect.kind === 'persist') this.#isStale = true
    }
  }

  /** Verifies a message and hands it to the replica; returns whether it is valid. */
  #verifyAndFeed(message: PeerMessage): boolean {
    const checked = verifyMessage(this.#settings, this.#verifier, message)
    if (checked.ok) {
      // While this replica recovers it writes nothing, and yet a proposal changes what votes are worth.
      if (message.kind === 'pre-prepare') this.#isStale = true
      this.#feed({ kind: 'message', message: checked.value })
    } else this.#refuse('rejected', `${message.kind}: ${checked.message}`)
    return checked.ok
  }

  #takeVote(vote: Vote): void {
    const name = placeOf(vote)
    const place: Place = this.#places.get(name) ?? new Map<number, Vote>()
    const earlier = place.get(vote.signer)
    if (earlier === undefined) this.#places.set(name, place.set(vote.signer, vote))
    else if (equalBytes(earlier.bytes, vote.bytes)) this.#refuse('ignored', `${vote.kind}: waits already`)
    else this.#takeSecond(place, earlier, vote)
    this.#decide(name, place)
  }

  /** Two votes under one name for one place: at least one is forged, or their signer broke the protocol, or signed anew. */
  #takeSecond(place: Place, earlier: Vote, vote: Vote): void {
    if (!this.#verifyAndFeed(vote)) return
    place.delete(vote.signer)
    if (!sayTheSame(earlier, vote)) this.#verifyAndFeed(earlier)
  }

  /** Verifies the votes of a place as long as there are enough to decide something, and drops those that are late. */
  #decide(name: string, place: Place): void {
    for (let due = this.#findDue(place); due !== undefined; due = this.#findDue(place)) {
      for (const vote of due) {
        place.delete(vote.signer)
        this.#verifyAndFeed(vote)
      }
    }
    if (place.size === 0) this.#places.delete(name)
  }

  #findDue(place: Place): readonly Vote[] | undefined {
    const groups = new Map<string, Vote[]>()
    for (const vote of place.values()) {
      const key = toKey(saysOf(vote))
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [vote])
      else group.push(vote)
    }
    for (const group of groups.values()) {
      for (const [at, vote] of group.entries()) {
        const needed = this.#replica.needs(vote)
        if (needed > group.length - at) break
        if (needed > 0) return group.slice(at, at + needed)
        this.#drop(place, vote)
      }
    }
    return undefined
  }

  #drop(place: Place, { kind, signer }: Vote): void {
    place.delete(signer)
    this.#refuse('ignored', `${kind}: not needed any more`)
  }

  #finish(): readonly Effect[] {
    while (this.#isStale) {
      this.#isStale = false
      for (const [name, place] of this.#places) this.#decide(name, place)
    }
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

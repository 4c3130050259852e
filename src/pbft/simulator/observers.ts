/**
 * What must hold in every run, watched from outside of the replicas (pbft.md 2).
 *
 * S1 one header for each height. S2 executed logs are prefixes of one another. S3 only requests of clients. S4 none twice.
 * S5 what was acknowledged stays. S6 certificates hold. S7 a correct replica never signs two digests for one place, across
 * crashes. S8 checkpoints never go back. S9 memory, disk and messages stay under their limits. S10 evidence holds and names
 * no correct replica. L1 after the faults stop, every request is executed in time. L2 every correct replica reaches the head.
 */

import { toHex } from '../../primitives/bytes.ts'
import type { Digest32 } from '../../primitives/hash.ts'
import type { Verifier } from '../../primitives/signature.ts'
import type { ProposedBatch } from '../batch.ts'
import { verifyCertificate } from '../certificate.ts'
import type { ReplicaConfig, Settings } from '../config.ts'
import { verifyEvidence } from '../evidence.ts'
import { MESSAGE_BYTES_MAX } from '../limits.ts'
import type { PeerMessage } from '../message.ts'
import type { Effect, ReplicaStatus } from '../types.ts'

/** A property that did not hold. */
export interface Violation {
  readonly property: string
  readonly message: string
}

/** What the observers know about one replica. */
interface Watched {
  stable: number
  certified: number
  readonly executed: Map<number, string>
}

/** Watches the correct replicas of one run. */
export class Observers {
  readonly violations: Violation[] = []
  /** Requests that clients made. */
  readonly submitted = new Set<string>()
  /** Requests in blocks that some correct replica had certified. */
  readonly acknowledged = new Set<string>()
  readonly #config: ReplicaConfig
  readonly #settings: Settings
  readonly #verifier: Verifier
  readonly #faulty: ReadonlySet<number>
  readonly #headers = new Map<number, string>()
  readonly #requests = new Map<number, readonly string[]>()
  readonly #certified = new Map<number, string>()
  readonly #votes = new Map<string, string>()
  readonly #watched = new Map<number, Watched>()

  /**
   * Begins to watch.
   *
   * @param options - the group, and which of its members are faulty
   */
  constructor(options: {
    readonly config: ReplicaConfig
    readonly settings: Settings
    readonly verifier: Verifier
    readonly faulty: ReadonlySet<number>
  }) {
    this.#config = options.config
    this.#settings = options.settings
    this.#verifier = options.verifier
    this.#faulty = options.faulty
  }

  /** Reports a violation. */
  report(property: string, message: string): void {
    this.violations.push({ property, message })
  }

  #of(index: number): Watched {
    let watched = this.#watched.get(index)
    if (watched === undefined) {
      watched = { stable: 0, certified: 0, executed: new Map() }
      this.#watched.set(index, watched)
    }
    return watched
  }

  /** A correct replica executed a block. */
  executed(index: number, batch: ProposedBatch, height: number, headerDigest: Digest32): void {
    const header = toHex(headerDigest)
    const ids = batch.requests.map((request) => toHex(request.id))
    const known = this.#headers.get(height)
    if (known === undefined) {
      this.#headers.set(height, header)
      this.#requests.set(height, ids)
    } else if (known !== header) {
      this.report('S1', `replica ${index} executed another block ${height} than an earlier one`)
    }
    for (const id of ids)
      if (!this.submitted.has(id)) this.report('S3', `replica ${index} executed what nobody asked for`)
    const { executed } = this.#of(index)
    const before = executed.get(height)
    if (before !== undefined && before !== header)
      this.report('S2', `replica ${index} executed block ${height} anew, differently`)
    executed.set(height, header)
  }

  /** A correct replica handed out a certified block. */
  delivered(index: number, effect: Extract<Effect, { kind: 'deliver' }>): void {
    const { height, certificate } = effect
    const { headerDigest } = certificate
    const { chainId, members } = this.#config
    const options = { chainId, members, headerDigest, verifier: this.#verifier }
    if (!verifyCertificate(certificate, options) || certificate.height !== height) {
      this.report('S6', `replica ${index} delivered block ${height} without a certificate that holds`)
    }
    const header = toHex(headerDigest)
    const known = this.#certified.get(height)
    if (known !== undefined && known !== header) this.report('S6', `two certificates for block ${height}`)
    this.#certified.set(height, header)
    if (this.#headers.get(height) !== header)
      this.report('S1', `block ${height} was certified with another header than executed`)
    for (const id of this.#requests.get(height) ?? []) this.acknowledged.add(id)
  }

  /** A correct replica sent a message. */
  sent(index: number, message: PeerMessage): void {
    if (message.bytes.length > MESSAGE_BYTES_MAX)
      this.report('S9', `replica ${index} sent ${message.bytes.length} bytes`)
    const place = votePlace(message)
    if (place === undefined || message.signer !== index) return
    const key = `${index}/${place.key}`
    const digest = toHex(place.digest)
    const known = this.#votes.get(key)
    if (known !== undefined && known !== digest)
      this.report('S7', `replica ${index} signed two digests for ${place.key}`)
    this.#votes.set(key, digest)
  }

  /** A correct replica accused someone. */
  accused(index: number, effect: Extract<Effect, { kind: 'evidence' }>): void {
    const accused = this.#settings.indexes.get(effect.accused)
    if (accused === undefined || !this.#faulty.has(accused)) {
      this.report('S10', `replica ${index} accused replica ${accused ?? 'unknown'}, which is correct`)
    }
    const options = { config: this.#config, accused: effect.accused, verifier: this.#verifier }
    if (!verifyEvidence(effect.evidence, options)) this.report('S10', `evidence of replica ${index} does not hold`)
  }

  /** Looks at a correct replica that runs; what its disk does not hold yet may go with a crash. */
  inspect(
    index: number,
    status: ReplicaStatus,
    disk: { readonly recordCount: number; readonly isDurable: boolean },
  ): void {
    const watched = this.#of(index)
    if (status.stableHeight < watched.stable) this.report('S8', `the checkpoint of replica ${index} went back`)
    if (disk.isDurable) watched.stable = status.stableHeight
    watched.certified = Math.max(watched.certified, status.height)
    const { logSpan, replicaCount } = this.#settings
    // Votes of three kinds, a guard entry for each vote of one's own in each of a few views, slots, and view changes.
    const entriesMax = logSpan * (3 * replicaCount + 40) + 8 * replicaCount
    if (status.entryCount > entriesMax) this.report('S9', `replica ${index} keeps ${status.entryCount} entries`)
    const recordsMax = 16 * logSpan + 40
    if (disk.recordCount > recordsMax) this.report('S9', `the log of replica ${index} has ${disk.recordCount} records`)
  }

  /**
   * A replica lost its disk: what was seen of it counts from the beginning. Its votes for sequence numbers stay signed; of
   * its VIEW-CHANGEs it cannot know, which is why a lost disk counts as one of the f faults.
   */
  wiped(index: number): void {
    this.#watched.delete(index)
    for (const key of this.#votes.keys()) {
      if (key.startsWith(`${index}/view-change/`) || key.startsWith(`${index}/new-view/`)) this.#votes.delete(key)
    }
  }

  /** The end: what was acknowledged is in the log of all that got so far, and nothing was executed twice. */
  finish(): void {
    const certifiedMax = Math.max(0, ...this.#certified.keys())
    const lasting = new Set<string>()
    for (let height = 1; height <= certifiedMax; height++) {
      for (const id of this.#requests.get(height) ?? []) lasting.add(id)
    }
    for (const id of this.acknowledged) if (!lasting.has(id)) this.report('S5', `acknowledged request ${id} was lost`)
  }
}

/** What a message fixes for ever. */
function votePlace(message: PeerMessage): { readonly key: string; readonly digest: Uint8Array } | undefined {
  const { kind, body } = message
  switch (kind) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return { key: `${kind}/${body.view}/${body.sequence}`, digest: body.digest }
    case 'exec-vote':
      return { key: `${kind}/${body.sequence}`, digest: body.headerDigest }
    case 'view-change':
    case 'new-view':
      return message.digest && { key: `${kind}/${body.view}`, digest: message.digest }
    default:
      return undefined
  }
}

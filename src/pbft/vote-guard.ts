/**
 * The vote guard: whatever the rest of the replica believes, it never signs two digests for one (type, view, sequence).
 *
 * It is kept apart from the message log, filled from the write-ahead log after a restart, and asked before every signature.
 * The same vote may be signed again, another never; being asked for another is a broken invariant of our own, so the host
 * stops the replica rather than let it equivocate.
 */

import { VitalsealError } from '../errors.ts'
import { copyBytes, equalBytes } from '../primitives/bytes.ts'

/** What a guarded vote is about. */
export interface GuardedVote {
  readonly kind: 'pre-prepare' | 'prepare' | 'commit' | 'exec-vote' | 'view-change' | 'new-view'
  /** 0 for EXEC-VOTE, which has no view. */
  readonly view: number
  /** 0 for VIEW-CHANGE and NEW-VIEW, which have no sequence number. */
  readonly sequence: number
  readonly digest: Uint8Array
}

/** Remembers what this replica has signed above its stable checkpoint. */
export class VoteGuard {
  readonly #votes = new Map<string, GuardedVote>()

  /**
   * Records a vote before it is signed.
   *
   * @throws When another digest was recorded: `ERR_PBFT_HALTED`; this replica must stop. {@link VitalsealError}
   */
  record(vote: GuardedVote): void {
    const { kind, view, sequence } = vote
    const key = `${kind}/${view}/${sequence}`
    const earlier = this.#votes.get(key)
    if (earlier === undefined) this.#votes.set(key, { kind, view, sequence, digest: copyBytes(vote.digest) })
    else if (!equalBytes(earlier.digest, vote.digest)) {
      const message = `a second ${kind} was to be signed for view ${view}, sequence ${sequence}`
      throw new VitalsealError('ERR_PBFT_HALTED', message, { details: { height: sequence } })
    }
  }

  /**
   * Forgets what no message can ask for again: sequence numbers up to the checkpoint, and views before the current one,
   * which is on disk and never goes back. EXEC-VOTEs have no view.
   */
  prune(stable: number, view: number): void {
    for (const [key, vote] of this.#votes) {
      const isLeft = vote.kind !== 'exec-vote' && vote.view < view
      if (isLeft || (vote.sequence > 0 && vote.sequence <= stable)) this.#votes.delete(key)
    }
  }

  /** How many votes are remembered. */
  get size(): number {
    return this.#votes.size
  }
}

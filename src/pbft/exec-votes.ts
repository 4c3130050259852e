/**
 * EXEC-VOTEs by height: who signed which header. Bounded by the window and the number of members.
 */

import { equalBytes, toKey, type Bytes } from '../primitives/bytes.ts'
import type { Digest32 } from '../primitives/hash.ts'
import type { Signature } from '../primitives/signature.ts'
import type { VerifiedMessage } from './message.ts'

/** Votes of one replica's log for headers. */
export class ExecVotes {
  readonly #heights = new Map<number, Map<number, VerifiedMessage<'exec-vote'>>>()

  /** Adds a vote; returns the one that its signer gave before, if any, which then stays. */
  add(vote: VerifiedMessage<'exec-vote'>): VerifiedMessage<'exec-vote'> | undefined {
    const votes = this.#heights.get(vote.body.sequence) ?? new Map<number, VerifiedMessage<'exec-vote'>>()
    const earlier = votes.get(vote.signer)
    if (earlier !== undefined) return earlier
    votes.set(vote.signer, vote)
    this.#heights.set(vote.body.sequence, votes)
    return undefined
  }

  /** Returns the vote of a member for a height. */
  find(height: number, signer: number): VerifiedMessage<'exec-vote'> | undefined {
    return this.#heights.get(height)?.get(signer)
  }

  /** Returns how many members signed one header. */
  count(height: number, headerDigest: Digest32): number {
    let count = 0
    for (const { body } of this.#heights.get(height)?.values() ?? []) {
      if (equalBytes(body.headerDigest, headerDigest)) count += 1
    }
    return count
  }

  /** Returns the signatures of one header by member. */
  signatures(height: number, headerDigest: Digest32): ReadonlyMap<number, Signature> {
    const signatures = new Map<number, Signature>()
    for (const { signer, body, signature } of this.#heights.get(height)?.values() ?? []) {
      if (signature !== null && equalBytes(body.headerDigest, headerDigest)) signatures.set(signer, signature)
    }
    return signatures
  }

  /** Returns the BLS shares of one header by member, as they came. */
  shares(height: number, headerDigest: Digest32): ReadonlyMap<number, Bytes> {
    const shares = new Map<number, Bytes>()
    for (const { signer, body } of this.#heights.get(height)?.values() ?? []) {
      if (body.share !== undefined && equalBytes(body.headerDigest, headerDigest)) shares.set(signer, body.share)
    }
    return shares
  }

  /** Returns another header than the given one that at least `count` members signed, or undefined. */
  findOther(height: number, headerDigest: Digest32, count: number): Digest32 | undefined {
    const counts = new Map<string, number>()
    for (const { body } of this.#heights.get(height)?.values() ?? []) {
      if (equalBytes(body.headerDigest, headerDigest)) continue
      const key = toKey(body.headerDigest)
      const next = (counts.get(key) ?? 0) + 1
      counts.set(key, next)
      if (next >= count) return body.headerDigest
    }
    return undefined
  }

  /** Frees heights up to the stable checkpoint. */
  prune(stable: number): void {
    for (const height of this.#heights.keys()) if (height <= stable) this.#heights.delete(height)
  }

  /** How many votes are kept. */
  get size(): number {
    let size = 0
    for (const votes of this.#heights.values()) size += votes.size
    return size
  }
}

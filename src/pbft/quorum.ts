/**
 * Quorum arithmetic for any number of replicas: small pure functions, tested for every n up to 1,000.
 *
 * The papers print "more than 2f PREPARE" and "more than 2f + 1 COMMIT", which at n = 4 demands every replica, so that one
 * silent node stops the chain; and 2f + 1 itself is unsafe where n is not 3f + 1 (at n = 5 two quorums of 3 may share only
 * the faulty replica). Castro and Liskov count for n = 3f + 1; here the counts follow from n alone.
 */

import { rejectArgument } from '../errors.ts'

/** How many replicas may fail, and how many must speak. */
export interface Quorum {
  /** Replicas in the group, the papers' |R|. */
  readonly replicaCount: number
  /** Faulty replicas that the group stands, the papers' f: floor((n - 1) / 3). */
  readonly faultMax: number
  /** Votes that decide, Q = ceil((n + f + 1) / 2): two such sets share a correct replica, and n - f can still form one. */
  readonly quorum: number
  /** Votes of which one comes from a correct replica, W = f + 1. */
  readonly weakQuorum: number
}

/**
 * Returns the quorums of a group.
 *
 * @param replicaCount - at least 1; below 4 no fault is stood, which is for development only
 * @throws When it is not a count: `ERR_ARGUMENT_INVALID`. {@link VitalsealError}
 */
export function deriveQuorum(replicaCount: number): Quorum {
  if (!Number.isSafeInteger(replicaCount) || replicaCount < 1) {
    rejectArgument('replicaCount', 'an integer of at least 1', `${replicaCount}`)
  }
  const faultMax = Math.floor((replicaCount - 1) / 3)
  const quorum = Math.ceil((replicaCount + faultMax + 1) / 2)
  return Object.freeze({ replicaCount, faultMax, quorum, weakQuorum: faultMax + 1 })
}

/**
 * Returns the index of the primary: P = V mod |R| as the papers have it, moved on by one after every `rotateEvery`
 * sequence numbers when that is not 0.
 */
export function primaryIndex(options: {
  readonly view: number
  readonly sequence: number
  readonly replicaCount: number
  readonly rotateEvery: number
}): number {
  const { view, sequence, replicaCount, rotateEvery } = options
  const turns = rotateEvery === 0 ? 0 : Math.floor((sequence - 1) / rotateEvery)
  return (view + turns) % replicaCount
}
